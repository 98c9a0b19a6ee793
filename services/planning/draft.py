"""A brief that may be faulty, seen through what of it has the right type: what the checks between its keys look at.

Nothing here judges, reads files or knows lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.planning.values import MOST_CUES

Path = tuple[str | int, ...]
SHORT_KINDS = ("stinger", "transition")
SHARED_BY_ALL_KINDS = frozenset({"zones", "takes", "stems", "formats", "sample_rate", "loudness", "accept"})
"""What stingers and transitions take from `defaults`; the rest there is meant for music."""


@dataclass(frozen=True)
class Clash:
    """A fault at a path into the brief; `warning` ones do not stop the order."""

    path: Path
    what: str
    remedy: str
    value: object = None
    warning: bool = False


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def words_of(value: object) -> list[str]:
    """The words of a key that takes one or a list of them."""
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [word for word in listed if isinstance(word, str)]


class Draft:
    """The brief `data`: plain values, perhaps faulty."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        cues, zones = data.get("cues"), data.get("zones")
        self.defaults = mapping(data.get("defaults"))
        self.relations = mapping(data.get("relations"))
        listed = cues[:MOST_CUES] if isinstance(cues, list) else []
        self.cues = [mapping(cue) for cue in listed]
        self.is_mapping = [isinstance(cue, Mapping) for cue in listed]
        names = [mapping(zone).get("name") for zone in zones[:MOST_CUES]] if isinstance(zones, list) else []
        self.zones = [name for name in names if isinstance(name, str)]
        self.zone_set = frozenset(self.zones)

    def is_short(self, cue: Mapping[str, Any]) -> bool:
        """Whether a cue is a stinger or a transition."""
        return cue.get("kind") in SHORT_KINDS

    def value(self, cue: Mapping[str, Any], key: str) -> Any:
        """A cue's own value, else that of the defaults where they concern it."""
        own = cue.get(key)
        if own is not None or (self.is_short(cue) and key not in SHARED_BY_ALL_KINDS):
            return own
        return self.defaults.get(key)

    def name(self, cue: Mapping[str, Any]) -> str | None:
        """The name of a cue: its own, else its state, else (of a short one) its kind."""
        name = self.value(cue, "name") or self.value(cue, "state") or (cue["kind"] if self.is_short(cue) else None)
        return name if isinstance(name, str) else None

    def place(self, at: int, key: str) -> Path:
        """Where the value that counts for the cue number `at` stands."""
        return ("cues", at, key) if self.cues[at].get(key) is not None else ("defaults", key)

    @cached_property
    def by_name(self) -> dict[str, Mapping[str, Any]]:
        """The cues by their names."""
        return {name: cue for cue in self.cues if (name := self.name(cue)) is not None}

    @cached_property
    def _default_zones(self) -> frozenset[str | None]:
        return self._zones_named(self.defaults.get("zones"))

    def made_for(self, cue: Mapping[str, Any]) -> frozenset[str | None]:
        """The zones that a cue of music is made for; None stands for "outside the zones"."""
        own = cue.get("zones")
        return self._default_zones if own is None else self._zones_named(own)

    def _zones_named(self, zones: object) -> frozenset[str | None]:
        if zones == "none" or not self.zones:
            return frozenset({None})
        return frozenset(name for name in zones if isinstance(name, str)) if isinstance(zones, list) else self.zone_set
