"""How the command line shows things: tables, JSON, progress. Plain text where nobody watches.

Nothing that a terminal would obey leaves here: names and prompts are shown, not executed.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from services.planning.faults import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column

PLAIN_PROGRESS_S = 15.0


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(_json(value, indent=2) + "\n")


def print_json_rows(rows: Iterable[dict[str, Any]]) -> None:
    """A JSON array, a row a line, streamed: memory stays flat however many rows there are."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        sys.stdout.write(("," if number else "") + "\n" + _json(row))
    sys.stdout.write("\n]\n")


def _json(value: Any, indent: int | None = None) -> str:
    """JSON as UTF-8; in ASCII for a terminal, which would obey C1 controls and bidirectional characters."""
    return json.dumps(value, ensure_ascii=sys.stdout.isatty(), indent=indent)


def console(stderr: bool = False) -> "Console":
    """A console that takes text literally: prompts may hold markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_table(
    columns: list[str], rows: Iterable[Iterable[object]], folding: Sequence[str] = (), apart: Sequence[str] = (),
    telling: Sequence[str] = (),
) -> None:
    """A table on standard output; tab-separated lines where that is no terminal.

    On a terminal `folding` columns give way when it is narrow; columns in `apart`, empty ones and such as only repeat
    the words before them (but for those in `telling`) are left out.
    """
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_one_line(cell) for cell in row))
        return
    from rich.table import Table

    cells = [[_one_line(cell) for cell in row] for row in rows]
    used = [n for n, name in enumerate(columns) if name not in apart and _tells(cells, n, name in telling)]
    head = (_column(columns[n], columns[n] in folding) for n in used)
    table = Table(*head, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for row in cells:
        table.add_row(*(row[n] for n in used))
    console().print(table)


def _tells(cells: list[list[str]], column: int, alike: bool) -> bool:
    if alike:
        return not cells or any(row[column] for row in cells)
    return not cells or any(row[column].isdigit() or row[column] not in ("", row[column - 1]) for row in cells)


def _column(name: str, folds: bool) -> "Column":
    from rich.table import Column

    return Column(name, min_width=16) if folds else Column(name, no_wrap=True, overflow="ellipsis")


def _one_line(cell: object) -> str:
    return printable(" ".join(str("" if cell is None else cell).split()))


def counted(number: float, thing: str) -> str:
    """`1 file`, `2 files`, `0.5 files`."""
    return f"{int(number) if number == int(number) else number} {thing}{'' if number == 1 else 's'}"


def line(text: str) -> None:
    """A line of a result, on standard output."""
    print(printable(text))


def note(text: str, quiet: bool = False) -> None:
    """A line for the person at the terminal, on standard error."""
    if not quiet:
        print(printable(text), file=sys.stderr, flush=True)


def error(message: str) -> None:
    """What went wrong, on standard error: `error: ` before each of its lines."""
    for text in message.strip().splitlines() or ["unknown"]:
        note(f"error: {text}")


class Counter:
    """Counts takes on their way: a bar on a terminal, now and then a line elsewhere, nothing when quiet."""

    def __init__(self, what: str, total: int, quiet: bool) -> None:
        self._what, self._total, self._quiet = what, total, quiet
        self._count = 0
        self._told = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "Counter":
        if not self._quiet and sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(printable(self._what), total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, what: str) -> None:
        """Say beside the bar what is going on now."""
        if self._bar is not None:
            self._bar.update(self._task, description=printable(what))

    def grow(self, count: int) -> None:
        """`count` more are to come."""
        self._total += count
        if self._bar is not None:
            self._bar.update(self._task, total=self._total)

    def add(self, count: int) -> None:
        """`count` more are through."""
        self._count += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif not self._quiet and time.monotonic() - self._told > PLAIN_PROGRESS_S:
            self._told = time.monotonic()
            note(f"{self._what}: {self._count} of {self._total}")
