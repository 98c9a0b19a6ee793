"""Which database a URL names. Reads the URL only: nothing here connects, and an embedded one costs no import."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class DatabaseUrlError(ValueError):
    """The database URL cannot be used; the message never shows its password."""


def sqlite_url(path: Path) -> str:
    """The URL of an embedded database at `path`. Raises DatabaseUrlError for a path that no URL can hold."""
    if "?" in str(path):
        raise DatabaseUrlError(f"{path}: the path of a database cannot hold a question mark; choose another folder")
    return f"sqlite+pysqlite:///{path.resolve()}"


def database_url(text: str) -> "URL":
    """The URL with the driver that is used for its kind of database. Raises DatabaseUrlError."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        known = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        raise DatabaseUrlError(f"the database URL is no URL; write {known}") from None
    kind = url.get_backend_name()
    if kind not in _DRIVERS:
        raise DatabaseUrlError(f"the database URL {kind}://... is neither sqlite nor postgresql")
    if kind == "sqlite" and (url.database or ":memory:") == ":memory:":
        raise DatabaseUrlError("the database URL names no file; write sqlite:///FILE")
    return url.set(drivername=_DRIVERS[kind])


def database_name(text: str) -> str:
    """The database for people: its file, or its URL without the password."""
    url = database_url(text)
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string()
