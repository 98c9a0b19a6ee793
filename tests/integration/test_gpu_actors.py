"""Actors on devices: shares and whole ones, memory that runs out, what is given back. One Ray with four logical GPUs.

No device is needed: Ray pins actors to logical ones the same way."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db.rows import Recording
from models.controls import Controls, Theme
from models.generator import BatchDependenceError, NoRoomError, Request
from models.registry import Card
from services.planning.order import Delivery
from services.rendering import in_process, ray_pool, workers
from services.rendering.flights import Flight
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import GeneratorStoppedError, Job, Workshop
from services.rendering.ray_cluster import Cluster, Session, check_fits
from services.rendering.ray_pool import RayExecutor
from services.rendering.slots import Slot, lives
from services.rendering.workers import GeneratorWorker
from tests import sized_generator

DEVICES = 4
DELIVERY = Delivery(("flac",), 48000, -23.0, False)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    opened = Session(Cluster(cpus=16, gpus=DEVICES, object_store_bytes=100 << 20))
    opened.wait()
    yield opened
    opened.close()


def shop(card: Card, home: Path) -> Workshop:
    device = "cuda" if card.cuda else "cpu"
    return Workshop(
        card.factory, card.place(device), home, home / "cache", sized_generator.FINISHER, card.id, card.options
    )


def on_devices(home: Path, name: str = "sized", gpus: float = 1.0, fault: str = "") -> Workshop:
    return shop(sized_generator.card(name, home, fault, gpus), home)


def jobs(*prompts: str, start: int = 0) -> list[Job]:
    controls = Controls(
        state="combat", genre="orchestral", mood="tense", bpm=120.0, key="D minor", meter="4/4", instruments=(),
        excluded=(), bars=1, duration=2.0, form="loop", intensity=3, loop=True, theme=Theme(1),
    )  # fmt: skip
    return [
        Job(Request(f"{start + n:064x}", prompt, start + n, controls), DELIVERY, f"x/{start + n}")
        for n, prompt in enumerate(prompts)
    ]


def by_seed(recordings: Iterable[Recording]) -> dict[int, Recording]:
    return {int(recording.take_id, 16): recording for recording in recordings}


def all_ready(*pools: RayExecutor) -> list[list[Slot]]:
    """The generator slots of each pool, once every actor of them is warm."""
    until = time.monotonic() + 90
    while any(slot.ready is None for pool in pools for slot in pool._generators) and time.monotonic() < until:
        time.sleep(0.05)
    return [pool._generators for pool in pools]


def free_devices() -> float:
    import ray

    return ray.available_resources().get("GPU", 0.0)


def come_to(devices: float) -> bool:
    """Whether so many devices are free soon: the cluster tells of them with a delay."""
    until = time.monotonic() + 20
    while free_devices() != devices and time.monotonic() < until:
        time.sleep(0.05)
    return free_devices() == devices


def test_shares_and_whole_devices_stand_beside_each_other_and_are_given_back(session: Session, tmp_path: Path) -> None:
    halves = RayExecutor(on_devices(tmp_path, "halves", 0.5), 2, 1, session)
    wholes = RayExecutor(on_devices(tmp_path, "wholes", 1.0), 2, 1, session)
    with closing(wholes):
        with closing(halves):
            half_slots, whole_slots = all_ready(halves, wholes)
            assert all(slot.ready.gpus.isdecimal() for slot in half_slots + whole_slots), "one device an actor"
            whole = {slot.ready.gpus for slot in whole_slots}
            assert len(whole) == 2
            assert not whole & {slot.ready.gpus for slot in half_slots}
            assert come_to(DEVICES - 3)
            found = by_seed(halves.run(jobs(*["calm"] * 6))) | by_seed(wholes.run(jobs(*["calm"] * 6, start=6)))
            assert {found[seed].pcm_sha256 == sized_generator.pcm_of(seed) for seed in range(12)} == {True}
            profile = found[0].profile.profile["generator"] if found[0].profile else {}
            assert (profile["device"], profile["batch"], profile["threads"]) == ("cuda", 2, 1)
            processes = [int(slot.ready.place.rpartition(":")[2]) for slot in half_slots]
        assert not any(map(lives, processes))
        assert come_to(DEVICES - 2), "the others keep theirs"


def test_more_devices_than_one_machine_has_are_refused_with_what_there_is(session: Session, tmp_path: Path) -> None:
    told = r"sized could not start: .* 5 GPU on one machine; .* 4 GPU"
    pool = RayExecutor(on_devices(tmp_path, gpus=5), 1, 1, session)
    with closing(pool), pytest.raises(GeneratorStoppedError, match=told):
        pool.wait()
    with pytest.raises(GeneratorStoppedError, match=r"needs 1 CPU and 0 GPU and 1e\+09 MiB of memory on one machine"):
        check_fits(1, 0, 1e9)


def test_a_generator_without_room_says_what_fits_and_waits_for_what_comes_back(
    session: Session, tmp_path: Path
) -> None:
    none = RayExecutor(on_devices(tmp_path, "none", fault="no room"), 1, 1, session)
    later = RayExecutor(on_devices(tmp_path, "later", fault="room later"), 1, 1, session)
    with closing(none), closing(later):
        assert by_seed(later.run(jobs("calm")))[0].status == "done"
        with pytest.raises(GeneratorStoppedError, match=r"none could not start: a batch of 2 .* set CUEWORKS_BATCH=1"):
            list(none.run(jobs("calm")))


def test_memory_that_runs_out_while_setting_up_is_want_of_room(tmp_path: Path) -> None:
    """So that actors elsewhere that have room go on."""
    worker = GeneratorWorker(on_devices(tmp_path, fault="allocation"))
    with pytest.raises(NoRoomError, match=r"MemoryError: no more of it; the GPU's memory .* set CUEWORKS_BATCH lower"):
        worker.warm_up()


def test_a_device_without_room_leaves_the_others_to_it(tmp_path: Path) -> None:
    """Whichever actor is heard of first: a device that others use says nothing of the next one."""
    pool = RayExecutor.__new__(RayExecutor)
    full, loading = Slot("generator-0", spawn=lambda: (None, None)), Slot("generator-1", spawn=lambda: (None, None))
    pool._workshop, pool._generators, pool._finishers = on_devices(tmp_path), [full, loading], []
    pool._could_not_start(full, NoRoomError("2 GB are free"))
    assert pool._generators == [loading]
    with pytest.raises(GeneratorStoppedError, match="2 GB are free"):
        pool._could_not_start(loading, NoRoomError("2 GB are free"))


def test_the_profile_tells_what_bits_on_a_device_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a device")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91000)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert workers._gpu() == {
        "gpu": "a device", "compute_capability": "9.0", "cuda": "13.0", "cudnn": 91000, "cublas_workspace": ":16:8",
    }  # fmt: skip


def test_memory_that_runs_out_is_tried_on_another_actor_then_told(session: Session, tmp_path: Path) -> None:
    with closing(RayExecutor(on_devices(tmp_path), 2, 1, session)) as pool:
        all_ready(pool)
        prompts = ("calm", "calm", "calm", f"once {tmp_path / 'mark'}", "out of memory", "out of memory")
        found = by_seed(pool.run(jobs(*prompts)))  # batches hold them two by two in this order
        assert [found[n].status for n in range(6)] == ["done"] * 4 + ["failed"] * 2
        once, never = found[3].attempts, found[4].attempts
        assert [attempt.outcome for attempt in once] == ["died", "done"]
        assert once[0].error == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
        assert once[0].actor != once[1].actor, "another worker tried"
        assert [attempt.outcome for attempt in never] == ["died", "died", "failed"]
        assert never[0].actor != never[1].actor
        told = found[4].error or ""
        assert "out of memory 2 times" in told
        assert "the GPU's memory does not hold batches of 2: set CUEWORKS_BATCH lower" in told
        assert {found[n].pcm_sha256 == sized_generator.pcm_of(n) for n in range(4)} == {True}


def test_when_no_batch_fits_the_rest_are_not_tried(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "MOST_WITHOUT_ROOM", 0)
    with closing(RayExecutor(on_devices(tmp_path), 1, 1, session)) as pool:
        seen: list[Recording] = []
        with pytest.raises(GeneratorStoppedError, match=r"sized runs out of memory .* set CUEWORKS_BATCH lower"):
            seen.extend(recording for recording in pool.run(jobs(*["no memory"] * 40)))
        assert len(seen) <= 2


def test_an_actor_killed_in_the_middle_of_a_batch_loses_nothing(session: Session, tmp_path: Path) -> None:
    with closing(RayExecutor(on_devices(tmp_path), 2, 1, session)) as pool:
        found = by_seed(pool.run(jobs("calm", f"die once {tmp_path / 'mark'}", *["slow"] * 4)))
    assert {recording.status for recording in found.values()} == {"done"}
    assert [attempt.outcome for attempt in found[1].attempts] == ["died", "done"]
    assert {found[n].pcm_sha256 == sized_generator.pcm_of(n) for n in range(6)} == {True}


def test_in_this_process_memory_that_runs_out_is_tried_anew_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = sized_generator.card("sized", tmp_path)
    with closing(InProcessExecutor(shop(card, tmp_path))) as executor:
        found = by_seed(executor.run(jobs("calm", f"once {tmp_path / 'mark'}")))
        assert [attempt.outcome for attempt in found[1].attempts] == ["died", "done"]
        (never,) = executor.run(jobs("out of memory"))
        assert never.status == "failed"
        assert "the machine's memory does not hold batches of 2: set CUEWORKS_BATCH lower" in (never.error or "")
        monkeypatch.setattr(in_process, "MOST_WITHOUT_ROOM", 1)
        with pytest.raises(GeneratorStoppedError, match="runs out of memory"):
            list(executor.run(jobs(*["out of memory"] * 4)))
        with pytest.raises(GeneratorStoppedError, match="runs out of memory"):
            list(executor.run(jobs("calm")))


@pytest.mark.parametrize(("gpus", "at_once"), [(0.0, 1), (0.5, 1), (1.0, 3)])
def test_actors_that_share_memory_load_one_at_a_time(tmp_path: Path, gpus: float, at_once: int) -> None:
    """Each sees what is free before it takes its part."""
    pool = RayExecutor.__new__(RayExecutor)
    slots = [Slot(f"generator-{n}", spawn=lambda: (object(), object())) for n in range(3)]
    pool._workshop = shop(sized_generator.card("sized", tmp_path, gpus=gpus), tmp_path)
    pool._generators, pool._finishers, pool._head_start_ends = slots, [], 0.0
    for ready in range(3):
        pool._start_slots()
        assert sum(slot.started for slot in slots) == min(3, ready + at_once)
        slots[ready].ready = object()


def test_a_generators_own_check_is_asked_for_and_its_refusal_names_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def self_check(generator: object) -> None:
        asked.append(generator)
        raise BatchDependenceError("a step with 120 behind it depends on a row's place")

    monkeypatch.setattr(sized_generator.SizedGenerator, "self_check", self_check, raising=False)
    told = r"sized: a step with 120 behind it .* \(batch 2; kernels noise\); .* try CUEWORKS_BATCH=1"
    with pytest.raises(BatchDependenceError, match=told):
        GeneratorWorker(on_devices(tmp_path)).warm_up()
    assert len(asked) == 1


LOST = "the device failed under its worker: AcceleratorError: CUDA error: an illegal memory access was encountered"


def test_a_lost_device_is_a_death_of_its_worker_and_no_fault_of_later_takes(session: Session, tmp_path: Path) -> None:
    """The actor would live on and fail every take after it."""
    with closing(RayExecutor(on_devices(tmp_path), 1, 1, session)) as pool:
        found = by_seed(pool.run(jobs("calm", f"lose {tmp_path / 'mark'}", *["slow"] * 4)))
    assert {recording.status for recording in found.values()} == {"done"}
    assert [(attempt.outcome, attempt.error) for attempt in found[1].attempts] == [("died", LOST), ("done", None)]
    first, second = (attempt.actor.rpartition(":")[2] for attempt in found[1].attempts)
    assert first != second, "another process tried"
    assert {len(found[seed].attempts) for seed in range(2, 6)} == {1}, "what waited behind it is not to blame"
    assert {found[n].pcm_sha256 == sized_generator.pcm_of(n) for n in range(6)} == {True}


def test_answers_are_taken_in_the_order_in_which_an_actor_gave_them() -> None:
    """Ray may tell of a later one first; the device that an earlier one lost is then blamed on the right take."""
    slot = Slot("generator-0", spawn=lambda: (object(), object()))
    one, other = object(), object()
    pool = RayExecutor.__new__(RayExecutor)
    pool._flights = {
        call: Flight(slot, actor, []) for call, actor in {"1": one, "2": other, "3": one, "4": other, "5": one}.items()
    }
    assert pool._answered_calls(set()) == []
    assert pool._answered_calls({"3"}) == ["1", "3"], "what this actor was sent later is still under way"
    assert pool._answered_calls({"5", "2", "warming"}) == ["1", "2", "3", "5"]


def test_a_take_that_always_loses_the_device_is_quarantined_with_its_reason(session: Session, tmp_path: Path) -> None:
    with closing(RayExecutor(on_devices(tmp_path), 2, 1, session)) as pool:
        found = by_seed(pool.run(jobs("calm", "lose", *["calm"] * 4)))
    assert {found[n].status for n in (0, 2, 3, 4, 5)} == {"done"}
    assert found[1].status == "quarantined"
    assert found[1].error == f"its worker died 4 times, the last time alone: {LOST}"


def test_a_device_that_is_lost_while_setting_up_is_tried_by_another_actor(tmp_path: Path, session: Session) -> None:
    shop = on_devices(tmp_path, fault="lost at first")
    with closing(RayExecutor(shop, 1, 1, session)) as pool:
        assert by_seed(pool.run(jobs("calm")))[0].status == "done"


def test_in_this_process_a_lost_device_is_set_up_anew_once_then_told(tmp_path: Path) -> None:
    with closing(InProcessExecutor(shop(sized_generator.card("sized", tmp_path), tmp_path))) as executor:
        found = by_seed(executor.run(jobs("calm", f"lose {tmp_path / 'mark'}", "calm")))
        assert [found[n].status for n in range(3)] == ["done"] * 3
        assert [(attempt.outcome, attempt.error) for attempt in found[1].attempts] == [("died", LOST), ("done", None)]
        for prompt in ("lose", "calm"):
            with pytest.raises(GeneratorStoppedError, match=rf"sized: {LOST}, and it did not come back; run the same"):
                list(executor.run(jobs(prompt)))


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (sized_generator.AcceleratorError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling cublasGemmEx"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (ValueError("CUDA error: told by a prompt"), False),
        (RuntimeError("row 1, step 3: the logits are not all finite"), False),
    ],
)
def test_what_is_told_of_a_device_that_lasts(error: Exception, lost: bool) -> None:
    assert workers.is_device_lost(error) is lost
    assert not workers.is_out_of_memory(error)
