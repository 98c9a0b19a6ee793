"""Content-addressed blobs: the port, and what every adapter promises.

A blob is written whole or not at all, before any database hears of it; writing the same bytes twice keeps one blob.
Adapters pass one shared behaviour suite (tests/unit/test_storage.py). No adapter ever changes a stored blob.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

BLOCK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
Writer = Callable[[BinaryIO], None]


class BlobMissingError(LookupError):
    """No blob of that digest is stored."""


class StorageError(OSError):
    """The store cannot take or give a file; the message says where, why and what to do."""

    def __str__(self) -> str:
        return self.strerror or super().__str__()


@dataclass(frozen=True)
class Blob:
    """A stored blob: `sha256` (hex) of its bytes and its size in bytes."""

    sha256: str
    bytes: int


class BlobStore(Protocol):
    """The port. Every method raises ValueError for a name that is no digest."""

    def put(self, write: Writer) -> Blob:
        """Store what `write` writes to the open binary file it is given; durable when it returns."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The blob's bytes for reading. Raises BlobMissingError."""
        ...

    def has(self, sha256: str) -> bool: ...

    def path(self, sha256: str) -> Path | None:
        """Where the blob lies on this machine; None for stores that are not on it."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove a blob; removing one that is not there is no error."""
        ...

    def digests(self) -> Iterator[Blob]:
        """Every stored blob with its size, in no particular order."""
        ...


def is_digest(name: str) -> bool:
    """Whether `name` is a SHA-256 as stores write it: 64 lower-case hexadecimal digits."""
    return _DIGEST.fullmatch(name) is not None


def checked(sha256: str) -> str:
    """`sha256`, once it is certain that it is a digest and no path. Raises ValueError."""
    if not is_digest(sha256):
        raise ValueError(f"not a SHA-256 digest: {sha256!r}")
    return sha256


def digest(file: BinaryIO) -> Blob:
    """SHA-256 and size of what remains to be read of `file`."""
    sha, size = hashlib.sha256(), 0
    while block := file.read(BLOCK):
        sha.update(block)
        size += len(block)
    return Blob(sha.hexdigest(), size)
