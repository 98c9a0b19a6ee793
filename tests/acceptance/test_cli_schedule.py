"""The clock orders: a schedule makes takes with nobody at the keyboard, and deployments files are read strictly."""

import signal
from pathlib import Path

import pytest
import yaml
from command import ROOT, Cueworks, wait_until

BRIEF = {
    "catalog": "nightly",
    "use": "internal-prototype",
    "defaults": {"loop": True, "bars": 1, "bpm": 200},
    "cues": [{"state": "combat", "prompt": "taiko"}],
}
DEPLOYMENTS = ROOT / "infra" / "prefect.yaml"


def test_a_schedule_makes_takes_until_it_is_interrupted(cueworks: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "nightly.yaml"
    brief.write_text(yaml.safe_dump(BRIEF))
    cueworks.settings = {"CUEWORKS_EXECUTOR": "in-process"}
    schedule = cueworks.start("schedule", brief, "--cron", "* * * * *")
    try:
        wait_until(cueworks.done, schedule)
        (take,) = cueworks.takes().values()
        assert (take["catalog"], take["status"]) == ("nightly", "done")
        assert all(Path(asset["path"]).is_file() for asset in take["assets"])
        schedule.send_signal(signal.SIGINT)
        _, told = schedule.communicate(timeout=120)
    finally:
        schedule.kill()
    assert schedule.returncode == 0
    assert "1 takes at '* * * * *' (UTC); Ctrl-C ends the schedule" in told
    assert "Traceback" not in told
    wait_until(lambda: not cueworks.processes())


def test_the_deployments_file_that_comes_along_is_accepted(cueworks: Cueworks) -> None:
    said = cueworks.said("deploy", "--check", "--file", DEPLOYMENTS)
    assert "nightly" in said
    assert "verify" in said


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((), "colour"),
        (("deployments", 0), "deployments.0.colour"),
        (("deployments", 0, "schedules", 0), "deployments.0.schedules.0.colour"),
        (("deployments", 0, "work_pool"), "deployments.0.work_pool.colour"),
    ],
)
def test_an_unknown_key_of_a_deployments_file_is_refused_with_its_place(
    cueworks: Cueworks, tmp_path: Path, place: tuple[str | int, ...], words: str
) -> None:
    content = yaml.safe_load(DEPLOYMENTS.read_text())
    inner = content
    for step in place:
        inner = inner[step]
    inner["colour"] = "red"
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump(content))
    done = cueworks.run("deploy", "--check", "--file", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {file}: {words}: ")
    assert len(done.stderr.splitlines()) == 1


def test_deploying_needs_a_server(cueworks: Cueworks) -> None:
    done = cueworks.run("deploy", "--file", DEPLOYMENTS)
    assert done.returncode == 2
    assert "PREFECT_API_URL is not set" in done.stderr
