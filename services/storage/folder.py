"""Blobs in a folder: `blobs/ab/ab12...`, read-only files written as temp + fsync + rename.

A crash leaves at most files under `blobs/tmp`, which `sweep` removes once they are old; a blob that is seen is whole.
"""

import contextlib
import errno
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from services.storage.store import Blob, BlobMissingError, StorageError, Writer, checked, digest, is_digest

STALE_S = 24 * 3600.0


class FolderStore:
    """A BlobStore in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._temp = root / "tmp"

    def put(self, write: Writer) -> Blob:
        try:
            self._temp.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._temp)
            temp = Path(name)
            try:
                with contextlib.closing(_Watched(handle)) as file:
                    return self._store(write, file, temp)
            finally:
                temp.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(error.errno, f"{self.root}: {remedy(error)}") from error

    def _store(self, write: Writer, file: "_Watched", temp: Path) -> Blob:
        file.let(write)
        blob = digest(file)
        place = self._place(blob.sha256)
        if not self._holds(place, blob):
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
            self._make_folder(place.parent)
            temp.replace(place)
        sync_folder(place.parent)
        return blob

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            sync_folder(self.root)

    def _holds(self, place: Path, blob: Blob) -> bool:
        """An existing blob is kept only when its bytes are right: a damaged one is written anew."""
        if not place.is_file() or place.stat().st_size != blob.bytes:
            return False
        with place.open("rb") as file:
            return digest(file) == blob

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self._place(sha256).open("rb")
        except FileNotFoundError:
            raise BlobMissingError(f"no blob {sha256} in {self.root}; render its take again") from None

    def has(self, sha256: str) -> bool:
        return self._place(sha256).is_file()

    def path(self, sha256: str) -> Path:
        return self._place(sha256)

    def delete(self, sha256: str) -> None:
        self._place(sha256).unlink(missing_ok=True)

    def digests(self) -> Iterator[Blob]:
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if len(folder.name) == 2 and folder.is_dir():
                yield from _blobs(folder)

    def sweep(self, older_than_s: float = STALE_S, dry_run: bool = False) -> int:
        """Remove what interrupted writes left behind; returns how many files. `dry_run` removes nothing."""
        removed = 0
        if self._temp.is_dir():
            for path in self._temp.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file() and time.time() - path.stat().st_mtime > older_than_s:
                        if not dry_run:
                            path.unlink()
                        removed += 1
        return removed

    def _place(self, sha256: str) -> Path:
        return self.root / checked(sha256)[:2] / sha256


class _Watched(io.BufferedRandom):
    """A file that remembers when it could not take something, whatever its writer makes of the exception.

    An encoder in C calls `write` through a callback, where exceptions are lost: the file would be stored with a hole.
    """

    def __init__(self, handle: int) -> None:
        super().__init__(io.FileIO(handle, "r+b"))
        self._fault: OSError | None = None

    def write(self, data: Any) -> int:
        with self._watching():
            return super().write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        with self._watching():
            return super().seek(offset, whence)

    def let(self, write: Writer) -> None:
        """Let `write` write, then rewind. Raises the first OSError that the file met on the way."""
        try:
            write(self)
        finally:
            if self._fault is not None:
                raise self._fault
        self.flush()
        self.seek(0)

    def close(self) -> None:
        """Nothing is written any more: what was to be kept has been flushed."""
        self.raw.close()

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._fault = self._fault or error
            raise


def _blobs(folder: Path) -> Iterator[Blob]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_digest(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    yield Blob(entry.name, entry.stat().st_size)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remedy(error: OSError) -> str:
    """What the operating system refused, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space and run the same command again, what is finished stays"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "not writable; set CUEWORKS_HOME to a folder you may write to"
    return error.strerror or str(error)
