"""Counterpoint as arithmetic: chord tones on strong beats, parallels, spacing and range, of lines that sound together.

Used while writing (a bass or a voicing that knows the lines above it) and while judging (candidates, reports). Nothing
here chooses notes by chance, and nothing knows of genres, seats or states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.composer.score import Chord, Notes, Score, Track

PARTS = ("melody", "counter", "harmony", "pads", "bass")
"""Roles whose voices are led against each other; figures and drums are texture."""
SILENT = -1
_LATE = 0.12  # quarters by which people may be late or early and still play on a change
_SAME = 0.06
_PERFECT = (0, 7)


@dataclass(frozen=True)
class Tally:
    """`wrong` of `total`; what is counted is the function's matter."""

    wrong: int = 0
    total: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.wrong + other.wrong, self.total + other.total)

    @property
    def share(self) -> float:
        """Faults per case, 0 where there was none."""
        return self.wrong / self.total if self.total else 0.0


@dataclass(frozen=True)
class Voices:
    """Lines before and after each of `n` changes: MIDI keys of shape (n, voices), `SILENT` where one rests.

    `owner` names the player of each voice; pairs within a player of `frozen` are not judged (power chords)."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    owner: tuple[int, ...]
    frozen: frozenset[int] = frozenset()


def forbidden(before: Sequence[int], after: Sequence[int]) -> int:
    """How many pairs of voices move in parallel perfect fifths, octaves or unisons (both moving, same direction)."""
    count = 0
    for one, two in combinations(range(min(len(before), len(after))), 2):
        count += is_parallel(before[one], before[two], after[one], after[two])
    return count


def is_parallel(one: int, two: int, next_one: int, next_two: int) -> bool:
    """Whether two voices at MIDI keys (`one`, `two`) go to (`next_one`, `next_two`) in parallel perfect intervals."""
    if min(one, two, next_one, next_two) < 0 or (next_one - one) * (next_two - two) <= 0:
        return False
    low, high = (one, two) if one <= two else (two, one)
    after_low, after_high = (next_one, next_two) if next_one <= next_two else (next_two, next_one)
    gap = (high - low) % 12
    return gap in _PERFECT and (after_high - after_low) % 12 == gap


def parallels(voices: Voices) -> Tally:
    """Forbidden parallels among all pairs of voices that both move over a change.

    A pair of players that keep octaves or unisons nearly all the time doubles one line by design and is left out."""
    tally = Tally()
    doubled = _doubled(voices)
    for one, two in combinations(range(len(voices.owner)), 2):
        owners = voices.owner[one], voices.owner[two]
        if (owners[0] == owners[1] and owners[0] in voices.frozen) or (
            owners[0] != owners[1] and (one, two) in doubled
        ):
            continue
        tally += _pair(voices.before[:, [one, two]], voices.after[:, [one, two]])
    return tally


def _pair(before: NDArray[np.int64], after: NDArray[np.int64]) -> Tally:
    there = (before >= 0).all(axis=1) & (after >= 0).all(axis=1)
    motion = after - before
    moving = there & (motion != 0).all(axis=1)
    gap = np.abs(before[:, 1] - before[:, 0]) % 12
    later = np.abs(after[:, 1] - after[:, 0]) % 12
    wrong = moving & (motion[:, 0] * motion[:, 1] > 0) & (gap == later) & np.isin(gap, _PERFECT)
    return Tally(int(wrong.sum()), int(moving.sum()))


def _doubled(voices: Voices) -> frozenset[tuple[int, int]]:
    """Pairs of voices of different players that are an octave or unison apart nearly always: one line, two players."""
    found = []
    for one, two in combinations(range(len(voices.owner)), 2):
        pairs = np.concatenate([voices.before[:, [one, two]], voices.after[:, [one, two]]])
        pairs = pairs[(pairs >= 0).all(axis=1)]
        if len(pairs) >= 8 and np.mean((pairs[:, 1] - pairs[:, 0]) % 12 == 0) > 0.9:
            found.append((one, two))
    return frozenset(found)


def strong_tones(
    onsets: Sequence[float], pitches: Sequence[int], chords: Sequence[Chord], strong: Sequence[bool]
) -> Tally:
    """Notes on strong places that are no chord tone, of all notes on strong places. Onsets in quarters, as written or
    played (up to an eighth of a quarter early or late)."""
    starts = np.array([chord.onset for chord in chords])
    wrong = total = 0
    for onset, pitch, counts in zip(onsets, pitches, strong, strict=True):
        if counts and len(starts):
            chord = chords[max(0, int(np.searchsorted(starts, onset + _LATE, side="right")) - 1)]
            total += 1
            wrong += int(pitch) % 12 not in chord.pitch_classes
    return Tally(wrong, total)


def spacing(voicing: Sequence[int]) -> int:
    """Faults of one chord (MIDI keys, ascending): more than an octave between neighbours above the lowest voice, and
    thirds or less below C3 (48)."""
    pairs = list(zip(voicing, voicing[1:], strict=False))
    wide = sum(high - low > 12 for low, high in pairs[1:])
    return wide + sum(0 < high - low <= 4 and low < 48 for low, high in pairs)


def out_of_range(pitches: Sequence[int], low: int, high: int) -> int:
    """How many notes lie outside of low..high."""
    return sum(not low <= pitch <= high for pitch in pitches)


def around(notes: Notes, time: float, start: float, end: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What a player sounds before and after a change at `time` between the chords from `start` and until `end`.

    Each is the last stroke of the earlier chord, the first of the later one (or what is held), ascending."""
    return _stroke(notes, start, time, last=True), _stroke(notes, time, end, last=False)


def _stroke(notes: Notes, start: float, end: float, last: bool) -> tuple[int, ...]:
    """The keys of the last (or first) stroke within a span, with what is held into it."""
    inside = (notes.onset >= start - _LATE) & (notes.onset < end - _LATE)
    moment = end - 2 * _LATE if last else start + _LATE
    held = (notes.onset <= moment) & (notes.onset + notes.length > moment)
    if inside.any():
        at = notes.onset[inside].max() if last else notes.onset[inside].min()
        struck = inside & (np.abs(notes.onset - at) < _SAME)
        ringing = (notes.onset < at - _SAME) & (notes.onset + notes.length > at + 0.25)
        if last or at <= start + _LATE or not held.any():
            return tuple(sorted({int(pitch) for pitch in notes.pitch[struck | ringing]}))
    return tuple(sorted({int(pitch) for pitch in notes.pitch[held]}))


def voices_of(score: Score) -> Voices:
    """The voices of the melody, counter, harmony, pads and bass of a score at all its changes of harmony.

    Chords are read from the lowest note up; a player whose chords change their size over a change pairs the outer
    voices and leaves the rest out there."""
    changes = [
        (one.onset, two.onset, two.onset + two.length)
        for one, two in zip(score.chords, score.chords[1:], strict=False)
        if one.pitch_classes != two.pitch_classes
    ]
    tracks = [track for track in score.tracks if track.role in PARTS and len(track.notes.onset)]
    columns: list[tuple[NDArray[np.int64], NDArray[np.int64], int]] = []
    frozen = set()
    for number, track in enumerate(tracks):
        pairs = [around(track.notes, time, start, end) for start, time, end in changes]
        columns += [(*column, number) for column in _columns(pairs, track)]
        if _is_power(pairs):
            frozen.add(number)
    if not columns or not changes:
        return Voices(np.zeros((0, 0), np.int64), np.zeros((0, 0), np.int64), ())
    before, after = np.stack([each[0] for each in columns], 1), np.stack([each[1] for each in columns], 1)
    return Voices(before, after, tuple(each[2] for each in columns), frozenset(frozen))


def _columns(
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]], track: Track
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """One (before, after) pair of columns a voice."""
    single = track.role in ("melody", "counter", "bass")
    width = 1 if single else max((max(len(one), len(two)) for one, two in pairs), default=0)
    before, after = np.full((len(pairs), width), SILENT, np.int64), np.full((len(pairs), width), SILENT, np.int64)
    for row, (one, two) in enumerate(pairs):
        if not one or not two:
            continue
        if single:
            edge = 0 if track.role == "bass" else -1
            before[row, 0], after[row, 0] = one[edge], two[edge]
        elif len(one) == len(two):
            before[row, : len(one)], after[row, : len(two)] = one, two
        else:
            before[row, 0], after[row, 0] = one[0], two[0]
            if width > 1 and min(len(one), len(two)) > 1:
                before[row, 1], after[row, 1] = one[-1], two[-1]
    return [(before[:, place], after[:, place]) for place in range(width)]


def _is_power(pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether a player's chords are fifths and octaves by style."""
    chords = [chord for pair in pairs for chord in pair if len(chord) > 1]
    bare = sum(all((pitch - chord[0]) % 12 in (0, 7) for pitch in chord) for chord in chords)
    return bool(chords) and bare / len(chords) > 0.8
