"""A run's life in the database: shards, what is left of them, what an interrupted driver leaves behind."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from db.engine import reading, writing
from db.ledger import ClockError, Entry, append
from db.rows import Recording
from db.runs import RunOverError, end_run, record, run_counts, run_rows, settle_interrupted, take_shard, unfinished
from db.tables import Asset, Attempt, EngineProfile, Measurement, Take
from services.catalog import runs
from services.catalog.driving import Driver
from services.planning.faults import BriefError
from services.planning.order import PlannedTake
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief
from services.rendering.jobs import Job, RenderingStoppedError
from tests.cards import cards_at
from tests.catalog_rows import attempt, done, failed, new_take, numbered, open_run, order_takes, record_takes

IDS = [new_take(number).id for number in range(6)]


@pytest.fixture
def run(engine: Engine) -> str:
    """A run of two shards of three takes."""
    return open_run(engine, order_takes(engine, numbered(6)), [IDS[:3], IDS[3:]])


def shard(engine: Engine, run: str, number: int) -> list[str]:
    with writing(engine) as session:
        return [take.id for take in take_shard(session, run, number)]


def statuses(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.scalars(select(Take.status).order_by(Take.index)))


def test_a_shard_asked_for_again_gives_what_is_missing(engine: Engine, run: str) -> None:
    assert shard(engine, run, 0) == IDS[:3]
    assert statuses(engine) == ["rendering"] * 3 + ["planned"] * 3
    record_takes(engine, run, [done(IDS[0]), failed(IDS[1])])
    assert shard(engine, run, 0) == [IDS[2]]
    assert shard(engine, run, 7) == []


def test_what_an_interrupted_driver_left_is_planned_again(engine: Engine, run: str) -> None:
    shard(engine, run, 0)
    record_takes(engine, run, [done(IDS[0])])
    with writing(engine) as session:
        assert settle_interrupted(session, 1) == 1
        assert settle_interrupted(session, 1) == 0
    assert statuses(engine) == ["done"] + ["planned"] * 5
    with reading(engine) as session:
        (row,) = run_rows(session)
    assert row.status == "interrupted"
    assert row.ended_at is not None


def counted(engine: Engine) -> tuple[int, ...]:
    """How many attempts, assets, measurements and profiles there are."""
    with reading(engine) as session:
        tables = (Attempt, Asset, Measurement, EngineProfile)
        return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def test_recording_the_same_again_in_a_running_run_changes_nothing(engine: Engine, run: str) -> None:
    recordings = [done(IDS[0]), failed(IDS[1])]
    runs.record(engine, run, recordings)
    before = counted(engine)
    runs.record(engine, run, recordings)
    assert (counted(engine), before) == (before, (2, 2, 2, 1))
    assert statuses(engine)[:3] == ["done", "failed", "planned"]


@pytest.mark.parametrize("recording", [done(IDS[4]), failed(IDS[4]), done(IDS[0])])
def test_a_driver_whose_run_another_one_closed_is_stopped_and_writes_nothing(
    engine: Engine, run: str, recording: Recording
) -> None:
    shard(engine, run, 0)
    with writing(engine) as session:
        settle_interrupted(session, 1)
    open_run(engine, order_takes(engine, numbered(6)), [IDS[4:]], "run-2")
    with pytest.raises(RenderingStoppedError, match="another driver took over"):
        runs.record(engine, run, [recording])
    with pytest.raises(RenderingStoppedError, match="another driver took over"):
        runs.shard_jobs(engine, run, 0)
    assert statuses(engine) == ["planned"] * 6
    assert counted(engine) == (0, 0, 0, 0)
    runs.record(engine, "run-2", [done(IDS[4])])
    runs.finish(engine, run, {"plan": 1.0})
    with reading(engine) as session:
        assert {row.id: row.status for row in run_rows(session)} == {run: "interrupted", "run-2": "running"}


def test_a_take_that_a_later_run_has_in_hand_is_not_recorded_by_an_earlier_one(engine: Engine, run: str) -> None:
    open_run(engine, order_takes(engine, numbered(6)), [IDS[4:]], "run-2")
    with pytest.raises(RunOverError, match="is run run-2's"):
        record_takes(engine, run, [done(IDS[0]), done(IDS[4])])
    assert statuses(engine) == ["planned"] * 6
    assert counted(engine) == (0, 0, 0, 0)


def test_closing_a_run_waits_for_what_is_being_recorded(engine: Engine, run: str) -> None:
    with writing(engine) as recording:
        record(recording, run, [done(IDS[0])])
        closing = threading.Thread(target=runs.finish, args=(engine, run, {}))
        closing.start()
        closing.join(0.2)
        assert closing.is_alive()
    closing.join()
    with pytest.raises(RenderingStoppedError):
        runs.record(engine, run, [done(IDS[1])])
    assert statuses(engine) == ["done"] + ["planned"] * 5


def test_unfinished_takes_are_the_ordered_ones_without_sound(engine: Engine, run: str) -> None:
    quarantined = failed(IDS[2])
    record_takes(engine, run, [done(IDS[0]), failed(IDS[1])])
    record_takes(engine, run, [type(quarantined)(IDS[2], "quarantined", (attempt("quarantined", 9),), error="died")])
    with reading(engine) as session:
        found = unfinished(session, 1, set(IDS[:5]))
        assert [id_ for id_, _, _ in found] == [IDS[1], IDS[3], IDS[4]]
        assert {(generator, seconds) for _, generator, seconds in found} == {("empty", 13.333)}
        assert [row[0] for row in unfinished(session, 1, set(IDS[:5]), quarantined_too=True)] == IDS[1:5]
        assert unfinished(session, 2, set(IDS)) == []


def test_a_closed_run_says_what_came_of_it(engine: Engine, run: str) -> None:
    shard(engine, run, 0)
    record_takes(engine, run, [done(IDS[0]), failed(IDS[1])])
    with writing(engine) as session:
        counts = end_run(session, run, "incomplete", {"plan": 0.1})
    assert counts == {"done": 1, "failed": 1, "planned": 4}
    assert statuses(engine)[2] == "planned"
    with reading(engine) as session:
        (row,) = run_rows(session, "game")
        assert list(run_rows(session, "other")) == []
        assert run_counts(session, run) == {"done": 1, "failed": 1, "planned": 4}
    assert (row.status, row.done, row.failed, row.shards, row.stages) == ("incomplete", 1, 1, 2, {"plan": 0.1})
    assert row.options == {"only": "combat"}


def test_a_later_run_takes_over_what_an_earlier_one_did_not_finish(engine: Engine, run: str) -> None:
    registered = order_takes(engine, numbered(6))
    open_run(engine, registered, [IDS[4:]], "run-2")
    with reading(engine) as session:
        assert run_counts(session, run) == {"planned": 4}
        assert run_counts(session, "run-2") == {"planned": 2}


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([10.0, 60.0])), max_size=3000))
def test_shards_hold_every_take_once_and_are_never_too_many(kinds: list[tuple[str, float]]) -> None:
    missing = [(f"{number}", generator, seconds) for number, (generator, seconds) in enumerate(kinds)]
    shards = runs.cut_shards(missing)
    assert sorted(id_ for shard in shards for id_ in shard) == sorted(id_ for id_, _, _ in missing)
    assert len(shards) <= runs.MAX_SHARDS
    assert all(shards)


BRIEF = """
catalog: {catalog}
cues:
- state: combat
  prompt: "dark drums {{place}}"
  axes: {{place: [cave, tower]}}
  takes: 2
  duration: 8
"""


def make_plan(tmp_path: Path, catalog: str = "game", **options: object) -> Plan:
    path = tmp_path / f"{catalog}.yaml"
    path.write_text(BRIEF.format(catalog=catalog))
    return plan(read_brief(path, {"composer"}), cards_at("1"), **options)


def test_starting_registers_and_cuts_once_and_finds_nothing_when_all_is_done(engine: Engine, tmp_path: Path) -> None:
    first = runs.start(engine, make_plan(tmp_path), {})
    assert (first.ordered, first.to_render, first.shards, first.registered.inserted) == (4, 4, 1, 4)
    assert first.seconds_of_music == pytest.approx(32, abs=8)
    jobs = runs.shard_jobs(engine, first.id, 0)
    assert {job.take_id for job in jobs} == {take.id for take in make_plan(tmp_path).takes}
    runs.record(engine, first.id, [done(job.take_id) for job in jobs])
    assert runs.finish(engine, first.id, {}) == {"done": 4}
    second = runs.start(engine, make_plan(tmp_path), {})
    assert (second.to_render, second.shards, second.registered.inserted) == (0, 0, 0)


def test_what_is_superseded_without_sound_is_still_to_be_made(engine: Engine, tmp_path: Path) -> None:
    """A generator whose files are gone is asked for before anything starts, also where an order brings takes back."""
    order = make_plan(tmp_path)
    assert runs.unmade(engine, order, "composer")
    first = runs.start(engine, order, {})
    jobs = runs.shard_jobs(engine, first.id, 0)
    with writing(engine) as session:
        session.execute(update(Take).values(status="superseded"))
    assert runs.unmade(engine, order, "composer")
    with writing(engine) as session:
        session.execute(update(Take).values(status="planned"))
    runs.record(engine, first.id, [done(job.take_id) for job in jobs])
    assert not runs.unmade(engine, order, "composer")
    with writing(engine) as session:
        session.execute(update(Take).values(status="superseded"))
    assert not runs.unmade(engine, order, "composer")


def test_a_job_is_the_order_as_it_was_planned(engine: Engine, tmp_path: Path) -> None:
    order = make_plan(tmp_path)
    started = runs.start(engine, order, {})
    planned = {take.id: take for take in order.takes}
    for job in runs.shard_jobs(engine, started.id, 0):
        take = planned[job.take_id]
        assert (job.request.controls, job.delivery) == (take.controls, take.delivery)
        assert (job.request.prompt, job.request.seed) == (take.prompt, take.seed)
        assert job.folder == runs.take_folder(take)


def test_catalogs_that_differ_only_by_case_are_refused(engine: Engine, tmp_path: Path) -> None:
    runs.start(engine, make_plan(tmp_path, "Game"), {})
    with pytest.raises(BriefError, match="'Game' already"):
        runs.start(engine, make_plan(tmp_path, "game"), {})


def test_a_clock_behind_the_ledger_is_told_before_anything_is_written(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as session:
        append(session, [Entry("review", "x", {})], datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(ClockError, match="set the clock"):
        runs.start(engine, make_plan(tmp_path), {})
    assert statuses(engine) == []


def planned_take(tmp_path: Path, **changed: object) -> PlannedTake:
    return replace(make_plan(tmp_path).takes[0], **changed)


def test_folders_are_readable_and_tell_apart_what_names_cannot(tmp_path: Path) -> None:
    take = planned_take(tmp_path, zone="forest", id="ab" * 32)
    measure = f"{take.controls.bpm:g}bpm-4-4-{take.controls.bars}bars"
    assert runs.take_folder(take) == f"game/combat/forest-cave-{measure}-000-{'ab' * 8}"
    level = replace(take, point={"intensity": "3"})
    assert runs.take_folder(level).startswith("game/combat/forest-level-3-")
    long_zone = "a-very-long-zone-name-that-is-cut-"
    folders = {runs.take_folder(planned_take(tmp_path, zone=long_zone + end, id=end * 64)) for end in "abc"}
    assert len(folders) == 3


@given(
    st.text(max_size=300),
    st.lists(st.text(min_size=1, max_size=200), max_size=16),
    st.text(alphabet="0123456789abcdef", min_size=64, max_size=64),
)
def test_no_value_leads_out_of_its_folder_or_is_too_long(
    tmp_path_factory: pytest.TempPathFactory, zone: str, values: list[str], id_: str
) -> None:
    point = {f"axis{number}": value for number, value in enumerate(values)}
    any_take = _one_plan(tmp_path_factory).takes[0]
    take = replace(any_take, zone=zone or None, point=point, id=id_, state=zone or "x")
    catalog, state, name = runs.take_folder(take).split("/")
    assert catalog == "game"
    for part in (state, name):
        assert part.isascii()
        assert 0 < len(part.encode()) <= 200
        assert part.strip(".-") == part
    assert name.endswith(id_[:16])


def _one_plan(tmp_path_factory: pytest.TempPathFactory, kept: list[Plan] = []) -> Plan:  # noqa: B006
    if not kept:
        kept.append(make_plan(tmp_path_factory.mktemp("brief")))
    return kept[0]


class Scripted:
    """An executor that answers with prepared recordings, then stops if it is told to."""

    def __init__(self, stops: str | None = None) -> None:
        self.stops = stops

    def run(self, jobs: Iterable[Job]) -> Iterator[Recording]:
        for job in jobs:
            yield done(job.take_id)
        if self.stops:
            raise RenderingStoppedError(self.stops)


def test_a_driver_records_what_came_before_it_was_stopped(
    engine: Engine, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "job", lambda take: type("Job", (), {"take_id": take.id})())
    seen: list[tuple[int, int]] = []
    driver = Driver(engine, lambda _: Scripted("no actor is left"), run, lambda *counts: seen.append(counts))
    with pytest.raises(RenderingStoppedError):
        driver.drive(0)
    assert driver.stopped == "no actor is left"
    assert statuses(engine) == ["done"] * 3 + ["planned"] * 3
    assert sum(count for count, _ in seen) == 3
    assert Driver(engine, lambda _: Scripted(), run).drive(1) == {"done": 3}


@pytest.mark.parametrize(
    "told", ["database or disk is full", 'could not extend file "base/5/1": No space left on device']
)
def test_a_full_disk_under_the_database_stops_rendering(
    engine: Engine, run: str, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    from sqlalchemy.exc import OperationalError

    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception(told))

    monkeypatch.setattr(runs, "job", lambda take: type("Job", (), {"take_id": take.id})())
    monkeypatch.setattr(runs, "record", full)
    driver = Driver(engine, lambda _: Scripted(), run)
    with pytest.raises(RenderingStoppedError, match="free some space"):
        driver.drive(0)
    assert driver.stopped is not None
    assert "done" not in statuses(engine)
