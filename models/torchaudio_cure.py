"""Lets torchaudio be imported beside a CPU build of torch.

The torchaudio wheel on the package index is linked to CUDA 13; beside a CPU torch its extension loader raises
`OSError: libc10_cuda.so`. `install` is the entry point `torch.backends`, so torch calls it at the end of every
`import torch`, also inside Ray workers, and puts a stand-in for the loader in place before torchaudio is imported.
On a CUDA build it does nothing. It never imports torchaudio itself.
"""

import sys
import types


def _no_align() -> None:
    raise RuntimeError("forced alignment needs torchaudio's compiled part, which a CPU build of torch does not have")


def install() -> None:
    """Put a loader without compiled parts into `sys.modules` when this torch has no CUDA."""
    import torch

    if torch.version.cuda is not None or "torchaudio._extension" in sys.modules:
        return
    loader = types.ModuleType("torchaudio._extension")
    loader._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
    loader._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
    loader.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
    loader._check_cuda_version = lambda: None  # type: ignore[attr-defined]
    sys.modules["torchaudio._extension"] = loader
