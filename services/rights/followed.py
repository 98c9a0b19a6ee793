"""Puts on record that a take was made from a recording it follows, under which licence, when its sound is recorded.

The row is a derivation like those of imported audio, so everything that asks what a take was made from (the policy,
releases, audits, provenance) finds it. Nothing here judges or reads sound.
"""

import uuid
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from db.ledger import Entry
from db.releases import DerivationRow, add_derivations, derivations
from db.rows import Recording
from db.verdicts import FollowingTake, brief_texts, following_takes
from services.rights.materials import REFERENCE, references_by_cue
from services.rights.policy import Material

MIX = "mix"


def record_followed(session: Session, recordings: Collection[Recording]) -> list[Entry]:
    """Store what takes that were just recorded as done were made from; returns ledger entries, to be appended."""
    sounds = {recording.take_id: _sound(recording) for recording in recordings if recording.status == "done"}
    takes = [take for take in following_takes(session, sounds) if sounds[take.id]]
    if not takes:
        return []
    texts = brief_texts(session, {take.brief_id for take in takes})
    brought = {id_: references_by_cue(text) for id_, text in texts.items()}
    before = derivations(session, [take.id for take in takes])
    known = {(row.take_id, row.sha256, row.source_sha256) for rows in before.values() for row in rows}
    now = datetime.now(UTC)
    catalogs = {take.id: take.catalog for take in takes}
    rows = [
        DerivationRow(
            id=str(uuid.uuid4()), sha256=sounds[take.id], source_sha256=take.audio["sha256"], take_id=take.id,
            kind=REFERENCE, expression=take.audio["licence"], source=_source(take, brought.get(take.brief_id, {})),
            by="", note=take.audio["role"], at=now,
        )
        for take in takes if (take.id, sounds[take.id], take.audio["sha256"]) not in known
    ]  # fmt: skip
    held = add_derivations(session, rows)
    return [Entry("derivation", row.id, {"rows": held[row.id]}, catalogs[str(row.take_id)]) for row in rows]


def _sound(recording: Recording) -> str:
    """The digest of the file that stands for a take."""
    mixes = [asset.sha256 for asset in recording.assets if asset.role == MIX]
    return (mixes or [asset.sha256 for asset in recording.assets] or [""])[0]


def _source(take: FollowingTake, brought: dict[str, Material]) -> str:
    """Where the recording comes from, as the order says it; its digest where the order does not."""
    found = brought.get(take.cue)
    return found.source if found is not None else f"SHA-256 {take.audio['sha256']}"
