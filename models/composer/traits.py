"""What a score is like in a few numbers and sets: what ratings and distances between takes are computed from.

Everything is read from the written notes, never from what the composer meant. Times are quarter notes. Nothing here
decides which score is good (`rating`) or chosen (`choose`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.composer.instruments import INSTRUMENTS
from models.composer.score import Chord, Score, Track
from models.composer.theory import parse_key

GRAM = 4  # intervals that make a melodic word
_GRID = 4  # slots to the quarter note
_LATE = 0.12  # quarters that a player may be early or late

Gram = tuple[int, ...]


@dataclass(frozen=True)
class Traits:
    """`grams` are the melody's interval 4-grams; `onsets` a mark for every role and sixteenth where it strikes a note.

    `weights` are shares of sound by pitch class above the tonic (12 values that sum to 1, or zeros); `arrives` tells
    whether the lowest tone is the tonic where the piece arrives: at its last chord, in a loop at its last or its first.
    `line` holds the melody's onset, length and pitch."""

    grams: frozenset[Gram]
    onsets: frozenset[tuple[str, int]]
    weights: tuple[float, ...]
    arrives: bool
    line: NDArray[np.float64]


def traits_of(score: Score) -> Traits:
    """The traits of a score. Raises ValueError for a key that cannot be read."""
    key = parse_key(score.key)
    pitched = [track for track in score.tracks if INSTRUMENTS[track.instrument].pitched]
    line = melody_of(score)
    return Traits(
        grams=grams_of(line[:, 2]),
        onsets=_struck(score),
        weights=_weights(pitched, key.tonic),
        arrives=_arrives(score, pitched, key.tonic),
        line=line,
    )


def melody_of(score: Score) -> NDArray[np.float64]:
    """Onset, length, pitch of the leading melody, (notes, 3): of notes that start together the highest."""
    leads = [track.notes for track in score.tracks if track.role == "melody"]
    if not leads:
        return np.zeros((0, 3))
    notes = max(leads, key=lambda each: len(each.onset))
    table = np.stack([notes.onset, notes.length, notes.pitch.astype(np.float64)], axis=1)
    table = table[np.lexsort((-table[:, 2], np.round(table[:, 0], 2)))]
    first = np.append(True, np.diff(np.round(table[:, 0], 2)) > 0.05) if len(table) else np.zeros(0, bool)
    return np.asarray(table[first])


def grams_of(pitches: NDArray[np.float64]) -> frozenset[Gram]:
    """All runs of four intervals (semitones) in a line."""
    steps = np.diff(pitches).astype(int).tolist()
    return frozenset(tuple(steps[at : at + GRAM]) for at in range(len(steps) - GRAM + 1))


def overlap(one: frozenset[Gram], two: frozenset[Gram]) -> float:
    """Jaccard overlap of two sets of melodic words, 0 (nothing shared) to 1 (the same)."""
    return len(one & two) / len(one | two) if one or two else 0.0


def difference(one: Traits, two: Traits) -> float:
    """Share of the struck slots of either score that only one of them strikes, 0 to 1."""
    either = len(one.onsets | two.onsets)
    return len(one.onsets ^ two.onsets) / either if either else 0.0


def _struck(score: Score) -> frozenset[tuple[str, int]]:
    marks: set[tuple[str, int]] = set()
    for track in score.tracks:
        marks.update((track.role, slot) for slot in np.rint(track.notes.onset * _GRID).astype(int).tolist())
    return frozenset(marks)


def _weights(tracks: list[Track], tonic: int) -> tuple[float, ...]:
    total = np.zeros(12)
    for track in tracks:
        total += np.bincount((track.notes.pitch - tonic) % 12, weights=track.notes.length, minlength=12)
    whole = float(total.sum())
    return tuple((total / whole if whole else total).tolist())


def _arrives(score: Score, tracks: list[Track], tonic: int) -> bool:
    places = [score.chords[-1], *(score.chords[:1] if score.loop else ())] if score.chords else []
    return any(_lowest(tracks, chord) % 12 == tonic for chord in places)


def _lowest(tracks: list[Track], chord: Chord) -> int:
    """The lowest tone held or struck within a chord, -1 where there is none."""
    start, end = chord.onset + _LATE, chord.onset + chord.length - _LATE
    found = 128
    for track in tracks:
        notes = track.notes
        sounding = (notes.onset < end) & (notes.onset + notes.length > start)
        if track.role not in ("drums", "percussion"):
            found = min(found, int(notes.pitch[sounding].min(initial=128)))
    return found if found < 128 else -1
