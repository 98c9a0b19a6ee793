"""The rounds of a run: once all takes of a generator are settled, those that are not good enough are replaced.

A round adds exactly what is missing up to the budget, to the same run, under numbers that follow its last shard. What
is ordered is worked out from what is on record each time. Nothing here renders or knows who schedules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from db.engine import writing
from db.ledger import append
from models.registry import Card
from services.catalog import acceptance, runs
from services.planning.plan import Plan


@dataclass
class Rounds:
    """The rounds of one run over `plan`, which holds what is ordered so far. `more` is to be asked in turn, not by
    several threads at once."""

    engine: Engine
    home: Path
    plan: Plan
    run: runs.StartedRun
    known: Mapping[str, Card]
    at_once: Mapping[str, tuple[int, int]]
    tell: Callable[[str, int], None] = lambda generator, takes: None
    _turns: dict[str, list[range]] = field(default_factory=dict)

    @property
    def listening(self) -> frozenset[str]:
        """The cues whose takes are heard as they are made."""
        return frozenset(point.cue for point in self.plan.points)

    def generator_of(self, shard: int) -> str:
        """Who renders a shard, of this round or of one before."""
        later = (name for name, found in self._turns.items() for shards in found if shard in shards)
        return next(later, None) or self.run.generator_of(shard)

    def more(self, generator: str) -> range:
        """Judge a generator's takes, all of which are settled; returns the shards of those that replace bad ones.

        Raises RenderingStoppedError where another driver took over, or where the policy allows no more."""
        points = [point for point in self.plan.points if point.generator == generator]
        while points:
            stocks = acceptance.hear_missing(self.engine, self.home, points)
            wider = self.plan.with_counts({stock.point.key: stock.count for stock in stocks})
            known = {take.id for take in self.plan.takes}
            new = tuple(take for take in wider.takes if take.id not in known)
            if not new:
                break
            shards = runs.extend(self.engine, self.run.id, wider, new, self.known, self.at_once)
            self.plan = wider
            if shards:
                self._turns.setdefault(generator, []).append(shards)
                self.tell(generator, len(new))
                return shards
        if points:
            with writing(self.engine) as session:
                stocks = acceptance.take_stock(session, points)
                append(session, acceptance.put_on_record(session, self.plan.catalog, stocks))
        return range(0)

    def close(self) -> list[acceptance.Stock]:
        """Put on record what became of every take, whatever stopped the run; returns what there is."""
        if not self.plan.points:
            return []
        with writing(self.engine) as session:
            stocks = acceptance.take_stock(session, self.plan.points)
            append(session, acceptance.put_on_record(session, self.plan.catalog, stocks))
        return stocks


def widened(engine: Engine, home: Path, plan: Plan, tell: acceptance.Tell = lambda count: None) -> Plan:
    """The plan with the takes that replace bad ones, as far as can be told from what is on record. What is there and
    was never heard is heard first. Reads and writes nothing of a plan without `points`."""
    if not plan.points:
        return plan
    stocks = acceptance.hear_missing(engine, home, plan.points, tell)
    return plan.with_counts({stock.point.key: stock.count for stock in stocks})
