"""24-bit PCM into files, and back into its digest.

WAV is written here, as a plain 44-byte header and the packed samples: every game engine and audio tool reads format
tag 1, some refuse WAVE_FORMAT_EXTENSIBLE, and it is ten times quicker than a library that converts. FLAC, Ogg Vorbis
and MP3 are libsndfile's. WAV and FLAC bytes are deterministic; Ogg Vorbis draws a serial number per file, so lossy
files are known by their master's digest. Nothing here measures or changes level; tags and credentials are not written.
"""

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from services.mastering.errors import MasteringError
from services.mastering.pcm import BYTES_PER_SAMPLE, FULL_SCALE, Pcm, packed
from services.planning.order import Delivery

_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LARGEST_WAV = (1 << 32) - 1
_BLOCK_FRAMES = 1 << 16  # libsndfile's Vorbis encoder crashes when handed a minute at once


@dataclass(frozen=True)
class Format:
    """A delivery format: file extension without dot, media type, and the sample rates its encoder takes."""

    extension: str
    media_type: str
    lossless: bool
    rates: tuple[int, int]  # lowest and highest, Hz
    only_rates: tuple[int, ...] = ()


MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
FORMATS = {
    "wav": Format("wav", "audio/wav", True, (1, 768_000)),
    "flac": Format("flac", "audio/flac", True, (1, 655_350)),
    "ogg": Format("ogg", "audio/ogg", False, (8000, 192_000)),
    "mp3": Format("mp3", "audio/mpeg", False, (8000, 48_000), MP3_RATES),
}
MEDIA_TYPES = {name: format_.media_type for name, format_ in FORMATS.items()}
LOSSLESS = tuple(name for name, format_ in FORMATS.items() if format_.lossless)
_LIBSNDFILE = {  # compression levels run from 0 (largest file) to 1
    "flac": {"format": "FLAC", "subtype": "PCM_24", "compression_level": 0.4},
    "ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.4},  # Vorbis quality 6
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.2, "bitrate_mode": "VARIABLE"},  # V2
}


def master_format(delivery: Delivery) -> str:
    """The format of masters and stems: the first lossless one ordered, `flac` where none is."""
    return next((name for name in delivery.formats if name in LOSSLESS), "flac")


def check_format(name: str, sample_rate: int) -> Format:
    """The format called `name`; raises MasteringError when unknown or unable to hold `sample_rate`."""
    if name not in FORMATS:
        raise MasteringError(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    format_ = FORMATS[name]
    low, high = format_.rates
    if not low <= sample_rate <= high or (format_.only_rates and sample_rate not in format_.only_rates):
        able = ", ".join(map(str, format_.only_rates)) if format_.only_rates else f"{low} to {high}"
        raise MasteringError(f"{name} cannot hold {sample_rate} Hz, only {able}; change sample_rate or formats")
    return format_


def encode(pcm: Pcm, name: str, file: BinaryIO | Path) -> Format:
    """Write `pcm` as format `name` to an open, seekable binary file or a new path.

    Raises MasteringError when the format cannot hold it; what the file system raises goes through.
    """
    format_ = check_format(name, pcm.sample_rate)
    if isinstance(file, Path):
        with file.open("xb") as opened:
            return encode(pcm, name, opened)
    if name == "wav":
        _write_wav(pcm, file)
    else:
        _write_with_libsndfile(pcm, name, file)
    return format_


def decoded_pcm_sha256(file: BinaryIO | Path) -> str:
    """The `pcm_sha256` of a master file, decoded in blocks; equals `Pcm.sha256` of what was encoded.

    Raises MasteringError when the file is not readable as 24-bit sound.
    """
    import soundfile

    try:
        with soundfile.SoundFile(file) as sound:
            if sound.subtype != "PCM_24":
                raise MasteringError(f"{file} holds {sound.format} {sound.subtype}, not 24-bit PCM; name its master")
            digest = hashlib.sha256()
            for block in sound.blocks(_BLOCK_FRAMES, dtype="int32", always_2d=True):
                digest.update(packed(block >> 8))
    except soundfile.LibsndfileError as error:
        raise MasteringError(f"{file}: cannot be decoded ({error}); restore it, or render the take again") from error
    return digest.hexdigest()


def _write_wav(pcm: Pcm, file: BinaryIO) -> None:
    size = pcm.frames * pcm.channels * BYTES_PER_SAMPLE
    padding = size % 2
    if size + padding + _WAV_HEADER.size > _LARGEST_WAV:
        raise MasteringError(f"{pcm.duration_s:.0f} s do not fit into a WAV file (4 GiB); order flac")
    frame = pcm.channels * BYTES_PER_SAMPLE
    file.write(
        _WAV_HEADER.pack(
            b"RIFF", _WAV_HEADER.size - 8 + size + padding, b"WAVE",
            b"fmt ", 16, 1, pcm.channels, pcm.sample_rate, pcm.sample_rate * frame, frame, 8 * BYTES_PER_SAMPLE,
            b"data", size,
        )
    )  # fmt: skip
    file.write(packed(pcm.samples))
    file.write(bytes(padding))


def _write_with_libsndfile(pcm: Pcm, name: str, file: BinaryIO) -> None:
    """By way of memory: libsndfile's callbacks cannot raise, so a full disk would go unheard."""
    import soundfile

    scale = None if name in LOSSLESS else np.float32(1 / FULL_SCALE)
    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", pcm.sample_rate, pcm.channels, **_LIBSNDFILE[name]) as sound:
        for start in range(0, pcm.frames, _BLOCK_FRAMES):
            block = pcm.samples[start : start + _BLOCK_FRAMES]
            sound.write(block << 8 if scale is None else block.astype(np.float32) * scale)
    file.write(encoded.getbuffer())
