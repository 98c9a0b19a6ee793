"""What a finished mix measures: peaks, offset, fold-down, balance of the octaves, crest, air, width, layers.

Sound is float (2, frames) in [-1, 1). True peaks are taken here by plain eightfold interpolation, not by the product's
meter. Nothing is changed or judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly, welch

from services.mastering.loudness import measure as loudness_of

Sound = NDArray[np.float32]
FULL_BAND = frozenset({
    "orchestral", "rock", "metal", "city-pop", "electronic", "synthwave", "house", "techno", "drum-and-bass", "trap",
    "march", "celtic",
})  # fmt: skip
"""Genres whose sound should fill the octaves; solo pianos, pads, chip waves and dusty tapes need not."""
LOWEST, OCTAVES = 60.0, 7  # bands of an octave: 60 Hz to 7.7 kHz
AIR_HZ = 10_000.0
_OVERSAMPLING = 8
_CHUNK = 1 << 18
_FLOOR = 1e-12


@dataclass(frozen=True)
class Mix:
    """Measures of one mix. Levels in dB; `tilt_db` is how far the line through the octave bands strays from pink (equal
    octaves) at the ends, negative where dark; `uneven_db` the largest distance of a band from that of pink."""

    clipped: int
    true_peak_db: float
    offset: float
    mono_loss_db: float
    tilt_db: float
    uneven_db: float
    crest_db: float
    air_db: float
    correlation: float


def measured(sound: Sound, rate: int) -> Mix:
    """Measure a mix that is not silent."""
    left, right = sound.astype(np.float64)
    power = float((left**2).mean() + (right**2).mean()) / 2
    bands = octaves(sound, rate)
    slope = float(np.polyfit(np.arange(OCTAVES), bands, 1)[0])
    return Mix(
        clipped=int((np.abs(sound) >= 1 - 2**-22).sum()),
        true_peak_db=_db(true_peak(sound) ** 2),
        offset=float(max(abs(left.mean()), abs(right.mean()))),
        mono_loss_db=_db(power) - _db(float((((left + right) / 2) ** 2).mean())),
        tilt_db=slope * OCTAVES / 2,
        uneven_db=float(np.abs(bands - bands.mean()).max()),
        crest_db=_db(float(np.abs(sound).max()) ** 2) - _db(power),
        air_db=air(sound, rate),
        correlation=float((left * right).mean() / max(np.sqrt((left**2).mean() * (right**2).mean()), _FLOOR)),
    )


def true_peak(sound: Sound) -> float:
    """The highest absolute value between samples, by eightfold interpolation; silence lies around the sound."""
    highest = float(np.abs(sound).max())
    for channel in sound:
        for start in range(0, len(channel), _CHUNK):
            piece = channel[max(0, start - 64) : start + _CHUNK + 64].astype(np.float64)
            if np.abs(piece).max() > 0.5 * highest:
                highest = max(highest, float(np.abs(resample_poly(piece, _OVERSAMPLING, 1)).max()))
    return highest


def octaves(sound: Sound, rate: int) -> NDArray[np.float64]:
    """Levels of the octave bands from 60 Hz in dB, (7,): equal for pink noise."""
    frequencies, power = welch(sound, rate, nperseg=16384, axis=1)
    total = power.sum(axis=0)
    edges = LOWEST * 2.0 ** np.arange(OCTAVES + 1)
    return np.array([
        _db(float(total[(frequencies >= low) & (frequencies < high)].sum()))
        for low, high in zip(edges, edges[1:], strict=False)
    ])  # fmt: skip


def air(sound: Sound, rate: int) -> float:
    """Power above 10 kHz of all power, in dB."""
    frequencies, power = welch(sound, rate, nperseg=4096, axis=1)
    total = power.sum(axis=0)
    return _db(float(total[frequencies >= AIR_HZ].sum() / total.sum()))


def loudness(sound: Sound, rate: int) -> float:
    """Integrated loudness in LUFS; minus infinity for silence."""
    return loudness_of(sound, rate).integrated


def _db(power: float) -> float:
    return float(10 * np.log10(max(power, _FLOOR)))
