"""Tags in WAV: a `LIST` `INFO` chunk (Multimedia Programming Interface 1.0) and an `id3 ` chunk, both behind `data`.

LIST INFO is what simple tools show, the ID3 tag is what carries an ISRC and named texts. All other chunks stay (loop
points live in `smpl`), in place and byte for byte; engines that expect sound at byte 44 still find it there.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from services.provenance.credentials import id3
from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.splice import Piece, Stretch

_HEADER = 12
_LARGEST = (1 << 32) - 1
_MOST_CHUNKS = 10_000


@dataclass(frozen=True)
class Chunk:
    """A chunk's four letters, where its header starts, and the size of its body in bytes."""

    name: bytes
    start: int
    size: int

    @property
    def whole(self) -> int:
        """Bytes with header and padding."""
        return 8 + self.size + self.size % 2


def tagged(source: BinaryIO, size: int, tags: Tags) -> list[Piece]:
    """A WAV file with `tags` behind its own chunks. Raises CredentialsError when it is damaged, signed or full."""
    found = list(_chunks(source, size))
    names = {chunk.name for chunk in found}
    if b"C2PA" in names:
        raise id3.already_signed()
    if not {b"fmt ", b"data"} <= names:
        raise CredentialsError("truncated or damaged: a WAV file without sound")
    kept = [piece for chunk in found if not _is_tag(source, chunk) for piece in _whole(chunk, size)]
    added = _chunk(b"LIST", b"INFO" + _info(tags)) + _chunk(b"id3 ", id3.tag(tags))
    total = 4 + len(added) + sum(len(p) if isinstance(p, bytes) else p.size for p in kept)
    if total > _LARGEST:
        raise CredentialsError("the WAV is too large for its tags (4 GiB); use FLAC")
    return [b"RIFF" + struct.pack("<I", total) + b"WAVE", *kept, added]


def _chunks(source: BinaryIO, size: int) -> Iterator[Chunk]:
    """The chunks of a WAV file. Raises CredentialsError where the file ends before a chunk does."""
    at, seen = _HEADER, 0
    while at + 8 <= size:
        source.seek(at)
        name, body = struct.unpack("<4sI", source.read(8))
        if at + 8 + body > size:
            shown = repr(name.decode("latin-1"))
            raise CredentialsError(
                f"truncated or damaged: chunk {shown} says it has {body} bytes, the file ends after {size - at - 8}"
            )
        seen += 1
        if seen > _MOST_CHUNKS:
            raise CredentialsError(f"damaged: more than {_MOST_CHUNKS} chunks")
        chunk = Chunk(name, at, body)
        yield chunk
        at += chunk.whole


def _whole(chunk: Chunk, size: int) -> list[Piece]:
    """The chunk as it is, with the padding byte that some writers leave out at the end of a file."""
    missing = chunk.start + chunk.whole - size
    return [Stretch(chunk.start, chunk.whole)] if missing <= 0 else [Stretch(chunk.start, chunk.whole - 1), b"\0"]


def _is_tag(source: BinaryIO, chunk: Chunk) -> bool:
    if chunk.name in (b"id3 ", b"ID3 "):
        return True
    source.seek(chunk.start + 8)
    return chunk.name == b"LIST" and source.read(4) == b"INFO"


def _info(tags: Tags) -> bytes:
    fields = (
        (b"INAM", tags.title), (b"IART", tags.artist), (b"ICRD", tags.date), (b"ICOP", tags.licence),
        (b"ICMT", f"{tags.comment}; {tags.disclosure}"), (b"ISFT", tags.software), (b"AIGC", tags.aigc),
    )  # fmt: skip
    return b"".join(_chunk(name, value.encode() + b"\0") for name, value in fields if value)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
