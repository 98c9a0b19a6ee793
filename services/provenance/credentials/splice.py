"""A file as it will be, without writing it: bytes of ours between untouched stretches of a source.

The source is only ever read. Signing reads the spliced file in large pieces straight from the source, so tags cost
neither a copy of the sound nor a second file.
"""

import io
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

BLOCK = 1 << 20


@dataclass(frozen=True)
class Stretch:
    """`size` bytes of the source from `start`."""

    start: int
    size: int


Piece = bytes | Stretch


class Spliced(io.RawIOBase):
    """A seekable, read-only stream of `pieces`; stretches are read from `source`, which the caller keeps open."""

    def __init__(self, source: BinaryIO, pieces: Iterable[Piece]) -> None:
        super().__init__()
        self._source = source
        self._pieces = [piece for piece in pieces if _size(piece)]
        self._starts = [0, *accumulate(_size(piece) for piece in self._pieces)]
        self._at = 0

    @property
    def size(self) -> int:
        return self._starts[-1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start")
        self._at = base + offset
        return self._at

    def write(self, _data: object) -> int:
        raise io.UnsupportedOperation("write")

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        filled = 0
        while filled < len(view) and self._at < self.size:
            step = self._read_piece(view[filled:])
            if not step:
                raise OSError("the source became shorter while it was read")
            filled += step
            self._at += step
        return filled

    def _read_piece(self, view: memoryview) -> int:
        """Fill `view` from the piece at the position; returns how many bytes."""
        number = bisect_right(self._starts, self._at) - 1
        piece, within = self._pieces[number], self._at - self._starts[number]
        step = min(len(view), _size(piece) - within)
        if isinstance(piece, bytes):
            view[:step] = piece[within : within + step]
            return step
        self._source.seek(piece.start + within)
        return self._source.readinto(view[:step])  # type: ignore[attr-defined]


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.size
