"""What pins a checkpoint of any family: digests and stamps of the files that matter, and where each of them lies.

Whoever registers a checkpoint and whoever loads it later compute the same digests here. How a family's own revision is
written is the family's (`models.families`). Nothing here reads weights as tensors; no torch.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TEXT_ENCODER, CODEC = "text_encoder", "codec"
OPTIONS = {TEXT_ENCODER: "--text-encoder", CODEC: "--codec"}  # of `cueworks models add`
_CHUNK = 1 << 22
_MOST_TOLD = 5


class ChangedFilesError(ValueError):
    """Files are not those that were registered; the text names each of them and says what to do."""


def file_digests(files: Mapping[str, Path], progress: Callable[[int], None] | None = None) -> dict[str, str]:
    """SHA-256 of every file by its name; `progress` is told the bytes of each piece that was read. Raises OSError."""
    digests = {}
    for name, path in files.items():
        summed = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_CHUNK):
                summed.update(piece)
                if progress:
                    progress(len(piece))
        digests[name] = summed.hexdigest()
    return digests


def whole_digest(digests: Mapping[str, str]) -> str:
    """One SHA-256 over the digests of all files: of their JSON with sorted names and no spaces."""
    return hashlib.sha256(json.dumps(dict(digests), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def stamp(files: Mapping[str, Path]) -> dict[str, list[int]]:
    """Bytes and time of the last change (ns) of every file, by its name: they tell a change. Raises OSError."""
    return {name: [found.st_size, found.st_mtime_ns] for name, found in ((n, p.stat()) for n, p in files.items())}


def paths_of(
    names: Iterable[str], folder: Path, text_encoder: Path | None = None, codec: Path | None = None
) -> dict[str, Path]:
    """Where each named file of a checkpoint lies: `text_encoder/...` and `codec/...` in the folders that lie beside it,
    where there are such, everything else below `folder`."""
    beside = {TEXT_ENCODER: text_encoder, CODEC: codec}
    found = {}
    for name in names:
        part, slash, rest = name.partition("/")
        home = beside.get(part) if slash else None
        found[name] = home / rest if home else folder / name
    return found


def check_unchanged(
    files: Mapping[str, Path], stamped: Mapping[str, list[int]], digest: str, name: str, anew: str
) -> None:
    """Raise ChangedFilesError unless the files are those that were registered; `anew` is the command that registers
    what is there instead.

    Sizes and times are compared; only where they differ are the files hashed and held against `digest`."""
    gone = [path for path in files.values() if not path.is_file()]
    if gone:
        raise ChangedFilesError(f"{name}: {', '.join(map(str, gone))}: no such file; fetch or add the checkpoint again")
    now = stamp(files)
    if now == {key: list(value) for key, value in stamped.items()}:
        return
    if whole_digest(file_digests(files)) == digest:
        return
    changed = sorted(key for key in now.keys() | stamped.keys() if now.get(key) != list(stamped.get(key, ())))
    raise ChangedFilesError(
        f"{name}: {', '.join(changed)} changed since the checkpoint was added, so it is another revision; "
        f"put the registered files back, or register what is there: `{anew}`"
    )


@dataclass(frozen=True)
class Pinned:
    """The files of a registered checkpoint as a generator that loads them looks at them: before, and after.

    `stamped` holds bytes and time of every file by its name, as they were when `digest` was taken."""

    id: str
    digest: str
    stamped: Mapping[str, list[int]]
    folder: Path
    text_encoder: Path | None = None
    codec: Path | None = None

    @property
    def folders(self) -> tuple[Path, Path | None, Path | None]:
        """As a family's `inspect` takes them."""
        return self.folder, self.text_encoder, self.codec

    def check(self) -> dict[str, list[int]]:
        """The stamps of the registered files, which are what they were.

        Raises FileNotFoundError where one is gone, ChangedFilesError where one is another."""
        files = paths_of(self.stamped, *self.folders)
        if missing := [path for path in files.values() if not path.is_file()]:
            raise FileNotFoundError(
                f"{self.id}: {', '.join(map(str, missing[:_MOST_TOLD]))}: no such file; put the checkpoint back, or "
                f"add it from where it is now: cueworks models add FOLDER --name {self.id}"
            )
        stood = stamp(files)
        check_unchanged(files, self.stamped, self.digest, self.id, self.anew())
        return stood

    def check_no_more(self, names: Iterable[str]) -> None:
        """Raise ChangedFilesError where a file would be loaded that was never hashed: it came later, and stands before
        a registered one. `names` are those of all files that would be loaded."""
        if added := sorted(set(names) - self.stamped.keys()):
            raise ChangedFilesError(
                f"{self.id}: {', '.join(added)} would be loaded and was not there when it was registered; take it "
                f"away, or register what is there anew: `{self.anew()}`"
            )

    def check_stood(self, stood: Mapping[str, list[int]]) -> None:
        """Raise ChangedFilesError where files changed since `check` returned `stood`."""
        if stamp(paths_of(self.stamped, *self.folders)) != dict(stood):
            raise ChangedFilesError(f"{self.id}: its files changed while they were loaded; start again")

    def anew(self) -> str:
        """The command that registers what lies in these folders now, under the same name."""
        options = zip(OPTIONS.values(), self.folders[1:], strict=True)
        parts = [word for option, folder in options if folder for word in (option, str(folder))]
        return shlex.join(["cueworks", "models", "add", str(self.folder), "--name", self.id, *parts])
