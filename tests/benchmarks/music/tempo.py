"""The tempo of a recording, estimated by someone who was not told the order.

The tempo stage of librosa's beat tracker gives first guesses, some 2 % off by its grid of lags. They are refined on the
spectrum of the onset envelope over the whole piece: the guesses, and the tempi that trackers mistake for one another
(2:1, 3:2, 4:3), each moved to where beat and subdivisions together are strongest. A beat divides into halves and
quarters or, in swung and shuffled music, into thirds and sixths. Levels are multiplied, not added: a beat that nobody
plays is none, however strong its subdivisions. Any pulse is looked for that can be tapped along with, up to five a
second: where a kick and a hat in turn are equally strong, the pulse is the half beat, an octave from the beat.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

BEATLESS = frozenset({"ambient", "horror"})
"""Genres that need not have a beat."""
NEAR = 0.005
_RATE = 22050
_HOP = 256
_MISTAKEN = (1.0, 2.0, 0.5, 1.5, 2 / 3, 4 / 3, 0.75)
_EXPECTED = (90.0, 120.0, 150.0)  # what a listener may expect before hearing anything
_SPREAD = 0.04  # how far the first guess may be off
_SLOWEST, _FASTEST = 55.0, 300.0
_FLOOR = 0.01  # of the strongest periodicity: below it a level counts as absent
_LEVELS = (  # the beat and its subdivisions: multiples of the frequency, and what each counts
    ((1, 1.0), (2, 1.0), (4, 0.7)),
    ((1, 1.0), (3, 1.0), (6, 0.7)),
)


def envelope(mono: NDArray[np.float32], rate: int) -> tuple[NDArray[np.float64], float]:
    """Onset strength, and how many values a second."""
    import librosa

    low = librosa.resample(mono, orig_sr=rate, target_sr=_RATE, res_type="soxr_mq") if rate != _RATE else mono
    return librosa.onset.onset_strength(y=low, sr=_RATE, hop_length=_HOP).astype(np.float64), _RATE / _HOP


def estimate(mono: NDArray[np.float32], rate: int) -> float:
    """Beats a minute of a recording of ten seconds or more."""
    import librosa

    strength, per_second = envelope(mono, rate)
    spectrum = _Spectrum(strength, per_second)
    refined = []
    for expected in _EXPECTED:
        guess = librosa.feature.tempo(onset_envelope=strength, sr=_RATE, hop_length=_HOP, start_bpm=expected)
        first = float(guess[0]) or expected
        tempi = [first * ratio for ratio in _MISTAKEN if _SLOWEST <= first * ratio <= _FASTEST] or [first]
        refined += [spectrum.strongest(tempo) for tempo in tempi]
    return max(refined, key=lambda pair: pair[1])[0]


class _Spectrum:
    """The spectrum of an onset envelope, finely enough to read a tempo to a tenth of a beat a minute."""

    def __init__(self, strength: NDArray[np.float64], per_second: float) -> None:
        shaped = (strength - strength.mean()) * np.hanning(len(strength))
        size = 1 << (int(np.ceil(np.log2(len(strength)))) + 5)
        power = np.abs(np.fft.rfft(shaped, size))
        self._power = power / max(float(power[int(size / per_second / 2) :].max()), 1e-12)
        self._bins_a_hertz = size / per_second

    def salience(self, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much of the envelope moves with beats of these tempi."""
        return np.maximum(*(self._moving(bpm, levels) for levels in _LEVELS))

    def _moving(self, bpm: NDArray[np.float64], levels: tuple[tuple[int, float], ...]) -> NDArray[np.float64]:
        """The weighted mean of the levels' logarithms."""
        total = np.zeros(len(bpm))
        for multiple, counts in levels:
            at = bpm / 60 * multiple * self._bins_a_hertz
            total += counts * np.log(np.interp(at, np.arange(len(self._power)), self._power) + _FLOOR)
        return total / sum(counts for _, counts in levels)

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
