"""The tempo of a recording, estimated by someone who was not told the order.

Rough guesses come from the autocorrelation of the onset envelope over windows of some seconds, weighted by what a
listener may expect (Ellis, "Beat Tracking by Dynamic Programming", 2007). They are some 2 % off by the grid of lags,
and are refined on the spectrum of the envelope over the whole piece: the guesses, and the tempi that trackers mistake
for one another (2:1, 3:2, 4:3), each moved to where beat and subdivisions together are strongest. A beat divides into
halves and quarters or, in swung and shuffled music, into thirds and sixths. Levels are multiplied, not added: a beat
that nobody plays is none, however strong its subdivisions. Any pulse is looked for that can be tapped along with, up to
five a second: where a kick and a hat in turn are equally strong, the pulse is the half beat, an octave from the beat.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from services.mastering.listening.spectra import Floats, Frames, mel_power

NEAR = 0.005
_MISTAKEN = (1.0, 2.0, 0.5, 1.5, 2 / 3, 4 / 3, 0.75)
_EXPECTED = (90.0, 120.0, 150.0)  # what a listener may expect before hearing anything
_SPREAD = 0.04  # how far the first guess may be off
_SLOWEST, _FASTEST = 55.0, 300.0
_GUESS_FASTEST = 320.0
_WINDOW_S, _STEP_S = 8.0, 0.5  # over which a first guess is made
_FLOOR = 0.01  # of the strongest periodicity: below it a level counts as absent
_RANGE_DB = 80.0
_LEVELS = (  # the beat and its subdivisions: multiples of the frequency, and what each counts
    ((1, 1.0), (2, 1.0), (4, 0.7)),
    ((1, 1.0), (3, 1.0), (6, 0.7)),
)


@dataclass(frozen=True)
class Pulse:
    """Beats a minute, and how far the onsets keep to them: from 0 to 1, of which steady music has 0.2 and more."""

    bpm: float
    strength: float


def onsets(mel: Frames) -> NDArray[np.float64]:
    """How much louder each moment is than the one before, in dB averaged over the bands."""
    loudness = 10 * np.log10(np.maximum(mel.values, 1e-10))
    loudness = np.maximum(loudness, loudness.max() - _RANGE_DB)
    rise = np.maximum(0.0, np.diff(loudness, axis=0)).mean(axis=1, dtype=np.float64)
    return np.concatenate(([0.0], rise))


def estimate(mono: Floats, rate: int) -> float:
    """Beats a minute of a recording of ten seconds or more; 0 where nothing moves."""
    mel = mel_power(mono, rate)
    found = pulse(onsets(mel), mel.per_second)
    return found.bpm if found else 0.0


def pulse(strength: NDArray[np.float64], per_second: float) -> Pulse | None:
    """The pulse of an onset envelope; None where nothing moves, or it is too short for any."""
    if len(strength) < 2 * per_second or float(strength.max(initial=0.0)) <= 0:
        return None
    spectrum = _Spectrum(strength, per_second)
    refined = []
    for first in _first_guesses(strength, per_second):
        tempi = [first * ratio for ratio in _MISTAKEN if _SLOWEST <= first * ratio <= _FASTEST] or [first]
        refined += [spectrum.strongest(tempo) for tempo in tempi]
    bpm, _ = max(refined, key=lambda pair: pair[1])
    return Pulse(bpm, spectrum.share(bpm))


def _first_guesses(strength: NDArray[np.float64], per_second: float) -> list[float]:
    """One for each expected tempo, without repetition."""
    window = min(int(_WINDOW_S * per_second), len(strength))
    step = max(1, int(_STEP_S * per_second))
    padded = np.pad(strength, window // 2)
    parts = np.lib.stride_tricks.sliding_window_view(padded, window)[::step] * np.hanning(window)
    size = 1 << int(np.ceil(np.log2(2 * window)))
    lags = np.fft.irfft(np.square(np.abs(np.fft.rfft(parts, size, axis=1))), axis=1)[:, :window]
    mean = (lags / np.maximum(lags.max(axis=1, keepdims=True), 1e-12)).mean(axis=0)
    with np.errstate(divide="ignore"):
        bpm = 60 * per_second / np.arange(window)
    usable = np.flatnonzero(bpm < _GUESS_FASTEST)
    usable = usable[usable > 0]
    heard = np.log1p(1e6 * np.maximum(mean[usable], 0.0))
    guesses = [
        float(bpm[usable[int(np.argmax(heard - 0.5 * np.square(np.log2(bpm[usable] / expected))))]])
        for expected in _EXPECTED
    ]
    return list(dict.fromkeys(guesses))


class _Spectrum:
    """The spectrum of an onset envelope, finely enough to read a tempo to a tenth of a beat a minute."""

    def __init__(self, strength: NDArray[np.float64], per_second: float) -> None:
        shaped = (strength - strength.mean()) * np.hanning(len(strength))
        size = 1 << (int(np.ceil(np.log2(len(strength)))) + 5)
        power = np.abs(np.fft.rfft(shaped, size))
        self._power = power / max(float(power[int(size / per_second / 2) :].max()), 1e-12)
        self._bins_a_hertz = size / per_second
        self._whole = float(np.abs(shaped).sum()) / max(float(power[int(size / per_second / 2) :].max()), 1e-12)

    def salience(self, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much of the envelope moves with beats of these tempi."""
        return np.maximum(*(self._moving(bpm, levels) for levels in _LEVELS))

    def share(self, bpm: float) -> float:
        """Of all that the envelope moves, the share that moves with beats of this tempo and their subdivisions."""
        frequencies: NDArray[np.float64] = bpm / 60 * np.arange(1.0, 9.0) * self._bins_a_hertz
        return float(self._at(frequencies).max() / max(self._whole, 1e-12))

    def _moving(self, bpm: NDArray[np.float64], levels: tuple[tuple[int, float], ...]) -> NDArray[np.float64]:
        """The weighted mean of the levels' logarithms."""
        total = np.zeros(len(bpm))
        for multiple, counts in levels:
            total += counts * np.log(self._at(bpm / 60 * multiple * self._bins_a_hertz) + _FLOOR)
        return total / sum(counts for _, counts in levels)

    def _at(self, bins: NDArray[np.float64]) -> NDArray[np.float64]:
        """The spectrum between its bins."""
        low = np.minimum(bins.astype(np.int64), len(self._power) - 2)
        return self._power[low] + (bins - low) * (self._power[low + 1] - self._power[low])

    def strongest(self, around: float) -> tuple[float, float]:
        """The strongest tempo near one, and how strong."""
        tempi = around * np.linspace(1 - _SPREAD, 1 + _SPREAD, 1401)
        salience = self.salience(tempi)
        best = int(np.argmax(salience))
        return float(tempi[best]), float(salience[best])


def error(estimated: float, bpm: float, meter: str) -> float:
    """How far an estimate is from the ordered tempo, as a share of it, octaves allowed; in compound meters the felt
    beat (a dotted quarter) is as right as the quarter that orders count."""
    felt = (1.0, 2 / 3) if meter in ("6/8", "9/8", "12/8") else (1.0,)
    right = [bpm * beat * 2.0**octave for beat, octave in product(felt, range(-3, 4))]
    return min(abs(estimated / tempo - 1) for tempo in right)
