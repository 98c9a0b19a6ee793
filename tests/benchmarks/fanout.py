"""What the platform itself costs a take: plan, schedule and record takes of a generator that makes nothing.

`python -m tests.benchmarks.fanout [--takes 4000] [--peer-takes 500]`

Ours: plan, register, Prefect flow with a task per shard, Ray actors, rows in SQLite. The peer: the same empty work as
one Prefect task a take through prefect-ray's RayTaskRunner, scaled to a take. Starting Prefect's server, Ray and the
actors is left out on both sides (and printed). The last line is `ratio: peer seconds a take / ours`.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from db.engine import writing
from db.ledger import append
from flows.orders import Choices, Outcome, Stages, Watcher, carry_out, make_plan
from models.registry import Card
from services.planning.reader import read_bytes
from services.rendering.jobs import Workshop
from services.rights.facts import Fact
from services.rights.register import add
from services.settings import Settings
from tests.benchmarks.machine import describe
from tests.empty_generator import register

BRIEF = """
catalog: fanout
seed: 1
generator: empty
cues:
  - {{state: exploration, prompt: "calm", bars: 4, takes: {takes}}}
"""


@dataclass(frozen=True)
class EmptyFinishing(Settings):
    """Settings whose workers store nothing."""

    def workshop(self, card: Card, devices: float | None = None) -> Workshop:
        return replace(super().workshop(card, devices), finisher="tests.empty_generator:create_finisher")


def ours(takes: int, home: Path) -> tuple[float, Outcome]:
    """Seconds a take, from the brief's text to the closed run, without the start of servers and actors."""
    settings = EmptyFinishing.from_environment({"CUEWORKS_HOME": str(home)})
    _allow(settings.open_database())
    stages = Stages(time.perf_counter())
    order = make_plan(read_bytes(BRIEF.format(takes=takes).encode()), Choices(), settings)
    outcome = carry_out(order, Choices(), settings, stages, Watcher())
    assert outcome.counts == {"done": takes}, outcome
    starting = outcome.stages["pool"] - outcome.stages["plan"]
    return (outcome.stages["total"] - starting) / takes, outcome


def _allow(engine: Engine) -> None:
    """Put on record that the empty generator may be used: of what is not on record, nothing is made."""
    fact = Fact("empty", "weights", answer="allowed", source="this benchmark", grade="own", recorded_by="benchmark")
    with writing(engine) as session:
        append(session, add(session, [fact]))


def peer(takes: int) -> float:
    """The peer's seconds a take, from a process of its own: Prefect keeps to the first server that a process met."""
    command = [sys.executable, "-m", "tests.benchmarks.fanout_peer", str(takes)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=4000)
    parser.add_argument("--peer-takes", type=int, default=500)
    options = parser.parse_args()
    register()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        a_take, outcome = ours(options.takes, Path(folder) / "ours")
        print("stages: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.stages.items()))
        print(f"ours: {options.takes} takes, {outcome.run.shards} shards, {a_take * 1e3:.2f} ms a take")
        peer_take = peer(options.peer_takes)
        print(f"prefect-ray, a task a take: {options.peer_takes} takes, {peer_take * 1e3:.1f} ms a take")
    print(f"ratio: {peer_take / a_take:.1f}")


if __name__ == "__main__":
    main()
