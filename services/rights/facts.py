"""A licence fact: what a licence or terms say of a subject, for whom and what, from when to when, and who says so.

A fact certifies itself: its id is drawn from its content, so the same fact has the same id everywhere and a changed one
shows. Facts are never changed; a correction is a further fact that names the one it takes the place of. Nothing here
reads a file or a database, or decides what may be done.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from functools import cached_property
from math import isfinite
from typing import Any

from db.canonical import digest
from db.rights_tables import FACT_ANSWERS
from services.planning.faults import nearest, shown
from services.planning.words import LICENSEES, USES
from services.rights.expressions import ExpressionError, read_expression
from services.rights.names import FEWEST_LETTERS, OBLIGATIONS, SPDX, folded

ANY = "*"
GRADES = ("read", "second-hand", "own", "unverified")
TRIGGERS = ("", "generation", "download", "active-plan")
LENGTHS = {
    "subject": 200, "component": 64, "revision": 200, "plan": 64, "expression": 2_000, "attribution": 2_000,
    "output_ownership": 2_000, "training_data": 4_000, "note": 4_000, "source": 2_000, "recorded_by": 200,
}  # fmt: skip
NEEDED = ("subject", "component", "revision", "plan", "recorded_by")
MOST_DUTIES = 20
LARGEST = 2**53 - 1


class FactError(ValueError):
    """A fact cannot be recorded as it is; the message has a line for every fault."""


@dataclass(frozen=True)
class Fact:
    """The columns of `licence_fact`. `valid_from` is the first day it holds, `valid_to` the first it no longer does;
    None is open. `recorded_at` None: not recorded yet. In component, revision, plan, licensee and use `*` is any."""

    subject: str
    component: str = ANY
    revision: str = ANY
    plan: str = ANY
    licensee: str = ANY
    use: str = ANY
    answer: str = "unknown"
    expression: str = ""
    trigger: str = ""
    revenue_cap_usd: float | None = None
    volume_cap: int | None = None
    attribution: str = ""
    output_ownership: str = ""
    training_data: str = ""
    duties: tuple[str, ...] = ()
    note: str = ""
    terms_sha256: str | None = None
    source: str = ""
    grade: str = "unverified"
    valid_from: date | None = None
    valid_to: date | None = None
    recorded_by: str = ""
    corrects: str | None = None
    recorded_at: datetime | None = field(default=None, compare=False)

    @cached_property
    def id(self) -> str:
        """`fact-` and 16 hex digits of SHA-256 over the canonical JSON of everything but `recorded_at`."""
        return "fact-" + digest({name: _plain(getattr(self, name)) for name in CONTENT})[:16]

    @property
    def key(self) -> tuple[str, ...]:
        """What the fact is about: two facts of one key that hold on one day must say the same."""
        return (folded(self.subject), self.component, self.revision, self.plan, self.licensee, self.use)

    @property
    def claim(self) -> tuple[Any, ...]:
        """What the fact says of it."""
        return (self.answer, self.expression if self.answer == "licence" else "", self.revenue_cap_usd, self.volume_cap)

    @property
    def is_licence(self) -> bool:
        """Whether the fact is about a licence itself."""
        return self.subject.startswith(SPDX)

    @property
    def is_obligation(self) -> bool:
        """Whether the fact is about a rule of a market or a law."""
        return self.subject.startswith(OBLIGATIONS)

    def holds(self, day: date) -> bool:
        """Whether `day` is within the fact's period."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: "Fact") -> bool:
        """Whether there is a day on which both hold."""
        starts = [day for day in (self.valid_from, other.valid_from) if day]
        ends = [day for day in (self.valid_to, other.valid_to) if day]
        return not starts or not ends or max(starts) < min(ends)

    def as_row(self) -> dict[str, Any]:
        """The columns of `licence_fact`."""
        values = {name: getattr(self, name) for name in (*CONTENT, "recorded_at")}
        return {"id": self.id, **values, "duties": list(self.duties)}

    def as_json(self) -> dict[str, Any]:
        """The columns as plain JSON values."""
        return {name: _plain(value) for name, value in self.as_row().items()}


CONTENT = tuple(f.name for f in fields(Fact) if f.name != "recorded_at")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value == int(value):
        return int(value)  # 1e6 and 1000000 are one number in JSON
    return list(value) if isinstance(value, tuple) else value


def fact_of(values: Mapping[str, Any]) -> Fact:
    """A fact from the columns of a row, or from what a file says. Values are taken as they are: see `checked`.

    Raises FactError for a name that no column has."""
    known = {f.name for f in fields(Fact)}
    for name in values:
        if name not in known and name != "id":
            raise FactError(f"a fact has no field {shown(name)}; {nearest(name, sorted(known))}")
    given = {name: value for name, value in values.items() if name != "id"}
    if isinstance(given.get("duties"), list):
        given["duties"] = tuple(given["duties"])
    if isinstance(given.get("revenue_cap_usd"), int) and not isinstance(given["revenue_cap_usd"], bool):
        given["revenue_cap_usd"] = float(given["revenue_cap_usd"])
    try:
        return Fact(**given)
    except TypeError:
        raise FactError("a fact needs a subject; name what it is about") from None


def checked(fact: Fact, registered: Collection[str] = ()) -> Fact:
    """`fact`, if it can be recorded. `registered` are licences that other facts are about.

    Raises FactError with every fault: what, value, remedy."""
    faults = [*_wrong_texts(fact)]
    if not faults:
        faults = [*_wrong_words(fact), *_wrong_subject(fact), *_wrong_numbers(fact), *_wrong_dates(fact)]
        faults += _wrong_expression(fact, registered)
    if faults:
        raise FactError("\n".join(f"{shown(fact.subject)}: {fault}" for fault in faults))
    return fact


def _wrong_texts(fact: Fact) -> Iterator[str]:
    for name, most in LENGTHS.items():
        value = getattr(fact, name)
        if not isinstance(value, str):
            yield f"{name} must be text, not {shown(value)}; put it in quotes"
        elif len(value) > most or not value.isprintable():
            yield f"{name} is {shown(value)}; write one line of at most {most} characters, without control characters"
        elif name in NEEDED and not value.strip():
            yield f"{name} is empty; {'say who records it (--by)' if name == 'recorded_by' else 'fill it in'}"
    if isinstance(fact.source, str) and not fact.source.strip():
        yield "a fact without a source is no fact; say where it is written (source)"
    duties = fact.duties
    if not isinstance(duties, tuple) or len(duties) > MOST_DUTIES or not all(
        isinstance(duty, str) and 0 < len(duty) <= 1_000 and duty.isprintable() for duty in duties
    ):
        yield f"duties are {shown(duties)}; write at most {MOST_DUTIES} sentences of one line each"


def _wrong_words(fact: Fact) -> Iterator[str]:
    known = (
        ("answer", FACT_ANSWERS), ("grade", GRADES), ("trigger", TRIGGERS), ("use", (ANY, *USES)),
        ("licensee", (ANY, *LICENSEES)),
    )  # fmt: skip
    for name, words in known:
        value = getattr(fact, name)
        if value not in words:
            yield f"unknown {name} {shown(value)}; {nearest(value, [word for word in words if word])}"
    if fact.answer == "withdrawn" and fact.corrects is None:
        yield "only a correction withdraws; use `cueworks licences correct FACT --withdraw`"


def _wrong_subject(fact: Fact) -> Iterator[str]:
    name = fact.subject.split(":", 1)[-1] if fact.is_licence or fact.is_obligation else fact.subject
    if len(name.partition("*")[0]) < FEWEST_LETTERS:
        yield f"a subject begins with at least {FEWEST_LETTERS} letters of a name; what means everything says nothing"
    if "*" in name and (fact.is_licence or fact.is_obligation):
        yield "licences, laws and markets are named one by one, without `*`"


def _wrong_numbers(fact: Fact) -> Iterator[str]:
    cap, volume = fact.revenue_cap_usd, fact.volume_cap
    if cap is not None and (not isinstance(cap, float) or not isfinite(cap) or not 0 < cap <= LARGEST):
        yield f"revenue_cap_usd is {shown(cap)}; write US dollars above 0, or leave it out"
    if volume is not None and (isinstance(volume, bool) or not isinstance(volume, int) or not 0 <= volume <= LARGEST):
        yield f"volume_cap is {shown(volume)}; write a whole number of outputs, or leave it out"
    digits = fact.terms_sha256
    if digits is not None and (
        not isinstance(digits, str) or len(digits) != 64 or set(digits) - set("0123456789abcdef")
    ):
        yield f"terms_sha256 is {shown(digits)}; write 64 hexadecimal digits, or leave it out"


def _wrong_dates(fact: Fact) -> Iterator[str]:
    for name in ("valid_from", "valid_to"):
        value = getattr(fact, name)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            yield f"{name} is {shown(value)}; write a day as 2026-09-03"
            return
    if fact.valid_from and fact.valid_to and fact.valid_from >= fact.valid_to:
        what = f"it ends ({fact.valid_to}) before it begins ({fact.valid_from})"
        yield f"{what}; `valid_to` is the first day on which it no longer holds"


def _wrong_expression(fact: Fact, registered: Collection[str]) -> Iterator[str]:
    if fact.answer == "licence" and not fact.expression:
        yield "the answer is `licence`, and no expression says which; write one as `MIT AND CC-BY-4.0`"
    if fact.expression:
        try:
            read_expression(fact.expression, registered)
        except ExpressionError as error:
            yield f"expression: {error}"
