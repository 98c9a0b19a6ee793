"""Verification of the ledger: what was signed of it, the chain, and the catalog's rows against what was recorded.

Three passes, each streamed, none with more in memory than a page:
1. The checkpoints, stored and exported: signed by a known key, of this log, the same everywhere.
2. Every entry in sequence: its text against its digest and columns, its link to the one before, the tree's root at each
   size that was signed, the end against the largest (`services.provenance.chain`).
3. Every row that the ledger holds, subject by subject, against the entries about that subject
   (`services.provenance.crosscheck`).

It returns findings with a remedy each and changes nothing. A row that was recorded before the ledger began is held
by the digest in the first entry. What came after the last checkpoint is held by the chain alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.engine import reading
from db.ledger import READ_CHUNK, EntryRow, entries, first_entry
from db.rights_tables import Checkpoint
from services.provenance.chain import Chain, Claim
from services.provenance.checkpoints import (
    LedgerBrokenError,
    announced_keys,
    exported_checkpoints,
    folder_of,
    log_origin,
)
from services.provenance.crosscheck import check_rows
from services.provenance.findings import RESTORE, Finding, Report
from services.provenance.keys import PublicKey, endorses
from services.provenance.notes import NoteError, TreeHead, read_note, read_tree_head, signers

RESTORE_FILE = "put the file back from another copy; the ledger itself is not touched by this"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class LedgerVerification:
    """What was found. `problems` holds the first 1,000, `count` says how many there are; `notes` are no faults.

    `signed` is how many of the `entries` a checkpoint with a good signature covers."""

    entries: int
    rows: int
    checkpoints: int
    signed: int
    count: int
    problems: tuple[Finding, ...]
    notes: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return self.count == 0


def verify_ledger(
    engine: Engine, keys: Iterable[PublicKey], folders: Sequence[Path], progress: Progress = lambda count: None
) -> LedgerVerification:
    """Check everything; `keys` are the public keys that are trusted, `folders` where checkpoints are exported to.

    `progress` is told how many more entries are through. Never raises for what it finds."""
    report = Report()
    with reading(engine) as session:
        first = first_entry(session)
        origin = _origin(first, report)
        trusted = _trusted(session, keys)
        claims, checkpoints = _claims(session, folders, origin, trusted, report)
        chain = Chain(report, claims)
        for row in _entry_rows(session):
            chain.add(row)
            if chain.count % READ_CHUNK == 0:
                progress(READ_CHUNK)
        signed = chain.close()
        rows = check_rows(session, first, report) if first is not None else 0
    return LedgerVerification(
        chain.count, rows, checkpoints, signed, report.count, tuple(report.problems), tuple(report.notes)
    )


def _origin(first: EntryRow | None, report: Report) -> str | None:
    if first is None:
        return None
    try:
        return log_origin(first)
    except LedgerBrokenError:
        what = "entry 0 does not name its log: it was changed, or is another's"
        report.problem("changed", what, sequence=0, subject=first.subject)
        return None


def _entry_rows(session: Session) -> Iterator[EntryRow]:
    return entries(session)


@dataclass(frozen=True)
class _Trust:
    """The keys that are trusted, and from which entry on a rotated one is no longer."""

    keys: tuple[PublicKey, ...]
    retired: Mapping[str, int]


def _trusted(session: Session, keys: Iterable[PublicKey]) -> _Trust:
    """The given keys, and those that they endorsed, as the ledger tells."""
    known = {key.id: key for key in keys}
    retired = {}
    for sequence, key in announced_keys(session):
        before = known.get(key.previous or "")
        if before is not None and endorses(before, key):
            known.setdefault(key.id, key)
            retired[before.id] = sequence
    return _Trust(tuple(known.values()), retired)


def _claims(
    session: Session, folders: Sequence[Path], origin: str | None, trust: _Trust, report: Report
) -> tuple[dict[int, list[Claim]], int]:
    """What good checkpoints claim, by size, and how many checkpoints there were."""
    claims: dict[int, list[Claim]] = {}
    count = 0
    for where, note, tree_size, exported in _notes(session, folders, origin, report):
        count += 1
        head = _good_head(where, note, tree_size, origin, trust, report, exported)
        if head is not None:
            claims.setdefault(head.size, []).append(Claim(head, where, exported))
    return claims, count


def _notes(
    session: Session, folders: Sequence[Path], origin: str | None, report: Report
) -> Iterator[tuple[str, str | None, int, bool]]:
    for row in session.scalars(select(Checkpoint).order_by(Checkpoint.tree_size)):
        where = f"checkpoint {row.tree_size} of the database"
        _check_columns(row, where, report)
        yield where, row.note, row.tree_size, False
    for number, folder in enumerate(folders):
        place = folder if origin is None else folder_of(folder, number, origin)
        for file in exported_checkpoints(place):
            yield f"checkpoint {file.path}", file.note, file.size, True


def _check_columns(row: Checkpoint, where: str, report: Report) -> None:
    try:
        head = read_tree_head(read_note(row.note).text)
    except NoteError:
        return  # told where the note itself is read
    if (head.size, head.root.hex(), head.at) != (row.tree_size, row.root, row.at):
        report.problem("checkpoint", f"{where}: its columns are not what was signed", sequence=row.tree_size)


def _good_head(
    where: str, note: str | None, tree_size: int, origin: str | None, trust: _Trust, report: Report, exported: bool
) -> TreeHead | None:
    """What a checkpoint says, where it may be believed; tells why not otherwise."""
    remedy = RESTORE_FILE if exported else RESTORE
    try:
        read = read_note(note or "")
        head = read_tree_head(read.text)
    except NoteError as error:
        report.problem("checkpoint", f"{where} is damaged: {error}", remedy, sequence=tree_size)
        return None
    if origin is not None and head.origin != origin:
        what = f"{where} is of another ledger: the database was replaced, or the file does not belong here"
        report.problem("checkpoint", what, RESTORE, sequence=tree_size, expected=origin, found=head.origin)
        return None
    found, wrong = signers(read, head.origin, trust.keys)
    if wrong or not found:
        _tell_signature(where, wrong, remedy, tree_size, report)
        return None
    if head.size != tree_size:
        report.problem("checkpoint", f"{where} is of {head.size} entries", remedy, sequence=tree_size)
        return None
    if all(trust.retired.get(key.id, head.size) < head.size for key in found):
        what = f"{where} is signed by a key that was no longer in use by then"
        report.problem("checkpoint", what, remedy, sequence=tree_size, found=found[0].id)
        return None
    return head


def _tell_signature(where: str, wrong: bool, remedy: str, tree_size: int, report: Report) -> None:
    if wrong:
        report.problem("checkpoint", f"{where} was changed: its signature is wrong", remedy, sequence=tree_size)
        return
    trust = "put its signer's public key (`PURPOSE-ID.pub`) into the key folder, CUEWORKS_KEYS, if you trust it"
    report.problem("checkpoint", f"{where} is signed by no key that is known here", trust, sequence=tree_size)
