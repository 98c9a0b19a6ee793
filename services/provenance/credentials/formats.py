"""Which container a file is, told by its first bytes and never by its name, and how it takes tags and credentials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from services.provenance.credentials import flac, id3, ogg, png, riff
from services.provenance.credentials.claim import Tags
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.splice import Piece, Stretch

Tagger = Callable[[BinaryIO, int, Tags], list[Piece]]


@dataclass(frozen=True)
class Container:
    """A kind of file: its media type, whether a manifest goes into it or beside it, and how it is tagged."""

    name: str
    media_type: str
    embeds: bool
    tagged: Tagger


def _untouched(_source: BinaryIO, size: int, _tags: Tags) -> list[Piece]:
    return [Stretch(0, size)]


WAV = Container("WAV", "audio/wav", True, riff.tagged)
FLAC = Container("FLAC", "audio/flac", True, flac.tagged)
MP3 = Container("MP3", "audio/mpeg", True, id3.tagged)
OGG = Container("Ogg", "audio/ogg", False, ogg.tagged)
PNG = Container("PNG", "image/png", True, png.tagged)
MIDI = Container("MIDI", "audio/midi", False, _untouched)
NAMES = "WAV, FLAC, MP3, Ogg Vorbis, Opus, PNG or MIDI"


def container_of(source: BinaryIO) -> Container | None:
    """The container that the first bytes show; None for anything that is not signed here."""
    source.seek(0)
    head = source.read(12)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return WAV
    for magic, container in ((b"fLaC", FLAC), (b"OggS", OGG), (b"\x89PNG\r\n\x1a\n", PNG), (b"MThd", MIDI)):
        if head.startswith(magic):
            return container
    if head.startswith(b"ID3"):
        source.seek(id3.tag_size(source, 0))
        return FLAC if source.read(4) == b"fLaC" else MP3
    return MP3 if _is_mpeg_frame(head) else None


def require_container(source: BinaryIO) -> Container:
    """Like container_of. Raises CredentialsError where it knows none."""
    container = container_of(source)
    if container is None:
        raise CredentialsError(f"not a file that takes credentials; give {NAMES}")
    return container


def _is_mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG audio frame of layer III starts here, with a bit rate and a sample rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return False
    return head[1] >> 3 & 3 != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
