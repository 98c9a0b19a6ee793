"""How fast a house model learns here, beside what the arithmetic allows, and whether it ever waits for data.

    python -m tests.benchmarks.training [--preset tiny] [--steps 20] [--takes 24] [--workers 2] [--device cpu|cuda]

The token model: tokens a second (a token is one column of codes), beside the bound of 6 * parameters floating-point
operations a token (Kaplan et al., arXiv 2001.08361, section 2.1) at the rate that the same machine multiplies large
matrices with, and the share of the time that the device was busy. The codec: seconds of sound a second, and the share.
With `--workers N` the same lessons once more by N workers of Ray Train, and how far their losses are from those of one.
Sounds are made up, so nothing has to be rendered. The last line is `busy: <share>`, the lesser one of the two lessons.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.training.lessons import codec_lesson, model_lesson
from services.training.loop import Learned, Together, learn, steady
from services.training.order import Order, read_order, run_folder, write_order
from services.training.planning import with_steps
from services.training.presets import PRESETS
from services.training.stages import run_stage
from tests.training_runs import items, order

SECONDS = 20.0  # of each made-up take
MATRIX = 2048


def matrix_rate(device: str) -> float:
    """Floating-point operations a second of large products, in the number type that the model learns in."""
    import torch

    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    size = MATRIX * (4 if device == "cuda" else 1)
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    taken = []
    for _ in range(6):
        if device == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        one @ other
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - begun)
    return 2 * size**3 / sorted(taken)[len(taken) // 2]


def parameters(module: Any) -> int:
    """The numbers that every token meets: all that is learned but the tables of embeddings."""
    tables = ("embed_tokens", "shared", "text.")
    return sum(value.numel() for name, value in module.named_parameters() if not any(part in name for part in tables))


def _order(folder: Path, asked: argparse.Namespace) -> Path:
    preset = with_steps(PRESETS[asked.preset], asked.steps)
    preset = replace(preset, codec_course=replace(preset.codec_course, steps=asked.steps, warmup=1))
    made = replace(order(folder, preset), device=asked.device, items=items(folder / "blobs", asked.takes, SECONDS))
    run = run_folder(folder, made.id)
    write_order(run, made)
    return run


def _alone(told: Order, run: Path, device: str) -> tuple[Learned, Learned, int]:
    group = Together(device=device)
    codec = learn(codec_lesson(told, run / "dataset", told.preset.codec_course.steps, group), run / "b-codec", 10**9)
    run_stage(run, "codec", every=10**9)
    run_stage(run, "tokens")
    lesson = model_lesson(told, run / "tokens", told.preset.model_course.steps, group)
    return codec, learn(lesson, run / "b-model", 10**9, group), parameters(lesson.module)


def _show(told: Order, codec: Learned, model: Learned, count: int, rate: float) -> float:
    sound = codec.speed()["tokens_per_s"] / told.preset.codec.sample_rate
    tokens, bound = model.speed()["tokens_per_s"], rate / (6 * count)
    print(f"preset {told.preset.name}, {told.device}, {told.preset.threads} threads; products {rate / 1e9:.0f} GFLOP/s")
    print(f"codec: {sound:.2f} s of sound a second, busy {codec.busy:.3f}")
    print(f"model: {count / 1e6:.2f} M parameters met by a token, {tokens:.0f} tokens/s, bound {bound:.0f}, "
          f"{tokens / bound:.1%} of it, busy {model.busy:.3f}")  # fmt: skip
    return min(codec.busy, model.busy)


def _together(run: Path, codec: Learned, model: Learned, workers: int, device: str) -> None:
    """The same lessons by several workers of Ray Train, in a folder of their own."""
    from services.training.workers import OnRay

    folder = run.parent / "together" / run.name
    folder.mkdir(parents=True)
    for name in ("order.json", "dataset", "dataset.json", "tokens", "tokens.json"):
        (folder / name).symlink_to(run / name)
    worker = OnRay(None, 1.0, device, workers)
    try:
        for stage, one in (("codec", codec), ("model", model)):
            begun = time.perf_counter()
            left = worker.run(folder, stage, 10**9)
            last = float(one.curve[-1, 1])
            apart = abs(left["last_loss"] - last) / last
            print(f"{stage} by {workers} workers: loss {left['last_loss']:.4f} beside {last:.4f} ({apart:.2%} apart), "
                  f"{left['speed']['tokens_per_s'] / one.speed()['tokens_per_s']:.2f} times as fast, "
                  f"{time.perf_counter() - begun:.0f} s with starting")  # fmt: skip
    finally:
        worker.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--preset", default="tiny", choices=sorted(PRESETS))
    asked.add_argument("--steps", type=int, default=20)
    asked.add_argument("--takes", type=int, default=24)
    asked.add_argument("--workers", type=int, default=1)
    asked.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    given = asked.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        run = _order(Path(name), given)
        told = read_order(run)
        steady(told.preset.threads)
        run_stage(run, "dataset")
        codec, model, count = _alone(told, run, given.device)
        busy = _show(told, codec, model, count, matrix_rate(given.device))
        if given.workers > 1:
            _together(run, codec, model, given.workers, given.device)
    print(f"busy: {busy:.3f}")


if __name__ == "__main__":
    main()
