"""Computing on a GPU so that a row's bits do not depend on when and beside what it is computed: one order of adding up,
in full. Nothing of a generator is known here, and nothing is switched on a processor.
"""

import os
from typing import Any


def steady_products() -> None:
    """Let matrix products add in one order and in full.

    Process-wide. The work space's size is read when the device is first used."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False


def steady_convolutions() -> Any:
    """A context in which only convolutions run that add up in one order, in full float32."""
    import torch

    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def switches() -> dict[str, object]:
    """What products are set to, in plain values; convolutions as `steady_convolutions` has them."""
    import torch

    products = torch.backends.cuda.matmul
    return {
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
        "tf32": bool(products.allow_tf32),
        "reduced_bfloat16": bool(products.allow_bf16_reduced_precision_reduction),
        "convolutions": "deterministic float32",
    }
