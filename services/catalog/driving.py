"""Drives the shards of one run through an executor and records what comes back, batch by batch.

What a scheduler calls: each call is safe to repeat. Recording happens as takes come, never at the end, so that a kill
loses at most what is on its way.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db.rows import Recording
from services.catalog import runs
from services.rendering.jobs import Executor, RenderingStoppedError

FLUSH_TAKES = 128
FLUSH_S = 0.5

Progress = Callable[[int, int], None]  # newly done, newly failed


@dataclass
class Driver:
    """One run being driven. `first_recorded` is the moment (`time.perf_counter`) of the first
    recorded take; `stopped` says why rendering could not go on, `faults` what broke which shard for good."""

    engine: Engine
    executor: Executor
    run_id: str
    progress: Progress = lambda done, failed: None
    first_recorded: float | None = None
    stopped: str | None = None
    faults: dict[int, Exception] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def drive(self, shard: int) -> dict[str, int]:
        """Render what is missing of a shard; returns its takes counted by outcome.

        Raises RenderingStoppedError when rendering cannot go on at all.
        """
        batch = _Batch(self)
        try:
            for recording in self.executor.run(runs.shard_jobs(self.engine, self.run_id, shard)):
                batch.add(recording)
            batch.flush()
        except Exception as error:
            self._note(shard, error)
            with contextlib.suppress(Exception):  # what is finished is worth a try; the first error is the one told
                batch.flush()
            raise
        self.faults.pop(shard, None)
        return batch.counts

    def _note(self, shard: int, error: Exception) -> None:
        if isinstance(error, RenderingStoppedError):
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
