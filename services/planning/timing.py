"""Lengths: bars and seconds of one another, and the tempi that fit one grid. Pure arithmetic; no brief, no words."""

from dataclasses import dataclass
from fractions import Fraction

MOST_SECONDS = 1800.0
TAIL_SECONDS = 2.5
TAIL_SHARE = 0.08
DEFAULT_BARS = 16
LOWEST_BPM, HIGHEST_BPM = 20.0, 300.0

GRID = tuple(Fraction(*ratio) for ratio in (
    (1, 1), (3, 2), (2, 1), (4, 3), (2, 3), (1, 2), (3, 4), (5, 4), (4, 5),
))
"""Ratios at which bars of two tempi meet again soon, simplest first."""
ZONE_GRID = tuple(Fraction(*ratio) for ratio in ((1, 1), (3, 2), (2, 1), (3, 4), (1, 2)))
"""Ratios that stand in short ratios to one another too, for cues that know nothing of each other."""


class ImpossibleLengthError(ValueError):
    """A length that no piece can have at this tempo; the message says why."""


@dataclass(frozen=True)
class Length:
    """`bars` whole bars within `duration` seconds of file."""

    bars: int
    duration: float


def quarters_per_bar(meter: str) -> float:
    """Quarter notes in a bar: 4 for `4/4`, 3 for `6/8`."""
    beats, unit = meter.split("/")
    return int(beats) * 4 / int(unit)


def length_of(bpm: float, meter: str, loop: bool, *, bars: int | None = None, duration: float | None = None) -> Length:
    """The length of a piece asked for in `bars` or in `duration` seconds (16 bars where neither is).

    A loop is exactly its bars long, the whole number nearest to the duration asked for. A piece that ends lasts exactly
    the duration asked for, its bars leaving a tail of 2.5 s (8 % of a short piece) to ring; asked for in bars, it gets
    that tail on top. Raises ImpossibleLengthError where not one bar fits, or the piece is longer than 30 minutes."""
    quarters = quarters_per_bar(meter)
    bar = quarters * 60.0 / bpm
    if bars is None and duration is None:
        bars = DEFAULT_BARS
    if bars is None:
        assert duration is not None
        free = duration if loop else duration - min(TAIL_SECONDS, TAIL_SHARE * duration)
        bars = max(1, round(free / bar)) if loop else int(free / bar + 1e-9)
        if bars < 1:
            raise ImpossibleLengthError(f"not one bar of {bar:.2f} s fits into {duration:g} s at {bpm:g} bpm")
    else:
        duration = None
    music = bars * quarters * 60.0 / bpm
    if loop:
        seconds = music
    else:
        seconds = duration if duration is not None else round(music + TAIL_SECONDS, 6)
    if seconds > MOST_SECONDS:
        raise ImpossibleLengthError(f"{seconds:.0f} s are more than {MOST_SECONDS:.0f} s")
    return Length(bars, seconds)


def on_grid(wanted: float, of: float, ratios: tuple[Fraction, ...] = GRID) -> float:
    """The tempo nearest to `wanted` (by ratio) that stands in one of `ratios` to the tempo `of`; both in bpm."""
    tempi = [of * ratio.numerator / ratio.denominator for ratio in ratios]
    within = [bpm for bpm in tempi if LOWEST_BPM <= bpm <= HIGHEST_BPM]
    return min(within, key=lambda bpm: max(bpm / wanted, wanted / bpm))


def is_on_grid(bpm: float, of: float) -> bool:
    """Whether two tempi stand in a simple ratio, to a thousandth."""
    return any(abs(bpm / (of * float(ratio)) - 1) < 1e-3 for ratio in GRID)


def bars_meet(one: float, other: float) -> bool:
    """Whether bar lines of two pieces meet again within eight bars of the faster and four of the slower one; both in
    bars a minute, or in bpm where they share a meter."""
    ratio = max(one, other) / min(one, other)
    return any(abs(ratio / (fast / slow) - 1) < 1e-3 for slow in range(1, 5) for fast in range(slow, 9))
