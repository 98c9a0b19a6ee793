"""A run's life: register the plan, cut shards, hand out jobs, record what comes back, close the run.

Between a plan and an executor everything goes through the database, so that any step may be repeated. Nothing here
renders or knows who schedules.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, groupby
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.runs
from db.chunks import chunks
from db.engine import reading, writing
from db.ledger import append, begin, check_clock
from db.orders import register
from db.rows import NewCue, NewGenerator, NewOrder, NewTake, Recording, Registered, TakeRow
from db.takes import catalog_names, count_with_sound
from models.controls import Controls
from models.generator import Request
from models.registry import CARDS, Card
from services.catalog import acceptance
from services.catalog.lock import describe_driver
from services.planning.faults import BriefError, Fault
from services.planning.order import LEVEL_AXIS, Delivery, PlannedTake
from services.planning.plan import Plan, Understood
from services.planning.points import Key
from services.provenance.recording import plan_entry, take_entries
from services.rendering.jobs import GeneratorStoppedError, Job, RenderingStoppedError
from services.rights.followed import record_followed
from services.rights.gate import OrderGate, judge_recorded
from services.rights.refusal import RefusedError
from services.storage.tree import safe_name

MAX_SHARDS = 64  # a Prefect task costs some 80 ms, and a retried one renders only what is missing
SMALLEST_SHARD = 8
LONGEST_PART, LONGEST_FOLDER = 24, 100


@dataclass(frozen=True)
class StartedRun:
    """A run over the takes that have no sound yet; `shards` is 0 when there is nothing left to render.

    `turns` are the shards of every generator that has something to do; `settled` are the points that have enough good
    takes, and of which none is to be made."""

    id: str
    catalog: str
    ordered: int
    to_render: int
    seconds_of_music: float
    shards: int
    registered: Registered
    turns: Mapping[str, range] = field(default_factory=dict)
    settled: frozenset[Key] = frozenset()

    def generator_of(self, shard: int) -> str:
        return next(name for name, shards in self.turns.items() if shard in shards)


def start(
    engine: Engine,
    plan: Plan,
    options: dict[str, Any],
    retry_quarantined: bool = False,
    known: Mapping[str, Card] = CARDS,
    at_once: Mapping[str, tuple[int, int]] = MappingProxyType({}),
    stocks: Sequence[acceptance.Stock] | None = None,
) -> StartedRun:
    """Register the plan and open a run over what is missing. Call it while holding the catalog's lock.

    `known` are the cards of the plan's generators; `at_once` tells (batch, actors) of each, which shards fill; `stocks`
    are what there is of its points, where that was just looked up.
    Raises BriefError, before anything is written, where the catalog's folder would be another's too; RefusedError where
    the policy does not allow the order today; ClockError where the ledger is ahead of this machine's clock.
    """
    began = datetime.now(UTC)
    with reading(engine) as session:  # judging takes its time; nobody waits for it to write
        stocks = acceptance.take_stock(session, plan.points) if stocks is None else stocks
        news = [*acceptance.news(session, stocks), *acceptance.closings(session, plan)]
    with writing(engine) as session:
        _check_folder(session, plan.catalog)
        check_clock(session)
        begin(session)
        gate = OrderGate(session, plan)
        placed = zip(plan.positions(), plan.takes, strict=True)
        registered = register(session, _order(plan, known), _with_understanding(plan, placed))
        db.runs.settle_interrupted(session, registered.catalog_id)
        ordered = {take.id for take in plan.takes}
        wanted = ordered if retry_quarantined else ordered - acceptance.replaced(stocks)
        missing = db.runs.unfinished(session, registered.catalog_id, wanted, retry_quarantined)
        shards = cut_shards(missing, at_once)
        run_id = str(uuid.uuid4())
        values = {
            "id": run_id,
            "catalog_id": registered.catalog_id,
            "brief_id": registered.brief_id,
            "driver": describe_driver(),
            "options": options,
            "ordered": len(ordered),
            "to_render": len(missing),
        }
        db.runs.start_run(session, values, shards)
        judged = acceptance.put_on_record(session, plan.catalog, news)
        append(session, [*gate.record(registered.brief_id), plan_entry(session, values, registered, began), *judged])
    seconds = sum(duration for _, _, duration in missing)
    turns = _turns(shards, {id_: generator for id_, generator, _ in missing})
    waiting = {id_ for id_, _, _ in missing}
    settled = frozenset(one.point.key for one in stocks if one.is_settled and waiting.isdisjoint(one.ids))
    return StartedRun(
        run_id, plan.catalog, len(ordered), len(missing), seconds, len(shards), registered, turns, settled
    )


def extend(
    engine: Engine, run_id: str, plan: Plan, new: Sequence[tuple[int, PlannedTake]], known: Mapping[str, Card] = CARDS,
    at_once: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> range:
    """Order further takes in a run that goes on: `new`, each with its place in the brief's order, which `plan` holds
    with all others. Returns the numbers of their shards; none where all of them have their sound.

    Raises RenderingStoppedError where another driver took over the run, GeneratorStoppedError where the policy does not
    allow more."""
    began, ids = datetime.now(UTC), {take.id for _, take in new}
    with _stopping_when_over(), writing(engine) as session:
        try:
            gate = OrderGate(session, plan)
        except RefusedError as error:
            raise GeneratorStoppedError(f"no further takes may be made: {error}") from error
        order = replace(_order(plan, known), restricted=True)
        registered = register(session, order, _with_understanding(plan, new))
        missing = db.runs.unfinished(session, registered.catalog_id, ids)
        shards = cut_shards(missing, at_once)
        numbers = db.runs.extend_run(session, run_id, len(ids), shards)
        values = {"id": run_id, "ordered": len(ids), "to_render": len(missing)}
        append(session, [*gate.record(registered.brief_id), plan_entry(session, values, registered, began)])
    return numbers


def judge(engine: Engine, run_id: str, catalog: str, stocks: Sequence[acceptance.Stock]) -> None:
    """Put on record what became of the takes of a run that goes on. Nobody waits for the judging to write.

    Raises RenderingStoppedError where another driver took over the run."""
    with reading(engine) as session:
        news = acceptance.news(session, stocks)
    if not news:
        return
    with _stopping_when_over(), writing(engine) as session:
        db.runs.hold(session, run_id)
        append(session, acceptance.put_on_record(session, catalog, news))


def unmade(engine: Engine, plan: Plan, generator: str) -> bool:
    """Whether some take that `plan` orders from `generator` has no sound yet."""
    ids = {take.id for take in plan.takes if take.generator == generator}
    with reading(engine) as session:
        done = count_with_sound(session, ids)
    return done < len(ids)


def _turns(shards: list[list[str]], generator_of: dict[str, str]) -> dict[str, range]:
    """The shards of every generator; they stand together, and each holds takes of one."""
    turns: dict[str, range] = {}
    for number, ids in enumerate(shards):
        name = generator_of[ids[0]]
        turns[name] = range(turns[name].start if name in turns else number, number + 1)
    return turns


def _check_folder(session: Session, catalog: str) -> None:
    """Folders that differ only by case are one folder on many machines."""
    for name, _ in catalog_names(session):
        if name != catalog and name.casefold() == catalog.casefold():
            what = f"there is a catalog {name!r} already, and names that differ only by case share a folder"
            raise BriefError([Fault("catalog", what, f"write `{name}`, or name it otherwise", repr(catalog))])


def cut_shards(
    missing: list[tuple[str, str, float]], at_once: Mapping[str, tuple[int, int]] = MappingProxyType({})
) -> list[list[str]]:
    """Ids in shards of one generator and like length, at most `MAX_SHARDS` of them; `missing` is (id, generator, s).

    `at_once` is (batch, actors) by generator: a shard holds whole batches, and one for every actor."""
    alike = sorted(missing, key=lambda row: (row[1], row[2]))
    names = {generator for _, generator, _ in missing}
    shards: list[list[str]] = []
    for name, rows in groupby(alike, key=lambda row: row[1]):
        batch, actors = at_once.get(name, (1, 1))
        size = max(SMALLEST_SHARD, batch * actors, -(-len(missing) // max(1, MAX_SHARDS - len(names))))
        shards.append([])
        for _, same in groupby(rows, key=lambda row: row[2]):
            for part in chunks([id_ for id_, _, _ in same], batch):
                if len(shards[-1]) >= size:
                    shards.append([])
                shards[-1] += part
    return shards


def shard_jobs(engine: Engine, run_id: str, shard: int, listening: Collection[str] = ()) -> list[Job]:
    """The jobs of a shard that are still to be done; asking again after a failure gives only what is missing.
    `listening` are the cues whose takes are to be heard.

    Raises RenderingStoppedError where another driver took over the run."""
    with _stopping_when_over(), writing(engine) as session:
        taken = [(take.cue in listening, job(take)) for take in db.runs.take_shard(session, run_id, shard)]
    return [replace(one, listen=True) if heard else one for heard, one in taken]


def job(take: TakeRow) -> Job:
    """A recorded order as a job."""
    delivery = delivery_from_json(take.delivery)
    request = Request(take.id, take.prompt, take.seed, Controls.from_json(take.controls), delivery.stems, take.index)
    return Job(request, delivery, take.folder)


def delivery_from_json(data: dict[str, Any]) -> Delivery:
    """The inverse of `dataclasses.asdict` for a delivery read from the database."""
    return Delivery(**{**data, "formats": tuple(data["formats"])})


def record(engine: Engine, run_id: str, recordings: list[Recording]) -> None:
    """One transaction for a batch of takes, with their verdicts by the facts of now.

    Raises RenderingStoppedError where another driver took over the run."""
    with _stopping_when_over(), writing(engine) as session:
        fresh = db.runs.record(session, run_id, recordings)
        followed = record_followed(session, fresh)
        judged = judge_recorded(session, run_id, fresh)
        append(session, chain(followed, judged, take_entries(session, run_id, recordings, fresh)))


@contextmanager
def _stopping_when_over() -> Iterator[None]:
    try:
        yield
    except db.runs.RunOverError as error:
        raise RenderingStoppedError(f"another driver took over the catalog ({error}); wait for it") from error


def finish(engine: Engine, run_id: str, stages: dict[str, float], interrupted: bool = False) -> dict[str, int]:
    """Close the run; returns its takes counted by status."""
    with writing(engine) as session:
        counts = db.runs.run_counts(session, run_id)
        complete = set(counts) <= {"done"}
        status = "interrupted" if interrupted else "done" if complete else "incomplete"
        return db.runs.end_run(session, run_id, status, stages)


def _order(plan: Plan, known: Mapping[str, Card]) -> NewOrder:
    generators = sorted({(take.generator, take.revision) for take in plan.takes})
    return NewOrder(
        catalog=plan.catalog,
        title=plan.title,
        brief_sha256=plan.sha256,
        brief_text=plan.text,
        use=plan.use,
        licensee=plan.licensee or {},
        cues=tuple(NewCue(cue.name, cue.state, cue.prompt) for cue in plan.cues),
        generators=tuple(_generator(known[id_], revision) for id_, revision in generators),
        restricted=plan.restricted,
    )


def _generator(card: Card, revision: str) -> NewGenerator:
    facts = {"title": card.title, "licence": card.licence, "training_data": card.training_data}
    return NewGenerator(card.id, revision, card.weights_digest, facts)


def _with_understanding(plan: Plan, takes: Iterable[tuple[int, PlannedTake]]) -> Iterator[NewTake]:
    """These takes, each with its place in the brief's order, with how their points were understood."""
    understood = {_point_of(u): u.understanding for u in plan.understandings}
    told: dict[tuple[object, ...], list[dict[str, str]]] = {}
    compared = plan.compared
    for position, take in takes:
        point = _point_of(take)
        if point not in told:
            told[point] = understood[point].as_json()
        yield _new_take(position, take, told[point], take.cue in compared)


def _point_of(planned: PlannedTake | Understood) -> tuple[object, ...]:
    return (planned.generator, planned.zone, planned.cue, *planned.point.items())


def _new_take(position: int, take: PlannedTake, understanding: list[dict[str, str]], compared: bool) -> NewTake:
    order = take.as_json()
    return NewTake(
        id=take.id,
        position=position,
        zone=take.zone,
        cue=take.cue,
        state=take.state,
        point=take.point,
        index=take.index,
        prompt=take.prompt,
        seed=take.seed,
        generator=take.generator,
        revision=take.revision,
        controls=order["controls"],
        delivery=order["delivery"],
        understanding=understanding,
        folder=take_folder(take, compared),
    )


def _measure(controls: Controls) -> str:
    """What a file's name tells whoever sets it to bars: tempo, meter and length, where they are known."""
    if controls.bpm <= 0:
        return ""
    return f"{controls.bpm:g}bpm-{controls.meter.replace('/', '-')}-{controls.bars}bars"


def take_folder(take: PlannedTake, compared: bool = False) -> str:
    """`catalog/state/take`: readable, of bounded length, and unique by the first 64 bits of the take's id.

    Names alone never tell takes apart: they are cut, and an edited cue keeps its name. Two of a million takes of one
    name and index would share 64 bits once in 37 million catalogs. `compared`: several generators make the take's cue,
    so that the name tells which one made it.
    """
    point = (f"level {value}" if name == LEVEL_AXIS else value for name, value in take.point.items())
    parts: Iterable[str | None] = (take.zone, take.cue if take.cue != take.state else None, *point)
    name = "-".join(safe_name(part, LONGEST_PART) for part in parts if part)[:LONGEST_FOLDER].rstrip(".-")
    maker = safe_name(take.generator.rpartition("/")[2], LONGEST_PART) if compared else ""
    name = "-".join(filter(None, (name, maker, _measure(take.controls))))
    return f"{take.catalog}/{safe_name(take.state)}/{name + '-' if name else ''}{take.index:03d}-{take.id[:16]}"
