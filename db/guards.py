"""The triggers that keep append-only tables so, as a database has them now: which of them are gone, off or others.

Who owns a database can drop or disable them; that they stand is worth a look of its own. Nothing here writes.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.rights_tables import APPEND_ONLY

_REFUSAL = "is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation'"
_POSTGRESQL = """
    SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, t.tgqual IS NULL, p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
"""
_CHANGE, _TRUNCATE = 27, 34  # pg_trigger.h: row 1, before 2, delete 8, update 16; before 2, truncate 32


def missing_guards(session: Session) -> list[str]:
    """What keeps an append-only table from change or loss and is not there as it was made, a sentence each."""
    expected = _expected_postgresql if session.get_bind().dialect.name == "postgresql" else _expected_sqlite
    return list(expected(session))


def _expected_postgresql(session: Session) -> Iterator[str]:
    found = {(table, name): rest for table, name, *rest in session.execute(text(_POSTGRESQL))}
    for table in APPEND_ONLY:
        for what, kind in (("change", _CHANGE), ("truncate", _TRUNCATE)):
            enabled, type_, always, body = found.get((table, f"{table}_refuses_{what}"), (None, 0, False, ""))
            if enabled is None:
                yield f"trigger {table}_refuses_{what} is missing"
            elif enabled not in ("A", b"A"):
                yield f"trigger {table}_refuses_{what} is disabled"
            elif type_ != kind or not always or not _refuses(body):
                yield f"trigger {table}_refuses_{what} does not refuse what it was made to refuse"


def _refuses(body: str) -> bool:
    said = " ".join(body.split())
    return said == f"BEGIN RAISE EXCEPTION '% {_REFUSAL}; END"


def _expected_sqlite(session: Session) -> Iterator[str]:
    query = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'"
    found = {(table, name): sql for table, name, sql in session.execute(text(query))}
    for table in APPEND_ONLY:
        for what in ("update", "delete", "replace"):
            sql = found.get((table, f"{table}_refuses_{what}"))
            if sql is None:
                yield f"trigger {table}_refuses_{what} is missing"
            elif not _aborts(sql, table, what):
                yield f"trigger {table}_refuses_{what} does not refuse what it was made to refuse"


def _aborts(sql: str, table: str, what: str) -> bool:
    said = f"CREATE TRIGGER {table}_refuses_{what} BEFORE "
    if what != "replace":
        event = what.upper()
        refusal = f"SELECT RAISE(ABORT, '{table} is append-only: {event} refused')"
        return sql == f'{said}{event} ON "{table}" BEGIN {refusal}; END'
    refusal = f"SELECT RAISE(ABORT, '{table} is append-only: the row is there already')"
    begins = f'{said}INSERT ON "{table}" WHEN EXISTS (SELECT 1 FROM "{table}" WHERE ('
    return sql.startswith(begins) and sql.endswith(f"(rowid = NEW.rowid)) BEGIN {refusal}; END") and " AND 0" not in sql
