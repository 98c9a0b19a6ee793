"""The facts that ship with this release, read from `data/*.yaml`: a reviewed file, one entry for many facts.

An entry's lists (subjects, component, use, licensee) are multiplied out. Nothing here writes or judges.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import yaml

from services.rights.facts import Fact, fact_of
from services.rights.names import DATA, LOADER

FILES = ("generators", "soundbanks", "services", "licences", "obligations")
AUTHOR = "Cueworks"
_MANY = ("component", "use", "licensee", "plan", "revision")


@cache
def seed_facts() -> tuple[Fact, ...]:
    """Every fact of this release, not recorded yet."""
    return tuple(fact for name in FILES for fact in expanded(_entries(name), AUTHOR))


def _entries(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.load((DATA / f"{name}.yaml").read_bytes(), LOADER)
    return entries


def expanded(entries: list[dict[str, Any]], author: str) -> Iterator[Fact]:
    """The facts of entries `{subjects, ..., facts: [...]}`; what an entry says holds for each of its facts that does
    not say otherwise. Raises FactError, TypeError or KeyError for what is no such entry."""
    for entry in entries:
        common = {name: value for name, value in entry.items() if name not in ("subjects", "facts")}
        for given in entry["facts"]:
            said = {"recorded_by": author, **common, **given}
            lists = [_listed(said.pop(name, "*")) for name in _MANY]
            for subject, *words in product(entry["subjects"], *lists):
                yield fact_of({**said, "subject": subject, **dict(zip(_MANY, words, strict=True))})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
