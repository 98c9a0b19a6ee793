"""Electronic tones that the other modules do not make: synth bass, and the two voices of old game consoles."""

from collections.abc import Callable

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Held, Patch, Recording, Signal, Vibrato
from models.composer.bank.presets import PRESETS

_SHORT = Vibrato(0.0, 4.0, 2, 0.0)


def _square(k: int, t: Signal) -> Signal:
    """A quarter pulse sharpened by its missing fourth harmonic, band limited."""
    return np.full(len(t), abs(np.sin(np.pi * k * 0.25)) / k)


def _triangle(k: int, t: Signal) -> Signal:
    return np.full(len(t), (1 / k**2) if k % 2 else 0.0)


def _bass_strength(key: int, layer: int) -> Callable[[int, Signal], Signal]:
    """A saw through a resonant low-pass that closes after the attack, over a sine an octave below its second."""
    f0 = dsp.hz(key)
    top, rest = (2600.0, 650.0) if layer else (1100.0, 420.0)

    def strength(k: int, t: Signal) -> Signal:
        cutoff = rest + (top - rest) * np.exp(-t / 0.11)
        x = k * f0 / cutoff
        resonance = 1 / np.sqrt((1 - x**2) ** 2 + (0.55 * x) ** 2)
        return (1.3 if k == 1 else 1.0) / k * np.minimum(resonance, 2.2)

    return strength


def square_lead() -> Patch:
    """The pulse voice: vibrato after a third of a second."""
    preset = PRESETS["square lead"]
    recordings = []
    for key in range(preset.low + 4, preset.high + 1, 8):
        spec = Held(0.35, _square, 50, Vibrato(14, 5.8, 3, 0.0), 0.0)
        pcm, loop = dsp.held(key, spec, dsp.seeded("square lead"))
        recordings.append(Recording(key, dsp.faded(pcm, 0.001, 0), dsp.RATE, loop))
    return Patch(tuple(recordings), 0.0, 0.03)


def triangle_bass() -> Patch:
    """The triangle voice, steady."""
    preset = PRESETS["triangle bass"]
    recordings = []
    for key in range(preset.low + 4, preset.high + 1, 8):
        pcm, loop = dsp.held(key, Held(0.1, _triangle, 50, _SHORT, 0.0), dsp.seeded("triangle bass"))
        recordings.append(Recording(key, dsp.faded(pcm, 0.002, 0), dsp.RATE, loop))
    return Patch(tuple(recordings), 0.0, 0.03)


def synth_bass(name: str = "synth bass") -> Patch:
    """A filtered saw in two layers, zones of seven semitones."""
    preset = PRESETS[name]
    recordings = []
    for key in range(preset.low + 3, preset.high + 1, 7):
        for layer in (0, 1):
            spec = Held(0.6, _bass_strength(key, layer), 60, _SHORT, 0.02)
            pcm, loop = dsp.held(key, spec, dsp.seeded(f"synth bass/{key}"))
            recordings.append(Recording(key, dsp.faded(pcm, 0.002, 0), dsp.RATE, loop, layer))
    return Patch(tuple(recordings), 0.0, 0.06)
