"""Tags in Ogg Vorbis and Opus (RFC 3533, RFC 7845): the comment packet is replaced, every audio packet stays.

Header packets are laid out on fresh pages; when their number changes, the following pages are renumbered. Only the
page's number and checksum change then, never a packet or a granule position, so a decoder hears the same samples.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.splice import Piece, Stretch
from services.provenance.credentials.vorbis_comment import with_tags

_HEADER = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST = 1, 2
_MOST_SEGMENTS = 255
_FULL = 255  # a segment of this size goes on in the next
_LARGEST_HEADERS = 1 << 24
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page of an Ogg stream: `lacing` holds the segment sizes, `body` their bytes."""

    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: bytes

    def packed(self) -> bytes:
        """The page with its checksum."""
        head = _HEADER.pack(b"OggS", 0, self.flags, self.granule, self.serial, self.number, 0, len(self.lacing))
        page = head + self.lacing + self.body
        return page[:22] + struct.pack("<I", checksum(page)) + page[26:]


def tagged(source: BinaryIO, size: int, tags: Tags) -> list[Piece]:
    """An Ogg Vorbis or Opus file with `tags`. Raises CredentialsError when it is damaged or another Ogg stream."""
    source.seek(0)
    pages = _pages(source)
    first = next(pages, None)
    if first is None or not first.flags & _FIRST:
        raise _damaged()
    packets, used = _headers(first, pages, _header_packets(first.body) - 1)
    packets[0] = _tagged_packet(packets[0], tags)
    headers = list(_laid_out(packets, first))
    end = source.tell()
    start = b"".join(page.packed() for page in (first, *headers))
    if len(headers) == used:
        return [start, Stretch(end, size - end)]
    return [start, *_renumbered(pages, len(headers) - used)]


def checksum(page: bytes) -> int:
    """Ogg's CRC: polynomial 0x04c11db7, most significant bit first, from 0. zlib's is the same polynomial mirrored, so
    bytes and result are mirrored, and its conditioning is undone."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _header_packets(identification: bytes) -> int:
    if identification.startswith(b"\x01vorbis"):
        return 3
    if identification.startswith(b"OpusHead"):
        return 2
    raise CredentialsError("an Ogg stream that is neither Vorbis nor Opus; deliver it as one of these, or as FLAC")


def _headers(first: Page, pages: Iterator[Page], wanted: int) -> tuple[list[bytes], int]:
    """The header packets behind the first page, and how many pages they took."""
    packets: list[bytes] = []
    pending, used, total = b"", 0, 0
    while len(packets) < wanted:
        page = next(pages, None)
        if page is None or page.serial != first.serial or page.flags & _FIRST or total > _LARGEST_HEADERS:
            raise _damaged()
        at, used, total = 0, used + 1, total + len(page.body)
        for lace in page.lacing:
            pending += page.body[at : at + lace]
            at += lace
            if lace < _FULL:
                packets.append(pending)
                pending = b""
    if pending or len(packets) != wanted:
        raise _damaged()
    return packets, used


def _tagged_packet(packet: bytes, tags: Tags) -> bytes:
    if packet.startswith(b"\x03vorbis"):
        return packet[:7] + with_tags(packet[7:], tags) + b"\x01"
    if packet.startswith(b"OpusTags"):
        return packet[:8] + with_tags(packet[8:], tags)
    raise _damaged()


def _laid_out(packets: list[bytes], first: Page) -> Iterator[Page]:
    """The packets on as few pages as they need, numbered after the first page."""
    laces = b"".join(bytes((_FULL,)) * (len(packet) // _FULL) + bytes((len(packet) % _FULL,)) for packet in packets)
    body, at, number, continued = b"".join(packets), 0, first.number + 1, False
    for start in range(0, len(laces), _MOST_SEGMENTS):
        lacing = laces[start : start + _MOST_SEGMENTS]
        end = at + sum(lacing)
        granule = 0 if any(lace < _FULL for lace in lacing) else -1  # -1: no packet ends on this page
        yield Page(_CONTINUED if continued else 0, granule, first.serial, number, lacing, body[at:end])
        at, number, continued = end, number + 1, lacing[-1] == _FULL


def _renumbered(pages: Iterator[Page], by: int) -> Iterator[bytes]:
    for page in pages:
        yield replace(page, number=(page.number + by) & 0xFFFFFFFF).packed()


def _pages(source: BinaryIO) -> Iterator[Page]:
    """The pages from where `source` stands. Raises CredentialsError where one is cut off or its checksum is wrong."""
    while head := source.read(_HEADER.size):
        if len(head) < _HEADER.size:
            raise _damaged()
        capture, version, flags, granule, serial, number, crc, segments = _HEADER.unpack(head)
        lacing = source.read(segments)
        body = source.read(sum(lacing))
        if capture != b"OggS" or version or len(lacing) < segments or len(body) < sum(lacing):
            raise _damaged()
        if checksum(head[:22] + bytes(4) + head[26:] + lacing + body) != crc:
            raise _damaged()
        yield Page(flags, granule, serial, number, lacing, body)


def _damaged() -> CredentialsError:
    return CredentialsError("its Ogg pages are truncated or damaged")
