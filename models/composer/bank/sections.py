"""Sections and choir: many players at once, in stereo.

One exact loop per note, a middle and a side (left is their sum, right their difference), so that folding to mono keeps
the middle whole. A held note opens from a dark to the full spectrum of the very same partials, as a section does after
the attack; a short one is the same sound under the envelope of a stroke; tremolo is baked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.composer.bank import dsp
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.presets import PRESETS

_LOOP = 1.15  # seconds, nearly
_GRID = 8000  # of which all rates are multiples: both layers loop alike, and their partials agree in phase
_SIDE = 0.55  # level of the side: sides correlate by 0.54, and mono loses 1.1 dB


@dataclass(frozen=True)
class Section:
    """Spectrum (as in a solo timbre), spread of the players in cents, envelope in seconds; `dark` Hz at the onset.

    `stroke` (rise, decay, seconds) makes short notes, `tremolo` (strokes a second, depth) shakes, `bite` is the noise
    of the attack, `sway` how much the whole swells by itself."""

    slope: float
    peaks: tuple[tuple[float, float, float], ...]
    soft: float
    loud: float
    cents: float
    attack: float
    release: float
    dark: float = 700.0
    opens: float = 0.3
    soft_peaks: tuple[tuple[float, float, float], ...] | None = None
    layers: tuple[int | None, ...] = (0, 1)
    stereo: bool = True
    step: int = 8
    noise: tuple[float, float, float] = (1500.0, 7000.0, 0.012)
    stroke: tuple[float, float, float] | None = None
    tremolo: tuple[float, float] = (0.0, 0.0)
    bite: float = 0.0
    sway: float = 0.0
    box: tuple[float, float, int, float] | None = None
    rate: int = dsp.RATE


_STRINGS = ((260, 4, 0.25), (480, 4, 0.3), (950, -2, 0.3), (2600, 7, 0.5))
_BOX = (200.0, 8000.0, 40, 3.5)
SECTIONS: dict[str, Section] = {
    "strings": Section(
        0.85, _STRINGS, 3200, 11000, 13, 0.06, 0.38, 900, 0.28, noise=(1500, 12000, 0.03), bite=0.18, sway=0.08,
        box=_BOX, step=9,
    ),
    "short strings": Section(
        0.85, _STRINGS, 3300, 10000, 11, 0.002, 0.10, 2500, 0.03, step=6, noise=(1200, 11000, 0.03), bite=0.8,
        stroke=(0.014, 0.13, 0.54), box=_BOX,
    ),
    "tremolo strings": Section(
        0.82, _STRINGS, 7500, 7500, 15, 0.05, 0.3, 1500, 0.15, layers=(None,), noise=(1500, 10000, 0.07), bite=0.3,
        tremolo=(13.0, 0.75), box=_BOX, rate=24000,
    ),
    "brass": Section(
        0.45, ((600, 4, 0.6), (1300, 5, 0.5)), 1500, 8000, 7, 0.018, 0.2, 600, 0.10, stereo=False, step=6,
        noise=(1500, 9000, 0.012), bite=0.15, sway=0.04, rate=24000,
    ),
    "low brass": Section(
        0.5, ((260, 4, 0.5), (560, 4, 0.5), (1200, 3, 0.5)), 850, 5200, 7, 0.025, 0.25, 350, 0.13, stereo=False,
        bite=0.12, sway=0.04, rate=24000,
    ),
    "choir": Section(
        0.9, ((720, 11, 0.2), (1150, 9, 0.17), (2750, 10, 0.15), (3500, 6, 0.15)), 1900, 6800, 17, 0.12, 0.5, 900, 0.35,
        soft_peaks=((340, 10, 0.25), (800, 8, 0.2), (2600, 5, 0.15)), noise=(2500, 10000, 0.045), sway=0.12, rate=24000,
        step=9,
    ),
}


def _spectrum(name: str, section: Section, key: int, layer: int | None, darkness: float) -> Callable[[int], float]:
    shape = dsp.formants(section.soft_peaks if layer == 0 and section.soft_peaks else section.peaks)
    box = dsp.body(name, *section.box) if section.box else None
    cutoff = max(section.soft if layer == 0 else section.loud, 1.5 * dsp.hz(key))
    dark = max(darkness, 1.2 * dsp.hz(key))
    f: Signal = np.arange(1, int(16000 / dsp.hz(key)) + 2).astype(np.float64) * dsp.hz(key)
    levels: Signal = shape(f) / (1 + (f / cutoff) ** 4) ** 0.5 / (1 + (f / dark) ** 2) ** 0.5
    if box is not None:
        levels = levels * box(f)
    levels = levels * np.arange(1, len(f) + 1) ** -section.slope
    return lambda k: float(levels[k - 1])


def _shaken(loop: Signal, section: Section, name: str, rate: int) -> Signal:
    """The loop under bows that turn, all at their own time, and under the slow swells of a group."""
    t, rng = np.arange(len(loop)) / len(loop), dsp.seeded(name + "/shake")
    strokes, depth = round(section.tremolo[0] * len(loop) / rate), section.tremolo[1]
    swing = np.zeros(len(loop))
    for cycles in range(max(1, strokes - 2), strokes + 3):
        swing += np.sin(2 * np.pi * (cycles * t + rng.uniform())) * (depth / 2.2 if depth else 0.0)
    for cycles in (1, 2, 3):
        swing += section.sway * np.sin(2 * np.pi * (cycles * t + rng.uniform())) / cycles
    return loop * np.maximum(1 + swing, 0.08)


def _loops(name: str, section: Section, key: int, layer: int | None, part: str, rate: int) -> tuple[Signal, Signal]:
    """The dark loop that a note begins in and the full one, of the middle or the side."""
    seed = f"{name}/{key}/{part}"
    frames = dsp.quick_loop(dsp.hz(key), _LOOP, _GRID) * (rate // _GRID)
    both = []
    for darkness in (section.dark, np.inf):
        strength = _spectrum(name, section, key, layer, darkness)
        both.append(dsp.ensemble(key, strength, section.cents, frames, dsp.seeded(seed), rate))
    dark, full = both
    low, high, level = section.noise
    noise = dsp.shaped_noise(frames, dsp.seeded(seed + "/noise"), dsp.band(low, high, 2), rate)
    full = full + noise * level * np.sqrt(np.mean(full**2))
    return _shaken(dark, section, seed, rate), _shaken(full, section, seed, rate)


def _stroke(pcm: Signal, section: Section, rate: int) -> Signal:
    """A note of a bow that leaves the string: a quick swell, two decays, an end."""
    rise, decay, seconds = section.stroke or (0.0, 1.0, 1.0)
    pcm = np.concatenate([pcm, pcm])[: int(seconds * rate)]
    t = np.arange(len(pcm)) / rate
    shape = (1 - np.exp(-t / rise)) * (0.8 * np.exp(-t / decay) + 0.2 * np.exp(-t / (2.2 * decay)))
    return dsp.faded(dsp.steady(pcm * shape, rate), 0.001, 0.3 * seconds, rate)


def _note(name: str, section: Section, key: int, layer: int | None) -> list[Recording]:
    """One note of one layer: a recording, or left and right."""
    rate = dsp.SOFT_RATE if layer == 0 else section.rate
    places = ("middle", "side") if section.stereo else ("middle",)
    parts = [_loops(name, section, key, layer, part, rate) for part in places]
    recordings = []
    for pan in (-1.0, 1.0) if section.stereo else (0.0,):
        dark, full = (parts[0][i] + (pan * _SIDE * parts[1][i] if pan else 0.0) for i in (0, 1))
        halfway = (0.4 * section.opens, 0.7 * dark + 0.3 * full)
        pcm, loop = dsp.evolving(((0.0, dark), halfway, (section.opens, full)), 36, rate)
        t = np.arange(len(pcm)) / rate
        bow = dsp.burst_noise(len(pcm), dsp.seeded(f"{name}/{key}/bite"), dsp.band(900, 9000, 2), rate)
        scratch = np.exp(-t / 0.03) * (1 - np.exp(-t / 0.004)) * (t < section.opens)
        pcm += section.bite * (0.5 if layer == 0 else 1.0) * float(np.std(full)) * bow * scratch
        if section.stroke:
            recordings.append(Recording(key, _stroke(pcm, section, rate), rate, None, layer, pan))
        else:
            recordings.append(Recording(key, pcm, rate, loop, layer, pan))
    return recordings


def patch(name: str) -> Patch:
    """The recordings of one section: zones every `step` semitones, layers, and two sides where it is wide."""
    section, preset = SECTIONS[name], PRESETS[name]
    recordings: list[Recording] = []
    for key in range(preset.low + section.step // 2, preset.high + 1, section.step):
        for layer in section.layers:
            recordings += _note(name, section, key, layer)
    return Patch(tuple(recordings), section.attack, section.release)
