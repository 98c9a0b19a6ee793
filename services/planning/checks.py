"""What can be wrong between the keys of a brief: duplicates, relations that lead nowhere, placeholders without an axis.

Works on plain data that may still be wrong elsewhere, so that these faults are told together with the schema's. Every
rule looks only at what has the right type; the schema speaks of the rest. Nothing here reads files or knows lines.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

from services.planning import templates
from services.planning.brief import HOME_FOLDERS, MOST_AXES, MOST_CUES, MOST_PROMPT
from services.planning.faults import nearest
from services.planning.words import MP3_MAX_RATE

Path = tuple[str | int, ...]
LONGEST_CHAIN = 16
MOST_CLASHES = 300


@dataclass(frozen=True)
class Clash:
    """A fault at a path into the brief; `warning` ones do not stop the order."""

    path: Path
    what: str
    remedy: str
    value: object = None
    warning: bool = False


def clashes(data: Mapping[str, Any]) -> list[Clash]:
    """The clashes of the brief `data` (plain values, perhaps faulty), faults and warnings; a few hundred at most."""
    draft = _Draft(data)
    found = chain(_catalog(data), _names(draft), _relations(draft), _theme(data), _lengths(draft), _each_cue(draft))
    return list(islice(found, MOST_CLASHES))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


class _Draft:
    """A brief that may be faulty, seen through what of it has the right type."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        cues, zones = data.get("cues"), data.get("zones")
        self.defaults = _mapping(data.get("defaults"))
        self.relations = _mapping(data.get("relations"))
        listed = cues[:MOST_CUES] if isinstance(cues, list) else []
        self.cues = [_mapping(cue) for cue in listed]
        self.is_mapping = [isinstance(cue, Mapping) for cue in listed]
        names = [_mapping(zone).get("name") for zone in zones[:MOST_CUES]] if isinstance(zones, list) else []
        self.zones = [name for name in names if isinstance(name, str)]
        self.zone_set = frozenset(self.zones)

    def value(self, cue: Mapping[str, Any], key: str) -> Any:
        """A cue's own value, else that of the defaults."""
        own = cue.get(key)
        return own if own is not None else self.defaults.get(key)

    def name(self, cue: Mapping[str, Any]) -> str | None:
        name = self.value(cue, "name") or self.value(cue, "state")
        return name if isinstance(name, str) else None

    def place(self, at: int, key: str) -> Path:
        """Where the value that counts for the cue number `at` stands."""
        return ("cues", at, key) if self.cues[at].get(key) is not None else ("defaults", key)

    @cached_property
    def by_name(self) -> dict[str, Mapping[str, Any]]:
        return {name: cue for cue in self.cues if (name := self.name(cue)) is not None}

    @cached_property
    def _default_zones(self) -> frozenset[str | None]:
        return self._zones_named(self.defaults.get("zones"))

    def made_for(self, cue: Mapping[str, Any]) -> frozenset[str | None]:
        """The zones that a cue is made for; None stands for "outside the zones"."""
        own = cue.get("zones")
        return self._default_zones if own is None else self._zones_named(own)

    def _zones_named(self, zones: object) -> frozenset[str | None]:
        if zones == "none" or not self.zones:
            return frozenset({None})
        return frozenset(name for name in zones if isinstance(name, str)) if isinstance(zones, list) else self.zone_set


def _catalog(data: Mapping[str, Any]) -> Iterator[Clash]:
    """A catalog's name is a folder of the home, which keeps some for itself (on many machines whatever their case)."""
    name = data.get("catalog")
    if isinstance(name, str) and name.casefold() in HOME_FOLDERS:
        yield Clash(("catalog",), "Cueworks keeps a folder of this name for itself", "name the catalog otherwise", name)


def _names(draft: _Draft) -> Iterator[Clash]:
    """Cue and zone names are folders of the catalog, so they differ by more than their case."""
    seen: set[str] = set()
    for at, cue in enumerate(draft.cues):
        name = draft.name(cue)
        if name is not None and name.casefold() in seen:
            path: Path = ("cues", at, "name") if "name" in cue else ("cues", at)
            yield Clash(path, "duplicate cue", "give one of them another `name`", name)
        seen.add((name or "").casefold())
    seen.clear()
    for at, zone in enumerate(draft.zones):
        if zone.casefold() in seen:
            yield Clash(("zones", at, "name"), "duplicate zone", "give one of them another name", zone)
        seen.add(zone.casefold())


def _theme(data: Mapping[str, Any]) -> Iterator[Clash]:
    theme = _mapping(data.get("theme"))
    given = theme.get("file") is not None
    if given and theme.get("bars") is not None:
        yield Clash(("theme", "bars"), "a theme is either drawn or given", "keep `bars` or `file`", theme["bars"])
    if given and theme.get("licence") is None:
        yield Clash(("theme",), "a theme file needs its licence", "add `licence`, as `CC0-1.0`")
    for key in ("licence", "source"):
        if not given and theme.get(key) is not None:
            yield Clash(("theme", key), f"`{key}` without a file", "add `file`, or remove it", theme[key])


def _lengths(draft: _Draft) -> Iterator[Clash]:
    places: list[tuple[Path, Mapping[str, Any]]] = [(("defaults",), draft.defaults)]
    places += [(("cues", at), cue) for at, cue in enumerate(draft.cues)]
    for path, place in places:
        if place.get("bars") is not None and place.get("duration") is not None:
            yield Clash((*path, "duration"), "both `bars` and `duration`", "keep one of the two", place["duration"])


def _each_cue(draft: _Draft) -> Iterator[Clash]:
    yield from _unknown_zones(draft, ("defaults", "zones"), draft.defaults.get("zones"))
    for at, cue in enumerate(draft.cues):
        for key in ("state", "prompt"):
            if draft.value(cue, key) is None and draft.is_mapping[at]:
                yield Clash(("cues", at), f"missing key `{key}`", f"add `{key}` to the cue or to `defaults`")
        yield from _placeholders(draft, at)
        yield from _unknown_zones(draft, ("cues", at, "zones"), cue.get("zones"))
        yield from _formats(draft, at)
        yield from _loop(draft, at)


def _placeholders(draft: _Draft, at: int) -> Iterator[Clash]:
    cue = draft.cues[at]
    prompt, axes = draft.value(cue, "prompt"), _mapping(draft.value(cue, "axes"))
    if not isinstance(prompt, str) or len(prompt) > MOST_PROMPT or len(axes) > MOST_AXES:
        return
    try:
        used = templates.placeholders(prompt)
    except ValueError as error:
        yield Clash(draft.place(at, "prompt"), str(error), "write {axis}, or {{ and }} for braces", prompt)
        return
    for name in used:
        if name not in axes:
            remedy = f"add `{name}: [...]` to `axes`" + (f"; {nearest(name, axes)}" if axes else "")
            yield Clash(draft.place(at, "prompt"), f"placeholder {{{name}}} has no axis", remedy, prompt)
    for name in axes:
        if name not in used:
            yield Clash((*draft.place(at, "axes"), name), f"axis {name[:40]!r} is not used in the prompt",
                        "its values give takes that differ by their seed alone", warning=True)


def _unknown_zones(draft: _Draft, path: Path, zones: object) -> Iterator[Clash]:
    for name in zones if isinstance(zones, list) else []:
        if isinstance(name, str) and name not in draft.zone_set:
            yield Clash(path, "unknown zone", nearest(name, draft.zones), name)


def _formats(draft: _Draft, at: int) -> Iterator[Clash]:
    cue = draft.cues[at]
    formats, rate = draft.value(cue, "formats"), draft.value(cue, "sample_rate")
    if isinstance(formats, list) and "mp3" in formats[:8] and isinstance(rate, int) and rate > MP3_MAX_RATE:
        key = "sample_rate" if "sample_rate" in cue else "formats"
        yield Clash(draft.place(at, key), f"mp3 has no sample rate above {MP3_MAX_RATE} Hz",
                    f"use {MP3_MAX_RATE}, or leave mp3 out", rate)


def _loop(draft: _Draft, at: int) -> Iterator[Clash]:
    """`form: loop` and `loop: false` contradict each other, unless the cue only turns off a default form."""
    cue = draft.cues[at]
    turned_off = cue.get("loop") is False and "form" not in cue
    if draft.value(cue, "form") == "loop" and draft.value(cue, "loop") is False and not turned_off:
        yield Clash(draft.place(at, "form"), "`form: loop` but `loop: false`", "change one of the two", "loop")


def _relations(draft: _Draft) -> Iterator[Clash]:
    cues = draft.by_name
    parents: dict[str, str] = {}
    for name, relation in draft.relations.items():
        of = _mapping(relation).get("of")
        if name not in cues:
            yield Clash(("relations", name), "a relation of an unknown cue", nearest(name, cues), name)
        if isinstance(of, str) and of not in cues:
            yield Clash(("relations", name, "of"), "a relation to an unknown cue", nearest(of, cues), of)
        if isinstance(of, str) and name in cues and of in cues:
            parents[name] = of
            yield from _parent_zones(draft, name, of)
    yield from _circles(parents)


def _parent_zones(draft: _Draft, name: str, of: str) -> Iterator[Clash]:
    here, there = draft.made_for(draft.by_name[name]), draft.made_for(draft.by_name[of])
    if here is there or there == {None} or (len(here) <= len(there) and here <= there):
        return
    yield Clash(("relations", name, "of"), f"{name!r} is made where {of!r} is not, so there is nothing to share",
                "give both cues the same `zones`", of)


def _circles(parents: Mapping[str, str]) -> Iterator[Clash]:
    """Circles, each told once at its first cue, and chains that are too long to follow."""
    told: set[str] = set()
    for name in parents:
        seen = [name]
        while seen[-1] in parents and parents[seen[-1]] not in seen and len(seen) <= LONGEST_CHAIN:
            seen.append(parents[seen[-1]])
        after = parents.get(seen[-1])
        if len(seen) > LONGEST_CHAIN:
            yield Clash(("relations", name), f"more than {LONGEST_CHAIN} relations in a row",
                        "relate the cues to one common cue", name)
        elif after == name and name not in told:
            circle = " -> ".join([*seen, name])
            yield Clash(("relations", name), f"relations in a circle: {circle}", "remove one of them", name)
            told |= set(seen)
