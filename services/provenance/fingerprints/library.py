"""The fingerprints of a home: made where they are missing, indexed in its cache folder, read by name.

Reads masters from the store and writes `fingerprint` rows and the index's files, nothing else; both can be made anew.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from db.chunks import chunks
from db.engine import reading, writing
from db.fingerprints import (
    Unheard,
    add_fingerprints,
    fingerprint_count,
    fingerprint_names,
    fingerprint_words,
    holders_of_sound,
    references_of_sound,
    unheard,
)
from db.rows import NewFingerprint
from services.provenance.fingerprints.extract import Waveform, Words, excerpt, fingerprint_or_none, words_of
from services.provenance.fingerprints.ffmpeg import FfmpegMissingError, UnreadableSoundError
from services.provenance.fingerprints.index import Index
from services.storage.folder import FolderStore

FOLDER = ".fingerprints"  # in the home; no catalog's name begins with a dot
_BATCH = 64  # fingerprints to a transaction

Told = Callable[[str, int, int], object]


def untold(what: str, count: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Made:
    """What `fill` did: fingerprints made, masters that could not be read."""

    made: int
    unreadable: int


@dataclass(frozen=True)
class Library:
    """The fingerprints of the takes and references of a home. `workers` masters are read side by side."""

    engine: Engine
    home: Path
    store: FolderStore
    workers: int = 2

    def fill(self, catalog: str | None = None, told: Told = untold) -> Made:
        """Make the fingerprints that are missing; repeat it at will. `told` gets (what, done, total)."""
        with reading(self.engine) as session:
            missing = unheard(session, catalog)
        made = unreadable = 0
        with ThreadPoolExecutor(self.workers) as pool:
            for batch in chunks(missing, _BATCH):
                found = [one for one in pool.map(self._hear, batch) if one is not None]
                with writing(self.engine) as session:
                    add_fingerprints(session, found)
                made, unreadable = made + len(found), unreadable + len(batch) - len(found)
                told("fingerprints", made + unreadable, len(missing))
        return Made(made, unreadable)

    def _hear(self, master: Unheard) -> NewFingerprint | None:
        found = fingerprint_or_none(self.store.path(master.sha256), master.duration_s)
        if found is None:
            return None
        return NewFingerprint(master.pcm_sha256, found.algorithm, found.duration_s, found.blob)

    def index_as_it_is(self) -> Index | None:
        """The index, if it holds as many fingerprints as the database: opened in milliseconds, and almost surely in
        step. None where it is not; who finds nothing in it asks `fill` and `index`."""
        index = Index(self.home / FOLDER)
        with reading(self.engine) as session:
            return index if index.open() == fingerprint_count(session) else None

    def index(self, told: Told = untold) -> Index:
        """The index over all fingerprints, in step with the database."""
        index = Index(self.home / FOLDER)
        with reading(self.engine) as session:
            names = fingerprint_names(session)

            def read(page: Sequence[str]) -> Iterator[tuple[str, Words]]:
                for name, words in fingerprint_words(session, page):
                    yield name, words_of(words)

            done = 0

            def count(more: int) -> None:
                nonlocal done
                done += more
                told("index", done, len(names))

            index.refresh(names, read, count)
        return index

    def words_of(self, names: Collection[str]) -> Mapping[str, Words]:
        """Fingerprints by name; names without one are left out."""
        with reading(self.engine) as session:
            return {name: words_of(words) for name, words in fingerprint_words(session, names)}

    def sound_of(self, name: str, start_s: float, length_s: float) -> Waveform | None:
        """A part of the master whose PCM is `name`; None where no file of it can be read."""
        for sha256 in self._files(name):
            path = self.store.path(sha256)
            try:
                if path.is_file():
                    return excerpt(path, start_s, length_s)
            except UnreadableSoundError:
                continue
            except FfmpegMissingError:
                return None
        return None

    def _files(self, name: str) -> list[str]:
        with reading(self.engine) as session:
            held = [holder.sha256 for holder in holders_of_sound(session, [name]).get(name, [])]
            known = [reference.sha256 for reference in references_of_sound(session, [name]).get(name, [])]
        return list(dict.fromkeys([*held, *known]))
