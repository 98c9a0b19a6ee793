"""Signing a file that leaves: tags first, credentials last, into a new file; the source is only read.

Sound is never decoded here, so no sample can change. A crash leaves the target as it
was, or whole (and where there is a sidecar: the sidecar first, which without its file says nothing).
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from services.provenance.credentials import native
from services.provenance.credentials.authority import utc_now
from services.provenance.credentials.claim import Aigc, Claim, Tags, manifest_of, tags_of
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.formats import Container, require_container
from services.provenance.credentials.signers import Signer
from services.provenance.credentials.splice import BLOCK, Spliced
from services.storage.whole import whole_file

SIDECAR = ".c2pa"
Write = Callable[[Container, Spliced, BinaryIO], bytes | None]


@dataclass(frozen=True)
class Signed:
    """What was written: the file with its SHA-256 and size, the sidecar where the manifest is not in the file, and the
    wall seconds that it took."""

    path: Path
    sha256: str
    bytes: int
    sidecar: Path | None
    seconds: float
    sidecar_sha256: str | None = None


def sign_file(
    source: Path, target: Path, claim: Claim, signer: Signer, *, aigc: Aigc | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Signed:  # fmt: skip
    """Write `source` with tags and credentials to `target`. WAV, FLAC, MP3 and PNG carry the manifest themselves; Ogg
    Vorbis, Opus and MIDI get a sidecar `<target>.c2pa`, and MIDI no tags. An existing target is replaced.

    Raises CredentialsError, naming the file, when the source is damaged, signed already or of another kind, when a
    certificate is expired, and when the signer or the time-stamp authority fails. OSError goes through."""
    identity = signer.identity()
    identity.check_time(now())

    def write(container: Container, spliced: Spliced, target: BinaryIO) -> bytes | None:
        manifest, kind = manifest_of(claim, container.media_type), container.media_type
        data = native.sign(manifest, kind, spliced, target, signer, identity, container.embeds)
        return None if container.embeds else data

    return _written(source, target, tags_of(claim, aigc), write)


def tag_file(source: Path, target: Path, claim: Claim, aigc: Aigc | None = None) -> Signed:
    """Like sign_file, with the plain tags and without credentials: same input, same bytes."""

    def write(_container: Container, spliced: Spliced, target: BinaryIO) -> None:
        while block := spliced.read(BLOCK):
            target.write(block)

    return _written(source, target, tags_of(claim, aigc), write)


def sidecar_of(path: Path) -> Path:
    """Where the manifest of a file that cannot hold it lies: its whole name and `.c2pa`, so that `a.ogg` and `a.mid`
    do not share one."""
    return path.with_name(path.name + SIDECAR)


def _written(source: Path, target: Path, tags: Tags, write: Write) -> Signed:
    start = time.perf_counter()
    if target.exists() and target.samefile(source):
        raise CredentialsError(f"{source}: is source and target at once; write the signed file somewhere else")
    with source.open("rb") as file, whole_file(target) as part, part.open("w+b") as temp:
        with _naming(source):
            sidecar = _splice(file, tags, write, temp)
        temp.seek(0)
        digest = hashlib.file_digest(cast(Any, temp), "sha256").hexdigest()
        size = temp.tell()
        if sidecar is not None:
            with whole_file(sidecar_of(target)) as beside:
                beside.write_bytes(sidecar)
    return Signed(
        path=target, sha256=digest, bytes=size, sidecar=sidecar_of(target) if sidecar is not None else None,
        seconds=time.perf_counter() - start,
        sidecar_sha256=hashlib.sha256(sidecar).hexdigest() if sidecar is not None else None,
    )  # fmt: skip


def _splice(file: BinaryIO, tags: Tags, write: Write, target: BinaryIO) -> bytes | None:
    container = require_container(file)
    size = os.fstat(file.fileno()).st_size
    return write(container, Spliced(file, container.tagged(file, size, tags)), target)


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it, unless another one is named."""
    try:
        yield
    except CredentialsError as error:
        raise CredentialsError(f"{source}: {error}") from None
