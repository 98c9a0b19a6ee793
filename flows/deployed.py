"""The flows that run on a schedule: a brief's catalog, and the check of what is there.

A deployed run plans first, like the command, then renders what is missing; it uses the server that started it.
Nothing here knows cron lines: `flows.scheduling` and `infra/prefect.yaml` do.
"""

import time
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.orders import Choices, Stages, Watcher, carry_out, read_plan
from services.catalog.checking import verify
from services.settings import Settings


class IncompleteError(RuntimeError):
    """Not every take came out; the message says how many did."""


@flow(name="generate-brief", flow_run_name="{brief}", persist_result=False)
def generate_brief(brief: str, takes: int | None = None, only: str | None = None) -> dict[str, Any]:
    """Plan the brief file and render what is missing. Raises BriefError, CatalogBusyError, IncompleteError."""
    settings, stages, choices = Settings.from_environment(), Stages(time.perf_counter()), Choices(takes, only)
    order = read_plan(Path(brief), choices, settings)
    outcome = carry_out(order, choices, settings, stages, Watcher(), server=False)
    if not outcome.complete:
        told = "; ".join((f"{outcome.run.catalog}: {outcome.counts} of {outcome.run.ordered}", *outcome.short))
        raise IncompleteError(f"{told}; {outcome.stopped}" if outcome.stopped else told)
    return {"run": outcome.run.id, "counts": outcome.counts, "page": str(outcome.page)}


@flow(name="verify-catalogs", persist_result=False)
def verify_catalogs(catalog: str | None = None) -> dict[str, int]:
    """Check every file of every take, and the ledger. Raises IncompleteError when something differs."""
    settings = Settings.from_environment()
    engine = settings.open_database()
    found = verify(engine, settings.home, settings.open_store(), catalog, lambda count: None)
    found = found.with_ledger(settings.verify_ledger(engine, lambda count: None))
    if found.problems:
        table = [{"take": p.take, "what": p.what, "remedy": p.remedy} for p in found.problems[:1000]]
        create_table_artifact(table, key="cueworks-problems", description="what verify found")
        raise IncompleteError(f"{len(found.problems)} problems in {found.takes} takes; see the artifact")
    return {"takes": found.takes, "files": found.files}
