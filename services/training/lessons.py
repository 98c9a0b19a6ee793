"""The two lessons of a run: which rows a step has and which losses come of it. Files in, lessons out.

Rows are numbered through the whole run; which item a row is, where it is cut and what its caption loses follow from the
seed and that number (`counting`). Several workers share the rows of a step.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.house.codec import PARTS
from services.training.captions import caption
from services.training.counting import draws, item_at
from services.training.dataset import Sounds
from services.training.loop import Lesson, Together
from services.training.order import Order
from services.training.presets import with_so_many
from services.training.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

SOUND, PLACE, REVIVAL = 1, 2, 3  # purposes of draws
TAKE, WINDOW, CAPTION = 4, 5, 6
BEGINNING = 8
FITTED = 4  # rows that the codec's first weights are fitted to


@dataclass(frozen=True)
class Cut:
    """A batch of the codec's lesson: float32 [rows, samples]."""

    audio: "Tensor"


@dataclass(frozen=True)
class Told:
    """A batch of the model's lesson; see `models.house.language.LanguageStep.forward`."""

    codes: "Tensor"
    tokens: "Tensor"
    mask: "Tensor"
    told: "Tensor"


def codec_lesson(order: Order, data: Path, steps: int, group: Together, fresh: bool = True) -> Lesson:
    """The codec, new, and how it learns from the takes of the training split. `fresh` False: its weights will be
    replaced by those of a checkpoint, and need not be fitted to sound."""
    import torch

    from models.house.beginning import fit
    from models.house.codec import CodecStep
    from models.house.sizes import empty_codec

    size, course = order.preset.codec, with_so_many(order.preset.codec_course, steps)
    sounds, length = Sounds(data), round(course.seconds * order.preset.codec.frame_rate) * order.preset.codec.hop
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draws(order.seed, BEGINNING, 0).integers(1 << 62)))
        module = CodecStep(empty_codec(size))

    if fresh:  # on the same rows whoever learns
        rows = [_cut(order.seed, sounds, row, length) for row in range(min(course.batch, FITTED))]
        fit(module.codec, torch.from_numpy(np.stack(rows)))

    def batch(step: int) -> Cut:
        rows = [_cut(order.seed, sounds, row, length) for row in mine(step, course.batch, group)]
        return Cut(torch.from_numpy(np.stack(rows)))

    def forward(module: Any, batch: Cut, step: int) -> Any:
        seed = int(draws(order.seed, REVIVAL, step).integers(1 << 62))
        return module(batch.audio.to(group.device, non_blocking=True), seed)

    tokens = course.batch * length
    return Lesson("codec", module, course, steps, order.seed, batch, forward, PARTS, tokens)


def mine(step: int, batch: int, group: Together) -> range:
    """The numbers of this worker's rows in a step."""
    return range(step * batch + group.rank, (step + 1) * batch, group.workers)


def _cut(seed: int, sounds: Sounds, row: int, length: int) -> NDArray[np.float32]:
    number = item_at(seed, SOUND, row, len(sounds))
    entry = sounds.entries[number]
    room = entry.length if entry.loop else max(entry.length - length, 0) + 1
    first = int(draws(seed, PLACE, row).integers(room))
    return sounds.cut(number, first, length)


def model_lesson(order: Order, folder: Path, steps: int, group: Together) -> Lesson:
    """The token model, new but for its codec, and how it learns from the codes in `folder`."""
    import torch

    from models.house.language import LanguageStep
    from models.house.sizes import empty_model
    from models.musicgen.tokens import load_tokenizer

    size, codec = order.preset.language, order.preset.codec
    course = with_so_many(order.preset.model_course, steps)
    codes = Tokens(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    items = {item.take: item for item in order.items}
    frames = min(round(course.seconds * codec.frame_rate), size.window_frames)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draws(order.seed, BEGINNING, 1).integers(1 << 62)))
        model = empty_model(codec, size, tokenizer.get_vocab_size())
    module = LanguageStep(model)

    def batch(step: int) -> Told:
        rows = mine(step, course.batch, group)
        chosen = [item_at(order.seed, TAKE, row, len(codes)) for row in rows]
        cut = [codes.cut(number, draws(order.seed, WINDOW, row), frames, codec.cardinality)
               for number, row in zip(chosen, rows, strict=True)]  # fmt: skip
        texts = [caption(items[codes.takes[number]], order.preset.dropout, draws(order.seed, CAPTION, row))
                 for number, row in zip(chosen, rows, strict=True)]  # fmt: skip
        return told(torch.from_numpy(np.stack(cut)), texts, tokenizer)

    def forward(module: Any, batch: Told, step: int) -> Any:
        parts = (batch.codes, batch.tokens, batch.mask, batch.told)
        placed = [part.to(group.device, non_blocking=True) for part in parts]
        with torch.autocast("cuda", torch.bfloat16, enabled=group.device.startswith("cuda")):
            return module(*placed)

    losses = ("loss", *(f"stream {number}" for number in range(codec.codebooks)))
    tokens = course.batch * (frames + codec.codebooks - 1)
    return Lesson("model", module, course, steps, order.seed, batch, forward, losses, tokens)


def told(codes: "Tensor", texts: list[str], tokenizer: Any) -> Told:
    """A batch of codes int64 [rows, streams, frames] with captions; "" is no condition."""
    import torch

    read = [tokenizer.encode(text).ids for text in texts]
    longest = max(map(len, read))
    tokens = torch.zeros(len(read), longest, dtype=torch.int64)
    mask = torch.zeros_like(tokens)
    for row, ids in enumerate(read):
        tokens[row, : len(ids)] = torch.tensor(ids)
        mask[row, : len(ids)] = 1
    heard = torch.tensor([float(bool(text)) for text in texts])
    return Told(codes.to(torch.int64), tokens, mask, heard)
