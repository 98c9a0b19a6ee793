"""Files that are replaced whole: who reads one finds the old content or the new, never a part. Chooses no names.

The store's blobs and files that are written once have rules of their own (`folder`, `services.provenance.files`).
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path, mode: int = 0o666) -> Iterator[Path]:
    """A file beside `target`, whose folder is there, to write to by its path. When the block ends, its bytes are made
    durable and it takes the target's place; when the block raises, it is gone. It has `mode`, less what the user's
    umask takes away, from its first moment. Raises OSError."""
    part = target.parent / f".new-{secrets.token_hex(8)}"
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
