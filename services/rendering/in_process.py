"""The executor without Ray: one generator and one finisher in this process, take after take.

For reproducing single takes, for small machines and for tests; same workers, same sound as on actors.
"""

import threading
from collections.abc import Iterable, Iterator
from itertools import groupby

from db.rows import Recording
from services.rendering.jobs import STOPPED, Job, RenderingStoppedError, Workshop
from services.rendering.recordings import Work
from services.rendering.workers import FinishingWorker, GeneratorWorker


class InProcessExecutor:
    """An Executor that renders when its iterator is advanced."""

    def __init__(self, workshop: Workshop) -> None:
        self._batch_size = workshop.batch_size
        self._generator = GeneratorWorker(workshop)
        self._finisher = FinishingWorker(workshop)
        self._one_at_a_time = threading.Lock()
        self._stopped = False

    def run(self, jobs: Iterable[Job]) -> Iterator[Recording]:
        for batch in batches(list(jobs), self._batch_size):
            with self._one_at_a_time:
                if self._stopped:
                    raise RenderingStoppedError(STOPPED)
                recordings = list(self._run_batch(batch))
            yield from recordings

    def wait(self) -> None:
        self._generator.warm_up()

    def stop(self) -> None:
        self._stopped = True

    def _run_batch(self, batch: list[Job]) -> Iterator[Recording]:
        ready = self._generator.warm_up()
        works = [Work(job, profile=ready.profile) for job in batch]
        for work in works:
            work.begin(ready.place)
        report, renditions = self._generator.generate([job.request for job in batch])
        for work, rendition, error in zip(works, renditions, report.errors, strict=True):
            work.generated_s = report.seconds / len(batch)
            if rendition is None:
                yield work.failed(error or "the generator returned nothing")
                continue
            finished = self._finisher.finish(work.job, rendition)
            if finished.storage:
                raise RenderingStoppedError(finished.error)
            yield work.finished(finished.take) if finished.take else work.failed(finished.error or "unknown")

    def close(self) -> None:
        self._generator.close()


def batches(jobs: list[Job], size: int) -> list[list[Job]]:
    """Batches of at most `size` jobs of one shape."""
    found: list[list[Job]] = []
    for _, same in groupby(sorted(jobs, key=lambda job: job.shape), key=lambda job: job.shape):
        group = list(same)
        found += [group[start : start + size] for start in range(0, len(group), size)]
    return found
