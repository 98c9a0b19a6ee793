"""Prompt templates: `{axis}` stands for a value of that axis, `{{` and `}}` for braces.

No other syntax and no formatting."""

import re
from collections.abc import Iterator, Mapping
from itertools import product

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}\Z")


def placeholders(template: str) -> list[str]:
    """The names of a template's placeholders, each once, in order. Raises ValueError on a stray or odd brace."""
    names: dict[str, None] = {}
    for match in _PIECE.finditer(template):
        if match.group() in ("{{", "}}"):
            continue
        if match.group(1) is None or not _NAME.match(match.group(1)):
            raise ValueError(f"{match.group()[:40]!r} is not a placeholder")
        names[match.group(1)] = None
    return list(names)


def fill(template: str, point: Mapping[str, str]) -> str:
    """The template with the values of `point`. Values are put in as they are: braces in them mean nothing."""
    return _PIECE.sub(lambda match: match.group()[0] if match.group(1) is None else point[match.group(1)], template)


def escape(text: str) -> str:
    """A text as a template that fills to itself."""
    return text.replace("{", "{{").replace("}", "}}")


def points(axes: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """Every combination of the axes' values, the last axis fastest; one empty point without axes."""
    names = list(axes)
    for values in product(*axes.values()):
        yield dict(zip(names, values, strict=True))
