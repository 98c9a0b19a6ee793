"""Orders that contradict themselves are refused while planning: all at once, with line and remedy, nothing broken."""

from pathlib import Path

import pytest

from models.words import INSTRUMENTS
from services.planning.adhoc import adhoc
from services.planning.faults import BriefError
from services.planning.plan import plan
from services.planning.reader import read_bytes
from tests.cards import cards_at


def refused(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BriefError) as caught:
        plan(read_bytes(text.encode(), Path("b.yaml")), cards_at("r"))
    assert all(fault.remedy for fault in caught.value.faults)
    return [(fault.line, fault.field, fault.what) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("cue", "field", "what"),
    [
        ("prompt: p, genre: waltz, meter: 7/8", "meter", "a waltz in 7/8"),
        ("prompt: an elegant waltz, meter: 7/8", "meter", "a waltz in 7/8"),
        ("prompt: a waltz in 7/8", "prompt", "a waltz in 7/8"),
        ("prompt: in 5/4, genre: march", "genre", "a march in 5/4"),
        ("prompt: p, meter: 13/8", "meter", "unknown meter"),
        ("prompt: p, key: H minor", "key", "unknown key signature"),
        ("prompt: p, key: D blues", "key", "unknown key signature"),
        ("prompt: p, key: D", "key", "unknown key signature"),
        ("prompt: p, bars: 500, duration: 3", "duration", "500 bars in 3 s are 40,000 bpm, which nobody plays"),
        ("prompt: 500 bars in 3 seconds", "prompt", "500 bars in 3 s are 40,000 bpm, which nobody plays"),
        ("prompt: p, bars: 4001", "bars", "less than or equal to 4000"),
        ("prompt: p, bars: 4000, bpm: 20", "bars", "more than 1800 s"),
        ("prompt: p, bars: 0", "bars", "greater than or equal to 1"),
        ("prompt: p, bpm: 19", "bpm", "greater than or equal to 20"),
        ("prompt: p, bpm: 1000", "bpm", "less than or equal to 300"),
        ("prompt: a storm at 1000 bpm", "prompt", "1000 bpm"),
        ("prompt: a storm in H major", "prompt", "no such key"),
        ("prompt: p, form: intro-X-outro", "form", "no section is called 'X'"),
        ("prompt: p, form: A-B-Z", "form", "no section is called 'Z'"),
        ("prompt: p, form: intro-A-B-A-outro, bars: 3", "bars", "5 sections"),
        ("prompt: 'harp, no flute', instruments: [flute, oboe]", "instruments", "flute is listed"),
    ],
)
def test_contradictory_orders_are_refused_with_line_and_remedy(cue: str, field: str, what: str) -> None:
    found = refused(f"catalog: x\ncues:\n  - {{state: a, {cue}}}\n")
    assert any(line == 3 and at == f"cues[0].{field}" and what in told for line, at, told in found), found


def test_contradictions_of_several_cues_are_told_together() -> None:
    found = refused("""\
catalog: x
defaults: {meter: 7/8}
cues:
  - {name: dance, state: a, prompt: waltz}
  - {name: long, state: a, prompt: 500 bars in 3 seconds}
  - {name: bare, state: a, prompt: no harp, instruments: [harp]}
""")
    assert [(line, field) for line, field, _ in found] == [
        (2, "defaults.meter"), (5, "cues[1].prompt"), (6, "cues[2].instruments")]


def test_an_order_that_leaves_nobody_to_play_is_refused() -> None:
    prompt = ", ".join(f"no {name}" for name in INSTRUMENTS)
    what = "exploration: every instrument is ruled out"
    assert refused(f"catalog: x\ncues:\n  - {{state: exploration, prompt: '{prompt}'}}\n") == [
        (3, "cues[0].prompt", what)
    ]
    for name in ("violin", "taiko"):
        spared = prompt.replace(f"no {name},", f"{name},")
        assert plan(adhoc(spared, 1), cards_at("r")).takes[0].controls.instruments == (name,)


def test_a_family_that_is_ruled_out_leaves_none_of_its_players() -> None:
    prompt = ", ".join(f"no {name}" for name in INSTRUMENTS if name != "violin")
    assert refused(f"catalog: x\ncues:\n  - {{state: exploration, prompt: '{prompt}'}}\n") == [
        (3, "cues[0].prompt", "exploration: every instrument is ruled out")
    ]


def test_a_sentence_that_contradicts_itself_is_refused_too() -> None:
    with pytest.raises(BriefError, match=r"^prompt: music: a waltz in 7/8"):
        plan(adhoc("a 7/8 waltz", 1), cards_at("r"))


def test_a_waltz_without_a_meter_is_in_three() -> None:
    assert plan(adhoc("an elegant waltz", 1), cards_at("r")).takes[0].controls.meter == "3/4"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("generator: ''\ncatalog: x\ncues: [{state: a, prompt: p}]\n", "generator"),
        ("cues: [{state: a, prompt: p, generator: ''}]\ncatalog: x\n", "cues[0].generator"),
        ("generator: ['', composer]\ncatalog: x\ncues: [{state: a, prompt: p}]\n", "generator[0]"),
    ],
)
def test_an_empty_generator_is_one_fault_and_no_unknown_name(text: str, field: str) -> None:
    with pytest.raises(BriefError) as caught:
        read_bytes(text.encode(), Path("b.yaml"), ["composer"])
    (fault,) = caught.value.faults
    assert (fault.line, fault.field) == (1, field)
    assert "at least 1 character" in fault.what
