"""Takes that are not good enough are replaced: in rounds of one run, after kills and edits, on both databases."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Connection, Engine, func, select, text, update

from db.engine import reading, writing
from db.ledger import append
from db.rights_tables import Acceptance, Hearing, LedgerEntry
from db.rows import TakeRow
from db.tables import Run, Take
from db.takes import take_rows
from services.catalog import acceptance, runs
from services.catalog.driving import Driver, Turns
from services.catalog.listing import Filter, takes
from services.catalog.rounds import Rounds, begin, widened
from services.delivery.reviews import Decision, review, undecided
from services.planning.plan import Plan, plan
from services.planning.reader import read_bytes
from services.provenance.ledger import verify_ledger
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import RenderingStoppedError, Workshop
from services.rights.facts import Fact
from services.rights.gate import over_caps
from services.rights.register import add, read_register
from services.storage.folder import FolderStore
from tests import steered_generator
from tests.cards import cards_at

CARDS = cards_at("r")
FINISHER = "tests.steered_generator:create_finisher"


@pytest.fixture(autouse=True)
def steer() -> Iterator[dict[int, str]]:
    for told in (steered_generator.STEER, steered_generator.MADE, steered_generator.DIES_AFTER):
        told.clear()
    yield steered_generator.STEER
    for told in (steered_generator.STEER, steered_generator.MADE, steered_generator.DIES_AFTER):
        told.clear()


@dataclass
class Studio:
    engine: Engine
    home: Path
    finisher: str = FINISHER
    told: list[int] = field(default_factory=list)
    refused: str | None = None
    stopped: str | None = None

    def order(self, accept: Any, only: str | None = None, narrow: int | None = None, **cue: Any) -> Plan:
        cues = [{"state": "town", "prompt": "calm town", "genre": "folk", "bpm": 120, "key": "C major", "duration": 9,
                 **({} if accept is None else {"accept": accept}), **cue},
                {"state": "other", "prompt": "calm", "duration": 9}]  # fmt: skip
        text = yaml.safe_dump({"catalog": "game", "seed": 3, "defaults": {"sample_rate": 44100}, "cues": cues})
        (self.home / "b.yaml").write_text(text)
        return plan(read_bytes(text.encode(), self.home / "b.yaml"), CARDS, takes=narrow, only=only)

    def carry_out(self, order: Plan) -> tuple[runs.StartedRun, list[acceptance.Stock]]:
        """As `flows.orders` does it, without Prefect."""
        wider, stocks = widened(self.engine, self.home, order, self.told.append)
        known = {name: CARDS[name] for name, _ in order.generators}
        run, order, self.refused = begin(self.engine, order, wider, stocks, {}, known=known)
        rounds = Rounds(self.engine, self.home, order, run, known, {})
        place = CARDS["composer"].place("cpu")
        shop = Workshop("tests.steered_generator:create", place, self.home, self.home, self.finisher)
        executor = InProcessExecutor(shop)
        driver = Driver(self.engine, lambda shard: executor, run.id, listening=rounds.listening)
        turns = Turns(run.turns, [tuple(run.turns)], lambda name: None, 1, driver.asking(rounds.more))
        while shards := turns.take():
            for shard in shards:
                driver.drive(shard)
                turns.over(shard)
        stocks = rounds.close()
        runs.finish(self.engine, run.id, {})
        self.stopped = driver.told
        return run, stocks

    def rows(self, cue: str = "town") -> list[TakeRow]:
        with reading(self.engine) as session:
            return list(take_rows(session, Take.cue == cue))

    def told_of(self) -> list[tuple[int, str, str]]:
        """(index, status, outcome) of the takes of the cue."""
        return [(row.index, row.status, row.acceptance.outcome if row.acceptance else "") for row in self.rows()]

    def count(self, table: Any) -> int:
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


def triggers(connection: Connection) -> list[str]:
    """What takes the guards of acceptances away."""
    if connection.dialect.name == "postgresql":
        return ["ALTER TABLE acceptance DISABLE TRIGGER ALL"]
    named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'acceptance'"
    return [f"DROP TRIGGER {name}" for name in connection.scalars(text(named))]


@pytest.fixture
def studio(engine: Engine, tmp_path: Path) -> Studio:
    return Studio(engine, tmp_path)


BAD = {0: "other key", 1: "silent", 3: "raise", 4: "double", 5: "other tempo", 6: "cut"}
ACCEPT = {"keep": 3, "budget": 10}
ENDED = [
    (0, "done", "rejected"), (1, "done", "rejected"), (2, "done", "kept"), (3, "failed", ""), (4, "done", "rejected"),
    (5, "done", "rejected"), (6, "done", "rejected"), (7, "done", "kept"), (8, "done", "kept"),
]  # fmt: skip


def ended(studio: Studio) -> list[tuple[int, str, str]]:
    return sorted(studio.told_of())


def test_bad_takes_are_replaced_until_enough_are_good_and_all_of_it_is_on_record(
    studio: Studio, steer: dict[int, str]
) -> None:
    steer |= BAD
    run, stocks = studio.carry_out(studio.order(ACCEPT, takes=2))
    assert ended(studio) == ENDED
    assert [row.index for row in studio.rows()] == list(range(9))  # in the brief's order
    assert acceptance.shortfalls(stocks) == []
    reasons = {row.index: row.acceptance.reasons for row in studio.rows() if row.acceptance}
    assert "key is heard as" in reasons[0][0]
    assert "silence" in reasons[1][0]
    assert "tempo is heard as" in reasons[5][0]
    assert "ends abruptly" in reasons[6][0]
    assert [row.acceptance for row in studio.rows("other")] == [None]
    assert studio.count(Hearing) == 7  # the double is heard once, what nobody asks about never
    with reading(studio.engine) as session:
        found = session.scalars(select(Run)).one()
        assert (found.id, found.ordered, found.to_render) == (run.id, 10, 10)
        kinds = list(session.scalars(select(LedgerEntry.kind)))
    assert kinds.count("acceptance") == 8
    assert kinds.count("plan") == 4  # the order, and three rounds
    assert verify_ledger(studio.engine, [], ()).problems == ()
    made = list(steered_generator.MADE)
    again, stocks = studio.carry_out(studio.order(ACCEPT, takes=2))
    assert (again.shards, again.registered.inserted, again.registered.superseded) == (0, 0, 0)
    assert (made, ended(studio)) == (steered_generator.MADE, ENDED)
    assert studio.count(Acceptance) == 8


@pytest.mark.parametrize("after", [1, 4, 7])
def test_killed_at_any_moment_the_same_order_ends_the_same(
    studio: Studio, steer: dict[int, str], after: int
) -> None:
    steer |= {index: how for index, how in BAD.items() if how != "raise"}
    order = studio.order(ACCEPT, takes=2)
    steered_generator.DIES_AFTER[:] = [after]
    with pytest.raises(steered_generator.Killed):
        studio.carry_out(order)
    steered_generator.DIES_AFTER.clear()
    studio.carry_out(order)
    assert ended(studio) == [
        (0, "done", "rejected"), (1, "done", "rejected"), (2, "done", "kept"), (3, "done", "kept"),
        (4, "done", "rejected"), (5, "done", "rejected"), (6, "done", "rejected"), (7, "done", "kept"),
    ]  # fmt: skip
    assert verify_ledger(studio.engine, [], ()).problems == ()


def test_a_spent_budget_ends_with_what_there_is_and_says_so(studio: Studio, steer: dict[int, str]) -> None:
    steer |= {0: "silent", 1: "raise", 2: "other key", 3: "other key"}
    _, stocks = studio.carry_out(studio.order({"keep": 2, "budget": 4}))
    [said] = acceptance.shortfalls(stocks)
    assert said.startswith("town: 0 of 2 takes are good enough, 4 of at most 4 made (2 for key, 1 for silence, 1 did ")
    assert said.endswith("loosen `accept`, or take another generator")
    assert not acceptance.replaced(stocks)
    _, stocks = studio.carry_out(studio.order({"keep": 1, "budget": 5}))
    assert acceptance.shortfalls(stocks) == []
    assert [told for told in ended(studio) if told[2] == "kept"] == [(4, "done", "kept")]


def test_a_stopped_run_says_nothing_of_points_of_which_more_takes_are_to_come(
    studio: Studio, steer: dict[int, str]
) -> None:
    steer |= dict.fromkeys(range(4), "other key")
    order = studio.order({"keep": 2, "budget": 4})
    for after in (1, 3):  # killed in the first round and in the second
        steered_generator.DIES_AFTER[:] = [after]
        with pytest.raises(steered_generator.Killed):
            studio.carry_out(order)
        _, stocks = widened(studio.engine, studio.home, order)
        assert acceptance.shortfalls(stocks, stopped=True) == []
        assert len(acceptance.shortfalls(stocks)) == 1
    steered_generator.DIES_AFTER.clear()
    _, stocks = studio.carry_out(order)
    assert len(acceptance.shortfalls(stocks, stopped=True)) == 1


def test_an_edited_rule_judges_anew_what_was_heard_and_takes_nothing_away(
    studio: Studio, steer: dict[int, str]
) -> None:
    steer |= {0: "other key", 1: "silent"}
    studio.carry_out(studio.order({"keep": 1, "budget": 4}))
    assert ended(studio) == [(0, "done", "rejected"), (1, "done", "rejected"), (2, "done", "kept")]
    heard, made = studio.count(Hearing), len(steered_generator.MADE)
    run, _ = studio.carry_out(studio.order({"keep": 1, "budget": 4, "key": "any", "silence": "any"}))
    assert ended(studio) == [(0, "done", "kept"), (1, "done", "spare"), (2, "done", "spare")]
    assert (studio.count(Hearing), len(steered_generator.MADE), run.shards) == (heard, made, 0)
    studio.carry_out(studio.order(None))
    assert ended(studio)[0] == (0, "done", "")
    assert [told[1] for told in ended(studio)[1:]] == ["superseded", "superseded"]
    first = studio.rows()[0].id
    assert first in undecided(studio.engine, "game")[0]
    held = studio.count(Acceptance)
    studio.carry_out(studio.order(None))
    assert studio.count(Acceptance) == held
    studio.carry_out(studio.order({"keep": 1, "budget": 4}))
    assert ended(studio) == [(0, "done", "rejected"), (1, "done", "rejected"), (2, "done", "kept")]
    assert len(steered_generator.MADE) == made


def test_takes_and_only_narrow_what_is_made_and_supersede_nothing(studio: Studio) -> None:
    studio.carry_out(studio.order(ACCEPT, takes=3))
    assert [told[2] for told in ended(studio)] == ["kept"] * 3
    narrow = studio.order(ACCEPT, "town", 1, takes=3)
    run, stocks = studio.carry_out(narrow)
    assert (run.registered.superseded, run.shards, acceptance.shortfalls(stocks)) == (0, 0, [])
    assert [told[2] for told in ended(studio)] == ["kept"] * 3
    assert studio.count(Acceptance) == 3


def test_reviews_and_lists_go_by_what_was_accepted(studio: Studio, steer: dict[int, str]) -> None:
    steer |= {0: "other key"}
    studio.carry_out(studio.order({"keep": 1, "budget": 3}, takes=3))
    assert [told[2] for told in ended(studio)] == ["rejected", "kept", "spare"]
    rows = studio.rows()
    others = [row.id for row in studio.rows("other")]
    ids, decided, left_out = undecided(studio.engine, "game")
    assert (set(ids), decided, left_out) == ({rows[1].id, *others}, 0, 2)
    assert len(undecided(studio.engine, "game", decision="reject")[0]) == 4
    assert [take.index for take in takes(studio.engine, Filter(accepted=True))] == [1, 2]
    assert [take.index for take in takes(studio.engine, Filter(accepted=False))] == [0]
    approved, fine = review(studio.engine, [rows[0].id, rows[2].id], Decision("approve", "Ada"))
    assert approved.against and "its key is heard as" in approved.against
    assert fine.against is None
    with writing(studio.engine) as session:
        session.execute(update(Take).where(Take.id == rows[0].id).values(pcm_sha256="a" * 64))
    assert review(studio.engine, [rows[0].id], Decision("approve", "Bo"))[0].against is None
    with writing(studio.engine) as session:
        session.execute(update(Take).where(Take.id == rows[0].id).values(pcm_sha256=rows[0].pcm_sha256))
    assert verify_ledger(studio.engine, [], ()).problems == ()
    with studio.engine.begin() as connection:
        for name in triggers(connection):
            connection.execute(text(name))
        connection.execute(text("UPDATE acceptance SET score = 1 WHERE outcome = 'rejected'"))
    problems = [str(problem) for problem in verify_ledger(studio.engine, [], ()).problems]
    assert any("acceptance" in told and rows[0].id[:12] in told for told in problems), problems


def test_accept_that_comes_later_hears_the_stored_masters_in_several_processes(
    studio: Studio, steer: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is heard as when they were made; a master that is gone leaves its take unheard, and says so."""
    if studio.engine.dialect.name == "sqlite":  # once is enough: the processes know of no database
        monkeypatch.setattr(acceptance, "ALONE", 2)
    steer |= {1: "cut"}
    studio.finisher = "services.rendering.finishing:create"
    studio.carry_out(studio.order(None, takes=4))
    assert (studio.count(Hearing), studio.told) == (0, [])
    files = {row.index: row.assets[0] for row in studio.rows()}
    sounds = {row.index: row.pcm_sha256 for row in studio.rows()}
    store = FolderStore(studio.home / "blobs")
    gone, damaged = store.path(files[3].sha256), store.path(files[2].sha256)
    gone.rename(studio.home / "gone")
    shutil.copy(damaged, studio.home / "sound")
    for other in (store.path(files[1].sha256).read_bytes(), b"", damaged.read_bytes()[:-999]):
        damaged.unlink()
        damaged.write_bytes(other)
        assert acceptance.hear_master((str(sounds[2]), str(damaged))) is None
    asked = studio.order(True, takes=4)
    run, stocks = studio.carry_out(asked)
    assert (run.shards, studio.told) == (0, [4])
    assert ended(studio) == [(0, "done", "kept"), (1, "done", "rejected"), (2, "done", ""), (3, "done", "")]
    assert "2 cannot be heard, their files are gone or damaged" in acceptance.shortfalls(stocks)[0]
    (studio.home / "gone").rename(gone)
    damaged.unlink()
    shutil.copy(studio.home / "sound", damaged)
    studio.carry_out(asked)
    assert ended(studio)[2:] == [(2, "done", "kept"), (3, "done", "kept"), (4, "done", "kept")]
    assert studio.count(Hearing) == 5


def test_a_driver_that_lost_its_run_judges_nothing_and_says_so(studio: Studio, steer: dict[int, str]) -> None:
    steer |= {0: "other key", 1: "other key"}
    order = studio.order({"keep": 2, "budget": 9})
    run, _ = studio.carry_out(order)  # closed, as by a driver that took over
    held = studio.count(Acceptance)
    easier = studio.order({"keep": 2, "budget": 9, "key": "any"})
    wider, _ = widened(studio.engine, studio.home, easier)
    late = Rounds(studio.engine, studio.home, wider, replace(run, settled=frozenset()), CARDS, {})
    with pytest.raises(RenderingStoppedError, match="another driver took over"):
        late.more("composer")
    assert [stock.accepted for stock in late.close()] == [4]
    assert studio.count(Acceptance) == held


def limit(studio: Studio, most: int) -> None:
    with writing(studio.engine) as session:
        capped = Fact("composer", "terms", answer="allowed", volume_cap=most, source="a test", grade="own",
                      recorded_by="test")  # fmt: skip
        append(session, add(session, [capped]))


def test_a_volume_cap_ends_the_rounds_of_its_generator_and_leaves_what_is_there(
    studio: Studio, steer: dict[int, str]
) -> None:
    steer |= dict.fromkeys(range(9), "other key")
    order = studio.order({"keep": 1, "budget": 9}, takes=2)
    limit(studio, 5)
    [warned] = over_caps(read_register(studio.engine), order)
    assert "up to 10 takes may be made where some are not good enough" in warned
    _, stocks = studio.carry_out(order)
    assert len(ended(studio)) == 4  # two, and one in place of each round's; five with the other cue's
    assert studio.stopped is not None
    assert studio.stopped.startswith("no further takes may be made: composer: refused")
    assert len(acceptance.shortfalls(stocks)) == 1
    run, stocks = studio.carry_out(order)
    assert (studio.refused or "").startswith("no further takes may be made: composer: refused")
    assert (run.shards, run.registered.superseded, len(ended(studio))) == (0, 0, 4)
    assert len(acceptance.shortfalls(stocks)) == 1
