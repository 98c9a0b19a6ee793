"""Step patterns: rhythm written as text, fitted to any meter, and swung.

A row has 16 steps for a 4/4 bar (24: triplet sixteenths, 32: thirty-seconds) or 12 (24) for a bar of 6/8. Other meters
are made from its beats: 3/4 takes beats 1, 2 and 4, 5/4 repeats the second, 7/8 ends half a beat early, 12/8 plays the
6/8 bar twice. Where that cut sounds wrong a row is written for its meter and says so: `3/4:x...x...x...`. Bars that
differ are joined by `/`, and `E5+2` spreads five hits as evenly as the sixteenths allow, turned by two steps.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from models.composer.line import Event
from models.composer.meter import Meter, parse_meter

T = TypeVar("T")

KINDS = {"simple": 16, "compound": 12, "2/4": 8, "3/4": 12, "5/4": 20, "7/8": 14, "9/8": 18, "12/8": 24}
"""The meters that rows are written for, and how many steps (sixteenths) a bar has: 4/4 and 6/8 stand for all others."""
_BEATS = {
    1: (0,),
    2: (0, 1),
    3: (0, 1, 3),
    4: (0, 1, 2, 3),
    5: (0, 1, 1, 2, 3),
    6: (0, 1, 3, 0, 1, 3),
    7: (0, 1, 2, 3, 0, 1, 3),
}
_EVEN = re.compile(r"E(\d+)(?:\+(\d+))?")


def kind_of(table: Mapping[str, T], meter: Meter) -> str:
    """Which of the kinds of a table of rows a meter plays: its own, else `compound` or `simple`."""
    own = f"{meter.numerator}/{meter.denominator}"
    if own in table:
        return own
    return "compound" if meter.compound and "compound" in table else "simple"


def named(kind: str, row: str) -> str:
    """A row that says which meter it is written for."""
    return row if kind == "simple" or ":" in row else f"{kind}:{row}"


@lru_cache(maxsize=8192)
def bars_of(pattern: str) -> tuple[str, tuple[str, ...]]:
    """(kind, the rows of its bars). Raises ValueError where a row has the wrong number of steps."""
    kind, _, text = pattern.rpartition(":")
    rows = tuple(text.replace("|", "").replace(" ", "").split("/"))
    if kind and kind not in KINDS:
        raise ValueError(f"{kind!r} is no meter that rows are written for; there are {', '.join(KINDS)}")
    for row in rows:
        if not _EVEN.fullmatch(row) and len(row) not in _sizes(kind):
            wanted = ", ".join(str(size) for size in _sizes(kind))
            meter = kind or "16 steps in 4/4, 12 in 6/8"
            raise ValueError(f"a row for {meter} has {wanted} steps, not {len(row)}: {pattern!r}")
    if not kind:
        kind = "compound" if len(rows[0]) == 12 else "simple"
    return kind, rows


def _sizes(kind: str) -> tuple[int, ...]:
    if not kind:
        return (16, 12, 24, 32)
    size = KINDS[kind]
    return (size, 2 * size) if kind in ("compound", "7/8", "9/8", "12/8") else (size, size * 3 // 2, 2 * size)


@lru_cache(maxsize=8192)
def steps(pattern: str, meter: Meter, bar: int) -> tuple[tuple[float, str], ...]:
    """(place in the bar in quarters, mark) of every step that is not a rest (`.`), for the `bar`-th bar.

    Raises ValueError for a row of the wrong length."""
    kind, rows = bars_of(pattern)
    row = rows[bar % len(rows)]
    count = round(meter.bar * 4)
    if even := _EVEN.fullmatch(row):
        hits = max(1, round(int(even[1]) * count / 16))
        line = "".join("x" if hit else "." for hit in euclid(hits, count, int(even[2] or 0)))
        return _marks(line, 4.0)
    if kind not in ("simple", "compound") and kind == f"{meter.numerator}/{meter.denominator}":
        dense = len(row) / meter.bar
        return _marks(_regrouped(row, dense, meter), dense)
    if meter.compound:
        line = _compound(_coarse(row, 12 if kind == "compound" else 16))
        return _marks((line * (count // 12 + 1))[:count], 4.0)
    dense = len(row) / 4.0 if kind == "simple" else 4.0
    line = row if kind == "simple" else row + row[:4]
    return _marks(_regrouped(_simple(line, bar, count, dense / 4), dense, meter), dense)


def _marks(line: str, dense: float) -> tuple[tuple[float, str], ...]:
    """(place, mark) of a line with `dense` steps a quarter."""
    return tuple((place / dense, mark) for place, mark in enumerate(line) if mark != ".")


def _simple(row: str, bar: int, count: int, finer: float) -> str:
    """The beats of a 4/4 row that a meter of `count` sixteenths plays; `finer` steps stand for a sixteenth."""
    if count % 4:
        size = round(count * finer)
        return (row * (size // len(row) + 1))[:size]
    beat = round(4 * finer)
    beats = (2, 3) if count == 8 and bar % 2 else _BEATS.get(count // 4, (0, 1, 2, 3))
    line = "".join(row[beat * at : beat * at + beat] for at in beats)
    size = round(count * finer)
    return (line * (size // len(line) + 1))[:size]


def _regrouped(line: str, dense: float, meter: Meter) -> str:
    """A row written for the usual grouping (7/8 as 2+2+3, 5/4 as 3+2), its groups turned as the meter is counted."""
    usual = parse_meter(f"{meter.numerator}/{meter.denominator}").groups
    if meter.groups == usual or len(usual) < 2 or sorted(meter.groups) != sorted(usual):
        return line
    short, extra = min(usual), max(usual) - min(usual)
    bodies, rest, at = [], "", 0
    for group in usual:
        size, body = round(group * dense), round(short * dense)
        bodies.append(line[at : at + body])
        rest += line[at + body : at + size]
        at += size
    added = round(extra * dense)
    out = ""
    for body_row, group in zip(bodies, meter.groups, strict=True):
        longer = group > short
        out += body_row + (rest[:added] if longer else "")
        rest = rest[added:] if longer else rest
    return out


def _coarse(row: str, size: int) -> str:
    """A finer row on the sixteenths: every step keeps the first mark that falls into it."""
    if len(row) == size:
        return row
    cells = [row[len(row) * place // size : len(row) * (place + 1) // size] or "." for place in range(size)]
    return "".join(next((mark for mark in cell if mark != "."), ".") for cell in cells)


def _compound(row: str) -> str:
    """Twelve steps of a 6/8 bar: as written, or from a 4/4 pattern by its eighths of beats 1, 2 and 3, 4."""
    if len(row) == 12:
        return row
    halves = (row[:8], row[8:])
    return "".join(half[place] + "." for half in halves for place in (0, 2, 6) if place < 8)


def euclid(hits: int, count: int, rotation: int = 0) -> list[bool]:
    """Hits spread as evenly as possible over `count` steps, the first one at `rotation`."""
    if count < 1:
        return []
    hits = min(hits, count)
    row = [(step * hits) % count < hits for step in range(count)] if hits else [False] * count
    return row[-rotation % count :] + row[: -rotation % count]


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
