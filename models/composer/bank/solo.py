"""Bowed strings, woodwinds and brass, one player each: harmonic tones shaped by body or bell, breath and vibrato.

The spectra follow what measurements of the instruments agree on (Fletcher and Rossing, The Physics of Musical
Instruments, 1998): formants stay where they are while the pitch moves, brass brightens with loudness and its upper
harmonics speak later, the clarinet's low even harmonics are weak, flutes are nearly sinusoidal in a bed of breath.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Held, Patch, Recording, Signal, Vibrato
from models.composer.bank.presets import PRESETS

_PREFIX = 0.32  # seconds before the loop

@dataclass(frozen=True)
class Timbre:
    """One instrument: harmonic k has k^-slope times the formants, cut above `soft` or `loud` Hz (two layers).

    `even` scales even harmonics, `speak` is the time constant of the onset in seconds and `late` what every harmonic
    adds to it, `breath` (band, level) the noise of bow or air, `chiff` the noise burst of the attack, `box` the narrow
    resonances of a body (low Hz, high Hz, how many, dB), `blare` how much brighter the attack of a loud note is."""

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
    step: int = 8
    release: float = 0.18
    box: tuple[float, float, int, float] | None = None
    blare: float = 0.0
    soft_peaks: tuple[tuple[float, float, float], ...] | None = None


_BOW = (800.0, 9000.0, 0.04)
TIMBRES: dict[str, Timbre] = {
    "violin": Timbre(
        0.95, ((290, 4, 0.2), (480, 4, 0.25), (900, -3, 0.3), (2600, 8, 0.45)), 3000, 8000, 0.04, 0.001,
        vibrato=Vibrato(19, 5.6, 4, 0.05), breath=_BOW, chiff=0.35, shimmer=0.14, scoop=8, release=0.22,
        box=(250, 9000, 46, 6.0),
    ),
    "fiddle": Timbre(
        0.85, ((290, 4, 0.2), (520, 5, 0.25), (1100, -2, 0.3), (2900, 8, 0.5)), 4000, 9000, 0.022, 0.0005,
        vibrato=Vibrato(7, 6.0, 4, 0.03), breath=(900, 10000, 0.06), chiff=0.7, shimmer=0.18, scoop=14, release=0.12,
        box=(250, 9000, 46, 6.5), blare=0.5,
    ),
    "viola": Timbre(
        1.0, ((220, 5, 0.2), (380, 5, 0.25), (900, -2, 0.3), (1900, 7, 0.45)), 2200, 6200, 0.05, 0.001,
        vibrato=Vibrato(18, 5.2, 4, 0.05), breath=_BOW, chiff=0.3, shimmer=0.14, scoop=8, release=0.22,
        box=(180, 7000, 44, 6.0),
    ),
    "cello": Timbre(
        1.0, ((110, 4, 0.2), (220, 5, 0.25), (400, 3, 0.3), (1600, 7, 0.5)), 1900, 5800, 0.055, 0.0015,
        vibrato=Vibrato(16, 5.0, 4, 0.05), breath=(500, 6000, 0.04), chiff=0.3, shimmer=0.14, scoop=8, release=0.28,
        box=(90, 5000, 46, 6.0),
    ),
    "contrabass": Timbre(
        1.05, ((70, 4, 0.3), (130, 4, 0.3), (260, 3, 0.3), (900, 5, 0.5)), 950, 3000, 0.07, 0.002,
        vibrato=Vibrato(9, 4.6, 3, 0.04), breath=(300, 3500, 0.035), chiff=0.25, shimmer=0.14, release=0.28,
        box=(55, 3000, 40, 5.0),
    ),
    "flute": Timbre(
        1.7, ((600, 3, 0.6), (1300, 2, 0.5)), 2000, 5000, 0.05, 0.004,
        vibrato=Vibrato(9, 5.0, 4, 0.16), breath=(1500, 10000, 0.06), chiff=0.55, release=0.12, scoop=10,
    ),
    "recorder": Timbre(
        2.1, ((900, 2, 0.7),), 2500, 5500, 0.028, 0.003, even=0.4,
        vibrato=Vibrato(4, 4.8, 4, 0.05), breath=(2500, 11000, 0.045), chiff=0.6, scoop=-12, release=0.08, shimmer=0.03,
    ),
    "oboe": Timbre(
        0.7, ((1150, 10, 0.35), (2900, 8, 0.25), (500, -4, 0.4)), 3000, 6000, 0.022, 0.0005,
        vibrato=Vibrato(12, 5.4, 4, 0.08), breath=(2000, 9000, 0.012), chiff=0.12, release=0.1,
    ),
    "clarinet": Timbre(
        0.8, ((350, 3, 0.5), (1500, 4, 0.5), (3500, 3, 0.3)), 1800, 4600, 0.035, 0.001, even=0.14,
        vibrato=Vibrato(3, 4.8, 4, 0.03), breath=(1500, 8000, 0.014), chiff=0.18, release=0.12,
    ),
    "bassoon": Timbre(
        0.7, ((480, 10, 0.3), (1200, 5, 0.3), (200, -3, 0.5)), 1500, 3400, 0.03, 0.001,
        vibrato=Vibrato(9, 5.0, 4, 0.06), breath=(800, 5000, 0.015), chiff=0.15, release=0.1,
    ),
    "saxophone": Timbre(
        0.55, ((480, 6, 0.4), (1100, 4, 0.4), (2500, 4, 0.4), (250, -2, 0.4)), 1500, 5600, 0.03, 0.0018,
        vibrato=Vibrato(15, 5.2, 4, 0.10), breath=(1500, 9000, 0.035), chiff=0.35, scoop=45, release=0.14, shimmer=0.14,
        blare=0.4,
    ),
    "whistle": Timbre(
        2.3, ((2000, 2, 0.8),), 4000, 7500, 0.02, 0.002,
        vibrato=Vibrato(10, 5.6, 4, 0.1), breath=(2500, 12000, 0.08), chiff=0.7, scoop=25, release=0.08,
    ),
    "bagpipes": Timbre(
        0.15, ((900, 5, 0.5), (2600, 7, 0.4), (350, -5, 0.5)), 6500, 7500, 0.006, 0.0002,
        breath=(2000, 9000, 0.02), chiff=0.2, scoop=-60, release=0.03, shimmer=0.10,
    ),
    "trumpet": Timbre(
        0.4, ((1250, 7, 0.6), (2500, 4, 0.4)), 1900, 7600, 0.018, 0.0035,
        vibrato=Vibrato(7, 5.2, 4, 0.05), breath=(1500, 9000, 0.012), chiff=0.14, scoop=22, release=0.12, blare=0.35,
    ),
    "muted trumpet": Timbre(
        0.35, ((1700, 13, 0.3), (3400, 9, 0.3), (500, -9, 0.6)), 4200, 8000, 0.02, 0.002,
        vibrato=Vibrato(12, 5.4, 4, 0.06), breath=(2000, 9500, 0.03), chiff=0.2, scoop=22, release=0.1,
    ),
    "horn": Timbre(
        0.65, ((350, 6, 0.5), (750, 4, 0.4)), 950, 4400, 0.045, 0.006,
        vibrato=Vibrato(3, 4.8, 4, 0.03), breath=(500, 4000, 0.012), chiff=0.1, scoop=18, release=0.24, blare=0.25,
    ),
    "trombone": Timbre(
        0.45, ((520, 6, 0.5), (1300, 3, 0.5)), 1250, 6000, 0.028, 0.005,
        vibrato=Vibrato(5, 4.8, 4, 0.04), breath=(800, 7000, 0.012), chiff=0.12, scoop=28, release=0.15, blare=0.35,
    ),
    "solo voice": Timbre(
        0.95, ((820, 10, 0.22), (1250, 8, 0.2), (2900, 10, 0.16), (3800, 5, 0.15)), 2400, 6000, 0.06, 0.001,
        vibrato=Vibrato(38, 5.5, 4, 0.08), breath=(2500, 9000, 0.025), chiff=0.2, scoop=35, release=0.25, shimmer=0.12,
        soft_peaks=((420, 10, 0.25), (900, 8, 0.25), (2800, 6, 0.18)),
    ),
}


def _strength(timbre: Timbre, frequency: float, layer: int) -> Callable[[int, Signal], Signal]:
    cutoff = max(timbre.loud if layer else timbre.soft, 1.5 * frequency)
    shape = dsp.formants(timbre.peaks if layer or timbre.soft_peaks is None else timbre.soft_peaks)

    def strength(k: int, t: Signal) -> Signal:
        f = k * frequency
        level = k**-timbre.slope * float(shape(np.array([f]))[0]) / (1 + (f / cutoff) ** 4) ** 0.5
        level *= timbre.even if k % 2 == 0 and f < 2500 else 1.0
        open_bell = 1 + timbre.blare * layer * min(1.0, f / cutoff) * np.exp(-t / 0.07)
        return level * open_bell * (1 - np.exp(-t / (timbre.speak + timbre.late * k)))

    return strength


def _chiff(timbre: Timbre, frames: int, name: str, rate: int) -> Signal:
    """The scratch or puff before the tone has settled, unit peak before scaling."""
    low, high, _ = timbre.breath
    noise = dsp.burst_noise(frames, dsp.seeded(name + "/chiff"), dsp.band(low * 0.6, high, 2), rate)
    t = np.arange(frames) / rate
    return noise * (np.exp(-t / 0.035) - np.exp(-t / 0.006))


def _recording(name: str, timbre: Timbre, key: int, layer: int) -> Recording:
    """Soft notes end early in frequency, so that fewer frames a second hold them."""
    rate = dsp.DARK_RATE if layer else dsp.SOFT_RATE
    low, high, level = timbre.breath
    box = dsp.body(name, timbre.box[0], timbre.box[1], timbre.box[2], timbre.box[3]) if timbre.box else None
    spec = Held(
        _PREFIX, _strength(timbre, dsp.hz(key), layer), 60, timbre.vibrato, timbre.shimmer,
        dsp.band(low, high, 2), level * (1.0 if layer else 1.5), timbre.scoop, box,
    )
    pcm, loop = dsp.held(key, spec, dsp.seeded(f"{name}/{key}"), rate)
    rms = float(np.sqrt(np.mean(pcm[loop[0] :] ** 2)))
    pcm[: loop[0]] += timbre.chiff * rms * _chiff(timbre, loop[0], f"{name}/{key}", rate)
    return Recording(key, dsp.faded(pcm, 0.003, 0, rate), rate, loop, layer)


def patch(name: str) -> Patch:
    """The recordings of one solo instrument in two layers, a zone every `step` semitones of its range."""
    timbre, preset = TIMBRES[name], PRESETS[name]
    roots = range(preset.low + timbre.step // 2, preset.high + 1, timbre.step)
    recordings = tuple(_recording(name, timbre, key, layer) for key in roots for layer in (0, 1))
    return Patch(recordings, attack=0.004, release=timbre.release)
