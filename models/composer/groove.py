"""Step patterns: rhythm written as text, fitted to any meter, and swung.

A pattern has 16 steps for a 4/4 bar and, where a genre wants it, 12 for a bar of 6/8. Other meters are made from its
beats: 3/4 takes beats 1, 2 and 4, 5/4 repeats the second, 7/8 ends half a beat early, 12/8 plays the 6/8 bar twice.
"""

from functools import lru_cache

from models.composer.line import Event
from models.composer.meter import Meter

_BEATS = {
    1: (0,),
    2: (0, 1),
    3: (0, 1, 3),
    4: (0, 1, 2, 3),
    5: (0, 1, 1, 2, 3),
    6: (0, 1, 3, 0, 1, 3),
    7: (0, 1, 2, 3, 0, 1, 3),
}


@lru_cache(maxsize=2048)
def steps(pattern: str, meter: Meter, bar: int) -> tuple[tuple[float, str], ...]:
    """(place in the bar in quarters, mark) of every step that is not a rest (`.`), for the `bar`-th bar.

    Raises ValueError for a pattern of neither 16 nor 12 steps."""
    row = pattern.replace("|", "").replace(" ", "")
    if len(row) not in (12, 16):
        raise ValueError(f"a pattern has 16 steps (4/4) or 12 (6/8), not {len(row)}: {pattern!r}")
    count = round(meter.bar * 4)
    if meter.compound:
        line = (_compound(row) * (count // 12 + 1))[:count]
    else:
        line = _simple(row if len(row) == 16 else row + row[:4], bar, count)
    return tuple((place / 4, mark) for place, mark in enumerate(line) if mark != ".")


def _simple(row: str, bar: int, count: int) -> str:
    if count % 4:
        return (row * (count // 16 + 1))[:count]
    beats = (2, 3) if count == 8 and bar % 2 else _BEATS.get(count // 4, (0, 1, 2, 3))
    line = "".join(row[4 * beat : 4 * beat + 4] for beat in beats)
    return (line * (count // len(line) + 1))[:count]


def _compound(row: str) -> str:
    """Twelve steps of a 6/8 bar: as written, or from a 4/4 pattern by its eighths of beats 1, 2 and 3, 4."""
    if len(row) == 12:
        return row
    halves = (row[:8], row[8:])
    return "".join(half[place] + "." for half in halves for place in (0, 2, 6) if place < 8)


def swung(events: list[Event], meter: Meter, swing: float, grid: float) -> list[Event]:
    """Move the second of every pair of `grid` notes to `swing` of the pair; compound and odd meters stay straight."""
    if swing == 0.5 or meter.compound or meter.denominator != 4:
        return events
    return [
        event._replace(onset=_swing(event.onset, swing, grid), length=_length(event, swing, grid)) for event in events
    ]


def _swing(time: float, swing: float, grid: float) -> float:
    pair = 2 * grid
    base = time // pair * pair
    share = (time - base) / pair
    return base + pair * (share * 2 * swing if share <= 0.5 else swing + (share - 0.5) * 2 * (1 - swing))


def _length(event: Event, swing: float, grid: float) -> float:
    return max(0.05, _swing(event.onset + event.length, swing, grid) - _swing(event.onset, swing, grid))
