"""The one master chain: sample rate, loudness, true-peak limiting, 24 bits; the same for every generator.

The mix decides one gain (static, and an envelope where the limiter works) and every stem gets exactly that gain, so
that the stems of a file sum to it. Nothing is equalised, compressed or dithered here; nothing is encoded or written.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.generator import Audio, Rendition
from services.mastering.errors import MasteringError
from services.mastering.limiter import Envelope, envelope, excess_db
from services.mastering.loudness import SILENCE, energies_of
from services.mastering.measure import Known, Measurements, decibels, known_of, measurements
from services.mastering.pcm import FULL_SCALE, Pcm
from services.mastering.resample import resample, resample_loop
from services.planning.order import Delivery

MASTERING_REVISION = 1  # bump when the chain's sound changes; tests/unit/test_mastering_chain.py notices
TRUE_PEAK_CEILING_DB = -1.0
MOST_REDUCTION_DB = 6.0  # a target that needs more limiting than this is not reached

_DETECTOR_CEILING_DB = -1.25  # below the promised ceiling: other meters interpolate differently
_LOUDNESS_TOLERANCE_LU = 0.02
_ROUNDS = 6
_CHUNK = 1 << 15  # frames, a multiple of the limiter's block


@dataclass(frozen=True)
class Gain:
    """What the mix and every stem are multiplied by: a factor, and an envelope where the limiter did anything."""

    factor: float
    envelope: Envelope | None = None

    @property
    def limited_db(self) -> float:
        return self.envelope.reduction_db if self.envelope else 0.0

    def quantised(self, audio: Audio, sample_rate: int) -> Pcm:
        """`audio` times this gain, rounded to 24 bits (half to even)."""
        frames = audio.shape[1]
        samples = np.empty((frames, audio.shape[0]), dtype=np.int32)
        for start in range(0, frames, _CHUNK):
            stop = min(start + _CHUNK, frames)
            scaled = audio[:, start:stop] * np.float64(self.factor * FULL_SCALE)
            if self.envelope:
                scaled *= self.envelope.between(start, stop)
            np.rint(scaled, out=scaled)
            samples[start:stop] = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled).T
        return Pcm(sample_rate, samples)


@dataclass(frozen=True)
class Mastered:
    """A finished take: the mix, its measurements and digest (see `pcm`), and the stems, quantised when asked for."""

    sample_rate: int
    mix: Pcm
    pcm_sha256: str
    measurements: Measurements
    gain: Gain
    _stems: dict[str, Audio] = field(default_factory=dict, repr=False)

    @property
    def stem_names(self) -> tuple[str, ...]:
        return tuple(self._stems)

    def stem(self, name: str) -> Pcm:
        """One stem with the mix's own gain; made anew at every call, so that memory never holds all of them."""
        return self.gain.quantised(self._stems[name], self.sample_rate)


def master(rendition: Rendition, delivery: Delivery, duration: float | None = None) -> Mastered:
    """Master a rendition for delivery; the same input gives the same bits.

    `duration` in seconds, where known, fixes the frames of a loop: round(duration * sample_rate); otherwise they
    follow from the rendition's own length. Where the loudness target would need more than MOST_REDUCTION_DB of
    limiting, the mix is as loud as that allows, and the measurements say so. Raises MasteringError for sound that is
    silent, not finite, or of the wrong shape.
    """
    check(rendition)
    mix = _at_rate(rendition.premaster, rendition, delivery.sample_rate, duration)
    stems = {
        name: _at_rate(stem, rendition, delivery.sample_rate, duration)
        for name, stem in (rendition.stems if delivery.stems else {}).items()
    }
    energies = energies_of(mix, delivery.sample_rate)
    gain = _gain(mix, energies.loudness().integrated, list(stems.values()), delivery, rendition.loop)
    pcm, known, gain = _under_ceiling(mix, gain, delivery.sample_rate, rendition.loop)
    if gain.envelope is None:
        known = replace(known, loudness=energies.times(gain.factor).loudness())
    measured = measurements(pcm, rendition.loop, decibels(gain.factor), gain.limited_db, known)
    return Mastered(delivery.sample_rate, pcm, pcm.sha256(), measured, gain, stems)


def check(rendition: Rendition) -> None:
    """Raise MasteringError unless premaster and stems are finite stereo of one length, and not silent."""
    if rendition.sample_rate < 8000:
        raise MasteringError(f"the sample rate is {rendition.sample_rate} Hz, under 8000; correct the generator")
    shape = np.shape(rendition.premaster)
    if len(shape) != 2 or shape[0] != 2 or shape[1] == 0:
        raise MasteringError(f"the premaster has shape {shape}, not (2, frames); correct the generator")
    for name, audio in [("premaster", rendition.premaster), *rendition.stems.items()]:
        _check_samples(name, audio, shape)
    if float(np.abs(rendition.premaster).max()) < 10 ** (SILENCE / 20) / 10:
        raise MasteringError("the premaster is silent; render with another prompt or seed, or correct the generator")


def _check_samples(name: str, audio: Audio, shape: tuple[int, ...]) -> None:
    if np.shape(audio) != shape:
        raise MasteringError(f"stem {name} has shape {np.shape(audio)}, the premaster {shape}; correct the generator")
    if not np.isfinite([audio.max(), audio.min()]).all():  # NaN goes through max and min
        bad = np.argwhere(~np.isfinite(audio))
        channel, frame = bad[0]
        raise MasteringError(
            f"{name}: {len(bad)} samples are not finite, the first is {audio[channel, frame]} at frame {frame} of "
            f"channel {channel}; render again, and correct the generator if it stays"
        )


def _at_rate(audio: Audio, rendition: Rendition, sample_rate: int, duration: float | None) -> Audio:
    audio = np.ascontiguousarray(audio, dtype=np.float32)
    if not rendition.loop:
        return resample(audio, rendition.sample_rate, sample_rate)
    seconds = audio.shape[1] / rendition.sample_rate
    if duration is not None:
        if abs(duration - seconds) * rendition.sample_rate > 1:
            raise MasteringError(
                f"a loop of {duration} s was ordered, {seconds} s were rendered; correct the generator"
            )
        seconds = duration
    return resample_loop(audio, rendition.sample_rate, sample_rate, max(1, round(seconds * sample_rate)))


def _gain(mix: Audio, loudness: float, stems: list[Audio], delivery: Delivery, loop: bool) -> Gain:
    """The gain that brings `mix` to the target loudness, or as near as the most reduction allows."""
    if loudness < SILENCE:
        raise MasteringError(f"no part of the premaster is above {SILENCE} LUFS; render again or correct the generator")
    gain_db = delivery.loudness - loudness
    excess = _excess_at(gain_db, mix, stems, loop)
    if not excess.any():
        return Gain(_factor(gain_db))
    most_db = gain_db + MOST_REDUCTION_DB - float(excess.max())
    for _ in range(_ROUNDS):
        if gain_db >= most_db:
            return _limiting(most_db, _excess_at(most_db, mix, stems, loop), mix, delivery.sample_rate, loop)
        gain = _limiting(gain_db, excess, mix, delivery.sample_rate, loop)
        missing_db = delivery.loudness - _loudness_with(gain, mix, delivery.sample_rate)
        if abs(missing_db) <= _LOUDNESS_TOLERANCE_LU:
            break
        gain_db += missing_db
        excess = _excess_at(gain_db, mix, stems, loop)
    return gain


def _under_ceiling(mix: Audio, gain: Gain, sample_rate: int, loop: bool) -> tuple[Pcm, Known, Gain]:
    """The quantised mix, its gain lowered in the rare case that its true peak is still above the ceiling."""
    pcm = gain.quantised(mix, sample_rate)
    known = known_of(pcm, loop)
    above_db = decibels(known.true_peak) - TRUE_PEAK_CEILING_DB
    if above_db <= 0:
        return pcm, known, gain
    lower = replace(gain, factor=gain.factor * _factor(-above_db - 0.001))
    pcm = lower.quantised(mix, sample_rate)
    return pcm, known_of(pcm, loop), lower


def _limiting(gain_db: float, excess: NDArray[np.float64], mix: Audio, sample_rate: int, loop: bool) -> Gain:
    return Gain(_factor(gain_db), envelope(excess, mix.shape[1], sample_rate, loop))


def _excess_at(gain_db: float, mix: Audio, stems: list[Audio], loop: bool) -> NDArray[np.float64]:
    return excess_db(mix, stems, _factor(gain_db), _factor(_DETECTOR_CEILING_DB), loop)


def _loudness_with(gain: Gain, mix: Audio, sample_rate: int) -> float:
    return energies_of(gain.quantised(mix, sample_rate).as_float(), sample_rate).loudness().integrated


def _factor(decibels_: float) -> float:
    return float(10 ** (decibels_ / 20))
