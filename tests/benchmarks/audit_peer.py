"""What the audit is compared with: one `select` of takes through the mapper, the policy called for every take.

The relationships exist for this alone and are declared here; both sides answer the same columns of the same takes.
"""

from typing import Any

from sqlalchemy import Engine, and_, select
from sqlalchemy.orm import Session, foreign, joinedload, relationship

from db.rights_tables import Judgement, JudgementFact, LicenceFact, Verdict
from db.tables import Asset, Catalog, Cue, Prompt, Take
from services.audit.rows import Asked
from services.rights.policy import Licensee, Policy, Question
from services.rights.register import Register

COLUMNS = (
    "take", "zone", "cue", "state", "index", "prompt", "prompt_sha256", "seed", "generator", "revision", "status",
    "pcm_sha256", "master_sha256", "engine_profile", "record_verdict", "record_judgement", "verdict",
)  # fmt: skip
MOST, PART = 20_000, 2_000  # takes, and takes a select
Answer = tuple[Any, ...]


def declare() -> None:
    """Tell the mapper how takes hang together."""
    if hasattr(Take, "assets_"):
        return
    Take.assets_ = relationship(Asset, viewonly=True)  # type: ignore[attr-defined]
    Take.verdicts_ = relationship(Verdict, viewonly=True)  # type: ignore[attr-defined]
    Take.prompt_ = relationship(Prompt, viewonly=True)  # type: ignore[attr-defined]
    Take.cue_ = relationship(  # type: ignore[attr-defined]
        Cue, viewonly=True, primaryjoin=and_(foreign(Take.cue_id) == Cue.id)
    )
    Verdict.judgement_ = relationship(Judgement, viewonly=True)  # type: ignore[attr-defined]
    Judgement.facts_ = relationship(  # type: ignore[attr-defined]
        LicenceFact, secondary=JudgementFact.__table__, viewonly=True
    )


def orm_rows(engine: Engine, asked: Asked, register: Register) -> dict[str, Answer]:
    """The answers for every take of the catalog, by take."""
    declare()
    policy = Policy(register)
    licensee = Licensee(asked.licensee_kind, asked.revenue)
    judged = joinedload(Take.verdicts_).joinedload(Verdict.judgement_)  # type: ignore[attr-defined]
    query = (
        select(Take)
        .join(Catalog, Catalog.id == Take.catalog_id)
        .where(Catalog.name == asked.catalog)
        .order_by(Take.position, Take.id)
        .options(
            joinedload(Take.assets_), joinedload(Take.prompt_),  # type: ignore[attr-defined]
            judged.joinedload(Judgement.facts_),  # type: ignore[attr-defined]
        )
    )  # fmt: skip
    answers: dict[str, Answer] = {}
    for first in range(0, MOST, PART):
        with Session(engine) as session:
            part = query.where(Take.position >= first, Take.position < first + PART)
            takes = session.scalars(part).unique()
            answers |= {take.id: _answer(take, policy, asked, licensee) for take in takes}
    return answers


def _answer(take: Any, policy: Policy, asked: Asked, licensee: Licensee) -> Answer:
    question = Question(
        take.generator, take.revision, asked.use, licensee, asked.as_of, asked.known_at, loop=take.controls["loop"]
    )
    judgement = policy.judge(question)
    master = next((a for a in take.assets_ if a.role == "mix" and a.pcm_sha256 == take.pcm_sha256), None)
    record = next((v for v in take.verdicts_ if v.stage == "record"), None)
    return (
        take.id, take.zone, take.cue, take.state, take.index, take.prompt_.text, take.prompt_sha256, take.seed,
        take.generator, take.revision, take.status, take.pcm_sha256, master and master.sha256,
        master and master.engine_profile, record and record.judgement_.answer, record and record.judgement_id,
        judgement.answer,
    )  # fmt: skip
