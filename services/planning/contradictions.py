"""What was asked for and cannot be had together: a 7/8 waltz, 500 bars in 3 seconds, a flute and no flute.

Looked at once a cue is resolved, when it is known what counts. Said for the key of the brief that a person would
change. Nothing here chooses between the two: who contradicts himself is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.composer.instruments import banned
from models.controls import Controls
from models.words import INSTRUMENTS
from services.planning import timing
from services.planning.controls import Ask
from services.planning.draft import SHORT_KINDS

METERS_OF = {"waltz": ("3/4",), "march": ("2/4", "4/4", "6/8")}
"""Genres that are their meter."""


@dataclass(frozen=True)
class Contradiction:
    """`key` is the key of the brief that holds one side of it, `what` tells both, `value` is that side's."""

    key: str
    what: str
    remedy: str
    value: object = None


def contradictions(ask: Ask, controls: Controls) -> Iterator[Contradiction]:
    """Where what was asked of a cue and became `controls` contradicts itself."""
    for clash in ask.prompt.clashes:
        yield Contradiction("prompt", clash.what, clash.remedy, clash.words)
    yield from _meter(ask, controls)
    yield from _length(ask, controls)
    yield from _instruments(ask, controls)
    yield from _form(ask, controls)


def _holder(ask: Ask, *keys: str) -> str:
    """The first of `keys` that the cue or the defaults set, else the prompt."""
    return next((key for key in keys if ask.own.get(key) is not None or ask.defaults.get(key) is not None), "prompt")


def _meter(ask: Ask, controls: Controls) -> Iterator[Contradiction]:
    fitting = METERS_OF.get(controls.genre)
    if fitting is not None and controls.meter not in fitting:
        yield Contradiction(
            _holder(ask, "meter", "genre"), f"a {controls.genre} in {controls.meter}",
            f"a {controls.genre} is in {' or '.join(fitting)}: change the meter or the genre", controls.meter,
        )


def _length(ask: Ask, controls: Controls) -> Iterator[Contradiction]:
    """Bars and seconds that the prompt names together, at tempi that nobody plays."""
    bars, seconds = ask.prompt.bars, ask.prompt.duration
    explicit = any(place.get(key) is not None for place in (ask.own, ask.defaults) for key in ("bars", "duration"))
    if bars is None or seconds is None or explicit:
        return
    bpm = int(bars.value) * timing.quarters_per_bar(controls.meter) * 60 / float(seconds.value)
    if not timing.LOWEST_BPM <= bpm <= timing.HIGHEST_BPM:
        what = f"{bars.value} bars in {seconds.value} s are {bpm:,.0f} bpm, which nobody plays"
        yield Contradiction("prompt", what, "say bars or seconds", f"{bars.words}, {seconds.words}")


def _instruments(ask: Ask, controls: Controls) -> Iterator[Contradiction]:
    """Instruments that a cue lists and that its own prompt rules out (a prompt may rule out those of the defaults); and
    pieces that leave nobody to play."""
    if set(INSTRUMENTS) <= banned(controls.excluded) - (set(controls.instruments) - set(controls.excluded)):
        yield Contradiction("prompt", "every instrument is ruled out", "leave at least one to play")
    listed = ask.own.get("instruments") or ()
    for hit in ask.prompt.excluded:
        if hit.value in listed:
            yield Contradiction(
                "instruments", f"{hit.value} is listed, and the prompt rules it out ({hit.words!r})",
                "remove it from the list or from the prompt", hit.value,
            )


def _form(ask: Ask, controls: Controls) -> Iterator[Contradiction]:
    from models.composer.form import check_form  # numpy comes with it, and most orders carry no form

    if controls.form in ("loop", *SHORT_KINDS):
        return
    try:
        check_form(controls.form, controls.bars)
    except ValueError as error:
        yield Contradiction(_holder(ask, "form"), str(error), "change the form or the length", controls.form)
