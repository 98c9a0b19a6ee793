"""How a catalog's generators compare: counts, adherence, loudness and computing of each, and of each at every point.

It counts what is on record and measured; nothing here renders, hears or judges a take. Superseded takes are left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from services.planning.acceptance import KEPT, NO_BEAT, NO_KEY, REJECTED, SPARE, UNHEARD
from services.web.comparison import MakerFigures, PointFigures
from services.web.page import PageTake

KEEPS = UNHEARD
"""A part of a score over this keeps what was ordered: tempo within 2 % of it, the key or a related one."""
UNHEARD_PARTS = {"tempo": NO_BEAT, "key": NO_KEY}
"""What is said of a take whose part was asked for and not heard: it counts half in the score, and in no share here."""


@dataclass(frozen=True)
class Comparison:
    """The figures of a catalog: a row per generator in the order of their first takes, and one per point of each."""

    generators: tuple[MakerFigures, ...]
    points: tuple[PointFigures, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; ids whole."""
        return {
            "generators": [_maker_json(row) for row in self.generators],
            "points": [asdict(row) | {"point": list(row.point)} for row in self.points],
        }


@dataclass
class _Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    unheard: Counter[str] = field(default_factory=Counter)
    lufs: list[float] = field(default_factory=list)
    seconds: float = 0.0
    best: tuple[float, str] | None = None

    def add(self, take: PageTake) -> None:
        self.statuses[take.status] += 1
        if take.status == "done":
            self.seconds += take.seconds
            if take.lufs is not None and isfinite(take.lufs):
                self.lufs.append(take.lufs)
        judged = take.acceptance
        if judged is None:
            return
        self.outcomes[judged.outcome] += 1
        self.scores.append(judged.score)
        for name, value in judged.parts.items():
            if UNHEARD_PARTS.get(name) in judged.reasons:
                self.unheard[name] += 1
            else:
                self.parts.setdefault(name, []).append(value)
        if judged.outcome != REJECTED and (self.best is None or judged.score > self.best[0]):
            self.best = (judged.score, take.id)

    @property
    def accepted(self) -> float | None:
        judged = self.outcomes.total()
        return round((self.outcomes[KEPT] + self.outcomes[SPARE]) / judged, 4) if judged else None

    def keeping(self, part: str) -> float | None:
        values = self.parts.get(part)
        return _mean([float(value > KEEPS) for value in values]) if values else None


def is_comparable(takes: Iterable[PageTake]) -> bool:
    """Whether there is anything to compare: several generators, or takes that were judged."""
    generators: set[str] = set()
    for take in takes:
        if take.status != "superseded":
            generators.add(take.generator)
            if take.acceptance is not None or len(generators) > 1:
                return True
    return False


def compared(takes: Sequence[PageTake], computing: Mapping[str, float]) -> Comparison:
    """The figures of `takes`; `computing` are seconds by generator, and may lack some."""
    makers: dict[str, _Tally] = {}
    points: dict[tuple[str | None, str, tuple[str, ...], str], _Tally] = {}
    for take in takes:
        if take.status == "superseded":
            continue
        makers.setdefault(take.generator, _Tally()).add(take)
        points.setdefault((take.zone, take.cue, take.point, take.generator), _Tally()).add(take)
    return Comparison(
        tuple(_maker(name, tally, computing.get(name)) for name, tally in makers.items()),
        tuple(_point(*place, tally) for place, tally in points.items()),
    )


def _maker(name: str, tally: _Tally, computing: float | None) -> MakerFigures:
    lufs = tally.lufs
    return MakerFigures(
        generator=name,
        **_counts(tally),
        accepted=tally.accepted,
        tempo=tally.keeping("tempo"),
        key=tally.keeping("key"),
        score=_mean(tally.scores),
        lufs=(round(sum(lufs) / len(lufs), 2), round(min(lufs), 2), round(max(lufs), 2)) if lufs else None,
        computing=round(computing / tally.seconds, 4) if computing is not None and tally.seconds else None,
        tempo_unheard=tally.unheard["tempo"],
        key_unheard=tally.unheard["key"],
    )


def _point(zone: str | None, cue: str, point: tuple[str, ...], generator: str, tally: _Tally) -> PointFigures:
    best, take = tally.best or (None, None)
    return PointFigures(zone, cue, point, generator, **_counts(tally), best=best, best_take=take)


def _counts(tally: _Tally) -> dict[str, int]:
    outcomes = {name: tally.outcomes[name] for name in (KEPT, SPARE, REJECTED)}
    return {"ordered": tally.statuses.total(), "made": tally.statuses["done"], **outcomes}


def _maker_json(row: MakerFigures) -> dict[str, Any]:
    lufs = dict(zip(("mean", "lowest", "highest"), row.lufs, strict=True)) if row.lufs else None
    return asdict(row) | {"lufs": lufs}


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
