"""The linear layers of the decoder in three makings: plain, packed for oneDNN, and with int8 weights.

All compute y = act(x W^T) + residual without a bias. Which making is used is settled once, when the engine is built;
nothing here looks at the values that pass through.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

KERNELS = ("plain", "packed", "int8")


class Linear(Protocol):
    """y [rows, out] = act(x [rows, in] W^T) + residual [rows, out]."""

    def __call__(self, x: Tensor, gelu: bool = False, residual: Tensor | None = None) -> Tensor: ...

    @property
    def weight_bytes(self) -> int: ...


class PlainLinear:
    """The framework's own matrix product."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight  # [out, in]
        self.weight_bytes = weight.nbytes

    def __call__(self, x: Tensor, gelu: bool = False, residual: Tensor | None = None) -> Tensor:
        if residual is not None:
            return torch.addmm(residual, x, self.weight.t())
        y = functional.linear(x, self.weight)
        return functional.gelu(y) if gelu else y


class PackedLinear:
    """oneDNN with the weight laid out once for the number of rows it will meet; gelu and residual are fused."""

    def __init__(self, weight: Tensor, rows: int) -> None:
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        self.weight_bytes = weight.nbytes

    def __call__(self, x: Tensor, gelu: bool = False, residual: Tensor | None = None) -> Tensor:
        if residual is not None:
            return torch.ops.mkldnn._linear_pointwise.binary(x, residual, self.packed, None, "add")
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, None, "gelu" if gelu else "none", [], "none")


class Int8Linear:
    """Weights as int8 with one scale per output channel, activations bfloat16: half the bytes to stream per step."""

    def __init__(self, weight: Tensor) -> None:
        weight = weight.float()
        scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp_min(torch.finfo(torch.float32).tiny)  # [out, 1]
        self.weight = (weight / scale).round().clamp(-127, 127).to(torch.int8)
        self.scale = scale.squeeze(1).bfloat16()
        self.weight_bytes = self.weight.nbytes + self.scale.nbytes

    def __call__(self, x: Tensor, gelu: bool = False, residual: Tensor | None = None) -> Tensor:
        y = torch._weight_int8pack_mm(x, self.weight, self.scale)
        if residual is not None:
            return y.add_(residual)
        return functional.gelu(y) if gelu else y


def linear_maker(kernels: str, rows: int) -> Callable[[Tensor], Linear]:
    """What turns a weight [out, in] into a layer for `rows` rows."""
    if kernels == "packed":
        return lambda weight: PackedLinear(weight, rows)
    return Int8Linear if kernels == "int8" else PlainLinear


def runnable(kernels: str, device: str, dtype: torch.dtype) -> str:
    """The asked making where this build and machine can run it, else `plain`. Tried, not guessed."""
    if kernels == "plain" or device != "cpu":
        return "plain"
    try:
        weight, x = torch.ones(16, 16, dtype=dtype), torch.ones(2, 16, dtype=dtype)
        linear_maker(kernels, 2)(weight)(x, residual=x)
    except (AttributeError, RuntimeError, NotImplementedError):
        return "plain"
    return kernels
