"""Keyboards that hold their tone: pipe organ, an electric organ in its rotating cabinet, accordion.

Ranks and reeds are stacks of voices a few cents apart in exact loops. The cabinet turns once per seventh of a second:
its horn comes and goes (amplitude, brightness, Doppler), baked into the loop as the fast speed (Leslie, 1949).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS


@dataclass(frozen=True)
class Rank:
    """Reeds or pipes of one keyboard: `drawbars` are (harmonic, level); `cents` the detuning of its voices; `wind` the
    noise of the attack and under the tone; `rotor` turns a second; `drive` the saturation of an amplifier."""

    drawbars: tuple[tuple[float, float], ...]
    cents: tuple[float, ...]
    seconds: float
    wind: tuple[float, float, float]
    chiff: float
    release: float
    rotor: float = 0.0
    drive: float = 0.0
    speak: float = 0.05
    stereo: bool = False
    step: int = 9


def _reed(slope: float, count: int, bright: float) -> tuple[tuple[float, float], ...]:
    """Harmonics of a free reed: slowly falling, a hump at `bright`."""
    return tuple((k, k**-slope * (1 + 0.8 * np.exp(-(((k - bright) / 3) ** 2)))) for k in range(1, count + 1))


RANKS: dict[str, Rank] = {
    "organ": Rank(
        ((0.5, 0.35), (1, 1.0), (2, 0.9), (3, 0.35), (4, 0.65), (5, 0.14), (6, 0.28), (8, 0.42), (10, 0.1), (12, 0.16),
         (16, 0.16), (20, 0.05), (24, 0.06)),
        (-2.5, 1.0, 3.0), 1.1, (1500, 7000, 0.008), 0.12, 0.28, speak=0.05, stereo=True, step=12,
    ),
    "rock organ": Rank(
        ((0.5, 0.7), (1, 1.0), (1.5, 0.6), (2, 0.6), (3, 0.45), (4, 0.5), (5, 0.2), (6, 0.35), (8, 0.45)), (0.0,), 0.9,
        (1000, 6000, 0.006), 0.35, 0.05, rotor=6.7, drive=1.8, speak=0.004,
    ),
    "accordion": Rank(
        _reed(0.55, 26, 7), (-9.0, 0.0, 8.0), 1.5, (1800, 8000, 0.012), 0.1, 0.07, speak=0.03,
    ),
}


def _strength(rank: Rank) -> Callable[[Signal], Signal]:
    """Levels by half harmonics, so that a 16' rank is possible: harmonic k of half the pitch."""
    top = int(2 * max(harmonic for harmonic, _ in rank.drawbars)) + 1
    table = np.zeros(top + 1)
    for harmonic, level in rank.drawbars:
        table[int(round(2 * harmonic))] = level

    def strength(k: Signal) -> Signal:
        number = np.minimum(k, top).astype(np.int64)
        return np.asarray(table[number] * (k <= top) * np.where((number * (number - 1) // 2) % 2, -1.0, 1.0))

    return strength


def _turned(loop: Signal, rank: Rank, rate: int, side: float) -> Signal:
    """The loop in front of a horn that turns a whole number of times in it."""
    turns = round(rank.rotor * len(loop) / rate)
    angle = 2 * np.pi * turns * np.arange(len(loop)) / len(loop) + side * np.pi / 2
    away = np.arange(len(loop)) + 0.00028 * rate * np.sin(angle)
    moved = np.interp(away, np.arange(-64, len(loop) + 64), np.concatenate([loop[-64:], loop, loop[:64]]))
    dull = dsp.shaped(moved, dsp.band(0, 2200, 1), rate)
    share = 0.5 + 0.5 * np.cos(angle)
    return (0.72 + 0.28 * np.cos(angle)) * (moved * share + dull * (1 - share))


def _loop(name: str, rank: Rank, key: int, side: float, rate: int) -> Signal:
    frames = dsp.quick_loop(dsp.hz(key - 12), rank.seconds, rate)
    loop = dsp.stack(key - 12, rank.cents, _strength(rank), frames, f"{name}/{key}/{side}", rate)
    loop = dsp.shaped(loop, dsp.band(0, 8000, 2), rate)
    if rank.drive:
        loop = np.tanh(rank.drive * loop / float(np.max(np.abs(loop))))
        loop = dsp.shaped(loop, dsp.band(60, 6500, 2), rate)
    if rank.rotor:
        loop = _turned(loop, rank, rate, side)
    low, high, level = rank.wind
    wind = dsp.shaped_noise(frames, dsp.seeded(f"{name}/{key}/wind{side}"), dsp.band(low, high, 2), rate)
    return loop + level * float(np.std(loop)) * wind


def _recording(name: str, rank: Rank, key: int, pan: float, rate: int) -> Recording:
    full = _loop(name, rank, key, 0.0, rate)
    if pan:
        full = 0.8 * full + 0.45 * _loop(name, rank, key, pan, rate)
    dull = dsp.shaped(full, dsp.band(0, 2.5 * dsp.hz(key), 1), rate)
    pcm, loop = dsp.evolving(((0.0, 0.6 * dull), (rank.speak, full)), 36, rate)
    t = np.arange(len(pcm)) / rate
    puff = dsp.burst_noise(len(pcm), dsp.seeded(f"{name}/{key}/chiff"), dsp.band(900, 7000, 2), rate)
    fade = np.exp(-t / 0.008) * np.clip((loop[0] / rate - t) / max(loop[0] / rate, 1e-3), 0, 1)
    pcm += rank.chiff * float(np.std(full)) * puff * fade
    return Recording(key, dsp.faded(pcm, 0.003, 0, rate), rate, loop, None, pan)


def patch(name: str) -> Patch:
    """The recordings of one keyboard, in one layer: its keys know no velocity."""
    rank, preset = RANKS[name], PRESETS[name]
    rate = dsp.DARK_RATE if rank.drive else dsp.RATE
    recordings = [
        _recording(name, rank, key, pan, rate)
        for key in range(preset.low + rank.step // 2, preset.high + 1, rank.step)
        for pan in ((-1.0, 1.0) if rank.stereo else (0.0,))
    ]
    return Patch(tuple(recordings), 0.004 if rank.speak < 0.01 else 0.012, rank.release)
