"""Schedules: serve a brief on a cron line, and check the deployments file before Prefect reads it.

Prefect ignores unknown keys of a `prefect.yaml` in silence; a typed model here refuses them. Nothing here renders.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ScheduleError(ValueError):
    """A cron line or deployments file that cannot be used; the message says where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cron(_Strict):
    cron: str
    timezone: str = "UTC"
    active: bool = True


class WorkPool(_Strict):
    name: str
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)


class Deployment(_Strict):
    name: str
    entrypoint: str
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    schedules: list[Cron] = Field(default_factory=list)
    work_pool: WorkPool
    concurrency_limit: int | None = None


class Deployments(_Strict):
    """What `infra/prefect.yaml` may hold."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    name: str
    prefect_version: str = Field(alias="prefect-version")
    pull: list[dict[str, Any]] = Field(default_factory=list)
    deployments: list[Deployment]


def check_deployments(file: Path) -> Deployments:
    """Read a deployments file. Raises ScheduleError with every fault."""
    try:
        found = Deployments.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScheduleError(f"{file}: {error}") from error
    except ValidationError as error:
        faults = (f"{file}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ScheduleError("\n".join(faults)) from error
    for deployment in found.deployments:
        for schedule in deployment.schedules:
            check_cron(schedule.cron, f"{file}: {deployment.name}")
    return found


def located(found: Deployments, root: Path, home: Path) -> dict[str, Any]:
    """The deployments as Prefect is given them: runs start in `root` and keep what they make in `home`.

    Without this a process worker runs in a temporary folder, and the catalog would be deleted with it.
    """
    told = found.model_dump(by_alias=True, exclude_none=True)
    told["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(root)}}, *found.pull]
    for deployment in told["deployments"]:
        variables = deployment["work_pool"].setdefault("job_variables", {})
        variables["env"] = {"CUEWORKS_HOME": str(home), **variables.get("env", {})}
    return told


def check_cron(line: str, where: str = "--cron") -> None:
    """Raise ScheduleError unless `line` is a cron line of five fields."""
    from croniter import croniter

    if len(line.split()) != 5 or not croniter.is_valid(line):
        raise ScheduleError(f"{where}: {line!r} is no cron line; write minute hour day month weekday, e.g. '0 3 * * *'")


def serve(brief: Path, cron: str, timezone: str, name: str) -> None:
    """Serve a deployment of `brief` until interrupted; Prefect's server must be reachable."""
    from prefect.schedules import Cron as CronSchedule

    from flows.deployed import generate_brief

    generate_brief.serve(
        name=name,
        parameters={"brief": str(brief.resolve())},
        schedule=CronSchedule(cron, timezone=timezone),
        limit=1,
        pause_on_shutdown=False,
        print_starting_message=False,
    )
