"""`cueworks licences`: the register of licence facts. What is wrong is corrected by a new fact, never overwritten."""

from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import UsageError
from flows.cli.options import Json
from flows.cli.signing import open_to_record, signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.ledger import Entry
    from services.rights.facts import Fact
    from services.rights.register import Register
    from services.settings import Settings

licences_app = typer.Typer(help="What licences and terms allow: list, show, add, correct.", no_args_is_help=True)
AsOf = Annotated[str | None, typer.Option("--as-of", help="The day that counts, as 2026-09-03 (default: today).")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", help="As far as it was known then: a day or a time (default: now).")
]
By = Annotated[str, typer.Option("--by", help="Who records it: a person's name.")]
Word = Annotated[str, typer.Option(help="* for any.")]


@licences_app.command("list")
def list_(
    subject: Annotated[str | None, typer.Option(help="Only about this generator, service or licence.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    every: Annotated[bool, typer.Option("--all", help="Corrected, withdrawn, past and future ones too.")] = False,
    json: Json = False,
) -> None:
    """List licence facts."""
    from services.rights.listing import COLUMNS, Asked, fact_json, listed, told
    from services.settings import Settings

    register = _register(Settings.from_environment())
    facts = listed(register, Asked(day(as_of), moment(known_at), subject, every))
    if json:
        output.print_json_rows(fact_json(register, fact) for fact in facts)
        return
    if facts:
        output.print_table(COLUMNS, map(told, facts), ("note", "source"), apart=("source", "grade"))
    else:
        output.line(_nothing(subject, every))


def _nothing(subject: str | None, every: bool) -> str:
    """What is said where no fact is meant. A name may hold anything: it is shown, not written."""
    from services.planning.faults import shown

    more = "" if every else "; --all shows what was corrected, withdrawn, past or future"
    return f"nothing is on record of {shown(subject)}{more}" if subject is not None else f"no fact held then{more}"


@licences_app.command("show")
def show(
    fact: Annotated[str, typer.Argument(metavar="FACT|NAME", help="A fact's id, or a generator, service or licence.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """Show one fact with its corrections, or all that is said of a name on a day."""
    from services.rights.listing import Asked, fact_json, find_fact, history, listed, unknown_subject
    from services.settings import Settings

    register = _register(Settings.from_environment())
    if fact.startswith("fact-"):
        found = history(register, find_fact(register, fact))
    else:
        found = listed(register, Asked(day(as_of), moment(known_at), fact))
        if not found:
            raise unknown_subject(register, fact)
    if json:
        output.print_json([fact_json(register, one) for one in found])
        return
    for number, one in enumerate(found):
        if number:
            output.line("")
        _show(fact_json(register, one))


def _show(row: dict[str, Any]) -> None:
    for name, value in row.items():
        if value in (None, "", []):
            continue
        output.line(f"{name:16} {'; '.join(map(str, value)) if isinstance(value, list) else value}")


@licences_app.command("add")
def add(
    by: By,
    file: Annotated[Path | None, typer.Option(help="A YAML file of facts, instead of the options.")] = None,
    subject: Annotated[str | None, typer.Option(help="owner/model, a service, spdx:LICENCE, ...")] = None,
    answer: Annotated[str | None, typer.Option(help="allowed, refused, unknown; licence: as --expression.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it is written: a URL, a file, a letter.")] = None,
    grade: Annotated[str, typer.Option(help="read, second-hand, own or unverified.")] = "unverified",
    component: Annotated[str, typer.Option(help="code, weights, samples, ...; * for all of it.")] = "*",
    revision: Word = "*",
    plan: Word = "*",
    licensee: Annotated[str, typer.Option(help="company, individual, academic; * for any.")] = "*",
    use: Annotated[str, typer.Option(help="A use of `cueworks words`; * for any.")] = "*",
    expression: Annotated[str | None, typer.Option(help="SPDX, as `CC-BY-4.0 AND MIT`.")] = None,
    trigger: Annotated[str | None, typer.Option(help="generation, download or active-plan.")] = None,
    revenue_cap: Annotated[float | None, typer.Option(help="US dollars a year; at the cap it no longer holds.")] = None,
    volume_cap: Annotated[int | None, typer.Option(help="The most outputs.")] = None,
    attribution: Annotated[str | None, typer.Option(help="The text that must be shown.")] = None,
    ownership: Annotated[str | None, typer.Option(help="Whose the outputs are.")] = None,
    training_data: Annotated[str | None, typer.Option(help="What its makers say of it.")] = None,
    duty: Annotated[list[str] | None, typer.Option(help="What must be done (may be repeated).")] = None,
    note: Annotated[str | None, typer.Option(help="In a sentence.")] = None,
    terms: Annotated[Path | None, typer.Option(help="A file with the terms as read; its digest is kept.")] = None,
    valid_from: Annotated[str | None, typer.Option("--from", help="The first day, as 2026-09-03.")] = None,
    valid_to: Annotated[str | None, typer.Option("--to", help="The first day that it no longer holds.")] = None,
    json: Json = False,
) -> None:
    """Add licence facts.

    A fact needs a source. One that contradicts a fact that is believed is refused: correct that one, or give both
    their dates.
    """
    from services.rights.register import add as add_facts
    from services.rights.statements import one_fact, read_facts, stated_value
    from services.settings import Settings

    given = {
        "subject": subject, "answer": answer, "source": source, "expression": expression, "trigger": trigger,
        "revenue_cap_usd": revenue_cap, "volume_cap": volume_cap, "attribution": attribution,
        "output_ownership": ownership, "training_data": training_data, "duties": duty or None, "note": note,
        "terms_sha256": sha256(terms.read_bytes()).hexdigest() if terms else None,
        "valid_from": stated_value("valid_from", valid_from or ""),
        "valid_to": stated_value("valid_to", valid_to or ""),
    }  # fmt: skip
    if (file is None) == (subject is None):
        raise UsageError("give either --file, or --subject with --answer and --source")
    if file is not None and any(value is not None for value in given.values()):
        raise UsageError("--file holds whole facts; leave the other options out")
    words = {"component": component, "revision": revision, "plan": plan, "licensee": licensee, "use": use}
    facts = read_facts(file, by) if file else list(one_fact({**given, **words, "grade": grade}, by))
    settings = Settings.from_environment()
    _record(settings, lambda session: add_facts(session, facts), facts, json)


@licences_app.command("correct")
def correct(
    fact: Annotated[str, typer.Argument(help="The fact that is wrong: its id.")],
    source: Annotated[str, typer.Option(help="Where it is written that it is otherwise.")],
    by: By,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="What it should say (may be repeated).")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="There is no such fact.")] = False,
    json: Json = False,
) -> None:
    """Correct a fact by a new one; the wrong one stays on record."""
    from services.rights.listing import find_fact
    from services.rights.register import correct as correct_fact
    from services.rights.statements import corrected
    from services.settings import Settings

    settings = Settings.from_environment()
    wrong = find_fact(_register(settings, recorded=True), fact)
    new = corrected(wrong, set_ or [], source, by, withdraw)
    _record(settings, lambda session: correct_fact(session, new), [new], json)


def _register(settings: "Settings", recorded: bool = False) -> "Register":
    """The register. Where there is a database, or `recorded` asks for one, this release's facts are recorded in it."""
    from services.rights.register import open_register
    from services.settings import DATABASE

    if recorded or not settings.embedded or (settings.home / DATABASE).exists():
        return open_register(settings.open_database())
    return settings.read_register()


def _record(settings: "Settings", change: Any, facts: "Sequence[Fact]", json: bool) -> None:
    """Record facts, sign the ledger up to there, and tell what is recorded now."""
    from db.engine import writing
    from db.ledger import append
    from services.rights.listing import fact_json
    from services.rights.register import open_register

    engine = open_to_record(settings)
    open_register(engine)
    with writing(engine) as session:
        entries: list[Entry] = change(session)
        append(session, entries)
    signs(settings, engine)()
    register = open_register(engine)
    if json:
        output.print_json([fact_json(register, register.by_id[fact.id]) for fact in facts])
        return
    new = {entry.subject for entry in entries}
    for fact in facts:
        replaced = f", in place of {fact.corrects}" if fact.corrects else ""
        state = "recorded" if fact.id in new else "was recorded before"
        output.line(f"{fact.id} {state}{replaced}: {fact.subject} ({fact.component}), {fact.use}: {fact.answer}")


def day(text: str | None, option: str = "--as-of") -> date:
    """The day that an option names; today where it is not given."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text[:40]!r} is no day; write one as 2026-09-03") from None


def moment(text: str | None, option: str = "--known-at") -> datetime:
    """The moment that an option names: a time, or the end of a day (UTC); now where it is not given."""
    if text is None:
        return datetime.max.replace(tzinfo=UTC)
    try:
        if len(text) == len("2026-09-03"):
            return datetime.combine(date.fromisoformat(text), datetime.max.time(), UTC)
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text[:40]!r} is no time; write a day, or 2026-09-03T12:00:00+00:00") from None
    return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
