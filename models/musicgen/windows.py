"""Pieces longer than a model's window: where the windows lie, and how their codes join.

A window begins 3/5 of its length after the one before it and is told the 2/5 that both share (18 s and 12 s of 30 s, as
in MusicGen). What was made once is never changed. Frames are counted from the first code of the piece, given ones
included, so that the random stream of a take goes on from window to window. No model and no sound here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Window:
    """`frames` frames from frame `first` of the piece, of which the first `known` are there already."""

    first: int
    known: int
    frames: int

    @property
    def end(self) -> int:
        return self.first + self.frames


def kept_of(window: int) -> int:
    """How many frames of a window of `window` frames are told to the next one."""
    return window * 2 // 5


def windows_of(total: int, window: int, given: int = 0) -> tuple[Window, ...]:
    """The windows of a piece of `total` frames whose first `given` are there before anything is made.

    Raises ValueError where there is nothing to make, or no window could hold what is given and more."""
    if not 0 <= given < min(total, window):
        raise ValueError(f"{given} given frames of {total} leave nothing to make in a window of {window}")
    made = [Window(0, given, min(total, window))]
    while made[-1].end < total:
        first = made[-1].end - kept_of(window)
        made.append(Window(first, kept_of(window), min(window, total - first)))
    return tuple(made)


def joined(
    windows: tuple[Window, ...], given: "Tensor | None", make: "Callable[[Window, Tensor | None], Tensor]"
) -> "Tensor":
    """Codes [batch, streams, total] of a piece: `make` is called for each window in order with the codes that it knows
    ([batch, streams, known], None where it knows none) and returns those of the whole window."""
    import torch

    codes = given
    for window in windows:
        known = codes[:, :, window.first :] if codes is not None and window.known else None
        new = make(window, known)[:, :, window.known :]
        codes = new if codes is None else torch.cat([codes, new], dim=2)
    assert codes is not None
    return codes
