"""What goes into an executor and the port that every executor implements.

An executor promises: every job is answered exactly once, in any order; a take's sound does not depend on which
executor, actor, batch or row made it; nothing is answered `done` before its files are stored.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from db.rows import NewAsset, NewFingerprint, NewHearing, Recording
from models.generator import Place, Rendition, Request, Resources
from models.registry import Card
from services.planning.order import Delivery

STOPPED = "rendering was stopped; run the same command again to go on"


class RenderingStoppedError(RuntimeError):
    """Rendering cannot go on (no actor left, disk full, stopped by the user); what is recorded stays."""


class GeneratorStoppedError(RenderingStoppedError):
    """One generator cannot go on (it does not load, does not fit, keeps dying); others may."""


@dataclass(frozen=True)
class Job:
    """One take to render. `folder` is its place in the readable tree, relative to the home; `listen`: its brief chooses
    among takes by what is heard of them."""

    request: Request
    delivery: Delivery
    folder: str
    listen: bool = False

    @property
    def take_id(self) -> str:
        return self.request.take_id

    @property
    def shape(self) -> tuple[float, bool, bool, str]:
        """Jobs of one shape may share a batch: same length, looping, stems, reference audio and way of denoising."""
        controls = self.request.controls
        audio, denoising = controls.audio, controls.denoising
        made_of = f"{audio.role} {audio.sha256}" if audio else ""
        if denoising is not None:
            made_of += f" {denoising.steps} {denoising.guidance} {denoising.strength}"
        return (controls.duration, controls.loop, self.request.stems, made_of)


@dataclass(frozen=True)
class Workshop:
    """What an executor needs to build its workers: import paths, so that they can be built on another machine.

    `factory` builds the generator in its `place`, with `options` where its card has some (see `models.registry`);
    `finisher` what masters and stores (`create(home)`). `generator` is the name that people know it by.
    """

    factory: str
    place: Place
    home: Path
    cache_dir: Path
    finisher: str = "services.rendering.finishing:create"
    generator: str = "the generator"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.place.device == "cuda" and not self.place.resources.gpus:
            raise ValueError(f"{self.generator}: a place on a GPU names the share of one that it needs")

    @classmethod
    def of(cls, card: Card, place: Place, home: Path, cache_dir: Path) -> "Workshop":
        """How workers for the generator of `card` are built in `place`."""
        return cls(card.factory, place, home, cache_dir, generator=card.id, options=card.options)

    @property
    def batch_size(self) -> int:
        return self.place.batch_size

    @property
    def resources(self) -> Resources:
        return self.place.resources

    @property
    def memory_remedy(self) -> str:
        """What to set where memory runs out."""
        device = "the GPU's memory" if self.place.device == "cuda" else "the machine's memory"
        fewer = "set CUEWORKS_ACTORS to fewer workers"
        if self.options and self.batch_size > 1:
            return f"{device} does not hold batches of {self.batch_size}: set CUEWORKS_BATCH lower, or {fewer}"
        return f"{device} does not hold a batch of {self.batch_size}: {fewer}, or free some memory"

    def resized(self, batch_size: int) -> "Workshop":
        """The same in another batch shape: what it needs beside its rows stays as it is."""
        needs, old = self.resources, self.batch_size
        grown = replace(
            needs,
            memory_mb=_resized(needs.memory_mb, needs.row_mb, old, batch_size),
            gpu_memory_mb=_resized(needs.gpu_memory_mb, needs.gpu_row_mb, old, batch_size),
        )
        return replace(self, place=Place(self.place.device, batch_size, grown))


def _resized(total: int, a_row: int | None, old: int, new: int) -> int:
    """Megabytes of a batch of `new` rows where one of `old` takes `total`, `a_row` of it for every row."""
    if a_row is None:
        return int(total * max(1.0, new / old))
    return max(1 if total else 0, total + (new - old) * a_row)


@dataclass(frozen=True)
class FinishedTake:
    """A take whose files are stored: what finishing hands back. `profile` says what mastering's bits depend on."""

    assets: tuple[NewAsset, ...]
    measurements: dict[str, float]
    pcm_sha256: str
    profile: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    fingerprint: NewFingerprint | None = None
    hearing: NewHearing | None = None


class Finisher(Protocol):
    """Masters and stores one rendition. Raises StorageError when the store cannot take it."""

    def finish(self, job: Job, rendition: Rendition) -> FinishedTake: ...


class Executor(Protocol):
    def run(self, jobs: Iterable[Job]) -> Iterator[Recording]:
        """One recording per job as they come. Raises RenderingStoppedError when no further one can come."""
        ...

    def wait(self) -> None:
        """Block until takes can be rendered. Raises RenderingStoppedError when that will never be."""
        ...

    def stop(self) -> None:
        """End rendering soon, from any thread: `run` then raises RenderingStoppedError."""
        ...

    def close(self, at_once: bool = False) -> None:
        """Give back workers and wait until they are gone; jobs under way are dropped.

        `at_once`: everything that they stand on ends next, and takes them with it."""
        ...
