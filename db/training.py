"""Training runs in the database: add one with its takes, read them, ask which models a take went into.

Rows are only ever added. Nothing here knows what a model is, and nothing is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.ledger import Entry
from db.ledger_rows import merged, rows_from
from db.tables import Catalog, Prompt, Take
from db.training_tables import Training, TrainingTake


@dataclass(frozen=True)
class TrainingRow:
    """The columns of `training`."""

    id: str
    name: str
    revision: str
    weights_digest: str
    folder: str
    catalogs: list[str]
    takes: int
    manifest_sha256: str
    config: dict[str, Any]
    code: dict[str, Any]
    licences: list[dict[str, Any]]
    evaluation: dict[str, Any]
    fact_ids: list[str]
    by: str
    started_at: datetime
    ended_at: datetime

    def as_row(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class TrainingTakeRow:
    """The columns of `training_take`."""

    training_id: str
    take_id: str
    split: str
    sha256: str
    pcm_sha256: str
    audio_sha256: str

    def as_row(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Trained:
    """A model that takes went into: its name and revision, the run that made it, and how many of the takes."""

    name: str
    revision: str
    training: str
    takes: int


_COLUMNS = tuple(getattr(Training, field.name) for field in fields(TrainingRow))
_TOLD = ("name", "revision", "weights_digest", "catalogs", "takes", "manifest_sha256", "code", "licences", "fact_ids")


def insert_training(session: Session, row: TrainingRow, takes: Sequence[TrainingTakeRow]) -> Entry:
    """Add a run with its takes; returns its ledger entry, to be appended by the caller.

    Raises IntegrityError where that run is there already, or a take is not."""
    values, listed = row.as_row(), [take.as_row() for take in takes]
    session.execute(insert(Training), [values])
    for part in chunks(listed):
        session.execute(insert(TrainingTake), part)
    held = merged(rows_from(Training, [values]), rows_from(TrainingTake, listed))
    return Entry("training", row.id, {**{name: values[name] for name in _TOLD}, "rows": held[row.id]})


def training_rows(session: Session, where: ColumnElement[bool] | None = None) -> list[TrainingRow]:
    """Every run that a condition holds for, oldest first."""
    query = select(*_COLUMNS).order_by(Training.ended_at, Training.id)
    return [TrainingRow(*row) for row in session.execute(query if where is None else query.where(where))]


def of_weights(digest: str) -> ColumnElement[bool]:
    """The condition that a run made these weights."""
    return Training.weights_digest == digest


def of_name(name: str) -> ColumnElement[bool]:
    """The condition that a run made a model of that name."""
    return Training.name == name


def with_id_prefix(prefix: str) -> ColumnElement[bool]:
    """The condition that a run's id begins with `prefix` (lower-case hexadecimal)."""
    return (Training.id >= prefix) & (Training.id < prefix + "g")


def takes_of(session: Session, training_id: str) -> Iterator[dict[str, Any]]:
    """The takes of a run as plain JSON values, in catalog and brief order, streamed."""
    query = (
        select(
            TrainingTake.take_id, Catalog.name, Take.zone, Take.cue, Take.state, Take.index, TrainingTake.split,
            Take.generator, Take.revision, Take.status, TrainingTake.sha256, TrainingTake.pcm_sha256,
            TrainingTake.audio_sha256, Prompt.text,
        )
        .join(Take, Take.id == TrainingTake.take_id)
        .join(Catalog, Catalog.id == Take.catalog_id)
        .join(Prompt, Prompt.sha256 == Take.prompt_sha256)
        .where(TrainingTake.training_id == training_id)
        .order_by(Take.catalog_id, Take.position, Take.id)
        .execution_options(yield_per=2_000)
    )  # fmt: skip
    names = ("take", "catalog", "zone", "cue", "state", "index", "split", "generator", "revision", "status", "sha256",
             "pcm_sha256", "audio_sha256", "prompt")  # fmt: skip
    for row in session.execute(query):
        yield dict(zip(names, row, strict=True))


def trained_on(session: Session, takes: ColumnElement[bool]) -> list[Trained]:
    """The models that takes went into for which a condition on `Take` holds, the most touched first."""
    count = func.count(TrainingTake.take_id)
    query = (
        select(Training.name, Training.revision, Training.id, count)
        .join(TrainingTake, TrainingTake.training_id == Training.id)
        .join(Take, Take.id == TrainingTake.take_id)
        .where(takes)
        .group_by(Training.name, Training.revision, Training.id)
        .order_by(count.desc(), Training.name, Training.id)
    )
    return [Trained(*row) for row in session.execute(query)]
