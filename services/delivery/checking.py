"""Checks an exported folder without any database: manifest, its signature, SHA256SUMS, credentials.

Folder and manifest may be anybody's, so nothing is believed: sizes are bounded, paths stay inside, links are not
followed. Every difference is named; nothing is changed.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from db.canonical import canonical
from services.delivery.errors import DeliveryError
from services.delivery.manifest import CREDENTIALS, FORMAT, MANIFEST, SIGNATURE, SUMS
from services.delivery.vouching import vouched
from services.planning.faults import printable, shown
from services.provenance.keys import PublicKey
from services.storage.store import digest, is_digest

UNLISTED = (MANIFEST, SUMS, SIGNATURE)  # what no manifest lists
LARGEST_TEXT = 512 << 20
MOST_FILES = 5_000_000
CARRIES = ("audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "image/png")


@dataclass(frozen=True)
class FolderProblem:
    """One difference between a folder and what it says of itself. `path` is relative to it."""

    path: str
    what: str


@dataclass(frozen=True)
class FolderCheck:
    """What was found. `release` is the manifest's own heading, empty where it cannot be read; `vouched_by` the id of
    the known key that signed the manifest, `signers` who signed the files."""

    folder: str
    release: Mapping[str, Any]
    files: int
    problems: tuple[FolderProblem, ...]
    signers: tuple[str, ...]
    vouched_by: str | None = None

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Carried:
    """What a file's credentials say: `fault` where they are missing or broken, else whose take and master they name."""

    fault: str | None
    take: str | None = None
    master: str | None = None
    signer: str | None = None


ReadCredentials = Callable[[Path], Carried]


def check_folder(
    place: Path, read: ReadCredentials | None = None, progress: Callable[[int], None] = lambda files: None,
    keys: Sequence[PublicKey] | None = None, vouched_for: bool = False,
) -> FolderCheck:  # fmt: skip
    """Check an exported release; `read` reads a file's credentials, `keys` are those that may vouch for it (None leaves
    out what it is for). With `vouched_for` it is a difference where none of them does.

    Raises DeliveryError where there is no folder, or no manifest in it."""
    if not place.is_dir():
        raise DeliveryError(f"{printable(str(place))}: is no folder; name the one that was released")
    if not (place / MANIFEST).is_file():
        raise DeliveryError(f"{printable(str(place))}: has no {MANIFEST}; name a folder that `cueworks release` wrote")
    problems = folder_problems(place, progress=progress)
    by = _vouched_by(place, keys, vouched_for, problems) if keys is not None else None
    try:
        told = _parsed(_read(place / MANIFEST))
    except ValueError:
        return FolderCheck(str(place), {}, 0, tuple(problems), (), by)
    files = _entries(told)
    signers: set[str] = set()
    if read is not None:
        damaged = {problem.path for problem in problems}
        problems += _credential_problems(place, [file for file in files if file["path"] not in damaged], read, signers)
    heading = told.get("release")
    return FolderCheck(
        str(place), heading if isinstance(heading, dict) else {}, len(files), tuple(problems), tuple(sorted(signers)),
        by,
    )  # fmt: skip


def _vouched_by(
    place: Path, keys: Sequence[PublicKey], wanted: bool, problems: list[FolderProblem]
) -> str | None:
    """The id of the key that signed the manifest; what is wrong with its signature is added to `problems`."""
    try:
        manifest, note = _read(place / MANIFEST), _read(place / SIGNATURE)
    except (OSError, ValueError) as error:
        problems.append(FolderProblem(SIGNATURE, f"cannot be read ({error}): nobody vouches for the manifest"))
        return None
    found = vouched(manifest, note, keys)
    if found.fault is not None:
        problems.append(FolderProblem(SIGNATURE, found.fault))
    elif wanted and found.by is None:
        problems.append(FolderProblem(SIGNATURE, "is not by the key that was given"))
    return found.by


def folder_problems(
    place: Path, manifest_sha256: str | None = None, progress: Callable[[int], None] = lambda files: None
) -> list[FolderProblem]:
    """Where a folder differs from its manifest and its SHA256SUMS; from a manifest with this digest, where given."""
    try:
        data = _read(place / MANIFEST)
    except (OSError, ValueError) as error:
        return [FolderProblem(MANIFEST, f"cannot be read ({error})")]
    told, problems = manifest_problems(data, manifest_sha256)
    if told is None:
        return problems
    listed = {file["path"]: file for file in (*_entries(told), *_entries(told, "documents"))}
    digests = {MANIFEST: sha256(data).hexdigest(), **{path: str(file["sha256"]) for path, file in listed.items()}}
    problems = list(_sum_problems(place, digests))
    for path, file in listed.items():
        if fault := _file_fault(place, path, file):
            problems.append(FolderProblem(path, fault))
        progress(1)
    return problems + list(_strangers(place, {*listed, *UNLISTED}))


def manifest_problems(
    data: bytes, expected: str | None = None
) -> tuple[dict[str, Any] | None, list[FolderProblem]]:
    """A manifest, read, and what is wrong with it; None where it cannot be used. `expected` is its digest on record."""
    if expected is not None and sha256(data).hexdigest() != expected:
        return None, [FolderProblem(MANIFEST, "is not the manifest that was recorded")]
    try:
        return _parsed(data), []
    except ValueError as error:
        return None, [FolderProblem(MANIFEST, str(error))]


def recorded_manifest(text: str) -> dict[str, Any]:
    """A manifest that is on record. Raises ValueError where it is none."""
    return _parsed(text.encode())


def _read(path: Path) -> bytes:
    """A text of the folder, of bounded size; a link is not followed."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("is no file")
    if path.stat().st_size > LARGEST_TEXT:
        raise ValueError(f"is larger than {LARGEST_TEXT} bytes")
    return path.read_bytes()


def _parsed(data: bytes) -> dict[str, Any]:
    """A manifest of ours. Raises ValueError saying what it is instead."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError(f"is no manifest of the format {FORMAT!r}")
    try:
        same = canonical(told) == data
    except ValueError:
        same = False
    if not same:
        raise ValueError("was edited: it is no canonical JSON any more")
    _check_entries(told)
    return told


def _check_entries(told: Mapping[str, Any]) -> None:
    seen: set[str] = set()
    for part in ("files", "documents"):
        rows = told.get(part)
        if not isinstance(rows, list) or len(rows) > MOST_FILES:
            raise ValueError(f"has no list of {part}")
        for row in rows:
            if not isinstance(row, dict) or not _safe(row.get("path")) or not is_digest(str(row.get("sha256"))):
                raise ValueError(f"lists a file that cannot be one: {shown(row)}")
            if row["path"] in seen or row["path"] in UNLISTED:
                raise ValueError(f"lists {shown(row['path'])} twice")
            if not isinstance(row.get("bytes"), int):
                raise ValueError(f"does not say how large {shown(row['path'])} is")
            seen.add(row["path"])


def _safe(path: object) -> bool:
    """Whether a path stays inside its folder on every system."""
    if not isinstance(path, str) or not path or "\0" in path or "\\" in path or ":" in path:
        return False
    return not any(part in ("", ".", "..") for part in path.split("/"))


def _entries(told: Mapping[str, Any], part: str = "files") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = told[part]
    return rows


def _file_fault(place: Path, path: str, file: Mapping[str, Any]) -> str | None:
    found = place / path
    try:
        if any(parent.is_symlink() for parent in (found, *found.parents[: path.count("/")])):
            return "is a link, not the file that was released"
        if not found.is_file():
            return "is missing"
        with found.open("rb") as opened:
            blob = digest(opened)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if (blob.sha256, blob.bytes) != (file["sha256"], file["bytes"]):
        return f"was changed: its bytes hash to {blob.sha256}, the manifest says {file['sha256']}"
    return None


def _sum_problems(place: Path, digests: Mapping[str, str]) -> Iterator[FolderProblem]:
    try:
        lines = _read(place / SUMS).decode().splitlines()
    except (OSError, ValueError) as error:
        yield FolderProblem(SUMS, f"cannot be read ({error})")
        return
    told: dict[str, str] = {}
    for line in lines:
        key, blank, path = line.partition("  ")
        if not blank or not is_digest(key) or path in told:
            yield FolderProblem(SUMS, f"has a line that is none of its own: {shown(line)}")
        told[path] = key
    for path in sorted(set(told) ^ set(digests)):
        yield FolderProblem(path, f"is in {SUMS if path in told else MANIFEST} only")
    for path in sorted(set(told) & set(digests)):
        if told[path] != digests[path]:
            yield FolderProblem(path, f"{SUMS} says {told[path]}, {MANIFEST} {digests[path]}")


def _strangers(place: Path, known: set[str]) -> Iterator[FolderProblem]:
    """Files that the manifest does not know."""
    for folder, folders, files in os.walk(place):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*files, *links]):
            path = (Path(folder) / name).relative_to(place).as_posix()
            if path not in known:
                told = os.fsencode(path).decode("utf-8", "replace")
                yield FolderProblem(told, "is no file of this release")


def _credential_problems(
    place: Path, files: list[dict[str, Any]], read: ReadCredentials, signers: set[str]
) -> Iterator[FolderProblem]:
    for file in files:
        role = str(file.get("role"))
        if role.startswith(CREDENTIALS) or file.get("media_type") not in CARRIES:
            continue
        found = read(place / file["path"])
        if found.signer:
            signers.add(found.signer)
        if fault := found.fault or _foreign(found, file):
            yield FolderProblem(file["path"], f"credentials: {fault}")


def _foreign(found: Carried, file: Mapping[str, Any]) -> str | None:
    if found.take != file.get("take"):
        return f"they name take {found.take}, the manifest {file.get('take')}"
    if found.master != file.get("source_sha256"):
        return f"they name the master {found.master}, the manifest {file.get('source_sha256')}"
    return None
