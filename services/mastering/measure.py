"""What is measured of a finished mix. Only its 24-bit PCM is read: anyone can measure the same from the file.

What mastering has measured on the way is not measured again: the true peak, and the loudness where the mix was only
multiplied (rounding to 24 bits changes it by less than a millionth of a LU).
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from services.mastering.loudness import Loudness
from services.mastering.loudness import measure as measure_loudness
from services.mastering.pcm import Pcm
from services.mastering.true_peak import true_peak

_CHUNK = 1 << 16
_CENTROID_FFT = 4096
_FLOOR = 1e-9  # stands for zero in levels: -180 dBFS


@dataclass(frozen=True)
class Measurements:
    """Measured of the mix as delivered, and what mastering did to get there.

    `integrated_lufs` BS.1770-4, `loudness_range_lu` EBU Tech 3342, `true_peak_dbtp` BS.1770-4 Annex 2;
    `stereo_correlation` from -1 to 1 (1 for mono); `dc_offset` the larger channel mean, as a factor of full scale;
    `spectral_centroid_hz` of the mean power spectrum of left plus right. `gain_db` is the static gain,
    `limited_db` the largest reduction by the limiter (0: it did nothing).
    """

    integrated_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    sample_peak_dbfs: float
    rms_dbfs: float
    crest_db: float
    spectral_centroid_hz: float
    stereo_correlation: float
    dc_offset: float
    duration_s: float
    frames: int
    gain_db: float
    limited_db: float

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Known:
    """Of a mix, what is known before it is measured: its samples as float, its true peak, perhaps its loudness."""

    audio: NDArray[np.float32]
    true_peak: float
    loudness: Loudness | None = None


def known_of(pcm: Pcm, loop: bool) -> Known:
    """Read a mix for the first time."""
    audio = pcm.as_float()
    return Known(audio, true_peak(audio, loop))


def measurements(pcm: Pcm, loop: bool, gain_db: float, limited_db: float, known: Known | None = None) -> Measurements:
    """Measure a stereo mix; `gain_db` and `limited_db` are passed on."""
    known = known or known_of(pcm, loop)
    audio = known.audio
    loudness = known.loudness or measure_loudness(audio, pcm.sample_rate)
    means, powers, product = _moments(audio)
    rms = decibels(float(np.sqrt(powers.mean())))
    peak = decibels(float(max(audio.max(), -audio.min())))
    scale = float(np.sqrt(powers[0] * powers[1]))
    return Measurements(
        integrated_lufs=loudness.integrated,
        loudness_range_lu=loudness.range,
        true_peak_dbtp=decibels(known.true_peak),
        sample_peak_dbfs=peak,
        rms_dbfs=rms,
        crest_db=peak - rms,
        spectral_centroid_hz=_centroid(audio, pcm.sample_rate),
        stereo_correlation=product / scale if scale else 0.0,
        dc_offset=float(means[np.abs(means).argmax()]),
        duration_s=pcm.duration_s,
        frames=pcm.frames,
        gain_db=gain_db,
        limited_db=limited_db,
    )


def decibels(factor: float) -> float:
    """20 log10 of a level as a factor of full scale, at least -180."""
    return float(20 * np.log10(max(factor, _FLOOR)))


def _moments(audio: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Per-channel mean and mean square, and the mean product of left and right, summed in float64."""
    sums, squares, product = np.zeros(2), np.zeros(2), 0.0
    for start in range(0, audio.shape[1], _CHUNK):
        chunk = audio[:, start : start + _CHUNK].astype(np.float64)
        sums += chunk.sum(axis=1)
        squares += np.square(chunk).sum(axis=1)
        product += float((chunk[0] * chunk[1]).sum())
    frames = audio.shape[1]
    return sums / frames, squares / frames, product / frames


def _centroid(audio: NDArray[np.float32], sample_rate: int) -> float:
    """Power-weighted mean frequency over frames of 4096, one every 8192."""
    from scipy.fft import rfft

    mono = audio.sum(axis=0)
    mono = np.pad(mono, (0, max(0, _CENTROID_FFT - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(mono, _CENTROID_FFT)[:: 2 * _CENTROID_FFT]
    spectrum = np.square(np.abs(rfft(frames * np.hanning(_CENTROID_FFT).astype(np.float32), axis=1))).sum(axis=0)
    total = float(spectrum.sum())
    return float((spectrum * np.arange(len(spectrum))).sum() / total * sample_rate / _CENTROID_FFT) if total else 0.0
