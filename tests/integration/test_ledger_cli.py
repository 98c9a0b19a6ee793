"""`cueworks ledger`, `keys` and `verify` as typed: what they print, write and return."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli.app import app
from flows.cli.errors import Code, told
from services.settings import Settings
from tests.ledger_rows import Recorded


class Typed:
    """The command line over a home with a recorded catalog."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        beside = {"HOME": home, "KEYS": home.parent / "keys", "CHECKPOINTS": home.parent / "elsewhere"}
        for name, folder in beside.items():
            monkeypatch.setenv(f"CUEWORKS_{name}", str(folder))
        monkeypatch.delenv("CUEWORKS_DATABASE_URL", raising=False)
        self.home = home
        self.recorded = Recorded(Settings.from_environment().open_database(), home.parent).record()

    def says(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words), standalone_mode=False)
        if done.exception is not None:
            message, found = told(done.exception) or ("", None)
            assert found == code, repr(done.exception)
            return message
        returned = done.return_value if isinstance(done.return_value, int) else done.exit_code
        assert returned == code, done.output
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.says(*words, "--json", code=code))


@pytest.fixture
def typed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    return Typed(home, monkeypatch)


def test_what_is_on_record_is_shown(typed: Typed) -> None:
    rows = typed.json("ledger", "show")
    assert [row["kind"] for row in rows] == ["origin", "plan", "take", "take", "take", "take"]
    assert json.loads(rows[2]["entry"])["body"] == rows[2]["body"]
    take = typed.recorded.ids[1]
    (shown,) = typed.json("ledger", "show", take[:10])
    assert shown["subject"] == take
    assert len(typed.json("ledger", "show", "--last", "2")) == 2
    assert len(typed.json("ledger", "show", "--kind", "plan", "--catalog", "game")) == 1
    assert f"take\tgame\t{take[:16]}\tengine_profile" in typed.says("ledger", "show")
    assert "no take's id begins with" in typed.says("ledger", "show", "abcdef", code=Code.BAD_INPUT)


def test_a_checkpoint_goes_to_every_folder(typed: Typed) -> None:
    signed = typed.json("ledger", "checkpoint")
    assert (signed["made"], signed["entries"], signed["warnings"]) == (True, 7, [])
    first, second = map(Path, signed["files"])
    assert first == typed.home / "checkpoints" / "7.checkpoint"
    assert second.parent.parent == typed.home.parent / "elsewhere"
    assert typed.json("ledger", "checkpoint")["made"] is False
    assert "nothing new since the last checkpoint of 7 entries" in typed.says("ledger", "checkpoint")


def test_a_proof_is_checked_without_the_database(typed: Typed, tmp_path: Path) -> None:
    assert "nothing is signed yet" in typed.says("ledger", "prove", "2", code=Code.BAD_INPUT)
    typed.says("ledger", "checkpoint")
    proof = tmp_path / "proof.json"
    typed.says("ledger", "prove", typed.recorded.ids[0][:12], "--out", str(proof))
    typed.recorded.engine.dispose()
    (typed.home / "cueworks.db").rename(tmp_path / "away.db")
    checked = typed.json("ledger", "check-proof", str(proof))
    assert (checked["ok"], checked["entry"]["subject"]) == (True, typed.recorded.ids[0])
    (vkey,) = (typed.home / "checkpoints").glob("*.vkey")
    assert "it holds" in typed.says("ledger", "check-proof", str(proof), "--key", str(vkey))
    proof.write_text(proof.read_text().replace("mix audio/flac", "mix audio/flax"))
    assert "it does not hold" in typed.says("ledger", "check-proof", str(proof), code=Code.DIFFERENT)
    assert "give a .vkey or .pub" in typed.says("ledger", "check-proof", "x", "--key", str(proof), code=Code.BAD_INPUT)
    assert not (typed.home / "cueworks.db").exists()


def test_that_the_ledger_only_grew_is_proved(typed: Typed, tmp_path: Path) -> None:
    typed.says("ledger", "checkpoint")
    typed.recorded.record("other", takes=1)
    typed.says("ledger", "checkpoint")
    proof = tmp_path / "proof.json"
    proof.write_text(typed.says("ledger", "prove", "7", "--since"))
    assert "it holds: cueworks consistency proof" in typed.says("ledger", "check-proof", str(proof))
    assert "no checkpoint's size" in typed.says("ledger", "prove", "abcd", "--since", code=Code.BAD_INPUT)


def test_keys_are_shown_and_rotated(typed: Typed) -> None:
    assert typed.json("keys", "show") == []
    rotated = typed.json("keys", "rotate")
    assert [key["current"] for key in typed.json("keys", "show")] == [False, True]
    assert rotated["new"]["previous"] == rotated["old"]["id"]
    assert [row["subject"] for row in typed.json("ledger", "show", "--kind", "key")] == [
        rotated["old"]["id"], rotated["new"]["id"]
    ]  # fmt: skip
    assert typed.json("verify", code=Code.DIFFERENT)["ledger"]["ok"]  # the made-up sounds have no files
    assert "PRIVATE" not in typed.says("keys", "show")
    (typed.home.parent / "keys" / "checkpoint.key").chmod(0o644)
    assert "chmod 600" in typed.says("ledger", "checkpoint", code=Code.BAD_INPUT)


def test_verify_tells_of_the_ledger(typed: Typed) -> None:
    typed.says("ledger", "checkpoint")
    typed.recorded.forge("UPDATE measurement SET value = 0 WHERE take_id = :id", id=typed.recorded.ids[3])
    found = typed.json("verify", code=Code.DIFFERENT)
    told_ = [problem for problem in found["problems"] if problem["what"].startswith("ledger: ")]
    assert {problem["take"] for problem in told_} == {typed.recorded.ids[3]}
    assert (found["ledger"]["entries"], found["ledger"]["signed"], found["ledger"]["count"]) == (7, 7, 2)
    assert "ledger: 7 entries, 7 signed by 3 checkpoints" in typed.says("verify", code=Code.DIFFERENT)


def test_a_ledger_that_does_not_continue_what_was_signed_is_not_signed(typed: Typed) -> None:
    typed.says("ledger", "checkpoint")
    typed.recorded.forge("DELETE FROM ledger_entry WHERE sequence > 3")
    typed.recorded.forge("DELETE FROM checkpoint")
    assert "restored from an older state" in typed.says("ledger", "checkpoint", code=Code.DIFFERENT)


def test_only_keys_that_there_are_can_be_rotated(typed: Typed) -> None:
    said = typed.says("keys", "rotate", "checkpoints", code=Code.BAD_INPUT)
    assert "keys are for checkpoint, statement and c2pa" in said
    one, other = typed.json("keys", "rotate", "c2pa"), typed.json("keys", "rotate", "c2pa")
    assert one["root"] != other["root"]
