"""One question with what is believed about it: what every rule is handed. Nothing here answers it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.rights.checkpoints import Checkpoint
from services.rights.facts import ANY, Fact
from services.rights.policy.words import ALLOWED, DUTIES, Question, Reason, strictest
from services.rights.register import Knowledge

GENERATOR = "Order with another generator, or record the licence you have with `cueworks licences add`"
MATERIAL = "Bring another one, or state the licence that you have for it"
MARKET = "Order for another use"


@dataclass(frozen=True)
class Finding:
    """A reason, and the duties that come with it."""

    reason: Reason
    duties: tuple[str, ...] = ()


def finding(rule: str, answer: str, text: str, facts: Iterable[Fact] = (), duties: Iterable[str] = ()) -> Finding:
    """A finding of `rule`; an allowed one with duties is `allowed-with-duties`."""
    asked = tuple(duties)
    told = DUTIES if asked and answer == ALLOWED else answer
    return Finding(Reason(rule, told, text, tuple(dict.fromkeys(fact.id for fact in facts))), asked)


def answer_of(findings: Iterable[Finding]) -> str:
    """The strictest answer among findings."""
    return strictest(found.reason.answer for found in findings)


@dataclass(frozen=True)
class Case:
    """A question and what is believed. `kind`, `plan` and `revision` are the ones that are weighed now,
    `thing` the (subject, component) that is, `instead` what else may be done where it may not be used; `named` whether
    the kind was said, or is only tried; `checkpoint` the files that the generator is, where it is a registered one."""

    question: Question
    known: Knowledge
    kind: str | None
    plan: str
    revision: str
    thing: tuple[str, str] | None = None
    instead: str = GENERATOR
    named: bool = True
    checkpoint: Checkpoint | None = None

    def concerns(self, fact: Fact) -> bool:
        """Whether a fact is about this licensee, plan, revision and use."""
        return (
            fact.use in (ANY, self.question.use)
            and fact.licensee in (ANY, self.kind)
            and fact.plan in (ANY, self.plan)
            and (fact.revision in (ANY, self.revision) or self._is_of_checkpoint(fact.revision))
        )

    def meant(self, fact: Fact) -> bool:
        """Whether a fact about the generator's name is about what has that name (`services.rights.checkpoints`)."""
        return self.checkpoint is None or self.checkpoint.meant(fact)

    def _is_of_checkpoint(self, revision: str) -> bool:
        return self.checkpoint is not None and self.checkpoint.is_named(revision)

    def holds(self, fact: Fact) -> bool:
        """Whether a fact holds on the day that counts; a withdrawn one never does."""
        return fact.answer != "withdrawn" and fact.holds(self.question.as_of)

    def as_if(self, kind: str | None, plan: str, revision: str) -> "Case":
        return replace(self, kind=kind, plan=plan, revision=revision)

    @property
    def who(self) -> str:
        """The licensee, for a sentence."""
        if not self.named:
            return "any licensee"
        return {None: "an unnamed licensee", "company": "a company", "individual": "an individual",
                "academic": "an academic licensee"}.get(self.kind, f"a licensee of kind {self.kind}")  # fmt: skip
