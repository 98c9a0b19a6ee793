"""How a piece ends: cut to its length with a fade, or folded into a loop. Samples in, samples out."""

import numpy as np
from numpy.typing import NDArray

FADE_S = 2.0  # of a piece that ends; at most a quarter of it
FOLD_S = 1.5  # of a loop's crossfade; at most a quarter of it


def fold_frames(length: int, sample_rate: int) -> int:
    """How many frames beyond its length a loop of `length` frames needs."""
    return min(int(FOLD_S * sample_rate), length // 4)


def folded(audio: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """A loop of exactly `length` frames: what follows them in `audio` [channels, at least length] goes, in a crossfade
    of equal power, into their beginning, so that the last frame leads to the first."""
    tail = audio.shape[1] - length
    angle = (np.arange(tail, dtype=np.float32) / max(tail, 1)) * np.float32(np.pi / 2)
    loop = audio[:, :length].copy()
    loop[:, :tail] = loop[:, :tail] * np.sin(angle) + audio[:, length:] * np.cos(angle)
    return loop


def faded(audio: NDArray[np.float32], length: int, sample_rate: int) -> NDArray[np.float32]:
    """The first `length` frames of `audio` [channels, n], the last of them fading along half a cosine to nothing."""
    piece = audio[:, :length].copy()
    fade = min(int(FADE_S * sample_rate), length // 4)
    if fade:
        piece[:, -fade:] *= np.float32(0.5) * (1 + np.cos(np.arange(1, fade + 1, dtype=np.float32) * (np.pi / fade)))
    return piece.astype(np.float32, copy=False)
