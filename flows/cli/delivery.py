"""`cueworks review`, `contribution`, `release`, `releases`, `withdraw`: how takes leave the house, and who decided."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import Json, Quiet
from flows.cli.signing import open_to_record, signs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.delivery.release import Outcome, Tools
    from services.settings import Settings

contribution_app = typer.Typer(help="What people put into takes.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="Who decides: a person's name.")]
RELEASE_COLUMNS = ["catalog", "release", "status", "use", "target", "takes", "files", "by", "created", "folder"]


def review(
    words: Annotated[
        list[str], typer.Argument(metavar="TAKE... approve|reject", help="Ids of takes, then the decision.")
    ],
    by: By,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    contribution: Annotated[
        list[str] | None, typer.Option(help="What this person put in: lyrics, melody, edit, ... (may be repeated).")
    ] = None,
    all_of: Annotated[str | None, typer.Option(help="Every take of this catalog that nobody decided on.")] = None,
    state: Annotated[str | None, typer.Option(help="With --all-of: only this state (or cue).")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Approve or reject takes.

    The newest review of a take counts. A take without sound cannot be approved. Approving some of several variations is
    put on record as a selection, which is a human contribution.
    """
    from dataclasses import asdict

    from services.delivery.reviews import Decision
    from services.delivery.reviews import review as decide
    from services.settings import Settings

    *takes, word = words
    decision = Decision(word, by, note, tuple(contribution or ()))
    settings = Settings.from_environment()
    engine = open_to_record(settings)
    ids = _meant(engine, takes, all_of, state, word, quiet)
    rows = decide(engine, ids, decision)
    if any(row.new or row.contributions for row in rows):
        signs(settings, engine)()
    if json:
        output.print_json([asdict(row) for row in rows])
        return
    for row in rows:
        parts = f"  ({', '.join(row.contributions)} put on record)" if row.contributions else ""
        output.line(f"{row.take[:12]}  {row.decision}  {row.by}{parts}{'' if row.new else '  as before'}")
        if row.against:
            output.note(f"{row.take[:12]}: approved although its brief's accept rejected it: {row.against}", quiet)


def _meant(
    engine: "Engine", takes: list[str], all_of: str | None, state: str | None, word: str, quiet: bool
) -> list[str]:
    from services.catalog.listing import catalogs, find_take
    from services.delivery.reviews import undecided

    if all_of is None:
        if not takes or state is not None:
            raise UsageError("name takes and a decision, or a catalog with --all-of (and --state)")
        return [find_take(engine, name).id for name in dict.fromkeys(takes)]
    if takes:
        raise UsageError("name takes, or a catalog with --all-of, not both")
    known = [name for name, _, _ in catalogs(engine)]
    if all_of not in known:
        raise UsageError(f"--all-of: no catalog {all_of!r}; there are: {', '.join(known) or 'none'}")
    ids, decided, left_out = undecided(engine, all_of, state, word)
    if decided:
        output.note(f"{decided} takes were decided on before and stay as they are; name one to decide anew", quiet)
    if left_out and (ids or decided):
        output.note(f"{left_out} takes are spare or rejected by their brief's accept and left out; name one", quiet)
    if not (ids or decided or left_out):
        raise UsageError(f"--all-of: catalog {all_of!r} has no finished take{' of that state' if state else ''}")
    if left_out and not ids and not decided:
        what = f"nothing was approved: all {left_out} takes are spare or rejected by their brief's accept"
        output.error(f"{what}; `cueworks review TAKE approve` approves one all the same")
        raise typer.Exit(Code.INCOMPLETE)
    return ids


@contribution_app.command("add")
def add(
    take: Annotated[str, typer.Argument(help="A take's id, or how it begins.")],
    kind: Annotated[str, typer.Option(help="lyrics, melody, edit, arrangement, performance, selection or mixing.")],
    by: By,
    note: Annotated[str, typer.Option(help="What was done.")] = "",
    file: Annotated[Path | None, typer.Option(help="The work itself, kept; of an edit, the edited sound.")] = None,
    json: Json = False,
) -> None:
    """Put on record what a person did for a take.

    Registration offices and collecting societies ask for the human part of a work. The file is kept beside the take's
    own; an edited one is told to come from the take's master. Nothing of the take changes.
    """
    from dataclasses import asdict

    from services.catalog.listing import find_take
    from services.delivery.contributions import Part, contribute
    from services.settings import Settings

    part = Part(kind, by, note, file)
    settings = Settings.from_environment()
    engine = open_to_record(settings)
    done = contribute(engine, settings.home, settings.open_store(), find_take(engine, take), part)
    if done.new:
        signs(settings, engine)()
    if json:
        output.print_json(asdict(done))
        return
    kept = f"  {done.sha256}" if done.sha256 else ""
    output.line(f"{done.take[:12]}  {done.kind}  {done.by}{kept}{'' if done.new else '  as before'}")


def release(
    catalog: Annotated[str | None, typer.Argument(help="The catalog.", show_default=False)] = None,
    name: Annotated[str | None, typer.Argument(help="The release's name.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write; it must not exist, or be empty.")] = None,
    target: Annotated[str, typer.Option(help="What it is made for.")] = "plain",
    by: Annotated[str | None, typer.Option(help="Who releases (default: this machine's user).")] = None,
    producer: Annotated[str | None, typer.Option(help="Who the files name as artist (default: the title).")] = None,
    use: Annotated[str | None, typer.Option(help="Judge for this use, not the one that was ordered.")] = None,
    licensee: Annotated[str | None, typer.Option(help="Judge for a company, individual or academic.")] = None,
    annual_revenue_usd: Annotated[float | None, typer.Option(help="The licensee's revenue.")] = None,
    formats: Annotated[str | None, typer.Option(help="Only these formats of the mixes: flac,ogg.")] = None,
    isrc_file: Annotated[Path | None, typer.Option(help="A CSV with the columns take and isrc.")] = None,
    aigc: Annotated[bool, typer.Option("--aigc", help="Write the AIGC block of GB 45438-2025.")] = False,
    attribution: Annotated[bool, typer.Option("--attribution", help="Print what credits must carry.")] = False,
    check: Annotated[Path | None, typer.Option(help="Check a released folder instead; needs no database.")] = None,
    key: Annotated[Path | None, typer.Option(help="With --check: the .vkey of who must have signed it.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Release the approved takes of a catalog.

    The policy of today judges every take first: one that is refused or unknown stops the release (exit code 3), and
    nothing is written. Files are copied, tagged and signed, with a manifest, checksums and the texts for credits.
    A release never changes; `cueworks withdraw` calls it back. Exit code 4 when a file is not as it was recorded.
    """
    if check is not None:
        if catalog is not None or out is not None:
            raise UsageError("--check takes a folder alone")
        _check(check, key, json, quiet)
        return
    if key is not None:
        raise UsageError("--key goes with --check; releases are signed with the keys in CUEWORKS_KEYS")
    if catalog is None or name is None or out is None:
        raise UsageError("name the catalog, the release and the folder: cueworks release CATALOG NAME --out DIR")
    said = _licensee(licensee, annual_revenue_usd)
    values = {"catalog": catalog, "name": name, "out": out, "target": target, "use": use, "licensee": said}
    values |= {"by": _user() if by is None else by, "producer": producer, "aigc": aigc, "formats": _formats(formats)}
    outcome = _carried_out(values, isrc_file, quiet or json)
    if json:
        output.print_json(_outcome_json(outcome))
        return
    _tell(outcome, attribution, quiet)


def _carried_out(values: dict[str, Any], isrc_file: Path | None, quiet: bool) -> "Outcome":
    from services.catalog.listing import catalogs, find_take
    from services.delivery.isrc import read_isrcs
    from services.delivery.release import ReleaseOrder
    from services.delivery.release import release as carry_out
    from services.settings import Settings

    settings = Settings.from_environment()
    order = ReleaseOrder(**values)
    engine = open_to_record(settings)
    if isrc_file is not None:
        codes = read_isrcs(isrc_file, lambda take: find_take(engine, take).id)
        order = ReleaseOrder(**values, isrc=codes)
    counts = {known: sum(by_status.values()) for known, _, by_status in catalogs(engine)}
    with output.Counter(f"release {order.name}", counts.get(order.catalog, 0), quiet) as counter:
        return carry_out(engine, settings.home, settings.open_store(), order, _tools(engine, settings), counter.add)


def _tools(engine: "Engine", settings: "Settings") -> "Tools":
    from services.delivery.tools import open_tools

    return open_tools(engine, settings.keys, signs(settings, engine))


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("this machine does not know who you are; say --by 'Your Name'") from None


def _formats(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(","))) if text is not None else ()


def _licensee(kind: str | None, revenue: float | None) -> dict[str, Any] | None:
    if kind is None and revenue is None:
        return None
    if kind is None:
        raise UsageError("--annual-revenue-usd: say --licensee company, individual or academic as well")
    return {"kind": kind, "annual_revenue_usd": revenue}


def _outcome_json(outcome: "Outcome") -> dict[str, Any]:
    from dataclasses import asdict

    row = {name: value for name, value in asdict(outcome.release).items() if name not in ("manifest", "withdrawal")}
    rest = {name: value for name, value in asdict(outcome).items() if name != "release"}
    return {**row, "created_at": outcome.release.created_at.isoformat(), **rest}


def _tell(outcome: "Outcome", attribution: bool, quiet: bool) -> None:
    row = outcome.release
    for text in outcome.left_out:
        output.note(f"left out: {text}", quiet)
    for text in outcome.warnings:
        output.note(f"warning: {text}")
    if outcome.fresh:
        what = f"{outcome.takes} takes, {outcome.files} files, {outcome.bytes / 1e6:.1f} MB in {row.folder}"
        output.line(f"released {row.name}: {what}; check it with `cueworks release --check {row.folder}`")
    elif outcome.finished:
        output.line(f"release {row.name} of {row.created_at:%Y-%m-%d %H:%M} UTC is handed over: {row.folder}")
    else:
        since = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
        output.line(f"release {row.name} is there since {since}, with the same content, in {row.folder}")
        if not Path(row.folder).is_dir():
            output.note("that folder is gone: put a copy of it back, or release under another name")
    if attribution:
        for text in outcome.attribution or ("no attribution is asked for",):
            output.line(text)


def _check(place: Path, key: Path | None, json: bool, quiet: bool) -> None:
    from dataclasses import asdict

    from services.delivery.checking import check_folder
    from services.delivery.tools import carried, trusted_keys
    from services.settings import Settings

    keys = Settings.from_environment().keys
    found = check_folder(place, carried(keys), keys=trusted_keys(keys, key), vouched_for=key is not None)
    if json:
        output.print_json({"ok": found.ok, **asdict(found)})
    else:
        for problem in found.problems:
            output.line(f"{problem.path}: {problem.what}")
        by = f", files signed by {', '.join(found.signers)}" if found.signers else ""
        by += f"; manifest signed by key {found.vouched_by}" if found.vouched_by else ""
        output.line(f"release {found.release.get('name', '?')}: {found.files} files, "
                    f"{len(found.problems)} differences{by}")  # fmt: skip
        if found.ok and found.vouched_by is None:
            output.note("its manifest is signed by no key that is known here: name its signer's with --key", quiet)
        if found.ok:
            output.note("told by the folder itself; `cueworks verify` tells whether it is the one on record", quiet)
    if not found.ok:
        raise typer.Exit(Code.DIFFERENT)


def releases(
    catalog: Annotated[str | None, typer.Argument(help="Only this catalog.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """List releases, and whether they would pass today."""
    from services.catalog.listing import catalogs
    from services.delivery.listing import releases as rows
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_for_reading()
    known = [name for name, _, _ in catalogs(engine)]
    if catalog is not None and catalog not in known:
        raise UsageError(f"no catalog {catalog!r}; there are: {', '.join(known) or 'none'}")
    found = rows(engine, _tools(engine, settings).gate, catalog)
    if json:
        output.print_json([state.as_json() for state in found])
        return
    cells = (
        [s.release.catalog, s.release.name, s.status, s.release.use, s.release.target, s.takes, s.files, s.release.by,
         f"{s.release.created_at:%Y-%m-%d %H:%M:%S}", s.release.folder]
        for s in found
    )  # fmt: skip
    output.print_table(RELEASE_COLUMNS, cells, ("folder",))


def withdraw(
    catalog: Annotated[str, typer.Argument(help="The catalog.")],
    name: Annotated[str, typer.Argument(help="The release's name.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    json: Json = False,
) -> None:
    """Call a release back.

    The release stays on record as it was, and its name stays taken.
    """
    from services.delivery.withdrawal import withdraw as call_back
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = open_to_record(settings)
    done = call_back(engine, catalog, name, by, reason, signs(settings, engine))
    told = done.withdrawal
    if json:
        at = told.at.isoformat()
        output.print_json({"release": done.release.id, "name": name, "by": told.by, "reason": told.reason, "at": at,
                           "new": done.new})  # fmt: skip
        return
    since = "" if done.new else " already"
    output.line(f"release {name} was withdrawn{since} by {told.by}: {told.reason}")
    output.note(f"its files went to {done.release.folder}: tell those who have them")
