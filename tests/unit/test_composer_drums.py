"""Grooves fit every meter, Euclidean rhythms are even, and patterns say when they are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.drums import KEYS, euclid
from models.composer.genre import genre
from models.composer.groove import steps, swung
from models.composer.line import Event
from models.composer.meter import parse_meter
from models.words import GENRES, METERS


@given(st.integers(0, 32), st.integers(1, 32), st.integers(0, 40))
def test_euclidean_hits_are_counted_and_even(hits: int, count: int, rotation: int) -> None:
    row = euclid(hits, count, rotation)
    assert len(row) == count and sum(row) == min(hits, count)
    places = [place for place, hit in enumerate(row) if hit]
    gaps = {(two - one) % count or count for one, two in zip(places, places[1:] + places[:1], strict=True)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_the_tresillo_is_euclidean() -> None:
    assert euclid(3, 8) == [True, False, False, True, False, False, True, False]


@pytest.mark.parametrize("meter", [*METERS, "9/8", "5/8", "3/2"])
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


@pytest.mark.parametrize("name", GENRES)
def test_every_pattern_of_every_genre_can_be_read(name: str) -> None:
    for role, part in genre(name).roles.items():
        for level in part.patterns.values():
            rows = level if isinstance(level, dict) else {"simple": level}
            for kind, value in rows.items():
                lines = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
                marks = "XxgO.o" if role in ("drums", "percussion") else "R3587-." if role == "bass" else "Xx-.01234567"
                for line in lines:
                    assert len(line) == (12 if kind == "compound" else 16), (name, role, line)
                    assert set(line) <= set(marks), (name, role, line)
                if isinstance(value, dict):
                    assert set(value) <= set(KEYS), (name, role)


def test_swing_delays_off_beats_in_four_and_leaves_compound_meters_alone() -> None:
    events = [Event(0.0, 0.5, 60, 80), Event(0.5, 0.5, 60, 80), Event(1.0, 0.5, 60, 80)]
    late = swung(events, parse_meter("4/4"), 0.66, 0.5)
    assert [event.onset for event in late] == pytest.approx([0.0, 0.66, 1.0])
    assert late[0].length == pytest.approx(0.66)
    assert swung(events, parse_meter("6/8"), 0.66, 0.5) == events
