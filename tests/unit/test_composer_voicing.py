"""Chords are led: small motion, in range, without parallels."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.counterpoint import forbidden
from models.composer.theory import diatonic, harmony, parse_key
from models.composer.voicing import lead
from models.words import MODES, TONICS

progressions = st.builds(
    lambda tonic, mode, degrees, extension: [
        harmony(parse_key(f"{tonic} {mode}"), diatonic(parse_key(f"{tonic} {mode}"), degree), extension).pitch_classes
        for degree in degrees
    ],
    st.sampled_from(TONICS),
    st.sampled_from(MODES),
    st.lists(st.integers(0, 6), min_size=2, max_size=10),
    st.sampled_from(("triad", "seventh", "ninth", "power")),
)


@settings(deadline=None)
@given(progressions, st.integers(3, 5))
def test_voicings_are_in_range_and_hold_only_chord_tones(chords, voices: int) -> None:
    for chord, voicing in zip(chords, lead(chords, 48, 78, voices, 62.0), strict=True):
        assert voicing[0] >= 48 and voicing[-1] <= 78
        assert list(voicing) == sorted(set(voicing))
        assert {pitch % 12 for pitch in voicing} <= set(chord)


def transitions():
    for tonic in ("C", "Eb", "F#"):
        for mode in ("major", "minor", "dorian"):
            key = parse_key(f"{tonic} {mode}")
            for step in (1, 3, 4, 5):
                chords = [harmony(key, diatonic(key, degree * step)).pitch_classes for degree in range(8)]
                yield from pairwise(lead(chords, 48, 76, 4, 61.0))


def test_voices_move_little_and_hardly_ever_in_parallel_fifths_or_octaves() -> None:
    pairs = list(transitions())
    motion = np.mean([abs(one - two) for before, after in pairs for one, two in zip(before, after, strict=True)])
    assert motion < 3.0
    assert sum(forbidden(before, after) > 0 for before, after in pairs) / len(pairs) < 0.06


def test_parallel_fifths_and_octaves_are_seen_and_held_ones_are_not() -> None:
    assert forbidden((48, 55, 64), (50, 57, 65)) == 1
    assert forbidden((48, 60), (50, 62)) == 1
    assert forbidden((48, 55), (48, 55)) == 0
    assert forbidden((48, 55), (55, 50)) == 0


def test_a_repeated_chord_keeps_its_voicing() -> None:
    line = lead([(0, 4, 7), (0, 4, 7), (5, 9, 0)], 48, 76, 4, 61.0)
    assert line[0] == line[1]
