"""The readable tree: `HOME/catalog/state/take/mix.flac`, hard links to blobs with names that a person can read.

Links are made, and made durable, before a take is recorded, so a recorded take always has its files; a link left by an
interrupted take is overwritten when the take is rendered again. The tree is never the source of truth: blobs are.
"""

import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path

from services.storage.folder import sync_folder

LONGEST_NAME = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for itself


def safe_name(text: str, longest: int = LONGEST_NAME) -> str:
    """`text` as one portable path component of at most `longest` characters: ASCII letters, digits, `.`, `_`, `-`.

    Never empty, `.` or `..`, never begins or ends with `.` or `-`, never a device of Windows.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _UNSAFE.sub("-", ascii_text).strip(".-")[:longest].rstrip(".-") or "unnamed"[:longest]
    return f"{name[: longest - 1]}_" if _DEVICES.fullmatch(name) else name


def link(blob: Path, target: Path) -> None:
    """Make `target` the file `blob`, atomically: a hard link, or a copy where the file system has none.

    Durable when it returns."""
    _make_folder(target.parent)
    try:
        os.link(blob, target)
    except FileExistsError:
        if not target.samefile(blob):
            _replace(blob, target)
    except OSError:
        _replace(blob, target)
    sync_folder(target.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _replace(blob: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".link-") as folder:
        temp = Path(folder) / target.name
        try:
            os.link(blob, temp)
        except OSError:
            _copy(blob, temp)
        temp.replace(target)


def _copy(blob: Path, target: Path) -> None:
    with blob.open("rb") as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())
