"""The comparison of generators: its figures, and its page as text; what it holds, in which order, and that hostile text
stays text."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_web_page import CATALOG, FLAC, PICTURE, Reading, assert_inert, hostile_take, read, take

from flows.cli.compare import _maker
from services.catalog.compared import compared, is_comparable
from services.planning.acceptance import NO_BEAT, NO_KEY
from services.web.comparison import MakerFigures, write_comparison
from services.web.page import PageAcceptance, PageCatalog, PageTake, write_pages
from services.web.templating import visible

TOKENS, NOISE = "acme/tokens", "acme/noise"
WHY = "its key is heard as F# major, not the D minor ordered"
PARTS = {"tempo": 0.9, "key": 0.6, "sound": 1.0}


def judged(outcome: str, score: float, **changes: object) -> PageAcceptance:
    reasons = (WHY,) if outcome == "rejected" else ()
    return replace(PageAcceptance(outcome, score, reasons, PARTS, 284.0, "D minor"), **changes)  # type: ignore[arg-type]


def made(
    number: int, generator: str = "composer", outcome: str = "", score: float = 0.5, **changes: object
) -> PageTake:
    acceptance = judged(outcome, score) if outcome else None
    return take(number, generator=generator, acceptance=acceptance, files=(FLAC, PICTURE), **changes)


def write(folder: Path, takes: list[PageTake], per_page: int = 400, catalog: PageCatalog = CATALOG) -> Reading:
    figures = compared(takes, {}).generators
    return read(write_comparison(folder, catalog, figures, takes, per_page))


def ids(page: Reading) -> list[str | None]:
    return [card["data-id"] for card in page.all("article")]


def test_figures_count_what_is_ordered_and_average_what_was_judged() -> None:
    silent = replace(PageAcceptance("rejected", 0.2, (NO_BEAT,)), parts={"tempo": 0.5, "key": 0.0})
    takes = [
        made(0, outcome="kept", score=0.9), made(1, outcome="spare", score=0.7), take(2, acceptance=silent, lufs=-27.0),
        made(3, NOISE), made(4, NOISE, status="failed", lufs=None), made(5, NOISE, status="planned", lufs=None),
        made(6, TOKENS, "kept", status="superseded"),
    ]  # fmt: skip
    found = compared(takes, {"composer": 18.0, "gone": 1.0})
    assert found.generators == (
        MakerFigures("composer", 3, 3, 1, 1, 1, 0.6667, 1.0, 0.6667, 0.6, (-24.36, -27.0, -23.04), 0.5, 1, 0),
        MakerFigures(NOISE, 3, 1, 0, 0, 0, lufs=(-23.04, -23.04, -23.04)),
    )
    assert [(row.generator, row.best, row.best_take) for row in found.points] == [
        ("composer", 0.9, takes[0].id), (NOISE, None, None),
    ]  # fmt: skip
    assert found.as_json()["generators"][0]["lufs"] == {"mean": -24.36, "lowest": -27.0, "highest": -23.04}


def test_what_was_not_heard_is_no_share_of_nothing(tmp_path: Path) -> None:
    neither = judged("spare", 0.5, reasons=(NO_BEAT, NO_KEY), parts={"tempo": 0.5, "key": 0.5, "sound": 1.0})
    unasked = judged("kept", 0.9, parts={"sound": 1.0})
    takes = [
        take(0, acceptance=neither), take(1, generator=NOISE, acceptance=unasked),
        take(2, generator=TOKENS, acceptance=neither), made(3, TOKENS, "kept"),
    ]  # fmt: skip
    figures = compared(takes, {}).generators
    assert [(row.tempo, row.key, row.tempo_unheard, row.key_unheard) for row in figures] == [
        (None, None, 1, 1), (None, None, 0, 0), (1.0, 1.0, 1, 1)
    ]  # fmt: skip
    assert [cell for row in figures for cell in _maker(row)[6:8]] == [
        "not heard", "not heard", "", "", "100 % (1 not heard)", "100 % (1 not heard)"
    ]  # fmt: skip
    page = write_comparison(tmp_path, CATALOG, figures, takes).read_text(encoding="utf-8")
    told = re.findall(r'<td><span class="unknown">(not heard|not judged)</span></td>', page)
    assert told == 2 * ["not heard", "not judged"]
    assert page.count("100 % <small>1 not heard</small>") == 2


@pytest.mark.parametrize(
    ("takes", "answer"),
    [
        ([], False),
        ([made(0), made(1)], False),
        ([made(0), made(1, NOISE)], True),
        ([made(0), made(1, NOISE, status="superseded")], False),
        ([made(0, outcome="rejected")], True),
    ],
)
def test_there_is_something_to_compare_where_several_made_takes_or_some_were_judged(
    takes: list[PageTake], answer: bool
) -> None:
    assert is_comparable(takes) is answer


def test_the_best_come_first_and_rejected_ones_are_folded_away_with_their_reasons(tmp_path: Path) -> None:
    takes = [
        made(0, outcome="rejected", score=0.99), made(1, outcome="spare", score=0.8), made(2, NOISE, status="failed"),
        made(3, outcome="kept", score=0.6), made(4), made(5, outcome="kept", score=0.7), made(6, NOISE, "rejected"),
        made(7, status="superseded"), made(8, cue="menu"),
    ]  # fmt: skip
    page = write(tmp_path, takes)
    assert ids(page) == [takes[number].id for number in (5, 3, 4, 1, 0, 6, 2, 8)]
    folded = [attrs for tag, attrs in page.elements if tag == "details" and attrs.get("class") == "out"]
    assert len(folded) == 2
    assert all("open" not in attrs for attrs in folded)
    for words in (WHY, "1 rejected", "2 did not come out or were rejected", "kept 0.70", "key 0.60", "142.0 bpm"):
        assert words in " ".join(page.text.split())
    assert page.all("a", href="index.html")


def test_generators_stand_side_by_side_under_the_same_number_everywhere(tmp_path: Path) -> None:
    takes = [made(0), made(1, NOISE), made(2, TOKENS, cue="menu"), made(3, NOISE, cue="menu")]
    page = write(tmp_path, takes)
    columns = [(c["data-maker"], c["data-generator"]) for _, c in page.elements if "data-maker" in c]
    assert columns == [("1", "composer"), ("2", NOISE), ("2", NOISE), ("3", TOKENS)]
    assert "not judged" not in page.text
    assert "write accept: to the brief" in " ".join(page.text.split())


def test_louder_takes_are_turned_down_to_the_softest_but_not_to_a_silent_one(tmp_path: Path) -> None:
    levels = (-23.0, -26.0, -60.0, None, float("-inf"))
    takes = [made(number, lufs=level) for number, level in enumerate(levels)]
    page = write(tmp_path, [*takes, made(9, outcome="rejected", lufs=-30.0)])
    gains = {card["data-id"]: float(card["data-gain"] or "") for card in page.all("article")}
    assert [gains[one.id] for one in takes] == pytest.approx([10 ** (-3 / 20), 1, 1, 1, 1], abs=1e-4)


def test_a_point_is_never_parted_and_links_lead_across_pages(tmp_path: Path) -> None:
    takes = [made(3 * cue + index, cue=f"cue-{cue}", generator=("composer", NOISE)[index % 2])
             for cue in range(4) for index in range(3)]  # fmt: skip
    write(tmp_path, takes, per_page=7)
    assert {path.name: len(read(path).all("article")) for path in tmp_path.iterdir()} == {
        "compare.html": 6, "compare-2.html": 6,
    }  # fmt: skip
    assert f'"{takes[-1].id[:12]}"' in (tmp_path / "compare.html").read_text()
    write_pages(tmp_path, CATALOG, takes)
    write(tmp_path, takes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.html", "index.html"]
    write(tmp_path, [])
    with pytest.raises(ValueError, match="per_page must be at least 1"):
        write(tmp_path, takes, per_page=0)


def test_a_thousand_takes_are_written_without_loading_any(tmp_path: Path) -> None:
    takes = [made(n, ("composer", NOISE)[n % 2], ("kept", "rejected")[n % 3 == 0], cue=f"cue-{n // 20}")
             for n in range(1000)]  # fmt: skip
    write_comparison(tmp_path, CATALOG, compared(takes, {}).generators, takes)
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert sum(text.count("<article ") for text in texts) == 1000
    assert sum(text.count('<audio controls preload="none"') for text in texts) == 1000
    assert sum(text.count('loading="lazy"') for text in texts) == 1000
    assert max(map(len, texts)) < 2_000_000


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
def test_any_text_stays_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-comparison"
    told = replace(hostile_take(text), acceptance=PageAcceptance(text, 0.5, (text,), {text: 0.5}, 100.0, text))
    hostile = PageCatalog(text, text, text, text, text)
    page = write(folder, [told, replace(told, id="b", generator="other")], catalog=hostile)
    assert_inert(page)
    assert visible(text).strip() in page.text
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069]", (folder / "compare.html").read_text(encoding="utf-8"))


def test_the_page_to_listen_on_tells_and_counts_outcomes(tmp_path: Path) -> None:
    takes = [made(0, outcome="kept", score=0.93), made(1, NOISE, "rejected", 0.4), made(2)]
    catalog = replace(CATALOG, comparison="compare.html")
    page = read(write_pages(tmp_path, catalog, takes))
    assert [card["data-outcome"] for card in page.all("article")] == ["kept", "rejected", ""]
    told = " ".join(page.text.split())
    for words in ("kept 0.93", "rejected 0.40", WHY, "Statedonekeptrejectedminutes combat3110.6", NOISE):
        assert words in told
    assert page.all("select", **{"data-filter": "outcome"})
    assert page.all("a", href="compare.html")


def test_a_tempo_is_told_in_the_octave_that_was_ordered() -> None:
    assert made(0, outcome="kept").heard_bpm == 142.0
    assert made(0).heard_bpm is None
    assert take(acceptance=judged("kept", 1.0, bpm=None)).heard_bpm is None
