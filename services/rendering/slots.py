"""Slots: places in the pool that hold one actor each and get a new one when it dies.

Restarting is ours, not Ray's, so that every death is seen, counted and written to the takes it hit.
"""

import contextlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.rendering.jobs import Workshop
from services.rendering.machine import MIB
from services.rendering.workers import FinishingWorker, GeneratorWorker

GONE_S = 10.0
Spawned = tuple[Any, Any]  # (actor handle, reference that is ready once the actor is warm)
Spawn = Callable[[], Spawned]


@dataclass
class Slot:
    """One place in the pool. `depth` is how many pieces of work may be under way at its actor (one runs, one waits)."""

    name: str
    spawn: Spawn
    depth: int = 2
    actor: Any = None
    warming: Any = None
    ready: Any = None
    load: int = 0
    exclusive: bool = False

    def start(self) -> None:
        """Put a new actor in the slot."""
        self.actor, self.warming = self.spawn()
        self.ready, self.load, self.exclusive = None, 0, False

    def kill(self) -> None:
        """End the actor, if there is one."""
        import ray

        if self.started:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.kill(self.actor)

    @property
    def started(self) -> bool:
        """Whether an actor was ever put in."""
        return self.actor is not None

    @property
    def free(self) -> bool:
        """Whether more work may be given to the actor now."""
        return self.ready is not None and not self.exclusive and self.load < self.depth

    @property
    def idle(self) -> bool:
        """Whether a take can be tried here alone."""
        return self.ready is not None and self.load == 0


def spawn_generator(workshop: Workshop, reserved_mb: int) -> Spawned:
    """A generator actor on its way: with its share of processors and devices, and `reserved_mb` of a node's memory."""
    import ray

    resources = workshop.resources
    actor = (
        ray.remote(GeneratorWorker)
        .options(num_cpus=resources.cpus, num_gpus=resources.gpus, memory=reserved_mb * MIB or None, max_restarts=0)
        .remote(workshop, own_process=True)
    )
    return actor, actor.warm_up.remote()


def spawn_finisher(workshop: Workshop, token: str) -> Spawned:
    """A finishing actor on its way: it works beside the generators, on what they leave of the processors."""
    import ray

    actor = ray.remote(FinishingWorker).options(num_cpus=0, max_restarts=0).remote(workshop, own_process=True)
    return actor, actor.warm_up.remote(token)


def wait_until_gone(places: list[str]) -> None:
    """Until processes of this machine have ended, and with them their hold on memory and devices; not for ever."""
    until = time.monotonic() + GONE_S
    for place in places:
        node, _, process = place.rpartition(":")
        while node == platform.node() and lives(int(process)) and time.monotonic() < until:
            time.sleep(0.05)


def lives(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked about yet holds nothing any more."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
