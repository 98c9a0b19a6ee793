"""What the ledger holds of the catalog's rows: one value a row, made the same way when it is recorded and when checked.

Rules:
- A row belongs to the entry about its subject: a take's files to the take, a release's items to the release. `KEPT`
  says which column that is; an entry's body names only rows of its own subject.
- A row's value is a list: the columns in `shown` as they are, then SHA-256 of the canonical JSON of all columns that
  are covered, where there are others. Under a subject, a row is named by its `key` columns, joined by spaces.
- Rows of a table that is `replaced` may be recorded anew after their take was planned again; no other row ever changes.

Nothing here writes.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, select
from sqlalchemy.orm import Session

from db.canonical import digest, plain_column
from db.chunks import chunks
from db.rights_tables import (
    Acceptance,
    Contribution,
    Derivation,
    Judgement,
    JudgementFact,
    LicenceFact,
    OrderVerdict,
    Reference,
    Release,
    ReleaseItem,
    Review,
    Verdict,
    Withdrawal,
)
from db.tables import Asset, Attempt, Base, Brief, Measurement, Registration, Take
from db.training_tables import Training, TrainingTake

Rows = dict[str, dict[str, list[Any]]]  # table -> key -> value


@dataclass(frozen=True)
class Kept:
    """How the ledger holds a table. `covered` None means every column but those of subject and key."""

    entity: type[Base]
    subject: str
    key: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    covered: tuple[str, ...] | None = None
    replaced: bool = False
    through: str | None = None  # the foreign key to the brief whose digest is the subject

    @property
    def name(self) -> str:
        return self.entity.__tablename__

    @property
    def table(self) -> Table:
        found = self.entity.__table__
        assert isinstance(found, Table)
        return found

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """The columns that only the digest holds."""
        named = self.covered or tuple(column.name for column in self.table.columns)
        return tuple(name for name in named if name not in (self.subject, *self.key, *self.shown))

    @property
    def subject_column(self) -> ColumnElement[Any]:
        return Brief.__table__.c.sha256 if self.through else self.table.c[self.subject]

    def query(self) -> Select[Any]:
        """The subject, then the columns of key, shown and hidden."""
        columns = [self.table.c[name] for name in (*self.key, *self.shown, *self.hidden)]
        return select(self.subject_column, *columns).select_from(self._source())

    def _source(self) -> FromClause:
        if self.through is None:
            return self.table
        return self.table.join(Brief.__table__, self.table.c[self.through] == Brief.__table__.c.id)

    def value(self, subject: str, values: Iterable[Any]) -> tuple[str, list[Any]]:
        """(key, value) of a row as `query` gives it without its subject."""
        plain = [plain_column(value) for value in values]
        shown = len(self.key) + len(self.shown)
        named, value = plain[: len(self.key)], plain[len(self.key) : shown]
        if self.hidden:
            columns = dict(zip((*self.key, *self.shown, *self.hidden), plain, strict=True))
            value = [*value, digest({"subject": subject, "table": self.name, "row": columns})]
        return " ".join(map(str, named)), value

    def held(self, row: Mapping[str, Any]) -> tuple[str, str, list[Any]]:
        """(subject, key, value) of a row given by its columns."""
        subject = str(row[self.subject])
        return subject, *self.value(subject, (row[name] for name in (*self.key, *self.shown, *self.hidden)))


_TAKE_COLUMNS = ("pcm_sha256", "folder", "state", "understanding", "planned_at", "recorded_at", "run_id", "cue_id")
_ASSET_COLUMNS = ("sha256", "bytes", "path", "duration_s", "pcm_sha256", "engine_profile")
_ATTEMPT_COLUMNS = ("actor", "engine_profile", "seconds", "error")
KEPT = (
    Kept(Take, "id", (), ("pcm_sha256",), _TAKE_COLUMNS, replaced=True),
    Kept(Asset, "take_id", ("role", "media_type"), ("sha256", "bytes"), _ASSET_COLUMNS, replaced=True),
    Kept(Measurement, "take_id", ("name",), ("value",), replaced=True),
    Kept(Attempt, "take_id", ("run_id", "started_at", "ended_at", "outcome"), (), _ATTEMPT_COLUMNS),
    Kept(Brief, "sha256", ("catalog_id", "use"), (), ("licensee", "planned_at")),
    Kept(LicenceFact, "id"),
    Kept(Judgement, "id", (), ("answer",)),
    Kept(JudgementFact, "judgement_id", ("fact_id",)),
    Kept(OrderVerdict, "brief_id", ("brief_id", "judgement_id"), (), ("judged_at",), through="brief_id"),
    Kept(Verdict, "take_id", ("stage", "judgement_id"), (), ("judged_at",)),
    Kept(Review, "take_id", ("id",), ("decision",)),
    Kept(Contribution, "take_id", ("id",), ("kind",)),
    Kept(Release, "id", (), ("manifest_sha256",)),
    Kept(ReleaseItem, "release_id", ("path",), ("sha256",)),
    Kept(Withdrawal, "release_id"),
    Kept(Derivation, "id", (), ("sha256",)),
    Kept(Reference, "sha256"),
    Kept(Registration, "generator", ("number",), ("act", "digest")),
    Kept(Acceptance, "take_id", ("number",), ("outcome",)),
    Kept(Training, "id", (), ("weights_digest",)),
    Kept(TrainingTake, "training_id", ("take_id",), ("sha256",)),
)
BY_NAME = {kept.name: kept for kept in KEPT}
REPLACED = tuple(kept.entity for kept in KEPT if kept.replaced)


def rows_of(*rows: Base) -> dict[str, Rows]:
    """What the ledger is to hold of rows that are being inserted, by subject. Every column of theirs must be set."""
    values = ((row.__tablename__, _columns(row)) for row in rows)
    return _by_subject((name, *BY_NAME[name].held(columns)) for name, columns in values)


def rows_from(table: type[Base], values: Iterable[Mapping[str, Any]]) -> dict[str, Rows]:
    """As `rows_of`, of rows inserted in bulk, each given by its columns."""
    kept = BY_NAME[table.__tablename__]
    return _by_subject((kept.name, *kept.held(row)) for row in values)


def rows_in(session: Session, tables: Iterable[type[Base]], subjects: Collection[str]) -> dict[str, Rows]:
    """What the ledger is to hold of the rows that the database has now, by subject."""
    return _by_subject(row for table in tables for row in _rows_in(session, BY_NAME[table.__tablename__], subjects))


def merged(*parts: Mapping[str, Rows]) -> dict[str, Rows]:
    """Several such answers as one."""
    return _by_subject(
        (table, subject, key, value)
        for part in parts
        for subject, rows in part.items()
        for table, keyed in rows.items()
        for key, value in keyed.items()
    )


def _rows_in(session: Session, kept: Kept, subjects: Collection[str]) -> Iterator[tuple[str, str, str, list[Any]]]:
    for part in chunks(subjects, 500):
        for subject, *values in session.execute(kept.query().where(kept.subject_column.in_(part))):
            yield kept.name, subject, *kept.value(subject, values)


def _by_subject(found: Iterable[tuple[str, str, str, list[Any]]]) -> dict[str, Rows]:
    rows: dict[str, Rows] = {}
    for table, subject, key, value in found:
        rows.setdefault(subject, {}).setdefault(table, {})[key] = value
    return rows


def _columns(row: Base) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}
