"""Small percussion: beads, wood, metal bars with a few fixed modes, scraped and blown things, brushes.

Kits share these sounds. Nothing here has a skin or the dense modes of a cymbal.
"""

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE, Signal
from models.composer.bank.skins import finish, noise


def shaker(rise: float, decay: float, low: float, high: float, name: str, take: int = 0) -> Signal:
    """Beads thrown forward: grains of noise whose density swells and falls."""
    seconds = rise + 6 * decay
    t, rng = dsp.times(seconds, DRUM_RATE), dsp.seeded(f"{name}/beads#{take}")
    shape = np.where(t < rise, (t / rise) ** 2, np.exp(-(t - rise) / decay))
    grains = 0.55 + 0.45 * np.repeat(np.abs(rng.standard_normal(len(t) // 24 + 1)), 24)[: len(t)]
    return finish(noise(seconds, low, high, f"{name}#{take}", 3) * shape * grains, 2 * decay)


def block(pitches: tuple[float, ...], decay: float, click: float, name: str, seconds: float = 0.35) -> Signal:
    """Wood block, clave, cowbell, agogo, triangle: a few fixed modes with an edge."""
    freqs = np.array(pitches)
    amps, count = 1 / np.arange(1, len(freqs) + 1) ** 0.6, len(freqs)
    out = dsp.partials(freqs, amps, np.full(count, decay), np.zeros(count), seconds, DRUM_RATE)
    t = dsp.times(seconds, DRUM_RATE)
    return finish(out + click * noise(seconds, 1500, 9000, name) * 0.4 * np.exp(-t / 0.003), 0.3 * seconds)


def triangle(decay: float, name: str, seconds: float) -> Signal:
    """A bent steel rod: stiff, so that its modes stand far apart and reach beyond 15 kHz, in beating pairs."""
    base = np.array([1320.0, 2410, 3640, 4890, 6610, 8850, 11200, 13900, 16400])
    freqs = np.concatenate([base, base * 1.0006 + 1.1])
    amps = np.tile([0.12, 0.3, 0.7, 1.0, 0.8, 0.7, 0.5, 0.4, 0.25], 2)
    decays = decay * np.tile(np.linspace(1.3, 0.5, 9), 2)
    phases = dsp.seeded(name).uniform(0, 6, 18)
    return finish(dsp.partials(freqs, amps, decays, phases, seconds, DRUM_RATE), 0.3 * seconds)


def guiro(strokes: int, seconds: float, name: str) -> Signal:
    """A stick drawn over ridges."""
    t = dsp.times(seconds, DRUM_RATE)
    ridges = (t * strokes / seconds) % 1.0
    stroke = np.sin(np.pi * t / seconds) ** 0.5
    return finish(noise(seconds, 2200, 8000, name, 2) * np.exp(-ridges * 4) * stroke, 0.05)


def brush_sweep(seconds: float, name: str, take: int = 0) -> Signal:
    """Wires drawn in a circle over a coated head."""
    t = dsp.times(seconds, DRUM_RATE)
    circle = np.sin(np.pi * np.minimum(t / seconds, 1)) ** 1.3
    return finish(noise(seconds, 1300, 11000, f"{name}#{take}", 2) * circle, 0.1)


def whistle(seconds: float, name: str) -> Signal:
    """A pea whistle: two near tones under a fast flutter."""
    t = dsp.times(seconds, DRUM_RATE)
    tone = np.sin(2 * np.pi * 2350 * t) + 0.6 * np.sin(2 * np.pi * 2460 * t) + 0.1 * noise(seconds, 2000, 5000, name)
    return finish(tone * (0.75 + 0.25 * np.sin(2 * np.pi * 33 * t)) * np.minimum(1, (seconds - t) / 0.05), 0.04)
