"""`cueworks` as a user starts it: a process, its home, what it prints. Nothing of the caller's settings gets in."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TINY = ROOT / "flows" / "briefs" / "tiny.yaml"
COMMAND = str(Path(sys.executable).with_name("cueworks"))
PATIENCE_S = 280.0


@dataclass
class Cueworks:
    """The command line with a home of its own."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        own = ("CUEWORKS_", "PREFECT_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(own) or name == "CUEWORKS_CACHE"}
        return {**kept, "CUEWORKS_HOME": str(self.home), "CUEWORKS_KEYS": str(self.keys), **self.settings}

    @property
    def keys(self) -> Path:
        """Its folder of keys, beside the home as they should not lie in it."""
        return self.home.with_name(f"{self.home.name}-keys")

    def copy_of(self, other: "Cueworks") -> None:
        """Make this home a copy of another one, with its keys."""
        shutil.copytree(other.home, self.home, ignore=shutil.ignore_patterns("prefect"))
        shutil.copytree(other.keys, self.keys)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """The command, left running, in a process group of its own."""
        return subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The command, to its end, whatever comes of it."""
        with self.start(*arguments) as process:
            out, told = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, told)

    def said(self, *arguments: object, code: int = 0) -> str:
        """What the command prints; fails unless it ends with `code`."""
        done = self.run(*arguments)
        assert done.returncode == code, f"{done.args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.said(*arguments, "--json", code=code))

    def takes(self) -> dict[str, dict[str, Any]]:
        """The rows of `takes --json` by id."""
        rows = self.json("takes")
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def done(self) -> int:
        """How many takes are done, asked of the database behind the command's back."""
        database = self.home / "cueworks.db"
        if not database.is_file():
            return 0
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
                return int(connection.execute("SELECT count(*) FROM take WHERE status = 'done'").fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # its tables are on their way

    def processes(self) -> set[int]:
        """Every process that was started, directly or not, by a command with this home."""
        mark = f"CUEWORKS_HOME={self.home}\0".encode()
        found = set()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and mark in (entry / "environ").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue  # gone, or not ours
        return found


def wait_until(true: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Poll until something is true; fails when it never comes, or when `process` ends before."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it never came"
        if process is not None and process.poll() is not None:
            out, told = process.communicate()
            assert true(), f"the command ended with {process.returncode}:\n{out}\n{told}"
            return
        time.sleep(0.05)


@dataclass(frozen=True)
class Rendered:
    """A home with the tiny brief in it, rendered by two actors. Read only."""

    cueworks: Cueworks
    outcome: dict[str, Any]
    takes: dict[str, dict[str, Any]]
