"""Blobs in memory: the twin of the folder for tests and trials. Nothing survives the process."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from services.storage.store import Blob, BlobMissingError, Writer, checked, digest


class MemoryStore:
    """A BlobStore in a dictionary."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def put(self, write: Writer) -> Blob:
        file = io.BytesIO()
        write(file)
        file.seek(0)
        blob = digest(file)
        self._blobs[blob.sha256] = file.getvalue()
        return blob

    def open(self, sha256: str) -> BinaryIO:
        if checked(sha256) not in self._blobs:
            raise BlobMissingError(f"no blob {sha256} in memory; render its take again")
        return io.BytesIO(self._blobs[sha256])

    def has(self, sha256: str) -> bool:
        return checked(sha256) in self._blobs

    def path(self, sha256: str) -> None:
        checked(sha256)

    def delete(self, sha256: str) -> None:
        self._blobs.pop(checked(sha256), None)

    def digests(self) -> Iterator[Blob]:
        return iter([Blob(key, len(value)) for key, value in self._blobs.items()])
