"""Which generators there are: one card each, readable in milliseconds, with the factory that builds the real thing.

To add a generator, add its card to `CARDS`; nothing else needs to know. Cards load no weights and import no library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from models.composer import revision as composer
from models.generator import Generator, Place, Resources


@dataclass(frozen=True)
class Abilities:
    """What an order may ask of a generator beyond plain music of a length.

    `midi`: it works in notes, so it takes a theme file and gives a score. `melody` and `continuation` are about
    reference audio that a take follows or goes on from, `variation` about one that it is made over of; `longest_s` is
    the longest take in seconds. `steps` and `guidance` are the ranges (least, most) of what a model that denoises may
    be asked for, None where there is nothing to ask; `negative`: it can be told what is not wanted, where its guidance
    is above 1; `usual_guidance` is what it takes where nothing is said (None: such as heeds it)."""

    stems: bool = False
    midi: bool = False
    forms: bool = False
    intensities: bool = False
    kinds: tuple[str, ...] = ("music",)
    sound_bank: bool = False
    melody: bool = False
    continuation: bool = False
    longest_s: float = 600.0
    steps: tuple[int, int] | None = None
    guidance: tuple[float, float] | None = None
    negative: bool = False
    usual_guidance: float | None = None
    variation: bool = False


class NoPlaceError(LookupError):
    """A generator cannot be set up on the kind of device that was asked for."""


@dataclass(frozen=True)
class Card:
    """What is known of a generator before it is loaded.

    `factory` is `module:function`: called with a cache folder, and with the place and `options` (plain JSON) where the
    card has options. `batch_size` and `resources` are those of the processor; `cuda` is the place on a GPU, None where
    there is none. `prompting` is the `module:function` that makes a shaper of `options`, empty where prompts are read
    as they stand."""

    id: str
    title: str
    revision: str
    factory: str
    batch_size: int
    resources: Resources
    weights_digest: str | None = None
    licence: str = ""
    training_data: str = ""
    cuda: Place | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    abilities: Abilities = Abilities()
    prompting: str = ""

    def place(self, device: str) -> Place:
        """Where the generator is set up on that kind of device. Raises NoPlaceError where it cannot be."""
        if device == "cpu":
            return Place("cpu", self.batch_size, self.resources)
        if device == "cuda" and self.cuda is not None:
            return self.cuda
        raise NoPlaceError(f"{self.id} runs on {'cpu or cuda' if self.cuda else 'cpu only'}, not on {device}")


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
        abilities=Abilities(
            stems=True,
            midi=True,
            forms=True,
            intensities=True,
            kinds=("music", "stinger", "transition"),
            sound_bank=True,
            longest_s=1800.0,
        ),
    )
}


class UnknownGeneratorError(LookupError):
    """No generator of that name is registered."""


def card(generator: str) -> Card:
    """The card of `generator`. Raises UnknownGeneratorError naming those that are known."""
    if generator not in CARDS:
        raise UnknownGeneratorError(f"unknown generator {generator!r}; known: {', '.join(sorted(CARDS))}")
    return CARDS[generator]


def is_hub_id(name: str) -> bool:
    """Whether a name is written as hubs write those of checkpoints: `owner/model`, no path."""
    owner, slash, own = name.partition("/")
    return bool(slash and is_word(owner) and is_word(own))


def is_word(text: str) -> bool:
    """Letters, digits, `.`, `_` and `-`, at most 96, with a letter or digit first."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    return len(text) <= 96 and plain.isascii() and plain.isalnum() and text[0].isalnum() and ".." not in text


def load(path: str) -> Any:
    """The object named `module:attribute`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def build(
    factory: str, cache_dir: Path, place: Place | None = None, options: Mapping[str, Any] | None = None
) -> Generator:
    """Build the generator that `factory` names; `setup` is still to be called."""
    made = load(factory)
    generator: Generator = made(cache_dir, place or Place(), **options) if options else made(cache_dir)
    return generator
