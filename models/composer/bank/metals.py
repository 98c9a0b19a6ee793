"""Hats, cymbals, gongs, jingles: dense clusters of inharmonic partials under noise whose bands bloom and die apart.

A struck cymbal vibrates chaotically: energy climbs from the modes under the stick to above 10 kHz within some tens of
milliseconds, and then the top dies first (Fletcher and Rossing, 1998, section 20; Touze and Chaigne, 2000). Here every
band of a noise has its own rise and decay, and a few hundred partials keep it metal and not hiss. A tam-tam is the
same, slower: its shimmer arrives when the stroke is long over.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE, Signal
from models.composer.bank.skins import finish, noise, unit

_BELL = np.array([1.0, 1.47, 2.09, 2.56, 3.39, 4.08, 5.2])  # modes of a cymbal's bell
_EDGES = (300.0, 700.0, 1500.0, 3000.0, 5000.0, 7500.0, 10500.0, 14000.0, 19000.0)
_SQUARES = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)  # Hz, the six oscillators of the TR-808's hats and cymbal


def cluster(low: float, high: float, count: int, decay: float, tilt: float, seconds: float, name: str) -> Signal:
    """`count` inharmonic partials between two frequencies, unit peak; `tilt` makes high ones die sooner."""
    rng = dsp.seeded(name)
    freqs = low * (high / low) ** np.sort(rng.uniform(0, 1, count))
    amps = rng.uniform(0.3, 1.0, count) * (freqs / low) ** 0.15
    decays = decay * rng.uniform(0.5, 1.3, count) * (low / freqs) ** tilt
    return unit(dsp.partials(freqs, amps, decays, rng.uniform(0, 2 * np.pi, count), seconds, DRUM_RATE))


def wash(levels: tuple[float, ...], decay: float, tilt: float, bloom: float, seconds: float, name: str) -> Signal:
    """Noise in eight bands from 300 Hz to 19 kHz with `levels` (0 leaves one out), unit peak: `decay` seconds in the
    lowest, less above by `tilt`; every band rises later than the one below, the highest after `bloom` seconds."""
    frames = int(round(seconds * DRUM_RATE))
    size = next_fast_len(frames, real=True)
    spectrum = np.fft.rfft(dsp.seeded(name).standard_normal(size))
    freqs, t = np.fft.rfftfreq(size, 1 / DRUM_RATE), dsp.times(seconds, DRUM_RATE)
    out = np.zeros(frames)
    for band, level in enumerate(levels):
        if level:
            low, high = _EDGES[band], _EDGES[band + 1]
            part = np.fft.irfft(spectrum * dsp.band(low, high, 4)(np.asarray(freqs, np.float64)), size)[:frames]
            rise = 1 - np.exp(-t / (0.0004 + bloom * (band / 7) ** 1.5))
            out += level * part * rise * np.exp(-t / (decay * (_EDGES[0] / low) ** tilt)) / np.sqrt(high - low)
    return unit(out)


@dataclass(frozen=True)
class Hat:
    """A pair of hats: decay in seconds, lowest partial in Hz, level of the stick, of the air above the partials."""

    decay: float
    seconds: float
    low: float = 3000.0
    stick: float = 0.35
    air: float = 0.5


def hat(spec: Hat, name: str, layer: int = 1, take: int = 0) -> Signal:
    """Closed with a short decay, open with a long one; a soft tap (`layer` 0) is duller and shorter."""
    t, decay = dsp.times(spec.seconds, DRUM_RATE), spec.decay * (1.0 if layer else 0.8)
    metal = cluster(spec.low, 19500, 260, decay * 1.25, 0.2, spec.seconds, f"{spec.low}/hat#{take}")
    levels = (0.0, 0.03, 0.12, 0.35, 0.7, 1.0, 1.1, 1.0) if layer else (0.0, 0.02, 0.1, 0.5, 0.8, 0.7, 0.5, 0.3)
    air = wash(levels, decay * 2.4, 0.35, 0.002, spec.seconds, f"{name}/air#{take}")
    stick = noise(spec.seconds, 2500, 10000, f"{name}/stick#{take}") * np.exp(-t / 0.0025)
    out = 0.8 * metal + spec.air * air + spec.stick * (0.4 if layer else 0.2) * stick
    top = np.inf if layer else 9000.0
    return finish(dsp.filtered(out, dsp.band(spec.low * 0.8, top, 2), DRUM_RATE), 0.3 * spec.seconds)


@dataclass(frozen=True)
class Cymbal:
    """Decay in seconds of its low bands, lowest partial in Hz, level of the bell's few modes, seconds until the top
    has bloomed, how much sooner the top dies, level of the stick."""

    decay: float
    seconds: float
    low: float
    bell: float = 0.1
    bloom: float = 0.012
    tilt: float = 0.42
    stick: float = 0.3
    levels: tuple[float, ...] = (0.5, 0.7, 0.9, 1.0, 1.0, 0.9, 0.8, 0.6)


def cymbal(spec: Cymbal, name: str, layer: int = 1, take: int = 0) -> Signal:
    """Ride, crash, splash, china, clash: wash and partials over the bell."""
    t = dsp.times(spec.seconds, DRUM_RATE)
    lines = cluster(spec.low, 12000, 240, spec.decay * 1.2, 0.4, spec.seconds, f"{name}#{take}")
    levels = spec.levels if layer else tuple(level * 0.75**band for band, level in enumerate(spec.levels))
    air = wash(levels, spec.decay, spec.tilt, spec.bloom, spec.seconds, f"{name}/wash#{take}")
    tines = dsp.partials(
        _BELL * spec.low * 1.7, spec.bell * np.linspace(1.0, 0.3, len(_BELL)), np.full(len(_BELL), spec.decay * 0.7),
        np.zeros(len(_BELL)), spec.seconds, DRUM_RATE,
    )
    tip = noise(spec.seconds, 2500, 11000, f"{name}/stick#{take}") * np.exp(-t / 0.003)
    grown = 1 - 0.7 * np.exp(-t / max(spec.bloom, 1e-3))
    out = 0.55 * lines * grown + 0.75 * air + 0.3 * tines + spec.stick * (0.35 if layer else 0.15) * tip
    return finish(out, 0.45 * spec.seconds)


def swell(seconds: float, peak: float, low: float, name: str) -> Signal:
    """A cymbal rolled with soft mallets to its loudest at `peak` seconds, brighter as it grows, then let ring."""
    t = dsp.times(seconds, DRUM_RATE)
    grow = np.where(t < peak, (t / peak) ** 2.2, np.exp(-(t - peak) / 0.55))
    levels = (0.7, 0.9, 1.0, 0.8, 0.6, 0.35, 0.2, 0.1)
    dark = wash(levels, 9.0, 0.05, 0.001, seconds, name + "/dark")
    bright = wash((0.1, 0.2, 0.5, 0.9, 1.0, 1.0, 0.9, 0.7), 9.0, 0.05, 0.001, seconds, name + "/bright")
    roll = 1 - 0.25 * np.abs(np.sin(np.pi * 13.0 * t)) * (t < peak)
    return finish((dark * grow**0.7 + 1.2 * bright * grow**1.8) * roll, 0.3 * seconds)


def tam_tam(name: str, seconds: float) -> Signal:
    """A big gong: a low hum at once, the roar and shimmer a quarter of a second later."""
    rng = dsp.seeded(name)
    freqs = 62.0 * np.array([1.0, 1.52, 2.11, 2.63, 3.3, 4.07, 5.2, 6.4])
    amps = rng.uniform(0.5, 1.0, 8) / np.arange(1, 9) ** 0.35
    hum = dsp.partials(freqs, amps, np.linspace(2.0, 0.9, 8), rng.uniform(0, 6, 8), seconds, DRUM_RATE)
    t = dsp.times(seconds, DRUM_RATE)
    lines = cluster(210, 6500, 260, 2.2, 0.25, seconds, name + "/lines") * (1 - 0.9 * np.exp(-t / 0.12))
    roar = wash((1.0, 1.0, 0.9, 0.7, 0.5, 0.35, 0.2, 0.1), 1.7, 0.25, 0.4, seconds, name + "/roar")
    mallet = noise(seconds, 60, 600, name + "/mallet") * np.exp(-t / 0.03)
    return finish(0.5 * unit(hum) + 0.7 * lines + 0.6 * roar + 0.12 * mallet, 0.4 * seconds)


def squares(decay: float, seconds: float, low: float, name: str, take: int = 0) -> Signal:
    """The metal of a TR-808: six square waves through a high-pass at `low` Hz; crisp, without a stick."""
    t, rng = dsp.times(seconds, DRUM_RATE), dsp.seeded(f"{name}/phases#{take}")
    numbers = [np.arange(1, int(21000 / f) + 1, 2) for f in _SQUARES]
    freqs = np.concatenate([f * k for f, k in zip(_SQUARES, numbers, strict=True)])
    amps = np.concatenate([1 / k for k in numbers])
    kept = freqs > 0.35 * low
    freqs, amps = freqs[kept], amps[kept]
    phases = rng.uniform(0, 2 * np.pi, len(freqs))
    tone = dsp.partials(freqs, amps, np.full(len(freqs), 99.0), phases, seconds, DRUM_RATE)
    tone = unit(dsp.filtered(tone, dsp.band(low, np.inf, 3), DRUM_RATE))
    tone += 0.18 * noise(seconds, 9000, 20000, f"{name}/air#{take}", 2)
    shape = (1 - np.exp(-t / 0.0003)) * (0.75 * np.exp(-t / decay) + 0.25 * np.exp(-t / (0.2 * decay)))
    return finish(tone * shape, 0.25 * seconds)


def jingles(name: str, take: int = 0, seconds: float = 0.4, skin: float = 0.0) -> Signal:
    """A tambourine: pairs of jingles in a few small bounces, with a hand on a skin where it has one."""
    t, rng = dsp.times(seconds, DRUM_RATE), dsp.seeded(f"{name}/bounces#{take}")
    metal = cluster(4800, 18500, 130, 0.1, 0.1, seconds, f"{name}#{take}")
    places = np.cumsum([0.0, *rng.uniform(0.018, 0.03, 3)])
    shape = sum(level * (t >= at) * np.exp(-np.maximum(t - at, 0) / 0.05)
                for at, level in zip(places, (1.0, 0.5, 0.4, 0.25), strict=True))
    out = metal * shape + 0.2 * noise(seconds, 6000, 18000, f"{name}/air#{take}", 2) * np.exp(-t / 0.025)
    thump = np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.03) + 0.4 * noise(seconds, 300, 2500, name) * np.exp(-t / 0.01)
    return finish(out + skin * thump, 0.15)
