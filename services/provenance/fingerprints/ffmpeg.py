"""Runs ffmpeg on sound that may be hostile, and says in one sentence what is wrong with it.

The file is opened here and handed over as a descriptor, the only protocol that ffmpeg is allowed: no name is ever
parsed, and a playlist that refers to other files or to the network reaches neither. Time, length and size are bounded.
No shell is involved, and nothing here is written but what a caller names.
"""

import os
import re
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LONGEST_S = 6 * 3600.0  # of sound in one file
LARGEST_BYTES = 8 << 30
TIMEOUT_S = 300.0
_SLACK_S = 0.25  # by which headers and sound may differ: encoders' delays
_LONGEST_PAGE = 1 << 16  # of an Ogg file
# lines of ffmpeg's log; the file's own tags stand further in, so that they cannot be taken for one
_DURATION = re.compile(rb"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_REACHED = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)
_STREAM = re.compile(rb"^  Stream #0:\d+.*?: Audio: ([^,\r\n]+), (\d+) Hz, ([^,\r\n]+)", re.MULTILINE)
_CONTAINER = re.compile(rb"^Input #0, (.+), from 'fd:'", re.MULTILINE)
_DAMAGE = re.compile(
    rb"^(?:\[[^\]\r\n]+\] |Error|.*?fd:).*(?:Invalid data found|invalid residual|Error submitting packet|decode error"
    rb"|error while decoding|truncat|CRC mismatch|Header missing|corrupt|overread|End of file)",
    re.IGNORECASE | re.MULTILINE,
)
_CUT = re.compile(rb"^\[[^\]\r\n]+\] (?:Packet corrupt|corrupt input packet|.*truncated)", re.MULTILINE | re.IGNORECASE)
_ESTIMATED = re.compile(rb"^\[[^\]\r\n]+\] Estimating duration from bitrate", re.MULTILINE)


class UnreadableSoundError(ValueError):
    """A file is no sound that can be read whole; the message names it, says why and what to do."""


class FfmpegMissingError(RuntimeError):
    """This machine has no ffmpeg; the message says what to do."""


@dataclass(frozen=True)
class Decoded:
    """What ffmpeg told of a file: seconds of sound decoded, its names of container and codec, sample rate in Hz, layout
    of channels (`stereo`, `mono`, `5.1`, ...). `damage` says what is wrong with it, None where nothing is."""

    duration_s: float
    container: str
    codec: str
    sample_rate: int
    layout: str
    damage: str | None = None


@lru_cache(maxsize=1)
def ffmpeg_path() -> str:
    """The ffmpeg that comes with imageio-ffmpeg (or the one that IMAGEIO_FFMPEG_EXE names)."""
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return str(get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegMissingError(
            f"no ffmpeg to read sound with ({error}); install imageio-ffmpeg again, or set IMAGEIO_FFMPEG_EXE"
        ) from None


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a regular, non-empty file of bounded size. Raises UnreadableSoundError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableSoundError(f"{path}: {reason}; name a sound file that can be read") from None
    try:
        _check(path, os.fstat(handle))
        yield handle
    finally:
        os.close(handle)


def _check(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableSoundError(f"{path}: is a folder; name a sound file")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableSoundError(f"{path}: is no ordinary file; name a sound file")
    if found.st_size == 0:
        raise UnreadableSoundError(f"{path}: is empty (0 bytes); name a sound file")
    if found.st_size > LARGEST_BYTES:
        size = f"{found.st_size / 2**30:.1f} GiB"
        raise UnreadableSoundError(f"{path}: {size} are more than {LARGEST_BYTES >> 30} GiB; cut it into parts")


def decode(path: Path, outputs: Sequence[tuple[Sequence[str], int]], damaged: bool = False) -> Decoded:
    """Decode the first sound track of `path` once, into several outputs: (arguments, descriptor) of each.

    Raises UnreadableSoundError for what is no sound, too long, or (unless `damaged` is allowed) cut short. Errors in
    the middle of whole sound are only told, in `damage`: a flipped bit, what taggers leave at the end of an MP3.
    """
    limit = ["-t", str(LONGEST_S + 1)]
    with opened(path) as source:
        command = [*_head(), "-protocol_whitelist", "fd", "-fd", str(source), "-i", "fd:"]
        for arguments, target in outputs:
            command += ["-map", "0:a:0", "-map_metadata", "-1", *limit, *arguments, f"pipe:{target}"]
        handles = (source, *(target for _, target in outputs))
        code, log = _run(path, command, handles)
        cut = _ends_early(source)
    return _judged(path, code, log, damaged, cut)


def decode_part(path: Path, start_s: float, length_s: float, arguments: Sequence[str], target: int) -> None:
    """Decode `length_s` seconds from `start_s` on into the descriptor `target`. Raises UnreadableSoundError."""
    with opened(path) as source:
        seek = ["-ss", f"{max(0.0, start_s):.6f}", "-protocol_whitelist", "fd", "-fd", str(source), "-i", "fd:"]
        cut = ["-map", "0:a:0", "-t", f"{length_s:.6f}", *arguments, f"pipe:{target}"]
        code, log = _run(path, [*_head(), *seek, *cut], (source, target))
    if code:
        raise UnreadableSoundError(f"{path}: {_why_not(log)}; restore it with `cueworks verify --repair`")


def decode_mono(source: int, sample_rate: int, arguments: Sequence[str], target: int) -> None:
    """Give mono 16-bit samples, in a file from descriptor `source`, to ffmpeg. Raises UnreadableSoundError."""
    told = ["-f", "s16le", "-ar", str(sample_rate), "-ac", "1", "-protocol_whitelist", "fd", "-fd", str(source)]
    command = [*_head(), *told, "-i", "fd:", *arguments, f"pipe:{target}"]
    code, log = _run(Path("finished sound"), command, (source, target))
    if code:
        raise UnreadableSoundError(f"finished sound: {_why_not(log)}; see `cueworks doctor`")


def _head() -> list[str]:
    return [ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", "-v", "info", "-progress", "pipe:2", "-threads", "1"]


def _run(path: Path, command: list[str], handles: Sequence[int]) -> tuple[int, bytes]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, pass_fds=handles,
            start_new_session=True,
        )
        try:
            code = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise UnreadableSoundError(f"{path}: not decoded within {TIMEOUT_S:.0f} s; cut it into parts") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.seek(0)
        return code, log.read(1 << 20) + _tail(log.fileno())


def _tail(handle: int) -> bytes:
    size = os.fstat(handle).st_size
    return os.pread(handle, 1 << 14, size - (1 << 14)) if size > 1 << 20 else b""


def _ends_early(handle: int) -> bool:
    """Whether an Ogg file, which tells no length, lacks its end: the last page (RFC 3533), whole and marked as last."""
    size = os.fstat(handle).st_size
    if os.pread(handle, 4, 0) != b"OggS":
        return False
    tail = os.pread(handle, _LONGEST_PAGE, max(0, size - _LONGEST_PAGE))
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return True
    return not page[5] & 4 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _judged(path: Path, code: int, log: bytes, damaged: bool, cut: bool) -> Decoded:
    reached = max((int(found) for found in _REACHED.findall(log)), default=0) / 1e6
    stream = _STREAM.search(log)
    if stream is None or (code and not reached):
        raise UnreadableSoundError(f"{path}: {_why_not(log)}; name a sound file")
    if reached > LONGEST_S:
        raise UnreadableSoundError(f"{path}: longer than {LONGEST_S / 3600:.0f} hours; cut it into parts")
    short = "truncated: its last page is missing" if cut else _short(log, reached)
    if short and not damaged:
        raise UnreadableSoundError(f"{path}: {short}; restore the file, or allow damage with --damaged")
    damage = short or ("damaged: ffmpeg could not decode all of it" if code or _DAMAGE.search(log) else None)
    codec, rate, layout = (part.decode("ascii", "replace") for part in stream.groups())
    container = _CONTAINER.search(log)
    named = container[1].decode("ascii", "replace") if container else ""
    return Decoded(reached, named, codec.split(" ")[0], int(rate), layout.strip(), damage)


def _short(log: bytes, reached: float) -> str | None:
    """Whether less sound came than the headers promise; where they promise nothing, errors at the end tell."""
    declared = _declared_s(log)
    if declared is not None and reached < declared * 0.99 - _SLACK_S:
        return f"truncated or damaged: it declares {declared:.1f} s and holds {reached:.1f} s of sound"
    if _CUT.search(log):
        return "truncated: its last part is missing"
    return None


def _declared_s(log: bytes) -> float | None:
    """The length that the file's headers declare; None where ffmpeg only guessed it from the bit rate."""
    found = _DURATION.search(log)
    if found is None or _ESTIMATED.search(log):
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _why_not(log: bytes) -> str:
    if b"matches no streams" in log:
        return "holds no sound"
    return "is no sound that ffmpeg can read"
