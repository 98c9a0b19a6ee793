"""The policy: every rule asked, the strictest answer taken, all reasons kept. Pure and in memory.

A question asked again is answered from memory: a million takes are some dozens of questions.
"""

from dataclasses import replace

from services.rights.policy.cases import Case, Finding
from services.rights.policy.rules import RULES
from services.rights.policy.words import DUTIES, Judgement, Question, Reason, strictest
from services.rights.register import Register

MOST_REMEMBERED = 50_000
Asked = tuple[object, ...]


class Policy:
    """Judges questions by the facts of a register."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self._answers: dict[Asked, Judgement] = {}

    def judge(self, question: Question) -> Judgement:
        """The answer with every reason; never raises for what a question holds."""
        moment = self.register.moment(question.known_at)
        asked = (
            moment, question.generator, question.revision, question.use, question.licensee, question.as_of,
            question.plan, question.loop, question.outputs, question.materials,
        )  # fmt: skip
        known = self._answers.get(asked)
        if known is None:
            if len(self._answers) >= MOST_REMEMBERED:
                self._answers.clear()
            known = self._answers[asked] = self._judge(question)
        return known if known.question is question else replace(known, question=question)

    def _judge(self, question: Question) -> Judgement:
        knowledge = self.register.known(question.known_at)
        kind = question.licensee.kind
        files = self.register.checkpoints.find(question.generator, question.revision)
        case = Case(question, knowledge, kind, question.plan, question.revision, checkpoint=files)
        findings = list(dict.fromkeys(found for rule in RULES for found in rule(case)))
        duties = tuple(dict.fromkeys(duty for found in findings for duty in found.duties))
        answer = strictest([found.reason.answer for found in findings] + [DUTIES] * bool(duties))
        return Judgement(answer, _reasons(findings), duties if answer == DUTIES else (), question)


def _reasons(findings: list[Finding]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(found.reason for found in findings))
