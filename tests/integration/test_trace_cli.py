"""`cueworks trace`, `fingerprint` and `import` as a person calls them: what they print, and their exit codes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.cli.app import main
from services.settings import Settings
from tests.integration.trace_studio import Studio
from tests.unit.fingerprint_sounds import convert, music, write


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
