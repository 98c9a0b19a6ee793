"""Verification of the ledger: what was signed of it, the chain, and the catalog's rows against what was recorded.

Three passes, each streamed, none with more in memory than a page:
1. The checkpoints, stored and exported: signed by a known key, of this log, the same everywhere.
2. Every entry in sequence: its text against its digest and columns, its link to the one before, the tree's root at each
   size that was signed, the end against the largest (`services.provenance.chain`).
3. Every row that the ledger holds, subject by subject, against the entries about that subject
   (`services.provenance.crosscheck`).

It returns findings with a remedy each and changes nothing. A row that was recorded before the ledger began is held
by the digest in the first entry. What came after the last checkpoint is held by the chain alone. Exported checkpoints
are read before the database is, so that one that is signed meanwhile claims nothing that is not there yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.engine import reading
from db.guards import missing_guards
from db.ledger import READ_CHUNK, EntryRow, entries, first_entry
from db.rights_tables import Checkpoint
from services.provenance.chain import Chain, Claim
from services.provenance.checkpoints import (
    PURPOSE,
    Exported,
    LedgerBrokenError,
    announced_keys,
    exported_checkpoints,
    folder_of,
    log_origin,
)
from services.provenance.crosscheck import check_rows
from services.provenance.damage import is_damage, read_others, tell_unreadable
from services.provenance.findings import RESTORE, Finding, Report
from services.provenance.keys import PublicKey, endorses
from services.provenance.merkle import Frontier
from services.provenance.notes import NoteError, TreeHead, read_note, read_tree_head, signers

RESTORE_FILE = "put the file back from another copy; the ledger itself is not touched by this"
EXPORT = "run `cueworks ledger checkpoint`, or put the files back from another copy"
GUARD = "find out who took it away; restore the database from a backup, or make it anew as migrations 0002 and 0003 do"

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

    `progress` is told how many more entries are through. Never raises for what it finds; a pass that comes upon a
    value that cannot be read ends there, and every such row is named."""
    report, exported = Report(), _Exported(engine, folders)
    with reading(engine) as session:
        passes = _Passes(session, report)
        first = passes.run(lambda: first_entry(session), None)
        origin = _origin(first, report)
        trust = passes.run(lambda: _trusted(session, keys), _Trust((), {}, {}))
        nothing: tuple[dict[int, list[Claim]], int] = {}, 0
        claims, checkpoints = passes.run(lambda: _claims(session, exported, origin, trust, report), nothing)
        chain = Chain(report, claims)
        signed = passes.run(lambda: _check_chain(session, chain, progress), 0)
        rows = passes.run(lambda: check_rows(session, first, report), 0)
        passes.run(lambda: read_others(session), None)
        passes.close()
        for what in missing_guards(session):
            report.problem("unguarded", f"{what}: rows may be changed there unseen until the next check", GUARD)
    return LedgerVerification(
        chain.count, rows, checkpoints, signed, report.count, tuple(report.problems), tuple(report.notes)
    )


_Result = TypeVar("_Result")


class _Passes:
    """Runs passes so that a value that cannot be read ends one of them, not the verification."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session, self._report = session, report
        self._damage: Exception | None = None

    def run(self, step: Callable[[], _Result], otherwise: _Result) -> _Result:
        try:
            return step()
        except Exception as error:
            if not is_damage(error):
                raise
            self._damage = error
            return otherwise

    def close(self) -> None:
        """Name what could not be read. Raises what was raised where every row can: then it is a fault of ours."""
        if self._damage is not None and not tell_unreadable(self._session, self._report):
            raise self._damage


def _check_chain(session: Session, chain: Chain, progress: Progress) -> int:
    for row in entries(session):
        chain.add(row)
        if chain.count % READ_CHUNK == 0:
            progress(READ_CHUNK)
    return chain.close()


def _origin(first: EntryRow | None, report: Report) -> str | None:
    if first is None:
        return None
    try:
        return log_origin(first)
    except LedgerBrokenError:
        what = "entry 0 does not name its log: it was changed, or is another's"
        report.problem("changed", what, sequence=0, subject=first.subject)
        return None


@dataclass(frozen=True)
class _Trust:
    """The keys that are trusted, from which entry on a rotated one is no longer, and which are on record."""

    keys: tuple[PublicKey, ...]
    retired: Mapping[str, int]
    announced: Mapping[str, int]  # the entry that put a key on record; a checkpoint was stored with it


def _trusted(session: Session, keys: Iterable[PublicKey]) -> _Trust:
    """The given keys that sign checkpoints, and those that they endorsed while in use, as the ledger tells."""
    known = {key.id: key for key in keys if key.purpose == PURPOSE}
    retired: dict[str, int] = {}
    announced = dict[str, int]()
    for sequence, key in announced_keys(session):
        if key.purpose != PURPOSE:
            continue
        announced.setdefault(key.id, sequence)
        before = known.get(key.previous or "")
        if before is not None and before.id not in retired and endorses(before, key):
            known.setdefault(key.id, key)
            retired[before.id] = sequence
    return _Trust(tuple(known.values()), retired, announced)


class _Exported:
    """The exported checkpoints of a log, read before the database is looked at."""

    def __init__(self, engine: Engine, folders: Sequence[Path]) -> None:
        origin = self._origin(engine)
        places = [folder if origin is None else folder_of(folder, n, origin) for n, folder in enumerate(folders)]
        self.files = {place: list(exported_checkpoints(place)) for place in places}

    def _origin(self, engine: Engine) -> str | None:
        try:
            with reading(engine) as session:
                first = first_entry(session)
            return None if first is None else log_origin(first)
        except Exception as error:
            if isinstance(error, LedgerBrokenError) or is_damage(error):
                return None
            raise

    def all(self) -> list[Exported]:
        return [file for files in self.files.values() for file in files]


def _claims(
    session: Session, exported: _Exported, origin: str | None, trust: _Trust, report: Report
) -> tuple[dict[int, list[Claim]], int]:
    """What good checkpoints claim, by size, and how many checkpoints there were."""
    claims: dict[int, list[Claim]] = {}
    count, stored = 0, set[int]()
    for row in session.scalars(select(Checkpoint).order_by(Checkpoint.tree_size)):
        where = f"checkpoint {row.tree_size} of the database"
        _check_columns(row, where, trust, report)
        stored.add(row.tree_size)
        head = _good_head(where, row.note, row.tree_size, origin, trust, report, False)
        count += 1
        if head is not None:
            claims.setdefault(head.size, []).append(Claim(head, where, False))
    for file in exported.all():
        where = f"checkpoint {file.path}"
        head = _good_head(where, file.note, file.size, origin, trust, report, True)
        count += 1
        if head is not None:
            claims.setdefault(head.size, []).append(Claim(head, where, True))
            if head.size not in stored:
                what = f"{where} was signed, but the database does not hold it"
                report.problem("checkpoint", what, RESTORE, sequence=head.size)
    largest = max([*stored, *(file.size for file in exported.all())], default=0)
    _check_covered(trust, largest, report)
    _note_exports(exported, stored, report)
    return claims, count


def _check_covered(trust: _Trust, largest: int, report: Report) -> None:
    """A key goes on record in the transaction that stores its first checkpoint: one without the other is a loss."""
    for id_, sequence in trust.announced.items():
        if largest <= sequence:
            what = f"key {id_} signed the ledger when entry {sequence} put it on record; that checkpoint is missing"
            report.problem("checkpoint", what, RESTORE, sequence=sequence, subject=id_)


def _note_exports(exported: _Exported, stored: set[int], report: Report) -> None:
    """The first folder has all of them; a further one, which may have been named later, at least the newest."""
    for number, (place, files) in enumerate(exported.files.items()):
        missing = (stored if number == 0 else {max(stored, default=0)} & stored) - {file.size for file in files}
        if missing:
            what = f"{len(missing)} of {len(stored)} stored checkpoints are not exported in {place}"
            report.note("export", what, EXPORT, sequence=max(missing))


def _check_columns(row: Checkpoint, where: str, trust: _Trust, report: Report) -> None:
    try:
        read = read_note(row.note)
        head = read_tree_head(read.text)
    except NoteError:
        return  # told where the note itself is read
    signed = [key.id for key in signers(read, head.origin, trust.keys)[0]]
    same = (head.size, head.root.hex(), head.at) == (row.tree_size, row.root, row.at)
    if not same or (signed and row.key_id not in signed) or not _leads_to(row.frontier, head):
        report.problem("checkpoint", f"{where}: its columns are not what was signed", sequence=row.tree_size)


def _leads_to(frontier: Sequence[str], head: TreeHead) -> bool:
    try:
        return Frontier(head.size, map(bytes.fromhex, frontier)).root() == head.root
    except (ValueError, TypeError):
        return False


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
