"""What is wrong with an order, said so that a person can put it right: where, what, the value, and what to do.

A brief is refused with all its faults at once. Nothing here decides that something is a fault.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from models.registry import is_hub_id, is_word

MOST_FAULTS = 100
MOST_VALUE = 60
MOST_COMPARED = 600
MOST_WORD = 48  # longer words are not compared: matching is quadratic and inputs are hostile


@dataclass(frozen=True)
class Fault:
    """One fault. `line` counts from 1; `file` and `line` are None for an order that came from no file."""

    field: str
    what: str
    remedy: str
    value: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = ": ".join(part for part in (place, self.field) if part)
        value = f" (value {self.value})" if self.value is not None else ""
        return f"{head + ': ' if head else ''}{self.what}{value}; {self.remedy}"


class BriefError(Exception):
    """A brief that cannot be planned. `faults` holds all that was found, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def printable(text: str) -> str:
    """`text` with a question mark for every character that a terminal might obey."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def shown(value: object) -> str:
    """A value as it is shown in a fault: one line, at most 60 characters, nothing that a terminal obeys."""
    text = repr(value[: 4 * MOST_VALUE]) if isinstance(value, str) else repr(value)[: 4 * MOST_VALUE]
    text = printable(text)
    return text if len(text) <= MOST_VALUE else text[: MOST_VALUE - 3] + "..."


def nearest(word: object, known: Iterable[str]) -> str:
    """`did you mean X?` for the known word nearest to `word`, else the list of known words (the first 20)."""
    names = list(islice(known, MOST_COMPARED))
    if isinstance(word, str) and len(word) <= MOST_WORD:
        close = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.6)
        if close:
            return f"did you mean {close[0]!r}?"
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"use one of: {listed}" if names else "remove it"


def how_to_add(name: str, known: Iterable[str]) -> str:
    """What to do about a generator that there is not: the nearest one there is, and the command that adds this one."""
    called = name if is_word(name) else "NAME"
    wanted = f"{name} --revision main" if is_hub_id(name) else f"FOLDER --name {called}"
    return f"{nearest(name, sorted(known))} or add it: `cueworks models add {wanted}`"


def at_most(faults: list[Fault]) -> list[Fault]:
    """The first hundred faults, and one that says how many more there are."""
    if len(faults) <= MOST_FAULTS:
        return faults
    rest = len(faults) - MOST_FAULTS
    last = faults[MOST_FAULTS - 1]
    more = Fault("", f"{rest} more faults are not shown", "put these right first", file=last.file, line=None)
    return [*faults[:MOST_FAULTS], more]
