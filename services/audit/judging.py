"""Asks the policy about a whole catalog: once for every distinct question, however many takes share it.

Why it exists: takes of one generator, order and shape get one answer; a million takes are some dozens of questions.
Judges nothing itself: what may be done is decided in `services.rights` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from db.verdicts import AskedTake
from services.audit.rows import Asked, Judged, Why
from services.rights.policy import Judgement, Licensee, Policy, Question
from services.rights.register import Register
from services.rights.takes import TakeJudge
from services.rights.terms import NOT_KNOWN, sound_licence

BLOCKING = ("refused", "unknown")
NO_TAKE = ""  # stands for every take of a kind


@dataclass(frozen=True, slots=True)
class Kind:
    """What the answer depends on: takes of a catalog that share these share it, unless made from other audio."""

    generator: str
    revision: str
    brief_id: int
    loop: bool = False


@dataclass
class Judge:
    """The policy for one audit, within one view of the database."""

    session: Session
    register: Register
    asked: Asked
    _known: dict[Kind, Judged] = field(default_factory=dict)
    _told: dict[tuple[str, str], Judged] = field(default_factory=dict)
    _licences: dict[tuple[object, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = self.asked
        licensee = Licensee(asked.licensee_kind, asked.revenue)
        self._judge = TakeJudge(
            self.session, Policy(self.register), asked.use, licensee, asked.as_of, asked.known_at
        )  # fmt: skip

    def judged(self, kind: Kind) -> Judged:
        """The answer, the same object for the same kind."""
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = self.of_takes([(NO_TAKE, kind)])[NO_TAKE]
        return found

    def of_takes(self, takes: Sequence[tuple[str, Kind]]) -> dict[str, Judged]:
        """The answers for takes that were made from other audio, each looked at by itself."""
        asked = [
            AskedTake(id_, self.asked.catalog, kind.generator, kind.revision, kind.loop, kind.brief_id)
            for id_, kind in takes
        ]
        return {id_: self._shared(judgement) for id_, judgement in self._judge.page(asked)}

    def depends_on_loop(self, kind: Kind) -> bool:
        """Whether it matters to the policy if a take of this kind is a loop."""
        either = (self.judged(Kind(kind.generator, kind.revision, kind.brief_id, loop)) for loop in (False, True))
        return len({(judged.answer, judged.reasons, judged.duties) for judged in either}) > 1

    def _shared(self, judgement: Judgement) -> Judged:
        licence = self._licence(judgement.question)
        key = (judgement.id, licence)
        if key not in self._told:
            reasons = tuple(Why(r.rule, r.answer, r.text, tuple(r.facts)) for r in judgement.reasons)
            facts = tuple(judgement.facts)
            self._told[key] = Judged(judgement.answer, reasons, facts, tuple(judgement.duties), licence)
        return self._told[key]

    def _licence(self, asked: Question) -> str:
        """Whose terms the sound stands under; "" where that is not known. Takes of one kind and materials share it."""
        key = (asked.generator, asked.revision, asked.plan, asked.materials)
        if key not in self._licences:
            told = sound_licence(
                self.register, asked.generator, asked.revision, asked.as_of, asked.known_at, asked.materials,
                plan=asked.plan, use=asked.use, licensee=asked.licensee.kind,
            )  # fmt: skip
            self._licences[key] = "" if told == NOT_KNOWN else told
        return self._licences[key]
