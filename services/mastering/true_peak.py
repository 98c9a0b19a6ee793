"""True peaks: how high a signal swings between its samples, by 4x oversampling as ITU-R BS.1770-4 Annex 2 says.

Oversampling everything is slow and mostly pointless: no interpolated value can exceed the largest sample in the
filter's reach times the filter's largest sum of absolute coefficients. So only blocks that could matter are
oversampled, and only long stretches that could matter are looked at block by block, which gives exactly the result of
the full computation. All arithmetic is elementwise (no BLAS), so that the bits do not depend on how a matrix product is
split.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.generator import Audio

BLOCK = 32  # frames of one block of peaks; at least every filter's length less one
_BATCH = 512  # blocks oversampled together: 64 KB a pass
_STRETCH = 64 * BLOCK  # frames whose largest sample decides whether their blocks are looked at

_QUARTER = (
    0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
    0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
)  # fmt: skip
_HALF = (
    -0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
    0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
)  # fmt: skip
ANNEX_2 = np.array([_QUARTER, _HALF, _HALF[::-1], _QUARTER[::-1]], dtype=np.float32)  # (phases, taps)


@lru_cache(maxsize=1)
def fine_interpolator() -> NDArray[np.float32]:
    """Kaiser-windowed sinc at the seven points between two samples, (7, 24): finer than the meter it must satisfy."""
    taps = 24
    offsets = np.arange(taps) - (taps // 2 - 1) - np.arange(1, 8)[:, None] / 8
    window = np.i0(7.0 * np.sqrt(np.clip(1 - (offsets / (taps / 2)) ** 2, 0, None))) / np.i0(7.0)
    kernel = np.sinc(offsets) * window
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)


def true_peak(audio: Audio, loop: bool = False) -> float:
    """The true peak of `audio`, (channels, frames), as a factor of full scale; never below its sample peak.

    Silence lies before and after it; for a `loop` the passage over its seam is measured as well.
    """
    reach = ANNEX_2.shape[1] - 1
    highest = 0.0
    for channel in audio:
        highest = _highest(channel, reach, highest)
        if loop:
            seam = np.take(channel, np.arange(-reach, reach), mode="wrap")
            highest = max(highest, float(np.abs(interpolated(seam, ANNEX_2)).max()))
    return highest


def interpolated(signal: NDArray[np.float32], phases: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every interpolation for which the filter lies wholly inside `signal`: (phases, len(signal) - taps + 1)."""
    taps = phases.shape[1]
    positions = len(signal) - taps + 1
    total = np.zeros((len(phases), positions), dtype=np.float32)
    for tap in range(taps):
        total += phases[:, tap, None] * signal[tap : tap + positions]
    return total


def _highest(channel: NDArray[np.float32], reach: int, floor: float) -> float:
    """The largest absolute sample or interpolation of a signal between two silences of `reach`, if it is above `floor`.

    Blocks are tried in falling order of what they could reach, until none left can exceed what was found.
    """
    highest = max(floor, float(channel.max()), -float(channel.min()))
    blocks, samples = _in_blocks(channel, ANNEX_2, highest, reach)
    bounds = _bounds(samples, ANNEX_2)
    candidates = np.flatnonzero(bounds > highest)
    candidates = candidates[np.argsort(-bounds[candidates], kind="stable")]
    for first in range(0, len(candidates), _BATCH):
        batch = candidates[first : first + _BATCH]
        if bounds[batch[0]] <= highest:
            break
        highest = max(highest, float(_oversampled(blocks, batch, ANNEX_2).max()))
    return highest


def peaks_between(signal: NDArray[np.float32], phases: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Per block of BLOCK positions, the largest absolute interpolation, or 0 where none can exceed `threshold`.

    Position `n` lies where the filter covers `signal[n : n + taps]`; there are `len(signal) - taps + 1` of them.
    """
    blocks, samples = _in_blocks(signal, phases, threshold)
    peaks = np.zeros(len(samples) - 1, dtype=np.float32)
    candidates = np.flatnonzero(_bounds(samples, phases) > threshold)
    for first in range(0, len(candidates), _BATCH):
        batch = candidates[first : first + _BATCH]
        peaks[batch] = _oversampled(blocks, batch, phases)
    return peaks


def sample_peaks(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest absolute sample of every block of BLOCK frames; the last block may be short."""
    return np.maximum.reduceat(np.abs(channel), np.arange(0, len(channel), BLOCK))


def wrapped(channel: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    """`channel` played round: its end before it, its beginning after it, as often as the lengths need."""
    frames = len(channel)
    head = np.take(channel, np.arange(-before, 0), mode="wrap")
    tail = np.take(channel, np.arange(frames, frames + after), mode="wrap")
    return np.concatenate([head, channel, tail])


def _in_blocks(
    signal: NDArray[np.float32], phases: NDArray[np.float32], level: float, silence: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The signal between two silences, padded to whole blocks plus one, and the largest absolute sample of every block.

    Blocks in stretches of which no interpolation can exceed `level` count as silent.
    """
    positions = len(signal) + 2 * silence - phases.shape[1] + 1
    count = -(-positions // BLOCK) + 1
    stretches = -(-count * BLOCK // _STRETCH)
    padded = np.zeros(stretches * _STRETCH, dtype=np.float32)
    padded[silence : silence + len(signal)] = signal
    rows = padded.reshape(stretches, _STRETCH)
    loud = np.flatnonzero(np.maximum(rows.max(axis=1), -rows.min(axis=1)) * _largest_gain(phases) > level)
    samples = np.zeros((stretches, _STRETCH // BLOCK), dtype=np.float32)
    if len(loud):
        samples[loud] = sample_peaks(rows[loud].reshape(-1)).reshape(len(loud), -1)
    return padded[: count * BLOCK], samples.reshape(-1)[:count]


def _largest_gain(phases: NDArray[np.float32]) -> np.float32:
    """What no interpolation exceeds, as a factor of the largest sample in its reach, with a little for rounding."""
    return np.float32(float(np.abs(phases.astype(np.float64)).sum(axis=1).max()) * 1.0001)


def _bounds(samples: NDArray[np.float32], phases: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the interpolations of each block cannot exceed."""
    return np.maximum(samples[:-1], samples[1:]) * _largest_gain(phases)


def _oversampled(
    padded: NDArray[np.float32], batch: NDArray[np.int64], phases: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The largest absolute interpolation in each block of `batch`."""
    taps = phases.shape[1]
    windows = padded[np.arange(BLOCK + taps - 1)[:, None] + batch * BLOCK]  # (reach, blocks)
    highest = np.zeros((BLOCK, len(batch)), dtype=np.float32)
    product = np.empty_like(highest)
    for phase in phases:
        total = windows[:BLOCK] * phase[0]
        for tap in range(1, taps):
            np.multiply(windows[tap : tap + BLOCK], phase[tap], out=product)
            total += product
        np.maximum(highest, np.abs(total, out=total), out=highest)
    return highest.max(axis=0)
