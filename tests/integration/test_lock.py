"""One driver a catalog: whoever comes second is told who holds it, and a dead holder holds nothing."""

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.advisory import HeldElsewhereError, advisory_lock
from services.catalog.lock import CatalogBusyError, catalog_lock, describe_driver, whole_home

HOLD = """
import sys
from pathlib import Path
from db.engine import open_engine
from services.catalog.lock import CatalogBusyError, catalog_lock
try:
    with catalog_lock(Path(sys.argv[1]), open_engine(sys.argv[2]), sys.argv[3]):
        print("held", flush=True)
        sys.stdin.read()
except CatalogBusyError as error:
    print(error, flush=True)
"""


def holder(home: Path, url: str, catalog: str = "game") -> subprocess.Popen[str]:
    """Another process that takes the lock and keeps it until its input ends, or says who has it."""
    command = [sys.executable, "-c", HOLD, str(home), url, catalog]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.communicate()


def test_two_threads_race_and_exactly_one_wins(engine: Engine, home: Path) -> None:
    barrier, through = threading.Barrier(2), threading.Event()
    outcomes: list[str] = []

    def race() -> None:
        barrier.wait(10)
        try:
            with catalog_lock(home, engine, "game"):
                outcomes.append("won")
                through.wait(10)
        except CatalogBusyError as error:
            outcomes.append(str(error))
            through.set()

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome == "won" for outcome in outcomes) == [False, True]
    (told,) = (outcome for outcome in outcomes if outcome != "won")
    assert describe_driver() in told
    assert "'game'" in told


def test_two_processes_race_and_the_loser_is_told_who_holds_it(url: str, home: Path) -> None:
    racers = [holder(home, url), holder(home, url)]
    outcomes = {racer.pid: said(racer) for racer in racers}
    end(*racers)
    assert sorted(outcome == "held" for outcome in outcomes.values()) == [False, True]
    (winner,) = (pid for pid, outcome in outcomes.items() if outcome == "held")
    (told,) = (outcome for outcome in outcomes.values() if outcome != "held")
    assert f"process {winner} on" in told


def test_a_killed_holder_holds_nothing(url: str, engine: Engine, home: Path) -> None:
    process = holder(home, url)
    assert said(process) == "held"
    with pytest.raises(CatalogBusyError, match=f"process {process.pid} on"), catalog_lock(home, engine, "game"):
        pass
    process.kill()
    end(process)
    _wait_until_free(engine, home)


def _wait_until_free(engine: Engine, home: Path) -> None:
    """A server notices a dead client within moments; the file lock is gone at once."""
    for _ in range(100):
        try:
            with catalog_lock(home, engine, "game"):
                return
        except CatalogBusyError:
            time.sleep(0.05)
    raise AssertionError("the lock of a killed process is still held")


def test_drivers_of_other_homes_on_one_postgresql_exclude_each_other(url: str, engine: Engine, tmp_path: Path) -> None:
    """Homes on two machines share a database, not a file lock; on SQLite another home is another catalog."""
    process = holder(tmp_path / "theirs", url)
    assert said(process) == "held"
    if engine.dialect.name == "postgresql":
        with (
            pytest.raises(CatalogBusyError, match=f"process {process.pid} on"),
            catalog_lock(tmp_path / "mine", engine, "game"),
        ):
            pass
        with catalog_lock(tmp_path / "mine", engine, "another"):
            pass
    else:
        with catalog_lock(tmp_path / "mine", engine, "game"):
            pass
    end(process)


def test_other_catalogs_are_free_and_a_lock_can_be_taken_again(engine: Engine, home: Path) -> None:
    for _ in range(2):
        with catalog_lock(home, engine, "game"), catalog_lock(home, engine, "other"):
            pass


def test_the_lock_is_free_after_an_error(engine: Engine, home: Path) -> None:
    with pytest.raises(ZeroDivisionError), catalog_lock(home, engine, "game"):
        raise ZeroDivisionError
    with catalog_lock(home, engine, "game"):
        pass


def test_who_removes_files_holds_every_catalog(engine: Engine, home: Path) -> None:
    with catalog_lock(home, engine, "game"):
        with pytest.raises(CatalogBusyError, match="a catalog of this home"), whole_home(home):
            pass
        with catalog_lock(home, engine, "other"):
            pass
    with (
        whole_home(home),
        pytest.raises(CatalogBusyError, match=describe_driver()),
        catalog_lock(home, engine, "to come"),
    ):
        pass
    with catalog_lock(home, engine, "game"):
        pass


def test_a_database_that_goes_away_takes_its_lock_along(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        return
    with advisory_lock(engine, "catalog game", "me"), engine.connect() as connection:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        connection.execute(text(kill))
        connection.rollback()
    with advisory_lock(engine, "catalog game", "me again"):
        pass


def test_many_locks_at_once_tell_their_own_holder(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        return
    with ExitStack() as held:
        for name in ("a", "b"):
            held.enter_context(advisory_lock(engine, name, f"holder of {name}"))
        for name in ("a", "b"):
            with pytest.raises(HeldElsewhereError, match=f"holder of {name}"), advisory_lock(engine, name, "late"):
                pass


def test_an_unwritable_home_is_an_error_of_the_system(engine: Engine, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OSError, match="file"), catalog_lock(blocked, engine, "game"):
        pass
