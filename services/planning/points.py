"""The points of a plan whose takes are chosen by what is heard of them: one for each zone, cue, point and generator.

A point knows every take that it may ever order, and where each stands in the brief's order, so that takes that replace
others are the same ones whenever they are planned. Nothing here knows which takes there are.
"""

from dataclasses import dataclass, field

from services.planning.acceptance import Rule
from services.planning.identity import PointIdentity
from services.planning.order import PlannedTake

Key = tuple[str | None, str, tuple[tuple[str, str], ...], str]  # zone, cue, point, generator


@dataclass(frozen=True)
class ChosenPoint:
    """A point of a cue with `accept`. `takes` are made in any case, more until `enough` are good; `start` is the place
    of its first take in the brief's order, where every point has room for its whole budget."""

    zone: str | None
    cue: str
    state: str
    point: dict[str, str]
    generator: str
    takes: int
    enough: int
    rule: Rule
    start: int
    identity: PointIdentity = field(repr=False, compare=False)

    @property
    def key(self) -> Key:
        return (self.zone, self.cue, tuple(self.point.items()), self.generator)

    @property
    def room(self) -> int:
        """How many takes it may order."""
        return max(self.takes, self.rule.budget)

    def ids(self) -> list[str]:
        """The ids of all takes that it may order, by index."""
        return [self.identity.of(index)[1] for index in range(self.room)]

    def take(self, index: int) -> PlannedTake:
        return self.identity.take(self.state, index)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.zone, self.cue, *self.point.values())))


def key_of(take: PlannedTake) -> Key:
    """The point that a take belongs to."""
    return (take.zone, take.cue, tuple(take.point.items()), take.generator)
