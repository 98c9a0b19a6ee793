"""The loop that every network learns in: steps counted from the first to the last, checkpoints, curve, busy share.

What a step does depends on the state after the step before it and on the step's number, and on nothing else: the batch,
the rate and every random number follow from the number. So a run that was killed and goes on gives the same curve and,
on a processor, the same weights bit for bit. Nothing here knows what is learned.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from services.training import checkpoints
from services.training.counting import draws
from services.training.errors import TrainingError
from services.training.feeding import Feed
from services.training.presets import Course

TOLD_EVERY_S = 1.0
NO_NUMBER = "what was kept before stays, and would end here again: train with another --seed"
NOISE = 7  # purpose of draws: what dropout and the like begin from


@dataclass(frozen=True)
class Lesson:
    """What is learned. `forward(module, batch, step)` gives a tensor of losses whose first is the one to lower and
    whose names are `losses`; `batch(step)` makes the rows of this worker, `tokens` counts what is learned from in all.
    """

    name: str
    module: Any
    course: Course
    steps: int
    seed: int
    batch: Callable[[int], Any]
    forward: Callable[[Any, Any, int], Any]
    losses: Sequence[str]
    tokens: int


class Told(Protocol):
    """What a caller may want to hear on the way."""

    def __call__(self, stage: str, step: int, steps: int, loss: float) -> None: ...


def silent(stage: str, step: int, steps: int, loss: float) -> None:
    """Tells nobody."""


@dataclass
class Together:
    """The workers of one run: how many, which one this is, and where it computes."""

    workers: int = 1
    rank: int = 0
    device: str = "cpu"
    wrap: Callable[[Any], Any] = field(default=lambda module: module)


@dataclass(frozen=True)
class Learned:
    """`curve` float64 [steps, 1 + losses]: the step's number, then its losses. `seconds` in steps and waiting for
    batches, of the last process that trained, over `timed` steps."""

    curve: Any
    seconds: float
    waited: float
    timed: int
    tokens: int

    @property
    def busy(self) -> float:
        """The share of the time that the device had something to do."""
        return 1 - self.waited / self.seconds if self.seconds else 1.0

    def speed(self) -> dict[str, float]:
        """Plain figures."""
        per_s = self.tokens * self.timed / self.seconds if self.seconds else 0.0
        return {"seconds": self.seconds, "waited_s": self.waited, "busy": self.busy, "steps": float(self.timed),
                "tokens_per_s": per_s}  # fmt: skip


def learn(
    lesson: Lesson, folder: Path, every: int, together: Together | None = None, told: Told = silent,
    stop_after: int | None = None,
) -> Learned:  # fmt: skip
    """Go through a lesson from its newest checkpoint in `folder`, keeping one every `every` steps and at the end.

    `stop_after` ends after that step as if the process had been killed: for tests. Raises TrainingError where a loss is
    no number, before the state that gave it is kept."""
    import torch

    group = together or Together()
    module, optimizer, curve, begin = _restored(lesson, folder, group)
    wrapped = group.wrap(module)
    feed = Feed(lesson.batch, begin, lesson.steps)
    begun = last = time.perf_counter()
    try:
        for step, batch in enumerate(feed, begin):
            losses = _step(lesson, wrapped, optimizer, batch, step, group)
            if not bool(torch.isfinite(losses).all()):
                raise TrainingError([f"{lesson.name}: a loss of step {step + 1} is no number; {NO_NUMBER}"])
            curve[step, 0], curve[step, 1:] = step, losses
            done = step + 1
            if group.rank == 0 and (done % every == 0 or done == lesson.steps):
                checkpoints.save(folder, done, _state(module, optimizer, curve[:done]))
            if group.rank == 0 and (done == lesson.steps or time.perf_counter() - last > TOLD_EVERY_S):
                last = time.perf_counter()
                told(lesson.name, done, lesson.steps, float(curve[step, 1]))
            if done == stop_after:
                break
    finally:
        feed.close()
    return Learned(curve, time.perf_counter() - begun, feed.waited, lesson.steps - begin, lesson.tokens)


def _step(lesson: Lesson, module: Any, optimizer: Any, batch: Any, step: int, group: Together) -> Any:
    """One step; returns its losses, of all workers together, on the processor."""
    import torch

    torch.manual_seed(int(draws(lesson.seed, NOISE, step * group.workers + group.rank).integers(1 << 62)))
    for parameters in optimizer.param_groups:
        parameters["lr"] = rate_at(lesson.course, step, lesson.steps)
    losses = lesson.forward(module, batch, step)
    optimizer.zero_grad(set_to_none=True)
    losses[0].backward()
    torch.nn.utils.clip_grad_norm_(_learned(module), lesson.course.clip)
    optimizer.step()
    found = losses.detach().double().cpu()
    if group.workers > 1:
        shared = losses.detach().clone()
        torch.distributed.all_reduce(shared)
        found = shared.double().cpu() / group.workers
    return found


def rate_at(course: Course, step: int, steps: int) -> float:
    """The learning rate of a step: up in a line, then down a cosine to a tenth."""
    if step < course.warmup:
        return course.rate * (step + 1) / course.warmup
    along = (step - course.warmup) / max(steps - course.warmup, 1)
    return course.rate * (0.55 + 0.45 * math.cos(math.pi * min(along, 1.0)))


def _learned(module: Any) -> list[Any]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _restored(lesson: Lesson, folder: Path, group: Together) -> tuple[Any, Any, Any, int]:
    """(module, optimizer, curve, first step) as the newest checkpoint has them, or new."""
    import torch

    module = lesson.module.to(group.device).train()
    optimizer = torch.optim.AdamW(_learned(module), lr=lesson.course.rate, weight_decay=lesson.course.weight_decay,
                                  betas=(0.9, 0.95))  # fmt: skip
    curve = torch.zeros(lesson.steps, 1 + len(lesson.losses), dtype=torch.float64)
    state = checkpoints.newest(folder)
    if state is None:
        return module, optimizer, curve, 0
    missing = module.load_state_dict(state["module"], strict=False)
    if missing.unexpected_keys or missing.missing_keys:
        raise ValueError(f"{folder}: the checkpoint is of another model; remove the folder and train again")
    optimizer.load_state_dict(state["optimizer"])
    curve[: state["step"]] = state["curve"]
    return module, optimizer, curve, int(state["step"])


def _state(module: Any, optimizer: Any, curve: Any) -> dict[str, Any]:
    return {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve.clone()}


def seconds_a_step(lesson: Lesson, steps: int = 3, group: Together | None = None) -> float:
    """How long a step of a lesson takes here, measured on a few of them; the lesson's module is changed by it."""
    import torch

    group = group or Together()
    module = lesson.module.to(group.device).train()
    optimizer = torch.optim.AdamW(_learned(module), lr=1e-6)
    taken = []
    for step in range(steps + 1):
        batch = lesson.batch(step)
        begun = time.perf_counter()
        _step(lesson, module, optimizer, batch, step, group)
        taken.append(time.perf_counter() - begun)
    return sorted(taken[1:])[len(taken[1:]) // 2]


def steady(threads: int) -> None:
    """Compute the same bits every time: so many threads, and on a GPU kernels that add up in one order."""
    import os

    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
