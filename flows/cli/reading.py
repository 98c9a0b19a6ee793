"""`cueworks takes`, `show`, `runs`: what there is. Reads only."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import output
from flows.cli.options import CatalogName, Json


def takes(
    catalog: CatalogName = None,
    state: Annotated[str | None, typer.Option(help="Only this state (or cue).")] = None,
    status: Annotated[str | None, typer.Option(help="Only this status.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write a table file, .parquet or .csv, instead.")] = None,
    json: Json = False,
) -> None:
    """List takes with their files."""
    from db.tables import TAKE_STATUSES
    from services.catalog.export import export_takes
    from services.catalog.listing import Filter, take_json
    from services.catalog.listing import takes as rows
    from services.settings import Settings

    if status is not None and status not in TAKE_STATUSES:
        raise typer.BadParameter(f"unknown status {status!r}; use one of: {', '.join(TAKE_STATUSES)}")
    settings = Settings.from_environment()
    found = rows(settings.open_database(), Filter(catalog, state, status))
    if out is not None:
        count = export_takes(found, settings.home, out)
        print(f"{count} takes written to {out.resolve()}")
    elif json:
        output.print_json_rows(take_json(take, settings.home) for take in found)
    else:
        columns = ["take", "catalog", "zone", "state", "cue", "index", "status", "bpm", "key", "seed", "prompt", "folder"]
        output.print_table(
            columns,
            (
                [t.id[:12], t.catalog, t.zone, t.state, t.cue, t.index, t.status, f"{t.controls['bpm']:g}",
                 t.controls["key"], t.seed, t.prompt, t.folder]
                for t in found
            ),
        )  # fmt: skip


def show(take: Annotated[str, typer.Argument(help="A take's id, or how it begins.")], json: Json = False) -> None:
    """Everything that is known of one take."""
    from services.catalog.listing import find_take, show_json
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_database()
    found = show_json(engine, find_take(engine, take), settings.home)
    if json:
        output.print_json(found)
        return
    for name, value in found.items():
        if name not in ("assets", "attempts", "understanding"):
            print(f"{name:16} {value}")
    for choice in found["understanding"]:
        words = f" from {choice['words']!r}" if choice.get("words") else ""
        print(f"understood       {choice['field']} {choice['value']}: {choice['source']}{words}")
    for asset in found["assets"]:
        print(f"asset            {asset['role']:16} {asset['sha256'][:16]}  {asset['path']}")
    for attempt in found["attempts"]:
        print(f"attempt          {attempt['outcome']:12} {attempt['started_at']}  {attempt['actor']}  {attempt['error'] or ''}")


def runs(catalog: CatalogName = None, json: Json = False) -> None:
    """List runs, newest first."""
    from services.catalog.listing import run_json
    from services.catalog.listing import runs as rows
    from services.settings import Settings

    found = rows(Settings.from_environment().open_database(), catalog)
    if json:
        output.print_json_rows(run_json(run) for run in found)
        return
    columns = ["run", "catalog", "status", "started", "driver", "ordered", "to render", "done", "failed", "seconds"]
    output.print_table(
        columns,
        (
            [r.id[:8], r.catalog, r.status, f"{r.started_at:%Y-%m-%d %H:%M:%S}", r.driver, r.ordered, r.to_render,
             r.done, r.failed, f"{(r.ended_at - r.started_at).total_seconds():.1f}" if r.ended_at else ""]
            for r in found
        ),
    )  # fmt: skip
