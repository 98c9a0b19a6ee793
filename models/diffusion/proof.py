"""What a pipeline proves before it renders: a row that moves keeps its bits, also where short takes never come.

Two batches hold the same row in every place and beside other neighbours, with the threads that it will render with: a
long take with guidance, one without as long as any usual one, one with words said against it, and one that goes from a
recording. Latents are compared after one step; nothing is decoded and nothing is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.controls import STRENGTH
from models.diffusion.adapter import Adapter, Call
from models.diffusion.room import USUAL_S
from models.diffusion.shape import Shape
from models.diffusion.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

LONG_S = 10.0
STEPS = 1  # one step reads texts, goes once through the denoiser and once through the scheduler


@dataclass(frozen=True)
class _Case:
    what: str
    seconds: float
    guided: bool
    against: bool = False
    varied: bool = False


def _cases(shape: Shape) -> Iterator[_Case]:
    """Processors share the rows of a call without guidance, half as many, among their threads in another way."""
    if shape.guided:
        yield _Case("a long take", LONG_S, True)
    yield _Case("a long take without guidance", USUAL_S, False)
    if shape.guided and shape.negative:
        yield _Case("a long take with words against it", LONG_S, True, against=True)
    if shape.varies:
        yield _Case("a long variation of a recording", LONG_S, shape.guided, varied=True)


@torch.inference_mode()
def dependence(adapter: Adapter, shape: Shape, batch: int) -> str:
    """What changes with a row's place in the batch or its neighbours; empty where nothing does."""
    for case in _cases(shape) if batch > 1 else ():
        seconds = min(case.seconds, shape.longest_s)
        frames = adapter.frames(int(seconds * shape.sample_rate))
        given = _given(adapter, shape, frames, seconds) if case.varied else None
        first = _made(adapter, shape, case, seconds, frames, given, [0, *[1] * (batch - 1)])[0]
        others = _made(adapter, shape, case, seconds, frames, given, [1, *[0] * (batch - 1)])[1:]
        if not all(torch.equal(first, other) for other in others):
            return case.what
    return ""


def _made(
    adapter: Adapter, shape: Shape, case: _Case, seconds: float, frames: int, given: "tuple[Tensor, Tensor] | None",
    rows: list[int],
) -> "Tensor":  # fmt: skip
    """Latents [rows, ...] of two kinds of rows."""
    return adapter.denoised(Call(
        [("self-check", "the neighbours of a self-check, in many more words")[row] for row in rows],
        [("noise", "everything else")[row] if case.against else "" for row in rows], seconds, frames,
        max(STEPS, shape.least_steps), max(shape.guidance, 2.0) if case.guided else 1.0,
        [stream(row) for row in rows], STRENGTH if given else None, [given[row] for row in rows] if given else None,
    ))  # fmt: skip


def _given(adapter: Adapter, shape: Shape, frames: int, seconds: float) -> "tuple[Tensor, Tensor]":
    """Latents of two recordings that nobody made."""
    times = np.arange(int(seconds * shape.sample_rate), dtype=np.float32) / shape.sample_rate
    rows = [np.sin(2 * np.pi * hertz * times)[None].astype(np.float32) * 0.3 for hertz in (220.0, 330.0)]
    one, other = (adapter.heard(np.repeat(row, shape.channels, axis=0), frames) for row in rows)
    return one, other
