"""SPDX licence expressions: read, checked against what is registered, and turned into a tree that can be weighed.

`AND` binds all its parts, `OR` lets one choose, `WITH` adds a permission. Licences that the SPDX list does not hold are
registered in `data/symbols.yaml`, or by a fact about them. The licence list is loaded only when an expression asks for
it. Nothing here knows what a licence allows.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import yaml

from services.rights.names import DATA, LOADER

MOST_LETTERS = 2_000
MOST_LICENCES = 100


class ExpressionError(ValueError):
    """Not a licence expression, or it names a licence that nobody registered; the message says what to write."""


@dataclass(frozen=True)
class Licence:
    """One licence, `exception` its WITH."""

    symbol: str
    exception: str | None = None

    def __str__(self) -> str:
        return f"{self.symbol} WITH {self.exception}" if self.exception else self.symbol


@dataclass(frozen=True)
class Every:
    """AND: all parts hold."""

    parts: "tuple[Expression, ...]"

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """OR: one part of the licensee's choice holds."""

    parts: "tuple[Expression, ...]"

    def __str__(self) -> str:
        return " OR ".join(f"({part})" if isinstance(part, Every) else str(part) for part in self.parts)


Expression = Licence | Every | AnyOf


def read_expression(text: str, registered: Collection[str] = ()) -> Expression:
    """The tree of an SPDX expression. `registered` are further licences, as facts about them name them.

    Raises ExpressionError, with the nearest known licence where there is one."""
    plain = " ".join(text.split())
    if plain in registered:
        return Licence(*plain.split(" WITH ", 1)) if " WITH " in plain else Licence(plain)
    return _read(plain, frozenset(part for name in registered for part in name.split(" WITH ")))


def licences_in(expression: Expression) -> list[str]:
    """Every licence that an expression names, in its order."""
    if isinstance(expression, Licence):
        return [str(expression)]
    return [name for part in expression.parts for name in licences_in(part)]


@lru_cache(maxsize=4096)
def _read(text: str, registered: frozenset[str]) -> Expression:
    if not text or len(text) > MOST_LETTERS or not text.isprintable():
        raise ExpressionError(f"{text[:60]!r} is no licence expression; write one as `CC0-1.0` or `MIT AND CC-BY-4.0`")
    licensing = _licensing(registered)
    try:
        parsed = licensing.parse(text, validate=False, strict=True)
    except Exception as error:  # the parser knows no single one: `()` is an IndexError, `( AND NOT` an AssertionError
        why = str(error).strip().splitlines()[0] if str(error).strip() else "it cannot be read"
        raise ExpressionError(f"{text[:60]!r} is no licence expression: {why[:160]}") from None
    if parsed is None:
        raise ExpressionError(f"{text[:60]!r} is no licence expression; write one as `CC0-1.0`")
    unknown = licensing.unknown_license_keys(parsed)
    if unknown:
        raise ExpressionError(_unknown(unknown[0], licensing))
    tree = _tree(parsed)
    if len(licences_in(tree)) > MOST_LICENCES:
        raise ExpressionError(f"{text[:60]!r}: more than {MOST_LICENCES} licences; write a shorter expression")
    return tree


def _unknown(name: str, licensing: Any) -> str:
    """Licences are compared without case, and only such as are of a like length: the list is long."""
    known = {key.casefold(): key for key in licensing.known_symbols if abs(len(key) - len(name)) < 6}
    close = difflib.get_close_matches(name[:60].casefold(), known, n=1, cutoff=0.6)
    hint = f"did you mean {known[close[0]]}?" if close else "write an identifier of the SPDX list."
    new = f"register it with a fact about it: `cueworks licences add --subject spdx:LicenseRef-{_word(name)} ...`"
    return f"unknown licence {name[:60]!r}; {hint} A licence of your own: {new}"


def _word(name: str) -> str:
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name[:40]).strip("-")
    return kept.removeprefix("LicenseRef-") or "NAME"


def _tree(parsed: Any) -> Expression:
    name = type(parsed).__name__
    if name == "LicenseWithExceptionSymbol":
        return Licence(parsed.license_symbol.key, parsed.exception_symbol.key)
    if name == "AND":
        return Every(tuple(map(_tree, parsed.args)))
    if name == "OR":
        return AnyOf(tuple(map(_tree, parsed.args)))
    return Licence(parsed.key)


@cache
def _own_symbols() -> dict[str, dict[str, dict[str, Any]]]:
    symbols: dict[str, dict[str, dict[str, Any]]] = yaml.load((DATA / "symbols.yaml").read_bytes(), LOADER)
    return symbols


@lru_cache(maxsize=8)
def _licensing(registered: frozenset[str]) -> Any:
    """The SPDX list, this project's own symbols, and those that facts are about."""
    from license_expression import get_license_index, load_licensing_from_license_index

    own = _own_symbols()
    index = [
        {"key": entry["spdx_license_key"], "aliases": entry.get("other_spdx_license_keys", []),
         "is_exception": entry.get("is_exception", False)}
        for entry in get_license_index() if entry.get("spdx_license_key")
    ]  # fmt: skip
    known = {entry["key"].casefold() for entry in index}
    mine = [(name, rest, False) for name, rest in own["licences"].items()]
    mine += [(name, rest, True) for name, rest in own["exceptions"].items()]
    mine += [(name, {}, False) for name in registered]
    for name, rest, exception in mine:
        if name.casefold() not in known:
            known.add(name.casefold())
            index.append({"key": name, "aliases": rest.get("aliases", []), "is_exception": exception})
    return load_licensing_from_license_index(index)
