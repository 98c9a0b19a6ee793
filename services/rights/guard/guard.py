"""Puts lists and finder together: a guard is loaded once, then asked text by text."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from services.rights.guard.engine import Finder, Match
from services.rights.guard.lists import SHIPPED, read_lists


class Guard:
    """Names to look for. `names` counts the rows, `spellings` the ways they are written."""

    def __init__(self, finder: Finder, names: int, spellings: int) -> None:
        self._finder = finder
        self.names = names
        self.spellings = spellings

    @classmethod
    def load(cls, extra: Sequence[Path] = (), *, on: date | None = None, shipped: bool = True) -> "Guard":
        """The names that ship, and those of the list files and folders `extra`, which win where both have a spelling.

        A composer dead for 70 full calendar years on the day `on` (today) passes. Raises NameListError, naming file
        and line, for the first fault of a list."""
        spellings = list(read_lists(extra))
        own = {spelling.words for spelling in spellings}
        if shipped:
            spellings += [spelling for spelling in read_lists((SHIPPED,)) if spelling.words not in own]
        rows = {id(spelling.row) for spelling in spellings}
        return cls(Finder(spellings, on or datetime.now(UTC).date()), len(rows), len(spellings))

    def check(self, text: str) -> tuple[Match, ...]:
        """The names in `text` with their spans, in order. Never raises, whatever the text holds."""
        return self._finder.find(text)
