"""A catalog with a ledger, made through the services that record: real orders, made-up sounds. And how to forge it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from db.canonical import digest
from db.rights_tables import APPEND_ONLY
from db.rows import Profile
from services.catalog import runs
from services.planning.plan import Plan, plan
from services.planning.reader import read_bytes
from services.provenance.checkpoints import SignedTree, checkpoint, checkpoint_folders
from services.provenance.keys import KeyFolder
from services.provenance.ledger import LedgerVerification, verify_ledger
from tests.catalog_rows import done, failed

PROFILE = Profile(digest({"threads": 1}), {"threads": 1})
BRIEF = """
catalog: {catalog}
cues:
- {{state: combat, prompt: "dark drums {{place}}", axes: {{place: [cave, tower]}}, takes: {takes}, duration: 8}}
"""


def make_plan(catalog: str = "game", takes: int = 2) -> Plan:
    return plan(read_bytes(BRIEF.format(catalog=catalog, takes=takes).encode()), lambda name: "1")


class Recorded:
    """A catalog of four takes with sound and its ledger; keys and an exported checkpoint folder beside it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.keys = engine, KeyFolder(folder / "keys")
        self.folders = checkpoint_folders(folder / "beside", [folder / "elsewhere"])
        self.run, self.ids = "", list[str]()

    def record(self, catalog: str = "game", takes: int = 2, fail: int = 0) -> "Recorded":
        """Plan, render (all but the first `fail` takes come out) and record."""
        started = runs.start(self.engine, make_plan(catalog, takes), {})
        ids = [job.take_id for n in range(started.shards) for job in runs.shard_jobs(self.engine, started.id, n)]
        recordings = [failed(id_) if n < fail else done(id_, profile=PROFILE) for n, id_ in enumerate(ids)]
        for start in range(0, len(recordings), 3):
            runs.record(self.engine, started.id, recordings[start : start + 3])
        runs.finish(self.engine, started.id, {})
        self.run, self.ids = started.id, [*self.ids, *ids]
        return self

    def sign(self) -> SignedTree:
        signed = checkpoint(self.engine, self.keys, self.folders)
        assert signed is not None
        return signed

    def verify(self) -> LedgerVerification:
        return verify_ledger(self.engine, self.keys.public_keys(), self.folders)

    def found(self) -> set[str]:
        """The kinds of what verification finds."""
        return {problem.kind for problem in self.verify().problems}

    def forge(self, statement: str, **values: Any) -> None:
        """Change rows as the owner of the database could: triggers off."""
        with unguarded(self.engine) as connection:
            assert connection.execute(text(statement), values).rowcount > 0, statement


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """A transaction in which the append-only triggers are gone."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in APPEND_ONLY:
                connection.execute(text(f'ALTER TABLE "{table}" DISABLE TRIGGER ALL'))
            yield connection
            return
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in triggers:
            connection.execute(text(f'DROP TRIGGER "{name}"'))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        yield connection
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


def flip(path: Path, at: int | None = None) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    os.chmod(path, 0o644)  # noqa: PTH101
    path.write_bytes(bytes(data))
