"""The bar: its length, pulses and strong places, for simple, compound and odd meters. BPM counts quarter notes."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from models.composer.dice import Dice
from models.composer.theory import parse_meter_text

# Where the four beats of a 4/4 bar (and its end) fall in other meters, in quarter notes: rhythms are drawn in 4/4.
_BEATS = {
    (4, 4): (0.0, 1.0, 2.0, 3.0, 4.0),
    (3, 4): (0.0, 1.0, 2.0, 2.5, 3.0),
    (2, 4): (0.0, 0.5, 1.0, 1.5, 2.0),
    (5, 4): (0.0, 2.0, 3.0, 4.0, 5.0),
    (6, 8): (0.0, 1.0, 1.5, 2.5, 3.0),
    (7, 8): (0.0, 1.0, 2.0, 3.0, 3.5),
    (9, 8): (0.0, 1.5, 3.0, 4.0, 4.5),
    (12, 8): (0.0, 1.5, 3.0, 4.5, 6.0),
}
# The same for bars that are counted in another way than usual, by their groups.
_TURNED = {
    (2.0, 3.0): (0.0, 1.0, 2.0, 4.0, 5.0),
    (1.5, 1.0, 1.0): (0.0, 1.5, 2.5, 3.0, 3.5),
    (1.0, 1.5, 1.0): (0.0, 1.0, 2.0, 2.5, 3.5),
}
# How bars of unequal groups may be counted, the usual way first.
_GROUPINGS = {
    (5, 4): ((3.0, 2.0), (2.0, 3.0)),
    (5, 8): ((1.0, 1.5), (1.5, 1.0)),
    (7, 8): ((1.0, 1.0, 1.5), (1.5, 1.0, 1.0), (1.0, 1.5, 1.0)),
}


@dataclass(frozen=True)
class Meter:
    """A meter: `bar` its length in quarters, `pulses` the lengths of its felt beats, `middle` where its half begins."""

    numerator: int
    denominator: int
    bar: float
    pulses: tuple[float, ...]
    middle: float
    compound: bool

    @property
    def groups(self) -> tuple[float, ...]:
        """What the bar falls into, in quarters: 3 + 2 beats of 5/4, 2 + 2 + 3 eighths of 7/8, the pulses of others."""
        if len(self.pulses) == 5 and self.middle in (2.0, 3.0) and self.bar == 5.0:
            return (self.middle, self.bar - self.middle)
        return self.pulses

    @cached_property
    def starts(self) -> tuple[float, ...]:
        """Onsets of the pulses within a bar, in quarters."""
        marks, at = [], 0.0
        for pulse in self.pulses:
            marks.append(at)
            at += pulse
        return tuple(marks)

    def strength(self, position: float) -> float:
        """How strong a place of the bar is: 1 the downbeat, .8 the middle, .6 a pulse, .3 an eighth, .1 the rest."""
        place = position % self.bar
        if min(place, self.bar - place) < 0.02:
            return 1.0
        if abs(place - self.middle) < 0.02:
            return 0.8
        if any(abs(place - start) < 0.02 for start in self.starts):
            return 0.6
        return 0.3 if abs(place * 2 - round(place * 2)) < 0.04 else 0.1

    def warp(self, position: float) -> float:
        """Where a place of a 4/4 bar (0..4 quarters) falls in this meter, on its sixteenth grid (eighth in x/8)."""
        marks = self._marks()
        beat = min(int(position), 3)
        at = marks[beat] + (position - beat) * (marks[beat + 1] - marks[beat])
        grid = 2 if self.denominator == 8 else 4
        return min(int(at * grid + 0.5), round(self.bar * grid) - 1) / grid

    def _marks(self) -> tuple[float, ...]:
        """Where the four beats of a 4/4 bar and its end fall in this one."""
        marks = _TURNED.get(self.groups) or _BEATS.get((self.numerator, self.denominator))
        return marks or tuple(self.bar * beat / 4 for beat in range(5))


def counted(meter: Meter, dice: Dice) -> Meter:
    """The meter as one piece counts it: 5/4 as 3+2 or 2+3, 7/8 as 2+2+3, 3+2+2 or 2+3+2; others are left alone."""
    ways = _GROUPINGS.get((meter.numerator, meter.denominator), ())
    if not ways:
        return meter
    groups = dice.pick(ways, (2.0, *(1.0 for _ in ways[1:])))
    if meter.denominator == 4:
        return replace(meter, middle=groups[0])
    return replace(meter, pulses=groups, middle=sum(groups[: (len(groups) + 1) // 2]))


@lru_cache(maxsize=64)
def parse_meter(text: str) -> Meter:
    """Read `6/8` into a Meter. Raises ValueError where it is none."""
    numerator, denominator = parse_meter_text(text)
    unit = 4.0 / denominator
    compound = denominator >= 8 and numerator % 3 == 0 and numerator >= 6
    groups = _groups(numerator, denominator, compound)
    pulses = tuple(group * unit for group in groups)
    halves = pulses[: (len(pulses) + 1) // 2]
    return Meter(
        numerator, denominator, numerator * unit, pulses, sum(halves) if len(pulses) > 1 else numerator * unit, compound
    )


def _groups(numerator: int, denominator: int, compound: bool) -> tuple[int, ...]:
    """How many units every pulse holds: threes in compound meters, else ones (4/4) or twos with a last three (7/8)."""
    if compound:
        return (3,) * (numerator // 3)
    if denominator <= 4 or numerator < 4:
        return (1,) * numerator
    pairs = numerator // 2
    return (2,) * pairs if numerator % 2 == 0 else (2,) * (pairs - 1) + (3,)
