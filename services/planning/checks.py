"""What can be wrong between the keys of a brief: duplicates, relations that lead nowhere, placeholders without an axis.

Works on plain data that may still be wrong elsewhere, so that these faults are told together with the schema's. Every
rule looks only at what has the right type; the schema speaks of the rest. Nothing here reads files or knows lines.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from models.words import METERS
from services.planning import kinds, templates, timing
from services.planning.brief import RECORDINGS
from services.planning.draft import Clash, Draft, Path, mapping
from services.planning.faults import nearest
from services.planning.values import HOME_FOLDERS, MOST_AXES, MOST_BARS, MOST_PROMPT, RESERVED_AXES
from services.planning.words import MP3_MAX_RATE

LONGEST_CHAIN = 16
MOST_CLASHES = 300


def clashes(data: Mapping[str, Any]) -> list[Clash]:
    """The clashes of the brief `data` (plain values, perhaps faulty), faults and warnings; a few hundred at most."""
    draft = Draft(data)
    found = chain(_catalog(data), _names(draft), _relations(draft), _theme(data), _lengths(draft), kinds.clashes(draft),
                  _each_cue(draft))
    return list(islice(found, MOST_CLASHES))


def _catalog(data: Mapping[str, Any]) -> Iterator[Clash]:
    """A catalog's name is a folder of the home, which keeps some for itself (on many machines whatever their case)."""
    name = data.get("catalog")
    if isinstance(name, str) and name.casefold() in HOME_FOLDERS:
        yield Clash(("catalog",), "Cueworks keeps a folder of this name for itself", "name the catalog otherwise", name)


def _names(draft: Draft) -> Iterator[Clash]:
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
    theme = mapping(data.get("theme"))
    given = theme.get("file") is not None
    if given and theme.get("bars") is not None:
        yield Clash(("theme", "bars"), "a theme is either drawn or given", "keep `bars` or `file`", theme["bars"])
    if given and theme.get("licence") is None:
        yield Clash(("theme",), "a theme file needs its licence", "add `licence`, as `CC0-1.0`")
    for key in ("licence", "source"):
        if not given and theme.get(key) is not None:
            yield Clash(("theme", key), f"`{key}` without a file", "add `file`, or remove it", theme[key])


def _lengths(draft: Draft) -> Iterator[Clash]:
    places: list[tuple[Path, Mapping[str, Any]]] = [(("defaults",), draft.defaults)]
    places += [(("cues", at), cue) for at, cue in enumerate(draft.cues)]
    for path, place in places:
        bars, duration = place.get("bars"), place.get("duration")
        if bars is not None and duration is not None:
            why = _haste(bars, duration, draft.value(place, "meter"))
            yield Clash((*path, "duration"), f"both `bars` and `duration`{why}", "keep one of the two", duration)


def _haste(bars: object, duration: object, meter: object) -> str:
    """What two lengths together would ask of the players, where that is beyond them."""
    if type(bars) is not int or not isinstance(duration, int | float) or duration <= 0 or bars > MOST_BARS:
        return ""
    quarters = timing.quarters_per_bar(meter if isinstance(meter, str) and meter in METERS else "4/4")
    bpm = bars * quarters * 60 / duration
    slow_or_fast = bpm < timing.LOWEST_BPM or bpm > timing.HIGHEST_BPM
    return f": {bars} bars in {duration:g} s are {bpm:,.0f} bpm, which nobody plays" if slow_or_fast else ""


def _each_cue(draft: Draft) -> Iterator[Clash]:
    yield from _unknown_zones(draft, ("defaults", "zones"), draft.defaults.get("zones"))
    for at, cue in enumerate(draft.cues):
        for key in () if draft.is_short(cue) else ("state", "prompt"):
            if draft.value(cue, key) is None and draft.is_mapping[at]:
                yield Clash(("cues", at), f"missing key `{key}`", f"add `{key}` to the cue or to `defaults`")
        yield from _placeholders(draft, at)
        yield from _unknown_zones(draft, ("cues", at, "zones"), cue.get("zones"))
        yield from _formats(draft, at)
        yield from _loop(draft, at)
        yield from _accept(draft, at)
        yield from _unheard(draft, at)
        followed = [key for key in RECORDINGS if cue.get(key) is not None]
        for key in followed[1:]:
            yield Clash(("cues", at, key), f"both `{followed[0]}` and `{key}`", "keep one of the two")


def _placeholders(draft: Draft, at: int) -> Iterator[Clash]:
    cue = draft.cues[at]
    prompt, axes = draft.value(cue, "prompt"), mapping(draft.value(cue, "axes"))
    if not isinstance(prompt, str) or len(prompt) > MOST_PROMPT or len(axes) > MOST_AXES:
        return
    try:
        used = templates.placeholders(prompt)
    except ValueError as error:
        yield Clash(draft.place(at, "prompt"), str(error), "write {axis}, or {{ and }} for braces", prompt)
        return
    for name in used:
        if name not in axes and name not in kinds.placeholders(draft, cue):
            remedy = f"add `{name}: [...]` to `axes`" + (f"; {nearest(name, axes)}" if axes else "")
            yield Clash(draft.place(at, "prompt"), f"placeholder {{{name}}} has no axis", remedy, prompt)
    for name in axes:
        if name in RESERVED_AXES:
            yield Clash((*draft.place(at, "axes"), name), f"the axis name {name!r} is reserved",
                        "name the axis otherwise; levels of intensity are ordered with `intensities`", name)
        elif name not in used:
            yield Clash((*draft.place(at, "axes"), name), f"axis {name[:40]!r} is not used in the prompt",
                        "its values give takes that differ by their seed alone", warning=True)


def _unknown_zones(draft: Draft, path: Path, zones: object) -> Iterator[Clash]:
    for name in zones if isinstance(zones, list) else []:
        if isinstance(name, str) and name not in draft.zone_set:
            yield Clash(path, "unknown zone", nearest(name, draft.zones), name)


def _formats(draft: Draft, at: int) -> Iterator[Clash]:
    cue = draft.cues[at]
    formats, rate = draft.value(cue, "formats"), draft.value(cue, "sample_rate")
    if isinstance(formats, list) and "mp3" in formats[:8] and isinstance(rate, int) and rate > MP3_MAX_RATE:
        key = "sample_rate" if "sample_rate" in cue else "formats"
        yield Clash(draft.place(at, key), f"mp3 has no sample rate above {MP3_MAX_RATE} Hz",
                    f"use {MP3_MAX_RATE}, or leave mp3 out", rate)


def _unheard(draft: Draft, at: int) -> Iterator[Clash]:
    """A negative prompt is what guidance leads away from: with none it would not be heard."""
    guidance = draft.value(draft.cues[at], "guidance")
    if type(guidance) in (int, float) and guidance <= 1 and draft.value(draft.cues[at], "negative") is not None:
        yield Clash(draft.place(at, "guidance"), "`negative` is not heard with a guidance of 1 or less",
                    "raise it, or drop `negative`", guidance)


def _loop(draft: Draft, at: int) -> Iterator[Clash]:
    """`form: loop` and `loop: false` contradict each other, unless the cue only turns off a default form."""
    cue = draft.cues[at]
    turned_off = cue.get("loop") is False and "form" not in cue
    if draft.value(cue, "form") == "loop" and draft.value(cue, "loop") is False and not turned_off:
        yield Clash(draft.place(at, "form"), "`form: loop` but `loop: false`", "change one of the two", "loop")


def _accept(draft: Draft, at: int) -> Iterator[Clash]:
    """What is to be kept must fit into what may be made, and so must the takes that are ordered in any case."""
    cue = draft.cues[at]
    order, takes = mapping(draft.value(cue, "accept")), draft.value(cue, "takes")
    place, keep, budget = draft.place(at, "accept"), order.get("keep"), order.get("budget")
    if cue.get("accept") not in (None, False) and draft.value(cue, "intensities") is not None:
        yield Clash((*place,), "`accept` beside `intensities`: levels line up only where all of an index are there",
                    "remove one of the two")
    if type(budget) is not int:
        return
    if type(keep) is int and keep > budget:
        yield Clash((*place, "keep"), f"{keep} are to be kept of at most {budget} that may be made",
                    "raise `budget`, or lower `keep`", keep)
    if type(takes) is int and takes > budget:
        yield Clash((*place, "budget"), f"{takes} takes are ordered, and at most {budget} may be made",
                    "raise `budget`, or lower `takes`", budget)


def _relations(draft: Draft) -> Iterator[Clash]:
    cues = draft.by_name
    parents: dict[str, str] = {}
    for name, relation in draft.relations.items():
        of = mapping(relation).get("of")
        yield from kinds.relation_clashes(draft, name, of)
        if name not in cues:
            yield Clash(("relations", name), "a relation of an unknown cue", nearest(name, cues), name)
        if isinstance(of, str) and of not in cues:
            yield Clash(("relations", name, "of"), "a relation to an unknown cue", nearest(of, cues), of)
        if isinstance(of, str) and name in cues and of in cues:
            parents[name] = of
            yield from _parent_zones(draft, name, of)
    yield from _circles(parents)


def _parent_zones(draft: Draft, name: str, of: str) -> Iterator[Clash]:
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
