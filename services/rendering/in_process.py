"""The executor without Ray: one generator and one finisher in this process, take after take.

For reproducing single takes, for small machines and for tests; same workers, same sound as on actors.
"""

import threading
from collections.abc import Iterable, Iterator
from itertools import groupby

from db.rows import Recording
from models.generator import Rendition
from services.rendering.jobs import STOPPED, GeneratorStoppedError, Job, RenderingStoppedError, Workshop
from services.rendering.recordings import Work
from services.rendering.workers import FinishingWorker, GeneratorWorker, Ready, Report

MOST_WITHOUT_ROOM = 2  # batches given up in a row, before the rest are not tried any more
MEMORY_TRIES = 2  # a batch is of a fixed shape: what did not fit twice fits nowhere here


class InProcessExecutor:
    """An Executor that renders when its iterator is advanced."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._generator = GeneratorWorker(workshop)
        self._finisher = FinishingWorker(workshop)
        self._one_at_a_time = threading.Lock()
        self._stopped = False
        self._without_room = 0
        self._given_up: GeneratorStoppedError | None = None

    def run(self, jobs: Iterable[Job]) -> Iterator[Recording]:
        for batch in batches(list(jobs), self._workshop.batch_size):
            with self._one_at_a_time:
                if self._stopped or self._given_up:
                    raise self._given_up or RenderingStoppedError(STOPPED)
                recordings = list(self._run_batch(batch))
            yield from recordings

    def wait(self) -> None:
        self._warm_up()

    def stop(self) -> None:
        self._stopped = True

    def _warm_up(self, lost: str = "") -> Ready:
        """`lost` is why the device was given up before."""
        try:
            return self._generator.warm_up()
        except Exception as error:
            if lost:
                raise self._give_up(device_lost(self._workshop, lost)) from error
            raise could_not_start(self._workshop, error) from error

    def _run_batch(self, batch: list[Job]) -> Iterator[Recording]:
        works = [Work(job) for job in batch]
        report, renditions = self._generated(works)
        if report.out_of_memory is not None:
            yield from (work.out_of_room(self._workshop.memory_remedy) for work in works)
            self._without_room += 1
            if self._without_room > MOST_WITHOUT_ROOM:
                self._give_up(no_room(self._workshop, report.out_of_memory))
            return
        self._without_room = 0
        for work, rendition, error in zip(works, renditions, report.errors, strict=True):
            work.generated_s = report.seconds / len(batch)
            if rendition is None:
                yield work.failed(error or "the generator returned nothing")
                continue
            finished = self._finisher.finish(work.job, rendition)
            if finished.storage:
                raise RenderingStoppedError(finished.error)
            yield work.finished(finished.take) if finished.take else work.failed(finished.error or "unknown")

    def _generated(self, works: list[Work]) -> tuple[Report, list[Rendition | None]]:
        """What came of a batch; where memory runs out or the device fails, once more in a generator set up anew.

        Raises GeneratorStoppedError where the device does not come back: that takes another process."""
        lost = ""
        for _ in range(MEMORY_TRIES):
            ready = self._warm_up(lost)
            for work in works:
                work.profile = ready.profile
                work.begin(ready.place)
            report, renditions = self._generator.generate([work.job.request for work in works])
            if report.out_of_memory is None and report.lost is None:
                return report, renditions
            self._generator.close()
            lost = report.lost or ""
            for work in works:
                work.died(lost) if lost else work.ran_out_of_memory(report.out_of_memory or "")
        if lost:
            raise self._give_up(device_lost(self._workshop, lost))
        return report, renditions

    def _give_up(self, error: GeneratorStoppedError) -> GeneratorStoppedError:
        self._given_up = error
        return error

    def close(self, at_once: bool = False) -> None:
        self._generator.close()


def could_not_start(workshop: Workshop, error: BaseException) -> GeneratorStoppedError:
    """What is told where a generator cannot be set up."""
    return GeneratorStoppedError(f"{workshop.generator} could not start: {error or type(error).__name__}")


def device_lost(workshop: Workshop, reason: str) -> GeneratorStoppedError:
    """What is told where the device fails again after the generator was set up anew."""
    remedy = "run the same command again, which starts a fresh process; CUEWORKS_DEVICE=cpu renders without the device"
    return GeneratorStoppedError(f"{workshop.generator}: {reason}, and it did not come back; {remedy}")


def no_room(workshop: Workshop, reason: str) -> GeneratorStoppedError:
    """What is told where batch after batch runs out of memory."""
    return GeneratorStoppedError(f"{workshop.generator} runs out of memory ({reason}); {workshop.memory_remedy}")


def batches(jobs: list[Job], size: int) -> list[list[Job]]:
    """Batches of at most `size` jobs of one shape. Those of one prompt stand together: what a generator makes of a
    prompt it may share among the rows of a batch."""
    found: list[list[Job]] = []
    for _, same in groupby(sorted(jobs, key=lambda job: (job.shape, job.request.prompt)), key=lambda job: job.shape):
        group = list(same)
        found += [group[start : start + size] for start in range(0, len(group), size)]
    return found
