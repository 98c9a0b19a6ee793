"""Prompts as a model wants to read them: the user's own words, and what else was ordered, in the model's convention.

The text is kept beside the user's prompt and never takes its place. How a model is written to is its card's business
(`prompting`); a generator that reads prompts as they stand is not asked and nothing is imported for it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from models.controls import Controls
from models.registry import Card, load
from services.planning.controls import UNREAD, Choice, Understanding

MODEL_TEXT = "model text"
"""The field of the choice that holds a model's text; its source is `generator`."""
KNOWN_TEXTS = 4096


class Shaper(Protocol):
    """How a model is written to. `most_tokens` is the length of its window."""

    @property
    def most_tokens(self) -> int: ...

    def text(self, prompt: str, controls: Controls) -> str:
        """The text for a prompt and what else was ordered. Pure."""
        ...

    def tokens(self, text: str) -> int:
        """How many tokens the model reads in a text."""
        ...


class UnreadableModelError(ValueError):
    """What a model is written to with is not there or broken; the message says what."""


@dataclass(frozen=True)
class Shaped:
    """A model's text, its length (0 where it was not measured) and the length of the model's window, in tokens."""

    text: str
    tokens: int
    most: int

    @property
    def fits(self) -> bool:
        return self.tokens <= self.most


class Shapers:
    """The shapers of some generators, each made when it is first asked for. The files of those that are `away` are not
    there, so that their texts are not measured."""

    def __init__(self, cards: Mapping[str, Card], away: Collection[str] = ()) -> None:
        self._cards = cards
        self._away = frozenset(away)
        self._made: dict[str, Shaper] = {}
        self._tokens = lru_cache(maxsize=KNOWN_TEXTS)(lambda name, text: self._made[name].tokens(text))

    def shaped(self, generator: str, prompt: str, controls: Controls) -> Shaped | None:
        """What the model is given to read; None where the generator reads prompts as they stand.

        Raises UnreadableModelError."""
        card = self._cards[generator]
        if not card.prompting:
            return None
        return self._shaped(generator, lambda shaper: shaper.text(prompt, controls))

    def negative(self, generator: str, controls: Controls) -> Shaped | None:
        """What the model is told to keep away from; None where nothing is asked, or where it reads no text.

        Raises UnreadableModelError."""
        said = controls.denoising.negative if controls.denoising is not None else ""
        return self._shaped(generator, lambda shaper: said) if said and self._cards[generator].prompting else None

    def _shaped(self, generator: str, text_of: Callable[[Shaper], str]) -> Shaped:
        card = self._cards[generator]
        try:
            shaper = self._made.get(generator)
            if shaper is None:
                shaper = self._made[generator] = load(card.prompting)(card.options)
            text = text_of(shaper)
            tokens = 0 if generator in self._away else self._tokens(generator, text)
            return Shaped(text, tokens, shaper.most_tokens)
        except (OSError, ValueError, LookupError) as error:
            raise UnreadableModelError(str(error)) from error


def told(understanding: Understanding, text: str) -> Understanding:
    """How a cue was understood, with the model's text. Words that were not understood are left out: the model reads
    all of them."""
    choices = (choice for choice in understanding.choices if not (choice.field == UNREAD and choice.source == "prompt"))
    return replace(understanding, choices=(*choices, Choice(MODEL_TEXT, text, "generator")))
