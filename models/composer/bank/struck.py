"""Everything that is struck or plucked and then left alone: keyboards, guitars, harp, basses, mallets, timpani.

Each note is a sum of decaying modes. Strings have stiff (stretched) partials, a comb from where they are played and two
polarisations that beat and decay at different speeds; bars, tines and kettles have the ratios of their own physics
(Fletcher and Rossing, 1998). A short noise stands for hammer, finger or mallet.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS


@dataclass(frozen=True)
class String:
    """A plucked or hammered string.

    `place` is where it is played (share of its length), `decay` the time constant in seconds of the fundamental at
    `low` and what every octave above divides it by, `damping` how much faster upper partials die, `soft` and `loud`
    the cut of the excitation in Hz at the middle of the range, `body` the resonances, `knock` the noise of the attack
    (low Hz, high Hz, seconds, level), `spread` the beating between polarisations in Hz."""

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
    longest: float = 3.0
    step: int = 6
    rate: int = dsp.RATE
    release: float = 0.15
    width: float = 0.0  # how far low and high keys sit apart
    layers: tuple[int, ...] = (0, 1)
    aftersound: float = 0.3


STRINGS: dict[str, String] = {
    "piano": String(
        0.118, 4.2, 1.75, 0.05, 1500, 5200, 1.2e-4, ((110, 2, 0.5), (250, 2, 0.5), (2200, 2, 0.6)),
        (80, 1100, 0.022, 0.22), 0.35, 0.75, 4.2, 7, release=0.16, width=0.5, aftersound=0.28,
    ),
    "harp": String(
        0.36, 2.2, 1.6, 0.10, 1300, 3200, 2e-5, ((180, 3, 0.5), (380, 2, 0.4)), (120, 900, 0.012, 0.12), 0.2, 1.15, 2.6,
        7, release=0.9, width=0.4, layers=(0, 1),
    ),
    "acoustic guitar": String(
        0.17, 1.7, 1.45, 0.08, 2400, 6000, 4e-5, ((105, 5, 0.2), (205, 4, 0.25), (400, 2, 0.4), (3200, 3, 0.5)),
        (180, 3500, 0.010, 0.22), 0.45, 0.85, 2.6, 6, release=0.12,
    ),
    "electric guitar": String(
        0.22, 2.3, 1.4, 0.07, 1500, 3800, 4e-5, ((750, 2, 0.7), (2300, 5, 0.5)), (500, 3500, 0.007, 0.12), 0.3, 0.8,
        2.8, 6, release=0.12,
    ),
    "bass": String(
        0.2, 2.0, 1.5, 0.10, 500, 1500, 5e-5, ((70, 2, 0.5), (750, 4, 0.5)), (200, 2200, 0.010, 0.12), 0.15, 0.8, 2.4,
        6, 22050, 0.08, layers=(0, 1),
    ),
    "upright bass": String(
        0.32, 1.1, 1.4, 0.17, 450, 1100, 5e-5, ((65, 3, 0.3), (115, 4, 0.3), (260, 2, 0.4)), (90, 1400, 0.016, 0.3),
        0.4, 0.85, 2.0, 6, 22050, 0.10, layers=(0, 1),
    ),
    "pluck": String(
        0.5, 0.38, 1.12, 0.30, 2200, 6500, 0.0, ((1500, 3, 0.8),), (2000, 7000, 0.004, 0.05), 0.9, 0.55, 1.1, 8,
        release=0.25, layers=(0, 1),
    ),
}


_KIN: dict[str, str] = {
    "pizzicato strings": "harp", "lute": "acoustic guitar", "dulcimer": "piano", "clavinet": "electric guitar",
    "harpsichord": "acoustic guitar", "steel guitar": "acoustic guitar", "muted guitar": "pluck",
    "picked bass": "bass", "slap bass": "bass",
}
STRINGS.update({name: replace(STRINGS[kin]) for name, kin in _KIN.items()})


def _string_modes(spec: String, key: int, low: int, cutoff: float) -> tuple[Signal, Signal, Signal]:
    """Frequencies in Hz, amplitudes and time constants in seconds of the partials of one string."""
    f0 = dsp.hz(key)
    k = np.arange(1, int(min(130, 0.44 * spec.rate / f0)) + 1)
    stiff = spec.stiffness * 2 ** ((key - 48) / 12 * 1.1)
    freqs = k * f0 * np.sqrt((1 + stiff * k**2) / (1 + stiff))
    comb = 0.12 + 0.88 * np.abs(np.sin(np.pi * k * spec.place))
    cut = cutoff * 2 ** ((key - 60) / 12 * 0.45)
    amps = k**-spec.slope * comb / (1 + (freqs / cut) ** 2) * dsp.formants(spec.body)(freqs)
    base = spec.decay / spec.octave ** ((key - low) / 12)
    return freqs, amps, base / (1 + spec.damping * (k - 1) ** 1.25)


def _knock(spec: String, frames: int, name: str) -> Signal:
    low, high, seconds, _ = spec.knock
    noise = dsp.burst_noise(frames, dsp.seeded(name + "/knock"), dsp.band(low, high, 2), spec.rate)
    t = np.arange(frames) / spec.rate
    return noise * np.exp(-t / seconds) * (1 - np.exp(-t / 0.0008))


def _string_note(name: str, spec: String, key: int, low: int, layer: int) -> Signal:
    freqs, amps, decays = _string_modes(spec, key, low, spec.loud if layer else spec.soft)
    rng = dsp.seeded(f"{name}/{key}")
    seconds = min(spec.longest, 5.5 * decays[0] * (1 + spec.aftersound))
    phases = rng.uniform(-0.6, 0.6, len(freqs))
    detune = spec.spread * rng.uniform(0.5, 1.0, len(freqs)) * (0.5 + freqs / 2000.0)
    prompt = dsp.partials(freqs, amps * (1 - spec.aftersound), decays * 0.6, phases, seconds, spec.rate)
    after = dsp.partials(freqs + detune, amps * spec.aftersound, decays * 1.7, phases + 0.3, seconds, spec.rate)
    tone = prompt + after
    peak = float(np.max(np.abs(tone)))
    loudness = 1.0 if layer else 0.55
    tone = tone + spec.knock[3] * loudness * peak * 0.5 * _knock(spec, len(tone), f"{name}/{key}")
    return dsp.faded(dsp.steady(tone, spec.rate), 0.0012, 0.35 * seconds, spec.rate)


def string(name: str) -> Patch:
    """The recordings of one stringed instrument."""
    spec, preset = STRINGS[name], PRESETS[name]
    recordings = []
    for key in range(preset.low + spec.step // 2, preset.high + 1, spec.step):
        pan = spec.width * (2 * (key - preset.low) / (preset.high - preset.low) - 1)
        for layer in spec.layers:
            pcm = _string_note(name, spec, key, preset.low, layer)
            recordings.append(Recording(key, pcm, spec.rate, None, layer, pan))
    return Patch(tuple(recordings), 0.0, spec.release)


@dataclass(frozen=True)
class Bar:
    """A struck bar, tine or kettle: modes as (ratio, amplitude, decay share), decay in seconds at key 60."""

    modes: tuple[tuple[float, float, float], ...]
    decay: float
    octave: float
    knock: tuple[float, float, float, float]
    soft: float  # how much of the upper modes the soft layer keeps
    tremolo: tuple[float, float] = (0.0, 0.0)  # Hz, depth
    longest: float = 3.0
    step: int = 7
    release: float = 0.3
    width: float = 0.3


BARS: dict[str, Bar] = {
    "electric piano": Bar(
        ((1, 1, 1), (2, 0.3, 0.75), (3, 0.2, 0.55), (4, 0.08, 0.45), (5, 0.05, 0.35), (6, 0.04, 0.3), (8, 0.025, 0.25),
         (10, 0.015, 0.2), (7.1, 0.14, 0.09), (14.3, 0.07, 0.05)),
        1.5, 1.5, (300, 2500, 0.006, 0.10), 0.3, (0.0, 0.0), 3.0, 7, 0.14, 0.3,
    ),
    "bell": Bar(
        ((1, 1, 1), (2.756, 0.42, 0.6), (5.404, 0.24, 0.3), (8.933, 0.12, 0.16), (2.0, 0.06, 0.9)),
        1.9, 1.5, (3000, 9000, 0.003, 0.12), 0.45, (0.0, 0.0), 2.8, 8, 1.2, 0.3,
    ),
    "marimba": Bar(
        ((1, 1, 1), (3.93, 0.32, 0.3), (9.2, 0.10, 0.12), (2.0, 0.02, 0.8)),
        0.34, 1.55, (250, 2200, 0.006, 0.22), 0.4, (0.0, 0.0), 1.4, 7, 0.25, 0.5,
    ),
    "vibraphone": Bar(
        ((1, 1, 1), (4.0, 0.26, 0.45), (9.6, 0.06, 0.15)),
        2.0, 1.35, (600, 3000, 0.004, 0.08), 0.4, (5.2, 0.22), 3.2, 7, 0.5, 0.4,
    ),
    "timpani": Bar(
        ((1, 1, 1), (1.504, 0.75, 0.85), (1.99, 0.45, 0.7), (2.44, 0.32, 0.6), (2.89, 0.2, 0.5), (0.81, 0.35, 0.10),
         (1.74, 0.2, 0.22), (3.4, 0.1, 0.35), (4.1, 0.06, 0.25)),
        0.55, 1.25, (60, 700, 0.03, 0.5), 0.45, (0.0, 0.0), 2.6, 5, 1.5, 0.0,
    ),
}


_BAR_KIN: dict[str, str] = {
    "celesta": "bell", "music box": "bell", "glockenspiel": "bell", "tubular bells": "bell", "kalimba": "marimba",
    "xylophone": "marimba",
}
BARS.update({name: replace(BARS[kin]) for name, kin in _BAR_KIN.items()})


def _bar_modes(spec: Bar, key: int, layer: int) -> tuple[Signal, Signal, Signal]:
    table: NDArray[np.float64] = np.array(spec.modes)
    ratio, amps, share = table[:, 0], table[:, 1].copy(), table[:, 2]
    if not layer:
        amps[1:] *= spec.soft
    amps = amps / (1 + (ratio * dsp.hz(key) / 9000.0) ** 2)
    return ratio * dsp.hz(key), amps, spec.decay / spec.octave ** ((key - 60) / 12) * share


def _bar_note(name: str, spec: Bar, key: int, layer: int) -> Signal:
    freqs, amps, decays = _bar_modes(spec, key, layer)
    rng = dsp.seeded(f"{name}/{key}")
    seconds = float(min(spec.longest, 5.0 * decays[0]))
    phases = rng.uniform(-0.5, 0.5, len(freqs))
    tone = dsp.partials(freqs, amps, decays, phases, seconds)
    tone += 0.12 * dsp.partials(freqs * 1.0012, amps, decays * 1.1, phases + 1.0, seconds)
    rate, depth = spec.tremolo
    t = dsp.times(seconds)[: len(tone)]
    tone *= 1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * rate * t))
    low, high, fade, level = spec.knock
    noise = dsp.burst_noise(len(tone), dsp.seeded(f"{name}/{key}/knock"), dsp.band(low, high, 2))
    tone += level * (1.0 if layer else 0.5) * float(np.max(np.abs(tone))) * 0.5 * noise * np.exp(-t / fade)
    return dsp.faded(dsp.steady(tone), 0.001, 0.3 * seconds)


def bar(name: str) -> Patch:
    """The recordings of one mallet instrument, electric piano or kettle drum."""
    spec, preset = BARS[name], PRESETS[name]
    recordings = []
    for key in range(preset.low + spec.step // 2, preset.high + 1, spec.step):
        pan = spec.width * (2 * (key - preset.low) / (preset.high - preset.low) - 1)
        recordings += [Recording(key, _bar_note(name, spec, key, layer), pan=pan, layer=layer) for layer in (0, 1)]
    return Patch(tuple(recordings), 0.0, spec.release)
