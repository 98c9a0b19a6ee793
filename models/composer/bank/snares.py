"""Snare drums, claps and snaps: skin and shell modes, wires that outlast them, hands that are not quite together.

A snare's two heads are coupled, so that its lowest modes come in pairs (near 180 and 330 Hz; Rossing, Bork, Zhao and
Fystrom, 1992); the wires rattle against the lower head from the first millisecond, brighter and longer the harder the
stroke, and are most of what a ghost note lets hear.
"""

from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE, Signal
from models.composer.bank.skins import driven, finish, in_room, noise, sweep, unit

_SHELL = ((1.0, 1.0, 1.0), (1.74, 0.7, 0.75), (2.55, 0.35, 0.5), (3.02, 0.28, 0.45), (4.1, 0.2, 0.3), (5.6, 0.12, 0.25))
"""Modes of skin and shell: ratio to the lowest, level, share of its decay."""


@dataclass(frozen=True)
class Snare:
    """Levels of skin, wires and stick, decays in seconds, the wires' band in Hz, the room behind (seconds, level)."""

    pitch: float
    tone: float
    tone_decay: float
    wires: float
    wire_decay: float
    low: float = 1400.0
    high: float = 14000.0
    crack: float = 0.5
    seconds: float = 0.45
    room: tuple[float, float] = (0.0, 0.0)
    gate: float = 0.0
    drive: float = 0.0
    bend: float = 1.3


def snare(spec: Snare, name: str, layer: int = 1, take: int = 0) -> Signal:
    """One stroke; a soft one (`layer` 0) has a duller, shorter skin and mostly wires."""
    rng, t = dsp.seeded(f"{name}#{take}"), dsp.times(spec.seconds, DRUM_RATE)
    pitch = spec.pitch * (1 + 0.008 * rng.uniform(-1, 1) * (take > 0))
    hard = 1.0 if layer else 0.45
    skin = np.zeros(len(t))
    for ratio, level, share in _SHELL:
        struck = level * rng.uniform(0.7, 1.3) * (1.0 if layer or ratio < 2 else 0.4)
        skin += struck * sweep(pitch * ratio * spec.bend, pitch * ratio, 0.011, spec.tone_decay * share, spec.seconds)
    high = spec.high if layer else 0.36 * spec.high
    wires = noise(spec.seconds, spec.low, high, f"{name}/wires#{take}", 2)
    wires += 0.45 * noise(spec.seconds, 350, 1800, f"{name}/rattle#{take}", 2)
    decay = spec.wire_decay * (1.0 if layer else 0.75)
    wires *= (1 - np.exp(-t / 0.0016)) * (0.6 * np.exp(-t / decay) + 0.4 * np.exp(-t / (0.25 * decay)))
    crack = noise(spec.seconds, 1800, 9000 * hard, f"{name}/crack#{take}") * np.exp(-t / 0.0024)
    out = spec.tone * 0.8 * hard**0.5 * skin + 0.36 * hard**0.2 * spec.wires * wires + 0.4 * hard * spec.crack * crack
    if spec.room[0]:
        out = in_room(out, f"{name}/{take}", *spec.room, gate=spec.gate)
    return finish(driven(out, spec.drive * hard), 0.15)


def clap(name: str, take: int = 0, low: float = 850, high: float = 5200, tail: float = 0.075) -> Signal:
    """Hands that are not quite together, and the room behind them; a drum machine's has `tail` for a room."""
    seconds = 0.45
    t, rng = dsp.times(seconds, DRUM_RATE), dsp.seeded(f"{name}/hands#{take}")
    body = noise(seconds, low, high, f"{name}#{take}", 2) + 0.25 * noise(seconds, 3000, 15000, f"{name}/air#{take}", 1)
    starts = np.array([0.0, 0.0105, 0.0215]) + np.array([0, 1, 1]) * rng.uniform(-0.0015, 0.0015, 3)
    hands = sum((t >= at) * np.exp(-np.maximum(t - at, 0) / 0.0042) for at in starts)
    room = (t >= 0.031) * np.exp(-np.maximum(t - 0.031, 0) / tail)
    return finish(body * (0.9 * hands + room), 0.2)


def people(name: str, take: int = 0) -> Signal:
    """A group that claps by hand: eight pairs of hands within thirty milliseconds, each with its own hollow."""
    seconds = 0.4
    t, rng = dsp.times(seconds, DRUM_RATE), dsp.seeded(f"{name}/people#{take}")
    out = np.zeros(len(t))
    for hand in range(8):
        at, hollow = abs(rng.normal(0, 0.009)), rng.uniform(900, 2300)
        own = noise(seconds, hollow * 0.75, hollow * 1.6, f"{name}/{hand}#{take}", 2)
        own += 0.3 * noise(seconds, 3000, 14000, f"{name}/{hand}/air#{take}", 1)
        out += own * (t >= at) * np.exp(-np.maximum(t - at, 0) / rng.uniform(0.006, 0.013))
    return finish(in_room(out, f"{name}/{take}", 0.3, 0.25), 0.15)


def snap(name: str, take: int = 0) -> Signal:
    """Fingers: one short hollow near 2 kHz."""
    t = dsp.times(0.18, DRUM_RATE)
    tone = unit(noise(0.18, 1700, 2600, f"{name}#{take}", 4) * np.exp(-t / 0.012))
    return finish(tone + 0.2 * noise(0.18, 3000, 12000, f"{name}/tip#{take}") * np.exp(-t / 0.003), 0.06)


def stick(pitches: tuple[float, ...], decay: float, click: float, name: str, take: int = 0) -> Signal:
    """A side stick: the rim's few modes and the tip."""
    rng, t = dsp.seeded(f"{name}#{take}"), dsp.times(0.2, DRUM_RATE)
    freqs = np.array(pitches) * (1 + 0.008 * rng.uniform(-1, 1, len(pitches)) * (take > 0))
    amps = rng.uniform(0.8, 1.2, len(pitches)) / np.arange(1, len(pitches) + 1) ** 0.5
    tone = dsp.partials(freqs, amps, np.full(len(freqs), decay), np.zeros(len(freqs)), 0.2, DRUM_RATE)
    return finish(unit(tone) + 0.4 * click * noise(0.2, 1500, 12000, f"{name}/tip#{take}") * np.exp(-t / 0.0025), 0.06)
