"""Which generator makes a cue, and what is asked of one that cannot give it: told with file, line and a way out."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.registry import CARDS, Card
from services.planning.faults import BriefError, Fault, how_to_add
from services.planning.order import PlannedTake
from services.planning.plan import Plan, named_generators, plan
from services.planning.reader import read_bytes
from tests.cards import token_model, with_composer

TOKENS = "acme/tokens"
MIXED = """\
catalog: x
seed: 3
cues:
  - {state: combat, prompt: fight, takes: 2}
  - {state: calm, prompt: wind, takes: 2}
"""


def planned(text: str, *cards: Card, **options: Any) -> Plan:
    known = with_composer(*(cards or (token_model(),)))
    return plan(read_bytes(text.encode(), Path("b.yaml")), known, **options)


def faults(text: str, *cards: Card, **options: Any) -> tuple[Fault, ...]:
    with pytest.raises(BriefError) as caught:
        planned(text, *cards, **options)
    return caught.value.faults


def by_cue(takes: tuple[PlannedTake, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for take in takes:
        found.setdefault(take.cue, []).append(take.id)
    return found


def test_a_cue_of_another_generator_changes_no_other_take() -> None:
    before = planned(MIXED)
    after = planned(MIXED.replace("prompt: wind", f"prompt: wind, generator: {TOKENS}"))
    assert by_cue(after.takes)["combat"] == by_cue(before.takes)["combat"]
    assert not set(by_cue(after.takes)["calm"]) & set(by_cue(before.takes)["calm"])
    assert [take.seed for take in after.takes] == [take.seed for take in before.takes]
    assert {(take.cue, take.generator, take.revision) for take in after.takes} == {
        ("combat", "composer", CARDS["composer"].revision), ("calm", TOKENS, token_model().revision),
    }  # fmt: skip
    assert after.generators == (("composer", CARDS["composer"].revision), (TOKENS, token_model().revision))
    assert not after.restricted


def test_naming_the_briefs_own_generator_at_a_cue_changes_nothing() -> None:
    named = planned(MIXED.replace("prompt: wind", "prompt: wind, generator: composer"))
    assert [take.id for take in named.takes] == [take.id for take in planned(MIXED).takes]


def test_the_option_takes_the_place_of_every_generator() -> None:
    text = MIXED.replace("prompt: wind", f"prompt: wind, generator: {TOKENS}")
    order = planned(text, generator="composer")
    assert {take.generator for take in order.takes} == {"composer"}
    assert order.restricted
    assert [take.id for take in order.takes] == [take.id for take in planned(MIXED).takes]
    assert not planned(MIXED, generator="composer").restricted
    assert planned(MIXED, generator=TOKENS).restricted


def test_only_the_generators_of_the_chosen_cues_are_named_and_needed() -> None:
    text = MIXED.replace("prompt: wind", "prompt: wind, generator: nobody/model")
    order = read_bytes(text.encode()).brief
    assert named_generators(order) == ("composer", "nobody/model")
    assert named_generators(order, "combat") == ("composer",)
    assert named_generators(order, None, TOKENS) == (TOKENS,)
    assert {take.generator for take in planned(text, only="combat").takes} == {"composer"}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("seed: 3", "generator: compozer", "b.yaml:2: generator"),
        ("prompt: wind", "prompt: wind, generator: compozer", "b.yaml:5: cues[1].generator"),
    ],
)
def test_an_unknown_generator_is_told_with_its_line_the_nearest_and_the_command(old: str, new: str, place: str) -> None:
    for read_with in ([], ["composer", TOKENS]):
        text = MIXED.replace(old, new).encode()
        with pytest.raises(BriefError) as caught:
            plan(read_bytes(text, Path("b.yaml"), read_with or None), with_composer(token_model()))
        (fault,) = caught.value.faults
        assert str(fault).startswith(f"{place}: unknown generator (value 'compozer')")
        assert "did you mean 'composer'?" in fault.remedy
        assert fault.remedy.endswith("or add it: `cueworks models add FOLDER --name compozer`")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("facebook/musicgen-large", "cueworks models add facebook/musicgen-large --revision main"),
        ("large", "cueworks models add FOLDER --name large"),
        ("", "cueworks models add FOLDER --name NAME"),
        ("$(reboot)\x1b[31m", "cueworks models add FOLDER --name NAME"),
        ("x" * 500, "cueworks models add FOLDER --name NAME"),
    ],
)
def test_an_unknown_generator_is_added_by_a_command_that_can_be_run(name: str, command: str) -> None:
    """A revision is a hub's: without an owner before the name there is nothing to fetch, only a folder to register."""
    assert how_to_add(name, ["composer"]).endswith(f"or add it: `{command}`")


def test_what_stands_in_the_way_of_an_unknown_generator_is_told_in_its_own_words() -> None:
    text = MIXED.replace("seed: 3", "generator: old")
    found = faults(text, obstacle=lambda name: f"{name} was removed; add it again")
    assert [(fault.what, fault.remedy) for fault in found] == [("old was removed", "add it again")]


def test_files_that_are_away_are_a_warning_until_something_is_to_be_rendered(tmp_path: Path) -> None:
    card = token_model(folder=tmp_path / "gone")
    told = f"{TOKENS}: its folder is not there; put it back"
    order = planned(MIXED, card, generator=TOKENS, obstacle=lambda name: told if name == TOKENS else None)
    assert told in order.warnings
    assert faults(MIXED, card, generator=TOKENS)[0].field == "generator"


def test_a_generator_is_no_default() -> None:
    (fault,) = faults("catalog: x\ndefaults: {generator: composer}\ncues: [{state: a, prompt: p}]\n")
    assert (fault.field, fault.line) == ("defaults.generator", 2)
    assert "top of the brief" in fault.remedy


ASKED = [
    ("stems: true", "cues[0].stems", "gives no stems", "drop `stems`"),
    ("intensities: [1, 5]", "cues[0].intensities", "levels of intensity", "drop `intensities`"),
    ("form: intro-A-B-outro, bars: 16", "cues[0].form", "sections", "drop `form`"),
    ("duration: 45", "cues[0].duration", "at most 30 s", "shorten it"),
    ("bars: 100, bpm: 60", "cues[0].bars", "at most 30 s", "shorten it"),
]


@pytest.mark.parametrize(("keys", "field", "what", "drop"), ASKED)
def test_what_a_generator_cannot_give_is_one_fault_with_line_and_remedy(
    keys: str, field: str, what: str, drop: str
) -> None:
    text = f"catalog: x\ncues:\n  - {{state: a, prompt: p, generator: {TOKENS}, {keys}}}\n"
    (fault,) = faults(text, token_model(longest_s=30))
    assert (fault.field, fault.line) == (field, 3)
    assert what in fault.what
    assert fault.remedy == f"write `generator: composer` for this cue, or {drop}"
    assert planned(text.replace(TOKENS, "composer")).takes
    (fault,) = faults(text, token_model(longest_s=30), generator=TOKENS)
    assert fault.remedy == f"{drop}, or order without --generator"


@pytest.mark.parametrize(
    ("keys", "kind"),
    [("kind: stinger, stinger: victory, from: a", "stinger"), ("kind: transition, from: a, to: b", "transition")],
)
def test_kinds_that_a_generator_does_not_make_are_told_at_their_cue(keys: str, kind: str) -> None:
    cues = "  - {state: a, prompt: p, generator: composer}\n  - {state: b, prompt: p, generator: composer}\n"
    text = f"catalog: x\ngenerator: {TOKENS}\ncues:\n{cues}  - {{name: c, {keys}}}\n"
    (fault,) = faults(text)
    assert (fault.field, fault.line) == ("cues[2].kind", 6)
    assert f"makes no {kind}s" in fault.what
    own = planned(text.replace("{name: c", "{name: c, generator: composer"))
    assert {take.generator for take in own.takes} == {"composer"}


def test_what_defaults_ask_for_counts_until_the_cue_drops_it() -> None:
    defaults = "{stems: true, form: A-B-A, bars: 12}"
    text = f"catalog: x\ndefaults: {defaults}\ncues:\n  - {{state: a, prompt: p, generator: {TOKENS}}}\n"
    found = faults(text)
    assert [(fault.field, fault.line) for fault in found] == [("defaults.stems", 2), ("defaults.form", 2)]
    assert "`stems: false`" in found[0].remedy
    assert all(fault.what.startswith(f"a: {TOKENS}") for fault in found)
    dropped = text.replace("prompt: p,", "prompt: p, stems: false, loop: true,")
    assert {take.controls.form for take in planned(dropped).takes} == {"loop"}


def test_a_loop_and_a_form_that_nobody_asked_for_are_no_fault() -> None:
    for keys in ("form: loop", "loop: true", "duration: 20", "intensity: 3"):
        assert planned(f"catalog: x\ngenerator: {TOKENS}\ncues: [{{state: a, prompt: p, {keys}}}]\n").takes


def test_a_theme_file_that_no_generator_plays_is_a_fault_and_one_that_some_play_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.planning.reader._theme_of", lambda *_: None)
    text = MIXED.replace("seed: 3", "theme: {file: a.mid, licence: CC0-1.0}")
    (fault,) = faults(text, generator=TOKENS)
    assert (fault.field, fault.line) == ("theme.file", 2)
    assert "no generator of this order plays a theme file" in fault.what
    assert not planned(text).warnings
    (tmp_path / "tokenizer.json").touch()
    card = token_model(folder=tmp_path)
    mixed = planned(text.replace("prompt: wind", f"prompt: wind, generator: {TOKENS}"), card, obstacle=lambda n: "a; b")
    assert any("calm: acme/tokens does not play the theme file" in told for told in mixed.warnings)


def test_a_model_that_is_told_tempo_and_key_in_words_promises_neither(tmp_path: Path) -> None:
    card = token_model(folder=tmp_path)
    alone = MIXED.replace("prompt: wind", f"prompt: wind, generator: {TOKENS}")
    related = alone + "relations: {calm: {of: combat, share: [key, tempo-grid]}}\n"
    zoned = alone + "zones: [{name: wood}]\n"
    away = {"obstacle": lambda name: "gone; fetch it" if name == TOKENS else None}
    assert not any("promise" in told for told in planned(alone, card, **away).warnings)
    for text in (related, zoned):
        (told,) = [told for told in planned(text, card, **away).warnings if "promise" in told]
        assert told.startswith(f"calm: {TOKENS}")
        assert told.endswith("combat")


def test_warnings_of_hundreds_of_cues_are_few_and_short(tmp_path: Path) -> None:
    cues = [{"name": f"c{number}", "state": "a", "prompt": "p"} for number in range(300)]
    text = yaml.safe_dump({"catalog": "x", "generator": TOKENS, "zones": [{"name": "wood"}], "cues": cues})
    order = planned(text, token_model(folder=tmp_path), obstacle=lambda name: "gone; fetch it")
    assert max(map(len, order.warnings)) < 300
    assert len(order.warnings) < 60


def test_planning_for_the_composer_imports_no_tokenizer_and_no_tensors() -> None:
    code = (
        "import sys\nfrom models.registry import CARDS\nfrom services.planning.plan import plan\n"
        "from services.planning.reader import read_bytes\n"
        "plan(read_bytes(b'catalog: x\\ncues: [{state: a, prompt: p}]'), CARDS)\n"
        "print([name for name in ('tokenizers', 'torch', 'transformers', 'soundfile') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


_HOSTILE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=300),
    st.lists(st.text(max_size=5), max_size=3), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    st.fixed_dictionaries({"file": st.text(max_size=30), "licence": st.text(max_size=10)}),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([
            "generator", "melody", "continue", "vary", "steps", "guidance", "negative", "stems", "form", "intensities",
            "kind", "duration",
        ]),
        _HOSTILE, max_size=4,
    ),
    _HOSTILE,
)
def test_whatever_a_cue_says_it_is_planned_or_told_to_its_key(keys: dict[str, Any], generator: Any) -> None:
    data = {"catalog": "x", "generator": generator, "cues": [{"state": "a", "prompt": "p"} | keys]}
    if generator is None:
        del data["generator"]
    text = yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "replace")
    try:
        order = plan(read_bytes(text, Path("b.yaml")), with_composer(token_model()))
    except BriefError as error:
        assert error.faults
        assert all(str(fault).isprintable() and fault.remedy for fault in error.faults)
        assert all(len(str(fault)) < 700 for fault in error.faults)
    else:
        assert {take.generator for take in order.takes} <= {"composer", TOKENS}
