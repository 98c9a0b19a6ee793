"""What pins a token model: the revision of our engine's sound, and digests and stamps of the files that matter.

Whoever registers a checkpoint and whoever loads it later compute the same digests here. Nothing here reads weights as
tensors; no torch.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

SOUND_REVISION = 1  # raised when the same weights, prompt and seed would sound different
_CHUNK = 1 << 22


class ChangedFilesError(ValueError):
    """Files are not those that were registered; the text names each of them and says what to do."""


def revision(digest: str) -> str:
    """The revision of a generator: our engine's and the weights'. `digest` is what `whole_digest` returned."""
    return f"engine-{SOUND_REVISION}+weights-{digest[:16]}"


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
