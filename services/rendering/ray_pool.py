"""The executor on Ray: a pool of generator actors and finishing actors that outlives the shards it works for.

One dispatcher thread owns all state. Audio goes from generator to finishing actor by object reference and never passes
through the driver. A death requeues the takes it hit; after `DEATHS_TOGETHER` deaths a take is tried alone, then
quarantined. When actors die again and again and no take gets anywhere, waiting callers are told; nothing stalls.
"""

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from db.rows import Recording
from models.generator import Request
from services.rendering.in_process import batches
from services.rendering.jobs import STOPPED, Job, RenderingStoppedError, Workshop
from services.rendering.ray_cluster import Cluster, check_fits, connect, disconnect
from services.rendering.recordings import Work
from services.rendering.slots import Slot
from services.rendering.workers import FinishingWorker, FinishReport, GeneratorWorker, Report

DEATHS_TOGETHER = 3
POLL_S = 0.1
HEAD_START_S = 15.0
QUICK_S = 0.02  # a call to an actor costs about a millisecond: quicker takes than this share one
BUNDLE = 16
Replies = queue.SimpleQueue  # of Recording or the exception that ended the pool


@dataclass
class Tracked(Work):
    """A job in the pool: who waits for it, and its audio once it is generated."""

    replies: Any = None
    audio: Any = None
    cancelled: bool = False  # nobody waits for it any more

    @property
    def alone(self) -> bool:
        return self.deaths >= DEATHS_TOGETHER


@dataclass
class Flight:
    """Work that an actor has in hand; `rows` are the references of a batch's renditions."""

    slot: Slot
    actor: Any
    works: list[Tracked]
    rows: list[Any] | None = None


@dataclass
class Pace:
    """How long a take lately took at one kind of worker, in seconds; unknown at first."""

    seconds: float = float("inf")

    @property
    def quick(self) -> bool:
        return self.seconds < QUICK_S

    def learn(self, seconds: float, takes: int) -> None:
        """`takes` took `seconds` together."""
        self.seconds = seconds / takes if self.seconds == float("inf") else 0.8 * self.seconds + 0.2 * seconds / takes


class RayExecutor:
    """An Executor whose `run` may be called from several threads at once. Made at once; Ray starts behind it."""

    def __init__(self, workshop: Workshop, actors: int, finishers: int, cluster: Cluster) -> None:
        self._workshop = workshop
        self._token = f".pool-{uuid.uuid4()}"  # proves to finishers that they see the same home
        self._stop = threading.Event()
        self._over = threading.Event()
        self._leave = True
        self._incoming: queue.SimpleQueue[list[Tracked]] = queue.SimpleQueue()
        self._waiting: deque[list[Tracked]] = deque()
        self._rendered: deque[Tracked] = deque()
        self._flights: dict[Any, Flight] = {}
        self._generating, self._finishing = Pace(), Pace()
        self._busy: set[str] = set()  # takes that some actor or finisher has in hand
        self._deaths_in_a_row = 0
        self._head_start_ends = 0.0
        self._failure: BaseException | None = None
        if cluster.address is None and cluster.cpus is None:
            cluster = replace(cluster, cpus=max(1.0, actors * workshop.resources.cpus))
        self._cluster = cluster
        self._generators = [Slot(f"generator-{n}", self._spawn_generator) for n in range(actors)]
        self._finishers = [Slot(f"finisher-{n}", self._spawn_finisher) for n in range(finishers)]
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._dispatch, name="cueworks-pool", daemon=True)
        self._thread.start()

    @property
    def _slots(self) -> list[Slot]:
        return self._generators + self._finishers

    def run(self, jobs: Iterable[Job]) -> Iterator[Recording]:
        replies: Any = Replies()
        works = {job.take_id: Tracked(job, replies=replies) for job in jobs}
        by_batch = batches([work.job for work in works.values()], self._workshop.batch_size)
        for batch in by_batch:
            self._incoming.put([works[job.take_id] for job in batch])
        try:
            for _ in works:
                yield self._reply(replies)
        finally:
            for work in works.values():
                work.cancelled = True

    def _reply(self, replies: Any) -> Recording:
        while True:
            try:
                reply = replies.get(timeout=1.0)
            except queue.Empty:
                if self._failure is not None or not self._thread.is_alive():
                    raise RenderingStoppedError(str(self._failure or "the pool of actors is closed")) from None
                continue
            if isinstance(reply, BaseException):
                raise reply
            return reply

    def wait(self) -> None:
        """Block until the cluster is there and actors are on their way. Raises RenderingStoppedError."""
        self._connected.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._stop.set()

    def close(self, leave: bool = True) -> None:
        """End the actors and, with `leave`, the part in the cluster; a local cluster ends with it."""
        self._leave = leave
        self._stop.set()
        self._over.set()
        self._thread.join()

    # The dispatcher: everything below runs in its thread.

    def _dispatch(self) -> None:
        try:
            self._begin()
            while not self._stop.is_set():
                self._start_slots()
                self._take_in()
                self._give_out()
                self._collect()
            raise RenderingStoppedError(STOPPED)
        except BaseException as error:
            self._failure = error if isinstance(error, RenderingStoppedError) else RenderingStoppedError(str(error))
            for work in self._open_works():
                work.replies.put(self._failure)
        finally:
            self._connected.set()
            self._over.wait()
            self._end()

    def _end(self) -> None:
        """Waited for by `close`: whatever this thread started would die with it, and leaving a dead cluster is slow."""
        (self._workshop.home / self._token).unlink(missing_ok=True)
        if self._leave:
            disconnect()
            return
        import ray

        for slot in self._slots:
            if slot.started:
                ray.kill(slot.actor)

    def _begin(self) -> None:
        """Ray's processes die with the thread that started them, so that is the one thread that lives as long."""
        resources = self._workshop.resources
        connect(self._cluster)
        check_fits(resources.cpus, resources.gpus)
        (self._workshop.home / self._token).touch()
        self._head_start_ends = 0.0 if resources.gpus else time.monotonic() + HEAD_START_S
        self._generators[0].start()
        self._finishers[0].start()
        self._connected.set()

    def _start_slots(self) -> None:
        """On processors, one actor of each kind makes the first take before the others import libraries beside it."""
        if time.monotonic() >= self._head_start_ends:
            for slot in self._slots:
                if not slot.started:
                    slot.start()

    def _open_works(self) -> list[Tracked]:
        while not self._incoming.empty():
            self._waiting.append(self._incoming.get())
        flying = [work for flight in self._flights.values() for work in flight.works]
        return [work for batch in self._waiting for work in batch] + list(self._rendered) + flying

    def _take_in(self) -> None:
        warming = any(slot.started and slot.ready is None for slot in self._slots)
        busy = bool(self._flights or self._waiting or self._rendered or warming)
        try:
            self._waiting.append(self._incoming.get(timeout=None if busy else POLL_S, block=not busy))
            while True:
                self._waiting.append(self._incoming.get_nowait())
        except queue.Empty:
            return

    def _give_out(self) -> None:
        for batch in self._next_batches():
            if not self._send_batch(batch):
                self._waiting.appendleft(batch)
                break
        while self._rendered:
            works = self._next_rendered()
            if not self._send_finish(works):
                self._rendered.extendleft(reversed(works))
                break

    def _next_batches(self) -> Iterator[list[Tracked]]:
        """Batches while finishing keeps up: audio that waits for a finisher holds memory."""
        finishing = sum(slot.load for slot in self._finishers)
        while self._waiting and len(self._rendered) + finishing < 3 * len(self._finishers) + self._workshop.batch_size:
            yield self._bundled(self._waiting.popleft())

    def _bundled(self, batch: list[Tracked]) -> list[Tracked]:
        """`batch` and more of its shape in one call, when takes are so quick that a call costs more than a take.

        A take that was hit by a death travels without company."""
        if self._generating.quick and not batch[0].deaths:
            while self._waiting and len(batch) + len(self._waiting[0]) <= BUNDLE * self._workshop.batch_size:
                if self._waiting[0][0].deaths or self._waiting[0][0].job.shape != batch[0].job.shape:
                    break
                batch = batch + self._waiting.popleft()
        return batch

    def _next_rendered(self) -> list[Tracked]:
        works = [self._rendered.popleft()]
        if self._finishing.quick and not works[0].deaths:
            while self._rendered and len(works) < BUNDLE and not self._rendered[0].deaths:
                works.append(self._rendered.popleft())
        return works

    def _send_batch(self, batch: list[Tracked]) -> bool:
        batch[:] = [work for work in batch if not work.cancelled]
        if not batch:
            return True
        if any(work.job.take_id in self._busy for work in batch):
            return False  # an earlier, abandoned try at the same take has yet to land
        slot = self._choose(self._generators, alone=batch[0].alone)
        if slot is None:
            return False
        requests: list[Request] = [work.job.request for work in batch]
        for work in batch:
            work.begin(f"{slot.name}@{slot.ready.place}")
            work.profile = slot.ready.profile
            self._busy.add(work.job.take_id)
        method = slot.actor.generate_rows.options(num_returns=1 + len(batch))
        report, *rows = method.remote(requests)
        self._launch(report, Flight(slot, slot.actor, batch, rows))
        return True

    def _send_finish(self, works: list[Tracked]) -> bool:
        slot = self._choose(self._finishers, alone=works[0].alone)
        if slot is None:
            return False
        call = slot.actor.finish_rows.remote([work.job for work in works], *(work.audio for work in works))
        self._launch(call, Flight(slot, slot.actor, works))
        return True

    def _choose(self, slots: list[Slot], alone: bool) -> Slot | None:
        """The least loaded free slot; an idle one, then kept for it, for a take that is tried alone."""
        free = [slot for slot in slots if (slot.idle if alone else slot.free)]
        slot = min(free, key=lambda s: s.load, default=None)
        if slot is not None:
            slot.exclusive = alone
        return slot

    def _launch(self, reference: Any, flight: Flight) -> None:
        flight.slot.load += 1
        self._flights[reference] = flight

    def _collect(self) -> None:
        import ray

        warming = {slot.warming: slot for slot in self._slots if slot.started and slot.ready is None}
        pending = [*self._flights, *warming]
        if not pending:
            return
        ready, _ = ray.wait(pending, num_returns=1, timeout=POLL_S, fetch_local=True)
        more, _ = ray.wait(pending, num_returns=len(pending), timeout=0) if ready else ([], [])
        for reference in {*ready, *more}:
            if reference in warming:
                self._warmed(warming[reference], reference)
            else:
                self._landed(reference)

    def _warmed(self, slot: Slot, reference: Any) -> None:
        import ray

        try:
            slot.ready = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise RenderingStoppedError(f"{slot.name} could not start: {error.cause}") from error
        except ray.exceptions.RayError as error:
            self._died(slot, slot.actor, [], error)

    def _landed(self, reference: Any) -> None:
        import ray

        flight = self._flights.pop(reference)
        try:
            answer = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            self._broke(flight, error.cause)
        except ray.exceptions.ObjectLostError as error:
            self._broke(flight, error)
        except ray.exceptions.RayError as error:
            self._died(flight.slot, flight.actor, flight.works, error)
            return
        else:
            self._answered(flight, answer)
        if flight.actor is flight.slot.actor:
            flight.slot.load -= 1
            flight.slot.exclusive = False

    def _broke(self, flight: Flight, cause: Exception) -> None:
        """A call failed on a living actor: its audio was lost with another node, or the machinery has a fault."""
        import ray

        for work in flight.works:
            if isinstance(cause, ray.exceptions.RayError) and not work.alone:
                work.died(f"{type(cause).__name__}: {cause}")
                work.audio = None
                self._requeue(work)
            else:
                self._settle(work, work.failed(f"{type(cause).__name__}: {cause}"))

    def _answered(self, flight: Flight, answer: Report | list[FinishReport]) -> None:
        if isinstance(answer, list):
            self._finishing.learn(sum(report.seconds for report in answer), len(answer))
            for work, report in zip(flight.works, answer, strict=True):
                self._finished(work, report)
            return
        self._generating.learn(answer.seconds, len(flight.works))
        for work, row, error in zip(flight.works, flight.rows or (), answer.errors, strict=True):
            work.generated_s = answer.seconds / len(flight.works)
            if error is not None:
                self._settle(work, work.failed(error))
            elif work.cancelled:
                self._busy.discard(work.job.take_id)
            else:
                work.audio = row
                self._rendered.append(work)

    def _finished(self, work: Tracked, report: FinishReport) -> None:
        if report.storage:
            raise RenderingStoppedError(report.error or "the store failed")
        if report.take is not None:
            self._settle(work, work.finished(report.take))
        else:
            self._settle(work, work.failed(report.error or "finishing failed"))

    def _settle(self, work: Tracked, recording: Recording) -> None:
        self._deaths_in_a_row = 0
        self._head_start_ends = 0.0
        self._busy.discard(work.job.take_id)
        work.audio = None
        work.replies.put(recording)

    def _died(self, slot: Slot, actor: Any, works: list[Tracked], error: Exception) -> None:
        """Put a new actor in the slot (once for each dead one) and requeue or quarantine what it held."""
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        if actor is slot.actor:
            self._deaths_in_a_row += 1
            if self._deaths_in_a_row > (DEATHS_TOGETHER + 2) * len(self._slots):
                raise RenderingStoppedError(f"actors keep dying and no take gets done; the last: {reason}")
            slot.start()
        for work in works:
            was_alone = work.alone
            work.died(reason)
            if was_alone:
                self._settle(work, work.quarantined())
            elif work.audio is not None:
                self._rendered.appendleft(work)
            else:
                self._requeue(work)

    def _requeue(self, work: Tracked) -> None:
        self._busy.discard(work.job.take_id)
        self._waiting.append([work]) if work.alone else self._waiting.appendleft([work])

    def _spawn_generator(self) -> tuple[Any, Any]:
        import ray

        resources = self._workshop.resources
        actor = (
            ray.remote(GeneratorWorker)
            .options(num_cpus=resources.cpus, num_gpus=resources.gpus, max_restarts=0)
            .remote(self._workshop, own_process=True)
        )
        return actor, actor.warm_up.remote()

    def _spawn_finisher(self) -> tuple[Any, Any]:
        import ray

        actor = ray.remote(FinishingWorker).options(num_cpus=0, max_restarts=0).remote(self._workshop, own_process=True)
        return actor, actor.warm_up.remote(self._token)
