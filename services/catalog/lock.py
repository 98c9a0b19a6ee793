"""One driver a catalog: whoever comes second is told who holds it.

A file lock in the home (it vanishes with its process, however that ends) and, on PostgreSQL, an advisory lock for
drivers on other machines. Holding it, a driver may settle what an interrupted one left behind.
"""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from db.advisory import HeldElsewhereError, advisory_lock


class CatalogBusyError(RuntimeError):
    """Another driver works on the catalog; the message says which."""


@contextmanager
def catalog_lock(home: Path, engine: Engine, catalog: str) -> Iterator[None]:
    """Hold the catalog for the block. Raises CatalogBusyError at once when another driver has it."""
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{catalog}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _busy(catalog, file.read().strip() or "another driver") from None
        holder = describe_driver()
        file.truncate(0)
        file.write(f"{holder}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        try:
            with advisory_lock(engine, f"catalog {catalog}", holder):
                yield
        except HeldElsewhereError as error:
            raise _busy(catalog, str(error)) from None


def describe_driver() -> str:
    """This process, for people: `process 123 on host`."""
    return f"process {os.getpid()} on {platform.node()}"


def _busy(catalog: str, holder: str) -> CatalogBusyError:
    return CatalogBusyError(f"catalog {catalog!r} is being worked on by {holder}; wait for it or stop it, then try again")
