"""The voices of old game consoles: a true pulse and a triangle of sixteen levels, band limited.

The pulse of the NES' sound chip (RP2A03) is high for a quarter of its period; its triangle climbs and falls in 32 steps
of 4 bits, whose corners give it a buzz that a smooth triangle has not. Both are summed from their exact series.
"""

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Held, Patch, Recording, Signal, Vibrato
from models.composer.bank.presets import PRESETS

_DUTY = {0: 0.5, 1: 0.25}  # of the soft layer, of the loud one


def _steps() -> Signal:
    """The cosine series of the stepped triangle: 15, 14 .. 0, 0 .. 15, seen from the middle of its high step."""
    level = np.concatenate([np.arange(16), np.arange(15, -1, -1)])
    wave = np.roll(np.repeat(level, 64).astype(np.float64), -1024)
    return np.asarray(np.fft.rfft(wave - wave.mean()).real / len(wave) * 2)


def square_lead() -> Patch:
    """The pulse: half and half when soft, a quarter when loud; vibrato after a third of a second."""
    preset, recordings = PRESETS["square lead"], []
    for key in range(preset.low + 5, preset.high + 1, 10):
        for layer, duty in _DUTY.items():
            def pulse(k: int, t: Signal, duty: float = duty) -> Signal:
                return np.full(len(t), np.sin(np.pi * k * duty) / k)

            spec = Held(0.35, pulse, 70, Vibrato(14, 5.8, 3, 0.0), 0.0, coherent=True)
            pcm, loop = dsp.held(key, spec, dsp.seeded("square lead"))
            recordings.append(Recording(key, dsp.faded(pcm, 0.001, 0), dsp.RATE, loop, layer))
    return Patch(tuple(recordings), 0.0, 0.03)


def triangle_bass() -> Patch:
    """The triangle, steady: the chip cannot even change its level."""
    preset, series, recordings = PRESETS["triangle bass"], _steps(), []
    for key in range(preset.low + 3, preset.high + 1, 7):
        spec = Held(0.1, lambda k, t: np.full(len(t), series[k]), 70, Vibrato(0.0, 8.0, 2, 0.0), 0.0, coherent=True)
        pcm, loop = dsp.held(key, spec, dsp.seeded("triangle bass"))
        recordings.append(Recording(key, dsp.faded(pcm, 0.002, 0), dsp.RATE, loop))
    return Patch(tuple(recordings), 0.0, 0.03)
