"""Several generators in one run: side by side or one after another, stopped and gone on with, on both databases.

One Ray with two logical GPUs for the module; the last test runs the real flow in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from db.engine import reading, writing
from db.ledger import append
from db.tables import Attempt, EngineProfile, Generator, Take
from models.registry import CARDS
from services.catalog import runs
from services.catalog.driving import Driver, Turns
from services.planning.plan import Plan, plan
from services.planning.reader import read_bytes
from services.rendering.crews import Crew, Crews, line_up
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import Executor, GeneratorStoppedError, RenderingStoppedError, Workshop
from services.rendering.machine import Machine
from services.rendering.ray_cluster import Cluster, Session
from services.rendering.ray_pool import RayExecutor
from services.rights.facts import Fact
from services.rights.register import add
from tests import sized_generator

MACHINE = Machine(4, 16_000, 2)
NAMES = ("first", "second", "third")
BRIEF = """
catalog: many
seed: 7
generator: first
cues:
  - {state: exploration, prompt: "slow calm harp", duration: 4, takes: 10}
  - {state: combat, prompt: "slow drums", duration: 4, takes: 9, generator: second}
  - {state: boss, prompt: "slow brass", duration: 4, takes: 6, generator: third}
"""


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    opened = Session(Cluster(cpus=8, gpus=2, object_store_bytes=100 << 20))
    opened.wait()
    yield opened
    opened.close()


@pytest.fixture
def studio(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Studio":
    """Three generators: two on devices, with half of one and with a whole one, and one on processors."""
    for name, gpus, fault in zip(NAMES, (0.5, 1.0, 0.0), ("", "missing", ""), strict=True):
        folder = tmp_path / name
        if not fault:
            folder.mkdir()
        monkeypatch.setitem(CARDS, name, sized_generator.card(name, folder, fault, gpus))
    with writing(engine) as session:
        append(session, add(session, [_allowed(name) for name in NAMES]))
    return Studio(engine, tmp_path)


def _allowed(name: str) -> Fact:
    return Fact(name, "weights", answer="allowed", source="a test", grade="own", recorded_by="test")


class Studio:
    """A catalog that is rendered without Prefect: its flow asks `Turns` and `Driver` for the same things."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def plan(self) -> Plan:
        return plan(read_bytes(BRIEF.encode()), CARDS)

    def crews(self, session: Session | None, names: tuple[str, ...] = NAMES) -> Crews:
        shops = [
            Workshop(card.factory, card.place("cuda" if card.cuda else "cpu"), self.folder, self.folder / "cache",
                     sized_generator.FINISHER, card.id, card.options)
            for card in (CARDS[name] for name in names)
        ]  # fmt: skip

        def open_executor(crew: Crew) -> Executor:
            if session is None:
                return InProcessExecutor(crew.workshop)
            return RayExecutor(crew.workshop, min(2, crew.actors), 1, session)

        return Crews(line_up(shops, MACHINE), open_executor)

    def render(self, crews: Crews, stop_after: int = 10_000) -> tuple[runs.StartedRun, str | None, dict[str, int]]:
        """One run to its end; `stop_after` takes everything is stopped, as by a signal."""
        run = runs.start(self.engine, self.plan(), {}, at_once={name: (2, 1) for name in NAMES})
        seen = 0

        def recorded(done: int, failed: int) -> None:
            nonlocal seen
            seen += done + failed
            if seen >= stop_after:
                crews.stop()

        driver = Driver(self.engine, lambda shard: crews.executor(run.generator_of(shard)), run.id, recorded)
        turns = Turns(run.turns, crews.lanes, crews.release, 2)
        try:
            _drive(driver, turns)
        except RenderingStoppedError:
            pass
        finally:
            crews.close()
        counts = runs.finish(self.engine, run.id, {}, interrupted=driver.told is not None)
        assert seen == sum(count for status, count in counts.items() if status != "planned")
        return run, driver.told, counts

    def takes(self) -> list[Take]:
        with reading(self.engine) as session:
            return list(session.scalars(select(Take).order_by(Take.position)))

    def log(self, name: str) -> list[list[str]]:
        """Lines of what was computed: generator, process, devices, seeds, when."""
        return [line.split() for line in (self.folder / name / "log").read_text().splitlines()]


def _drive(driver: Driver, turns: Turns) -> None:
    with ThreadPoolExecutor(4) as threads:
        under_way: dict[Future[dict[str, int]], int] = {}
        while True:
            under_way |= {threads.submit(driver.drive, shard): shard for shard in turns.take()}
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                turns.over(under_way.pop(future), isinstance(error, GeneratorStoppedError))
                if error is not None and not isinstance(error, GeneratorStoppedError):
                    raise error


def test_three_generators_share_a_run_and_one_that_cannot_start_keeps_the_others_takes(
    studio: Studio, session: Session
) -> None:
    _, told, counts = studio.render(studio.crews(session))
    assert told is not None
    assert told.startswith("second could not start: ")
    assert "`cueworks models add` fetches it" in told
    assert counts == {"done": 16, "planned": 9}
    assert {take.generator for take in studio.takes() if take.status == "planned"} == {"second"}
    (studio.folder / "second").mkdir()
    again, told, counts = studio.render(studio.crews(session, ("second",)))
    assert (told, counts, set(again.turns)) == (None, {"done": 9}, {"second"})
    assert {take.pcm_sha256 == sized_generator.pcm_of(take.seed) for take in studio.takes()} == {True}
    assert studio.render(studio.crews(session))[0].shards == 0
    _check_places(studio)
    _check_side_by_side(studio)


def _check_places(studio: Studio) -> None:
    """Every attempt tells its generator's place, and actors saw the devices that they were given and no others."""
    with reading(studio.engine) as session:
        rows = session.execute(
            select(Take.generator, EngineProfile.profile)
            .join(Attempt, Attempt.take_id == Take.id)
            .join(EngineProfile, EngineProfile.sha256 == Attempt.engine_profile)
        ).all()
        registered = set(session.execute(select(Generator.id, Generator.revision)).tuples())
    found = {(name, told["generator"]["device"], told["generator"]["batch"]) for name, told in rows}
    assert found == {("first", "cuda", 2), ("second", "cuda", 2), ("third", "cpu", 2)}
    assert registered >= {(name, "1") for name in NAMES}
    assert {line[2] for name in ("first", "second") for line in studio.log(name)} <= {"0", "1"}
    assert {len(line) for line in studio.log("third")} == {4}, "no device is visible, so that word is missing"


def _check_side_by_side(studio: Studio) -> None:
    """The generator on processors was at work while one on devices was."""
    first, third = ([float(line[-1]) for line in studio.log(name)[2:]] for name in ("first", "third"))
    assert min(first) < max(third)
    assert min(third) < max(first)


def test_a_stopped_run_ends_in_the_same_catalog(studio: Studio, session: Session) -> None:
    (studio.folder / "second").mkdir()
    _, told, counts = studio.render(studio.crews(session), stop_after=3)
    assert told == "rendering was stopped; run the same command again to go on"
    assert 3 <= counts["done"] < 25
    _, told, later = studio.render(studio.crews(None))
    assert (told, counts["done"] + later["done"]) == (None, 25)
    takes = studio.takes()
    assert {take.status for take in takes} == {"done"}
    assert {take.pcm_sha256 == sized_generator.pcm_of(take.seed) for take in takes} == {True}
    assert len(takes) == 25


DRIVER = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from db.engine import writing
from db.ledger import append
from flows.orders import Choices, Stages, Watcher, carry_out, make_plan
from services.planning.reader import read_bytes
from services.rights.facts import Fact
from services.rights.register import add
from services.settings import Settings
from tests import sized_generator

class Noise(Settings):
    def workshop(self, card, devices=None):
        return replace(super().workshop(card, devices), finisher=sized_generator.FINISHER)

home, text = Path(sys.argv[1]), sys.argv[2]
for name in ("first", "second", "third"):
    sized_generator.register(sized_generator.card(name, home / name, "no room" if name == "second" else ""))
settings = Noise.from_environment()
with writing(settings.open_database()) as session:
    append(session, add(session, [
        Fact(name, "weights", answer="allowed", source="a test", grade="own", recorded_by="test")
        for name in ("first", "second", "third")]))
seen = []
class Counting(Watcher):
    def recorded(self, done, failed): seen.append(done + failed)
order = make_plan(read_bytes(text.encode()), Choices(), settings)
outcome = carry_out(order, Choices(), settings, Stages(time.perf_counter()), Counting())
print(json.dumps({"counts": outcome.counts, "stopped": outcome.stopped, "complete": outcome.complete,
                  "seen": sum(seen), "stages": list(outcome.stages), "shards": outcome.run.shards}))
"""


def test_the_flow_renders_what_it_can_and_tells_what_it_could_not(tmp_path: Path) -> None:
    environment = {**os.environ, "CUEWORKS_HOME": str(tmp_path / "home"), "CUEWORKS_KEYS": str(tmp_path / "keys")}
    environment |= {"CUEWORKS_ACTORS": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    text = BRIEF.replace("slow ", "")
    command = [sys.executable, "-c", DRIVER, str(tmp_path), text]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240, env=environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["counts"] == {"done": 16, "planned": 9}
    assert told["stopped"].startswith("second could not start: a batch of 2 needs 9,000 MiB")
    assert (told["complete"], told["seen"]) == (False, 16)
    assert told["stages"] == ["plan", "prefect", "pool", "rendered", "first take", "total"]
