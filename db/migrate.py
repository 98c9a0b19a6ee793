"""Brings a database to the schema of this release through the Alembic history in `db/migrations`.

Never creates tables by any other way. `HEAD` names the newest revision, so that a current database costs one query
and Alembic is not even imported; a test holds it to the history.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect().execution_options(read_only=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to `revision`; returns the revisions before and after. Does nothing where the database is current."""
    before = current_revision(engine)
    if before == HEAD and revision == "head":
        return before, before
    from alembic import command

    with engine.begin() as connection:
        command.upgrade(config(connection), revision)
    return before, current_revision(engine)


def downgrade(engine: Engine, revision: str) -> None:
    """Step back to `revision` (`base` empties the database)."""
    from alembic import command

    with engine.begin() as connection:
        command.downgrade(config(connection), revision)


def config(connection: Connection | None = None) -> "Config":
    """An Alembic configuration bound to an open connection; no ini file is read."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.attributes["connection"] = connection
    return settings
