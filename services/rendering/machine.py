"""What there is to render on: processors, free memory, devices. Of this machine, or of a cluster that was joined.

Asked before anything is started, so it costs milliseconds where there is no GPU: torch is imported only where a driver
for one is found. Nothing here decides; see `services.rendering.crews`.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from models.memory import free_memory

MIB = 1 << 20


@dataclass(frozen=True)
class Machine:
    """`devices` counts CUDA devices that can be used; `free_mb` is memory that may be taken, in MiB."""

    processors: float
    free_mb: float
    devices: float = 0


def this_machine(with_devices: bool = True) -> Machine:
    """What this process may use. `with_devices` False asks for none, for generators that know no GPU."""
    return Machine(processors(), free_memory() / MIB, cuda_devices() if with_devices else 0)


def processors() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cuda_build() -> str | None:
    """The CUDA version that torch was built for; None for a build without. Imports no torch."""
    found = find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return None
    spec = spec_from_file_location("torch_version", Path(found.submodule_search_locations[0]) / "version.py")
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    cuda = getattr(module, "cuda", None)
    return str(cuda) if cuda else None


def has_driver() -> bool:
    """Whether the machine has an NVIDIA device, usable by torch or not."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


def cuda_devices() -> int:
    """How many CUDA devices torch can use here."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not has_driver() or cuda_build() is None:
        return 0
    import torch

    return torch.cuda.device_count()
