"""Grooves fit every meter, Euclidean rhythms are even, and patterns say when they are wrong."""

import numpy as np
import pytest
from composer_orders import order
from hypothesis import given
from hypothesis import strategies as st

from models.composer.compose import compose
from models.composer.dice import Dice
from models.composer.fills import BUILDS, FILLS, KEYS
from models.composer.genre import MARKS
from models.composer.groove import euclid, steps, swung
from models.composer.line import Event
from models.composer.meter import Meter, counted, parse_meter
from models.composer.score import Score, Track
from models.words import METERS


@given(st.integers(0, 32), st.integers(1, 32), st.integers(0, 40))
def test_euclidean_hits_are_counted_and_even(hits: int, count: int, rotation: int) -> None:
    row = euclid(hits, count, rotation)
    assert len(row) == count and sum(row) == min(hits, count)
    places = [place for place, hit in enumerate(row) if hit]
    gaps = {(two - one) % count or count for one, two in zip(places, places[1:] + places[:1], strict=True)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_the_tresillo_is_euclidean() -> None:
    assert euclid(3, 8) == [True, False, False, True, False, False, True, False]


@pytest.mark.parametrize("meter", [*METERS, "5/8", "3/2"])
def test_patterns_stay_within_the_bar_and_keep_the_downbeat(meter: str) -> None:
    signature = parse_meter(meter)
    for row in ("x...x...x...x...", "x..x..x.x..x"):
        marks = steps(row, signature, 0)
        assert marks[0] == (0.0, "x") and all(0 <= place < signature.bar for place, _ in marks)


def test_a_backbeat_stays_a_backbeat_in_other_meters() -> None:
    snare = "....x.......x..."
    assert [place for place, _ in steps(snare, parse_meter("3/4"), 0)] == [1.0, 2.0]
    assert [place for place, _ in steps(snare, parse_meter("7/8"), 0)] == [1.0, 3.0]
    assert [place for place, _ in steps(snare, parse_meter("2/4"), 1)] == [1.0]
    assert [place for place, _ in steps(snare, parse_meter("5/4"), 0)] == [1.0, 2.0, 4.0]


def test_a_pattern_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 steps"):
        steps("x..", parse_meter("4/4"), 0)


def test_rows_say_which_meter_they_are_written_for_and_bars_take_turns() -> None:
    three, four = parse_meter("3/4"), parse_meter("4/4")
    assert [place for place, _ in steps("3/4:x.......x...", three, 0)] == [0.0, 2.0]
    assert [place for place, _ in steps("x...x...x...x.../x...............", four, 3)] == [0.0]
    assert [place for place, _ in steps("5/4:x...........x.......", parse_meter("5/4"), 0)] == [0.0, 3.0]


def test_finer_rows_are_thirty_seconds_and_triplets() -> None:
    four = parse_meter("4/4")
    assert [place for place, _ in steps("xx" + "." * 30, four, 0)] == [0.0, 0.125]
    assert [place for place, _ in steps("x.x.x." + "." * 18, four, 0)] == pytest.approx([0, 1 / 3, 2 / 3])
    assert next(place for place, _ in steps("x.x.x." + "." * 18, parse_meter("6/8"), 0)) == 0.0


def test_even_rows_spread_their_hits_over_any_bar() -> None:
    assert [place for place, _ in steps("E3", parse_meter("2/4"), 0)] == [0.0, 1.0]
    assert len(steps("E5+2", parse_meter("4/4"), 0)) == 5
    assert len(steps("E5", parse_meter("5/4"), 0)) == 6


@pytest.mark.parametrize(("row", "meter"), [("3/4:x...", "3/4"), ("11/8:x.", "4/4"), ("7/8:" + "x" * 16, "7/8")])
def test_a_row_that_does_not_fit_its_meter_is_refused(row: str, meter: str) -> None:
    with pytest.raises(ValueError, match=r"row|meter"):
        steps(row, parse_meter(meter), 0)


def test_odd_meters_are_counted_in_several_ways_and_rows_turn_with_them() -> None:
    ways = {counted(parse_meter("7/8"), Dice(seed)).groups for seed in range(40)}
    assert ways == {(1.0, 1.0, 1.5), (1.5, 1.0, 1.0), (1.0, 1.5, 1.0)}
    assert {counted(parse_meter("5/4"), Dice(seed)).groups for seed in range(40)} == {(3.0, 2.0), (2.0, 3.0)}
    assert counted(parse_meter("4/4"), Dice(1)) == parse_meter("4/4")
    for seed in range(12):
        meter = counted(parse_meter("7/8"), Dice(seed))
        row = [place for place, _ in steps("7/8:x...x...x.....", meter, 0)]
        assert row == list(meter.starts)
        assert [meter.warp(beat) for beat in (0.0, 1.0)] == [0.0, meter.pulses[0]]
    assert [place for place, _ in steps("5/4:x...........x.......", _two_and_three(), 0)] == [0.0, 2.0]


def _two_and_three() -> Meter:
    return next(meter for seed in range(40) if (meter := counted(parse_meter("5/4"), Dice(seed))).groups == (2.0, 3.0))


def test_every_fill_is_sixteen_steps_of_known_voices_and_marks() -> None:
    for kind, variants in FILLS.items():
        for fill in variants:
            assert {len(row) for row in fill.values()} == {16}, kind
            assert set(fill) <= set(KEYS) and set("".join(fill.values())) <= set(MARKS["drums"]), kind
    assert all(set(voices) <= set(KEYS) for voices in BUILDS.values())


def _drums(name: str, **changes: object) -> tuple[Score, Track]:
    score = compose(order(genre=name, **changes), 4)
    return score, next(track for track in score.tracks if track.role == "drums")


def test_a_digit_is_a_roll_and_an_f_has_a_grace_note() -> None:
    _, drums = _drums("march", intensity=4, instruments=("orchestral drums", "trumpet"))
    snare = drums.notes.onset[drums.notes.pitch == KEYS["snare"]]
    assert np.min(np.diff(snare)) < 0.17 and np.min(drums.notes.velocity) < 60 < np.max(drums.notes.velocity)


def test_a_build_grows_denser_and_louder() -> None:
    score, drums = _drums("house", intensity=4, form="A-build-drop", bars=16, instruments=("techno drums", "piano"))
    build = next(section for section in score.sections if section.name == "build")
    start, middle = build.bar * 4.0, (build.bar + build.bars / 2) * 4.0
    claps = drums.notes.pitch == KEYS["clap"]
    early = claps & (drums.notes.onset >= start) & (drums.notes.onset < middle)
    late = claps & (drums.notes.onset >= middle) & (drums.notes.onset < start + build.bars * 4.0)
    assert late.sum() > 2 * early.sum() > 0
    assert drums.notes.velocity[late].mean() > drums.notes.velocity[early].mean()


def test_the_kick_leaves_in_a_breakdown() -> None:
    score, drums = _drums("house", intensity=5, form="A-breakdown-A", bars=24, instruments=("techno drums", "piano"))
    gone = next(section for section in score.sections if section.name == "breakdown")
    kicks = drums.notes.onset[drums.notes.pitch == KEYS["kick"]]
    assert not np.any((kicks > gone.bar * 4 + 0.2) & (kicks < (gone.bar + gone.bars) * 4 - 2.2))


def test_swing_delays_off_beats_in_four_and_leaves_compound_meters_alone() -> None:
    events = [Event(0.0, 0.5, 60, 80), Event(0.5, 0.5, 60, 80), Event(1.0, 0.5, 60, 80)]
    late = swung(events, parse_meter("4/4"), 0.66, 0.5)
    assert [event.onset for event in late] == pytest.approx([0.0, 0.66, 1.0])
    assert late[0].length == pytest.approx(0.66)
    assert swung(events, parse_meter("6/8"), 0.66, 0.5) == events


@pytest.mark.parametrize(
    ("genre", "meter", "instruments"),
    [("march", "4/4", ("rock drums", "orchestral drums")), ("city-pop", "9/8", ("taiko",))],
)
def test_no_drum_is_struck_twice_at_a_time(genre: str, meter: str, instruments: tuple[str, ...]) -> None:
    for seed in range(6):
        score = compose(order(genre=genre, meter=meter, instruments=instruments, intensity=4, bars=16), seed)
        for track in score.tracks:
            if track.stem == "drums":
                struck = list(zip(track.notes.onset.round(4), track.notes.pitch.tolist(), strict=True))
                assert len(set(struck)) == len(struck)
