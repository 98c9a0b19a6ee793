"""Every figure that composed music is held to, on a catalog of 300 takes: `python -m tests.benchmarks.music_report`.

`--score-only` measures notes and renders nothing (minutes less); `--takes N`, `--genre G`, `--state S` (both as often
as wanted) and `--seed N` choose the catalog; `--jobs N` the processes. Figures stand first, then tables by state and
genre, then the worst takes of each figure by name. The exit status is 1 where a figure misses its goal.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from models.words import GENRES, STATES
from tests.benchmarks.machine import describe
from tests.benchmarks.music import sheets
from tests.benchmarks.music.catalog import SEED, Take, catalog
from tests.benchmarks.music.report import Finding, Report, yes
from tests.benchmarks.music.sheets import Sheet


@dataclass(frozen=True)
class Failure:
    """A take that could not be made, and why."""

    take: Take
    why: str


def scored(take: Take) -> Sheet | Failure:
    """Compose a take as the generator does, and measure its score."""
    from models.composer.choose import choose

    try:
        return sheets.measured(take, choose(take.controls, take.seed, take.index))
    except Exception as error:
        return Failure(take, f"{type(error).__name__}: {error}"[:160])


def notes_of(takes: Sequence[Take], jobs: int) -> list[Finding]:
    """Compose and measure all takes; what cannot be composed is told."""
    with ProcessPoolExecutor(jobs) as pool:
        results = list(pool.map(scored, takes, chunksize=2))
    made = [result for result in results if isinstance(result, Sheet)]
    failed = [result for result in results if isinstance(result, Failure)]
    findings = [finding for sheet in made for finding in sheet.findings]
    return [*findings, *sheets.together(made), *_failures(failed)]


def _failures(failed: Sequence[Failure]) -> Iterator[Finding]:
    for failure in failed:
        take = failure.take
        yield Finding("composed", take.genre, take.state, f"{take}: {failure.why}", yes(False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=300)
    parser.add_argument("--genre", action="append", choices=GENRES, default=[])
    parser.add_argument("--state", action="append", choices=STATES, default=[])
    parser.add_argument("--seed", type=int, default=SEED, help="of the briefs")
    parser.add_argument("--score-only", action="store_true", help="measure notes, render nothing")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> int:
    options = _options()
    ordered = catalog(options.takes, genres=tuple(options.genre), states=tuple(options.state), seed=options.seed)
    print(f"{describe()}\n{len(ordered.takes)} takes")
    for warning in ordered.warnings:
        print(f"warning: {warning}", flush=True)
    started = time.perf_counter()
    report = Report(sheets.FIGURES, notes_of(ordered.takes, options.jobs))
    for line in report.lines():
        print(line)
    print(f"\n{time.perf_counter() - started:.0f} s; missed: {', '.join(map(str.strip, report.missed())) or 'nothing'}")
    return 1 if report.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
