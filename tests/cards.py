"""Cards of generators as tests need them: any name at one revision, able to do what the composer can; token models."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from models.generator import Resources
from models.registry import CARDS, Abilities, Card


class EveryGenerator(Mapping[str, Card]):
    """Whatever name an order writes, there is a generator of that name and of one revision."""

    def __init__(self, revision: str) -> None:
        self._card = replace(CARDS["composer"], revision=revision)

    def __getitem__(self, name: str) -> Card:
        return replace(self._card, id=name)

    def __iter__(self) -> Iterator[str]:
        return iter(CARDS)

    def __len__(self) -> int:
        return len(CARDS)


def cards_at(revision: str) -> EveryGenerator:
    """Every generator, at that revision."""
    return EveryGenerator(revision)


def token_model(
    name: str = "acme/tokens", folder: Path | None = None, longest_s: float = 600.0, melody: bool = False
) -> Card:
    """A model that continues recordings, reads text in a window, and can do nothing else that the composer can.

    `folder` holds its tokenizer; without one nothing is written for it."""
    return Card(
        id=name,
        title="A model of tokens",
        revision="engine-1+weights-0123456789abcdef",
        factory="tests.empty_generator:create",
        batch_size=4,
        resources=Resources(),
        licence="MIT",
        options={"folder": str(folder)} if folder else {},
        abilities=Abilities(continuation=True, melody=melody, longest_s=longest_s),
        prompting="models.musicgen.prompting:shaper" if folder else "",
    )


def denoiser(name: str = "acme/noise", folder: Path | None = None) -> Card:
    """A model that draws sound out of noise: by 1 to 200 steps, away from what it is told, over a recording too."""
    able = Abilities(variation=True, negative=True, steps=(1, 200), guidance=(0.0, 20.0), longest_s=95.0)
    return replace(token_model(name, folder), title="A model of noise", abilities=able)


def with_composer(*cards: Card) -> dict[str, Card]:
    """The composer and these, by their names."""
    return {**CARDS, **{card.id: card for card in cards}}
