"""Recordings that takes follow: checked before anything is ordered, kept by their digest, found again by it.

What is read is bounded before it is decoded: a recording of hours is refused by its header, a header that lies by the
frames that come. Nothing here resamples, and nothing is written but the copy that `keep` makes.
"""

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from models.kept import Shelf

if TYPE_CHECKING:
    import soundfile

FOLDER = "references"
MOST_BYTES = 512 << 20  # ten minutes of stereo float at 96 kHz are 460 MB
SHORTEST_S, LONGEST_S = 1.0, 600.0
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
"""In Hz. Others may have so little in common with a model's own that the filter between them fills the memory."""
MOST_CHANNELS = 2


class RecordingError(ValueError):
    """A file that is no recording which a take can follow; says why in a sentence."""


def checked(path: Path) -> str:
    """The SHA-256 of a recording that a take can follow: mono or stereo, 8 to 192 kHz, 1 s to 10 min, not silent.

    Raises RecordingError, saying what is wrong with it, and OSError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise RecordingError(f"{path.name} is no file; name a recording, as WAV or FLAC")
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if status.st_size > MOST_BYTES:
            raise RecordingError(f"{path.name} has {status.st_size:,} bytes, more than {MOST_BYTES:,}; {_SHORTEN}")
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        _check_sound(handle, path.name)
    return digest


_SHORTEN = "cut out the part that the music is to follow"


def _check_sound(handle: int, name: str) -> None:
    import soundfile

    try:
        with soundfile.SoundFile(handle, closefd=False) as sound:
            _check_header(sound, name)
            seconds, peak = _heard(sound)
    except (soundfile.LibsndfileError, TypeError) as error:
        told = str(getattr(error, "error_string", error)).rstrip(".")
        raise RecordingError(f"{name} cannot be read as audio: {told}; give a WAV, FLAC, Ogg or MP3 file") from None
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise RecordingError(_told_of_length(name, seconds))
    if not 0.0 < peak < float("inf"):
        raise RecordingError(f"{name} is silent or holds values that are no numbers; give a recording with sound")


def _check_header(sound: "soundfile.SoundFile", name: str) -> None:
    if not 1 <= sound.channels <= MOST_CHANNELS:
        raise RecordingError(f"{name} has {sound.channels} channels; mix it down to mono or stereo")
    if sound.samplerate not in RATES:
        what = f"{name} has a rate of {sound.samplerate} Hz, none of {', '.join(map(str, RATES))}"
        raise RecordingError(f"{what}; resample it")
    if not SHORTEST_S <= sound.frames / sound.samplerate <= LONGEST_S:
        raise RecordingError(_told_of_length(name, sound.frames / sound.samplerate))


def _told_of_length(name: str, seconds: float) -> str:
    """How long it is, and what to do; a length that the header only claims may be absurd."""
    length = f"{seconds:,.1f} s" if seconds < 1e9 else "no length that can be told"
    remedy = _SHORTEN if seconds > LONGEST_S else "give a longer one"
    return f"{name} lasts {length}, not {SHORTEST_S:g} to {LONGEST_S:g} s; {remedy}"


def _heard(sound: "soundfile.SoundFile") -> tuple[float, float]:
    """(seconds, peak) of what really comes, second by second and no further than a second beyond the limit; the peak
    is no number where a value is none."""
    import numpy as np

    frames, peak = 0, 0.0
    while frames <= LONGEST_S * sound.samplerate:
        block = sound.read(sound.samplerate, dtype="float32", always_2d=True)
        if not len(block):
            break
        frames += len(block)
        peak = float(np.maximum(peak, np.abs(block).max()))
    return frames / sound.samplerate, peak


_SHELF = Shelf(FOLDER, "recording", RecordingError)
place_of, keep, kept = _SHELF.place_of, _SHELF.keep, _SHELF.find
