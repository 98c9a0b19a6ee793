"""Finds every take that a fact, a generator or a prompt touches, and what became of it. Writes nothing.

Why it exists: when a term changes, the list must be there in seconds on a million takes. Each question is an index
away from its takes; which takes they are is a condition on `Take`, and what hangs on them is read as an audit reads it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, union
from sqlalchemy.orm import Session

from db.audit import among
from db.rights_tables import Judgement, JudgementFact, OrderVerdict, Verdict
from db.tables import Asset, Catalog, Cue, Generator, Prompt, Take

PAGE = 20_000


@dataclass(frozen=True, slots=True)
class TouchedTake:
    """A touched take as it is read; `standing` and reviews are added from elsewhere."""

    id: str
    catalog: str
    state: str
    cue: str
    zone: str | None
    status: str
    generator: str
    revision: str
    prompt_sha256: str
    pcm_sha256: str | None


def generators(session: Session) -> list[tuple[str, str]]:
    """(name, revision) of every generator that ever made or was ordered to make something."""
    return [(id_, revision) for id_, revision in session.execute(select(Generator.id, Generator.revision))]


def of_generators(made: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a take is of one of these generators (name, revision)."""
    return or_(false(), *(and_(Take.generator == name, Take.revision == revision) for name, revision in made))


def of_facts(session: Session, facts: Sequence[str], made: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a take was judged by one of these facts, at any stage, or is of one of the generators."""
    judged = select(JudgementFact.judgement_id).where(among(session, JudgementFact.fact_id, facts))
    recorded = select(Verdict.take_id).where(Verdict.judgement_id.in_(judged))
    ordered = (
        select(Take.id)
        .join(Cue, Cue.id == Take.cue_id)
        .join(OrderVerdict, OrderVerdict.brief_id == Cue.brief_id)
        .join(Judgement, Judgement.id == OrderVerdict.judgement_id)
        .where(OrderVerdict.judgement_id.in_(judged))
        .where(Take.generator == Judgement.generator, Take.revision == Judgement.revision)
    )
    named = select(Take.id).where(of_generators(made))
    return Take.id.in_(union(recorded, ordered, named).scalar_subquery())


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


def touched(session: Session, where: ColumnElement[bool]) -> Iterator[list[TouchedTake]]:
    """The takes that a condition holds for, in catalog and brief order, by the page."""
    query = (
        select(
            Take.id, Catalog.name, Take.state, Take.cue, Take.zone, Take.status, Take.generator, Take.revision,
            Take.prompt_sha256, Take.pcm_sha256,
        )
        .join(Catalog, Catalog.id == Take.catalog_id)
        .where(where)
        .order_by(Take.catalog_id, Take.position, Take.id)
        .execution_options(yield_per=PAGE)
    )  # fmt: skip
    with session.connection().execute(query) as found:
        for page in found.partitions(PAGE):
            yield [TouchedTake(*row) for row in page]


def asset_digests(session: Session, takes: Sequence[str]) -> dict[str, list[str]]:
    """SHA-256 of every stored file of each take."""
    query = select(Asset.take_id, Asset.sha256).where(among(session, Asset.take_id, takes)).order_by(Asset.id)
    found: dict[str, list[str]] = defaultdict(list)
    for take, sha256 in session.connection().execute(query):
        found[take].append(sha256)
    return found


def in_catalog_named(name: str) -> ColumnElement[bool]:
    """The condition that a take belongs to the catalog `name`."""
    return Take.catalog_id.in_(select(Catalog.id).where(Catalog.name == name))


