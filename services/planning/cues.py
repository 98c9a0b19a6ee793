"""The cues of a brief as they are planned: zones, variants and generator of each, settled before any is resolved.

Nothing here knows what music a cue is, and nothing is checked: briefs come here checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from services.planning import templates
from services.planning.acceptance import BUDGET_FACTOR, Rule
from services.planning.brief import Brief, Cue, NoAcceptance
from services.planning.draft import SHARED_BY_ALL_KINDS, SHORT_KINDS
from services.planning.faults import Fault
from services.planning.kinds import covers
from services.planning.order import LEVEL_AXIS

PROMPTS = {"music": "", "stinger": "{stinger} stinger over {from}", "transition": "transition from {from} to {to}"}
"""What is written down for a cue of a kind that carries no prompt."""


@dataclass(frozen=True)
class PlannedCue:
    """A cue as planned: its template, axes and the zones it is made for (None: outside the zones).

    `variants` are the coordinates that its kind adds to every point of the axes: levels of intensity, kinds of stinger,
    pairs of cues that a transition joins; one empty one where there are none. Each of `generators` makes all of
    its takes; `at` is its number among the brief's cues. `accept` says which takes are good enough, where the brief
    asks; once `enough` are, no more are made."""

    name: str
    state: str
    prompt: str
    axes: dict[str, list[str]]
    zones: tuple[str | None, ...]
    takes: int
    generators: tuple[str, ...]
    at: int
    kind: str = "music"
    variants: tuple[dict[str, str], ...] = ({},)
    accept: Rule | None = None
    enough: int = 0

    def points(self) -> Iterator[dict[str, str]]:
        """Every point, the variants fastest."""
        for point in templates.points(self.axes):
            for variant in self.variants:
                yield point | variant

    @property
    def places(self) -> int:
        """How many points it has, counted for every zone and generator."""
        points = len(self.zones) * prod(len(values) for values in self.axes.values()) * len(self.variants)
        return points * len(self.generators)

    @property
    def count(self) -> int:
        """How many takes it orders at least."""
        return self.places * self.takes

    @property
    def most(self) -> int:
        """How many takes may be made of it, where none of the first are good enough."""
        return self.places * max(self.takes, self.accept.budget if self.accept else 0)


def value(order: Brief, cue: Cue, name: str) -> Any:
    """A cue's own key, else that of the defaults where they concern it."""
    own = getattr(cue, name)
    if own is not None or (is_short(cue) and name not in SHARED_BY_ALL_KINDS):
        return own
    return getattr(order.defaults, name)


def planned_cues(order: Brief, takes: int | None = None, generator: str | None = None) -> Iterator[PlannedCue]:
    """Every cue of a brief; `takes` and `generator` override what it says."""
    music = {name_of(order, cue): cue for cue in order.cues if not is_short(cue)}
    for at, cue in enumerate(order.cues):
        state = value(order, cue, "state") or cue.kind
        assert state is not None  # checked when the brief was read
        yield PlannedCue(
            name=name_of(order, cue),
            state=state,
            prompt=value(order, cue, "prompt") or PROMPTS[cue.kind or "music"],
            axes=value(order, cue, "axes") or {},
            zones=_shared_zones(order, cue, music) if is_short(cue) else _zones_of(order, cue),
            takes=takes or value(order, cue, "takes") or 1,
            generators=(generator,) if generator else tuple(cue.generator or order.generator),
            at=at,
            kind=cue.kind or "music",
            variants=tuple(_variants(order, cue)),
            **_acceptance(order, cue, takes),
        )


def _acceptance(order: Brief, cue: Cue, takes: int | None) -> dict[str, Any]:
    """The rule of a cue and how many good takes suffice. `takes` of the command line lower that for once; the rule
    stays the brief's, so that what is put on record is what a plain run would say. Levels of intensity are no takes to
    choose from."""
    asked = value(order, cue, "accept")
    if asked is None or isinstance(asked, NoAcceptance) or (levels(order, cue) and cue.accept is None):
        return {}
    wanted = value(order, cue, "takes") or 1
    keep = asked.keep or wanted
    rule = Rule(
        keep=keep, budget=max(asked.budget or BUDGET_FACTOR * keep, wanted),
        tempo=None if asked.tempo == "any" else asked.tempo, key=asked.key,
        silence=None if asked.silence == "any" else asked.silence, clipping=asked.clipping != "any",
        end=asked.end != "any", duplicates=asked.duplicates != "any", score=asked.score,
    )  # fmt: skip
    return {"accept": rule, "enough": min(keep, takes or keep)}


def levels(order: Brief, cue: Cue) -> list[int] | None:
    """The levels of intensity that a cue is made at."""
    found: list[int] | None = value(order, cue, "intensities")
    return found


def is_short(cue: Cue) -> bool:
    """Whether a cue is a stinger or a transition."""
    return cue.kind in SHORT_KINDS


def name_of(order: Brief, cue: Cue) -> str:
    name = value(order, cue, "name") or value(order, cue, "state") or cue.kind
    return str(name)


def _variants(order: Brief, cue: Cue) -> Iterator[dict[str, str]]:
    if cue.kind == "transition":
        for one, other in product(cue.origin or (), cue.goal or ()):
            if one != other:
                yield {"from": one, "to": other}
    elif cue.kind == "stinger":
        for name, stinger in product(cue.origin or (), cue.stinger or ()):
            yield {"from": name, "stinger": stinger}
    elif (found := levels(order, cue)) is not None:
        for level in found:
            yield {LEVEL_AXIS: str(level)}
    else:
        yield {}


def _zones_of(order: Brief, cue: Cue) -> tuple[str | None, ...]:
    """The zones a cue is made for, in the order of the brief."""
    zones = value(order, cue, "zones") or "all"
    if zones == "none" or not order.zones:
        return (None,)
    chosen = None if zones == "all" else set(zones)
    return tuple(zone.name for zone in order.zones if chosen is None or zone.name in chosen)


def _shared_zones(order: Brief, cue: Cue, music: Mapping[str, Cue]) -> tuple[str | None, ...]:
    """The zones of a stinger or transition: those it names, else all where the cues that it names are made."""
    if value(order, cue, "zones") not in (None, "all"):
        return _zones_of(order, cue)
    named = [frozenset(_zones_of(order, music[name])) for name in (*(cue.origin or ()), *(cue.goal or ()))]
    everywhere = (*(zone.name for zone in order.zones), None)
    shared = tuple(zone for zone in everywhere if all(covers(zones, zone) for zones in named))
    return tuple(zone for zone in shared if zone is not None) or shared


def only_named(cues: list[PlannedCue], only: str | None, faults: list[Fault]) -> list[PlannedCue]:
    """The cues of that state or name, all where it is None; a fault where there is none."""
    if only is None:
        return cues
    chosen = [cue for cue in cues if only in (cue.name, cue.state)]
    if not chosen:
        known = list(dict.fromkeys(word for cue in cues for word in (cue.state, cue.name)))
        listed = ", ".join(known[:20])
        faults.append(Fault("only", "no cue has this state or name", f"the brief has: {listed}", repr(only[:60])))
    return chosen


