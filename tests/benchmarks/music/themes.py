"""Whether a theme can be found in a piece: local alignment of interval sequences, and how often chance finds one.

A theme is what was ordered, as pitches in the take's key. A piece is searched line by line (top notes of every pitched
track) for a stretch that moves like the theme: transposed anywhere, upright or inverted, at full, double or half
length, with up to two short notes added between any two. Intervals may differ by a semitone, as they do in another
mode (by two in modes of five tones). How good the best stretch is, is a number; what counts as found is decided by the
same search for themes of other catalogs, so that chance finds no more than one in ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.composer.meter import parse_meter
from models.composer.score import Score
from models.composer.theme import motif_of
from models.controls import Controls, Theme
from tests.benchmarks.music.notes import SCALES, line, pitched, tonic_and_scale

FEWEST = 5  # notes of a fragment that count; a shorter head counts whole
CHANCE = 0.1  # how often a strange theme may be found
STRANGERS = 6
ORNAMENTS = 2  # notes that may stand between two of the theme
_ORNAMENT_COST = 0.35
_RHYTHM_GAIN = 0.6  # where the step also lasts as long as it should
_RHYTHM_NEAR = 0.2  # of its length
_SCALINGS = (1.0, 2.0, 0.5)
Line = tuple[NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True)
class Tune:
    """A theme to look for: onsets in quarters, pitches in semitones; the first `head` notes are its first bar. `slack`
    is how many semitones a step may be off: one, and two in modes of five tones, whose own steps are wider."""

    onsets: tuple[float, ...]
    pitches: tuple[int, ...]
    head: int
    slack: int = 1


@dataclass(frozen=True)
class Match:
    """The best stretch: its `score`, how many notes of the theme it holds, the role that plays it and from where."""

    score: float
    notes: int
    role: str = ""
    onset: float = 0.0


def tune_of(theme: Theme, controls: Controls) -> Tune:
    """The ordered theme in the take's meter and key."""
    meter = parse_meter(controls.meter)
    motif = motif_of(theme, meter)
    _, _, mode = controls.key.partition(" ")
    scale = _seven(mode)
    pitches = tuple(12 * (tone.degree // 7) + scale[tone.degree % 7] + tone.alter for tone in motif.tones)
    return Tune(
        tuple(tone.onset for tone in motif.tones), pitches, sum(tone.onset < meter.bar for tone in motif.tones),
        2 if len(SCALES[mode]) == 5 else 1,
    )  # fmt: skip


@cache
def _seven(mode: str) -> tuple[int, ...]:
    """Seven degrees for a mode: its own, or those of the seven-tone scale that it is heard within."""
    if mode == "octatonic":
        return 0, 1, 3, 6, 7, 9, 10
    return SCALES[mode.replace(" pentatonic", "")]


def lines_of(score: Score) -> list[tuple[str, Line]]:
    """Every pitched track's role and line of top notes."""
    return [(track.role, line(track.notes)) for track in pitched(score) if len(track.notes.onset) >= 3]


def find(tune: Tune, lines: Sequence[tuple[str, Line]]) -> Match:
    """The best stretch of all lines; a score of 0 where nothing as long as it must be moves like the theme."""
    best = Match(0.0, 0)
    for role, (onsets, pitches) in lines:
        for sign in (1, -1):
            for scaling in _SCALINGS:
                found = _aligned(tune, (onsets, pitches * sign), scaling)
                if found.score > best.score:
                    best = Match(found.score, found.notes, role, found.onset)
    return best


def _gain(asked: int) -> float:
    """What a step is worth: leaps say more than steps, repeated notes the least."""
    return {0: 0.4, 1: 0.8, 2: 0.8}.get(abs(asked), 1.5 if abs(asked) < 5 else 1.8)


def _aligned(tune: Tune, sung: Line, scaling: float) -> Match:
    """The best local alignment of a theme with a line that is sung `scaling` times as slow."""
    onsets, pitches = sung
    count = len(onsets)
    score, length = np.zeros(count), np.ones(count, dtype=np.int64)
    whole_head = np.ones(count, dtype=bool)  # the stretch began with the theme's first note
    best = Match(0.0, 0)
    for place in range(1, len(tune.pitches)):
        asked = tune.pitches[place] - tune.pitches[place - 1]
        lasts = (tune.onsets[place] - tune.onsets[place - 1]) * scaling
        new, held, first = np.full(count, -1.0), np.ones(count, dtype=np.int64), np.zeros(count, dtype=bool)
        for back in range(1, min(ORNAMENTS + 2, count)):
            moved, waited = pitches[back:] - pitches[:-back], onsets[back:] - onsets[:-back]
            off = np.abs(moved - asked)
            step = _gain(asked) * np.where(off == 0, 1.0, 0.6)
            step = step + np.where(np.abs(waited - lasts) <= _RHYTHM_NEAR * lasts + 0.06, _RHYTHM_GAIN, -0.1)
            reached = score[:-back] + step - _ORNAMENT_COST * (back - 1)
            right = (off <= tune.slack) & ((np.sign(moved) == np.sign(asked)) | (abs(asked) <= tune.slack))
            right &= waited <= 2.5 * lasts + 0.1
            better = right & (reached > new[back:])
            new[back:] = np.where(better, reached, new[back:])
            held[back:] = np.where(better, length[:-back] + 1, held[back:])
            first[back:] = np.where(better, whole_head[:-back], first[back:])
        dead = new <= 0
        score, length, whole_head = np.where(dead, 0.0, new), np.where(dead, 1, held), np.where(dead, False, first)
        counts = (length >= FEWEST) | (whole_head & (length >= max(3, tune.head)))
        if counts.any():
            at = int(np.argmax(np.where(counts, score, 0.0)))
            if score[at] > best.score:
                best = Match(float(score[at]), int(length[at]), onset=float(onsets[at]))
    return best


def motif_tune_of(controls: Controls) -> Tune:
    """The catalog's motif itself, of which the zone's theme is a variant."""
    return tune_of(replace(controls.theme, variant=0), controls)


def strangers(controls: Controls) -> list[Tune]:
    """Themes of other catalogs, as long as the ordered one and in the same key and meter."""
    own = controls.theme
    return [tune_of(Theme(seed=(own.seed + 7919 * (number + 1)) % (1 << 53), bars=own.bars), controls)
            for number in range(STRANGERS)]  # fmt: skip


def threshold(chance: Sequence[float]) -> float:
    """The score that strange themes reach in no more than one take in ten."""
    return float(np.quantile(np.array(chance), 1 - CHANCE, method="higher")) if len(chance) else 0.0


def transposed(tune: Tune, key: str, octave: int = 5) -> list[int]:
    """The theme as MIDI keys in a key: for constructed material."""
    tonic, _ = tonic_and_scale(key)
    return [12 * octave + tonic + pitch for pitch in tune.pitches]
