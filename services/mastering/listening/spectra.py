"""Short spectra of a sound, taken once and shared by everything that listens.

Window lengths are seconds, not samples, so that a sound is heard alike at every sample rate. Nothing here judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SHORT_S, SHORT_HOP_S = 4096 / 48000, 512 / 48000  # for onsets
LONG_S, LONG_HOP_S = 16384 / 48000, 8192 / 48000  # for pitches: neighbours on the piano are apart from about 130 Hz
HIGHEST_HZ = 11025.0
_FRAMES = 512  # that are transformed at once: memory stays flat, and the next step finds them in the cache


@dataclass(frozen=True)
class Frames:
    """Something of every short spectrum: `values` is (frames, bands), `per_second` how many frames there are."""

    values: Floats
    per_second: float


def mel_power(sound: Floats, rate: int, bands: int = 128) -> Frames:
    """Power in mel bands up to 11 kHz, a frame every 10.7 ms, each centred; the sound's ends are padded with zeros.
    `sound` is (frames,) or (channels, frames): the mean of the channels' powers, whatever their phases."""
    size, hop = _samples(SHORT_S, rate), max(1, round(SHORT_HOP_S * rate))
    weights = _mel(size, rate, bands)
    parts = [power @ weights for power in _powers(sound, size, hop, weights.shape[0])]
    return Frames(np.concatenate(parts), rate / hop)


def magnitudes(sound: Floats, rate: int, highest_hz: float) -> tuple[Floats, float]:
    """Magnitudes up to a frequency from long windows, (frames, bins), and the hertz between two bins; of several
    channels the root of their mean power."""
    size, hop = _samples(LONG_S, rate), max(1, round(LONG_HOP_S * rate))
    most = int(min(highest_hz, rate / 2) * size / rate) + 1
    return np.concatenate([np.sqrt(power) for power in _powers(sound, size, hop, most)]), rate / size


def _samples(seconds: float, rate: int) -> int:
    """The power of two nearest to so many seconds: at 44.1 and 48 kHz the same."""
    return 1 << max(6, round(float(np.log2(seconds * rate))))


def _powers(sound: Floats, size: int, hop: int, most: int) -> Iterator[Floats]:
    """The first `most` bins of the windows' powers, some windows at once."""
    from scipy.fft import rfft

    channels = np.atleast_2d(sound)
    if len(channels) > 1 and (channels[1:] == channels[0]).all():
        channels = channels[:1]
    padded = np.pad(channels, ((0, 0), (size // 2, size // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    shape, count = _hann(size), np.float32(len(channels))
    for start in range(0, windows.shape[1], _FRAMES):
        total: Floats = np.zeros((), np.float32)
        for channel in windows:
            part = rfft(channel[start : start + _FRAMES] * shape, axis=1)[:, :most]
            total = total + (np.square(part.real) + np.square(part.imag))
        yield total / count


@lru_cache(maxsize=8)
def _hann(size: int) -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@lru_cache(maxsize=8)
def _mel(size: int, rate: int, bands: int) -> Floats:
    """Triangles of equal area (Slaney's scale: linear to 1 kHz, logarithmic above), (bins, bands)."""
    highest = min(HIGHEST_HZ, rate / 2)
    edges = _hertz(np.linspace(0.0, _mels(highest), bands + 2))
    bins = np.arange(int(highest * size / rate) + 1) * rate / size
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))
    return triangles.astype(np.float32)


def _mels(hertz: float) -> float:
    return 15.0 + 27.0 * float(np.log(hertz / 1000.0) / np.log(6.4)) if hertz > 1000 else hertz * 3 / 200


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels > 15.0, 1000.0 * 6.4 ** ((mels - 15.0) / 27.0), mels * 200 / 3)
