"""Files that are replaced whole: who reads one finds the old content or the new, never a part. Chooses no names.

The store's blobs and files that are written once have rules of their own (`folder`, `services.provenance.files`).
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path, mode: int = 0o644) -> Iterator[Path]:
    """A file beside `target`, whose folder is there, to write to by its path. When the block ends, its bytes are made
    durable and it takes the target's place with `mode`; when the block raises, it is gone. Until then nobody but its
    owner may read it. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    part = Path(name)
    try:
        os.close(handle)
        yield part
        with part.open("rb") as file:
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
