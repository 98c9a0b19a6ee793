"""The files of a checkpoint as they lie on disk: whether they may be read at all, their digests, and that they stand
still meanwhile.

A folder comes from anywhere: it may hold links that lead out of it, devices, a hundred thousand files. Only what a
checkpoint is made of is looked at. Nothing here knows what the files hold, and nothing is ever written.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from models.pinning import file_digests
from services.generators.errors import RegisterError

PARTS = (".json", ".safetensors", ".bin", ".model", ".md", ".txt", ".yaml", ".th")  # what checkpoints are made of
MOST_FAULTS = 20
MOST_FOLDERS = 64  # below a pipeline, which has some ten parts
THREADS = 8
Progress = Callable[[int], None]


@dataclass(frozen=True)
class FileFacts:
    """What is recorded of a file: SHA-256, size, and when it was last changed (nanoseconds)."""

    sha256: str
    bytes: int
    mtime_ns: int

    def as_json(self) -> dict[str, object]:
        """Plain JSON; the time is text, for it is beyond 53 bits."""
        return {"sha256": self.sha256, "bytes": self.bytes, "mtime_ns": str(self.mtime_ns)}


def real_folder(path: Path, what: str = "checkpoint") -> Path:
    """The folder that `path` means, links followed. Raises RegisterError where it is none."""
    try:
        found = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise RegisterError([f"{path}: {_why(error)}; name the folder of the {what}"]) from None
    if not found.is_dir():
        raise RegisterError([f"{path}: not a folder; name the folder of the {what}, not a file in it"])
    return found


def parts_below(folder: Path) -> list[Path]:
    """The folders right below that of a pipeline, which hold its parts; hidden ones are none. Raises RegisterError for
    a link that leads out of it, and where there are too many to be a pipeline's."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise RegisterError([_unreadable(folder, error)]) from None
    if len(found) > MOST_FOLDERS:
        raise RegisterError([f"{folder}: {len(found)} folders in it are no pipeline's; name the folder of one"])
    astray = [_out(path, path.resolve()) for path in found if not path.resolve().is_relative_to(folder)]
    if astray:
        raise RegisterError(astray)
    return found


def unsafe(folder: Path, below: Iterable[Path] = ()) -> list[str]:
    """What in a folder, and in those folders `below` it, must not be read as part of a checkpoint, a sentence each:
    links out of it, devices, pipes."""
    found: list[str] = []
    for scanned in (folder, *below):
        try:
            with os.scandir(scanned) as entries:
                for entry in entries:
                    if entry.name.endswith(PARTS) and (said := _unsafe(folder, Path(entry.path))):
                        found.append(said)
                        if len(found) == MOST_FAULTS:
                            return [*found, f"{folder}: further files are not told"]
        except OSError as error:
            return [_unreadable(scanned, error)]
    return sorted(found)


def _unreadable(folder: Path, error: OSError) -> str:
    return f"{folder}: cannot be read: {_why(error)}; give yourself the right to read it"


def _out(path: Path, real: Path) -> str:
    return f"{path}: a link that leads out of the folder, to {real}; put the file itself there"


def _unsafe(folder: Path, path: Path) -> str | None:
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        return f"{path}: {'a link to nothing' if path.is_symlink() else _why(error)}; put the file itself there"
    if not any(real.is_relative_to(root) for root in (folder, *_blobs(folder))):
        return _out(path, real)
    if not stat.S_ISREG(mode):
        return f"{path}: neither a file nor a link to one; take it out of the folder"
    return None if os.access(real, os.R_OK) else f"{path}: cannot be read; give yourself the right to read it"


def standing(folders: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Size and time of every file in some folders that a checkpoint may be made of, before any of them is read."""
    found = {}
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(PARTS) and entry.is_file():
                    status = entry.stat()
                    found[Path(entry.path)] = (status.st_size, status.st_mtime_ns)
    return found


def leading_out(files: Iterable[Path], folders: Sequence[Path]) -> list[str]:
    """The files that lie in none of the folders, whatever names them, a sentence each."""
    roots = [root for folder in folders for root in (folder, *_blobs(folder))]
    outside = (path for path in files if not any(path.resolve().is_relative_to(root) for root in roots))
    return [f"{path}: lies outside the checkpoint's folder; put the file itself there" for path in outside]


def _blobs(folder: Path) -> list[Path]:
    """Where the links of a hub's cache lead: `models--owner--name/snapshots/COMMIT` beside `blobs`."""
    repository = folder.parent.parent
    held = folder.parent.name == "snapshots" and repository.name.startswith("models--")
    return [repository / "blobs"] if held else []


def digested(
    files: Mapping[str, Path],
    progress: Progress = lambda count: None,
    stood: Mapping[Path, tuple[int, int]] | None = None,
) -> dict[str, FileFacts]:
    """What there is to record of each file; `progress` is told of bytes, `stood` is what `standing` found before
    anything was read.

    Raises RegisterError with every file that could not be read or that changed meanwhile."""
    outcomes = read_all(files, progress)
    faults = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
    facts = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, FileFacts)}
    if faults := faults or moved_on(files, facts, stood):
        raise RegisterError(faults)
    return facts


def read_all(files: Mapping[str, Path], progress: Progress = lambda count: None) -> dict[str, FileFacts | str]:
    """What there is to record of each file, or why it cannot be read; several are read at once."""
    lock = Lock()

    def told(count: int) -> None:
        with lock:
            progress(count)

    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
        biggest_first = sorted(files, key=lambda name: -_size(files[name]))
        jobs = {name: threads.submit(_facts, files[name], told) for name in biggest_first}
        try:
            return {name: jobs[name].result() for name in files}
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def moved_on(
    files: Mapping[str, Path], facts: Mapping[str, FileFacts], stood: Mapping[Path, tuple[int, int]] | None = None
) -> list[str]:
    """The files that are no longer, or were not before, what was read of them, a sentence each."""
    found = []
    for name, fact in facts.items():
        read = (fact.bytes, fact.mtime_ns)
        try:
            now = files[name].stat()
            same = (now.st_size, now.st_mtime_ns) == read and (stood is None or stood.get(files[name]) == read)
        except OSError:
            same = False
        if not same:
            found.append(f"{files[name]}: changed while it was read; wait until it is whole, then try again")
    return found


def _facts(path: Path, progress: Progress) -> FileFacts | str:
    try:
        before = path.stat()
        digest = file_digests({"": path}, progress)[""]
    except OSError as error:
        return f"{path}: cannot be read: {_why(error)}; put the file back, or fetch the checkpoint again"
    return FileFacts(digest, before.st_size, before.st_mtime_ns)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
