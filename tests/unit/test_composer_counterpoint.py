"""Counterpoint is counted right, and what the players write keeps to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.compose import compose
from models.composer.counterpoint import (
    SILENT,
    Strand,
    Tally,
    Voices,
    around,
    clashes,
    forbidden,
    is_parallel,
    matched,
    mended,
    parallels,
    strand_of,
    voices_of,
)
from models.composer.line import Event, notes_of
from models.words import GENRES, MODES
from tests.unit.composer_orders import order

keys = st.integers(30, 90)


def line(*pitches: int, length: float = 1.0) -> list[Event]:
    return [Event(place * 1.0, length, pitch, 80) for place, pitch in enumerate(pitches)]


@pytest.mark.parametrize(
    ("one", "two", "next_one", "next_two", "wrong"),
    [
        (48, 55, 50, 57, True),  # fifths upwards
        (48, 60, 46, 58, True),  # octaves downwards
        (60, 60, 62, 62, True),  # unisons
        (48, 67, 50, 69, True),  # twelfths
        (48, 55, 48, 55, False),  # nobody moves
        (48, 55, 50, 53, False),  # contrary
        (48, 53, 50, 55, False),  # fourths
        (48, 55, 50, 59, False),  # into a sixth
        (48, SILENT, 50, SILENT, False),
    ],
)
def test_parallels_are_perfect_intervals_that_move_the_same_way(one, two, next_one, next_two, wrong) -> None:
    assert is_parallel(one, two, next_one, next_two) is wrong
    assert is_parallel(two, one, next_two, next_one) is wrong


@given(keys, keys, keys, keys)
def test_parallels_do_not_depend_on_transposition(one: int, two: int, three: int, four: int) -> None:
    assert is_parallel(one, two, three, four) == is_parallel(one + 7, two + 7, three + 7, four + 7)


def test_pairs_that_both_move_are_the_whole() -> None:
    before = np.array([[48, 55, 64], [50, 57, 64]])
    after = np.array([[50, 57, 64], [48, 60, 65]])
    assert parallels(Voices(before, after, (0, 1, 2))) == Tally(1, 1 + 3)


def test_a_line_doubled_in_octaves_is_no_fault() -> None:
    low = np.array([48, 50, 52, 53, 55, 57, 59, 60])
    before, after = np.stack([low[:-1], low[:-1] + 12], 1), np.stack([low[1:], low[1:] + 12], 1)
    before, after = np.tile(before, (2, 1)), np.tile(after, (2, 1))
    assert parallels(Voices(before, after, (0, 1))) == Tally(0, 0)
    assert Tally(0, 0).share == 0


def test_what_sounds_around_a_change_is_the_last_stroke_and_the_first_with_what_is_held() -> None:
    notes = notes_of([Event(0, 4, 48, 80), Event(0, 2, 64, 80), Event(1, 1, 67, 80), Event(2.03, 2, 65, 80)])
    assert around(notes, 2.0, 0.0, 4.0) == ((48, 64, 67), (48, 65))


def test_a_strand_hears_rests_held_notes_and_arrivals() -> None:
    strand = strand_of("pads", [Event(0, 4, 60, 80), Event(0, 2, 64, 80), Event(2, 2, 65, 80)], [0, 2, 4], 6)
    assert strand.after == ((60, 64), (60, 65), ())
    assert strand.before[1] == (60, 64)
    melody = strand_of("melody", [Event(0, 3, 72, 80), Event(3, 1, 74, 80)], [0, 2], 4)
    assert melody.after == ((72,), (74,))


def test_chords_of_two_sizes_are_matched_by_their_outer_voices() -> None:
    assert matched((48, 52, 55), (50, 57)) == ((48, 55), (50, 57))
    assert matched((48,), (50, 57)) == ((48,), (50,))
    assert matched((), (50, 57)) == ((), ())


def test_a_second_voice_is_mended_with_a_tone_of_its_chord() -> None:
    starts, chords = [0.0, 1.0, 2.0], [(0, 4, 7), (2, 5, 9), (7, 11, 2)]
    heard = (Strand("melody", ((), (67,), (69,)), ((67,), (69,), (71,))),)
    told = mended(line(60, 62, 64), heard, starts, chords, 48, 76)
    assert told[0].pitch == 60
    for change in (1, 2):
        assert not clashes(heard, change, told[change - 1].pitch, told[change].pitch)
    assert told[1].pitch % 12 in chords[1]


@given(st.lists(keys, min_size=2, max_size=12), st.lists(keys, min_size=2, max_size=12))
def test_mending_never_adds_parallels_nor_leaves_the_range(one: list[int], two: list[int]) -> None:
    size = min(len(one), len(two))
    starts = [float(place) for place in range(size)]
    heard = (strand_of("melody", line(*one[:size]), starts, float(size)),)
    before = line(*two[:size])
    after = mended(before, heard, starts, [(0, 4, 7)] * size, 40, 80)

    def faults(told: list[Event]) -> int:
        return sum(clashes(heard, at, told[at - 1].pitch, told[at].pitch) for at in range(1, size))

    assert faults(after) <= faults(before)
    assert all(new.pitch == old.pitch or 40 <= new.pitch <= 80 for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("genre", GENRES)
def test_hardly_any_voices_of_a_piece_run_in_parallel(genre: str) -> None:
    tally = Tally()
    for seed in range(2):
        tally += parallels(voices_of(compose(order(genre=genre, key=f"D {MODES[seed]}", bars=12), seed)))
    assert tally.wrong <= 1 + 0.015 * tally.total


def test_forbidden_counts_every_pair() -> None:
    assert forbidden((48, 55, 60), (50, 57, 62)) == 2
