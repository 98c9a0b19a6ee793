"""Finds every take that a fact, a generator or a prompt touches, and what became of it. Writes nothing.

Why it exists: when a term changes, the list must be there in seconds on a million takes. Each question is an index
away from its takes; which takes they are is a condition on `Take`, and what hangs on them is read as an audit reads it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, union
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from db.audit import among, joined, read_whole
from db.rights_tables import Judgement, JudgementFact, OrderVerdict, ReleaseItem, Review, Verdict
from db.tables import Asset, Catalog, Cue, Generator, Prompt, Take

PAGE = 20_000


def generators(session: Session) -> list[tuple[str, str]]:
    """(name, revision) of every generator that ever made or was ordered to make something."""
    return [(id_, revision) for id_, revision in session.execute(select(Generator.id, Generator.revision))]


def of_generators(made: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a take is of one of these generators (name, revision)."""
    return or_(false(), *(and_(Take.generator == name, Take.revision == revision) for name, revision in made))


def of_facts(session: Session, facts: Sequence[str], made: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a take is of one of the generators, or was judged by one of these facts, at any stage.

    Judgements are about one generator each: those about `made` add nothing to its takes and are not followed."""
    query = select(Judgement.id, Judgement.generator, Judgement.revision)
    query = query.join(JudgementFact, JudgementFact.judgement_id == Judgement.id).distinct()
    found = session.execute(query.where(among(session, JudgementFact.fact_id, facts)))
    others = [id_ for id_, generator, revision in found if (generator, revision) not in set(made)]
    return _judged(session, others, of_generators(made)) if others else of_generators(made)


def _judged(session: Session, judgements: Sequence[str], made: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a take, or the order of it, got one of these judgements, or that it is `made`.

    One set of takes without an OR beside it: PostgreSQL would look through that set once for every take."""
    recorded = select(Verdict.take_id).where(among(session, Verdict.judgement_id, judgements))
    ordered = (
        select(Take.id)
        .join(Cue, Cue.id == Take.cue_id)
        .join(OrderVerdict, OrderVerdict.brief_id == Cue.brief_id)
        .join(Judgement, Judgement.id == OrderVerdict.judgement_id)
        .where(among(session, OrderVerdict.judgement_id, judgements))
        .where(Take.generator == Judgement.generator, Take.revision == Judgement.revision)
    )
    return Take.id.in_(union(recorded, ordered, select(Take.id).where(made)).scalar_subquery())


def any_take(session: Session, where: ColumnElement[bool]) -> bool:
    """Whether a condition holds for any take."""
    return session.scalar(select(Take.id).where(where).limit(1)) is not None


def of_prompts(digests: Sequence[str], session: Session) -> ColumnElement[bool]:
    """The condition that a take was ordered with one of these prompts."""
    return among(session, Take.prompt_sha256, digests)


def prompt_with_digest(session: Session, prefix: str) -> list[str]:
    """Digests of prompts that begin with `prefix` (lower-case hexadecimal)."""
    query = select(Prompt.sha256).where(Prompt.sha256 >= prefix, Prompt.sha256 < prefix + "g")
    return list(session.scalars(query))


def prompts_containing(session: Session, text: str) -> list[str]:
    """Digests of the prompts that contain `text`, in whatever case."""
    wanted = text.casefold()
    if text.isascii():
        hit = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
        found = select(Prompt.sha256).where(hit(func.lower(Prompt.text), literal(text.lower())) > 0)
        return list(session.connection().scalars(found))
    query = select(Prompt.sha256, Prompt.text).execution_options(yield_per=PAGE)
    return [sha256 for sha256, prompt in session.connection().execute(query) if wanted in prompt.casefold()]


def touched(session: Session, where: ColumnElement[bool]) -> Iterator[Sequence[Row[Any]]]:
    """The takes that a condition holds for, in catalog and brief order, by the page.

    Rows of id, catalog, state, cue, zone, status, generator, revision, digest of the prompt, PCM, and the digests of
    the files with commas between."""
    query = (
        select(
            Take.id, Catalog.name, Take.state, Take.cue, Take.zone, Take.status, Take.generator, Take.revision,
            Take.prompt_sha256, Take.pcm_sha256, joined(session, Asset.sha256, Asset.take_id == Take.id),
        )
        .join(Catalog, Catalog.id == Take.catalog_id)
        .where(where)
        .order_by(Take.catalog_id, Take.position, Take.id)
        .execution_options(yield_per=PAGE)
    )  # fmt: skip
    read_whole(session)
    with session.connection().execute(query) as found:
        yield from found.partitions(PAGE)


def decisions(session: Session, takes: Sequence[str]) -> dict[str, str]:
    """The decision of the newest review of each of the takes."""
    query = select(Review.take_id, Review.decision).where(among(session, Review.take_id, takes))
    found = session.connection().execute(query.order_by(Review.at, Review.id))
    return {take: decision for take, decision in found}


def released_in(session: Session, takes: Sequence[str]) -> dict[str, list[str]]:
    """Ids of the releases that each of the takes is part of, in order."""
    query = select(ReleaseItem.take_id, ReleaseItem.release_id).where(among(session, ReleaseItem.take_id, takes))
    found: dict[str, list[str]] = {}
    for take, release in sorted({(take, release) for take, release in session.connection().execute(query)}):
        found.setdefault(take, []).append(release)
    return found


def in_catalog_named(name: str) -> ColumnElement[bool]:
    """The condition that a take belongs to the catalog `name`."""
    return Take.catalog_id.in_(select(Catalog.id).where(Catalog.name == name))


