"""The motif that a zone's cues share, in scale degrees and rhythm, so that it survives any key, mode and meter.

A drawn motif follows the shape that is remembered: a basic idea with one telling leap that is filled by step, its
varied repetition, a contrasting continuation, and an open close. A given one is read back from its notes.
"""

from dataclasses import dataclass
from functools import lru_cache

from models.composer.dice import Dice
from models.composer.keyfinding import estimate
from models.composer.meter import Meter
from models.composer.theory import Key, parse_key
from models.controls import Theme

# Rhythm cells of one 4/4 bar, in quarter notes; each sums to 4. Warped to other meters.
_IDEAS = (
    (1.5, 0.5, 2.0),
    (2.0, 1.0, 1.0),
    (1.0, 1.0, 2.0),
    (1.5, 0.5, 1.0, 1.0),
    (1.0, 0.5, 0.5, 2.0),
    (0.5, 0.5, 1.0, 2.0),
    (3.0, 0.5, 0.5),
    (1.5, 1.5, 1.0),
    (1.0, 1.0, 1.0, 1.0),
    (2.0, 1.5, 0.5),
)
_RUNS = (
    (1.0, 1.0, 0.5, 0.5, 1.0),
    (0.5, 0.5, 1.0, 0.5, 0.5, 1.0),
    (1.5, 0.5, 0.5, 0.5, 1.0),
    (1.0, 0.5, 0.5, 1.0, 1.0),
    (1.5, 0.5, 1.0, 1.0),
)
_CLOSES = ((4.0,), (1.0, 3.0), (1.5, 0.5, 2.0), (2.0, 2.0))


@dataclass(frozen=True)
class Tone:
    """A note of a motif: onset and length in quarters, scale degree from 0 (7 is the octave), semitones altered."""

    onset: float
    length: float
    degree: int
    alter: int = 0


@dataclass(frozen=True)
class Motif:
    """`bars` bars of tones in the take's meter. `bar` is the length of one in quarters."""

    tones: tuple[Tone, ...]
    bars: int
    bar: float

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
    """The motif of a theme in a meter. `voice` other than `theme` draws a companion (the counter-motif)."""
    if theme.notes and voice == "theme":
        return _given(theme, meter)
    dice = Dice("motif", voice, theme.seed)
    drawn = _drawn(dice, max(1, theme.bars))
    return Motif(_warped(drawn, meter), max(1, theme.bars), meter.bar)


def _drawn(dice: Dice, bars: int) -> list[tuple[float, float, int]]:
    """(onset, length, degree) triples over `bars` bars of 4/4."""
    idea = dice.pick(_IDEAS)
    run = dice.pick(_RUNS)
    close = dice.pick(_CLOSES)
    start = dice.pick((0, 2, 4), (4, 3, 4))
    degrees = _idea_degrees(dice, len(idea), start)
    cells = [(idea, degrees)]
    shift = min((0, 1, -1, 2, -2), key=lambda each: (abs(degrees[0] + each - degrees[-1]) + dice.uniform(0, 2.5), each))
    if bars >= 3:
        cells.append((idea, _varied(dice, degrees, shift)))
    if bars >= 4:
        cells.append((run, _wave(dice, len(run), cells[-1][1][-1])))
    for _ in range(bars - 4):
        cells.append((run, _wave(dice, len(run), cells[-1][1][-1])))
    if bars >= 2:
        cells.append((close, _closing(dice, len(close), cells[-1][1][-1])))
    triples: list[tuple[float, float, int]] = []
    for bar, (rhythm, line) in enumerate(cells):
        at = 4.0 * bar
        for length, degree in zip(rhythm, line, strict=True):
            triples.append((at, length, degree))
            at += length
    return triples


def _idea_degrees(dice: Dice, count: int, start: int) -> list[int]:
    """One leap (a third to a sixth), then steps against it; three-note ideas keep their leap at the front."""
    leap_at = dice.whole(1, max(1, count - 2))
    upward = start < 4 or dice.chance(0.3)
    leap = dice.pick((2, 3, 4, 5), (6, 4, 2, 1)) * (1 if upward else -1)
    line = [start]
    heading = 1 if leap < 0 else -1
    for place in range(1, count):
        if place == leap_at:
            line.append(line[-1] + leap)
        elif place < leap_at:
            line.append(line[-1] + dice.pick((0, 1, -1), (1, 3, 3)))
        else:
            line.append(line[-1] + heading * dice.pick((1, 2), (7, 1)))
    return _within(line)


def _varied(dice: Dice, degrees: list[int], shift: int) -> list[int]:
    moved = [degree + shift for degree in degrees]
    moved[-1] += dice.pick((0, 1, -1, 2), (2, 2, 2, 1))
    return _within(moved)


def _wave(dice: Dice, count: int, last: int) -> list[int]:
    """A stepwise run that turns once, starting a step from the note before it."""
    heading = -1 if last > 4 else 1
    turn = dice.whole(1, max(1, count - 2))
    line = [last + heading]
    for place in range(1, count):
        if place == turn:
            heading = -heading
        line.append(line[-1] + heading * dice.pick((1, 2), (5, 1)))
    return _within(line)


def _closing(dice: Dice, count: int, last: int) -> list[int]:
    """Steps towards an open degree: the second, the fifth or the third."""
    goal = min((1, 4, 2, 6, -3), key=lambda degree: (abs(degree - last + dice.whole(-1, 1)), degree))
    line = [goal]
    for _ in range(count - 1):
        line.insert(0, line[0] + (1 if last >= line[0] else -1))
    return _within(line)


def _within(line: list[int]) -> list[int]:
    """Keep a line between the fourth below and the tenth above the tonic, by mirroring at the edges."""
    low, high = -3, 9
    return [
        low + (low - degree) if degree < low else high - (degree - high) if degree > high else degree for degree in line
    ]


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
