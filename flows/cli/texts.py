"""`cueworks words`, `brief`, `db`: what may be written in a brief, and the small commands around it."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import output
from flows.cli.options import Json

brief_app = typer.Typer(help="Check a brief; print the published schema.")
db_app = typer.Typer(help="The catalog's database.")


def words(json: Json = False) -> None:
    """List the words of briefs.

    Genres, moods, states, uses, instruments, keys, meters and what else has published names.
    """
    from services.planning.words import words as published

    lists = published()
    if json:
        output.print_json(lists)
        return
    for name, entries in lists.items():
        output.line(f"{name}: {', '.join(str(entry) for entry in entries)}")


@brief_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of briefs."""
    from services.planning.schema import json_schema

    output.print_json(json_schema())


@brief_app.command("check")
def check(brief: Annotated[Path, typer.Argument(help="The brief, a YAML file.")], json: Json = False) -> None:
    """Check a brief; say how many takes it orders.

    Exit code 2 with every fault when it is wrong.
    """
    from flows.orders import Choices, read_plan
    from services.planning.faults import BriefError
    from services.settings import Settings

    try:
        order = read_plan(brief, Choices(), Settings.from_environment())
    except BriefError as error:
        if not json:
            raise
        output.print_json({"ok": False, "faults": [vars(fault) for fault in error.faults]})
        raise typer.Exit(2) from None
    seconds = sum(take.controls.duration for take in order.takes)
    if json:
        counts = {"takes": len(order.takes), "seconds": seconds, "warnings": list(order.warnings)}
        told = {**counts, "duties": list(order.duties)}
        output.print_json({"ok": True, "catalog": order.catalog, "sha256": order.sha256, **told})
        return
    for warning in order.warnings:
        output.note(f"warning: {warning}")
    for duty in order.duties:
        output.note(f"duty: {duty}")
    output.line(f"{brief}: {len(order.takes)} takes of {len(order.cues)} cues, {seconds / 60:.1f} minutes of music")


@db_app.command("upgrade")
def upgrade() -> None:
    """Bring the database to this release's schema.

    The embedded database does so by itself.
    """
    from db.migrate import upgrade as migrate
    from services.settings import Settings

    settings = Settings.from_environment()
    if settings.embedded:
        settings.home.mkdir(parents=True, exist_ok=True)
    before, after = migrate(settings.connect())
    output.line(f"schema {after}" if before == after else f"schema {before or 'empty'} -> {after}")
