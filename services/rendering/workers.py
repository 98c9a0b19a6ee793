"""The two kinds of worker, as plain classes: they run in this process or as Ray actors alike.

Workers never let a generator's exception escape: it becomes the answer of the rows it belongs to, or of the whole batch
where memory ran out. Only a worker's own death (or the store's failure) is an error of the machinery.
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

from models.controls import Controls, Denoising, Theme
from models.generator import BatchDependenceError, Generator, NoRoomError, Rendition, Request, SelfChecking
from models.registry import build, load
from services.rendering.jobs import FinishedTake, Finisher, Job, Workshop
from services.storage.store import StorageError

PATIENCE_S = 5.0  # the memory of an actor that ended comes back some moments after it
FINISHING_THREADS = 1
SELF_TEST_S = 1.0  # two batches of it are rendered before the first take


@dataclass(frozen=True)
class Ready:
    """A generator worker that is warm: where it runs and how it computes."""

    place: str
    gpus: str
    profile: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """How a batch went: per row None or the error, and the seconds that the batch took.

    `out_of_memory` and `lost` say why the whole batch has nothing: it did not fit, or the device failed under it. The
    worker is not to be trusted with another batch then; with a lost device it could make none."""

    errors: tuple[str | None, ...]
    seconds: float
    out_of_memory: str | None = None
    lost: str | None = None


@dataclass(frozen=True)
class FinishReport:
    """How finishing went: a take, or an error; `storage` errors concern every take, not this one."""

    take: FinishedTake | None = None
    error: str | None = None
    storage: bool = False
    seconds: float = 0.0


class HomeNotSharedError(RuntimeError):
    """A finishing worker would store files where the driver cannot find them."""


class WrongBatchError(RuntimeError):
    """A generator computes in another batch shape than its card says."""


class GeneratorWorker:
    """Owns one generator. Its number of threads is fixed: bits may depend on it."""

    def __init__(self, workshop: Workshop, own_process: bool = False) -> None:
        if own_process and workshop.place.device == "cpu" and workshop.resources.gpus == 0:
            _hide_gpus()
        _fix_threads(workshop.resources.threads)
        self._workshop = workshop
        self._patience_s = PATIENCE_S if own_process else 0.0
        self._generator: Generator | None = None

    def warm_up(self) -> Ready:
        """Set the generator up and test it, once.

        Raises NoRoomError where it does not fit, BatchDependenceError where its rows depend on each other, and whatever
        keeps it from loading."""
        _fix_threads(self._workshop.resources.threads)
        if self._generator is None:
            generator = self._set_up()
            if generator.batch_size != self._workshop.batch_size:
                batches = f"batches of {generator.batch_size}, not of {self._workshop.batch_size}"
                raise WrongBatchError(f"{generator.id} computes in {batches} as its card says")
            try:
                self._check(generator)
            except BaseException:
                _tear_down(generator)
                raise
            self._generator = generator
        profile = {
            "revision": self._generator.revision,
            "batch": self._generator.batch_size,
            "threads": self._workshop.resources.threads,
            "machine": platform.machine(),
            "device": self._workshop.place.device,
            **(_gpu() if self._workshop.place.device == "cuda" else {}),
            **self._generator.profile(),
        }
        return Ready(f"{platform.node()}:{os.getpid()}", os.environ.get("CUDA_VISIBLE_DEVICES", ""), profile)

    def _set_up(self) -> Generator:
        """A generator that is set up; waits a while for the memory that another actor is just giving back."""
        shop, until = self._workshop, time.monotonic() + self._patience_s
        while True:
            generator = build(shop.factory, shop.cache_dir, shop.place, shop.options)
            try:
                generator.setup()
                return generator
            except Exception as error:
                _tear_down(generator)
                if not isinstance(error, NoRoomError) and not is_out_of_memory(error):
                    raise
                if time.monotonic() >= until:
                    raise self._without_room(error) from error
                time.sleep(0.5)

    def _without_room(self, error: Exception) -> NoRoomError:
        """What is told where memory ran out while setting up: an actor elsewhere may still have room."""
        if isinstance(error, NoRoomError):
            return error
        return NoRoomError(f"{_first_line(error)}; {self._workshop.memory_remedy}")

    def _check(self, generator: Generator) -> None:
        """Raise BatchDependenceError, naming how it computes, where a row depends on its place or its neighbours."""
        try:
            self._self_test(generator)
            if isinstance(generator, SelfChecking):
                generator.self_check()
        except BatchDependenceError as error:
            computed = ", ".join(f"{name} {value}" for name, value in sorted(generator.profile().items()))
            remedy = "this way of computing may not render; try CUEWORKS_BATCH=1 or CUEWORKS_DEVICE=cpu"
            what = f"{generator.id}: {error} (batch {generator.batch_size}; {computed}); {remedy}"
            raise BatchDependenceError(what) from error

    def _self_test(self, generator: Generator) -> None:
        """Raise BatchDependenceError unless a row sounds the same in every place, and beside other neighbours."""
        others = range(1, generator.batch_size)
        if not others:
            return
        row = _probe(0)
        first = _sound(generator.generate([row, *(_probe(n) for n in others)])[0])
        elsewhere = generator.generate([_probe(-1, "others"), *(row for _ in others)])[1:]
        if {_sound(rendition) for rendition in elsewhere} != {first}:
            raise BatchDependenceError("a row's sound depends on its place in the batch or on its neighbours")

    def generate(self, requests: Sequence[Request]) -> tuple[Report, list[Rendition | None]]:
        """A rendition or an error for every request, however many: they are computed batch by batch."""
        started = time.perf_counter()
        _fix_threads(self._workshop.resources.threads)
        size = self._workshop.batch_size
        try:
            parts = [self._attempt(requests[start : start + size]) for start in range(0, len(requests), size)]
        except Exception as error:
            if not _of_the_worker(error):
                raise
            short = is_out_of_memory(error)
            why = _first_line(error) if short else lost_text(error)
            told = {"out_of_memory": why} if short else {"lost": why}
            report = Report((why,) * len(requests), time.perf_counter() - started, **told)
            return report, [None] * len(requests)
        renditions = [rendition for part, _ in parts for rendition in part]
        errors = tuple(error for _, part in parts for error in part)
        return Report(errors, time.perf_counter() - started), renditions

    def generate_rows(self, requests: Sequence[Request]) -> tuple[Any, ...]:
        """`generate` as one flat tuple: report first, then the rows, so that each is an object of its own."""
        report, renditions = self.generate(requests)
        return (report, *renditions)

    def _attempt(self, requests: Sequence[Request]) -> tuple[Sequence[Rendition | None], list[str | None]]:
        """One call in the fixed batch shape, padded when short; when it raises, every row in a batch of its own.

        Lets what concerns the whole worker escape: the shape is fixed, so every other call would need as much memory,
        and a lost device fails every call."""
        padding = [requests[-1]] * (self._workshop.batch_size - len(requests))
        generator = self._ready()
        try:
            return generator.generate([*requests, *padding])[: len(requests)], [None] * len(requests)
        except Exception as error:
            if _of_the_worker(error):
                raise
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
        """Tear the generator down; the next use sets it up anew."""
        if self._generator is not None:
            generator, self._generator = self._generator, None
            _tear_down(generator)


class FinishingWorker:
    """Masters, encodes and stores; never sees a GPU."""

    def __init__(self, workshop: Workshop, own_process: bool = False) -> None:
        if own_process:
            _hide_gpus()
        _fix_threads(FINISHING_THREADS)
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
        _fix_threads(FINISHING_THREADS)
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
    """Libraries that are loaded already are told at once; those to come read the variables.

    Workers that share a process each ask for theirs before they work."""
    global _fixed
    torch = sys.modules.get("torch")
    if (threads, torch is not None) == _fixed:
        return
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    threadpool_limits(limits=threads)
    if torch is not None:
        torch.set_num_threads(threads)
    _fixed = (threads, torch is not None)


_fixed: tuple[int, bool] | None = None  # the threads that this process was told, and whether torch was there to hear it


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or on the machine, in the words of torch (whatever it is called), CUDA and
    Python."""
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    told = str(error).casefold() if isinstance(error, RuntimeError) else ""
    return any(words in told for words in ("out of memory", "can't allocate memory", "cublas_status_alloc_failed"))


def is_device_lost(error: BaseException) -> bool:
    """Whether a device failed in a way that lasts as long as its process (an illegal access, an assertion, a failed
    launch), in the words of torch, CUDA and its libraries. Want of memory is none: ask `is_out_of_memory` first."""
    if any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__):
        return True
    told = str(error).casefold() if isinstance(error, RuntimeError) else ""
    return any(words in told for words in ("cuda error", "cuda driver error", "_status_execution_failed"))


def lost_text(error: BaseException) -> str:
    """What is told of a device that failed."""
    return f"the device failed under its worker: {_first_line(error)}"


def _of_the_worker(error: BaseException) -> bool:
    """Whether an error says nothing of one take: the worker can make no other one either."""
    return is_out_of_memory(error) or is_device_lost(error)


def _tear_down(generator: Generator) -> None:
    """Tear a generator down; a device that is lost cannot give back anything, which is no further error."""
    try:
        generator.teardown()
    except Exception as error:
        if not _of_the_worker(error):
            raise


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _gpu() -> dict[str, Any]:
    """The device of this worker, as bits may depend on it; nothing where the generator's torch sees none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    major, minor = torch.cuda.get_device_capability(0)
    return {
        "gpu": torch.cuda.get_device_name(0),
        "compute_capability": f"{major}.{minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
    }


def _probe(number: int, prompt: str = "self-test") -> Request:
    """A short request that no order makes: what the self-test renders."""
    controls = Controls(
        state="", genre="", mood="", bpm=120.0, key="C minor", meter="4/4", instruments=(), excluded=(), bars=1,
        duration=SELF_TEST_S, form="", intensity=3, loop=False, theme=Theme(1), denoising=Denoising(steps=3),
    )  # fmt: skip
    return Request(f"{number & (1 << 64) - 1:064x}", prompt, number & (1 << 53) - 1, controls)


def _sound(rendition: Rendition) -> str:
    sha = hashlib.sha256(rendition.premaster.tobytes())
    for name in sorted(rendition.stems):
        sha.update(rendition.stems[name].tobytes())
    return sha.hexdigest()
