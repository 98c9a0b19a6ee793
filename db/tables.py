"""The catalog's tables, typed for SQLAlchemy 2; one definition for SQLite and PostgreSQL.

Why it exists: every question an audit asks must have an answer here. Names are singular, keys explicit, times UTC.
Rows are never deleted by the platform: what is no longer ordered becomes `superseded`.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("times in the database carry a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, float: Double, bytes: LargeBinary}


Sha256 = String(64)
BigKey = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows itself only for INTEGER keys


class Catalog(Base):
    """One game or one library of music."""

    __tablename__ = "catalog"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Brief(Base):
    """An order, stored whole: `text` is the file's bytes, `sha256` their digest.

    The same file ordered for another use is another order."""

    __tablename__ = "brief"
    __table_args__ = (UniqueConstraint("catalog_id", "sha256", "use"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("catalog.id"))
    sha256: Mapped[str] = mapped_column(Sha256)
    text: Mapped[bytes]
    use: Mapped[str] = mapped_column(String(64))
    licensee: Mapped[dict[str, Any]]
    planned_at: Mapped[datetime]


class Cue(Base):
    """One kind of music in a brief."""

    __tablename__ = "cue"
    __table_args__ = (UniqueConstraint("brief_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    brief_id: Mapped[int] = mapped_column(ForeignKey("brief.id"))
    name: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(64))
    prompt: Mapped[str] = mapped_column(Text)
    position: Mapped[int]


class Generator(Base):
    """A generator at one revision; `card` says what is known of it."""

    __tablename__ = "generator"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    revision: Mapped[str] = mapped_column(String(200), primary_key=True)
    weights_digest: Mapped[str | None] = mapped_column(Sha256)
    card: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime]


class Registration(Base):
    """A checkpoint that was entered into the register of generators, or taken out of it: `act` says which.

    Rows are only ever added, counted by `number` under a generator's name: those after the last `removed` one hold,
    the newest of them is used, older ones stay for takes that were made with them. `digest` is SHA-256 over the
    canonical JSON of {name: SHA-256} of the files that make the sound; `files` says of each its SHA-256, its size and
    its time (nanoseconds, as text). `source` is a hub's id or a folder, `asked_revision` the tag that was asked for
    and `commit_id` what it meant then. A removal repeats what it takes out, so that it can be added again.
    """

    __tablename__ = "registration"
    generator: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(Sha256)
    revision: Mapped[str] = mapped_column(String(200))
    origin: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(Text)
    asked_revision: Mapped[str] = mapped_column(String(200))
    commit_id: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(Text)
    text_encoder: Mapped[str | None] = mapped_column(Text)
    codec: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(32))
    files: Mapped[dict[str, Any]]
    card: Mapped[dict[str, Any]]
    shape: Mapped[dict[str, Any]]
    places: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Run(Base):
    """One execution of a flow over a brief. `options` are the command's, `stages` seconds by stage."""

    __tablename__ = "run"
    __table_args__ = (Index("ix_run_catalog_id_started_at", "catalog_id", "started_at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("catalog.id"))
    brief_id: Mapped[int] = mapped_column(ForeignKey("brief.id"))
    status: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    driver: Mapped[str] = mapped_column(String(200))
    options: Mapped[dict[str, Any]]
    ordered: Mapped[int]
    to_render: Mapped[int]
    shards: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    stages: Mapped[dict[str, Any]]


class Prompt(Base):
    """A resolved prompt; the takes of a point share it, and an audit finds every take of a prompt by it."""

    __tablename__ = "prompt"
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class Take(Base):
    """One variation: the unit of work, of retry and of identity. `id` is the SHA-256 of its order.

    `run_id` and `shard` say which part of which run last took it in hand.
    """

    __tablename__ = "take"
    __table_args__ = (
        Index("ix_take_catalog_id_status", "catalog_id", "status"),
        Index("ix_take_catalog_id_position_id", "catalog_id", "position", "id"),
        Index("ix_take_run_id_shard", "run_id", "shard"),
        Index("ix_take_pcm_sha256", "pcm_sha256"),
        Index("ix_take_cue_id", "cue_id"),
        Index("ix_take_prompt_sha256", "prompt_sha256"),
        Index("ix_take_generator_revision", "generator", "revision"),
        ForeignKeyConstraint(["generator", "revision"], ["generator.id", "generator.revision"]),
    )
    id: Mapped[str] = mapped_column(Sha256, primary_key=True)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("catalog.id"))
    cue_id: Mapped[int] = mapped_column(ForeignKey("cue.id"))
    position: Mapped[int]
    zone: Mapped[str | None] = mapped_column(String(128))
    cue: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(64))
    point: Mapped[dict[str, Any]]
    index: Mapped[int]
    prompt_sha256: Mapped[str] = mapped_column(ForeignKey("prompt.sha256"))
    seed: Mapped[int] = mapped_column(BigInteger)
    generator: Mapped[str] = mapped_column(String(200))
    revision: Mapped[str] = mapped_column(String(200))
    controls: Mapped[dict[str, Any]]
    delivery: Mapped[dict[str, Any]]
    understanding: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    folder: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    pcm_sha256: Mapped[str | None] = mapped_column(Sha256)
    error: Mapped[str | None] = mapped_column(Text)
    planned_at: Mapped[datetime]
    recorded_at: Mapped[datetime | None]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    shard: Mapped[int | None]


class EngineProfile(Base):
    """How sound was computed: kept once per distinct profile."""

    __tablename__ = "engine_profile"
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    profile: Mapped[dict[str, Any]]


class Attempt(Base):
    """One try at a take, whatever came of it. Its times and outcome name it, so that none is recorded twice."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("take_id", "run_id", "started_at", "ended_at", "outcome"),
        Index("ix_attempt_run_id", "run_id"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"))
    outcome: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    engine_profile: Mapped[str | None] = mapped_column(ForeignKey("engine_profile.sha256"))
    seconds: Mapped[dict[str, Any]]
    error: Mapped[str | None] = mapped_column(Text)


class Asset(Base):
    """One stored file of a take. `path` is relative to the catalog home's readable tree."""

    __tablename__ = "asset"
    __table_args__ = (
        UniqueConstraint("take_id", "role", "media_type"),
        Index("ix_asset_sha256", "sha256"),
        Index("ix_asset_pcm_sha256", "pcm_sha256"),
        Index("ix_asset_engine_profile", "engine_profile"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"))
    role: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(Sha256)
    bytes: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str] = mapped_column(Text)
    duration_s: Mapped[float | None]
    pcm_sha256: Mapped[str | None] = mapped_column(Sha256)
    engine_profile: Mapped[str | None] = mapped_column(ForeignKey("engine_profile.sha256"))


class Measurement(Base):
    """What was measured of a take's mix: LUFS, dBTP, dBFS, Hz, seconds by name."""

    __tablename__ = "measurement"
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float]
