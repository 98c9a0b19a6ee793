"""`cueworks train`: make a generator of the house from catalogs of the composer; say what a model was made of."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import UsageError
from flows.cli.options import ExecutorName, Json, Quiet

if TYPE_CHECKING:
    from flows.training import Outcome
    from services.training.order import Order
    from services.training.planning import Planned


def train(
    catalogs: Annotated[list[str] | None, typer.Argument(metavar="CATALOG...", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="What briefs will call the model, as house/first.")] = None,
    preset: Annotated[str, typer.Option(help="tiny (a minute, to see that it works) or small.")] = "small",
    steps: Annotated[int | None, typer.Option(help="Steps of the model, instead of the preset's.")] = None,
    minutes: Annotated[float | None, typer.Option(help="As many steps as this takes here.")] = None,
    seed: Annotated[int, typer.Option(help="Everything that is drawn at random follows from it.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the model goes (default: in the home).")] = None,
    by: Annotated[str | None, typer.Option(help="Who trains; recorded with the licence fact (default: you).")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out-refused", help="Train without the takes that may not be used.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option("--checkpoint-steps", min=1, help="Steps between checkpoints (default: 5 %; by --minutes: 30 s)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained on; write nothing.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the runs that ended in a model.")] = False,
    show: Annotated[
        str | None, typer.Option("--show", metavar="RUN|MODEL", help="Show a run with every take of it.")
    ] = None,
    executor: ExecutorName = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a generator on catalogs that the composer made, and register it.

    Only takes of one's own are used: what was made with a recording, theme file or sound bank of others is refused.
    Killed and run again with the same words, it goes on from its last checkpoint and ends as if nothing had been.
    """
    if list_ or show is not None:
        _tell_runs(show, json)
        return
    if not catalogs or name is None:
        raise UsageError("name catalogs and the model: `cueworks train CATALOG --name house/NAME`")
    from flows.training import carry_out, make_plan
    from services.settings import Settings
    from services.training.planning import Wish

    settings = Settings.from_environment().with_options(executor=executor)
    wish = Wish(tuple(catalogs), name, preset, steps, minutes, seed, out, by or _user(), leave_out)
    planned = make_plan(wish, settings)
    for text in planned.notes:
        output.note(f"left out: {text}", quiet)
    if dry_run:
        _show_plan(planned, json)
        return
    output.note(_planned_line(planned), quiet or json)
    with _Shown(quiet or json) as watcher:
        found = carry_out(planned, settings, watcher, every)
    _show_outcome(found, json)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unnamed"


def _planned_line(planned: "Planned") -> str:
    order = planned.order
    seconds = sum(float(item.controls["duration"]) for item in order.items)
    told = f"{order.name}: {len(order.items)} takes, {seconds / 60:.1f} minutes, preset {order.preset.name}"
    return f"{told}, {order.device}; run {order.id[:16]} in {planned.folder}"


def _held_out_line(order: "Order") -> str:
    """Said where nothing is held out; else empty."""
    from services.training.splitting import NOTHING, held_out

    return "" if held_out(order.items, order.preset.held_out).by else NOTHING


def _show_plan(planned: "Planned", json: bool) -> None:
    order = planned.order
    if json:
        rows = [{"take": item.take, "catalog": item.catalog, "state": item.state, "sha256": item.sha256}
                for item in order.items]  # fmt: skip
        told = {"training": order.id, "config": order.config(), "uses": list(planned.uses), "takes": rows,
                "duties": {use: list(duties) for use, duties in planned.duties.items()},
                "materials": list(order.materials)}
        output.print_json({**told, "left_out": list(order.left_out), "licences": list(order.licences)})
        return
    output.line(_planned_line(planned))
    if said := _held_out_line(order):
        output.line(said)
    output.line(f"the model will be allowed for: {', '.join(planned.uses)}")
    for duty in dict.fromkeys(duty for duties in planned.duties.values() for duty in duties):
        output.line(f"and will ask for: {duty}")
    output.print_table(["take", "catalog", "state"], ([i.take[:12], i.catalog, i.state] for i in order.items))


def _show_outcome(found: "Outcome", json: bool) -> None:
    for warning in found.warnings:
        output.note(f"warning: {warning}")
    if json:
        output.print_json({
            "training": found.order.id, "generator": found.generator, "revision": found.revision, "anew": found.anew,
            "folder": str(found.out), "work": str(found.folder), "left": found.left,
        })  # fmt: skip
        return
    pinned = f"{found.generator} {found.revision}"
    if not found.anew:
        output.line(f"{pinned} was trained from this already ({found.out}); nothing changed")
        return
    output.line(f"{pinned} is registered ({found.out}); name it in a brief: `generator: {found.generator}`")
    if said := _held_out_line(found.order):
        output.line(said)
    output.line(f"what it was made of: `cueworks train --show {found.order.id[:16]}`")


def _tell_runs(show: str | None, json: bool) -> None:
    from services.settings import Settings
    from services.training.listing import found, lines, runs, training_json

    engine = Settings.from_environment().open_for_reading()
    if show is None:
        rows = runs(engine)
        if json:
            output.print_json([training_json(row) for row in rows])
            return
        cells = ([row.id[:16], row.name, row.revision, ", ".join(row.catalogs), row.takes, f"{row.ended_at:%Y-%m-%d}"]
                 for row in rows)  # fmt: skip
        output.print_table(["run", "model", "revision", "catalogs", "takes", "ended"], cells, ("catalogs",))
        return
    run, takes = found(engine, show)
    if json:
        output.print_json({**training_json(run), "training_takes": takes})
        return
    for name, text in lines(run):
        output.line(f"{name:14} {text}")
    output.line("")
    columns = ["take", "catalog", "state", "cue", "index", "split", "status", "sha256"]
    rows_ = ([take["take"][:12], take["catalog"], take["state"], take["cue"], take["index"], take["split"],
              take["status"], take["sha256"]] for take in takes)  # fmt: skip
    output.print_table(columns, rows_)


class _Shown:
    """A bar of steps for each lesson on a terminal, now and then a line elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._name, self._step = quiet, "", 0
        self._counter: output.Counter | None = None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._end()
        output.note(f"{name} ...", self._quiet)

    def learning(self, stage: str, step: int, steps: int, loss: float) -> None:
        """A lesson came so far."""
        if self._counter is None or self._name != stage:
            self._end()
            self._name, self._step = stage, 0
            self._counter = output.Counter(stage, steps, self._quiet)
            self._counter.__enter__()
        self._counter.add(step - self._step)
        self._counter.stage(f"{stage}, loss {loss:.3f}")
        self._step = step

    def _end(self) -> None:
        if self._counter is not None:
            self._counter.__exit__()
            self._counter = None
