"""Judgements and verdicts in the database: stored once per distinct content, shared by all that got them.

Reads also what a question to the policy needs of takes and orders. Nothing here judges.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.chunks import chunks
from db.conflict import insert_absent, insert_missing
from db.rights_tables import Derivation, Judgement, JudgementFact, OrderVerdict, Verdict
from db.tables import Brief, Catalog, Cue, Run, Take

PART = 500


@dataclass(frozen=True)
class OrderedRow:
    """For what and for whom a run's brief was ordered; `text` is the brief."""

    catalog: str
    brief_id: int
    use: str
    licensee: dict[str, Any]
    text: bytes


@dataclass(frozen=True, slots=True)
class AskedTake:
    """What a question to the policy needs of a take. `brief_id` is the order with the materials it brought."""

    id: str
    catalog: str
    generator: str
    revision: str
    loop: bool
    brief_id: int


def insert_judgements(session: Session, rows: Sequence[dict[str, Any]], facts: Sequence[dict[str, Any]]) -> set[str]:
    """Add the judgements that are not there yet, with their `facts`; returns the ids of those that were added."""
    ids = [row["id"] for row in rows]
    known = _known(session, ids)
    if len(known) == len(set(ids)):
        return set()
    lock_transaction(session.connection(), "judgements")  # so that only one of two writers says that it added them
    known = _known(session, ids)
    insert_missing(session, Judgement, ("id",), [row for row in rows if row["id"] not in known])
    mine = [row for row in facts if row["judgement_id"] not in known]
    insert_missing(session, JudgementFact, ("judgement_id", "fact_id"), mine)
    return {row["id"] for row in rows} - known


def _known(session: Session, ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in chunks(ids, PART):
        found |= set(session.connection().execute(select(Judgement.id).where(Judgement.id.in_(part))).scalars())
    return found


def insert_order_verdicts(session: Session, brief_id: int, judgements: Collection[str], at: datetime) -> None:
    """The verdicts on an order; one that it got before stays as it was."""
    rows = [{"brief_id": brief_id, "judgement_id": id_, "judged_at": at} for id_ in judgements]
    insert_absent(session, OrderVerdict, ("brief_id", "judgement_id"), rows)


def insert_verdicts(session: Session, stage: str, judgements: Iterable[tuple[str, str]], at: datetime) -> None:
    """Verdicts on takes, (take id, judgement id); one that a take got before stays as it was."""
    rows = [{"take_id": take, "stage": stage, "judgement_id": id_, "judged_at": at} for take, id_ in judgements]
    insert_absent(session, Verdict, ("take_id", "stage", "judgement_id"), rows)


def order_of_run(session: Session, run_id: str) -> OrderedRow:
    """The order that a run carries out."""
    query = (
        select(Catalog.name, Brief.id, Brief.use, Brief.licensee, Brief.text)
        .select_from(Run)
        .join(Brief, Brief.id == Run.brief_id)
        .join(Catalog, Catalog.id == Run.catalog_id)
        .where(Run.id == run_id)
    )
    return OrderedRow(*session.execute(query).one())


def asked_takes(session: Session, ids: Iterable[str]) -> Iterator[AskedTake]:
    """What the policy is to be asked about these takes."""
    for part in chunks(ids, PART):
        yield from asked_where(session, Take.id.in_(part))


def asked_where(session: Session, where: ColumnElement[bool]) -> Iterator[AskedTake]:
    """What the policy is to be asked about the takes that a condition holds for, streamed."""
    loop = Take.controls["loop"].as_boolean()
    query = (
        select(Take.id, Catalog.name, Take.generator, Take.revision, loop, Cue.brief_id)
        .join(Catalog, Catalog.id == Take.catalog_id)
        .join(Cue, Cue.id == Take.cue_id)
        .where(where)
        .execution_options(yield_per=5_000)
    )
    for id_, catalog, generator, revision, looped, brief_id in session.execute(query):
        yield AskedTake(id_, catalog, generator, revision, bool(looped), brief_id)


@dataclass(frozen=True, slots=True)
class FollowingTake:
    """A take that follows a recording: `audio` is what its controls say of it, `cue` names what its brief says."""

    id: str
    catalog: str
    cue: str
    brief_id: int
    audio: dict[str, Any]


def following_takes(session: Session, ids: Iterable[str]) -> Iterator[FollowingTake]:
    """Those of the takes that follow a recording."""
    query = (
        select(Take.id, Catalog.name, Cue.name, Cue.brief_id, Take.controls)
        .join(Catalog, Catalog.id == Take.catalog_id)
        .join(Cue, Cue.id == Take.cue_id)
        .where(Take.controls[("audio", "sha256")].as_string().is_not(None))
    )
    for part in chunks(ids, PART):
        for id_, catalog, cue, brief_id, controls in session.execute(query.where(Take.id.in_(part))):
            yield FollowingTake(id_, catalog, cue, brief_id, controls["audio"])


def generators_in(session: Session, catalog: str) -> list[str]:
    """The generators of a catalog's takes, as they are named there."""
    return list(session.scalars(select(Take.generator).distinct().join(Catalog).where(Catalog.name == catalog)))


def outputs(session: Session, catalog: str, generators: Collection[str], without: Collection[str] = ()) -> int:
    """How many takes with sound a catalog holds of some generators, whatever their revisions; `without` those ids.

    What was made counts, also what was rejected or is no longer ordered: terms speak of outputs, not of those kept."""
    mine = (Catalog.name == catalog, Take.generator.in_(generators), Take.pcm_sha256.is_not(None))
    query = select(Take.id if without else func.count()).join(Catalog, Catalog.id == Take.catalog_id).where(*mine)
    if not without:
        return session.scalar(query.select_from(Take)) or 0
    return sum(id_ not in without for id_ in session.scalars(query))


def brief_texts(session: Session, ids: Collection[int]) -> dict[int, bytes]:
    """Briefs by id, byte for byte as they were read."""
    return {id_: text for id_, text in session.execute(select(Brief.id, Brief.text).where(Brief.id.in_(ids)))}


def standing_brief(session: Session, brief_id: int, until: datetime) -> bytes | None:
    """The brief that a brief's catalog was last run from by then, byte for byte; what was imported is no such order."""
    catalog = select(Brief.catalog_id).where(Brief.id == brief_id).scalar_subquery()
    imported = (
        select(Cue.brief_id)
        .join(Take, Take.cue_id == Cue.id)
        .join(Derivation, Derivation.take_id == Take.id)
        .where(Take.catalog_id == catalog, Derivation.kind == "import")
    )
    query = (
        select(Brief.text)
        .join(Run, Run.brief_id == Brief.id)
        .where(Brief.catalog_id == catalog, Run.started_at <= until, Brief.id.not_in(imported))
        .order_by(Run.started_at.desc(), Brief.id.desc())
    )
    return session.scalar(query.limit(1))


def stated_licences(session: Session, takes: Collection[str]) -> dict[str, list[tuple[str, str, str]]]:
    """(kind, expression, source) of what takes were made from, by take: references, imported audio, lyrics, ..."""
    columns = (Derivation.take_id, Derivation.kind, Derivation.expression, Derivation.source)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for part in chunks(takes, PART):
        query = select(*columns).where(Derivation.take_id.in_(part)).order_by(Derivation.at, Derivation.id)
        for take, *rest in session.execute(query):
            found.setdefault(str(take), []).append((rest[0], rest[1], rest[2]))
    return found


def has_stated_licences(session: Session) -> bool:
    """Whether any take was made from something with a licence of its own."""
    return session.scalar(select(Derivation.id).where(Derivation.take_id.is_not(None)).limit(1)) is not None


def verdict_rows(session: Session, take_id: str) -> list[dict[str, Any]]:
    """What was decided of a take, oldest first, as plain JSON values: stage `plan` is the verdict on its order."""
    take = select(Take.generator, Take.revision, Cue.brief_id).join(Cue, Cue.id == Take.cue_id)
    found = session.execute(take.where(Take.id == take_id)).first()
    if found is None:
        return []
    ordered = (
        select(OrderVerdict.judged_at, Judgement)
        .join(Judgement, Judgement.id == OrderVerdict.judgement_id)
        .where(OrderVerdict.brief_id == found.brief_id)
        .where(Judgement.generator == found.generator, Judgement.revision == found.revision)
    )
    own = (
        select(Verdict.stage, Verdict.judged_at, Judgement)
        .join(Judgement, Judgement.id == Verdict.judgement_id)
        .where(Verdict.take_id == take_id)
    )
    rows = [("plan", at, judgement) for at, judgement in session.execute(ordered)]
    rows += [(stage, at, judgement) for stage, at, judgement in session.execute(own)]
    return [_told(*row) for row in sorted(rows, key=lambda row: (row[1], row[0], row[2].id))]


def _told(stage: str, at: datetime, judgement: Judgement) -> dict[str, Any]:
    return {
        "stage": stage, "answer": judgement.answer, "use": judgement.use, "licensee": judgement.licensee,
        "as_of": judgement.as_of.isoformat(), "judged_at": at.isoformat(), "judgement": judgement.id,
        "reasons": judgement.reasons, "duties": judgement.duties,
    }  # fmt: skip
