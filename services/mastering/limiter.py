"""A look-ahead true-peak limiter, computed as a gain envelope that the mix and its stems share.

The detector interpolates eight points a frame where anything could exceed the ceiling; the reduction, in dB, is held
over the look-ahead, released at a constant rate and smoothed by a Hann window no longer than the hold, so that the
envelope is never above what a peak allows. For a loop all of it goes round the seam. Nothing here measures loudness.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.generator import Audio
from services.mastering.true_peak import BLOCK, fine_interpolator, interpolated, peaks_between, sample_peaks, wrapped

_ATTACK_S = 0.003
_RELEASE_DB_PER_S = 40.0


@dataclass(frozen=True)
class Envelope:
    """A gain that changes over time: `gains[k]` at frame k * BLOCK, straight lines between; one more than blocks.

    The last block may be short; the last gain then stands at the first frame after the end.
    """

    gains: NDArray[np.float64]
    frames: int

    @property
    def reduction_db(self) -> float:
        """The largest reduction, in dB, at least 0."""
        return float(-20 * np.log10(self.gains.min()))

    def between(self, start: int, stop: int) -> NDArray[np.float64]:
        """The gain of frames `start` to `stop`; `start` is a multiple of BLOCK, `stop` too or the end."""
        first, last = start // BLOCK, -(-stop // BLOCK)
        left, right = self.gains[first:last, None], self.gains[first + 1 : last + 1, None]
        lines = left + (right - left) * (np.arange(BLOCK) / BLOCK)
        short = self.frames % BLOCK
        if stop == self.frames and short:
            lines[-1, :short] = left[-1] + (right[-1] - left[-1]) * (np.arange(short) / short)
        return lines.reshape(-1)[: stop - start]


def excess_db(mix: Audio, stems: Iterable[Audio], gain: float, ceiling: float, loop: bool) -> NDArray[np.float64]:
    """How far, in dB per block of BLOCK frames, the mix's true peaks times `gain` exceed `ceiling`; at least 0.

    Channels of which no sample exceeds it are not looked at block by block: they would count 0.

    A stem counts with its sample peaks only: it must fit into 24 bits, and is never played above its mix.
    """
    threshold = ceiling / gain
    peaks = np.max([_block_peaks(channel, threshold, loop) for channel in mix], axis=0)
    for stem in stems:
        for channel in stem:
            if max(channel.max(), -channel.min()) > threshold:
                np.maximum(peaks, sample_peaks(channel), out=peaks)
    return 20 * np.log10(np.maximum(peaks.astype(np.float64) / threshold, 1.0))


def envelope(excess: NDArray[np.float64], frames: int, sample_rate: int, loop: bool) -> Envelope:
    """The smooth gain envelope that takes at least `excess[k]` dB from block k everywhere."""
    smoothing = max(1, round(_ATTACK_S * sample_rate / BLOCK))
    at_edges = _held(excess, smoothing + 1, loop)
    released = _released(at_edges, _RELEASE_DB_PER_S * BLOCK / sample_rate, loop)
    reduction = _smoothed(released, smoothing, loop)
    return Envelope(10 ** (-reduction / 20), frames)


def _block_peaks(channel: NDArray[np.float32], threshold: float, loop: bool) -> NDArray[np.float32]:
    """True peaks of one channel per block, exact where above `threshold`; the file's own edges count also in a loop."""
    phases = fine_interpolator()
    half = phases.shape[1] // 2
    frames, blocks = len(channel), -(-len(channel) // BLOCK)
    outside = wrapped(channel, half, half + BLOCK) if loop else np.pad(channel, (half, half + BLOCK))
    peaks = peaks_between(outside, phases, threshold)[:blocks]
    if max(channel.max(), -channel.min()) > threshold:
        np.maximum(peaks, sample_peaks(channel), out=peaks)
    if loop and frames > 2 * half:
        before = interpolated(np.pad(channel[: 2 * half], (half, 0)), phases)
        after = interpolated(np.pad(channel[-2 * half :], (0, half)), phases)
        peaks[0], peaks[-1] = max(peaks[0], np.abs(before).max()), max(peaks[-1], np.abs(after).max())
    return peaks


def _held(excess: NDArray[np.float64], reach: int, loop: bool) -> NDArray[np.float64]:
    """At every block edge, the largest excess within `reach` blocks on either side."""
    around = _extended(excess, reach, loop, value=0.0)
    return np.lib.stride_tricks.sliding_window_view(around, 2 * reach).max(axis=1)


def _released(reduction: NDArray[np.float64], step: float, loop: bool) -> NDArray[np.float64]:
    """The least curve above `reduction` that falls by at most `step` a block, found as a running maximum."""
    turns = np.concatenate([reduction[:-1], reduction]) if loop else reduction
    ramp = step * np.arange(len(turns))
    return np.maximum(np.maximum.accumulate(turns + ramp) - ramp, 0.0)[-len(reduction) :]


def _smoothed(reduction: NDArray[np.float64], reach: int, loop: bool) -> NDArray[np.float64]:
    """A Hann-weighted mean over `reach` edges on either side."""
    weights = np.hanning(2 * reach + 3)[1:-1]
    weights /= weights.sum()
    edges = reduction[:-1] if loop else reduction
    around = _extended(edges, reach, loop, value=None)
    total = np.zeros(len(edges))
    for offset, weight in enumerate(weights):
        total += weight * around[offset : offset + len(edges)]
    return np.append(total, total[0]) if loop else total


def _extended(values: NDArray[np.float64], reach: int, loop: bool, value: float | None) -> NDArray[np.float64]:
    """`values` with `reach` more on either side: played round, or constant (`value`, or the outermost one)."""
    if loop:
        return np.take(values, np.arange(-reach, len(values) + reach), mode="wrap")
    if value is None:
        return np.pad(values, reach, mode="edge")
    return np.pad(values, reach, constant_values=value)
