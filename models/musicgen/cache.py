"""What the decoder remembers: keys and values of its own past, and those of the conditions it is told.

Everything is allocated once for the fixed batch shape and written in place. A condition's part is computed once, alone,
kept by its key and copied to the rows that share it, so it cannot depend on neighbours. No model is run here.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class KeyValues:
    """Keys and values of one layer, each [rows, heads, slots, head_width]."""

    keys: Tensor
    values: Tensor

    @classmethod
    def empty(cls, rows: int, heads: int, slots: int, head_width: int, like: Tensor) -> "KeyValues":
        shape = (rows, heads, slots, head_width)
        return cls(like.new_zeros(shape), like.new_zeros(shape))

    def write(self, keys: Tensor, values: Tensor, at: slice | Tensor) -> None:
        """Put [rows, heads, n, head_width] into the slots `at`: a slice, or slot numbers that live on the device."""
        if isinstance(at, slice):
            self.keys[:, :, at] = keys
            self.values[:, :, at] = values
        else:
            self.keys.index_copy_(2, at, keys.to(self.keys.dtype))
            self.values.index_copy_(2, at, values.to(self.values.dtype))

    def live(self, slots: int) -> tuple[Tensor, Tensor]:
        """The first `slots` slots, as views."""
        return self.keys[:, :, :slots], self.values[:, :, :slots]

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True)
class Remembered:
    """A condition as every layer sees it: keys and values [layers, 2, rows, heads, n, head_width].

    One row (conditional) where it is attended to across, two (conditional, null) where it stands before the codes.
    """

    layers: Tensor

    @property
    def length(self) -> int:
        return self.layers.shape[4]


class Memory:
    """The conditions heard last, by key; what is computed is asked for once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, Remembered] = OrderedDict()
        self.computed = 0

    def recall(self, key: str, compute: Callable[[], Remembered]) -> Remembered:
        found = self._known.get(key)
        if found is None:
            found = compute()
            self.computed += 1
            self._known[key] = found
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found
