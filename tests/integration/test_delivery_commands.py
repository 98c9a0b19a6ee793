"""Deliveries as a user starts them, with the real policy, real credentials and signed checkpoints."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from sqlalchemy import Engine

from db.acceptance import add_acceptances
from db.engine import open_engine, writing
from db.ledger import append
from db.migrate import upgrade
from db.rows import AcceptanceRow
from db.urls import sqlite_url
from flows.cli import app as command
from services.mastering.encode import decoded_pcm_sha256
from services.provenance.credentials import Trust, read_file
from services.rights.register import correct, load
from tests.delivery_catalog import Studio

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def studio(engine: Engine, url: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Takes of the composer, ordered for a commercial game; on both databases."""
    return composed(engine, url, home, tmp_path / "keys", monkeypatch)


@pytest.fixture
def one(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """The same, where it does not matter which database."""
    url = sqlite_url(tmp_path / "one.db")
    engine = open_engine(url)
    upgrade(engine)
    yield composed(engine, url, home, tmp_path / "keys", monkeypatch)
    engine.dispose()


def composed(engine: Engine, url: str, home: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    for name, value in (("HOME", home), ("DATABASE_URL", url), ("KEYS", keys)):
        monkeypatch.setenv(f"CUEWORKS_{name}", str(value))
    licensee = {"kind": "company", "annual_revenue_usd": 3_000_000}
    return Studio.made(engine, home, use="commercial-game", licensee=licensee)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command; returns exit code, standard output and error."""

    def start(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cueworks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return start


def said(run: Run, *words: object, code: int = 0) -> Any:
    found, out, err = run(*words, "--json")
    assert found == code, err
    return json.loads(out) if out else err


def test_from_review_to_withdrawal(studio: Studio, run: Run, tmp_path: Path) -> None:
    out, ids = tmp_path / "build", studio.ids
    approved = said(run, "review", ids[0][:12], ids[1], "approve", "--by", "Ada")
    assert [row["new"] for row in approved] == [True, True]
    assert said(run, "review", "reject", "--all-of", "game", "--by", "Ada", "--note", "no") != []
    done = said(run, "release", "game", "gold", "--target", "plain", "--out", out, "--by", "Ada", "--aigc")
    assert (done["takes"], done["fresh"], done["folder"]) == (2, True, str(out))
    told = json.loads((out / "manifest.json").read_text())
    assert {file["take"] for file in told["files"]} == set(ids[:2])
    assert told["takes"][0]["source_type"] == "algorithmicMedia"
    assert list((studio.home / "checkpoints").rglob("*"))

    master = studio.takes()[ids[0]].assets[0]
    released = next(out / f["path"] for f in told["files"] if (f["source_sha256"], f["role"]) == (master.sha256, "mix"))
    assert decoded_pcm_sha256(released) == master.pcm_sha256
    found = read_file(released, trust=Trust(tmp_path / "keys" / "c2pa"))
    assert (found.state, found.ours, found.take_id) == ("trusted", True, ids[0])
    assert found.claim is not None and found.claim["master_sha256"] == master.sha256
    assert b"AIGC" in released.read_bytes()
    checked = said(run, "release", "--check", out)
    assert (checked["ok"], checked["release"]["name"], len(checked["signers"])) == (True, "gold", 1)
    assert any(file["role"] == "credentials:mix" for file in told["files"])  # Ogg carries its manifest beside it

    shown = said(run, "show", ids[0])
    assert [row["decision"] for row in shown["reviews"]] == ["approve"]
    assert [row["name"] for row in shown["releases"]] == ["gold"]
    code, told_plainly, _ = run("show", ids[0])
    assert code == 0
    for line in ("review           approve", "release          gold for commercial-game"):
        assert line in told_plainly
    assert said(run, "releases", "game")[0]["status"] == "released"
    assert said(run, "withdraw", "game", "gold", "--by", "Ada", "--reason", "not cleared")["new"]
    assert said(run, "releases")[0]["status"] == "withdrawn"
    found = said(run, "verify", code=4)["ledger"]["problems"]
    assert {problem["table"] for problem in found} == {"take", "engine_profile"}  # only what the test made up


def test_a_corrected_fact_stops_the_next_release_and_marks_the_last(studio: Studio, run: Run, tmp_path: Path) -> None:
    said(run, "review", studio.ids[4], "approve", "--by", "Ada")
    said(run, "release", "game", "gold", "--out", tmp_path / "gold", "--by", "Ada")
    with writing(studio.engine) as session:
        fact = next(f for f in load(session).facts if f.subject == "composer" and f.component == "samples")
        wrong = {"answer": "refused", "source": "letter of counsel", "recorded_by": "Ada", "corrects": fact.id}
        append(session, correct(session, replace(fact, recorded_at=None, **wrong)))
    code, _, err = run("release", "game", "silver", "--out", tmp_path / "silver", "--by", "Ada")
    assert code == 3
    for told in (studio.ids[4][:12], "letter of counsel", "commercial-game"):
        assert told in err
    assert not (tmp_path / "silver").exists()
    assert said(run, "releases", "game")[0]["status"] == "would-not-pass"


def test_a_tampered_export_is_named(one: Studio, run: Run, tmp_path: Path) -> None:
    said(run, "review", *one.ids[:2], "approve", "--by", "Ada")
    out = tmp_path / "out"
    said(run, "release", "game", "gold", "--out", out, "--by", "Ada")
    mix = next(out.rglob("mix.flac"))
    mix.write_bytes(mix.read_bytes()[:-1] + b"?")
    found = said(run, "release", "--check", out, code=4)
    assert [problem["path"] for problem in found["problems"]] == [mix.relative_to(out).as_posix()]


def test_a_forged_export_is_not_vouched_for(
    one: Studio, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger signs files, manifest and all with keys of their own: whole in itself, and not ours."""
    said(run, "review", one.ids[0], "approve", "--by", "Ada")
    genuine, forged = tmp_path / "genuine", tmp_path / "forged"
    said(run, "release", "game", "gold", "--out", genuine, "--by", "Ada")
    [key] = (one.home / "checkpoints").glob("*.vkey")
    ours = said(run, "release", "--check", genuine)
    assert (ours["vouched_by"], ours["signers"]) == (key.stem, ["Cueworks local signer"])
    strange = tmp_path / "strange"
    strange.mkdir(mode=0o700)
    monkeypatch.setenv("CUEWORKS_KEYS", str(strange))
    refused = run("release", "game", "forged", "--out", forged, "--by", "Ada")
    assert refused[0] == 2 and not forged.exists()
    for public in (tmp_path / "keys").glob("*.pub"):  # who knows our public keys gets that far
        copy(public, strange)
    said(run, "release", "game", "forged", "--out", forged, "--by", "Ada")
    monkeypatch.setenv("CUEWORKS_KEYS", str(tmp_path / "keys"))
    found = said(run, "release", "--check", forged)
    assert (found["ok"], found["vouched_by"]) == (True, None)
    assert found["signers"] == ["Cueworks local signer (not known here)"]
    found = said(run, "release", "--check", forged, "--key", key, code=4)
    assert found["problems"] == [{"path": "manifest.json.sig", "what": "is not by the key that was given"}]
    monkeypatch.setenv("CUEWORKS_KEYS", str(tmp_path / "nobody"))
    assert said(run, "release", "--check", genuine, "--key", key)["vouched_by"] == key.stem
    assert not (tmp_path / "nobody").exists()
    (genuine / "manifest.json.sig").unlink()
    [problem] = said(run, "release", "--check", genuine, code=4)["problems"]
    assert problem["path"] == "manifest.json.sig" and "nobody vouches" in problem["what"]


def test_what_cannot_be_is_told_with_exit_code_2(one: Studio, run: Run, tmp_path: Path) -> None:
    take, out = one.ids[0], tmp_path / "out"
    for words, told in (
        (("review", take, "--by", "Ada"), "is no decision"),
        (("review", "approve", "--by", "Ada"), "name takes and a decision"),
        (("review", take, "approve", "--by", "Ada", "--all-of", "game"), "not both"),
        (("review", "approve", "--by", "Ada", "--all-of", "gaem"), "there are: game"),
        (("review", "approve", "--by", "Ada", "--all-of", "game", "--state", "calm"), "of that state"),
        (("review", take, "approve", "--by", " "), "names nobody"),
        (("contribution", "add", take, "--kind", "vibes", "--by", "Ada"), "kind of contribution"),
        (("release", "game"), "name the catalog"),
        (("release", "game", "../gold", "--out", out), "release name"),
        (("release", "game", "gold", "--out", out, "--target", "wwise2"), "--target"),
        (("release", "game", "gold", "--out", out, "--target", "../plain"), "--target"),
        (("release", "game", "gold", "--out", out, "--formats", "aac"), "--formats"),
        (("release", "game", "gold", "--out", out, "--isrc-file", tmp_path / "none.csv"), "none.csv"),
        (("release", "game", "gold", "--out", out, "--annual-revenue-usd", "5"), "--licensee"),
        (("release", "--check", tmp_path), "has no manifest.json"),
        (("withdraw", "game", "gold", "--by", "Ada", "--reason", "x"), "no release"),
        (("releases", "gaem"), "there are: game"),
        (("takes", "--accepted", "--rejected"), "give one of them, or neither"),
    ):
        code, _, err = run(*words)
        assert (code, told in err) == (2, True), (words, err)
    assert not out.exists()


def test_all_of_a_catalog_that_was_rejected_approves_nothing_and_says_so(one: Studio, run: Run) -> None:
    at, why = datetime.now(UTC), ["it is silent"]
    with writing(one.engine) as session:
        add_acceptances(session, [
            AcceptanceRow(id_, 1, "rejected", 0.5, {}, why, {}, str(take.pcm_sha256), "1", at)
            for id_, take in one.takes().items()
        ])  # fmt: skip
    code, out, err = run("review", "approve", "--all-of", "game", "--by", "Ada")
    assert (code, out) == (1, "")
    assert "nothing was approved" in err and "`cueworks review TAKE approve`" in err
    listed = {name: said(run, "takes", *([name] if name else [])) for name in ("", "--accepted", "--rejected")}
    assert (len(listed["--accepted"]), listed["--rejected"]) == (0, listed[""])
    said(run, "review", one.ids[0], "approve", "--by", "Ada")
    assert said(run, "review", "approve", "--all-of", "game", "--by", "Ada") == []


def test_a_contribution_from_the_command_line(one: Studio, run: Run, tmp_path: Path) -> None:
    lyrics = tmp_path / "lyrics.txt"
    lyrics.write_text("la")
    words = ("contribution", "add", one.ids[0], "--kind", "lyrics", "--by", "Ada", "--file", lyrics)
    assert said(run, *words)["new"]
    assert not said(run, *words)["new"]
    assert said(run, "show", one.ids[0])["contributions"][0]["kind"] == "lyrics"


def test_isrcs_come_from_a_table(one: Studio, run: Run, tmp_path: Path) -> None:
    said(run, "review", one.ids[4], "approve", "--by", "Ada")
    table = tmp_path / "isrc.csv"
    table.write_text(f"\ufefftake,isrc,note\n{one.ids[4][:10]},qm-abc-26-00001,boss\n")
    said(run, "release", "game", "gold", "--out", tmp_path / "out", "--by", "Ada", "--isrc-file", table)
    assert b"QMABC2600001" in next((tmp_path / "out").rglob("mix.flac")).read_bytes()


