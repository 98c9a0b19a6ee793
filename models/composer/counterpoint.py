"""Counterpoint as arithmetic: forbidden parallels between lines that sound together, and lines mended of them.

Used while writing (a bass or a voicing that knows the lines above it) and while judging (candidates, reports). Nothing
here chooses notes by chance, and nothing knows of genres, seats or states.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.composer.line import Event
from models.composer.score import Notes, Score, Track

PARTS = ("melody", "counter", "harmony", "pads", "bass")
"""Roles whose voices are led against each other; figures and drums are texture."""
_LINES = ("melody", "counter", "bass")
SILENT = -1
_LATE = 0.12  # quarters by which people may be late or early and still play on a change
_SAME = 0.1  # quarters within which the notes of a chord are struck, strummed ones included
_PERFECT = (0, 7)
_DOUBLED = 0.6  # share of moments in octaves or unison from which two voices are one line, doubled
_RECENT = 12  # notes that may still be held


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

    `owner` names the player of each voice."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    owner: tuple[int, ...]


@dataclass(frozen=True)
class Strand:
    """A part that is written already, as others hear it: for every change of harmony (the beginning of each chord of
    the piece) its MIDI keys just `before` and just `after` it, ascending, empty where it rests."""

    role: str
    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]


def strand_of(role: str, events: Sequence[Event], starts: Sequence[float], end: float) -> Strand:
    """A part as a strand: its last stroke before each change and its first after it, with what is held. Of a single
    line the first note struck in the new chord counts, even where the last one is held into it (a suspension).

    `starts` are the onsets of all chords in order, `end` where the last one stops."""
    line = sorted(events)
    onsets = [event.onset for event in line]
    before: list[tuple[int, ...]] = []
    after: list[tuple[int, ...]] = []
    for start, until in zip(starts, [*starts[1:], end], strict=True):
        place, coming = bisect_left(onsets, start - _LATE), bisect_left(onsets, until - _LATE)
        recent = line[max(0, place - _RECENT) : place]
        before.append(_group(recent, recent[-1].onset) if recent else ())
        held = [event for event in recent if event.onset + event.length > start + _LATE]
        single = role in _LINES
        if place < coming and (single or onsets[place] <= start + _LATE or not held):
            after.append(_group([*(() if single else held), *line[place:coming]], onsets[place]))
        else:
            after.append(tuple(sorted({event.pitch for event in held})))
    if role in _LINES:
        edge = 0 if role == "bass" else -1
        before, after = [each[edge:][:1] for each in before], [each[edge:][:1] for each in after]
    return Strand(role, tuple(before), tuple(after))


def _group(events: Sequence[Event], at: float) -> tuple[int, ...]:
    """The keys struck at a time or held over it."""
    return tuple(
        sorted(
            {
                event.pitch
                for event in events
                if abs(event.onset - at) < _SAME or (event.onset < at and event.onset + event.length > at + 0.25)
            }
        )
    )


def mended(
    events: Sequence[Event],
    heard: Sequence[Strand],
    starts: Sequence[float],
    chords: Sequence[tuple[int, ...]],
    low: int,
    high: int,
) -> list[Event]:
    """A single line without its forbidden parallels with the parts already heard: the note after such a change goes to
    another tone of its chord, the nearest one that is free of them; where there is none it stays.

    `starts` and `chords` are the onsets and pitch classes of all chords."""
    line = sorted(events)
    changes = {round(start, 2): place for place, start in enumerate(starts)}
    for place in range(1, len(line)):
        change = changes.get(round(line[place].onset, 2))
        before, pitch = line[place - 1].pitch, line[place].pitch
        if change is None or not clashes(heard, change, before, pitch):
            continue
        others = [key for key in range(max(low, pitch - 7), min(high, pitch + 7) + 1) if key % 12 in chords[change]]
        free = [key for key in others if not clashes(heard, change, before, key)]
        if free:
            line[place] = line[place]._replace(
                pitch=min(free, key=lambda key: (abs(key - pitch), abs(key - before), key))
            )
    return line


def clashes(strands: Sequence[Strand], change: int, one: int, two: int) -> int:
    """How many voices of the strands run in forbidden parallels with one that goes from `one` to `two` at a change."""
    count = 0
    for strand in strands:
        for old, new in zip(*matched(strand.before[change], strand.after[change]), strict=True):
            count += is_parallel(old, one, new, two)
    return count


def matched(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The voices of two chords that can be told apart: all where the sizes agree, else the outer ones."""
    if len(before) == len(after):
        return before, after
    if not before or not after:
        return (), ()
    if min(len(before), len(after)) == 1:
        return before[:1], after[:1]
    return (before[0], before[-1]), (after[0], after[-1])


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

    A pair of voices that is in octaves or unison most of the time doubles one line by design and is left out."""
    tally = Tally()
    doubled = _doubled(voices)
    for one, two in combinations(range(len(voices.owner)), 2):
        if (one, two) not in doubled:
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
    """Pairs of voices that are an octave or unison apart most of the time: one line, two players."""
    found = []
    for one, two in combinations(range(len(voices.owner)), 2):
        pairs = np.concatenate([voices.before[:, [one, two]], voices.after[:, [one, two]]])
        pairs = pairs[(pairs >= 0).all(axis=1)]
        if len(pairs) >= 8 and np.mean((pairs[:, 1] - pairs[:, 0]) % 12 == 0) >= _DOUBLED:
            found.append((one, two))
    return frozenset(found)


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
    voices and leaves the rest out there. A player of nothing but fifths and octaves is one voice, thickened."""
    changes = [
        (one.onset, two.onset, two.onset + two.length)
        for one, two in zip(score.chords, score.chords[1:], strict=False)
        if set(one.pitch_classes) != set(two.pitch_classes)
    ]
    columns: list[tuple[NDArray[np.int64], NDArray[np.int64], int]] = []
    tracks = [track for track in score.tracks if track.role in PARTS and len(track.notes.onset)]
    for number, track in enumerate(tracks):
        pairs = [around(track.notes, time, start, end) for start, time, end in changes]
        columns += [(*column, number) for column in _columns(pairs, track)]
    if not columns or not changes:
        return Voices(np.zeros((0, 0), np.int64), np.zeros((0, 0), np.int64), ())
    before, after = np.stack([each[0] for each in columns], 1), np.stack([each[1] for each in columns], 1)
    return Voices(before, after, tuple(each[2] for each in columns))


def _columns(
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]], track: Track
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """One (before, after) pair of columns a voice."""
    single = track.role in ("melody", "counter", "bass") or _is_thickened(pairs)
    edge = -1 if track.role in ("melody", "counter") else 0
    width = 1 if single else max((max(len(one), len(two)) for one, two in pairs), default=0)
    before, after = np.full((len(pairs), width), SILENT, np.int64), np.full((len(pairs), width), SILENT, np.int64)
    for row, (one, two) in enumerate(pairs):
        if not one or not two:
            continue
        old, new = ((one[edge],), (two[edge],)) if single else matched(one, two)
        before[row, : len(old)], after[row, : len(new)] = old, new
    return [(before[:, place], after[:, place]) for place in range(width)]


def _is_thickened(pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether a player's chords are fifths and octaves by style."""
    chords = [chord for pair in pairs for chord in pair if len(chord) > 1]
    bare = sum(all((pitch - chord[0]) % 12 in (0, 7) for pitch in chord) for chord in chords)
    return bool(chords) and bare / len(chords) > 0.9
