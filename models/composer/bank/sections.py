"""Sections, choir, organ and other broad sustained sounds: many players at once, in stereo where they sit apart.

One exact loop per note and side; its start is a morph from a dark to the full spectrum of the very same partials, as a
section opens up after the attack.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS

_LOOP = 1.54  # seconds, nearly
_AFTER = 36  # frames kept past the loop's end for interpolating players, and a margin


@dataclass(frozen=True)
class Section:
    """Spectrum (as in a solo timbre), spread of the players in cents, envelope in seconds; `dark` Hz at the onset."""

    slope: float
    peaks: tuple[tuple[float, float, float], ...]
    soft: float
    loud: float
    cents: float
    attack: float
    release: float
    dark: float = 700.0
    opens: float = 0.3
    soft_peaks: tuple[tuple[float, float, float], ...] | None = None
    layers: tuple[int | None, ...] = (0, 1)
    stereo: bool = True
    step: int = 7
    noise: tuple[float, float, float] = (1500.0, 7000.0, 0.012)
    drawbars: tuple[float, ...] = ()  # strengths by harmonic; instead of `slope`


SECTIONS: dict[str, Section] = {
    "strings": Section(
        1.0, ((260, 4, 0.25), (480, 4, 0.3), (950, -2, 0.3), (2600, 7, 0.5)), 3300, 8500, 13, 0.07, 0.35, 900, 0.3
    ),
    "brass": Section(0.5, ((600, 4, 0.6), (1300, 5, 0.5)), 1600, 7000, 7, 0.03, 0.2, 600, 0.12),
    "low brass": Section(
        0.55, ((260, 4, 0.5), (560, 4, 0.5), (1200, 2, 0.5)), 900, 4200, 7, 0.035, 0.25, 350, 0.14, stereo=False
    ),
    "choir": Section(
        0.9, ((700, 11, 0.2), (1150, 9, 0.17), (2750, 9, 0.15), (3400, 5, 0.15)), 1800, 5000, 17, 0.12, 0.45, 900, 0.35,
        soft_peaks=((340, 10, 0.25), (800, 8, 0.2), (2600, 5, 0.15)), noise=(2500, 9000, 0.02),
    ),
    "synth pad": Section(
        0.95, ((900, 3, 0.8),), 2000, 4500, 11, 0.25, 0.8, 500, 0.6, layers=(None,), noise=(3000, 9000, 0.006)
    ),
    "distorted guitar": Section(
        0.35, ((110, -5, 0.6), (420, -2, 0.4), (800, 3, 0.4), (2400, 9, 0.4)), 3000, 4200, 2.5, 0.003, 0.09, 6000, 0.05,
        layers=(None,), noise=(1000, 5000, 0.05),
    ),
    "organ": Section(
        0.0, ((500, 2, 1.0),), 5000, 5000, 3.5, 0.012, 0.12, 2500, 0.05, layers=(None,), stereo=False,
        noise=(1500, 6000, 0.006),
        drawbars=(1.0, 0.9, 0.45, 0.6, 0.12, 0.25, 0.0, 0.35, 0.0, 0.08, 0.0, 0.1, 0.0, 0.0, 0.0, 0.06),
    ),
    "synth lead": Section(
        0.95, ((1800, 3, 0.6),), 2800, 6500, 5, 0.006, 0.12, 9000, 0.08, layers=(0, 1), stereo=False
    ),
}


_KIN: dict[str, str] = {
    "short strings": "strings", "tremolo strings": "strings", "rock organ": "organ", "supersaw": "synth lead",
    "glass pad": "synth pad", "dark drone": "synth pad", "synth brass": "brass",
}
SECTIONS.update({name: replace(SECTIONS[kin]) for name, kin in _KIN.items()})


def _spectrum(section: Section, key: int, layer: int | None, darkness: float = np.inf) -> Callable[[int], float]:
    soft = layer == 0
    shape = dsp.formants(section.soft_peaks if soft and section.soft_peaks else section.peaks)
    cutoff = max(section.soft if soft else section.loud, 1.5 * dsp.hz(key))
    dark = max(darkness, 1.2 * dsp.hz(key))

    def strength(k: int) -> float:
        f = k * dsp.hz(key)
        if section.drawbars:
            base = section.drawbars[k - 1] if k <= len(section.drawbars) else 0.0
        else:
            base = k**-section.slope
        return base * float(shape(np.array([f]))[0]) / (1 + (f / cutoff) ** 4) ** 0.5 / (1 + (f / dark) ** 2) ** 0.5

    return strength


def _side(name: str, section: Section, key: int, layer: int | None, side: str) -> Signal:
    """Prefix, loop and the frames after it, of one microphone."""
    prefix = int(section.opens * dsp.RATE)
    frames = dsp.quick_loop(dsp.hz(key), _LOOP, dsp.RATE)
    seed = f"{name}/{key}/{side}"
    full = dsp.ensemble(key, _spectrum(section, key, layer), section.cents, frames, dsp.seeded(seed))
    dark = dsp.ensemble(key, _spectrum(section, key, layer, section.dark), section.cents, frames, dsp.seeded(seed))
    low, high, level = section.noise
    noise = dsp.shaped_noise(frames, dsp.seeded(seed + "/noise"), dsp.band(low, high, 2))
    full = full + noise * level * np.sqrt(np.mean(full**2))
    index = np.arange(prefix + frames + _AFTER)
    opened = np.clip(index / max(prefix, 1), 0, 1) ** 1.5
    at = (index - prefix) % frames
    return opened * full[at] + (1 - opened) * dark[at]


def patch(name: str) -> Patch:
    """The recordings of one section: zones every `step` semitones, layers, and two sides where it is wide."""
    section, preset = SECTIONS[name], PRESETS[name]
    start = int(section.opens * dsp.RATE)
    sides = (("left", -1.0), ("right", 1.0)) if section.stereo else (("centre", 0.0),)
    recordings = []
    for key in range(preset.low + section.step // 2, preset.high + 1, section.step):
        loop = (start, start + dsp.quick_loop(dsp.hz(key), _LOOP, dsp.RATE))
        for layer in section.layers:
            for side, pan in sides:
                pcm = _side(name, section, key, layer, side)
                recordings.append(Recording(key, pcm, dsp.RATE, loop, layer, pan))
    return Patch(tuple(recordings), section.attack, section.release)
