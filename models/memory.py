"""How much of the machine's own memory may still be taken, in a container or out of one.

Asked when workers are counted and by generators before they load. Nothing is allocated, and no library is imported.
"""

import os
from pathlib import Path

UNLIMITED = 1 << 60  # what version 1 of control groups writes for "no limit" is larger


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
