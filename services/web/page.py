"""The page to listen on: a catalog as static HTML that opens from disk, needs no server and asks the network nothing.

It exists so that a person can judge takes side by side seconds after a run. It renders rows it is given: it never
reads a database, decodes audio or decides what may be released. Everything shown (prompts above all) is hostile text:
it is escaped, control and bidirectional characters are made visible, and the page's Content-Security-Policy admits
only its own script and style, by their digests.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from db.rights_tables import ACCEPTANCES
from db.rows import TAKE_STATUSES
from models.controls import Controls
from services.web.templating import code, environment, page_names, write_texts

LOSSLESS = ("audio/flac", "audio/x-flac", "audio/wav", "audio/x-wav", "audio/vnd.wave")
FORMATS = {
    "audio/flac": "FLAC", "audio/x-flac": "FLAC", "audio/wav": "WAV", "audio/x-wav": "WAV", "audio/vnd.wave": "WAV",
    "audio/ogg": "OGG", "audio/mpeg": "MP3", "audio/opus": "OPUS", "audio/midi": "MIDI", "image/png": "PNG",
}
DEEP_LINK_DIGITS = 12  # of a take id, enough to find its page


@dataclass(frozen=True)
class PageFile:
    """One stored file of a take. `path` is relative to the page's folder, with `/` between its parts.

    `role` is the asset's (`mix`, `loop`, `stem:drums`, `midi`, `picture`); `duration_s` is None for what has none.
    """

    role: str
    media_type: str
    path: str
    duration_s: float | None
    bytes: int

    @cached_property
    def url(self) -> str:
        """The path as a relative URL. Raises ValueError where it would leave the disk the page lies on."""
        if not self.path or self.path.startswith("/") or "\0" in self.path:
            raise ValueError(f"file {self.role!r}: path {self.path!r} must be relative to the page's folder")
        return quote(self.path, safe="/", errors="surrogateescape")

    @property
    def format(self) -> str:
        """The name people know the format by, such as `FLAC`."""
        return FORMATS.get(self.media_type) or (Path(self.path).suffix.lstrip(".") or self.media_type).upper()


@dataclass(frozen=True)
class PageAcceptance:
    """What became of a take under its brief's `accept`: `outcome` is one of `db.rights_tables.ACCEPTANCES`.

    `score` from 0 to 1 is made of `parts`, each from 0 to 1; `reasons` say why it is rejected, and what was not judged.
    `bpm` and `key` as they were heard."""

    outcome: str
    score: float
    reasons: tuple[str, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    bpm: float | None = None
    key: str | None = None


@dataclass(frozen=True)
class PageTake:
    """One take as the page shows it. `index` counts from 0 and is shown from 1; `lufs` in LUFS, `true_peak` in dBTP.

    `error` says why a take failed or is quarantined; `point` holds its words on the cue's axes and tells takes with
    the same index apart."""

    id: str
    zone: str | None
    cue: str
    state: str
    index: int
    prompt: str
    seed: int
    status: str
    generator: str
    revision: str
    controls: Controls
    lufs: float | None
    true_peak: float | None
    pcm_sha256: str | None
    files: tuple[PageFile, ...]
    error: str | None = None
    point: tuple[str, ...] = ()
    acceptance: PageAcceptance | None = None

    @property
    def heard_bpm(self) -> float | None:
        """The tempo that was heard, in the octave nearest to the ordered one: which of them is the beat is a matter of
        taste. None where none was heard."""
        heard = self.acceptance.bpm if self.acceptance else None
        if not heard or self.controls.bpm <= 0:
            return heard
        return float(heard * 2.0 ** round(math.log2(self.controls.bpm / heard)))

    @property
    def outcome(self) -> str:
        """`kept`, `spare` or `rejected`; empty where nothing was judged."""
        return self.acceptance.outcome if self.acceptance else ""

    @property
    def name(self) -> str:
        """`combat / ashwood / take 3`, or `combat / ashwood / dusk / take 3` with a point."""
        return " / ".join([self.cue, *([self.zone] if self.zone else []), *self.point, f"take {self.index + 1}"])

    @cached_property
    def sources(self) -> list[PageFile]:
        """What the player may play, best first.

        Lossy first, as it starts soonest; for a loop lossless first, since lossy codecs pad and leave a gap."""
        whole = [file for file in self.files if file.role == "loop" and _is_sound(file)] if self.controls.loop else []
        return self._by_preference(whole or [file for file in self.files if file.role == "mix" and _is_sound(file)])

    @cached_property
    def stems(self) -> dict[str, list[PageFile]]:
        """Files of each stem by its name, best to play first."""
        stems: dict[str, list[PageFile]] = {}
        for file in self.files:
            if file.role.startswith("stem:") and _is_sound(file):
                stems.setdefault(file.role.removeprefix("stem:"), []).append(file)
        return {name: self._by_preference(files) for name, files in stems.items()}

    @property
    def picture(self) -> PageFile | None:
        """The waveform and spectrogram; its width, less the margins, is the take's length."""
        return next((file for file in self.files if file.role == "picture"), None)

    @property
    def links(self) -> list[PageFile]:
        """Every file but the stems, which have their own list."""
        in_stems = {file for files in self.stems.values() for file in files}
        return [file for file in self.files if file not in in_stems]

    @property
    def seconds(self) -> float:
        """How long there is to listen; 0 where nothing can be played."""
        return next((file.duration_s or self.controls.duration for file in self.sources), 0.0)

    def _by_preference(self, files: list[PageFile]) -> list[PageFile]:
        return sorted(files, key=lambda file: (file.media_type in LOSSLESS) != self.controls.loop)


@dataclass(frozen=True)
class PageCatalog:
    """The catalog a page is about. `use` is the licence use it was ordered for; `note` a line for the page's foot;
    `comparison` the page beside it that compares generators, where there is one."""

    name: str
    title: str
    brief_sha256: str
    use: str
    note: str | None = None
    comparison: str | None = None


class SomeTakes(Protocol):
    """A page, as deep links see it."""

    @property
    def file(self) -> str: ...

    @property
    def takes(self) -> Sequence[PageTake]: ...


@dataclass(frozen=True)
class Page:
    """One file of the catalog's pages, its takes in order, grouped by state, superseded ones last."""

    file: str
    takes: Sequence[PageTake]

    @property
    def states(self) -> dict[str, list[PageTake]]:
        """Takes that are still ordered, by state."""
        return _by_state(take for take in self.takes if take.status != "superseded")

    @property
    def superseded(self) -> list[PageTake]:
        """Takes that an edited brief no longer orders."""
        return [take for take in self.takes if take.status == "superseded"]

    @property
    def contents(self) -> str:
        """What is on it, for the navigation: its states, or `superseded`."""
        return ", ".join(self.states) or "superseded"


@dataclass(frozen=True)
class Total:
    """A row of the header's table: takes by status (done ones by outcome too) and minutes of music. `state` is `all`
    for the sum."""

    state: str
    statuses: Counter[str]
    outcomes: Counter[str]
    minutes: float


def write_pages(folder: Path, catalog: PageCatalog, takes: Iterable[PageTake], per_page: int = 400) -> Path:
    """Write `index.html` (and `index-2.html`, ... beyond `per_page` takes) into `folder`, which is made if missing.

    States come in order of first appearance, takes within a state in the order given, superseded takes last. Every
    file is replaced atomically, `index.html` last, so no link ever leads nowhere; pages of a longer past are removed.
    Returns the path of `index.html`. Raises ValueError on a file path that is not relative or `per_page` below 1,
    before anything is written, and OSError where the folder cannot be written.
    """
    if per_page < 1:
        raise ValueError(f"per_page must be at least 1, not {per_page}")
    ordered = _in_order(takes)
    pages = _paginate(ordered, per_page)
    template = environment().get_template("listen.html")
    shared = {
        "catalog": catalog, "pages": pages, "totals": _totals(ordered), "statuses": _statuses(ordered),
        "outcomes": outcomes_of(ordered), **code(("listen.css",), ("common.js", "listen.js")),
    }  # fmt: skip
    texts = {page.file: template.render(page=page, directory=directory(page.file, pages), **shared) for page in pages}
    return write_texts(folder, "index", texts)


def directory(file: str, pages: "Sequence[SomeTakes]") -> dict[str, list[str]]:
    """On the first of several pages: beginnings of take ids by page, so that a deep link finds a take anywhere."""
    if file != pages[0].file:
        return {}
    return {other.file: [take.id[:DEEP_LINK_DIGITS] for take in other.takes] for other in pages[1:]}


def outcomes_of(takes: Iterable[PageTake]) -> list[str]:
    """What became of takes that were judged, best first; empty where none was."""
    present = {take.outcome for take in takes} - {""}
    return [*(outcome for outcome in ACCEPTANCES if outcome in present), *sorted(present - set(ACCEPTANCES))]


def _is_sound(file: PageFile) -> bool:
    return file.media_type.startswith("audio/") and file.media_type != "audio/midi"


def _by_state(takes: Iterable[PageTake]) -> dict[str, list[PageTake]]:
    states: dict[str, list[PageTake]] = {}
    for take in takes:
        states.setdefault(take.state, []).append(take)
    return states


def _in_order(takes: Iterable[PageTake]) -> list[PageTake]:
    grouped = [take for group in _by_state(takes).values() for take in group]
    return sorted(grouped, key=lambda take: take.status == "superseded")


def _paginate(takes: list[PageTake], per_page: int) -> list[Page]:
    starts = range(0, max(len(takes), 1), per_page)
    names = page_names("index", len(starts))
    return [Page(name, takes[start : start + per_page]) for name, start in zip(names, starts, strict=True)]


def _totals(takes: list[PageTake]) -> list[Total]:
    ordered = [take for take in takes if take.status != "superseded"]
    rows = [_total(state, group) for state, group in _by_state(ordered).items()]
    return [*rows, _total("all", ordered)]


def _total(state: str, takes: list[PageTake]) -> Total:
    outcomes = Counter(take.outcome for take in takes if take.outcome)
    return Total(state, Counter(take.status for take in takes), outcomes, sum(take.seconds for take in takes) / 60)


def _statuses(takes: list[PageTake]) -> list[str]:
    """Statuses that occur, in the order of a take's life; superseded ones are told apart elsewhere."""
    present = {take.status for take in takes} - {"superseded"}
    return [*(status for status in TAKE_STATUSES if status in present), *sorted(present - set(TAKE_STATUSES))]
