"""The motif that a zone's cues share, in scale degrees and rhythm, so that it survives any key, mode and meter.

A drawn motif is built as themes that are remembered are: a basic idea with one telling interval, said again (a
sentence: idea, idea, fragments, close; or a period: idea, answer, idea, close), one summit, and an open end. Its line
is drawn before its rhythm, which is native to every meter. Zones derive their own from the catalog's: the same head in
another light, and another way on. A given one is read back from its notes. Nothing is harmonised here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from models.composer.dice import Dice
from models.composer.keyfinding import estimate
from models.composer.meter import Meter
from models.composer.theory import Key, parse_key
from models.controls import Theme

Cell = tuple[float, ...]

# fmt: off
# Rhythms of a unit (its length in quarters, `6/8` for two groups of three eighths), by manner and number of notes.
_MANNERS = ("even", "dotted", "long", "syncopated", "triplet")
_CELLS: dict[str, dict[str, dict[int, Cell]]] = {
    "1": {
        "even": {1: (1,), 2: (.5, .5), 3: (.5, .25, .25), 4: (.25, .25, .25, .25)},
        "dotted": {2: (.75, .25)}, "syncopated": {3: (.25, .5, .25)}, "triplet": {3: (1 / 3, 1 / 3, 1 / 3)},
    },
    "1.5": {
        "even": {1: (1.5,), 2: (1, .5), 3: (.5, .5, .5), 4: (.5, .5, .25, .25)},
        "dotted": {3: (.75, .25, .5)}, "syncopated": {2: (.5, 1)},
    },
    "2": {
        "even": {1: (2,), 2: (1, 1), 3: (1, .5, .5), 4: (.5, .5, .5, .5), 5: (.5, .5, .5, .25, .25),
                 6: (.5, .25, .25, .5, .25, .25)},
        "dotted": {2: (1.5, .5), 3: (.75, .25, 1), 4: (.75, .25, .5, .5), 5: (.75, .25, .5, .25, .25)},
        "long": {3: (1.5, .25, .25)}, "syncopated": {3: (.5, 1, .5)},
        "triplet": {4: (1, 1 / 3, 1 / 3, 1 / 3)},
    },
    "3": {
        "even": {1: (3,), 2: (2, 1), 3: (1, 1, 1), 4: (1, 1, .5, .5), 5: (1, .5, .5, .5, .5), 6: (.5,) * 6,
                 7: (.5, .5, .5, .5, .5, .25, .25)},
        "dotted": {3: (1.5, .5, 1), 4: (1.5, .5, .5, .5), 5: (.75, .25, 1, .5, .5), 6: (.75, .25, .5, .5, .5, .5)},
        "long": {2: (2, 1), 3: (2, .5, .5), 4: (2, 1 / 3, 1 / 3, 1 / 3)},
        "syncopated": {2: (1.5, 1.5), 3: (1, 1.5, .5), 4: (.5, 1, .5, 1)},
        "triplet": {5: (1, 1 / 3, 1 / 3, 1 / 3, 1), 4: (1 / 3, 1 / 3, 1 / 3, 2)},
    },
    "6/8": {
        "even": {1: (3,), 2: (1.5, 1.5), 3: (1.5, 1, .5), 4: (1, .5, 1, .5), 5: (.5, .5, .5, 1, .5), 6: (.5,) * 6,
                 7: (.5, .5, .5, .5, .5, .25, .25)},
        "dotted": {3: (1, .5, 1.5), 4: (.75, .25, .5, 1.5), 5: (.75, .25, .5, 1, .5), 6: (.75, .25, .5, .75, .25, .5)},
        "long": {2: (2.5, .5), 3: (2, .5, .5), 4: (1.5, .5, .5, .5), 5: (1.5, .5, .5, .25, .25)},
        "syncopated": {3: (1, 1, 1), 4: (.5, 1, .5, 1)},
    },
    "4": {
        "even": {1: (4,), 2: (2, 2), 3: (1, 1, 2), 4: (1, 1, 1, 1), 5: (1, .5, .5, 1, 1), 6: (1, .5, .5, 1, .5, .5),
                 7: (.5, .5, .5, .5, 1, .5, .5), 8: (.5,) * 8},
        "dotted": {2: (3, 1), 3: (1.5, .5, 2), 4: (1.5, .5, 1, 1), 5: (1.5, .5, .75, .25, 1),
                   6: (.75, .25, .75, .25, 1, 1), 7: (.75, .25, .5, .5, .75, .25, 1)},
        "long": {2: (3, 1), 3: (3, .5, .5), 4: (2.5, .5, .5, .5), 5: (2, .5, .5, .5, .5), 6: (1.5, .5, .5, .5, .5, .5)},
        "syncopated": {2: (2.5, 1.5), 3: (1.5, 1.5, 1), 4: (1.5, 1, .5, 1), 5: (.5, 1, .5, 1, 1),
                       6: (.5, 1, .5, .5, 1, .5), 7: (.5, 1, .5, .5, .5, .5, .5)},
        "triplet": {4: (2, 2 / 3, 2 / 3, 2 / 3), 5: (1, 1 / 3, 1 / 3, 1 / 3, 2), 6: (1, 1 / 3, 1 / 3, 1 / 3, 1, 1),
                    7: (1, 1 / 3, 1 / 3, 1 / 3, 1, .5, .5)},
    },
}
_UNITS: dict[tuple[float, ...], tuple[str, ...]] = {
    (1.0, 1.0, 1.5): ("2", "1.5"), (1.5, 1.0, 1.0): ("1.5", "2"), (1.0, 1.5, 1.0): ("1", "1.5", "1"),
    (3.0, 2.0): ("3", "2"), (2.0, 3.0): ("2", "3"), (1.0,) * 4: ("4",), (1.0,) * 3: ("3",), (1.0,) * 2: ("2",),
    (1.5,) * 2: ("6/8",), (1.5,) * 3: ("6/8", "1.5"), (1.5,) * 4: ("6/8", "6/8"), (1.0,) * 5: ("3", "2"),
}
# Heads as intervals in degrees; `None` is the telling leap. Many a tune that everybody knows begins with one of them.
_HEADS: dict[int, tuple[tuple[int | None, ...], ...]] = {
    3: ((None, -1), (-1, None), (None, 1), (1, None), (0, None), (None, -2)),
    4: ((None, -1, -1), (-1, -1, None), (-1, None, -1), (None, -1, 1), (0, 0, None), (1, 1, None), (2, 2, -1),
        (-1, 1, None), (None, 0, -1), (1, None, -1), (None, 1, -1)),
    5: ((None, -1, -1, -1), (1, -1, None, -1), (0, None, -1, -1), (1, 1, None, -1), (-1, -1, None, -1), (2, 2, 1, -1),
        (None, -1, -1, 1), (-1, 1, None, -1), (None, 1, -1, -1), (1, 1, 1, None), (None, -1, 1, -1)),
}
_LEAPS = ((2, 3, 4, 5, 7), (2, 5, 5, 3, 1))
_PLANS: dict[int, tuple[str, ...]] = {  # I idea, V varied idea, F fragments, R run, A answer, C close
    1: ("I",), 2: ("IC", "IC", "IA"), 3: ("IVC", "IRC"), 4: ("IVFC", "IVFC", "IAIC", "IAIC", "IRVC", "IIRC", "IFVC"),
}
# fmt: on
_DRAFTS = 24
_LOW, _HIGH = -3, 9


@dataclass(frozen=True)
class Tone:
    """A note of a motif: onset and length in quarters, scale degree from 0 (7 is the octave), semitones altered."""

    onset: float
    length: float
    degree: int
    alter: int = 0


@dataclass(frozen=True)
class Motif:
    """`bars` bars of tones in the take's meter. `bar` is the length of one in quarters; `pickup` are tones that may
    lead into it, at negative onsets."""

    tones: tuple[Tone, ...]
    bars: int
    bar: float
    pickup: tuple[Tone, ...] = ()

    def slice(self, first: int, count: int) -> tuple[Tone, ...]:
        """The tones of `count` bars from bar `first`, counted from their own start."""
        start, end = first * self.bar, (first + count) * self.bar
        return tuple(
            Tone(tone.onset - start, min(tone.length, end - tone.onset), tone.degree, tone.alter)
            for tone in self.tones
            if start - 1e-9 <= tone.onset < end - 1e-9
        )

    @property
    def head(self) -> tuple[Tone, ...]:
        """The first bar: what is recognised."""
        return self.slice(0, 1)


@lru_cache(maxsize=256)
def motif_of(theme: Theme, meter: Meter, voice: str = "theme") -> Motif:
    """The motif of a theme in a meter: a zone's own where `theme.variant` is not 0. `voice` other than `theme` draws a
    companion (the counter-motif)."""
    if theme.notes and voice == "theme":
        motif = _given(theme, meter)
    else:
        lines = _drawn(Dice("motif", voice, theme.seed), max(1, theme.bars))
        motif = _told(lines, Dice("rhythm", voice, theme.seed), meter)
    return _derived(motif, Dice("zone", voice, theme.seed, theme.variant), meter) if theme.variant else motif


def _drawn(dice: Dice, bars: int) -> list[list[int]]:
    """The degrees of every bar: the most singable of several drafts."""
    plan = dice.pick(_PLANS[min(4, bars)])
    plan = plan[:-1] + "R" * max(0, bars - 4) + plan[-1]
    drafts = [_line(dice, plan) for _ in range(_DRAFTS)]
    ranked = sorted(
        (_awkwardness([degree for bar in draft for degree in bar]), place) for place, draft in enumerate(drafts)
    )
    return drafts[ranked[0][1]]


def _line(dice: Dice, plan: str) -> list[list[int]]:
    idea = _idea(dice)
    bars = [idea]
    for letter in plan[1:]:
        bars.append(_bar(dice, letter, idea, bars[-1]))
    return bars


def _idea(dice: Dice) -> list[int]:
    shape = dice.pick(_HEADS[dice.pick((3, 4, 5), (3, 5, 3))])
    leap = dice.pick(*_LEAPS) * (-1 if dice.chance(0.25) else 1)
    line = [dice.pick((0, 2, 4), (4, 3, 5) if leap < 0 or shape[0] != leap else (5, 2, 4))]
    for interval in shape:
        line.append(line[-1] + (leap if interval is None else interval if leap > 0 or abs(interval) < 1 else -interval))
    return _within(line)


def _bar(dice: Dice, letter: str, idea: list[int], before: list[int]) -> list[int]:
    last = before[-1]
    if letter == "I":
        return list(idea)
    if letter == "V":
        shift = min((1, -1, 2, -2), key=lambda each: (abs(idea[0] + each - last) + dice.uniform(0, 3), each))
        return _within([*(degree + shift for degree in idea[:-1]), idea[-1] + shift + dice.pick((0, 0, 1, -1))])
    if letter == "F":
        return _fragments(dice, idea, last)
    if letter == "R":
        return _wave(dice, dice.whole(5, 6), last)
    if letter == "A":
        return _closing(dice, dice.whole(2, 4), last, (1, 4, 2, 6))
    return _closing(dice, dice.whole(1, 3), last, (1, 4, 2, 6, -3))


def _fragments(dice: Dice, idea: list[int], last: int) -> list[int]:
    """The idea's beginning twice or three times in sequence: shorter breath, rising (falling where it is high)."""
    size = 2 if len(idea) < 4 or dice.chance(0.4) else 3
    piece = [degree - idea[0] for degree in idea[:size]]
    heading = -1 if last > 5 else 1
    start = last + dice.pick((0, 1)) * heading
    times = 2 if size == 3 else 3
    return _within([start + heading * turn * dice.pick((1, 1, 2)) + step for turn in range(times) for step in piece])


def _wave(dice: Dice, count: int, last: int) -> list[int]:
    """A stepwise run that turns once, starting a step from the note before it."""
    heading = -1 if last > 4 else 1
    turn = dice.whole(2, max(2, count - 2))
    line = [last + heading]
    for place in range(1, count):
        heading = -heading if place == turn else heading
        line.append(line[-1] + heading * dice.pick((1, 2), (6, 1)))
    return _within(line)


def _closing(dice: Dice, count: int, last: int, goals: Sequence[int]) -> list[int]:
    """Steps towards an open degree: the second, the fifth or the third."""
    goal = min(goals, key=lambda degree: (abs(degree - last + dice.whole(-1, 1)), degree))
    line = [goal]
    for _ in range(count - 1):
        line.insert(0, line[0] + (1 if last >= line[0] else -1))
    return _within(line)


def _within(line: list[int]) -> list[int]:
    """Keep a line between the fourth below and the tenth above the tonic, by mirroring at the edges."""
    return [
        _LOW + (_LOW - degree) if degree < _LOW else _HIGH - (degree - _HIGH) if degree > _HIGH else degree
        for degree in line
    ]


def _awkwardness(line: list[int]) -> float:
    """What makes a line hard to sing or to remember: no single summit or an early one, wide or narrow range, leaps that
    are not filled, notes that stand still."""
    moves = [two - one for one, two in pairwise(line)]
    top, span = max(line), max(line) - min(line)
    summit = line.index(top) / max(1, len(line) - 1)
    cost = 1.5 * (line.count(top) - 1) + 3.0 * max(0.0, 0.35 - summit) + 0.6 * max(0, span - 9) + 1.2 * max(0, 5 - span)
    for one, two in pairwise([*moves, 0]):
        cost += 1.5 * (abs(one) > 5 and abs(one) != 7) + 1.0 * (abs(one) >= 3 and one * two > 0 and abs(two) > 1)
        cost += 0.7 * (abs(one) >= 4 and not -2 <= two * (1 if one > 0 else -1) <= 0) + 0.6 * (one == two == 0)
    leaps = sum(abs(move) >= 3 for move in moves)
    return cost + 0.5 * max(0, leaps - 1 - len(moves) // 6) + 2.0 * (leaps == 0)


def _told(lines: Sequence[Sequence[int]], dice: Dice, meter: Meter) -> Motif:
    """Bars of degrees in rhythm: ideas share one, the last bar opens out; some themes begin with a pickup."""
    manner = dice.pick(_MANNERS, (2, 4, 3, 3, 2))
    busy = dice.pick(("even", manner, "dotted"), (3, 2, 1))
    shapes = [dice.uniform() for _ in range(3)]
    tones: list[Tone] = []
    for bar, line in enumerate(lines):
        last = bar == len(lines) - 1 and bar > 0
        same = [degree - line[0] for degree in line[:-1]] == [degree - lines[0][0] for degree in lines[0][:-1]]
        cell = bar_rhythm(
            meter, len(line), "even" if last else manner if same else busy, shapes[2 if last else not same]
        )
        at = bar * meter.bar
        for length, degree in zip(cell, line, strict=False):
            tones.append(Tone(at, length, degree))
            at += length
    return Motif(tuple(tones), len(lines), meter.bar, _pickup(dice, meter, lines[0][0]))


def _pickup(dice: Dice, meter: Meter, first: int) -> tuple[Tone, ...]:
    """Nothing, or one to three notes that lead to the first by step, or leap up to it from the dominant."""
    lines = (
        (),
        (first - 3 if first >= 0 else first + 1,),
        (first - 2, first - 1),
        (first + 1, first),
        (first - 3, first - 2, first - 1),
    )
    line = dice.pick(lines, (5, 3, 2, 1, 1))
    length = 0.5 if meter.bar > 2 or len(line) < 3 else 0.25
    return tuple(Tone((place - len(line)) * length, length, degree) for place, degree in enumerate(line))


def bar_rhythm(meter: Meter, count: int, manner: str, shape: float) -> Cell:
    """Lengths of the `count` notes of a bar (fewer where it cannot hold them) in a manner wished for; `shape` (0..1)
    chooses among rhythms where that manner has none."""
    units = _units(meter)
    room = [max(len(cell) for cells in _CELLS[unit].values() for cell in cells.values()) for unit, _ in units]
    counts = [1] * len(units)
    for _ in range(min(count, sum(room)) - len(units)):
        free = [place for place in range(len(units)) if counts[place] < room[place]]
        lead = 0.4 if shape < 0.5 else -0.4
        weights = {place: units[place][1] / (counts[place] + (lead if place else 0)) for place in free}
        counts[max(free, key=lambda place: (weights[place], -place))] += 1
    cell: list[float] = []
    for (unit, length), number in zip(units, counts, strict=True):
        cell += _scaled(_chosen(unit, number, manner, shape), length)
    return tuple(cell) if count >= len(units) else _merged(cell, count)


def _units(meter: Meter) -> list[tuple[str, float]]:
    """The units a bar is told in, each with its length in quarters."""
    names = _UNITS.get(meter.groups)
    if names:
        return [(name, 3.0 if name == "6/8" else float(name)) for name in names]
    return [(f"{group:g}" if group in (1.0, 1.5, 2.0, 3.0) else "1", group) for group in meter.groups]


def _chosen(unit: str, count: int, manner: str, shape: float) -> Cell:
    known = _CELLS[unit]
    if count in known.get(manner, {}):
        return known[manner][count]
    options = [cells[count] for cells in known.values() if count in cells]
    return options[int(shape * len(options))]


def _scaled(cell: Cell, length: float) -> list[float]:
    scale = length / sum(cell)
    return [each * scale for each in cell] if abs(scale - 1) > 1e-9 else [float(each) for each in cell]


def _merged(cell: list[float], count: int) -> Cell:
    """Fewer notes than units: the last ones become one."""
    return (*cell[: count - 1], sum(cell[count - 1 :]))


def _derived(motif: Motif, dice: Dice, meter: Meter) -> Motif:
    """A zone's own theme: the head keeps its line or its rhythm, and what follows goes another way."""
    kept = 1 if len(motif.head) >= 4 or motif.bars < 3 else 2
    head = motif.slice(0, kept)
    manner = dice.pick(("light", "rhythm", "mirror", "colour"), (3, 3, 1, 2))
    if manner == "rhythm":
        head = _retold(motif, kept, dice, meter)
    elif manner == "mirror":
        head = tuple(replace(tone, degree=_within([2 * head[0].degree - tone.degree])[0], alter=0) for tone in head)
    elif manner == "colour":
        head = _coloured(head, dice)
    lines = _ways_on([tone.degree for tone in head], motif.bars - kept, dice)
    rest = _told(lines, dice, meter) if lines else Motif((), 0, meter.bar)
    tail = tuple(replace(tone, onset=tone.onset + kept * meter.bar) for tone in rest.tones)
    return Motif(head + tail, motif.bars, meter.bar, _pickup(dice, meter, head[0].degree))


def _retold(motif: Motif, bars: int, dice: Dice, meter: Meter) -> tuple[Tone, ...]:
    """The same degrees in another rhythm, bar by bar."""
    manner, shape = dice.pick(_MANNERS), dice.uniform()
    tones: list[Tone] = []
    for bar in range(bars):
        told = motif.slice(bar, 1)
        at = bar * meter.bar
        for length, tone in zip(bar_rhythm(meter, len(told), manner, shape) if told else (), told, strict=False):
            tones.append(replace(tone, onset=at, length=length))
            at += length
    return tuple(tones) or motif.slice(0, bars)


def _coloured(head: tuple[Tone, ...], dice: Dice) -> tuple[Tone, ...]:
    """The widest interval of the head a degree wider or narrower, what follows moved with it."""
    moves = [abs(two.degree - one.degree) for one, two in pairwise(head)]
    if not moves:
        return head
    place = moves.index(max(moves)) + 1
    up = head[place].degree >= head[place - 1].degree
    by = (1 if up else -1) * (1 if moves[place - 1] <= 2 or dice.chance(0.5) else -1)
    return tuple(replace(tone, degree=tone.degree + (by if index >= place else 0)) for index, tone in enumerate(head))


def _ways_on(head: list[int], bars: int, dice: Dice) -> list[list[int]]:
    """Bars after a head, the most singable of several drafts."""
    if bars <= 0:
        return []
    plan = {1: ("C",), 2: ("FC", "RC", "VC"), 3: ("VFC", "RVC", "FRC", "AFC")}.get(bars, ("VFRC",))
    letters = dice.pick(plan)
    letters += "C" * (bars - len(letters))
    drafts = []
    for _ in range(_DRAFTS // 2):
        lines = [head]
        for letter in letters:
            lines.append(_bar(dice, letter, head[:5], lines[-1]))
        drafts.append(lines)
    ranked = sorted(
        (_awkwardness([degree for line in draft for degree in line]), place) for place, draft in enumerate(drafts)
    )
    return drafts[ranked[0][1]][1:]


def _warped(triples: list[tuple[float, float, int]], meter: Meter) -> tuple[Tone, ...]:
    """The motif's rhythm in another meter: places are moved to its grid, notes that fall together become one."""
    places = [int(onset // 4) * meter.bar + meter.warp(onset % 4) for onset, _, _ in triples]
    end = max(int(onset // 4) + 1 for onset, _, _ in triples) * meter.bar
    tones: list[Tone] = []
    for index, (place, (_, _, degree)) in enumerate(zip(places, triples, strict=True)):
        until = places[index + 1] if index + 1 < len(places) else end
        if until - place > 1e-9:
            tones.append(Tone(place, until - place, degree))
    return tuple(tones)


def _given(theme: Theme, meter: Meter) -> Motif:
    """A motif from notes as they stand in a theme file: the top line, in degrees of the key that fits them best."""
    notes = sorted(theme.notes, key=lambda note: (note[0], -note[2]))
    line = [note for place, note in enumerate(notes) if place == 0 or note[0] > notes[place - 1][0] + 1e-6]
    first = int(line[0][0] // meter.bar) * meter.bar
    key = _key_of(line)
    home = min((12 * octave + key.tonic for octave in range(11)), key=lambda tonic: abs(tonic + 5 - _mean(line)))
    span = max(onset + length for onset, length, _ in line) - first
    source = _bar_length(span, theme.bars, meter)
    triples = [
        ((onset - first) * 4 / source, length * 4 / source, *_degree(key, pitch - home))
        for onset, length, pitch in line
    ]
    bars = max(1, min(theme.bars, int(triples[-1][0] // 4) + 1))
    return Motif(_placed(triples, bars, meter), bars, meter.bar)


def _placed(triples: list[tuple[float, float, int, int]], bars: int, meter: Meter) -> tuple[Tone, ...]:
    inside = [triple for triple in triples if triple[0] < 4 * bars]
    alters = {round(onset, 6): alter for onset, _, _, alter in inside}
    tones = _warped([(onset, length, degree) for onset, length, degree, _ in inside], meter)
    places = {int(onset // 4) * meter.bar + meter.warp(onset % 4): alters[round(onset, 6)] for onset, _, _, _ in inside}
    return tuple(Tone(tone.onset, tone.length, tone.degree, places.get(tone.onset, 0)) for tone in tones)


def _mean(line: list[tuple[float, float, int]]) -> float:
    return sum(pitch for _, _, pitch in line) / len(line)


def _key_of(line: list[tuple[float, float, int]]) -> Key:
    weights = [0.0] * 12
    for _, length, pitch in line:
        weights[pitch % 12] += max(length, 0.05)
    return parse_key(estimate(weights)[0])


def _bar_length(span: float, bars: int, meter: Meter) -> float:
    """Quarters in a bar of the file: the take's own meter, 4 or 3 where they give the stated bars (or hold the notes),
    else an equal share."""
    known = (meter.bar, 4.0, 3.0)
    exact = [bar for bar in known if bars - 1 < span / bar <= bars + 1e-6]
    roomy = [bar for bar in known if span / bar <= bars]
    return (exact or roomy or [span / bars])[0]


def _degree(key: Key, semitones: int) -> tuple[int, int]:
    """The scale degree nearest to an interval above the tonic, and by how many semitones it is altered."""
    candidates = range(-21, 36)
    degree = min(candidates, key=lambda each: (abs(key.semitones(each) - semitones), -each))
    return degree, semitones - key.semitones(degree)
