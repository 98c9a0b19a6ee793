"""Releases: freeze the approved takes, gate, copy, sign, put on record, hand over. Withdrawn later, changed never.

The way is fixed: nothing is written before the policy allowed every take and every master proved whole; files are
staged beside their place; the release is recorded in one transaction that finds approvals and verdicts unchanged; then
the folder is renamed into place. A crash before the record leaves nothing that counts, one after it a staged folder
that the same command again hands over. What goes out is tagged and signed; masters in the store never are.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db.engine import reading, writing
from db.ledger import append
from db.releases import FactText, ItemRow, ReleaseRow, add_release, hold_reviews, release_rows
from db.rights_tables import Release
from db.takes import catalog_names
from db.verdicts import asked_takes
from services.catalog.lock import catalog_lock
from services.delivery import claims, folder, texts
from services.delivery import manifest as documents
from services.delivery.checking import folder_problems, recorded_manifest
from services.delivery.errors import ChangedMeanwhileError, DamagedMasterError, DeliveryError
from services.delivery.filling import Contents, Filling, Seal
from services.delivery.frozen import Frozen, FrozenTake, freeze
from services.delivery.gate import Gate, Judged, Terms, check, terms_of
from services.delivery.manifest import Heading, Released
from services.delivery.masters import check_masters
from services.delivery.records import entries, moment
from services.delivery.targets import named
from services.planning.faults import nearest, shown
from services.planning.words import FORMATS
from services.storage.folder import FolderStore

CLOSE_USES = ("content-id", "music-library")  # where near-duplicates are turned away


@dataclass(frozen=True)
class Near:
    """Two takes of a release that sound nearly the same; `score` from 0 to 1, `text` a sentence."""

    one: str
    other: str
    score: float
    text: str


@dataclass(frozen=True)
class Tools:
    """The ports a release works through. `near` tells near-duplicates among takes (ids) of a catalog, `settled` is
    called when something was put on record, to sign a checkpoint; `vouch` signs a text (None: nothing is signed)."""

    gate: Gate
    seal: Seal
    near: Callable[[str, Sequence[str]], Sequence[Near]] = lambda catalog, ids: ()
    settled: Callable[[], object] = lambda: None
    vouch: Callable[[str], str] | None = None


@dataclass(frozen=True)
class ReleaseOrder:
    """What is to be released, where to, and what its files say. `isrc` by take id; `producer` None means the
    catalog's title.

    Raises DeliveryError for words that cannot be put on record."""

    catalog: str
    name: str
    out: Path
    by: str
    target: str = "plain"
    use: str | None = None
    licensee: Mapping[str, Any] | None = None
    formats: tuple[str, ...] = ()
    isrc: Mapping[str, str] = field(default_factory=dict)
    aigc: bool = False
    producer: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", texts.release_name(self.name))
        object.__setattr__(self, "by", texts.person(self.by))
        if self.producer is not None:
            object.__setattr__(self, "producer", texts.person(self.producer, "--producer"))
        for name in self.formats:
            if name not in FORMATS:
                raise DeliveryError(f"--formats: {shown(name)} is no format; {nearest(name, FORMATS)}")
        named(self.target)


@dataclass(frozen=True)
class Outcome:
    """What came of it. `fresh` is False where the same release was there already; `finished` where it was recorded
    before, and its folder was handed over only now."""

    release: ReleaseRow
    takes: int
    files: int
    bytes: int
    fresh: bool
    finished: bool
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]
    attribution: tuple[str, ...]


def release(
    engine: Engine, home: Path, store: FolderStore, order: ReleaseOrder, tools: Tools,
    progress: Callable[[int], None] = lambda takes: None,
) -> Outcome:  # fmt: skip
    """Release the approved takes of a catalog into a new folder.

    Raises DeliveryError (bad input, a name that is taken), RefusedError (the policy), DamagedMasterError (files that
    changed), CatalogBusyError, ChangedMeanwhileError, CredentialsError, ClockError; OSError and StorageError where the
    disk is full. The folder is then not there, and nothing was recorded."""
    place = folder.checked_place(order.out, home)
    title = _title(engine, order.catalog)
    with catalog_lock(home, engine, order.catalog):
        return _Release(engine, home, store, order, tools, place, title).carry_out(progress)


def _title(engine: Engine, catalog: str) -> str:
    with reading(engine) as session:
        known = dict(catalog_names(session))
    if catalog not in known:
        raise DeliveryError(f"no catalog {shown(catalog)}; there are: {', '.join(known) or 'none'}")
    return known[catalog]


@dataclass(frozen=True)
class _Decided:
    """What may go out: read and judged at one moment."""

    frozen: Frozen
    terms: Terms
    judged: Mapping[str, Judged]
    facts: Mapping[str, FactText]
    licences: Mapping[str, str]
    near: tuple[Near, ...] = ()


@dataclass(frozen=True)
class _Release:
    engine: Engine
    home: Path
    store: FolderStore
    order: ReleaseOrder
    tools: Tools
    place: Path
    title: str

    def carry_out(self, progress: Callable[[int], None]) -> Outcome:
        now = datetime.now(UTC)
        with reading(self.engine) as session:
            decided = self._decide(session, now)
            there = _there(session, self.order)
            if there is not None:
                _check_same(there, self.order, decided.frozen, decided.terms)
            check(decided.terms, decided.judged, decided.facts)
        if there is not None:
            return self._hand_over(there, decided)
        folder.check_empty(self.place)
        self._check_isrc(decided.frozen)
        check_masters(self.store, decided.frozen.takes)
        if decided.terms.use in CLOSE_USES:
            near = self.tools.near(self.order.catalog, [take.id for take in decided.frozen.takes])
            decided = replace(decided, near=tuple(near))
        return self._write(decided, progress)

    def _decide(self, session: Session, now: datetime) -> _Decided:
        frozen = freeze(session, (self.order.catalog, self.title), self.order.formats)
        terms = terms_of(session, frozen, self.order.use, self.order.licensee)
        ids = [take.id for take in frozen.takes]
        judged = self.tools.gate.judge(session, list(asked_takes(session, ids)), terms, now)
        facts = self.tools.gate.facts(session, {fact for judgement in judged.values() for fact in judgement.facts})
        return _Decided(frozen, terms, judged, facts, self.tools.gate.licences(session, judged))

    def _check_isrc(self, frozen: Frozen) -> None:
        if strange := sorted(set(self.order.isrc) - {take.id for take in frozen.takes}):
            what = f"--isrc-file: take {strange[0][:12]} is not released"
            raise DeliveryError(f"{what}; approve it, or remove its line")

    def _write(self, decided: _Decided, progress: Callable[[int], None]) -> Outcome:
        staged = folder.staged_place(self.place, self.home, self.order.catalog, self.order.name)
        try:
            folder.start(staged)
            row, items = self._fill(staged, decided, progress)
            folder.settle(staged)
            self._record(row, items, decided)
        except BaseException:
            if not self._may_be_recorded():
                folder.remove(staged)
            raise
        folder.publish(staged, self.place)
        self.tools.settled()
        return _outcome(row, decided, items, fresh=True)

    def _fill(
        self, staged: Path, decided: _Decided, progress: Callable[[int], None]
    ) -> tuple[ReleaseRow, list[ItemRow]]:
        """Write every file of the release; returns what is to be recorded."""
        order, now = self.order, datetime.now(UTC)
        heading = Heading(
            str(uuid.uuid4()), order.catalog, self.title, order.name, order.target, decided.terms, order.by,
            order.producer or self.title, now, order.aigc,
        )  # fmt: skip
        takes = [self._released(take, decided) for take in decided.frozen.takes]
        near = [{"takes": [pair.one, pair.other], "score": pair.score} for pair in decided.near]
        contents = Contents(heading, takes, decided.facts, near)
        text, items = self._filling(staged, contents).fill(progress)
        row = ReleaseRow(
            heading.id, order.catalog, order.name, decided.terms.use, decided.terms.licensee, order.target,
            str(self.place), order.by, now, sha256(text).hexdigest(), None, text.decode(),
        )  # fmt: skip
        return row, items

    def _filling(self, staged: Path, contents: Contents) -> Filling:
        return Filling(staged, contents, self.tools.seal, self.store.path, self.tools.vouch)

    def _released(self, take: FrozenTake, decided: _Decided) -> Released:
        judged = decided.judged[take.id]
        return Released(take, judged, claims.licence(decided.licences[take.id]), self.order.isrc.get(take.id))

    def _record(self, row: ReleaseRow, items: Sequence[ItemRow], decided: _Decided) -> None:
        """One transaction: verdicts, the release, its files, their ledger entries; all as it was decided, or nothing.

        Raises ChangedMeanwhileError, DeliveryError where the name was taken meanwhile."""
        with writing(self.engine) as session:
            hold_reviews(session, row.catalog)
            at = moment(session)
            again = self._decide(session, datetime.now(UTC))
            if not _alike(again, decided):
                what = "an approval, a fact or a take changed while files were written"
                raise ChangedMeanwhileError(f"release {row.name!r}: {what}; run the same command again")
            if (there := _there(session, self.order)) is not None:
                raise _taken(there)
            made = self.tools.gate.record(session, row.catalog, decided.judged, at)
            held = add_release(session, row, items)
            said = {"name": row.name, "manifest_sha256": row.manifest_sha256, "by": row.by}
            append(session, [*made, *entries("release", row.catalog, held, said)])

    def _may_be_recorded(self) -> bool:
        """Whether the release is on record, or nobody can tell: a commit may come through whose answer is lost."""
        try:
            with reading(self.engine) as session:
                return _there(session, self.order) is not None
        except SQLAlchemyError:
            return True

    def _hand_over(self, there: ReleaseRow, decided: _Decided) -> Outcome:
        """A release that is recorded: finish what a crash left between its record and its folder, or tell of it."""
        staged = folder.staged_place(Path(there.folder), self.home, self.order.catalog, there.name)
        files = recorded_manifest(there.manifest or "")["files"]
        size = sum(int(entry["bytes"]) for entry in files)
        outcome = Outcome(
            replace(there, manifest=None), len(decided.frozen.takes), len(files), size, False, False,
            decided.frozen.left_out, (), tuple(documents.attributions(decided.facts)),
        )  # fmt: skip
        if not staged.is_dir():
            self._check_there(there)
            return outcome
        if str(self.place) != there.folder:
            what = f"release {there.name!r} is on record and its files are staged, but its folder is not there yet"
            raise DeliveryError(f"{what}; run the same command with --out {there.folder}")
        folder.check_empty(self.place)
        if problems := folder_problems(staged, there.manifest_sha256):
            raise DamagedMasterError(
                f"release {there.name!r} is recorded, but the files staged for it in {staged} changed: "
                f"{problems[0].path}: {problems[0].what}; remove that folder and release under another name"
            )
        folder.publish(staged, self.place)
        self.tools.settled()
        return replace(outcome, finished=True)

    def _check_there(self, there: ReleaseRow) -> None:
        """Raises DeliveryError where --out is, or would be, without the files: nobody may take it for delivered."""
        if str(self.place) != there.folder or not self.place.is_dir():
            gone = "" if Path(there.folder).is_dir() else ", which is gone: put a copy of it back"
            what = f"release {there.name!r} went out on {there.created_at:%Y-%m-%d %H:%M} UTC to {there.folder}{gone}"
            raise DeliveryError(f"{what}; a release is made once: copy that folder, or release under another name")


def _there(session: Session, order: ReleaseOrder) -> ReleaseRow | None:
    """The release of the catalog that goes by the name, or by one that looks the same; with its manifest."""
    for row in list(release_rows(session, order.catalog)):
        if texts.same_name(row.name, order.name):
            return next(release_rows(session, where=Release.id == row.id, manifests=True))
    return None


def _taken(row: ReleaseRow) -> DeliveryError:
    since = f"{row.created_at:%Y-%m-%d %H:%M} UTC by {row.by}"
    if row.withdrawal is not None:
        what = f"release {row.name!r} of {since} was withdrawn on {row.withdrawal.at:%Y-%m-%d}"
        return DeliveryError(f"{what} and keeps its name; release under another one")
    what = f"there is a release {row.name!r} of {since} with other content"
    return DeliveryError(f"{what}; releases never change: withdraw it, and release under another name")


def _check_same(row: ReleaseRow, order: ReleaseOrder, frozen: Frozen, terms: Terms) -> None:
    """Raises DeliveryError unless `row` is what would be released now: the same files with the same labels."""
    manifest = recorded_manifest(row.manifest or "")
    told = {
        (file["take"], file["path"], file["source_sha256"]) for file in manifest["files"]
        if not str(file["role"]).startswith(documents.CREDENTIALS)
    }  # fmt: skip
    target = named(order.target)
    now = {(take.id, piece.path, piece.source_sha256) for take in frozen.takes for piece in target.pieces(take)}
    labels = manifest["release"]["aigc"], {take["id"]: take["isrc"] for take in manifest["takes"] if take["isrc"]}
    same = (row.name, row.target, row.use, row.licensee) == (order.name, order.target, terms.use, terms.licensee)
    if row.withdrawal is not None or not same or told != now or labels != (order.aigc, dict(order.isrc)):
        raise _taken(row)


def _alike(one: _Decided, other: _Decided) -> bool:
    """Whether two readings decide the same: the same takes and files, approved by the same, judged the same."""
    return _essence(one) == _essence(other)


def _essence(decided: _Decided) -> Any:
    return decided.terms, [
        (take.id, take.files, take.review.id, decided.judged[take.id].id) for take in decided.frozen.takes
    ]


def _outcome(row: ReleaseRow, decided: _Decided, items: Sequence[ItemRow], fresh: bool) -> Outcome:
    warnings = tuple(
        f"{near.text}; {row.use} turns near-duplicates away: withdraw, and approve one of them" for near in decided.near
    )
    return Outcome(
        replace(row, manifest=None), len(decided.frozen.takes), len(items), sum(item.bytes for item in items), fresh,
        False, decided.frozen.left_out, warnings, tuple(documents.attributions(decided.facts)),
    )  # fmt: skip
