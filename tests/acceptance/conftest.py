"""What the acceptance tests of the command line share: homes, a Prefect server, and one catalog rendered once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import TINY, Cueworks, Rendered

from flows.prefect_server import EmbeddedServer


@pytest.fixture
def cueworks(tmp_path: Path) -> Cueworks:
    return Cueworks(tmp_path / "home")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server for commands that need not start their own."""
    before = dict(os.environ)
    server = EmbeddedServer(tmp_path_factory.mktemp("prefect"))
    try:
        server.start()
        server.wait()
        address = os.environ["PREFECT_API_URL"]
        _restore(before)
        yield address
    finally:
        server.stop()
        _restore(before)


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def quick(cueworks: Cueworks, prefect_api: str) -> Cueworks:
    """A fresh home, rendering in the command's own process and with a Prefect server that is there already."""
    cueworks.settings = {"PREFECT_API_URL": prefect_api, "CUEWORKS_EXECUTOR": "in-process"}
    return cueworks


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    cueworks = Cueworks(tmp_path_factory.mktemp("rendered") / "home")
    outcome = cueworks.json("generate", TINY, "--actors", 2)
    return Rendered(cueworks, outcome, cueworks.takes())
