"""`INSERT ... ON CONFLICT` for both databases: what makes repeated work harmless."""

from typing import Any

from sqlalchemy import Table, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.tables import Base


def insert_missing(session: Session, table: type[Base], keys: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose `keys` are not there yet; rows that are stay as they were.

    A row that breaks any other rule than the uniqueness of its keys raises."""
    statement = _insert(session, table).on_conflict_do_nothing(index_elements=list(keys))
    for chunk in chunks(rows):
        session.execute(statement, chunk)


def insert_absent(session: Session, table: type[Base], keys: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """`insert_missing` for append-only tables, where SQLite refuses even to try a key that is there."""
    columns = [getattr(table, key) for key in keys]
    for chunk in chunks(rows, 300):
        wanted = {tuple(row[key] for key in keys): row for row in chunk}
        known = session.execute(select(*columns).where(tuple_(*columns).in_(list(wanted))))
        there = {tuple(found) for found in known}
        insert_missing(session, table, keys, [row for key, row in wanted.items() if key not in there])


def insert_or_replace(session: Session, table: type[Base], keys: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Insert the rows; where a row with the same `keys` is there already, give it the new values."""
    if not rows:
        return
    statement = _insert(session, table)
    values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=list(keys), set_=values)
    for chunk in chunks(rows):
        session.execute(statement, chunk)


def _insert(session: Session, table: type[Base]) -> Any:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    plain = table.__table__
    assert isinstance(plain, Table)
    return insert(plain)
