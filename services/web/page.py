"""The page to listen on: a catalog as static HTML that opens from disk, needs no server and asks the network nothing.

It exists so that a person can judge takes side by side seconds after a run. It renders rows it is given: it never
reads a database, decodes audio or decides what may be released. Everything shown (prompts above all) is hostile text:
it is escaped, control and bidirectional characters are made visible, and the page's Content-Security-Policy admits
only its own script and style, by their digests.
"""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from db.rows import TAKE_STATUSES
from models.controls import Controls
from services.storage.whole import whole_file

LOSSLESS = ("audio/flac", "audio/x-flac", "audio/wav", "audio/x-wav", "audio/vnd.wave")
FORMATS = {
    "audio/flac": "FLAC", "audio/x-flac": "FLAC", "audio/wav": "WAV", "audio/x-wav": "WAV", "audio/vnd.wave": "WAV",
    "audio/ogg": "OGG", "audio/mpeg": "MP3", "audio/opus": "OPUS", "audio/midi": "MIDI", "image/png": "PNG",
}
PICTURE_MARGIN = 12 / 960  # share of a picture's width that lies on either side of its sound
DEEP_LINK_DIGITS = 12  # of a take id, enough to find its page

_TEMPLATES = Path(__file__).with_name("templates")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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
    """The catalog a page is about. `use` is the licence use it was ordered for; `note` a line for the page's foot."""

    name: str
    title: str
    brief_sha256: str
    use: str
    note: str | None = None


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
    """A row of the header's table: takes by status and minutes of music. `state` is `all` for the sum."""

    state: str
    statuses: Counter[str]
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
    template = _environment().get_template("listen.html")
    shared = {"catalog": catalog, "pages": pages, "totals": _totals(ordered), "statuses": _statuses(ordered), **_code()}
    texts = {page.file: template.render(page=page, directory=_directory(page, pages), **shared) for page in pages}
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in reversed(texts.items()):
        with whole_file(folder / file) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    _remove_stale(folder, set(texts))
    return folder / "index.html"


def visible(value: Any) -> Any:
    """Text with its control, bidirectional and lone surrogate characters as `[U+202E]`; other values as they are."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", value.replace("\r\n", "\n"))


def clock(seconds: float) -> str:
    """Seconds as `m:ss`, rounded to the nearest second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def size(count: int) -> str:
    """Bytes as people read them: `820 B`, `12 kB`, `1.4 MB`."""
    if count < 1000:
        return f"{count} B"
    power = min(int(math.log10(count) // 3), 3)
    amount = count / 1000**power
    return f"{amount:.{1 if power > 1 and amount < 10 else 0}f} {('kB', 'MB', 'GB')[power - 1]}"


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
    names = ("index.html" if number == 1 else f"index-{number}.html" for number in range(1, len(starts) + 1))
    return [Page(name, takes[start : start + per_page]) for name, start in zip(names, starts, strict=True)]


def _directory(page: Page, pages: list[Page]) -> dict[str, list[str]]:
    """On the first of several pages: beginnings of take ids by page, so that a deep link finds a take anywhere."""
    if page.file != "index.html":
        return {}
    return {other.file: [take.id[:DEEP_LINK_DIGITS] for take in other.takes] for other in pages[1:]}


def _totals(takes: list[PageTake]) -> list[Total]:
    ordered = [take for take in takes if take.status != "superseded"]
    rows = [_total(state, group) for state, group in _by_state(ordered).items()]
    return [*rows, _total("all", ordered)]


def _total(state: str, takes: list[PageTake]) -> Total:
    return Total(state, Counter(take.status for take in takes), sum(take.seconds for take in takes) / 60)


def _statuses(takes: list[PageTake]) -> list[str]:
    """Statuses that occur, in the order of a take's life; superseded ones are told apart elsewhere."""
    present = {take.status for take in takes} - {"superseded"}
    return [*(status for status in TAKE_STATUSES if status in present), *sorted(present - set(TAKE_STATUSES))]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=visible,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(clock=clock, size=size)
    environment.globals["picture_margin"] = PICTURE_MARGIN
    return environment


@cache
def _code() -> dict[str, Markup]:
    """The page's style and script, and the policy (W3C Content Security Policy, hashes) that admits nothing else."""
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("listen.css", "listen.js"))
    policy = (
        f"default-src 'none'; img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'; "
        f"style-src {_digest(style)}; script-src {_digest(script)}"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


def _digest(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _remove_stale(folder: Path, current: set[str]) -> None:
    for path in folder.glob("index-*.html"):
        if re.fullmatch(r"index-\d+\.html", path.name) and path.name not in current:
            path.unlink()
