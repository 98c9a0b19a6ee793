"""Kill it, stop it, fill its disk: the same command again ends as if nothing had happened."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import TINY, Cueworks, Rendered, wait_until

MORE = (TINY, "--takes", 4)  # 16 takes: the six of the rendered home and ten more


def _all_done(cueworks: Cueworks, rendered: Rendered) -> None:
    """The 16 takes are done, once each, and those that an undisturbed home has too sound the same."""
    takes = cueworks.takes()
    assert len(takes) == 16
    assert {take["status"] for take in takes.values()} == {"done"}
    assert rendered.takes.keys() <= takes.keys()
    for id_, undisturbed in rendered.takes.items():
        assert takes[id_]["pcm_sha256"] == undisturbed["pcm_sha256"]
    found = cueworks.json("verify")
    assert (found["ok"], found["takes"]) == (True, 16)


def test_a_killed_driver_leaves_no_process_and_the_same_command_goes_on(cueworks: Cueworks, rendered: Rendered) -> None:
    driver = cueworks.start("generate", *MORE, "--actors", 2)
    wait_until(cueworks.done, driver)
    assert len(cueworks.processes()) > 1
    driver.kill()
    driver.communicate()
    before = cueworks.takes()
    assert 1 <= sum(take["status"] == "done" for take in before.values()) < 16
    wait_until(lambda: not cueworks.processes())
    outcome = cueworks.json("generate", *MORE, "--executor", "in-process")
    assert outcome["rendered"] == 16 - sum(take["status"] == "done" for take in before.values())
    _all_done(cueworks, rendered)
    assert [run["status"] for run in cueworks.json("runs")] == ["done", "interrupted"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_driver_says_how_to_go_on(quick: Cueworks, rendered: Rendered, number: signal.Signals) -> None:
    driver = quick.start("generate", *MORE)
    wait_until(quick.done, driver)
    if number == signal.SIGINT:
        second = quick.run("generate", *MORE)
        assert second.returncode == 1
        assert f"is being worked on by process {driver.pid}" in second.stderr
    driver.send_signal(number)
    _, told = driver.communicate(timeout=120)
    assert driver.returncode == 1
    assert "error: rendering was stopped; run the same command again to go on" in told
    assert "Traceback" not in told
    assert 1 <= quick.done() < 16
    assert quick.json("runs")[0]["status"] == "interrupted"
    if number == signal.SIGINT:
        quick.json("generate", *MORE)
        _all_done(quick, rendered)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB; `_enlarge` makes room on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of one's own can only be mounted by root where mounting is permitted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _enlarge(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=200m", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_with_more_room_the_same_command_goes_on(
    quick: Cueworks, rendered: Rendered, small_disk: Path
) -> None:
    quick.home = small_disk / "home"
    stopped = quick.run("generate", *MORE)
    assert stopped.returncode == 1
    assert "disk" in stopped.stderr
    assert "free some space and run the same command again" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    finished = quick.done()
    assert 1 <= finished < 16
    _enlarge(small_disk)
    assert quick.json("verify")["ok"] is True
    outcome = quick.json("generate", *MORE)
    assert outcome["rendered"] == 16 - finished
    _all_done(quick, rendered)
