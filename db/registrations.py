"""Registrations in the database: read all of them at once, add one. Rows are never changed.

Which of them hold is decided here, once: those after a name's last removal. Nothing here knows what a checkpoint is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.ledger import Entry
from db.ledger_rows import rows_from
from db.tables import Registration

ADDED, REMOVED = "added", "removed"
HUB, FOLDER = "hub", "folder"
LOCK = "registrations"  # one writer at a time: what was looked up still holds when a row is added


@dataclass(frozen=True)
class RegistrationRow:
    """The columns of `registration`. `number` 0: not in the database yet."""

    generator: str
    act: str
    digest: str
    revision: str
    origin: str
    source: str
    asked_revision: str
    commit_id: str
    folder: str
    text_encoder: str | None
    codec: str | None
    format: str
    files: Mapping[str, Mapping[str, Any]]
    card: Mapping[str, Any]
    shape: Mapping[str, Any]
    places: Mapping[str, Any]
    at: datetime
    number: int = 0

    def as_row(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


_TOLD = ("act", "revision", "digest", "source", "asked_revision", "commit_id")
_COLUMNS = tuple(getattr(Registration, field.name) for field in fields(RegistrationRow))


def registrations(session: Session) -> list[RegistrationRow]:
    """Every row, by generator and in order."""
    query = select(*_COLUMNS).order_by(Registration.generator, Registration.number)
    return [RegistrationRow(*row) for row in session.execute(query)]


def count_registrations(session: Session) -> int:
    """How many rows there are: changes whenever one is added."""
    return session.scalar(select(func.count()).select_from(Registration)) or 0


def locked_registrations(session: Session) -> list[RegistrationRow]:
    """Every row; nobody else adds one until the transaction ends."""
    lock_transaction(session.connection(), LOCK)
    return registrations(session)


def holding(rows: Iterable[RegistrationRow]) -> list[RegistrationRow]:
    """Of one generator's rows, in order, those that hold: what came after the last removal."""
    found: list[RegistrationRow] = []
    for row in rows:
        found = [*found, row] if row.act == ADDED else []
    return found


def insert_registration(session: Session, row: RegistrationRow) -> Entry:
    """Add a row whose `number` is set; returns its ledger entry, to be appended by the caller.

    Raises IntegrityError where that number is taken."""
    values = row.as_row()
    session.execute(insert(Registration), [values])
    told = {name: values[name] for name in _TOLD if values[name]}
    whole = {name: value for name, value in values.items() if name not in (*_TOLD, "generator", "at")}
    held = rows_from(Registration, [values])[row.generator]
    return Entry("registration", row.generator, {**told, "registration": whole, "rows": held})
