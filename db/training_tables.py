"""The tables of models that were trained here: which run made which weights, from which takes.

Why it exists: whoever asks a model of the house what it was made of gets the list, take by take, from the database that
holds the takes themselves. Written once, when the model is registered; triggers refuse changes (see migration 0005).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables import Base, Sha256

TRAINING, HELD_OUT = SPLITS = ("training", "held-out")


class Training(Base):
    """One training run that ended in a registered generator.

    `id` is the SHA-256 of what was asked (takes, configuration, code), `weights_digest` that of the files that came of
    it, registered as `name` at `revision`. `code` says what trained it: package version, commit where there is one,
    digest of the source files. `licences` is what allowed the takes to be used, `evaluation` what was measured on
    held-out takes, `manifest_sha256` the digest of the list of takes with the digests of their sounds."""

    __tablename__ = "training"
    __table_args__ = (Index("ix_training_weights_digest", "weights_digest"),)
    id: Mapped[str] = mapped_column(Sha256, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    revision: Mapped[str] = mapped_column(String(200))
    weights_digest: Mapped[str] = mapped_column(Sha256)
    folder: Mapped[str] = mapped_column(Text)
    catalogs: Mapped[list[str]] = mapped_column(JSON)
    takes: Mapped[int]
    manifest_sha256: Mapped[str] = mapped_column(Sha256)
    config: Mapped[dict[str, Any]]
    code: Mapped[dict[str, Any]]
    licences: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    evaluation: Mapped[dict[str, Any]]
    fact_ids: Mapped[list[str]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class TrainingTake(Base):
    """A take that a model was trained on, or that was kept from it to measure by (`split` is one of `SPLITS`).

    `sha256` is the stored file that was read, `audio_sha256` the samples that training made of it."""

    __tablename__ = "training_take"
    __table_args__ = (Index("ix_training_take_take_id", "take_id"),)
    training_id: Mapped[str] = mapped_column(ForeignKey("training.id"), primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"), primary_key=True)
    split: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(Sha256)
    pcm_sha256: Mapped[str] = mapped_column(Sha256)
    audio_sha256: Mapped[str] = mapped_column(Sha256)
