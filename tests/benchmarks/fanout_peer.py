"""The peer of the fan-out benchmark: one Prefect task a take on prefect-ray's RayTaskRunner, called by `fanout`.

`python -m tests.benchmarks.fanout_peer TAKES` prints the seconds that an empty take costs; starting Ray, the server
and the first tasks is left out.
"""

import sys
import tempfile
import time
from pathlib import Path

from flows.prefect_server import EmbeddedServer


def measure(takes: int) -> float:
    """Seconds a take; Prefect's server is there already."""
    import ray
    from prefect import flow, task
    from prefect_ray import RayTaskRunner

    ray.init(address="local", include_dashboard=False, log_to_driver=False)

    @task(persist_result=False)
    def empty(number: int) -> int:
        return number

    @flow(task_runner=RayTaskRunner(address=ray.get_runtime_context().gcs_address), persist_result=False)
    def fan_out(count: int) -> int:
        return len([future.result() for future in [empty.submit(n) for n in range(count)]])

    fan_out(2)
    started = time.perf_counter()
    assert fan_out(takes) == takes
    seconds = time.perf_counter() - started
    ray.shutdown()
    return seconds / takes


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            server.wait()
            print(measure(int(sys.argv[1])))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
