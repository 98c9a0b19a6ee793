"""The rounds of a run: once all takes of a generator are settled, those that are not good enough are replaced.

A round adds exactly what is missing up to the budget, to the same run, under numbers that follow its last shard: never
more to fill a batch, for batches differ by device and what is ordered must not. What is ordered is worked out from what
is on record each time. Nothing here renders or knows who schedules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine

from db.engine import reading
from models.registry import CARDS, Card
from services.catalog import acceptance, runs
from services.catalog.acceptance import Stock
from services.planning.order import PlannedTake
from services.planning.plan import Plan
from services.planning.points import ChosenPoint, Key
from services.rendering.jobs import RenderingStoppedError
from services.rights.refusal import RefusedError


@dataclass
class Rounds:
    """The rounds of one run over `plan`, which holds what is ordered so far. `more` is to be asked in turn, not by
    several threads at once; `generator_of` may be asked by any."""

    engine: Engine
    home: Path
    plan: Plan
    run: runs.StartedRun
    known: Mapping[str, Card]
    at_once: Mapping[str, tuple[int, int]]
    tell: Callable[[str, int], None] = lambda generator, takes: None
    _makers: dict[int, str] = field(default_factory=dict)  # of shards; replaced whole, never changed
    _settled: dict[Key, Stock] = field(default_factory=dict)  # by this run

    def __post_init__(self) -> None:
        self._makers = {shard: name for name, shards in self.run.turns.items() for shard in shards}

    @property
    def listening(self) -> frozenset[str]:
        """The cues whose takes are heard as they are made."""
        return frozenset(point.cue for point in self.plan.points)

    def generator_of(self, shard: int) -> str:
        """Who renders a shard, of this round or of one before."""
        return self._makers[shard]

    def more(self, generator: str) -> range:
        """Judge a generator's takes, all of which are settled; returns the shards of those that replace bad ones. Only
        points that are not settled yet are looked at.

        Raises RenderingStoppedError where another driver took over, GeneratorStoppedError where the policy allows no
        more takes of this one."""
        points = [point for point in self._open() if point.generator == generator]
        while points:
            stocks = acceptance.hear_missing(self.engine, self.home, points)
            new = [place for stock in stocks for place in _added(stock)]
            if not new:
                self._record(stocks)
                break
            wider = self.plan.with_counts({stock.point.key: stock.count for stock in stocks})
            shards = runs.extend(self.engine, self.run.id, wider, new, self.known, self.at_once)
            self.plan = wider
            self._record([stock for stock in stocks if stock.is_settled])
            if shards:
                self._makers = self._makers | dict.fromkeys(shards, generator)
                self.tell(generator, len(new))
                return shards
            points = [stock.point for stock in stocks if not stock.is_settled]
        return range(0)

    def close(self) -> list[Stock]:
        """Put on record what became of every take, whatever stopped the run; returns what there is of the points that
        were not settled before it began. Where another driver took over, that one puts it on record."""
        with reading(self.engine) as session:
            stocks = acceptance.take_stock(session, self._open())
        settled = list(self._settled.values())
        with suppress(RenderingStoppedError):
            self._record(stocks)
        return [*settled, *stocks]

    def _open(self) -> Iterator[ChosenPoint]:
        """The points of which takes may still come."""
        known = self.run.settled | self._settled.keys()
        return (point for point in self.plan.points if point.key not in known)

    def _record(self, stocks: Sequence[Stock]) -> None:
        """Put on record what became of the takes of these points. Raises RenderingStoppedError where another driver
        took over."""
        runs.judge(self.engine, self.run.id, self.plan.catalog, stocks)
        self._settled |= {stock.point.key: stock for stock in stocks if stock.is_settled}


def _added(stock: Stock) -> Iterator[tuple[int, PlannedTake]]:
    """The takes that a round adds to a point, each with its place in the brief's order."""
    point = stock.point
    return ((point.start + index, point.take(index)) for index in range(stock.there, stock.count))


def widened(
    engine: Engine, home: Path, plan: Plan, tell: acceptance.Tell = lambda count: None
) -> tuple[Plan, list[Stock]]:
    """The plan with the takes that replace bad ones, as far as can be told from what is on record, and what there is of
    its points. What is there and was never heard is heard first. Reads and writes nothing of a plan without `points`.
    """
    if not plan.points:
        return plan, []
    stocks = acceptance.hear_missing(engine, home, plan.points, tell)
    return plan.with_counts({stock.point.key: stock.count for stock in stocks}), stocks


def begin(
    engine: Engine, plan: Plan, wider: Plan, stocks: Sequence[Stock], options: dict[str, Any],
    retry_quarantined: bool = False, known: Mapping[str, Card] = CARDS,
    at_once: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> tuple[runs.StartedRun, Plan, str | None]:  # fmt: skip
    """Open a run over `wider`, or, where the policy allows no more takes, over what `plan` orders and what is there of
    its points; returns it, what it is over, and why no takes are replaced. Raises as `runs.start` does."""
    try:
        return runs.start(engine, wider, options, retry_quarantined, known, at_once, stocks), wider, None
    except RefusedError as error:
        narrower = plan.with_counts({stock.point.key: stock.there for stock in stocks})
        if len(narrower.takes) == len(wider.takes):
            raise
        run = runs.start(engine, narrower, options, retry_quarantined, known, at_once, stocks)
        return run, narrower, f"no further takes may be made: {error}"
