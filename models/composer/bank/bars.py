"""Struck bars, tubes, tines and kettles: mallets, bells, music box, kalimba, electric piano, timpani.

Ratios of modes are those of the physics (Fletcher and Rossing, 1998): a free bar 1 : 2.756 : 5.404, makers tune the
arch of a marimba to 1 : 4 : 9.2 and of a xylophone to 1 : 3 : 6; a clamped tongue is 1 : 6.27 : 17.5; the fourth to
sixth modes of a tubular bell stand as 2 : 3 : 4 to a strike note that is hardly there. An electric piano's tine swings
before a pickup whose field is not straight, which is why it barks when it is struck hard.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS


@dataclass(frozen=True)
class Bar:
    """A struck bar, tine or kettle: modes as (ratio, amplitude, decay share), decay in seconds at key 60 and what an
    octave divides it by, `knock` (low Hz, high Hz, seconds, level), how much of the upper modes the soft layer keeps,
    `bark` the strength of a pickup's curve."""

    modes: tuple[tuple[float, float, float], ...]
    decay: float
    octave: float
    knock: tuple[float, float, float, float]
    soft: float
    tremolo: tuple[float, float] = (0.0, 0.0)  # Hz, depth
    longest: float = 2.2
    step: int = 11
    release: float = 0.3
    width: float = 0.3
    bark: float = 0.0
    rate: int = dsp.RATE


BARS: dict[str, Bar] = {
    "electric piano": Bar(
        ((1, 1, 1), (2, 0.04, 0.8), (7.11, 0.10, 0.10), (14.3, 0.05, 0.05), (20.5, 0.03, 0.03), (1.003, 0.2, 1.2)),
        1.7, 1.45, (250, 2800, 0.008, 0.16), 0.45, (0.0, 0.0), 2.0, 8, 0.14, 0.3, 0.8, 24000,
    ),
    "celesta": Bar(
        ((1, 1, 1), (2.0, 0.05, 0.7), (2.76, 0.16, 0.35), (5.4, 0.10, 0.2), (8.9, 0.05, 0.1)),
        1.3, 1.5, (400, 3500, 0.008, 0.14), 0.4, (0.0, 0.0), 1.6, 11, 0.35,
    ),
    "music box": Bar(
        ((1, 1, 1), (2.0, 0.10, 0.5), (6.27, 0.30, 0.22), (17.5, 0.07, 0.06), (3.01, 0.06, 0.4)),
        1.3, 1.4, (3500, 10000, 0.004, 0.18), 0.6, (0.0, 0.0), 1.55, 11, 0.8,
    ),
    "bell": Bar(
        ((1, 1, 1), (2.756, 0.42, 0.6), (5.404, 0.24, 0.3), (8.933, 0.12, 0.16), (2.0, 0.06, 0.9)),
        1.9, 1.5, (3000, 9000, 0.003, 0.12), 0.45, (0.0, 0.0), 1.55, 11, 1.2,
    ),
    "glockenspiel": Bar(
        ((1, 1, 1), (2.756, 0.5, 0.4), (5.404, 0.32, 0.2), (8.933, 0.2, 0.1)),
        1.6, 1.55, (4000, 12000, 0.003, 0.3), 0.5, (0.0, 0.0), 1.5, 10, 0.9,
    ),
    "tubular bells": Bar(
        ((1, 0.55, 0.7), (0.5, 0.25, 1.0), (2, 1, 0.9), (2.99, 0.8, 0.7), (4.15, 0.5, 0.5), (5.43, 0.36, 0.35),
         (6.79, 0.22, 0.25), (8.21, 0.14, 0.16)),
        2.0, 1.2, (800, 6000, 0.006, 0.16), 0.5, (0.0, 0.0), 2.4, 9, 1.6, 0.3, 0.0, 24000,
    ),
    "kalimba": Bar(
        ((1, 1, 1), (6.27, 0.16, 0.12), (2.0, 0.07, 0.6), (3.0, 0.04, 0.4), (17.5, 0.04, 0.04)),
        0.7, 1.5, (500, 5000, 0.006, 0.35), 0.4, (0.0, 0.0), 1.3, 8, 0.3,
    ),
    "marimba": Bar(
        ((1, 1, 1), (3.93, 0.32, 0.3), (9.2, 0.10, 0.12), (2.0, 0.02, 0.8)),
        0.34, 1.55, (250, 2600, 0.006, 0.26), 0.35, (0.0, 0.0), 1.2, 7, 0.25, 0.5, 0.0, 24000,
    ),
    "xylophone": Bar(
        ((1, 1, 1), (3.0, 0.55, 0.5), (6.1, 0.32, 0.25), (10.2, 0.15, 0.12)),
        0.17, 1.4, (1500, 10000, 0.004, 0.55), 0.4, (0.0, 0.0), 0.6, 7, 0.2, 0.4,
    ),
    "vibraphone": Bar(
        ((1, 1, 1), (4.0, 0.26, 0.45), (9.9, 0.07, 0.15)),
        2.0, 1.35, (600, 3500, 0.005, 0.10), 0.35, (5.2, 0.22), 2.2, 9, 0.5, 0.4, 0.0, 24000,
    ),
    "timpani": Bar(
        ((1, 1, 1), (1.504, 0.75, 0.85), (1.99, 0.45, 0.7), (2.44, 0.32, 0.6), (2.89, 0.2, 0.5), (0.81, 0.35, 0.10),
         (1.74, 0.2, 0.22), (3.4, 0.1, 0.35), (4.1, 0.06, 0.25)),
        0.55, 1.25, (60, 900, 0.03, 0.55), 0.4, (0.0, 0.0), 1.9, 6, 1.5, 0.0, 0.0, 24000,
    ),
}


def _modes(spec: Bar, key: int, layer: int) -> tuple[Signal, Signal, Signal]:
    table: NDArray[np.float64] = np.array(spec.modes)
    ratio, amps, share = table[:, 0], table[:, 1].copy(), table[:, 2]
    if not layer:
        amps[1:] *= np.where(ratio[1:] > 1.5, spec.soft, 1.0)
    amps = amps / (1 + (ratio * dsp.hz(key) / 11000.0) ** 2)
    return ratio * dsp.hz(key), amps, spec.decay / spec.octave ** ((key - 60) / 12) * share


def _note(name: str, spec: Bar, key: int, layer: int, rate: int) -> Signal:
    freqs, amps, decays = _modes(spec, key, layer)
    rng = dsp.seeded(f"{name}/{key}")
    seconds = float(min(spec.longest, 5.0 * decays[0]))
    phases = rng.uniform(-0.5, 0.5, len(freqs))
    tone = dsp.partials(freqs, amps, decays, phases, seconds, rate)
    tone += 0.12 * dsp.partials(freqs * 1.0012, amps, decays * 1.1, phases + 1.0, seconds, rate)
    t = np.arange(len(tone)) / rate
    if spec.bark:
        swing = (1.0 if layer else 0.35) * spec.bark * tone / float(np.max(np.abs(tone)))
        tone = 1 / (1 + 4 * (swing - 0.8) ** 2) - 1 / (1 + 4 * 0.8**2)
    speed, depth = spec.tremolo
    tone = tone * (1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * speed * t)))
    low, high, fade, level = spec.knock
    noise = dsp.burst_noise(len(tone), dsp.seeded(f"{name}/{key}/knock"), dsp.band(low, min(high, 0.4 * rate), 2), rate)
    tone += level * (1.0 if layer else 0.5) * float(np.max(np.abs(tone))) * 0.5 * noise * np.exp(-t / fade)
    return dsp.faded(dsp.steady(tone, rate), 0.001, 0.3 * seconds, rate)


def patch(name: str) -> Patch:
    """The recordings of one mallet instrument, electric piano or kettle drum."""
    spec, preset = BARS[name], PRESETS[name]
    recordings = []
    for key in range(preset.low + spec.step // 2, preset.high + 1, spec.step):
        pan = spec.width * (2 * (key - preset.low) / (preset.high - preset.low) - 1)
        for layer, rate in ((0, 22050 if preset.high > 92 else dsp.SOFT_RATE), (1, spec.rate)):
            recordings.append(Recording(key, _note(name, spec, key, layer, rate), rate, None, layer, pan))
    return Patch(tuple(recordings), 0.0, spec.release)
