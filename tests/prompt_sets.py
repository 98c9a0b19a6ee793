"""The prompts with expected attributes, and how many of the attributes planning meets.

Prompts are planned as `generate --prompt` plans them, so what is scored is the controls that a generator gets. Nothing
here composes or renders.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from models.controls import Controls
from services.planning.adhoc import adhoc
from services.planning.plan import Plan, plan
from tests.cards import cards_at

FOLDER = Path(__file__).parent / "unit" / "prompts"
HALVES = ("written_for", "held_out")


@dataclass(frozen=True)
class Missed:
    """An attribute that planning did not meet: what was expected and what the plan holds."""

    prompt: str
    attribute: str
    expected: Any
    planned: Any


@dataclass(frozen=True)
class PromptScore:
    """How one half fared: `met` of `asked` attributes over `prompts` prompts, and those that were missed."""

    half: str
    prompts: int
    asked: int
    missed: tuple[Missed, ...]

    @property
    def met(self) -> int:
        return self.asked - len(self.missed)

    @property
    def share(self) -> float:
        """Attributes met, 0 to 1."""
        return self.met / self.asked


def score(half: str) -> PromptScore:
    """The score of `written_for` or `held_out`."""
    entries = yaml.safe_load((FOLDER / f"{half}.yaml").read_text(encoding="utf-8"))
    missed = [miss for entry in entries for miss in _missed(dict(entry))]
    return PromptScore(half, len(entries), sum(len(entry) - 1 for entry in entries), tuple(missed))


def _missed(entry: dict[str, Any]) -> Iterator[Missed]:
    prompt = entry.pop("prompt")
    made = plan(adhoc(prompt, 1), cards_at("1"))
    for attribute, expected in entry.items():
        planned = _PLANNED[attribute](made)
        if not _MET.get(attribute, _same)(expected, planned):
            yield Missed(prompt, attribute, expected, planned)


def _controls(read: Callable[[Controls], Any]) -> Callable[[Plan], Any]:
    return lambda made: read(made.takes[0].controls)


def _unread(made: Plan) -> list[str]:
    choices = made.understandings[0].understanding.choices
    return [word for choice in choices if choice.field == "unread" for word in choice.value.split(", ")]


def _same(expected: Any, planned: Any) -> bool:
    return str(expected).casefold() == str(planned).casefold() or expected == planned


def _in(expected: Any, planned: Any) -> bool:
    return planned in expected


def _between(expected: Any, planned: Any) -> bool:
    return bool(expected[0] <= planned <= expected[1])


def _all_in(expected: Any, planned: Any) -> bool:
    return set(expected) <= set(planned)


def _any_in(expected: Any, planned: Any) -> bool:
    return bool(set(expected) & set(planned))


_PLANNED: dict[str, Callable[[Plan], Any]] = {
    "genre": _controls(lambda c: c.genre), "mood": _controls(lambda c: c.mood), "bpm": _controls(lambda c: c.bpm),
    "key": _controls(lambda c: c.key), "mode": _controls(lambda c: c.key.partition(" ")[2]),
    "meter": _controls(lambda c: c.meter), "form": _controls(lambda c: c.form), "loop": _controls(lambda c: c.loop),
    "bars": _controls(lambda c: c.bars), "duration": _controls(lambda c: c.duration),
    "state": _controls(lambda c: c.state), "intensity": _controls(lambda c: c.intensity),
    "with": _controls(lambda c: c.instruments), "with_any": _controls(lambda c: c.instruments),
    "without": _controls(lambda c: c.excluded), "unread": _unread,
}
_MET: dict[str, Callable[[Any, Any], bool]] = {
    "genre": _in, "mood": _in, "mode": _in, "bpm": _between, "intensity": _between, "with": _all_in,
    "with_any": _any_in, "without": _all_in, "unread": _all_in,
}
