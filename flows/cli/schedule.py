"""`cueworks schedule` and `cueworks deploy`: catalogs that are made by the clock."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import output


def schedule(
    brief: Annotated[Path, typer.Argument(help="The brief, a YAML file.")],
    cron: Annotated[str, typer.Option(help="When, as a cron line: '0 3 * * *'.")],
    timezone: Annotated[str, typer.Option(help="The time zone of the cron line.")] = "UTC",
) -> None:
    """Make a brief's takes by the clock, until interrupted."""
    from flows.orders import Choices, read_plan
    from flows.prefect_server import EmbeddedServer
    from flows.scheduling import ScheduleError, check_cron, serve
    from services.settings import Settings

    check_cron(cron)
    _check_timezone(timezone, ScheduleError)
    settings = Settings.from_environment()
    order = read_plan(brief, Choices(), settings)
    for duty in order.duties:
        output.note(f"duty: {duty}")
    os.environ["CUEWORKS_HOME"] = str(settings.home)
    server = EmbeddedServer(settings.home, schedules=True)
    server.start()
    try:
        server.wait()
        output.note(f"{order.catalog}: {len(order.takes)} takes at '{cron}' ({timezone}); Ctrl-C ends the schedule")
        output.note(f"Prefect's server: {os.environ['PREFECT_API_URL']}")
        serve(brief, cron, timezone, order.catalog)
    finally:
        server.stop()


def deploy(
    file: Annotated[Path, typer.Option(help="The deployments file.")] = Path("infra/prefect.yaml"),
    check: Annotated[bool, typer.Option("--check", help="Only check the file.")] = False,
) -> None:
    """Hand a deployments file to a Prefect server.

    The file is checked first: Prefect itself ignores unknown keys. The server is the one of PREFECT_API_URL. Runs
    start in the folder that this is called in (the project's own) and use the home of this command.
    """
    import yaml

    from flows.scheduling import ScheduleError, check_deployments, located
    from services.settings import Settings

    found = check_deployments(file)
    output.line(f"{file}: {', '.join(deployment.name for deployment in found.deployments)}")
    if check:
        return
    if not os.environ.get("PREFECT_API_URL"):
        raise ScheduleError("PREFECT_API_URL is not set; run `prefect server start` and set it to the server's address")
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "prefect.yaml"
        home = Settings.from_environment().home
        given.write_text(yaml.safe_dump(located(found, Path.cwd(), home)), encoding="utf-8")
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(given)]
        if subprocess.run(command, check=False).returncode:
            raise typer.Exit(1)
    output.line(f"runs start in {Path.cwd()} and keep what they make in {home}")


def _check_timezone(name: str, error: type[Exception]) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise error(f"--timezone: {name!r} is no time zone; write one like Europe/Berlin or UTC") from None
