"""Keeps the synthesised bank on disk: built once per cache folder, never trusted without its digest.

The file is named by its digest. Two processes never build at once (a lock file), a reader never sees half a file
(temporary file, fsync, rename), and a truncated or altered file is rebuilt. A processor that rounds differently may
build other bytes than the released ones; its bank is kept under its own digest, and the engine profile tells.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.composer.revision import BANK_SHA256
from models.kept import digest_of, whole_file

_NAME = re.compile(r"bank-([0-9a-f]{64})\.sf2")


def _intact(path: Path) -> bool:
    named = _NAME.fullmatch(path.name)
    return named is not None and path.is_file() and digest_of(path) == named.group(1)


def _find(cache_dir: Path) -> Path | None:
    """The released bank if it is there, else one that this machine built for this revision."""
    released = cache_dir / f"bank-{BANK_SHA256}.sf2"
    if _intact(released):
        return released
    note = cache_dir / f"own-build-of-{BANK_SHA256[:16]}"
    if note.is_file():
        own = cache_dir / f"bank-{note.read_text().strip()}.sf2"
        if _intact(own):
            return own
    return None


@contextmanager
def _locked(cache_dir: Path) -> Iterator[None]:
    with (cache_dir / "bank.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)


def _build_into(cache_dir: Path) -> Path:
    from models.composer.bank.build import build

    data = build()
    digest = hashlib.sha256(data).hexdigest()
    path = cache_dir / f"bank-{digest}.sf2"
    _write(path, data)
    if digest != BANK_SHA256:
        _write(cache_dir / f"own-build-of-{BANK_SHA256[:16]}", digest.encode())
    return path


def ensure_bank(cache_dir: Path) -> Path:
    """The path of an intact bank in `cache_dir`, which is made when missing; building takes some seconds, once.

    The digest is in the file's name. Raises OSError when the folder cannot be written.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    found = _find(cache_dir)
    if found is not None:
        return found
    with _locked(cache_dir):
        return _find(cache_dir) or _build_into(cache_dir)
