"""Fingerprints, and the look-ups of a trace: whose bytes, whose PCM, which take. No rule lives here."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.conflict import insert_missing
from db.rights_tables import Fingerprint, Reference, Release, ReleaseItem
from db.rows import NewFingerprint
from db.tables import Asset, Catalog, Take

KEYS = 500  # that a query names at once


@dataclass(frozen=True)
class Holder:
    """A stored file and the take that it belongs to."""

    take: str
    catalog: str
    title: str
    cue: str
    state: str
    status: str
    role: str
    media_type: str
    path: str
    sha256: str
    pcm_sha256: str | None


@dataclass(frozen=True)
class Released:
    """A file that went out with a release."""

    take: str
    release: str
    catalog: str
    path: str
    role: str


@dataclass(frozen=True)
class KnownReference:
    """Audio made elsewhere that takes are compared with."""

    sha256: str
    pcm_sha256: str
    name: str
    expression: str
    source: str
    by: str
    duration_s: float


@dataclass(frozen=True)
class Unheard:
    """A stored master (or reference) that has no fingerprint yet."""

    pcm_sha256: str
    sha256: str
    duration_s: float


def add_fingerprints(session: Session, fingerprints: Iterable[NewFingerprint]) -> None:
    """Insert those whose sound has none yet."""
    rows = [asdict(fingerprint) for fingerprint in fingerprints]
    insert_missing(session, Fingerprint, ("pcm_sha256",), rows)


def fingerprint_names(session: Session) -> list[str]:
    """The `pcm_sha256` of every fingerprint."""
    return list(session.scalars(select(Fingerprint.pcm_sha256)))


def fingerprint_count(session: Session) -> int:
    """How many fingerprints there are."""
    return session.scalar(select(func.count(Fingerprint.pcm_sha256))) or 0


def fingerprint_words(session: Session, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """(name, words) of those of `names` that there are."""
    for chunk in chunks(names, KEYS):
        query = select(Fingerprint.pcm_sha256, Fingerprint.words).where(Fingerprint.pcm_sha256.in_(chunk))
        yield from session.execute(query).tuples()


def unheard(session: Session, catalog: str | None = None) -> list[Unheard]:
    """Masters of finished mixes, and references, that have no fingerprint; one of each sound."""
    heard = select(Fingerprint.pcm_sha256)
    masters = (
        select(Asset.pcm_sha256, Asset.sha256, Asset.duration_s)
        .join(Take, Take.id == Asset.take_id)
        .where(Asset.role == "mix", Asset.pcm_sha256.is_not(None), Asset.pcm_sha256.not_in(heard), _of(catalog))
    )
    found = {pcm: Unheard(pcm, sha256, seconds or 0.0) for pcm, sha256, seconds in session.execute(masters)}
    if catalog is None:
        columns = select(Reference.pcm_sha256, Reference.sha256, Reference.duration_s)
        for pcm, sha256, seconds in session.execute(columns.where(Reference.pcm_sha256.not_in(heard))):
            found.setdefault(pcm, Unheard(pcm, sha256, seconds))
    return list(found.values())


def _of(catalog: str | None) -> ColumnElement[bool]:
    return true() if catalog is None else Take.catalog_id.in_(select(Catalog.id).where(Catalog.name == catalog))


def holders_of_bytes(session: Session, sha256: str) -> list[Holder]:
    """The takes that hold exactly this file."""
    return _holders(session, Asset.sha256 == sha256)


def holders_of_sound(session: Session, pcm_sha256: Collection[str]) -> dict[str, list[Holder]]:
    """The takes that hold each of these sounds in a lossless file, mixes first."""
    found: dict[str, list[Holder]] = defaultdict(list)
    for chunk in chunks(pcm_sha256, KEYS):
        for holder in _holders(session, Asset.pcm_sha256.in_(chunk)):
            found[holder.pcm_sha256 or ""].append(holder)
    return found


def holder_of_take(session: Session, take_id: str) -> Holder | None:
    """The master of a take; None where the take is unknown or has no sound."""
    return next(iter(_holders(session, (Asset.take_id == take_id) & (Asset.role == "mix"))), None)


def _holders(session: Session, where: ColumnElement[bool]) -> list[Holder]:
    query: Select[Any] = (
        select(
            Take.id, Catalog.name, Catalog.title, Take.cue, Take.state, Take.status, Asset.role, Asset.media_type,
            Asset.path, Asset.sha256, Asset.pcm_sha256,
        )
        .join(Take, Take.id == Asset.take_id)
        .join(Catalog, Catalog.id == Take.catalog_id)
        .where(where)
        .order_by((Asset.role != "mix"), (Take.status != "done"), Take.planned_at, Take.id, Asset.id)
    )
    return [Holder(*row) for row in session.execute(query)]


def released_as(session: Session, sha256: str) -> list[Released]:
    """The releases that this file went out with, as it went out."""
    query = (
        select(ReleaseItem.take_id, Release.name, Catalog.name, ReleaseItem.path, ReleaseItem.role)
        .join(Release, Release.id == ReleaseItem.release_id)
        .join(Catalog, Catalog.id == Release.catalog_id)
        .where(ReleaseItem.sha256 == sha256)
        .order_by(Release.created_at, ReleaseItem.path)
    )
    return [Released(*row) for row in session.execute(query)]


def references(session: Session, where: ColumnElement[bool] | None = None) -> list[KnownReference]:
    """References, oldest first."""
    columns = [getattr(Reference, name) for name in KnownReference.__dataclass_fields__]
    query = select(*columns).where(true() if where is None else where).order_by(Reference.at, Reference.sha256)
    return [KnownReference(*row) for row in session.execute(query)]


def references_of_sound(session: Session, pcm_sha256: Collection[str]) -> dict[str, list[KnownReference]]:
    """The references with each of these sounds."""
    found: dict[str, list[KnownReference]] = defaultdict(list)
    for chunk in chunks(pcm_sha256, KEYS):
        for reference in references(session, Reference.pcm_sha256.in_(chunk)):
            found[reference.pcm_sha256].append(reference)
    return found


def mixes(session: Session, catalog: str) -> dict[str, list[str]]:
    """The takes of a catalog that are done, by the `pcm_sha256` of their mix."""
    query = select(Take.pcm_sha256, Take.id).where(Take.status == "done", Take.pcm_sha256.is_not(None), _of(catalog))
    found: dict[str, list[str]] = defaultdict(list)
    for pcm_sha256, take_id in session.execute(query.order_by(Take.position, Take.id)):
        if pcm_sha256 is not None:
            found[pcm_sha256].append(take_id)
    return found
