"""Putting entries on record, on both databases: one chain without gaps, and nothing that could take a link away."""

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from db.canonical import canonical
from db.engine import open_engine, reading, writing
from db.ledger import NOTHING_BEFORE, ClockError, Entry, EntryRow, append, check_clock, entries, entry_texts, size
from db.ledger_rows import merged, rows_from, rows_in, rows_of
from db.migrate import upgrade
from db.rights_tables import Review
from db.tables import Asset, Take
from db.urls import sqlite_url
from tests.catalog_rows import BEGAN, done, new_take, numbered, open_run, order_takes, record_takes


def note(number: int, **changed: Any) -> Entry:
    return Entry("review", f"take-{number % 3}", {"number": number, **changed}, "game" if number % 2 else None)


def put(engine: Engine, *numbers: int, at: datetime | None = None) -> None:
    with writing(engine) as session:
        append(session, [note(number) for number in numbers], at)


def chain(engine: Engine) -> list[EntryRow]:
    with reading(engine) as session:
        return list(entries(session))


def assert_whole(rows: list[EntryRow]) -> None:
    previous = NOTHING_BEFORE
    for number, row in enumerate(rows):
        found = json.loads(row.entry)
        assert row.entry.encode() == canonical(found)
        assert (found["sequence"], row.sequence) == (number, number)
        assert (found["previous"], row.previous) == (previous, previous)
        assert (found["kind"], found["subject"], found["catalog"]) == (row.kind, row.subject, row.catalog)
        assert found["at"] == row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        previous = sha256(row.entry.encode()).hexdigest()
        assert row.sha256 == previous


def test_entries_are_chained_from_the_origin(engine: Engine) -> None:
    put(engine, 0, 1)
    put(engine, 2)
    put(engine)
    rows = chain(engine)
    assert [row.kind for row in rows] == ["origin", "review", "review", "review"]
    assert [json.loads(row.entry)["body"].get("number") for row in rows] == [None, 0, 1, 2]
    assert_whole(rows)
    with reading(engine) as session:
        assert size(session) == 4
        assert list(entry_texts(session, 1, 3)) == [rows[1].entry, rows[2].entry]


def test_entries_are_found_by_what_they_are_about(engine: Engine) -> None:
    put(engine, *range(6))
    with reading(engine) as session:
        assert [row.sequence for row in entries(session, subject="take-1")] == [2, 5]
        assert [row.sequence for row in entries(session, catalog="game", start=3)] == [4, 6]
        assert [row.sequence for row in entries(session, kind="origin")] == [0]
        assert [row.sequence for row in entries(session, end=2)] == [0, 1]


def test_nothing_of_a_transaction_that_failed_is_on_record(engine: Engine) -> None:
    put(engine, 0)
    with pytest.raises(RuntimeError), writing(engine) as session:
        append(session, [note(1)])
        raise RuntimeError
    put(engine, 2)
    assert [json.loads(row.entry)["body"].get("number") for row in chain(engine)] == [None, 0, 2]
    assert_whole(chain(engine))


@pytest.mark.parametrize(
    "entry",
    [Entry("", "a", {}), Entry("a", "", {}), Entry("a", "b" * 201, {}), Entry("a" * 33, "b", {}),
     Entry("a", "b", {}, ""), Entry("a", "\0", {}), Entry("a", "b", {"x": float("nan")}), Entry("a", "b", {"x": 2**53}),
     Entry("a", "b", {"x": "\ud800"}), Entry("a", "\ud800", {})],
)  # fmt: skip
def test_what_cannot_be_held_is_refused_and_nothing_is_written(engine: Engine, entry: Entry) -> None:
    with pytest.raises(ValueError, match=r".+"), writing(engine) as session:
        append(session, [note(0), entry])
    assert chain(engine) == []


def test_texts_of_any_language_are_kept_byte_for_byte(engine: Engine) -> None:
    said = 'Müller \\ "夜"\n\t\u202e🎻\x00\x7f \\N \\. %s'
    with writing(engine) as session:
        append(session, [Entry("review", '"tab\tand\\N', {said: said}, "夜 \\t")])
    rows = chain(engine)
    assert json.loads(rows[1].entry)["body"] == {said: said}
    assert (rows[1].subject, rows[1].catalog) == ('"tab\tand\\N', "夜 \\t")
    assert_whole(rows)


def test_many_entries_stream_into_one_transaction(engine: Engine) -> None:
    with writing(engine) as session:
        append(session, (note(number) for number in range(4_500)))
    assert_whole(chain(engine))


def test_writers_at_once_make_one_chain(engine: Engine) -> None:
    faults: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(15):
                put(engine, writer * 100 + number, writer * 100 + 50 + number)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    rows = chain(engine)
    assert len(rows) == 1 + 4 * 15 * 2
    assert_whole(rows)


def test_a_clock_that_ran_backwards_is_recorded_as_it_was_and_stops_deliberate_acts(engine: Engine) -> None:
    with reading(engine) as session:
        check_clock(session)
    put(engine, 0, at=BEGAN)
    put(engine, 1, at=BEGAN - timedelta(hours=1))
    assert_whole(chain(engine))
    with reading(engine) as session:
        check_clock(session, BEGAN)
        check_clock(session, BEGAN - timedelta(hours=1, seconds=59))
        with pytest.raises(ClockError, match="61 s before"):
            check_clock(session, BEGAN - timedelta(hours=1, seconds=61))


def test_the_origin_holds_what_was_recorded_before(engine: Engine) -> None:
    ids = [new_take(number).id for number in range(2)]
    run = open_run(engine, order_takes(engine, numbered(2)), [ids])
    record_takes(engine, run, [done(ids[0])])
    put(engine, 0)
    before = json.loads(chain(engine)[0].entry)["body"]["before"]
    counts = {table: held["rows"] for table, held in before.items() if held["rows"]}
    assert counts == {"take": 1, "asset": 2, "attempt": 1, "measurement": 2, "brief": 1}


def test_rows_are_held_alike_before_they_are_written_and_after(engine: Engine) -> None:
    ids = [new_take(0).id]
    run = open_run(engine, order_takes(engine, numbered(1)), [ids])
    record_takes(engine, run, [done(ids[0])])
    review = Review(id="r" * 36, take_id=ids[0], decision="approve", by="A", note="", at=datetime.now(UTC))
    held = rows_of(review)
    with writing(engine) as session:
        session.add(review)
    with reading(engine) as session:
        assert rows_in(session, [Review], ids) == held
        columns = [dict(row) for row in session.execute(select(*Asset.__table__.columns)).mappings()]
        assert rows_from(Asset, columns) == rows_in(session, [Asset], ids)
        both = merged(held, rows_in(session, [Asset, Take], ids))
    assert set(both[ids[0]]) == {"review", "asset", "take"}
    assert set(both[ids[0]]["asset"]) == {"mix audio/flac", "mix audio/ogg"}


INSERT = (
    "INSERT INTO ledger_entry (sequence, kind, catalog, subject, at, entry, sha256, previous)"
    " SELECT sequence, 'forged', catalog, subject, at, entry, sha256, previous FROM ledger_entry WHERE sequence = 1"
)
FORGERIES = {
    "both": [
        "UPDATE ledger_entry SET kind = 'forged' WHERE sequence = 1",
        "UPDATE ledger_entry SET sequence = 9 WHERE sequence = 1",
        "DELETE FROM ledger_entry WHERE sequence = 1",
        "DELETE FROM ledger_entry",
        f"{INSERT} ON CONFLICT (sequence) DO UPDATE SET kind = 'forged'",
        INSERT,
    ],
    "sqlite": [
        INSERT.replace("INSERT INTO", "INSERT OR REPLACE INTO"),
        INSERT.replace("INSERT INTO", "REPLACE INTO"),
        "UPDATE OR REPLACE ledger_entry SET sequence = 1 WHERE sequence = 2",
    ],
    "postgresql": [
        "TRUNCATE ledger_entry",
        "SET LOCAL session_replication_role = replica; UPDATE ledger_entry SET kind = 'forged'",
        "SET LOCAL session_replication_role = replica; DELETE FROM ledger_entry",
        "SET LOCAL session_replication_role = replica; TRUNCATE ledger_entry",
        "MERGE INTO ledger_entry USING (SELECT 1 AS n) AS x ON sequence = n WHEN MATCHED THEN DELETE",
    ],
}


def test_the_database_itself_refuses_to_forget(engine: Engine) -> None:
    put(engine, 0, 1)
    before = chain(engine)
    for forgery in FORGERIES["both"] + FORGERIES[engine.dialect.name]:
        with pytest.raises(DBAPIError, match=r"append-only|unique|UNIQUE"), engine.begin() as connection:
            for statement in forgery.split("; "):
                connection.execute(text(statement))
        assert chain(engine) == before, forgery


def test_who_opens_the_file_without_us_cannot_replace_a_row_either(tmp_path: Path) -> None:
    """What REPLACE makes room for, it deletes past every trigger, unless the connection asks for them."""
    engine = open_engine(sqlite_url(tmp_path / "ledger.db"))
    upgrade(engine)
    put(engine, 0, 1)
    order_takes(engine, [new_take(0)])
    with writing(engine) as session:
        session.add(Review(id="r", take_id=new_take(0).id, decision="reject", by="Ada", note="", at=BEGAN))
    engine.dispose()
    columns = "kind, catalog, subject, at, entry, sha256, previous FROM ledger_entry WHERE sequence = 1"
    forgeries = (
        f"INSERT OR REPLACE INTO ledger_entry SELECT 1, {columns}",
        "INSERT OR REPLACE INTO ledger_entry (rowid, kind, catalog, subject, at, entry, sha256, previous)"
        f" SELECT 1, {columns}",
        'INSERT OR REPLACE INTO review (rowid, id, take_id, decision, "by", note, at)'
        " SELECT rowid, 'other', take_id, 'approve', \"by\", note, at FROM review",
    )
    for forgery in forgeries:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute(forgery)


def test_checkpoints_cannot_be_changed_either(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO checkpoint (tree_size, root, note, key_id, at, frontier)"
            " VALUES (1, 'r', 'n', 'k', '2026-03-01 12:00:00.000000', '[]')"
        ))  # fmt: skip
    for forgery in ("UPDATE checkpoint SET root = 'x'", "DELETE FROM checkpoint"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(forgery))
