"""The folder that a release is written to: staged beside its place, whole or not there at all.

Everything is written into a hidden folder next to the final one and renamed once its release is on record; whatever
fails before leaves nothing. The staged folder's name depends on home, catalog and release alone, so that the same
command again finds what a crash left.
"""

import contextlib
import os
import shutil
import stat
from hashlib import sha256
from pathlib import Path

from services.delivery.errors import DeliveryError
from services.planning.faults import printable
from services.storage.folder import sync_folder


def checked_place(out: Path, home: Path) -> Path:
    """Where to write, absolute, with links above it resolved. Raises DeliveryError unless it is free to be made.

    A folder that is there must be empty; a link is refused, and so is anything in the home, which is the platform's."""
    text = str(out)
    try:
        if "\0" in text or not out.name or out.name == "..":
            raise DeliveryError(f"--out {printable(text)}: is no folder's name; name one that does not exist yet")
        place = out.parent.resolve() / out.name
        _check_parent(place)
        if place.is_symlink():
            raise DeliveryError(f"--out {printable(text)}: is a link; name a folder itself")
        inside = home.resolve()
        if place == inside or inside in place.parents:
            what = f"--out {printable(text)}: lies in the catalog's home {home}"
            raise DeliveryError(f"{what}; name a folder outside of it")
        if place.exists() and not place.is_dir():
            raise DeliveryError(f"--out {printable(text)}: is a file; name a folder")
        if place.is_mount():
            raise DeliveryError(f"--out {printable(text)}: is a whole file system; name a folder in it")
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, DeliveryError):
            raise
        why = getattr(error, "strerror", None) or error
        raise DeliveryError(f"--out {printable(text)}: cannot be used ({why}); name another folder") from None
    return place


def _check_parent(place: Path) -> None:
    if not place.parent.is_dir():
        raise DeliveryError(f"--out {printable(str(place))}: there is no folder {place.parent}; create it first")
    if len(os.fsencode(place.name)) > 200:
        raise DeliveryError("--out: a folder's name has at most 200 bytes; name it shorter")


def check_empty(place: Path) -> None:
    """Raises DeliveryError where there is something in the folder already."""
    if place.is_dir() and any(place.iterdir()):
        raise DeliveryError(f"--out {place}: is not empty; name a folder that does not exist, or an empty one")


def staged_place(place: Path, home: Path, catalog: str, name: str) -> Path:
    """The hidden folder beside `place` that this release is written to first."""
    key = sha256("\0".join((str(home.resolve()), catalog, name, str(place))).encode()).hexdigest()
    return place.parent / f".cueworks-release-{key[:24]}.part"


def start(staged: Path) -> None:
    """Begin with an empty staged folder; what an interrupted release left there is removed."""
    remove(staged)
    staged.mkdir()


def remove(staged: Path) -> None:
    """Remove a staged folder, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(staged).st_mode):
            shutil.rmtree(staged)
        else:
            staged.unlink()


def write(path: Path, data: bytes) -> None:
    """A new file with these bytes, durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def settle(staged: Path) -> None:
    """Make the names in a staged folder survive a power cut."""
    for folder, _, _ in os.walk(staged):
        sync_folder(Path(folder))
    sync_folder(staged.parent)


def publish(staged: Path, place: Path) -> None:
    """Rename the staged folder into its place. Raises OSError where something is in the way by now."""
    staged.replace(place)
    sync_folder(place.parent)
