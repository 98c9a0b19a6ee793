"""What the command line prints: JSON that any program reads, and nothing that a terminal would obey."""

import io
import json
import sys

import pytest

from flows.cli import output

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
