"""The readable tree: `HOME/catalog/state/take/mix.flac`, hard links to blobs with names that a person can read.

Links are made before a take is recorded, so a recorded take always has its files; a link left by an interrupted take
is overwritten when the take is rendered again. The tree is never the source of truth: blobs are.
"""

import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(text: str) -> str:
    """`text` as one portable path component: ASCII letters, digits, `.`, `_`, `-`; never empty, `.` or `..`."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("-", ascii_text).strip(".-")[:80] or "unnamed"


def link(blob: Path, target: Path) -> None:
    """Make `target` the file `blob`, atomically: a hard link, or a copy where the file system has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.samefile(blob):
        return
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".link-") as folder:
        temp = Path(folder) / target.name
        try:
            os.link(blob, temp)
        except OSError:
            shutil.copyfile(blob, temp)
        temp.replace(target)
