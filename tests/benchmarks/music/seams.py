"""Whether a loop can be heard to begin again: its seam beside all other places of the same piece.

A seam is measured like every other place: the jump from one sample to the next, and how much louder each frequency is
in the window after than in the window before. The figure is the seam's measure over the 99th percentile of the places
inside; up to 1 nobody can tell it from the music.
"""

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
PERCENTILE = 99
_WINDOW = 2048
_HOP = 256


def jump(sound: Sound) -> float:
    """The step from the last sample to the first over that of the interior, the larger of the channels'."""
    steps = np.abs(np.diff(sound, axis=1))
    inside = np.maximum(np.percentile(steps, PERCENTILE, axis=1), 1e-7)
    return float((np.abs(sound[:, 0] - sound[:, -1]) / inside).max())


def flux(sound: Sound) -> float:
    """The spectral flux from the last window to the first over that of adjacent windows of the interior."""
    mono = sound.mean(axis=0)
    starts = np.arange(0, len(mono) - 2 * _WINDOW, _HOP)
    windows = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::_HOP]
    spectra = _spectra(windows)
    apart = _WINDOW // _HOP
    inside = _rise(spectra[:-apart], spectra[apart:])[: len(starts)]
    seam = _rise(_spectra(mono[None, -_WINDOW:]), _spectra(mono[None, :_WINDOW]))
    return float(seam[0] / max(np.percentile(inside, PERCENTILE), 1e-9))


def _spectra(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = np.hanning(_WINDOW).astype(np.float32)
    return np.abs(np.fft.rfft(windows * shape, axis=1)).astype(np.float32)


def _rise(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(after - before, 0).sum(axis=1)
