"""Where stages are computed: in this process, by one Ray actor, or by several of Ray Train that learn together.

A worker is handed a folder and the name of a stage, and leaves files there; who dies is missed by nobody but the stage,
which goes on when the command is run again. Nothing here knows what a stage does, databases or Prefect.
"""

from pathlib import Path
from typing import Any, Protocol

from services.rendering.jobs import RenderingStoppedError
from services.training.errors import AGAIN
from services.training.order import read_order
from services.training.stages import LEARNING, run_stage


class Worker(Protocol):
    """Does stages of runs whose folder it sees."""

    def run(self, folder: Path, stage: str, every: int | None) -> dict[str, Any]:
        """Do a stage; returns what it left."""
        ...

    def close(self) -> None:
        """Let go of what was started."""
        ...


class InProcess:
    """Does everything here: on one processor or one GPU, without Ray."""

    def run(self, folder: Path, stage: str, every: int | None) -> dict[str, Any]:
        return run_stage(folder, stage, every)

    def close(self) -> None: ...


class OnRay:
    """One actor for everything, on a processor or one GPU; Ray Train for what is learned by several workers."""

    def __init__(self, address: str | None, cpus: float, device: str, workers: int) -> None:
        from services.rendering.ray_cluster import Cluster, Session

        self._device, self._workers, self._cpus = device, workers, cpus
        self._session = Session(Cluster(address, cpus=None if address else max(cpus * workers + 1, 2.0)))
        self._actor: Any = None

    def run(self, folder: Path, stage: str, every: int | None) -> dict[str, Any]:
        """Raises RenderingStoppedError where the worker died, or the cluster is not there."""
        self._session.wait()
        if self._workers > 1 and stage in LEARNING:
            from services.training.many import learn_together

            self._end_actor()
            return learn_together(folder, stage, every, self._workers, self._device, self._cpus)
        return self._alone(folder, stage, every)

    def _alone(self, folder: Path, stage: str, every: int | None) -> dict[str, Any]:
        import ray

        if self._actor is None:
            needs = {"num_cpus": self._cpus, "num_gpus": float(self._device == "cuda")}
            self._actor = ray.remote(Trainer).options(**needs).remote()
        try:
            found: dict[str, Any] = ray.get(self._actor.run.remote(str(folder), stage, every))
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except ray.exceptions.RayError as error:
            raise RenderingStoppedError(f"the worker that trained is gone ({_first(error)}); {AGAIN}") from error
        return found

    def _end_actor(self) -> None:
        import ray

        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None

    def close(self) -> None:
        self._session.close()


class Trainer:
    """The actor: does one stage at a time, in a process of its own."""

    def run(self, folder: str, stage: str, every: int | None) -> dict[str, Any]:
        return run_stage(Path(folder), stage, every)


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def open_worker(executor: str, address: str | None, folder: Path) -> Worker:
    """The worker of a run: in this process where the settings ask for it and the run has one worker."""
    order = read_order(folder)
    if executor == "in-process":
        return InProcess()
    return OnRay(address, float(order.preset.threads), order.device, order.workers)
