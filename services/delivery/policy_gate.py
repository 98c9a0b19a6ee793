"""The gate of releases over the policy of `services.rights`: today's facts, and verdicts of the stage `release`.

Judging writes nothing: facts of this program that a database lacks are thought of as recorded now. They are recorded
with the first release that rests on them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from db.ledger import Entry
from db.ledger_rows import rows_from
from db.releases import FactText, missing_verdicts
from db.rights_tables import Verdict
from db.verdicts import AskedTake, insert_verdicts
from services.delivery.gate import Judged, Terms
from services.rights.gate import licensee_of
from services.rights.keeping import keep, moment, standing_policy
from services.rights.policy import Judgement, Policy, Question
from services.rights.register import Register, State, load, state_of
from services.rights.takes import judge_takes
from services.rights.terms import sound_licence

STAGE = "release"


class PolicyGate:
    """A `services.delivery.gate.Gate`. The register is read again once something was added to it."""

    def __init__(self) -> None:
        self._kept: tuple[State, Policy] | None = None

    def judge(
        self, session: Session, takes: Sequence[AskedTake], terms: Terms, at: datetime
    ) -> Mapping[str, Judgement]:
        """Raises ClockError where facts were recorded well after this machine's clock."""
        policy = self._policy(session)
        known_at = moment(policy.register, at)
        return dict(judge_takes(session, policy, takes, terms.use, licensee_of(terms.licensee), at.date(), known_at))

    def facts(self, session: Session, ids: Collection[str]) -> Mapping[str, FactText]:
        known = self._policy(session).register.by_id
        found = (known[id_] for id_ in sorted(ids) if id_ in known)
        return {
            fact.id: FactText(fact.id, fact.subject, fact.expression, fact.attribution, fact.source, fact.grade)
            for fact in found
        }

    def licences(self, session: Session, judged: Mapping[str, Judged]) -> Mapping[str, str]:
        register = self._policy(session).register
        told: dict[str, str] = {}
        for judgement in judged.values():
            assert isinstance(judgement, Judgement), "only what this gate judged has terms"
            if judgement.id not in told:
                told[judgement.id] = _licence(register, judgement.question)
        return {id_: told[judgement.id] for id_, judgement in judged.items()}

    def record(self, session: Session, catalog: str, judged: Mapping[str, Judged], at: datetime) -> list[Entry]:
        judgements = {id_: judgement for id_, judgement in judged.items() if isinstance(judgement, Judgement)}
        assert len(judgements) == len(judged), "only what this gate judged is put on record"
        _, seeded = standing_policy(session)
        kept = keep(session, judgements.values())
        new = missing_verdicts(session, STAGE, {id_: judgement.id for id_, judgement in judgements.items()})
        insert_verdicts(session, STAGE, new.items(), at)
        rows = [{"take_id": id_, "stage": STAGE, "judgement_id": key, "judged_at": at} for id_, key in new.items()]
        held = rows_from(Verdict, rows)
        verdicts = [Entry("verdict", id_, {"stage": STAGE, "rows": rows}, catalog) for id_, rows in held.items()]
        return [*seeded, *kept, *verdicts]

    def _policy(self, session: Session) -> Policy:
        state = state_of(session)
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, Policy(load(session).with_seed()))
        return self._kept[1]


def _licence(register: Register, asked: Question) -> str:
    return sound_licence(
        register, asked.generator, asked.revision, asked.as_of, asked.known_at, asked.materials,
        plan=asked.plan, use=asked.use, licensee=asked.licensee.kind,
    )  # fmt: skip
