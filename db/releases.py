"""Reviews, contributions, releases and withdrawals: written once, read by whoever delivers, lists or audits.

Rows are only ever added; which of them counts (the newest review, a withdrawal) is decided here, once. Ledger entries
are the caller's, in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.chunks import chunks
from db.ledger_rows import Rows, merged, rows_from
from db.rights_tables import (
    Contribution,
    Derivation,
    LicenceFact,
    Release,
    ReleaseItem,
    Review,
    Verdict,
    Withdrawal,
)
from db.tables import Base, Brief, Catalog, Cue, Generator, Take
from db.takes import in_catalog, newest_brief
from db.verdicts import AskedTake, asked_where

KEYS_A_QUERY = 500


@dataclass(frozen=True)
class ReviewRow:
    id: str
    take_id: str
    decision: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True)
class ContributionRow:
    """`sha256` is the file that was brought along, kept as a blob."""

    id: str
    take_id: str
    kind: str
    by: str
    note: str
    sha256: str | None
    at: datetime


@dataclass(frozen=True)
class DerivationRow:
    id: str
    sha256: str
    source_sha256: str | None
    take_id: str | None
    kind: str
    expression: str
    source: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True)
class ReleaseRow:
    """A release as it is read; `withdrawal` is None while it stands. `manifest` is None where it was not asked for."""

    id: str
    catalog: str
    name: str
    use: str
    licensee: dict[str, Any]
    target: str
    folder: str
    by: str
    created_at: datetime
    manifest_sha256: str
    withdrawal: "WithdrawalRow | None" = None
    manifest: str | None = None


@dataclass(frozen=True)
class ItemRow:
    release_id: str
    path: str
    take_id: str
    role: str
    media_type: str
    sha256: str
    bytes: int
    source_sha256: str
    judgement_id: str


@dataclass(frozen=True)
class WithdrawalRow:
    release_id: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Ordered:
    """Which brief first ordered a take."""

    brief_id: int
    use: str
    licensee: dict[str, Any]


@dataclass(frozen=True)
class FactText:
    """What a licence fact says to those who pass music on."""

    id: str
    subject: str
    expression: str
    attribution: str
    source: str
    grade: str


def hold_reviews(session: Session, catalog: str) -> None:
    """Let nobody else decide on takes of `catalog` until the transaction ends, so that "newest" is one thing."""
    lock_transaction(session.connection(), f"reviews {catalog}")


def newest_reviews(session: Session, take_ids: Iterable[str]) -> dict[str, ReviewRow]:
    """The review that counts, by take; takes without one are left out."""
    return {take_id: rows[-1] for take_id, rows in reviews(session, take_ids).items()}


def reviews(session: Session, take_ids: Iterable[str]) -> dict[str, list[ReviewRow]]:
    """Every review by take, oldest first."""
    return _by_take(session, Review, ReviewRow, take_ids)


def contributions(session: Session, take_ids: Iterable[str]) -> dict[str, list[ContributionRow]]:
    """What people put in, by take, oldest first."""
    return _by_take(session, Contribution, ContributionRow, take_ids)


def derivations(session: Session, take_ids: Iterable[str]) -> dict[str, list[DerivationRow]]:
    """Files made from takes, by take, oldest first."""
    return _by_take(session, Derivation, DerivationRow, take_ids)


def _by_take(session: Session, table: Any, row: Any, take_ids: Iterable[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    columns = [getattr(table, field.name) for field in fields(row)]
    for part in chunks(take_ids, KEYS_A_QUERY):
        query = select(*columns).where(table.take_id.in_(part)).order_by(table.at, table.id)
        for values in session.execute(query):
            found[values.take_id].append(row(*values))
    return found


def add_reviews(session: Session, rows: Sequence[ReviewRow]) -> dict[str, Rows]:
    """Insert reviews; returns what the ledger is to hold of them, by subject, as every `add_` here does."""
    return _add(session, Review, map(asdict, rows))


def add_contributions(session: Session, rows: Sequence[ContributionRow]) -> dict[str, Rows]:
    return _add(session, Contribution, map(asdict, rows))


def add_derivations(session: Session, rows: Sequence[DerivationRow]) -> dict[str, Rows]:
    return _add(session, Derivation, map(asdict, rows))


def add_withdrawal(session: Session, row: WithdrawalRow) -> dict[str, Rows]:
    return _add(session, Withdrawal, [asdict(row)])


def add_release(session: Session, row: ReleaseRow, items: Sequence[ItemRow]) -> dict[str, Rows]:
    """Insert a release with its files. Raises IntegrityError where its catalog has one of that name."""
    values = {name: getattr(row, name) for name in (*_RELEASE_COLUMNS, "manifest")}
    held = _add(session, Release, [values | {"catalog_id": _catalog_id(session, row.catalog)}])
    return merged(held, _add(session, ReleaseItem, map(asdict, items)))


def _add(session: Session, table: type[Base], rows: Iterable[dict[str, Any]]) -> dict[str, Rows]:
    held = []
    for part in chunks(rows):
        session.execute(insert(table), part)
        held.append(rows_from(table, part))
    return merged(*held)


def _catalog_id(session: Session, catalog: str) -> int:
    return session.scalars(select(Catalog.id).where(Catalog.name == catalog)).one()


_RELEASE_COLUMNS = ("id", "name", "use", "licensee", "target", "folder", "by", "created_at", "manifest_sha256")


def release_rows(
    session: Session, catalog: str | None = None, where: ColumnElement[bool] | None = None, manifests: bool = False
) -> Iterator[ReleaseRow]:
    """Releases, oldest first, with the withdrawal of those that were called back."""
    columns = [getattr(Release, name) for name in _RELEASE_COLUMNS]
    query = (
        select(*columns, Catalog.name.label("catalog"), Withdrawal.by, Withdrawal.reason, Withdrawal.at)
        .join(Catalog, Catalog.id == Release.catalog_id)
        .outerjoin(Withdrawal, Withdrawal.release_id == Release.id)
        .order_by(Release.created_at, Release.id)
    )
    if manifests:
        query = query.add_columns(Release.manifest)
    if catalog is not None:
        query = query.where(Catalog.name == catalog)
    if where is not None:
        query = query.where(where)
    for *values, catalog_name, by, reason, at, manifest in _padded(session, query, manifests):
        named = dict(zip(_RELEASE_COLUMNS, values, strict=True))
        withdrawal = WithdrawalRow(named["id"], by, reason, at) if at is not None else None
        yield ReleaseRow(catalog=catalog_name, withdrawal=withdrawal, manifest=manifest, **named)


def _padded(session: Session, query: Any, whole: bool) -> Iterator[tuple[Any, ...]]:
    return (tuple(row) if whole else (*row, None) for row in session.execute(query))


def release_items(session: Session, release_id: str) -> list[ItemRow]:
    """The files of a release by path."""
    columns = [getattr(ReleaseItem, field.name) for field in fields(ItemRow)]
    query = select(*columns).where(ReleaseItem.release_id == release_id).order_by(ReleaseItem.path)
    return [ItemRow(*values) for values in session.execute(query)]


def releases_of_take(session: Session, take_id: str) -> list[ReleaseRow]:
    """The releases that a take went out with, oldest first."""
    mine = select(ReleaseItem.release_id).where(ReleaseItem.take_id == take_id)
    return list(release_rows(session, where=Release.id.in_(mine)))


def item_counts(session: Session) -> dict[str, tuple[int, int]]:
    """(takes, files) by release."""
    counted = func.count(ReleaseItem.take_id.distinct()), func.count()
    query = select(ReleaseItem.release_id, *counted).group_by(ReleaseItem.release_id)
    return {release_id: (takes, files) for release_id, takes, files in session.execute(query)}


def ordered_by(session: Session, take_ids: Iterable[str]) -> dict[str, Ordered]:
    """The brief that first ordered each take."""
    found: dict[str, Ordered] = {}
    for part in chunks(take_ids, KEYS_A_QUERY):
        query = select(Take.id, Brief.id, Brief.use, Brief.licensee).join(Cue, Cue.id == Take.cue_id)
        for take_id, brief_id, use, licensee in session.execute(query.join(Brief).where(Take.id.in_(part))):
            found[take_id] = Ordered(brief_id, use, licensee)
    return found


def newest_licensee(session: Session, catalog: str) -> dict[str, Any] | None:
    """For whom the brief is that a catalog was last run from; None where it has none."""
    _, digest, use = newest_brief(session, catalog)
    mine = (Catalog.name == catalog, Brief.sha256 == digest, Brief.use == use)
    return session.scalar(select(Brief.licensee).join(Catalog, Catalog.id == Brief.catalog_id).where(*mine))


def prompt_digests(session: Session, take_ids: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each take's prompt."""
    found: dict[str, str] = {}
    for part in chunks(take_ids, KEYS_A_QUERY):
        query = select(Take.id, Take.prompt_sha256).where(Take.id.in_(part))
        found |= {id_: key for id_, key in session.execute(query)}
    return found


def siblings(session: Session, take_ids: Iterable[str]) -> dict[str, list[str]]:
    """The variations that each take was one of: finished takes of its zone, cue and point, itself among them."""
    wanted: list[Any] = []
    for part in chunks(take_ids, KEYS_A_QUERY):
        wanted += session.execute(select(Take.id, *_GROUP).where(Take.id.in_(part)))
    groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for catalog_id, cue in {(row.catalog_id, row.cue) for row in wanted}:
        mine = (Take.catalog_id == catalog_id) & (Take.cue == cue) & (Take.status == "done")
        for row in session.execute(select(Take.id, *_GROUP).where(mine)):
            groups[_group(row)].append(row.id)
    return {row.id: groups.get(_group(row), []) for row in wanted}


_GROUP = (Take.catalog_id, Take.zone, Take.cue, Take.point)


def _group(row: Any) -> tuple[Any, ...]:
    return row.catalog_id, row.zone, row.cue, tuple(sorted(row.point.items()))


def reviewed_takes(session: Session, catalog: str) -> dict[str, str]:
    """The decision that counts, by take, of every take of a catalog that somebody decided on."""
    mine = select(Review.take_id, Review.decision).join(Take, Take.id == Review.take_id).where(in_catalog(catalog))
    return {take_id: decision for take_id, decision in session.execute(mine.order_by(Review.at, Review.id))}


def fact_texts(session: Session, fact_ids: Iterable[str]) -> dict[str, FactText]:
    """What the facts say of licence and attribution, by id."""
    columns = [getattr(LicenceFact, field.name) for field in fields(FactText)]
    found: dict[str, FactText] = {}
    for part in chunks(fact_ids, KEYS_A_QUERY):
        for values in session.execute(select(*columns).where(LicenceFact.id.in_(part))):
            found[values.id] = FactText(*values)
    return found


def generator_cards(session: Session) -> dict[tuple[str, str], dict[str, Any]]:
    """What was known of each generator and revision when it first made something."""
    columns = (Generator.id, Generator.revision, Generator.weights_digest, Generator.card)
    found = session.execute(select(*columns))
    return {(id_, revision): {"weights_digest": digest, **card} for id_, revision, digest, card in found}


def released_takes(session: Session, release_id: str) -> list[AskedTake]:
    """What the policy is to be asked about the takes of a release."""
    mine = select(ReleaseItem.take_id).where(ReleaseItem.release_id == release_id)
    return list(asked_where(session, Take.id.in_(mine)))


def missing_verdicts(session: Session, stage: str, judged: Mapping[str, str]) -> dict[str, str]:
    """Those of the verdicts (judgement by take id) that are not on record yet."""
    there: set[tuple[str, str]] = set()
    for part in chunks(judged, KEYS_A_QUERY):
        query = select(Verdict.take_id, Verdict.judgement_id).where(Verdict.stage == stage, Verdict.take_id.in_(part))
        there |= {(take_id, judgement_id) for take_id, judgement_id in session.execute(query)}
    return {take_id: judgement_id for take_id, judgement_id in judged.items() if (take_id, judgement_id) not in there}
