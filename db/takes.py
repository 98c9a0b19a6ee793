"""Reads takes: streamed, with their assets and measurements, for lists, pages, exports and checks. Writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from db.acceptance import newest_acceptances
from db.rights_tables import UNJUDGED, Contribution, Derivation, Reference
from db.rows import AssetRow, TakeRow
from db.tables import Asset, Brief, Catalog, Cue, EngineProfile, Measurement, Prompt, Run, Take

READ_CHUNK = 2_000
_TAKE_COLUMNS = tuple(
    name for name in TakeRow.__dataclass_fields__ if name not in ("catalog", "assets", "measurements", "acceptance")
)


def take_rows(
    session: Session, where: ColumnElement[bool] | None = None, with_assets: bool = True
) -> Iterator[TakeRow]:
    """Takes in catalog and brief order, streamed: memory stays bounded however many there are."""
    catalogs = {id_: name for id_, name in session.execute(select(Catalog.id, Catalog.name))}
    columns = [Prompt.text if name == "prompt" else getattr(Take, name) for name in _TAKE_COLUMNS]
    query = (
        select(Take.catalog_id, *columns)
        .join(Prompt, Prompt.sha256 == Take.prompt_sha256)
        .where(true() if where is None else where)
        .order_by(Take.catalog_id, Take.position, Take.id)
        .execution_options(yield_per=READ_CHUNK)
    )
    with session.execute(query) as found:
        for page in found.partitions():
            ids = [row.id for row in page] if with_assets else []
            assets, measured = _assets(session, ids), _measurements(session, ids)
            accepted = newest_acceptances(session, ids)
            for catalog_id, *values in page:
                named = dict(zip(_TAKE_COLUMNS, values, strict=True))
                files = tuple(assets.get(named["id"], ()))
                measurements = measured.get(named["id"], {})
                judged = accepted.get(named["id"])
                if judged is not None and (judged.pcm_sha256 != named["pcm_sha256"] or judged.outcome == UNJUDGED):
                    judged = None  # it was made anew since, or its brief asks for nothing any more
                catalog = catalogs[catalog_id]
                yield TakeRow(catalog=catalog, assets=files, measurements=measurements, acceptance=judged, **named)


def _assets(session: Session, take_ids: Sequence[str]) -> dict[str, list[AssetRow]]:
    found: dict[str, list[AssetRow]] = defaultdict(list)
    columns = [getattr(Asset, name) for name in AssetRow.__dataclass_fields__]
    for part in _parts(take_ids):
        query = select(Asset.take_id, *columns).where(Asset.take_id.in_(part)).order_by(Asset.id)
        for take_id, *values in session.execute(query):
            found[take_id].append(AssetRow(*values))
    return found


def _measurements(session: Session, take_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for part in _parts(take_ids):
        query = select(Measurement.take_id, Measurement.name, Measurement.value).where(Measurement.take_id.in_(part))
        for take_id, name, value in session.execute(query):
            found[take_id][name] = value
    return found


def _parts(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def in_catalog(name: str) -> ColumnElement[bool]:
    """The condition that a take belongs to the catalog `name`."""
    return Take.catalog_id.in_(select(Catalog.id).where(Catalog.name == name))


def with_state(state: str) -> ColumnElement[bool]:
    """The condition that a take is of a state or of a cue named `state`."""
    return (Take.state == state) | (Take.cue == state)


def with_status(*statuses: str) -> ColumnElement[bool]:
    """The condition that a take has one of the statuses."""
    return Take.status.in_(statuses)


def with_ids(ids: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a take is one of these (a few hundred)."""
    return Take.id.in_(ids)


def count_with_sound(session: Session, ids: Collection[str]) -> int:
    """How many of these takes need not be made when they are ordered: done, or superseded with their sound. Counted by
    the database; a superseded take without sound is planned anew when it is ordered again."""
    made = Take.pcm_sha256.is_not(None) & with_status("done", "superseded")
    query = select(func.count()).select_from(Take).where(made)
    return sum(session.scalar(query.where(Take.id.in_(part))) or 0 for part in _parts(tuple(ids)))


def with_id_prefix(prefix: str) -> ColumnElement[bool]:
    """The condition that a take's id begins with `prefix` (lower-case hexadecimal): a range, so the key is used."""
    return (Take.id >= prefix) & (Take.id < prefix + "g")


def catalog_names(session: Session) -> list[tuple[str, str]]:
    """(name, title) of every catalog, oldest first."""
    return [(name, title) for name, title in session.execute(select(Catalog.name, Catalog.title).order_by(Catalog.id))]


def generator_names(session: Session, where: ColumnElement[bool]) -> list[str]:
    """The names of the generators of such takes, sorted."""
    return list(session.scalars(select(Take.generator).where(where).distinct().order_by(Take.generator)))


def status_counts(session: Session, catalog: str) -> dict[str, int]:
    """A catalog's takes counted by status."""
    query = select(Take.status, func.count()).join(Catalog).where(Catalog.name == catalog).group_by(Take.status)
    return {status: count for status, count in session.execute(query)}


def referenced_among(session: Session, digests: Sequence[str]) -> set[str]:
    """Those of the SHA-256 `digests` that some asset, reference, contribution or derivation refers to."""
    found: set[str] = set()
    for part in _parts(digests):
        for column in (Asset.sha256, Reference.sha256, Contribution.sha256, Derivation.sha256):
            found |= {key for key in session.scalars(select(column).where(column.in_(part))) if key}
    return found


def knows_assets(session: Session) -> bool:
    """Whether the database knows of any stored file at all."""
    return session.scalar(select(Asset.id).limit(1)) is not None


def take_profile(session: Session, take_id: str) -> dict[str, Any] | None:
    """The engine profile that a take's sound was computed with; None before it has one."""
    query = select(EngineProfile.profile).join(Asset, Asset.engine_profile == EngineProfile.sha256)
    return session.scalars(query.where(Asset.take_id == take_id).limit(1)).first()


def brief_of(session: Session, take_id: str) -> dict[str, Any] | None:
    """Which brief first ordered a take: its digest, use and licensee."""
    query = select(Brief.sha256, Brief.use, Brief.licensee, Brief.planned_at)
    found = session.execute(query.join(Cue).join(Take, Take.cue_id == Cue.id).where(Take.id == take_id)).first()
    if found is None:
        return None
    return {"sha256": found.sha256, "use": found.use, "licensee": found.licensee}


def newest_brief(session: Session, catalog: str) -> tuple[str, str, str]:
    """(title, digest, use) of the brief that a catalog was last run from; one never run counts from its planning."""
    last = func.coalesce(func.max(Run.started_at), Brief.planned_at)
    query = (
        select(Catalog.title, Brief.sha256, Brief.use)
        .join(Brief, Brief.catalog_id == Catalog.id)
        .outerjoin(Run, Run.brief_id == Brief.id)
        .where(Catalog.name == catalog)
        .group_by(Brief.id, Catalog.title, Brief.sha256, Brief.use, Brief.planned_at)
        .order_by(last.desc(), Brief.id.desc())
    )
    found = session.execute(query.limit(1)).first()
    return (found.title, found.sha256, found.use) if found else (catalog, "", "")
