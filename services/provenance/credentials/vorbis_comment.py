"""Vorbis comments (xiph.org, "Ogg Vorbis I format specification: comment field"): the tags of FLAC, Ogg Vorbis, Opus.

Comments that are not ours stay as they are: engines read loop points from them.
"""

import struct

from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError

_MOST = 10_000


def with_tags(body: bytes, tags: Tags) -> bytes:
    """A comment block with `tags` in place of comments of the same names; `body` may be empty.

    Raises CredentialsError where the lengths in `body` do not add up."""
    vendor, comments = _parse(body) if body else (b"cueworks", [])
    ours = _fields(tags)
    kept = [entry for entry in comments if entry.split(b"=", 1)[0].upper() not in ours]
    added = [name + b"=" + value for name, value in ours.items() if value]
    entries = [_counted(entry) for entry in (*kept, *added)]
    return _counted(vendor) + struct.pack("<I", len(entries)) + b"".join(entries)


def _fields(tags: Tags) -> dict[bytes, bytes]:
    """Every name that is ours with its text, empty where it is not written."""
    fields = {
        "TITLE": tags.title, "ARTIST": tags.artist, "DATE": tags.date, "ISRC": tags.isrc, "LICENSE": tags.licence,
        "COMMENT": tags.comment, "ENCODED-BY": tags.software, "AI_DISCLOSURE": tags.disclosure, "AIGC": tags.aigc,
    }  # fmt: skip
    return {name.encode(): (value or "").encode() for name, value in fields.items()}


def _parse(body: bytes) -> tuple[bytes, list[bytes]]:
    vendor, at = _take(body, 0)
    if at + 4 > len(body):
        raise _damaged()
    (count,) = struct.unpack_from("<I", body, at)
    at += 4
    if count > _MOST:
        raise _damaged()
    comments = []
    for _ in range(count):
        comment, at = _take(body, at)
        comments.append(comment)
    return vendor, comments


def _take(body: bytes, at: int) -> tuple[bytes, int]:
    if at + 4 > len(body):
        raise _damaged()
    (size,) = struct.unpack_from("<I", body, at)
    end = at + 4 + size
    if end > len(body):
        raise _damaged()
    return body[at + 4 : end], end


def _counted(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text


def _damaged() -> CredentialsError:
    return CredentialsError("its Vorbis comments are damaged: a length points beyond their end")
