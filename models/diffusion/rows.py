"""Linear layers whose rows do not know each other, for processors.

A matrix product of many rows is computed in blocks, and the rows left over by other code, in other last bits: a take's
would depend on its place in the batch. Here each row of a batch has a product of its own, and all have the same sizes.
Of sequences of a hundred and more that costs nothing; a GPU computes all blocks by the same code and is left alone.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from torch import nn


def apart(module: "nn.Module") -> None:
    """Let every linear layer of a module compute row by row."""
    for part in module.modules():
        if isinstance(part, torch.nn.Linear):
            setattr(part, "forward", _Apart(part))  # noqa: B010


class _Apart:
    def __init__(self, linear: "nn.Linear") -> None:
        self._linear = linear

    def __call__(self, given: Tensor, *_: Any) -> Tensor:
        """y [batch, ..., out] = x [batch, ..., in] W^T + b."""
        weight, bias = self._linear.weight, self._linear.bias
        if given.ndim < 2 or given.shape[0] == 1:
            return functional.linear(given, weight, bias)
        wide = weight.t()
        made = given.new_empty((*given.shape[:-1], weight.shape[0]))
        for row, wanted in zip(given.reshape(len(given), -1, wide.shape[0]), made.view(len(given), -1, wide.shape[1]),
                               strict=True):  # fmt: skip
            if bias is None:
                torch.mm(row, wide, out=wanted)
            else:
                torch.addmm(bias, row, wide, out=wanted)
        return made
