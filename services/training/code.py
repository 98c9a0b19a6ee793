"""Which program trains: its version, its commit where there is one, and the digest of the files that decide a result.

The digest is what counts (a checkout may be dirty, an installation has no commit). Nothing here runs a program.
"""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = ("services/training", "models/house", "models/musicgen", "services/mastering/resample.py")
LIBRARIES = ("torch", "torchaudio", "transformers", "tokenizers", "numpy", "soundfile")


@cache
def code_version() -> dict[str, Any]:
    """`package`, `commit` ("" where there is none), `source_sha256` and the versions of `libraries`."""
    return {
        "package": _version("cueworks"), "commit": _commit(ROOT / ".git"), "source_sha256": _source_digest(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }  # fmt: skip


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _source_digest() -> str:
    """SHA-256 over the names and contents of the source files, in the order of their names."""
    found = sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(f"{file.relative_to(ROOT).as_posix()}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def _commit(git: Path) -> str:
    """The commit that is checked out, read from git's own files."""
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
    except OSError:
        return ""
