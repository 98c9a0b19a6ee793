"""Lists of names: files of rows, each with the kind of name, whether it is an ordinary word too, source and licence.

TSV and CSV files begin with a line of column names, JSON Lines hold one object a line. Columns: `name`, `kind`,
`source`, `licence`, and where there is something to say `aliases` (separated by `|`, each may end in an ambiguity of
its own, as ` (ordinary)`, or in ` (certain)` for none), `ambiguity` and `died` (year; composers). A list that cannot be
read whole is refused: half a guard would look like a whole one. Nothing here looks at a prompt.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from services.planning.faults import printable, shown
from services.rights.guard.folding import words_of

SHIPPED = Path(__file__).parent / "names"
KINDS = ("artist", "band", "composer", "song", "game", "trademark", "phrase")
"""`phrase`: an ordinary phrase that holds a name (`Chicago blues`); it is let pass."""
AMBIGUITIES = ("", "doubtful", "ordinary", "mass", "place")
"""Empty: no ordinary word, refused wherever it stands. `doubtful`: warned of where it stands alone. `ordinary`: a word
that needs an article (`a queen`). `mass`: one that needs none (`air`). `place`: a place (`Chicago`). Whatever is
not empty is refused only where the text says that the name is meant (`in the style of Queen`)."""
CERTAIN = "certain"  # says of an alias that it is no ordinary word, though the name is
NEEDED = ("name", "kind", "source", "licence")
_ORDER = ("name", "kind", "source", "licence", "ambiguity", "died", "aliases")
COLUMNS = ("name", "aliases", "kind", "ambiguity", "died", "source", "licence")
SUFFIXES = (".tsv", ".csv", ".jsonl")
MOST_BYTES = 256 * 2**20
MOST_LINE = 8192
MOST_NAME = 200
MOST_ALIASES = 50


class NameListError(ValueError):
    """A list of names that cannot be used. The message says file, line, what is wrong and what to do."""


class Row(NamedTuple):
    """One name of a list; `died` is a composer's year of death."""

    name: str
    kind: str
    source: str
    licence: str
    died: int | None = None


class Spelling(NamedTuple):
    """One way a name is written: its folded words, and whether that spelling is an ordinary word too."""

    words: tuple[str, ...]
    ambiguity: str
    row: Row


def read_lists(paths: Sequence[Path]) -> Iterator[Spelling]:
    """The spellings in files, and in the list files of folders (in order of their names).

    Raises NameListError for the first fault: a missing or unreadable file, bad UTF-8, missing columns, an unknown
    kind or ambiguity, an empty, too short or repeated name, a row without source or licence."""
    for path in paths:
        for file in _files(path):
            yield from _read_file(file)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    except (OSError, ValueError) as error:
        raise _error(path, None, f"cannot be read ({getattr(error, 'strerror', None) or error})",
                     "name a list file or a folder") from None
    if not files:
        raise _error(path, None, "the folder holds no list of names", "put .tsv, .csv or .jsonl files there")
    return files


def _read_file(file: Path) -> Iterator[Spelling]:
    seen: dict[str, int] = {}
    for line, fields in _records(file, _lines(file)):
        row, named = _row(file, line, fields)
        earlier = seen.setdefault(row.name.casefold(), line)
        if earlier != line:
            raise _error(file, line, f"{shown(row.name)} stands in line {earlier} too", "keep one row and use aliases")
        yield from _spellings(file, line, row, named)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold something, numbered from 1."""
    for line, data in enumerate(_bytes(file).split(b"\n"), 1):
        if len(data) > MOST_LINE:
            raise _error(file, line, f"a line of {len(data):,} bytes", f"keep lines under {MOST_LINE:,} bytes")
        try:
            text = data.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError:
            raise _error(file, line, "not UTF-8", "save the list as UTF-8") from None
        if "\0" in text:
            raise _error(file, line, "a NUL character", "save the list as plain text")
        if text.strip():
            yield line, text


def _bytes(file: Path) -> bytes:
    if file.suffix.lower() not in SUFFIXES:
        raise _error(file, None, "no list of names", "name a .tsv, .csv or .jsonl file")
    try:
        if not file.is_file():
            raise _error(file, None, "there is no such file", "name a list file or a folder, or unset CUEWORKS_NAMES")
        if file.stat().st_size > MOST_BYTES:
            raise _error(file, None, "the file is too long", f"stay under {MOST_BYTES:,} bytes")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, NameListError):
            raise
        why = getattr(error, "strerror", None) or error
        raise _error(file, None, f"cannot be read ({why})", "name a list file or a folder") from None


def _records(file: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    if file.suffix.lower() == ".jsonl":
        yield from ((line, _json(file, line, text)) for line, text in lines)
        return
    split = _tabs if file.suffix.lower() == ".tsv" else _commas
    header_line, header = next(lines, (1, ""))
    columns = split(file, header_line, header)
    _check_columns(file, header_line, columns)
    for line, text in lines:
        fields = split(file, line, text)
        if len(fields) > len(columns):
            raise _error(file, line, f"{len(fields)} fields under {len(columns)} columns", "remove the surplus")
        yield line, dict(zip(columns, fields, strict=False))


def _check_columns(file: Path, line: int, columns: list[str]) -> None:
    for name in NEEDED:
        if name not in columns:
            raise _error(file, line, f"no column `{name}`", f"begin with a line of columns: {', '.join(COLUMNS)}")
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise _error(file, line, f"an unknown or repeated column {shown(name)}", f"use {', '.join(COLUMNS)}")


def _tabs(file: Path, line: int, text: str) -> list[str]:
    return [field.strip() for field in text.split("\t")]


def _commas(file: Path, line: int, text: str) -> list[str]:
    try:
        fields = next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration) as error:
        raise _error(file, line, f"not CSV ({error})", "close quotes; a row is one line") from None
    return [field.strip() for field in fields]


def _json(file: Path, line: int, text: str) -> dict[str, str]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _error(file, line, "not JSON", "write one object a line") from None
    if not isinstance(fields, dict):
        raise _error(file, line, "not an object", 'write {"name": ..., "kind": ..., "source": ..., "licence": ...}')
    for name in fields:
        if name not in COLUMNS:
            raise _error(file, line, f"an unknown key {shown(name)}", f"use {', '.join(COLUMNS)}")
    if isinstance(aliases := fields.get("aliases"), list) and all(isinstance(alias, str) for alias in aliases):
        fields["aliases"] = "|".join(aliases)
    if type(fields.get("died")) is int:
        fields["died"] = str(fields["died"])
    for name, value in fields.items():
        if not isinstance(value, str):
            raise _error(file, line, f"`{name}` is no text", "write text")
        fields[name] = " ".join(value.split())
    return fields


def _row(file: Path, line: int, fields: dict[str, str]) -> tuple[Row, list[tuple[str, str]]]:
    """A row, and its names with their ambiguities."""
    for column in NEEDED:
        if not fields.get(column):
            raise _error(file, line, f"no {column}", f"give every row a {column}")
    name, kind, source, licence, ambiguity, died, listed = (fields.get(column, "") for column in _ORDER)
    if kind not in KINDS:
        raise _unknown(file, line, "kind", kind, KINDS)
    if ambiguity not in AMBIGUITIES:
        raise _unknown(file, line, "ambiguity", ambiguity, AMBIGUITIES)
    if died and not (died.isascii() and died.isdecimal() and len(died) <= 4):
        raise _error(file, line, f"{shown(died)} is no year", "write the year of death, as 1971")
    row = Row(name, kind, source, licence, int(died) if died else None)
    if not listed:
        return row, [(name, ambiguity)]
    aliases = [alias.strip() for alias in listed.split("|") if alias.strip()]
    if len(aliases) > MOST_ALIASES:
        raise _error(file, line, f"{len(aliases)} aliases", f"give at most {MOST_ALIASES}")
    return row, [(name, ambiguity), *(_alias(alias, ambiguity) for alias in aliases)]


def _unknown(file: Path, line: int, column: str, word: str, known: Sequence[str]) -> NameListError:
    return _error(file, line, f"unknown {column} {shown(word)}", f"use one of: {', '.join(filter(None, known))}")


def _alias(alias: str, ambiguity: str) -> tuple[str, str]:
    if alias.endswith(")"):
        name, _, own = alias[:-1].rpartition(" (")
        if own in (*AMBIGUITIES[1:], CERTAIN):
            return name, own.removeprefix(CERTAIN)
    return alias, ambiguity


def _spellings(file: Path, line: int, row: Row, named: Iterable[tuple[str, str]]) -> Iterator[Spelling]:
    for name, ambiguity in named:
        if len(name) > MOST_NAME:
            raise _error(file, line, f"a name of {len(name)} characters", f"stay under {MOST_NAME}")
        for words in _ways(name, ambiguity):
            _check_length(file, line, name, words, ambiguity)
            yield Spelling(words, ambiguity, row)


def _ways(name: str, ambiguity: str) -> list[tuple[str, ...]]:
    """The folded words of a name. The article of a name that is no ordinary word may be left out, and `&` be said."""
    words = words_of(name)
    if len(words) == 1:
        return [(words[0],)]
    article = not ambiguity and words[:1] == ["the"]
    ways = [tuple(words[article:])]
    if "and" in words[1:-1]:
        ways.append(tuple(word for word in words[article:] if word != "and"))
    elif "&" in name.strip("& "):
        ways.append(tuple(words_of(name.replace("&", " and "))[article:]))
    return ways


def _check_length(file: Path, line: int, name: str, words: tuple[str, ...], ambiguity: str) -> None:
    letters = "".join(words)
    if not letters:
        raise _error(file, line, f"{shown(name)} holds no letter", "write the name with letters or digits")
    if len(letters) < 2 and letters.isascii():
        raise _error(file, line, f"{shown(name)} would match everywhere", "remove it, or write the longer name")
    if ambiguity or not letters.isascii():
        return
    if letters.isdigit() or (len(letters) < 3 and not any(letter.isdigit() for letter in letters)):
        raise _error(file, line, f"{shown(name)} would match too much", "give it an ambiguity, as `ordinary`")


def _error(file: Path, line: int | None, what: str, remedy: str) -> NameListError:
    place = printable(str(file)) + (f":{line}" if line is not None else "")
    return NameListError(f"{place}: {what}; {remedy}")
