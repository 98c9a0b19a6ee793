"""Chance that can be repeated: random draws seeded by SHA-256 of explicit words.

Every decision of the composer draws from a `Dice` named after what it decides, so that a change in one place leaves
the draws of all others alone. No global generator, no clock and no hash order is ever used.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 256


class Dice:
    """A stream of uniform numbers. The same words give the same stream on every machine."""

    def __init__(self, *words: object) -> None:
        digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).digest()
        self._generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
        self._block: list[float] = []

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        if not self._block:
            self._block = self._generator.random(_BLOCK).tolist()
        return low + (high - low) * self._block.pop()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of `items`, by weight where weights are given. Raises IndexError on an empty sequence."""
        if weights is None:
            return items[int(self.uniform() * len(items))]
        mark = self.uniform() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def spread(self, count: int) -> np.ndarray:
        """`count` numbers around 0 between -1 and 1, bell-shaped (mean of three uniforms, scaled)."""
        return np.asarray(self._generator.random((3, count)).mean(axis=0) * 2.0 - 1.0)
