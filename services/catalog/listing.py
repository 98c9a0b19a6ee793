"""What there is, for people and programs: the rows of `takes`, `show` and `runs`, and the pages to listen on.

Reads the database only; paths in rows are absolute. Nothing here renders or changes a take.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, true

from db.acceptance import with_outcome
from db.engine import reading
from db.rows import AcceptanceRow, AssetRow, RunRow, TakeRow
from db.runs import attempt_rows, run_rows
from db.takes import (
    brief_of,
    catalog_names,
    generator_names,
    in_catalog,
    status_counts,
    take_profile,
    take_rows,
    with_id_prefix,
    with_state,
    with_status,
)
from db.verdicts import verdict_rows
from services.delivery.way_out import delivered
from services.planning.acceptance import KEPT, REJECTED, SPARE

SHORTEST_PREFIX = 4


class NoSuchTakeError(LookupError):
    """No take, or more than one, goes by that name; the message says what to do."""


@dataclass(frozen=True)
class Filter:
    """Which takes are meant; None means all. `state` also matches cue names; `accepted` means those that their brief's
    `accept` took or rejected."""

    catalog: str | None = None
    state: str | None = None
    status: str | None = None
    accepted: bool | None = None

    def condition(self) -> ColumnElement[bool]:
        found: ColumnElement[bool] = true()
        if self.catalog:
            found = found & in_catalog(self.catalog)
        if self.state:
            found = found & with_state(self.state)
        if self.status:
            found = found & with_status(self.status)
        if self.accepted is not None:
            found = found & with_outcome(*((KEPT, SPARE) if self.accepted else (REJECTED,)))
        return found


def takes(engine: Engine, which: Filter) -> Iterator[TakeRow]:
    """Takes in catalog and brief order, streamed."""
    with reading(engine) as session:
        yield from take_rows(session, which.condition())


def generators(engine: Engine, which: Filter) -> list[str]:
    """The names of the generators of those takes, sorted."""
    with reading(engine) as session:
        return generator_names(session, which.condition())


def find_take(engine: Engine, name: str) -> TakeRow:
    """The take whose id begins with `name`. Raises NoSuchTakeError."""
    prefix = name.strip().lower()
    if len(prefix) < SHORTEST_PREFIX or set(prefix) - set("0123456789abcdef"):
        raise NoSuchTakeError(f"{name!r} is no take id; give at least {SHORTEST_PREFIX} of its hexadecimal digits")
    with reading(engine) as session:
        found = list(take_rows(session, with_id_prefix(prefix)))
    if not found:
        raise NoSuchTakeError(f"no take's id begins with {name!r}; `cueworks takes` lists them")
    if len(found) > 1:
        raise NoSuchTakeError(f"{len(found)} takes' ids begin with {name!r}; give more digits")
    return found[0]


def take_json(take: TakeRow, home: Path) -> dict[str, Any]:
    """A row of `takes --json`."""
    return {
        "id": take.id,
        "catalog": take.catalog,
        "zone": take.zone,
        "cue": take.cue,
        "state": take.state,
        "point": take.point,
        "index": take.index,
        "prompt": take.prompt,
        "seed": take.seed,
        "generator": take.generator,
        "status": take.status,
        "pcm_sha256": take.pcm_sha256,
        "acceptance": _acceptance_json(take.acceptance),
        "assets": [_asset_json(asset, home) for asset in take.assets],
    }


def _acceptance_json(row: AcceptanceRow | None) -> dict[str, Any] | None:
    """What became of a take under its brief's `accept`; None where it asks for nothing, or nothing is settled yet."""
    if row is None:
        return None
    told = {"outcome": row.outcome, "score": row.score, "reasons": list(row.reasons), "parts": row.parts}
    return {**told, "rule": row.rule, "at": row.at.isoformat()}


def _asset_json(asset: AssetRow, home: Path) -> dict[str, Any]:
    return {
        "role": asset.role,
        "path": str(home / asset.path),
        "sha256": asset.sha256,
        "media_type": asset.media_type,
        "duration_s": asset.duration_s,
        "bytes": asset.bytes,
        "pcm_sha256": asset.pcm_sha256,
    }


def show_json(engine: Engine, take: TakeRow, home: Path) -> dict[str, Any]:
    """Everything that is known of one take."""
    with reading(engine) as session:
        attempts = attempt_rows(session, take.id)
        profile = take_profile(session, take.id)
        brief = brief_of(session, take.id)
        verdicts = verdict_rows(session, take.id)
        way_out = delivered(session, take.id)
    return {
        **take_json(take, home),
        "revision": take.revision,
        "controls": take.controls,
        "delivery": take.delivery,
        "understanding": take.understanding,
        "measurements": take.measurements,
        "error": take.error,
        "planned_at": take.planned_at.isoformat(),
        "recorded_at": take.recorded_at.isoformat() if take.recorded_at else None,
        "brief": brief,
        "engine_profile": profile,
        "attempts": attempts,
        "verdicts": verdicts,
        **way_out,
    }


def runs(engine: Engine, catalog: str | None) -> Iterator[RunRow]:
    """Runs, newest first."""
    with reading(engine) as session:
        yield from run_rows(session, catalog)


def run_json(run: RunRow) -> dict[str, Any]:
    """A row of `runs --json`."""
    times = {"started_at": run.started_at.isoformat(), "ended_at": run.ended_at.isoformat() if run.ended_at else None}
    return {**asdict(run), **times}


def catalogs(engine: Engine) -> list[tuple[str, str, dict[str, int]]]:
    """(name, title, takes by status) of every catalog."""
    with reading(engine) as session:
        return [(name, title, status_counts(session, name)) for name, title in catalog_names(session)]
