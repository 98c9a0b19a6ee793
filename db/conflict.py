"""`INSERT ... ON CONFLICT DO NOTHING` for both databases: what makes repeated work harmless."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.tables import Base


def insert_missing(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet; rows that are stay as they were."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing()
    for chunk in chunks(rows):
        session.execute(statement, chunk)
