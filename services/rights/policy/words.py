"""The values that the policy takes and gives: plain frozen data. No rule lives here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import isfinite
from typing import Any

from db.canonical import digest
from db.rights_tables import ANSWERS

ALLOWED, DUTIES, UNKNOWN, REFUSED = ANSWERS
STRICTNESS = {answer: number for number, answer in enumerate(ANSWERS)}


def strictest(answers: Iterable[str]) -> str:
    """The strictest of some answers; of none, `allowed`."""
    return max(answers, key=STRICTNESS.__getitem__, default=ALLOWED)


@dataclass(frozen=True)
class Licensee:
    """Who uses the music. `kind` is company, individual or academic; revenue in US dollars a year; None is unsaid."""

    kind: str | None = None
    annual_revenue_usd: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What is said of it, as in a brief."""
        revenue = self.annual_revenue_usd
        known = revenue is not None and isfinite(revenue)
        said = {"kind": self.kind, "annual_revenue_usd": float(revenue) if known and revenue is not None else None}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True)
class Material:
    """A licence that the order states itself: of a theme file, a reference, imported audio.

    `expression` is SPDX, "" where none is stated; `source` says where the material is from."""

    role: str
    expression: str
    source: str


@dataclass(frozen=True)
class Question:
    """What is asked. `as_of` is the day that counts, `known_at` the moment whose knowledge does.

    `revision` and `plan` are `*` where they are not known. `outputs` is how many takes of this generator the catalog
    holds or orders, for caps on volume; `loop`: the take is one."""

    generator: str
    revision: str
    use: str
    licensee: Licensee
    as_of: date
    known_at: datetime
    plan: str = "*"
    loop: bool = False
    outputs: int = 0
    materials: tuple[Material, ...] = ()


@dataclass(frozen=True)
class Reason:
    """What one rule says: the answer it gives, why, and what to do; and the ids of the facts that it rests on."""

    rule: str
    answer: str
    text: str
    facts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule, "answer": self.answer, "text": self.text, "facts": list(self.facts)}


@dataclass(frozen=True)
class Judgement:
    """The answer to a question: the strictest of its reasons' answers, with all of them."""

    answer: str
    reasons: tuple[Reason, ...]
    duties: tuple[str, ...]
    question: Question

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON of what is stored of it: `known_at`, `outputs`, `loop` and the materials are
        not in it but through the reasons, so that takes share it and it can be checked against its row."""
        return digest(self.content())

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """The ids of every fact it rests on, each once."""
        return tuple(dict.fromkeys(fact for reason in self.reasons for fact in reason.facts))

    @property
    def releasable(self) -> bool:
        """Whether it may be done, duties or none. Unknown is not."""
        return self.answer in (ALLOWED, DUTIES)

    @property
    def stops(self) -> tuple[Reason, ...]:
        """The reasons that stand in the way, the strictest first."""
        found = [reason for reason in self.reasons if reason.answer in (UNKNOWN, REFUSED)]
        return tuple(sorted(found, key=lambda reason: -STRICTNESS[reason.answer]))

    def content(self) -> dict[str, Any]:
        """What is stored of it, as plain JSON values."""
        asked = self.question
        return {
            "answer": self.answer, "use": asked.use, "licensee": asked.licensee.as_json(),
            "generator": asked.generator, "revision": asked.revision, "plan": asked.plan,
            "as_of": asked.as_of.isoformat(), "reasons": [reason.as_json() for reason in self.reasons],
            "duties": list(self.duties),
        }  # fmt: skip
