"""A training run from its order to its registered model: what `cueworks train` does, in this order and no other.

Everything that can be refused is refused before Prefect and Ray are started; a run that is on record starts neither.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from db.ledger import ClockError
from db.training import TrainingRow
from flows.prefect_server import EmbeddedServer
from services.catalog.lock import catalog_lock
from services.settings import Settings
from services.training import registering
from services.training.order import Order, read_json
from services.training.planning import Planned, Wish, begin, plan
from services.training.publishing import publish
from services.training.registering import Registered
from services.training.stages import PROGRESS, outcome

LOOK_S = 0.5


class Watcher(Protocol):
    """What a caller may want to see on the way."""

    def stage(self, name: str) -> None:
        """A stage begins."""
        ...

    def learning(self, stage: str, step: int, steps: int, loss: float) -> None:
        """A lesson came so far."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `anew` False: it was on record already; `warnings` of checkpoints that were not exported,
    and of what was passed over."""

    order: Order
    folder: Path
    out: Path
    generator: str
    revision: str
    anew: bool
    left: dict[str, Any]
    warnings: tuple[str, ...] = ()


def make_plan(wish: Wish, settings: Settings) -> Planned:
    """What the wish means here. Raises TrainingError, RefusedError, SettingError; writes nothing."""
    device, workers = _place(settings)
    register, known = settings.read_register(), settings.known_generators()
    return plan(wish, settings.open_for_reading(), register, known, settings.home, device, workers)


def _place(settings: Settings) -> tuple[str, int]:
    """Where a run computes: every device where there are some, else one worker on processors."""
    from services.settings import SettingError

    if settings.device == "cpu":
        return "cpu", 1
    if settings.joins:
        from services.rendering.ray_cluster import Cluster, connect, offered

        connect(Cluster(settings.ray_address))
        devices = int(offered().devices)
    else:
        from services.rendering.machine import this_machine

        devices = int(this_machine().devices)
    if not devices and settings.device == "cuda":
        raise SettingError("CUEWORKS_DEVICE=cuda: there is no GPU here that can be used; set it to auto or cpu")
    alone = settings.executor == "in-process"
    return ("cuda", 1 if alone else devices) if devices else ("cpu", 1)


def carry_out(planned: Planned, settings: Settings, watcher: Watcher, every: int | None = None) -> Outcome:
    """Train and register, or go on with it, or say that it is done.

    Raises ClockError, before anything is written; CatalogBusyError where somebody else trains the same; TrainingError,
    RegisterError, CheckpointError; RenderingStoppedError where a worker is gone."""
    engine = settings.open_database()
    settings.check_ledger(engine)
    id_ = planned.order.id
    with catalog_lock(settings.home, engine, f"training-{id_[:16]}"):
        row = registering.done(engine, id_)
        if row is not None and _stands(settings, row):
            folder = Path(row.folder)
            return Outcome(planned.order, planned.folder, folder, row.name, row.revision, False, _left(planned.folder),
                           _passed_over(planned, folder))  # fmt: skip
        order = begin(planned)
        found = _train(engine, order, planned, settings, watcher, every)
    return Outcome(order, planned.folder, found.folder, found.row.generator, found.row.revision, True,
                   _left(planned.folder), _signed(settings, engine))  # fmt: skip


def _passed_over(planned: Planned, folder: Path) -> tuple[str, ...]:
    """A model that is there is not moved by a further --out."""
    if not planned.named_out or Path(planned.order.out) == folder:
        return ()
    moving = f"to move it, move that folder and `cueworks models add NEW-FOLDER --name {planned.order.name}`"
    return (f"--out {planned.order.out} is passed over: the model lies in {folder} already; {moving}",)


def _stands(settings: Settings, row: TrainingRow) -> bool:
    """Whether a model is still registered, with its files there."""
    alike = [one for one in settings.known_generators().rows(row.name) if one.digest == row.weights_digest]
    return bool(alike) and Path(alike[-1].folder).is_dir()


def _left(folder: Path) -> dict[str, Any]:
    return {stage: left for stage in ("dataset", "codec", "tokens", "model", "evaluation")
            if (left := outcome(folder, stage)) is not None}  # fmt: skip


def _train(
    engine: Any, order: Order, planned: Planned, settings: Settings, watcher: Watcher, every: int | None
) -> Registered:
    from services.training.workers import open_worker

    server = EmbeddedServer(settings.home)
    server.start()
    worker = open_worker(settings.executor, settings.ray_address, planned.folder)

    def stage(name: str) -> dict[str, Any]:
        watcher.stage(name)
        return worker.run(planned.folder, name, every)

    def register() -> Registered:
        watcher.stage("register")
        known, facts = settings.known_generators(), settings.read_register()
        asked = registering.asked_again(engine, facts, order)
        out = publish(asked, planned.folder)
        return registering.register(engine, known, facts, asked, planned.folder, out)

    try:
        with _watching(planned.folder, watcher):
            return _run_flow(server, order, stage, register)
    except BaseException as error:
        if type(error).__name__ == "TerminationSignal":  # what Prefect makes of SIGTERM
            raise KeyboardInterrupt from None
        raise
    finally:
        worker.close()
        server.stop()


def _run_flow(
    server: EmbeddedServer, order: Order, stage: Callable[[str], dict[str, Any]], register: Callable[[], Registered]
) -> Registered:
    import_module("flows.train")  # Prefect with it, while its server boots
    from flows.train import Work, train_run, working

    server.wait()
    with working(Work(stage, register)):
        return train_run(order.name, order.id[:16])


@contextmanager
def _watching(folder: Path, watcher: Watcher) -> Iterator[None]:
    """Tell the watcher now and then where a lesson stands."""
    over = threading.Event()

    def look() -> None:
        seen: Any = read_json(folder / PROGRESS)
        while not over.wait(LOOK_S):
            try:
                told = read_json(folder / PROGRESS)
            except (OSError, ValueError):
                continue
            if told and told != seen:
                seen = told
                watcher.learning(told["stage"], told["step"], told["steps"], told["loss"])

    thread = threading.Thread(target=look, name="cueworks-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _signed(settings: Settings, engine: Any) -> tuple[str, ...]:
    """Sign what is on record; returns warnings."""
    try:
        signed = settings.sign_checkpoint(engine)
    except ClockError as error:
        return (f"no checkpoint was signed: {error}",)
    return signed.warnings if signed else ()
