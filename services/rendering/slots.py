"""Slots: places in the pool that hold one actor each and get a new one when it dies.

Restarting is ours, not Ray's, so that every death is seen, counted and written to the takes it hit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Spawn = Callable[[], tuple[Any, Any]]  # -> (actor handle, reference that is ready once the actor is warm)


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
