"""Synthesises the whole bank and writes it as one SoundFont: loudness balanced, keys divided into zones, int16.

Deterministic: every sound is a function of its name. Computation is float64 and only the last step rounds, so the same
bytes come out of different processors nearly always (a difference would have to sit exactly on a rounding edge).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from models.composer.bank import kits, sections, solo, struck, synths
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS
from models.composer.bank.sf2 import Gen, Program, Sample, Zone, soundfont, timecents

PEAK = 29000  # of every stored sample, int16
LOUDNESS = -25.0  # dB, K-weighted, of every pitched note at velocity 127: what all presets are brought to
TRIMS = {  # dB: what the weighting misjudges in a mix (basses), and what is usually played in chords
    "contrabass": 5.0, "bass": 2.5, "upright bass": 3.5, "synth bass": 2.0, "cello": 1.0, "timpani": 2.0,
    "strings": -2.0, "choir": -2.0, "synth pad": -2.0, "organ": -2.0, "brass": -1.0, "distorted guitar": -1.5,
    "taiko": -2.0, "percussion": -1.5, "synth lead": 1.5, "square lead": 0.5, "harp": 1.5, "marimba": 1.0,
    "pluck": 0.5, "horn": 1.0,
}
SOFT, LOUD = (1, 79), (80, 127)  # velocity ranges of the two layers


def _makers() -> dict[str, Callable[[str], Patch]]:
    """Which module makes which instrument."""
    makers: dict[str, Callable[[str], Patch]] = {
        "square lead": lambda _: synths.square_lead(),
        "triangle bass": lambda _: synths.triangle_bass(),
        "synth bass": synths.synth_bass, "acid bass": synths.synth_bass, "sub bass": synths.synth_bass,
        "reese bass": synths.synth_bass,
    }
    for names, make in (
        (solo.TIMBRES, solo.patch), (sections.SECTIONS, sections.patch), (struck.STRINGS, struck.string),
        (struck.BARS, struck.bar), (kits.KITS, kits.patch),
    ):
        makers.update(dict.fromkeys(names, make))
    return makers


def synthesise(name: str) -> Patch:
    """The recordings of one instrument, unbalanced, as its module makes them."""
    return _makers()[name](name)


def loudness(pcm: Signal, rate: int) -> float:
    """dB of the loudest 400 ms, weighted like the ear at concert level (the two filters of BS.1770-4, by magnitude)."""
    size = next_fast_len(len(pcm) + rate // 8, real=True)
    spectrum = np.fft.rfft(pcm, size)
    freqs = np.fft.rfftfreq(size, 1 / rate)
    weight = 1 / np.sqrt(1 + (38.0 / np.maximum(freqs, 1)) ** 4)
    weight *= np.sqrt((1 + 2.512 * (freqs / 1500.0) ** 4) / (1 + (freqs / 1500.0) ** 4))
    power = np.fft.irfft(spectrum * weight, size)[: len(pcm)] ** 2
    window = min(int(0.4 * rate), len(power))
    sums = np.cumsum(np.concatenate([[0.0], power]))
    return float(10 * np.log10(max(np.max(sums[window:] - sums[:-window]) / (0.4 * rate), 1e-12)))


def _quantised(pcm: Signal) -> NDArray[np.int16]:
    return np.round(pcm * (PEAK / float(np.max(np.abs(pcm))))).astype(np.int16)


def _centibels(recording: Recording, name: str) -> int:
    """The attenuation that brings a stored sample to its place among all presets."""
    target = LOUDNESS + recording.level_db + TRIMS.get(name, 0.0)
    stored = loudness(recording.pcm * (PEAK / 32768 / float(np.max(np.abs(recording.pcm)))), recording.rate)
    return max(0, int(round(10 * (stored - target))))


def _key_ranges(roots: list[int]) -> dict[int, tuple[int, int]]:
    """Every root sounds half way to its neighbours; the outermost ones to the ends of the keyboard."""
    edges = [0, *((low + high) // 2 + 1 for low, high in zip(roots, roots[1:], strict=False)), 128]
    return {root: (edges[i], edges[i + 1] - 1) for i, root in enumerate(roots)}


class _Pool:
    """All samples of the file; drums that kits share are stored once (`kits` hands out the same array)."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._drums: dict[int, int] = {}

    def add(self, name: str, recording: Recording) -> int:
        number = self._drums.get(id(recording.pcm)) if PRESETS[name].is_drum else None
        if number is None:
            number = len(self.samples)
            label = f"{name[:13]} {recording.root}"
            pcm = _quantised(recording.pcm)
            self.samples.append(Sample(label, pcm, recording.rate, recording.root, recording.loop))
        if PRESETS[name].is_drum:
            self._drums[id(recording.pcm)] = number
        return number


def _zones(name: str, patch: Patch, pool: _Pool) -> tuple[Zone, ...]:
    is_drum = PRESETS[name].is_drum
    ranges = _key_ranges(sorted({recording.root for recording in patch.recordings}))
    zones = []
    for recording in patch.recordings:
        root = recording.root
        generators = {
            Gen.PAN: int(round(500 * recording.pan)),
            Gen.INITIAL_ATTENUATION: _centibels(recording, name),
            Gen.ATTACK_VOL_ENV: timecents(patch.attack),
            Gen.RELEASE_VOL_ENV: timecents(patch.release),
        }
        if is_drum:
            generators |= {Gen.SCALE_TUNING: 0, Gen.EXCLUSIVE_CLASS: recording.choke}
        velocities = {None: (1, 127), 0: SOFT, 1: LOUD}[recording.layer]
        keys = (root, root) if is_drum else ranges[root]
        zones.append(Zone(pool.add(name, recording), keys, velocities, generators))
    return tuple(zones)


def build() -> bytes:
    """The bank as the bytes of a SoundFont file. Takes some seconds of one core."""
    pool, programs = _Pool(), []
    for name, preset in PRESETS.items():
        zones = _zones(name, synthesise(name), pool)
        programs.append(Program(name, preset.bank, preset.program, zones))
    kits.forget()
    return soundfont("Cueworks", programs, pool.samples)

