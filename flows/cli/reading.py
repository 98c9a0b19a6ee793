"""`cueworks takes`, `show`, `runs`: what there is. Reads only."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import UsageError
from flows.cli.options import CatalogName, Json

if TYPE_CHECKING:
    from db.rows import TakeRow


TAKE_COLUMNS = [
    "take", "catalog", "zone", "state", "cue", "index", "status", "accept", "bpm", "key", "seed", "prompt", "folder",
]  # fmt: skip
GENERATOR_AT = TAKE_COLUMNS.index("index")
"""Where the generator stands, where takes of several are listed: before the index, as indices count of each anew."""


LISTED = (  # told line by line
    "assets", "attempts", "understanding", "verdicts", "reviews", "contributions", "derivations", "releases",
)  # fmt: skip


def takes(
    catalog: CatalogName = None,
    state: Annotated[str | None, typer.Option(help="Only this state (or cue).")] = None,
    status: Annotated[str | None, typer.Option(help="Only this status.")] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="Only what its brief's accept took.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="Only what its brief's accept did not take.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write a table file, .parquet or .csv, instead.")] = None,
    json: Json = False,
) -> None:
    """List takes."""
    from db.rows import TAKE_STATUSES
    from services.catalog.export import export_takes
    from services.catalog.listing import Filter, catalogs, generators, take_json
    from services.catalog.listing import takes as rows
    from services.settings import Settings

    if status is not None and status not in TAKE_STATUSES:
        raise UsageError(f"--status: unknown status {status!r}; use one of: {', '.join(TAKE_STATUSES)}")
    if accepted and rejected:
        raise UsageError("--accepted and --rejected: no take is both; give one of them, or neither for all takes")
    settings = Settings.from_environment()
    engine = settings.open_for_reading()
    known = [name for name, _, _ in catalogs(engine)]
    if catalog is not None and catalog not in known:
        raise UsageError(f"no catalog {catalog!r} in {settings.home}; there are: {', '.join(known) or 'none'}")
    which = Filter(catalog, state, status, accepted if accepted or rejected else None)
    found = rows(engine, which)
    if out is not None:
        count = export_takes(found, settings.home, out)
        output.line(f"{count} takes written to {out.resolve()}")
    elif json:
        output.print_json_rows(take_json(take, settings.home) for take in found)
    else:
        columns, several = list(TAKE_COLUMNS), len(generators(engine, which)) > 1
        if several:
            columns.insert(GENERATOR_AT, "generator")
        table = (_row(take, several) for take in found)
        output.print_table(columns, table, ("generator", "prompt"), apart=("seed", "folder"))


def _row(take: "TakeRow", several: bool) -> list[object]:
    heard = [f"{take.controls['bpm']:g}", take.controls["key"]]
    place = [take.id[:12], take.catalog, take.zone, take.state, take.cue, *([take.generator] if several else [])]
    return [*place, take.index, take.status, judged(take), *heard, take.seed, take.prompt, take.folder]


def judged(take: "TakeRow") -> str:
    """`kept 0.93`, or nothing where its brief does not choose."""
    return f"{take.acceptance.outcome} {take.acceptance.score:.2f}" if take.acceptance else ""


def show(take: Annotated[str, typer.Argument(help="A take's id, or how it begins.")], json: Json = False) -> None:
    """Tell all that is known of one take."""
    from services.catalog.listing import find_take, show_json
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_for_reading()
    found = show_json(engine, find_take(engine, take), settings.home)
    if json:
        output.print_json(found)
        return
    for name, value in _told(found):
        output.line(f"{name:16} {value}".rstrip())


def _understood(choice: dict[str, str]) -> tuple[str, str]:
    from services.planning.controls import UNREAD

    if choice["field"] == UNREAD:
        return "not understood", f"{choice['value']}: {choice['source']}"
    words = f" from {choice['words']!r}" if choice.get("words") else ""
    return "understood", f"{choice['field']} {choice['value']}: {choice['source']}{words}"


def _told(take: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in take.items():
        if name == "acceptance":
            yield from _accepted(value)
        elif isinstance(value, dict):
            yield name, "; ".join(f"{key} {_plain(entry)}" for key, entry in value.items())
        elif name not in LISTED:
            yield name, _plain(value)
    yield from (_understood(choice) for choice in take["understanding"])
    for asset in take["assets"]:
        yield "asset", f"{asset['role']:16} {asset['sha256'][:16]}  {asset['path']}"
    for attempt in take["attempts"]:
        told = f"{attempt['outcome']:12} {attempt['started_at']}  {attempt['actor']}"
        yield "attempt", f"{told}  {attempt['error']}" if attempt["error"] else told
    for verdict in take["verdicts"]:
        yield "verdict", f"{verdict['stage']:8} {verdict['answer']} for {verdict['use']} on {verdict['as_of']}"
        for reason in verdict["reasons"]:
            yield "", f"{reason['answer']}: {reason['text']}"
        for duty in verdict["duties"]:
            yield "", f"duty: {duty}"
    yield from _way_out(take)


def _accepted(acceptance: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    if acceptance is None:
        return
    parts = ", ".join(f"{name} {value:.2f}" for name, value in acceptance["parts"].items())
    yield "acceptance", f"{acceptance['outcome']}, score {acceptance['score']:.2f} ({parts})"
    for reason in acceptance["reasons"]:
        yield "", reason
    asked = (f"{name} {_asked(value)}" for name, value in acceptance["rule"].items())
    yield "", f"asked: {', '.join(asked)}"


def _asked(value: object) -> str:
    """A part of a rule, as far as it is asked at all."""
    return "any" if value is None or value is False else "yes" if value is True else _plain(value)


def _way_out(take: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for row in take["reviews"]:
        yield "review", f"{row['decision']:8} {row['at']}  {row['by']}  {_plain(row['note'])}"
    for row in take["contributions"]:
        yield "contribution", f"{row['kind']:12} {row['at']}  {row['by']}  {_plain(row['note'])}"
    for row in take["derivations"]:
        yield "derivation", f"{row['kind']:12} {row['sha256'][:16]}  {row['licence']}  {row['by']}"
    for row in take["releases"]:
        withdrawn = "  withdrawn" if row["withdrawn"] else ""
        yield "release", f"{row['name']} for {row['use']} on {row['created_at']}{withdrawn}  {row['folder']}"


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def runs(catalog: CatalogName = None, json: Json = False) -> None:
    """List runs, newest first."""
    from services.catalog.listing import run_json
    from services.catalog.listing import runs as rows
    from services.settings import Settings

    found = rows(Settings.from_environment().open_for_reading(), catalog)
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
        apart=("driver",),
    )  # fmt: skip
