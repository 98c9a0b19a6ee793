"""`cueworks audit --certificate`, `--disclosure` and `--impact` as a person calls them, over a small catalog."""

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from db.engine import open_engine
from db.migrate import upgrade
from db.urls import sqlite_url
from flows.cli import app as command
from services.mastering.encode import encode
from services.mastering.pcm import Pcm
from tests.delivery_catalog import Studio, noise

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process; returns exit code, standard output and error."""

    def start(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cueworks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return start


@pytest.fixture
def studio(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """Takes of the composer, none of them released yet."""
    url = sqlite_url(tmp_path / "one.db")
    for name, value in (("HOME", home), ("DATABASE_URL", url), ("KEYS", tmp_path / "keys")):
        monkeypatch.setenv(f"CUEWORKS_{name}", str(value))
    engine = open_engine(url)
    upgrade(engine)
    yield Studio.made(engine, home, use="commercial-game", licensee={"kind": "company", "annual_revenue_usd": 3e6})
    engine.dispose()


def text_of(page: Path) -> str:
    class Reading(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    reading = Reading()
    reading.feed(page.read_text())
    return " ".join(reading.text.split())


def test_certificate_and_disclosures_follow_a_release_and_its_withdrawal(
    studio: Studio, run: Run, tmp_path: Path
) -> None:
    take, page = studio.ids[0], tmp_path / "c.html"
    assert "To do: hand over files of a release only" in run("audit", "game", "--disclosure", "eu-ai-act")[1]
    assert run("review", take, "approve", "--by", "Ada")[0] == 0
    assert run("release", "game", "gold", "--out", tmp_path / "gold", "--by", "Ada", "-q")[0] == 0

    marked = json.loads(run("audit", "game", "--disclosure", "eu-ai-act", "--json")[1])["counts"]["files"]
    assert (marked["releases"], marked["unmarked"], marked["embedded"] > 0) == (["gold"], 0, True)
    assert run("audit", "--certificate", take[:12], "--out", page)[0] == 0
    told = text_of(page)
    assert told.index("mix.flac") < told.index("midi.mid")
    assert "was withdrawn" not in told

    assert run("withdraw", "game", "gold", "--by", "Grace", "--reason", "a contract ended")[0] == 0
    assert run("audit", "--certificate", take, "--out", page)[0] == 0
    told = text_of(page)
    assert "Release gold was withdrawn on" in told
    assert "by Grace: a contract ended. It no longer gives leave to use its files." in told
    for market in ("steam", "eu-ai-act"):
        code, out, _ = run("audit", "game", "--disclosure", market)
        assert (code, "Not counted: release gold" in out, "To do: " in out) == (0, True, True)
    traced = json.loads(run("trace", next((tmp_path / "gold").rglob("mix.flac")), "--json")[1])
    assert (traced["take"], traced["release"]["withdrawn_by"]) == (take, "Grace")


def test_options_that_cannot_be_are_exit_code_2(studio: Studio, run: Run) -> None:
    for words, said in (
        (("--certificate", studio.ids[0]), "say where it goes"), (("game", "--disclosure", "moon"), "eu-ai-act"),
        (("game", "--known-at", "1999-01-01"), "facts are on record here since"),
        (("--certificate", "zz", "--out", "c.html"), "no take id"),
    ):  # fmt: skip
        code, out, err = run("audit", *words)
        assert (code, out, said in err) == (2, "", True), err


def test_what_touches_nothing_says_so(studio: Studio, run: Run) -> None:
    code, out, err = run("licences", "list", "--subject", "suno", "--json")
    assert code == 0, err
    code, out, _ = run("audit", "--impact", json.loads(out)[0]["id"])
    assert (code, "touches no take" in out, "(;" in out) == (1, True, False)


def test_an_id_that_no_take_or_fact_has_is_bad_input_and_words_that_no_prompt_has_are_an_answer(
    studio: Studio, run: Run
) -> None:
    asked = ("take:zzzz", "take:nosuchthing", f"take:{'0' * 64}", "fact:fact-0", "generator:none", "nosuchthing")
    assert [run("audit", "--impact", text)[0] for text in asked] == [2, 2, 2, 2, 1, 1]


def test_a_name_that_nothing_is_on_record_of_says_so(studio: Studio, run: Run) -> None:
    code, out, _ = run("licences", "list", "--subject", "no\x1bthing")
    assert (code, out.startswith("nothing is on record of 'no"), "\x1b" in out) == (0, True, False)
    assert json.loads(run("licences", "list", "--subject", "nothing", "--json")[1]) == []


def test_the_licence_of_a_take_is_that_of_its_sound(studio: Studio, run: Run, tmp_path: Path) -> None:
    assert "generator" not in run("takes")[1].splitlines()[0].split("\t")
    pcm = Pcm(48000, np.tile(noise(77).samples, (20, 1)))
    with (tmp_path / "song.flac").open("wb") as file:
        encode(pcm, "flac", file)
    words = ("--as", "take", "--catalog", "game", "--licence", "CC-BY-4.0", "--source", "https://example.com/song")
    assert run("import", tmp_path / "song.flac", *words)[0] == 0
    told = json.loads(run("audit", "game", "--json")[1])
    assert told["licences"] == {"no third-party terms": 5, "CC-BY-4.0": 1}
    assert {take["generator"]: take["licence"] for take in told["takes"]} == {
        "composer": "no third-party terms", "elsewhere": "CC-BY-4.0",
    }  # fmt: skip
    columns, *rows = (line.split("\t") for line in run("takes")[1].splitlines())
    assert {row[columns.index("generator")] for row in rows} == {"composer", "elsewhere"}
    assert {len(row) for row in rows} == {len(columns)}
