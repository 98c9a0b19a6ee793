"""Integrated loudness and loudness range, measured the way pyloudnorm does and at a third of its cost.

ITU-R BS.1770-4 (K-weighting, 400 ms blocks every 100 ms, gates at -70 LUFS and -10 LU) and EBU Tech 3342 (3 s blocks,
gates at -70 LUFS and -20 LU, 10th to 95th percentile). The filter coefficients are pyloudnorm's `DeMan` set, which is
the standard's own; pyloudnorm's default set reads 0.04 LU lower. Both meters share one pass: every block is a sum of
the energies of 100 ms hops, which a gain scales. Incomplete blocks at the end are not used; sound shorter than a block
is one block.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.generator import Audio

SILENCE = -70.0  # LUFS, the absolute gate: below it there is no loudness
_HOPS_PER_SECOND = 10
_MOMENTARY_HOPS, _SHORT_TERM_HOPS = 4, 30
_HOPS_PER_CHUNK = 40


@dataclass(frozen=True)
class Loudness:
    """`integrated` in LUFS, minus infinity when nothing passes the gate; `range` in LU, 0 when too short to tell."""

    integrated: float
    range: float


@dataclass(frozen=True)
class Energies:
    """The K-weighted energy of every hop: all that both meters need to know of `frames` frames of sound."""

    hops: NDArray[np.float64]
    edges: NDArray[np.int64]
    frames: int

    def times(self, factor: float) -> "Energies":
        """Of the same sound multiplied by `factor`."""
        return Energies(self.hops * factor**2, self.edges, self.frames)

    def loudness(self) -> Loudness:
        if len(self.hops) < _MOMENTARY_HOPS:
            return Loudness(_lufs(self.hops.sum() / self.frames), 0.0)
        return Loudness(
            _integrated(_block_means(self.hops, self.edges, _MOMENTARY_HOPS)),
            _range(_block_means(self.hops, self.edges, _SHORT_TERM_HOPS)),
        )


def energies_of(audio: Audio, sample_rate: int) -> Energies:
    """What the meters read of `audio`, (channels, frames), channels being left and right (weight 1 each)."""
    edges = _hop_edges(audio.shape[1], sample_rate)
    return Energies(_weighted_energies(audio, sample_rate, edges), edges, audio.shape[1])


def measure(audio: Audio, sample_rate: int) -> Loudness:
    """The loudness of `audio`, (channels, frames)."""
    return energies_of(audio, sample_rate).loudness()


def _hop_edges(frames: int, sample_rate: int) -> NDArray[np.int64]:
    """First frame of every whole hop, and the end of the last; sound under one hop is one hop."""
    hops = frames * _HOPS_PER_SECOND // sample_rate
    edges = np.arange(hops + 1, dtype=np.int64) * sample_rate // _HOPS_PER_SECOND
    if hops < _MOMENTARY_HOPS:
        return np.array([0, frames], dtype=np.int64)
    return edges


@lru_cache(maxsize=8)
def _k_weighting(sample_rate: int) -> NDArray[np.float64]:
    from pyloudnorm import Meter

    filters = Meter(sample_rate, filter_class="DeMan")._filters.values()
    return np.array([np.concatenate([stage.b, stage.a]) for stage in filters])


def _weighted_energies(audio: Audio, sample_rate: int, edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over channels of the K-weighted square, for every hop. Filtered in chunks that stay in the cache."""
    from scipy.signal import sosfilt

    sections = _k_weighting(sample_rate)
    state = np.zeros((len(sections), audio.shape[0], 2))
    energies = np.empty(len(edges) - 1)
    for first in range(0, len(energies), _HOPS_PER_CHUNK):
        bounds = edges[first : first + _HOPS_PER_CHUNK + 1]
        chunk = audio[:, bounds[0] : bounds[-1]].astype(np.float64)
        weighted, state = sosfilt(sections, chunk, zi=state)
        np.square(weighted, out=weighted)
        hops = np.add.reduceat(weighted, bounds[:-1] - bounds[0], axis=1)
        energies[first : first + len(bounds) - 1] = hops.sum(axis=0)
    return energies


def _block_means(energies: NDArray[np.float64], edges: NDArray[np.int64], hops: int) -> NDArray[np.float64]:
    """Mean square of every block of `hops` hops, one block a hop; empty when there is no whole block."""
    if len(energies) < hops:
        return np.empty(0)
    sums = np.lib.stride_tricks.sliding_window_view(energies, hops).sum(axis=1)
    return sums / (edges[hops:] - edges[:-hops])


def _lufs(mean_square: float) -> float:
    return -0.691 + 10 * float(np.log10(mean_square)) if mean_square > 0 else -np.inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _integrated(blocks: NDArray[np.float64]) -> float:
    audible = blocks[blocks >= _power(SILENCE)]
    if not len(audible):
        return -np.inf
    return _lufs(float(audible[audible > audible.mean() / 10].mean()))


def _range(blocks: NDArray[np.float64]) -> float:
    audible = blocks[blocks >= _power(SILENCE)]
    if not len(audible):
        return 0.0
    levels = 10 * np.log10(audible[audible >= audible.mean() / 100])
    low, high = np.percentile(levels, (10, 95))
    return float(high - low)
