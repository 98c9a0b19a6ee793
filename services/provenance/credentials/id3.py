"""ID3v2.4 tags in UTF-8 (id3.org, "ID3 tag version 2.4.0"): made for MP3 and for the `id3 ` chunk of WAV.

An existing tag is measured and replaced, its text is never interpreted; audio frames are never touched.
"""

from typing import BinaryIO

from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.splice import Piece, Stretch

HEADER = 10
MANIFEST_STORE = bytes.fromhex("6a756d64 63327061 00110010 8000 00aa00389b71")  # jumd, the type of a C2PA store
_FOOTER_FLAG = 0x10
_UTF8 = b"\x03"
_LARGEST_LOOK = 1 << 24


def tagged(source: BinaryIO, size: int, tags: Tags) -> list[Piece]:
    """An MP3 file with `tags` in place of whatever ID3v2 tag it began with."""
    start = tag_size(source, 0)
    refuse_signed(source, start)
    if start >= size:
        raise CredentialsError("the MP3 ends within its ID3 tag: it is truncated")
    return [tag(tags), Stretch(start, size - start)]


def tag(tags: Tags) -> bytes:
    """A whole ID3v2.4 tag."""
    frames = b"".join(
        (
            _text("TIT2", tags.title), _text("TPE1", tags.artist), _text("TDRC", tags.date), _text("TSRC", tags.isrc),
            _text("TSSE", tags.software), _comment(tags.comment), _user("LICENSE", tags.licence),
            _user("AI_DISCLOSURE", tags.disclosure), _user("AIGC", tags.aigc),
        )
    )  # fmt: skip
    return b"ID3\x04\x00\x00" + _synchsafe(len(frames)) + frames


def tag_size(source: BinaryIO, at: int) -> int:
    """Bytes of the ID3v2 tag at `at`, 0 where there is none."""
    source.seek(at)
    head = source.read(HEADER)
    if len(head) < HEADER or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = (head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9]
    return HEADER + size + (HEADER if head[5] & _FOOTER_FLAG else 0)


def refuse_signed(source: BinaryIO, size: int) -> None:
    """Raises CredentialsError when the ID3 tag of `size` bytes at the start holds a C2PA manifest."""
    source.seek(0)
    if MANIFEST_STORE in source.read(min(size, _LARGEST_LOOK)):
        raise already_signed()


def already_signed() -> CredentialsError:
    return CredentialsError("it already carries credentials, and signing again would lose them; sign its master")


def _text(name: str, value: str | None) -> bytes:
    return _frame(name, _UTF8 + value.encode()) if value else b""


def _user(description: str, value: str | None) -> bytes:
    return _frame("TXXX", _UTF8 + description.encode() + b"\x00" + value.encode()) if value else b""


def _comment(value: str) -> bytes:
    return _frame("COMM", _UTF8 + b"eng" + b"\x00" + value.encode())


def _frame(name: str, body: bytes) -> bytes:
    return name.encode() + _synchsafe(len(body)) + b"\x00\x00" + body


def _synchsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
