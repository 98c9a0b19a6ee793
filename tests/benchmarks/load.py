"""How long a checkpoint takes to be ready, beside the plain reading of its file, in one run.

    python -m tests.benchmarks.load [--runs 5] [--folder DIR]

Writes a MusicGen checkpoint of the small architecture in float32 with random weights (2.4 GB, as the published one) to
a temporary folder and measures, with the file in the page cache (warm) and dropped from it (cold), the best of several
runs, taken by turns, of: reading the file into fresh memory in large pieces; reading it and keeping nothing;
`models.musicgen.checkpoint.load`, after which every weight is in memory of its own; and the safetensors library.
Last line: `ratio: <load / read, warm>`.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from models.musicgen import names
from models.musicgen.checkpoint import inspect, load
from models.musicgen.configs import Faults, codec_fields, text_fields, transformers_shape
from models.musicgen.parts import codec_sizes, text_sizes
from tests.benchmarks.machine import describe
from tests.checkpoints import save_tokenizer

TEXT = {
    "model_type": "t5", "vocab_size": 32128, "d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12,
    "num_heads": 12,
}  # fmt: skip
CODEC = {
    "model_type": "encodec", "sampling_rate": 32000, "upsampling_ratios": [8, 5, 4, 4], "num_filters": 64,
    "hidden_size": 128, "codebook_dim": 128, "codebook_size": 2048, "target_bandwidths": [2.2],
    "use_causal_conv": False, "use_conv_shortcut": False, "normalize": False, "chunk_length_s": None,
}  # fmt: skip
CONFIG = {"model_type": "musicgen", "text_encoder": TEXT, "audio_encoder": CODEC, "decoder": {}}  # small by default


def write(folder: Path) -> Path:
    """A full-size checkpoint; returns its file of weights."""
    import torch
    from safetensors.torch import save_file

    faults = Faults()
    text, codec = text_fields("", TEXT, faults), codec_fields("", CODEC, faults)
    shape = transformers_shape("", CONFIG, text, codec, faults)
    assert shape is not None and not faults, faults
    sizes = names.decoder_tensors(shape) | text_sizes(text) | codec_sizes(codec)
    numbers = torch.Generator().manual_seed(0)
    save_file({name: torch.rand(size, generator=numbers) for name, size in sizes.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    save_tokenizer(folder)
    return folder / "model.safetensors"


def forget(path: Path) -> None:
    """Drop a file from the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


PIECE = 1 << 24


def read(path: Path, keep: bool) -> list[np.ndarray]:
    """The bytes of a file in pieces of fresh memory; without `keep`, all of them into the same piece."""
    kept: list[np.ndarray] = []
    with path.open("rb", buffering=0) as file:
        piece = np.empty(PIECE, np.uint8)
        while file.readinto(piece.data):
            if keep:
                kept.append(piece)
                piece = np.empty(PIECE, np.uint8)
    return kept


def seconds_of(work: Callable[[], Any]) -> float:
    """How long it takes; what it made is given back."""
    gc.collect()
    started = time.perf_counter()
    made = work()
    took = time.perf_counter() - started
    del made
    return took


def main() -> None:
    """Write, measure, print; the folder is removed again."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--folder", type=Path, help="where the temporary folder is made")
    given = asked.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = write(Path(folder))
        measure(path, given.runs)


def measure(path: Path, runs: int) -> None:
    """Both caches, three ways."""
    from safetensors.torch import load_file

    size = path.stat().st_size
    summary = inspect(path.parent)
    ways: dict[str, Callable[[], Any]] = {
        "read the file": lambda: read(path, keep=True),
        "read, keep nothing": lambda: read(path, keep=False),
        "load": lambda: load(summary),
        "safetensors, copied": lambda: {name: tensor.clone() for name, tensor in load_file(path).items()},
    }
    ratio = 0.0
    for cache, before in (("cold", lambda: forget(path)), ("warm", lambda: None)):
        seconds = dict.fromkeys(ways, float("inf"))
        for way, work in [*ways.items()] * runs:  # by turns, so that whatever else the machine does meets all of them
            before()
            seconds[way] = min(seconds[way], seconds_of(work))
        for way, took in seconds.items():
            ratio = took / seconds["read the file"]
            print(f"{cache}  {way:22} {took:7.3f} s  {size / took / 1e9:6.2f} GB/s  x{ratio:.2f}")
        ratio = seconds["load"] / seconds["read the file"]
    print(f"{size / 1e9:.2f} GB in {len(summary.tensors)} tensors; bound x1.20 of reading, warm")
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
