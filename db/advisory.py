"""PostgreSQL's advisory locks: one driver a catalog, also when drivers run on different machines.

The lock belongs to a connection, so it is gone when its holder dies, however it dies.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text


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
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT set_config('application_name', :holder, false)"), {"holder": holder[:63]})
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise HeldElsewhereError(_holder(connection, key))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


def _holder(connection: object, key: int) -> str:
    query = text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted"
        " AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
    )
    return connection.execute(query, {"key": key}).scalar() or "an unknown driver"  # type: ignore[attr-defined]
