"""Recording takes: whole or not at all, never twice, and read back as a stream."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import inf, nan

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from db.engine import reading, writing
from db.rows import NewCue, Recording, TakeRow
from db.runs import LONGEST_ERROR, attempt_rows, plan_again, record
from db.tables import Asset, Attempt, Base, EngineProfile, Measurement, Take
from db.takes import (
    in_catalog,
    referenced_among,
    take_profile,
    take_rows,
    with_id_prefix,
    with_ids,
    with_state,
    with_status,
)
from tests.catalog_rows import (
    attempt,
    done,
    failed,
    new_order,
    new_take,
    numbered,
    open_run,
    order_takes,
    record_takes,
    sha,
)

IDS = [new_take(number).id for number in range(4)]
RECORDED = (Take, Asset, Attempt, Measurement, EngineProfile)


@pytest.fixture
def run(engine: Engine) -> str:
    """A run over four ordered takes."""
    return open_run(engine, order_takes(engine, numbered(4)), [IDS])


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row that recording may touch."""
    with reading(engine) as session:
        return {
            table.__tablename__: sorted(map(repr, map(tuple, session.execute(select(*table.__table__.columns)))))
            for table in RECORDED
        }


def take(engine: Engine, number: int) -> TakeRow:
    with reading(engine) as session:
        return next(take_rows(session, with_ids([IDS[number]])))


def count(engine: Engine, table: type[Base]) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_recorded_take_is_read_back_whole(engine: Engine, run: str) -> None:
    recording = done(IDS[1])
    before = datetime.now(UTC) - timedelta(seconds=1)
    record_takes(engine, run, [recording])
    found = take(engine, 1)
    assert (found.status, found.pcm_sha256, found.error) == ("done", recording.pcm_sha256, None)
    assert found.recorded_at is not None
    assert before < found.recorded_at <= datetime.now(UTC)
    assert [vars(asset) for asset in found.assets] == [vars(asset) for asset in recording.assets]
    assert found.measurements == recording.measurements
    with reading(engine) as session:
        assert take_profile(session, IDS[1]) == {"threads": 1}
        assert take_profile(session, IDS[0]) is None


def test_recording_the_same_again_changes_nothing(engine: Engine, run: str) -> None:
    """A connection may break after the commit: the driver records once more."""
    batch = [done(IDS[0]), failed(IDS[1])]
    record_takes(engine, run, batch)
    first = contents(engine)
    record_takes(engine, run, [done(IDS[0])])
    assert contents(engine) == first
    record_takes(engine, run, batch)
    assert count(engine, Attempt) == 2


def test_a_take_that_is_done_stays_as_it_was_recorded(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0])])
    late = attempt(after_s=60)
    record_takes(engine, run, [done(IDS[0], sound="another", attempts=(late,)), failed(IDS[0], after_s=90)])
    found = take(engine, 0)
    assert (found.status, found.pcm_sha256) == ("done", done(IDS[0]).pcm_sha256)
    assert [asset.sha256 for asset in found.assets] == [asset.sha256 for asset in done(IDS[0]).assets]
    with reading(engine) as session:
        assert [row["outcome"] for row in attempt_rows(session, IDS[0])] == ["done", "done", "failed"]


@pytest.mark.parametrize(
    "broken", [done(sha("never ordered")), done(IDS[2], assets=(replace(done(IDS[2]).assets[0], path=None),))]
)
def test_a_failure_in_the_middle_records_nothing(engine: Engine, run: str, broken: Recording) -> None:
    before = contents(engine)
    with pytest.raises(IntegrityError):
        record_takes(engine, run, [done(IDS[0]), broken, done(IDS[1])])
    assert contents(engine) == before


def test_a_transaction_that_is_given_up_late_records_nothing(engine: Engine, run: str) -> None:
    before = contents(engine)
    with pytest.raises(KeyboardInterrupt), writing(engine) as session:
        record(session, run, [done(IDS[0])])
        raise KeyboardInterrupt
    assert contents(engine) == before


def test_every_attempt_is_kept_with_its_error(engine: Engine, run: str) -> None:
    gone = "ActorDiedError: gone"
    attempts = (attempt("died", 0, gone), attempt("died", 5, gone), attempt("done", 9))
    record_takes(engine, run, [done(IDS[0], attempts=attempts)])
    with reading(engine) as session:
        rows = attempt_rows(session, IDS[0])
    assert [(row["outcome"], row["error"]) for row in rows] == [
        ("died", gone), ("died", gone), ("done", None),
    ]  # fmt: skip
    assert rows[1]["started_at"] == "2026-03-01T12:00:05+00:00"
    assert (rows[2]["run"], rows[2]["actor"], rows[2]["seconds"]) == (run, "actor-0@here", {"generate": 1.5})


def test_a_failed_take_can_come_out_later(engine: Engine, run: str) -> None:
    record_takes(engine, run, [failed(IDS[0])])
    assert (take(engine, 0).status, take(engine, 0).error) == ("failed", "ValueError: no")
    record_takes(engine, run, [done(IDS[0])])
    assert (take(engine, 0).status, take(engine, 0).error) == ("done", None)


@pytest.mark.parametrize("error", ["a\0b", "lone \ud800 surrogate", "x" * 1_000_000, "夜\n"])
def test_any_error_text_can_be_stored(engine: Engine, run: str, error: str) -> None:
    record_takes(engine, run, [failed(IDS[0], error)])
    stored = take(engine, 0).error
    assert stored is not None
    assert len(stored) <= LONGEST_ERROR
    assert stored[0] == error[0]


def test_a_measurement_that_is_no_number_does_not_stop_the_others(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0], measurements={"a": nan, "b": -inf, "c": 1.0}), done(IDS[1])])
    assert take(engine, 0).measurements == {"c": 1.0}
    assert take(engine, 1).status == "done"


def test_a_take_planned_again_gets_new_files_in_the_place_of_the_old(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0])])
    with writing(engine) as session:
        plan_again(session, [IDS[0]])
    assert (take(engine, 0).status, take(engine, 0).pcm_sha256) == ("planned", None)
    again = done(IDS[0], sound="mended", attempts=(attempt(after_s=60),))
    record_takes(engine, run, [again])
    assert [asset.sha256 for asset in take(engine, 0).assets] == [asset.sha256 for asset in again.assets]


def test_a_superseded_take_planned_again_stays_superseded(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0])])
    order_takes(engine, [], new_order("nothing"))
    with writing(engine) as session:
        plan_again(session, [IDS[0]])
    assert (take(engine, 0).status, take(engine, 0).pcm_sha256) == ("superseded", None)


def test_takes_are_read_in_catalog_and_brief_order_across_pages(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.takes.READ_CHUNK", 7)
    order_takes(engine, [new_take(number, position=99 - number) for number in range(100)])
    order_takes(engine, [new_take(200)], new_order("other", catalog="other"))
    with reading(engine) as session:
        found = [(row.catalog, row.index) for row in take_rows(session)]
    assert found == [("game", number) for number in reversed(range(100))] + [("other", 200)]


def test_takes_at_one_position_are_read_once_each(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Superseded takes keep the position that others have by now."""
    monkeypatch.setattr("db.takes.READ_CHUNK", 3)
    order_takes(engine, [new_take(number, position=0) for number in range(10)])
    with reading(engine) as session:
        assert sorted(row.index for row in take_rows(session)) == list(range(10))


def test_a_reader_that_stops_early_leaves_the_database_free(engine: Engine, run: str) -> None:
    with reading(engine) as session:
        assert len(list(islice(take_rows(session), 2))) == 2
    record_takes(engine, run, [done(IDS[0])])
    assert take(engine, 0).status == "done"


def test_takes_are_recorded_while_others_read(engine: Engine, run: str) -> None:
    with reading(engine) as session:
        rows = take_rows(session)
        next(rows)
        record_takes(engine, run, [done(IDS[3])])
        assert [row.status for row in rows] == ["planned"] * 3
    assert take(engine, 3).status == "done"


def test_conditions_find_what_they_say(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0])])
    order_takes(engine, [new_take(9, cue="calm")], new_order("o", catalog="o", cues=(NewCue("calm", "combat", "p"),)))

    def found(condition: object) -> list[int]:
        with reading(engine) as session:
            return [row.index for row in take_rows(session, condition)]  # type: ignore[arg-type]

    assert found(in_catalog("o")) == [9]
    assert found(with_status("done", "superseded")) == [0]
    assert found(with_state("calm")) == [9]
    assert found(with_state("combat")) == [0, 1, 2, 3, 9]
    assert found(with_id_prefix(IDS[2][:12])) == [2]
    assert found(with_id_prefix(IDS[2])) == [2]
    assert found(with_id_prefix("f" * 64)) == []
    assert found(with_ids(IDS[1:3]) & in_catalog("game")) == [1, 2]


def test_referenced_blobs_are_those_of_assets(engine: Engine, run: str) -> None:
    record_takes(engine, run, [done(IDS[0])])
    mine = [asset.sha256 for asset in done(IDS[0]).assets]
    with reading(engine) as session:
        assert referenced_among(session, [*mine, sha("leftover")]) == set(mine)
        assert referenced_among(session, [sha(str(n)) for n in range(1_500)]) == set()
        assert referenced_among(session, []) == set()
