"""What an error is told as: what a person set wrong is bad input, what failed under way asks for the command again."""

import errno
import os

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from flows.cli.errors import AGAIN, Code, told


def _told(error: BaseException) -> tuple[str, Code]:
    found = told(error)
    assert found is not None
    return found


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG])
def test_a_path_that_cannot_be_used_is_bad_input(number: int) -> None:
    message, code = _told(OSError(number, os.strerror(number), "/there"))
    assert code == Code.BAD_INPUT
    assert message.startswith("/there: ")
    assert "CUEWORKS_HOME" in message


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM, errno.ECONNRESET])
def test_a_system_that_fails_under_way_asks_for_the_command_again(number: int) -> None:
    message, code = _told(OSError(number, os.strerror(number), "/there"))
    assert code == Code.INCOMPLETE
    assert message == f"/there: {os.strerror(number)}; {AGAIN}"


@pytest.mark.parametrize(
    "reason",
    [
        "the connection is lost",
        "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally",
        "consuming input failed: could not receive data from server: Connection reset by peer",
        'connection failed: connection to server at "10.0.0.1", port 5432 failed: Connection refused',
        "disk I/O error",
    ],
)
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_that_goes_away_asks_for_the_command_again(kind: type[DBAPIError], reason: str) -> None:
    message, code = _told(kind("INSERT", {}, Exception(reason)))
    assert code == Code.INCOMPLETE
    assert reason.splitlines()[0] in message
    assert message.endswith(AGAIN)


@pytest.mark.parametrize("kind", [psycopg.errors.AdminShutdown, psycopg.errors.DeadlockDetected])
def test_what_the_server_says_in_another_language_is_known_by_its_code(kind: type[Exception]) -> None:
    assert _told(OperationalError("INSERT", {}, kind("auf Deutsch")))[1] == Code.INCOMPLETE


@pytest.mark.parametrize(
    "reason",
    ["unable to open database file", "attempt to write a readonly database", 'connection failed: FATAL: database "x" '
     "does not exist", "connection failed: FATAL: password authentication failed", "file is not a database"],
)  # fmt: skip
def test_a_database_that_was_set_wrong_is_bad_input(reason: str) -> None:
    message, code = _told(OperationalError("SELECT", {}, Exception(reason)))
    assert code == Code.BAD_INPUT
    assert "CUEWORKS_HOME" in message
