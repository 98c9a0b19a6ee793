"""Chords as people play them: close or open, in range, each led to the next by the least motion.

Parallel fifths and octaves between moving voices, wide leaps of the top voice and gaps above the bass cost; the
cheapest voicing wins. The same chord twice keeps its voicing.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

Voicing = tuple[int, ...]
_KEPT = 10


def lead(chords: Sequence[tuple[int, ...]], low: int, high: int, voices: int, centre: float) -> list[Voicing]:
    """A voicing (MIDI keys, ascending) for each chord, given as pitch classes with the root first.

    `voices` notes each where the range allows, all within low..high, their mean near `centre`."""
    line: list[Voicing] = []
    for chord in chords:
        if line and chord == chords[len(line) - 1]:
            line.append(line[-1])
            continue
        line.append(_next(line[-1] if line else None, chord, low, high, voices, centre))
    return line


@lru_cache(maxsize=8192)
def _next(before: Voicing | None, chord: tuple[int, ...], low: int, high: int, voices: int, centre: float) -> Voicing:
    options = _options(chord, low, high, voices)
    if before is None:
        return min(options, key=lambda voicing: (_shape(voicing, centre), voicing))
    ranked = sorted((_motion(before, voicing) + _shape(voicing, centre), voicing) for voicing in options)[:_KEPT]
    return min(ranked, key=lambda pair: (pair[0] + 12 * parallels(before, pair[1]), pair[1]))[1]


@lru_cache(maxsize=2048)
def _options(chord: tuple[int, ...], low: int, high: int, voices: int) -> tuple[Voicing, ...]:
    """All inversions in close position and with the second voice from the top dropped, in every octave of the range."""
    tones = _chosen(chord, voices)
    found: set[Voicing] = set()
    for bottom in range(low, high + 1):
        if bottom % 12 not in tones:
            continue
        stack = _stacked(bottom, tones, voices)
        opened = tuple(sorted((*stack[:-2], stack[-1], stack[-2] - 12))) if len(stack) >= 3 else stack
        found.update(voicing for voicing in (stack, opened) if _playable(voicing, low, high))
    return tuple(sorted(found)) or (_squeezed(tones, low, high),)


def _playable(voicing: Voicing, low: int, high: int) -> bool:
    return low <= voicing[0] and voicing[-1] <= high and len(set(voicing)) == len(voicing)


def _chosen(chord: tuple[int, ...], voices: int) -> tuple[int, ...]:
    """The tones that matter when there are fewer voices than tones: the fifth goes first, then the root."""
    tones = list(dict.fromkeys(chord))
    while len(tones) > voices:
        tones.pop(2 if len(tones) > 3 else 0 if len(tones) > 2 else -1)
    return tuple(tones)


def _stacked(bottom: int, tones: tuple[int, ...], voices: int) -> Voicing:
    stack = [bottom]
    while len(stack) < voices:
        stack.append(min(stack[-1] + ((tone - stack[-1] - 1) % 12) + 1 for tone in tones))
    return tuple(stack)


def _squeezed(tones: tuple[int, ...], low: int, high: int) -> Voicing:
    return tuple(sorted(low + (tone - low) % 12 for tone in tones if low + (tone - low) % 12 <= high))


def _shape(voicing: Voicing, centre: float) -> float:
    """How uncomfortable a voicing is by itself: far from the centre, or muddy (narrow intervals low down)."""
    mud = sum(3.0 for one, two in zip(voicing, voicing[1:], strict=False) if two - one < 3 and one < 52)
    seconds = sum(0.7 for one, two in zip(voicing, voicing[1:], strict=False) if two - one == 1)
    return 0.35 * abs(sum(voicing) / len(voicing) - centre) + mud + seconds


def _motion(before: Voicing, after: Voicing) -> float:
    if len(before) != len(after):
        return float(sum(min(abs(one - two) for two in after) for one in before))
    moves = [abs(one - two) for one, two in zip(before, after, strict=True)]
    return 0.6 * sum(moves) + 0.5 * max(0, moves[-1] - 4)


def parallels(before: Voicing, after: Voicing) -> int:
    """How many pairs of voices move in parallel perfect fifths or octaves (both moving, same direction)."""
    count = 0
    for one, two in combinations(range(min(len(before), len(after))), 2):
        gap = (before[two] - before[one]) % 12
        if gap in (0, 7) and (after[two] - after[one]) % 12 == gap:
            count += before[one] != after[one] and (after[one] - before[one]) * (after[two] - before[two]) > 0
    return count
