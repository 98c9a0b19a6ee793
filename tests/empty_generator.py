"""A generator and a finisher that make no audio: for what the platform itself costs, and for tests of its machinery.

Prompts steer faults: `raise` fails, `die` kills the worker that renders it, `die once FILE` only the first time,
`slow` takes half a second.
"""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.generator import Rendition, Request, Resources
from models.registry import CARDS, Card
from services.rendering.jobs import FinishedTake, Job
from services.storage.store import StorageError

SILENCE = np.zeros((2, 1), dtype=np.float32)


def register(name: str = "empty", batch_size: int = 1, **more: Any) -> Card:
    """Add the empty generator to this process's registry; `more` are fields of its card."""
    resources = Resources(cpus=1.0, threads=1)
    CARDS[name] = Card(
        name, "makes nothing", "1", more.pop("factory", "tests.empty_generator:create"), batch_size, resources, **more
    )
    return CARDS[name]


def create(cache_dir: Path) -> "EmptyGenerator":
    return EmptyGenerator()


class EmptyGenerator:
    id = "empty"
    revision = "1"
    sample_rate = 48000
    batch_size = 1
    resources = Resources()

    def setup(self) -> None: ...

    def teardown(self) -> None: ...

    def profile(self) -> dict[str, object]:
        return {"kind": "empty"}

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        for request in requests:
            _obey(request.prompt)
        return [Rendition(48000, SILENCE, facts={"seed": request.seed}) for request in requests]


def _obey(prompt: str) -> None:
    if prompt.startswith("slow"):
        time.sleep(0.5)
    if prompt.startswith("raise"):
        raise ValueError("asked to fail")
    if prompt.startswith("die once"):
        mark = Path(prompt.removeprefix("die once").strip())
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    elif prompt.startswith("die"):
        os.kill(os.getpid(), signal.SIGKILL)


def create_finisher(home: Path) -> "EmptyFinisher":
    return EmptyFinisher()


class EmptyFinisher:
    def finish(self, job: Job, rendition: Rendition) -> FinishedTake:
        digest = f"{job.request.seed:064x}"
        return FinishedTake(assets=(), measurements={"frames": 1.0}, pcm_sha256=digest, profile={"kind": "empty"})


def create_full_finisher(home: Path) -> "FullFinisher":
    return FullFinisher()


class FullFinisher:
    """Finishes into a store that has no space left."""

    def finish(self, job: Job, rendition: Rendition) -> FinishedTake:
        raise StorageError(28, "the disk is full")


def die_at_birth(cache_dir: Path) -> "EmptyGenerator":
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def refuse_to_start(cache_dir: Path) -> "EmptyGenerator":
    raise FileNotFoundError("no weights here")


def create_of_four(cache_dir: Path) -> "EmptyGenerator":
    return FourAtATime()


class FourAtATime(EmptyGenerator):
    """A batch engine that computes in one shape only."""

    batch_size = 4

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        if len(requests) != self.batch_size:
            raise AssertionError(f"called with {len(requests)} requests")
        return super().generate(requests)


def create_leaky(cache_dir: Path) -> "LeakyGenerator":
    return LeakyGenerator()


class LeakyGenerator(EmptyGenerator):
    """A batch engine whose rows change with their place."""

    batch_size = 2

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        return [Rendition(48000, SILENCE + place) for place, _ in enumerate(requests)]


def create_leaky_inside(cache_dir: Path) -> "LeakyInside":
    return LeakyInside()


class LeakyInside(EmptyGenerator):
    """A batch engine of four whose third row alone is computed otherwise, as by the tail of a kernel's blocks."""

    batch_size = 4

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        return [Rendition(48000, SILENCE + (place == 2)) for place, _ in enumerate(requests)]
