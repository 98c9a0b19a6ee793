"""`verify`, `repair`, `gc` and `reproduce` on real files: what is damaged is found, what is whole is left alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text, update

from db.engine import reading, writing
from db.migrate import upgrade
from db.rows import NewAsset, Recording, TakeRow
from db.tables import Asset, Take
from db.takes import take_rows
from models.registry import CARDS, Card
from services.catalog.checking import ForeignStoreError, Verification, collect_garbage, repair, reproduce, verify
from services.catalog.lock import CatalogBusyError, catalog_lock
from services.generators.known import KnownGenerators
from services.mastering.encode import encode
from services.mastering.pcm import Pcm
from services.rendering.jobs import Workshop
from services.storage.folder import FolderStore
from services.storage.tree import link
from tests import empty_generator
from tests.catalog_rows import attempt, done, new_order, new_take, numbered, open_run, order_takes, record_takes, sha

IDS = [new_take(number).id for number in range(3)]


class Recorded:
    """A catalog with three finished takes of a tenth of a second, in files like real ones."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine, self.home, self.store = engine, home, FolderStore(home / "blobs")
        run = open_run(engine, order_takes(engine, numbered(3)), [IDS])
        self.sounds = [self.take(number) for number in range(3)]
        record_takes(engine, run, self.sounds)

    def take(self, number: int) -> Recording:
        samples = np.random.default_rng(number).integers(-(2**20), 2**20, (4800, 2), dtype=np.int32)
        pcm = Pcm(48000, samples)
        mix = self.store.put(lambda file: encode(pcm, "flac", file))
        midi = self.store.put(lambda file: file.write(b"MThd%d" % number))
        folder = new_take(number).folder
        assets = (
            NewAsset("mix", "audio/flac", mix.sha256, mix.bytes, f"{folder}/mix.flac", 0.1, pcm.sha256()),
            NewAsset("midi", "audio/midi", midi.sha256, midi.bytes, f"{folder}/midi.mid", 0.1),
        )
        for asset in assets:
            link(self.store.path(asset.sha256), self.home / asset.path)
        return done(IDS[number], assets=assets, pcm_sha256=pcm.sha256())

    def mix(self, number: int) -> NewAsset:
        return self.sounds[number].assets[0]

    def blob(self, number: int) -> Path:
        return self.store.path(self.mix(number).sha256)

    def tree(self, number: int) -> Path:
        return self.home / self.mix(number).path

    def verify(self, catalog: str | None = None) -> Verification:
        return verify(self.engine, self.home, self.store, catalog, lambda count: None)

    def repair(self, found: Verification) -> int:
        return repair(self.engine, self.home, self.store, found)

    def takes(self) -> list[TakeRow]:
        with reading(self.engine) as session:
            return list(take_rows(session))


@pytest.fixture
def recorded(engine: Engine, home: Path) -> Recorded:
    return Recorded(engine, home)


def flip(path: Path) -> None:
    """Change one bit in the middle of a file that is not to be written."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def test_what_is_whole_has_no_problems(recorded: Recorded) -> None:
    found = recorded.verify()
    assert (found.ok, found.takes, found.files, found.problems, found.unreferenced) == (True, 3, 6, (), ())
    assert recorded.verify("game").takes == 3
    assert recorded.verify("other").takes == 0


def copied(recorded: Recorded) -> None:
    """As where the file system has no links: a copy, which somebody changed."""
    path = recorded.tree(1)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    flip(path)


def swapped(recorded: Recorded) -> None:
    with writing(recorded.engine) as session:
        mix = update(Asset).where(Asset.take_id == IDS[1], Asset.role == "mix")
        session.execute(mix.values(pcm_sha256=sha("other")))
        session.execute(update(Take).where(Take.id == IDS[1]).values(pcm_sha256=sha("other")))


def disagreeing(recorded: Recorded) -> None:
    with writing(recorded.engine) as session:
        session.execute(update(Take).where(Take.id == IDS[1]).values(pcm_sha256=sha("other")))


def soundless(recorded: Recorded) -> None:
    with writing(recorded.engine) as session:
        session.execute(update(Take).where(Take.id == IDS[1]).values(pcm_sha256=None))


def undecodable(recorded: Recorded) -> None:
    """Whole bytes, but no sound: recorded by something that was wrong."""
    blob = recorded.store.put(lambda file: file.write(b"no sound at all"))
    link(recorded.store.path(blob.sha256), recorded.tree(1))
    with writing(recorded.engine) as session:
        changed = update(Asset).where(Asset.take_id == IDS[1], Asset.role == "mix")
        session.execute(changed.values(sha256=blob.sha256, bytes=blob.bytes))


def missing(recorded: Recorded) -> None:
    recorded.blob(1).unlink()


def folder_in_the_way(recorded: Recorded) -> None:
    recorded.blob(1).unlink()
    recorded.blob(1).mkdir()


BROKEN_SOUND = [
    (missing, "is missing"),
    (lambda recorded: flip(recorded.blob(1)), "was changed: its bytes hash to"),
    (folder_in_the_way, "cannot be read"),
    (swapped, "does not decode to the PCM"),
    (undecodable, "does not decode"),
    (disagreeing, "the take records PCM"),
    (soundless, "no PCM is recorded"),
]
BROKEN_TREE = [
    (lambda recorded: recorded.tree(1).unlink(), "missing from the readable tree"),
    (copied, "in the readable tree was changed"),
]


@pytest.mark.parametrize(("damage", "told"), BROKEN_SOUND + BROKEN_TREE)
def test_damage_is_found_and_belongs_to_its_take(
    recorded: Recorded, damage: Callable[[Recorded], None], told: str
) -> None:
    damage(recorded)
    found = recorded.verify()
    assert not found.ok
    assert {problem.take for problem in found.problems} == {IDS[1]}
    assert any(told in problem.what for problem in found.problems)
    assert all("cueworks verify --repair" in problem.remedy for problem in found.problems)
    assert found.takes == 3


@pytest.mark.parametrize(("damage", "told"), BROKEN_SOUND)
def test_repair_plans_a_take_without_its_sound_again(
    recorded: Recorded, damage: Callable[[Recorded], None], told: str
) -> None:
    damage(recorded)
    assert recorded.repair(recorded.verify()) == 1
    assert [take.status for take in recorded.takes()] == ["done", "planned", "done"]
    assert recorded.verify().ok


@pytest.mark.parametrize(("damage", "told"), BROKEN_TREE)
def test_repair_puts_files_back_into_the_tree(
    recorded: Recorded, damage: Callable[[Recorded], None], told: str
) -> None:
    damage(recorded)
    assert recorded.repair(recorded.verify()) == 0
    assert recorded.tree(1).samefile(recorded.blob(1))
    assert [take.status for take in recorded.takes()] == ["done"] * 3
    assert recorded.verify().ok


def test_a_repaired_take_comes_back_the_same(recorded: Recorded) -> None:
    flip(recorded.blob(1))
    recorded.repair(recorded.verify())
    again = recorded.take(1)
    with writing(recorded.engine) as session:
        session.execute(text("UPDATE take SET status = 'rendering' WHERE status = 'planned'"))
    record_takes(recorded.engine, "run-1", [replace(again, attempts=(attempt(after_s=60),))])
    assert recorded.verify().ok
    assert recorded.takes()[1].pcm_sha256 == recorded.sounds[1].pcm_sha256


def test_superseded_takes_are_checked_too_and_stay_superseded(recorded: Recorded) -> None:
    order_takes(recorded.engine, [new_take(0)], new_order("edited"))
    recorded.blob(1).unlink()
    found = recorded.verify()
    assert (found.takes, {problem.take for problem in found.problems}) == (3, {IDS[1]})
    assert recorded.repair(found) == 1
    assert [take.status for take in recorded.takes()] == ["done", "superseded", "superseded"]
    assert recorded.verify().ok


def test_repair_waits_for_no_driver(recorded: Recorded) -> None:
    recorded.blob(1).unlink()
    found = recorded.verify()
    with catalog_lock(recorded.home, recorded.engine, "game"), pytest.raises(CatalogBusyError):
        recorded.repair(found)
    assert [take.status for take in recorded.takes()] == ["done"] * 3


def test_a_blob_that_two_takes_share_is_a_problem_of_both(recorded: Recorded) -> None:
    mix = recorded.mix(1)
    with writing(recorded.engine) as session:
        shared = {"sha256": mix.sha256, "bytes": mix.bytes, "pcm_sha256": mix.pcm_sha256}
        session.execute(update(Asset).where(Asset.take_id == IDS[2], Asset.role == "mix").values(**shared))
        session.execute(update(Take).where(Take.id == IDS[2]).values(pcm_sha256=mix.pcm_sha256))
    link(recorded.blob(1), recorded.tree(2))
    assert recorded.verify().ok
    recorded.blob(1).unlink()
    assert {problem.take for problem in recorded.verify().problems} == {IDS[1], IDS[2]}


def test_a_dry_run_tells_what_garbage_there_is_and_leaves_it(recorded: Recorded) -> None:
    leftover = recorded.store.put(lambda file: file.write(b"left behind"))
    assert collect_garbage(recorded.engine, recorded.store, dry_run=True) == (1, leftover.bytes)
    assert recorded.store.has(leftover.sha256)
    assert collect_garbage(recorded.engine, recorded.store) == (1, leftover.bytes)


def test_a_database_that_knows_no_file_is_taken_for_another_home_s(recorded: Recorded, empty_engine: Engine) -> None:
    upgrade(empty_engine)
    before = {blob.sha256 for blob in recorded.store.digests()}
    for dry_run in (True, False):
        with pytest.raises(ForeignStoreError, match="CUEWORKS_DATABASE_URL"):
            collect_garbage(empty_engine, recorded.store, dry_run)
    assert {blob.sha256 for blob in recorded.store.digests()} == before
    assert collect_garbage(empty_engine, FolderStore(recorded.home / "no-blobs")) == (0, 0)


def test_leftovers_are_listed_and_only_they_are_removed(recorded: Recorded) -> None:
    leftover = recorded.store.put(lambda file: file.write(b"of an interrupted take"))
    found = recorded.verify()
    assert (found.ok, found.unreferenced) == (True, (leftover.sha256,))
    assert collect_garbage(recorded.engine, recorded.store) == (1, leftover.bytes)
    assert collect_garbage(recorded.engine, recorded.store) == (0, 0)
    assert recorded.verify().ok
    assert recorded.verify().unreferenced == ()


def test_files_of_superseded_takes_are_no_garbage(recorded: Recorded) -> None:
    order_takes(recorded.engine, [], new_order("nothing"))
    assert collect_garbage(recorded.engine, recorded.store) == (0, 0)
    assert recorded.verify().files == 6


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """The empty generator, registered for one test."""
    monkeypatch.setitem(CARDS, "empty", None)
    return empty_generator.register()


def again(recorded: Recorded, card: Card, scratch: Path, takes: list[TakeRow]) -> list[tuple[bool | None, str]]:
    def workshop(card: Card) -> Workshop:
        finisher = "tests.empty_generator:create_finisher"
        return Workshop(card.factory, card.place("cpu"), recorded.home, scratch, finisher)

    return [(row.identical, row.note) for row in reproduce(recorded.engine, takes, KnownGenerators(), workshop)]


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"pcm_sha256": None, "status": "failed"}, "has no sound yet (status failed); generate it first"),
     ({"generator": "vanished"}, "unknown generator 'vanished'; use one of: composer, empty; `cueworks models"),
     ({"revision": "0"}, "needs revision 0 of empty; this is 1")],
)  # fmt: skip
def test_what_stands_in_the_way_of_reproducing_is_said(
    recorded: Recorded, card: Card, tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    (outcome,) = again(recorded, card, tmp_path, [replace(recorded.takes()[0], **changed)])
    assert outcome[0] is None
    assert outcome[1].startswith(told)


def test_reproducing_compares_and_changes_nothing(recorded: Recorded, card: Card, tmp_path: Path) -> None:
    take = recorded.takes()[0]
    silent = replace(take, pcm_sha256=f"{take.seed:064x}", assets=())
    broken = replace(take, prompt="raise")
    before = recorded.takes()
    outcomes = again(recorded, card, tmp_path, [silent, take, broken])
    assert outcomes[0] == (True, "identical")
    assert outcomes[1][0] is False
    assert "differs in mix" in outcomes[1][1]
    assert outcomes[2][0] is False
    assert "did not render: ValueError: asked to fail" in outcomes[2][1]
    assert recorded.takes() == before
    assert recorded.verify().ok
