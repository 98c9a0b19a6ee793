"""Voices of drum machines and consoles: swept and driven sines, gated drums, a chip's noise register.

What is imitated is the circuit, not a recording of it: a bridged-T oscillator that falls under a click (TR-808 and
TR-909 kicks), two oscillators and shaped noise (their snares), a falling triangle and a shift register (consoles).
"""

from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE, Signal
from models.composer.bank.skins import driven, finish, noise, sweep


@dataclass(frozen=True)
class Kick:
    """Hz at the start and in the end, how fast it falls and dies (seconds), level of the click, saturation."""

    start: float
    end: float
    fall: float
    decay: float
    click: float
    drive: float
    seconds: float
    rate: int = DRUM_RATE


def kick(spec: Kick, name: str) -> Signal:
    """A sweep under a click, driven as mixing desks of clubs drive it."""
    t = dsp.times(spec.seconds, spec.rate)
    body = sweep(spec.start, spec.end, spec.fall, spec.decay, spec.seconds, spec.rate)
    body += 0.35 * sweep(3.1 * spec.start, 1.6 * spec.end, 0.25 * spec.fall, 0.02, spec.seconds, spec.rate)
    click = noise(spec.seconds, 1500, 9000, name, 2, spec.rate) * np.exp(-t / 0.002)
    return finish(driven(body, spec.drive) + 0.4 * spec.click * click, 0.35 * spec.seconds, spec.rate)


@dataclass(frozen=True)
class Snap:
    """A machine's snare: two oscillators (Hz, decay in seconds), noise (low Hz, decay) and its level."""

    low: float
    high: float
    decay: float
    noise_low: float
    noise_decay: float
    level: float
    drive: float = 0.0


def snap(spec: Snap, name: str, layer: int = 1, take: int = 0) -> Signal:
    """Body and snappy; the noise of two strokes differs."""
    seconds = 0.12 + 3.2 * spec.noise_decay
    t = dsp.times(seconds, DRUM_RATE)
    body = sweep(1.6 * spec.low, spec.low, 0.008, spec.decay, seconds)
    body += 0.6 * sweep(1.5 * spec.high, spec.high, 0.006, 0.7 * spec.decay, seconds)
    hiss = noise(seconds, spec.noise_low, 18000 if layer else 8000, f"{name}#{take}", 2)
    hiss *= (1 - np.exp(-t / 0.0008)) * np.exp(-t / (spec.noise_decay * (1.0 if layer else 0.7)))
    return finish(driven(0.7 * body + 0.33 * spec.level * hiss, spec.drive), 0.3 * seconds)


def tom(pitch: float, decay: float, grit: float, bend: float, name: str, take: int = 0) -> Signal:
    """A machine's tom: a long fall, two oscillators beside it, a little noise that dies first."""
    seconds = min(1.0, 3.6 * decay)
    t = dsp.times(seconds, 24000)
    out = sweep(pitch * bend, pitch, 0.07, decay, seconds, 24000)
    out += 0.4 * sweep(1.5 * pitch * bend, 1.5 * pitch, 0.06, 0.6 * decay, seconds, 24000)
    hiss = noise(seconds, 300, 6000, f"{name}#{take}", 2, 24000)
    return finish(out + grit * hiss * np.exp(-t / (0.35 * decay)), 0.35 * seconds, 24000)


def rim(name: str, take: int = 0) -> Signal:
    """A ringing two-tone tick."""
    t = dsp.times(0.1, DRUM_RATE)
    tone = np.sin(2 * np.pi * 1680 * t) + 0.8 * np.sin(2 * np.pi * 480 * t)
    edge = noise(0.1, 3000, 14000, f"{name}#{take}") * np.exp(-t / 0.003)
    return finish(tone * np.exp(-t / 0.009) + 0.2 * edge, 0.03)


def cowbell(name: str) -> Signal:
    """Two square waves, 540 and 800 Hz, through a band-pass (TR-808)."""
    odd = np.arange(1, 12, 2)
    freqs = np.concatenate([540.0 * odd, 800.0 * odd])
    amps = np.tile(1.0 / odd, 2) * dsp.band(600, 3500, 1)(freqs)
    t = dsp.times(0.45, DRUM_RATE)
    tone = dsp.partials(freqs, amps, np.full(len(freqs), 9.0), np.zeros(len(freqs)), 0.45, DRUM_RATE)
    return finish(tone * (0.6 * np.exp(-t / 0.012) + 0.4 * np.exp(-t / 0.12)), 0.15)


def conga(pitch: float, decay: float) -> Signal:
    """A pinged resonator: conga, clave or tom of a machine, nothing but a sine."""
    return finish(sweep(1.05 * pitch, pitch, 0.01, decay, 5 * decay), decay)


def chip_noise(decay: float, hold: int, name: str, short: bool = False) -> Signal:
    """The noise channel of a console: a 15-bit shift register read every `hold` frames of 48 kHz, stepped decay.

    `short` closes the loop after 93 steps, which gives the register's metallic tone."""
    seconds = min(7 * decay, 0.2 + 4 * decay)
    count = int(seconds * DRUM_RATE)
    bits, register = np.empty(count // hold + 1), int(dsp.seeded(name).integers(1, 2**15))
    for step in range(len(bits)):
        bits[step] = 1.0 - 2.0 * (register & 1)
        register = (register >> 1) | (((register ^ (register >> (6 if short else 1))) & 1) << 14)
    levels = np.repeat(bits, hold)[:count]
    steps = np.round(15 * np.exp(-np.arange(count) / DRUM_RATE / decay)) / 15
    return finish(levels * steps, 0.01)


def chip_tone(start: float, end: float, fall: float, decay: float) -> Signal:
    """A triangle channel of 32 steps that falls: the kick and toms of a console."""
    seconds = 6 * decay
    t = dsp.times(seconds, DRUM_RATE)
    phase = np.cumsum(end + (start - end) * np.exp(-t / fall)) / DRUM_RATE
    wave = np.abs(((phase + 0.25) % 1.0) * 4 - 2) - 1
    return finish(-np.round(7.5 * wave) / 7.5 * np.round(15 * np.exp(-t / decay)) / 15, 0.02)
