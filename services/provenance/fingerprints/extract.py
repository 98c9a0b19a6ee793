"""A sound's fingerprint: chromaprint's 32-bit words (algorithm 1, "test2"), one every 1365 samples at 11025 Hz.

Chromaprint 1.5 as built into ffmpeg (muxer `chromaprint`): a word describes how the chroma moves within about 2.6 s, so
shorter sound has none. Words are kept as they come, little-endian, four bytes each: 1.9 kB a minute. Silence has words
too, all the same one; it has no fingerprint here. Nothing here compares.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.mastering.pcm import Pcm
from services.provenance.fingerprints.ffmpeg import (
    Decoded,
    FfmpegMissingError,
    UnreadableSoundError,
    decode,
    decode_mono,
    decode_part,
)

ALGORITHM = "chromaprint-1"
HOP_S = 1365 / 11025  # from one word to the next
SPAN_S = 2.6  # what a single word describes; the first word stands for the time from 0
SHORTEST_S = 2.7  # shorter sound has no word

WAVEFORM_RATE = 6000  # Hz: lossy codecs keep what lies below 3 kHz

Words = NDArray[np.uint32]
Waveform = NDArray[np.int16]
_CHROMAPRINT = ("-c:a", "pcm_s16le", "-f", "chromaprint", "-algorithm", "1", "-fp_format", "raw", "-y")
_WAVEFORM = ("-ac", "1", "-ar", str(WAVEFORM_RATE), "-c:a", "pcm_s16le", "-f", "s16le", "-y")
_PCM24 = ("-c:a", "pcm_s24le", "-f", "hash", "-hash", "sha256", "-y")


@dataclass(frozen=True)
class Fingerprint:
    """`words` is uint32 (n,), word i describing `SPAN_S` from `i * HOP_S` seconds on; empty where there is none."""

    duration_s: float
    words: Words
    algorithm: str = ALGORITHM

    @property
    def blob(self) -> bytes:
        """The words as they are stored: little-endian."""
        return self.words.astype("<u4").tobytes()


@dataclass(frozen=True)
class Heard:
    """A file decoded once: its fingerprint, the `pcm_sha256` that its sound has as 24-bit PCM, what ffmpeg told, and
    the sound itself as mono int16 at `WAVEFORM_RATE` Hz."""

    fingerprint: Fingerprint
    pcm_sha256: str
    decoded: Decoded
    waveform: Waveform


def words_of(blob: bytes) -> Words:
    """Stored words. Raises ValueError for a blob of broken length."""
    return np.frombuffer(blob, dtype="<u4").astype(np.uint32, copy=False)


def fingerprint_file(path: Path) -> Fingerprint:
    """The fingerprint of a sound file. Raises UnreadableSoundError."""
    with tempfile.TemporaryFile() as raw:
        decoded = decode(path, [(_CHROMAPRINT, raw.fileno())])
        return _fingerprint(decoded.duration_s, _all_of(raw.fileno()))


def hear(path: Path, damaged: bool = False) -> Heard:
    """Fingerprint and PCM digest of a file, decoded once. Raises UnreadableSoundError; `damaged` allows what is cut.

    The digest is that of `services.mastering.pcm` for every container that holds the 24-bit samples exactly: 24 and
    32-bit integers, float."""
    with tempfile.TemporaryFile() as raw, tempfile.TemporaryFile() as digest, tempfile.TemporaryFile() as wave:
        outputs = [(_CHROMAPRINT, raw.fileno()), (_PCM24, digest.fileno()), (_WAVEFORM, wave.fileno())]
        decoded = decode(path, outputs, damaged)
        told = _all_of(digest.fileno()).decode("ascii", "replace")
        pcm_sha256 = told.strip().rpartition("=")[2].lower()
        fingerprint = _fingerprint(decoded.duration_s, _all_of(raw.fileno()))
        return Heard(fingerprint, pcm_sha256, decoded, _waveform(_all_of(wave.fileno())))


def excerpt(path: Path, start_s: float, length_s: float) -> Waveform:
    """Seconds `start_s` to `start_s + length_s` of a file, as in `Heard`. Raises UnreadableSoundError."""
    with tempfile.TemporaryFile() as wave:
        decode_part(path, start_s, length_s, _WAVEFORM, wave.fileno())
        return _waveform(_all_of(wave.fileno()))


def _waveform(raw: bytes) -> Waveform:
    return np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2")


def fingerprint_pcm(pcm: Pcm) -> Fingerprint | None:
    """As `fingerprint_or_none`, of finished sound in memory: a quarter of the cost of reading its master again."""
    if pcm.duration_s < SHORTEST_S:
        return Fingerprint(pcm.duration_s, np.empty(0, dtype=np.uint32))
    mono = (pcm.samples.sum(axis=1, dtype=np.int32) // pcm.channels >> 8).astype("<i2")
    try:
        with tempfile.TemporaryFile() as sound, tempfile.TemporaryFile() as raw:
            sound.write(mono.data)
            sound.flush()
            sound.seek(0)
            decode_mono(sound.fileno(), pcm.sample_rate, _CHROMAPRINT, raw.fileno())
            return _fingerprint(pcm.duration_s, _all_of(raw.fileno()))
    except (UnreadableSoundError, FfmpegMissingError, OSError):
        return None


def fingerprint_or_none(path: Path, duration_s: float) -> Fingerprint | None:
    """The fingerprint of a finished take's master, empty where it is too short or silent; None where it cannot be made
    now (no ffmpeg, an unreadable file): it is made when a trace needs it."""
    if duration_s < SHORTEST_S:
        return Fingerprint(duration_s, np.empty(0, dtype=np.uint32))
    try:
        return fingerprint_file(path)
    except (UnreadableSoundError, FfmpegMissingError, OSError):
        return None


def _all_of(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, 0)


def _fingerprint(duration_s: float, raw: bytes) -> Fingerprint:
    words = words_of(raw[: len(raw) // 4 * 4])
    if words.size and (words == words[0]).all():
        words = words[:0]  # nothing moves in it
    return Fingerprint(duration_s, words)
