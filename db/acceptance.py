"""What was heard of sounds, and what became of takes under their briefs' `accept`. No rule lives here."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session, aliased

from db.chunks import chunks
from db.conflict import insert_missing
from db.ledger_rows import Rows, rows_from
from db.rights_tables import UNJUDGED, Acceptance, Hearing
from db.rows import AcceptanceRow, NewHearing
from db.tables import Asset, Catalog, Take

KEYS = 500  # that a query names at once


@dataclass(frozen=True, slots=True)
class TakeState:
    """How far a take is, and which run had it last in hand. `master` is the file that its sound is heard from, None
    where none is stored."""

    id: str
    status: str
    pcm_sha256: str | None
    run_id: str | None
    master: str | None


def add_hearings(session: Session, hearings: Collection[NewHearing]) -> None:
    """Add what was heard of sounds that no such listener heard before."""
    unique = {(hearing.pcm_sha256, hearing.revision): asdict(hearing) for hearing in hearings}
    insert_missing(session, Hearing, ("pcm_sha256", "revision"), list(unique.values()))


def descriptors(session: Session, digests: Iterable[str], revision: str) -> dict[str, bytes]:
    """What near-duplicates are found by, as listeners of a revision heard it, by `pcm_sha256`."""
    found: dict[str, bytes] = {}
    for part in chunks(digests, KEYS):
        query = select(Hearing.pcm_sha256, Hearing.descriptor)
        query = query.where(Hearing.pcm_sha256.in_(part), Hearing.revision == revision)
        found |= {pcm: descriptor for pcm, descriptor in session.execute(query)}
    return found


def heard_facts(session: Session, digests: Iterable[str], revision: str) -> dict[str, dict[str, Any]]:
    """The facts alone of what listeners of a revision heard, by `pcm_sha256`."""
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(digests, KEYS):
        query = select(Hearing.pcm_sha256, Hearing.facts)
        query = query.where(Hearing.pcm_sha256.in_(part), Hearing.revision == revision)
        found |= {pcm: facts for pcm, facts in session.execute(query)}
    return found


def take_states(session: Session, ids: Iterable[str]) -> dict[str, TakeState]:
    """How far these takes are; those that are not there are left out."""
    found: dict[str, TakeState] = {}
    for part in chunks(ids, KEYS):
        query = select(Take.id, Take.status, Take.pcm_sha256, Take.run_id).where(Take.id.in_(part))
        rows = session.execute(query).all()
        masters = _masters(session, [id_ for id_, _, pcm, _ in rows if pcm])
        found |= {id_: TakeState(id_, status, pcm, run, masters.get(id_)) for id_, status, pcm, run in rows}
    return found


def _masters(session: Session, ids: Sequence[str]) -> dict[str, str]:
    query = select(Asset.take_id, Asset.sha256).where(Asset.take_id.in_(ids), Asset.role == "mix")
    found = session.execute(query.where(Asset.pcm_sha256.is_not(None)).order_by(Asset.id.desc()))
    return {take: sha256 for take, sha256 in found}  # the first one stands last


def newest_acceptances(session: Session, ids: Iterable[str]) -> dict[str, AcceptanceRow]:
    """What became of these takes at last, by id."""
    found: dict[str, AcceptanceRow] = {}
    for part in chunks(ids, KEYS):
        query = select(*_columns()).where(Acceptance.take_id.in_(part), _is_newest())
        found |= {row[0]: AcceptanceRow(*row) for row in session.execute(query)}
    return found


def judged_takes(session: Session, catalog: str) -> set[str]:
    """The takes of a catalog whose newest acceptance is one of `ACCEPTANCES`."""
    query = select(Acceptance.take_id).join(Take, Take.id == Acceptance.take_id)
    query = query.join(Catalog, Catalog.id == Take.catalog_id).where(Catalog.name == catalog)
    return set(session.scalars(query.where(Acceptance.outcome != UNJUDGED, _is_newest())))


def _columns() -> list[Any]:
    return [getattr(Acceptance, name) for name in AcceptanceRow.__dataclass_fields__]


def _is_newest() -> ColumnElement[bool]:
    later = aliased(Acceptance)
    highest = select(func.max(later.number)).where(later.take_id == Acceptance.take_id)
    return Acceptance.number == highest.scalar_subquery()


def add_acceptances(session: Session, rows: Sequence[AcceptanceRow]) -> dict[str, Rows]:
    """Insert rows; returns what the ledger is to hold of them, by take."""
    values = [asdict(row) | {"reasons": list(row.reasons)} for row in rows]
    for part in chunks(values):
        session.execute(insert(Acceptance), part)
    return rows_from(Acceptance, values)


def with_outcome(*outcomes: str) -> ColumnElement[bool]:
    """The condition that a take's newest acceptance, of the sound that it has, is one of `ACCEPTANCES`."""
    judged = select(Acceptance.take_id).where(
        Acceptance.take_id == Take.id, Acceptance.pcm_sha256 == Take.pcm_sha256, Acceptance.outcome.in_(outcomes),
        _is_newest(),
    )  # fmt: skip
    return judged.exists()

