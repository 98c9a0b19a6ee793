"""Who works where, beside whom and after whom; whose turn it is; which takes share a batch and a shard."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.controls import Controls, Theme
from models.generator import Place, Request, Resources
from models.registry import CARDS
from services.catalog.driving import Turns
from services.catalog.runs import MAX_SHARDS, cut_shards
from services.planning.order import Delivery
from services.rendering.crews import Crews, Line, line_up, most_actors
from services.rendering.in_process import batches
from services.rendering.jobs import GeneratorStoppedError, Job, RenderingStoppedError, Workshop
from services.rendering.machine import Machine, free_memory
from services.settings import SettingError, Settings
from tests import sized_generator

MIB = 1 << 20


def shop(name: str, gpus: float = 0.0, cpus: float = 1.0, memory_mb: int = 600) -> Workshop:
    place = Place("cuda" if gpus else "cpu", 4, Resources(cpus=cpus, gpus=gpus, memory_mb=memory_mb))
    return Workshop("no:where", place, Path("home"), Path("cache"), generator=name)


@pytest.mark.parametrize(
    ("needs", "machine", "actors"),
    [(shop("a"), Machine(8, 16_000), 8), (shop("a", cpus=2), Machine(8, 16_000), 4), (shop("a"), Machine(8, 3_000), 3),
     (shop("a", memory_mb=9_000), Machine(8, 4_000), 1), (shop("a", cpus=16), Machine(8, 16_000), 1),
     (shop("a", gpus=0.5), Machine(8, 16_000, 2), 4), (shop("a", gpus=1), Machine(8, 16_000, 2), 2),
     (shop("a", gpus=0.4), Machine(8, 16_000, 3), 6), (shop("a", gpus=2), Machine(8, 16_000, 5), 2),
     (shop("a", gpus=1, memory_mb=6_000), Machine(8, 14_000, 4), 2), (shop("a", gpus=1), Machine(8, 16_000, 0), 1)],
)  # fmt: skip
def test_as_many_actors_as_processors_devices_and_memory_hold(needs: Workshop, machine: Machine, actors: int) -> None:
    assert most_actors(needs, machine) == actors


def test_generators_of_one_kind_of_place_come_one_after_another() -> None:
    line = line_up([shop("a"), shop("b")], Machine(4, 16_000))
    assert line.lanes == (("a", "b"),)
    assert [crew.actors for crew in line.crews.values()] == [4, 4]
    assert line.cpus == 4


def test_devices_and_processors_work_side_by_side_where_both_fit() -> None:
    line = line_up([shop("solo"), shop("big", 1), shop("half", 0.5)], Machine(8, 32_000, 2))
    assert line.lanes == (("big", "half"), ("solo",))
    assert {name: crew.actors for name, crew in line.crews.items()} == {"solo": 4, "big": 2, "half": 4}
    assert line.cpus == 8


@pytest.mark.parametrize("machine", [Machine(2, 32_000, 2), Machine(8, 2_000, 2)])
def test_where_both_do_not_fit_they_come_one_after_another(machine: Machine) -> None:
    line = line_up([shop("solo"), shop("big", 1)], machine)
    assert line.lanes == (("big", "solo"),)


def test_a_wish_for_actors_is_granted() -> None:
    line = line_up([shop("a"), shop("b", 1)], Machine(8, 32_000, 2), actors=3)
    assert {crew.actors for crew in line.crews.values()} == {3}


def test_memory_that_is_free_is_told_in_bytes() -> None:
    assert 64 * MIB < free_memory() < 1 << 50


class Recorded:
    """An executor that notes what is asked of it."""

    def __init__(self, name: str, notes: list[str], fails: bool = False) -> None:
        self.name, self.notes, self.fails = name, notes, fails
        notes.append(f"open {name}")

    def wait(self) -> None:
        if self.fails:
            raise GeneratorStoppedError(f"{self.name} could not start")

    def stop(self) -> None:
        self.notes.append(f"stop {self.name}")

    def close(self, at_once: bool = False) -> None:
        self.notes.append(f"close {self.name}")


def crews(notes: list[str], *fail: str) -> Crews:
    shops = {name: shop(name) for name in ("a", "b", "c")}
    line = Line(line_up(shops.values(), Machine(4, 16_000)).crews, (("a", "b"), ("c",)))
    return Crews(line, lambda crew: Recorded(crew.workshop.generator, notes, crew.workshop.generator in fail))  # type: ignore[arg-type, return-value]


def test_crews_open_when_their_turn_comes_and_give_back_when_it_is_over() -> None:
    notes: list[str] = []
    opened = crews(notes)
    opened.begin()
    opened.wait()
    assert notes == ["open a", "open c"]
    turns = Turns({"a": range(3), "b": range(3, 4), "c": range(4, 5)}, opened.lanes, opened.release, 2)
    assert turns.take() == [0, 1, 4]
    turns.over(1)
    assert turns.take() == [2]
    turns.over(0)
    turns.over(4)
    assert turns.take() == []
    assert notes[2:] == ["close c"]
    turns.over(2)
    assert turns.take() == [3]
    assert notes[2:] == ["close c", "close a"]
    opened.executor("b")
    opened.stop()
    opened.close()
    assert notes[4:] == ["open b", "stop b", "close b"]
    with pytest.raises(RenderingStoppedError, match="run the same command again"):
        opened.executor("a")


def test_a_generator_that_gave_up_leaves_its_shards_and_the_next_has_its_turn() -> None:
    released: list[str] = []
    turns = Turns({"a": range(5), "b": range(5, 6)}, (("a", "b"),), released.append, 2)
    assert turns.take() == [0, 1]
    turns.over(0, given_up=True)
    assert turns.take() == []
    turns.over(1, given_up=True)
    assert turns.take() == [5]
    turns.over(5)
    assert turns.take() == []
    assert released == ["a", "b"]


def test_one_that_cannot_start_does_not_keep_the_others_waiting() -> None:
    opened = crews([], "a")
    opened.begin()
    opened.wait()
    alone = Crews(line_up([shop("a")], Machine(1, 4_000)), lambda crew: Recorded("a", [], True))  # type: ignore[arg-type, return-value]
    alone.begin()
    with pytest.raises(GeneratorStoppedError, match="a could not start"):
        alone.wait()


def job(number: int, prompt: str, duration: float = 2.0) -> Job:
    controls = Controls(
        state="combat", genre="orchestral", mood="tense", bpm=120.0, key="D minor", meter="4/4", instruments=(),
        excluded=(), bars=1, duration=duration, form="loop", intensity=3, loop=True, theme=Theme(1),
    )  # fmt: skip
    return Job(Request(f"{number:064x}", prompt, number, controls), Delivery(("flac",), 48000, -23.0, False), "x")


def test_variations_of_a_prompt_share_a_batch_and_rows_of_a_batch_their_shape() -> None:
    jobs = [job(n, f"prompt {n % 3}", 2.0 + n % 2) for n in range(24)]
    found = batches(jobs, 4)
    assert sorted(j.take_id for batch in found for j in batch) == sorted(j.take_id for j in jobs)
    assert {len(batch) for batch in found} == {4}
    assert all(len({(j.request.prompt, j.shape) for j in batch}) == 1 for batch in found)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([10.0, 60.0])), max_size=2000),
    st.sampled_from([1, 4, 32]), st.sampled_from([1, 2, 8]),
)  # fmt: skip
def test_shards_hold_whole_batches_of_one_generator(kinds: list[tuple[str, float]], batch: int, actors: int) -> None:
    missing = [(f"{number}", generator, seconds) for number, (generator, seconds) in enumerate(kinds)]
    shards = cut_shards(missing, {"a": (batch, actors), "b": (batch, actors)})
    of = {id_: (generator, seconds) for id_, generator, seconds in missing}
    assert sorted(id_ for shard in shards for id_ in shard) == sorted(of)
    assert len(shards) <= MAX_SHARDS
    assert all(len({of[id_][0] for id_ in shard}) == 1 for shard in shards)
    computed = sum(-(-sum(of[id_] == kind for id_ in shard) // batch) for shard in shards for kind in set(of.values()))
    assert computed == sum(-(-sum(kind == other for other in of.values()) // batch) for kind in set(of.values()))


def settings(**variables: str) -> Settings:
    return Settings.from_environment({"CUEWORKS_HOME": "/tmp/nowhere", **variables})


def test_the_settings_choose_device_and_batch_for_generators_that_leave_a_choice(tmp_path: Path) -> None:
    card = sized_generator.card("sized", tmp_path, gpus=0.5, batch=8)
    assert settings().workshop(card, 0).place.device == "cpu"
    assert settings().workshop(card, 1).place == card.cuda
    assert settings(CUEWORKS_DEVICE="cpu").workshop(card, 1).place.device == "cpu"
    assert settings(CUEWORKS_DEVICE="cuda").workshop(card, 1).place == card.cuda
    with pytest.raises(SettingError, match="CUEWORKS_DEVICE=cuda: sized would run on a GPU, and there is none"):
        settings(CUEWORKS_DEVICE="cuda").workshop(card, 0)
    larger = settings(CUEWORKS_BATCH="16").workshop(card, 0)
    assert (larger.batch_size, larger.resources.memory_mb) == (16, 100)
    assert settings(CUEWORKS_BATCH="2").workshop(card, 0).batch_size == 2
    composer = settings(CUEWORKS_BATCH="16", CUEWORKS_DEVICE="cuda").workshop(CARDS["composer"], 0)
    assert composer.place == CARDS["composer"].place("cpu")
    assert settings(CUEWORKS_ACTORS="3").takes_at_once([card, CARDS["composer"]]) == {
        "sized": (8, 3), "composer": (1, 3)
    }  # fmt: skip


def test_a_place_on_a_gpu_without_a_share_of_one_is_a_fault() -> None:
    with pytest.raises(ValueError, match="names the share"):
        Workshop("no:where", Place("cuda"), Path("home"), Path("cache"))
