"""An auditor's day, by the command line alone, on both databases: refuse, make, release, correct, list, stop, trace,
and name what was tampered with."""

import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from command import Cueworks
from sqlalchemy import create_engine, text

BRIEF = """\
catalog: skyward
title: Skyward
seed: 11
use: commercial-game
licensee: {kind: company, annual_revenue_usd: 3000000}
defaults: {key: D minor, formats: [flac, ogg]}
cues:
  - {state: exploration, prompt: calm strings and harp, bpm: 100, duration: 20, takes: 2}
  - {state: combat, prompt: driving taiko and low brass, bpm: 150, duration: 16, takes: 1}
"""
NEVER_RENDERED = "facebook/musicgen-small"


@pytest.fixture(params=("sqlite", "postgresql"))
def studio(request: pytest.FixtureRequest, quick: Cueworks) -> Cueworks:
    """A home without music, its records in SQLite or in PostgreSQL."""
    if request.param == "postgresql":
        make: Callable[..., str] = request.getfixturevalue("postgresql")
        quick.settings["CUEWORKS_DATABASE_URL"] = make(None)
        quick.said("db", "upgrade")
    return quick


def _tamper(studio: Cueworks, statement: str, **values: Any) -> None:
    """Change a row behind the platform's back."""
    url = studio.settings.get("CUEWORKS_DATABASE_URL") or f"sqlite:///{studio.home / 'cueworks.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1
    engine.dispose()


def _crop(source: Path, target: Path) -> Path:
    """Ten seconds out of the middle, as a game build would hold them: MP3 at 64 kbit/s."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    cut = ["-ss", "4.321", "-t", "10", "-i", str(source), "-map", "0:a", "-b:a", "64k", "-map_metadata", "-1"]
    subprocess.run([ffmpeg, "-v", "error", *cut, str(target)], check=True, stdin=subprocess.DEVNULL)
    return target


def test_an_auditors_day(studio: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "skyward.yaml"
    brief.write_text(BRIEF)

    # A generator that must not be used for a commercial game: refused at plan, with the reason, and nothing was made.
    refused = studio.run("generate", brief, "--generator", NEVER_RENDERED)
    assert refused.returncode == 3, refused.stderr
    assert "CC-BY-NC-4.0" in refused.stderr
    assert "fact-" in refused.stderr
    assert studio.json("takes") == []
    assert not list((studio.home / "blobs").rglob("*.*")) if (studio.home / "blobs").exists() else True

    # The composer may: rendered, approved, released.
    studio.said("generate", brief)
    takes = studio.takes()
    assert len(takes) == 3
    rejected = next(id_ for id_, take in takes.items() if take["state"] == "exploration")
    approved = sorted(set(takes) - {rejected})
    studio.said("review", *approved, "approve", "--by", "Ada Lovelace", "--note", "fits the scene")
    studio.said("review", rejected, "reject", "--by", "Ada Lovelace", "--note", "too restless")
    out = tmp_path / "build"
    studio.said("release", "skyward", "gold", "--target", "plain", "--out", out, "--by", "Ada Lovelace")
    manifest = json.loads((out / "manifest.json").read_text())
    assert {item["take"] for item in manifest["files"]} == set(approved)
    assert studio.json("audit", "skyward", "--use", "commercial-game")["verdicts"].get("refused", 0) == 0

    # A fact turns out wrong: what it touches is listed, and the next release fails.
    (fact,) = [row for row in studio.json("licences", "list", "--subject", "composer") if row["component"] == "samples"]
    said = ("--set", "answer=refused", "--source", "letter of counsel, 2026-11-20", "--by", "Ada Lovelace")
    studio.said("licences", "correct", fact["id"], *said)
    impact = studio.json("audit", "--impact", fact["id"])
    assert {row["take"] for row in impact["takes"]} == set(takes)
    assert [release["name"] for release in impact["releases"]] == ["gold"]
    again = studio.run("release", "skyward", "silver", "--target", "plain", "--out", tmp_path / "never")
    assert again.returncode == 3, again.stderr
    assert "letter of counsel" in again.stderr
    assert not (tmp_path / "never").exists()
    assert studio.json("audit", "skyward", "--use", "commercial-game", code=3)["verdicts"]["refused"] == 3

    # A sound found in a game build: whose is it?
    source = next(take for id_, take in takes.items() if id_ in approved and take["state"] == "exploration")
    mix = next(asset["path"] for asset in source["assets"] if asset["media_type"] == "audio/flac")
    found = studio.json("trace", _crop(Path(mix), tmp_path / "found.mp3"))
    assert (found["match"], found["take"]) == ("fingerprint", source["id"])
    released = next(out / item["path"] for item in manifest["files"] if item["path"].endswith(".flac"))
    assert studio.json("trace", released)["match"] == "exact"

    # Everything is as recorded; then a row and a file are changed, and both are named.
    studio.said("verify")
    victim = takes[approved[0]]
    _tamper(studio, "UPDATE take SET seed = seed + 1 WHERE id = :id", id=rejected)
    blob = next(asset for asset in victim["assets"] if asset["media_type"] == "audio/ogg")
    stored = next(path for path in (studio.home / "blobs").rglob(f"*{blob['sha256'][2:]}*"))
    data = bytearray(stored.read_bytes())
    data[len(data) // 2] ^= 1
    stored.chmod(0o644)
    stored.write_bytes(data)
    problems = json.dumps(studio.json("verify", code=4))
    assert rejected in problems
    assert victim["id"] in problems
    assert blob["sha256"] in problems


def test_a_database_restored_from_an_older_state_is_told(quick: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "skyward.yaml"
    brief.write_text(BRIEF.replace("takes: 2", "takes: 1"))
    quick.said("generate", brief, "--only", "combat")
    with sqlite3.connect(quick.home / "cueworks.db") as live, sqlite3.connect(tmp_path / "yesterday.db") as copy:
        live.backup(copy)
    quick.said("generate", brief)
    for name in ("cueworks.db-wal", "cueworks.db-shm"):
        (quick.home / name).unlink(missing_ok=True)
    (tmp_path / "yesterday.db").replace(quick.home / "cueworks.db")
    told = json.dumps(quick.json("verify", code=4))
    assert "checkpoint" in told
    assert "older state" in told
