"""Synthesizers: stacks of detuned saws behind filters that open, close and drift; basses; pads.

A voice is a saw of whole periods in one loop (`dsp.stack`), a filter a curve over its harmonics. An envelope fades
between the same saws behind different filters, and slow movement repeats with the loop, so nothing clicks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Held, Patch, Recording, Signal, Vibrato
from models.composer.bank.presets import PRESETS

_SUPERSAW = (-19.0, -11.0, -3.5, 0.0, 3.5, 11.0, 19.0)  # cents; seven saws, unevenly spaced (JP-8000)


@dataclass(frozen=True)
class Synth:
    """`cents` of the saws; the filter's cut in Hz at the attack, at its peak after `rise` seconds, and when it has
    settled after `fall` more, for the loud layer (soft notes open it `soft` as far); `track` how much of it follows the
    key (1: all), `resonance` dB at the cut, `drift` how far the cut moves by itself, `wave` the slope of harmonics."""

    cents: tuple[float, ...]
    cuts: tuple[float, float, float]
    rise: float
    fall: float
    seconds: float
    attack: float
    release: float
    soft: float = 0.45
    track: float = 0.35
    resonance: float = 2.0
    drift: float = 0.0
    slope: float = 1.0
    layers: tuple[int | None, ...] = (None,)
    stereo: bool = False
    step: int = 8
    rate: int = dsp.RATE
    air: tuple[float, float, float] = (3000.0, 11000.0, 0.004)
    below: float = 0.0  # level of a sine an octave down, for drones and basses
    drive: float = 0.0
    glass: tuple[tuple[int, float], ...] = ()  # harmonics and levels, instead of a saw


SYNTHS: dict[str, Synth] = {
    "synth lead": Synth(
        (-6.0, 0.0, 6.0), (9500, 7000, 5200), 0.03, 0.12, 1.0, 0.004, 0.12, 0.45, 0.3, 3.0, layers=(0, 1), drift=0.08,
        rate=24000,
    ),
    "supersaw": Synth(
        _SUPERSAW, (11000, 10000, 8500), 0.02, 0.15, 1.1, 0.006, 0.22, stereo=True, step=9,
        air=(5000, 12000, 0.02),
    ),
    "synth pad": Synth(
        (-9.0, -3.0, 4.0, 10.0), (500, 2600, 2100), 0.35, 0.3, 1.6, 0.25, 0.9, drift=0.45, resonance=3.0, stereo=True,
        step=10, rate=24000, slope=0.95,
    ),
    "glass pad": Synth(
        (-5.0, 0.0, 6.0), (3000, 9000, 7000), 0.3, 0.3, 1.4, 0.18, 1.2, drift=0.35, stereo=True, step=10, resonance=0.0,
        air=(5000, 13000, 0.06),
        glass=((1, 1.0), (2, 0.25), (3, 0.5), (5, 0.12), (6, 0.25), (8, 0.16), (11, 0.1), (13, 0.06), (16, 0.06)),
    ),
    "dark drone": Synth(
        (-8.0, -2.0, 3.0, 9.0), (220, 520, 430), 0.5, 0.4, 2.0, 0.5, 1.6, drift=0.55, resonance=5.0, stereo=True,
        step=10, rate=16000, below=0.6, air=(150, 1200, 0.10), track=0.2,
    ),
    "synth brass": Synth(
        (-5.0, 5.0), (900, 8500, 4800), 0.045, 0.28, 1.0, 0.004, 0.16, 0.4, 0.35, 2.0, layers=(0, 1), drift=0.05,
        rate=24000,
    ),
    "reese bass": Synth(
        (-14.0, 0.0, 13.0), (900, 1500, 800), 0.03, 0.2, 2.6, 0.004, 0.07, track=0.2, drift=0.5, resonance=3.0, step=8,
        rate=16000, drive=1.6, air=(300, 3000, 0.01),
    ),
}


def _filter(synth: Synth, key: int, cut: float, wave: float) -> Callable[[Signal], Signal]:
    """The amplitudes of a saw's harmonics behind a 24 dB low-pass with a resonance at `cut` Hz."""
    f0 = dsp.hz(key)
    cut = max(cut * 2 ** (synth.track * (key - 60) / 12), 1.3 * f0)
    levels = dict(synth.glass)

    def strength(k: Signal) -> Signal:
        x = k * f0 / cut
        peak = 10 ** (synth.resonance / 20 * np.exp(-0.5 * (np.log2(x) / 0.25) ** 2))
        base = np.array([levels.get(int(number), 0.0) for number in k]) if levels else k**-wave
        return np.asarray(base * peak / np.sqrt(1 + x**8))

    return strength


def _voice(name: str, synth: Synth, key: int, layer: int | None, side: str) -> Signal:
    """Attack and loop of one side: filters fade from one cut to the next, the last one drifts."""
    opening = synth.soft if layer == 0 else 1.0
    frames = dsp.quick_loop(dsp.hz(key), synth.seconds, synth.rate)
    seed = f"{name}/{key}/{side}"

    def behind(cut: float) -> Signal:
        strength = _filter(synth, key, cut * opening, synth.slope)
        return dsp.stack(key, synth.cents, strength, frames, seed, synth.rate)

    first, peak, rest = (behind(cut) for cut in synth.cuts)
    if synth.drift:
        rest = dsp.moving(rest, behind(synth.cuts[2] * (1 + synth.drift) ** (1 if side == "left" else -1)))
    low, high, level = synth.air
    air = dsp.shaped_noise(frames, dsp.seeded(seed + "/air"), dsp.band(low, high, 2), synth.rate)
    rest = rest + level * float(np.std(rest)) * air
    if synth.below:
        t = np.arange(frames) * (2 * np.pi * round(dsp.hz(key) * frames / synth.rate / 2) / frames)
        sine = synth.below * float(np.max(np.abs(rest))) * np.sin(t)
        first, peak, rest = first + sine, peak + sine, rest + sine
    loops = tuple(_driven(loop, synth) for loop in (first, peak, rest))
    return dsp.evolving(
        ((0.0, loops[0]), (synth.rise, loops[1]), (synth.rise + synth.fall, loops[2])), 36, synth.rate
    )[0]


def _driven(loop: Signal, synth: Synth) -> Signal:
    if not synth.drive:
        return loop
    return dsp.shaped(np.tanh(synth.drive * loop / float(np.std(loop)) / 2), dsp.band(20, 5000, 2), synth.rate)


def synth(name: str) -> Patch:
    """The recordings of one synthesizer; a wide one has its middle in both sides."""
    spec, preset = SYNTHS[name], PRESETS[name]
    recordings = []
    for key in range(preset.low + spec.step // 2, preset.high + 1, spec.step):
        start = int(round((spec.rise + spec.fall) * spec.rate))
        loop = (start, start + dsp.quick_loop(dsp.hz(key), spec.seconds, spec.rate))
        for layer in spec.layers:
            middle = _voice(name, spec, key, layer, "middle")
            for pan, side in ((-1.0, "left"), (1.0, "right")) if spec.stereo else ((0.0, ""),):
                pcm = middle if not side else 0.8 * middle + 0.45 * _voice(name, spec, key, layer, side)
                pcm = dsp.faded(pcm, 0.0015, 0, spec.rate)
                recordings.append(Recording(key, pcm, spec.rate, loop, layer, pan))
    return Patch(tuple(recordings), spec.attack, spec.release)


@dataclass(frozen=True)
class MonoBass:
    """A saw or sine bass of one voice: the filter falls from `top` to `rest` Hz (loud; soft notes `soft` of it) with
    time constant `fall` seconds and resonates `q` times; `sine` is the share of the fundamental under it."""

    top: float
    rest: float
    fall: float
    q: float
    soft: float
    prefix: float
    release: float
    sine: float = 0.3
    drive: float = 0.0
    odd: bool = False


BASSES: dict[str, MonoBass] = {
    "synth bass": MonoBass(3000, 650, 0.11, 2.2, 0.45, 0.6, 0.06),
    "acid bass": MonoBass(3600, 420, 0.14, 9.0, 0.4, 0.7, 0.04, 0.1, 1.6),
}


def _closing(spec: MonoBass, key: int, layer: int) -> Callable[[int, Signal], Signal]:
    f0, open_ = dsp.hz(key), 1.0 if layer else spec.soft

    def strength(k: int, t: Signal) -> Signal:
        follow = 2 ** (0.4 * (key - 40) / 12)
        cutoff = follow * (spec.rest * open_**0.5 + (spec.top - spec.rest) * open_ * np.exp(-t / spec.fall))
        x = k * f0 / cutoff
        ladder = 1 / np.sqrt((1 - x**2) ** 2 + (x / spec.q) ** 2) / np.sqrt(1 + x**2)
        return (1 + spec.sine * (k == 1)) / k * np.minimum(ladder, spec.q)

    return strength


def bass(name: str) -> Patch:
    """A filtered saw in two layers, zones of eight semitones; driven after the filter where it is dirty."""
    spec, preset, rate = BASSES[name], PRESETS[name], dsp.DARK_RATE
    recordings = []
    for key in range(preset.low + 4, preset.high + 1, 8):
        for layer in (0, 1):
            held = Held(spec.prefix, _closing(spec, key, layer), 90, Vibrato(0.0, 8.0, 2, 0.0), 0.02, coherent=True)
            pcm, loop = dsp.held(key, held, dsp.seeded(f"{name}/{key}"), rate)
            if spec.drive:
                pcm = np.tanh(spec.drive * pcm / float(np.max(np.abs(pcm))))
            recordings.append(Recording(key, dsp.faded(pcm, 0.002, 0, rate), rate, loop, layer))
    return Patch(tuple(recordings), 0.0, spec.release)


def sub_bass() -> Patch:
    """An 808's sine: a click of pitch at the start, and enough saturation that small speakers hear its harmonics."""
    preset, rate, prefix = PRESETS["sub bass"], 16000, 0.3
    recordings = []
    for key in range(preset.low + 4, preset.high + 1, 8):
        frames, exact = dsp.whole_periods(dsp.hz(key), 0.25, rate)
        start = int(prefix * rate)
        turns = (np.arange(start + frames + 36) - start) * exact / rate
        t = np.arange(len(turns)) / rate
        turns += -2.2 * dsp.hz(key) * 0.012 * np.exp(-t / 0.012) * (t < prefix)
        for layer, drive in ((0, 0.7), (1, 1.9)):
            wave = np.sin(2 * np.pi * turns)
            dirty = np.tanh(drive * (wave + 0.12)) - np.tanh(drive * 0.12)
            punch = 1 + 0.35 * np.exp(-t / 0.06) * (t < prefix)
            pcm = (dirty - float(np.mean(dirty[start : start + frames]))) * punch
            recordings.append(Recording(key, dsp.faded(pcm, 0.003, 0, rate), rate, (start, start + frames), layer))
    return Patch(tuple(recordings), 0.0, 0.09)
