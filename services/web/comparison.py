"""The page that compares generators: the same cue by each of them, side by side, with scores and reasons.

It exists so that a person can choose between generators by ear, switching between them at the same place and at equal
loudness. Like the page to listen on it is static HTML that opens from disk and asks the network nothing; it renders
what it is given, reads no database and judges nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from db.rights_tables import ACCEPTANCES
from services.web.page import PageCatalog, PageTake, directory, outcomes_of
from services.web.templating import code, environment, page_names, write_texts

MOST_EVENED_DB = 12.0  # a take that is farther below the loudest of its point counts as quiet, not as a level to meet


@dataclass(frozen=True)
class MakerFigures:
    """What came of one generator: a column of the page's table.

    Counts of takes; `accepted`, `tempo` and `key` are shares (0 to 1) of those that were judged for it, `score` a mean;
    `lufs` is (mean, lowest, highest); `computing` seconds of computing for each second of sound. None: unknown.
    `tempo_unheard` and `key_unheard` are takes of which it was asked and not heard: they are in neither share.
    """

    generator: str
    ordered: int
    made: int
    kept: int
    spare: int
    rejected: int
    accepted: float | None = None
    tempo: float | None = None
    key: float | None = None
    score: float | None = None
    lufs: tuple[float, float, float] | None = None
    computing: float | None = None
    tempo_unheard: int = 0
    key_unheard: int = 0


@dataclass(frozen=True)
class PointFigures:
    """What one generator made of a point. `best` is the highest score of its accepted takes, `best_take` its id."""

    zone: str | None
    cue: str
    point: tuple[str, ...]
    generator: str
    ordered: int
    made: int
    kept: int
    spare: int
    rejected: int
    best: float | None
    best_take: str | None


@dataclass(frozen=True)
class Column:
    """What one generator made of a point, best first. `number` is the key that switches to it, from 1."""

    generator: str
    number: int
    takes: Sequence[PageTake]

    @property
    def shown(self) -> list[PageTake]:
        """Takes to listen to first: kept ones by score, then those that were not judged, then spare ones."""
        return [take for take in self.takes if not _is_out(take)]

    @property
    def out(self) -> list[PageTake]:
        """Rejected takes, and such as did not come out."""
        return [take for take in self.takes if _is_out(take)]

    @property
    def best(self) -> float | None:
        return max((take.acceptance.score for take in self.shown if take.acceptance), default=None)


@dataclass(frozen=True)
class Point:
    """A cue in a zone at one point of its axes, by every generator that it was ordered from."""

    zone: str | None
    cue: str
    words: tuple[str, ...]
    columns: Sequence[Column]

    @property
    def name(self) -> str:
        """`combat / ashwood / dusk`."""
        return " / ".join([self.cue, *([self.zone] if self.zone else []), *self.words])

    @cached_property
    def takes(self) -> list[PageTake]:
        return [take for column in self.columns for take in column.takes]

    @property
    def first(self) -> PageTake:
        return self.takes[0]

    @cached_property
    def gains(self) -> dict[str, float]:
        """By how much each take is turned down (a factor) so that all of the point sound as loud as the softest."""
        levels = {t.id: t.lufs for t in self.takes if t.lufs is not None and math.isfinite(t.lufs) and not _is_out(t)}
        loudest = max(levels.values(), default=0.0)
        meant = min((level for level in levels.values() if level > loudest - MOST_EVENED_DB), default=0.0)
        return {take.id: _turned_down(take.lufs, meant) for take in self.takes}


@dataclass(frozen=True)
class ComparisonPage:
    """One file of the comparison; a point is never parted."""

    file: str
    points: Sequence[Point]

    @cached_property
    def takes(self) -> list[PageTake]:
        return [take for point in self.points for take in point.takes]

    @property
    def contents(self) -> str:
        """What is on it, for the navigation: its cues."""
        return ", ".join(dict.fromkeys(point.cue for point in self.points))


def write_comparison(
    folder: Path, catalog: PageCatalog, figures: Sequence[MakerFigures], takes: Iterable[PageTake], per_page: int = 400
) -> Path:
    """Write `compare.html` (and `compare-2.html`, ... beyond some `per_page` takes) into `folder`; returns its path.

    Generators stand in the order of `figures`, which names every one of them; points in the order of their first take,
    those of one generator last; superseded takes are left out. Files are replaced as `write_pages` does. Raises
    ValueError, before anything is written, on a file path that is not relative or `per_page` below 1; OSError where
    the folder cannot be written.
    """
    if per_page < 1:
        raise ValueError(f"per_page must be at least 1, not {per_page}")
    ordered = [take for take in takes if take.status != "superseded"]
    pages = _paginate(_points(ordered, [row.generator for row in figures]), per_page)
    shared = {
        "catalog": catalog, "pages": pages, "figures": figures, "outcomes": outcomes_of(ordered),
        **code(("listen.css", "compare.css"), ("common.js", "compare.js")),
    }  # fmt: skip
    template = environment().get_template("compare.html")
    texts = {page.file: template.render(page=page, directory=directory(page.file, pages), **shared) for page in pages}
    return write_texts(folder, "compare", texts)


def _points(takes: list[PageTake], generators: list[str]) -> list[Point]:
    places: dict[tuple[str | None, str, tuple[str, ...]], dict[str, list[PageTake]]] = {}
    for take in takes:
        place = places.setdefault((take.zone, take.cue, take.point), {})
        place.setdefault(take.generator, []).append(take)
    points = [
        Point(zone, cue, words, [
            Column(name, generators.index(name) + 1, sorted(makers[name], key=_rank))
            for name in generators if name in makers
        ])
        for (zone, cue, words), makers in places.items()
    ]  # fmt: skip
    return sorted(points, key=lambda point: len(point.columns) == 1)


def _rank(take: PageTake) -> tuple[int, float, int]:
    if take.acceptance is None:
        return (1 if take.status == "done" else len(ACCEPTANCES) + 1, 0.0, take.index)
    place = {"kept": 0, "spare": 2, "rejected": 3}.get(take.outcome, 1)
    return (place, -take.acceptance.score, take.index)


def _is_out(take: PageTake) -> bool:
    return take.outcome == "rejected" or take.status in ("failed", "quarantined")


def _turned_down(level: float | None, meant: float) -> float:
    if level is None or not math.isfinite(level) or level <= meant:
        return 1.0
    return float(10 ** ((meant - level) / 20))


def _paginate(points: list[Point], per_page: int) -> list[ComparisonPage]:
    parts: list[list[Point]] = [[]]
    for point in points:
        if parts[-1] and sum(len(other.takes) for other in parts[-1]) + len(point.takes) > per_page:
            parts.append([])
        parts[-1].append(point)
    return [ComparisonPage(name, part) for name, part in zip(page_names("compare", len(parts)), parts, strict=True)]
