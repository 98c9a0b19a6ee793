"""Which takes are good enough, and how many more are made: the rules by themselves, and what briefs may ask."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.controls import Controls, Destination, Theme
from services.mastering.listening import Hearing
from services.planning.acceptance import Heard, Rule, decide, judge, ordered_count
from services.planning.faults import BriefError
from services.planning.plan import Plan, plan
from services.planning.points import key_of
from services.planning.reader import read_bytes
from tests.cards import cards_at

RULE = Rule(keep=2, budget=6)
GOOD = Hearing(
    seconds=20.0, bpm=96.0, pulse=0.5, key="D minor", key_strength=0.9, key_lead=0.1, leading_silence_s=0.0,
    inner_silence_s=0.1, trailing_silence_s=0.5, silent_share=0.0, clipped=0.0, crowding=1.2, crowded=0.0,
    end_db=-60.0, seam_jump=0.4, seam_flux=0.6, dc=0.0, level_db=-24.0, broken=0.0, descriptor=b"",
)  # fmt: skip
ASKED = Controls(
    state="town", genre="folk", mood="calm", bpm=96.0, key="D minor", meter="4/4", instruments=(), excluded=(), bars=8,
    duration=20.0, form="A", intensity=3, loop=False, theme=Theme(1),
)  # fmt: skip


def test_a_faultless_take_scores_one() -> None:
    assert judge(GOOD, ASKED, RULE) == judge(replace(GOOD, end_db=-3.0), replace(ASKED, loop=True), RULE)
    found = judge(GOOD, ASKED, RULE)
    assert (found.accepted, found.score, found.reasons) == (True, 1.0, ())
    assert list(found.parts) == ["tempo", "key", "sound", "clean", "ending"]


@pytest.mark.parametrize(
    ("heard", "asked", "why"),
    [
        ({"bpm": 99.0}, {}, "heard as 99.0 bpm, 3.1 % from the 96 ordered"),
        ({"key": "E major"}, {}, "heard as E major, not the D minor ordered or one related"),
        ({"leading_silence_s": 2.5}, {}, "begins with 2.5 s of silence"),
        ({"inner_silence_s": 4.0}, {}, "silent for 4.0 s in the middle"),
        ({"silent_share": 0.6}, {}, "60 % of it are silence"),
        ({"silent_share": 1.0, "bpm": None, "key": None}, {}, "it is silent"),
        ({"clipped": 0.002}, {}, "clipped: 0.2 % of its samples"),
        ({"crowding": 4.0, "crowded": 0.001}, {}, "clipped: 0.1 % of its samples"),
        ({"end_db": -1.5}, {}, "its last 50 ms are 1.5 dB under"),
        ({"seam_jump": 4.0}, {"loop": True}, "its seam clicks: the step there is 4.0 times"),
        ({"seam_flux": 2.0}, {"loop": True}, "its seam shows"),
        ({"end_db": -40.0}, {"loop": True}, "dies away before its seam"),
        ({"broken": 0.1}, {}, "10 % of its samples are no numbers"),
        ({"dc": 0.03}, {}, "off centre by 3.0 %"),
    ],
)
def test_every_hard_fault_rejects_with_its_figures(heard: dict[str, Any], asked: dict[str, Any], why: str) -> None:
    found = judge(replace(GOOD, **heard), replace(ASKED, **asked), RULE)
    assert not found.accepted
    assert why in found.reasons[0]
    assert found.score <= 1


@pytest.mark.parametrize(
    ("heard", "asked", "rule"),
    [
        ({"bpm": 192.0}, {}, {}),
        ({"bpm": 48.3}, {}, {}),
        ({"bpm": 64.0}, {"meter": "6/8"}, {}),
        ({"bpm": 70.0}, {}, {"tempo": None}),
        ({"bpm": 98.5}, {}, {"tempo": 3.0}),
        ({"bpm": 70.0, "pulse": 0.1}, {}, {}),
        ({"bpm": 70.0}, {"genre": "ambient"}, {}),
        ({"bpm": None, "seconds": 4.0}, {}, {}),
        ({"bpm": 70.0, "key": "E major"}, {"stinger": "victory"}, {}),
        ({"bpm": 70.0, "end_db": 0.0}, {"destination": Destination("boss", "E major", 120.0, 4)}, {}),
        ({"key": "D dorian"}, {}, {"key": "exact"}),
        ({"key": "F major"}, {}, {}),
        ({"key": "A minor"}, {}, {}),
        ({"key": "E major"}, {}, {"key": "any"}),
        ({"key": "E major", "key_strength": 0.4}, {}, {"key": "exact"}),
        ({"end_db": -1.0}, {}, {"end": False}),
        ({"end_db": -1.0}, {"loop": True}, {}),
        ({"seam_jump": 4.0}, {}, {}),
        ({"clipped": 0.01}, {}, {"clipping": False}),
        ({"inner_silence_s": 9.0}, {}, {"silence": None}),
    ],
)
def test_what_is_right_or_not_asked_is_accepted(
    heard: dict[str, Any], asked: dict[str, Any], rule: dict[str, Any]
) -> None:
    assert judge(replace(GOOD, **heard), replace(ASKED, **asked), replace(RULE, **rule)).accepted


def test_what_cannot_be_heard_is_said_and_counts_half() -> None:
    beatless = judge(replace(GOOD, bpm=None, pulse=None), ASKED, RULE)
    assert (beatless.accepted, beatless.reasons) == (True, ("no beat was heard, so its tempo was not judged",))
    assert beatless.score == pytest.approx(1 - 0.35 / 2)
    keyless = judge(replace(GOOD, key=None, key_strength=None), ASKED, RULE)
    assert (keyless.accepted, keyless.reasons) == (True, ("no key was heard, so it was not judged",))
    assert not judge(replace(GOOD, bpm=None, pulse=None), ASKED, replace(RULE, score=0.9)).accepted


def test_what_has_neither_beat_nor_key_is_no_music() -> None:
    noise = replace(GOOD, pulse=0.1, key_strength=0.4)
    assert judge(noise, ASKED, RULE).faults == ("unmusical",)
    assert judge(noise, ASKED, RULE).reasons[0] == "neither beat nor key is heard"
    for asked, rule in ((replace(ASKED, genre="ambient"), RULE), (replace(ASKED, stinger="victory"), RULE),
                        (ASKED, replace(RULE, key="any")), (ASKED, replace(RULE, tempo=None))):  # fmt: skip
        assert judge(noise, asked, rule).accepted


def heard(index: int, sound: str = "", **facts: Any) -> Heard:
    return Heard(f"take {index}", index, sound or f"{index}", replace(GOOD, **facts), ASKED)


def test_the_best_are_kept_others_are_spare_and_doubles_of_accepted_ones_are_rejected() -> None:
    takes = [heard(0, bpm=97.0), heard(1), heard(2, "1"), heard(3, bpm=70.0), heard(4, "3"), heard(5, bpm=96.5)]
    found = decide(takes[::-1], RULE)
    assert [one.outcome for one in found] == ["spare", "kept", "rejected", "rejected", "kept", "spare"]
    assert "sounds like take 1 (1.00 alike" in found[2].judged.reasons[0]
    assert [one.outcome for one in decide(takes[:3], replace(RULE, duplicates=False))] == ["spare", "kept", "kept"]


def test_six_hundred_takes_of_a_point_are_told_apart_in_a_moment() -> None:
    """Doubles are found among takes of other lengths too, and the first that is accepted is the one named."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(-90, 90, (590, 239, 31), dtype=np.int8)
    sounds = [one[: 239 - number % 3].tobytes() for number, one in enumerate(drawn)]
    sounds += [drawn[7][1 : 230 + number].tobytes() for number in range(10)]
    takes = [heard(number, descriptor=sound) for number, sound in enumerate(sounds)]
    began = time.process_time()
    found = decide(takes, RULE)
    assert time.process_time() - began < 1.5
    assert [one.take.index for one in found if not one.judged.accepted] == list(range(590, 600))
    assert {one.judged.reasons[0][:18] for one in found[590:]} == {"sounds like take 7"}


class TestCounts:
    def test_rounds_add_exactly_what_is_missing(self) -> None:
        assert ordered_count(4, 4, 12, []) == 4
        assert ordered_count(4, 4, 12, [True, False, None, True]) == 4
        assert ordered_count(4, 4, 12, [True, False, False, True]) == 6
        assert ordered_count(4, 4, 12, [True, False, False, True, True, False]) == 7
        assert ordered_count(4, 4, 12, [True, False, False, True, True, False, True]) == 7

    def test_the_budget_ends_it_and_what_is_there_stays_within_it(self) -> None:
        assert ordered_count(2, 2, 3, [False, False, False]) == 3
        assert ordered_count(2, 2, 6, [True, True, False, None, None], there=5) == 5
        assert ordered_count(2, 2, 3, [True] * 5, there=5) == 3
        assert ordered_count(8, 2, 6, []) == 8

    @given(st.lists(st.booleans(), min_size=40, max_size=40), st.integers(1, 8), st.integers(1, 8), st.integers(0, 30))
    def test_every_way_there_ends_at_the_same_count(self, good: list[bool], takes: int, enough: int, more: int) -> None:
        """What is settled at once, and what is settled one after the other, ends alike; it ends only where enough are
        good or all is spent."""
        budget = max(takes, enough) + more % 32
        count, there = takes, 0
        while (next_ := ordered_count(takes, enough, budget, good[:count], there)) != count:
            there, count = count, next_
        assert count == ordered_count(takes, enough, budget, good)
        assert count == budget or sum(good[:count]) >= enough
        assert ordered_count(takes, enough, budget, [*good[: count - 1], None], count) == count


def ordered(cue: dict[str, Any], takes: int | None = None, **brief: Any) -> Plan:
    data = {"catalog": "game", "seed": 7, "cues": [{"state": "town", "prompt": "calm town", "bars": 4, **cue}], **brief}
    return plan(read_bytes(yaml.safe_dump(data).encode()), cards_at("r"), takes=takes)


def test_a_brief_asks_and_the_plan_knows_every_take_that_may_come() -> None:
    zones = [{"name": "dell"}, {"name": "hill"}]
    made = ordered({"takes": 2, "accept": {"keep": 3, "budget": 5, "tempo": "any"}}, zones=zones)
    plain = ordered({"takes": 5}, zones=zones)
    assert len(made.takes) == 4
    assert made.most == 10
    assert [point.rule.as_json()["keep"] for point in made.points] == [3, 3]
    assert made.points[0].rule.tempo is None
    assert [id_ for point in made.points for id_ in point.ids()] == [take.id for take in plain.takes]
    assert list(made.positions()) == [0, 1, 5, 6]
    more = made.with_counts({made.points[1].key: 4})
    assert [(take.zone, take.index) for take in more.takes] == [
        ("dell", 0), ("dell", 1), ("hill", 0), ("hill", 1), ("hill", 2), ("hill", 3)
    ]  # fmt: skip
    assert list(more.positions()) == [0, 1, 5, 6, 7, 8]
    assert {key_of(take) for take in made.takes} == {point.key for point in made.points}


@pytest.mark.parametrize(
    ("cue", "takes", "expected"),
    [
        ({"accept": True, "takes": 4}, None, (4, 12, 4)),
        ({"accept": {}}, None, (1, 3, 1)),
        ({"accept": {"keep": 2}, "takes": 8}, None, (2, 8, 2)),
        ({"accept": True, "takes": 4}, 2, (4, 12, 2)),
        ({"accept": True, "takes": 4}, 20, (4, 12, 4)),
        ({"accept": {"keep": 4, "budget": 9}, "takes": 4}, 1, (4, 9, 1)),
    ],
)
def test_what_is_not_said_follows_from_the_takes(cue: dict[str, Any], takes: int | None, expected: object) -> None:
    [point] = ordered(cue, takes).points
    assert (point.rule.keep, point.rule.budget, point.enough) == expected


def test_accept_under_defaults_holds_for_music_that_can_be_chosen_from_and_may_be_turned_off() -> None:
    assert ordered({}, defaults={"accept": True}).points
    assert not ordered({"accept": False}, defaults={"accept": True}).points
    assert not ordered({"intensities": [1, 3]}, defaults={"accept": {"keep": 1}}).points


@pytest.mark.parametrize(
    ("cue", "words"),
    [
        ({"accept": {"keep": 5, "budget": 3}}, r"cues\[0\].accept.keep: 5 are to be kept of at most 3"),
        ({"takes": 4, "accept": {"budget": 3}}, r"cues\[0\].accept.budget: 4 takes are ordered, and at most 3"),
        ({"intensities": [1, 2], "accept": True}, "`accept` beside `intensities`"),
        ({"accept": {"tempo": 0}}, "cues\\[0\\].accept.tempo: not how far a tempo may be off"),
        ({"accept": {"kep": 1}}, "did you mean 'keep'"),
        ({"accept": {"score": 2}}, "accept.score"),
        ({"accept": 3}, "accept: not what is asked of takes .value 3.; write `true`, `false` or a mapping"),
        ({"accept": "yes please"}, r"accept: not what .* write `true`, `false` or a mapping of what is asked"),
        ({"accept": [1]}, "write `true`, `false` or a mapping"),
        ({"takes": 2, "accept": {"budget": 100_000}, "axes": {"a": [f"v{n}" for n in range(20)]}}, "ceiling"),
    ],
)
def test_what_cannot_be_met_is_a_fault(cue: dict[str, Any], words: str) -> None:
    with pytest.raises(BriefError, match=words):
        ordered(cue)


def test_accept_is_no_part_of_a_take() -> None:
    assert [take.id for take in ordered({"accept": True}).takes] == [take.id for take in ordered({}).takes]
