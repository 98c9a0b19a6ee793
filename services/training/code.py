"""Which program trains: its version, its commit where there is one, and the digest of what decides a model's weights.

The digest is what counts (a checkout may be dirty, an installation has no commit). It is of what the code means: other
comments, docstrings or spaces are the same program, and so is another evaluation or another card. Nothing here runs a
program.
"""

import ast
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = (
    "models/house", "models/musicgen/codec.py", "models/musicgen/delays.py", "models/musicgen/parts.py",
    "models/musicgen/prompting.py", "models/musicgen/tokens.py", "models/words.py", "services/mastering/resample.py",
    "services/mastering/true_peak.py",
    *(f"services/training/{name}.py" for name in (
        "assembling", "captions", "checkpoints", "counting", "dataset", "feeding", "lessons", "loop", "many", "presets",
        "stages", "tokens")),
)  # fmt: skip
LIBRARIES = ("torch", "torchaudio", "transformers", "tokenizers", "numpy", "soundfile", "scipy")
_HOLDERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


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
    """SHA-256 over the names and meanings of the source files, in the order of their names."""
    found = sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            text = meaning(file.read_text(encoding="utf-8"))
            found.update(f"{file.relative_to(ROOT).as_posix()}\0{sha256(text.encode()).hexdigest()}\n".encode())
    return found.hexdigest()


def meaning(source: str) -> str:
    """A program's text as the parser sees it: without comments, spaces of its own, and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _HOLDERS) and node.body and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


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
