"""PROV-JSON as the package `prov` writes it: records gathered by kind, said once each, and a check that `prov` agrees.

https://www.w3.org/submissions/prov-json/. Nothing here knows what takes or releases are.
"""

import hashlib
import json
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote

_SMALL = 2**31
_RELATIONS = {  # PROV-JSON's names of a relation's two ends
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "used": ("prov:activity", "prov:entity"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "wasInvalidatedBy": ("prov:entity", "prov:activity"),
    "wasInfluencedBy": ("prov:influencee", "prov:influencer"),
}
Container = dict[str, dict[str, dict[str, Any]]]


class ProvError(ValueError):
    """What was made is not what `prov` reads: a fault of ours; the document was not handed out."""


class Records:
    """The records of one PROV container, in PROV-JSON's form. What is said twice is kept once.

    Attributes are given by a local name: `label` and `value` are PROV's own, others belong to the prefix `cw`."""

    def __init__(self) -> None:
        self._parts: Container = {}
        self._relations: dict[str, dict[tuple[Any, ...], dict[str, str]]] = {}

    def entity(self, id_: str, type_: str, **said: Any) -> str:
        return self._element("entity", id_, type_, said)

    def agent(self, id_: str, type_: str, **said: Any) -> str:
        return self._element("agent", id_, type_, said)

    def activity(
        self, id_: str, type_: str, start: datetime | None = None, end: datetime | None = None, **said: Any
    ) -> str:
        """`start` and `end` only where they are on record."""
        self._element("activity", id_, type_, said)
        times = {"prov:startTime": start, "prov:endTime": end}
        self._parts["activity"][id_] |= {name: time_text(at) for name, at in times.items() if at}
        return id_

    def relate(self, kind: str, first: str, second: str, **more: str) -> None:
        """A relation between two ids; `more` are further ends, such as `time` or `plan`."""
        ends = dict(zip(_RELATIONS[kind], (first, second), strict=True))
        rest = {f"prov:{name}": value for name, value in more.items()}
        self._relations.setdefault(kind, {})[first, second, *sorted(more.items())] = ends | rest

    def container(self) -> Container:
        """The container; relations are numbered in the order in which they stand there, as `prov` does."""
        numbers = count(1)
        relations = {
            kind: {f"_:id{next(numbers)}": said for said in told.values()} for kind, told in self._relations.items()
        }
        return {**self._parts, **relations}

    def _element(self, part: str, id_: str, type_: str, said: dict[str, Any]) -> str:
        record = self._parts.setdefault(part, {}).setdefault(id_, {})
        values = {"prov:type": _name(type_)} | {_key(name): _value(value) for name, value in said.items()}
        for name, value in values.items():
            if value is not None:
                record[name] = _joined(record.get(name), value)
        return id_


def checked(document: dict[str, Any]) -> str:
    """The text of a document, after `prov` read it and wrote the same again."""
    text = dump(document) + "\n"
    if difference(text):
        raise ProvError(f"this PROV document is not what `prov` reads: {difference(text)}; please report it")
    return text


def difference(text: str) -> str | None:
    """How a PROV-JSON text differs from what the package `prov` makes of it; None where it is the same."""
    from prov.model import ProvDocument

    again = json.loads(ProvDocument.deserialize(content=text, format="json").serialize(format="json"))
    ours = json.loads(text)
    for bundle in again.get("bundle", {}).values():
        bundle.pop("prefix", None)  # those of the document, which hold in its bundles anyway
    if _sorted(ours) == _sorted(again):
        return None
    return ", ".join(sorted(part for part in ours.keys() | again.keys() if ours.get(part) != again.get(part)))


def _sorted(value: Any) -> Any:
    """With lists in one order: PROV-JSON's are sets."""
    if isinstance(value, dict):
        return {name: _sorted(entry) for name, entry in value.items()}
    return sorted(map(_sorted, value), key=json.dumps) if isinstance(value, list) else value


def dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _joined(there: Any, value: Any) -> Any:
    """Both values: one alone is written bare, several as a list without repeats."""
    values = [] if there is None else there if isinstance(there, list) else [there]
    wanted = value if isinstance(value, list) else [value]
    together = values + [entry for number, entry in enumerate(wanted) if entry not in values + wanted[:number]]
    return together[0] if len(together) == 1 else together or None


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(entry) for entry in value] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return {"$": str(value), "type": "xsd:int" if -_SMALL <= value < _SMALL else "xsd:long"}
    return value


def _name(type_: str) -> dict[str, str]:
    return {"$": type_, "type": "xsd:QName"}


def _key(name: str) -> str:
    return f"prov:{name}" if name in ("label", "value") else f"cw:{name}"


def time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def local(text: str) -> str:
    """Any text as the local part of a qualified name."""
    return quote(text, safe="", errors="surrogatepass")


def numbered(kind: str, take: str, *parts: Any) -> str:
    told = [part.isoformat() if isinstance(part, datetime) else part for part in parts]
    return f"{kind}:{digest(json.dumps([take, *told]))}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
