"""Brings a database to the schema of this release through the Alembic history in `db/migrations`.

Never creates tables by any other way. `HEAD` names the newest revision, so that a current database costs one query
and Alembic is not even imported; a test holds it to the history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from db.advisory import lock_transaction
from db.engine import read_only

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"


class ForeignSchemaError(RuntimeError):
    """The database holds a schema that this release does not know: a newer release's, or another program's."""


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with read_only(engine) as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; returns the revisions before and after. Does nothing where the database is current.

    Two processes may call it at once: the second finds the first one's work done. Raises ForeignSchemaError.
    """
    before = current_revision(engine)
    if before == HEAD and revision == "head":
        return before, before
    from alembic import command

    with _rebuilding(engine) as connection:
        lock_transaction(connection, "schema")
        _check_known(connection)
        command.upgrade(config(connection), revision)
    return before, current_revision(engine)


def downgrade(engine: Engine, revision: str) -> None:
    """Step back to `revision` (`base` empties the database)."""
    from alembic import command

    with _rebuilding(engine) as connection:
        lock_transaction(connection, "schema")
        command.downgrade(config(connection), revision)


@contextmanager
def _rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which SQLite may put a new table in an old one's place while others refer to it.

    Its foreign keys are off meanwhile and checked as a whole before the commit (sqlite.org, "Making Other Kinds Of
    Table Schema Changes"); PostgreSQL needs none of it."""
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            _set_foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                yield connection
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise ForeignSchemaError("rows refer to rows that are not there: the database is damaged")
        finally:
            if sqlite:
                _set_foreign_keys(connection, "ON")


def _set_foreign_keys(connection: Connection, to: str) -> None:
    """Outside any transaction: within one, SQLite ignores it."""
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute(f"PRAGMA foreign_keys={to}")


def _check_known(connection: Connection) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    found = _revision(connection)
    if found is not None and found not in known:
        raise ForeignSchemaError(f"schema {found}; this release knows schemas up to {HEAD}: use a newer release")
    if found is None and inspect(connection).has_table("take"):
        raise ForeignSchemaError("tables without a schema revision: it is another program's, or damaged")


def config(connection: Connection | None = None) -> "Config":
    """An Alembic configuration bound to an open connection; no ini file is read."""
    from alembic.config import Config

    settings = Config()
    folder = Path(__file__).parent / "migrations"
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
