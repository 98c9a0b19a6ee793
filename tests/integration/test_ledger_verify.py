"""Verification of the ledger on both databases: every kind of damage is found and named, and nothing else is."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from db.canonical import canonical
from db.engine import open_engine, reading, writing
from db.ledger import Entry, append, entries, size
from db.ledger_rows import rows_of
from db.migrate import upgrade
from db.rights_tables import LedgerEntry, Review
from db.runs import plan_again
from db.tables import Take
from db.urls import sqlite_url
from services.catalog import checking
from services.provenance import ledger as verification
from services.provenance.checkpoints import checkpoint
from services.provenance.findings import Finding
from services.provenance.keys import KeyFolder
from services.provenance.ledger import verify_ledger
from services.storage.folder import FolderStore
from tests.catalog_rows import BEGAN, done
from tests.conftest import DATABASES, TEMPLATE
from tests.ledger_rows import PROFILE, Recorded, flip


class Snapshots:
    """A recorded and signed catalog in each database, made once and copied for every test."""

    def __init__(self, folder: Path, make: Callable[[], Callable[..., str]]) -> None:
        self._folder, self._make = folder, make
        self._made: dict[str, tuple[str, list[str]]] = {}

    def copy(self, dialect: str, folder: Path) -> Recorded:
        if dialect not in self._made:
            self._made[dialect] = self._record(dialect)
        url, ids = self._made[dialect]
        if dialect == "sqlite":
            shutil.copy(self._folder / "ledger.db", folder / "ledger.db")
            engine = open_engine(sqlite_url(folder / "ledger.db"))
        else:
            engine = open_engine(self._make()(url.rpartition("/")[2].partition("?")[0]))
        shutil.copytree(self._folder / dialect, folder, dirs_exist_ok=True)
        copied = Recorded(engine, folder)
        copied.ids, copied.runs = list(ids), 1
        return copied

    def _record(self, dialect: str) -> tuple[str, list[str]]:
        url = sqlite_url(self._folder / "ledger.db") if dialect == "sqlite" else self._make()(TEMPLATE)
        engine = open_engine(url)
        upgrade(engine)
        recorded = Recorded(engine, self._folder / dialect).record()
        recorded.sign()
        engine.dispose()
        return url, recorded.ids


@pytest.fixture(scope="session")
def snapshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    return Snapshots(tmp_path_factory.mktemp("ledgers"), lambda: request.getfixturevalue("postgresql"))


@pytest.fixture(params=DATABASES)
def signed(request: pytest.FixtureRequest, snapshots: Snapshots, tmp_path: Path) -> Iterator[Recorded]:
    """Four takes with sound on record, and a checkpoint over everything."""
    copied = snapshots.copy(request.param, tmp_path)
    yield copied
    copied.engine.dispose()


@pytest.fixture
def recorded(signed: Recorded) -> Recorded:
    """The same without any checkpoint."""
    signed.forge("DELETE FROM checkpoint")
    signed.forge("DELETE FROM ledger_entry WHERE kind = 'key'")
    for folder in signed.folders:
        shutil.rmtree(folder)
    return signed


def only(recorded: Recorded) -> Finding:
    (problem,) = recorded.verify().problems
    return problem


def test_what_is_as_it_was_recorded_has_no_problems(signed: Recorded) -> None:
    found = signed.verify()
    assert (found.ok, found.problems, found.notes) == (True, (), ())
    assert (found.entries, found.signed) == (7, 7)  # origin, plan, four takes, key
    assert found.checkpoints == 3  # the stored one, and two exported
    assert found.rows == 1 + 4 * (1 + 2 + 1 + 2)  # brief; take, assets, attempt, measurements


def test_a_ledger_that_goes_on_stays_whole(signed: Recorded) -> None:
    signed.record("other", takes=3)
    found = signed.verify()
    assert (found.ok, found.signed) == (True, 7)
    signed.sign()
    signed.record("third", takes=2, fail=1)
    assert signed.verify().ok
    assert {file.parent.name for file in signed.sign().files} == {"checkpoints", signed.sign().head.origin[9:]}
    assert signed.verify().checkpoints == 9


def test_recording_the_same_again_stays_whole(recorded: Recorded) -> None:
    run, ids = recorded.plan("other", 2)
    for _ in range(2):
        recorded.put(run, [done(ids[0], profile=PROFILE)])
    assert recorded.verify().ok


def test_an_empty_database_has_nothing_to_tell(engine: Engine, tmp_path: Path) -> None:
    empty = Recorded(engine, tmp_path)
    found = empty.verify()
    assert (found.ok, found.entries, found.checkpoints) == (True, 0, 0)


ROWS = {
    "take": "UPDATE take SET pcm_sha256 = :digest WHERE id = :id",
    "take's status": "UPDATE take SET status = 'planned' WHERE id = :id",
    "take's seed": "UPDATE take SET seed = seed + 1 WHERE id = :id",
    "take's place": "UPDATE take SET folder = 'elsewhere' WHERE id = :id",
    "asset": "UPDATE asset SET bytes = bytes + 1 WHERE take_id = :id AND media_type = 'audio/flac'",
    "asset's path": "UPDATE asset SET path = 'elsewhere' WHERE take_id = :id AND media_type = 'audio/flac'",
    "attempt": "UPDATE attempt SET actor = 'nobody' WHERE take_id = :id",
    "measurement": "UPDATE measurement SET value = value + 1e-9 WHERE take_id = :id AND name = 'true_peak_dbtp'",
    "brief": "UPDATE brief SET licensee = '{\"kind\": \"company\"}' WHERE 'x' <> :id",
}


@pytest.mark.parametrize("what", ROWS)
def test_a_changed_row_is_named(signed: Recorded, what: str) -> None:
    victim = signed.ids[1]
    statement = ROWS[what]
    values = {"id": victim} | ({"digest": "d" * 64} if ":digest" in statement else {})
    signed.forge(statement, **values)
    problems = signed.verify().problems
    assert {problem.kind for problem in problems} == {"changed"}
    assert {problem.table for problem in problems} == {what.partition("'")[0]}
    if what != "brief":
        assert {problem.subject for problem in problems} == {victim}


def test_what_differs_is_told(signed: Recorded) -> None:
    signed.forge("UPDATE asset SET bytes = 7 WHERE take_id = :id AND media_type = 'audio/flac'", id=signed.ids[1])
    found = only(signed)
    assert (found.key, found.subject) == ("mix audio/flac", signed.ids[1])
    assert "is not as it was recorded: bytes" in found.what
    assert "1000" in (found.expected or "")
    assert "7" in (found.found or "")


@pytest.mark.parametrize("table", ["asset", "attempt", "measurement"])
def test_a_missing_row_is_named(signed: Recorded, table: str) -> None:
    signed.forge(f"DELETE FROM {table} WHERE take_id = :id", id=signed.ids[2])
    problems = signed.verify().problems
    assert {(problem.kind, problem.table, problem.subject) for problem in problems} == {
        ("missing", table, signed.ids[2])
    }


def test_a_missing_take_is_named_and_counted(signed: Recorded) -> None:
    for table in ("asset", "attempt", "measurement"):
        signed.forge(f"DELETE FROM {table} WHERE take_id = :id", id=signed.ids[2])
    signed.forge("DELETE FROM take WHERE id = :id", id=signed.ids[2])
    problems = signed.verify().problems
    assert {problem.kind for problem in problems} == {"missing", "takes"}
    assert any("4 takes were ordered, 3 are there" in problem.what for problem in problems)
    assert {problem.subject for problem in problems if problem.kind == "missing"} == {signed.ids[2]}


def test_an_inserted_row_is_named(signed: Recorded) -> None:
    signed.forge(
        "INSERT INTO asset (take_id, role, media_type, sha256, bytes, path)"
        " SELECT take_id, 'loop', media_type, sha256, bytes, path FROM asset"
        " WHERE take_id = :id AND media_type = 'audio/flac'",
        id=signed.ids[0],
    )
    found = only(signed)
    assert (found.kind, found.table, found.subject) == ("inserted", "asset", signed.ids[0])
    assert found.key == "loop audio/flac"


def test_an_inserted_verdict_or_review_is_named(signed: Recorded) -> None:
    review = Review(id="r" * 36, take_id=signed.ids[0], decision="approve", by="Ada", note="", at=BEGAN)
    with writing(signed.engine) as session:
        session.add(review)
        (rows,) = rows_of(review).values()
        append(session, [Entry("review", signed.ids[0], {"rows": rows})])
    assert signed.verify().ok
    forged = Review(id="f" * 36, take_id=signed.ids[0], decision="approve", by="Eve", note="", at=BEGAN)
    with writing(signed.engine) as session:
        session.add(forged)
    assert (only(signed).kind, only(signed).key) == ("inserted", "f" * 36)
    signed.forge("UPDATE review SET decision = 'reject' WHERE by = 'Ada'")
    assert {problem.kind for problem in signed.verify().problems} == {"inserted", "changed"}


def test_a_changed_prompt_is_named_with_its_takes(signed: Recorded) -> None:
    signed.forge("UPDATE prompt SET text = 'light flutes' WHERE text LIKE '%cave%'")
    problems = signed.verify().problems
    assert sorted(problem.table or "" for problem in problems) == ["prompt", "take", "take"]


def entry(recorded: Recorded, sequence: int) -> dict[str, Any]:
    with reading(recorded.engine) as session:
        (row,) = session.scalars(select(LedgerEntry.entry).where(LedgerEntry.sequence == sequence))
    return json.loads(row)


def rewrite(recorded: Recorded, sequence: int, **changed: Any) -> None:
    """Write an entry anew, with the digest to go with it."""
    data = canonical(entry(recorded, sequence) | changed)
    values = {"entry": data.decode(), "sha256": sha256(data).hexdigest(), "sequence": sequence}
    recorded.forge("UPDATE ledger_entry SET entry = :entry, sha256 = :sha256 WHERE sequence = :sequence", **values)


def rechain(recorded: Recorded, start: int) -> None:
    """What a careful forger does: every link after a change written anew."""
    with reading(recorded.engine) as session:
        rows = list(entries(session, start=start - 1))
    previous = rows[0].sha256
    for row in rows[1:]:
        rewrite(recorded, row.sequence, previous=previous)
        recorded.forge("UPDATE ledger_entry SET previous = :p WHERE sequence = :s", p=previous, s=row.sequence)
        with reading(recorded.engine) as session:
            (previous,) = session.scalars(select(LedgerEntry.sha256).where(LedgerEntry.sequence == row.sequence))


def test_one_flipped_bit_is_found(recorded: Recorded) -> None:
    told = entry(recorded, 3)
    data = canonical(told).decode().replace('"status":"done"', '"status":"donf"')
    recorded.forge("UPDATE ledger_entry SET entry = :entry WHERE sequence = 3", entry=data)
    found = only(recorded)
    assert (found.kind, found.sequence, found.subject) == ("changed", 3, told["subject"])
    assert found.expected != found.found


@pytest.mark.parametrize("text_", ["", "{}", "[1]", "nothing", "[" * 5000, '{"body":{"rows":[[]]}}'])
def test_an_entry_that_is_none_is_found(recorded: Recorded, text_: str) -> None:
    recorded.forge("UPDATE ledger_entry SET entry = :entry WHERE sequence = 3", entry=text_)
    assert {problem.sequence for problem in recorded.verify().problems if problem.kind == "changed"} >= {3}


def test_a_rewritten_entry_breaks_the_chain(recorded: Recorded) -> None:
    rewrite(recorded, 3, body={"status": "done"})
    problems = recorded.verify().problems
    assert ("broken", 4) in {(problem.kind, problem.sequence) for problem in problems}


def test_a_rewritten_chain_leads_to_another_root_than_was_signed(signed: Recorded) -> None:
    first = signed.sign().head.size
    rewrite(signed, 3, body=entry(signed, 3)["body"] | {"run": "another"})
    rechain(signed, 4)
    found = only(signed)
    assert (found.kind, found.expected != found.found) == ("fork", True)
    assert f"entries 0 to {first - 1} are not those that" in found.what


def test_a_fork_is_placed_between_the_checkpoints_around_it(signed: Recorded) -> None:
    first = signed.sign().head.size
    signed.record("other", takes=1)
    second = signed.sign().head.size
    rewrite(signed, first + 1, body=entry(signed, first + 1)["body"] | {"run": "another"})
    rechain(signed, first + 2)
    assert f"entries {first} to {second - 1} are not those that" in only(signed).what


@pytest.mark.parametrize("column", ["kind", "catalog", "subject", "previous", "at"])
def test_a_column_that_is_not_what_the_entry_says_is_named(recorded: Recorded, column: str) -> None:
    value = "2026-03-01 12:00:00.000000+00" if column == "at" else "f" * 64 if column == "previous" else "forged"
    if recorded.engine.dialect.name == "sqlite":
        value = value.removesuffix("+00")
    recorded.forge(f"UPDATE ledger_entry SET {column} = :value WHERE sequence = 2", value=value)
    named = [problem for problem in recorded.verify().problems if problem.kind == "columns"]
    assert [problem.sequence for problem in named] == [2]
    assert f"{column} of the row" in named[0].what


def test_a_missing_entry_is_named(recorded: Recorded) -> None:
    recorded.forge("DELETE FROM ledger_entry WHERE sequence IN (2, 3)")
    found = [problem for problem in recorded.verify().problems if problem.kind == "missing"]
    assert [problem.what for problem in found] == ["entries 2 to 3 are missing"]


def test_a_missing_origin_is_named(recorded: Recorded) -> None:
    recorded.forge("DELETE FROM ledger_entry WHERE sequence = 0")
    assert "entry 0 is missing" in {problem.what for problem in recorded.verify().problems}


def test_entries_that_changed_places_are_named(recorded: Recorded) -> None:
    for change in ("sequence + 100 WHERE sequence = 3", "3 WHERE sequence = 4", "4 WHERE sequence = 103"):
        recorded.forge(f"UPDATE ledger_entry SET sequence = {change}")
    named = {problem.sequence for problem in recorded.verify().problems if problem.kind == "reordered"}
    assert named == {3, 4}


def test_an_inserted_entry_is_named(recorded: Recorded) -> None:
    inserted = entry(recorded, 2) | {"body": {"status": "forged"}}
    recorded.forge("UPDATE ledger_entry SET sequence = sequence + 101 WHERE sequence >= 2")
    recorded.forge("UPDATE ledger_entry SET sequence = sequence - 100 WHERE sequence > 100")
    data = canonical(inserted)
    recorded.forge(
        "INSERT INTO ledger_entry (sequence, kind, catalog, subject, at, entry, sha256, previous)"
        " SELECT 2, kind, catalog, subject, at, :entry, :sha256, previous FROM ledger_entry WHERE sequence = 3",
        entry=data.decode(), sha256=sha256(data).hexdigest(),
    )  # fmt: skip
    named = {(problem.kind, problem.sequence) for problem in recorded.verify().problems}
    assert {("inserted", 2), ("reordered", 3)} <= named
    assert len([kind for kind, _ in named if kind == "reordered"]) == 1


def test_an_entry_put_on_record_a_second_time_is_named(recorded: Recorded) -> None:
    recorded.forge(
        "INSERT INTO ledger_entry (sequence, kind, catalog, subject, at, entry, sha256, previous)"
        " SELECT (SELECT MAX(sequence) + 1 FROM ledger_entry), kind, catalog, subject, at, entry, sha256, previous"
        " FROM ledger_entry WHERE sequence = 2"
    )
    with reading(recorded.engine) as session:
        last = size(session) - 1
    assert ("reordered", last) in {(problem.kind, problem.sequence) for problem in recorded.verify().problems}


def test_an_end_that_was_cut_off_is_told(signed: Recorded) -> None:
    for folder in signed.folders:
        for file in folder.rglob("*.checkpoint"):
            file.unlink()
    signed.forge("DELETE FROM ledger_entry WHERE sequence >= 5")
    kinds = {problem.kind: problem for problem in signed.verify().problems}
    assert "it has 5 entries" in kinds["truncated"].what


def test_a_database_restored_from_yesterday_is_told(signed: Recorded) -> None:
    signed.record("other", takes=1)
    last = signed.sign().head
    signed.forge("DELETE FROM ledger_entry WHERE sequence >= 7")
    signed.forge("DELETE FROM checkpoint WHERE tree_size > 7")
    found = next(problem for problem in signed.verify().problems if problem.kind == "rollback")
    assert "restored from an older state: it has 7 entries" in found.what
    assert f"{last.size}.checkpoint signed {last.size} at {last.at:%Y-%m-%d}" in found.what


def test_all_entries_gone_is_a_rollback_too(signed: Recorded) -> None:
    signed.forge("DELETE FROM ledger_entry")
    signed.forge("DELETE FROM checkpoint")
    assert "rollback" in signed.found()


def test_another_database_beside_old_checkpoints_is_told(signed: Recorded, engine: Engine, tmp_path: Path) -> None:
    signed.forge("UPDATE ledger_entry SET kind = kind WHERE sequence = 0")
    rewrite(signed, 0, body=entry(signed, 0)["body"] | {"log": "f" * 32})
    rechain(signed, 1)
    problems = [problem for problem in signed.verify().problems if problem.kind == "checkpoint"]
    assert any("of another ledger" in problem.what for problem in problems)


def test_a_changed_checkpoint_is_named(signed: Recorded) -> None:
    path = signed.sign().files[1]
    before = path.read_text()
    for changed in (before.replace("\n7\n", "\n8\n"), before[:-20], "", before.replace("time 2", "time 3")):
        path.unlink()
        path.write_text(changed)
        found = only(signed)
        assert (found.kind, str(path) in found.what) == ("checkpoint", True)
    path.write_text(before)
    flip(path, 60)
    assert signed.found() == {"checkpoint"}
    path.write_text(before)
    assert signed.verify().ok


def test_a_checkpoint_under_another_size_is_named(signed: Recorded) -> None:
    path = signed.sign().files[0]
    path.rename(path.with_name("6.checkpoint"))
    assert "is of 7 entries" in only(signed).what


def test_a_changed_stored_checkpoint_is_named(signed: Recorded) -> None:
    signed.forge("UPDATE checkpoint SET root = :root", root="0" * 64)
    assert "its columns are not what was signed" in only(signed).what
    signed.forge("UPDATE checkpoint SET note = 'nothing'")
    assert "is damaged" in only(signed).what


def test_a_checkpoint_of_an_unknown_key_is_not_believed(signed: Recorded, tmp_path: Path) -> None:
    other = KeyFolder(tmp_path / "others")
    other.signing_key("checkpoint")
    found = verify_ledger(signed.engine, other.public_keys(), signed.folders)
    assert {problem.kind for problem in found.problems} == {"checkpoint"}
    assert all("no key that is known" in problem.what for problem in found.problems)
    assert found.signed == 0


def test_a_rotated_key_is_trusted_through_the_one_before_and_the_old_one_no_longer(signed: Recorded) -> None:
    old, new = signed.keys.rotate("checkpoint")
    signed.record("other", takes=1)
    assert signed.sign().key_id == new.id
    found = verify_ledger(signed.engine, [old], signed.folders)
    assert (found.ok, found.signed) == (True, found.entries)
    assert signed.verify().ok
    assert not verify_ledger(signed.engine, [new], signed.folders).ok  # who knows only the new one cannot judge the old


def test_a_clock_that_ran_backwards_is_a_note(recorded: Recorded) -> None:
    with writing(recorded.engine) as session:
        append(session, [Entry("review", "x", {})], BEGAN)
    found = recorded.verify()
    assert (found.ok, [note.kind for note in found.notes]) == (True, ["clock"])
    assert "before entry" in found.notes[0].what


def test_takes_planned_again_are_no_damage_and_neither_is_their_new_sound(signed: Recorded, home: Path) -> None:
    store = FolderStore(home / "blobs")
    broken = checking.verify(signed.engine, home, store, None, lambda count: None)  # made-up sounds have no blobs
    assert checking.repair(signed.engine, home, store, broken) == 4
    assert signed.verify().ok
    run, ids = signed.plan()
    signed.put(run, [done(id_, "another sound", profile=PROFILE) for id_ in ids[:2]])
    assert signed.verify().ok
    signed.forge("UPDATE asset SET bytes = 7 WHERE take_id = :id", id=ids[0])
    assert {(problem.kind, problem.subject) for problem in signed.verify().problems} == {("changed", ids[0])}


def test_a_change_is_not_forgiven_because_the_take_was_recorded_again(signed: Recorded) -> None:
    """What was changed behind the platform's back stays named, also where a later entry repeats it."""
    signed.forge("UPDATE attempt SET actor = 'nobody' WHERE take_id = :id", id=signed.ids[0])
    with writing(signed.engine) as session:
        from db.ledger_rows import rows_in
        from db.tables import Attempt

        rows = rows_in(session, [Attempt], signed.ids[:1])[signed.ids[0]]
        append(session, [Entry("take", signed.ids[0], {"rows": rows})])
    assert "was changed before entry" in only(signed).what


def before_the_ledger(recorded: Recorded) -> None:
    """Takes recorded by a release that had no ledger."""
    recorded.forge("DELETE FROM ledger_entry")


def test_takes_from_before_the_ledger_are_told_apart(recorded: Recorded, home: Path) -> None:
    before_the_ledger(recorded)
    recorded.record("other", takes=1)
    found = recorded.verify()
    assert found.ok
    assert {note.table for note in found.notes} == {"take", "asset", "attempt", "measurement", "brief"}
    recorded.forge("UPDATE asset SET bytes = 7 WHERE take_id = :id AND role = 'mix'", id=recorded.ids[0])
    assert "the rows of asset from before the ledger began are no longer" in only(recorded).what


def test_takes_from_before_the_ledger_may_be_planned_again(recorded: Recorded, home: Path) -> None:
    before_the_ledger(recorded)
    recorded.record("other", takes=1)
    store = FolderStore(home / "blobs")
    broken = checking.verify(recorded.engine, home, store, "game", lambda count: None)
    checking.repair(recorded.engine, home, store, broken)
    assert recorded.verify().ok
    run, ids = recorded.plan()
    recorded.put(run, [done(ids[0], "another sound", profile=PROFILE)])
    assert recorded.verify().ok
    with writing(recorded.engine) as session:
        session.execute(update(Take).where(Take.id == ids[0]).values(folder="elsewhere"))
    assert only(recorded).subject == ids[0]


def test_many_problems_are_counted_and_the_first_are_told(signed: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.provenance.findings.MOST_FINDINGS", 3)
    signed.forge("UPDATE asset SET bytes = 7")
    found = signed.verify()
    assert (found.count, len(found.problems)) == (8, 3)


def test_subjects_meet_their_rows_whatever_the_pages(signed: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    signed.record("other", takes=3)
    monkeypatch.setattr("services.provenance.crosscheck.PAGE", 2)
    assert signed.verify().ok
    signed.forge("UPDATE asset SET bytes = 7 WHERE media_type = 'audio/flac'")
    assert {problem.subject for problem in signed.verify().problems} == set(signed.ids)


def test_verification_writes_nothing(signed: Recorded) -> None:
    def dump() -> list[Any]:
        with signed.engine.connect() as connection:
            tables = ("ledger_entry", "checkpoint", "take")
            return [connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables]

    before = dump()
    signed.verify()
    assert dump() == before


UNREADABLE = {
    "sqlite": {
        "take": "UPDATE take SET planned_at = '2031-02-30 00:00:00.000001' WHERE id = :id",
        "asset": "UPDATE asset SET path = CAST(X'FFFE' AS TEXT) WHERE take_id = :id",
        "attempt": "UPDATE attempt SET seconds = '{' WHERE take_id = :id",
        "measurement": "UPDATE measurement SET value = 9e999 WHERE take_id = :id",
        "catalog": "UPDATE catalog SET title = CAST(X'FFFE' AS TEXT) WHERE :id <> ''",
        "prompt": "UPDATE prompt SET text = X'00' WHERE :id <> ''",
        "brief": "UPDATE brief SET text = 'abc' WHERE :id <> ''",
        "ledger_entry": "UPDATE ledger_entry SET entry = X'00FF' WHERE subject = :id",
        "checkpoint": "UPDATE checkpoint SET frontier = '{' WHERE :id <> ''",
    },
    "postgresql": {
        "generator": "UPDATE generator SET first_seen_at = 'infinity' WHERE :id <> ''",
        "take": "UPDATE take SET planned_at = 'infinity' WHERE id = :id",
        "attempt": "UPDATE attempt SET seconds = '{\"a\": 1e400}' WHERE take_id = :id",
        "measurement": "UPDATE measurement SET value = 'NaN' WHERE take_id = :id",
        "ledger_entry": "UPDATE ledger_entry SET at = '0044-03-15 BC' WHERE subject = :id",
        "checkpoint": "UPDATE checkpoint SET at = 'infinity' WHERE :id <> ''",
    },
}  # fmt: skip


def test_values_that_cannot_be_read_are_named_with_their_rows(signed: Recorded) -> None:
    for table, statement in UNREADABLE[signed.engine.dialect.name].items():
        signed.forge(statement, id=signed.ids[1])
        named = [problem for problem in signed.verify().problems if "cannot be read" in problem.what]
        assert table in {problem.table for problem in named}, table
    assert {problem.subject for problem in named if problem.table == "take"} == {signed.ids[1]}


def test_a_fault_of_ours_is_not_taken_for_damage(signed: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> int:
        raise TypeError("a fault of ours")

    monkeypatch.setattr("services.provenance.ledger.check_rows", broken)
    with pytest.raises(TypeError, match="of ours"):
        signed.verify()


def test_all_checkpoints_gone_are_missed(signed: Recorded) -> None:
    signed.forge("DELETE FROM checkpoint")
    for folder in signed.folders:
        shutil.rmtree(folder)
    assert "that checkpoint is missing" in only(signed).what


def test_a_stored_checkpoint_that_is_gone_is_missed_and_an_exported_one_noted(signed: Recorded) -> None:
    signed.record("other", takes=1)
    path = signed.sign().files[0]
    path.unlink()
    found = signed.verify()
    assert (found.ok, [note.kind for note in found.notes]) == (True, ["export"])
    signed.forge("DELETE FROM checkpoint WHERE tree_size = 7")
    assert {"does not hold it" in problem.what for problem in signed.verify().problems} == {True}


def test_an_emptied_ledger_is_told_by_the_rows_that_came_with_it(signed: Recorded) -> None:
    with writing(signed.engine) as session:
        session.add(Review(id="r" * 36, take_id=signed.ids[0], decision="approve", by="Ada", note="", at=BEGAN))
    signed.forge("DELETE FROM ledger_entry")
    signed.forge("DELETE FROM checkpoint")
    for folder in signed.folders:
        shutil.rmtree(folder)
    assert (only(signed).kind, only(signed).table) == ("missing", "review")
    with writing(signed.engine) as session:
        append(session, [Entry("fact", "x", {})])
    assert (only(signed).kind, only(signed).table) == ("inserted", "review")  # a new beginning does not cover it


def test_triggers_that_were_taken_away_are_named(signed: Recorded) -> None:
    table, dialect = "ledger_entry", signed.engine.dialect.name
    for number, statement in enumerate({
        "sqlite": ["DROP TRIGGER review_refuses_update", f"DROP TRIGGER {table}_refuses_replace",
                   f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} BEGIN SELECT 1; END"],
        "postgresql": [f"ALTER TABLE {table} DISABLE TRIGGER {table}_refuses_change",
                       "DROP TRIGGER review_refuses_truncate ON review",
                       "CREATE OR REPLACE FUNCTION cueworks_refuse() RETURNS trigger LANGUAGE plpgsql AS"
                       " $$ BEGIN RETURN NEW; END $$"],
    }[dialect]):  # fmt: skip
        with signed.engine.begin() as connection:
            connection.execute(text(statement))
        assert signed.found() == {"unguarded"}
        assert len(signed.verify().problems) > number or number == 2


def test_a_retired_key_endorses_no_further_one(signed: Recorded, tmp_path: Path) -> None:
    """Who stole the old key cannot make one of their own trusted, nor use the old one again."""
    thief = tmp_path / "thief"
    shutil.copytree(signed.keys.path, thief)
    signed.keys.rotate("checkpoint")
    signed.sign()
    _, evil = KeyFolder(thief).rotate("checkpoint")
    with writing(signed.engine) as session:
        append(session, [Entry("key", evil.id, {"key": evil.as_json()})])
        append(session, [Entry("key", key.id, {"key": key.as_json()}) for key in signed.keys.public_keys()])
    checkpoint(signed.engine, KeyFolder(thief), signed.folders)
    assert any("no key that is known" in problem.what for problem in signed.verify().problems)
    assert signed.verify().signed == 8


def test_keys_for_other_purposes_sign_no_checkpoints(signed: Recorded) -> None:
    keys = [replace(key, purpose="release") for key in signed.keys.public_keys()]
    assert not verify_ledger(signed.engine, keys, signed.folders).ok


def test_a_rotation_that_was_interrupted_changes_nothing(signed: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("services.provenance.keys._pem", lambda private: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            signed.keys.rotate("checkpoint")
    signed.record("other", takes=1)
    signed.sign()
    assert signed.verify().ok
    signed.keys.rotate("checkpoint")
    signed.record("third", takes=1)
    signed.sign()
    assert signed.verify().ok


def test_repair_may_be_the_first_that_is_put_on_record(recorded: Recorded, home: Path) -> None:
    before_the_ledger(recorded)
    store = FolderStore(home / "blobs")
    broken = checking.verify(recorded.engine, home, store, "game", lambda count: None)
    assert checking.repair(recorded.engine, home, store, broken) == 4
    assert recorded.verify().ok
    run, ids = recorded.plan()
    recorded.put(run, [done(ids[0], "another sound", profile=PROFILE)])
    assert recorded.verify().ok


def test_takes_planned_again_before_the_ledger_are_no_damage(recorded: Recorded) -> None:
    with writing(recorded.engine) as session:
        plan_again(session, recorded.ids)
    before_the_ledger(recorded)
    run, ids = recorded.plan()
    recorded.put(run, [done(ids[0], "another sound", profile=PROFILE)])
    assert recorded.verify().ok
    recorded.forge("UPDATE asset SET bytes = 7 WHERE take_id = :id AND role = 'mix'", id=ids[0])
    assert not recorded.verify().ok


def test_a_take_that_refers_to_nothing_is_named(signed: Recorded) -> None:
    signed.forge("UPDATE take SET cue_id = (SELECT max(id) FROM cue) WHERE id = :id", id=signed.ids[1])
    assert signed.verify().ok  # its own cue
    signed.record("other", takes=1)
    signed.forge("UPDATE take SET cue_id = (SELECT max(id) FROM cue) WHERE id = :id", id=signed.ids[1])
    assert {problem.subject for problem in signed.verify().problems} == {signed.ids[1]}
    if signed.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(signed.engine.url.database))) as connection, connection:
            connection.execute("UPDATE take SET prompt_sha256 = 'gone' WHERE id = ?", signed.ids[:1])
        assert {problem.subject for problem in signed.verify().problems} == set(signed.ids[:2])


def test_a_checkpoint_that_is_exported_meanwhile_is_no_rollback(
    signed: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_first = verification.first_entry
    calls = list[int]()

    def late(session: Any) -> Any:
        found = true_first(session)
        calls.append(1)
        if len(calls) == 2 and signed.engine.dialect.name == "postgresql":  # the view of the database stands now
            signed.record("other", takes=1)
            signed.sign()
        return found

    monkeypatch.setattr(verification, "first_entry", late)
    assert signed.verify().ok
