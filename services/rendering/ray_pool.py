"""The executor on Ray: a pool of generator actors and finishing actors that outlives the shards it works for.

One dispatcher thread owns all state. Audio goes from generator to finishing actor by object reference and never passes
through the driver. A death requeues the takes it hit; after `DEATHS_TOGETHER` deaths a take is tried alone, then
quarantined; a batch that did not fit into memory is tried on another actor, then reported. When actors die again and
again and no take gets anywhere, waiting callers are told; nothing stalls.
"""

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from db.rows import Recording
from models.generator import NoRoomError, Request
from services.rendering.flights import DEATHS_TOGETHER, Flight, Pace, Tracked
from services.rendering.in_process import MEMORY_TRIES, MOST_WITHOUT_ROOM, batches, could_not_start, no_room
from services.rendering.jobs import STOPPED, GeneratorStoppedError, Job, RenderingStoppedError, Workshop
from services.rendering.ray_cluster import Session, check_fits
from services.rendering.slots import Slot, Spawned, spawn_finisher, spawn_generator, wait_until_gone
from services.rendering.workers import FinishReport, Report, is_device_lost, is_out_of_memory, lost_text

POLL_S = 0.1
HEAD_START_S = 15.0
BUNDLE = 16
Replies = queue.SimpleQueue  # of Recording or the exception that ended the pool


class RayExecutor:
    """An Executor whose `run` may be called from several threads at once. Made at once; its actors start behind it."""

    def __init__(self, workshop: Workshop, actors: int, finishers: int, session: Session) -> None:
        self._workshop = workshop
        self._session = session
        self._token = f".pool-{uuid.uuid4()}"  # proves to finishers that they see the same home
        self._stop = threading.Event()
        self._over = threading.Event()
        self._at_once = False
        self._incoming: queue.SimpleQueue[list[Tracked]] = queue.SimpleQueue()
        self._waiting: deque[list[Tracked]] = deque()
        self._rendered: deque[Tracked] = deque()
        self._flights: dict[Any, Flight] = {}
        self._generating, self._finishing = Pace(), Pace()
        self._busy: set[str] = set()  # takes that some actor or finisher has in hand
        self._deaths_in_a_row = self._without_room = 0
        self._head_start_ends = 0.0
        self._failure: BaseException | None = None
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
                    raise self._failure or RenderingStoppedError("the pool of actors is closed") from None
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

    def close(self, at_once: bool = False) -> None:
        """End the actors, and wait until what they held is free; `at_once` where the session ends next."""
        self._at_once = at_once
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
        (self._workshop.home / self._token).unlink(missing_ok=True)
        if self._at_once:
            return
        for slot in self._slots:
            slot.kill()
        wait_until_gone([slot.ready.place for slot in self._generators if slot.ready is not None])

    def _begin(self) -> None:
        resources = self._workshop.resources
        self._session.wait()
        try:
            check_fits(resources.cpus, resources.gpus, self._reserved_mb)
        except GeneratorStoppedError as error:
            raise could_not_start(self._workshop, error) from error
        (self._workshop.home / self._token).touch()
        self._head_start_ends = 0.0 if resources.gpus else time.monotonic() + HEAD_START_S
        self._generators[0].start()
        self._finishers[0].start()
        self._connected.set()

    @property
    def _reserved_mb(self) -> int:
        """Memory that Ray sets aside for an actor: on a cluster of machines. On one machine the actors were counted to
        fit, and what is free there changes too much for a reservation not to stall a run."""
        return self._workshop.resources.memory_mb if self._session.cluster.address else 0

    def _start_slots(self) -> None:
        """On processors, one actor of each kind makes the first take before the others import libraries beside it.

        Of actors that share a device, or the machine's memory for a checkpoint, one loads at a time: each must see how
        much of it the others left."""
        if time.monotonic() < self._head_start_ends:
            return
        gpus = self._workshop.resources.gpus
        sharing = 0 < gpus < 1 or bool(not gpus and self._workshop.options)
        for slot in self._slots:
            loading = sharing and any(other.started and other.ready is None for other in self._generators)
            if not slot.started and not (loading and slot in self._generators):
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
        held: list[list[Tracked]] = []
        for batch in self._next_batches():
            if not self._send_batch(batch):
                held.append(batch)
                if not batch[0].avoid:  # others may go where this one may not
                    break
        self._waiting.extendleft(reversed(held))
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
        if self._generating.quick and not batch[0].hit:
            while self._waiting and len(batch) + len(self._waiting[0]) <= BUNDLE * self._workshop.batch_size:
                if self._waiting[0][0].hit or self._waiting[0][0].job.shape != batch[0].job.shape:
                    break
                batch = batch + self._waiting.popleft()
        return batch

    def _next_rendered(self) -> list[Tracked]:
        works = [self._rendered.popleft()]
        if self._finishing.quick and not works[0].hit:
            while self._rendered and len(works) < BUNDLE and not self._rendered[0].hit:
                works.append(self._rendered.popleft())
        return works

    def _send_batch(self, batch: list[Tracked]) -> bool:
        batch[:] = [work for work in batch if not work.cancelled]
        if not batch:
            return True
        if any(work.job.take_id in self._busy for work in batch):
            return False  # an earlier, abandoned try at the same take has yet to land
        slot = self._choose(self._generators, alone=batch[0].alone, avoid=batch[0].avoid)
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

    def _choose(self, slots: list[Slot], alone: bool, avoid: str = "") -> Slot | None:
        """The least loaded free slot; an idle one, then kept for it, for a take that is tried alone.

        `avoid` is taken only where no other slot has a living actor."""
        others = [slot for slot in slots if slot.name != avoid and slot.ready is not None]
        free = [slot for slot in others or slots if (slot.idle if alone else slot.free)]
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
        told = {*ready, *more}
        for reference in told & warming.keys():
            self._warmed(warming[reference], reference)
        for reference in self._answered_calls(told):
            self._landed(reference)

    def _answered_calls(self, told: set[Any]) -> list[Any]:
        """The calls that have been answered, in the order in which they were sent: of a lost device the first one that
        fails is to blame. An actor answers in order, but Ray may tell of a later answer first: those before it are in
        then, or about to be."""
        flights = list(enumerate(self._flights.items()))
        last = {id(flight.actor): n for n, (reference, flight) in flights if reference in told}
        return [reference for n, (reference, flight) in flights if n <= last.get(id(flight.actor), -1)]

    def _warmed(self, slot: Slot, reference: Any) -> None:
        import ray

        try:
            slot.ready = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if slot in self._generators and not is_out_of_memory(error.cause) and is_device_lost(error.cause):
                self._replace(slot, lost_text(error.cause))
            else:
                self._could_not_start(slot, error.cause)
        except ray.exceptions.RayError as error:
            self._replace(slot, _reason(error))

    def _could_not_start(self, slot: Slot, cause: BaseException) -> None:
        """What keeps a worker from starting keeps the next one too; only for want of room others may still work:
        those that are at it already, and those on other devices."""
        if slot in self._finishers:
            raise RenderingStoppedError(f"{slot.name} could not start: {cause}") from cause
        others = [other for other in self._generators if other is not slot]
        elsewhere = any(other.ready is not None for other in others) or (others and self._workshop.resources.gpus > 0)
        if not (isinstance(cause, NoRoomError) and elsewhere):
            raise could_not_start(self._workshop, cause) from cause
        slot.kill()
        self._generators.remove(slot)

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
            if flight.recalled:
                self._go_back(flight)
            else:
                self._died(flight.slot, flight.actor, flight.works, _reason(error), self._workshop.memory_remedy)
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
        if answer.out_of_memory is not None:
            self._ran_out(flight, answer.out_of_memory)
            return
        if answer.lost is not None:
            self._lost_device(flight, answer.lost)
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

    def _ran_out(self, flight: Flight, reason: str) -> None:
        """A batch did not fit: its actor is given up, as it may hold what it allocated, and another one tries."""
        slot = flight.slot
        if flight.actor is slot.actor:
            self._recall(slot)
            self._replace(slot, reason)
        again: list[Tracked] = []
        for work in flight.works:
            work.ran_out_of_memory(reason)
            work.avoid = slot.name
            if work.ran_out < MEMORY_TRIES:
                self._busy.discard(work.job.take_id)
                again.append(work)
            else:
                self._answer(work, work.out_of_room(self._workshop.memory_remedy))
        if again:
            self._waiting.appendleft(again)
        else:
            self._check_room(reason)

    def _lost_device(self, flight: Flight, reason: str) -> None:
        """The actor lives, but its device does not: a death of the worker, over the batch that it first failed."""
        if flight.recalled:
            self._go_back(flight)
            return
        if flight.actor is flight.slot.actor:
            self._recall(flight.slot)
        self._died(flight.slot, flight.actor, flight.works, reason, remedy="")

    def _recall(self, slot: Slot) -> None:
        """What else the slot's actor has in hand goes back without blame: the actor is given up."""
        for other in self._flights.values():
            other.recalled = other.recalled or other.actor is slot.actor

    def _go_back(self, flight: Flight) -> None:
        self._busy.difference_update(work.job.take_id for work in flight.works)
        self._waiting.appendleft(flight.works)

    def _check_room(self, reason: str) -> None:
        """A batch was given up for want of memory: when one after another is, the rest need not be tried."""
        self._without_room += 1
        if self._without_room > MOST_WITHOUT_ROOM:
            raise no_room(self._workshop, reason)

    def _replace(self, slot: Slot, reason: str) -> None:
        """A new actor in the slot; ends the pool where actors keep dying and nothing gets done."""
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row > (DEATHS_TOGETHER + 2) * len(self._slots):
            told = f"{self._workshop.generator}: actors keep dying and no take gets done; the last: {reason}"
            raise GeneratorStoppedError(f"{told}; where memory is why: {self._workshop.memory_remedy}")
        slot.kill()
        slot.start()

    def _finished(self, work: Tracked, report: FinishReport) -> None:
        if report.storage:
            raise RenderingStoppedError(report.error or "the store failed")
        if report.take is not None:
            self._settle(work, work.finished(report.take))
        else:
            self._settle(work, work.failed(report.error or "finishing failed"))

    def _settle(self, work: Tracked, recording: Recording) -> None:
        self._deaths_in_a_row = self._without_room = 0
        self._answer(work, recording)

    def _answer(self, work: Tracked, recording: Recording) -> None:
        self._head_start_ends = 0.0
        self._busy.discard(work.job.take_id)
        work.audio = None
        work.replies.put(recording)

    def _died(self, slot: Slot, actor: Any, works: list[Tracked], reason: str, remedy: str) -> None:
        """Put a new actor in the slot (once for each dead one) and requeue or quarantine what it held."""
        if actor is slot.actor:
            self._replace(slot, reason)
        again: list[Tracked] = []
        for work in works:
            was_alone = work.alone
            work.died(reason)
            if was_alone:
                self._settle(work, work.quarantined(remedy))
            elif work.audio is not None:
                self._rendered.appendleft(work)
            else:
                again.append(work)
        self._requeue_together(again)

    def _requeue_together(self, works: list[Tracked]) -> None:
        """After a first death in batches again: a row costs as much as a batch. After more of them one by one, which
        finds the take that kills."""
        size = self._workshop.batch_size if all(work.deaths < 2 for work in works) else 1
        for start in range(0, len(works), size):
            part = works[start : start + size]
            if size == 1:
                self._requeue(part[0])
                continue
            self._busy.difference_update(work.job.take_id for work in part)
            self._waiting.appendleft(part)

    def _requeue(self, work: Tracked) -> None:
        self._busy.discard(work.job.take_id)
        self._waiting.append([work]) if work.alone else self._waiting.appendleft([work])

    def _spawn_generator(self) -> Spawned:
        return spawn_generator(self._workshop, self._reserved_mb)

    def _spawn_finisher(self) -> Spawned:
        return spawn_finisher(self._workshop, self._token)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
