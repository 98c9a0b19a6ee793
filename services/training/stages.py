"""What a run does, stage by stage, each from files into files: dataset, codec, tokens, model, evaluation.

A stage that is over has left `STAGE.json`, written last; it is not done again. One that was killed goes on from what
lies there. Every stage needs nothing but the run's folder, so that it can be done by any worker that sees it. Nothing
here knows databases, Ray or Prefect.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.training import checkpoints, lessons
from services.training.curves import write_curve, write_table
from services.training.dataset import export
from services.training.loop import Learned, Lesson, Together, Told, learn, seconds_a_step, steady
from services.training.order import Order, read_json, read_order, write_json
from services.training.tokens import write_codes, write_tokenizer
from services.training.writing import write_tensors

STAGES = ("dataset", "codec", "tokens", "model", "evaluation")
LEARNING = ("codec", "model")  # those that several devices may share
SHARES = {"codec": 0.4, "model": 0.6}  # of the minutes that were asked for
DECIDED, PROGRESS, RESULT = "decided.json", "progress.json", "result"
EVERY_S = 30.0  # about as long as a killed run may lose, where steps were timed
Heard = Callable[[str, int, int, float], None]


def outcome(folder: Path, stage: str) -> dict[str, Any] | None:
    """What a stage left, None where it is not over."""
    found: dict[str, Any] | None = read_json(folder / f"{stage}.json")
    return found


def run_stage(
    folder: Path, stage: str, every: int | None = None, group: Together | None = None, told: Told | None = None
) -> dict[str, Any]:
    """Do a stage of the run in `folder`, or go on with it; returns what it left.

    `every` steps between checkpoints; None: as many as take half a minute where steps were timed (an order in minutes),
    else a twentieth of them. `group`: the workers of it, one by default.
    Raises OtherFilesError, TrainingError."""
    if (found := outcome(folder, stage)) is not None:
        return found
    order = read_order(folder)
    steady(order.preset.threads)
    together = group or Together(device=order.device)
    began = time.perf_counter()
    if stage in LEARNING:
        facts = _learn(order, folder, stage, every, together, told or note_progress(folder))
        if together.rank != 0:
            return facts
    else:
        facts = {"dataset": _dataset, "tokens": _tokens, "evaluation": _evaluation}[stage](order, folder)
    left = {**facts, "stage_s": round(time.perf_counter() - began, 3)}
    write_json(folder / f"{stage}.json", left)
    return left


def note_progress(folder: Path) -> Told:
    """Writes where a lesson stands into the run's folder, for whoever shows it."""

    def told(stage: str, step: int, steps: int, loss: float) -> None:
        with contextlib.suppress(OSError):
            write_json(folder / PROGRESS, {"stage": stage, "step": step, "steps": steps, "loss": loss})

    return told


def _dataset(order: Order, folder: Path) -> dict[str, Any]:
    return export(order, folder / "dataset")


def _lesson(order: Order, folder: Path, stage: str, steps: int, group: Together) -> Lesson:
    if stage == "codec":
        fresh = checkpoints.newest(folder / stage) is None
        return lessons.codec_lesson(order, folder / "dataset", steps, group, fresh)
    return lessons.model_lesson(order, folder / "tokens", steps, group)


def _learn(order: Order, folder: Path, stage: str, every: int | None, group: Together, told: Told) -> dict[str, Any]:
    course = order.preset.codec_course if stage == "codec" else order.preset.model_course
    steps, step_s = _steps(order, folder, stage, course.steps, group)
    lesson = _lesson(order, folder, stage, steps, group)
    if every is None:
        every = max(1, min(steps, round(EVERY_S / step_s))) if step_s else max(1, steps // 20)
    found = learn(lesson, folder / stage, every, group, told)
    if group.rank == 0:
        _look(folder, stage, lesson, found)
        _keep(order, folder, stage, lesson.module)
    return {"steps": steps, "first_loss": float(found.curve[0, 1]), "last_loss": float(found.curve[-1, 1]),
            "curve_sha256": _curve_digest(found), "speed": found.speed()}  # fmt: skip


def _steps(order: Order, folder: Path, stage: str, steps: int, group: Together) -> tuple[int, float]:
    """(steps of a lesson, seconds a step if they were timed). Minutes become steps once; the decision is kept, so that
    a run that goes on does what it would have done."""
    if not order.minutes:
        return steps, 0.0
    decided = read_json(folder / f"{stage}-{DECIDED}")
    if decided is None:
        step_s = seconds_a_step(_lesson(order, folder, stage, steps, group), group=group)
        decided = {"steps": max(1, round(order.minutes * 60 * SHARES[stage] / step_s)), "step_s": step_s}
        if group.rank == 0:
            write_json(folder / f"{stage}-{DECIDED}", decided)
        if group.workers > 1:
            import torch

            torch.distributed.barrier()
            decided = read_json(folder / f"{stage}-{DECIDED}")
    return int(decided["steps"]), float(decided["step_s"])


def _curve_digest(found: Learned) -> str:
    from hashlib import sha256

    return sha256(found.curve.numpy().astype("<f8").tobytes()).hexdigest()


def _look(folder: Path, stage: str, lesson: Lesson, found: Learned) -> None:
    looks = folder / RESULT
    looks.mkdir(exist_ok=True)
    write_table(looks / f"curve-{stage}.csv", lesson.losses, found.curve)
    write_curve(looks / f"curve-{stage}.png", stage, lesson.losses, found.curve)


def _keep(order: Order, folder: Path, stage: str, module: Any) -> None:
    """What later stages and the finished model need of a lesson."""
    kept = module.codec if stage == "codec" else module
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in kept.state_dict().items()}
    tied = "text.encoder.embed_tokens.weight"  # the same numbers as `text.shared.weight`
    own = {name: tensor.clone() for name, tensor in tensors.items() if name != tied}
    write_tensors(folder / f"{stage}.safetensors", own)


def _tokens(order: Order, folder: Path) -> dict[str, Any]:
    from services.training.assembling import trained_codec

    target = folder / "tokens"
    target.mkdir(exist_ok=True)
    vocabulary = write_tokenizer(order, folder / "dataset", target)
    return {"vocabulary": vocabulary, **write_codes(order, folder / "dataset", target, trained_codec(order, folder))}


def _evaluation(order: Order, folder: Path) -> dict[str, Any]:
    from services.training.assembling import assemble
    from services.training.evaluation.evaluate import evaluate
    from services.training.publishing import digests

    model = assemble(order, folder, folder / RESULT)
    found = evaluate(order, folder, model, folder / RESULT) | {"files": digests(folder / RESULT)}
    for stage in LEARNING:
        checkpoints.clear(folder / stage)
    return found
