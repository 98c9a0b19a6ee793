"""The controls of every cue, in every zone, at every point: cues that take from others ask for those first.

Each is resolved once and kept for all takes that share it. Nothing here knows seeds of takes or their ids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from models.controls import Denoising, Theme
from models.registry import Abilities
from services.planning import kinship, templates, timing
from services.planning.adaptive import levelled, stinger_ask, told_of_stinger, transition
from services.planning.asking import DENOISING, takes_in
from services.planning.brief import Cue, Relation, Zone
from services.planning.contradictions import Contradiction, contradictions
from services.planning.controls import Ask, Choice, Parent, Resolved, Understanding, resolve
from services.planning.cues import PlannedCue, value
from services.planning.faults import BriefError, Fault
from services.planning.identity import theme_seed
from services.planning.order import LEVEL_AXIS, Delivery
from services.planning.prompt import read_prompt
from services.planning.reader import ReadBrief
from services.planning.readings import Reading

DEFAULT_FORMATS = ("flac", "ogg")
DEFAULT_SAMPLE_RATE = 48000
DEFAULT_LOUDNESS = -23.0


class PointResolver:
    """Controls by zone, cue and point; a cue that shares with another asks for that one's first.

    `able` are the abilities of the generators of all cues that are asked for."""

    def __init__(self, brief: ReadBrief, cues: Mapping[str, PlannedCue], able: Mapping[str, Abilities]) -> None:
        self.brief = brief
        self.order = brief.brief
        self.planned = cues
        self._able = able
        self.warnings: list[str] = []
        self._known: dict[tuple[str | None, str, Reading, Parent | None], Resolved] = {}
        self._themes: dict[tuple[str | None, str | None], Theme] = {}
        self._given: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def _cues(self) -> dict[str, tuple[int, Cue]]:
        return {name: (at, cue) for at, (name, cue) in enumerate(zip(self.planned, self.order.cues, strict=True))}

    @cached_property
    def _zones(self) -> dict[str, Zone]:
        return {zone.name: zone for zone in self.order.zones}

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return _set_keys(self.order.defaults)

    @cached_property
    def _own(self) -> dict[str, dict[str, Any]]:
        return {name: _set_keys(cue) for name, (_, cue) in self._cues.items()}

    def at(self, zone: str | None, cue: str, point: Mapping[str, str], generator: str) -> Resolved:
        """The controls of a cue in a zone at a point, as one of its generators is asked for them.

        Raises BriefError where they contradict each other."""
        resolved, (given, choices) = self._made(zone, cue, point), self._given_to(cue, generator)
        if choices:
            told = Understanding((*resolved.understanding.choices, *choices))
            resolved = replace(resolved, understanding=told)
        return replace(resolved, controls=replace(resolved.controls, **given)) if given else resolved

    def _given_to(self, cue: str, generator: str) -> tuple[dict[str, Any], tuple[Choice, ...]]:
        """What a cue is made with where a generator takes it: it is the cue's own, and nobody shares it."""
        if (cue, generator) not in self._given:
            self._given[cue, generator] = self._files(cue, generator) | self._denoising(cue, generator)
        given = self._given[cue, generator]
        return given, tuple(self._choices(cue, given))

    def _denoising(self, cue: str, generator: str) -> dict[str, Any]:
        own, able = self._cues[cue][1], self._able[generator]
        asked = {name: value(self.order, own, name) for name in takes_in(able, value(self.order, own, "guidance"))}
        if able.variation and own.vary is not None:
            asked["strength"] = own.vary.strength
        asked = {name: one for name, one in asked.items() if one is not None}
        return {"denoising": Denoising(**asked)} if asked else {}

    def _choices(self, cue: str, given: Mapping[str, Any]) -> Iterator[Choice]:
        """What is told of how a take is drawn out of noise."""
        own, denoising = self._cues[cue][1], given.get("denoising")
        for name in DENOISING if denoising is not None else ():
            if (asked := getattr(denoising, name)) not in (None, ""):
                told = asked if isinstance(asked, str) else f"{asked:g}"
                yield Choice(name, told, "cue" if getattr(own, name) is not None else "defaults")
        if own.vary is not None and "audio" in given:
            yield Choice("vary", f"{own.vary.file}, strength {own.vary.strength:g}", "cue")

    def _files(self, cue: str, generator: str) -> dict[str, Any]:
        at, able = self._cues[cue][0], self._able[generator]
        given: dict[str, Any] = {}
        if self.brief.sound_bank is not None and able.sound_bank:
            given["sound_bank"] = self.brief.sound_bank
        if at in self.brief.recordings:
            given["audio"] = self.brief.recordings[at].reference
        return given

    def _made(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Resolved:
        kind = self.planned[cue].kind
        if kind == "transition":
            bars = self._own[cue].get("bars")
            return transition(self._of(zone, point["from"], point), self._of(zone, point["to"], point), bars)
        if kind == "stinger":
            return self._stinger(zone, cue, point)
        base = self._music(zone, cue, point)
        return levelled(base, int(point[LEVEL_AXIS])) if LEVEL_AXIS in point else base

    def _music(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Resolved:
        reading, parent = read_prompt(self.prompt(cue, point)), self._parent(zone, cue, point)
        key = (zone, cue, reading, parent)
        if key not in self._known:
            self._known[key] = self._resolve(self._ask(zone, cue, reading, parent))
        return self._known[key]

    def _of(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Parent:
        """A cue of music that another one names: where that is made, at the point nearest to the other's."""
        named = self.planned[cue]
        there = zone if zone in named.zones else None
        nearest_point = {name: point[name] if point.get(name) in values else values[0]
                         for name, values in named.axes.items()}
        return Parent(cue, self._music(there, cue, nearest_point).controls, frozenset())

    def _stinger(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Resolved:
        parent = self._of(zone, point["from"], point)
        reading = read_prompt(self.prompt(cue, point)) if self._cues[cue][1].prompt else Reading()
        ask = stinger_ask(self._ask(zone, cue, reading, parent), parent, point["stinger"])
        return told_of_stinger(self._resolve(ask), ask, self._own[cue], point["stinger"])

    def _ask(self, zone: str | None, cue: str, reading: Reading, parent: Parent | None) -> Ask:
        place = self._zones.get(zone) if zone is not None else None
        theme = self._zone_theme(zone)
        return Ask(
            cue=cue, state=self.planned[cue].state, prompt=reading, theme=self._theme(zone, cue),
            identity=read_prompt(place.identity) if place else Reading(), zone_key=place.key if place else None,
            zone_bpm=place.bpm if place else None, own=self._own[cue], defaults=self._defaults, parent=parent,
            home_tonic=kinship.home_tonic(theme.variant or theme.seed),
            home_bpm=kinship.home_tempo(theme.variant) if zone is not None else None,
        )

    def _resolve(self, ask: Ask) -> Resolved:
        try:
            resolved = resolve(ask)
        except timing.ImpossibleLengthError as error:
            fault = self.of_length(ask.cue, str(error), "change length, tempo or form", "give it `bars` or `duration`")
            raise BriefError([fault]) from None
        faults = [self._contradicting(ask.cue, found) for found in contradictions(ask, resolved.controls)]
        if faults:
            raise BriefError(faults)
        self.warnings += resolved.warnings
        return resolved

    def _contradicting(self, cue: str, found: Contradiction) -> Fault:
        at, own = self._cues[cue]
        own_key = getattr(own, found.key) is not None
        path = ("cues", at, found.key) if own_key else ("defaults", found.key)
        return self.brief.fault(path, f"{cue}: {found.what}", found.remedy, found.value)

    def of_length(self, cue: str, what: str, remedy: str, otherwise: str = "") -> Fault:
        """A fault of a cue's length, at the key that gives it; `otherwise` is the remedy where none does."""
        at, own = self._cues[cue]
        for place, path in ((own, ("cues", at)), (self.order.defaults, ("defaults",))):
            for name in ("bars", "duration"):
                if (given := getattr(place, name)) is not None:
                    return self.brief.fault((*path, name), f"{cue}: {what}", remedy, given)
        return self.brief.fault(("cues", at), f"{cue}: {what}", otherwise or remedy)

    def prompt(self, cue: str, point: Mapping[str, str]) -> str:
        """The prompt template with the values of a point."""
        return templates.fill(self.planned[cue].prompt, point)

    def _parent(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Parent | None:
        relation: Relation | None = self.order.relations.get(cue)
        if relation is None:
            return None
        return replace(self._of(zone, relation.of, point), share=frozenset(relation.share))

    def _theme(self, zone: str | None, cue: str) -> Theme:
        """The zone's theme, or the cue's own where it has relations but shares no theme."""
        relation = self.order.relations.get(cue)
        own = cue if relation is not None and "theme" not in relation.share else None
        if (zone, own) not in self._themes:
            self._themes[zone, own] = self._own_theme(zone, own) if own else self._zone_theme(zone)
        return self._themes[zone, own]

    def _own_theme(self, zone: str | None, cue: str) -> Theme:
        return Theme(theme_seed(self.order.catalog, self.order.seed, zone, cue), self._theme_bars)

    def _zone_theme(self, zone: str | None) -> Theme:
        """The catalog's theme, drawn or given; in a zone, what that zone makes of it."""
        catalog, seed = self.order.catalog, self.order.seed
        variant = 0 if zone is None else theme_seed(catalog, seed, zone)
        return replace(self.brief.theme or Theme(0, self._theme_bars), seed=theme_seed(catalog, seed), variant=variant)

    @property
    def _theme_bars(self) -> int:
        return self.order.theme.bars or Theme(0).bars

    def delivery(self, cue: str) -> Delivery:
        """What the takes of a cue are delivered as."""
        own = self._cues[cue][1]
        loudness = value(self.order, own, "loudness")
        return Delivery(
            formats=tuple(value(self.order, own, "formats") or DEFAULT_FORMATS),
            sample_rate=value(self.order, own, "sample_rate") or DEFAULT_SAMPLE_RATE,
            loudness=float(DEFAULT_LOUDNESS if loudness is None else loudness),
            stems=bool(value(self.order, own, "stems")),
        )


def _set_keys(cue: Cue) -> dict[str, Any]:
    return {name: getattr(cue, name) for name in Cue.model_fields if getattr(cue, name) is not None}
