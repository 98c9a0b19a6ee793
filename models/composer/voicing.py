"""Chords as people play them: close or open, in range, each led to the next by the least motion.

What costs: motion, wide leaps of the top voice, gaps over an octave, narrow intervals low down, being far from the
centre, and above all parallel fifths and octaves, among the player's own voices and with the parts that are written
already (the melody, the bass, other players). The cheapest voicing wins. The same chord twice keeps its voicing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.composer.counterpoint import Strand, matched

Voicing = tuple[int, ...]
_PARALLEL, _OUTER = 24.0, 30.0
_WIDEST, _SPAN = 10, 21
_MUD = 50
_BEAM = 3  # voicings of a chord that are followed on
_MISSED = (8.0, 5.0, 0.8, 2.0, 1.2)  # what leaving out root, third, fifth, seventh and ninth costs
_KEYS = 11  # chord tones nearest to the centre that voicings are made of


class _Path(NamedTuple):
    """Voicings so far and what they cost."""

    cost: float
    line: tuple[Voicing, ...]


@dataclass(frozen=True)
class _Options:
    """All voicings of a chord in a range, (n, voices) MIDI keys ascending, and what each costs by itself."""

    rows: tuple[Voicing, ...]
    keys: NDArray[np.int64]
    shape: NDArray[np.float64]
    gaps: NDArray[np.int64]


def lead(
    chords: Sequence[tuple[int, ...]],
    low: int,
    high: int,
    voices: int,
    centre: float,
    heard: Sequence[Strand] = (),
) -> list[Voicing]:
    """A voicing (MIDI keys, ascending) for each chord, given as pitch classes with the root first.

    `voices` notes each where the range allows, all within low..high, their mean near `centre`. `heard` are the parts
    written already, with as many changes as there are chords; no voicing runs in parallel perfect intervals with them
    where another will do."""
    paths: list[_Path] = [_Path(0.0, ())]
    for place, chord in enumerate(chords):
        if place and chord == chords[place - 1]:
            paths = [_Path(path.cost, (*path.line, path.line[-1])) for path in paths]
            continue
        options = _options(chord, low, high, voices, centre)
        further = [step for path in paths for step in _steps(path, options, heard, place)]
        paths = sorted(further)[:_BEAM]
    return list(paths[0].line)


def _steps(path: _Path, options: _Options, heard: Sequence[Strand], place: int) -> list[_Path]:
    """The cheapest ways on from a path."""
    cost = options.shape
    if path.line:
        cost = cost + _motion(path.line[-1], options) + _crossing(path.line[-1], options, heard, place)
    rounded = np.round(cost, 6)
    best = np.argsort(rounded, kind="stable")[:_BEAM]
    return [_Path(path.cost + float(rounded[row]), (*path.line, options.rows[row])) for row in best.tolist()]


@lru_cache(maxsize=4096)
def _options(chord: tuple[int, ...], low: int, high: int, voices: int, centre: float) -> _Options:
    """Every spread of the chord's tones that hands can hold: neighbours within a sixth or so, the whole within an
    octave and a half."""
    tones = tuple(dict.fromkeys(chord))
    scale = [key for key in range(low, high + 1) if key % 12 in tones]
    near = sorted(scale, key=lambda key: (abs(key - centre), key))[:_KEYS]
    found = [row for row in combinations(sorted(near), voices) if _holds(row, tones)]
    found = found or [_squeezed(_chosen(chord, voices), low, high)]
    keys = np.array(found, dtype=np.int64)
    gaps = np.array([[keys[:, two] - keys[:, one]] for one, two in combinations(range(keys.shape[1]), 2)], np.int64)
    return _Options(
        tuple(found), keys, np.array([_shape(row, tones, centre) for row in found]), gaps.reshape(-1, len(found)) % 12
    )


def _holds(row: Voicing, tones: tuple[int, ...]) -> bool:
    """Whether hands reach it and it says the chord: three of its tones (or all it has), the third among them."""
    if row[-1] - row[0] > _SPAN or any(two - one > _WIDEST for one, two in zip(row, row[1:], strict=False)):
        return False
    held = {key % 12 for key in row}
    return len(held) >= min(len(row), len(tones), 3) and (len(tones) < 3 or tones[1] in held)


def _chosen(chord: tuple[int, ...], voices: int) -> tuple[int, ...]:
    """The tones that matter when there are fewer voices than tones: the fifth goes first, then the root."""
    tones = list(dict.fromkeys(chord))
    while len(tones) > voices:
        tones.pop(2 if len(tones) > 3 else 0 if len(tones) > 2 else -1)
    return tuple(tones)


def _squeezed(tones: tuple[int, ...], low: int, high: int) -> Voicing:
    return tuple(sorted(low + (tone - low) % 12 for tone in tones if low + (tone - low) % 12 <= high)) or (low,)


def _shape(voicing: Voicing, chord: tuple[int, ...], centre: float) -> float:
    """How uncomfortable a voicing is by itself: off the centre, muddy low down, wide, or with a doubled third."""
    gaps = list(zip(voicing, voicing[1:], strict=False))
    mud = sum(3.0 for one, two in gaps if two - one < 3 and one < 52)
    mud += sum(1.5 for one, two in gaps if two - one < 5 and one < _MUD)
    seconds = sum(0.7 for one, two in gaps if two - one == 1)
    wide = sum(0.25 * max(0, two - one - 6) for one, two in gaps)
    thirds = [tone for tone in chord[1:2] if (tone - chord[0]) % 12 in (3, 4)]
    doubled = 0.8 * max(0, sum(key % 12 in thirds for key in voicing) - 1)
    held = {key % 12 for key in voicing}
    missing = sum(cost for tone, cost in zip(chord, _MISSED, strict=False) if tone not in held)
    return 0.35 * abs(sum(voicing) / len(voicing) - centre) + mud + seconds + wide + doubled + missing


def _motion(before: Voicing, options: _Options) -> NDArray[np.float64]:
    """How far the voices go, and the parallels among themselves."""
    count = options.keys.shape[1]
    if len(before) != count:
        return 0.6 * np.abs(options.keys[:, [0, -1]] - np.array([before[0], before[-1]])).sum(axis=1)
    moves = options.keys - np.array(before)
    cost = 0.6 * np.abs(moves).sum(axis=1) + 0.5 * np.maximum(0, np.abs(moves[:, -1]) - 4)
    for place, (one, two) in enumerate(combinations(range(count), 2)):
        gap = (before[two] - before[one]) % 12
        if gap in (0, 7):
            cost = cost + _PARALLEL * ((options.gaps[place] == gap) & (moves[:, one] * moves[:, two] > 0))
    return cost


def _crossing(before: Voicing, options: _Options, heard: Sequence[Strand], place: int) -> NDArray[np.float64]:
    """Parallels with what is heard already, and voices above the melody."""
    cost = np.zeros(len(options.keys))
    count = options.keys.shape[1]
    for strand in heard:
        old, new = matched(strand.before[place], strand.after[place])
        if strand.role == "melody" and new:
            cost += 0.15 * np.maximum(0, options.keys[:, -1] - new[-1])
        weight = _OUTER if strand.role in ("melody", "bass") else _PARALLEL
        for one, two in zip(old, new, strict=True):
            for mine in range(count) if one != two and len(before) == count else ():
                gap = abs(before[mine] - one) % 12
                if gap in (0, 7):
                    moves = (options.keys[:, mine] - before[mine]) * (two - one) > 0
                    cost += weight * (moves & (np.abs(options.keys[:, mine] - two) % 12 == gap))
    return cost
