"""From a checked brief to its takes: cues crossed with zones and axes, each with controls, seed and id.

Everything that can be wrong is found before the first take leaves: a plan is whole or there is none. Controls are made
once per zone, cue and point; a take adds its index, seed and id. Nothing here writes, renders or asks a database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, islice, product
from math import prod
from typing import Any

from models.controls import Theme
from models.registry import Card
from services.planning import kinship, templates, timing
from services.planning.adaptive import at_level, levelled, stinger_ask, told_of_stinger, transition
from services.planning.brief import Brief, Cue, Relation, Zone
from services.planning.contradictions import Contradiction, contradictions
from services.planning.controls import ASIDE, LEFTOVERS, UNREAD, Ask, Parent, Resolved, Understanding, resolve
from services.planning.draft import SHARED_BY_ALL_KINDS, SHORT_KINDS
from services.planning.faults import BriefError, Fault, at_most, how_to_add, nearest, shown
from services.planning.identity import PointIdentity, theme_seed
from services.planning.kinds import covers
from services.planning.order import LEVEL_AXIS, Delivery, PlannedTake
from services.planning.prompt import Reading, known_words, read_prompt
from services.planning.reader import ReadBrief
from services.planning.unread import told
from services.planning.words import USES

CEILING = 1_000_000
DEFAULT_FORMATS = ("flac", "ogg")
DEFAULT_SAMPLE_RATE = 48000
DEFAULT_LOUDNESS = -23.0
MOST_WARNINGS = 50
MOST_UNREAD = 100
MOST_PAIRS = 500  # of tempi and keys that are compared in one zone
PROMPTS = {"music": "", "stinger": "{stinger} stinger over {from}", "transition": "transition from {from} to {to}"}
"""What is written down for a cue of a kind that carries no prompt."""


@dataclass(frozen=True)
class PlannedCue:
    """A cue as planned: its template, axes and the zones it is made for (None: outside the zones).

    `variants` are the coordinates that its kind adds to every point of the axes: levels of intensity, kinds of stinger,
    pairs of cues that a transition joins; one empty one where there are none. `generator` makes its takes; `at` is its
    number among the brief's cues."""

    name: str
    state: str
    prompt: str
    axes: dict[str, list[str]]
    zones: tuple[str | None, ...]
    takes: int
    generator: str
    at: int
    kind: str = "music"
    variants: tuple[dict[str, str], ...] = ({},)

    def points(self) -> Iterator[dict[str, str]]:
        """Every point, the variants fastest."""
        for point in templates.points(self.axes):
            for variant in self.variants:
                yield point | variant

    @property
    def count(self) -> int:
        """How many takes it orders."""
        return len(self.zones) * prod(len(values) for values in self.axes.values()) * len(self.variants) * self.takes


@dataclass(frozen=True)
class Understood:
    """How one zone x cue x point was understood."""

    zone: str | None
    cue: str
    point: dict[str, str]
    understanding: Understanding


@dataclass(frozen=True)
class Plan:
    """What a brief orders. `restricted`: `only`, `takes` or another generator than the brief's changed the order for
    once, or it came from no file and never says what else its catalog holds; so takes that are missing from it are
    still ordered and nothing may be superseded. `generator` is the brief's (or the one that took the place of all),
    `generators` are (id, revision) of all that the takes are ordered from. `warnings` are sentences for people,
    `duties` what the rights policy asks of them."""

    read: ReadBrief
    catalog: str
    title: str
    seed: int
    use: str
    licensee: dict[str, Any] | None
    generator: str
    generators: tuple[tuple[str, str], ...]
    cues: tuple[PlannedCue, ...]
    takes: tuple[PlannedTake, ...]
    understandings: tuple[Understood, ...]
    warnings: tuple[str, ...]
    restricted: bool
    duties: tuple[str, ...] = ()

    @property
    def text(self) -> bytes:
        """The brief, byte for byte as it was read."""
        return self.read.text

    @property
    def sha256(self) -> str:
        """SHA-256 of `text`, hex."""
        return self.read.sha256


def plan(
    brief: ReadBrief,
    known: Mapping[str, Card],
    *,
    takes: int | None = None,
    only: str | None = None,
    generator: str | None = None,
    use: str | None = None,
    ceiling: int = CEILING,
) -> Plan:
    """The takes that `brief` orders, in the order of cues, zones, points and indices.

    `known` are the cards of the generators that there are. `takes` overrides the number per zone, cue and point; `only`
    keeps the cues of that state or name; `generator` (of every cue) and `use` override the brief's. Raises BriefError
    with every fault; more takes than `ceiling` are refused before any is enumerated."""
    order = brief.brief
    use = use or order.use
    faults = _overrides(takes, use)
    cues = list(_planned_cues(order, takes, generator))
    chosen = _only(cues, only, faults)
    cards = _cards(brief, chosen, known, generator, faults)
    _check_ceiling(brief, chosen, ceiling, faults)
    if faults:
        raise BriefError(faults)
    resolver = _PointResolver(brief, {cue.name: cue for cue in cues})
    planned, understood = _enumerate(resolver, chosen, cards)
    return Plan(
        read=brief, catalog=order.catalog, title=order.title or order.catalog, seed=order.seed, use=use,
        licensee=order.licensee.model_dump() if order.licensee else None, generator=generator or order.generator,
        generators=tuple((name, card.revision) for name, card in cards.items()),
        cues=tuple(chosen), takes=tuple(planned), understandings=tuple(understood),
        warnings=_few((*brief.warnings, *resolver.warnings, *_strangers(planned), *_unread(brief, understood))),
        restricted=brief.path is None or only is not None or takes is not None or _replaces(generator, order),
    )


def _replaces(generator: str | None, order: Brief) -> bool:
    """Whether a generator that takes the place of all is another than a cue of the brief names."""
    return generator is not None and any(generator != (cue.generator or order.generator) for cue in order.cues)


def _few(warnings: tuple[str, ...]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(warnings))
    if len(distinct) <= MOST_WARNINGS:
        return distinct
    return (*distinct[:MOST_WARNINGS], f"{len(distinct) - MOST_WARNINGS} more warnings")


def _strangers(takes: list[PlannedTake]) -> Iterator[str]:
    """Zones whose states cannot be crossfaded: their bars never meet, or their keys have nothing in common."""
    sets: dict[str, dict[tuple[float, str, str], str]] = {}
    before = None
    for take in takes:
        if take.zone is not None and take.controls is not before:
            before = take.controls
            sets.setdefault(take.zone, {}).setdefault((before.bpm, before.key, before.meter), take.cue)
    for zone, states in sets.items():
        pairs = list(islice(combinations(states.items(), 2), MOST_PAIRS))
        for (one, cue), (other, beside) in pairs:
            if not timing.bars_meet(one[0], other[0]):
                yield (f"zone {zone}: {beside} at {other[0]:g} bpm and {cue} at {one[0]:g} bpm stand in no simple "
                       "ratio, so their bar lines never meet; share a tempo-grid")
            elif not timing.bars_meet(one[0] / timing.quarters_per_bar(one[2]),
                                      other[0] / timing.quarters_per_bar(other[2])):
                yield (f"zone {zone}: bar lines of {beside} in {other[2]} and {cue} in {one[2]} hardly ever meet, so "
                       "they cannot be crossfaded on one; give both the same meter")
            if not kinship.are_akin(one[1], other[1]):
                yield (f"zone {zone}: {beside} in {other[1]} and {cue} in {one[1]} are in no related keys, so they "
                       "cannot be crossfaded; share a key")


def _unread(brief: ReadBrief, understood: list[Understood]) -> Iterator[str]:
    """The words of each cue's prompts that were not understood; and an order by one sentence that said nothing to us
    (a brief has other words to go by)."""
    words: dict[str, dict[str, None]] = {}
    heard = set()
    for u in understood:
        for choice in u.understanding.choices:
            if choice.source != "prompt":
                continue
            if choice.field == UNREAD and len(words.setdefault(u.cue, {})) < MOST_UNREAD:
                words[u.cue] |= dict.fromkeys(choice.value.split(", "))
            elif choice.field == ASIDE or choice.field not in LEFTOVERS:
                heard.add(u.cue)
    for place, (cue, found) in enumerate(words.items()):
        yield f"{cue}: not understood: {told(found, known_words() if place < MOST_WARNINGS else frozenset())}"
    for cue in dict.fromkeys(u.cue for u in understood if u.cue not in heard):
        if brief.path is None:
            yield f"{cue}: nothing in the prompt was understood; `cueworks words` lists what is"


def _cards(
    brief: ReadBrief, cues: list[PlannedCue], known: Mapping[str, Card], generator: str | None, faults: list[Fault]
) -> dict[str, Card]:
    """The cards of the generators that make these cues, in their order; each unknown one is a fault, told once."""
    cards: dict[str, Card] = {}
    unknown: set[str] = set()
    for cue in cues:
        name = cue.generator
        if name in cards or name in unknown:
            continue
        try:
            cards[name] = known[name]
        except LookupError:
            unknown.add(name)
            what, remedy = "unknown generator", how_to_add(name, known)
            if generator is not None:
                faults.append(Fault("generator", what, remedy, shown(name)))
            else:
                own = brief.brief.cues[cue.at].generator is not None
                path = ("cues", cue.at, "generator") if own else ("generator",)
                faults.append(brief.fault(path, what, remedy, name))
    return cards


def _overrides(takes: int | None, use: str) -> list[Fault]:
    faults = []
    if takes is not None and takes < 1:
        faults.append(Fault("takes", "zero takes cannot be made", "ask for at least one", str(takes)))
    if use not in USES:
        faults.append(Fault("use", "unknown use", nearest(use, USES), repr(use)))
    return faults


def _value(order: Brief, cue: Cue, name: str) -> Any:
    own = getattr(cue, name)
    if own is not None or (_is_short(cue) and name not in SHARED_BY_ALL_KINDS):
        return own
    return getattr(order.defaults, name)


def _planned_cues(order: Brief, takes: int | None, generator: str | None) -> Iterator[PlannedCue]:
    music = {_name_of(order, cue): cue for cue in order.cues if not _is_short(cue)}
    for at, cue in enumerate(order.cues):
        state = _value(order, cue, "state") or cue.kind
        assert state is not None  # checked when the brief was read
        yield PlannedCue(
            name=_name_of(order, cue),
            state=state,
            prompt=_value(order, cue, "prompt") or PROMPTS[cue.kind or "music"],
            axes=_value(order, cue, "axes") or {},
            zones=_shared_zones(order, cue, music) if _is_short(cue) else _zones_of(order, cue),
            takes=takes or _value(order, cue, "takes") or 1,
            generator=generator or cue.generator or order.generator,
            at=at,
            kind=cue.kind or "music",
            variants=tuple(_variants(order, cue)),
        )


def _is_short(cue: Cue) -> bool:
    return cue.kind in SHORT_KINDS


def _name_of(order: Brief, cue: Cue) -> str:
    name = _value(order, cue, "name") or _value(order, cue, "state") or cue.kind
    return str(name)


def _variants(order: Brief, cue: Cue) -> Iterator[dict[str, str]]:
    if cue.kind == "transition":
        for one, other in product(cue.origin or (), cue.goal or ()):
            if one != other:
                yield {"from": one, "to": other}
    elif cue.kind == "stinger":
        for name, stinger in product(cue.origin or (), cue.stinger or ()):
            yield {"from": name, "stinger": stinger}
    elif (levels := _value(order, cue, "intensities")) is not None:
        for level in levels:
            yield {LEVEL_AXIS: str(level)}
    else:
        yield {}


def _zones_of(order: Brief, cue: Cue) -> tuple[str | None, ...]:
    """The zones a cue is made for, in the order of the brief."""
    zones = _value(order, cue, "zones") or "all"
    if zones == "none" or not order.zones:
        return (None,)
    chosen = None if zones == "all" else set(zones)
    return tuple(zone.name for zone in order.zones if chosen is None or zone.name in chosen)


def _shared_zones(order: Brief, cue: Cue, music: Mapping[str, Cue]) -> tuple[str | None, ...]:
    """The zones of a stinger or transition: those it names, else all where the cues that it names are made."""
    if _value(order, cue, "zones") not in (None, "all"):
        return _zones_of(order, cue)
    named = [frozenset(_zones_of(order, music[name])) for name in (*(cue.origin or ()), *(cue.goal or ()))]
    everywhere = (*(zone.name for zone in order.zones), None)
    shared = tuple(zone for zone in everywhere if all(covers(zones, zone) for zones in named))
    return tuple(zone for zone in shared if zone is not None) or shared


def _only(cues: list[PlannedCue], only: str | None, faults: list[Fault]) -> list[PlannedCue]:
    if only is None:
        return cues
    chosen = [cue for cue in cues if only in (cue.name, cue.state)]
    if not chosen:
        known = list(dict.fromkeys(word for cue in cues for word in (cue.state, cue.name)))
        listed = ", ".join(known[:20])
        faults.append(Fault("only", "no cue has this state or name", f"the brief has: {listed}", repr(only[:60])))
    return chosen


def _check_ceiling(brief: ReadBrief, cues: list[PlannedCue], ceiling: int, faults: list[Fault]) -> None:
    count = sum(cue.count for cue in cues)
    if count > ceiling:
        what = f"{count:,} takes are more than the ceiling of {ceiling:,}" if count < 10**18 else "too many takes"
        faults.append(brief.fault(("cues",), what, "order fewer takes, or raise CUEWORKS_MAX_TAKES"))


def _enumerate(
    resolver: "_PointResolver", cues: list[PlannedCue], cards: Mapping[str, Card]
) -> tuple[list[PlannedTake], list[Understood]]:
    order = resolver.order
    planned: list[PlannedTake] = []
    understood: list[Understood] = []
    faults: dict[Fault, None] = {}
    for cue in cues:
        ordered = resolver.delivery(cue.name)
        for zone, point in product(cue.zones, cue.points()):
            try:
                resolved = resolver.at(zone, cue.name, point)
            except BriefError as error:
                faults |= dict.fromkeys(error.faults)
                continue
            understood.append(Understood(zone, cue.name, point, resolved.understanding))
            identity = PointIdentity(
                catalog=order.catalog, brief_seed=order.seed, zone=zone, cue=cue.name, point=point,
                prompt=resolver.prompt(cue.name, point), controls=resolved.controls,
                delivery=at_level(ordered, point), generator=cue.generator,
                revision=cards[cue.generator].revision,
            )
            planned += identity.takes(cue.state, cue.takes)
    if faults:
        raise BriefError(at_most(list(faults)))
    return planned, understood


class _PointResolver:
    """Controls by zone, cue and point; a cue that shares with another asks for that one's first."""

    def __init__(self, brief: ReadBrief, cues: Mapping[str, PlannedCue]) -> None:
        self.brief = brief
        self.order = brief.brief
        self.planned = cues
        self.warnings: list[str] = []
        self._known: dict[tuple[str | None, str, Reading, Parent | None], Resolved] = {}
        self._themes: dict[tuple[str | None, str | None], Theme] = {}

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

    def at(self, zone: str | None, cue: str, point: Mapping[str, str]) -> Resolved:
        """The controls of a cue in a zone at a point. Raises BriefError where they contradict each other."""
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
            raise BriefError([self._impossible(ask.cue, str(error))]) from None
        faults = [self._contradicting(ask.cue, found) for found in contradictions(ask, resolved.controls)]
        if faults:
            raise BriefError(faults)
        self.warnings += resolved.warnings
        if self.brief.sound_bank is None:
            return resolved
        return replace(resolved, controls=replace(resolved.controls, sound_bank=self.brief.sound_bank))

    def _contradicting(self, cue: str, found: Contradiction) -> Fault:
        at, own = self._cues[cue]
        own_key = getattr(own, found.key) is not None
        path = ("cues", at, found.key) if own_key else ("defaults", found.key)
        return self.brief.fault(path, f"{cue}: {found.what}", found.remedy, found.value)

    def _impossible(self, cue: str, what: str) -> Fault:
        at, own = self._cues[cue]
        for place, path in ((own, ("cues", at)), (self.order.defaults, ("defaults",))):
            for name in ("bars", "duration"):
                if getattr(place, name) is not None:
                    value = getattr(place, name)
                    return self.brief.fault((*path, name), f"{cue}: {what}", "change length, tempo or form", value)
        return self.brief.fault(("cues", at), f"{cue}: {what}", "give it `bars` or `duration`")

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
        loudness = _value(self.order, own, "loudness")
        return Delivery(
            formats=tuple(_value(self.order, own, "formats") or DEFAULT_FORMATS),
            sample_rate=_value(self.order, own, "sample_rate") or DEFAULT_SAMPLE_RATE,
            loudness=float(DEFAULT_LOUDNESS if loudness is None else loudness),
            stems=bool(_value(self.order, own, "stems")),
        )


def _set_keys(cue: Cue) -> dict[str, Any]:
    return {name: getattr(cue, name) for name in Cue.model_fields if getattr(cue, name) is not None}
