"""Registering orders: planning twice inserts nothing, edits supersede and bring back, nothing is deleted."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from db.engine import reading, writing
from db.orders import prompt_sha256
from db.rows import NewCue, NewGenerator, NewTake
from db.runs import end_run
from db.tables import Base, Brief, Catalog, Cue, Generator, Prompt, Take
from db.takes import brief_of, newest_brief, status_counts
from tests.catalog_rows import done, failed, new_order, new_take, numbered, open_run, order_takes, record_takes, sha


def rows_of(engine: Engine, table: type[Base]) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def statuses(engine: Engine) -> dict[int, str]:
    with reading(engine) as session:
        found = session.execute(select(Take.index, Take.status).order_by(Take.index))
        return {index: status for index, status in found}


def test_an_order_is_stored_whole(engine: Engine) -> None:
    registered = order_takes(engine, numbered(3))
    assert (registered.inserted, registered.superseded, registered.revived) == (3, 0, 0)
    with reading(engine) as session:
        brief = session.scalars(select(Brief)).one()
        take = session.scalars(select(Take).where(Take.index == 1)).one()
        assert (brief.text, brief.sha256, brief.use) == (b"brief", sha("brief"), "internal-prototype")
        assert brief.licensee == {"kind": "individual"}
        ordered = vars(new_take(1)) | {"prompt_sha256": sha(new_take(1).prompt)}
        del ordered["prompt"]
        assert {name: getattr(take, name) for name in ordered} == ordered
        assert set(session.scalars(select(Prompt.text))) == {new_take(n).prompt for n in range(3)}
        assert (take.status, take.pcm_sha256, take.recorded_at) == ("planned", None, None)


def test_registering_twice_inserts_nothing(engine: Engine) -> None:
    order_takes(engine, numbered(5))
    before = [rows_of(engine, table) for table in (Catalog, Brief, Cue, Generator, Take)]
    again = order_takes(engine, numbered(5))
    assert (again.inserted, again.superseded, again.revived) == (0, 0, 0)
    assert [rows_of(engine, table) for table in (Catalog, Brief, Cue, Generator, Take)] == before == [1, 1, 1, 1, 5]


def test_an_edited_brief_supersedes_what_it_no_longer_orders_and_deletes_nothing(engine: Engine) -> None:
    order_takes(engine, numbered(3))
    edited = order_takes(engine, [new_take(1), new_take(2), new_take(9)], new_order("edited"))
    assert (edited.inserted, edited.superseded, edited.revived) == (1, 1, 0)
    assert statuses(engine) == {0: "superseded", 1: "planned", 2: "planned", 9: "planned"}
    assert rows_of(engine, Brief) == 2


def test_what_is_ordered_again_comes_back_with_its_sound(engine: Engine) -> None:
    registered = order_takes(engine, numbered(3))
    run = open_run(engine, registered, [[new_take(n).id for n in range(3)]])
    record_takes(engine, run, [done(new_take(0).id), failed(new_take(1).id)])
    order_takes(engine, [], new_order("nothing"))
    assert set(statuses(engine).values()) == {"superseded"}
    back = order_takes(engine, numbered(3))
    assert (back.inserted, back.revived) == (0, 3)
    assert statuses(engine) == {0: "done", 1: "planned", 2: "planned"}
    with reading(engine) as session:
        assert session.scalars(select(Take.error)).all() == [None, None, None]


@pytest.mark.parametrize("again", [1, 2])
def test_a_restricted_order_never_supersedes(engine: Engine, again: int) -> None:
    order_takes(engine, numbered(3))
    for _ in range(again):
        part = order_takes(engine, [new_take(2, position=0), new_take(7, position=1)], new_order(restricted=True))
        assert part.superseded == 0
    assert statuses(engine) == {0: "planned", 1: "planned", 2: "planned", 7: "planned"}


def test_a_restricted_order_brings_back_what_it_orders(engine: Engine) -> None:
    order_takes(engine, numbered(2))
    order_takes(engine, [], new_order("nothing"))
    assert order_takes(engine, [new_take(1)], new_order(restricted=True)).revived == 1
    assert statuses(engine) == {0: "superseded", 1: "planned"}


def test_takes_stand_in_the_order_of_the_newest_whole_brief(engine: Engine) -> None:
    order_takes(engine, numbered(3))
    order_takes(engine, [new_take(2, position=0)], new_order(restricted=True))
    order_takes(engine, [new_take(n, position=p) for p, n in enumerate((2, 5, 0, 1))], new_order("edited"))
    with reading(engine) as session:
        assert session.scalars(select(Take.index).order_by(Take.position)).all() == [2, 5, 0, 1]


def test_cues_stand_where_the_whole_brief_has_them_after_a_restricted_order(engine: Engine) -> None:
    calm, combat = NewCue("calm", "exploration", "harp"), NewCue("combat", "combat", "drums")
    order_takes(engine, [new_take(0)], new_order(restricted=True, cues=(combat,)))
    order_takes(engine, [new_take(0)], new_order(cues=(calm, combat)))
    with reading(engine) as session:
        assert session.scalars(select(Cue.name).order_by(Cue.position)).all() == ["calm", "combat"]


def test_two_catalogs_do_not_touch_each_other(engine: Engine) -> None:
    order_takes(engine, numbered(2))
    order_takes(engine, [new_take(5)], new_order("other", catalog="other"))
    assert set(statuses(engine).values()) == {"planned"}
    with reading(engine) as session:
        assert status_counts(session, "game") == {"planned": 2}
        assert status_counts(session, "other") == {"planned": 1}


def test_a_failure_in_the_middle_leaves_nothing(engine: Engine) -> None:
    def breaking():
        yield from numbered(5_500)
        raise OSError("the plan's file went away")

    with pytest.raises(OSError, match="went away"):
        order_takes(engine, breaking())
    assert [rows_of(engine, table) for table in (Catalog, Brief, Cue, Generator, Take)] == [0] * 5


def test_a_generator_that_nobody_named_is_refused(engine: Engine) -> None:
    with pytest.raises(IntegrityError):
        order_takes(engine, [new_take(0, revision="unheard of")])
    assert rows_of(engine, Catalog) == 0


def test_a_new_revision_of_a_generator_is_kept_beside_the_old_one(engine: Engine) -> None:
    order_takes(engine, [new_take(0)])
    newer = new_order("newer", generators=(NewGenerator("empty", "2", sha("weights"), {}),))
    order_takes(engine, [new_take(1, revision="2")], newer)
    with reading(engine) as session:
        assert session.scalars(select(Generator.revision).order_by(Generator.revision)).all() == ["1", "2"]


def test_the_same_brief_for_another_use_is_another_order(engine: Engine) -> None:
    first = order_takes(engine, numbered(1))
    other = order_takes(engine, numbered(1), new_order(use="commercial-game"))
    assert first.brief_id != other.brief_id
    with reading(engine) as session:
        assert brief_of(session, new_take(0).id)["use"] == "internal-prototype"


def test_the_newest_brief_is_the_one_that_was_last_run(engine: Engine) -> None:
    for number, brief in enumerate(("old", "new", "old")):
        registered = order_takes(engine, numbered(1), new_order(brief))
        run = open_run(engine, registered, [], f"run-{number}")
        with writing(engine) as session:
            end_run(session, run, "done", {})
    with reading(engine) as session:
        assert newest_brief(session, "game") == ("The Game", sha("old"), "internal-prototype")
        assert newest_brief(session, "unknown") == ("unknown", "", "")


def test_columns_may_be_named_like_words_of_sql(engine: Engine) -> None:
    """`index`, `use` and `text` are columns; quotes, newlines and every script are values."""
    prompt = "Robert'); DROP TABLE take; -- \"夜\"\n\u202e🎻 %s :x {y}"
    order_takes(engine, [new_take(0, prompt=prompt, zone=None, point={"a'b": "%(c)s"})], new_order("'; --"))
    with reading(engine) as session:
        take = session.scalars(select(Take).where(Take.index == 0, Take.prompt_sha256 == prompt_sha256(prompt))).one()
        stored = session.get(Prompt, take.prompt_sha256)
        assert stored is not None
        assert (stored.text, take.zone, take.point) == (prompt, None, {"a'b": "%(c)s"})


def test_a_bulk_of_takes_streams_and_lists_each_once(engine: Engine) -> None:
    """However many takes there are, no more than one statement's rows are held at a time."""
    alive: set[int] = set()
    most = 0

    def streamed():
        nonlocal most
        for number in range(20_000):
            take = Tracked(**vars(new_take(number)))
            alive.add(number)
            most = max(most, len(alive))
            yield take

    class Tracked(NewTake):
        def __del__(self) -> None:
            alive.discard(self.index)

    assert order_takes(engine, streamed()).inserted == 20_000
    assert most <= 10_001  # one chunk in the database's hands, the next one being filled
    assert rows_of(engine, Take) == 20_000
    half = order_takes(engine, (replace(t, position=t.index) for t in numbered(10_000)), new_order("half"))
    assert (half.inserted, half.superseded) == (0, 10_000)
