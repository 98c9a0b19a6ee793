"""Takes as codes: every take of the dataset through the trained codec once, and the tokenizer of their captions.

The engine's own codec is asked (`models.musicgen.codec`), so that what the model learns from is what a recording
becomes when the model goes on from it. A loop is heard going round, until every cut of the model's lesson fits in.
Files are whole or not there. Nothing here learns but the tokenizer.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.training_tables import TRAINING
from models.house import unigram
from services.planning.words import words
from services.training.captions import all_texts
from services.training.dataset import Sounds, save_array
from services.training.order import Order, read_json, write_json
from services.training.writing import write_bytes

INDEX, CODES = "codes.json", "codes.npy"


def write_codes(order: Order, data: Path, folder: Path, codec: Any) -> dict[str, Any]:
    """Codes of all takes of the training split, int16 [streams, frames] one after another, and where each begins."""
    sounds, size = Sounds(data, TRAINING), order.preset.codec
    window = min(round(order.preset.model_course.seconds * size.frame_rate), order.preset.language.window_frames)
    parts, rows, begin = [], [], 0
    for number, entry in enumerate(sounds.entries):
        own = -(-entry.length // size.hop)
        frames = own + window if entry.loop else own
        samples = sounds.cut(number, 0, frames * size.hop)
        codes = codec.encode(samples[None]).numpy().astype("<i2")
        parts.append(codes)
        rows.append({"take": entry.take, "begin": begin, "frames": codes.shape[1], "starts": own if entry.loop else 0})
        begin += codes.shape[1]
    save_array(folder / CODES, np.concatenate(parts, axis=1))
    write_json(folder / INDEX, rows)
    return {"frames": begin, "takes": len(rows), "used": [len(np.unique(row)) for row in np.concatenate(parts, axis=1)]}


def write_tokenizer(order: Order, data: Path, folder: Path) -> int:
    """`tokenizer.json` of the captions of the training split and of the published words; returns how many pieces it
    has."""
    heard = {entry.take for entry in Sounds(data, TRAINING).entries}
    texts = [*all_texts([item for item in order.items if item.take in heard]), *published()]
    made = unigram.tokenizer(unigram.learned(unigram.counted(texts), order.preset.language.vocabulary))
    write_bytes(folder / "tokenizer.json", made.to_str(pretty=True).encode())
    return int(made.get_vocab_size())


def published() -> list[str]:
    """What any order may say, whether a take of this run does or not: each word twice, so that it may be a piece."""
    lists = words()
    told = [*lists["states"], *lists["genres"], *lists["moods"], *lists["instruments"], *lists["modes"]]
    fields = ("genre: orchestral. instrument: strings, harp. moods: calm. keywords: boss. bpm: 120. key: d minor",)
    tempos = [f"bpm: {bpm}. bpm: {bpm}." for bpm in range(60, 201, 10)]
    return [*(f"{word}, {word}. {word} {word}" for word in told), *fields, *tempos]


class Tokens:
    """Codes for reading, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self._rows: list[Mapping[str, Any]] = read_json(folder / INDEX)
        self._codes = np.load(folder / CODES, mmap_mode="r", allow_pickle=False)
        self.takes = [str(row["take"]) for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def cut(self, number: int, numbers: np.random.Generator, frames: int, special: int) -> NDArray[np.int64]:
        """int64 [streams, frames] of a take from anywhere in it; `special` after its end."""
        row = self._rows[number]
        starts = row["starts"] or max(row["frames"] - frames, 0) + 1
        first = row["begin"] + int(numbers.integers(starts))
        end = min(first + frames, row["begin"] + row["frames"])
        found = np.full((len(self._codes), frames), special, dtype=np.int64)
        found[:, : end - first] = self._codes[:, first:end]
        return found
