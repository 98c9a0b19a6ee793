"""Files that are written once: whole or not at all, and never again with other content."""

import contextlib
import os
import tempfile
from pathlib import Path

from services.storage.folder import sync_folder


class OtherContentError(ValueError):
    """A file that is written once is there with other content; it was left as it is."""


def write_once(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Make `path` hold `data`, by a temporary file beside it. Does nothing where it does already.

    Raises OtherContentError where it holds something else."""
    if path.exists():
        _check_same(path, data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temp = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _name(temp, path, data)
    finally:
        temp.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        sync_folder(path.parent)


def _name(temp: Path, path: Path, data: bytes) -> None:
    try:
        path.hardlink_to(temp)
    except FileExistsError:
        _check_same(path, data)
    except OSError:  # a file system without links
        if path.exists():
            _check_same(path, data)
        else:
            temp.replace(path)


def _check_same(path: Path, data: bytes) -> None:
    with path.open("rb") as file:
        found = file.read(len(data) + 1)
    if found != data:
        raise OtherContentError(f"{path} holds something else already and was left as it is")
