"""Strings that are struck or plucked and then left alone: pianos, harpsichord, guitars, harp, basses, pizzicato.

Each note is a sum of decaying modes. Strings are stiff, so that their partials are stretched; where they are played
makes a comb; two polarisations (and a piano's two or three strings) beat and die at different speeds, which is the
two-stage decay of a piano note (Weinreich, 1977; Fletcher and Rossing, 1998, sections 9, 10 and 12). A short noise
stands for hammer, quill, nail or pick. A piano's stiffness over the keyboard is that of Young (1952).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS


@dataclass(frozen=True)
class String:
    """A plucked or hammered string.

    `place` is where it is played (share of its length), `decay` the time constant in seconds of the fundamental at
    the lowest key and what every octave above divides it by, `damping` how much faster upper partials die, `soft` and
    `loud` the cut of the excitation in Hz at the middle of the range, `stiffness` at key 48 (0: a piano's own curve),
    `body` the resonances, `knock` the noise of the attack (low Hz, high Hz, seconds, level), `spread` the beating
    between polarisations in Hz, `wood` narrow resonances (low Hz, high Hz, how many, dB), `course` the detuning in Hz
    of a second string of middle C, `drive` saturation of pickup and amplifier."""

    place: float
    decay: float
    octave: float
    damping: float
    soft: float
    loud: float
    stiffness: float
    body: tuple[tuple[float, float, float], ...] = ()
    knock: tuple[float, float, float, float] = (100.0, 900.0, 0.03, 0.1)
    spread: float = 0.25
    slope: float = 0.9
    longest: float = 2.2
    step: int = 7
    rate: int = dsp.RATE
    release: float = 0.15
    width: float = 0.0  # how far low and high keys sit apart
    layers: tuple[int | None, ...] = (0, 1)
    aftersound: float = 0.3
    wood: tuple[float, float, int, float] | None = None
    course: float = 0.0
    octave_course: float = 0.0  # level of a second string an octave above
    drive: float = 0.0
    dead: float = 0.0  # seconds after which a hand has stopped the string; 0: never


_GUITAR = ((105, 5, 0.2), (205, 4, 0.25), (400, 2, 0.4), (3200, 3, 0.5))
_WOOD = (150.0, 6000.0, 40, 3.5)
STRINGS: dict[str, String] = {
    "piano": String(
        0.118, 4.6, 1.62, 0.045, 1400, 7200, 0.0, ((110, 2, 0.5), (250, 2, 0.5), (2200, 2, 0.6)), (70, 1400, 0.03,
        0.26), 0.35, 0.72, 2.75, 7, release=0.18, width=0.45, aftersound=0.25, wood=(80, 4000, 50, 2.5), course=0.28,
    ),
    "harpsichord": String(
        0.12, 2.0, 1.45, 0.035, 9000, 9000, 3e-5, ((220, 3, 0.4), (1200, 2, 0.6), (3500, 4, 0.6)), (2500, 10000,
        0.006, 0.35), 0.3, 0.4, 1.7, 9, release=0.07, width=0.3, layers=(None,), wood=_WOOD, course=0.4,
        octave_course=0.5,
    ),
    "clavinet": String(
        0.07, 1.3, 1.4, 0.05, 3000, 7500, 1.2e-4, ((1100, 5, 0.5), (2800, 4, 0.5)), (900, 6000, 0.005, 0.35), 0.3,
        0.45, 1.4, 8, 24000, 0.03, drive=1.1,
    ),
    "dulcimer": String(
        0.14, 1.5, 1.45, 0.05, 3500, 9000, 6e-5, ((260, 4, 0.4), (520, 3, 0.4), (2600, 3, 0.6)), (1200, 9000, 0.005,
        0.4), 0.6, 0.65, 1.45, 8, release=0.7, width=0.35, wood=_WOOD, course=0.9,
    ),
    "harp": String(
        0.36, 2.2, 1.55, 0.09, 1500, 5200, 2e-5, ((180, 3, 0.5), (380, 2, 0.4)), (120, 1500, 0.010, 0.14), 0.2, 1.1,
        1.7, 9, 24000, release=0.9, width=0.4, wood=(120, 3000, 30, 2.0),
    ),
    "lute": String(
        0.2, 0.95, 1.4, 0.09, 2500, 6800, 3e-5, ((190, 5, 0.3), (420, 4, 0.4), (1500, 2, 0.5)), (250, 4000, 0.007,
        0.25), 0.5, 0.8, 1.4, 7, 24000, 0.12, wood=_WOOD, course=0.7, octave_course=0.15,
    ),
    "acoustic guitar": String(
        0.2, 1.5, 1.45, 0.10, 2000, 6000, 3e-5, _GUITAR, (150, 2600, 0.010, 0.24), 0.4, 0.95, 1.8, 6, 24000, 0.12,
        wood=_WOOD,
    ),
    "steel guitar": String(
        0.13, 2.3, 1.4, 0.045, 2800, 9500, 8e-5, ((105, 4, 0.2), (205, 3, 0.25), (2600, 3, 0.6), (5500, 4, 0.5)),
        (1500, 9500, 0.006, 0.3), 0.5, 0.7, 1.6, 7, release=0.12, wood=_WOOD,
    ),
    "electric guitar": String(
        0.22, 2.3, 1.4, 0.06, 1700, 5400, 6e-5, ((750, 2, 0.7), (2600, 6, 0.5)), (500, 4500, 0.006, 0.14), 0.3, 0.75,
        1.9, 6, 20000, 0.12, drive=0.7,
    ),
    "muted guitar": String(
        0.12, 0.16, 1.15, 0.12, 1500, 4200, 6e-5, ((160, 5, 0.4), (900, 3, 0.5), (2400, 4, 0.5)), (250, 3500, 0.008,
        0.5), 0.2, 0.75, 0.5, 6, 20000, 0.05, drive=0.8, aftersound=0.1,
    ),
    "bass": String(
        0.24, 2.0, 1.5, 0.10, 550, 2100, 5e-5, ((70, 2, 0.5), (750, 4, 0.5)), (150, 1800, 0.012, 0.14), 0.15, 0.8,
        2.0, 6, 16000, 0.08,
    ),
    "picked bass": String(
        0.12, 2.2, 1.45, 0.06, 1000, 3600, 8e-5, ((80, 2, 0.5), (900, 4, 0.5), (2400, 4, 0.4)), (900, 5500, 0.005,
        0.3), 0.2, 0.65, 1.7, 7, 20000, 0.07, drive=0.8,
    ),
    "slap bass": String(
        0.08, 1.8, 1.45, 0.05, 1600, 6500, 1e-4, ((75, 4, 0.4), (420, -5, 0.5), (3200, 7, 0.5)), (1500, 9000, 0.007,
        0.7), 0.25, 0.55, 1.7, 7, 24000, 0.05, drive=1.0,
    ),
    "upright bass": String(
        0.32, 1.05, 1.4, 0.15, 480, 1700, 5e-5, ((65, 3, 0.3), (115, 4, 0.3), (260, 2, 0.4), (800, 3, 0.4)), (90,
        2200, 0.016, 0.38), 0.5, 0.8, 1.6, 6, 16000, 0.10, wood=(60, 2500, 36, 3.5),
    ),
    "pizzicato strings": String(
        0.3, 0.34, 1.3, 0.16, 1500, 4200, 4e-5, ((260, 4, 0.3), (480, 4, 0.35), (1500, 2, 0.5)), (200, 3500, 0.009,
        0.4), 1.6, 0.85, 0.9, 6, 24000, 0.3, width=0.35, wood=(200, 6000, 40, 4.0), course=1.7,
    ),
    "pluck": String(
        0.5, 0.38, 1.12, 0.28, 2200, 8000, 0.0001, ((1500, 3, 0.8),), (2000, 9000, 0.003, 0.06), 0.9, 0.5, 1.1, 8,
        release=0.3, width=0.3, course=1.1,
    ),
}


def _stiffness(spec: String, key: int) -> float:
    if spec.stiffness:
        return float(spec.stiffness * 2 ** ((key - 48) / 12 * 1.1))
    return float(np.exp(0.0926 * key - 13.64) + np.exp(-0.0847 * key - 5.82))


def _modes(
    name: str, spec: String, key: int, low: int, layer: int | None
) -> tuple[NDArray[np.bool_], Signal, Signal, Signal]:
    """Which partials of one string are heard, their frequencies in Hz, amplitudes and time constants in seconds."""
    f0, cutoff = dsp.hz(key), spec.soft if layer == 0 else spec.loud
    k = np.arange(1, int(min(130, 0.44 * spec.rate / f0)) + 1)
    stiff = _stiffness(spec, key)
    freqs = k * f0 * np.sqrt((1 + stiff * k**2) / (1 + stiff))
    comb = 0.12 + 0.88 * np.abs(np.sin(np.pi * k * spec.place))
    cut = cutoff * 2 ** ((key - 60) / 12 * 0.45)
    amps = k**-spec.slope * comb / (1 + (freqs / cut) ** 2) * dsp.formants(spec.body)(freqs)
    if spec.wood:
        amps *= dsp.body(name, *spec.wood)(freqs)
    base = spec.decay / spec.octave ** ((key - low) / 12)
    heard = amps > 3e-5 * float(np.max(amps))
    return heard, freqs[heard], amps[heard], (base / (1 + spec.damping * (k - 1) ** 1.25))[heard]


def _knock(spec: String, frames: int, name: str, rate: int) -> Signal:
    low, high, seconds, _ = spec.knock
    noise = dsp.burst_noise(frames, dsp.seeded(name + "/knock"), dsp.band(low, min(high, 0.4 * rate), 2), rate)
    t = np.arange(frames) / rate
    return noise * np.exp(-t / seconds) * (1 - np.exp(-t / 0.0006))


def _note(name: str, spec: String, key: int, low: int, layer: int | None, rate: int) -> Signal:
    heard, freqs, amps, decays = _modes(name, spec, key, low, layer)
    rng = dsp.seeded(f"{name}/{key}")
    seconds = min(spec.longest, 5.5 * decays[0] * (1 + spec.aftersound))
    drawn = rng.uniform(-0.6, 0.6, 130), rng.uniform(0.5, 1.0, 130)
    phases, apart = (values[: len(heard)][heard] for values in drawn)
    course = spec.course * (dsp.hz(key) / 260.0) ** 0.7
    detune = (spec.spread + 0.6 * course) * apart * (0.5 + freqs / 2000.0)
    sets = [(freqs, amps * (1 - spec.aftersound), decays * 0.6, phases),
            (freqs + detune, amps * spec.aftersound, decays * 1.7, phases + 0.3)]
    if spec.course:
        sets.append((freqs - 0.5 * course * (freqs / freqs[0]) ** 0.5, 0.45 * amps, decays * 0.8, phases - 0.4))
    if spec.octave_course:
        sets.append((2.0005 * freqs, spec.octave_course * amps, decays * 0.7, phases + 0.9))
    rows = [np.concatenate(column) for column in zip(*sets, strict=True)]
    tone = dsp.partials(rows[0], rows[1], rows[2], rows[3], seconds, rate)
    peak = float(np.max(np.abs(tone)))
    if spec.drive:
        tone = peak * np.tanh(spec.drive * (0.5 if layer == 0 else 1.0) * tone / peak)
        peak = float(np.max(np.abs(tone)))
    strength = 0.5 * spec.knock[3] * (0.5 if layer == 0 else 1.0) * peak
    tone = tone + strength * _knock(spec, len(tone), f"{name}/{key}", rate)
    return dsp.faded(dsp.steady(tone, rate), 0.001, 0.35 * seconds, rate)


def patch(name: str) -> Patch:
    """The recordings of one stringed instrument; soft layers are dark and kept at a lower rate."""
    spec, preset = STRINGS[name], PRESETS[name]
    recordings = []
    for key in range(preset.low + spec.step // 2, preset.high + 1, spec.step):
        pan = spec.width * (2 * (key - preset.low) / (preset.high - preset.low) - 1)
        for layer in spec.layers:
            rate = min(spec.rate, dsp.SOFT_RATE) if layer == 0 else spec.rate
            recordings.append(Recording(key, _note(name, spec, key, preset.low, layer, rate), rate, None, layer, pan))
    return Patch(tuple(recordings), 0.0, spec.release)
