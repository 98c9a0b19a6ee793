"""What goes on record when an order is planned, when takes are recorded, and when takes are planned again.

Entries are made of the rows as the database holds them at the end of the transaction, so that what is on record is
what is there. The caller appends them (`db.ledger.append`) as the transaction's last statement.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.canonical import text_time
from db.ledger import Entry, takes_digest
from db.ledger_rows import REPLACED, Rows, rows_in
from db.rights_tables import OrderVerdict, Verdict
from db.rows import Recording, Registered
from db.tables import Attempt, Brief, Catalog, Run, Take

LONGEST_ERROR = 300


def plan_entry(session: Session, run: Mapping[str, Any], registered: Registered, began: datetime) -> Entry:
    """The entry of a plan; `run` are the columns of its run, `began` a moment before it was registered.

    Its subject is the brief's digest. Where takes were inserted it holds a digest over all takes of the catalog."""
    brief, catalog = session.execute(
        select(Brief, Catalog.name).join(Catalog, Catalog.id == Brief.catalog_id).where(Brief.id == registered.brief_id)
    ).one()
    counts = {name: getattr(registered, name) for name in ("inserted", "superseded", "revived")}
    body: dict[str, Any] = {"run": run["id"], "use": brief.use, "licensee": brief.licensee, **counts}
    body |= {"ordered": run["ordered"], "to_render": run["to_render"]}
    if registered.inserted:
        body["takes"] = takes_digest(session, catalog)
    if rows := _new_rows(rows_in(session, [Brief, OrderVerdict], [brief.sha256]).get(brief.sha256, {}), brief, began):
        body["rows"] = rows
    return Entry("plan", brief.sha256, body, catalog)


def _new_rows(rows: Rows, brief: Brief, began: datetime) -> Rows:
    """The brief's own rows; the brief itself only with the plan that stored it."""
    own = {"brief": f"{brief.catalog_id} {brief.use}"} if brief.planned_at >= began else {}
    kept = {table: {key: value} for table, key in own.items() if (value := rows.get(table, {}).get(key))}
    verdicts = rows.get("order_verdict", {})
    mine = {key: value for key, value in verdicts.items() if key.startswith(f"{brief.id} ")}
    return kept | ({"order_verdict": mine} if mine else {})


def take_entries(
    session: Session, run_id: str, recordings: Collection[Recording], fresh: Collection[Recording]
) -> Iterator[Entry]:
    """An entry a recorded take: its attempts, and of a `fresh` one that is done its files, measurements and verdict."""
    catalog = session.scalar(select(Catalog.name).join(Run, Run.catalog_id == Catalog.id).where(Run.id == run_id))
    new = {recording.take_id for recording in fresh}
    attempts = rows_in(session, [Attempt], [recording.take_id for recording in recordings])
    done = [recording.take_id for recording in fresh if recording.status == "done"]
    sounds = rows_in(session, [*REPLACED, Verdict], done)
    for recording in recordings:
        id_ = recording.take_id
        rows: Rows = {"attempt": _of(recording, run_id, attempts.get(id_, {}).get("attempt", {}))}
        body: dict[str, Any] = {"status": recording.status, "run": run_id, "rows": rows | sounds.get(id_, {})}
        if recording.profile is not None:
            body["engine_profile"] = recording.profile.sha256
        if recording.error:
            body["error"] = _told(recording.error)
        if id_ not in new:
            body["status"] = "done before"
        yield Entry("take", id_, body, catalog)


def _of(recording: Recording, run_id: str, attempts: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The attempts of this recording among all of its take."""
    keys = {
        f"{run_id} {text_time(attempt.started_at)} {text_time(attempt.ended_at)} {attempt.outcome}"
        for attempt in recording.attempts
    }
    return {key: value for key, value in attempts.items() if key in keys}


def _told(error: str) -> str:
    """How an error begins, as every database and JSON take it."""
    return error[:LONGEST_ERROR].encode("utf-8", "replace").decode().replace("\0", "?")


def plan_again_entries(session: Session, take_ids: Collection[str], reason: str) -> list[Entry]:
    """The entries for takes whose sound is about to be forgotten; call it before it is. `before` is what they had."""
    query = select(Take.id, Catalog.name).join(Catalog, Catalog.id == Take.catalog_id)
    before, found = rows_in(session, REPLACED, take_ids), []
    for part in _parts(list(take_ids)):
        for id_, catalog in session.execute(query.where(Take.id.in_(part))):
            found.append(Entry("plan-again", id_, {"reason": reason, "before": before.get(id_, {})}, catalog))
    return found


def _parts(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
