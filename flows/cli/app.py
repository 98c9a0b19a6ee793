"""`cueworks`: the commands. Errors become messages and exit codes here and nowhere else, in the words of `errors`.

Heavy libraries are imported by the commands that need them, so `--help` stays quick.
"""

import os
import sys
from typing import Annotated

import typer

from flows.cli import (
    audit,
    checks,
    compare,
    delivery,
    generate,
    ledger,
    licences,
    models,
    output,
    reading,
    schedule,
    texts,
    trace,
    train,
)
from flows.cli.errors import Code, told

INTERRUPTED = 130  # what typer returns for Ctrl-C

app = typer.Typer(
    name="cueworks",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("generate")(generate.generate)
app.command("train")(train.train)
app.command("takes")(reading.takes)
app.command("show")(reading.show)
app.command("compare")(compare.compare)
app.command("runs")(reading.runs)
app.command("reproduce")(checks.reproduce)
app.command("verify")(checks.verify)
app.command("gc")(checks.gc)
app.command("audit")(audit.audit)
app.command("doctor")(checks.doctor)
app.command("schedule")(schedule.schedule)
app.command("deploy")(schedule.deploy)
app.command("trace")(trace.trace)
app.command("fingerprint")(trace.fingerprint)
app.command("import")(trace.import_)
app.command("review")(delivery.review)
app.command("release")(delivery.release)
app.command("releases")(delivery.releases)
app.command("withdraw")(delivery.withdraw)
app.command("words")(texts.words)
app.add_typer(models.models_app, name="models")
app.add_typer(delivery.contribution_app, name="contribution")
app.add_typer(licences.licences_app, name="licences")
app.add_typer(ledger.ledger_app, name="ledger")
app.add_typer(ledger.keys_app, name="keys")
app.add_typer(texts.brief_app, name="brief")
app.add_typer(texts.db_app, name="db")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"cueworks {version('cueworks')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def cueworks(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Makes game and background music by the catalog: briefs in, reproducible and recorded takes out.

    Exit codes: 0 done; 1 not everything came out; 2 bad input, nothing written; 3 refused; 4 a check found a
    difference. Settings: CUEWORKS_HOME (default ./catalog), CUEWORKS_DATABASE_URL, CUEWORKS_EXECUTOR,
    CUEWORKS_ACTORS, CUEWORKS_DEVICE (auto, cpu or cuda), CUEWORKS_BATCH (takes that a token model computes at once;
    part of their engine profile), CUEWORKS_MAX_TAKES, CUEWORKS_RAY_ADDRESS, CUEWORKS_CACHE, CUEWORKS_KEYS,
    CUEWORKS_CHECKPOINTS, CUEWORKS_NAMES.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(Code.BAD_INPUT)


def main() -> None:
    """The console script. Turns what is raised into a message on standard error and an exit code."""
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        code = Code.INCOMPLETE
    except (Exception, KeyboardInterrupt) as error:
        known = told(error)
        if known is None:
            raise
        message, code = known
        output.error(message)
    sys.exit(int(code or 0))


def _close_stdout() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
