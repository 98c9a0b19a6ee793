"""How the command line shows things: tables, JSON, progress. Plain text where nobody watches."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_PROGRESS_S = 15.0


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_json_rows(rows: Iterable[dict[str, Any]]) -> None:
    """A JSON array, a row a line, streamed: memory stays flat however many rows there are."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        sys.stdout.write(("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False))
    sys.stdout.write("\n]\n")


def console(stderr: bool = False) -> "Console":
    """A console that takes text literally: prompts may hold markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_table(columns: list[str], rows: Iterable[Iterable[object]], title: str | None = None) -> None:
    """A table on standard output; tab-separated lines where that is no terminal."""
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_one_line(cell) for cell in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, title=title, box=SIMPLE_HEAD, title_justify="left")
    for row in rows:
        table.add_row(*(_one_line(cell) for cell in row))
    console().print(table)


def _one_line(cell: object) -> str:
    return " ".join(str("" if cell is None else cell).split())


def note(text: str, quiet: bool = False) -> None:
    """A line for the person at the terminal, on standard error."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)


class Counter:
    """Counts takes on their way: a bar on a terminal, now and then a line elsewhere, nothing when quiet."""

    def __init__(self, what: str, total: int | None, quiet: bool) -> None:
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
            self._task = self._bar.add_task(self._what, total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, count: int) -> None:
        """`count` more are through."""
        self._count += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif not self._quiet and time.monotonic() - self._told > PLAIN_PROGRESS_S:
            self._told = time.monotonic()
            note(f"{self._what}: {self._count} of {self._total if self._total is not None else '?'}")


@contextmanager
def counting(what: str, total: int | None, quiet: bool) -> Iterator[Counter]:
    """A Counter for the block."""
    with Counter(what, total, quiet) as counter:
        yield counter
