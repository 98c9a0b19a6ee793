"""The two kinds of worker, as plain classes: they run in this process or as Ray actors alike.

Workers never let a generator's exception escape: it becomes the answer of the rows it belongs to. Only a worker's own
death (or the store's failure) is an error of the machinery.
"""

import hashlib
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from threadpoolctl import threadpool_limits

from models.generator import Generator, Rendition, Request
from models.registry import build, load
from services.rendering.jobs import FinishedTake, Finisher, Job, Workshop
from services.storage.store import StorageError


@dataclass(frozen=True)
class Ready:
    """A generator worker that is warm: where it runs and how it computes."""

    place: str
    gpus: str
    profile: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """How a batch went: per row None or the error, and the seconds that the batch took."""

    errors: tuple[str | None, ...]
    seconds: float


@dataclass(frozen=True)
class FinishReport:
    """How finishing went: a take, or an error; `storage` errors concern every take, not this one."""

    take: FinishedTake | None = None
    error: str | None = None
    storage: bool = False
    seconds: float = 0.0


class BatchDependenceError(RuntimeError):
    """A row's samples changed with its neighbours: this engine may not render."""


class HomeNotSharedError(RuntimeError):
    """A finishing worker would store files where the driver cannot find them."""


class GeneratorWorker:
    """Owns one generator. Its number of threads is fixed: bits may depend on it."""

    def __init__(self, workshop: Workshop, own_process: bool = False) -> None:
        if own_process and workshop.resources.gpus == 0:
            _hide_gpus()
        _fix_threads(workshop.resources.threads)
        self._workshop = workshop
        self._generator: Generator | None = None
        self._trusted: bool | None = None

    def warm_up(self) -> Ready:
        """Set the generator up, once."""
        if self._generator is None:
            generator = build(self._workshop.factory, self._workshop.cache_dir)
            generator.setup()
            self._generator = generator
        profile = {
            "revision": self._generator.revision,
            "batch": self._generator.batch_size,
            "threads": self._workshop.resources.threads,
            "machine": platform.machine(),
            **self._generator.profile(),
        }
        return Ready(f"{platform.node()}:{os.getpid()}", os.environ.get("CUDA_VISIBLE_DEVICES", ""), profile)

    def _self_test(self, request: Request) -> None:
        """Raise BatchDependenceError unless a row sounds the same in another place beside other neighbours.

        Made once, in the batch shape that everything is rendered in.
        """
        generator = self._ready()
        others = generator.batch_size - 1
        if self._trusted is None and others:
            neighbour = replace(request, seed=request.seed ^ 1)
            first = _sound(generator.generate([request] + [neighbour] * others)[0])
            last = _sound(generator.generate([neighbour] * others + [request])[-1])
            self._trusted = first == last
        if self._trusted is False:
            raise BatchDependenceError(f"{generator.id}: a row's sound depends on its place in the batch")

    def generate(self, requests: Sequence[Request]) -> tuple[Report, list[Rendition | None]]:
        """A rendition or an error for every request, however many: they are computed batch by batch."""
        started = time.perf_counter()
        size = self._workshop.batch_size
        parts = [self._attempt(requests[start : start + size]) for start in range(0, len(requests), size)]
        renditions = [rendition for part, _ in parts for rendition in part]
        errors = tuple(error for _, part in parts for error in part)
        return Report(errors, time.perf_counter() - started), renditions

    def generate_rows(self, requests: Sequence[Request]) -> tuple[Any, ...]:
        """`generate` as one flat tuple: report first, then the rows, so that each is an object of its own."""
        report, renditions = self.generate(requests)
        return (report, *renditions)

    def _attempt(self, requests: Sequence[Request]) -> tuple[Sequence[Rendition | None], list[str | None]]:
        """One call in the fixed batch shape, padded when short; when it raises, every row in a batch of its own."""
        padding = [requests[-1]] * (self._workshop.batch_size - len(requests))
        try:
            self._self_test(requests[0])
            return self._ready().generate([*requests, *padding])[: len(requests)], [None] * len(requests)
        except Exception as error:
            if len(requests) == 1:
                return [None], [f"{type(error).__name__}: {error}"]
        rows = [self._attempt([request]) for request in requests]
        return [row[0][0] for row in rows], [row[1][0] for row in rows]

    def _ready(self) -> Generator:
        if self._generator is None:
            self.warm_up()
        assert self._generator is not None
        return self._generator

    def close(self) -> None:
        """Tear the generator down."""
        if self._generator is not None:
            self._generator.teardown()


class FinishingWorker:
    """Masters, encodes and stores; never sees a GPU."""

    def __init__(self, workshop: Workshop, own_process: bool = False) -> None:
        if own_process:
            _hide_gpus()
        _fix_threads(1)
        self._home = workshop.home
        self._finisher: Finisher = load(workshop.finisher)(workshop.home)

    def warm_up(self, token: str | None = None) -> str:
        """Import what finishing needs before the first take waits for it.

        `token` is a file that the driver put into the home; raises HomeNotSharedError where it cannot be seen.
        """
        if token is not None and not (self._home / token).is_file():
            raise HomeNotSharedError(
                f"{platform.node()} does not see {self._home} as the driver does; put CUEWORKS_HOME on a shared disk"
            )
        warm = getattr(self._finisher, "warm_up", None)
        if warm:
            warm()
        return f"{platform.node()}:{os.getpid()}"

    def finish_rows(self, jobs: Sequence[Job], *renditions: Rendition) -> list[FinishReport]:
        """`finish` for several takes; audio comes as arguments of its own, so that it travels by reference."""
        return [self.finish(job, rendition) for job, rendition in zip(jobs, renditions, strict=True)]

    def finish(self, job: Job, rendition: Rendition) -> FinishReport:
        """Finish one take; its own faults and the store's come back as reports."""
        started = time.perf_counter()
        try:
            take = self._finisher.finish(job, rendition)
        except StorageError as error:
            return FinishReport(error=error.strerror or str(error), storage=True)
        except Exception as error:
            return FinishReport(error=f"{type(error).__name__}: {error}", seconds=time.perf_counter() - started)
        seconds = time.perf_counter() - started
        return FinishReport(take=replace(take, seconds={**take.seconds, "finish": seconds}), seconds=seconds)


def _hide_gpus() -> None:
    """Ray leaves the variable unset for actors without GPUs, which would then see every GPU."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def _fix_threads(threads: int) -> None:
    """Libraries that are loaded already are told at once; those to come read the variables."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    threadpool_limits(limits=threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _sound(rendition: Rendition) -> str:
    sha = hashlib.sha256(rendition.premaster.tobytes())
    for name in sorted(rendition.stems):
        sha.update(rendition.stems[name].tobytes())
    return sha.hexdigest()
