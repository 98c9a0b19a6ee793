"""`cueworks trace`, `fingerprint` and `import` as a person calls them: what they print, and their exit codes."""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from db.engine import writing
from db.rights_tables import Judgement, Release, ReleaseItem, Withdrawal
from db.tables import Catalog
from flows.cli.app import main
from services.settings import Settings
from tests.integration.trace_studio import Studio
from tests.unit.fingerprint_sounds import convert, music, write

JUDGEMENT = "j" * 64


@pytest.fixture
def studio(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    for name, value in {"CUEWORKS_HOME": home, "CUEWORKS_KEYS": tmp_path / "keys"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("CUEWORKS_DATABASE_URL", raising=False)
    return Studio(Settings.from_environment().open_database(), home)


class Command:
    """Runs `cueworks` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """(exit code, standard output, standard error)."""
        self._monkeypatch.setattr(sys, "argv", ["cueworks", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    def json(self, *arguments: object, code: int = 0) -> Any:
        found, out, err = self(*arguments, "--json")
        assert found == code, err
        return json.loads(out)


@pytest.fixture
def command(studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_one_file_is_one_answer(studio: Studio, command: Command, tmp_path: Path) -> None:
    row = command.json("trace", convert(studio.blob(1), tmp_path / "x.mp3", "-ss", "2", "-t", "10"))
    assert (row["match"], row["take"]) == ("fingerprint", studio.ids[1])
    assert row["where"]["take_s"] == pytest.approx(2, abs=0.1)
    assert Path(row["where"]["path"]).is_file()
    code, out, _ = command("trace", tmp_path / "x.mp3")
    assert code == 0
    assert studio.ids[1][:12] in out


def test_an_unknown_file_is_none_with_exit_code_1(command: Command, tmp_path: Path) -> None:
    row = command.json("trace", write(tmp_path / "x.wav", music(70, 8)), code=1)
    assert (row["match"], row["take"], row["score"], row["where"]) == ("none", None, None, None)


def test_a_folder_is_a_row_a_file(studio: Studio, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.flac").write_bytes(studio.blob(0).read_bytes())
    (folder / "texture.bin").write_bytes(b"no sound" * 100)
    rows = command.json("trace", folder, code=1)
    assert [(Path(row["file"]).name, row["match"]) for row in rows] == [("a.flac", "exact"), ("texture.bin", "none")]
    assert "no sound" in rows[1]["error"]
    rows = command.json("trace", folder / "deep" / "a.flac", studio.blob(1))
    assert [row["take"] for row in rows] == studio.ids[:2]


def test_files_of_a_folder_that_hold_no_sound_are_told_and_do_not_fail_it(
    studio: Studio, command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "a.flac").write_bytes(studio.blob(0).read_bytes())
    (folder / "SHA256SUMS").write_text("00  a.flac\n")
    (folder / "manifest.json").write_text("{}")
    (folder / "manifest.json.sig").write_text("a note\n")
    rows = command.json("trace", folder)
    assert [row["match"] for row in rows] == ["no-sound", "exact", "no-sound", "no-sound"]
    assert [row["error"] for row in rows] == [None] * 4
    assert "holds no sound" in command("trace", folder)[1]
    (folder / "b.wav").write_text("a pointer to a sound that was never fetched")
    assert command("trace", folder)[0] == 1
    for file in (folder / "a.flac", folder / "b.wav"):
        file.unlink()
    assert command("trace", folder)[0] == 1


def test_a_file_of_a_withdrawn_release_says_so(studio: Studio, command: Command, tmp_path: Path) -> None:
    released = tmp_path / "out.flac"
    released.write_bytes(convert(studio.blob(0), tmp_path / "x.flac", "-metadata", "title=x").read_bytes())
    release_file(studio, "gold", released, "a contract ended")
    row = command.json("trace", released)
    told = row["release"]
    assert (told["name"], told["withdrawn_by"], told["reason"]) == ("gold", "Grace", "a contract ended")
    assert told["withdrawn_at"] == "2026-03-02T00:00:00+00:00"
    assert "released as gold, withdrawn on 2026-03-02 by Grace (a contract ended)" in command("trace", released)[1]
    release_file(studio, "silver", released)
    row = command.json("trace", released)
    assert (row["release"]["name"], row["release"]["withdrawn_at"]) == ("silver", None)
    assert command.json("trace", studio.blob(1))["release"] is None


def release_file(studio: Studio, name: str, file: Path, withdrawn: str | None = None) -> None:
    """Put a release of this one file of the first take on record."""
    at, sha256 = datetime(2026, 3, 1, tzinfo=UTC), hashlib.sha256(file.read_bytes()).hexdigest()
    with writing(studio.engine) as session:
        catalog = session.scalar(select(Catalog.id))
        session.execute(insert(Release), [{
            "id": f"release-{name}", "catalog_id": catalog, "name": name, "use": "commercial-game", "licensee": {},
            "target": "plain", "folder": "out", "by": "Ada", "created_at": at, "manifest": "{}",
            "manifest_sha256": "0" * 64,
        }])  # fmt: skip
        if session.get(Judgement, JUDGEMENT) is None:
            session.add(Judgement(
                id=JUDGEMENT, answer="allowed", use="commercial-game", licensee={}, generator="empty", revision="1",
                plan="*", as_of=at.date(), reasons=[], duties=[],
            ))  # fmt: skip
            session.flush()
        session.execute(insert(ReleaseItem), [{
            "release_id": f"release-{name}", "path": "mix.flac", "take_id": studio.ids[0], "role": "mix",
            "media_type": "audio/flac", "sha256": sha256, "bytes": 1, "source_sha256": sha256,
            "judgement_id": JUDGEMENT,
        }])  # fmt: skip
        if withdrawn:
            gone = {"release_id": f"release-{name}", "by": "Grace", "reason": withdrawn, "at": at + timedelta(days=1)}
            session.execute(insert(Withdrawal), [gone])


@pytest.mark.parametrize("bad", ["missing.wav", "empty.wav", "text.wav", "/dev/zero"])
def test_what_is_no_sound_is_exit_code_2(command: Command, tmp_path: Path, bad: str) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("once upon a time")
    code, out, err = command("trace", tmp_path / bad)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert bad in err


def test_audio_is_brought_in_and_traced(command: Command, studio: Studio, tmp_path: Path) -> None:
    file = write(tmp_path / "song.wav", music(40, 8))
    facts = ("--licence", "CC-BY-4.0", "--source", "https://example.com/song")
    row, = command.json("import", file, "--as", "take", *facts, "--catalog", "game", "--generator", "suno")
    assert row["new"]
    assert command.json("trace", file)["take"] == row["take"]
    reference, = command.json("import", file, "--as", "reference", *facts)
    assert reference["take"] is None
    told = command.json("fingerprint", "game")
    assert [(near["kind"], near["take"]) for near in told["warnings"]] == [("near-reference", row["take"])]


@pytest.mark.parametrize("wrong", [
    ("--as", "song", "--licence", "MIT", "--source", "x"), ("--as", "take", "--licence", "MIT", "--source", "x"),
    ("--as", "reference", "--licence", "Nope-9", "--source", "x"), ("--as", "reference", "--licence", "MIT"),
    ("--as", "reference", "--licence", "MIT", "--source", ""),
])  # fmt: skip
def test_an_import_that_cannot_be_is_exit_code_2(command: Command, tmp_path: Path, wrong: tuple[str, ...]) -> None:
    code, _, err = command("import", write(tmp_path / "x.wav", music(1, 2)), *wrong)
    assert code == 2
    assert err.startswith("error: ")


def test_an_unknown_catalog_is_exit_code_2(command: Command) -> None:
    code, _, err = command("fingerprint", "nowhere")
    assert (code, "nowhere" in err) == (2, True)
