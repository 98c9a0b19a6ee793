"""Proofs that stand alone: that an entry is in the ledger that was signed, that one signed ledger continues another.

A proof is a JSON document with everything but the key: who checks it needs the signer's public key from a source of
their own, no database and no network. Hashes are hex, notes C2SP signed notes, the proof itself RFC 9162's.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.engine import reading
from db.ledger import entries, entry_texts
from db.rights_tables import Checkpoint
from services.provenance.keys import PublicKey
from services.provenance.merkle import (
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    proof,
    verify_consistency,
    verify_inclusion,
)
from services.provenance.notes import NoteError, TreeHead, read_note, read_tree_head, signers

INCLUSION = "cueworks inclusion proof v1"
CONSISTENCY = "cueworks consistency proof v1"
LARGEST = 64 * 2**20


class NoProofError(ValueError):
    """There is nothing to prove, or not yet; the message says what to do."""


@dataclass(frozen=True)
class ProofCheck:
    """What came of checking a proof: `reason` says why it does not hold, None where it does.

    `entry` is what an inclusion proof proves, as plain JSON; `head` the newest signed tree."""

    type: str
    reason: str | None
    head: TreeHead | None = None
    signer: str | None = None
    entry: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None


def take_sequence(engine: Engine, take_id: str) -> int:
    """The entry that recorded a take's sound last. Raises NoProofError."""
    with reading(engine) as session:
        recorded = entries(session, subject=take_id, kind="take")
        found = [row.sequence for row in recorded if '"status":"done"' in row.entry]
    if not found:
        short = take_id[:12]
        raise NoProofError(f"no entry records a sound of take {short}; see `cueworks ledger show {short}`")
    return found[-1]


def prove_entry(engine: Engine, sequence: int) -> dict[str, Any]:
    """That entry `sequence` is in the newest signed tree. Reads every entry once. Raises NoProofError."""
    with reading(engine) as session:
        note, head = _newest(session)
        if sequence >= head.size:
            what = f"entry {sequence} is not signed yet: the last checkpoint has {head.size}"
            raise NoProofError(f"{what}; run `cueworks ledger checkpoint`, then try again")
        row = next(entries(session, start=sequence, end=sequence + 1), None)
        if row is None:
            raise NoProofError(f"there is no entry {sequence}; run `cueworks verify`")
        path = _proof(session, inclusion_ranges(sequence, head.size), head.size)
    return {"type": INCLUSION, "entry": row.entry, "index": sequence, "path": path, "checkpoint": note}


def prove_consistency(engine: Engine, size: int) -> dict[str, Any]:
    """That the signed tree of `size` entries begins the newest signed one. Raises NoProofError."""
    with reading(engine) as session:
        new, head = _newest(session)
        old = session.scalar(select(Checkpoint.note).where(Checkpoint.tree_size == size))
        if old is None:
            sizes = ", ".join(map(str, session.scalars(select(Checkpoint.tree_size).order_by(Checkpoint.tree_size))))
            raise NoProofError(f"there is no checkpoint of {size} entries; there are: {sizes:.500}")
        path = _proof(session, consistency_ranges(size, head.size), head.size)
    return {"type": CONSISTENCY, "path": path, "old": old, "checkpoint": new}


def check_proof(data: bytes, keys: Iterable[PublicKey | tuple[str, bytes]]) -> ProofCheck:
    """Check a proof offline. `keys` are trusted: public keys, or (name, raw key) of C2SP verifier keys."""
    try:
        document = json.loads(data[: LARGEST + 1])
        kind = document["type"]
        if kind not in (INCLUSION, CONSISTENCY):
            return ProofCheck(str(kind)[:80], "it is no proof of this program's, or of a later release's")
        path = [bytes.fromhex(step) for step in document["path"]]
        head, signer = _signed(document["checkpoint"], list(keys))
        if kind == INCLUSION:
            return _check_inclusion(document, path, head, signer)
        old, _ = _signed(document["old"], list(keys))
        reason = verify_consistency(old.size, head.size, old.root, head.root, path)
        if old.origin != head.origin:
            reason = "the checkpoints are of two ledgers"
        return ProofCheck(kind, reason, head, signer)
    except NoteError as error:
        return ProofCheck(kind, f"its checkpoint does not hold: {error}")
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        return ProofCheck("none", "it is no proof, or damaged")


def _check_inclusion(document: dict[str, Any], path: list[bytes], head: TreeHead, signer: str) -> ProofCheck:
    text, index = document["entry"], document["index"]
    if type(index) is not int:
        raise ValueError("the index is no number")
    reason = verify_inclusion(index, head.size, leaf_hash(text.encode()), path, head.root)
    entry = json.loads(text) if reason is None else None
    return ProofCheck(INCLUSION, reason, head, signer, entry)


def _signed(note: str, keys: list[PublicKey | tuple[str, bytes]]) -> tuple[TreeHead, str]:
    """What a note says, and whose key signed it. Raises NoteError."""
    read = read_note(note)
    head = read_tree_head(read.text)
    named = [key for key in keys if isinstance(key, PublicKey) or key[0] == head.origin]
    public = [key if isinstance(key, PublicKey) else _public(key[1], head) for key in named]
    found, wrong = signers(read, head.origin, public)
    if wrong:
        raise NoteError("it was changed: its signature is wrong")
    if not found:
        raise NoteError("it is signed by no key that is trusted here; give the signer's with --key")
    return head, found[0].id


def _public(raw: bytes, head: TreeHead) -> PublicKey:
    return PublicKey("checkpoint", raw, head.at or datetime.now(UTC))


def _newest(session: Session) -> tuple[str, TreeHead]:
    note = session.scalar(select(Checkpoint.note).order_by(Checkpoint.tree_size.desc()).limit(1))
    if note is None:
        raise NoProofError("nothing is signed yet; run `cueworks ledger checkpoint`, then try again")
    try:
        return note, read_tree_head(read_note(note).text)
    except NoteError as error:
        raise NoProofError(f"the stored checkpoint is damaged ({error}); run `cueworks verify`") from None


def _proof(session: Session, ranges: list[tuple[int, int]], size: int) -> list[str]:
    try:
        leaves = (leaf_hash(text.encode()) for text in entry_texts(session, 0, size))
        return [step.hex() for step in proof(ranges, leaves)]
    except ValueError as error:
        raise NoProofError(f"the ledger is damaged ({error}); run `cueworks verify`") from None
