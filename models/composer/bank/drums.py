"""Drums and percussion, modelled one by one at 48 kHz: swept membranes, modal shells, metallic clusters, grains.

A membrane is a falling sine with the modes of a circular skin above it; a snare adds wires (noise) to that; cymbals and
hats are a few hundred decaying partials of random frequency, whose density makes them metal instead of hiss; shakers
and claps are bursts of shaped noise. Nothing here knows of kits: `kits` puts sounds on keys.
"""

from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE as RATE
from models.composer.bank.dsp import Signal

_BELL = np.array([1.0, 1.47, 2.09, 2.56, 3.39, 4.08, 5.2])  # modes of a cymbal's bell
SKIN = np.array([1.0, 1.593, 2.136, 2.296, 2.653, 2.918, 3.156, 3.5])  # modes of an ideal circular membrane


def _noise(seconds: float, low: float, high: float, name: str, order: int = 3) -> Signal:
    return dsp.burst_noise(int(round(seconds * RATE)), dsp.seeded(name), dsp.band(low, high, order), RATE)


def _unit(signal: Signal) -> Signal:
    return signal / float(np.max(np.abs(signal)))


def _finish(signal: Signal, fade: float = 0.05) -> Signal:
    """Without DC and rumble, with a soft end, unit peak."""
    return _unit(dsp.faded(dsp.steady(signal, RATE), 0.0004, fade, RATE))


def sweep(start: float, end: float, fall: float, decay: float, seconds: float) -> Signal:
    """A sine that falls from `start` to `end` Hz with time constant `fall` and dies with `decay` (seconds)."""
    t = dsp.times(seconds, RATE)
    frequency = end + (start - end) * np.exp(-t / fall)
    return np.sin(2 * np.pi * np.cumsum(frequency) / RATE) * np.exp(-t / decay)


def boom(start: float, end: float, fall: float, decay: float) -> Signal:
    """The long kick of a drum machine: nothing but a sweep."""
    return _finish(sweep(start, end, fall, decay, 3.2 * decay), decay)


@dataclass(frozen=True)
class Membrane:
    """A drum with a skin: pitch in Hz, how far it bends (ratio), decays, strike noise and shell."""

    pitch: float
    bend: float
    decay: float
    modes: float  # level of the upper modes
    click: float  # level of the beater
    click_band: tuple[float, float] = (1500.0, 6000.0)
    body: float = 0.0  # level of a dull noise in the shell
    seconds: float = 0.8


def membrane(spec: Membrane, name: str) -> Signal:
    """Kick, tom, taiko, conga: one skin struck once."""
    t = dsp.times(spec.seconds, RATE)
    out = sweep(spec.pitch * spec.bend, spec.pitch, 0.028, spec.decay, spec.seconds)
    upper = SKIN[1:] * spec.pitch * (1 + 0.25 * (spec.bend - 1))
    phases = dsp.seeded(name).uniform(-0.5, 0.5, len(upper))
    weights = spec.modes / np.arange(2, len(SKIN) + 1)
    out += dsp.partials(upper, weights, spec.decay * 0.45 / np.sqrt(SKIN[1:]), phases, spec.seconds, RATE)
    out += spec.click * _noise(spec.seconds, *spec.click_band, name + "/click") * np.exp(-t / 0.0035) * 0.5
    out += spec.body * _noise(spec.seconds, 120, 900, name + "/body") * np.exp(-t / 0.045) * 0.5
    return _finish(out, 0.3 * spec.seconds)


@dataclass(frozen=True)
class Snare:
    """Two shell modes and wires: levels, decays in seconds, the wires' band in Hz."""

    pitch: float
    tone: float
    tone_decay: float
    wires: float
    wire_decay: float
    low: float = 1200.0
    high: float = 11000.0
    crack: float = 0.5
    seconds: float = 0.55


def snare(spec: Snare, name: str) -> Signal:
    """A snare drum: the wires speak a moment after the stick and outlast the skin."""
    t = dsp.times(spec.seconds, RATE)
    skin = sweep(spec.pitch * 1.35, spec.pitch, 0.012, spec.tone_decay, spec.seconds)
    skin += 0.55 * sweep(spec.pitch * 1.9, spec.pitch * 1.68, 0.01, spec.tone_decay * 0.7, spec.seconds)
    wires = _noise(spec.seconds, spec.low, spec.high, name + "/wires", 2) + 0.5 * _noise(
        spec.seconds, 350, 1800, name + "/rattle", 2
    )
    slow, fast = np.exp(-t / spec.wire_decay), np.exp(-t / (spec.wire_decay * 0.25))
    wires *= (1 - np.exp(-t / 0.0018)) * (0.65 * slow + 0.35 * fast)
    crack = _noise(spec.seconds, 1800, 7000, name + "/crack") * np.exp(-t / 0.0025)
    return _finish(spec.tone * skin + 0.33 * spec.wires * wires + spec.crack * 0.4 * crack, 0.2)


def metal(low: float, high: float, count: int, decay: float, tilt: float, seconds: float, name: str) -> Signal:
    """A cluster of `count` inharmonic partials between two frequencies; `tilt` makes high ones die sooner."""
    rng = dsp.seeded(name)
    freqs = low * (high / low) ** np.sort(rng.uniform(0, 1, count))
    amps = rng.uniform(0.3, 1.0, count) * (freqs / low) ** 0.15
    decays = decay * rng.uniform(0.5, 1.3, count) * (low / freqs) ** tilt
    return dsp.partials(freqs, amps, decays, rng.uniform(0, 2 * np.pi, count), seconds, RATE)


def hat(decay: float, seconds: float, name: str, pedal: bool = False) -> Signal:
    """A pair of hi-hats: `decay` is short when closed, long when open."""
    t = dsp.times(seconds, RATE)
    out = _unit(metal(3200, 15500, 180, decay, 0.25, seconds, "hat")) * 0.8
    out += 0.45 * _noise(seconds, 6500, 16000, name, 3) * 0.4 * np.exp(-t / (decay * 0.8))
    out += 0.35 * _noise(seconds, 2500, 9000, name + "/stick") * 0.4 * np.exp(-t / 0.004) * (not pedal)
    return _finish(dsp.filtered(out, dsp.band(2600, np.inf, 3), RATE), 0.3 * seconds)


def cymbal(decay: float, seconds: float, low: float, bell: float, swell: float, name: str) -> Signal:
    """Ride, crash, splash, china: a wash that blooms in `swell` seconds after the stick, over a bell of few modes."""
    t = dsp.times(seconds, RATE)
    wash = _unit(metal(low, 15000, 420, decay, 0.45, seconds, name))
    bright = _noise(seconds, 5000, 15000, name + "/wash", 2) * np.exp(-t / (decay * 0.35)) * 0.3
    tines = dsp.partials(
        _BELL * low * 1.7, bell * np.linspace(1.0, 0.3, len(_BELL)), np.full(len(_BELL), decay * 0.7),
        np.zeros(len(_BELL)), seconds, RATE,
    )
    stick = _noise(seconds, 3000, 9000, name + "/stick") * np.exp(-t / 0.004) * 0.3
    return _finish((0.8 * wash + 0.7 * bright) * (1 - 0.75 * np.exp(-t / swell)) + 0.25 * tines + stick, 0.45 * seconds)


def shaker(rise: float, decay: float, low: float, high: float, name: str) -> Signal:
    """Beads thrown forward: noise that swells and falls."""
    seconds = rise + 6 * decay
    t = dsp.times(seconds, RATE)
    shape = np.where(t < rise, (t / rise) ** 2, np.exp(-(t - rise) / decay))
    grains = 0.6 + 0.4 * np.abs(dsp.seeded(name + "/beads").standard_normal(len(t)))
    return _finish(_noise(seconds, low, high, name, 3) * shape * grains, 2 * decay)


def tambourine(name: str) -> Signal:
    """Jingles in three small bounces."""
    seconds = 0.4
    t = dsp.times(seconds, RATE)
    jingle = _unit(metal(5500, 14500, 90, 0.11, 0.1, seconds, name))
    bounces = ((0.0, 1.0), (0.024, 0.5), (0.05, 0.4))
    shape = sum(level * (t >= at) * np.exp(-np.maximum(t - at, 0) / 0.06) for at, level in bounces)
    return _finish(jingle * shape + 0.15 * _noise(seconds, 6000, 15000, name + "/n") * np.exp(-t / 0.03), 0.15)


def clap(name: str) -> Signal:
    """Four hands that are not quite together, and the room behind them."""
    seconds = 0.45
    t = dsp.times(seconds, RATE)
    noise = _noise(seconds, 850, 4200, name, 2)
    hands = sum((t >= at) * np.exp(-np.maximum(t - at, 0) / 0.0045) for at in (0.0, 0.0105, 0.0215))
    tail = (t >= 0.031) * np.exp(-np.maximum(t - 0.031, 0) / 0.075)
    return _finish(noise * (0.9 * hands + tail), 0.2)


def block(pitches: tuple[float, ...], decay: float, click: float, name: str, seconds: float = 0.35) -> Signal:
    """Wood block, clave, rim, cowbell, agogo, triangle: a few fixed modes with an edge."""
    freqs = np.array(pitches)
    amps, count = 1 / np.arange(1, len(freqs) + 1) ** 0.6, len(freqs)
    out = dsp.partials(freqs, amps, np.full(count, decay), np.zeros(count), seconds, RATE)
    t = dsp.times(seconds, RATE)
    return _finish(out + click * _noise(seconds, 1500, 9000, name) * 0.4 * np.exp(-t / 0.003), 0.3 * seconds)


def guiro(strokes: int, seconds: float, name: str) -> Signal:
    """A stick drawn over ridges."""
    t = dsp.times(seconds, RATE)
    ridges = (t * strokes / seconds) % 1.0
    stroke = np.sin(np.pi * t / seconds) ** 0.5
    return _finish(_noise(seconds, 2200, 8000, name, 2) * np.exp(-ridges * 4) * stroke, 0.05)


def brush_sweep(seconds: float, name: str) -> Signal:
    """Wires drawn in a circle over a coated head."""
    t = dsp.times(seconds, RATE)
    return _finish(_noise(seconds, 1300, 9000, name, 2) * np.sin(np.pi * np.minimum(t / seconds, 1)) ** 1.3, 0.1)


def whistle(seconds: float, name: str) -> Signal:
    """A pea whistle: two near tones under a fast flutter."""
    t = dsp.times(seconds, RATE)
    tone = np.sin(2 * np.pi * 2350 * t) + 0.6 * np.sin(2 * np.pi * 2460 * t) + 0.1 * _noise(seconds, 2000, 5000, name)
    return _finish(tone * (0.75 + 0.25 * np.sin(2 * np.pi * 33 * t)) * np.minimum(1, (seconds - t) / 0.05), 0.04)


def lofi(signal: Signal, hold: int, steps: int) -> Signal:
    """Sample-and-hold and coarse steps: how an old sound chip would have said it. Unit peak in and out."""
    held = np.repeat(signal[::hold], hold)[: len(signal)]
    return _finish(np.round(held * steps) / steps, 0.02)


def chip_noise(decay: float, hold: int, name: str) -> Signal:
    """The noise channel: random levels held for `hold` frames, stepped decay."""
    seconds = 7 * decay
    count = int(seconds * RATE)
    levels = np.repeat(dsp.seeded(name).choice([-1.0, 1.0], count // hold + 1), hold)[:count]
    steps = np.round(15 * np.exp(-np.arange(count) / RATE / decay)) / 15
    return _finish(levels * steps, 0.01)


def chip_tone(start: float, end: float, fall: float, decay: float) -> Signal:
    """A triangle channel that falls: the kick and toms of a console."""
    seconds = 6 * decay
    t = dsp.times(seconds, RATE)
    phase = 2 * np.pi * np.cumsum(end + (start - end) * np.exp(-t / fall)) / RATE
    wave = sum(np.sin(k * phase) * (-1) ** ((k - 1) // 2) / k**2 for k in (1, 3, 5, 7))
    return _finish(wave * np.round(15 * np.exp(-t / decay)) / 15, 0.02)
