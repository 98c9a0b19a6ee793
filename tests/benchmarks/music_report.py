"""Every figure that composed music is held to, on a catalog of 300 takes: `python -m tests.benchmarks.music_report`.

`--score-only` measures notes and renders nothing (a third of the time); `--takes N`, `--genre G`, `--state S` (both as
often as wanted) and `--seed N` choose the catalog; `--pictures FOLDER` writes a spectrogram of every genre and state;
`--jobs N` the processes. Figures stand first, then tables by state and genre, then the worst takes of each figure by
name. The exit status is 1 where a figure misses its goal. Speed and memory: `python -m tests.benchmarks.compose`.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.composer.choose import choose
from models.composer.generator import Composer, create
from models.words import GENRES, STATES
from services.settings import Settings
from tests.benchmarks.machine import describe
from tests.benchmarks.music import prompts, recordings, sheets
from tests.benchmarks.music.catalog import SECONDS, SEED, Take, catalog
from tests.benchmarks.music.recordings import Recording
from tests.benchmarks.music.report import Finding, Report, yes
from tests.benchmarks.music.sheets import Sheet

FIGURES = (*sheets.FIGURES, *recordings.FIGURES, *prompts.FIGURES)


@dataclass(frozen=True)
class Job:
    """A take to be made and measured: its score, and its sound where `audible`."""

    take: Take
    audible: bool
    cache: Path
    pictures: Path | None = None


@dataclass(frozen=True)
class Done:
    """What came of a job; `why` tells what stopped it."""

    take: Take
    sheet: Sheet | None = None
    recording: Recording | None = None
    why: str = ""


def made(job: Job) -> Done:
    """Make and measure one take; a fault in it is told, and stops no other."""
    take, sheet, recording = job.take, None, None
    try:
        sheet = sheets.measured(take, choose(take.controls, take.seed, take.index))
        if job.audible:
            recording = recordings.recorded(take, _composer(job.cache), _picture(job))
    except Exception as error:
        return Done(take, sheet, None, f"{type(error).__name__}: {error}"[:160])
    return Done(take, sheet, recording)


@lru_cache(maxsize=1)
def _composer(cache: Path) -> Composer:
    import torch

    torch.set_num_threads(1)
    composer = create(cache)
    composer.setup()
    return composer


def _picture(job: Job) -> Path | None:
    """Where the spectrogram of the first take of a genre and state goes."""
    if job.pictures is None or job.take.index:
        return None
    return job.pictures / f"{job.take.genre}-{job.take.state}-{job.take.zone}.png"


def measured(jobs: Sequence[Job], processes: int) -> list[Finding]:
    """Everything that can be said of the takes."""
    if processes == 1:
        done = [made(job) for job in jobs]
    else:
        with ProcessPoolExecutor(processes) as pool:
            done = list(pool.map(made, jobs, chunksize=4))
    scores = [each.sheet for each in done if each.sheet is not None]
    sounds = [each.recording for each in done if each.recording is not None]
    alone = [finding for each in (*scores, *sounds) for finding in each.findings]
    return [*alone, *sheets.together(scores), *recordings.together(sounds), *_failures(done)]


def _failures(done: Sequence[Done]) -> Iterator[Finding]:
    for each in done:
        if each.why:
            yield Finding("composed", each.take.genre, each.take.state, f"{each.take}: {each.why}", yes(False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long a take is ordered")
    parser.add_argument("--genre", action="append", choices=GENRES, default=[])
    parser.add_argument("--state", action="append", choices=STATES, default=[])
    parser.add_argument("--seed", type=int, default=SEED, help="of the briefs")
    parser.add_argument("--score-only", action="store_true", help="measure notes, render nothing")
    parser.add_argument("--pictures", type=Path, help="a folder for spectrograms")
    parser.add_argument("--cache", type=Path, default=Settings.from_environment().cache_dir, help="of the sound bank")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> int:
    options = _options()
    ordered = catalog(
        options.takes, genres=tuple(options.genre), states=tuple(options.state), seed=options.seed,
        seconds=options.seconds,
    )  # fmt: skip
    print(f"{describe()}\n{len(ordered.takes)} takes")
    for warning in ordered.warnings:
        print(f"warning: {warning}", flush=True)
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    jobs = [Job(take, not options.score_only, options.cache, options.pictures) for take in ordered.takes]
    report = Report(FIGURES, [*measured(jobs, options.jobs), *prompts.findings()])
    for line in report.lines():
        print(line)
    print(f"\n{time.perf_counter() - started:.0f} s; missed: {', '.join(map(str.strip, report.missed())) or 'nothing'}")
    return 1 if report.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
