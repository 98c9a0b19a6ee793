"""The generators of one run on what there is: how many workers each gets, who works beside whom, who comes after whom.

Generators that want the same thing (processors, or devices) come one after another, each with all of it; one on devices
and one on processors work at the same time where both fit. Sizes are decided here, before anything is started.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

from services.rendering.jobs import STOPPED, Executor, GeneratorStoppedError, RenderingStoppedError, Workshop
from services.rendering.machine import Machine

SPARE_MB = 1024.0  # for the driver, its servers and what else the machine does
FINISHER_MB = 500.0
MOST_FINISHERS = 16


@dataclass(frozen=True)
class Crew:
    """One generator's workers: how they are built, and how many of each kind."""

    workshop: Workshop
    actors: int
    finishers: int

    @property
    def cpus(self) -> float:
        return self.actors * self.workshop.resources.cpus

    @property
    def memory_mb(self) -> float:
        return self.actors * self.workshop.resources.memory_mb

    @property
    def on_devices(self) -> bool:
        return self.workshop.resources.gpus > 0


@dataclass(frozen=True)
class Line:
    """The crews of a run by the names of their generators, and the lanes they stand in: those of one lane work one
    after another, lanes beside each other."""

    crews: Mapping[str, Crew]
    lanes: tuple[tuple[str, ...], ...]

    @property
    def cpus(self) -> float:
        """The processors that crews working at the same time ask for, at most."""
        return sum(max(self.crews[name].cpus for name in lane) for lane in self.lanes)


def line_up(workshops: Iterable[Workshop], machine: Machine, actors: int | None = None) -> Line:
    """Crews and lanes for these generators on `machine`; `actors` is a wish that overrides the number of workers."""
    shops = {shop.generator: shop for shop in workshops}
    crews = {name: crew_of(shop, machine, actors) for name, shop in shops.items()}
    on_devices = tuple(name for name, crew in crews.items() if crew.on_devices)
    on_processors = tuple(name for name in crews if name not in on_devices)
    if not on_devices or not on_processors:
        return Line(crews, (tuple(crews),))
    left = _left_beside([crews[name] for name in on_devices], machine)
    if not all(_fits(shops[name], left) for name in on_processors):
        return Line(crews, ((*on_devices, *on_processors),))
    crews |= {name: crew_of(shops[name], left, actors) for name in on_processors}
    return Line(crews, (on_devices, on_processors))


def crew_of(shop: Workshop, machine: Machine, actors: int | None = None) -> Crew:
    """As many workers as the devices hold, or processors and free memory do; at least one of each kind."""
    wanted, needs = actors or most_actors(shop, machine), shop.resources
    finishers = min(wanted, machine.processors)
    if needs.gpus:  # a device makes more than one processor finishes
        by_memory = (machine.free_mb - SPARE_MB - wanted * needs.memory_mb) / FINISHER_MB
        finishers = min(machine.processors - wanted * needs.cpus, by_memory, MOST_FINISHERS)
    return Crew(shop, wanted, max(1, int(finishers)))


def most_actors(shop: Workshop, machine: Machine) -> int:
    """How many actors of a generator `machine` holds; 1 where it holds none, which then says itself what is short."""
    needs = shop.resources
    by_memory = (machine.free_mb - SPARE_MB) / needs.memory_mb
    if needs.gpus:
        a_device = int(1 / needs.gpus + 1e-6) if needs.gpus < 1 else 0  # no share goes across two devices
        held = machine.devices * a_device if a_device else machine.devices // needs.gpus
        return max(1, int(min(held, by_memory)))
    return max(1, int(min(machine.processors / max(needs.cpus, 0.1), by_memory)))


def _left_beside(crews: list[Crew], machine: Machine) -> Machine:
    """What is left while the largest of these crews is at work."""
    cpus, memory = max(crew.cpus for crew in crews), max(crew.memory_mb for crew in crews)
    return replace(machine, processors=machine.processors - cpus, free_mb=machine.free_mb - memory, devices=0)


def _fits(shop: Workshop, machine: Machine) -> bool:
    needs = shop.resources
    return machine.processors >= needs.cpus and machine.free_mb - SPARE_MB >= needs.memory_mb


class Holds(Protocol):
    """What executors stand on: a Ray that was started or joined."""

    def wait(self) -> None: ...

    def close(self) -> None: ...


class Crews:
    """The executors of a run: each is opened when its turn comes and gives everything back when it is over."""

    def __init__(self, line: Line, open_executor: Callable[[Crew], Executor], ground: Holds | None = None) -> None:
        self._line = line
        self._open_executor = open_executor
        self._ground = ground
        self._open: dict[str, Executor] = {}
        self._lock = Lock()
        self._stopped = False

    @property
    def lanes(self) -> tuple[tuple[str, ...], ...]:
        return self._line.lanes

    def begin(self) -> None:
        """Let the first of every lane get ready; does not wait for them."""
        for lane in self._line.lanes:
            self.executor(lane[0])

    def wait(self) -> None:
        """Block until takes can be rendered. Raises RenderingStoppedError where none of the run ever can be."""
        if self._ground is not None:
            self._ground.wait()
        stopped = [error for executor in self._opened() if (error := _waited(executor)) is not None]
        if stopped and len(stopped) == len(self._line.crews):
            raise stopped[0]

    def executor(self, generator: str) -> Executor:
        """The executor of a generator, opened where it is not. Raises RenderingStoppedError once all is stopped."""
        with self._lock:
            if generator not in self._open:
                if self._stopped:
                    raise RenderingStoppedError(STOPPED)
                self._open[generator] = self._open_executor(self._line.crews[generator])
                if self._stopped:
                    self._open[generator].stop()
            return self._open[generator]

    def release(self, generator: str) -> None:
        """The generator's turn is over: its workers end, and what they held is free for the next."""
        with self._lock:
            executor = self._open.pop(generator, None)
        if executor is not None:
            executor.close()

    def stop(self) -> None:
        """End rendering soon, from any thread."""
        self._stopped = True
        for executor in self._opened():
            executor.stop()

    def close(self) -> None:
        """Give back everything; jobs under way are dropped."""
        self._stopped = True
        for executor in self._opened():
            executor.close(at_once=self._ground is not None)
        if self._ground is not None:
            self._ground.close()

    def _opened(self) -> list[Executor]:
        return list(self._open.values())


def _waited(executor: Executor) -> GeneratorStoppedError | None:
    try:
        executor.wait()
    except GeneratorStoppedError as error:
        return error
    return None
