"""The key of a recording, estimated by someone who was not told the order.

Partials that stand out of their neighbours and last (a median over time against one over frequency, Fitzgerald's
"Harmonic/Percussive Separation", 2010) are counted into twelve pitch classes, moment by moment and equally loud. The
mean is correlated with the weights of seven modes on twelve tonics (Krumhansl's method; the weights are triad, then
scale, then nothing). Which of the minor modes (or of the major ones) it is can hardly be heard from weights alone: what
is told apart is the tonic, and major from minor.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.mastering.listening.spectra import Floats, magnitudes

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 2100.0
_MIDDLE, _WIDTH = 60.0, 15.0  # semitones: where partials tell most, and how fast that falls off
_IN_TUNE = 0.25  # semitones
_LASTS, _SPREADS = 9, 15  # frames and bins of the two medians
_QUIET = 0.1  # of the mean moment: what is softer counts less
_STANDS_OUT = 0.12  # deviation of the pitch classes by their mean: noise of 8 s and more has 0.08 at most, music 0.26
_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10), "lydian": (0, 2, 4, 6, 7, 9, 11), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}  # fmt: skip
_WEIGHTS = (1.0, 0.36, 0.6, 0.4, 0.72, 0.32, 0.3)  # of the degrees of a scale
_MAJOR_THIRDS = ("major", "lydian", "mixolydian", "major pentatonic")


@dataclass(frozen=True)
class HeardKey:
    """A key such as `D dorian`, and how well the pitch classes agree with it: a correlation, up to 1. `lead` is how far
    the best key on another tonic, or with the other third, is behind."""

    name: str
    strength: float
    lead: float


def estimate(sound: Floats, rate: int) -> HeardKey | None:
    """The key of a recording, (frames,) or (channels, frames); None where no pitch is heard, or all alike, as in noise:
    twelve of anything agree somewhat with one of so many keys."""
    weights = pitch_classes(sound, rate)
    return of_pitches(weights) if weights.std() >= _STANDS_OUT * weights.mean() else None


def of_pitches(weights: NDArray[np.float64]) -> HeardKey | None:
    """The key that twelve weights (from C) agree with best."""
    if len(weights) != 12 or not float(np.ptp(weights)) > 0:
        return None
    names, profiles = _profiles()
    shaped = weights - weights.mean()
    found = profiles @ (shaped / np.linalg.norm(shaped))
    best = int(np.argmax(found))
    others = [index for index, name in enumerate(names) if sounding(name) != sounding(names[best])]
    return HeardKey(names[best], float(found[best]), float(found[best] - found[others].max()))


def sounding(name: str) -> tuple[int, bool]:
    """(tonic as a pitch class, whether its third is major) of a key as people write it, `F# dorian`."""
    tonic, _, mode = name.partition(" ")
    pitch = "C D EF G A B".index(tonic[0]) + tonic.count("#") - tonic.count("b")
    return pitch % 12, mode in _MAJOR_THIRDS


@lru_cache(maxsize=1)
def _profiles() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    names, rows = [], []
    for mode, scale in _SCALES.items():
        weights = np.zeros(12)
        weights[list(scale)] = _WEIGHTS
        for tonic, name in enumerate(TONICS):
            row = np.roll(weights - weights.mean(), tonic)
            names.append(f"{name} {mode}")
            rows.append(row / np.linalg.norm(row))
    return tuple(names), np.array(rows)


def pitch_classes(sound: Floats, rate: int) -> NDArray[np.float64]:
    """How much of each of the twelve pitch classes is heard, from C; zeros where no pitch is."""
    from scipy.ndimage import median_filter

    heard, hertz = magnitudes(sound, rate, _HIGHEST_HZ + 50)
    if not heard.size or float(heard.max()) <= 0:
        return np.zeros(12)
    lasting = np.square(median_filter(heard, size=(_LASTS, 1)))
    sudden = np.square(median_filter(heard, size=(1, _SPREADS)))
    heard = heard * (lasting / np.maximum(lasting + sudden, 1e-12))
    frames, bins = _peaks(heard)
    level, pitch = _refined(heard, frames, bins, hertz)
    near = np.round(pitch)
    level = level * np.exp(-0.5 * np.square((pitch - near) / _IN_TUNE) - 0.5 * np.square((pitch - _MIDDLE) / _WIDTH))
    moments = np.zeros((len(heard), 12))
    np.add.at(moments, (frames, near.astype(np.int64) % 12), level)
    loudness = moments.sum(axis=1, keepdims=True)
    mean = float(loudness.mean())
    return (moments / (loudness + _QUIET * mean)).mean(axis=0) if mean > 0 else np.zeros(12)


def _peaks(heard: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(frame, bin) of what is louder than the bins beside it."""
    middle = heard[:, 1:-1]
    frames, bins = np.nonzero((middle > heard[:, :-2]) & (middle >= heard[:, 2:]) & (middle > 0))
    return frames, bins + 1


def _refined(
    heard: Floats, frames: NDArray[np.int64], bins: NDArray[np.int64], hertz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Level (square root; 0 out of range) and pitch (MIDI number) of peaks, between the bins by a parabola."""
    below, at, above = (np.log(heard[frames, bins + step].astype(np.float64) + 1e-9) for step in (-1, 0, 1))
    bent = below - 2 * at + above
    frequency = (bins + np.where(bent < 0, 0.5 * (below - above) / np.minimum(bent, -1e-12), 0.0)) * hertz
    inside = (frequency > _LOWEST_HZ) & (frequency < _HIGHEST_HZ)
    level = np.where(inside, np.sqrt(heard[frames, bins].astype(np.float64)), 0.0)
    return level, 69 + 12 * np.log2(np.maximum(frequency, 1.0) / 440)
