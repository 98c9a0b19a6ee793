"""Which generators there are: one card each, readable in milliseconds, with the factory that builds the real thing.

To add a generator, add its card to `CARDS`; nothing else needs to know. Cards load no weights and import no library.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from models.composer import revision as composer
from models.generator import Generator, Resources


@dataclass(frozen=True)
class Card:
    """What is known of a generator before it is loaded. `factory` is `module:function`, called with a cache folder."""

    id: str
    title: str
    revision: str
    factory: str
    batch_size: int
    resources: Resources
    weights_digest: str | None = None
    licence: str = ""
    training_data: str = ""


CARDS: dict[str, Card] = {
    "composer": Card(
        id="composer",
        title="The built-in composer: scores by rule, played on its own sound bank",
        revision=composer.REVISION,
        factory="models.composer.generator:create",
        batch_size=1,
        resources=Resources(cpus=1.0, threads=1, memory_mb=600),
        weights_digest=composer.BANK_SHA256,
        licence="Apache-2.0",
        training_data="none",
    )
}


class UnknownGeneratorError(LookupError):
    """No generator of that name is registered."""


def card(generator: str) -> Card:
    """The card of `generator`. Raises UnknownGeneratorError naming those that are known."""
    if generator not in CARDS:
        raise UnknownGeneratorError(f"unknown generator {generator!r}; known: {', '.join(sorted(CARDS))}")
    return CARDS[generator]


def load(path: str) -> Any:
    """The object named `module:attribute`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def build(factory: str, cache_dir: Path) -> Generator:
    """Build the generator that `factory` names; `setup` is still to be called."""
    generator: Generator = load(factory)(cache_dir)
    return generator
