"""What the decoder remembers: keys and values of its own past, and those of the conditions it is told.

The past is allocated once for the fixed batch shape and written in place; for many rows on a CPU it is laid out anew as
it grows, so that the slots a step reads lie together. A condition's part is computed once, alone,
and kept by its key, so it cannot depend on neighbours. On a CPU every condition of a batch is heard by all rows at once
and each row keeps what its own said: its keys and values are read once for all its variations, and no text is padded to
another's length. Captured steps need fixed shapes: on a GPU they are copied to the rows, padded and masked. No model is
run here.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attention


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

    def narrowed(self, slots: int) -> "KeyValues":
        """The same memory with fewer slots a row, so that what is read lies together; what it held is lost."""
        rows, heads, _, head_width = self.keys.shape
        size = rows * heads * slots * head_width
        parts = (part.view(-1)[:size].view(rows, heads, slots, head_width) for part in (self.keys, self.values))
        return KeyValues(*parts)

    def holding(self, past: "KeyValues", slots: int) -> "KeyValues":
        """The same memory with `slots` slots a row, which hold what `past`, another layout of it, held in its first."""
        kept = min(slots, past.slots)
        keys, values = past.keys[:, :, :kept].clone(), past.values[:, :, :kept].clone()
        laid_out = self.narrowed(slots)
        laid_out.write(keys, values, slice(0, kept))
        laid_out.keys[:, :, kept:], laid_out.values[:, :, kept:] = 0, 0
        return laid_out

    def attend(self, q: Tensor, slots: int, mask: Tensor | None) -> Tensor:
        """What queries [rows, heads, n, head_width] find in the first `slots` slots, in the same shape, as keys are.

        `mask` is added to the scores, broadcast to [rows, heads, n, slots]."""
        keys, values = self.keys[:, :, :slots], self.values[:, :, :slots]
        return attention(q.to(keys.dtype), keys, values, attn_mask=mask)

    def attend_all(self, q: Tensor, hidden: Tensor) -> Tensor:
        """The same for one position and all slots, as plain products: for many rows on a CPU, in half the time.

        `hidden` [rows * heads, 1, slots] is 0, or -inf where a slot may not be seen."""
        rows, heads, _, head_width = q.shape
        asked = q.to(self.keys.dtype).reshape(rows * heads, 1, head_width)
        keys, values = self.keys.flatten(0, 1), self.values.flatten(0, 1)  # [rows * heads, slots, head_width]
        scores = torch.baddbmm(hidden, asked, keys.transpose(1, 2), alpha=head_width**-0.5)  # [rows * heads, 1, slots]
        return torch.bmm(scores.softmax(dim=-1), values).view(q.shape)

    @property
    def slots(self) -> int:
        return self.keys.shape[2]

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


class Told(Protocol):
    """What a layer hears of the batch's conditions: queries [batch * n, width] -> what they find, in the same shape."""

    def attend(self, q: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Shared:
    """The batch's different conditions, each [1, heads, length, head_width], and which of them every row is told."""

    conditions: tuple[KeyValues, ...]
    rows: tuple[Tensor, ...]

    @classmethod
    def layers(cls, conditions: Sequence[Remembered], dtype: torch.dtype) -> list["Shared"]:
        """One for every layer of a batch whose rows are told `conditions`."""
        different = list({id(condition): condition for condition in conditions}.values())
        rows = tuple(torch.tensor([row for row, it in enumerate(conditions) if it is each]) for each in different)
        heard = [each.layers.to(dtype) for each in different]
        return [cls(tuple(KeyValues(*layers[index]) for layers in heard), rows) for index in range(len(heard[0]))]

    def attend(self, q: Tensor) -> Tensor:
        _, heads, _, head_width = self.conditions[0].keys.shape
        asked = q.to(self.conditions[0].keys.dtype).view(1, -1, heads, head_width).transpose(1, 2)
        found = [attention(asked, each.keys, each.values).transpose(1, 2).reshape(q.shape) for each in self.conditions]
        if len(found) == 1:
            return found[0].to(q.dtype)
        y = q.new_empty(sum(map(len, self.rows)), len(q) // sum(map(len, self.rows)), q.shape[1])  # [batch, n, width]
        for part, rows in zip(found, self.rows, strict=True):
            y[rows] = part.view_as(y)[rows].to(q.dtype)
        return y.view_as(q)


@dataclass(frozen=True)
class Padded:
    """Every row's own condition in memory that stays: keys and values [batch, heads, text_tokens, head_width]."""

    heard: KeyValues
    mask: Tensor  # [batch, 1, 1, text_tokens], 0 or -inf

    def attend(self, q: Tensor) -> Tensor:
        batch, heads, _, head_width = self.heard.keys.shape
        asked = q.to(self.heard.keys.dtype).view(batch, -1, heads, head_width).transpose(1, 2)
        y = attention(asked, self.heard.keys, self.heard.values, attn_mask=self.mask)  # [batch, heads, n, head_width]
        return y.transpose(1, 2).reshape(q.shape).to(q.dtype)

    def put(self, row: int, keys: Tensor, values: Tensor) -> None:
        """Let a row have a condition's keys and values [heads, length, head_width]; the mask is set once for all."""
        self.heard.keys[row, :, : keys.shape[1]] = keys
        self.heard.values[row, :, : values.shape[1]] = values


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
