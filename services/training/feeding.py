"""Batches made ahead in a thread, so that the device never waits for them; and how long it waited all the same.

A batch is a function of its step's number alone. Nothing here knows what is in one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
AHEAD = 4
_POLL_S = 0.1


class Feed(Generic[T]):
    """Iterates over the batches of steps `first` to `steps` - 1, each made by `make(step)` in a thread of its own.

    `waited` is the seconds that the consumer stood still. An error of `make` is raised where its batch would come.
    """

    def __init__(self, make: Callable[[int], T], first: int, steps: int, ahead: int = AHEAD) -> None:
        self._make, self._range = make, range(first, steps)
        self._queue: Queue[T | BaseException] = Queue(ahead)
        self._over = threading.Event()
        self.waited = 0.0
        self._thread = threading.Thread(target=self._work, name="cueworks-feed", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        for _ in self._range:
            begun = time.perf_counter()
            batch = self._queue.get()
            self.waited += time.perf_counter() - begun
            if isinstance(batch, BaseException):
                raise batch
            yield batch

    def close(self) -> None:
        """Stop making batches."""
        self._over.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=_POLL_S)
            except Empty:
                continue
        self._thread.join()

    def _work(self) -> None:
        for step in self._range:
            try:
                batch: T | BaseException = self._make(step)
            except BaseException as error:
                batch = error
            while not self._over.is_set():
                try:
                    self._queue.put(batch, timeout=_POLL_S)
                    break
                except Full:
                    continue
            if self._over.is_set() or isinstance(batch, BaseException):
                return
