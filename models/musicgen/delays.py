"""The delay pattern: stream k of the codes stands `delays[k]` columns late, so that one step may predict every stream.

Column 0 is special in every stream; column j of stream k holds frame j - 1 - delays[k]. T frames take T + max(delays)
steps: step s reads column s and predicts column s + 1. Nothing here is random, and no model is run here.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

UNKNOWN = -1  # a code that a step has yet to predict


def steps_of(frames: int, delays: Sequence[int]) -> int:
    """Decoding steps that `frames` frames take."""
    return frames + max(delays)


def delayed(codes: Tensor, delays: Sequence[int], special: int) -> Tensor:
    """Columns [batch, streams, frames + max(delays) + 1] of codes [batch, streams, frames]."""
    batch, streams, frames = codes.shape
    columns = codes.new_full((batch, streams, steps_of(frames, delays) + 1), special)
    for stream, delay in enumerate(delays):
        columns[:, stream, 1 + delay : 1 + delay + frames] = codes[:, stream]
    return columns


def undelayed(columns: Tensor, delays: Sequence[int], frames: int) -> Tensor:
    """Codes [batch, streams, frames] of columns [batch, streams, at least frames + max(delays) + 1]."""
    rows = [columns[:, stream, 1 + delay : 1 + delay + frames] for stream, delay in enumerate(delays)]
    return torch.stack(rows, dim=1)


def planned(frames: Sequence[int], given: Tensor | None, delays: Sequence[int], special: int) -> Tensor:
    """Columns to fill for rows of these lengths: UNKNOWN where a step predicts, given codes and special elsewhere.

    `given` [batch, streams, g] stands at the start of every row; a row's columns say nothing of its neighbours.
    """
    codes = torch.full((len(frames), len(delays), max(frames)), UNKNOWN, dtype=torch.int64)
    for row, own in enumerate(frames):
        codes[row, :, own:] = special
    if given is not None:
        codes[:, :, : given.shape[2]] = given
    return delayed(codes, delays, special)
