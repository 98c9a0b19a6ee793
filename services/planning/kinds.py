"""Stingers and transitions in a brief: which keys they carry, which cues they may name, and where they can be made.

Works on a draft, like `checks`, so that these faults are told together with all others. Nothing here decides what a
stinger or a transition sounds like.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.planning.brief import RECORDINGS, Cue
from services.planning.draft import SHARED_BY_ALL_KINDS, SHORT_KINDS, Clash, Draft, words_of
from services.planning.faults import nearest
from services.planning.values import MOST_SHORT_BARS

_ALL = frozenset(field.alias or name for name, field in Cue.model_fields.items())
_SHORT = frozenset({"kind", "name", "state", "prompt", "axes", "from", "bars", "generator"}) | SHARED_BY_ALL_KINDS
KEYS: dict[str, frozenset[str]] = {
    "music": _ALL - {"stinger", "from", "to"},
    "stinger": _SHORT | {"stinger", "bpm", "key", "meter", "intensity", "instruments", "genre", "mood"},
    "transition": _SHORT | {"to"},
}
"""The keys that a cue of each kind may carry."""
NEEDED: dict[str, tuple[str, ...]] = {"stinger": ("stinger", "from"), "transition": ("from", "to")}
PLACEHOLDERS: dict[str, tuple[str, ...]] = {"stinger": ("stinger", "from"), "transition": ("from", "to")}
"""What a prompt of each kind may name besides its axes."""
_INSTEAD = (
    {"duration": "is given in bars"}
    | dict.fromkeys(RECORDINGS, "follows no recording")
    | dict.fromkeys(("steps", "guidance", "negative"), "is written in notes, not drawn out of noise")
)
_NOT_OF_DEFAULTS = {
    "kind": "write it there", "stinger": "write it there", "from": "write it there", "to": "write it there",
    "generator": "write it at the top of the brief, for every cue that names no other",
    "melody": "write it to the cues that follow it", "continue": "write it to the cue that goes on from it",
    "vary": "write it to the cue that is made of it",
}


def placeholders(draft: Draft, cue: Mapping[str, Any]) -> tuple[str, ...]:
    """What the prompt of a cue may name besides its axes."""
    return PLACEHOLDERS.get(cue["kind"], ()) if draft.is_short(cue) else ()


def clashes(draft: Draft) -> Iterator[Clash]:
    """What stands in the wrong kind of cue, is missing there, or leads nowhere."""
    for key, remedy in _NOT_OF_DEFAULTS.items():
        if draft.defaults.get(key) is not None:
            yield Clash(("defaults", key), f"`{key}` belongs to a cue", remedy, draft.defaults[key])
    for at, cue in enumerate(draft.cues):
        kind = cue.get("kind", "music")
        if isinstance(kind, str) and kind in KEYS:
            yield from _keys(at, cue, kind)
            if kind in SHORT_KINDS:
                yield from _short(draft, at, cue, kind)


def _keys(at: int, cue: Mapping[str, Any], kind: str) -> Iterator[Clash]:
    for key in cue:
        if key not in _ALL or key in KEYS[kind] or cue[key] is None or (key == "loop" and cue[key] is False):
            continue
        if kind == "music":
            fit = " or ".join(name for name in SHORT_KINDS if key in KEYS[name])
            yield Clash(("cues", at, key), f"`{key}` belongs to a {fit}", f"add `kind: {fit.split()[0]}`, or remove it",
                        cue[key])
        elif key == "loop" or (key == "form" and cue[key] == "loop"):
            yield Clash(("cues", at, key), f"a {kind} ends, so it cannot loop", "remove it", cue[key])
        else:
            source = _INSTEAD.get(key, "takes that from the cue that it names")
            yield Clash(("cues", at, key), f"a {kind} has no `{key}` of its own: it {source}", "remove it", cue[key])
    for key in NEEDED.get(kind, ()):
        if cue.get(key) is None:
            yield Clash(("cues", at), f"a {kind} needs `{key}`", f"add `{key}`")


def _short(draft: Draft, at: int, cue: Mapping[str, Any], kind: str) -> Iterator[Clash]:
    bars = cue.get("bars")
    if type(bars) is int and bars > MOST_SHORT_BARS:
        yield Clash(("cues", at, "bars"), f"a {kind} has at most {MOST_SHORT_BARS} bars", "lower it", bars)
    for key in ("from", "to") if kind == "transition" else ("from",):
        yield from _named(draft, at, key, words_of(cue.get(key)))
    leaves, leads = words_of(cue.get("from")), words_of(cue.get("to"))
    if kind == "transition" and leaves and leads and not any(one != other for one in leaves for other in leads):
        yield Clash(("cues", at, "to"), "a transition from a cue to itself", "name two different cues", cue["to"])
    yield from _places(draft, at, cue, [*leaves, *leads])


def _named(draft: Draft, at: int, key: str, names: list[str]) -> Iterator[Clash]:
    music = [name for name, cue in draft.by_name.items() if not draft.is_short(cue)]
    for name in names:
        if name not in draft.by_name:
            yield Clash(("cues", at, key), "names an unknown cue", nearest(name, music), name)
        elif draft.is_short(draft.by_name[name]):
            yield Clash(("cues", at, key), "names a cue that is no music itself", nearest("", music), name)


def covers(made_for: frozenset[str | None], zone: str | None) -> bool:
    """Whether a cue that is made for these zones can be heard in a zone: cues outside the zones can be everywhere."""
    return zone in made_for or made_for == {None}


def _places(draft: Draft, at: int, cue: Mapping[str, Any], names: list[str]) -> Iterator[Clash]:
    """Stingers and transitions are made only where the cues that they name are."""
    known = {name: draft.made_for(draft.by_name[name]) for name in names if name in draft.by_name}
    if draft.value(cue, "zones") not in (None, "all"):
        wanted = draft.made_for(cue)
        for name, zones in known.items():
            if not all(covers(zones, zone) for zone in wanted):
                yield Clash(draft.place(at, "zones"), f"{name!r} is not made in all of these zones",
                            "name zones where all its cues are made", cue.get("zones"))
    elif known and not any(all(covers(zones, zone) for zones in known.values()) for zone in (*draft.zones, None)):
        yield Clash(("cues", at), "no zone has all the cues that it names", "name cues that are made in one zone")


def relation_clashes(draft: Draft, name: str, of: object) -> Iterator[Clash]:
    """Relations are for music: stingers and transitions share everything with the cues that they name."""
    for path, word in ((("relations", name), name), (("relations", name, "of"), of)):
        if isinstance(word, str) and word in draft.by_name and draft.is_short(draft.by_name[word]):
            yield Clash(path, f"{word!r} is a {draft.by_name[word]['kind']}, which has no relations", "remove it", word)
