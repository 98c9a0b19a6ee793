"""Cards of generators as tests need them: every name at one revision, able to do all that the composer can."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from models.registry import CARDS, Card


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
