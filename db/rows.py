"""The values that cross into and out of the database: plain frozen data, one class per kind of row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TAKE_STATUSES = ("planned", "rendering", "done", "failed", "quarantined", "superseded")  # in the order of a life
RUN_STATUSES = ("running", "done", "incomplete", "interrupted")
ATTEMPT_OUTCOMES = ("done", "failed", "died", "quarantined")


@dataclass(frozen=True)
class NewCue:
    name: str
    state: str
    prompt: str


@dataclass(frozen=True)
class NewTake:
    """A planned take as it is inserted; fields are the columns of `take`."""

    id: str
    position: int
    zone: str | None
    cue: str
    state: str
    point: dict[str, str]
    index: int
    prompt: str
    seed: int
    generator: str
    revision: str
    controls: dict[str, Any]
    delivery: dict[str, Any]
    understanding: list[dict[str, str]]
    folder: str


@dataclass(frozen=True)
class NewGenerator:
    id: str
    revision: str
    weights_digest: str | None
    card: dict[str, Any]


@dataclass(frozen=True)
class NewOrder:
    """A whole planned brief. `restricted` orders (only some takes) never supersede others."""

    catalog: str
    title: str
    brief_sha256: str
    brief_text: bytes
    use: str
    licensee: dict[str, Any]
    cues: tuple[NewCue, ...]
    generators: tuple[NewGenerator, ...]
    restricted: bool


@dataclass(frozen=True)
class Registered:
    """What registering changed: counts of takes."""

    catalog_id: int
    brief_id: int
    inserted: int
    superseded: int
    revived: int


@dataclass(frozen=True)
class NewAsset:
    role: str
    media_type: str
    sha256: str
    bytes: int
    path: str
    duration_s: float | None = None
    pcm_sha256: str | None = None


@dataclass(frozen=True)
class NewAttempt:
    """One try: `outcome` is one of `ATTEMPT_OUTCOMES`; `seconds` by stage."""

    outcome: str
    started_at: datetime
    ended_at: datetime
    actor: str
    seconds: dict[str, float] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Profile:
    sha256: str
    profile: dict[str, Any]


@dataclass(frozen=True)
class NewFingerprint:
    """How the sound with this `pcm_sha256` is recognised; `words` is empty where it is too short or silent."""

    pcm_sha256: str
    algorithm: str
    duration_s: float
    words: bytes


@dataclass(frozen=True)
class NewHearing:
    """What was heard of the sound with this `pcm_sha256` by listeners of a revision; `facts` are plain JSON values."""

    pcm_sha256: str
    revision: str
    facts: dict[str, Any]
    descriptor: bytes


@dataclass(frozen=True)
class AcceptanceRow:
    """What became of a take under its brief's `accept`; the highest `number` counts. See `rights_tables.Acceptance`."""

    take_id: str
    number: int
    outcome: str
    score: float
    parts: dict[str, float]
    reasons: tuple[str, ...] | list[str]
    rule: dict[str, Any]
    pcm_sha256: str
    listening: str
    at: datetime


@dataclass(frozen=True)
class Recording:
    """Everything that is recorded of one take at once. `status` is `done`, `failed` or `quarantined`."""

    take_id: str
    status: str
    attempts: tuple[NewAttempt, ...]
    assets: tuple[NewAsset, ...] = ()
    measurements: dict[str, float] = field(default_factory=dict)
    pcm_sha256: str | None = None
    error: str | None = None
    profile: Profile | None = None
    fingerprint: NewFingerprint | None = None
    hearing: NewHearing | None = None


@dataclass(frozen=True)
class AssetRow:
    role: str
    media_type: str
    sha256: str
    bytes: int
    path: str
    duration_s: float | None
    pcm_sha256: str | None


@dataclass(frozen=True)
class TakeRow:
    """A take as it is read, with its assets, its measurements, and what became of it where its brief says `accept`."""

    id: str
    catalog: str
    position: int
    zone: str | None
    cue: str
    state: str
    point: dict[str, str]
    index: int
    prompt: str
    seed: int
    generator: str
    revision: str
    controls: dict[str, Any]
    delivery: dict[str, Any]
    understanding: list[dict[str, str]]
    folder: str
    status: str
    pcm_sha256: str | None
    error: str | None
    planned_at: datetime
    recorded_at: datetime | None
    assets: tuple[AssetRow, ...] = ()
    measurements: dict[str, float] = field(default_factory=dict)
    acceptance: AcceptanceRow | None = None


@dataclass(frozen=True)
class RunRow:
    id: str
    catalog: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    driver: str
    options: dict[str, Any]
    ordered: int
    to_render: int
    shards: int
    done: int
    failed: int
    stages: dict[str, Any]
