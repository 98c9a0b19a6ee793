"""What adaptive material is ordered as: levels of one piece, stingers over a cue, transitions between two.

Levels share everything with the piece they are levels of; stingers and transitions take theme, key, tempo and players
from the cues they belong to. Nothing here composes, and nothing is random.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.controls import Destination
from services.planning import timing
from services.planning.controls import Ask, Choice, Parent, Resolved, Understanding
from services.planning.order import LEVEL_AXIS, Delivery

DEFAULT_BARS = 2
HIGHEST_LEVEL = 5
LEVEL_STEP = 2.0
"""LU between one level and the next: a game that fades from level to level hears the piece grow."""


@dataclass(frozen=True)
class _Stinger:
    """The mood and intensity that a stinger has unless its cue says otherwise."""

    mood: str
    intensity: int


STINGERS = {
    "victory": _Stinger("epic", 4),
    "defeat": _Stinger("melancholic", 2),
    "discovery": _Stinger("mysterious", 2),
    "danger": _Stinger("tense", 4),
}


def at_level(delivery: Delivery, point: Mapping[str, str]) -> Delivery:
    """A delivery at the loudness of a level: the highest is as loud as ordered, every one below it softer."""
    level = point.get(LEVEL_AXIS)
    if level is None:
        return delivery
    return replace(delivery, loudness=delivery.loudness - LEVEL_STEP * (HIGHEST_LEVEL - int(level)))


def levelled(base: Resolved, level: int) -> Resolved:
    """A piece at a level of intensity: composed as `base` is, played by as many as the level asks for."""
    controls = replace(base.controls, intensity=level, reference=base.controls.intensity)
    told = Choice("level", str(level), "cue", f"of a piece at intensity {base.controls.intensity}")
    return replace(base, controls=controls, understanding=Understanding((*base.understanding.choices, told)))


def transition(origin: Parent, goal: Parent, bars: int | None) -> Resolved:
    """The bars that lead from one cue to the bar line where another begins: the first one's music, on its way.

    `bars` None gives two."""
    leaves, leads = origin.controls, goal.controls
    length = timing.length_of(leaves.bpm, leaves.meter, False, bars=bars or DEFAULT_BARS)
    destination = Destination(leads.state, leads.key, leads.bpm, leads.intensity)
    controls = replace(
        leaves, bars=length.bars, duration=length.duration, form="transition", loop=False, destination=destination
    )
    shared = {"genre": leaves.genre, "mood": leaves.mood, "bpm": f"{leaves.bpm:g}", "key": leaves.key,
              "meter": leaves.meter, "intensity": str(leaves.intensity)}
    choices = [Choice(name, value, "relation", origin.name) for name, value in shared.items()]
    choices += [Choice("instruments", name, "relation", origin.name) for name in leaves.instruments]
    choices.append(Choice("bars", str(length.bars), "cue" if bars else "state", "" if bars else "transition"))
    choices.append(Choice("destination", f"{leads.key} at {leads.bpm:g} bpm", "relation", goal.name))
    return Resolved(controls, Understanding(tuple(choices)))


def stinger_ask(ask: Ask, parent: Parent, stinger: str) -> Ask:
    """What is asked of a stinger over the cue `parent`: whatever its own cue leaves open is that one's."""
    usual, over = STINGERS[stinger], parent.controls
    given = {
        "genre": over.genre, "bpm": over.bpm, "meter": over.meter, "mood": usual.mood, "intensity": usual.intensity,
        "bars": DEFAULT_BARS, "form": "stinger", "loop": False,
    }
    sharing = replace(parent, share=frozenset({"theme", "key", "instruments"}))
    return replace(ask, state=over.state, own={**given, **ask.own}, defaults={}, parent=sharing)


def told_of_stinger(resolved: Resolved, ask: Ask, own: Mapping[str, Any], stinger: str) -> Resolved:
    """The stinger as resolved, each choice with its true source: the cue's own keys, the other cue, or its kind."""
    assert ask.parent is not None
    over = ask.parent
    kept = set(resolved.controls.instruments)
    excluded = tuple(dict.fromkeys((*resolved.controls.excluded, *over.controls.excluded)))
    controls = replace(
        resolved.controls, stinger=stinger, excluded=tuple(name for name in excluded if name not in kept)
    )
    of_kind = {"mood", "intensity", "bars", "form", "loop"}
    choices = tuple(
        choice if choice.source != "cue" or choice.field in own
        else replace(choice, source="state", words=f"{stinger} stinger") if choice.field in of_kind
        else replace(choice, source="relation", words=over.name)
        for choice in resolved.understanding.choices
    )
    return replace(resolved, controls=controls, understanding=Understanding(choices))
