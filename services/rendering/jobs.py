"""What goes into an executor and the port that every executor implements.

An executor promises: every job is answered exactly once, in any order; a take's sound does not depend on which
executor, actor, batch or row made it; nothing is answered `done` before its files are stored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from db.rows import NewAsset, NewFingerprint, Recording
from models.generator import Rendition, Request, Resources
from services.planning.order import Delivery

STOPPED = "rendering was stopped; run the same command again to go on"


class RenderingStoppedError(RuntimeError):
    """Rendering cannot go on (no actor left, disk full, stopped by the user); what is recorded stays."""


@dataclass(frozen=True)
class Job:
    """One take to render. `folder` is its place in the readable tree, relative to the home."""

    request: Request
    delivery: Delivery
    folder: str

    @property
    def take_id(self) -> str:
        return self.request.take_id

    @property
    def shape(self) -> tuple[float, bool, bool]:
        """Jobs of one shape may share a batch: same length, looping and stems."""
        return (self.request.controls.duration, self.request.controls.loop, self.request.stems)


@dataclass(frozen=True)
class Workshop:
    """What an executor needs to build its workers: import paths, so that they can be built on another machine.

    `factory` builds the generator (see `models.registry`), `finisher` what masters and stores (`create(home)`).
    """

    factory: str
    batch_size: int
    resources: Resources
    home: Path
    cache_dir: Path
    finisher: str = "services.rendering.finishing:create"


@dataclass(frozen=True)
class FinishedTake:
    """A take whose files are stored: what finishing hands back. `profile` says what mastering's bits depend on."""

    assets: tuple[NewAsset, ...]
    measurements: dict[str, float]
    pcm_sha256: str
    profile: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    fingerprint: NewFingerprint | None = None


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

    def close(self) -> None:
        """Give back workers; jobs under way are dropped."""
        ...
