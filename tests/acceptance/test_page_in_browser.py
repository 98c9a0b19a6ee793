"""The page to listen on in a real browser: Debian's chromium, headless, opening it from disk as a listener would."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from models.controls import Controls, Theme
from services.catalog.compared import compared
from services.web.comparison import write_comparison
from services.web.page import PageAcceptance, PageCatalog, PageFile, PageTake, write_pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt-get install chromium)")

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
CATALOG = PageCatalog("ashfall", "Ashfall, chapter one", "b" * 64, "commercial-game", note="Made by a test")
SECONDS, RATE = 3.0, 48_000
HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe\u202c nul\0 '
    "</title></script><svg onload=alert(3)>"
)
MEDIA = {"flac": "audio/flac", "ogg": "audio/ogg", "png": "image/png"}


def tone(path: Path, pitch: float) -> None:
    time = np.arange(int(SECONDS * RATE)) / RATE
    soundfile.write(path, np.stack([0.2 * np.sin(2 * np.pi * pitch * time)] * 2, axis=1), RATE)


def a_file(folder: Path, role: str, name: str, pitch: float = 220.0) -> PageFile:
    path, kind = folder / name, name.rsplit(".", 1)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "png":
        Image.linear_gradient("L").resize((800, 160)).save(path)
    else:
        tone(path, pitch)
    return PageFile(role, MEDIA[kind], name, None if kind == "png" else SECONDS, path.stat().st_size)


def a_take(folder: Path, number: int, state: str, zone: str, prompt: str, *, status: str = "done") -> PageTake:
    loop = state != "exploration"
    controls = Controls(
        state=state, genre="orchestral", mood="tense", bpm=120.0, key="D minor", meter="4/4",
        instruments=("strings", "horn"), excluded=("drums",), bars=2, duration=SECONDS,
        form="loop" if loop else "intro-A", intensity=3, loop=loop, theme=Theme(1),
    )  # fmt: skip
    at = f"{state}/take {number} #1"
    names = [("mix", "mix.flac"), ("mix", "mix.ogg"), ("picture", "picture.png")]
    names += [("stem:drums", "drums.flac"), ("stem:bass", "bass.flac")] if number == 0 else []
    sounded = status in ("done", "superseded")
    return PageTake(
        id=hashlib.sha256(f"{number}".encode()).hexdigest(), zone=zone, cue=state, state=state, index=number,
        prompt=prompt, seed=number, status=status, generator="composer", revision="c" * 64, controls=controls,
        lufs=-23.0 if sounded else None, true_peak=-1.2 if sounded else None, pcm_sha256="d" * 64 if sounded else None,
        files=tuple(a_file(folder, role, f"{at}/{name}") for role, name in names) if sounded else (),
        error=None if sounded else "the actor died three times: out of memory",
    )  # fmt: skip


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[PageTake]:
    folder = tmp_path_factory.mktemp("home") / "ashfall"
    return [
        a_take(folder, 0, "exploration", "ashwood", "slow strings over a burnt forest"),
        a_take(folder, 1, "exploration", "harbour", HOSTILE),
        a_take(folder, 2, "combat", "ashwood", "urgent brass, taiko"),
        a_take(folder, 3, "combat", "harbour", "وَتَرِيّات قتال " + "unbreakable" * 30),
        a_take(folder, 4, "boss", "ashwood", "choir, relentless", status="failed"),
        a_take(folder, 5, "exploration", "ashwood", "an older wish", status="superseded"),
    ]


@pytest.fixture(scope="module")
def index(takes: list[PageTake], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = next(path for path in tmp_path_factory.getbasetemp().glob("home*/ashfall"))
    return write_pages(folder, CATALOG, takes)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@dataclass
class Watched:
    """A tab, and everything in it that should not happen."""

    tab: Page
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tab.on("console", lambda message: self.note(f"console {message.type}: {message.text}"))
        self.tab.on("pageerror", lambda error: self.note(f"error: {error}"))
        self.tab.on("dialog", self.dismiss)
        self.tab.on("request", lambda request: self.note_request(request.url))

    def note(self, what: str) -> None:
        self.wrong.append(what)

    def note_request(self, url: str) -> None:
        if not url.startswith("file://"):
            self.note(f"request: {url}")

    def dismiss(self, dialog: Dialog) -> None:
        self.note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, index: Path, fragment: str = "") -> Page:
        self.tab.goto(index.as_uri() + fragment)
        return self.tab


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    tab = Watched(context.new_page())
    yield tab
    context.close()
    assert tab.wrong == []


def shown(tab: Page) -> list[str]:
    visible: list[str] = tab.evaluate("cards.filter(card => card.checkVisibility()).map(card => card.dataset.id)")
    return visible


def ask(tab: Page, take: PageTake, expression: str) -> Any:
    """The value of a JavaScript expression about the take's player `p`; waits where it is a promise."""
    return tab.evaluate(
        f"id => {{ const p = document.querySelector(`#take-${{id}} audio`); return {expression} }}", take.id
    )


def play(tab: Page, take: PageTake) -> None:
    ask(tab, take, "p.muted = true, p.play()")


def until(tab: Page, take: PageTake, condition: str) -> None:
    """Wait until `condition` holds of the take's player `p`."""
    tab.wait_for_function(
        f"id => {{ const p = document.querySelector(`#take-${{id}} audio`); return {condition} }}", arg=take.id
    )


def test_all_takes_are_shown_but_superseded_ones_are_folded_away(
    watched: Watched, index: Path, takes: list[PageTake]
) -> None:
    tab = watched.open(index)
    assert shown(tab) == [take.id for take in takes[:5]]
    tab.click("summary:has-text('Superseded')")
    assert shown(tab) == [take.id for take in takes]
    assert "6 takes" in tab.inner_text(".count")


@pytest.mark.parametrize(("number", "kind"), [(0, ".ogg"), (2, ".flac")])
def test_a_player_plays_the_real_file(
    watched: Watched, index: Path, takes: list[PageTake], number: int, kind: str
) -> None:
    tab, take = watched.open(index), takes[number]
    play(tab, take)
    until(tab, take, "p.currentTime > 0.3")
    source, duration = ask(tab, take, "[p.currentSrc, p.duration]")
    assert source.endswith(kind)
    assert duration == pytest.approx(SECONDS, abs=0.05)


def test_a_loop_goes_round_and_a_piece_ends(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    for take, state in ((takes[2], "!p.paused && p.currentTime < 1"), (takes[0], "p.ended")):
        play(tab, take)
        until(tab, take, "p.readyState > 2")
        ask(tab, take, "p.currentTime = 2.7")
        until(tab, take, state)


def test_one_plays_at_a_time(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    for take in (takes[2], takes[3]):  # loops: neither ends by itself
        play(tab, take)
        until(tab, take, "p.currentTime > 0.1")
    until(tab, takes[2], "p.paused")
    until(tab, takes[3], "!p.paused")
    assert tab.inner_text(".now") == takes[3].name


def test_pictures_load_and_a_click_plays_from_there(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    for take in takes[:4]:
        tab.locator(f"#take-{take.id}").scroll_into_view_if_needed()
        tab.wait_for_function("id => document.querySelector(`#take-${id} img`).naturalWidth > 0", arg=take.id)
    box = tab.locator(f"#take-{takes[0].id} .picture").bounding_box()
    assert box is not None
    tab.locator(f"#take-{takes[0].id} .picture").click(position={"x": box["width"] / 2, "y": 20})
    until(tab, takes[0], "!p.paused && p.currentTime > 1.5 && p.currentTime < 2.5")


def test_filters_and_search_narrow_what_is_shown(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    tab.select_option("[data-filter=zone]", "harbour")
    assert shown(tab) == [takes[1].id, takes[3].id]
    tab.select_option("[data-filter=state]", "combat")
    assert shown(tab) == [takes[3].id]
    assert not tab.is_visible("section[aria-label=exploration]")
    tab.select_option("[data-filter=zone]", "")
    tab.fill("[type=search]", "TAIKO urgent")
    assert shown(tab) == [takes[2].id]
    tab.fill("[type=search]", "bagpipes")
    assert shown(tab) == []
    assert tab.is_visible("text=No take on this page matches.")


def test_keys_play_pause_loop_and_move(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    tab.keyboard.press("Space")
    until(tab, takes[0], "!p.paused")
    tab.keyboard.press("j")
    until(tab, takes[1], "!p.paused")
    until(tab, takes[0], "p.paused")
    tab.keyboard.press("ArrowLeft")
    until(tab, takes[0], "!p.paused")
    tab.keyboard.press("l")
    until(tab, takes[0], "p.loop")
    tab.keyboard.press("Space")
    until(tab, takes[0], "p.paused")
    tab.fill("[type=search]", "jkl ")
    until(tab, takes[0], "p.paused && p.loop")


def test_stems_follow_the_player_and_can_be_soloed(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab, card = watched.open(index), f"#take-{takes[0].id}"
    tab.click(f"{card} .stems summary")
    ask(tab, takes[0], "p.play()")
    stems = "[...mixers.values()][0].map(({audio}) => audio)"
    tab.wait_for_function(f"() => {stems}.every(a => !a.paused && a.currentTime > 0.4)")
    until(tab, takes[0], f"p.muted && {stems}.every(a => Math.abs(a.currentTime - p.currentTime) < 0.1)")
    tab.click(f"{card} [data-stem=bass] .solo")
    assert tab.evaluate(f"{stems}.map(a => a.muted)") == [True, False]
    tab.click(f"{card} [data-stem=bass] .solo")
    tab.uncheck(f"{card} [data-stem=bass] input")
    assert tab.evaluate(f"{stems}.map(a => a.muted)") == [False, True]
    tab.click(f"{card} .stems summary")
    until(tab, takes[0], "!p.muted && mixers.size === 0")


def test_a_hostile_prompt_is_inert_and_visible(watched: Watched, index: Path, takes: list[PageTake]) -> None:
    tab = watched.open(index)
    shown_prompt = tab.inner_text(f"#take-{takes[1].id} .prompt")
    assert "<script>alert(1)</script>" in shown_prompt
    assert "[U+202E]gnp.exe[U+202C]" in shown_prompt
    assert "nul[U+0000]" in shown_prompt
    assert tab.locator(".card script, .card svg, .card [onerror]").count() == 0


def test_a_script_that_got_in_would_not_run(browser: Browser, index: Path) -> None:
    broken = index.with_name("broken.html")
    intruder = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'></main>"
    broken.write_text(index.read_text(encoding="utf-8").replace("</main>", intruder), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(broken.as_uri())
    assert tab.locator("main > script").count() == 1
    assert tab.evaluate("[typeof cards, typeof window.ran]") == ["object", "undefined"]
    tab.close()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_window_needs_no_sideways_scrolling(watched: Watched, index: Path, width: int) -> None:
    tab = watched.open(index)
    tab.set_viewport_size({"width": width, "height": 800})
    tab.click("summary:has-text('Superseded')")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_without_script_everything_can_still_be_listened_to(
    browser: Browser, index: Path, takes: list[PageTake]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(index.as_uri())
    assert tab.locator("audio[controls] source").count() == 10
    assert tab.locator(f"#take-{takes[0].id} audio").is_visible()
    assert not tab.locator(".tools").is_visible()
    context.close()


def test_a_deep_link_finds_its_take_on_any_page(
    watched: Watched, index: Path, takes: list[PageTake], tmp_path: Path
) -> None:
    folder = shutil.copytree(index.parent, tmp_path / "ashfall")
    first = write_pages(folder, CATALOG, takes, per_page=2)
    second = folder / "index-2.html"
    for start, number, found in ((first, 3, "index-2.html"), (second, 0, "index.html"), (first, 5, "index-3.html")):
        tab = watched.open(start, f"#take-{takes[number].id}")
        tab.wait_for_url(re.compile(f"/{found}#take-{takes[number].id}$"))
        tab.wait_for_selector(f"#take-{takes[number].id}[aria-current=true]")


def test_a_short_click_copies_the_whole_take_id(browser: Browser, index: Path, takes: list[PageTake]) -> None:
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(index.as_uri())
    tab.click(f"#take-{takes[0].id} .copy >> nth=0")
    tab.wait_for_function("document.querySelector('.toast').textContent.startsWith('Copied')")
    assert tab.evaluate("navigator.clipboard.readText()") == takes[0].id
    context.close()


def test_a_file_that_is_gone_is_said_so(browser: Browser, takes: list[PageTake], tmp_path: Path) -> None:
    tab = browser.new_page()
    tab.goto(write_pages(tmp_path, CATALOG, takes[:1]).as_uri())
    tab.evaluate("void document.querySelector('audio').play()")  # its promise stays open: no source can be played
    tab.wait_for_selector(".unplayable", state="visible")
    tab.wait_for_selector(".picture", state="hidden")
    tab.close()


@pytest.fixture(scope="module")
def comparison(takes: list[PageTake], index: Path) -> Path:
    """Two cues by three generators, softer and louder; the second one's takes in `combat` were not good enough."""
    shown = []
    for number, take in enumerate((takes[0], takes[2]) * 3):
        generator = ("composer", "acme/tokens", "acme/noise")[number // 2]
        bad = generator == "acme/tokens" and take.state == "combat"
        acceptance = PageAcceptance("rejected", 0.2, ("its tempo is off",)) if bad else PageAcceptance("kept", 0.9)
        shown.append(replace(
            take, id=hashlib.sha256(f"compared {number}".encode()).hexdigest(), generator=generator, index=0,
            prompt=HOSTILE, acceptance=acceptance, lufs=-23.0 - 6.0 * (generator == "acme/noise"),
        ))  # fmt: skip
    return write_comparison(index.parent, CATALOG, compared(shown, {}).generators, shown)


def test_generators_are_switched_by_keys_at_the_same_place_and_at_equal_loudness(
    watched: Watched, comparison: Path
) -> None:
    tab = watched.open(comparison)
    assert shown(tab) == tab.evaluate("cards.filter(card => !card.closest('.out')).map(card => card.dataset.id)")
    sounding = "[...document.querySelectorAll('audio')].filter(p => !p.paused && p.currentTime > 0)"
    tab.keyboard.press("1")
    tab.keyboard.press("Space")
    tab.wait_for_function(f"() => {sounding}.length === 1 && {sounding}[0].currentTime > 0.5")
    before = tab.evaluate(f"{sounding}[0].currentTime")
    tab.keyboard.press("3")
    tab.wait_for_function(f"() => {sounding}.length === 1 && cardOf({sounding}[0]).dataset.generator === 'acme/noise'")
    after = tab.evaluate(f"{sounding}[0].currentTime")
    assert before <= after < before + 2
    volumes = "[...document.querySelectorAll('.point audio')].filter(p => p.readyState).map(p => p.volume)"
    assert sorted(set(tab.evaluate(volumes))) == pytest.approx([10 ** (-6 / 20), 1], abs=1e-3)
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(f"() => {sounding}.length === 1 && cardOf({sounding}[0]).dataset.generator === 'composer'")
    assert tab.locator(".deck button[aria-pressed=true]").inner_text() == "1 composer"
    tab.keyboard.press("j")
    tab.wait_for_function("() => current.dataset.cue === 'combat'")
    tab.locator(".deck button", has_text="2 tokens").click()
    assert tab.is_visible("text=its tempo is off")  # what was folded away is shown when it is listened to
    tab.keyboard.press("Space")


def test_a_comparison_is_narrowed_and_fits_a_phone_in_the_dark(browser: Browser, comparison: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    watched = Watched(context.new_page())
    tab = watched.open(comparison)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.select_option("[data-filter=outcome]", "rejected")
    assert tab.locator(".card:visible").count() == 1
    assert tab.is_visible("text=its tempo is off")
    assert tab.locator(".point:visible, .maker:visible").count() == 2
    tab.keyboard.press("Escape")
    tab.evaluate("byNumber(2)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.is_visible(".deck")
    context.close()
    assert watched.wrong == []
