"""What the command line prints: JSON that any program reads, and nothing that a terminal would obey."""

import io
import json
import sys

import pytest

from flows.cli import models, output
from services.generators.verifying import FileFinding, Verification

HOSTILE = {"prompt": "夜 \x9b31m \u202egnp.exe \u2066x\x7f", "bpm": 90.5}


class Stdout(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_json_says_the_same_everywhere_and_commands_no_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    for print_it, value in ((output.print_json, HOSTILE), (output.print_json_rows, [HOSTILE, HOSTILE])):
        printed = Stdout(terminal)
        monkeypatch.setattr(sys, "stdout", printed)
        print_it(value)
        assert json.loads(printed.getvalue()) == value
        assert ("\x9b" in printed.getvalue()) == ("夜" in printed.getvalue()) == (not terminal)
        if terminal:
            assert all(char == "\n" or char.isprintable() for char in printed.getvalue())


def test_one_thing_is_not_many() -> None:
    told = [output.counted(number, "file") for number in (0, 0.5, 1, 1.0, 2, 2_000_000)]
    assert told == ["0 files", "0.5 files", "1 file", "1 file", "2 files", "2000000 files"]


@pytest.mark.parametrize(
    ("findings", "told"), [(0, "2 files as registered"), (1, "1 of its files differs"), (2, "2 of its files differ")]
)
def test_what_a_verification_found_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], findings: int, told: str
) -> None:
    found = (FileFinding("model.safetensors", "changed", "model.safetensors: is not the file"),) * findings
    models._show_verified([Verification("studio/x", "r1", "d", 2, found, "", ())])
    assert capsys.readouterr().out == f"studio/x r1: {told}\n"


def test_what_one_actor_takes_is_told_in_the_singular() -> None:
    needs = {"cpus": 1.0, "gpus": 0, "memory_mb": 900, "gpu_memory_mb": 0}
    assert models._place(1, needs) == "1 take a batch, 1 processor, 900 MB"
    assert models._place(4, needs | {"cpus": 2.0}) == "4 takes a batch, 2 processors, 900 MB"
