"""Reads all that is on record of one take, from order to file: a few rows from each table, each by an index.

Writes nothing; what the rows mean together is `services.audit.chain`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from db.audit import among
from db.rights_tables import (
    Derivation,
    Judgement,
    JudgementFact,
    LedgerEntry,
    OrderVerdict,
    ReleaseItem,
    Review,
    Verdict,
)
from db.tables import Asset, Attempt, Brief, Catalog, Cue, EngineProfile, Generator, Measurement, Take


@dataclass(frozen=True, slots=True)
class Links:
    """The rows that hang on one take, oldest first. `subjects` are what the ledger's entries about it are about."""

    take: Row[Any]
    verdicts: Sequence[Row[Any]]
    judgement_facts: Sequence[Row[Any]]
    attempts: Sequence[Row[Any]]
    assets: Sequence[Row[Any]]
    profiles: Sequence[Row[Any]]
    measurements: Sequence[Row[Any]]
    reviews: Sequence[Row[Any]]
    items: Sequence[Row[Any]]
    derivations: Sequence[Row[Any]]


def takes_beginning(session: Session, prefix: str) -> list[tuple[str, str]]:
    """(id, catalog) of takes whose ids begin with `prefix` (lower-case hexadecimal); at most two."""
    query = select(Take.id, Catalog.name).join(Catalog, Catalog.id == Take.catalog_id)
    found = session.execute(query.where(Take.id >= prefix, Take.id < prefix + "g").order_by(Take.id).limit(2))
    return [(id_, catalog) for id_, catalog in found]


def links(session: Session, take_id: str) -> Links:
    """Everything of the take `take_id`, which must be there."""

    def rows(query: Select[Any]) -> Sequence[Row[Any]]:
        return session.connection().execute(query).all()

    take = rows(_take(take_id))[0]
    verdicts = [*rows(_order_verdicts(take)), *rows(_verdicts(take_id))]
    attempts = rows(_of(Attempt, take_id, "run_id", "outcome", "started_at", "ended_at", "actor", "engine_profile",
                        "error").order_by(Attempt.id))  # fmt: skip
    assets = rows(_of(Asset, take_id, "role", "media_type", "sha256", "bytes", "path", "duration_s", "pcm_sha256",
                      "engine_profile").order_by(Asset.id))  # fmt: skip
    used = {row.engine_profile for row in (*attempts, *assets)} - {None}
    return Links(
        take=take,
        verdicts=verdicts,
        judgement_facts=rows(_facts(session, [row.id for row in verdicts])),
        attempts=attempts,
        assets=assets,
        profiles=rows(select(EngineProfile.sha256, EngineProfile.profile).where(EngineProfile.sha256.in_(used))),
        measurements=rows(_of(Measurement, take_id, "name", "value").order_by(Measurement.name)),
        reviews=rows(_of(Review, take_id, "decision", "by", "note", "at").order_by(Review.at, Review.id)),
        items=rows(_of(ReleaseItem, take_id, "release_id", "path", "role", "media_type", "sha256", "bytes",
                       "source_sha256", "judgement_id").order_by(ReleaseItem.release_id, ReleaseItem.path)),
        derivations=rows(_of(Derivation, take_id, "id", "kind", "sha256", "source_sha256", "expression", "source", "by",
                             "note", "at").order_by(Derivation.at, Derivation.id)),
    )  # fmt: skip


def _of(table: Any, take_id: str, *names: str) -> Select[Any]:
    return select(*(getattr(table, name) for name in names)).where(table.take_id == take_id)


def _take(take_id: str) -> Select[Any]:
    return (
        select(
            Take.generator, Take.revision, Take.controls, Take.delivery, Take.understanding, Take.error,
            Generator.weights_digest, Generator.card, Cue.name.label("cue"), Cue.prompt.label("cue_prompt"),
            Brief.id.label("brief_id"), Brief.sha256, Brief.use, Brief.licensee, Brief.planned_at,
        )
        .join(Generator, (Generator.id == Take.generator) & (Generator.revision == Take.revision))
        .join(Cue, Cue.id == Take.cue_id)
        .join(Brief, Brief.id == Cue.brief_id)
        .where(Take.id == take_id)
    )  # fmt: skip


_JUDGED = (
    Judgement.id, Judgement.answer, Judgement.use, Judgement.as_of, Judgement.licensee, Judgement.plan,
    Judgement.reasons, Judgement.duties,
)  # fmt: skip


def _order_verdicts(take: Row[Any]) -> Select[Any]:
    query = select(literal("plan").label("stage"), OrderVerdict.judged_at, *_JUDGED)
    query = query.join(Judgement, Judgement.id == OrderVerdict.judgement_id)
    query = query.where(OrderVerdict.brief_id == take.brief_id)
    query = query.where(Judgement.generator == take.generator, Judgement.revision == take.revision)
    return query.order_by(OrderVerdict.judged_at, Judgement.id)


def _verdicts(take_id: str) -> Select[Any]:
    query = select(Verdict.stage, Verdict.judged_at, *_JUDGED).join(Judgement, Judgement.id == Verdict.judgement_id)
    return query.where(Verdict.take_id == take_id).order_by(Verdict.judged_at, Verdict.stage, Judgement.id)


def _facts(session: Session, judgements: Sequence[str]) -> Select[Any]:
    query = select(JudgementFact.judgement_id, JudgementFact.fact_id)
    return query.where(among(session, JudgementFact.judgement_id, judgements)).order_by(JudgementFact.fact_id)


def entries_about(session: Session, subjects: Sequence[str]) -> Sequence[Row[Any]]:
    """The ledger's entries about any of `subjects`, in sequence."""
    columns = (LedgerEntry.sequence, LedgerEntry.kind, LedgerEntry.subject, LedgerEntry.at, LedgerEntry.sha256,
               LedgerEntry.previous, LedgerEntry.entry)  # fmt: skip
    query = select(*columns).where(among(session, LedgerEntry.subject, subjects)).order_by(LedgerEntry.sequence)
    return session.connection().execute(query).all()
