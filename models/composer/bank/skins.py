"""Drums with a skin: kicks, toms, concert drums, taiko and hand drums, one stroke at a time, at 48 or 24 kHz.

The lowest mode is a sine that falls as the stretched skin relaxes (Fletcher and Rossing, The Physics of Musical
Instruments, 1998, section 18: 5 to 10 % on toms, more on slack kicks); the other modes of a circular membrane ring
above it, each with a level of its own that depends on where the stick landed. Beater or hand is a burst of noise of a
few milliseconds, the shell a dull short noise. A soft stroke clicks less and excites fewer modes; its pitch
bends alike, because players of the bank blend the two layers and sines that differ in phase would cancel.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import next_fast_len

from models.composer.bank import dsp
from models.composer.bank.dsp import DRUM_RATE, Signal

MODES = np.array([1.0, 1.593, 2.136, 2.296, 2.653, 2.918, 3.156, 3.5, 4.06, 4.6])  # of an ideal circular membrane


def noise(seconds: float, low: float, high: float, name: str, order: int = 3, rate: int = DRUM_RATE) -> Signal:
    """Band-limited noise of unit RMS, the same for one name."""
    return dsp.burst_noise(int(round(seconds * rate)), dsp.seeded(name), dsp.band(low, high, order), rate)


def unit(signal: Signal) -> Signal:
    """With a peak of 1."""
    return signal / float(np.max(np.abs(signal)))


def finish(signal: Signal, fade: float = 0.05, rate: int = DRUM_RATE) -> Signal:
    """Without DC and rumble, with a soft end, unit peak."""
    return unit(dsp.faded(dsp.steady(signal, rate), 0.0003, fade, rate))


def sweep(start: float, end: float, fall: float, decay: float, seconds: float, rate: int = DRUM_RATE) -> Signal:
    """A sine that falls from `start` to `end` Hz with time constant `fall` and dies with `decay` (seconds)."""
    t = dsp.times(seconds, rate)
    frequency = end + (start - end) * np.exp(-t / fall)
    return np.sin(2 * np.pi * np.cumsum(frequency) / rate) * np.exp(-t / decay)


def driven(signal: Signal, drive: float) -> Signal:
    """Soft saturation of a unit-peak sound; 0 leaves it alone."""
    return np.tanh(drive * unit(signal)) / np.tanh(drive) if drive else signal


def in_room(signal: Signal, name: str, seconds: float, level: float, gate: float = 0.0) -> Signal:
    """With a short bright room behind it, which a `gate` (seconds) cuts off as studios of the eighties did."""
    size = len(signal)
    t = np.arange(size) / DRUM_RATE
    early = np.minimum(1.0, t / 0.004)
    tail = noise(size / DRUM_RATE, 180, 9000, name + "/room", 1) * np.exp(-6.9 * t / seconds) * early
    wide = next_fast_len(2 * size, real=True)
    wet = np.fft.irfft(np.fft.rfft(signal, wide) * np.fft.rfft(tail, wide), wide)[:size]
    wet *= level * float(np.max(np.abs(signal))) / float(np.max(np.abs(wet)))
    if gate:
        wet = wet / (1 + np.exp((t - gate) / 0.006))
    return np.asarray(signal + wet)


@dataclass(frozen=True)
class Membrane:
    """A drum with a skin: pitch in Hz, how far it bends (ratio), decays in seconds, strike noise and shell."""

    pitch: float
    bend: float
    decay: float
    modes: float  # level of the upper modes
    click: float  # level of the beater
    click_band: tuple[float, float] = (1500.0, 6000.0)
    body: float = 0.0  # level of a dull noise in the shell
    seconds: float = 0.8
    fall: float = 0.028
    ring: float = 0.5  # decay of the upper modes against the lowest
    drive: float = 0.0
    click_decay: float = 0.0035
    rate: int = DRUM_RATE


def membrane(spec: Membrane, name: str, layer: int = 1, take: int = 0) -> Signal:
    """One stroke; `layer` 0 is a soft one, `take` tells strokes apart that are otherwise the same."""
    rng, t = dsp.seeded(f"{name}#{take}"), dsp.times(spec.seconds, spec.rate)
    pitch = spec.pitch * (1 + 0.006 * rng.uniform(-1, 1) * (take > 0))
    hard = 1.0 if layer else 0.35
    out = sweep(pitch * spec.bend, pitch, spec.fall, spec.decay, spec.seconds, spec.rate)
    upper = MODES[1:] * pitch * (1 + 0.25 * (spec.bend - 1))
    weights = spec.modes * hard**0.6 * rng.uniform(0.6, 1.4, len(upper)) / np.arange(2, len(MODES) + 1)
    decays = spec.decay * spec.ring / np.sqrt(MODES[1:])
    out += dsp.partials(upper, weights, decays, rng.uniform(-0.5, 0.5, len(upper)), spec.seconds, spec.rate)
    low, high = spec.click_band[0], spec.click_band[1] * (1.0 if layer else 0.6)
    click = noise(spec.seconds, low, high, f"{name}/click#{take}", 3, spec.rate) * np.exp(-t / spec.click_decay)
    shell = noise(spec.seconds, 120, 900, f"{name}/body#{take}", 3, spec.rate) * np.exp(-t / 0.045)
    out += 0.5 * hard * spec.click * click + 0.5 * hard**0.5 * spec.body * shell
    return finish(driven(out, spec.drive * hard), 0.3 * spec.seconds, spec.rate)


def together(spec: Membrane, name: str, players: int, spread: float, layer: int = 1, take: int = 0) -> Signal:
    """Several players on like drums: the first is on time, the others up to `spread` seconds late and slightly off."""
    rng = dsp.seeded(f"{name}/players#{take}")
    out = np.zeros(int(round(spec.seconds * spec.rate)))
    for player in range(players):
        own = replace(spec, pitch=spec.pitch * (1 + 0.035 * rng.uniform(-1, 1) * (player > 0)))
        late = int(spread * spec.rate * rng.uniform(0.3, 1) * (player > 0))
        stroke = membrane(own, f"{name}/{player}", layer, take)
        out[late:] += stroke[: len(out) - late] * (1.0 if player == 0 else 0.7)
    return finish(out, 0.3 * spec.seconds, spec.rate)


def slap(low: float, high: float, ring: tuple[float, ...], decay: float, name: str, layer: int = 1,
         take: int = 0) -> Signal:
    """A hand that hits the rim and stays: a bright burst, and a few short high modes."""
    seconds = 0.35
    rng, t = dsp.seeded(f"{name}#{take}"), dsp.times(seconds, DRUM_RATE)
    freqs = np.array(ring) * (1 + 0.01 * rng.uniform(-1, 1, len(ring)) * (take > 0))
    amps = rng.uniform(0.7, 1.3, len(ring)) / np.arange(1, len(ring) + 1) ** 0.4
    tone = dsp.partials(freqs, amps, np.full(len(ring), decay), np.zeros(len(ring)), seconds, DRUM_RATE)
    burst = noise(seconds, low, high if layer else 0.55 * high, f"{name}/burst#{take}", 2) * np.exp(-t / 0.009)
    return finish(unit(tone) + (0.55 if layer else 0.3) * burst, 0.1)
