"""Licence facts in the database: read all of them at once, add, ask what is new. Rows are never changed.

Nothing here knows what a fact means or whether two of them agree.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.rights_tables import LicenceFact

_TABLE = LicenceFact.__table__
COLUMNS = tuple(column.name for column in _TABLE.columns)


def fact_rows(session: Session) -> Iterator[dict[str, Any]]:
    """Every fact by its columns, in the order in which they became known."""
    query = select(*_TABLE.columns).order_by(LicenceFact.recorded_at, LicenceFact.id)
    for row in session.connection().execute(query):
        yield dict(zip(COLUMNS, row, strict=True))


def state_of_facts(session: Session) -> tuple[int, datetime | None]:
    """(how many facts there are, when the last one was recorded): changes whenever a fact is added."""
    count, newest = session.connection().execute(select(func.count(), func.max(LicenceFact.recorded_at))).one()
    return count, newest


def known_fact_ids(session: Session, ids: Collection[str]) -> set[str]:
    """Which of `ids` are there."""
    known: set[str] = set()
    for part in chunks(ids, 500):
        known |= set(session.connection().execute(select(LicenceFact.id).where(LicenceFact.id.in_(part))).scalars())
    return known


def corrected_fact_ids(session: Session, ids: Collection[str]) -> set[str]:
    """Which of `ids` another fact corrects."""
    found: set[str] = set()
    for part in chunks(ids, 500):
        query = select(LicenceFact.corrects).where(LicenceFact.corrects.in_(part))
        found |= {id_ for id_ in session.connection().execute(query).scalars() if id_}
    return found


def insert_facts(session: Session, rows: Collection[dict[str, Any]]) -> None:
    """Add facts given by their columns, those that others correct first."""
    for part in chunks(rows):
        session.connection().execute(insert(LicenceFact), part)
