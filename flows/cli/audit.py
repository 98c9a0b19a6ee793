"""`cueworks audit`: what may be done with every take, what a change of terms touches, one take's way to its files.

Reads only; writes nothing but the file that it is asked for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import Json, Quiet

if TYPE_CHECKING:
    from services.audit.asking import Wanted
    from services.audit.audit import Audit
    from services.audit.impact import Impact, Touched
    from services.audit.rows import AuditSummary, TakeChain
    from services.settings import Settings

TOUCHED = ["take", "catalog", "state", "cue", "zone", "status", "generator", "revision", "review", "releases", "assets"]


def audit(
    catalog: Annotated[str | None, typer.Argument(help="The catalog.", show_default=False)] = None,
    use: Annotated[str | None, typer.Option(help="For this use (default: the newest brief's).")] = None,
    licensee: Annotated[
        str | None, typer.Option("--licensee", "--licensee-kind", help="For a company, individual or academic.")
    ] = None,
    revenue: Annotated[
        float | None, typer.Option("--revenue", "--annual-revenue-usd", help="The licensee's revenue, USD a year.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="By what held on this day (default: today).")] = None,
    known_at: Annotated[str | None, typer.Option(help="As far as it was known on this day or at this time.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write .html .csv .parquet .json .prov.json .intoto.json.")
    ] = None,
    impact: Annotated[
        str | None, typer.Option(help="List what a fact, a generator or a prompt touches instead.")
    ] = None,
    take: Annotated[str | None, typer.Option(help="Tell one take's chain instead, from order to file.")] = None,
    certificate: Annotated[str | None, typer.Option(help="Write one take's certificate to --out instead.")] = None,
    disclosure: Annotated[str | None, typer.Option(help="Print the text for steam or eu-ai-act instead.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Audit a catalog: what may be done with every take, and why.

    Exit code 3 when a take is refused or unknown for that use; superseded takes count only while a release holds them.
    With --impact exit code 1 when nothing is touched, 2 when no fact or take has the id that was named.
    """
    from services.audit.asking import Wanted
    from services.settings import Settings

    asked = {"--impact": impact, "--take": take, "--certificate": certificate, "--disclosure": disclosure}
    named = [name for name, value in asked.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} are different questions; ask one at a time")
    settings, wanted = Settings.from_environment(), Wanted(use, licensee, revenue, as_of, known_at)
    if impact is not None:
        _impact(settings, impact, catalog, out, json)
    elif take is not None:
        _take(settings, take, wanted, out, json)
    elif certificate is not None:
        _certificate(settings, certificate, wanted, out)
    elif catalog is None:
        raise UsageError("name the catalog, or ask with --impact, --take or --certificate; see `cueworks audit --help`")
    elif disclosure is not None:
        _disclosure(settings, catalog, disclosure, wanted, json)
    else:
        _audit(settings, catalog, wanted, out, json, quiet)


def _audit(settings: "Settings", catalog: str, wanted: "Wanted", out: Path | None, json: bool, quiet: bool) -> None:
    from services.audit.audit import open_audit

    with open_audit(settings.open_for_reading(), catalog, wanted) as found:
        if out is not None:
            _write(found, out, settings, quiet or json)
        if json:
            _print_json(found, settings.home, whole=out is None)
        else:
            _tell(found.summary)
        blocking = found.summary.blocking
    if blocking:
        raise typer.Exit(Code.REFUSED)


def _write(found: "Audit", out: Path, settings: "Settings", quiet: bool) -> None:
    from services.audit.files import format_of
    from services.audit.publish import write_audit
    from services.provenance.keys import KeyFolder

    format_of(out)
    with output.Counter("audit", found.summary.takes, quiet) as counter:
        count = write_audit(found, out, settings.home, KeyFolder(settings.keys), counter.add)
    output.note(f"{count} takes written to {out.resolve()}", quiet)


def _print_json(found: "Audit", home: Path, whole: bool) -> None:
    import sys

    from services.audit.files import json_pieces
    from services.audit.jsons import summary_json

    if not whole:
        output.print_json(summary_json(found.summary))
        return
    for text in json_pieces(found, home, ascii_only=sys.stdout.isatty()):
        sys.stdout.write(text)


def _tell(summary: "AuditSummary") -> None:
    """Totals by verdict, generator and licence, then why takes are refused or unknown."""
    asked = summary.asked
    who = f" by {asked.licensee_kind}" if asked.licensee_kind else ""
    income = f" with {asked.revenue:,.0f} USD a year" if asked.revenue is not None else ""
    when = f"as of {asked.as_of}, known at {asked.known_at:%Y-%m-%d %H:%M:%S} UTC"
    output.line(f"{asked.catalog}: {summary.takes} takes for {asked.use}{who}{income}, {when}")
    rows = [["verdict", name, "", "", count] for name, count in summary.by_answer.items()]
    rows += [["licence", name, "", "", count] for name, count in summary.by_licence.items()]
    rows += [
        ["generator", f"{total.generator}@{total.revision}", total.judged.answer, total.judged.licence, total.takes]
        for total in summary.generators
    ]
    output.print_table(["by", "name", "verdict", "licence", "takes"], rows, ("name", "licence"))
    for total in summary.generators:
        if total.judged.answer in ("refused", "unknown"):
            for reason in (r for r in total.judged.reasons if r.answer in ("refused", "unknown")):
                facts = f" [{', '.join(reason.facts)}]" if reason.facts else ""
                output.line(f"{total.generator}@{total.revision}: {reason.answer}: {reason.text}{facts}")
    for duty in dict.fromkeys(duty for total in summary.generators for duty in total.judged.duties):
        output.line(f"duty: {duty}")
    if summary.blocking:
        output.line(f"{summary.blocking} takes are refused or unknown for {asked.use}")


def _impact(settings: "Settings", text: str, catalog: str | None, out: Path | None, json: bool) -> None:
    from services.audit.files import format_of
    from services.audit.impact import IMPACT_FORMATS, impact_json, open_impact, write_impact

    if out is not None:
        format_of(out, IMPACT_FORMATS)
    with open_impact(settings.open_for_reading(), text, catalog) as found:
        for note in found.meant.also:
            output.note(f"taken as a {found.meant.kind}; {note}")
        if out is not None:
            write_impact(found, out)
            output.note(f"{found.totals.takes} takes written to {out.resolve()}", json)
        rows = [] if out is not None else list(found.rows())
        if json:
            output.print_json(impact_json(found, rows))
        else:
            _tell_impact(found, rows)
        if not found.totals.takes:
            raise typer.Exit(Code.INCOMPLETE)


def _tell_impact(found: "Impact", rows: list["Touched"]) -> None:
    totals, meant = found.totals, found.meant
    named = {release.id: release.name for release, _ in found.releases()}
    table = (
        [row.take[:12], row.catalog, row.state, row.cue, row.zone, row.status, row.generator, row.revision, row.review,
         ", ".join(named[id_] for id_ in row.releases), len(row.assets)] for row in rows
    )  # fmt: skip
    if rows:
        output.print_table(TOUCHED, table, ("generator", "revision", "releases"))
    states = ", ".join(f"{count} {status}" for status, count in totals.statuses.most_common())
    reviews = ", ".join(f"{count} {decision}" for decision, count in totals.reviews.most_common())
    counts = f"{totals.takes} takes ({states}; {reviews}), {totals.assets} assets"
    output.line(f"{meant.kind} {meant.text}: {counts if totals.takes else 'touches no take'}")
    for release, count in found.releases():
        ended = f"withdrawn {release.withdrawn_at:%Y-%m-%d}" if release.withdrawn_at else "stands"
        output.line(f"release {release.name}: {count} of them, for {release.use}, {release.target}, {ended}")
    for model in found.models():
        what = f"model {model.name} {model.revision}: trained on {model.takes} of them (run {model.training[:16]})"
        output.line(f"{what}; what was made with it: --impact generator:{model.name}")


def _take(settings: "Settings", name: str, wanted: "Wanted", out: Path | None, json: bool) -> None:
    from services.audit.audit import open_audit
    from services.audit.chain import chain_in, place_of
    from services.audit.jsons import chain_json
    from services.audit.publish import write_chain
    from services.provenance.keys import KeyFolder

    engine = settings.open_for_reading()
    id_, catalog = place_of(engine, name)
    with open_audit(engine, catalog, wanted) as found:
        chain = chain_in(found, id_)
        if out is not None:
            write_chain(chain, found.head.title, out, settings.home, KeyFolder(settings.keys), found.session)
            output.note(f"take {id_[:12]} written to {out.resolve()}", json)
    if json:
        output.print_json(chain_json(chain, settings.home))
    elif out is None:
        _tell_chain(chain)


def _tell_chain(chain: "TakeChain") -> None:
    from services.audit.chain import steps

    for name, text in steps(chain):
        output.line(f"{name:12} {text}")


def _certificate(settings: "Settings", name: str, wanted: "Wanted", out: Path | None) -> None:
    from services.audit.audit import open_audit
    from services.audit.chain import chain_in, place_of
    from services.audit.publish import certify
    from services.provenance.keys import KeyFolder

    if out is None:
        raise UsageError("--certificate: say where it goes, --out FILE.html")
    engine = settings.open_for_reading()
    id_, catalog = place_of(engine, name)
    with open_audit(engine, catalog, wanted) as found:
        certify(chain_in(found, id_), found.head.title, out, KeyFolder(settings.keys), found.session)
    output.line(f"certificate of take {id_[:12]} written to {out.resolve()}")


def _disclosure(settings: "Settings", catalog: str, market: str, wanted: "Wanted", json: bool) -> None:
    from services.audit.audit import open_audit
    from services.audit.publish import DISCLOSURES, disclosure

    if market not in DISCLOSURES:
        raise UsageError(f"--disclosure: {market!r} is not known; use {' or '.join(DISCLOSURES)}")
    with open_audit(settings.open_for_reading(), catalog, wanted) as found:
        told = disclosure(found, market)
    if json:
        output.print_json(told.as_json())
    else:
        for text in told.text().splitlines():
            output.line(text)
