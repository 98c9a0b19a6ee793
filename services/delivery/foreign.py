"""Reads audio that was made elsewhere, whole, and refuses what is no music to work with. Writes nothing.

Sound is turned into 24-bit stereo at its own rate: one channel becomes two equal ones, integers and floats that 24 bits
hold stay exact, what lies beyond full scale is clipped as any player would.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from services.mastering.pcm import Pcm
from services.provenance.fingerprints.ffmpeg import Decoded, UnreadableSoundError, decode, opened
from services.storage.store import Blob, digest

SHORTEST_S, LONGEST_S = 0.5, 1200.0
RATES = (8_000, 192_000)  # Hz
LAYOUTS = {"mono": 1, "1 channels": 1, "stereo": 2, "2 channels": 2}
CONTAINERS = {  # ffmpeg's name of a container: (extension, media type)
    "wav": ("wav", "audio/wav"), "w64": ("w64", "audio/wav"), "flac": ("flac", "audio/flac"),
    "ogg": ("ogg", "audio/ogg"), "mp3": ("mp3", "audio/mpeg"), "aac": ("aac", "audio/aac"),
    "aiff": ("aiff", "audio/aiff"), "mov": ("m4a", "audio/mp4"), "matroska": ("mka", "audio/x-matroska"),
    "asf": ("wma", "audio/x-ms-wma"), "caf": ("caf", "audio/x-caf"), "wv": ("wv", "audio/x-wavpack"),
}  # fmt: skip
NO_SOUND = re.compile(r"\.(txt|md|json|ya?ml|pdf|csv|html?|xml|jpe?g|png|webp|svg|c2pa|midi?|log)", re.IGNORECASE)
_FLOATS = re.compile(r"pcm_f|wavpack")  # codecs that may hold what is no number
_INTEGERS = ("-c:a", "pcm_s32le", "-f", "s32le", "-y")
_AS_FLOATS = ("-c:a", "pcm_f32le", "-f", "f32le", "-y")


@dataclass(frozen=True)
class Foreign:
    """A file made elsewhere, decoded: `blob` is digest and size of its bytes, `pcm` its sound."""

    path: Path
    blob: Blob
    extension: str
    media_type: str
    pcm: Pcm


def read_foreign(path: Path) -> Foreign:
    """Raises UnreadableSoundError for what is no sound, damaged, silent, too short or long, of a rate or a number of
    channels that no take has, or not finite."""
    with opened(path) as handle, open(handle, "rb", closefd=False) as file:
        blob = digest(file)
    with tempfile.TemporaryFile() as raw:
        decoded = decode(path, [(_INTEGERS, raw.fileno())])
        _check(path, decoded)
        samples = _samples(raw, LAYOUTS[decoded.layout])
    if _FLOATS.match(decoded.codec):
        _check_finite(path)
    if not samples.any():
        raise UnreadableSoundError(f"{path}: holds only silence; name a file with sound")
    extension, media_type = CONTAINERS.get(decoded.container.split(",")[0], ("bin", "application/octet-stream"))
    return Foreign(path, blob, extension, media_type, Pcm(decoded.sample_rate, samples))


def _check(path: Path, decoded: Decoded) -> None:
    seconds, rate = decoded.duration_s, decoded.sample_rate
    if not RATES[0] <= rate <= RATES[1]:
        raise UnreadableSoundError(f"{path}: {rate} Hz; convert it to a rate from {RATES[0]} to {RATES[1]} Hz")
    if decoded.layout not in LAYOUTS:
        raise UnreadableSoundError(f"{path}: channels {decoded.layout!r}; mix it down to stereo or mono")
    if not SHORTEST_S <= seconds <= LONGEST_S:
        span = f"between {SHORTEST_S:g} s and {LONGEST_S / 60:.0f} minutes"
        raise UnreadableSoundError(f"{path}: {seconds:.1f} s long; bring in sound {span}")


def _samples(raw: IO[Any], channels: int) -> NDArray[np.int32]:
    raw.seek(0)
    values = np.frombuffer(raw.read(), dtype="<i4").astype(np.int32) >> 8
    frames = values[: values.size // channels * channels].reshape(-1, channels)
    return np.ascontiguousarray(np.repeat(frames, 2, axis=1) if channels == 1 else frames)


def _check_finite(path: Path) -> None:
    with tempfile.TemporaryFile() as raw:
        decode(path, [(_AS_FLOATS, raw.fileno())])
        raw.seek(0)
        while block := raw.read(1 << 22):
            if not np.isfinite(np.frombuffer(block[: len(block) // 4 * 4], dtype="<f4")).all():
                raise UnreadableSoundError(f"{path}: holds samples that are no numbers (NaN, infinite); export it anew")
