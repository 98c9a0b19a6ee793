"""From a checked brief to its takes: cues crossed with zones and axes, each with controls, seed and id.

Everything that can be wrong is found before the first take leaves: a plan is whole or there is none. Controls are made
once per zone, cue and point; a take adds its index, seed and id. Nothing here writes, renders or asks a database.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, groupby, islice, product
from pathlib import Path
from typing import Any

from models.registry import Card
from services.planning import kinship, timing
from services.planning.adaptive import at_level
from services.planning.asking import Asking, not_promised
from services.planning.brief import Brief
from services.planning.controls import ASIDE, LEFTOVERS, UNREAD, Resolved, Understanding
from services.planning.cues import PlannedCue, only_named, planned_cues
from services.planning.faults import BriefError, Fault, at_most, how_to_add, nearest, printable, shown
from services.planning.identity import PointIdentity
from services.planning.order import PlannedTake
from services.planning.phrases import known_words
from services.planning.points import ChosenPoint, Key, key_of
from services.planning.reader import ReadBrief
from services.planning.resolving import PointResolver
from services.planning.shaping import Shapers, UnreadableModelError
from services.planning.shaping import told as told_of_text
from services.planning.unread import told
from services.planning.words import USES

CEILING = 1_000_000
MOST_WARNINGS = 50
MOST_UNREAD = 100
MOST_PAIRS = 500  # of tempi and keys that are compared in one zone


@dataclass(frozen=True)
class Understood:
    """How one zone x cue x point was understood for a generator."""

    zone: str | None
    cue: str
    point: dict[str, str]
    generator: str
    understanding: Understanding


@dataclass(frozen=True)
class Plan:
    """What a brief orders. `restricted`: `only`, `takes` or another generator than the brief's changed the order for
    once, or it came from no file and never says what else its catalog holds; so takes that are missing from it are
    still ordered and nothing may be superseded. `generators` are (id, revision) of all that the takes are ordered from.
    `warnings` are sentences for people, `duties` what the rights policy asks of them. `points` are those whose takes
    are chosen by what is heard of them; their first takes are among `takes`."""

    read: ReadBrief
    catalog: str
    title: str
    seed: int
    use: str
    licensee: dict[str, Any] | None
    generators: tuple[tuple[str, str], ...]
    cues: tuple[PlannedCue, ...]
    takes: tuple[PlannedTake, ...]
    understandings: tuple[Understood, ...]
    warnings: tuple[str, ...]
    restricted: bool
    duties: tuple[str, ...] = ()
    points: tuple[ChosenPoint, ...] = ()

    @property
    def recordings(self) -> dict[str, Path]:
        """Where the recordings lie that its takes follow, by digest."""
        wanted = {take.controls.audio.sha256 for take in self.takes if take.controls.audio is not None}
        found = self.read.recordings.values()
        return {one.reference.sha256: one.file for one in found if one.reference.sha256 in wanted}

    @property
    def compared(self) -> frozenset[str]:
        """The names of the cues that several generators make."""
        return frozenset(cue.name for cue in self.cues if len(cue.generators) > 1)

    @property
    def most(self) -> int:
        """How many takes may be made in all, where those of its `points` have to be replaced."""
        return len(self.takes) + sum(point.room - point.takes for point in self.points)

    def with_counts(self, counts: Mapping[Key, int]) -> "Plan":
        """The same with so many takes in all of each of these points, or as many as it has, each point's in one place.
        """
        more = {point.key: point for point in self.points if counts.get(point.key, 0) > point.takes}
        if not more:
            return self
        takes: list[PlannedTake] = []
        for key, some in groupby(self.takes, key_of):
            takes += (same := list(some))
            if point := more.get(key):
                takes += (point.take(index) for index in range(len(same), counts[key]))
        return replace(self, takes=tuple(takes))

    def positions(self) -> Iterator[int]:
        """The place of every take in the brief's order; takes that may come later have theirs kept free."""
        if not self.points:
            yield from range(len(self.takes))
            return
        starts, place = {point.key: point for point in self.points}, 0
        for key, same in groupby(self.takes, key_of):
            point = starts.get(key)
            for take in same:
                yield point.start + take.index if point else place
                place += 0 if point else 1
            place = point.start + point.room if point else place

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
    obstacle: Callable[[str], str | None] = lambda name: None,
) -> Plan:
    """The takes that `brief` orders, in the order of cues, zones, points and indices.

    `known` are the cards of the generators that there are; `obstacle` says why a generator cannot be used here and what
    to do, with a semicolon between. One that is known and whose files are away is a warning: they are needed to measure
    texts, and where something is left to render. `takes` overrides the number per zone, cue and point; `only` keeps the
    cues of that state or name; `generator` (of every cue) and `use` override the brief's. Raises BriefError with every
    fault; more takes than `ceiling` are refused before any is enumerated."""
    order = brief.brief
    use = use or order.use
    faults = _overrides(takes, use)
    cues = list(planned_cues(order, takes, generator))
    chosen = only_named(cues, only, faults)
    cards = _cards(brief, chosen, known, generator, obstacle, faults)
    away = {name: said for name in cards if (said := obstacle(name))}
    asking = Asking(brief, known, generator is not None)
    if len(cards) == len({name for cue in chosen for name in cue.generators}):
        faults += asking.faults(cues, chosen)
    _check_ceiling(brief, chosen, ceiling, faults)
    if faults:
        raise BriefError(at_most(faults))
    resolver = PointResolver(brief, {cue.name: cue for cue in cues}, {name: cards[name].abilities for name in cards})
    promises = (*not_promised(order, chosen, cards), *asking.passed_over(chosen))
    enumeration = _Enumeration(resolver, cards, asking, away)
    planned, understood = enumeration.of(chosen)
    return Plan(
        read=brief, catalog=order.catalog, title=order.title or order.catalog, seed=order.seed, use=use,
        licensee=order.licensee.model_dump() if order.licensee else None,
        generators=tuple((name, card.revision) for name, card in cards.items()),
        cues=tuple(chosen), takes=tuple(planned), understandings=tuple(understood),
        warnings=_few((*brief.warnings, *away.values(), *resolver.warnings, *promises,
                       *_strangers(planned), *_unread(brief, understood))),
        restricted=brief.path is None or only is not None or takes is not None or _replaces(generator, order),
        points=tuple(enumeration.points),
    )


def named_generators(order: Brief, only: str | None = None, generator: str | None = None) -> tuple[str, ...]:
    """The generators that an order is made by, whether there are such or not: what the rights policy is asked first."""
    chosen = only_named(list(planned_cues(order, None, generator)), only, [])
    made = tuple(dict.fromkeys(name for cue in chosen for name in cue.generators))
    return made or ((generator,) if generator else tuple(order.generator))


def _replaces(generator: str | None, order: Brief) -> bool:
    """Whether a generator that takes the place of all is another than a cue of the brief names."""
    return generator is not None and any([generator] != (cue.generator or order.generator) for cue in order.cues)


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
    brief: ReadBrief, cues: list[PlannedCue], known: Mapping[str, Card], generator: str | None,
    obstacle: Callable[[str], str | None], faults: list[Fault],
) -> dict[str, Card]:  # fmt: skip
    """The cards of the generators that make these cues, in their order; what stands in the way of each is told once."""
    cards: dict[str, Card] = {}
    first = {name: one for one in reversed(cues) for name in one.generators}
    for name, cue in first.items():
        if name in known:
            cards[name] = known[name]
            continue
        said = obstacle(name) or f"unknown generator; {how_to_add(name, known)}"
        what, _, remedy = printable(said).partition("; ")
        if generator is not None:
            faults.append(Fault("generator", what, remedy, shown(name)))
        else:
            faults.append(brief.fault(_named_at(brief, cue, name), what, remedy, name))
    return {name: cards[name] for cue in cues for name in cue.generators if name in cards}


def _named_at(brief: ReadBrief, cue: PlannedCue, name: str) -> tuple[str | int, ...]:
    """Where a generator of a cue is named."""
    own = brief.brief.cues[cue.at].generator
    path, named = (("cues", cue.at, "generator"), own) if own is not None else (("generator",), brief.brief.generator)
    return (*path, named.index(name)) if len(named) > 1 and name in named else path


def _overrides(takes: int | None, use: str) -> list[Fault]:
    faults = []
    if takes is not None and takes < 1:
        faults.append(Fault("takes", "zero takes cannot be made", "ask for at least one", str(takes)))
    if use not in USES:
        faults.append(Fault("use", "unknown use", nearest(use, USES), repr(use)))
    return faults


def _check_ceiling(brief: ReadBrief, cues: list[PlannedCue], ceiling: int, faults: list[Fault]) -> None:
    count = sum(cue.most for cue in cues)
    if count > ceiling:
        what = f"{count:,} takes are more than the ceiling of {ceiling:,}" if count < 10**18 else "too many takes"
        faults.append(brief.fault(("cues",), what, "order fewer takes, or raise CUEWORKS_MAX_TAKES"))


class _Enumeration:
    """Takes point by point, and what stands in their way: of every cue the same thing once."""

    def __init__(
        self, resolver: PointResolver, cards: Mapping[str, Card], asking: Asking, away: Collection[str]
    ) -> None:
        self._resolver = resolver
        self._order = resolver.order
        self._cards = cards
        self._asking = asking
        self._shapers = Shapers(cards, away)
        self._faults: dict[Fault, None] = {}
        self._told: set[tuple[str, str]] = set()
        self.points: list[ChosenPoint] = []

    def of(self, cues: list[PlannedCue]) -> tuple[list[PlannedTake], list[Understood]]:
        """The takes of these cues, and how each of their points was understood. Raises BriefError."""
        planned: list[PlannedTake] = []
        understood: list[Understood] = []
        place = 0
        for cue in cues:
            ordered = self._resolver.delivery(cue.name)
            for zone, point, name in product(cue.zones, cue.points(), cue.generators):
                try:
                    resolved = self._resolver.at(zone, cue.name, point, name)
                except BriefError as error:
                    self._faults |= dict.fromkeys(error.faults)
                    continue
                prompt = self._resolver.prompt(cue.name, point)
                told_so = self._understood(cue, name, prompt, resolved)
                understood.append(Understood(zone, cue.name, point, name, told_so))
                identity = PointIdentity(
                    catalog=self._order.catalog, brief_seed=self._order.seed, zone=zone, cue=cue.name, point=point,
                    prompt=prompt, controls=resolved.controls, delivery=at_level(ordered, point),
                    generator=name, revision=self._cards[name].revision,
                )
                planned += identity.takes(cue.state, cue.takes)
                if cue.accept is not None:
                    chosen = ChosenPoint(zone, cue.name, cue.state, point, name, cue.takes, cue.enough, cue.accept,
                                         place, identity)
                    self.points.append(chosen)
                place += max(cue.takes, cue.accept.budget if cue.accept else 0)
        if self._faults:
            raise BriefError(at_most(list(self._faults)))
        return planned, understood

    def _understood(self, cue: PlannedCue, name: str, prompt: str, resolved: Resolved) -> Understanding:
        """How a point was understood, with the text that a model reads; checks what that and the length may be."""
        if (wrong := self._asking.too_long(cue, name, resolved.controls.duration)) is not None:
            self._fault(cue, f"length {name}", self._resolver.of_length(cue.name, *wrong))
        try:
            shaped = self._shapers.shaped(name, prompt, resolved.controls)
            shunned = self._shapers.negative(name, resolved.controls)
        except UnreadableModelError as error:
            remedy, path = f"`cueworks models verify {name}` tells more", _named_at(self._resolver.brief, cue, name)
            fault = self._resolver.brief.fault(path, printable(str(error)), remedy, name)
            self._fault(cue, f"model {name}", fault)
            return resolved.understanding
        if shaped is None:
            return resolved.understanding
        for read, path, remedy in (
            (shaped, self._prompt_at(cue), "shorten the prompt, or its axis values"),
            (shunned, self._asking.place(cue, "negative"), "shorten the negative prompt"),
        ):
            if read is not None and not read.fits:
                what = f"{cue.name}: {name} would read {read.tokens} tokens, and takes in {read.most} at most"
                self._fault(cue, f"window {name} {remedy}", self._resolver.brief.fault(path, what, remedy, read.text))
        return told_of_text(resolved.understanding, shaped.text)

    def _prompt_at(self, cue: PlannedCue) -> tuple[str | int, ...]:
        if self._order.cues[cue.at].prompt is not None:
            return ("cues", cue.at, "prompt")
        return ("cues", cue.at) if cue.kind != "music" else ("defaults", "prompt")

    def _fault(self, cue: PlannedCue, kind: str, fault: Fault) -> None:
        if (cue.name, kind) not in self._told:
            self._told.add((cue.name, kind))
            self._faults[fault] = None
