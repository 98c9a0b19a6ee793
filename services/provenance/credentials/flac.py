"""Tags in FLAC (RFC 9639): the VORBIS_COMMENT metadata block is replaced, every other block and every frame stays."""

from typing import BinaryIO

from services.provenance.credentials import id3
from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.splice import Piece, Stretch
from services.provenance.credentials.vorbis_comment import with_tags

_LAST = 0x80
_STREAMINFO, _COMMENT = 0, 4
_LARGEST_BLOCK = (1 << 24) - 1
_LARGEST_COMMENT = 1 << 22
_MOST_BLOCKS = 1000


def tagged(source: BinaryIO, size: int, tags: Tags) -> list[Piece]:
    """A FLAC file with `tags`. Raises CredentialsError when it is damaged or carries a manifest already."""
    prefix = id3.tag_size(source, 0)
    id3.refuse_signed(source, prefix)
    blocks, frames = _blocks(source, size, prefix + 4)
    comments, others = b"", []
    for kind, start, length in blocks:
        if kind == _COMMENT:
            comments = _read(source, start, min(length, _LARGEST_COMMENT))
        else:
            others.append((kind, Stretch(start, length)))
    body = with_tags(comments, tags)
    if len(body) > _LARGEST_BLOCK:
        raise CredentialsError("its comments do not fit into FLAC's metadata (16 MiB)")
    ordered: list[tuple[int, Piece]] = [others[0], (_COMMENT, body), *others[1:]]
    return [Stretch(0, prefix + 4), *_framed(ordered), Stretch(frames, size - frames)]


def _framed(blocks: list[tuple[int, Piece]]) -> list[Piece]:
    pieces: list[Piece] = []
    for number, (kind, body) in enumerate(blocks):
        length = len(body) if isinstance(body, bytes) else body.size
        last = _LAST if number == len(blocks) - 1 else 0
        pieces += [bytes((kind | last,)) + length.to_bytes(3, "big"), body]
    return pieces


def _blocks(source: BinaryIO, size: int, at: int) -> tuple[list[tuple[int, int, int]], int]:
    """Kind, start and length of every metadata block, and where the frames start."""
    blocks: list[tuple[int, int, int]] = []
    last = False
    while not last:
        head = _read(source, at, 4)
        last, kind, length = bool(head[0] & _LAST), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if (not blocks) != (kind == _STREAMINFO) or at + 4 + length > size or len(blocks) >= _MOST_BLOCKS:
            raise CredentialsError("its FLAC metadata is truncated or damaged")
        blocks.append((kind, at + 4, length))
        at += 4 + length
    return blocks, at


def _read(source: BinaryIO, at: int, size: int) -> bytes:
    source.seek(at)
    data = source.read(size)
    if len(data) < size:
        raise CredentialsError("its FLAC metadata is truncated or damaged")
    return data
