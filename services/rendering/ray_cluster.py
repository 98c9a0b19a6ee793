"""Joins the Ray cluster that the settings name, or starts a private local one; never anything else.

A bare `ray.init()` would join whatever `RAY_ADDRESS` says or silently start a cluster; here the asked cluster is joined
or an error says that it is not there.
"""

import logging
import os
import secrets
import socket
from dataclasses import dataclass
from typing import Any

from services.rendering.jobs import RenderingStoppedError
from services.rendering.private_ray import without_extras

OBJECT_STORE_BYTES = 2 << 30
START_ATTEMPTS = 3  # a machine that is busy for a while is no reason to give up
PROBE_S = 5.0


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


def check_fits(cpus: float, gpus: float) -> None:
    """Raise RenderingStoppedError when no node could ever hold one actor of that size."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
        offers = ", ".join(f"{n.get('CPU', 0):g} CPU + {n.get('GPU', 0):g} GPU" for n in nodes) or "no node"
        raise RenderingStoppedError(
            f"the generator needs {cpus:g} CPU and {gpus:g} GPU on one machine; the cluster offers {offers}"
        )
