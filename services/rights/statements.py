"""Facts as people state them: in a file, or field by field on the command line. Read strictly: inputs are hostile.

Nothing here records anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from services.planning import document
from services.planning.faults import nearest, shown
from services.rights.facts import Fact, FactError, fact_of
from services.rights.seeds import expanded

MOST_BYTES = document.MOST_BYTES
MOST_FACTS = 10_000
DATES = ("valid_from", "valid_to")
NUMBERS = {"revenue_cap_usd": float, "volume_cap": int}
FIXED = ("corrects", "recorded_at", "source", "recorded_by")  # a correction has options of its own for these
_OURS = {"corrects", "recorded_at", "recorded_by", "subject"}  # a file does not say them of a fact
_ENTRY = frozenset(f.name for f in fields(Fact)) - _OURS | {"subjects", "facts"}


def read_facts(path: Path, author: str) -> list[Fact]:
    """The facts of a YAML file, in the form of `services/rights/data/generators.yaml`, recorded by `author`: a file
    does not say who records it.

    Raises FactError with file and entry for what is no such file; OSError where it cannot be read."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise FactError(f"{path}: more than {MOST_BYTES} bytes; split the file")
    found: list[Fact] = []
    for number, entry in enumerate(_entries(path, data), 1):
        found += _facts_of(f"{path}: entry {number}", entry, author)
        if len(found) > MOST_FACTS:
            raise FactError(f"{path}: more than {MOST_FACTS} facts; split the file")
    return found


def _entries(path: Path, data: bytes) -> list[Any]:
    try:
        tree, flaws = document.read_document(document.decode(data))
    except document.UnreadableError as stop:
        tree, flaws = None, [stop.flaw]
    if tree is None or flaws:
        told = "; ".join(f"line {flaw.line}: {flaw.what}" if flaw.line else flaw.what for flaw in flaws[:10])
        raise FactError(f"{path}: {told or 'it is empty'}; see services/rights/data/generators.yaml for the form")
    entries = document.plain(tree)
    if not isinstance(entries, list) or not entries:
        raise FactError(f"{path}: facts are a list; begin every entry with `- subjects: [name]`")
    return entries


def _facts_of(place: str, entry: Any, author: str) -> list[Fact]:
    if not isinstance(entry, dict):
        raise FactError(f"{place}: not a mapping; write `subjects: [name]` and `facts: [...]`")
    subjects = entry.get("subjects", entry.get("subject"))
    rest = {name: value for name, value in entry.items() if name not in ("subject", "subjects")}
    whole = {**rest, "subjects": subjects if isinstance(subjects, list) else [subjects]}
    if "facts" not in whole:
        whole = {"subjects": whole.pop("subjects"), "facts": [whole]}
    _check_shape(place, whole)
    said = {**_stated(place, whole), "facts": [_stated(place, fact) for fact in whole["facts"]]}
    return list(islice(expanded([said], author), MOST_FACTS + 1))


def _check_shape(place: str, entry: dict[str, Any]) -> None:
    facts = entry["facts"]
    if not entry["subjects"] or not all(isinstance(subject, str) for subject in entry["subjects"]):
        raise FactError(f"{place}: no subject; name what the facts are about: `subjects: [owner/model]`")
    if not isinstance(facts, list) or not facts or not all(isinstance(fact, dict) for fact in facts):
        raise FactError(f"{place}: `facts` is a list of mappings, as `- {{component: weights, answer: allowed}}`")
    for name in (name for part in (entry, *facts) for name in part):
        if name not in _ENTRY:
            raise FactError(f"{place}: unknown key {shown(name)}; {nearest(name, sorted(_ENTRY))}")
    if any(name in fact for fact in facts for name in ("facts", "subjects")):
        raise FactError(f"{place}: facts hold no further facts or subjects")
    if empty := [name for part in (entry, *facts) for name, value in part.items() if value == [] and name != "duties"]:
        raise FactError(f"{place}: {empty[0]} is an empty list; name something, or leave it out")


def _stated(place: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a fact holds them: days become dates, None is left out."""
    return {name: _day(place, name, value) if name in DATES else value
            for name, value in values.items() if value is not None}  # fmt: skip


def _day(place: str, name: str, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise FactError(f"{place}: {name} is {shown(value)}; write a day as 2026-09-03") from None


def corrected(wrong: Fact, settings: Iterable[str], source: str, by: str, withdraw: bool = False) -> Fact:
    """The fact that takes the place of `wrong`: `settings` are `field=value`. Raises FactError.

    An empty value empties the field; duties are separated by `|`."""
    changes = dict(_setting(text) for text in settings)
    if withdraw and changes:
        raise FactError("a withdrawn fact says nothing; use either --withdraw or --set")
    if withdraw:
        changes = {"answer": "withdrawn"}
    if not changes:
        raise FactError("nothing to correct; use --set field=value, or --withdraw")
    fresh = {"grade": "unverified", "terms_sha256": None, **changes}  # both are about the source
    return replace(wrong, **fresh, source=source, recorded_by=by, corrects=wrong.id, recorded_at=None)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    known = [f.name for f in fields(Fact) if f.name not in FIXED]
    if not equals:
        raise FactError(f"--set {shown(text)}: no value; write --set field=value")
    if name not in known:
        raise FactError(f"--set {shown(name)}: no field of a fact; {nearest(name, known)}")
    return name, stated_value(name, value)


def stated_value(name: str, value: str) -> Any:
    """The value of a field, from text. Raises FactError."""
    if name in DATES:
        return _day("--set", name, value) if value else None
    if name == "duties":
        return tuple(duty.strip() for duty in value.split("|") if duty.strip())
    if name in NUMBERS or name == "terms_sha256":
        return _number(name, value) if value and name in NUMBERS else value or None
    return value


def _number(name: str, value: str) -> float | int:
    try:
        return NUMBERS[name](value.replace(",", "").replace("_", ""))
    except ValueError:
        raise FactError(f"{name} is {shown(value)}; write a number") from None


def one_fact(given: Mapping[str, Any], author: str) -> Iterator[Fact]:
    """The fact that options state; None is left out."""
    yield fact_of({"recorded_by": author, **{name: value for name, value in given.items() if value is not None}})
