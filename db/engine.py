"""Opens databases: SQLite embedded, PostgreSQL for teams, both behind one URL.

Sets what correctness needs (foreign keys, write-ahead log, immediate write transactions, one view per reading) and
nothing else; it never creates tables (see `db.migrate`).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from db.urls import database_url

BUSY_S = 30
PRAGMAS = (
    "synchronous=FULL",  # a take that is recorded survives a power cut, as it does in PostgreSQL
    "foreign_keys=ON",
    "cache_size=-65536",  # 64 MiB: the index that a batch of ledger entries scatters over stays in memory
    "recursive_triggers=ON",  # what REPLACE deletes, it deletes past the triggers otherwise
    "journal_mode=WAL",
)


def open_engine(url: str) -> Engine:
    """An engine for `url` (`sqlite...` or `postgres...`); connects to nothing yet. Raises DatabaseUrlError."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def open_unwritable(path: Path) -> Engine:
    """An engine for an SQLite file that cannot be written, nor anything beside it: a copy on read-only media.

    What its write-ahead log holds is not seen (sqlite.org/uri.html, `immutable`): the caller makes sure there is none.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    engine = create_engine("sqlite+pysqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` event opens transactions
    for pragma in (f"busy_timeout={BUSY_S * 1000}", *PRAGMAS):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction: commits when the block ends, rolls back when it raises."""
    with Session(engine) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One unchanging view for the whole block, however many queries it takes; it never blocks a writer."""
    with read_only(engine) as connection, Session(connection) as session:
        yield session


def read_only(engine: Engine) -> Connection:
    """A connection that only reads: a snapshot on both databases; PostgreSQL refuses writes on it."""
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return engine.connect().execution_options(**options)
