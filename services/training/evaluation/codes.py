"""How well the model foresees codes that it never learned from: nats a code, told the whole caption, and told nothing.

Held out and training takes side by side show how much was learned by heart. Nothing is drawn at random here.
"""

from pathlib import Path
from typing import Any

import numpy as np

from db.training_tables import HELD_OUT, TRAINING
from services.training.assembling import trained_model
from services.training.dataset import Sounds
from services.training.order import Order

MOST = 16


def foresight(order: Order, folder: Path, codec: Any) -> dict[str, Any]:
    """Mean losses by split (None where a split is empty): `told` with the caption, `untold` without."""
    from models.house.language import LanguageStep
    from models.musicgen.tokens import load_tokenizer

    step = LanguageStep(trained_model(order, folder)).eval()
    tokenizer = load_tokenizer(folder / "tokens" / "tokenizer.json")
    return {
        split: _losses(order, Sounds(folder / "dataset", split), codec, step, tokenizer)
        for split in (HELD_OUT, TRAINING)
    }


def _losses(order: Order, sounds: Sounds, codec: Any, step: Any, tokenizer: Any) -> dict[str, float] | None:
    import torch

    from services.training.lessons import told

    size = order.preset.codec
    window = min(round(order.preset.model_course.seconds * size.frame_rate), order.preset.language.window_frames)
    found: dict[str, list[float]] = {"told": [], "untold": []}
    for number in range(min(len(sounds), MOST)):
        entry = sounds.entries[number]
        frames = window if entry.loop else max(min(window, entry.length // size.hop), 1)
        codes = codec.encode(sounds.cut(number, 0, frames * size.hop)[None])[None]
        for name, text in (("told", entry.caption), ("untold", "")):
            batch = told(codes, [text], tokenizer)
            with torch.inference_mode():
                found[name].append(float(step(batch.codes, batch.tokens, batch.mask, batch.told)[0]))
    return {name: float(np.mean(values)) for name, values in found.items()} if found["told"] else None
