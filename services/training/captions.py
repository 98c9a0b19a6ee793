"""What a take is told as: its order in the words that an order of the model will be told in.

A caption is the user's own words and fields of the controls, joined as `models.musicgen.prompting` joins them, so that
the trained model is asked in the form that it learned. While training, parts are left out at random: the description,
single fields, or everything, for which the model learns what guidance holds a prompt against.
"""

from collections.abc import Sequence

import numpy as np

from models.musicgen.prompting import written
from services.training.order import Item
from services.training.presets import Dropout


def caption(item: Item, dropout: Dropout, numbers: np.random.Generator) -> str:
    """A caption of the take with parts left out; "" where all of it is."""
    everything, description = numbers.random(), numbers.random()
    if everything < dropout.all:
        return ""
    said = "" if description < dropout.description else item.prompt
    pairs = item.beside if said else item.alone
    luck = numbers.random(len(pairs))
    kept = [pair for pair, drawn in zip(pairs, luck, strict=True) if drawn >= dropout.field]
    return written(said, kept) or whole(item)


def whole(item: Item) -> str:
    """The caption with nothing left out: exactly what the model is told for the same order."""
    return written(item.prompt, item.beside)


def all_texts(items: Sequence[Item]) -> list[str]:
    """What a tokenizer learns from: each caption, and its fields alone."""
    return [text for item in items for text in (whole(item), written("", item.alone))]
