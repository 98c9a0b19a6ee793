"""Tags in PNG (W3C PNG, third edition): `iTXt` chunks behind the header; every other chunk stays."""

import struct
import zlib
from typing import BinaryIO

from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.id3 import already_signed
from services.provenance.credentials.splice import Piece, Stretch

_HEADER_END = 8 + 25  # signature, then IHDR with its 13 bytes


def tagged(source: BinaryIO, size: int, tags: Tags) -> list[Piece]:
    """A PNG file with `tags`. Raises CredentialsError when it is damaged or carries a manifest already."""
    source.seek(8)
    if source.read(8) != b"\x00\x00\x00\x0dIHDR" or size <= _HEADER_END:
        raise CredentialsError("its PNG header is truncated or damaged")
    at, name = _HEADER_END, b"IHDR"
    while name != b"IEND":
        if at + 12 > size:
            raise CredentialsError("its PNG chunks are truncated or damaged")
        source.seek(at)
        length, name = struct.unpack(">I4s", source.read(8))
        if name == b"caBX":
            raise already_signed()
        at += 12 + length
    return [Stretch(0, _HEADER_END), _texts(tags), Stretch(_HEADER_END, size - _HEADER_END)]


def _texts(tags: Tags) -> bytes:
    fields = {
        "Title": tags.title, "Author": tags.artist, "Copyright": tags.licence, "Software": tags.software,
        "Comment": f"{tags.comment}; {tags.disclosure}", "AIGC": tags.aigc,
    }  # fmt: skip
    return b"".join(_chunk(name.encode() + b"\0\0\0\0\0" + text.encode()) for name, text in fields.items() if text)


def _chunk(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
