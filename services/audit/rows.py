"""What an audit says: plain frozen data, made by the audit, read by every report.

Why it exists: a table, a page, a certificate and a statement must say the same of a take. Nothing here reads a
database, judges or writes. Times are aware UTC; digests are lower-case hex SHA-256; paths are relative to the home
unless said otherwise.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

STAGES = ("plan", "record", "release")


@dataclass(frozen=True, slots=True)
class Why:
    """One rule's part in a verdict: `facts` are the ids of the licence facts it rests on."""

    rule: str
    answer: str
    text: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What the policy says of a take for the use, the licensee and the two dates of the audit.

    `answer` is allowed, allowed-with-duties, refused or unknown; `licence` whose terms the sound stands under
    (`services.rights.terms`: never the program's), "" where that is not known."""

    answer: str
    reasons: tuple[Why, ...]
    facts: tuple[str, ...]
    duties: tuple[str, ...]
    licence: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A verdict as it was recorded at the time: `stage` is plan, record or release; `judgement` its digest."""

    stage: str
    answer: str
    judgement: str
    use: str
    as_of: date
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    decision: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Contributed:
    """What a person put into a take; `sha256` of the file they put in, if any."""

    kind: str
    by: str
    note: str
    sha256: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """A release that a take is part of; `withdrawn_at` None while it stands."""

    id: str
    name: str
    use: str
    target: str
    by: str
    at: datetime
    manifest_sha256: str
    withdrawn_at: datetime | None
    withdrawn_why: str | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One take: what was ordered, what came out, what may be done with it, what was done with it.

    `point` is the point of the axes as JSON text. `master_*` is the mix in the store, lossless where there is one.
    `ledger` are the sequence numbers of the entries about the take; `brief_sha256` is the order it came from."""

    take: str
    catalog: str
    zone: str | None
    cue: str
    state: str
    point: str
    index: int
    prompt: str
    prompt_sha256: str
    seed: int
    generator: str
    revision: str
    status: str
    planned_at: datetime
    recorded_at: datetime | None
    pcm_sha256: str | None
    master_sha256: str | None
    master_path: str | None
    master_media_type: str | None
    duration_s: float | None
    engine_profile: str | None
    plan: Stated | None
    record: Stated | None
    release: Stated | None
    judged: Judged
    review: Reviewed | None
    releases: tuple[Released, ...]
    contributions: tuple[Contributed, ...]
    ledger: tuple[int, ...]
    brief_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class GeneratorTotal:
    """The takes of one generator at one revision, for which the policy gives one answer.

    `card` is what was known of the generator when it first made something (title, licence, training_data)."""

    generator: str
    revision: str
    weights_digest: str | None
    takes: int
    released: int
    judged: Judged
    card: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CitedFact:
    """A licence fact that a verdict rests on. `valid_from` is the first day it holds, `valid_to` the first it no longer
    does; None is open."""

    id: str
    subject: str
    component: str
    revision: str
    use: str
    answer: str
    expression: str
    attribution: str
    output_ownership: str
    training_data: str
    note: str
    terms_sha256: str | None
    source: str
    grade: str
    valid_from: date | None
    valid_to: date | None
    recorded_at: datetime
    corrects: str | None


@dataclass(frozen=True, slots=True)
class OrderedBrief:
    """An order: `sha256` of the brief's bytes; `verdicts` as planned."""

    sha256: str
    use: str
    licensee: dict[str, Any]
    planned_at: datetime
    takes: int
    verdicts: tuple[Stated, ...]


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """How far the ledger goes, and its last signed checkpoint (None before the first)."""

    entries: int
    last_sha256: str | None
    checkpoint_size: int | None
    checkpoint_root: str | None
    checkpoint_at: datetime | None
    checkpoint_key: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The question of an audit. `revenue` in USD a year."""

    catalog: str
    use: str
    licensee_kind: str | None
    revenue: float | None
    as_of: date
    known_at: datetime


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """A catalog's totals for one question. Counts are takes.

    `by_answer`, `by_status` and `by_licence` each count every take once. `blocking` are the takes that are refused or
    unknown and still count: ordered today, or part of a release that stands."""

    title: str
    asked: Asked
    made_at: datetime
    takes: int
    by_answer: dict[str, int]
    by_status: dict[str, int]
    by_licence: dict[str, int]
    generators: tuple[GeneratorTotal, ...]
    blocking: int
    reviewed: dict[str, int]
    contributions: dict[str, int]
    releases: tuple[Released, ...]
    briefs: tuple[OrderedBrief, ...]
    facts: tuple[CitedFact, ...]
    ledger: LedgerHead


@dataclass(frozen=True, slots=True)
class ChainBrief:
    """The order that a take came from: the brief, and the cue as it was written in it."""

    sha256: str
    use: str
    licensee: dict[str, Any]
    planned_at: datetime
    cue: str
    cue_prompt: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """A verdict as recorded, with all that was said: `licensee` and `plan` it was asked for, reasons, duties, facts."""

    stated: Stated
    licensee: dict[str, Any]
    plan: str
    reasons: tuple[Why, ...]
    duties: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainAttempt:
    run: str
    outcome: str
    started_at: datetime
    ended_at: datetime
    actor: str
    engine_profile: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ChainAsset:
    role: str
    media_type: str
    sha256: str
    bytes: int
    path: str
    duration_s: float | None
    pcm_sha256: str | None
    engine_profile: str | None


@dataclass(frozen=True, slots=True)
class ChainItem:
    """A file that left in a release: `sha256` as it went out, `source_sha256` the master it was made from."""

    release: Released
    path: str
    role: str
    media_type: str
    sha256: str
    bytes: int
    source_sha256: str
    judgement: str


@dataclass(frozen=True, slots=True)
class ChainDerivation:
    kind: str
    sha256: str
    source_sha256: str | None
    expression: str
    source: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """A link of the ledger; `entry` is the canonical JSON that `sha256` is the digest of."""

    sequence: int
    kind: str
    subject: str
    at: datetime
    sha256: str
    previous: str
    entry: str


@dataclass(frozen=True, slots=True)
class TakeChain:
    """One take from order to file: every step, each with the digest or entry that proves it."""

    row: AuditRow
    asked: Asked
    brief: ChainBrief
    controls: dict[str, Any]
    delivery: dict[str, Any]
    understanding: list[dict[str, str]]
    error: str | None
    weights_digest: str | None
    card: dict[str, Any]
    facts: tuple[CitedFact, ...]
    verdicts: tuple[ChainVerdict, ...]
    attempts: tuple[ChainAttempt, ...]
    assets: tuple[ChainAsset, ...]
    profiles: dict[str, dict[str, Any]]
    measurements: dict[str, float]
    reviews: tuple[Reviewed, ...]
    items: tuple[ChainItem, ...]
    derivations: tuple[ChainDerivation, ...]
    entries: tuple[ChainEntry, ...]
    ledger: LedgerHead
