"""What an audit costs on a million takes: the whole to Parquet, an impact, a chain, the ledger; and an ORM loop.

`python -m tests.benchmarks.audit [--takes 1000000] [--database sqlite|postgresql|both] [--folder DIR] [--rounds 3]
[--extreme]`

Every audit runs in a process of its own, whose peak memory is told. The peer is a `select` of takes with `joinedload`
of assets, verdicts and facts and the policy called for every take, on a catalog of 20,000 takes in the same database;
it ends with rows in memory, ours with a Parquet file, and both must say the same. It selects 2,000 takes at a time:
the join of files and facts is some hundred rows a take, and all at once took 8 GB. Rounds alternate; medians count. The
last line is `ratio: peer's time / ours`, the smaller of the databases'. The catalog is kept in the folder.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from db.engine import reading
from db.rights_tables import JudgementFact
from tests.benchmarks.audit_catalog import SAMPLE, entry, synthetic
from tests.benchmarks.machine import describe

USE = "commercial-game"
APPENDED = 20_000
Child = dict[str, Any]


def audited(engine: Engine, catalog: str, target: Path) -> float:
    """Seconds of a full audit to `target`."""
    from services.audit.asking import Wanted
    from services.audit.audit import open_audit
    from services.audit.files import write_table

    started = time.perf_counter()
    with open_audit(engine, catalog, Wanted(use=USE)) as audit:
        write_table(audit, Path("/srv/catalog"), target)
    return time.perf_counter() - started


def child(folder: Path, database: str, takes: int) -> None:
    """One full audit of the library; prints seconds, peak memory and the file's size as JSON."""
    engine = synthetic(folder, database, takes)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        target = Path(place) / "audit.parquet"
        processor = time.process_time()
        seconds = audited(engine, "library", target)
        told = {"seconds": seconds, "bytes": target.stat().st_size, "processor": time.process_time() - processor}
    engine.dispose()
    print(json.dumps({**told, "rss": peak_memory()}))


def peak_memory() -> int:
    """Bytes of this program alone: `ru_maxrss` remembers the parent that it was forked from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def in_own_process(folder: Path, database: str, takes: int) -> Child:
    command = [sys.executable, "-m", "tests.benchmarks.audit", "--child", database, "--folder", str(folder),
               "--takes", str(takes)]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Child = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(engine: Engine, rounds: int) -> float:
    """The ORM loop's time over ours, median of interleaved rounds; asserts that both say the same."""
    import pyarrow.parquet as papq

    from services.audit.asking import Wanted
    from services.audit.audit import open_audit
    from tests.benchmarks.audit_peer import COLUMNS, orm_rows

    with open_audit(engine, "sample", Wanted(use=USE)) as audit:
        asked, register = audit.asked, audit.register
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "audit.parquet"
        audited(engine, "sample", target)  # imports
        ours, peers, answers = [], [], {}
        for _ in range(rounds):
            ours.append(audited(engine, "sample", target))
            started = time.perf_counter()
            answers = orm_rows(engine, asked, register)
            peers.append(time.perf_counter() - started)
        table = papq.read_table(target, columns=list(COLUMNS))
    mine = {row[0]: row for row in zip(*(table[name].to_pylist() for name in COLUMNS), strict=True)}
    assert mine == answers, "the two sides say different things"
    our, peer = statistics.median(ours), statistics.median(peers)
    print(f"  {len(mine)} takes: ours {our:.2f} s (to Parquet), ORM loop {peer:.2f} s (to rows); the same answers")
    return peer / our


def impacts(engine: Engine, extreme: bool) -> None:
    """Seconds until every touched take is listed, with its files, review and releases."""
    from services.audit.impact import open_impact

    def ask(name: str, text: str) -> None:
        started = time.perf_counter()
        with open_impact(engine, text) as impact:
            for _ in impact.rows():
                pass
            releases = impact.releases()
        seconds = time.perf_counter() - started
        print(f"  impact of {name}: {impact.totals.takes} takes, {impact.totals.assets} files, {len(releases)} releases"
              f" in {seconds:.2f} s", flush=True)  # fmt: skip

    from services.rights.seeds import seed_facts

    facts = {(fact.subject, fact.component): fact.id for fact in seed_facts() if not fact.corrects}
    ask("a fact", next(id_ for (subject, _), id_ in facts.items() if subject.startswith("google/magenta-realtime")))
    ask("a generator", "generator:ACE-Step/ACE-Step-1.5")
    ask("a prompt's words", "chapter 1234")
    if not extreme:
        return
    with reading(engine) as session:
        query = select(JudgementFact.fact_id).group_by(JudgementFact.fact_id).order_by(func.count().desc())
        widest = session.scalars(query.limit(1)).one()
    ask("the fact behind the most takes", widest)


def chain(engine: Engine, takes: int) -> None:
    """Milliseconds of one take's chain, the median of twenty."""
    from services.audit.asking import Wanted
    from services.audit.chain import take_chain
    from tests.benchmarks.audit_catalog import digest

    times = []
    for number in range(21):
        id_ = digest("library", number * 50 * (takes // 1100) % takes)
        started = time.perf_counter()
        found = take_chain(engine, id_, Wanted(use=USE))
        times.append(time.perf_counter() - started)
        assert found.entries
    print(f"  one take's chain: {statistics.median(times[1:]) * 1e3:.1f} ms (first {times[0] * 1e3:.0f} ms)")


def appended(engine: Engine) -> None:
    """Rows a second appended to the ledger in one batch, with its commit."""
    from db.engine import writing
    from db.ledger import append

    entries = [entry(10**9 + int(time.time()) * 100_000 + number) for number in range(APPENDED)]
    started = time.perf_counter()
    with writing(engine) as session:
        append(session, entries)
    print(f"  ledger: {APPENDED / (time.perf_counter() - started):,.0f} rows/s appended in a batch of {APPENDED}")


def measure(folder: Path, database: str, takes: int, rounds: int, extreme: bool) -> float:
    """Everything on one database; the ratio."""
    engine = synthetic(folder, database, takes)
    print(f"{database}: {takes} takes", flush=True)
    with closing(_Disposed(engine)):
        full = in_own_process(folder, database, takes)
        print(f"  full audit to Parquet: {full['seconds']:.1f} s ({full['processor']:.1f} s of our processor), peak "
              f"{full['rss'] / 2**20:.0f} MiB, {full['bytes'] / 1e6:.0f} MB", flush=True)  # fmt: skip
        steps: tuple[Callable[[], None], ...] = (
            lambda: impacts(engine, extreme), lambda: chain(engine, takes), lambda: appended(engine)
        )  # fmt: skip
        for step in steps:
            step()
        return compare(engine, rounds)


class _Disposed:
    def __init__(self, engine: Engine) -> None:
        self.close = engine.dispose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "cueworks-audit-benchmark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--extreme", action="store_true", help="also the impact of a fact behind every take")
    parser.add_argument("--child", choices=("sqlite", "postgresql"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.folder, options.child, options.takes)
        return
    print(f"{describe()}; load {os.getloadavg()[0]:.1f}; sample of {min(options.takes, SAMPLE)} takes")
    wanted = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    ratios = [measure(options.folder, database, options.takes, options.rounds, options.extreme) for database in wanted]
    print(f"ratio: {min(ratios):.1f}")


if __name__ == "__main__":
    main()
