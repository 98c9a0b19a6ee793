"""A generator of noise that computes in the batch shape of its place, as a token model does: for tests of its actors.

Every take's sound comes from its seed alone. Prompts steer faults: `out of memory` (torch's error) and `no memory`
(Python's) never fit, `once FILE` does not fit the first time, `die once FILE` kills its worker the first time, `slow`
takes a while, `lose FILE` loses the device the first time and `lose` always: then every later batch of that generator
fails. The options `fault` and `folder` steer setting up: `no room` never fits, `room later` not at first, `allocation`
runs out of memory on the way, `lost at first` loses the device once, `missing` has no files until `folder` is there.
What was computed where is told in `folder/log`, a line a batch.
"""

import hashlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.generator import NoRoomError, Place, Rendition, Request, Resources
from models.registry import CARDS, Card
from services.rendering.jobs import FinishedTake, Job

FACTORY = "tests.sized_generator:create"
FINISHER = "tests.sized_generator:create_finisher"
SLOW_S = 0.3


def card(name: str, folder: Path, fault: str = "", gpus: float = 0.0, batch: int = 2) -> Card:
    """A card of a generator called `name`, that has a place on a GPU where `gpus` is its share of one."""
    resources = Resources(cpus=0.5, memory_mb=50)
    cuda = Place("cuda", batch, Resources(cpus=0.5, gpus=gpus, memory_mb=50)) if gpus else None
    options = {"id": name, "folder": str(folder), "fault": fault}
    return Card(name, "makes noise", "1", FACTORY, batch, resources, cuda=cuda, options=options)


def register(made: Card) -> Card:
    """Add it to this process's registry."""
    CARDS[made.id] = made
    return made


def create(cache_dir: Path, place: Place, **options: str) -> "SizedGenerator":
    return SizedGenerator(place, options["id"], Path(options["folder"]), options["fault"])


class SizedGenerator:
    revision = "1"
    sample_rate = 32000

    def __init__(self, place: Place, id_: str, folder: Path, fault: str) -> None:
        self.id, self.batch_size, self.resources = id_, place.batch_size, place.resources
        self._folder, self._fault = folder, fault

    def setup(self) -> None:
        if self._fault == "no room" or (self._fault == "room later" and _first(self._folder / "room")):
            raise NoRoomError(f"a batch of {self.batch_size} needs 9,000 MiB, 5,000 are free; set CUEWORKS_BATCH=1")
        if self._fault == "allocation":
            raise MemoryError("no more of it")
        if self._fault == "lost at first" and _first(self._folder / "lost"):
            raise AcceleratorError("CUDA error: device-side assert triggered")
        if self._fault == "missing" and not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is not there; `cueworks models add` fetches it")

    def teardown(self) -> None: ...

    def profile(self) -> dict[str, object]:
        return {"kernels": "noise"}

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        if len(requests) != self.batch_size:
            raise AssertionError(f"called with {len(requests)} requests, not {self.batch_size}")
        for request in requests:
            _obey(request.prompt, self)
        if self._folder.is_dir():
            seeds = ",".join(str(request.seed) for request in requests)
            with (self._folder / "log").open("a") as log:
                print(self.id, os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES"), seeds, time.time(), file=log)
        return [Rendition(32000, _noise(request.seed)) for request in requests]


def _noise(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal((2, 64), dtype=np.float32)


def _first(mark: Path) -> bool:
    """Whether nobody was here before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class AcceleratorError(RuntimeError):
    """Called as torch calls an error of a device that lasts."""


_lost: list["SizedGenerator"] = []  # of this process: those that lost their device


def _obey(prompt: str, generator: "SizedGenerator") -> None:
    if prompt == "lose" or (prompt.startswith("lose ") and _first(Path(prompt.removeprefix("lose ")))):
        _lost.append(generator)
    if generator in _lost:
        raise AcceleratorError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be")
    if "slow" in prompt:
        time.sleep(SLOW_S)
    if prompt == "no memory":
        raise MemoryError
    mark = Path(prompt.rpartition(" ")[2])
    if prompt == "out of memory" or (prompt.startswith("once ") and _first(mark)):
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation")
    if prompt.startswith("die once ") and _first(mark):
        os.kill(os.getpid(), signal.SIGKILL)


def create_finisher(home: Path) -> "HashingFinisher":
    return HashingFinisher()


class HashingFinisher:
    """Stores nothing; a take's PCM is what its generator made."""

    def finish(self, job: Job, rendition: Rendition) -> FinishedTake:
        digest = hashlib.sha256(rendition.premaster.tobytes()).hexdigest()
        return FinishedTake(assets=(), measurements={"frames": 64.0}, pcm_sha256=digest, profile={"kind": "hash"})


def pcm_of(seed: int) -> str:
    """The PCM digest of the take with that seed, wherever and beside whatever it is made."""
    return hashlib.sha256(_noise(seed).tobytes()).hexdigest()
