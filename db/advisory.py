"""PostgreSQL's advisory locks: one driver a catalog, also when drivers run on different machines.

The lock belongs to a connection, so it is gone when its holder dies, however it dies. SQLite has none and needs none:
it is one machine's, where file locks do (see `services.catalog.lock`).
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

LONGEST_HOLDER = 63  # bytes: PostgreSQL cuts application names there


class HeldElsewhereError(RuntimeError):
    """Another connection holds the lock; the message is its holder's own description."""


@contextmanager
def advisory_lock(engine: Engine, name: str, holder: str) -> Iterator[None]:
    """Hold the lock `name` for the block; `holder` (up to 63 bytes) is what others are told.

    Does nothing on SQLite. Raises HeldElsewhereError at once when it is taken.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    key = _key(name)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _name_connection(connection, holder[:LONGEST_HOLDER])
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise HeldElsewhereError(_holder(connection, key))
        try:
            yield
        finally:
            with suppress(DBAPIError):  # where the server went away, the lock went with it
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
                _name_connection(connection, "")


def lock_transaction(connection: Connection, name: str) -> None:
    """Wait for the lock `name` and hold it until the transaction ends. SQLite's transactions already exclude others."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _key(name)})


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"cueworks {name}".encode()).digest()[:8], "big", signed=True)


def _name_connection(connection: Connection, name: str) -> None:
    connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})


def _holder(connection: Connection, key: int) -> str:
    query = text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
    )
    return connection.execute(query, {"key": key}).scalar() or "an unknown driver"
