"""`cueworks trace`, `fingerprint`, `import`: whose sound is this, what sounds alike, and audio made elsewhere."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import Json, Quiet
from flows.cli.signing import open_to_record, signs

if TYPE_CHECKING:
    from services.provenance.fingerprints.library import Library
    from services.provenance.trace import Trace, Tracer
    from services.settings import Settings

TRACE_COLUMNS = ["file", "match", "take", "score", "catalog", "cue", "role", "in file", "in take", "length", "note"]


def trace(
    files: Annotated[list[Path], typer.Argument(help="Sound files, or folders of them.", show_default=False)],
    damaged: Annotated[bool, typer.Option("--damaged", help="Trace what can be decoded of a damaged file.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell whose sound a file is.

    By its bytes, by its samples in another container, by credentials that we signed, or by its fingerprint: also a
    re-encoded piece of a take. Exit code 1 when a file is traced to no take; files of a folder that hold no sound do
    not count.
    """
    from services.provenance.credentials.reading import Trust
    from services.provenance.fingerprints.ffmpeg import UnreadableSoundError
    from services.provenance.trace import NO_SOUND, Tracer
    from services.settings import Settings

    settings = Settings.from_environment()
    with ShownSteps(quiet or json) as steps:
        tracer = Tracer(library(settings), Trust(settings.keys / "c2pa"), steps)
        if len(files) == 1 and not files[0].is_dir():
            rows = [tracer.trace(files[0], damaged)]
        else:
            rows = list(_traced(tracer, files, damaged, UnreadableSoundError))
    if json:
        output.print_json(rows[0].as_json() if len(files) == 1 and not files[0].is_dir() else [
            row.as_json() for row in rows
        ])  # fmt: skip
    else:
        output.print_table(TRACE_COLUMNS, map(_row, rows), ("file", "note"), apart=("in file",))
    named = {str(file.absolute()) for file in files}
    if any(row.error and row.file in named for row in rows):
        raise typer.Exit(Code.BAD_INPUT)
    if all(row.match == NO_SOUND for row in rows) or any(row.match == "none" for row in rows):
        raise typer.Exit(Code.INCOMPLETE)


def _traced(tracer: "Tracer", files: list[Path], damaged: bool, unreadable: type[Exception]) -> Iterator["Trace"]:
    """A row for every file; one that cannot be read is told in its row, as is one of a folder that holds no sound."""
    from services.provenance.trace import NO_SOUND, Trace, files_below, holds_no_sound

    for place in files:
        inside = place.is_dir()
        for file in files_below(place) if inside else [place]:
            try:
                yield tracer.trace(file, damaged)
            except unreadable as error:
                if inside and holds_no_sound(file):
                    yield Trace(str(file.absolute()), NO_SOUND, notes=("holds no sound: nothing to trace",))
                else:
                    yield Trace(str(file.absolute()), "none", error=str(error))


def _row(row: "Trace") -> list[object]:
    notes = [row.error] if row.error else [*row.notes]
    notes += [f"holds the reference {one.name!r} ({one.licence})" for one in row.references]
    if not row.found:
        return [row.file, row.match, *[""] * 8, "; ".join(notes)]
    best = row.found[0]
    where = best.where
    if where.release:
        ended = f", withdrawn on {where.withdrawn_at:.10} by {where.withdrawn_by}" if where.withdrawn_at else ""
        why = f" ({where.reason})" if where.reason else ""
        notes.append(f"released as {where.release}{ended}{why}: {where.path}")
    if len(row.found) > 1:
        notes.append("also " + ", ".join(f"{one.take[:12]} ({one.score:.2f})" for one in row.found[1:]))
    place = [_seconds(where.file_s), _seconds(where.take_s), _seconds(where.length_s)]
    return [row.file, row.match, best.take[:12], f"{best.score:.2f}", where.catalog, where.cue, where.role, *place,
            "; ".join(notes)]  # fmt: skip


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


class ShownSteps:
    """Shows what a trace has to prepare, step by step; closes its bars when the block ends."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._counters: dict[str, output.Counter] = {}
        self._done: dict[str, int] = {}

    def __enter__(self) -> "ShownSteps":
        return self

    def __exit__(self, *_: object) -> None:
        for counter in self._counters.values():
            counter.__exit__()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._counters:
            output.note(f"{what}: {total} to be made", self._quiet)
            self._counters[what] = output.Counter(what, total, self._quiet).__enter__()
        self._counters[what].add(done - self._done.get(what, 0))
        self._done[what] = done


def library(settings: "Settings") -> "Library":
    """The fingerprints of the home."""
    from services.provenance.fingerprints.library import Library

    workers = max(1, min(8, os.cpu_count() or 1))
    return Library(settings.open_for_reading(), settings.home, settings.open_store(), workers)


def fingerprint(
    catalog: Annotated[str, typer.Argument(help="A catalog.", show_default=False)],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Warn of takes that sound too much alike.

    Fingerprints that are missing are made. Told are mixes of different takes that are nearly one, and takes that come
    close to imported reference audio; a returning theme is neither.
    """
    from services.catalog.listing import catalogs
    from services.provenance.fingerprints.near import near_duplicates, near_references
    from services.settings import Settings

    settings = Settings.from_environment()
    home = library(settings)
    known = {name: counts.get("done", 0) for name, _, counts in catalogs(home.engine)}
    if catalog not in known:
        raise UsageError(f"no catalog {catalog!r}; there are: {', '.join(known) or 'none'}")
    with ShownSteps(quiet or json) as steps:
        made = home.fill(None, steps)
    with output.Counter("compare", known[catalog], quiet or json) as counter:
        found = near_duplicates(home.engine, catalog, counter.add) + near_references(home.engine, catalog)
    if json:
        warnings: list[dict[str, Any]] = [near.as_json() for near in found]
        output.print_json({"catalog": catalog, "made": made.made, "unreadable": made.unreadable, "warnings": warnings})
        return
    for near in found:
        output.line(f"{near.kind}: {near.text}")
    unread = f", {made.unreadable} masters cannot be read (see `cueworks verify`)" if made.unreadable else ""
    output.line(f"{known[catalog]} takes, {made.made} fingerprints made, {len(found)} warnings{unread}")


def import_(
    files: Annotated[list[Path], typer.Argument(help="Sound files, or folders of them.", show_default=False)],
    kind: Annotated[str, typer.Option("--as", help="reference (to compare takes with) or take.", show_default=False)],
    licence: Annotated[str, typer.Option(help="Its licence, an SPDX expression.", show_default=False)],
    source: Annotated[str, typer.Option(help="Where it is from: a URL or a text.", show_default=False)],
    generator: Annotated[str, typer.Option(help="What made it, as suno.")] = "elsewhere",
    plan: Annotated[str, typer.Option(help="The plan it was made with, as free; * where unknown.")] = "*",
    title: Annotated[str, typer.Option(help="The title of a single file (default: its name).")] = "",
    catalog: Annotated[str | None, typer.Option(help="The catalog that takes are put into.")] = None,
    cue: Annotated[str, typer.Option(help="The cue that takes are put under.")] = "imported",
    state: Annotated[str, typer.Option(help="The state of takes (default: the cue's name).")] = "",
    prompt: Annotated[str, typer.Option(help="The prompt that it was made with.")] = "",
    use: Annotated[str | None, typer.Option(help="What takes are for (default: the catalog's own use).")] = None,
    by: Annotated[str, typer.Option(help="Who brings it in.")] = "",
    json: Json = False,
) -> None:
    """Bring in audio that was made elsewhere, with its own facts.

    A reference is what takes are compared with; a take becomes part of a catalog. Every file is read and checked
    first: where one cannot be used, nothing is brought in. Importing the same again changes nothing.
    """
    from dataclasses import asdict

    from services.catalog.pages import publish
    from services.delivery.imports import KINDS, Importer, Place, Terms
    from services.settings import Settings

    if kind not in KINDS:
        raise UsageError(f"--as: {kind!r} is neither {' nor '.join(KINDS)}")
    if kind == "take" and catalog is None:
        raise UsageError("--catalog: say which catalog the takes are put into")
    settings = Settings.from_environment()
    importer = Importer(open_to_record(settings), settings.home, settings.open_store())
    terms = Terms(licence, source, by, generator, plan)
    if kind == "reference" or catalog is None:
        rows = importer.references(files, terms, title)
    else:
        rows = importer.takes(files, terms, Place(catalog, cue, state, title, prompt, use))
        publish(importer.engine, settings.home, catalog)
    signs(settings, importer.engine)()
    if json:
        output.print_json([asdict(row) for row in rows])
        return
    for row in rows:
        name = f"take {row.take[:12]}" if row.take else f"reference {row.sha256[:12]}"
        output.line(f"{name}  {'' if row.new else 'was there already: '}{row.file}")
