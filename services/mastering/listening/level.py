"""What is heard of a recording's level: silence, clipping, how it ends, and whether a loop's seam shows.

Everything is measured of the sound alone and relative to itself, so that it means the same before mastering and after.
Nothing here decides whether it is a fault.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mastering.listening.spectra import Floats

QUIETEST_DB = -70.0  # of full scale: below it everything is silence
_BELOW_DB = -50.0  # of the sound's own level
_BLOCK_S = 0.02
_END_S, _BEFORE_END_S = 0.05, 3.0
_FULL = 0.9995
_BINS, _LOWEST_BIN, _SPREAD = 100, 30, 5.0
_SEAM_S, _SEAM_HOP_S, _SEAM_PERCENTILE, _SEAM_PLACES = 2048 / 48000, 1024 / 48000, 99, 1500


@dataclass(frozen=True)
class Silence:
    """Seconds of silence before the first sound, after the last, and the longest between; `share` of the whole."""

    leading_s: float
    inner_s: float
    trailing_s: float
    share: float


@dataclass(frozen=True)
class Clipping:
    """`full_scale`: the share of samples that stand at full scale, three and more in a row. `crowding`: how many more
    samples are found at some high level than right below it (music has 0.7 to 1.5 times as many, for loud samples get
    fewer), `crowded` the share of samples that are too many there. Resampling hides runs; it does not hide crowding."""

    full_scale: float
    crowding: float
    crowded: float


@dataclass(frozen=True)
class Seam:
    """A loop's last moment against its first, each as a multiple of what 99 of 100 places inside stay under: the step
    from sample to sample, and how much louder some frequencies are in the window after than in the one before."""

    jump: float
    flux: float


def silence(audio: Floats, rate: int) -> Silence:
    """Silence in `audio` (channels, frames): blocks of 20 ms 50 dB under the whole, or under -70 dBFS."""
    levels = block_levels(audio, rate)
    if not len(levels):
        return Silence(0.0, 0.0, 0.0, 1.0)
    whole = 10 * np.log10(max(float(np.mean(np.power(10, levels / 10))), 1e-20))
    heard = np.flatnonzero(levels > max(QUIETEST_DB, whole + _BELOW_DB))
    seconds = audio.shape[1] / rate
    if not len(heard):
        return Silence(seconds, 0.0, seconds, 1.0)
    longest = int(np.diff(heard).max(initial=1)) - 1
    trailing = len(levels) - 1 - int(heard[-1])
    block = seconds / len(levels)
    share = 1 - len(heard) / len(levels)
    return Silence(float(heard[0]) * block, longest * block, trailing * block, share)


def block_levels(audio: Floats, rate: int) -> NDArray[np.float64]:
    """The level of every 20 ms in dB of full scale, all channels together; what is left over at the end is left out."""
    size = max(1, round(_BLOCK_S * rate))
    count = audio.shape[1] // size
    blocks = np.square(audio[:, : count * size]).reshape(audio.shape[0], count, size)
    return 10 * np.log10(blocks.mean(axis=(0, 2), dtype=np.float64) + 1e-20)


def clipping(audio: Floats) -> Clipping:
    """Clipping of the channel that has most of it. A lone tone of constant level crowds too."""
    found = [_crowding(np.abs(channel)) for channel in audio]
    crowding, crowded = max(found, default=(0.0, 0.0))
    return Clipping(_full_scale((audio >= _FULL) | (audio <= -_FULL)), crowding, crowded)


def _full_scale(full: NDArray[np.bool_]) -> float:
    if not full.any():
        return 0.0
    runs = full[:, 2:] & full[:, 1:-1] & full[:, :-2]
    within = np.zeros_like(full)
    for start in range(3):
        within[:, start : start + runs.shape[1]] |= runs
    return float(within.mean())


def _crowding(magnitude: Floats) -> tuple[float, float]:
    peak = float(magnitude.max(initial=0.0))
    if peak <= 1e-12:
        return 0.0, 0.0
    counts = np.bincount((magnitude * (_BINS / peak)).astype(np.int32).clip(max=_BINS - 1), minlength=_BINS)
    windows = np.lib.stride_tricks.sliding_window_view(counts, 6)[_LOWEST_BIN - 8 : _BINS - 8]
    below = np.median(windows, axis=1)
    here = counts[_LOWEST_BIN:]
    ratio = (here + _SPREAD) / (below + _SPREAD)
    best = int(np.argmax(ratio))
    return float(ratio[best]), float(max(0.0, here[best] - below[best]) / len(magnitude))


def end_db(audio: Floats, rate: int) -> float:
    """The level of the last 50 ms over that of the three seconds before them, in dB; -120 for silence."""
    last = max(1, round(_END_S * rate))
    before = audio[:, max(0, audio.shape[1] - last - round(_BEFORE_END_S * rate)) : -last]
    end = float(np.square(audio[:, -last:]).mean(dtype=np.float64))
    level = float(np.square(before).mean(dtype=np.float64)) if before.size else 0.0
    if level <= 1e-14:
        return 0.0 if end > 1e-14 else -120.0
    return max(-120.0, 10 * float(np.log10(max(end, 1e-20) / level)))


def seam(audio: Floats, rate: int) -> Seam | None:
    """The seam that `audio` would have as a loop; None where it is too short to be compared with itself."""
    window, hop = max(8, round(_SEAM_S * rate)), max(1, round(_SEAM_HOP_S * rate))
    if audio.shape[1] < 8 * window:
        return None
    steps = np.abs(np.diff(audio, axis=1))
    inside = np.maximum(_percentile(steps), 1e-7)
    jump = float((np.abs(audio[:, 0] - audio[:, -1]) / inside).max())
    places = np.lib.stride_tricks.sliding_window_view(audio, window, axis=1)
    step = max(hop, -(-places.shape[1] // _SEAM_PLACES))
    before, after = _spectra(places[:, :-window:step], window), _spectra(places[:, window::step], window)
    rises = np.maximum(after - before, 0).sum(axis=1)
    around = _spectra(np.stack([audio[:, -window:], audio[:, :window]], axis=1), window)
    rise = float(np.maximum(around[1] - around[0], 0).sum())
    return Seam(jump, rise / max(float(np.percentile(rises, _SEAM_PERCENTILE)), 1e-9))


def _percentile(steps: Floats) -> NDArray[np.float64]:
    """The 99th percentile of each channel; of long sounds, of every few samples."""
    return np.percentile(steps[:, :: max(1, steps.shape[1] // 400_000)], _SEAM_PERCENTILE, axis=1)


def _spectra(windows: Floats, size: int) -> Floats:
    """Magnitudes of windows, (channels, windows, size): the roots of the channels' mean powers."""
    from scipy.fft import rfft

    shape = np.hanning(size).astype(np.float32)
    power = sum(np.square(np.abs(rfft(channel * shape, axis=1))) for channel in windows)
    return np.sqrt(power / np.float32(len(windows)))
