"""`cueworks generate`: plan an order, show it or carry it out, and say what came of it."""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import Actors, ExecutorName, Json, Quiet, RetryQuarantined

if TYPE_CHECKING:
    from flows.orders import Outcome
    from services.planning.order import PlannedTake
    from services.planning.plan import Plan, Understood
    from services.planning.reader import ReadBrief
    from services.settings import Settings

SHOWN_TAKES = 60


def generate(
    brief: Annotated[Path | None, typer.Argument(help="The brief, a YAML file.", show_default=False)] = None,
    prompt: Annotated[str | None, typer.Option(help="Order by one sentence instead of a brief.")] = None,
    takes: Annotated[int | None, typer.Option(help="Takes per cue and point of its axes.")] = None,
    only: Annotated[str | None, typer.Option(help="Only this state (or cue).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be made; write nothing.")] = False,
    generator: Annotated[str | None, typer.Option(help="Makes every cue, whatever the brief names.")] = None,
    use: Annotated[str | None, typer.Option(help="What the music is for, instead of the brief's use.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**53 - 1, help="With --prompt: the seed.")] = 0,
    duration: Annotated[float | None, typer.Option(help="With --prompt: seconds.")] = None,
    catalog: Annotated[str | None, typer.Option(help="With --prompt: the catalog's name.")] = None,
    sound_bank: Annotated[
        Path | None, typer.Option(help="With --prompt: a General MIDI SoundFont (.sf2) that plays.", show_default=False)
    ] = None,
    bank_licence: Annotated[str | None, typer.Option(help="The SoundFont's licence, as MIT; it is recorded.")] = None,
    retry_quarantined: RetryQuarantined = False,
    actors: Actors = None,
    executor: ExecutorName = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the takes that a brief orders.

    What is there already is not made again: the same command goes on after a stop, and an edited brief renders only
    what is new. Without a brief, --prompt orders by one sentence.
    """
    from flows.cli.progress import ShownProgress
    from flows.orders import Choices, Nameable, Stages, carry_out, make_plan
    from services.settings import Settings

    stages = Stages()
    settings = Settings.from_environment().with_options(actors, executor)
    choices = Choices(takes if prompt is None else None, only, generator, use, retry_quarantined)
    bank = (sound_bank, bank_licence)
    order = make_plan(_read(brief, prompt, takes, seed, duration, catalog, bank, Nameable(settings)), choices, settings)
    for warning in order.warnings:
        output.note(f"warning: {warning}", quiet)
    for duty in order.duties:
        output.note(f"duty: {duty}", quiet)
    if dry_run:
        _show_plan(order, json)
        return
    with ShownProgress(quiet or json) as progress:
        outcome = carry_out(order, choices, settings, stages, progress)
    _show_outcome(outcome, settings, json, quiet)
    if not outcome.complete:
        raise typer.Exit(Code.INCOMPLETE)


def _read(
    brief: Path | None, prompt: str | None, takes: int | None, seed: int, duration: float | None, catalog: str | None,
    bank: tuple[Path | None, str | None], generators: Collection[str],
) -> "ReadBrief":
    from services.planning.adhoc import adhoc
    from services.planning.reader import read_brief

    if (brief is None) == (prompt is None):
        raise UsageError("give either a brief file or --prompt, and not both")
    if brief is not None:
        if catalog is not None or duration is not None or seed:
            raise UsageError("--seed, --duration and --catalog go with --prompt; a brief carries its own")
        if any(bank):
            raise UsageError("--sound-bank and --bank-licence go with --prompt; a brief names its own as `sound_bank`")
        return read_brief(brief, generators)
    count = 1 if takes is None else takes
    if (bank[0] is None) != (bank[1] is None):
        raise UsageError("--sound-bank needs --bank-licence, as MIT or CC0-1.0, and the other way round")
    return adhoc(
        prompt or "", count, seed=seed, catalog=catalog, duration=duration, generators=generators, sound_bank=bank[0],
        bank_licence=bank[1],
    )  # fmt: skip


def _show_plan(order: "Plan", as_json: bool) -> None:
    if as_json:
        texts = _model_texts(order)
        output.print_json_rows(_planned_row(take.as_json(), texts.get(_point_of(take))) for take in order.takes)
        return
    columns = ["take", "generator", "state", "cue", "zone", "point", "index"]
    columns += ["bpm", "key", "meter", "genre", "mood", "seconds", "prompt"]
    rows = (
        [t.id[:12], t.generator, t.state, t.cue, t.zone, "/".join(t.point.values()), t.index,
         f"{t.controls.bpm:g}", t.controls.key, t.controls.meter,
         t.controls.genre, t.controls.mood, f"{t.controls.duration:.1f}", t.prompt]
        for t in order.takes
    )  # fmt: skip
    output.print_table(columns, rows, ("prompt",))
    if order.points:
        output.note(f"{len(order.takes)} takes, at most {order.most} where some are not good enough")
    output.note("understood:")
    for understood in order.understandings[:SHOWN_TAKES]:
        told = "; ".join(
            f"{c['field']} {c['value']} ({c['source']}{': ' + c['words'] if c.get('words') else ''})"
            for c in understood.understanding.as_json()
        )
        maker = understood.generator if understood.cue in order.compared else None
        place = "/".join(filter(None, (understood.zone, understood.cue, *understood.point.values(), maker)))
        output.note(f"  {place}: {told}")


def _point_of(planned: "PlannedTake | Understood") -> tuple[object, ...]:
    return (planned.generator, planned.zone, planned.cue, *planned.point.items())


def _model_texts(order: "Plan") -> dict[tuple[object, ...], str]:
    """What models are given to read, by generator, zone, cue and point."""
    from services.planning.shaping import MODEL_TEXT

    return {
        _point_of(understood): choice.value
        for understood in order.understandings
        for choice in understood.understanding.choices
        if choice.field == MODEL_TEXT
    }


def _planned_row(take: dict[str, Any], text: str | None) -> dict[str, Any]:
    first = ("id", "catalog", "zone", "cue", "state", "point", "index", "prompt", "seed", "generator", "revision")
    told = {**{name: take[name] for name in first}, "controls": take["controls"], "delivery": take["delivery"]}
    return told if text is None else {**told, "model_text": text}


def _show_outcome(outcome: "Outcome", settings: "Settings", as_json: bool, quiet: bool) -> None:
    for warning in outcome.warnings:
        output.note(f"warning: {warning}")
    if as_json:
        registered = asdict(outcome.run.registered)
        run = {"run": outcome.run.id, "catalog": outcome.run.catalog, "ordered": outcome.run.ordered}
        counts = {"rendered": outcome.counts.get("done", 0), "counts": outcome.counts, "registered": registered}
        told = {"stopped": outcome.stopped, "short": list(outcome.short), "page": str(outcome.page)}
        output.print_json({**run, **counts, **told, "stages": outcome.stages})
        return
    if not quiet:
        _show_takes(outcome, settings)
    output.line(f"{outcome.run.catalog}: {_counted(outcome)}")
    if not quiet:
        output.line("times: " + " · ".join(f"{stage} {seconds:.1f} s" for stage, seconds in outcome.stages.items()))
    output.line(f"listen: {outcome.page}")
    for said in outcome.short:
        output.error(said)
    if outcome.stopped or outcome.missing > 0:
        output.error(_why_incomplete(outcome))


def _counted(outcome: "Outcome") -> str:
    if not outcome.counts:
        return f"nothing to render, {outcome.run.ordered} ordered"
    told = ", ".join(f"{count} {status}" for status, count in sorted(outcome.counts.items()))
    return f"{told}; {outcome.run.ordered} ordered"


def _why_incomplete(outcome: "Outcome") -> str:
    if outcome.stopped:
        return outcome.stopped
    return f"{outcome.missing} takes did not come out; `cueworks show TAKE` says why, the same command tries them again"


def _show_takes(outcome: "Outcome", settings: "Settings") -> None:
    from itertools import islice

    from flows.cli.reading import judged
    from services.catalog.listing import Filter, takes

    rows = takes(settings.open_database(), Filter(outcome.run.catalog))
    found = list(islice((row for row in rows if row.status != "superseded"), SHOWN_TAKES))
    chosen = any(take.acceptance for take in found)
    several = len({take.generator for take in found}) > 1
    columns = ["take", "state", "cue", "zone", *(["generator"] if several else []), "index"]
    columns += ["bpm", "key", "genre", "LUFS", "status"]
    columns += ["accept", "file"] if chosen else ["file"]
    shown = [
        [t.id[:12], t.state, t.cue, t.zone, *([t.generator] if several else []), t.index,
         f"{t.controls['bpm']:g}", t.controls["key"], t.controls["genre"],
         f"{t.measurements['integrated_lufs']:.1f}" if t.measurements else "", t.status,
         *([judged(t)] if chosen else []), t.folder]
        for t in found
    ]  # fmt: skip
    output.print_table(columns, shown, ("generator", "file"))
    if len(shown) < outcome.run.ordered:
        output.note(f"... and more: `cueworks takes --catalog {outcome.run.catalog}`")
