"""A database server that ends a connection in the middle of a command."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.engine import writing
from flows.cli.errors import Code, told


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_ends_asks_for_the_command_again(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, writing(engine) as session:
        me = session.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:me)"), {"me": me})
        session.execute(text("SELECT 1"))
    message, code = told(caught.value) or ("", None)
    assert code == Code.INCOMPLETE
    assert "run the same command again" in message
