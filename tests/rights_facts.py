"""Questions to the policy and facts made up for tests: no database."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from services.rights.facts import Fact
from services.rights.policy import Judgement, Licensee, Policy, Question
from services.rights.register import Register
from services.rights.seeds import seed_facts

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def fact(subject: str = "acme/model", component: str = "weights", answer: str = "allowed", **said: Any) -> Fact:
    """A fact that is recorded long ago."""
    values: dict[str, Any] = {"source": "a test", "recorded_by": "tester", "recorded_at": LONG_AGO}
    return Fact(subject, component, answer=answer, **(values | said))


def seeded(*further: Fact) -> Register:
    """This release's facts, recorded long ago, and `further` ones."""
    return Register([*(replace(one, recorded_at=LONG_AGO) for one in seed_facts()), *further])


def question(generator: str, use: str = "commercial-game", kind: str | None = "company", **said: Any) -> Question:
    """A question of a company with a small revenue about today."""
    licensee = Licensee(kind, said.pop("revenue", 400_000.0))
    values: dict[str, Any] = {"revision": "r1", "as_of": DAY, "known_at": NOW}
    return Question(generator=generator, use=use, licensee=licensee, **(values | said))


def judged(facts: Iterable[Fact], generator: str = "acme/model", **said: Any) -> Judgement:
    """What the policy says of a generator by these facts alone."""
    return Policy(Register(facts)).judge(question(generator, **said))
