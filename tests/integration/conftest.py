"""What several integration tests start from: a studio whose takes can be released. Files that need another make it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASES
from tests.delivery_catalog import Studio, Templates


@pytest.fixture(scope="module")
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("studio"), lambda: request.getfixturevalue("postgresql"))


@pytest.fixture(params=DATABASES)
def studio(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[Studio]:
    """On both databases."""
    made = templates.copy(request.param, tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def one(templates: Templates, tmp_path: Path) -> Iterator[Studio]:
    """Where it does not matter which database."""
    made = templates.copy("sqlite", tmp_path)
    yield made
    made.engine.dispose()
