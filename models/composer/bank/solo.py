"""Bowed strings, woodwinds and brass, one player each: harmonic tones shaped by body or bell, breath and vibrato.

The spectra follow what measurements of the instruments agree on (Fletcher and Rossing, The Physics of Musical
Instruments, 1998): formants stay where they are while the pitch moves, brass brightens with loudness and its upper
harmonics speak later, the clarinet's low even harmonics are weak, flutes are nearly sinusoidal in a bed of breath.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Held, Patch, Recording, Signal, Vibrato
from models.composer.bank.presets import PRESETS


@dataclass(frozen=True)
class Timbre:
    """One instrument: harmonic k has k^-slope times the formants, cut above `soft` or `loud` Hz (two layers).

    `even` scales even harmonics, `speak` is the time constant of the onset in seconds and `late` what every harmonic
    adds to it, `breath` (band, level) the noise of bow or air, `chiff` the noise burst of the attack."""

    slope: float
    peaks: tuple[tuple[float, float, float], ...]
    soft: float
    loud: float
    speak: float
    late: float = 0.0
    even: float = 1.0
    vibrato: Vibrato = dsp.STEADY
    breath: tuple[float, float, float] = (1000.0, 6000.0, 0.02)
    chiff: float = 0.0
    scoop: float = 0.0
    shimmer: float = 0.06
    step: int = 7
    rate: int = dsp.RATE
    release: float = 0.18


_BOW = (800.0, 7000.0, 0.035)
TIMBRES: dict[str, Timbre] = {
    "violin": Timbre(
        1.05, ((290, 5, 0.2), (480, 5, 0.25), (900, -3, 0.3), (2600, 8, 0.45)), 3000, 7500, 0.045, 0.001,
        vibrato=Vibrato(19, 5.6, 5, 0.07), breath=_BOW, chiff=0.25, shimmer=0.16, scoop=8, release=0.2,
    ),
    "viola": Timbre(
        1.1, ((220, 5, 0.2), (380, 5, 0.25), (900, -2, 0.3), (1900, 7, 0.45)), 2000, 5000, 0.05, 0.001,
        vibrato=Vibrato(18, 5.2, 5, 0.07), breath=_BOW, chiff=0.25, shimmer=0.16, scoop=8, release=0.2,
    ),
    "cello": Timbre(
        1.1, ((110, 4, 0.2), (220, 5, 0.25), (400, 3, 0.3), (1600, 7, 0.5)), 1700, 4600, 0.055, 0.0015,
        vibrato=Vibrato(16, 5.0, 5, 0.07), breath=(500, 5000, 0.035), chiff=0.25, shimmer=0.16, scoop=8, release=0.25,
    ),
    "contrabass": Timbre(
        1.1, ((70, 4, 0.3), (130, 4, 0.3), (260, 3, 0.3), (900, 5, 0.5)), 900, 2400, 0.07, 0.002,
        vibrato=Vibrato(9, 4.6, 4, 0.05), breath=(300, 3000, 0.03), chiff=0.2, shimmer=0.16, release=0.25,
    ),
    "flute": Timbre(
        1.75, ((600, 3, 0.6), (1300, 2, 0.5)), 2000, 4500, 0.05, 0.004,
        vibrato=Vibrato(9, 5.0, 5, 0.16), breath=(1500, 8000, 0.05), chiff=0.5, release=0.12,
    ),
    "oboe": Timbre(
        0.75, ((1150, 10, 0.35), (2900, 7, 0.25), (500, -4, 0.4)), 3000, 5500, 0.025, 0.0005,
        vibrato=Vibrato(12, 5.4, 5, 0.08), breath=(2000, 8000, 0.012), chiff=0.1, release=0.1,
    ),
    "clarinet": Timbre(
        0.8, ((350, 3, 0.5), (1500, 4, 0.5), (3500, 3, 0.3)), 1800, 4200, 0.035, 0.001, even=0.16,
        vibrato=Vibrato(3, 4.8, 5, 0.03), breath=(1500, 7000, 0.012), chiff=0.15, release=0.12,
    ),
    "bassoon": Timbre(
        0.7, ((480, 10, 0.3), (1200, 5, 0.3), (200, -3, 0.5)), 1500, 3200, 0.03, 0.001,
        vibrato=Vibrato(9, 5.0, 5, 0.06), breath=(800, 5000, 0.015), chiff=0.15, release=0.1,
    ),
    "whistle": Timbre(
        2.4, ((2000, 2, 0.8),), 4000, 7000, 0.025, 0.002,
        vibrato=Vibrato(12, 5.6, 5, 0.1), breath=(2500, 10000, 0.07), chiff=0.6, scoop=25, release=0.1,
    ),
    "trumpet": Timbre(
        0.45, ((1250, 7, 0.6), (2500, 4, 0.4)), 2000, 6800, 0.02, 0.0035,
        vibrato=Vibrato(7, 5.2, 5, 0.05), breath=(1500, 9000, 0.01), chiff=0.12, scoop=20, release=0.12,
    ),
    "horn": Timbre(
        0.7, ((350, 6, 0.5), (750, 4, 0.4)), 950, 3400, 0.045, 0.006,
        vibrato=Vibrato(3, 4.8, 5, 0.03), breath=(500, 4000, 0.01), chiff=0.08, scoop=15, release=0.22,
    ),
    "trombone": Timbre(
        0.5, ((520, 6, 0.5), (1300, 3, 0.5)), 1300, 5200, 0.03, 0.005,
        vibrato=Vibrato(5, 4.8, 5, 0.04), breath=(800, 6000, 0.01), chiff=0.1, scoop=20, release=0.15,
    ),
}


_KIN: dict[str, str] = {
    "fiddle": "violin", "recorder": "whistle", "saxophone": "oboe", "bagpipes": "oboe", "muted trumpet": "trumpet",
    "solo voice": "flute", "accordion": "clarinet",
}
TIMBRES.update({name: replace(TIMBRES[kin]) for name, kin in _KIN.items()})


def _strength(timbre: Timbre, frequency: float, cutoff: float) -> Callable[[int, Signal], Signal]:
    shape = dsp.formants(timbre.peaks)

    def strength(k: int, t: Signal) -> Signal:
        f = k * frequency
        level = k**-timbre.slope * float(shape(np.array([f]))[0]) / (1 + (f / cutoff) ** 4) ** 0.5
        level *= timbre.even if k % 2 == 0 and f < 2500 else 1.0
        return level * (1 - np.exp(-t / (timbre.speak + timbre.late * k)))

    return strength


def _chiff(timbre: Timbre, frames: int, name: str) -> Signal:
    """The scratch or puff before the tone has settled, unit peak before scaling."""
    low, high, _ = timbre.breath
    noise = dsp.burst_noise(frames, dsp.seeded(name + "/chiff"), dsp.band(low * 0.6, high, 2), timbre.rate)
    t = np.arange(frames) / timbre.rate
    return noise * (np.exp(-t / 0.035) - np.exp(-t / 0.006))


def _recording(name: str, timbre: Timbre, key: int, layer: int) -> Recording:
    cutoff = timbre.loud if layer else timbre.soft
    low, high, level = timbre.breath
    breath = level * (1.0 if layer else 1.5)
    spec = Held(
        0.42, _strength(timbre, dsp.hz(key), max(cutoff, 1.5 * dsp.hz(key))), 60, timbre.vibrato, timbre.shimmer,
        dsp.band(low, high, 2), breath, timbre.scoop,
    )
    pcm, loop = dsp.held(key, spec, dsp.seeded(f"{name}/{key}"), timbre.rate)
    rms = float(np.sqrt(np.mean(pcm[loop[0] :] ** 2)))
    pcm[: loop[0]] += timbre.chiff * rms * _chiff(timbre, loop[0], f"{name}/{key}")
    return Recording(key, dsp.faded(pcm, 0.004, 0, timbre.rate), timbre.rate, loop, layer)


def patch(name: str) -> Patch:
    """The recordings of one solo instrument in two layers, a zone every `step` semitones of its range."""
    timbre, preset = TIMBRES[name], PRESETS[name]
    roots = range(preset.low + timbre.step // 2, preset.high + 1, timbre.step)
    recordings = tuple(_recording(name, timbre, key, layer) for key in roots for layer in (0, 1))
    return Patch(recordings, attack=0.004, release=timbre.release)
