"""The pool of Ray actors: pinning, deaths, quarantine, failures, stopping. One local cluster with four logical GPUs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from db.rows import Recording
from models.controls import Controls, Theme
from models.generator import Place, Request, Resources
from services.planning.order import Delivery
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import GeneratorStoppedError, Job, RenderingStoppedError, Workshop
from services.rendering.ray_cluster import Cluster, Session, check_fits, connect, disconnect
from services.rendering.ray_pool import RayExecutor

CONTROLS = Controls(
    state="combat", genre="orchestral", mood="tense", bpm=120.0, key="D minor", meter="4/4", instruments=(),
    excluded=(), bars=1, duration=2.0, form="loop", intensity=3, loop=True, theme=Theme(1),
)  # fmt: skip
DELIVERY = Delivery(("flac",), 48000, -23.0, False)
CLUSTER = Cluster(cpus=16, gpus=2, object_store_bytes=100 << 20)


def workshop(home: Path, gpus: float = 0.0, batch_size: int = 1) -> Workshop:
    resources = Resources(cpus=0.5, gpus=gpus, threads=1)
    factory, finisher = "tests.empty_generator:create", "tests.empty_generator:create_finisher"
    place = Place("cuda" if gpus else "cpu", batch_size, resources)
    return Workshop(factory, place, home, home / "cache", finisher)


def jobs(*prompts: str, start: int = 0) -> list[Job]:
    return [
        Job(Request(f"{start + n:064x}", prompt, start + n, CONTROLS), DELIVERY, f"x/{start + n}")
        for n, prompt in enumerate(prompts)
    ]


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[Session]:
    """One cluster for the module, that all its pools stand on."""
    opened = Session(CLUSTER)
    opened.wait()
    yield opened
    opened.close()


@pytest.fixture
def pool(tmp_path: Path, session: Session) -> Iterator[RayExecutor]:
    executor = open_pool(workshop(tmp_path), session)
    yield executor
    executor.close()


def open_pool(shop: Workshop, session: Session, actors: int = 2, finishers: int = 1) -> RayExecutor:
    executor = RayExecutor(shop, actors, finishers, session)
    executor.wait()
    return executor


def by_id(recordings: Iterator[Recording]) -> dict[int, Recording]:
    return {int(recording.take_id, 16): recording for recording in recordings}


def test_every_job_is_answered_once_whoever_asks(pool: RayExecutor) -> None:
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(lambda n=n: list(pool.run(jobs(*["calm"] * 25, start=100 * n)))) for n in range(4)]
        answers = [future.result(timeout=120) for future in asked]
    for number, recordings in enumerate(answers):
        assert sorted(int(r.take_id, 16) for r in recordings) == list(range(100 * number, 100 * number + 25))
        assert {r.status for r in recordings} == {"done"}


def test_a_failing_take_fails_alone_and_says_why(pool: RayExecutor) -> None:
    found = by_id(pool.run(jobs("calm", "raise", "calm")))
    assert [found[n].status for n in range(3)] == ["done", "failed", "done"]
    assert "asked to fail" in (found[1].error or "")
    assert found[1].pcm_sha256 is None


def test_a_take_that_kills_its_worker_is_tried_alone_then_quarantined(pool: RayExecutor) -> None:
    found = by_id(pool.run(jobs("calm", "die", *["calm"] * 6)))
    assert found[1].status == "quarantined"
    outcomes = [attempt.outcome for attempt in found[1].attempts]
    assert outcomes == ["died"] * 4 + ["quarantined"]
    assert "most often run out of memory: the machine's memory does not hold a batch of 1: set CUEWORKS_ACTORS" in (
        found[1].error or ""
    )
    assert {found[n].status for n in (0, 2, 3, 4, 5, 6, 7)} == {"done"}


def test_a_take_survives_one_death_and_its_attempts_tell(pool: RayExecutor, tmp_path: Path) -> None:
    found = by_id(pool.run(jobs("calm", f"die once {tmp_path / 'mark'}")))
    assert found[1].status == "done"
    assert [attempt.outcome for attempt in found[1].attempts] == ["died", "done"]


def test_actors_are_pinned_to_gpus_and_a_third_waits_for_one(tmp_path: Path, session: Session) -> None:
    pool = open_pool(workshop(tmp_path, gpus=1.0), session, actors=3)
    try:
        list(pool.run(jobs(*["calm"] * 12)))
        deadline = time.monotonic() + 60
        while sum(slot.ready is not None for slot in pool._generators) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        ready = [slot.ready for slot in pool._generators if slot.ready is not None]
        assert len(ready) == 2, "only two of three actors find a GPU"
        assert {actor.gpus for actor in ready} == {"0", "1"}
        assert len({actor.place for actor in ready}) == 2
    finally:
        pool.close()


def test_an_actor_without_gpus_sees_none(pool: RayExecutor) -> None:
    list(pool.run(jobs("calm")))
    assert pool._generators[0].ready.gpus == ""


def test_a_generator_that_fits_no_machine_is_refused_at_once(tmp_path: Path, session: Session) -> None:
    with pytest.raises(RenderingStoppedError, match="3 GPU on one machine; the cluster offers"):
        open_pool(workshop(tmp_path, gpus=3.0), session)
    check_fits(0.5, 2.0)


def test_actors_that_never_live_end_the_run_instead_of_stalling(tmp_path: Path, session: Session) -> None:
    shop = replace(workshop(tmp_path), factory="tests.empty_generator:die_at_birth")
    pool = open_pool(shop, session, actors=1)
    try:
        with pytest.raises(RenderingStoppedError, match="keep dying"):
            list(pool.run(jobs("calm")))
    finally:
        pool.close()


def test_a_generator_that_cannot_start_says_why(tmp_path: Path, session: Session) -> None:
    shop = replace(workshop(tmp_path), factory="tests.empty_generator:refuse_to_start")
    pool = open_pool(shop, session, actors=1)
    try:
        with pytest.raises(RenderingStoppedError, match="no weights here"):
            list(pool.run(jobs("calm")))
    finally:
        pool.close()


def test_a_full_store_stops_everything(tmp_path: Path, session: Session) -> None:
    shop = replace(workshop(tmp_path), finisher="tests.empty_generator:create_full_finisher")
    pool = open_pool(shop, session)
    try:
        with pytest.raises(RenderingStoppedError, match="disk is full"):
            list(pool.run(jobs(*["calm"] * 5)))
    finally:
        pool.close()


def test_stopping_answers_those_who_wait(pool: RayExecutor) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lambda: list(pool.run(jobs(*["slow"] * 50))))
        time.sleep(1.0)
        pool.stop()
        with pytest.raises(RenderingStoppedError, match="run the same command again"):
            waiting.result(timeout=30)


def test_a_batch_engine_whose_rows_depend_on_each_other_may_not_render(tmp_path: Path) -> None:
    shop = replace(workshop(tmp_path, batch_size=2), factory="tests.empty_generator:create_leaky")
    with pytest.raises(GeneratorStoppedError, match=r"its place in the batch .*\(batch 2; kind empty\)"):
        list(InProcessExecutor(shop).run(jobs("calm", "calm")))


def test_a_batch_engine_is_tested_at_every_row(tmp_path: Path) -> None:
    shop = replace(workshop(tmp_path, batch_size=4), factory="tests.empty_generator:create_leaky_inside")
    with pytest.raises(GeneratorStoppedError, match="its place in the batch"):
        list(InProcessExecutor(shop).run(jobs("calm")))


def test_an_abandoned_run_is_dropped_and_its_takes_can_be_asked_for_again(pool: RayExecutor) -> None:
    wanted = jobs(*["slow"] * 12)
    abandoned = pool.run(wanted)
    next(abandoned)
    abandoned.close()  # type: ignore[attr-defined]
    assert sorted(by_id(pool.run(wanted))) == list(range(12))
    assert not pool._busy


def test_a_home_that_finishers_do_not_see_is_refused(tmp_path: Path, session: Session) -> None:
    pool = open_pool(workshop(tmp_path), session)
    try:
        answer = ray_get(pool._finishers[0].actor.warm_up.remote(".pool-elsewhere"))
        assert "put CUEWORKS_HOME on a shared disk" in answer
    finally:
        pool.close()
    assert not list(tmp_path.glob(".pool-*")), "the token goes with the pool"


def ray_get(reference: object) -> str:
    """The error of a call on an actor."""
    import ray

    with pytest.raises(ray.exceptions.RayTaskError) as caught:
        ray.get(reference)
    return str(caught.value.cause)


def test_batches_hold_takes_of_one_shape_and_rows_fail_alone(tmp_path: Path, session: Session) -> None:
    pool = open_pool(replace(workshop(tmp_path, batch_size=4), factory="tests.empty_generator:create_of_four"), session)
    try:
        found = by_id(pool.run(jobs("calm", "raise", "calm", "calm", "calm", "calm")))
    finally:
        pool.close()
    assert [found[n].status for n in range(6)] == ["done", "failed", "done", "done", "done", "done"]


def test_a_cluster_that_is_not_there_is_an_error_not_a_local_one() -> None:
    with pytest.raises(RenderingStoppedError, match=r"no Ray cluster at 127.0.0.1:1 .*start it or unset"):
        connect_elsewhere("127.0.0.1:1")


def connect_elsewhere(address: str) -> None:
    """`connect` as a process sees it that is not in a cluster yet."""
    disconnect()
    try:
        connect(Cluster(address))
    finally:
        connect(CLUSTER)
