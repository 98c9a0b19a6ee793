"""Files of a user that takes need, kept by their digest in a cache folder and found again by it.

What is kept is trusted for its digest alone, whatever lies under its name; a name appears when the file is whole and on
disk. Nothing but the copy is written, and no file or folder that a link leads to is changed.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write and read: when the block ends without an error it is `path`, all of it and on disk; else it is
    gone. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


@dataclass(frozen=True)
class Shelf:
    """Where files of one kind are kept: a folder of the cache. `what` names one of them in the sentences of `error`."""

    folder: str
    what: str
    error: type[ValueError]
    suffix: str = ""

    def place_of(self, sha256: str, cache_dir: Path) -> Path:
        """Where the file of that digest is looked for."""
        return cache_dir / self.folder / f"{sha256}{self.suffix}"

    def keep(self, path: Path, sha256: str, cache_dir: Path) -> Path:
        """Copy a checked file to where it is looked for, unless it is there; all of it or nothing.

        Raises OSError, and `error` where the file has changed since it was checked."""
        place = self.place_of(sha256, cache_dir)
        if _is(place, sha256):
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        with _regular(path) as source, whole_file(place) as copy:
            if source is not None:
                shutil.copyfileobj(source, copy)
            copy.seek(0)
            if source is None or hashlib.file_digest(copy, "sha256").hexdigest() != sha256:  # type: ignore[arg-type]
                raise self.error(f"{path} has changed since it was ordered; order again")
        return place

    def find(self, sha256: str, cache_dir: Path) -> Path:
        """The kept file of that digest. Raises `error` with what to do where it is missing or altered."""
        place = self.place_of(sha256, cache_dir)
        if not place.is_file():
            missing = f"the {self.what} {sha256} of this take is not on this machine"
            raise self.error(f"{missing}; copy the file of that digest to {place}")
        if not _is(place, sha256):
            raise self.error(f"{place} is not the {self.what} {sha256}: it was altered; copy the right file there")
        return place


def _is(place: Path, sha256: str) -> bool:
    return place.is_file() and digest_of(place) == sha256


@contextmanager
def _regular(path: Path) -> Iterator[IO[bytes] | None]:
    """A file to read; None for what is none any more, a pipe above all, which would be waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        yield file if stat.S_ISREG(os.fstat(handle).st_mode) else None
