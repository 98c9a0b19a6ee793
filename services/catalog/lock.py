"""One driver a catalog: whoever comes second is told who holds it.

A file lock in the home (it vanishes with its process, however that ends) and, on PostgreSQL, an advisory lock for
drivers on other machines. Holding it, a driver may settle what an interrupted one left behind. Whoever removes files
holds the whole home, which no catalog's holder shares.
"""

import errno
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine

from db.advisory import HeldElsewhereError, advisory_lock

TOLD_WITHIN_S = 0.2  # a holder writes its name right after it has the lock
_HOME = ".home"  # no catalog's name begins with a dot


class CatalogBusyError(RuntimeError):
    """Another driver works on the catalog; the message says which."""


@contextmanager
def catalog_lock(home: Path, engine: Engine, catalog: str) -> Iterator[None]:
    """Hold the catalog for the block. Raises CatalogBusyError at once when another driver has it."""
    with _shared(home), _locked(home, catalog, fcntl.LOCK_EX, f"catalog {catalog!r}"):
        try:
            with advisory_lock(engine, f"catalog {catalog}", describe_driver()):
                yield
        except HeldElsewhereError as error:
            raise _busy(f"catalog {catalog!r}", str(error)) from None


@contextmanager
def whole_home(home: Path) -> Iterator[None]:
    """Hold every catalog of a home, those to come too. Raises CatalogBusyError when a driver works on one."""
    with _locked(home, _HOME, fcntl.LOCK_EX, "a catalog of this home"):
        yield


@contextmanager
def files_kept(home: Path) -> Iterator[None]:
    """Let nobody remove files of the home for the block: what is stored in it may be recorded after.

    Any number may hold it beside drivers. Raises CatalogBusyError while somebody removes files."""
    with _shared(home):
        yield


def describe_driver() -> str:
    """This process, for people: `process 123 on host`."""
    return f"process {os.getpid()} on {platform.node()}"


def _shared(home: Path) -> AbstractContextManager[None]:
    return _locked(home, _HOME, fcntl.LOCK_SH, "the home")


@contextmanager
def _locked(home: Path, name: str, kind: int, what: str) -> Iterator[None]:
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(what, _holder(file)) from None
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP):
                raise OSError(error.errno, "this file system has no locks", str(folder)) from None
            raise
        try:
            _tell(file, f"{describe_driver()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
            yield
        finally:
            file.truncate(0)


def _tell(file: TextIO, holder: str) -> None:
    file.truncate(0)
    file.write(holder + "\n")
    file.flush()


def _holder(file: TextIO) -> str:
    """Who is written down; a holder that has just begun gets a moment to do it."""
    until = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < until:
        file.seek(0)
        if lines := file.read().splitlines():
            return lines[-1]
        time.sleep(0.01)
    return "another driver"


def _busy(what: str, holder: str) -> CatalogBusyError:
    return CatalogBusyError(f"{what} is being worked on by {holder}; wait for it or stop it, then try again")
