"""What a pool of actors has in hand: jobs on their way, the calls they travel in, and how fast they go.

Values only; `services.rendering.ray_pool` moves them.
"""

from dataclasses import dataclass
from typing import Any

from services.rendering.recordings import Work
from services.rendering.slots import Slot

DEATHS_TOGETHER = 3
QUICK_S = 0.02  # a call to an actor costs about a millisecond: quicker takes than this share one


@dataclass
class Tracked(Work):
    """A job in the pool: who waits for it, and its audio once it is generated."""

    replies: Any = None
    audio: Any = None
    avoid: str = ""  # the slot where memory ran out for it
    cancelled: bool = False  # nobody waits for it any more

    @property
    def hit(self) -> bool:
        """Whether a worker was lost over it: from then on it travels without company."""
        return bool(self.deaths or self.ran_out)

    @property
    def alone(self) -> bool:
        return self.deaths >= DEATHS_TOGETHER


@dataclass
class Flight:
    """Work that an actor has in hand; `rows` are the references of a batch's renditions. `recalled`: the actor was
    given up by the pool before it came to this."""

    slot: Slot
    actor: Any
    works: list[Tracked]
    rows: list[Any] | None = None
    recalled: bool = False


@dataclass
class Pace:
    """How long a take lately took at one kind of worker, in seconds; unknown at first."""

    seconds: float = float("inf")

    @property
    def quick(self) -> bool:
        return self.seconds < QUICK_S

    def learn(self, seconds: float, takes: int) -> None:
        """`takes` took `seconds` together."""
        self.seconds = seconds / takes if self.seconds == float("inf") else 0.8 * self.seconds + 0.2 * seconds / takes
