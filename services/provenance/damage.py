"""Rows that cannot be read, named one by one: a value that no column of its kind has ends no verification untold.

SQLite takes any value in any column, PostgreSQL infinite times and numbers; who changes rows by hand may leave such.
Nothing here is asked before reading failed, and nothing writes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Table, Text, cast, column, func, literal_column, select
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from db.canonical import canonical, plain_column
from db.ledger import READ_CHUNK
from db.ledger_rows import BY_NAME
from db.tables import Base, Catalog, Cue, Generator, Run, UtcDateTime
from services.provenance.findings import MOST_FINDINGS, Finding, Report

_OF_VALUES = (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError)
_OTHER_TEXT = "Could not decode"  # SQLite's driver, of a text that is not UTF-8


def is_damage(error: Exception) -> bool:
    """Whether an error may come of a value that cannot be read, not of a connection or a disk."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError) or _OTHER_TEXT in str(error.orig)
    return isinstance(error, _OF_VALUES)


def tell_unreadable(session: Session, report: Report) -> bool:
    """Name the rows of every table that cannot be read, the first of them; returns whether there are any."""
    before = report.count
    for table in Base.metadata.sorted_tables:
        if not _sound(session, table):
            for row in _unreadable(session, table):
                report.problem(row.kind, row.what, subject=row.subject, table=row.table, key=row.key)
                if report.count - before >= MOST_FINDINGS:
                    return True
    return report.count > before


def read_others(session: Session) -> None:
    """Read the tables that no entry and no digest holds, to see that they can be read. Raises what reading does."""
    for table in (Catalog, Cue, Generator, Run):
        with session.execute(select(table.__table__).execution_options(yield_per=READ_CHUNK)) as found:
            for part in found.partitions():
                list(part)


def _sound(session: Session, table: Table) -> bool:
    columns = tuple(table.columns)
    try:
        with session.execute(select(table).execution_options(yield_per=READ_CHUNK)) as found:
            return all(_fits(*pair) for row in found for pair in zip(columns, row, strict=True))
    except Exception as error:
        if is_damage(error):
            return False
        raise


def _fits(named: ColumnElement[Any], value: Any) -> bool:
    """Whether a value is one of its column's kind, and one that can be put on record."""
    canonical(plain_column(value))
    if value is None or isinstance(named.type, JSON):
        return True
    expected = datetime if isinstance(named.type, UtcDateTime) else named.type.python_type
    return isinstance(value, (int, float) if expected is float else expected)


def _unreadable(session: Session, table: Table) -> Iterator[Finding]:
    place: ColumnElement[Any] = column("rowid" if session.get_bind().dialect.name == "sqlite" else "ctid")
    text = cast(place, Text)
    for (row,) in session.execute(select(text).select_from(table)).all():
        here = text == row
        if session.get_bind().dialect.name == "sqlite":
            here = place == literal_column(row)  # the number itself, so that its index is used
        if wrong := [found.name for found in table.columns if not _readable(session, found, here)]:
            yield _finding(session, table, here, wrong)


def _readable(session: Session, named: ColumnElement[Any], here: ColumnElement[bool]) -> bool:
    try:
        return _fits(named, session.execute(select(named).where(here)).scalar())
    except Exception as error:
        if is_damage(error):
            return False
        raise


def _finding(session: Session, table: Table, here: ColumnElement[bool], wrong: list[str]) -> Finding:
    kept = BY_NAME.get(table.name)
    key = " ".join(_raw(session, named, here) for named in table.primary_key)
    subject = _raw(session, table.c[kept.subject], here) if kept is not None and kept.subject in table.c else None
    what = f"{table.name} {key} was changed: its {', '.join(wrong)} cannot be read"
    return Finding("changed", what, "", subject=subject, table=table.name, key=key)


def _raw(session: Session, named: ColumnElement[Any], here: ColumnElement[bool]) -> str:
    """A value as far as it is text."""
    if session.get_bind().dialect.name == "sqlite":
        found = session.execute(select(func.hex(cast(named, LargeBinary))).where(here)).scalar()
        return bytes.fromhex(found or "").decode("utf-8", "replace")
    return str(session.execute(select(cast(named, Text)).where(here)).scalar())
