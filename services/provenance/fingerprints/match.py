"""Compares two sounds of which an index says that they may be one: by their words, then by their waveforms.

Words alone cannot tell a copy from a theme that returns in the same key and tempo; waveforms can: two renditions never
agree sample by sample. Pure functions over arrays; which value is enough is said in `thresholds`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.provenance.fingerprints.extract import HOP_S, SPAN_S, WAVEFORM_RATE, Waveform, Words
from services.provenance.fingerprints.thresholds import CORRELATED_S, FEWEST_WORDS, WINDOW

BITS = 32
LAG_S = 0.3  # by which words may be off: half a hop each, an encoder's delay, and some room
_BAND_HZ = (150.0, 2500.0)
_SMOOTHED_HZ = 60.0
_LEAST_S = 1.0  # shorter waveforms correlate by chance
_FLOOR = 1e-9


@dataclass(frozen=True)
class Stretch:
    """Where two fingerprints agree best: `length` words from word `query` of one and word `take` of the other.

    `similarity` is the share of equal bits there, 0..1; unrelated music has about 0.6."""

    query: int
    take: int
    length: int
    similarity: float

    @property
    def query_s(self) -> float:
        return self.query * HOP_S

    @property
    def take_s(self) -> float:
        return self.take * HOP_S

    @property
    def seconds(self) -> float:
        return (self.length - 1) * HOP_S + SPAN_S


def distances(query: Words, take: Words, offset: int) -> tuple[int, NDArray[np.uint8]]:
    """(first word of the query, different bits word by word) where query word i meets take word `offset + i`."""
    first = max(0, -offset)
    count = min(query.size - first, take.size - (first + offset))
    if count <= 0:
        return first, np.empty(0, dtype=np.uint8)
    return first, np.bitwise_count(query[first : first + count] ^ take[first + offset : first + offset + count])


def best_stretch(query: Words, take: Words, offset: int, window: int = WINDOW) -> Stretch | None:
    """The best `window` words (all, where fewer overlap) at `offset` or one beside it; None where too few overlap."""
    found = [_best_window(query, take, at, window) for at in (offset, offset - 1, offset + 1)]
    stretches = [stretch for stretch in found if stretch is not None]
    return max(stretches, key=lambda s: (s.length == window, s.similarity), default=None)


def _best_window(query: Words, take: Words, offset: int, window: int) -> Stretch | None:
    first, different = distances(query, take, offset)
    if different.size < FEWEST_WORDS:
        return None
    length = min(window, different.size)
    sums = np.concatenate([[0], np.cumsum(different, dtype=np.int64)])
    errors = sums[length:] - sums[:-length]
    at = int(errors.argmin())
    return Stretch(first + at, first + at + offset, length, 1 - float(errors[at]) / (BITS * length))


def extended(query: Words, take: Words, stretch: Stretch, least: float, window: int = 8) -> Stretch:
    """The stretch, grown to both sides while `window` words together stay at `least`; similarity over all of it."""
    offset = stretch.take - stretch.query
    first, different = distances(query, take, offset)
    start = stretch.query - first
    stop = start + stretch.length
    sums = np.concatenate([[0], np.cumsum(different, dtype=np.int64)])
    allowed = (1 - least) * BITS * window
    while start >= window and sums[start] - sums[start - window] <= allowed:
        start -= window
    while stop + window <= different.size and sums[stop + window] - sums[stop] <= allowed:
        stop += window
    if different.size - stop < window:
        stop = different.size
    similarity = 1 - float(sums[stop] - sums[start]) / (BITS * (stop - start))
    return Stretch(first + start, first + start + offset, stop - start, similarity)


def whole_overlap(one: Words, other: Words, offset: int) -> tuple[float, float]:
    """(share of the shorter that overlaps, share of equal bits over the whole overlap) at an offset."""
    _, different = distances(one, other, offset)
    if not different.size:
        return 0.0, 0.0
    return different.size / min(one.size, other.size), 1 - float(different.mean()) / BITS


def correlated_part(stretch: Stretch) -> tuple[float, float, float]:
    """(seconds in the query, seconds in the take, length in seconds) of the part whose waveforms are compared."""
    length = min(stretch.seconds, CORRELATED_S)
    middle = (stretch.seconds - length) / 2
    return stretch.query_s + middle, stretch.take_s + middle, length


def correlation(query: Waveform, take: Waveform) -> tuple[float, float]:
    """(highest normalised cross-correlation 0..1, lag in seconds) of `query` within the longer `take`, whitened.

    0.0 where either is silent or shorter than a second."""
    if query.size < _LEAST_S * WAVEFORM_RATE or take.size < query.size:
        return 0.0, 0.0
    one, other = _whitened(query), _whitened(take)
    size = 1 << (one.size + other.size - 1).bit_length()
    spectrum = np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size))
    lags = other.size - one.size + 1
    products = np.abs(np.fft.irfft(spectrum, size)[:lags])
    energy = np.concatenate([[0.0], np.cumsum(other**2)])
    norms = np.sqrt((energy[one.size :] - energy[: -one.size]) * float(np.sum(one**2)))
    ratios = np.where(norms > _FLOOR, products / np.maximum(norms, _FLOOR), 0.0)
    at = int(ratios.argmax())
    return min(1.0, float(ratios[at])), at / WAVEFORM_RATE


def _whitened(waveform: Waveform) -> NDArray[np.float64]:
    """Flat over the band that lossy codecs keep: neither a bass nor a loud note decides alone."""
    spectrum = np.fft.rfft(waveform.astype(np.float64) / (1 << 15))
    frequency = np.fft.rfftfreq(waveform.size, 1 / WAVEFORM_RATE)
    magnitude = np.abs(spectrum)
    width = int(_SMOOTHED_HZ * waveform.size / WAVEFORM_RATE) | 1
    sums = np.concatenate([[0.0], np.cumsum(np.pad(magnitude, width // 2, mode="edge"))])
    smooth = (sums[width:] - sums[:-width]) / width
    inside = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1]) & (smooth > 1e-6 * max(float(smooth.max()), _FLOOR))
    weights = np.zeros_like(magnitude)
    weights[inside] = 1 / smooth[inside]
    return np.fft.irfft(spectrum * weights, waveform.size)
