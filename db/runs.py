"""Runs: which takes a flow takes in hand, in which shards, and what came of it.

The shards of a run live in `take.run_id` and `take.shard`, so that a retried task reads what is missing from here and
nothing large passes through a scheduler. Only a run that is still `running` changes takes, and only its own: a driver
that lost its catalog to another one is refused.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.orm import Session

from db.acceptance import add_hearings
from db.chunks import chunks
from db.conflict import insert_missing, insert_or_replace
from db.fingerprints import add_fingerprints
from db.rows import AssetRow, NewAsset, NewAttempt, Recording, RunRow, TakeRow
from db.tables import Asset, Attempt, Catalog, EngineProfile, Measurement, Run, Take
from db.takes import take_rows

UNFINISHED = ("planned", "rendering", "failed")
LONGEST_ERROR = 10_000


class RunOverError(RuntimeError):
    """The run was closed, or its takes were handed to a later one: another driver took over. Nothing was written."""


def settle_interrupted(session: Session, catalog_id: int) -> int:
    """Close runs whose driver is gone; their unfinished takes are planned again. Call it under the catalog's lock."""
    running = select(Run.id).where(Run.catalog_id == catalog_id, Run.status == "running").with_for_update()
    stale = list(session.scalars(running))
    for run_id in stale:
        end_run(session, run_id, "interrupted", {})
    session.execute(
        update(Take).where(Take.catalog_id == catalog_id, Take.status == "rendering").values(status="planned")
    )
    return len(stale)


def unfinished(
    session: Session, catalog_id: int, ordered: Collection[str], quarantined_too: bool = False
) -> list[tuple[str, str, float]]:
    """(take id, generator, seconds) of the ordered takes that have no sound yet, in the brief's order."""
    statuses = (*UNFINISHED, "quarantined") if quarantined_too else UNFINISHED
    query = (
        select(Take.id, Take.generator, Take.controls["duration"].as_float())
        .where(Take.catalog_id == catalog_id, Take.status.in_(statuses))
        .order_by(Take.position)
    )
    return [(id_, generator, seconds) for id_, generator, seconds in session.execute(query) if id_ in ordered]


def start_run(session: Session, values: dict[str, Any], shards: Iterable[list[str]]) -> None:
    """Insert a run (columns of `run` but `shards`) and hand each shard's takes to it."""
    cut = list(shards)
    now = datetime.now(UTC)
    session.add(Run(**values, shards=len(cut), status="running", started_at=now, stages={}))
    session.flush()
    _hand_out(session, str(values["id"]), cut, 0)


def extend_run(session: Session, run_id: str, ordered: int, shards: Sequence[list[str]]) -> range:
    """Hand further shards of takes to a run; returns their numbers. `ordered` more takes are ordered by it now.

    Raises RunOverError where another driver took it over."""
    hold(session, run_id)
    first = session.scalars(select(Run.shards).where(Run.id == run_id)).one()
    more = {"shards": first + len(shards), "ordered": Run.ordered + ordered}
    session.execute(
        update(Run).where(Run.id == run_id).values(**more, to_render=Run.to_render + sum(map(len, shards)))
    )
    _hand_out(session, run_id, shards, first)
    return range(first, first + len(shards))


def _hand_out(session: Session, run_id: str, shards: Sequence[list[str]], first: int) -> None:
    rows = [{"key": id_, "in_shard": number} for number, ids in enumerate(shards, first) for id_ in ids]
    statement = (
        update(Take.__table__)  # type: ignore[arg-type]
        .where(Take.id == bindparam("key"))
        .values(run_id=run_id, shard=bindparam("in_shard"), status="planned")
    )
    for chunk in chunks(rows):
        session.execute(statement, chunk)


def take_shard(session: Session, run_id: str, shard: int) -> list[TakeRow]:
    """The takes of a shard that are still to be rendered, now marked `rendering`. Raises RunOverError."""
    hold(session, run_id)
    mine = (Take.run_id == run_id) & (Take.shard == shard) & Take.status.in_(("planned", "rendering"))
    rows = list(take_rows(session, mine, with_assets=False))
    session.execute(update(Take).where(mine).values(status="rendering"))
    return rows


def record(session: Session, run_id: str, recordings: list[Recording]) -> list[Recording]:
    """Everything of a batch of takes in the caller's one transaction; recording the same again changes nothing.

    A take that is done stays as it was recorded; the others' recordings are returned. A measurement that is no finite
    number is left out. Raises RunOverError, before anything is written, where another driver took over the run or one
    of the takes.
    """
    hold(session, run_id)
    fresh = _not_done(session, run_id, recordings)
    profiles = {r.profile.sha256: r.profile.profile for r in recordings if r.profile}
    rows = [{"sha256": key, "profile": value} for key, value in profiles.items()]
    insert_missing(session, EngineProfile, ("sha256",), rows)
    attempts = [_attempt(r, run_id, attempt) for r in recordings for attempt in r.attempts]
    insert_missing(session, Attempt, ("take_id", "run_id", "started_at", "ended_at", "outcome"), attempts)
    assets = [_asset(r, asset) for r in fresh for asset in r.assets]
    insert_or_replace(session, Asset, ("take_id", "role", "media_type"), assets)
    measured = [_measured(r, *item) for r in fresh for item in r.measurements.items() if isfinite(item[1])]
    insert_or_replace(session, Measurement, ("take_id", "name"), measured)
    add_fingerprints(session, [r.fingerprint for r in fresh if r.fingerprint])
    add_hearings(session, [r.hearing for r in fresh if r.hearing])
    _settle(session, fresh)
    return fresh


def hold(session: Session, run_id: str) -> None:
    """Keep the run open until the transaction ends; closing it waits. Raises RunOverError where it is closed."""
    status = session.scalar(select(Run.status).where(Run.id == run_id).with_for_update(read=True))
    if status != "running":
        raise RunOverError(f"run {run_id} is {status or 'unknown'}, no longer running")


def _not_done(session: Session, run_id: str, recordings: list[Recording]) -> list[Recording]:
    done: set[str] = set()
    for chunk in chunks([recording.take_id for recording in recordings], 500):
        query = select(Take.id, Take.status, Take.run_id).where(Take.id.in_(chunk))
        for id_, status, holder in session.execute(query):
            if holder != run_id:
                raise RunOverError(f"take {id_[:12]} is run {holder}'s, no longer run {run_id}'s")
            if status == "done":
                done.add(id_)
    return [recording for recording in recordings if recording.take_id not in done]


def _settle(session: Session, recordings: list[Recording]) -> None:
    if not recordings:
        return
    statement = update(Take.__table__).where(Take.id == bindparam("key")).values(  # type: ignore[arg-type]
        status=bindparam("to"), pcm_sha256=bindparam("pcm"), error=bindparam("why"), recorded_at=datetime.now(UTC)
    )
    rows = [{"key": r.take_id, "to": r.status, "pcm": r.pcm_sha256, "why": storable(r.error)} for r in recordings]
    session.execute(statement, rows)


def storable(error: str | None) -> str | None:
    """An error text that every database takes: no NUL, no lone surrogates, of bounded length."""
    if error is None:
        return None
    text = error.encode("utf-8", "replace").decode().replace("\0", "?")
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 3] + "..."


def _attempt(recording: Recording, run_id: str, attempt: NewAttempt) -> dict[str, Any]:
    profile = recording.profile.sha256 if recording.profile and attempt.outcome == "done" else None
    return {
        "take_id": recording.take_id,
        "run_id": run_id,
        "outcome": attempt.outcome,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "actor": attempt.actor,
        "engine_profile": profile,
        "seconds": attempt.seconds,
        "error": storable(attempt.error),
    }


def _asset(recording: Recording, asset: NewAsset) -> dict[str, Any]:
    profile = recording.profile.sha256 if recording.profile else None
    columns = AssetRow.__dataclass_fields__
    return {name: getattr(asset, name) for name in columns} | {"take_id": recording.take_id, "engine_profile": profile}


def _measured(recording: Recording, name: str, value: float) -> dict[str, Any]:
    return {"take_id": recording.take_id, "name": name, "value": float(value)}


def plan_again(session: Session, take_ids: Collection[str]) -> None:
    """Forget the sound of these takes: the next run renders them once more and replaces their assets.

    Superseded ones stay so; they are rendered once they are ordered again."""
    status = case((Take.status == "superseded", "superseded"), else_="planned")
    for chunk in chunks(take_ids, 500):
        session.execute(update(Take).where(Take.id.in_(chunk)).values(status=status, pcm_sha256=None))


def end_run(session: Session, run_id: str, status: str, stages: dict[str, float]) -> dict[str, int]:
    """Close a run; unfinished takes of it are planned again. Returns its takes counted by status.

    A run that is closed already stays as it was closed."""
    counts = run_counts(session, run_id)
    failed = counts.get("failed", 0) + counts.get("quarantined", 0)
    values = {"status": status, "ended_at": datetime.now(UTC), "done": counts.get("done", 0), "failed": failed}
    session.execute(update(Run).where(Run.id == run_id, Run.status == "running").values(**values, stages=stages))
    session.execute(
        update(Take).where(Take.run_id == run_id, Take.status == "rendering").values(status="planned")
    )
    return run_counts(session, run_id)


def run_counts(session: Session, run_id: str) -> dict[str, int]:
    """The takes of a run counted by status."""
    query = select(Take.status, func.count()).where(Take.run_id == run_id).group_by(Take.status)
    return {status: count for status, count in session.execute(query)}


def run_rows(session: Session, catalog: str | None = None) -> Iterator[RunRow]:
    """Runs, newest first."""
    query = select(Run, Catalog.name).join(Catalog, Catalog.id == Run.catalog_id).order_by(Run.started_at.desc())
    if catalog:
        query = query.where(Catalog.name == catalog)
    for run, name in session.execute(query):
        fields = {key: getattr(run, key) for key in RunRow.__dataclass_fields__ if key != "catalog"}
        yield RunRow(catalog=name, **fields)


def attempt_rows(session: Session, take_id: str) -> list[dict[str, Any]]:
    """Every try at a take, oldest first, as plain JSON values."""
    query = select(Attempt).where(Attempt.take_id == take_id).order_by(Attempt.id)
    return [
        {
            "run": attempt.run_id,
            "outcome": attempt.outcome,
            "started_at": attempt.started_at.isoformat(),
            "ended_at": attempt.ended_at.isoformat(),
            "actor": attempt.actor,
            "seconds": attempt.seconds,
            "error": attempt.error,
        }
        for attempt in session.scalars(query)
    ]
