"""Briefs as strangers write them: every fault at once, on its line, and never anything but a brief or BriefError."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planning import document
from services.planning.adhoc import adhoc, slug
from services.planning.faults import MOST_FAULTS, BriefError, Fault
from services.planning.reader import ReadBrief, read_brief, read_bytes

BRIEFS = Path(__file__).parents[2] / "flows" / "briefs"
MEGABYTE = 1 << 20


def faults_of(text: str | bytes, **options: object) -> tuple[Fault, ...]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(BriefError) as caught:
        read_bytes(data, Path("b.yaml"), **options)
    return caught.value.faults


def brief(cue: str = "{state: combat, prompt: fight}", more: str = "") -> str:
    return f"catalog: x\n{more}cues:\n  - {cue}\n"


def only_fault(text: str) -> Fault:
    faults = faults_of(text)
    assert len(faults) == 1, [str(fault) for fault in faults]
    return faults[0]


def test_the_smallest_brief_is_read() -> None:
    read = read_bytes(brief().encode())
    assert read.brief.catalog == "x"
    assert read.brief.cues[0].state == "combat"
    assert read.warnings == ()


@pytest.mark.parametrize("name", ["rpg", "background", "tiny", "rpg-40h"])
def test_example_briefs_are_read_without_a_warning(name: str) -> None:
    assert read_brief(BRIEFS / f"{name}.yaml", ["composer"]).warnings == ()


@pytest.mark.parametrize(
    ("cue", "field", "words"),
    [
        ("{state: combat, prompt: p, bmp: 90}", "cues[0].bmp", "did you mean 'bpm'"),
        ("{state: combat, prompt: p, bpm: fast}", "cues[0].bpm", "write a number"),
        ("{state: combat, prompt: p, bpm: 19.9}", "cues[0].bpm", "greater than or equal to 20"),
        ("{state: combat, prompt: p, bpm: 300.5}", "cues[0].bpm", "less than or equal to 300"),
        ("{state: combat, prompt: p, bpm: 1e999}", "cues[0].bpm", "finite"),
        ("{state: combat, prompt: p, bpm: 1:30}", "cues[0].bpm", "'1:30'"),
        ("{state: combat, prompt: p, bpm: true}", "cues[0].bpm", "write a number"),
        ("{state: combat, prompt: p, key: H minor}", "cues[0].key", "unknown key signature"),
        ("{state: combat, prompt: p, key: no}", "cues[0].key", "'no'"),
        ("{state: combat, prompt: p, key: D}", "cues[0].key", "`D minor`"),
        ("{state: combat, prompt: p, takes: 0}", "cues[0].takes", "greater than or equal to 1"),
        ("{state: combat, prompt: p, takes: 1.5}", "cues[0].takes", "whole number"),
        ("{state: combat, prompt: p, takes: null, intensity: 6}", "cues[0].intensity", "less than or equal to 5"),
        ("{state: combat, prompt: p, loop: yes}", "cues[0].loop", "write true or false"),
        ("{state: combat, prompt: p, meter: 9/9}", "cues[0].meter", "unknown meter"),
        ("{state: combat, prompt: p, genre: jaz}", "cues[0].genre", "did you mean 'jazz'"),
        ("{state: combat, prompt: p, mood: sadd}", "cues[0].mood", "did you mean 'sad'"),
        ("{state: combat, prompt: p, instruments: [flutte]}", "cues[0].instruments", "did you mean 'flute'"),
        ("{state: combat, prompt: p, instruments: 'harp, flutte'}", "cues[0].instruments", "did you mean 'flute'"),
        ("{state: combat, prompt: p, instruments: []}", "cues[0].instruments", "[strings, harp]"),
        ("{state: combat, prompt: p, formats: [aiff]}", "cues[0].formats[0]", "unknown format"),
        ("{state: combat, prompt: p, formats: [flac, flac]}", "cues[0].formats", "stands twice"),
        ("{state: combat, prompt: p, sample_rate: 44000}", "cues[0].sample_rate", "unknown sample rate"),
        ("{state: combat, prompt: p, formats: [mp3], sample_rate: 96000}", "cues[0].sample_rate", "mp3"),
        ("{state: combat, prompt: p, loudness: 0}", "cues[0].loudness", "less than or equal to -5"),
        ("{state: combat, prompt: p, duration: 1801}", "cues[0].duration", "less than or equal to 1800"),
        ("{state: combat, prompt: p, bars: 4, duration: 10}", "cues[0].duration", "both `bars` and `duration`"),
        ("{state: combat, prompt: p, form: 'A - B'}", "cues[0].form", "intro-A-B-A-outro"),
        ("{state: combat, prompt: p, form: loop, loop: false}", "cues[0].form", "`loop: false`"),
        ("{state: combat, prompt: 'p {foe}'}", "cues[0].prompt", "placeholder {foe} has no axis"),
        ("{state: combat, prompt: 'p {', takes: 1}", "cues[0].prompt", "not a placeholder"),
        ("{state: combat, prompt: 'p {0.__class__}', takes: 1}", "cues[0].prompt", "not a placeholder"),
        ("{state: combat, prompt: 'p {foe}', axes: {foe: []}}", "cues[0].axes.foe", "at least one"),
        ("{state: combat, prompt: 'p {foe}', axes: {foe: [a, a]}}", "cues[0].axes.foe", "stands twice"),
        ("{state: combat, prompt: 'p {foe}', axes: {foe: [true]}}", "cues[0].axes.foe[0]", "in quotes"),
        ("{state: combat, prompt: 'p {foe}', axes: {foe: wolf}}", "cues[0].axes.foe", "write a list"),
        ("{state: a/b, prompt: p}", "cues[0].state", "letters, digits"),
        ("{state: ../up, prompt: p}", "cues[0].state", "letters, digits"),
        ("{prompt: p}", "cues[0]", "missing key `state`"),
        ("{state: combat}", "cues[0]", "missing key `prompt`"),
        ("{state: combat, prompt: '  '}", "cues[0].prompt", "1 to 2000 characters"),
        ("{state: combat, prompt: p, zones: [nowhere]}", "cues[0].zones", "unknown zone"),
        ("combat", "cues[0]", "write a mapping"),
        ("{prompt: p, state: null}", "cues[0]", "missing key `state`"),
    ],
)
def test_a_wrong_cue_is_refused_with_field_value_and_remedy(cue: str, field: str, words: str) -> None:
    fault = only_fault(brief(cue))
    assert fault.field == field
    assert fault.line == 3
    assert words in str(fault)
    assert fault.remedy


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("tilte: t\n", "tilte", "did you mean 'title'"),
        ("seed: -1\n", "seed", "greater than or equal to 0"),
        ("seed: 9007199254740992\n", "seed", "less than or equal to"),
        ("use: comercial-game\n", "use", "did you mean 'commercial-game'"),
        ("licensee: {kind: firm}\n", "licensee.kind", "company, individual, academic"),
        ("licensee: {kind: company, annual_revenue_usd: -1}\n", "licensee.annual_revenue_usd", "greater than"),
        ("theme: {bars: 1}\n", "theme.bars", "greater than or equal to 2"),
        ("theme: {file: t.mid}\n", "theme", "licence"),
        ("zones: [{name: a}, {name: A}]\n", "zones[1].name", "duplicate zone"),
        ("zones: [{name: a, key: X}]\n", "zones[0].key", "unknown key signature"),
        ("relations: {combat: {of: bos, share: [key]}}\n", "relations.combat.of", "unknown cue"),
        ("relations: {combt: {of: combat, share: [key]}}\n", "relations.combt", "did you mean 'combat'"),
        ("relations: {combat: {of: combat, share: [key]}}\n", "relations.combat", "circle: combat -> combat"),
        ("relations: {combat: {of: combat, share: []}}\n", "relations.combat.share", "at least one"),
        ("defaults: {bars: 4, duration: 5}\n", "defaults.duration", "both `bars` and `duration`"),
        ("<<: {title: x}\n", "<<", "unknown key"),
    ],
)
def test_a_wrong_brief_is_refused_with_field_and_line(more: str, field: str, words: str) -> None:
    faults = [fault for fault in faults_of(brief(more=more)) if fault.field == field]
    assert [fault.line for fault in faults][:1] == [2]
    assert any(words in str(fault) for fault in faults)


@pytest.mark.parametrize("name", ["blobs", "Locks", "PREFECT"])
def test_a_catalog_cannot_take_a_folder_of_the_home(name: str) -> None:
    fault = only_fault(f"catalog: {name}\ncues:\n  - {{state: combat, prompt: fight}}\n")
    assert (fault.file, fault.line, fault.field, fault.value) == ("b.yaml", 1, "catalog", repr(name))
    assert fault.remedy == "name the catalog otherwise"


def test_a_prompt_alone_never_takes_a_folder_of_the_home() -> None:
    assert re.fullmatch(r"prefect-[0-9a-f]{6}", adhoc("Prefect").brief.catalog)
    with pytest.raises(BriefError, match="name the catalog otherwise"):
        adhoc("calm harp", catalog="Blobs")


def test_an_empty_cue_misses_its_state_and_prompt_unless_defaults_have_them() -> None:
    assert [fault.what for fault in faults_of(brief("{}"))] == ["missing key `state`", "missing key `prompt`"]
    assert read_bytes(brief("{}", "defaults: {state: a, prompt: p}\n").encode()).brief.cues[0].state is None


def test_all_faults_come_at_once_each_on_its_line() -> None:
    text = """\
catalog: "a b"
colour: red
seed: x
generator: composr
relations:
  combat: {of: boss, share: [theme]}
  boss: {of: combat, share: [keys]}
defaults:
  bpm: 400
cues:
  - state: combat
    prompt: "{foe}"
    key: Q major
  - state: combat
    prompt: again
    takes: 0
    takes: 1
  - state: boss
"""
    faults = faults_of(text, generators=["composer"])
    places = [(fault.line, fault.field) for fault in faults]
    assert places == [
        (1, "catalog"), (2, "colour"), (3, "seed"), (4, "generator"), (6, "relations.combat"),
        (7, "relations.boss.share[0]"), (9, "defaults.bpm"), (12, "cues[0].prompt"), (13, "cues[0].key"),
        (14, "cues[1]"), (17, ""), (18, "cues[2]"),
    ]
    told = str(BriefError(faults)).splitlines()
    assert len(told) == len(faults)
    assert told[1] == "b.yaml:2: colour: unknown key (value 'colour'); use one of: " + told[1].rpartition(": ")[2]


def test_a_related_cue_must_be_made_where_its_parent_is() -> None:
    text = """\
catalog: x
zones: [{name: a}, {name: b}]
relations:
  boss: {of: combat, share: [key]}
cues:
  - {state: combat, prompt: p, zones: [a]}
  - {state: boss, prompt: p}
"""
    assert "nothing to share" in only_fault(text).what


def test_an_unused_axis_is_a_warning() -> None:
    read = read_bytes(brief("{state: combat, prompt: p, axes: {foe: [a, b]}}").encode(), Path("b.yaml"))
    assert len(read.warnings) == 1
    assert "axis 'foe' is not used" in read.warnings[0]


def test_synonyms_and_spellings_become_the_published_words() -> None:
    cue = "{state: a, prompt: p, key: e♭  Major, genre: LoFi, mood: sad, instruments: 'violins, 808 kick, low-brass'}"
    read = read_bytes(brief(cue).encode()).brief.cues[0]
    assert (read.key, read.genre, read.mood) == ("Eb major", "lo-fi", "melancholic")
    assert read.instruments == ["violin", "trap drums", "low brass"]


def test_words_that_yaml_1_1_took_for_booleans_stay_words() -> None:
    cue = "{state: on, prompt: 'a {x}', axes: {x: [yes, no, off, 1:30, 010]}}"
    assert read_bytes(brief(cue).encode()).brief.cues[0].axes == {"x": ["yes", "no", "off", "1:30", "10"]}


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "empty"),
        (b"# nothing\n", 1, "empty"),
        (b"just words", 1, "mapping"),
        (b"- a\n- b\n", 1, "mapping"),
        (b"a: [1\nb: 2\n", None, "not YAML"),
        (b"catalog: x\n\tcues: []\n", 2, "not YAML"),
        (b"catalog: x\ncues: \xff\n", 2, "not UTF-8 (byte 0xff)"),
        ("catalog: x".encode("utf-16"), 1, "not UTF-8"),
        (b"catalog: x\x00\n", 1, "U+0000"),
        (b"catalog: x\ntitle: a\x1b[31m\n", 2, "U+001B"),
        ("title: \u202egnp".encode(), 1, "U+202E"),
        (b'catalog: x\ntitle: "\\e[0m"\n', 2, "U+001B"),
        (b"catalog: a\n---\ncatalog: b\n", 2, "second document"),
        (b"a: !!python/object/apply:os.system [ls]\n", 1, "tags are not allowed"),
        (b"a: !custom 1\n", 1, "tags are not allowed"),
        (b"a: !!int x\n", 1, "not a !!int"),
        (b"a: &a [*a]\n", 1, "alias"),
        (b"a: *nothing\n", 1, "alias"),
        (b"? [a]\n: b\n", 1, "a key is a list"),
        (b"seed: " + b"9" * 5000, 1, "number of 5000 characters"),
        (b"[" * 100_000, 1, "nested deeper"),
        (b"{a: " * 50_000, 1, "nested deeper"),
        (b"- " * 50_000, 1, "nested deeper"),
        (b"a: [" + b"1," * 200_000 + b"]", 1, "more than 100000 values"),
        (b"a: " + b"b" * MEGABYTE, None, "too many"),
    ],
)
def test_hostile_documents_are_refused(data: bytes, line: int | None, words: str) -> None:
    faults = faults_of(data)
    assert any(words in str(fault) for fault in faults)
    if line is not None:
        assert line in [fault.line for fault in faults]


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases written out" in faults_of("\n".join(lines))[-1].what


def test_a_few_aliases_are_allowed() -> None:
    text = "catalog: x\ncues:\n- {state: a, prompt: p, formats: &f [wav]}\n- {state: b, prompt: p, formats: *f}\n"
    assert read_bytes(text.encode()).brief.cues[1].formats == ["wav"]


def test_thousands_of_faults_end_in_a_count() -> None:
    faults = faults_of("catalog: x\ncues:\n" + "- {state: a, prompt: p, genre: jaxx}\n" * 1500)
    assert len(faults) == MOST_FAULTS + 1
    assert "more faults are not shown" in faults[-1].what


def test_a_ten_megabyte_brief_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(10 * MEGABYTE)
    with pytest.raises(BriefError, match="10485760 bytes are too many"):
        read_brief(path)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path / "pipe", "regular"), (tmp_path, "regular"), (tmp_path / "none", "No such file")):
        with pytest.raises(BriefError, match=words) as caught:
            read_brief(path)
        assert caught.value.faults[0].file == str(path)


def test_an_odd_file_name_is_an_error_of_the_brief() -> None:
    with pytest.raises(BriefError):
        read_brief("a\x00b.yaml")


@pytest.mark.parametrize("name", ["/etc/passwd", "../t.mid", "a/../../t.mid", "..\\t.mid", "link.mid"])
def test_a_theme_outside_the_brief_s_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "briefs"
    folder.mkdir()
    (tmp_path / "t.mid").write_bytes(b"MThd")
    (folder / "link.mid").symlink_to(tmp_path / "t.mid")
    path = folder / "b.yaml"
    path.write_text(brief(more=f"theme: {{file: '{name}', licence: CC0-1.0}}\n"))
    with pytest.raises(BriefError, match="outside the brief's folder") as caught:
        read_brief(path)
    assert [(fault.line, fault.field) for fault in caught.value.faults] == [(2, "theme.file")]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"MThd", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk"])
def test_a_theme_file_that_is_no_midi_is_a_fault_of_its_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.mid").write_bytes(content)
    path = tmp_path / "b.yaml"
    path.write_text(brief(more="theme: {file: t.mid, licence: CC0-1.0}\n"))
    with pytest.raises(BriefError) as caught:
        read_brief(path)
    assert [(fault.line, fault.field) for fault in caught.value.faults] == [(2, "theme.file")]


def test_a_missing_theme_file_is_a_fault_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(brief(more="theme: {file: t.mid, licence: CC0-1.0}\n"))
    with pytest.raises(BriefError, match=r"b\.yaml:2: theme\.file: cannot be read"):
        read_brief(path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_brief_or_faults(data: bytes) -> None:
    _read_or_refuse(data)


_WORD = st.sampled_from(
    ["catalog", "cues", "defaults", "zones", "theme", "relations", "state", "prompt", "axes", "bpm", "key", "share",
     "of", "name", "file", "takes", "formats", "combat", "{a}", "a", "D minor", "90", "-1", "1e9", "null", "true", "~",
     "&a", "*a", "!!str", "[", "]", "{", "}", ":", "-", "? ", "|", ">", "'", '"', "#", ",", "\n", "\n  ", "\n- ", ": ",
     "\\", "%YAML 1.1", "---", "...", "é", "\u2028", "\U0001f600", " "]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_WORD, max_size=40))
def test_any_shuffled_yaml_is_a_brief_or_faults(words: list[str]) -> None:
    _read_or_refuse("".join(words).encode())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _WORD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORD | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_WORD, _JSON, max_size=6), st.dictionaries(_WORD, _JSON, max_size=6))
def test_any_structure_is_a_brief_or_faults(top: dict[str, object], cue: dict[str, object]) -> None:
    import yaml

    data = {"catalog": "x", "cues": [{"state": "combat", "prompt": "p", **cue}], **top}
    _read_or_refuse(yaml.safe_dump(data, allow_unicode=True).encode())


def _read_or_refuse(data: bytes) -> None:
    try:
        assert isinstance(read_bytes(data, Path("b.yaml"), ["composer"]), ReadBrief)
    except BriefError as error:
        assert error.faults
        for fault in error.faults:
            assert fault.file == "b.yaml"
            assert "\n" not in str(fault)
            assert str(fault).isprintable()


@given(st.text(max_size=30))
def test_scalars_are_plain_values(text: str) -> None:
    assert isinstance(document.scalar_of(text), str | int | float | bool | None)


def test_a_prompt_alone_becomes_a_brief() -> None:
    read = adhoc("an upbeat jazz piano piece", 4)
    assert read.brief.catalog == "an-upbeat-jazz-piano-piece"
    assert read.brief.title == "an upbeat jazz piano piece"
    assert read.brief.use == "internal-prototype"
    cue = read.brief.cues[0]
    assert (cue.state, cue.takes, cue.duration, cue.loop) == ("music", 4, 30.0, None)
    assert read_bytes(read.text).brief == read.brief


def test_a_prompt_that_names_a_state_is_of_that_state() -> None:
    assert adhoc("boss fight with choir", 1).brief.cues[0].state == "boss"


def test_braces_of_a_prompt_are_no_placeholders() -> None:
    assert adhoc("harp {x} }{", 1).brief.cues[0].prompt == "harp {{x}} }}{{"


@pytest.mark.parametrize("prompt", ["", "  \n", "a\x00b", "\x1b[31mred", "\u202eevil", "x" * 2001, "\ud800"])
def test_a_hostile_prompt_is_refused_without_file_and_line(prompt: str) -> None:
    with pytest.raises(BriefError) as caught:
        adhoc(prompt, 1)
    assert [(fault.file, fault.line, fault.field) for fault in caught.value.faults] == [(None, None, "prompt")]


@pytest.mark.parametrize(
    ("options", "field"),
    [({"takes": 0}, "takes"), ({"use": "theft"}, "use"), ({"catalog": "../x"}, "catalog"), ({"seed": -1}, "seed"),
     ({"generator": "x", "generators": ["composer"]}, "generator")],
)
def test_other_arguments_of_a_prompt_go_through_the_schema(options: dict[str, object], field: str) -> None:
    with pytest.raises(BriefError) as caught:
        adhoc("calm harp", **{"takes": 1, **options})
    assert [(fault.file, fault.line, fault.field) for fault in caught.value.faults] == [(None, None, field)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=1200))
def test_any_prompt_is_a_brief_or_faults(prompt: str) -> None:
    try:
        read = adhoc(prompt, 1)
    except BriefError:
        return
    assert read.brief.catalog == slug(" ".join(prompt.split()))


def test_catalog_names_of_different_prompts_differ() -> None:
    prompts = ["calm harp", "calm harp!", "çalm harp", "calm " * 20, "calm " * 21, "静かな", "音楽"]
    names = [slug(" ".join(prompt.split())) for prompt in prompts]
    assert len(set(names)) == len(names)
    assert names[0] == "calm-harp"
