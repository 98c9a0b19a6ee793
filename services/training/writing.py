"""Files of tensors, whole or not there, and a full disk told as the system tells it.

The libraries that write tensors have errors of their own for a disk that is full; everything else here knows OSError.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.storage.whole import whole_file

_FULL = ("no space left on device", "os error 28", "disk quota exceeded", "os error 122", "file write failed")


def write_bytes(path: Path, data: bytes) -> None:
    """A file, whole or not at all; its folder is there. Raises OSError."""
    with whole_file(path) as part:
        part.write_bytes(data)


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """A file of safetensors, whole or not at all. Raises OSError."""
    from safetensors.torch import save

    write_bytes(path, save(tensors))


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """What a library raises where the disk is full becomes OSError about `path`."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if any(words in str(error).casefold() for words in _FULL):
            raise OSError(errno.ENOSPC, "No space left on device", str(path)) from error
        raise
