"""Change of sample rate with torchaudio, seamless for loops.

A 64-wide Kaiser-windowed sinc (what resampling libraries call their best setting): flat to 0.95 of the lower Nyquist
frequency, images below -120 dB. Nothing here changes level, and nothing is done when the rates agree.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.generator import Audio
from services.mastering.true_peak import wrapped

if TYPE_CHECKING:
    from torchaudio.transforms import Resample

_WIDTH, _ROLLOFF, _BETA = 64, 0.9476, 14.77
_SEAM_FRAMES = 2048  # at the end of a loop, over which a fraction of a frame is made good


def resample(audio: Audio, source_rate: int, target_rate: int) -> Audio:
    """`audio`, (channels, frames), at `target_rate`: ceil(frames * target_rate / source_rate) frames."""
    if source_rate == target_rate:
        return audio
    import torch

    with _one_thread(), torch.inference_mode():
        return _kernel(source_rate, target_rate)(torch.from_numpy(np.ascontiguousarray(audio))).numpy()


def resample_loop(audio: Audio, source_rate: int, target_rate: int, frames: int) -> Audio:
    """A seamless loop at `target_rate`, exactly `frames` long (within a frame or so of its exact length there).

    The loop is resampled as if played round. Its exact length is seldom a whole number of frames; the difference is
    made good by fading, over the last 2048 frames, into the same sound shifted by that fraction of a frame.
    """
    if source_rate == target_rate and frames == audio.shape[1]:
        return audio
    divisor = math.gcd(source_rate, target_rate)
    step, target_step = source_rate // divisor, target_rate // divisor
    around = -(-4 * _WIDTH * max(step, target_step) // min(step, target_step) // step) * step
    played_round = np.stack([wrapped(channel, around, around) for channel in audio])
    longer = resample(played_round, source_rate, target_rate)
    start = around // step * target_step
    loop = np.ascontiguousarray(longer[:, start : start + frames])
    missing = audio.shape[1] * target_rate / source_rate - frames
    if missing:
        _fade_into_shifted(loop, longer, start, missing)
    return loop


def _fade_into_shifted(loop: Audio, longer: Audio, start: int, shift: float) -> None:
    """Fade the end of `loop` into `longer` read `shift` frames later, so that it leads exactly to the loop's start."""
    frames = loop.shape[1]
    length = min(_SEAM_FRAMES, frames)
    first = start + frames - length
    kernel, whole = _fractional_delay(shift)
    shifted = np.zeros((loop.shape[0], length))
    for tap, weight in enumerate(kernel):
        at = first + whole + tap
        shifted += weight * longer[:, at : at + length]
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 1) / length)
    loop[:, -length:] += (fade * (shifted - loop[:, -length:])).astype(np.float32)


def _fractional_delay(shift: float) -> tuple[NDArray[np.float64], int]:
    """Taps that read a signal `shift` frames later, and the offset of the first of them."""
    taps = 64
    whole = math.floor(shift) - taps // 2 + 1
    offsets = np.arange(taps) + whole - shift
    window = np.i0(10 * np.sqrt(np.clip(1 - (offsets / (taps / 2)) ** 2, 0, None))) / np.i0(10)
    kernel = np.sinc(offsets) * window
    return kernel / kernel.sum(), whole


@lru_cache(maxsize=8)
def _kernel(source_rate: int, target_rate: int) -> "Resample":
    from torchaudio.transforms import Resample

    return Resample(
        source_rate,
        target_rate,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=_WIDTH,
        rolloff=_ROLLOFF,
        beta=_BETA,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch on one thread, whatever the process uses otherwise: bits may depend on how work is split."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
