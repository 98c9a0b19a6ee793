"""Opens databases: SQLite embedded, PostgreSQL for teams, both behind one URL.

Sets what correctness needs (foreign keys, write-ahead log, immediate write transactions) and nothing else; it never
creates tables (see `db.migrate`).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry


def sqlite_url(path: Path) -> str:
    """The URL of an embedded database at `path`."""
    return f"sqlite+pysqlite:///{path.resolve()}"


def open_engine(url: str) -> Engine:
    """An engine for `url` (`sqlite...` or `postgresql...`). Raises ValueError for any other kind of database."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if url.startswith("postgresql+psycopg://"):
        return create_engine(url, pool_pre_ping=True)
    if not url.startswith("sqlite"):
        raise ValueError(f"the database URL {url.split('://')[0]}://... is neither sqlite nor postgresql")
    engine = create_engine(url, connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` event opens transactions
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction: commits when the block ends, rolls back when it raises."""
    with Session(engine) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A read-only view that never blocks a writer."""
    with engine.connect().execution_options(read_only=True) as connection, Session(connection) as session:
        yield session
