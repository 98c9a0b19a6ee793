"""What a cue asks of its generator that this one cannot give: found when planning, each with its line and a way out.

Nothing that was asked for is left out in silence. So what `defaults` ask for counts as if the cue said it: whoever
writes `stems: true` for all cues expects stems of all of them, and would miss them only when the game is built. A cue
that says otherwise (`stems: false`, or `loop: true` against a form of sections) has dropped it, and is no fault. What
stands once for the whole brief, a theme file or a sound bank, is a fault where no generator of the brief takes it:
where some do, the others were never meant, and a theme that they pass over is told as a warning. In the same way what
only says how a take is drawn out of noise (`steps`, `guidance`, `negative`) is a fault where no generator of a cue
denoises; of several that are compared, those that do not pass it over, with a warning.

Nothing here looks at music, and nothing is decided for the order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from models.registry import Abilities, Card
from services.planning.brief import Brief, Cue
from services.planning.cues import PlannedCue, is_short, value
from services.planning.faults import Fault
from services.planning.reader import ReadBrief

MOST_NAMED = 3

Can = Callable[[Abilities], bool]


@dataclass(frozen=True)
class _Ask:
    """A key of a brief: what a generator that cannot do it fails at, which can, and how a cue drops it again where it
    comes from `defaults`."""

    key: str
    failing: str
    can: Can
    dropped: str


_INSTEAD = "write it to the cues that can have it, instead of `defaults`"
_ASKS = {
    "stems": _Ask("stems", "gives no stems", lambda able: able.stems, "write `stems: false` for it"),
    "intensities": _Ask(
        "intensities", "makes no levels of intensity of one piece", lambda able: able.intensities, _INSTEAD
    ),
    "form": _Ask("form", "makes no sections in an order that is given", lambda able: able.forms, _INSTEAD),
    "melody": _Ask("melody", "follows no recording's tune", lambda able: able.melody, ""),
    "continuation": _Ask("continue", "goes on from no recording", lambda able: able.continuation, ""),
    "vary": _Ask("vary", "makes no recording over", lambda able: able.variation, ""),
}
_MEANS = {
    "steps": _Ask("steps", "takes no steps that could be counted", lambda able: able.steps is not None, _INSTEAD),
    "guidance": _Ask("guidance", "has no guidance to set", lambda able: able.guidance is not None, _INSTEAD),
    "negative": _Ask("negative", "cannot be told what to keep away from", lambda able: able.negative, _INSTEAD),
}
DENOISING = tuple(_MEANS)
"""The keys of a cue that say how a take is drawn out of noise, named as in `models.controls.Denoising`."""


def takes_in(able: Abilities, guidance: float | None) -> tuple[str, ...]:
    """Those of `DENOISING` that a generator can be asked for, at that guidance."""
    return tuple(name for name, ask in _MEANS.items()
                 if ask.can(able) and (name != "negative" or heeds(able, guidance)))  # fmt: skip


def heeds(able: Abilities, guidance: float | None) -> bool:
    """Whether a generator that can be told what is not wanted heeds it at that guidance (None: its usual one): at 1 and
    below there is none, and nothing is said against."""
    counts = able.usual_guidance if guidance is None else guidance
    return able.negative and (counts is None or counts > 1)


class Asking:
    """What a brief asks of the generators of its cues. `cards` are those that there are; `replaced`: one generator took
    the place of all, so that a cue cannot name another."""

    def __init__(self, read: ReadBrief, cards: Mapping[str, Card], replaced: bool = False) -> None:
        self._read = read
        self._order: Brief = read.brief
        self._cards = cards
        self._replaced = replaced

    def faults(self, cues: Sequence[PlannedCue], chosen: Sequence[PlannedCue]) -> Iterator[Fault]:
        """What the `chosen` of all `cues` ask in vain, in the order of the brief."""
        for cue in chosen:
            yield from self._of_cue(cue)
        everybody = [self._cards[name].abilities for cue in cues for name in cue.generators if name in self._cards]
        if self._order.theme.file is not None and not any(able.midi for able in everybody):
            yield self._of_brief(("theme", "file"), "plays a theme file", lambda able: able.midi)
        if self._order.sound_bank is not None and not any(able.sound_bank for able in everybody):
            yield self._of_brief(("sound_bank",), "plays on a sound bank", lambda able: able.sound_bank)

    def too_long(self, cue: PlannedCue, name: str, seconds: float) -> tuple[str, str] | None:
        """(what is wrong, what to do) where a take of a cue is longer than a generator makes them."""
        longest = self._cards[name].abilities.longest_s
        if seconds <= longest + 1e-6:
            return None
        what = f"lasts {seconds:g} s; {name} makes takes of at most {longest:g} s"
        return what, self._remedy(lambda able: able.longest_s >= seconds, "shorten it", cue, name)

    def passed_over(self, cues: Sequence[PlannedCue]) -> Iterator[str]:
        """Warnings for cues that several generators make, of which only some denoise as was asked."""
        for cue in cues:
            for name in cue.generators if len(cue.generators) > 1 else ():
                able = self._cards[name].abilities
                own = self._order.cues[cue.at]
                asked = [key for key in _MEANS if self._asked(own, key) is not None]
                vain = [key for key in asked if not _MEANS[key].can(able)]
                if "negative" in asked and able.negative and not heeds(able, self._asked(own, "guidance")):
                    vain.append("negative")
                if over := [f"`{key}`" for key in vain]:
                    yield f"{cue.name}: {name} passes over {', '.join(over)}"

    def place(self, cue: PlannedCue, key: str) -> tuple[str | int, ...]:
        """Where the value of a key stands that counts for a cue; both are named alike."""
        own = getattr(self._order.cues[cue.at], key) is not None
        return ("cues", cue.at, key) if own else ("defaults", key)

    def _of_cue(self, cue: PlannedCue) -> Iterator[Fault]:
        for name in cue.generators:
            yield from self._of_generator(cue, name)
        for name in _MEANS:
            if self._asked(self._order.cues[cue.at], name) is not None:
                yield from self._of_means(cue, name)

    def _of_means(self, cue: PlannedCue, key: str) -> Iterator[Fault]:
        """None of a cue's generators can be asked for it, or one not for so much."""
        ask, asked, path = _MEANS[key], self._asked(self._order.cues[cue.at], key), self.place(cue, key)
        able = {name: self._cards[name].abilities for name in cue.generators}
        if not any(ask.can(one) for one in able.values()):
            drop = f"drop `{key}`" if path[0] == "cues" else ask.dropped
            others = "".join(f", {name} neither" for name in cue.generators[1:])
            what = f"{cue.name}: {cue.generators[0]} {ask.failing}{others}"
            yield self._read.fault(path, what, self._remedy(ask.can, drop), asked)
        elif key == "negative":
            yield from self._unheeded(cue, [name for name, one in able.items() if one.negative], asked)
        for name, one in able.items():
            bounds = getattr(one, key) if key != "negative" else None
            if bounds is not None and not bounds[0] <= asked <= bounds[1]:
                least, most = bounds
                what = f"{cue.name}: {name} takes {least:g} to {most:g} {key}" if key == "steps" else (
                    f"{cue.name}: {name} takes a {key} of {least:g} to {most:g}")
                yield self._read.fault(path, what, "raise it" if asked < least else "lower it", asked)

    def _unheeded(self, cue: PlannedCue, able: Sequence[str], asked: str) -> Iterator[Fault]:
        """None of those that can be told what is not wanted has the guidance to heed it."""
        if self._asked(self._order.cues[cue.at], "guidance") is not None:
            return  # such a brief contradicts itself, whoever makes the cue (`checks`)
        if any(heeds(self._cards[name].abilities, None) for name in able):
            return
        what = f"{cue.name}: {able[0]} heeds no `negative` at its usual guidance of 1, which is none"
        remedy = "write `guidance: 4`, or another above 1, or drop `negative`"
        yield self._read.fault(self.place(cue, "negative"), what, remedy, asked)

    def _of_generator(self, cue: PlannedCue, generator: str) -> Iterator[Fault]:
        able, own = self._cards[generator].abilities, self._order.cues[cue.at]
        if cue.kind not in able.kinds:
            what = f"{cue.name}: {generator} makes no {cue.kind}s"
            remedy = self._remedy(lambda other: cue.kind in other.kinds, "drop the cue", cue, generator)
            yield self._read.fault(("cues", cue.at, "kind"), what, remedy, cue.kind)
        for name, ask in _ASKS.items():
            asked = self._asked(own, name)
            if not asked or ask.can(able):
                continue
            is_own = getattr(own, name) is not None
            path = ("cues", cue.at, ask.key) if is_own else ("defaults", ask.key)
            drop = f"drop `{ask.key}`" if is_own else ask.dropped
            what, remedy = f"{cue.name}: {generator} {ask.failing}", self._remedy(ask.can, drop, cue, generator)
            yield self._read.fault(path, what, remedy, asked if name == "form" else None)

    def _asked(self, cue: Cue, name: str) -> Any:
        """What counts for a cue under a key; nothing where it does not apply, or where the cue has dropped it."""
        if is_short(cue) and name != "stems":
            return None
        asked = value(self._order, cue, name)
        if name == "form" and (asked == "loop" or (cue.form is None and cue.loop)):
            return None
        return asked

    def _of_brief(self, path: tuple[str | int, ...], what: str, can: Can) -> Fault:
        key = path[0]
        remedy = self._remedy(can, f"drop `{key}`", whose="a cue")
        return self._read.fault(path, f"no generator of this order {what}", remedy)

    def _remedy(
        self, can: Can, drop: str, cue: PlannedCue | None = None, generator: str = "", whose: str = "this cue"
    ) -> str:
        """What to do where a generator (of a `cue`, that several may make) cannot do what is asked."""
        if self._replaced:
            return f"{drop}, or order without --generator"
        if cue is not None and len(cue.generators) > 1:
            return f"leave {generator} out of its `generator`, or {drop}"
        able = [name for name, card in self._cards.items() if can(card.abilities)][:MOST_NAMED]
        if not able:
            return drop
        return f"write `generator: {able[0]}` for {whose}, or {drop}"


def not_promised(order: Brief, cues: Sequence[PlannedCue], cards: Mapping[str, Card]) -> Iterator[str]:
    """Warnings for cues that others are played together with, where theme, tempo and key are told in words alone."""
    worded = [(cue, name) for cue in cues for name in cue.generators if cards[name].prompting]
    beside = _beside(order, cues) if worded else {}
    for cue, maker in worded:
        others = [name for name in beside.get(cue.name, ()) if name != cue.name]
        if others:
            listed = ", ".join(others[:MOST_NAMED]) + (", ..." if len(others) > MOST_NAMED else "")
            yield (f"{cue.name}: {maker} plays no theme, and is told tempo and key in words, which is no "
                   f"promise; listen before it is played together with {listed}")
        elif order.theme.file is not None:
            yield f"{cue.name}: {maker} does not play the theme file"


def _beside(order: Brief, cues: Sequence[PlannedCue]) -> dict[str, dict[str, None]]:
    """The cues that each cue is played together with: of the same zones, related, or led to and from."""
    found: dict[str, dict[str, None]] = {}

    def relate(one: str, other: str) -> None:
        found.setdefault(one, {})[other] = None
        found.setdefault(other, {})[one] = None

    for name, relation in order.relations.items():
        relate(name, relation.of)
    for cue in cues:
        own = order.cues[cue.at]
        for named in (*(own.origin or ()), *(own.goal or ())):
            relate(cue.name, named)
    made: dict[str, dict[str, None]] = {}
    for cue in cues:
        for zone in cue.zones:
            if zone is not None:
                made.setdefault(zone, {})[cue.name] = None
    for names in made.values():
        some = dict.fromkeys(islice(names, MOST_NAMED + 2))  # itself, those that are named, and whether there are more
        for name in names:
            found.setdefault(name, {}).update(some)
    return found
