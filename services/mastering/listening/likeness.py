"""Whether two sounds are one music: the same take encoded otherwise, or with a player less.

A sound is described by how the loudness of 32 bands changes from one eighth of a second to the next beside that of the
next band: what stays the same (a band's level, a slow swell, the room) is not in it. Two descriptions are correlated,
at shifts of up to three eighths. Music on the same chords by the same players at the same tempo, as all takes of a cue
are, has other notes at other moments, and is told apart: see `python -m tests.benchmarks.listen`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.mastering.listening.spectra import Floats, Frames

SAME = 0.65
"""From here on two sounds are one: a take as MP3 keeps 0.89, three of four takes without any one of their layers reach
it, other takes of one cue no more than 0.57."""
BANDS, PER_SECOND = 32, 8.0
_LONGEST_S = 64.0
_SHORTEST = 16  # eighths: shorter sounds have too few moments to tell by
_RANGE_DB, _LARGE_DB = 60.0, 6.0
_SHIFTS = range(-3, 4)
_STEADY = 0.2  # what is added to a band's deviation: bands that hardly change tell little


def describe(mel: Frames) -> bytes:
    """The description of a sound: signed bytes, 31 every eighth of a second of its first 64 s; empty where it is too
    short."""
    most = int(_LONGEST_S * mel.per_second)
    values = mel.values[:most]
    bands = values.reshape(len(values), BANDS, -1).sum(axis=2)
    starts = (np.arange(int(len(values) * PER_SECOND / mel.per_second)) / PER_SECOND * mel.per_second).astype(np.int64)
    if len(starts) < _SHORTEST:
        return b""
    lengths = np.diff(np.append(starts, len(values)))
    loudness = 10 * np.log10(np.add.reduceat(bands, starts, axis=0) / lengths[:, None] + 1e-9)
    loudness = np.maximum(loudness, loudness.max() - _RANGE_DB)
    changes = np.diff(np.diff(loudness, axis=0), axis=1)
    return np.rint(np.tanh(changes / _LARGE_DB) * 127).astype(np.int8).tobytes()


def likeness(one: bytes, other: bytes) -> float:
    """How alike two descriptions are, up to 1; 0 where one is empty, or one is twice as long as the other."""
    return float(Shelf((one, other)).alike(0, 1)[0, 1])


class Shelf:
    """Descriptions beside each other, to be compared with all others at once."""

    def __init__(self, descriptors: Sequence[bytes]) -> None:
        shaped = [_shaped(descriptor) for descriptor in descriptors]
        self._lengths = np.array([len(changes) for changes in shaped], dtype=np.int64)
        longest = int(self._lengths.max(initial=0))
        self._changes: Floats = np.zeros((len(shaped), longest, BANDS - 1), np.float32)
        for row, changes in zip(self._changes, shaped, strict=True):
            row[: len(changes)] = changes
        self._until = np.zeros((len(shaped), longest + 1))  # of each, the sum of squares up to a moment
        np.cumsum(np.square(self._changes).sum(axis=2, dtype=np.float64), axis=1, out=self._until[:, 1:])

    def alike(self, first: int, last: int) -> NDArray[np.float64]:
        """How alike the descriptions from `first` up to `last` (not included) are to all of them: (rows, columns).

        To four places: the rest is how a machine adds up."""
        lengths, others = self._lengths[first:last, None], self._lengths[None, :]
        found = np.max([self._at(first, last, shift) for shift in _SHIFTS], axis=0)
        shorter, longer = np.minimum(lengths, others), np.maximum(lengths, others)
        return np.where((shorter < _SHORTEST - 1) | (longer > 2 * shorter), 0.0, np.round(found, 4))

    def _at(self, first: int, last: int, shift: int) -> NDArray[np.float64]:
        """Their correlations where those of the rows begin `shift` moments later (earlier, where it is negative)."""
        mine, theirs = max(0, shift), max(0, -shift)
        width = max(0, self._changes.shape[1] - abs(shift))
        rows = self._changes[first:last, mine : mine + width].reshape(last - first, -1)
        columns = self._changes[:, theirs : theirs + width].reshape(len(self._changes), -1)
        dots = (rows @ columns.T).astype(np.float64)
        lengths, others = self._lengths[first:last, None], self._lengths[None, :]
        common = np.maximum(0, np.minimum(lengths - mine, others - theirs))
        numbers = np.arange(len(self._lengths))
        squares = self._squares(numbers[first:last, None], mine, common) * self._squares(numbers, theirs, common)
        return np.divide(dots, np.sqrt(squares), out=np.zeros_like(dots), where=squares > 0)

    def _squares(self, numbers: NDArray[np.int64], start: int, common: NDArray[np.int64]) -> NDArray[np.float64]:
        start = min(start, self._until.shape[1] - 1)
        ends = np.minimum(start + common, self._until.shape[1] - 1)
        return self._until[numbers, ends] - self._until[numbers, start]


def _shaped(descriptor: bytes) -> Floats:
    changes: Floats = np.frombuffer(descriptor, np.int8).reshape(-1, BANDS - 1).astype(np.float32) / np.float32(127)
    if len(changes):
        changes /= changes.std(axis=0) + np.float32(_STEADY)
    return changes
