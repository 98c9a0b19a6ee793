"""Whose sound is this file: by its bytes, its PCM in another container, its credentials, or its fingerprint, in order.

Only what was checked is an answer: a manifest that is broken or that another hand signed is told and not believed, and
a fingerprint counts once the waveforms agree. Nothing is changed but fingerprints that were missing.
"""

import codecs
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db.engine import reading
from db.fingerprints import (
    Holder,
    KnownReference,
    Released,
    holder_of_take,
    holders_of_bytes,
    holders_of_sound,
    references,
    references_of_sound,
    released_as,
)
from db.releases import WithdrawalRow, release_rows
from db.rights_tables import Reference
from services.delivery import foreign
from services.provenance.credentials.reading import Credentials, Trust, read_file
from services.provenance.fingerprints.extract import Heard, hear
from services.provenance.fingerprints.ffmpeg import UnreadableSoundError, opened
from services.provenance.fingerprints.index import Index
from services.provenance.fingerprints.library import Library, Told, untold
from services.provenance.fingerprints.recognise import Recognised, recognise
from services.storage.store import digest

NO_SOUND = "no-sound"  # a text, a picture, a score: nothing that could be traced, and nobody's fault
MATCHES = ("exact", "credentials", "fingerprint", "none", NO_SOUND)
MOST_SHOWN = 10
_START = 65_536  # bytes that tell text from sound
_SOUNDS = {extension for extension, _ in foreign.CONTAINERS.values()} | {
    "aif", "bin", "mka", "mp4", "oga", "opus", "raw", "wave", "webm",
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Where the sound belongs and, for a part of a take, where it lies: seconds in the file and in the take.

    `found_by` is bytes, pcm, credentials or fingerprint; `path` is the asset's, absolute (a released file's: in its
    release). `withdrawn_at` (ISO 8601, UTC), by whom and the `reason` are those of a release that was called back."""

    found_by: str
    catalog: str
    cue: str = ""
    state: str = ""
    role: str = ""
    path: str = ""
    release: str | None = None
    file_s: float | None = None
    take_s: float | None = None
    length_s: float | None = None
    withdrawn_at: str | None = None
    withdrawn_by: str | None = None
    reason: str | None = None

    def release_json(self) -> dict[str, Any] | None:
        """The release that the file went out with, None where it is not one of a release's files."""
        if self.release is None:
            return None
        told = {"name": self.release, "catalog": self.catalog, "path": self.path, "withdrawn_at": self.withdrawn_at}
        return {**told, "withdrawn_by": self.withdrawn_by, "reason": self.reason}


@dataclass(frozen=True)
class Found:
    """A take that the file is, or holds. `similarity` is the share of equal bits, `correlation` the waveforms'."""

    take: str
    score: float
    where: Where
    similarity: float | None = None
    correlation: float | None = None


@dataclass(frozen=True)
class CloseReference:
    """Audio made elsewhere that the file is, or holds."""

    sha256: str
    name: str
    licence: str
    source: str
    score: float


@dataclass(frozen=True)
class Trace:
    """What a file was traced to. `found` holds the answer first, then what comes close; `notes` are sentences."""

    file: str
    match: str
    found: tuple[Found, ...] = ()
    references: tuple[CloseReference, ...] = ()
    credentials: Credentials | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """A row of `trace --json`."""
        best = self.found[0] if self.found else None
        said = self.credentials
        return {
            "file": self.file,
            "match": self.match,
            "take": best.take if best else None,
            "score": best.score if best else None,
            "where": asdict(best.where) if best else None,
            "release": best.where.release_json() if best else None,
            "candidates": [asdict(found) for found in self.found],
            "references": [asdict(reference) for reference in self.references],
            "credentials": None if said is None or said.state == "none" else {
                "state": said.state, "ours": said.ours, "take": said.take_id, "signer": said.signer,
                "reasons": list(said.reasons),
            },
            "notes": list(self.notes),
            "error": self.error,
        }  # fmt: skip


@dataclass
class Tracer:
    """Traces files against everything that a home and its database know. `trust` says whose signatures count.

    Fingerprints that are missing are made, and the index is opened, when the first file needs them."""

    library: Library
    trust: Trust = field(default_factory=Trust)
    told: Told = untold

    def trace(self, path: Path, damaged: bool = False) -> Trace:
        """Raises UnreadableSoundError for what is no sound (and is none of our files); `damaged` takes what is cut."""
        with opened(path) as handle, open(handle, "rb", closefd=False) as file:
            sha256 = digest(file).sha256
        place = str(path.absolute())
        with reading(self.library.engine) as session:
            if same := self._by_bytes(session, sha256):
                return Trace(place, "exact", same)
            known = _same_reference(session, sha256)
        said = read_file(path, trust=self.trust)
        heard = self._heard(path, damaged, said)
        if heard is None:
            return self._concluded(place, (), known, said, [])
        notes = [f"{heard.decoded.damage}: only what could be decoded was traced"] if heard.decoded.damage else []
        with reading(self.library.engine) as session:
            if same := self._by_sound(session, heard.pcm_sha256):
                return Trace(place, "exact", same, known, said, tuple(notes + _doubts(said, same[0].take)))
        return self._concluded(place, *self._by_fingerprint(heard, notes, known), said, notes)

    def _heard(self, path: Path, damaged: bool, said: Credentials) -> Heard | None:
        """None for a file that no decoder reads but that credentials of ours vouch for."""
        try:
            return hear(path, damaged)
        except UnreadableSoundError:
            if said.ours and said.take_id:
                return None
            raise

    def _concluded(
        self, place: str, found: tuple[Found, ...], known: tuple[CloseReference, ...], said: Credentials,
        notes: list[str],
    ) -> Trace:
        with reading(self.library.engine) as session:
            named = self._by_credentials(session, said)
        if named is not None:
            others = tuple(one for one in found if one.take != named.take)
            return Trace(place, "credentials", (named, *others), known, said, tuple(notes))
        told = tuple(notes + _doubts(said, found[0].take if found else None))
        return Trace(place, "fingerprint" if found else "none", found, known, said, told)

    def _by_bytes(self, session: Session, sha256: str) -> tuple[Found, ...]:
        held = [Found(one.take, 1.0, self._where(one, "bytes")) for one in holders_of_bytes(session, sha256)]
        out = [Found(one.take, 1.0, where) for one, where in _released(session, sha256)]
        return tuple(_best_of_each([*out, *held])[:MOST_SHOWN])

    def _by_sound(self, session: Session, pcm_sha256: str) -> tuple[Found, ...]:
        held = holders_of_sound(session, [pcm_sha256]).get(pcm_sha256, [])
        return tuple(_best_of_each([Found(one.take, 1.0, self._where(one, "pcm")) for one in held])[:MOST_SHOWN])

    def _by_credentials(self, session: Session, said: Credentials) -> Found | None:
        """The take that credentials signed by our own keys name, if it is one of this database."""
        if not said.ours or said.take_id is None:
            return None
        holder = holder_of_take(session, said.take_id)
        return Found(holder.take, 1.0, self._where(holder, "credentials")) if holder else None

    def _by_fingerprint(
        self, heard: Heard, notes: list[str], known: tuple[CloseReference, ...]
    ) -> tuple[tuple[Found, ...], tuple[CloseReference, ...]]:
        if not heard.fingerprint.words.size:
            notes.append("too short or too still for a fingerprint: only bytes, PCM and credentials were looked at")
            return (), known
        same = self._recognised(heard)
        names = [one.name for one in same]
        with reading(self.library.engine) as session:
            held, close = holders_of_sound(session, names), references_of_sound(session, names)
        found = [self._found(one, holder) for one in same for holder in held.get(one.name, [])]
        foreign = [_close(reference, round(one.score, 4)) for one in same for reference in close.get(one.name, [])]
        both = {reference.sha256: reference for reference in (*foreign, *known)}
        return tuple(_best_of_each(found)[:MOST_SHOWN]), tuple(both.values())[:MOST_SHOWN]

    def _found(self, same: Recognised, holder: Holder) -> Found:
        stretch = same.stretch
        where = self._where(
            holder, "fingerprint", file_s=round(stretch.query_s, 2),
            take_s=round(max(0.0, stretch.take_s + same.shift_s), 2), length_s=round(stretch.seconds, 2),
        )
        value = None if same.correlation is None else round(same.correlation, 4)
        return Found(holder.take, round(same.score, 4), where, round(stretch.similarity, 4), value)

    def _where(self, holder: Holder, found_by: str, **place: float) -> Where:
        path = str(self.library.home / holder.path)
        return Where(found_by, holder.catalog, holder.cue, holder.state, holder.role, path, **place)  # type: ignore[arg-type]

    def _recognised(self, heard: Heard) -> list[Recognised]:
        """What the index knows as it lies there; where that is nothing, what it knows once it is complete."""
        if "_index" not in self.__dict__ and self._index_as_it_is is not None:
            same = recognise(heard, self._index_as_it_is, self.library.words_of, self.library.sound_of)
            if same:
                return same
        return recognise(heard, self._index, self.library.words_of, self.library.sound_of)

    @cached_property
    def _index_as_it_is(self) -> Index | None:
        return self.library.index_as_it_is()

    @cached_property
    def _index(self) -> Index:
        self.library.fill(None, self.told)
        return self.library.index(self.told)


def _released(session: Session, sha256: str) -> list[tuple[Released, Where]]:
    """The releases that these bytes went out with: those that stand before those that were called back."""
    files = released_as(session, sha256)
    ended = {
        (row.catalog, row.name): row.withdrawal
        for catalog in {one.catalog for one in files}
        for row in release_rows(session, catalog)
    }
    told = [(one, _out(one, ended.get((one.catalog, one.release)))) for one in files]
    return sorted(told, key=lambda pair: pair[1].withdrawn_at is not None)


def _out(file: Released, ended: WithdrawalRow | None) -> Where:
    where = Where("bytes", file.catalog, role=file.role, path=file.path, release=file.release)
    if ended is None:
        return where
    at = ended.at.astimezone(UTC).isoformat()
    return replace(where, withdrawn_at=at, withdrawn_by=ended.by, reason=ended.reason)


def _best_of_each(found: list[Found]) -> list[Found]:
    """Every take once, where it was found best."""
    return list({one.take: one for one in reversed(found)}.values())[::-1]


def _same_reference(session: Session, sha256: str) -> tuple[CloseReference, ...]:
    return tuple(_close(one, 1.0) for one in references(session, Reference.sha256 == sha256))


def _close(reference: KnownReference, score: float) -> CloseReference:
    return CloseReference(reference.sha256, reference.name, reference.expression, reference.source, score)


def _doubts(said: Credentials, take: str | None) -> list[str]:
    """What is to be said of credentials that are not the answer."""
    if said.state == "none":
        return []
    if not said.whole:
        return [f"its credentials are not believed: {'; '.join(said.reasons)}"]
    if said.ours and said.take_id is not None:
        if said.take_id == take:
            return []
        return [f"its credentials, signed by us, name take {said.take_id[:12]}, which this database does not hold"
                if take is None else f"its credentials name take {said.take_id[:12]}, its sound is another one's"]
    signer = said.signer or "an unnamed signer"
    return [f"its credentials are not ours: signed by {signer}, whom nobody here vouches for"]


def holds_no_sound(file: Path) -> bool:
    """Whether a file is none that sound is kept in: by its name, or plain text under a name that is no sound's.

    A sound file that is damaged, empty or holds something else is not meant."""
    if foreign.NO_SOUND.fullmatch(file.suffix):
        return True
    return file.suffix.lower().removeprefix(".") not in _SOUNDS and _is_text(file)


def _is_text(file: Path) -> bool:
    try:
        with opened(file) as handle, open(handle, "rb", closefd=False) as stream:
            start = stream.read(_START)
    except UnreadableSoundError:
        return False
    try:
        return "\0" not in codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False


def files_below(folder: Path) -> Iterator[Path]:
    """Every ordinary file below a folder, in order; links to folders are not followed."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from files_below(path)
        elif path.is_file() and not path.name.startswith("."):
            yield path

