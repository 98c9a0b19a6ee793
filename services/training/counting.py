"""Which item a row of a batch is, and every random choice about it, computed from a seed and the row's number alone.

A counter-based generator (Philox, Salmon et al., SC 2011) is keyed with the seed and the number, so that a run that
goes on after a stop draws exactly what it would have drawn, whatever worker or thread asks. No state is kept anywhere.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_WORD = 1 << 64


def draws(seed: int, purpose: int, number: int) -> np.random.Generator:
    """Random numbers for the item `number` of a `purpose` (small, another one for everything that is drawn)."""
    key = (seed % _WORD) ^ (purpose << 56)
    return np.random.Generator(np.random.Philox(key=np.array([key, number % _WORD], dtype=np.uint64)))


@lru_cache(maxsize=4)
def permutation(seed: int, purpose: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order in which `count` items are met in an epoch."""
    return draws(seed, purpose, epoch).permutation(count)


def item_at(seed: int, purpose: int, row: int, count: int) -> int:
    """Which of `count` items the row with this number (counted through all batches) is: each once an epoch."""
    return int(permutation(seed, purpose, row // count, count)[row % count])
