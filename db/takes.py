"""Reads takes: streamed, with their assets and measurements, for lists, pages, exports and checks. Writes nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from db.rows import AssetRow, TakeRow
from db.tables import Asset, Brief, Catalog, Cue, EngineProfile, Measurement, Take

READ_CHUNK = 2_000
_TAKE_COLUMNS = tuple(
    name for name in TakeRow.__dataclass_fields__ if name not in ("catalog", "assets", "measurements")
)


def take_rows(session: Session, where: ColumnElement[bool] | None = None, with_assets: bool = True) -> Iterator[TakeRow]:
    """Takes in catalog and brief order; memory stays bounded however many there are."""
    last: tuple[int, int, str] = (0, -1, "")
    condition = true() if where is None else where
    columns = [getattr(Take, name) for name in _TAKE_COLUMNS]
    while True:
        query = (
            select(Take.catalog_id, Catalog.name, *columns)
            .join(Catalog, Catalog.id == Take.catalog_id)
            .where(condition, _after(last))
            .order_by(Take.catalog_id, Take.position, Take.id)
            .limit(READ_CHUNK)
        )
        found = session.execute(query).all()
        ids = [row.id for row in found]
        assets = _assets(session, ids) if with_assets else {}
        measured = _measurements(session, ids) if with_assets else {}
        for row in found:
            values = {name: getattr(row, name) for name in _TAKE_COLUMNS}
            yield TakeRow(
                catalog=row.name, assets=tuple(assets.get(row.id, ())), measurements=measured.get(row.id, {}), **values
            )
        if len(found) < READ_CHUNK:
            return
        last = (found[-1].catalog_id, found[-1].position, found[-1].id)


def _after(last: tuple[int, int, str]) -> ColumnElement[bool]:
    """Rows behind `last` in (catalog, position, id) order."""
    catalog, position, id_ = last
    same_catalog = (Take.catalog_id == catalog) & (
        (Take.position > position) | ((Take.position == position) & (Take.id > id_))
    )
    return (Take.catalog_id > catalog) | same_catalog


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
    return Catalog.name == name


def with_state(state: str) -> ColumnElement[bool]:
    """The condition that a take is of a state or of a cue named `state`."""
    return (Take.state == state) | (Take.cue == state)


def with_status(*statuses: str) -> ColumnElement[bool]:
    """The condition that a take has one of the statuses."""
    return Take.status.in_(statuses)


def with_id_prefix(prefix: str) -> ColumnElement[bool]:
    """The condition that a take's id begins with `prefix` (lower-case hexadecimal)."""
    return Take.id.startswith(prefix, autoescape=True)


def catalog_names(session: Session) -> list[tuple[str, str]]:
    """(name, title) of every catalog, oldest first."""
    return [(name, title) for name, title in session.execute(select(Catalog.name, Catalog.title).order_by(Catalog.id))]


def status_counts(session: Session, catalog: str) -> dict[str, int]:
    """A catalog's takes counted by status."""
    query = select(Take.status, func.count()).join(Catalog).where(Catalog.name == catalog).group_by(Take.status)
    return {status: count for status, count in session.execute(query)}


def referenced_blobs(session: Session) -> Iterator[str]:
    """The SHA-256 of every stored file that some asset refers to."""
    return iter(session.scalars(select(Asset.sha256).distinct()))


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
    """(title, digest, use) of the brief that a catalog was last planned from."""
    query = select(Catalog.title, Brief.sha256, Brief.use).join(Brief, Brief.catalog_id == Catalog.id)
    found = session.execute(query.where(Catalog.name == catalog).order_by(Brief.planned_at.desc())).first()
    return (found.title, found.sha256, found.use) if found else (catalog, "", "")
