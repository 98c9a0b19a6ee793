"""A catalog with a ledger: true orders, made-up sounds, recorded as the services do. And how to forge it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from db.canonical import digest
from db.engine import writing
from db.ledger import append
from db.orders import register
from db.rights_tables import APPEND_ONLY
from db.rows import NewOrder, NewTake, Profile, Recording
from db.runs import record, start_run
from services.planning.identity import take_id
from services.provenance.checkpoints import SignedTree, checkpoint, checkpoint_folders
from services.provenance.keys import KeyFolder
from services.provenance.ledger import LedgerVerification, verify_ledger
from services.provenance.recording import plan_entry, take_entries
from tests.catalog_rows import done, failed, new_order, new_take

PROFILE = Profile(digest({"threads": 1}), {"threads": 1})
_ORDER = ("zone", "cue", "point", "index", "prompt", "controls", "delivery", "seed", "generator", "revision")


def true_take(number: int, catalog: str = "game") -> NewTake:
    """A take whose id is the digest of its order; two of a prompt."""
    take = new_take(number, prompt=f"dark drums {'cave' if number < 2 else 'tower'}")
    order = {name: getattr(take, name) for name in _ORDER}
    return replace(take, id=take_id({**order, "catalog": catalog}))


def order_of(catalog: str, takes: int) -> NewOrder:
    return new_order(f"{catalog} {takes}", catalog=catalog)


class Recorded:
    """A catalog of takes and its ledger; keys and folders for checkpoints beside it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.keys = engine, KeyFolder(folder / "keys")
        self.folders = checkpoint_folders(folder / "beside", [folder / "elsewhere"])
        self.ids = list[str]()
        self.runs = 0

    def plan(self, catalog: str = "game", takes: int = 4) -> tuple[str, list[str]]:
        """Order takes and open a run over all of them; returns its id and theirs."""
        made = [true_take(number, catalog) for number in range(takes)]
        ids = [take.id for take in made]
        self.runs += 1
        began = datetime.now(UTC)
        with writing(self.engine) as session:
            registered = register(session, order_of(catalog, takes), made)
            values = {
                "id": f"{self.runs:036}", "catalog_id": registered.catalog_id, "brief_id": registered.brief_id,
                "driver": "process 1 on here", "options": {}, "ordered": takes, "to_render": takes,
            }  # fmt: skip
            start_run(session, values, [ids])
            append(session, [plan_entry(session, values, registered, began)])
        return str(values["id"]), ids

    def put(self, run: str, recordings: list[Recording]) -> None:
        """Record takes of a run, as the services do."""
        with writing(self.engine) as session:
            fresh = record(session, run, recordings)
            append(session, take_entries(session, run, recordings, fresh))

    def record(self, catalog: str = "game", takes: int = 4, fail: int = 0) -> "Recorded":
        """Plan, and record every take, all but the first `fail` with their sound."""
        run, ids = self.plan(catalog, takes)
        outcomes = [failed(id_) if n < fail else done(id_, profile=PROFILE) for n, id_ in enumerate(ids)]
        for start in range(0, len(outcomes), 3):
            self.put(run, outcomes[start : start + 3])
        self.ids += ids
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
            for table in APPEND_ONLY:
                connection.execute(text(f'ALTER TABLE "{table}" ENABLE TRIGGER ALL'))
                for guard in ("change", "truncate"):
                    connection.execute(text(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {table}_refuses_{guard}'))
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
