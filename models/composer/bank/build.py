"""Synthesises the whole bank and writes it as one SoundFont: loudness balanced, keys divided into zones, int16.

Deterministic: every sound is a function of its name. Computation is float64 and only the last step rounds, so the same
bytes come out of different processors nearly always (a difference would have to sit exactly on a rounding edge).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from models.composer.bank import bars, chips, driven, kits, plucked, reeds, sections, solo, synths
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
        "square lead": lambda _: chips.square_lead(),
        "triangle bass": lambda _: chips.triangle_bass(),
        "sub bass": lambda _: synths.sub_bass(),
        "distorted guitar": lambda _: driven.distorted_guitar(),
    }
    tables: tuple[tuple[Iterable[str], Callable[[str], Patch]], ...] = (
        (solo.TIMBRES, solo.patch), (sections.SECTIONS, sections.patch), (reeds.RANKS, reeds.patch),
        (plucked.STRINGS, plucked.patch), (bars.BARS, bars.patch), (synths.SYNTHS, synths.synth),
        (synths.BASSES, synths.bass), (kits.KITS, kits.patch),
    )
    for names, make in tables:
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


def _quantised(pcm: Signal, peak: float) -> NDArray[np.int16]:
    return np.round(pcm * (peak / float(np.max(np.abs(pcm))))).astype(np.int16)


def _surplus(recording: Recording, name: str) -> float:
    """dB by which a sample at full scale is louder than its place among all presets."""
    target = LOUDNESS + recording.level_db + TRIMS.get(name, 0.0)
    return loudness(recording.pcm * (PEAK / 32768 / float(np.max(np.abs(recording.pcm)))), recording.rate) - target


def _key_ranges(roots: list[int]) -> dict[int, tuple[int, int]]:
    """Every root sounds half way to its neighbours; the outermost ones to the ends of the keyboard."""
    edges = [0, *((low + high) // 2 + 1 for low, high in zip(roots, roots[1:], strict=False)), 128]
    return {root: (edges[i], edges[i + 1] - 1) for i, root in enumerate(roots)}


def _second_ranges(roots: list[int]) -> dict[int, list[tuple[int, int]]]:
    """As `_key_ranges`, but every key is played by its second nearest root: another string, another strike.

    Keys beyond the outermost roots keep their own where the second would be stretched too far."""
    ranges: dict[int, list[tuple[int, int]]] = {root: [] for root in roots}
    last = len(roots) - 1
    nearest = {key: i for i, root in enumerate(roots) for key in range(*_open(_key_ranges(roots)[root]))}
    for key, i in nearest.items():
        other = i + 1 if (key >= roots[i] and i < last) or i == 0 else i - 1
        if abs(key - roots[other]) > 1.25 * abs(roots[i] - roots[other]):
            other = i
        spans = ranges[roots[other]]
        if spans and spans[-1][1] == key - 1:
            spans[-1] = (spans[-1][0], key)
        else:
            spans.append((key, key))
    return ranges


def _open(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], span[1] + 1


class _Pool:
    """All samples of the file; drums that kits share are stored once (`kits` hands out the same array)."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._drums: dict[int, int] = {}

    def add(self, name: str, recording: Recording, peak: float) -> int:
        number = self._drums.get(id(recording.pcm)) if PRESETS[name].is_drum else None
        if number is None:
            number = len(self.samples)
            label = f"{name[:13]} {recording.root}"
            pcm = _quantised(recording.pcm, peak)
            self.samples.append(Sample(label, pcm, recording.rate, recording.root, recording.loop))
        if PRESETS[name].is_drum:
            self._drums[id(recording.pcm)] = number
        return number


@dataclass(frozen=True)
class _Stored:
    """A recording in the file: its sample, and the attenuation in centibels that it shares with its other layer."""

    recording: Recording
    sample: int
    attenuation: int


def _stored(name: str, patch: Patch, pool: _Pool) -> list[_Stored]:
    """Layers of one note are equally loud at one attenuation: what a player blends, it blends evenly."""
    notes: dict[tuple[int, float, int | None], list[Recording]] = {}
    for recording in patch.recordings:
        notes.setdefault((recording.root, recording.pan, recording.take), []).append(recording)
    stored = []
    for layers in notes.values():
        surplus = [_surplus(recording, name) for recording in layers]
        shared = min(surplus)
        for recording, own in zip(layers, surplus, strict=True):
            sample = pool.add(name, recording, PEAK * 10 ** ((shared - own) / 20))
            stored.append(_Stored(recording, sample, max(0, int(round(10 * shared)))))
    return stored


def _zone(name: str, patch: Patch, stored: _Stored, keys: tuple[int, int]) -> Zone:
    recording = stored.recording
    generators = {
        Gen.PAN: int(round(500 * recording.pan)),
        Gen.INITIAL_ATTENUATION: stored.attenuation,
        Gen.ATTACK_VOL_ENV: timecents(patch.attack),
        Gen.RELEASE_VOL_ENV: timecents(patch.release),
    }
    if PRESETS[name].is_drum:
        generators |= {Gen.SCALE_TUNING: 0, Gen.EXCLUSIVE_CLASS: recording.choke}
    velocities = {None: (1, 127), 0: SOFT, 1: LOUD}[recording.layer]
    return Zone(stored.sample, keys, velocities, generators)


def _zones(name: str, patch: Patch, stored: list[_Stored], take: int) -> tuple[Zone, ...]:
    """The zones of one of the alternating presets: its own recordings, or other strings of the same."""
    own = [row for row in stored if row.recording.take in (None, take)]
    roots = sorted({row.recording.root for row in own})
    if PRESETS[name].is_drum:
        spans = {root: [(root, root)] for root in roots}
    elif take and all(row.recording.take is None for row in own):
        spans = _second_ranges(roots)
    else:
        spans = {root: [span] for root, span in _key_ranges(roots).items()}
    return tuple(_zone(name, patch, row, span) for row in own for span in spans[row.recording.root])


def build() -> bytes:
    """The bank as the bytes of a SoundFont file. Takes some seconds of one core."""
    pool, programs = _Pool(), []
    for name, preset in PRESETS.items():
        patch = synthesise(name)
        stored = _stored(name, patch, pool)
        for take in range(preset.alternates):
            label = name if take == 0 else f"{name[:17]} {take + 1}"
            programs.append(Program(label, preset.bank + 10 * take, preset.program, _zones(name, patch, stored, take)))
    kits.forget()
    return soundfont("Cueworks", programs, pool.samples)
