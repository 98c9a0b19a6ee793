"""Whether two sounds are one music: the same take encoded otherwise, or with a player less.

A sound is described by how the loudness of 32 bands changes from one eighth of a second to the next beside that of the
next band: what stays the same (a band's level, a slow swell, the room) is not in it. Two descriptions are correlated,
at shifts of up to three eighths. Music on the same chords by the same players at the same tempo, as all takes of a cue
are, has other notes at other moments, and is told apart: see `python -m tests.benchmarks.listen`.
"""

from functools import lru_cache

import numpy as np

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
    first, second = _shaped(one), _shaped(other)
    shorter, longer = sorted((len(first), len(second)))
    if shorter < _SHORTEST - 1 or longer > 2 * shorter:
        return 0.0
    return max(_agreement(first, second, shift) for shift in _SHIFTS)


@lru_cache(maxsize=256)
def _shaped(descriptor: bytes) -> Floats:
    changes: Floats = np.frombuffer(descriptor, np.int8).reshape(-1, BANDS - 1).astype(np.float32) / np.float32(127)
    if len(changes):
        changes /= changes.std(axis=0) + np.float32(_STEADY)
    return changes


def _agreement(first: Floats, second: Floats, shift: int) -> float:
    first, second = first[max(0, shift) :], second[max(0, -shift) :]
    length = min(len(first), len(second))
    one, other = first[:length].ravel(), second[:length].ravel()
    weight = float(np.sqrt(float(np.dot(one, one)) * float(np.dot(other, other))))
    return float(np.dot(one, other)) / weight if weight > 0 else 0.0
