"""One history for both databases: from nothing to now, back and again, and never apart from the tables."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from db import migrate
from db.engine import open_engine, reading, writing
from db.rights_tables import APPEND_ONLY, Base  # the tables of rights with it
from db.tables import Catalog
from db.takes import take_rows


def test_head_is_the_newest_revision_of_one_line_of_history() -> None:
    history = ScriptDirectory.from_config(migrate.config())
    assert history.get_heads() == [migrate.HEAD]
    assert history.get_bases() == ["0001"]


def test_upgrade_makes_exactly_the_tables_of_this_release(empty_engine: Engine) -> None:
    assert migrate.upgrade(empty_engine) == (None, migrate.HEAD)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    assert migrate.upgrade(empty_engine) == (migrate.HEAD, migrate.HEAD)


def test_downgrade_to_base_leaves_nothing_and_the_way_up_is_open_again(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    migrate.downgrade(empty_engine, "base")
    assert set(inspect(empty_engine).get_table_names()) <= {"alembic_version"}
    assert migrate.current_revision(empty_engine) is None
    assert migrate.upgrade(empty_engine) == (None, migrate.HEAD)


def test_rows_survive_an_upgrade_of_a_current_database(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    _add_catalog(empty_engine, datetime(2026, 5, 4, tzinfo=UTC))
    migrate.upgrade(empty_engine)
    with reading(empty_engine) as session:
        assert session.scalars(select(Catalog.name)).all() == ["game"]


def test_two_processes_may_upgrade_at_once(empty_url: str) -> None:
    """Both begin before either is through: the second waits and finds the first one's tables."""
    faults: list[Exception] = []

    def upgrade() -> None:
        engine = open_engine(empty_url)
        try:
            barrier.wait(10)
            migrate.upgrade(engine)
        except Exception as error:
            faults.append(error)
        finally:
            engine.dispose()

    import alembic.command  # noqa: F401  (imports are not what races here)

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    engine = open_engine(empty_url)
    assert migrate.current_revision(engine) == migrate.HEAD
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrate.ForeignSchemaError, match=r"9999.*newer release"):
        migrate.upgrade(empty_engine)
    assert migrate.current_revision(empty_engine) == "9999"


def test_tables_of_another_program_are_left_alone(empty_engine: Engine) -> None:
    with empty_engine.begin() as connection:
        connection.execute(text("CREATE TABLE take (id INTEGER)"))
    with pytest.raises(migrate.ForeignSchemaError, match="another program"):
        migrate.upgrade(empty_engine)
    assert inspect(empty_engine).get_table_names() == ["take"]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=3, minutes=30))])
def test_times_come_back_as_the_same_moment_in_utc(engine: Engine, zone: timezone) -> None:
    moment = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=zone)
    _add_catalog(engine, moment)
    with reading(engine) as session:
        found = session.scalars(select(Catalog.created_at)).one()
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match="carry a time zone"):
        _add_catalog(engine, datetime(2026, 1, 1))


def test_foreign_keys_hold(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.execute(
            text("INSERT INTO cue (brief_id, name, state, prompt, position) VALUES (7, 'a', 'combat', 'p', 0)")
        )


def test_a_reading_sees_one_moment_and_blocks_no_writer(engine: Engine) -> None:
    with reading(engine) as session:
        assert session.scalars(select(Catalog.name)).all() == []
        _add_catalog(engine, datetime.now(UTC))
        assert session.scalars(select(Catalog.name)).all() == []
    with reading(engine) as session:
        assert session.scalars(select(Catalog.name)).all() == ["game"]


def test_what_a_block_wrote_is_gone_when_it_raises(engine: Engine) -> None:
    with pytest.raises(RuntimeError), writing(engine) as session:
        session.add(Catalog(name="game", title="Game", created_at=datetime.now(UTC)))
        session.flush()
        raise RuntimeError
    with reading(engine) as session:
        assert session.scalars(select(Catalog.name)).all() == []


def test_sqlite_is_opened_with_what_correctness_needs(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.connect() as connection:
        names = ("foreign_keys", "journal_mode", "synchronous")
        pragmas = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}
    engine.dispose()
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2}  # FULL
    assert sqlite3.sqlite_version_info >= (3, 24)  # ON CONFLICT DO UPDATE


def _add_catalog(engine: Engine, created_at: datetime) -> None:
    with writing(engine) as session:
        session.add(Catalog(name="game", title="Game", created_at=created_at))


def test_prompts_of_older_takes_are_kept_word_for_word_both_ways(empty_engine: Engine) -> None:
    """Takes of the first schema carry their prompts themselves; later they share them. Their files stay."""
    prompts = ["dark drums", "dark drums", "夜 'quoted' \\n" + "ÿ" * 4000]
    migrate.upgrade(empty_engine, "0001")
    with empty_engine.begin() as connection:
        _insert(connection, "catalog", id=1, name="game", title="Game", created_at=LONG_AGO)
        _insert(connection, "generator", id="empty", revision="1", card="{}", first_seen_at=LONG_AGO)
        brief = {"sha256": "0" * 64, "text": b"brief", "use": "trailer", "licensee": "{}", "planned_at": LONG_AGO}
        _insert(connection, "brief", id=1, catalog_id=1, **brief)
        _insert(connection, "cue", id=1, brief_id=1, name="combat", state="combat", prompt="", position=0)
        for number, prompt in enumerate(prompts):
            _insert(connection, "take", **OLD_TAKE, id=f"{number:064x}", position=number, index=number, prompt=prompt)
        asset = {"role": "mix", "media_type": "audio/flac", "sha256": "1" * 64, "bytes": 1, "path": "mix.flac"}
        _insert(connection, "asset", id=1, take_id="0" * 64, **asset)
    migrate.upgrade(empty_engine)
    with reading(empty_engine) as session:
        assert [take.prompt for take in take_rows(session)] == prompts
        assert [len(take.assets) for take in take_rows(session)] == [1, 0, 0]
        assert session.execute(text("SELECT count(*) FROM prompt")).scalar() == 2
    migrate.downgrade(empty_engine, "0001")
    with empty_engine.connect() as connection:
        assert list(connection.execute(text("SELECT prompt FROM take ORDER BY position")).scalars()) == prompts


LONG_AGO = datetime(2026, 5, 4, tzinfo=UTC)
OLD_TAKE = {
    "catalog_id": 1, "cue_id": 1, "cue": "combat", "state": "combat", "point": "{}", "seed": 1, "generator": "empty",
    "revision": "1", "controls": "{}", "delivery": "{}", "understanding": "[]", "folder": "f", "status": "done",
    "planned_at": LONG_AGO,
}  # fmt: skip


def _insert(connection: Connection, table: str, **values: object) -> None:
    columns = ", ".join(f'"{name}"' for name in values)
    held = ", ".join(f":{name}" for name in values)
    connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({held})'), values)


def test_every_table_of_rights_refuses_change_by_the_database_itself(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    if empty_engine.dialect.name == "postgresql":
        query = "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE tgenabled = 'A'"
        expected = 2
    else:
        query = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        expected = 3
    with empty_engine.connect() as connection:
        found = list(connection.execute(text(query)).scalars())
    assert {name: found.count(name) for name in set(found)} == dict.fromkeys(APPEND_ONLY, expected)
