"""Brings in audio that was made elsewhere: as a reference that takes are compared with, or as a take of a catalog.

Every file is decoded whole and checked before anything is written. A take keeps the file as it came (`source`) and a
24-bit FLAC of the same samples (`mix`), which everything else works with; level and sample rate stay as they are. Who
made it, under which licence and from where stands in its brief, a derivation and the ledger. Importing the same again
changes nothing. The policy judges it as it judges every take; a verdict stops no import, it stops a release.
"""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785
from sqlalchemy import Engine, and_, func, select
from sqlalchemy.orm import Session

import db.runs
from db.advisory import lock_transaction
from db.engine import reading, writing
from db.facts import fact_rows
from db.fingerprints import add_fingerprints, references
from db.ledger import Entry, append
from db.ledger_rows import rows_of
from db.orders import register
from db.rights_tables import Derivation, Reference
from db.rows import (
    NewAsset,
    NewAttempt,
    NewCue,
    NewFingerprint,
    NewGenerator,
    NewOrder,
    NewTake,
    Recording,
    Registered,
)
from db.tables import Catalog, Generator, Take
from db.takes import brief_of, catalog_names, newest_brief
from models.controls import Controls, Theme
from models.registry import CARDS
from services.catalog.lock import catalog_lock, describe_driver, files_kept
from services.catalog.runs import take_folder
from services.delivery.foreign import NO_SOUND, Foreign, read_foreign
from services.mastering.encode import encode
from services.mastering.measure import measurements
from services.mastering.pcm import Pcm
from services.mastering.picture import picture
from services.planning.identity import take_id
from services.planning.order import Delivery, PlannedTake
from services.planning.values import HOME_FOLDERS, SLUG
from services.planning.words import USES
from services.provenance.fingerprints.extract import fingerprint_or_none
from services.provenance.fingerprints.ffmpeg import UnreadableSoundError
from services.provenance.recording import plan_entry, take_entries
from services.provenance.trace import files_below
from services.rights.expressions import ExpressionError, read_expression
from services.rights.gate import judge_recorded
from services.rights.names import plain_name
from services.storage.folder import FolderStore
from services.storage.store import BLOCK, Blob
from services.storage.tree import link

KINDS = ("reference", "take")
IMPORT = "import"
ELSEWHERE = "elsewhere"  # the generator of audio whose maker was not named
LONGEST = 2000
MOST_FAULTS = 20
_SEED_BITS = 53
_NAME = re.compile(r"[^\W_][\w./@:+ -]{0,199}")
_PLAN = re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}")


class ImportFaultError(ValueError):
    """Something cannot be brought in; the message says what and why. Nothing was written."""


@dataclass(frozen=True)
class Terms:
    """Where audio comes from and what was told of it. `licence` is an SPDX expression, `source` a URL or a text,
    `generator` what made it (`suno`, `elsewhere`), `plan` the maker's plan with it (`free`, `*` where unknown)."""

    licence: str
    source: str
    by: str = ""
    generator: str = ELSEWHERE
    plan: str = "*"

    @property
    def revision(self) -> str:
        """Stands for the maker's unknown revision: a digest of the terms, so that each has a card of its own.

        Who brought it in is no part of it: the same again by another person is the same take."""
        told = {name: value for name, value in asdict(self).items() if name != "by"}
        return hashlib.sha256(rfc8785.dumps(told)).hexdigest()


@dataclass(frozen=True)
class Place:
    """Where takes are put. `use` None is that of the catalog's newest brief; `title` is of the piece."""

    catalog: str
    cue: str = "imported"
    state: str = ""
    title: str = ""
    prompt: str = ""
    use: str | None = None


@dataclass(frozen=True)
class Imported:
    """A file that was brought in, or had been before (`new` is False). `take` is None for a reference."""

    file: str
    sha256: str
    pcm_sha256: str
    duration_s: float
    take: str | None
    new: bool


@dataclass(frozen=True)
class Importer:
    """Brings audio into a home. Everything raises ImportFaultError or UnreadableSoundError before it writes."""

    engine: Engine
    home: Path
    store: FolderStore

    def references(self, paths: Sequence[Path], terms: Terms, title: str = "") -> list[Imported]:
        """Bring in audio to compare takes with; the files' names are theirs unless there is a `title` for the one.

        Raises CatalogBusyError while somebody removes files."""
        terms, found = self._checked(terms), checked_files(paths)
        with files_kept(self.home):
            with reading(self.engine) as session:
                known = {one.sha256: one for one in references(session)}
            for path, blob in found.items():
                if before := known.get(blob.sha256):
                    _same_terms(path, {"licence": before.expression, "source": before.source}, terms)
            return [
                self._reference(_again(path, blob), terms, _title(path, title, len(found)), blob.sha256 not in known)
                for path, blob in found.items()
            ]

    def _reference(self, foreign: Foreign, terms: Terms, name: str, new: bool) -> Imported:
        if new:
            self._keep(foreign)
            row = Reference(
                sha256=foreign.blob.sha256, pcm_sha256=foreign.pcm.sha256(), name=name, media_type=foreign.media_type,
                bytes=foreign.blob.bytes, duration_s=foreign.pcm.duration_s, expression=terms.licence,
                source=terms.source, by=terms.by, at=datetime.now(UTC),
            )
            fingerprint = self._fingerprint(foreign.blob.sha256, row.pcm_sha256, foreign.pcm.duration_s)
            body = {"as": "reference", "name": name, "generator": terms.generator, "plan": terms.plan}
            new = self._record_reference(row, fingerprint, body)
        return _imported(foreign, None, new)

    def _record_reference(self, row: Reference, fingerprint: list[NewFingerprint], body: dict[str, Any]) -> bool:
        """Whether it was new: of two who bring in the same at once, the second finds the first's."""
        with writing(self.engine) as session:
            lock_transaction(session.connection(), "references")
            if session.get(Reference, row.sha256) is not None:
                return False
            held = rows_of(row)[row.sha256]
            session.add(row)
            add_fingerprints(session, fingerprint)
            append(session, [Entry(IMPORT, row.sha256, {**body, "rows": held})])
        return True

    def takes(self, paths: Sequence[Path], terms: Terms, place: Place) -> list[Imported]:
        """Bring in audio as takes of a catalog. Raises CatalogBusyError when a driver works on it."""
        terms, place = self._checked(terms), self._placed(place)
        _refuse_builtin(terms.generator)
        found = checked_files(paths)
        with catalog_lock(self.home, self.engine, place.catalog):
            self._check_known(found, terms, place.catalog)
            return [
                self._take(_again(path, blob), terms, place, _title(path, place.title, len(found)))
                for path, blob in found.items()
            ]

    def _take(self, foreign: Foreign, terms: Terms, place: Place, title: str) -> Imported:
        new = _NewImport(foreign, terms, place, title)
        with reading(self.engine) as session:
            done = session.scalar(select(Take.id).where(Take.id == new.id, Take.status == "done")) is not None
        if not done:
            recording = self._recording(new)
            with writing(self.engine) as session:
                self._record(session, new, recording)
        return _imported(foreign, new.id, not done)

    def _recording(self, new: "_NewImport") -> Recording:
        """Store and link the files; what the database is to hear of them."""
        began = datetime.now(UTC)
        foreign, folder = new.foreign, new.folder
        pcm = foreign.pcm
        mix = self.store.put(lambda file: _discard(encode(pcm, "flac", file)))
        image = self.store.put(lambda file: _discard(file.write(picture(pcm))))
        source = self._keep(foreign)
        seconds, digest = pcm.duration_s, pcm.sha256()
        assets = (
            NewAsset("mix", "audio/flac", mix.sha256, mix.bytes, f"{folder}/mix.flac", seconds, digest),
            NewAsset("source", foreign.media_type, source.sha256, source.bytes,
                     f"{folder}/source.{foreign.extension}", seconds),
            NewAsset("picture", "image/png", image.sha256, image.bytes, f"{folder}/picture.png"),
        )  # fmt: skip
        for asset in assets:
            link(self.store.path(asset.sha256), self.home / asset.path)
        attempt = NewAttempt("done", began, datetime.now(UTC), describe_driver())
        fingerprints = self._fingerprint(mix.sha256, digest, seconds)
        return Recording(
            new.id, "done", (attempt,), assets, new.measured, digest,
            fingerprint=fingerprints[0] if fingerprints else None,
        )

    def _record(self, session: Session, new: "_NewImport", recording: Recording) -> None:
        began = datetime.now(UTC)
        registered = register(session, new.order(session), [new.take(session)])
        run = new.run(registered)
        db.runs.start_run(session, run, [[new.id]])
        fresh = db.runs.record(session, run["id"], [recording])
        db.runs.end_run(session, run["id"], "done", {})
        entries = [plan_entry(session, run, registered, began)]
        if registered.inserted:
            row = new.derivation(recording)
            session.add(row)
            session.flush()
            body = {"as": "take", "take": new.id, "brief": new.brief_sha256, "rows": rows_of(row)[row.id]}
            entries.append(Entry(IMPORT, row.id, body, new.place.catalog))
        entries += judge_recorded(session, run["id"], fresh)
        append(session, [*entries, *take_entries(session, run["id"], [recording], fresh)])

    def _keep(self, foreign: Foreign) -> Blob:
        """The file as it came. Raises ImportFaultError where it changed since it was read."""

        def copy(target: Any) -> None:
            with foreign.path.open("rb") as file:
                while block := file.read(BLOCK):
                    target.write(block)

        blob = self.store.put(copy)
        if blob != foreign.blob:
            raise ImportFaultError(f"{foreign.path}: changed while it was brought in; try again")
        return blob

    def _fingerprint(self, sha256: str, pcm_sha256: str, seconds: float) -> list[NewFingerprint]:
        found = fingerprint_or_none(self.store.path(sha256), seconds)
        return [NewFingerprint(pcm_sha256, found.algorithm, found.duration_s, found.blob)] if found else []

    def _checked(self, terms: Terms) -> Terms:
        """The terms in canonical form. Raises ImportFaultError for what cannot be put on record."""
        with reading(self.engine) as session:
            registered = {str(row["subject"]).removeprefix("spdx:") for row in fact_rows(session)
                          if str(row["subject"]).startswith("spdx:")}  # fmt: skip
        try:
            licence = str(read_expression(terms.licence, registered))
        except ExpressionError as error:
            raise ImportFaultError(f"--licence: {error}") from None
        source = _line(terms.source, "--source")
        if not source:
            raise ImportFaultError("--source: is empty; say where the audio is from: a URL, a person, an invoice")
        if not _NAME.fullmatch(terms.generator):
            raise ImportFaultError(f"--generator: {terms.generator[:60]!r} is no name; write what made it, as suno")
        if not _PLAN.fullmatch(terms.plan):
            raise ImportFaultError(f"--plan: {terms.plan[:60]!r} is no plan; write one word, as free or pro")
        return Terms(licence, source, _line(terms.by, "--by"), terms.generator, terms.plan)

    def _placed(self, place: Place) -> Place:
        """Raises ImportFaultError for names that cannot be those of a catalog, a cue, a state or a use."""
        for option, name in (("--catalog", place.catalog), ("--cue", place.cue), ("--state", place.state or place.cue)):
            if not re.fullmatch(SLUG, name):
                raise ImportFaultError(f"{option}: {name[:60]!r}; write letters, digits, - and _, at most 64")
        with reading(self.engine) as session:
            names = [name for name, _ in catalog_names(session)]
            use = place.use or (newest_brief(session, place.catalog)[2] if place.catalog in names else USES[0])
        taken = [*HOME_FOLDERS, *(name for name in names if name != place.catalog)]
        if clash := [name for name in taken if name.casefold() == place.catalog.casefold()]:
            raise ImportFaultError(f"--catalog: {place.catalog!r} would share the folder of {clash[0]!r}; name another")
        if use not in USES:
            raise ImportFaultError(f"--use: {use[:60]!r} is no use; write one of: {', '.join(USES)}")
        title, prompt = _line(place.title, "--title"), _line(place.prompt, "--prompt")
        return Place(place.catalog, place.cue, place.state or place.cue, title, prompt, use)

    def _check_known(self, found: Mapping[Path, Blob], terms: Terms, catalog: str) -> None:
        """Raises ImportFaultError where a file is a take of the catalog already, under other terms."""
        kept = and_(Generator.id == Take.generator, Generator.revision == Take.revision)
        query = (
            select(Derivation.expression, Derivation.source, Take.generator, Generator.card)
            .join(Take, Take.id == Derivation.take_id)
            .join(Catalog, Catalog.id == Take.catalog_id)
            .join(Generator, kept)
            .where(Derivation.kind == IMPORT, Catalog.name == catalog)
        )
        with reading(self.engine) as session:
            for path, blob in found.items():
                same = query.where(Derivation.source_sha256 == blob.sha256)
                for licence, source, generator, card in session.execute(same):
                    plan = card.get("plan", "*")
                    before = {"licence": licence, "source": source, "generator": generator, "plan": plan}
                    _same_terms(path, before, terms)


@dataclass(frozen=True)
class _NewImport:
    """One file as the take that it becomes: who it is, and the rows that say so."""

    foreign: Foreign
    terms: Terms
    place: Place
    title: str
    measured: dict[str, float]
    id: str
    folder: str
    brief: bytes

    def __init__(self, foreign: Foreign, terms: Terms, place: Place, title: str) -> None:
        measured = measurements(foreign.pcm, False, 0.0, 0.0).as_json()
        told = {"file": foreign.path.name, "sha256": foreign.blob.sha256, "title": title, **asdict(terms),
                "catalog": place.catalog, "cue": place.cue, "state": place.state, "prompt": place.prompt}  # fmt: skip
        values = {"foreign": foreign, "terms": terms, "place": place, "title": title, "measured": measured,
                  "brief": rfc8785.dumps({"import": told})}  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)
        order = self._planned("").as_json()
        order = {name: value for name, value in order.items() if name not in ("id", "state")}
        object.__setattr__(self, "id", take_id(order))
        object.__setattr__(self, "folder", take_folder(self._planned(self.id)))

    @property
    def brief_sha256(self) -> str:
        return hashlib.sha256(self.brief).hexdigest()

    def _planned(self, id_: str) -> PlannedTake:
        """The order that it stands for: nothing is known of its making but what was told."""
        pcm, place = self.foreign.pcm, self.place
        controls = Controls(
            state=place.state, genre="unknown", mood="unknown", bpm=0.0, key="unknown", meter="unknown", instruments=(),
            excluded=(), bars=0, duration=round(pcm.duration_s, 6), form="unknown", intensity=1, loop=False,
            theme=Theme(0),
        )  # fmt: skip
        return PlannedTake(
            id=id_, catalog=place.catalog, zone=None, cue=place.cue, state=place.state,
            point={"source": self.foreign.blob.sha256[:16]}, index=0, prompt=place.prompt,
            seed=int(self.foreign.blob.sha256[:16], 16) >> (64 - _SEED_BITS), generator=self.terms.generator,
            revision=self.terms.revision, controls=controls, delivery=self._delivery(pcm),
        )

    def _delivery(self, pcm: Pcm) -> Delivery:
        return Delivery(("flac",), pcm.sample_rate, round(max(-70.0, self.measured["integrated_lufs"]), 2), False)

    def order(self, session: Session) -> NewOrder:
        names, place, terms = dict(catalog_names(session)), self.place, self.terms
        licensee: dict[str, Any] = {}
        if place.catalog in names:
            licensee = _newest_licensee(session, place.catalog)
        card = {"title": f"brought in from {terms.source}"[:200], "kind": IMPORT, "origin": IMPORT,
                "licence": terms.licence, "source": terms.source, "plan": terms.plan, "training_data": ""}  # fmt: skip
        return NewOrder(
            place.catalog, names.get(place.catalog, place.catalog), self.brief_sha256, self.brief,
            place.use or USES[0], licensee, (NewCue(place.cue, place.state, place.prompt),),
            (NewGenerator(terms.generator, terms.revision, None, card),), restricted=True,
        )  # fmt: skip

    def take(self, session: Session) -> NewTake:
        query = select(func.max(Take.position)).join(Catalog).where(Catalog.name == self.place.catalog)
        order = self._planned(self.id).as_json()
        terms = self.terms
        told = {"title": self.title, "licence": terms.licence, "source": terms.source, "plan": terms.plan}
        understood = [{"field": name, "value": value, "source": IMPORT} for name, value in told.items() if value]
        fields = {name: value for name, value in order.items() if name != "catalog"}
        position = (session.scalar(query) or 0) + 1
        return NewTake(**fields, position=position, understanding=understood, folder=self.folder)

    def run(self, registered: Registered) -> dict[str, Any]:
        ids = {"id": str(uuid.uuid4()), "catalog_id": registered.catalog_id, "brief_id": registered.brief_id}
        return {**ids, "driver": describe_driver(), "options": {IMPORT: self.foreign.path.name}, "ordered": 1,
                "to_render": 1}  # fmt: skip

    def derivation(self, recording: Recording) -> Derivation:
        terms = self.terms
        note = f"{self.title or self.foreign.path.name}; generator {terms.generator}, plan {terms.plan}"
        return Derivation(
            id=str(uuid.uuid4()), sha256=recording.assets[0].sha256, source_sha256=self.foreign.blob.sha256,
            take_id=self.id, kind=IMPORT, expression=terms.licence, source=terms.source, by=terms.by, note=note,
            at=datetime.now(UTC),
        )


def _refuse_builtin(generator: str) -> None:
    """What this program makes itself is made here, from an order. Raises ImportFaultError for the name of such a one:
    the facts about it say nothing of audio that came from elsewhere."""
    taken = {name.casefold(): name for name in CARDS}
    if name := taken.get(plain_name(generator)):
        what = f"--generator: {name} is built in, and what it makes is made here with `cueworks generate`"
        raise ImportFaultError(f"{what}; name what made this audio, or leave it out: then it is `{ELSEWHERE}`")


def _newest_licensee(session: Session, catalog: str) -> dict[str, Any]:
    newest = select(Take.id).join(Catalog).where(Catalog.name == catalog).order_by(Take.planned_at.desc(), Take.id)
    found = session.scalar(newest.limit(1))
    brief = brief_of(session, found) if found else None
    return dict(brief["licensee"]) if brief else {}


def checked_files(paths: Sequence[Path], told: Callable[[int], object] = lambda count: None) -> dict[Path, Blob]:
    """Every sound file named, or below a folder named, read whole; one of each content. Raises with all that is wrong.

    `told` is called for every file read."""
    found, faults = dict[Path, Blob](), list[str]()
    for path in _files(paths):
        try:
            found[path] = read_foreign(path).blob
        except UnreadableSoundError as error:
            faults.append(str(error))
        told(1)
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more files"] if len(faults) > MOST_FAULTS else []
        raise ImportFaultError("\n".join([*faults[:MOST_FAULTS], *more, "nothing was brought in"]))
    if not found:
        raise ImportFaultError(f"no sound file in {', '.join(map(str, paths))}; name files, or a folder with some")
    first = {blob.sha256: path for path, blob in reversed(found.items())}
    return {path: blob for path, blob in found.items() if first[blob.sha256] == path}


def _again(path: Path, blob: Blob) -> Foreign:
    """A checked file once more, so that memory holds one at a time. Raises ImportFaultError where it has changed."""
    foreign = read_foreign(path)
    if foreign.blob != blob:
        raise ImportFaultError(f"{path}: changed while it was brought in; try again")
    return foreign


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in files_below(path) if not NO_SOUND.fullmatch(file.suffix))
        else:
            yield path


def _imported(foreign: Foreign, take: str | None, new: bool) -> Imported:
    place, pcm = str(foreign.path.absolute()), foreign.pcm
    return Imported(place, foreign.blob.sha256, pcm.sha256(), pcm.duration_s, take, new)


def _title(path: Path, title: str, files: int) -> str:
    """The title that was given; a file's own name, where it was not, or is one of several."""
    if title and files == 1:
        return title
    stem = unicodedata.normalize("NFC", path.stem.encode("utf-8", "replace").decode())
    return "".join(char if char.isprintable() else "?" for char in stem)[:200]


def _same_terms(path: Path, before: Mapping[str, str], terms: Terms) -> None:
    if all(getattr(terms, name) == value for name, value in before.items()):
        return
    made = f", made by {before['generator']} on the plan {before['plan']}" if "plan" in before else ""
    raise ImportFaultError(
        f"{path}: was brought in before under {before['licence']} from {before['source']}{made}; what is on record "
        f"stays: add a fact about it with `cueworks licences`, or give the same {_options(before)}"
    )


def _options(names: Iterable[str]) -> str:
    *most, last = (f"--{name}" for name in names)
    return f"{', '.join(most)} and {last}"


def _line(text: str, option: str) -> str:
    """One line of plain text, NFC. Raises ImportFaultError."""
    plain = unicodedata.normalize("NFC", text).strip()
    if len(plain) > LONGEST:
        raise ImportFaultError(f"{option}: {len(plain)} characters; write at most {LONGEST}")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in plain):
        raise ImportFaultError(f"{option}: holds characters that cannot be seen; write one line of plain text")
    return plain


def _discard(_: object) -> None:
    """What a writer returned is of no use."""
