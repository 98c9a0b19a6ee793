"""Puts what people decided on record: rows and their ledger entries in one transaction, with times that only rise.

A machine whose clock is behind the ledger is refused; where it is behind by less, a decision still comes after the one
it takes the place of, since the newest is found by its time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.ledger import Entry, append, check_clock
from db.ledger_rows import Rows


def moment(session: Session, after: datetime | None = None) -> datetime:
    """Now, and later than `after`. Raises ClockError where the ledger is well ahead of this machine's clock."""
    now = datetime.now(UTC)
    check_clock(session, now)
    return now if after is None or after < now else after + timedelta(microseconds=1)


def put_on_record(
    session: Session, kind: str, catalog: str, held: Mapping[str, Rows], said: Mapping[str, Any] | None = None
) -> None:
    """Append an entry a subject of `held` (what the `add_` functions of `db.releases` return); `said` is in each."""
    append(session, entries(kind, catalog, held, said))


def entries(
    kind: str, catalog: str, held: Mapping[str, Rows], said: Mapping[str, Any] | None = None
) -> list[Entry]:
    """The entries of `put_on_record`, for a transaction that appends several kinds at its end."""
    return [Entry(kind, subject, {**(said or {}), "rows": rows}, catalog) for subject, rows in held.items()]
