"""Checkpoints: the ledger's tree, signed at one size, stored with it and exported to where its owner cannot follow.

Rules:
- What is signed continues what was signed: the stored frontier is used only where its root is the one signed before.
  A ledger that is shorter than a checkpoint, or leads to another root at its size, is never signed again.
- The key that signs is on record first (kind `key`), with its predecessor's signature where there was one.
- An exported file is never overwritten. In the first folder, the one beside the catalog, files are `SIZE.checkpoint`
  and `KEY.vkey`; in every other folder they stand under the log's id, so that several catalogs may share it.

Nothing here renders, and nothing but entries of kind `key` is put on record.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.engine import reading, writing
from db.ledger import Entry, EntryRow, append, check_clock, entries, entry_texts, first_entry, size
from db.rights_tables import Checkpoint, LedgerEntry
from services.provenance.files import write_once
from services.provenance.keys import KeyFolder, PublicKey, UnusableKeyError
from services.provenance.merkle import Frontier, leaf_hash
from services.provenance.notes import (
    LONGEST_NOTE,
    NoteError,
    TreeHead,
    read_note,
    read_tree_head,
    sign,
    signers,
    verifier_key,
)

PURPOSE = "checkpoint"
BROKEN = "run `cueworks verify`, which names what is wrong; nothing was signed"


class LedgerBrokenError(RuntimeError):
    """The ledger does not continue what was signed before; the message says how. Nothing was signed."""


@dataclass(frozen=True)
class SignedTree:
    """A checkpoint. `note` is the signed note, `files` where it was exported to, `warnings` where it could not be.

    `made` is False where nothing had come since, and this is the last one there was."""

    head: TreeHead
    note: str
    key_id: str
    made: bool = True
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """A checkpoint's file. `note` is its text, None where it cannot be read as one."""

    path: Path
    size: int
    note: str | None


def checkpoint_folders(home: Path, further: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The folders that checkpoints of a home's catalog go to: beside it first."""
    return home / "checkpoints", *further


def log_origin(first: EntryRow) -> str:
    """The log's name, from its first entry; raises LedgerBrokenError where that is none."""
    try:
        return f"cueworks/{json.loads(first.entry)['body']['log']}"
    except (ValueError, LookupError, TypeError):
        raise LedgerBrokenError(f"the ledger's first entry does not name its log; {BROKEN}") from None


def checkpoint(engine: Engine, keys: KeyFolder, folders: Sequence[Path]) -> SignedTree | None:
    """Sign the ledger as it is now, store and export the checkpoint; only the new entries are read.

    Nothing new since the last: that one is exported where it is missing, and returned. None while the ledger is empty.
    Folders after the first that cannot be written are warned of. Raises ClockError, LedgerBrokenError,
    UnusableKeyError, OtherContentError; OSError for the first folder.
    """
    with reading(engine) as session:
        first, entry_count, last = first_entry(session), size(session), _last(session)
        check_clock(session)
    if first is None:
        return None
    key = keys.signing_key(PURPOSE)
    if last is None or entry_count != last.head.size or last.key_id != key.id:
        last = _sign(engine, keys, log_origin(first), folders)
    else:
        _check_reached(entry_count, _claims(folders, last.head.origin))
    return _exported(last, keys.public_keys(PURPOSE), folders)


def check_follows(engine: Engine, keys: KeyFolder, folders: Sequence[Path]) -> None:
    """Before anything goes on record: there is a usable key, and the ledger goes on from what a key of ours signed.

    Reads the last checkpoints alone; `verify` tells the rest. Raises LedgerBrokenError, UnusableKeyError."""
    keys.signing_key(PURPOSE)
    with reading(engine) as session:
        first, entry_count, last, stored = first_entry(session), size(session), _last(session), _stored(session)
    if first is None:
        _check_new(folders[0])
        return
    origin = log_origin(first)
    claims = _claims(folders, origin)
    _check_reached(entry_count, claims)
    for claimed, (root, path) in claims.items():
        if stored.get(claimed, root) != root:
            raise LedgerBrokenError(f"the first {claimed} entries are not those that {path} signed; {BROKEN}")
    if last is not None and not signers(read_note(last.note), origin, keys.public_keys(PURPOSE))[0]:
        what = f"the ledger's last checkpoint was signed by key {last.key_id}, which is not in {keys.path}"
        remedy = "set CUEWORKS_KEYS to the folder that holds it, or put its owner's *.pub file there"
        raise UnusableKeyError(f"{what}; {remedy}; nothing was written")


def _check_new(folder: Path) -> None:
    found = next(exported_checkpoints(folder), None)
    if found is not None:
        what = f"the database has no ledger, but {found.path} signed one: it was emptied, or is another one"
        raise LedgerBrokenError(f"{what}; put the right database back, or move {folder} away; nothing was written")


def announce(engine: Engine, keys: KeyFolder, purpose: str) -> None:
    """Put public keys on record that are not yet: today's, and those that led to it. For other purposes than
    `PURPOSE`, whose keys go on record with the first checkpoint that they sign."""
    key = keys.signing_key(purpose).public
    with writing(engine) as session:
        _announce(session, keys, key)


def _announce(session: Session, keys: KeyFolder, key: PublicKey) -> None:
    lock_transaction(session.connection(), "ledger")
    known = set(session.scalars(select(LedgerEntry.subject).where(LedgerEntry.kind == "key")))
    new = [before for before in keys.lineage(key) if before.id not in known]
    append(session, [Entry("key", one.id, {"key": one.as_json()}) for one in new])


def announced_keys(session: Session) -> Iterator[tuple[int, PublicKey]]:
    """(sequence, key) of every key on record, as it says itself; what is none is left out."""
    for row in entries(session, kind="key"):
        try:
            yield row.sequence, PublicKey.from_json(json.loads(row.entry)["body"]["key"])
        except (ValueError, LookupError, TypeError, RecursionError):
            continue


def exported_checkpoints(folder: Path) -> Iterator[Exported]:
    """The checkpoint files of a folder, smallest tree first."""
    sized = [(int(path.stem), path) for path in folder.glob("*.checkpoint") if _is_size(path.stem)]
    for tree_size, path in sorted(sized):
        yield Exported(path, tree_size, _read(path))


def folder_of(folder: Path, number: int, origin: str) -> Path:
    """Where a log's files stand in the folder with this number."""
    return folder if number == 0 else folder / origin.rpartition("/")[2]


def _is_size(stem: str) -> bool:
    return stem.isascii() and stem.isdecimal() and len(stem) <= 18


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_NOTE + 1).decode()
    except (OSError, UnicodeDecodeError):
        return None


def _last(session: Session) -> SignedTree | None:
    """The last checkpoint that was stored, as its note says; not checked."""
    row = session.scalars(select(Checkpoint).order_by(Checkpoint.tree_size.desc()).limit(1)).first()
    if row is None:
        return None
    try:
        head = read_tree_head(read_note(row.note).text)
    except NoteError:
        raise LedgerBrokenError(f"the stored checkpoint of {row.tree_size} entries is damaged; {BROKEN}") from None
    return SignedTree(head, row.note, row.key_id, made=False)


def _sign(engine: Engine, keys: KeyFolder, origin: str, folders: Sequence[Path]) -> SignedTree:
    """The bulk of the entries is read before others have to wait; the key, what came meanwhile and the checkpoint go
    on record in one transaction, so that no key is there without what it signed."""
    claims = _claims(folders, origin)
    with reading(engine) as session:
        frontier = _grown(session, keys.public_keys(PURPOSE), claims)
    with writing(engine) as session:
        lock_transaction(session.connection(), "checkpoint")
        there = _last(session)
        if there is not None and there.head.size > frontier.size:  # another driver's, made meanwhile
            return there
        key = keys.signing_key(PURPOSE)  # the one of this moment: it may just have been rotated
        _announce(session, keys, key.public)
        _grow(session, frontier, {})
        if there is not None and there.head.size >= frontier.size:
            return there
        head = TreeHead(origin, frontier.size, frontier.root(), datetime.now(UTC))
        made = SignedTree(head, sign(head.text(), origin, key), key.id)
        session.execute(insert(Checkpoint), _row(made, frontier))
    return made


def _row(made: SignedTree, frontier: Frontier) -> dict[str, object]:
    return {
        "tree_size": made.head.size, "root": made.head.root.hex(), "note": made.note, "key_id": made.key_id,
        "at": made.head.at, "frontier": [root.hex() for root in frontier.roots],
    }  # fmt: skip


def _claims(folders: Sequence[Path], origin: str) -> dict[int, tuple[bytes, Path]]:
    """The newest checkpoint of this log in each folder: what a ledger that goes on must still hold."""
    claims = {}
    for number, folder in enumerate(folders):
        for found in list(exported_checkpoints(folder_of(folder, number, origin)))[-1:]:
            try:
                head = read_tree_head(read_note(found.note or "").text)
            except NoteError:
                raise LedgerBrokenError(f"{found.path} is damaged; {BROKEN}") from None
            if head.origin != origin:
                raise LedgerBrokenError(f"{found.path} is of another ledger ({head.origin}); {BROKEN}")
            claims[head.size] = (head.root, found.path)
    return claims


def _grown(session: Session, keys: Sequence[PublicKey], claims: Mapping[int, tuple[bytes, Path]]) -> Frontier:
    """The tree over all entries, from the last signed one on; held against every claim. Raises LedgerBrokenError."""
    whole, stored, frontier = size(session), _stored(session), _trusted_frontier(session, keys)
    expected = {at: [(root, f"the stored checkpoint of {at} entries")] for at, root in stored.items()}
    for claimed, (root, path) in claims.items():
        if stored.get(claimed, root) != root or (claimed < frontier.size and claimed not in stored):
            frontier = Frontier()
        expected.setdefault(claimed, []).append((root, str(path)))
    _check_reached(whole, {at: (found[0][0], found[0][1]) for at, found in expected.items()})
    _check_claim(frontier, expected)
    _grow(session, frontier, expected)
    return frontier


def _check_reached(whole: int, claims: Mapping[int, tuple[bytes, object]]) -> None:
    """Raises LedgerBrokenError where more entries were signed than there are."""
    if claims and max(claims) > whole:
        told = f"the ledger has {whole} entries, {claims[max(claims)][1]} signed {max(claims)}"
        raise LedgerBrokenError(f"{told}: the database was restored from an older state; {BROKEN}")


def _grow(session: Session, frontier: Frontier, expected: Mapping[int, Sequence[tuple[bytes, str]]]) -> None:
    """Add the entries that are not in it yet, held against each size that was signed. Raises LedgerBrokenError."""
    whole = size(session)
    for text in entry_texts(session, frontier.size):
        frontier.append(leaf_hash(text.encode()))
        _check_claim(frontier, expected)
    if frontier.size != whole:
        raise LedgerBrokenError(f"the ledger has {frontier.size} entries and numbers up to {whole - 1}; {BROKEN}")


def _check_claim(frontier: Frontier, expected: Mapping[int, Sequence[tuple[bytes, str]]]) -> None:
    for root, where in expected.get(frontier.size, ()):
        if root != frontier.root():
            raise LedgerBrokenError(f"the first {frontier.size} entries are not those that {where} signed; {BROKEN}")


def _stored(session: Session) -> dict[int, bytes]:
    found = session.execute(select(Checkpoint.tree_size, Checkpoint.root))
    return {tree_size: bytes.fromhex(root) for tree_size, root in found}


def _trusted_frontier(session: Session, keys: Sequence[PublicKey]) -> Frontier:
    """The last stored frontier, where a key of ours signed its root; else an empty one, to begin again from."""
    row = session.scalars(select(Checkpoint).order_by(Checkpoint.tree_size.desc()).limit(1)).first()
    if row is None:
        return Frontier()
    try:
        note = read_note(row.note)
        head = read_tree_head(note.text)
        frontier = Frontier(row.tree_size, map(bytes.fromhex, row.frontier))
    except (NoteError, ValueError, TypeError):
        return Frontier()
    signed, wrong = signers(note, head.origin, keys)
    whole = signed and not wrong and (head.size, head.root) == (frontier.size, frontier.root())
    return frontier if whole else Frontier()


def _exported(tree: SignedTree, keys: Sequence[PublicKey], folders: Sequence[Path]) -> SignedTree:
    origin, files, warnings = tree.head.origin, [], []
    for number, folder in enumerate(folders):
        place = folder_of(folder, number, origin)
        try:
            for key in keys:
                write_once(place / f"{key.id}.vkey", f"{verifier_key(origin, key.raw)}\n".encode())
            path = place / f"{tree.head.size}.checkpoint"
            write_once(path, tree.note.encode())
            files.append(path)
        except OSError as error:
            if number == 0:
                raise
            warnings.append(f"no checkpoint in {folder}: {error.strerror or error}")
    return replace(tree, files=tuple(files), warnings=tuple(warnings))

