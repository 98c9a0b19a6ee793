"""The tables of rights and provenance: what may be done with a take, what was decided, and proof of both.

Why it exists: a claim about a file is worth what can be shown for it. Everything here is written once: triggers of the
database itself refuse to change, delete or replace a row of `APPEND_ONLY` (see migrations 0002 to 0005), whoever asks.
What turns out wrong is corrected by a further row.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.tables import Base, BigKey, Sha256

APPEND_ONLY = (
    "licence_fact", "judgement", "judgement_fact", "order_verdict", "verdict", "review", "contribution", "release",
    "release_item", "withdrawal", "derivation", "reference", "ledger_entry", "checkpoint", "registration",
    "acceptance", "training", "training_take",
)  # fmt: skip
FACT_ANSWERS = ("allowed", "refused", "unknown", "licence", "withdrawn")
ANSWERS = ("allowed", "allowed-with-duties", "unknown", "refused")  # of a judgement, the strictest last
STAGES = ("record", "release")
DECISIONS = ("approve", "reject")
ACCEPTANCES = ("kept", "spare", "rejected")  # the best of the accepted, the other accepted ones, and those that fail
UNJUDGED = "unjudged"  # what is on record of a take that was judged, and whose brief asks for it no longer


class LicenceFact(Base):
    """What a licence or terms say of a subject, for which uses and users, from when to when, and since when we know.

    `subject` is the name users write (`facebook/musicgen-small`), `spdx:CC-BY-NC-4.0` for a licence itself, or a rule
    of a market or a law. `revision`, `plan`, `licensee` and `use` are `*` where they do not matter. A correction is a
    further row that names in `corrects` the one it takes the place of; `answer` is one of `FACT_ANSWERS`, `licence`
    meaning "as the facts about `expression` say", `withdrawn` "there is no such fact".
    """

    __tablename__ = "licence_fact"
    __table_args__ = (Index("ix_licence_fact_subject", "subject"), UniqueConstraint("corrects"))
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200))
    component: Mapped[str] = mapped_column(String(64))
    revision: Mapped[str] = mapped_column(String(200))
    plan: Mapped[str] = mapped_column(String(64))
    licensee: Mapped[str] = mapped_column(String(32))
    use: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(String(16))
    expression: Mapped[str] = mapped_column(Text)
    trigger: Mapped[str] = mapped_column(String(64))
    revenue_cap_usd: Mapped[float | None]
    volume_cap: Mapped[int | None] = mapped_column(BigInteger)
    attribution: Mapped[str] = mapped_column(Text)
    output_ownership: Mapped[str] = mapped_column(Text)
    training_data: Mapped[str] = mapped_column(Text)
    duties: Mapped[list[str]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(Text)
    terms_sha256: Mapped[str | None] = mapped_column(Sha256)
    source: Mapped[str] = mapped_column(Text)
    grade: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(200))
    corrects: Mapped[str | None] = mapped_column(ForeignKey("licence_fact.id"))


class Judgement(Base):
    """What the policy said to one question, with reasons; `id` is the digest of its content, so many takes share it."""

    __tablename__ = "judgement"
    __table_args__ = (Index("ix_judgement_generator_revision", "generator", "revision"),)
    id: Mapped[str] = mapped_column(Sha256, primary_key=True)
    answer: Mapped[str] = mapped_column(String(24))
    use: Mapped[str] = mapped_column(String(64))
    licensee: Mapped[dict[str, Any]]
    generator: Mapped[str] = mapped_column(String(200))
    revision: Mapped[str] = mapped_column(String(200))
    plan: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[date] = mapped_column(Date)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    duties: Mapped[list[str]] = mapped_column(JSON)


class JudgementFact(Base):
    """A fact that a judgement rests on."""

    __tablename__ = "judgement_fact"
    __table_args__ = (Index("ix_judgement_fact_fact_id", "fact_id"),)
    judgement_id: Mapped[str] = mapped_column(ForeignKey("judgement.id"), primary_key=True)
    fact_id: Mapped[str] = mapped_column(ForeignKey("licence_fact.id"), primary_key=True)


class OrderVerdict(Base):
    """The verdict on an order when it was planned, before anything was rendered."""

    __tablename__ = "order_verdict"
    brief_id: Mapped[int] = mapped_column(ForeignKey("brief.id"), primary_key=True)
    judgement_id: Mapped[str] = mapped_column(ForeignKey("judgement.id"), primary_key=True)
    judged_at: Mapped[datetime]


class Verdict(Base):
    """The verdict on one take, when it was recorded and each time it was to be released (`stage`)."""

    __tablename__ = "verdict"
    __table_args__ = (Index("ix_verdict_judgement_id", "judgement_id"),)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(16), primary_key=True)
    judgement_id: Mapped[str] = mapped_column(ForeignKey("judgement.id"), primary_key=True)
    judged_at: Mapped[datetime]


class Review(Base):
    """A person's approval or rejection of a take; the newest one counts."""

    __tablename__ = "review"
    __table_args__ = (Index("ix_review_take_id", "take_id"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"))
    decision: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Contribution(Base):
    """What a person put into a take: `kind` is selection, edit, lyrics, melody, arrangement, performance, ..."""

    __tablename__ = "contribution"
    __table_args__ = (Index("ix_contribution_take_id", "take_id"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"))
    kind: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(Sha256)
    at: Mapped[datetime]


class Release(Base):
    """A frozen, gated, exported set. `manifest` is the file that went out with it, byte for byte."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("catalog_id", "name"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("catalog.id"))
    name: Mapped[str] = mapped_column(String(128))
    use: Mapped[str] = mapped_column(String(64))
    licensee: Mapped[dict[str, Any]]
    target: Mapped[str] = mapped_column(String(32))
    folder: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    manifest: Mapped[str] = mapped_column(Text)
    manifest_sha256: Mapped[str] = mapped_column(Sha256)


class ReleaseItem(Base):
    """One file of a release: `sha256` as it went out (signed), `source_sha256` the master in the store it came from."""

    __tablename__ = "release_item"
    __table_args__ = (Index("ix_release_item_take_id", "take_id"), Index("ix_release_item_sha256", "sha256"))
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(512), primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"))
    role: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(Sha256)
    bytes: Mapped[int] = mapped_column(BigInteger)
    source_sha256: Mapped[str] = mapped_column(Sha256)
    judgement_id: Mapped[str] = mapped_column(ForeignKey("judgement.id"))


class Withdrawal(Base):
    """A release that was called back. The release itself never changes."""

    __tablename__ = "withdrawal"
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Derivation(Base):
    """A file made from another one: `kind` is import, edit, conversion, reference, ...; the licence is the source's."""

    __tablename__ = "derivation"
    __table_args__ = (Index("ix_derivation_sha256", "sha256"), Index("ix_derivation_take_id", "take_id"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sha256: Mapped[str] = mapped_column(Sha256)
    source_sha256: Mapped[str | None] = mapped_column(Sha256)
    take_id: Mapped[str | None] = mapped_column(ForeignKey("take.id"))
    kind: Mapped[str] = mapped_column(String(32))
    expression: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Reference(Base):
    """Audio made elsewhere that takes are compared with, under its own licence."""

    __tablename__ = "reference"
    __table_args__ = (Index("ix_reference_pcm_sha256", "pcm_sha256"),)
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    pcm_sha256: Mapped[str] = mapped_column(Sha256)
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_s: Mapped[float]
    expression: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class Fingerprint(Base):
    """How a sound is recognised: one compact blob per distinct PCM (32-bit words, little-endian). It can be made anew,
    so it is no record: it may be replaced."""

    __tablename__ = "fingerprint"
    pcm_sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(64))
    duration_s: Mapped[float]
    words: Mapped[bytes]


class Hearing(Base):
    """What was heard of a sound by listeners of one revision: `facts` by name, and what near-duplicates are found by.
    It can be heard again, so it is no record: it may be replaced."""

    __tablename__ = "hearing"
    pcm_sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
    facts: Mapped[dict[str, Any]]
    descriptor: Mapped[bytes]


class Acceptance(Base):
    """What became of a take under its brief's `accept`: one of `ACCEPTANCES`, or `UNJUDGED` since its brief dropped
    that; the row with the highest number counts.

    `score` from 0 to 1 is made of `parts`, `reasons` are sentences, `rule` is what was asked of the take; `pcm_sha256`
    and `listening` say which sound was judged as heard by which listeners."""

    __tablename__ = "acceptance"
    take_id: Mapped[str] = mapped_column(ForeignKey("take.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(16))
    score: Mapped[float]
    parts: Mapped[dict[str, Any]]
    reasons: Mapped[list[str]] = mapped_column(JSON)
    rule: Mapped[dict[str, Any]]
    pcm_sha256: Mapped[str] = mapped_column(Sha256)
    listening: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


class LedgerEntry(Base):
    """One link of the chain. `entry` is the canonical JSON that was hashed, byte for byte; the rest is a view of it.

    No index of `sha256`: each entry names the one before, so that none is there twice, and nobody looks for one by it;
    an index of digests costs more than all else of an append."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_subject", "subject"), Index("ix_ledger_entry_kind", "kind"))
    sequence: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(32))
    catalog: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    entry: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Sha256)
    previous: Mapped[str] = mapped_column(Sha256)


class Checkpoint(Base):
    """A signed statement of the ledger's RFC 9162 tree at one size. `note` is what was signed and the signatures;
    `frontier` the roots of its perfect subtrees, so that the next one needs only what came since."""

    __tablename__ = "checkpoint"
    tree_size: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(Sha256)
    note: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    frontier: Mapped[list[str]] = mapped_column(JSON)
