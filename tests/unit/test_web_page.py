"""The page to listen on, as text: what it holds, that hostile text stays text, and how its files are written."""

import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.controls import Controls, Theme
from services.mastering import picture
from services.web.page import PageCatalog, PageFile, PageTake, write_pages
from services.web.templating import PICTURE_MARGIN, clock, size, visible

CATALOG = PageCatalog("ashfall", "Ashfall & Ember", "b" * 64, "commercial-game", note="made by a test")
FLAC = PageFile("mix", "audio/flac", "combat/take 1/mix.flac", 12.0, 1_400_000)
OGG = PageFile("mix", "audio/ogg", "combat/take 1/mix.ogg", 12.0, 120_000)
STEM = PageFile("stem:drums", "audio/flac", "combat/take 1/drums.flac", 12.0, 700_000)
MIDI = PageFile("midi", "audio/midi", "combat/take 1/score.mid", None, 820)
PICTURE = PageFile("picture", "image/png", "combat/take 1/picture.png", None, 30_000)


def controls(**changes: object) -> Controls:
    base = Controls(
        state="combat", genre="orchestral", mood="tense", bpm=142.0, key="D minor", meter="4/4",
        instruments=("strings",), excluded=(), bars=8, duration=13.521, form="loop", intensity=4, loop=False,
        theme=Theme(7),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def take(number: int = 0, **changes: object) -> PageTake:
    identity = hashlib.sha256(str(number).encode()).hexdigest()
    base = PageTake(
        identity, "ashwood", "combat", "combat", number, "tense strings", 4503599627370497, "done", "composer",
        "c" * 64, controls(), -23.04, -1.5, "d" * 64, (FLAC, OGG, STEM, MIDI, PICTURE),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


class Reading(HTMLParser):
    """Elements and text as an HTML parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag and wanted.items() <= attrs.items()]


def read(path: Path) -> Reading:
    return Reading(path.read_text(encoding="utf-8"))


def test_a_card_tells_what_a_listener_needs(tmp_path: Path) -> None:
    page = read(write_pages(tmp_path / "new" / "ashfall", CATALOG, [take(2)]))
    for words in (
        "combat / ashwood / take 3", "tense strings", "142", "D minor", "4/4", "orchestral", "tense", "0:12",
        "4503599627370497",
        "-23.0 LUFS", "-1.5 dBTP", take(2).id[:12], "Ashfall & Ember", "commercial-game", "made by a test", "Stems (1)",
    ):
        assert words in page.text
    assert {link["href"] for link in page.all("a") if link.get("type")} == {file.url for file in take().files}
    assert page.all("article", id=f"take-{take(2).id}")
    assert page.all("button", title=f"{take(2).id} (click to copy)")
    assert page.all("img", src="combat/take%201/picture.png", loading="lazy")


def test_a_name_tells_takes_apart() -> None:
    assert take(0, zone=None).name == "combat / take 1"
    assert take(2, point=("dusk", "rain")).name == "combat / ashwood / dusk / rain / take 3"


@pytest.mark.parametrize(
    ("loop", "formats"), [(False, ["audio/ogg", "audio/flac"]), (True, ["audio/flac", "audio/ogg"])]
)
def test_a_player_starts_soonest_but_loops_without_a_gap(tmp_path: Path, loop: bool, formats: list[str]) -> None:
    page = read(write_pages(tmp_path, CATALOG, [take(controls=controls(loop=loop))]))
    assert [source["type"] for source in page.all("source")] == formats
    (player,) = page.all("audio")
    assert ("loop" in player, player["preload"], "controls" in player) == (loop, "none", True)


def test_a_loop_plays_its_seamless_file_where_it_has_one() -> None:
    seamless = PageFile("loop", "audio/flac", "loop.flac", 12.0, 1)
    assert take(controls=controls(loop=True), files=(FLAC, OGG, seamless)).sources == [seamless]
    assert take(files=(FLAC, OGG, seamless)).sources == [OGG, FLAC]


@pytest.mark.parametrize("status", ["failed", "quarantined"])
def test_a_take_without_sound_is_shown_with_its_status_and_error(tmp_path: Path, status: str) -> None:
    broken = take(status=status, error="actor died 3 times", files=(), lufs=None, true_peak=None, pcm_sha256=None)
    page = read(write_pages(tmp_path, CATALOG, [broken]))
    assert not page.all("audio")
    assert status in page.text
    assert "actor died 3 times" in page.text
    assert "Loudness" not in page.text


def test_totals_count_takes_by_state_and_status_and_minutes_of_music_without_superseded_ones(tmp_path: Path) -> None:
    takes = [take(0), take(1), take(2, status="failed", files=()), take(3, state="boss"), take(4, status="superseded")]
    text = write_pages(tmp_path, CATALOG, takes).read_text(encoding="utf-8")
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", text)]
    assert [[Reading(cell).text for cell in row] for row in rows] == [
        ["State", "done", "failed", "minutes"],
        ["combat", "2", "1", "0.4"],
        ["boss", "1", "", "0.2"],
        ["all", "3", "1", "0.6"],
    ]


def test_superseded_takes_come_last_and_collapsed(tmp_path: Path) -> None:
    page = read(write_pages(tmp_path, CATALOG, [take(0, status="superseded"), take(1), take(2, state="boss"), take(3)]))
    assert [card["data-id"] for card in page.all("article")] == [take(number).id for number in (1, 3, 2, 0)]
    (collapsed,) = page.all("details", **{"class": "state superseded"})
    assert "open" not in collapsed


def test_a_catalog_without_takes_says_so(tmp_path: Path) -> None:
    assert "No takes yet." in read(write_pages(tmp_path, CATALOG, [])).text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></script><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "evil\u202egnp.exe\u2066",
    "nul\0byte\x1b[31m",
    "lone \udc80 surrogate",
    "javascript:alert(1)",
]
ELEMENTS = set(
    "html head meta title style body header footer main section article div span p h1 h2 h3 bdi small i kbd a img "  # noqa: SIM905
    "audio source table thead tbody tr th td form label input select option output button dl dt dd details summary "
    "ul li script h4 b code svg rect".split()
)


def hostile_take(text: str) -> PageTake:
    path = re.sub("[\0\ud800-\udc7f\udd00-\udfff]", "", text).lstrip("/") or "x"
    file = PageFile("mix", "audio/ogg", path, 1.0, 1)
    files = (file, replace(file, role=f"stem:{text}"), replace(file, role="picture"))
    musical = controls(genre=text, instruments=(text,))
    fields = ("id", "zone", "cue", "state", "prompt", "status", "generator", "revision", "pcm_sha256", "error")
    texts: dict[str, Any] = dict.fromkeys(fields, text)
    return take(**texts, controls=musical, files=files, point=(text,))


def assert_inert(page: Reading) -> None:
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert len(page.all("script")) == 2
    for _, attrs in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attrs)
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//", attrs.get(name) or "", re.IGNORECASE)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    page = read(write_pages(tmp_path, PageCatalog(text, text, text, text, text), [hostile_take(text)]))
    assert_inert(page)
    assert visible(text) in page.text


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
def test_any_text_stays_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    page = write_pages(folder, PageCatalog(text, text, text, text, text), [hostile_take(text)])
    assert_inert(read(page))
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069]", page.read_text(encoding="utf-8"))


def test_unseen_characters_are_made_visible() -> None:
    assert visible("a\u202eb\0c\td\ne") == "a[U+202E]b[U+0000]c\td\ne"
    assert visible("épée 夜 مرحبا 🎵") == "épée 夜 مرحبا 🎵"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "//host/x.ogg", "a\0b"])
def test_a_path_that_leaves_the_disk_is_refused_and_nothing_is_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="must be relative"):
        write_pages(tmp_path / "c", CATALOG, [take(files=(replace(OGG, path=path),))])
    assert not (tmp_path / "c").exists()


def test_paths_are_quoted_and_may_climb_to_the_blobs() -> None:
    assert replace(OGG, path="../blobs/a b#c?d%e:f.ogg").url == "../blobs/a%20b%23c%3Fd%25e%3Af.ogg"


def test_many_takes_make_pages_that_lead_to_each_other_and_stale_ones_go(tmp_path: Path) -> None:
    other = tmp_path / "index-old.html"
    other.write_text("not ours")
    write_pages(tmp_path, CATALOG, map(take, range(7)), per_page=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index-2.html",
        "index-3.html",
        "index-old.html",
        "index.html",
    ]
    for name, count in (("index.html", 3), ("index-2.html", 3), ("index-3.html", 1)):
        page = read(tmp_path / name)
        assert len(page.all("article")) == count
        assert {link["href"] for link in page.all("a") if "title" in link and "type" not in link} == {
            "index.html",
            "index-2.html",
            "index-3.html",
        }
    assert f'"{take(6).id[:12]}"' in (tmp_path / "index.html").read_text()
    write_pages(tmp_path, CATALOG, map(take, range(4)), per_page=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index-2.html", "index-old.html", "index.html"]


def test_pages_need_at_least_one_take_each(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_page must be at least 1, not 0"):
        write_pages(tmp_path, CATALOG, [], per_page=0)


def test_a_write_that_fails_leaves_the_old_page_and_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_pages(tmp_path, CATALOG, [take(0)]).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.storage.whole.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_pages(tmp_path, CATALOG, [take(1)])
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_bytes() == before


def test_the_same_takes_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_pages(tmp_path / name, CATALOG, map(take, range(5))).read_bytes() for name in "ab")
    assert first == second


def test_the_picture_margin_is_the_one_that_pictures_are_drawn_with() -> None:
    for margin in (picture._LEFT, picture._RIGHT):
        assert margin / picture.WIDTH == PICTURE_MARGIN


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (61.2, "1:01"), (3600, "60:00")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_430_000, "1.4 MB"), (17_280_044, "17 MB"), (2 * 10**9, "2.0 GB")],
)
def test_size(count: int, shown: str) -> None:
    assert size(count) == shown
