"""Settings become objects in one place; a wrong one is told by its variable, and opens or makes nothing."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from db.engine import open_engine
from db.migrate import HEAD, current_revision
from db.urls import DatabaseUrlError, database_name, database_url, sqlite_url
from services.doctor import examine
from services.settings import SettingError, Settings


def settings(home: Path, **variables: str) -> Settings:
    return Settings.from_environment({"CUEWORKS_HOME": str(home), **variables})


def test_without_settings_everything_is_embedded_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings.from_environment({"HOME": "/home/me"})
    assert found.home == tmp_path / "catalog"
    assert found.embedded
    assert database_name(found.database_url) == str(tmp_path / "catalog" / "cueworks.db")
    assert (found.executor, found.actors, found.max_takes, found.ray_address) == ("ray", None, 1_000_000, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "STORE_URL", "ACTORS", "EXECUTOR", "RAY_ADDRESS", "CACHE", "DEVICE", "BATCH"]
)
def test_an_empty_variable_is_an_unset_one(home: Path, name: str) -> None:
    assert settings(home, **{f"CUEWORKS_{name}": ""}) == settings(home)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CUEWORKS_ACTORS", "0"), ("CUEWORKS_ACTORS", "-1"), ("CUEWORKS_ACTORS", "two"), ("CUEWORKS_ACTORS", "9" * 5000),
     ("CUEWORKS_DEVICE", "gpu"), ("CUEWORKS_BATCH", "0"), ("CUEWORKS_BATCH", "1025"), ("CUEWORKS_BATCH", "many"),
     ("CUEWORKS_MAX_TAKES", "1.5"), ("CUEWORKS_EXECUTOR", "dask"), ("CUEWORKS_STORE_URL", "s3://bucket"),
     ("CUEWORKS_HOME", "~nobody-of-this-name/x"), ("CUEWORKS_HOME", "/tmp/a?b"),
     ("CUEWORKS_CACHE", "~nobody-of-this-name"),
     ("CUEWORKS_DATABASE_URL", "nonsense"), ("CUEWORKS_DATABASE_URL", "mysql://me:secret@host/db"),
     ("CUEWORKS_DATABASE_URL", "sqlite://"), ("CUEWORKS_DATABASE_URL", "sqlite:///:memory:")],
)  # fmt: skip
def test_a_wrong_value_is_told_by_its_variable(home: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable) as caught:
        settings(**{"home": home, variable: value}) if variable != "CUEWORKS_HOME" else settings(Path(value))
    assert "secret" not in str(caught.value)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "driver"),
    [("postgres://u:p@h/d", "postgresql+psycopg"), ("postgresql://u:p@h/d", "postgresql+psycopg"),
     ("postgresql+psycopg2://u:p@h:5433/d?sslmode=require", "postgresql+psycopg"),
     ("sqlite:////tmp/a.db", "sqlite+pysqlite")],
)  # fmt: skip
def test_every_way_to_write_a_url_gets_the_driver_that_is_installed(url: str, driver: str) -> None:
    found = database_url(url)
    assert found.drivername == driver
    assert found.set(drivername="x").render_as_string(False).split("://")[1] == url.split("://")[1]


def test_the_name_of_a_database_never_shows_its_password() -> None:
    assert "secret" not in database_name("postgresql://me:secret@host/db")
    with pytest.raises(DatabaseUrlError, match="mysql") as caught:
        database_url("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["with space", "100%", "#1", "ü", "a%20b", "a;b&c=d"])
def test_a_home_may_be_called_almost_anything(tmp_path: Path, name: str) -> None:
    engine = settings(tmp_path / name).open_database()
    engine.dispose()
    assert (tmp_path / name / "cueworks.db").is_file()


def test_the_embedded_database_is_made_and_brought_to_this_schema(home: Path) -> None:
    engine = settings(home).open_database()
    assert current_revision(engine) == HEAD
    engine.dispose()


@pytest.mark.parametrize("damage", [b"long enough to have a header " * 80, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_database_is_one_clear_error(home: Path, damage: bytes) -> None:
    (home / "cueworks.db").write_bytes(damage)
    with pytest.raises(SettingError, match=r"cueworks\.db: .*backup"):
        settings(home).open_database()
    assert (home / "cueworks.db").read_bytes() == damage


def test_a_database_of_a_newer_release_is_left_alone(home: Path) -> None:
    engine = settings(home).open_database()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SettingError, match=r"cueworks\.db: schema 9999"):
        settings(home).open_database()


def test_a_database_that_is_a_folder_is_one_clear_error(home: Path) -> None:
    (home / "cueworks.db").mkdir()
    with pytest.raises(SettingError, match=r"cueworks\.db: cannot be used"):
        settings(home).open_database()


def test_another_database_must_have_been_upgraded(home: Path, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "team.db")
    team = settings(home, CUEWORKS_DATABASE_URL=url)
    with pytest.raises(SettingError, match=r"its schema is empty.*cueworks db upgrade"):
        team.open_database()
    assert not team.embedded


def test_a_server_that_is_not_there_is_told_without_the_password(home: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/none?connect_timeout=2"
    with pytest.raises(SettingError, match=r"127\.0\.0\.1") as caught:
        settings(home, CUEWORKS_DATABASE_URL=url).open_database()
    assert "secret" not in str(caught.value)


def test_reading_where_nothing_was_made_makes_nothing(home: Path) -> None:
    engine = settings(home).open_for_reading()
    assert current_revision(engine) == HEAD
    assert list(home.iterdir()) == []


def test_a_home_on_read_only_media_is_read_as_it_lies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An auditor's copy: nothing is written beside it. What is only in the write-ahead log must not be missed."""
    settings(home).open_database().dispose()
    sqlite3.connect(home / "cueworks.db").execute("PRAGMA journal_mode=DELETE")
    before = sorted(home.iterdir())
    monkeypatch.setattr("services.settings.os.access", lambda path, mode: False)
    engine = settings(home).open_for_reading()
    assert current_revision(engine) == HEAD
    with pytest.raises(Exception, match="readonly"), engine.begin() as connection:
        connection.execute(text("INSERT INTO prompt VALUES ('0', 'x')"))
    engine.dispose()
    assert sorted(home.iterdir()) == before
    (home / "cueworks.db-wal").write_bytes(b"what came last")
    with pytest.raises(SettingError, match="copy the home to where it can be written"):
        settings(home).open_for_reading()


def test_a_locked_database_waits_and_is_no_setting_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(home).open_database().dispose()
    holder = sqlite3.connect(home / "cueworks.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("db.engine.BUSY_S", 0)
    engine = open_engine(sqlite_url(home / "cueworks.db"))
    with pytest.raises(Exception, match="locked"), engine.begin():
        pass
    holder.close()
    with engine.begin():
        pass
    engine.dispose()


def test_options_of_the_command_win_over_the_environment(home: Path) -> None:
    base = settings(home, CUEWORKS_ACTORS="3")
    assert base.with_options().actors == 3
    assert base.with_options(actors=1, executor="in-process").actors == 1
    with pytest.raises(SettingError, match="--executor"):
        base.with_options(executor="dask")


def test_the_doctor_finds_faults_without_breaking_and_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.doctor.LIBRARIES", ("numpy", "no-such-library"))
    findings = {finding.name: finding for finding in examine(settings(home / "new"))}
    assert findings["home"].ok
    assert findings["database"].ok
    assert (findings["numpy"].ok, findings["no-such-library"].ok) == (True, False)
    assert list(home.iterdir()) == []
    (home / "cueworks.db").write_bytes(b"damaged " * 500)
    damaged = {finding.name: finding for finding in examine(settings(home))}["database"]
    assert not damaged.ok
    assert "cueworks.db" in damaged.found
    assert damaged.remedy
