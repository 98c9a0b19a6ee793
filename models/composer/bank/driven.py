"""The distorted guitar: a string through a saturating amplifier and a loudspeaker, recorded twice, left and right.

The saturation is computed on one exact loop at four times the rate, so that what it folds back lies above what the
loudspeaker lets through. Two sets of partials a little apart stand for the string's two planes and for the second
take, and give the growl its movement. Saturating whole power chords is a matter of the mixer; this is one string.
"""

import numpy as np
from numpy.typing import NDArray

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS

_OVER, _SECONDS, _PREFIX = 4, 0.85, 0.22


def _speaker(freqs: NDArray[np.float64]) -> Signal:
    """A closed cabinet with four twelve-inch speakers: full at 120 Hz, a peak near 2.6 kHz, over at 5 kHz."""
    shape = dsp.formants(((115, 4, 0.4), (420, -4, 0.5), (2600, 7, 0.45)))(freqs)
    return np.asarray(shape * dsp.band(85, 4800, 4)(freqs))


def _amplified(key: int, name: str, bright: float, gain: float, rate: int) -> Signal:
    """One loop: pickup, saturation, loudspeaker."""
    frames = dsp.quick_loop(dsp.hz(key), _SECONDS, rate)

    def string(k: Signal) -> Signal:
        comb = 0.15 + np.abs(np.sin(np.pi * k * 0.13))
        return np.asarray(k**-0.75 * comb / (1 + (k * dsp.hz(key) / bright) ** 2))

    clean = dsp.stack(key, (-2.0, 2.5), string, frames * _OVER, name, rate * _OVER)
    clean = clean / float(np.std(clean))
    pushed = np.tanh(gain * clean + 0.15) - 0.15 * np.tanh(gain * clean) ** 2
    spectrum = np.fft.rfft(pushed)[: frames // 2 + 1]
    spectrum *= _speaker(np.fft.rfftfreq(frames, 1 / rate).astype(np.float64))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, frames) / _OVER


def distorted_guitar() -> Patch:
    """Two sides with a middle in common, one layer: an amplifier at its limit hides how hard the pick was."""
    preset, rate, recordings = PRESETS["distorted guitar"], 24000, []
    for key in range(preset.low + 3, preset.high + 1, 7):
        name = f"distorted guitar/{key}"
        parts = {side: _amplified(key, f"{name}/{side}", 2600, 3.2, rate) for side in ("middle", "left", "right")}
        attack = _amplified(key, f"{name}/middle", 4800, 5.0, rate)
        for pan, side in ((-1.0, "left"), (1.0, "right")):
            full = 0.75 * parts["middle"] + 0.6 * parts[side]
            states = ((0.0, 0.8 * attack + 0.5 * full), (0.06, 0.5 * attack + 0.8 * full), (_PREFIX, full))
            pcm, loop = dsp.evolving(states, 36, rate)
            t = np.arange(len(pcm)) / rate
            pick = dsp.burst_noise(len(pcm), dsp.seeded(f"{name}/pick/{side}"), dsp.band(700, 5000, 2), rate)
            pcm += 0.7 * float(np.std(full)) * pick * np.exp(-t / 0.008) * (t < _PREFIX)
            recordings.append(Recording(key, dsp.faded(pcm, 0.002, 0, rate), rate, loop, None, pan))
    return Patch(tuple(recordings), 0.0, 0.09)
