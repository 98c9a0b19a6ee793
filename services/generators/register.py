"""Entering checkpoints into the register of generators, and taking them out.

Rules:
- Everything that can be wrong is said at once, before anything is written: name, licence, folder, architecture,
  tensors, tokenizer, values.
- A registration pins the digest of the files that make the sound. The same files again change nothing; other files
  under the same name are a new revision, and the older one stays for takes that were made with it.
- What was decided and what is on record are one transaction; a second process finds the first one's row.

Nothing here fetches (see `hub`), and no file of a user is ever changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from db.ledger import Entry, check_clock
from db.registrations import (
    ADDED,
    FOLDER,
    HUB,
    REMOVED,
    RegistrationRow,
    holding,
    insert_registration,
    locked_registrations,
)
from models.families import Family, Summary, family_of_folder
from models.pinning import CODEC, TEXT_ENCODER, whole_digest
from models.registry import is_hub_id, is_word
from services.generators import hub
from services.generators.cards import ModelCard, read_card, spdx
from services.generators.errors import RegisterError
from services.generators.files import FileFacts, digested, leading_out, parts_below, real_folder, standing, unsafe
from services.generators.known import LICENCE_OPTION, KnownGenerators, default_name
from services.planning.faults import shown

PARTS = (TEXT_ENCODER, CODEC)
LONGEST_NAME = 200
NEW, SAME, AGAIN, REVISED = "new", "same", "again", "revised"


@dataclass(frozen=True)
class Asked:
    """What somebody wants to register: a folder or a hub's id, and what to call it."""

    source: str
    revision: str | None = None
    name: str | None = None
    text_encoder: Path | None = None
    codec: Path | None = None
    licence: str | None = None


class Watching(Protocol):
    """What a caller may want to see on the way."""

    def stage(self, what: str, total: int = 0) -> None:
        """Something begins; `total` bytes will be told of."""
        ...

    def read(self, count: int) -> None:
        """So many more bytes were read."""
        ...


class Unwatched:
    """Watches nothing."""

    def stage(self, what: str, total: int = 0) -> None: ...

    def read(self, count: int) -> None: ...


@dataclass(frozen=True)
class Prepared:
    """A checkpoint that was verified and hashed: its row, not yet entered, and what its card could not say."""

    row: RegistrationRow
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Entered:
    """What entering changed. `outcome` is new, same, again (the same files, at another place or time) or revised.

    `row` is the row that holds now, `before` the one that held until now."""

    outcome: str
    row: RegistrationRow
    before: RegistrationRow | None = None


@dataclass(frozen=True)
class _Found:
    """Where a checkpoint lies."""

    origin: str
    source: str
    asked_revision: str
    commit: str
    folder: Path
    parts: Mapping[str, Path | None]

    @property
    def family(self) -> Family:
        """The family that the checkpoint is of, by what lies at the top of its folder."""
        return family_of_folder(self.folder)


def prepare(
    asked: Asked, known: KnownGenerators, licences: Sequence[str] = (), watching: Watching | None = None,
    quiet: bool = False,
) -> Prepared:  # fmt: skip
    """Verify and hash a checkpoint; `licences` are those that facts name. Nothing is written but a hub's cache.

    Raises RegisterError with every fault; models.families.CheckpointError with every fault of the files."""
    told = watching or Unwatched()
    _check_words(asked, known, licences)
    found = _found(asked, told, quiet)
    name = asked.name or default_name(found.origin, found.source, str(found.folder))
    folders = (found.folder, *(part for part in found.parts.values() if part))
    below = parts_below(found.folder) if found.family.nested else []
    unsafe_ones = [*unsafe(found.folder, below), *(fault for folder in folders[1:] for fault in unsafe(folder))]
    if faults := [*wrong_name(name, known), *unsafe_ones]:
        raise RegisterError(faults)
    stood = standing((*folders, *below))
    summary = _inspected(found, told)
    files = dict(summary.files)
    if outside := leading_out(files.values(), folders):
        raise RegisterError(outside)
    told.stage("reading files", sum(path.stat().st_size for path in files.values()))
    facts = digested(files, told.read, stood)
    card = read_card(found.folder, licences)
    row = _row(name, found, summary, facts, _card(card, asked, found, summary, licences))
    return Prepared(row, tuple(_warnings(card, asked, row)))


def _check_words(asked: Asked, known: KnownGenerators, licences: Sequence[str]) -> None:
    """What is wrong with the words of the order itself, before a file is looked at."""
    faults = list(wrong_name(asked.name, known)) if asked.name is not None else []
    if asked.licence is not None and not spdx(asked.licence, licences):
        what = f"--licence {shown(asked.licence)} is no SPDX expression that is known"
        faults.append(f"{what}; write one as `CC-BY-NC-4.0`, or leave it out and use `cueworks licences add`")
    if not _is_folder(asked.source):
        if not is_hub_id(asked.source):
            what = f"{shown(asked.source)}: neither a folder nor a hub's id"
            faults.append(f"{what}; name a folder that is there, or a checkpoint as `facebook/musicgen-small`")
        elif said := hub.wrong_revision(asked.revision):
            faults.append(f"{asked.source}: {said}")
    elif asked.revision is not None and (len(asked.revision) > LONGEST_NAME or not asked.revision.isprintable()):
        faults.append(f"--revision {shown(asked.revision)}: write one line of at most {LONGEST_NAME} characters")
    if faults:
        raise RegisterError(faults)


def _is_folder(source: str) -> bool:
    try:
        return bool(source) and Path(source).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def wrong_name(name: str, known: KnownGenerators) -> list[str]:
    """What is wrong with a generator's name, a sentence each."""
    words = name.split("/")
    if len(words) > 2 or len(name) > LONGEST_NAME or not all(map(is_word, words)):
        what = f"{shown(name)} is no name for a generator"
        return [f"{what}; use letters, digits, `.`, `_`, `-` and at most one `/`: --name NAME"]
    taken = {other.casefold(): other for other in (*known.names_ever, *known.builtin)}.get(name.casefold(), name)
    if taken in known.builtin:
        return [f"{name}: {taken} is built in; give the checkpoint another name: --name NAME"]
    if taken != name:
        return [f"{name}: {taken} is or was registered, and differs only by case; write {taken}, or another --name"]
    return []


def _found(asked: Asked, told: Watching, quiet: bool) -> _Found:
    faults, parts = list[str](), dict[str, Path | None]()
    for part, path in ((TEXT_ENCODER, asked.text_encoder), (CODEC, asked.codec)):
        try:
            parts[part] = real_folder(path, part.replace("_", " ")) if path is not None else None
        except RegisterError as error:
            faults += error.faults
    if faults:
        raise RegisterError(faults)
    if _is_folder(asked.source):
        folder = real_folder(Path(asked.source))
        return _Found(FOLDER, str(folder), asked.revision or "", "", folder, parts)
    assert asked.revision is not None
    told.stage(f"fetching {asked.source}")
    fetched = hub.fetch(asked.source, asked.revision, quiet)
    return _Found(HUB, asked.source, asked.revision, fetched.commit, real_folder(fetched.folder), parts)


def _inspected(found: _Found, told: Watching) -> Summary:
    try:
        told.stage("looking at its tensors")
        summary = found.family.inspected(found.folder, found.parts[TEXT_ENCODER], found.parts[CODEC])
        told.stage("looking at its values")
        found.family.check(summary)
    except OSError as error:
        what = f"{error.filename or found.folder}: cannot be read: {error.strerror or error}"
        raise RegisterError([f"{what}; put the file back, or fetch the checkpoint again"]) from None
    return summary


def _card(card: ModelCard, asked: Asked, found: _Found, summary: Summary, licences: Sequence[str]) -> dict[str, Any]:
    """What is kept of the card, with what whoever registers it says of its licence."""
    told: dict[str, Any] = {**card.as_json(), "title": summary.title, "kind": summary.kind}
    if asked.licence is not None:
        told |= {"licence": spdx(asked.licence, licences), "licence_by": LICENCE_OPTION}
    parts = {name: read_card(path, licences).licence for name, path in found.parts.items() if path}
    return told | {"parts": stated} if (stated := {name: text for name, text in parts.items() if text}) else told


def _warnings(card: ModelCard, asked: Asked, row: RegistrationRow) -> list[str]:
    found = [f"{row.generator}: {warning}" for warning in card.warnings]
    if asked.licence is not None and card.licence and card.licence != row.card["licence"]:
        what = f"{row.generator}: --licence says {row.card['licence']}, its own card says {card.licence}"
        found.append(f"{what}; both are on record")
    return found


def _row(
    name: str, found: _Found, summary: Summary, facts: Mapping[str, FileFacts], card: Mapping[str, Any]
) -> RegistrationRow:
    digest = whole_digest({file: fact.sha256 for file, fact in facts.items()})
    cpu, cuda = summary.places()
    parts = {part: str(path) if path else None for part, path in found.parts.items()}
    return RegistrationRow(
        generator=name,
        act=ADDED,
        digest=digest,
        revision=found.family.revision_of(digest),
        origin=found.origin,
        source=found.source,
        asked_revision=found.asked_revision,
        commit_id=found.commit,
        folder=str(found.folder),
        text_encoder=parts[TEXT_ENCODER],
        codec=parts[CODEC],
        format=summary.format,
        files={file: fact.as_json() for file, fact in facts.items()},
        card=card,
        shape=summary.shape_json(),
        places={"cpu": asdict(cpu), "cuda": asdict(cuda) if cuda else None},
        at=datetime.now(UTC),
    )


_BESIDE = ("number", "at", "revision")  # of the row itself, not of what it registers


def _content(row: RegistrationRow) -> list[Any]:
    """What two rows have in common where the same is registered again."""
    return [getattr(row, field.name) for field in fields(row) if field.name not in _BESIDE]


def enter(session: Session, row: RegistrationRow) -> tuple[Entered, list[Entry]]:
    """Put a prepared row into the register; returns what changed and its ledger entries, for the caller to append.

    Raises ClockError."""
    check_clock(session)
    mine = [other for other in locked_registrations(session) if other.generator == row.generator]
    held = holding(mine)
    before = held[-1] if held else None
    if before is not None and _content(before) == _content(row):
        return Entered(SAME, before, before), []
    numbered = replace(row, number=mine[-1].number + 1 if mine else 1)
    outcome = NEW if before is None else AGAIN if before.digest == row.digest else REVISED
    return Entered(outcome, numbered, before), [insert_registration(session, numbered)]


def remove(session: Session, name: str) -> tuple[RegistrationRow, list[Entry]]:
    """Take a generator out of the register, all its revisions; returns its last row and the ledger entries.

    Raises RegisterError where it is not registered, ClockError."""
    check_clock(session)
    mine = [row for row in locked_registrations(session) if row.generator == name]
    held = holding(mine)
    if not held:
        raise RegisterError([_nothing_to_remove(name, mine)])
    row = replace(held[-1], act=REMOVED, number=mine[-1].number + 1, at=datetime.now(UTC))
    return row, [insert_registration(session, row)]


def _nothing_to_remove(name: str, rows: Sequence[RegistrationRow]) -> str:
    if rows:
        return f"{name}: was removed on {rows[-1].at:%Y-%m-%d} already; nothing changed"
    return f"no generator {shown(name)} is registered; `cueworks models list` shows those that are"
