"""A sparse index over many fingerprints: which takes may hold a piece of sound, and at which offset.

Of a long fingerprint every fourth word is indexed, of a short one every word: neighbouring words overlap, and a query
brings all of its own. Segments are sorted arrays in files that are memory-mapped, so that opening costs nothing; a
segment never changes, new fingerprints make a further one, and many become one again. The files are a cache: whatever
is wrong with them, they are made anew. What is found is a candidate; `match` judges it.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.provenance.fingerprints.extract import Words

FORMAT = "v1"
STEP = 4  # of a long fingerprint one word in so many is indexed
SHORT = 64  # words; shorter fingerprints are indexed whole
MOST_SEGMENTS = 8
MOST_HITS = 4_000_000  # that a query looks at; the words that are found most often are left out first
BITS = 32
_FILES = ("words", "places", "starts", "steps", "names")
_ONE = [1 << bit for bit in range(BITS)]
_TWO = [one ^ other for at, one in enumerate(_ONE) for other in _ONE[:at]]
_NEIGHBOURS = tuple(np.array(masks, dtype=np.uint32) for masks in ([0], [0, *_ONE], [0, *_ONE, *_TWO]))
_PAGE = 4_000  # fingerprints that are read at once


@dataclass(frozen=True)
class Candidate:
    """Sound `name` may hold the query: its word `offset + i` then stands for the query's word i. `votes` are words."""

    name: str
    offset: int
    votes: int


@dataclass(frozen=True)
class Segment:
    """Sorted `words` (uint32) and where they stand (`places`, uint32: the n-th indexed word of all). `starts` is the
    first place of every fingerprint, `steps` how far apart its indexed words are, `names` whose it is (S64)."""

    words: NDArray[np.uint32]
    places: NDArray[np.uint32]
    starts: NDArray[np.int64]
    steps: NDArray[np.uint8]
    names: NDArray[np.bytes_]

    @classmethod
    def build(cls, fingerprints: Iterable[tuple[str, Words]]) -> "Segment":
        """Of (name of 64 characters, words)."""
        names, parts, steps = [], [], []
        for name, words in fingerprints:
            step = STEP if words.size > SHORT else 1
            names.append(name)
            steps.append(step)
            parts.append(words[::step])
        counts = np.array([part.size for part in parts], dtype=np.int64)
        together = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)
        keys = np.sort(together.astype(np.uint64) << np.uint64(32) | np.arange(together.size, dtype=np.uint64))
        return cls(
            (keys >> np.uint64(32)).astype(np.uint32), (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32),
            np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64), np.array(steps, dtype=np.uint8),
            np.array(names, dtype="S64"),
        )

    def candidates(
        self, query: Words, wrong: int, most: int, most_hits: int = MOST_HITS
    ) -> Iterator[Candidate]:
        """Those with the most words of the query in line, best first; words may differ in `wrong` bits (0, 1 or 2)."""
        position, place = self._hits(query, wrong, most_hits)
        owner = np.searchsorted(self.starts, place, side="right") - 1
        offset = (place - self.starts[owner]) * self.steps[owner] - position
        for which, at, votes in _most_voted(owner, offset, most):
            yield Candidate(self.names[which].decode(), at, votes)

    def _hits(self, query: Words, wrong: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(position in the query, place in the index) of every word found."""
        masks = _NEIGHBOURS[wrong]
        wanted = (query[:, None] ^ masks[None, :]).reshape(-1)
        position = np.repeat(np.arange(query.size, dtype=np.int64), masks.size)
        order = np.argsort(wanted, kind="stable")
        wanted, position = wanted[order], position[order]
        first = np.searchsorted(self.words, wanted, side="left")
        count = np.searchsorted(self.words, wanted, side="right") - first
        first, count, position = _bounded(first, count, position, most)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(position, count), self.places[np.repeat(first, count) + within].astype(np.int64)

    def save(self, folder: Path) -> None:
        """Into an existing, empty folder."""
        for name in _FILES:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> "Segment":
        """Memory-mapped. Raises OSError and ValueError for files that are not there or not whole."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES}
        if arrays["words"].size != arrays["places"].size or arrays["starts"].size != arrays["names"].size:
            raise ValueError(f"{folder}: not a whole segment")
        return cls(**arrays)


def _bounded(
    first: NDArray[np.int64], count: NDArray[np.int64], position: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Without what is not found, and without the most frequent words beyond `most` hits."""
    found = np.flatnonzero(count)
    if count[found].sum() > most:
        rare = found[np.argsort(count[found], kind="stable")]
        found = np.sort(rare[: np.searchsorted(np.cumsum(count[rare]), most, side="right")])
    return first[found], count[found], position[found]


def _most_voted(
    owner: NDArray[np.int64], offset: NDArray[np.int64], most: int
) -> Iterator[tuple[int, int, int]]:
    """(owner, offset, votes) of the best lines; a line counts its neighbours' votes too: cuts fall between words."""
    if not owner.size:
        return
    low = int(offset.min()) - 1
    width = int(offset.max()) - low + 2
    lines, votes = np.unique(owner * width + (offset - low), return_counts=True)
    together = votes.astype(np.int64)
    adjacent = np.flatnonzero(np.diff(lines) == 1)
    together[adjacent] += votes[adjacent + 1]
    together[adjacent + 1] += votes[adjacent]
    best = np.lexsort((lines, -votes, -together))[:most]
    for line, count in zip(lines[best], together[best], strict=True):
        yield int(line // width), int(line % width) + low, int(count)


class Index:
    """Segments in a folder, kept in step with what there is. Several processes may use one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[Segment] = []

    def refresh(
        self, names: Sequence[str], read: Callable[[Sequence[str]], Iterable[tuple[str, Words]]],
        told: Callable[[int], object] = lambda count: None,
    ) -> int:
        """Bring the index in step with `names`; `read` gives the words of some of them. Returns how many were read.

        `told` is called with the number of fingerprints as they are read."""
        known, wanted = self._open(), set(names)
        if known - wanted or len(self._segments) >= MOST_SEGMENTS:
            self._drop()
            known = set()
        missing = sorted(wanted - known)
        if missing:
            self._add(missing, read, told)
        return len(missing)

    def open(self) -> int:
        """Open what there is without asking what there should be; returns how many fingerprints it holds."""
        self._segments = list(self._load())
        return sum(segment.names.size for segment in self._segments)

    def candidates(self, query: Words, wrong: int = 1, most: int = 64) -> list[Candidate]:
        """The best lines of all segments, best first; words may differ in `wrong` bits (0, 1 or 2)."""
        found = [c for segment in self._segments for c in segment.candidates(query, wrong, most, MOST_HITS)]
        return sorted(found, key=lambda c: -c.votes)[:most] if query.size else []

    @property
    def bytes(self) -> int:
        """On disk."""
        return sum(file.stat().st_size for file in self._folder.rglob("*.npy"))

    def _open(self) -> set[str]:
        """The names in all segments; one that repeats others' names was made twice at once, and is left out."""
        self._segments, known = [], set[str]()
        for segment in self._load():
            mine = {name.decode("ascii", "replace") for name in segment.names.tolist()}
            if not mine & known:
                known |= mine
                self._segments.append(segment)
        return known

    def _load(self) -> Iterator[Segment]:
        for folder in sorted(self._folder.glob(f"{FORMAT}-*")):
            try:
                yield Segment.load(folder)
            except (OSError, ValueError, EOFError):
                shutil.rmtree(folder, ignore_errors=True)

    def _drop(self) -> None:
        self._segments = []
        for folder in self._folder.glob(f"{FORMAT}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _add(
        self, names: list[str], read: Callable[[Sequence[str]], Iterable[tuple[str, Words]]],
        told: Callable[[int], object],
    ) -> None:
        def pages() -> Iterator[tuple[str, Words]]:
            for start in range(0, len(names), _PAGE):
                page = names[start : start + _PAGE]
                yield from read(page)
                told(len(page))

        segment = Segment.build(pages())
        self._segments.append(segment)
        name = f"{FORMAT}-{hashlib.sha256(segment.names.tobytes()).hexdigest()[:32]}"
        with contextlib.suppress(OSError):  # a cache that cannot be written is made anew the next time
            self._store(segment, self._folder / name)

    def _store(self, segment: Segment, target: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="tmp-") as scratch:
            made = Path(scratch) / "segment"
            made.mkdir()
            segment.save(made)
            made.rename(target)
