"""Our generator beside the bare pipeline of diffusers: `python -m tests.benchmarks.denoise [--batches 1 2 4 8]`.

Both run the same saved Stable Audio pipeline (random weights, of a size that a call takes some tenths of a second) in
the same fixed batches, number type, steps, guidance and threads. Ours is `generate` with all it does: plans, noise,
reading texts, decoding, checks, cutting; the peer is the pipeline's own call with a list of generators. Every pair is
interleaved, in changing order; medians are compared. Prompts are others in every pair, so that nothing read is kept.
Then a table of batches, and the last line `ratio: <number>`: our takes per second over theirs.
"""

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from models.controls import Controls, Denoising, Theme
from models.diffusion.checkpoint import inspect
from models.diffusion.generator import Diffusion, create
from models.diffusion.loading import quiet
from models.diffusion.streams import stream
from models.generator import Request
from models.pinning import file_digests, whole_digest
from tests import pipelines
from tests.benchmarks.machine import describe

SECONDS, STEPS, GUIDANCE = 6.0, 2, 7.0
SIZES = {"num_layers": 6, "attention_head_dim": 64, "num_attention_heads": 4, "num_key_value_attention_heads": 2}
CONTROLS = Controls(
    state="", genre="", mood="", bpm=120.0, key="C minor", meter="4/4", instruments=(), excluded=(), bars=1,
    duration=SECONDS, form="", intensity=3, loop=False, theme=Theme(1),
    denoising=Denoising(steps=STEPS, guidance=GUIDANCE),
)  # fmt: skip


def generator(folder: Path, batch: int, threads: int) -> Diffusion:
    """Ours, set up with a batch and so many threads."""
    summary = inspect(folder)
    place = summary.places()[0]
    place = replace(place, batch_size=batch, resources=replace(place.resources, threads=threads))
    made = create(folder, place, **summary.options("bench/pipeline", whole_digest(file_digests(summary.files))))
    made.setup()
    return made


def bare(folder: Path) -> Any:
    """The pipeline as its users load it."""
    from diffusers import StableAudioPipeline

    with quiet():
        made = StableAudioPipeline.from_pretrained(folder, local_files_only=True)
    made.set_progress_bar_config(disable=True)
    return made


def requests(number: int, batch: int) -> list[Request]:
    seeds = range(number * batch, (number + 1) * batch)
    return [Request(f"{seed:064x}", f"music number {seed}", seed, CONTROLS) for seed in seeds]


def theirs(pipeline: Any, ours: Diffusion, asked: Sequence[Request]) -> Any:
    return pipeline(
        [ours._shaper.text(request.prompt, request.controls) for request in asked], audio_end_in_s=SECONDS,
        num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=[stream(request.seed) for request in asked],
        output_type="np",
    ).audios  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compared(ours: Diffusion, pipeline: Any, batch: int, pairs: int) -> tuple[float, float]:
    """Median seconds of (our, the bare) call over interleaved pairs, after one that does not count."""
    mine: list[float] = []
    others: list[float] = []
    for number in range(pairs + 1):
        asked = requests(number, batch)
        one, other = (lambda asked=asked: ours.generate(asked)), (lambda asked=asked: theirs(pipeline, ours, asked))
        if number % 2:
            first, second = timed(one), timed(other)
        else:
            second, first = timed(other), timed(one)
        mine.append(first)
        others.append(second)
    return statistics.median(mine[1:]), statistics.median(others[1:])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--pinned", type=int, default=2, help="the batch that the ratio is of")
    parser.add_argument("--pairs", type=int, default=20, help="at the pinned batch; a fifth of them at others")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print(f"{describe()}, {options.threads} threads, torch {torch.__version__}, float32")
    with tempfile.TemporaryDirectory() as home:
        folder = pipelines.write(Path(home) / "pipeline", "stable-audio", window=384, **SIZES)
        print(f"{inspect(folder).parameters:,} parameters; {SECONDS:g} s of a window of 12.3 s, {STEPS} steps, guided")
        pipeline, ratio = bare(folder), 0.0
        print(f"{'batch':>5} {'ours s':>8} {'bare s':>8} {'takes/s':>8} {'ratio':>7}")
        for batch in sorted({*options.batches, options.pinned}):
            pairs = options.pairs if batch == options.pinned else max(options.pairs // 5, 3)
            ours = generator(folder, batch, options.threads)
            mine, others = compared(ours, pipeline, batch, pairs)
            print(f"{batch:>5} {mine:>8.3f} {others:>8.3f} {batch / mine:>8.2f} {others / mine:>7.3f}", flush=True)
            ratio = others / mine if batch == options.pinned else ratio
            ours.teardown()
    print(f"ratio: {ratio:.3f}")


if __name__ == "__main__":
    main()
