"""What a pipeline proves before it renders: a row that moves keeps its bits, also where short takes never come.

Two batches hold the same row in every place and beside other neighbours: a long take, one with words said against it,
and one that goes from a recording. Latents are compared after one step; nothing is decoded and nothing is kept.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from models.diffusion.adapter import Adapter, Call
from models.diffusion.shape import Shape
from models.diffusion.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

LONG_S = 10.0
STEPS = 1  # one step reads texts, goes once through the denoiser and once through the scheduler
STRENGTH = 0.5


@torch.inference_mode()
def dependence(adapter: Adapter, shape: Shape, batch: int) -> str:
    """What changes with a row's place in the batch or its neighbours; empty where nothing does."""
    if batch == 1:
        return ""
    seconds = min(LONG_S, shape.longest_s)
    frames = adapter.frames(int(seconds * shape.sample_rate))
    given = _given(adapter, shape, frames, seconds) if shape.varies else None
    for what, against, recordings in (
        ("a long take", False, None), ("a long take with words against it", True, None),
        ("a long variation of a recording", False, given),
    ):  # fmt: skip
        if (against and not (shape.negative and shape.guided)) or (recordings is None and "variation" in what):
            continue

        def made(
            rows: list[int], against: bool = against, recordings: "tuple[Tensor, Tensor] | None" = recordings
        ) -> "Tensor":
            return adapter.denoised(Call(
                [("self-check", "the neighbours of a self-check, in many more words")[row] for row in rows],
                [("noise", "everything else")[row] if against else "" for row in rows], seconds, frames,
                max(STEPS, shape.least_steps),
                max(shape.guidance, 2.0) if shape.guided else 1.0, [stream(row) for row in rows],
                STRENGTH if recordings else None, [recordings[row] for row in rows] if recordings else None,
            ))  # fmt: skip

        first = made([0, *[1] * (batch - 1)])[0]
        if not all(torch.equal(first, other) for other in made([1, *[0] * (batch - 1)])[1:]):
            return what
    return ""


def _given(adapter: Adapter, shape: Shape, frames: int, seconds: float) -> "tuple[Tensor, Tensor]":
    """Latents of two recordings that nobody made."""
    times = np.arange(int(seconds * shape.sample_rate), dtype=np.float32) / shape.sample_rate
    rows = [np.sin(2 * np.pi * hertz * times)[None].astype(np.float32) * 0.3 for hertz in (220.0, 330.0)]
    one, other = (adapter.heard(np.repeat(row, shape.channels, axis=0), frames) for row in rows)
    return one, other
