"""Drives the shards of one run through an executor and records what comes back, batch by batch.

What a scheduler calls: each call is safe to repeat. Recording happens as takes come, never at the end, so that a kill
loses at most what is on its way.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db.rows import Recording
from services.catalog import runs
from services.rendering.jobs import Executor, GeneratorStoppedError, RenderingStoppedError

FLUSH_TAKES = 128
FLUSH_S = 0.5

Progress = Callable[[int, int], None]  # newly done, newly failed


@dataclass
class Driver:
    """One run being driven. `executor_of` gives a shard's executor; `first_recorded` is the moment
    (`time.perf_counter`) of the first recorded take; `stopped` says why rendering could not go on, `given_up` why that
    of single generators could not, `faults` what broke which shard for good; `listening` are the cues whose takes
    are heard."""

    engine: Engine
    executor_of: Callable[[int], Executor]
    run_id: str
    progress: Progress = lambda done, failed: None
    first_recorded: float | None = None
    stopped: str | None = None
    listening: frozenset[str] = frozenset()
    given_up: dict[str, None] = field(default_factory=dict)  # in the order in which it happened, each told once
    faults: dict[int, Exception] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def told(self) -> str | None:
        """Why not everything was tried; None where it was."""
        return self.stopped or "; ".join(self.given_up) or None

    def drive(self, shard: int) -> dict[str, int]:
        """Render what is missing of a shard; returns its takes counted by outcome.

        Raises RenderingStoppedError when rendering cannot go on at all.
        """
        batch = _Batch(self)
        try:
            jobs = runs.shard_jobs(self.engine, self.run_id, shard, self.listening)
            for recording in self.executor_of(shard).run(jobs):
                batch.add(recording)
            batch.flush()
        except Exception as error:
            self._note(shard, error)
            with contextlib.suppress(Exception):  # what is finished is worth a try; the first error is the one told
                batch.flush()
            raise
        self.faults.pop(shard, None)
        return batch.counts

    def asking(self, more: Callable[[str], Iterable[int]]) -> Callable[[str], Iterable[int]]:
        """`more` for `Turns`, with what stops it told: a generator that may make no more has no further shards.

        Raises RenderingStoppedError when rendering cannot go on at all."""

        def asked(name: str) -> Iterable[int]:
            try:
                return more(name)
            except GeneratorStoppedError as error:
                self.given_up[str(error)] = None
                return ()
            except RenderingStoppedError as error:
                self.stopped = str(error)
                raise

        return asked

    def _note(self, shard: int, error: Exception) -> None:
        if isinstance(error, GeneratorStoppedError):
            self.given_up[str(error)] = None
        elif isinstance(error, RenderingStoppedError):
            self.stopped = str(error)
        else:
            self.faults[shard] = error

    def _record(self, recordings: list[Recording]) -> None:
        try:
            with self._lock:
                runs.record(self.engine, self.run_id, recordings)
                self.first_recorded = self.first_recorded or time.perf_counter()
                done = sum(recording.status == "done" for recording in recordings)
                self.progress(done, len(recordings) - done)
        except OperationalError as error:
            if _is_full(error):
                raise RenderingStoppedError(
                    "the disk with the database is full; free some space and run the same command again"
                ) from error
            raise


def _is_full(error: OperationalError) -> bool:
    """SQLite and PostgreSQL say it in different words."""
    told = str(error.orig).lower()
    return "is full" in told or "no space left" in told


class Turns:
    """Which shard is to be driven next: a few at a time in every lane, and of a lane's generators one after another.

    When the last shard of a generator is over, `more` is asked for further ones; where it has none, `release` is called
    with the generator's name. One that cannot go on is not asked."""

    def __init__(
        self,
        shards: Mapping[str, Iterable[int]],
        lanes: Iterable[Iterable[str]],
        release: Callable[[str], None],
        at_once: int,
        more: Callable[[str], Iterable[int]] = lambda name: (),
    ) -> None:
        self._left = {name: deque(numbers) for name, numbers in shards.items()}
        self._lanes = [deque(name for name in lane if name in self._left) for lane in lanes]
        self._in_hand: dict[int, str] = {}
        self._release = release
        self._at_once = at_once
        self._more = more
        self._given_up: set[str] = set()
        self.known = sum(map(len, self._left.values()))  # shards so far

    def take(self) -> list[int]:
        """The shards to begin now; none in hand and none here: all is over."""
        taken: list[int] = []
        for lane in self._lanes:
            while lane and not self._left[lane[0]] and lane[0] not in self._in_hand.values():
                if not self._extend(lane[0]):
                    self._release(lane.popleft())
            while lane and self._left[lane[0]] and self._count(lane[0]) < self._at_once:
                shard = self._left[lane[0]].popleft()
                self._in_hand[shard] = lane[0]
                taken.append(shard)
        return taken

    def over(self, shard: int, given_up: bool = False) -> None:
        """A shard came to its end; `given_up`: its generator cannot go on, and its other shards are not begun."""
        name = self._in_hand.pop(shard)
        if given_up:
            self._left[name].clear()
            self._given_up.add(name)

    def _extend(self, name: str) -> bool:
        """Whether a generator that is through has further shards now."""
        more = [] if name in self._given_up else list(self._more(name))
        self._left[name].extend(more)
        self.known += len(more)
        return bool(more)

    def _count(self, name: str) -> int:
        return sum(other == name for other in self._in_hand.values())


class _Batch:
    """Recordings on their way into one transaction: the first at once, then by number or time."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._pending: list[Recording] = []
        self._flushed = float("-inf")
        self.counts: dict[str, int] = {}

    def add(self, recording: Recording) -> None:
        self._pending.append(recording)
        self.counts[recording.status] = self.counts.get(recording.status, 0) + 1
        if len(self._pending) >= FLUSH_TAKES or time.monotonic() - self._flushed > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            self._driver._record(self._pending)
            self._pending = []
            self._flushed = time.monotonic()
