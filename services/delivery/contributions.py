"""What people put into a take: words, melodies, edits, and files that show it.

Registration offices and collecting societies ask for the human part of a work, take by take. A file that is brought
along is kept as a blob; an edited one is a derivation of the take's master too, under the master's licence. No take
and no master ever changes.
"""

import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import writing
from db.ledger import append
from db.releases import (
    ContributionRow,
    DerivationRow,
    add_contributions,
    add_derivations,
    contributions,
    derivations,
    hold_reviews,
)
from db.rows import AssetRow, TakeRow
from services.catalog.lock import files_kept
from services.delivery import texts
from services.delivery.errors import DeliveryError
from services.delivery.records import entries, moment
from services.planning.faults import printable, shown
from services.rights.materials import part_materials
from services.rights.register import load
from services.rights.terms import sound_licence
from services.storage.store import BlobStore

EDIT = "edit"


@dataclass(frozen=True)
class Part:
    """What one person put into a take. `file` shows it: a score, a text, the edited sound.

    Raises DeliveryError for words that cannot be put on record."""

    kind: str
    by: str
    note: str = ""
    file: Path | None = None

    def __post_init__(self) -> None:
        texts.kind(self.kind)
        object.__setattr__(self, "by", texts.person(self.by))
        object.__setattr__(self, "note", texts.note(self.note))


@dataclass(frozen=True)
class Contributed:
    """What was put on record; `new` is False where it was there already. `derivation` is the edited file's row id."""

    id: str
    take: str
    kind: str
    by: str
    sha256: str | None
    derivation: str | None
    new: bool


def contribute(engine: Engine, home: Path, store: BlobStore, take: TakeRow, part: Part) -> Contributed:
    """Put a contribution on record, with its file; the same again changes nothing.

    Raises DeliveryError where the file or the take is not fit for it; CatalogBusyError while files are removed;
    StorageError; ClockError."""
    master = master_of(take) if part.kind == EDIT and part.file is not None else None
    if part.kind == EDIT and part.file is not None and master is None:
        raise DeliveryError(f"take {take.id[:12]}: has no sound that could have been edited; generate it first")
    with files_kept(home):
        sha256 = _stored(store, part) if part.file is not None else None
        if master is not None and sha256 == master.sha256:
            raise DeliveryError(f"{part.file}: is the take's own master, byte for byte; give the edited file")
        with writing(engine) as session:
            hold_reviews(session, take.catalog)
            known = _known(session, take, part, sha256)
            return known or _write(session, take, part, sha256, master)


def master_of(take: TakeRow) -> AssetRow | None:
    """The lossless mix of a take; None before it has one."""
    return next((asset for asset in take.assets if asset.role == "mix" and asset.pcm_sha256), None)


def _stored(store: BlobStore, part: Part) -> str:
    assert part.file is not None
    if not part.file.is_file():
        raise DeliveryError(f"--file {printable(str(part.file))}: is no file that can be read; name one")
    if part.file.stat().st_size == 0:
        raise DeliveryError(f"--file {printable(str(part.file))}: is empty; give the file with the work in it")
    if part.kind == EDIT:
        _check_sound(part.file)
    try:
        source = part.file.open("rb")
    except OSError as error:
        raise DeliveryError(f"--file {printable(str(part.file))}: {error.strerror}; name a file you may read") from None

    def copy(target: BinaryIO) -> None:
        shutil.copyfileobj(source, target, 1 << 20)

    with source:
        return store.put(copy).sha256


def _check_sound(file: Path) -> None:
    import soundfile

    try:
        frames = soundfile.info(str(file)).frames
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError) as error:
        told = shown(str(error))
        raise DeliveryError(f"--file {printable(str(file))}: no sound ({told}); give WAV, FLAC, Ogg or MP3") from None
    if frames <= 0:
        raise DeliveryError(f"--file {printable(str(file))}: holds no sound; give the edited one")


def _known(session: Session, take: TakeRow, part: Part, sha256: str | None) -> Contributed | None:
    wanted = (part.kind, part.by, part.note, sha256)
    for row in contributions(session, [take.id]).get(take.id, ()):
        if (row.kind, row.by, row.note, row.sha256) == wanted:
            edits = [edit.id for edit in derivations(session, [take.id]).get(take.id, ()) if edit.sha256 == sha256]
            return Contributed(row.id, take.id, row.kind, row.by, sha256, edits[0] if edits else None, False)
    return None


def _write(session: Session, take: TakeRow, part: Part, sha256: str | None, master: AssetRow | None) -> Contributed:
    at = moment(session)
    row = ContributionRow(str(uuid.uuid4()), take.id, part.kind, part.by, part.note, sha256, at)
    made = entries("contribution", take.catalog, add_contributions(session, [row]))
    outcome = Contributed(row.id, take.id, row.kind, row.by, sha256, None, True)
    if master is not None and sha256 is not None:
        known = load(session).with_seed()
        parts = part_materials(known, take.generator, take.revision, at)
        licence = sound_licence(known, take.generator, take.revision, at.date(), at, parts)
        edit = DerivationRow(
            str(uuid.uuid4()), sha256, master.sha256, take.id, EDIT, licence, f"take {take.id}", part.by, part.note, at
        )
        made += entries("derivation", take.catalog, add_derivations(session, [edit]))
        outcome = replace(outcome, derivation=edit.id)
    append(session, made)
    return outcome
