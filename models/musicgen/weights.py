"""Files of tensors that other people made: what is in them, without running or believing anything they contain.

safetensors files are checked by their library and then read straight into place; torch's own files only as far as
`torch.load(weights_only=True)` goes. Nothing is ever unpickled beyond that, and no name is trusted as a path.
"""

import json
import os
import pickle
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Sizes = tuple[int, ...]
DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_HUGE_PAGES = 1 << 22  # numpy asks for huge pages from here on, which makes first writes several times as fast


class WeightFileError(ValueError):
    """A file that no weights can be read from; the text says which, why and what to do."""


@dataclass(frozen=True)
class Stored:
    """A tensor as a file has it. `dtype` is torch's name where we read it, else the file's own."""

    shape: Sizes
    dtype: str


def stored_tensors(path: Path) -> dict[str, Stored]:
    """Name, sizes and type of every tensor of a `.safetensors` or `.bin` file; no weights are read.

    Raises WeightFileError."""
    if path.suffix == ".safetensors":
        return {name: _stored(entry) for name, entry in _header(path)[1].items()}
    return {name: Stored(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for name, t in bin_tensors(path).items()}


def read_tensors(path: Path) -> "Iterator[tuple[str, Tensor]]":
    """Every tensor of a file in the order it is stored in, each in memory of its own; of safetensors only those of a
    type in `DTYPES`. Raises WeightFileError."""
    if path.suffix == ".safetensors":
        yield from _read_safetensors(path)
    else:
        for name, tensor in bin_tensors(path).items():
            yield name, tensor.clone().contiguous()


def _stored(entry: Mapping[str, Any]) -> Stored:
    return Stored(tuple(entry["shape"]), DTYPES.get(entry["dtype"], entry["dtype"]))


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the data begins, and the entries of the header by name, once the library has found them sound."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np"):
            pass
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            entries = json.loads(file.read(length))
    except (SafetensorError, OSError, ValueError, struct.error) as error:
        raise WeightFileError(
            f"{path}: not a whole safetensors file ({error}); it was cut short or damaged: fetch it again"
        ) from error
    entries.pop("__metadata__", None)
    return 8 + length, entries


def _read_safetensors(path: Path) -> "Iterator[tuple[str, Tensor]]":
    start, entries = _header(path)
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"][0]):
            if entry["dtype"] not in DTYPES:
                continue
            first, end = entry["data_offsets"]
            yield name, _read_one(file.fileno(), start + first, end - first, _stored(entry), path)


def _read_one(file: int, offset: int, size: int, stored: Stored, path: Path) -> "Tensor":
    """`size` bytes at `offset`, read into the memory that the tensor keeps."""
    import torch

    if size == 0:
        return torch.empty(stored.shape, dtype=getattr(torch, stored.dtype))
    memory = np.empty(size, np.uint8) if size >= _HUGE_PAGES else torch.empty(size, dtype=torch.uint8).numpy()
    view, done = memoryview(memory.data), 0
    while done < size:
        got = os.preadv(file, [view[done:]], offset + done)
        if not got:
            raise WeightFileError(f"{path}: ended while it was read; it was changed meanwhile: start again")
        done += got
    return torch.from_numpy(memory).view(getattr(torch, stored.dtype)).view(stored.shape)


def load_bin(path: Path) -> Any:
    """What a file of torch holds, its tensors mapped and not read. Raises WeightFileError for anything that would run
    code, and for files that are cut short or of the old format."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise WeightFileError(
            f"{path}: holds more than tensors and plain values, and reading it would run code from the file; "
            "it is refused. Ask for the checkpoint as safetensors, or convert it on a machine that you can lose"
        ) from error
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise WeightFileError(f"{path}: {_torch_says(path, error)}") from error


def _torch_says(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if zipped:
        reason = " ".join(str(error).split())[:120]
        return f"not a whole torch file ({reason}); it was cut short or damaged: fetch it again"
    return (
        "a bare pickle, or torch's format from before 1.6, which cannot be read without unpickling; it is refused. "
        "Ask for the checkpoint as safetensors"
    )


def bin_tensors(path: Path) -> "dict[str, Tensor]":
    """The tensors of a `.bin` file: those of `best_state` in audiocraft's. Raises WeightFileError."""
    import torch

    held = load_bin(path)
    state = held.get("best_state", held) if isinstance(held, dict) else None
    if not isinstance(state, dict):
        raise WeightFileError(f"{path}: holds no tensors by name")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise WeightFileError(f"{path}: {str(name)[:80]!r} is not a plain tensor; it is refused")
        if tensor.nbytes > tensor.untyped_storage().nbytes():
            raise WeightFileError(f"{path}: {name[:80]!r} claims more values than are stored of it; it is refused")
    return state
