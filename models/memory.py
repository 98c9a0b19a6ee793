"""How much memory may still be taken, of the machine (in a container or out of one) and of a GPU, and whether the batch
that is pinned for a generator fits into it.

Asked when workers are counted and by generators before they load. Nothing is allocated here; torch is imported only
where a GPU is asked about. How much a generator needs is its own business.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from models.generator import NoRoomError

UNLIMITED = 1 << 60  # what version 1 of control groups writes for "no limit" is larger


def free_memory() -> int:
    """Bytes of memory that may still be taken: what the system has available, and what this container may."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    available = int(lines["MemAvailable"].split()[0]) << 10
    return max(0, min([available, *_left_in_container()]))


def free_device_bytes() -> int:
    """What is free of the GPU that this process sees."""
    import torch

    free: int = torch.cuda.mem_get_info()[0]
    return free


def check_fits(name: str, batch: int, needs: Callable[[int], Mapping[str, int]], free: Mapping[str, int]) -> None:
    """Raise NoRoomError, with the largest batch that fits, unless a batch of `batch` does.

    `needs` tells the bytes that a batch takes, `free` those that are left, by kind of memory."""
    wanted = needs(batch)
    short = [kind for kind in free if wanted[kind] > free[kind]]
    if not short:
        return
    fits = next((n for n in range(batch - 1, 0, -1) if all(needs(n)[kind] <= free[kind] for kind in free)), 0)
    told = " and ".join(f"{wanted[kind] / 1e9:.1f} GB of {kind}, {free[kind] / 1e9:.1f} GB are free" for kind in short)
    remedy = (
        f"a batch of {fits} fits: set CUEWORKS_BATCH={fits}" if fits else
        "not even a batch of 1 fits: use a smaller checkpoint, or a machine with more memory"
    )  # fmt: skip
    raise NoRoomError(f"{name} with its batch of {batch} needs {told}; {remedy}")


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
