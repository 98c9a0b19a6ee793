"""Everything a rendition becomes, one file at a time: what a finishing actor runs before anything is stored.

Files are encoded when they are written, straight into the open file, so that memory holds one stem at a time. Nothing
here knows where files go, or records them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol

from models.generator import Rendition
from services.mastering.chain import Mastered, master
from services.mastering.encode import Format, check_format, encode, master_format
from services.mastering.measure import Measurements
from services.mastering.pcm import Pcm
from services.mastering.picture import Mark, picture
from services.planning.order import Delivery


class Writer(Protocol):
    """Writes one file's bytes to an open, seekable binary file."""

    def __call__(self, file: BinaryIO, /) -> object: ...


@dataclass(frozen=True)
class FinishedFile:
    """One file of a take. `role`: `mix` for every format of the mix (told apart by media type, the master first),
    `stem:<name>`, `midi`, `picture`. `pcm_sha256` stands with lossless files only; `duration_s` with sound only."""

    role: str
    extension: str
    media_type: str
    duration_s: float | None
    pcm_sha256: str | None
    write: Writer


@dataclass(frozen=True)
class Finished:
    """A finished take: its mix, the digest and measurements of it, and its files, which can be gone through once.

    A file is written before the next one is asked for; its writer holds the sound it writes.
    """

    pcm_sha256: str
    measurements: Measurements
    files: Iterator[FinishedFile]
    mix: Pcm


def finish(
    rendition: Rendition, delivery: Delivery, marks: Sequence[Mark] = (), duration: float | None = None
) -> Finished:
    """Master a rendition and offer its files: the mix in its master format and every other one ordered, the stems in
    the master format, MIDI where the generator gave it, and a picture with `marks` (seconds, label).

    Raises MasteringError, before any file is made, when the sound or a format is impossible.
    """
    names = dict.fromkeys((master_format(delivery), *delivery.formats))
    formats = {name: check_format(name, delivery.sample_rate) for name in names}
    mastered = master(rendition, delivery, duration)
    files = _files(mastered, formats, rendition.midi, tuple(marks))
    return Finished(mastered.pcm_sha256, mastered.measurements, files, mastered.mix)


def _files(
    mastered: Mastered, formats: dict[str, Format], midi: bytes | None, marks: tuple[Mark, ...]
) -> Iterator[FinishedFile]:
    for name, format_ in formats.items():
        yield _sound("mix", mastered.mix, name, format_, mastered.pcm_sha256)
    master_name, format_ = next(iter(formats.items()))
    for stem_name in mastered.stem_names:
        stem = mastered.stem(stem_name)
        yield _sound(f"stem:{stem_name}", stem, master_name, format_, stem.sha256())
    if midi is not None:
        yield FinishedFile("midi", "mid", "audio/midi", mastered.mix.duration_s, None, lambda file: file.write(midi))
    png = partial(picture, mastered.mix, marks)
    yield FinishedFile("picture", "png", "image/png", None, None, lambda file: file.write(png()))


def _sound(role: str, pcm: Pcm, name: str, format_: Format, digest: str) -> FinishedFile:
    return FinishedFile(
        role,
        format_.extension,
        format_.media_type,
        pcm.duration_s,
        digest if format_.lossless else None,
        lambda file: encode(pcm, name, file),
    )
