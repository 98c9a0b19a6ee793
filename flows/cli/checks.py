"""`cueworks reproduce`, `verify`, `gc`, `doctor`: is everything as recorded, and is this machine fit?"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import Json, Quiet

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.provenance.ledger import LedgerVerification
    from services.settings import Settings


def reproduce(
    takes: Annotated[list[str], typer.Argument(help="Ids of takes, or how they begin.")],
    json: Json = False,
) -> None:
    """Render takes again and compare them.

    The PCM of mix and stems must be what is recorded, bit for bit. Exit code 4 when one differs or cannot be tried.
    """
    from services.catalog.checking import reproduce as again
    from services.catalog.listing import find_take
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_for_reading()
    wanted = [find_take(engine, name) for name in dict.fromkeys(takes)]
    rows = []
    for row in again(engine, wanted, settings.known_generators(), settings.bare_workshop):
        rows.append(row)
        if not json:
            output.line(f"{row.take[:12]}  {'identical' if row.identical else row.note}  {row.pcm_sha256 or ''}")
    if json:
        output.print_json([asdict(row) for row in rows])
    if not all(row.identical for row in rows):
        raise typer.Exit(Code.DIFFERENT)


def verify(
    catalog: Annotated[str | None, typer.Argument(help="Only this catalog.", show_default=False)] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put links back; plan broken takes again.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check files, rows and the ledger against their records.

    Every file of every take: there, unchanged, in its place. Every entry of the ledger, every signed checkpoint, and
    every row that an entry records, of all catalogs. Exit code 4 when something differs.
    """
    from services.catalog import checking
    from services.catalog.listing import catalogs
    from services.provenance.damage import is_damage
    from services.settings import Settings

    settings = Settings.from_environment()
    engine, store = settings.open_for_reading(), settings.open_store()
    try:
        known = {name: counts for name, _, counts in catalogs(engine)}
    except Exception as error:
        if catalog is not None or not is_damage(error):
            raise
        known = {}  # what cannot be read is named below
    if catalog is not None and catalog not in known:
        raise UsageError(f"no catalog {catalog!r}; there are: {', '.join(known) or 'none'}")
    total = sum(counts.get("done", 0) for name, counts in known.items() if catalog in (None, name))
    with output.Counter("verify", total, quiet or json) as counter:
        found = checking.verify(engine, settings.home, store, catalog, counter.add)
    ledger = _verify_ledger(settings, engine, quiet or json)
    again = checking.repair(engine, settings.home, store, found) if repair and not found.ok else 0
    repaired = repair and not found.ok
    found = found.with_ledger(ledger)
    if json:
        problems = [asdict(problem) for problem in found.problems]
        counts = {"takes": found.takes, "files": found.files, "unreferenced": list(found.unreferenced)}
        told = {"ok": found.ok, "problems": problems, **counts, "planned_again": again}
        output.print_json({**told, "ledger": {**asdict(ledger), "ok": ledger.ok}})
    else:
        for problem in found.problems:
            output.line(f"{(problem.take or '')[:12]}  {problem.what}; {problem.remedy}")
        leftovers = f", {len(found.unreferenced)} unreferenced blobs (see `cueworks gc`)" if found.unreferenced else ""
        for note in ledger.notes:
            output.line(f"note: {note.what}; {note.remedy}")
        more = ledger.count - len(ledger.problems)
        count = f"{len(found.problems) + more} problems{', the first of them above' if more else ''}"
        output.line(f"{found.takes} takes, {found.files} files: {count}{leftovers}")
        signed = f"{ledger.signed} signed by {ledger.checkpoints} checkpoints, {ledger.rows} rows on record"
        output.line(f"ledger: {ledger.entries} entries, {signed}")
        if repaired:
            output.line(f"repaired; {again} takes are planned again: run the same `cueworks generate`")
    if not found.ok:
        raise typer.Exit(Code.DIFFERENT)


def _verify_ledger(settings: "Settings", engine: "Engine", quiet: bool) -> "LedgerVerification":
    from db.engine import reading
    from db.ledger import size

    with reading(engine) as session:
        entries = size(session)
    with output.Counter("ledger", entries, quiet) as counter:
        return settings.verify_ledger(engine, counter.add)


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed; remove nothing.")] = False,
) -> None:
    """Remove leftovers of interrupted work.

    Only files that no take refers to are removed. A database that knows no file at all is taken for another home's,
    and nothing is removed.
    """
    from services.catalog.checking import collect_garbage
    from services.catalog.lock import whole_home
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_database()
    with whole_home(settings.home):
        files, size = collect_garbage(engine, settings.open_store(), dry_run)
    output.line(f"{files} files {'would be removed' if dry_run else 'removed'}, {size / 1e6:.1f} MB")


def doctor(json: Json = False) -> None:
    """Check that this machine can render.

    Exit code 1 when something is missing.
    """
    from services.doctor import examine
    from services.settings import Settings

    findings = examine(Settings.from_environment())
    if json:
        output.print_json([asdict(finding) for finding in findings])
    else:
        rows = ([f.name, "yes" if f.ok else "NO", f.found, f.remedy] for f in findings)
        output.print_table(["check", "ok", "found", "remedy"], rows, ("found", "remedy"))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(Code.INCOMPLETE)
