"""The random stream of a take: made from its seed alone, one number per code, so that no neighbour can shift it.

Philox is counter-based and its raw output is fixed by its definition (Salmon et al., SC 2011), in numpy for good. No
global generator is touched, and nothing here depends on batch, row, device or the order in which takes are rendered.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SEEDS = 1 << 128


def uniforms(seed: int, first_step: int, steps: int, streams: int) -> np.ndarray:
    """Uniform numbers in [0, 1), float64 [steps, streams]: rows from `first_step` on of the seed's endless table."""
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed {seed} is not a whole number from 0 to 2^128 - 1")
    raw = np.random.Philox(key=seed).random_raw((first_step + steps) * streams)
    return (raw[first_step * streams :] >> np.uint64(11)).reshape(steps, streams) * 2.0**-53


def batch_uniforms(seeds: Sequence[int], first_step: int, steps: int, streams: int) -> Tensor:
    """The streams of a batch of takes, float64 [steps, batch, streams], on the host."""
    rows = [uniforms(seed, first_step, steps, streams) for seed in seeds]
    return torch.from_numpy(np.stack(rows, axis=1))
