"""A generator and a finisher that make no audio: for what the platform itself costs, and for tests of its machinery.

Prompts steer faults: `raise` fails, `die` kills the worker that renders it, `die once FILE` only the first time.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.generator import Rendition, Request, Resources
from models.registry import CARDS, Card
from services.rendering.jobs import FinishedTake, Job

SILENCE = np.zeros((2, 1), dtype=np.float32)


def register(name: str = "empty", gpus: float = 0.0, batch_size: int = 1) -> Card:
    """Add the empty generator to this process's registry."""
    resources = Resources(cpus=1.0, gpus=gpus, threads=1)
    CARDS[name] = Card(name, "makes nothing", "1", "tests.empty_generator:create", batch_size, resources)
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
