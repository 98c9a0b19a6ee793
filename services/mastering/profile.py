"""What the bits of a master depend on besides its input: part of the engine profile of every attempt."""

import platform
from importlib.metadata import version

_LIBRARIES = ("numpy", "scipy", "torch", "torchaudio", "soundfile", "pyloudnorm", "pillow")


def profile() -> dict[str, object]:
    """Plain JSON values: chain revision, library versions, machine and its vector instructions."""
    import soundfile
    import torch

    from services.mastering.chain import MASTERING_REVISION

    return {
        "mastering_revision": MASTERING_REVISION,
        "libraries": {name: version(name) for name in _LIBRARIES} | {"libsndfile": soundfile.__libsndfile_version__},
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "numpy_simd": _numpy_simd(),
        "threads": 1,
    }


def _numpy_simd() -> list[str]:
    """The instruction sets numpy dispatches to on this machine."""
    import numpy as np

    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return sorted(str(name) for name in found)
