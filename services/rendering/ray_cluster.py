"""Joins the Ray cluster that the settings name, or starts a private local one; never anything else.

A bare `ray.init()` would join whatever `RAY_ADDRESS` says or silently start a cluster; here the asked cluster is joined
or an error says that it is not there.
"""

import logging
import os
import secrets
import socket
import threading
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from services.rendering.jobs import GeneratorStoppedError, RenderingStoppedError
from services.rendering.machine import MIB, Machine
from services.rendering.private_ray import without_extras

OBJECT_STORE_BYTES = 2 << 30
START_ATTEMPTS = 3  # a machine that is busy for a while is no reason to give up
PROBE_S = 5.0
SHARED = "pydantic.v1"
"""Imported by Ray and by what may start beside it. Its modules import each other, and two threads that import such a
package at the same time may each find half of it."""


@dataclass(frozen=True)
class Cluster:
    """`address` None starts a local cluster with `cpus` and `gpus` logical devices (None: those of the machine)."""

    address: str | None = None
    cpus: float | None = None
    gpus: int | None = None
    object_store_bytes: int = OBJECT_STORE_BYTES


def connect(cluster: Cluster) -> None:
    """Make Ray usable in this process; does nothing when it already is."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if cluster.address is None and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"  # Ray listens on the machine's own address: nobody else may join
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if cluster.address:
        try:
            _probe(cluster.address)
            ray.init(address=cluster.address, **options)
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            raise RenderingStoppedError(
                f"no Ray cluster at {cluster.address} ({error}); start it or unset CUEWORKS_RAY_ADDRESS"
            ) from error
        return
    local = {
        "include_dashboard": False,
        "num_cpus": cluster.cpus,
        "num_gpus": cluster.gpus,
        "object_store_memory": cluster.object_store_bytes,
    }
    for attempt in range(START_ATTEMPTS):
        try:
            with without_extras():
                ray.init(address="local", **local, **options)
            return
        except Exception as error:  # Ray raises no narrower kind, after 30 s that it does not let one change
            ray.shutdown()
            if attempt == START_ATTEMPTS - 1:
                raise RenderingStoppedError(f"Ray does not start on this machine: {error}") from error


def _probe(address: str) -> None:
    """Raise OSError when nothing listens there: Ray's own client would end this process instead of raising."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is written host:port")
    socket.create_connection((host, int(port)), timeout=PROBE_S).close()


def disconnect() -> None:
    """Leave the cluster; a local one ends."""
    import ray

    ray.shutdown()


class Session:
    """Ray in use by this process, from now on until `close`: started beside whatever else is being started.

    A private cluster's processes die with the thread that started them, so one thread of the session's own does it and
    lives as long as the session."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._up = threading.Event()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        import_module(SHARED)
        self._thread = threading.Thread(target=self._hold, name="cueworks-ray", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Block until the cluster is there. Raises RenderingStoppedError where it never will be."""
        self._up.wait()
        if self._failure is not None:
            raise RenderingStoppedError(str(self._failure)) from self._failure

    def close(self) -> None:
        """Leave the cluster; a private one ends, and every actor with it."""
        self._over.set()
        self._thread.join()

    def _hold(self) -> None:
        try:
            connect(self.cluster)
        except BaseException as error:
            self._failure = error
        finally:
            self._up.set()
        self._over.wait()
        disconnect()


def offered() -> Machine:
    """What all nodes of the cluster offer together."""
    import ray

    told = ray.cluster_resources()
    return Machine(told.get("CPU", 0.0), told.get("memory", 0.0) / MIB, told.get("GPU", 0.0))


def check_fits(cpus: float, gpus: float, memory_mb: float = 0.0) -> None:
    """Raise GeneratorStoppedError when no node could ever hold one actor of that size."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(
        node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus and node.get("memory", 0) >= memory_mb * MIB
        for node in nodes
    ):
        needs = f"{cpus:g} CPU and {gpus:g} GPU" + (f" and {memory_mb:g} MiB of memory" if memory_mb else "")
        raise GeneratorStoppedError(
            f"the generator needs {needs} on one machine; the cluster offers {_offers(nodes, bool(memory_mb))}"
        )


def _offers(nodes: list[dict[str, float]], memory: bool) -> str:
    told = []
    for node in nodes:
        offer = f"{node.get('CPU', 0):g} CPU + {node.get('GPU', 0):g} GPU"
        told.append(offer + (f" + {node.get('memory', 0) / MIB:.0f} MiB" if memory else ""))
    return ", ".join(told) or "no node"
