"""`cueworks`: the commands, and the one place where errors become messages and exit codes.

0 done; 1 not everything came out; 2 bad input or usage, nothing written; 3 refused; 4 a check found a difference.
Heavy libraries are imported by the commands that need them, so `--help` stays quick.
"""

import errno
import os
import sys

import typer

from flows.cli import checks, generate, reading, schedule, texts

DONE, INCOMPLETE, BAD_INPUT, REFUSED, DIFFERENT = range(5)

app = typer.Typer(
    name="cueworks",
    help="Makes game and background music by the catalog: briefs in, reproducible and recorded takes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("generate")(generate.generate)
app.command("takes")(reading.takes)
app.command("show")(reading.show)
app.command("runs")(reading.runs)
app.command("reproduce")(checks.reproduce)
app.command("verify")(checks.verify)
app.command("gc")(checks.gc)
app.command("doctor")(checks.doctor)
app.command("schedule")(schedule.schedule)
app.command("deploy")(schedule.deploy)
app.command("words")(texts.words)
app.command("models")(texts.models)
app.add_typer(texts.brief_app, name="brief")
app.add_typer(texts.db_app, name="db")


def main() -> None:
    """The console script. Turns what is raised into a message on standard error and an exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped; run the same command again to go on", INCOMPLETE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(INCOMPLETE)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        _fail(*told)


def _fail(message: str, code: int) -> None:
    print(message if message.startswith("error") else f"error: {message}", file=sys.stderr)
    sys.exit(code)


def _told(error: Exception) -> tuple[str, int] | None:
    """The message and exit code of an expected error; None for a fault of ours."""
    show = getattr(error, "show", None)
    if show is not None and hasattr(error, "exit_code"):  # click's usage errors
        return error.format_message(), BAD_INPUT  # type: ignore[attr-defined]
    kinds = {
        "BriefError": BAD_INPUT,
        "SettingError": BAD_INPUT,
        "NoSuchTakeError": BAD_INPUT,
        "ExportError": BAD_INPUT,
        "ScheduleError": BAD_INPUT,
        "UnknownGeneratorError": BAD_INPUT,
        "CatalogBusyError": INCOMPLETE,
        "RenderingStoppedError": INCOMPLETE,
        "PrefectServerError": INCOMPLETE,
        "StorageError": INCOMPLETE,
    }
    for kind in type(error).__mro__:
        if kind.__name__ in kinds:
            return str(error), kinds[kind.__name__]
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = f"{error.filename}: " if error.filename else ""
        remedy = "free some space and run the same command again" if full else "check the path and CUEWORKS_HOME"
        return f"{where}{error.strerror or error}; {remedy}", INCOMPLETE if full else BAD_INPUT
    return _database_error(error)


def _database_error(error: Exception) -> tuple[str, int] | None:
    if type(error).__module__.startswith("sqlalchemy"):
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        code = INCOMPLETE if "full" in reason or "locked" in reason else BAD_INPUT
        return f"the database cannot be used: {reason}; check CUEWORKS_HOME and CUEWORKS_DATABASE_URL", code
    return None
