"""What there is to render on: processors, free memory, devices. Of this machine, or of a cluster that was joined.

Asked before anything is started, so it costs milliseconds where there is no GPU: torch is imported only where a driver
for one is found. Nothing here decides; see `services.rendering.crews`.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

MIB = 1 << 20
UNLIMITED = 1 << 60  # what version 1 of control groups writes for "no limit" is larger


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


def free_memory() -> int:
    """Bytes of memory that may still be taken: what the system has available, and what this container may."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    available = int(lines["MemAvailable"].split()[0]) << 10
    return max(0, min([available, *_left_in_container()]))


def _left_in_container() -> list[int]:
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            most = int(Path(limit).read_text())
            if most < UNLIMITED:
                return [most - int(Path(used).read_text()) + _given_back_under_pressure(Path(limit).parent)]
        except (OSError, ValueError):  # no such group, or `max`
            continue
    return []


def _given_back_under_pressure(group: Path) -> int:
    """Bytes that count as used and hold nothing but files that can be read again."""
    told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(told.get("inactive_file", 0))


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
