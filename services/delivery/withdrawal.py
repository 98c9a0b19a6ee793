"""Calls a release back. The release stays as it was, and so does every file that went out; only this is added."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from db.engine import writing
from db.ledger import append
from db.releases import ReleaseRow, WithdrawalRow, add_withdrawal, hold_reviews, release_rows
from services.delivery import texts
from services.delivery.errors import DeliveryError
from services.delivery.records import entries, moment
from services.planning.faults import nearest, shown


@dataclass(frozen=True)
class Withdrawn:
    """A release that is called back; `new` is False where it was already, and `withdrawal` is that first one."""

    release: ReleaseRow
    withdrawal: WithdrawalRow
    new: bool


def withdraw(
    engine: Engine, catalog: str, name: str, by: str, reason: str, settled: Callable[[], object] = lambda: None
) -> Withdrawn:
    """Call a release back, once; `settled` is called when that was put on record.

    Raises DeliveryError where there is no such release or the words cannot be recorded; ClockError."""
    by, reason = texts.person(by), texts.reason(reason)
    with writing(engine) as session:
        hold_reviews(session, catalog)
        rows = list(release_rows(session, catalog))
        found = next((row for row in rows if row.name == name), None)
        if found is None:
            known = nearest(name, [row.name for row in rows]) if rows else "it has none yet"
            raise DeliveryError(f"no release {shown(name)} of catalog {shown(catalog)}; {known}")
        if found.withdrawal is not None:
            return Withdrawn(found, found.withdrawal, False)
        row = WithdrawalRow(found.id, by, reason, moment(session, found.created_at))
        said = {"catalog": catalog, "name": name, "by": by}
        append(session, entries("withdrawal", catalog, add_withdrawal(session, row), said))
    settled()
    return Withdrawn(found, row, True)
