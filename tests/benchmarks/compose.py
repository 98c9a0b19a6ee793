"""How fast one core makes finished music: `python -m tests.benchmarks.compose [CACHE]`.

Takes of 60 s with stems over genres and states: choose a score among candidates, play, mix, then the master chain
(loudness, true peak, 24 bits). The files (stems to 24 bits, FLAC) are made afterwards and shown apart. A second process
renders 20 different takes and tells how much memory it ever held; a third one a loop of ten minutes. The last line is
`realtime: <audio seconds a second>`.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from models.composer.choose import choose
from models.composer.generator import Composer
from models.composer.midi import midi_bytes
from models.composer.mixer import mix
from models.composer.score import Track
from models.controls import Controls, Theme
from models.generator import Audio, Rendition, Request
from services.mastering.chain import Mastered, master
from services.mastering.encode import encode
from services.planning.order import Delivery
from tests.benchmarks.machine import describe

T = TypeVar("T")
SECONDS, LONG_SECONDS = 60.0, 600.0
TAKES_PER_CUE, TAKES_IN_MEMORY = 3, 20
DELIVERY = Delivery(formats=("flac",), sample_rate=48000, loudness=-23.0, stems=True)
STAGES = ("choose", "play", "mix", "midi", "master", "stems", "encode")
FILES = ("stems", "encode")  # quantising the stems for their files, and the files themselves: shown apart


def cue(state: str, genre: str, bpm: float, key: str, intensity: int, seconds: float = SECONDS) -> Controls:
    """A loop of exactly so many seconds in 4/4."""
    return Controls(
        state, genre, "neutral", bpm, key, "4/4", (), (), int(bpm * seconds / 240), seconds, "loop", intensity, True,
        Theme(seed=11),
    )  # fmt: skip


CUES = (
    cue("exploration", "orchestral", 84, "D dorian", 3),
    cue("combat", "orchestral", 140, "D minor", 4),
    cue("boss", "orchestral", 152, "D minor", 5),
    cue("combat", "metal", 152, "E minor", 5),
    cue("exploration", "lo-fi", 80, "C major", 3),
    cue("combat", "synthwave", 112, "A minor", 4),
    cue("town", "jazz", 120, "F major", 3),
)


class Clock:
    """Adds up wall seconds by stage, and the processor's seconds (on a busy machine they differ). A stage within
    another one is not counted twice."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.computed = dict.fromkeys(STAGES, 0.0)
        self._within = (0.0, 0.0)

    def run(self, stage: str, work: Callable[[], T]) -> T:
        start, computing = time.perf_counter(), time.process_time()
        outside, self._within = self._within, (0.0, 0.0)
        result = work()
        took = time.perf_counter() - start, time.process_time() - computing
        self.spent[stage] += took[0] - self._within[0]
        self.computed[stage] += took[1] - self._within[1]
        self._within = outside[0] + took[0], outside[1] + took[1]
        return result


def make(composer: Composer, controls: Controls, seed: int, clock: Clock) -> tuple[int, int]:
    """One take through every stage; its number of tracks and of stems."""
    score = clock.run("choose", lambda: choose(controls, seed))

    def play(track: Track) -> Audio:
        return clock.run("play", lambda: composer.play(score, track))

    mixed = clock.run("mix", lambda: mix(score, play, round(controls.duration * 48000)))
    midi = clock.run("midi", lambda: midi_bytes(score))
    rendition = Rendition(48000, mixed.premaster, mixed.stems, score.loop, midi)
    mastered: Mastered = clock.run("master", lambda: master(rendition, DELIVERY))
    pcms = clock.run("stems", lambda: [mastered.stem(name) for name in mastered.stem_names])
    clock.run("encode", lambda: [encode(pcm, "flac", BytesIO()) for pcm in (mastered.mix, *pcms)])
    return len(score.tracks), len(mixed.stems)


def ready(cache: Path) -> Composer:
    composer = Composer(cache)
    composer.setup()
    return composer


def remember(cache: Path, controls: tuple[Controls, ...], takes: int) -> None:
    """Render takes with stems as an actor does, and print the most memory that this process ever held."""
    composer = ready(cache)
    for number in range(takes):
        composer.generate([Request("0" * 64, "", 1000 + number, controls[number % len(controls)], True)])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def memory(cache: Path, what: str) -> int:
    """MB that a process of its own holds at most: of `takes`, or of the `long` loop."""
    command = [sys.executable, "-m", "tests.benchmarks.compose", str(cache), what]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(cache: Path) -> None:
    core, machine = min(os.sched_getaffinity(0)), describe()
    start = time.perf_counter()
    composer = ready(cache)
    print(f"{machine}; pinned to core {core}\nsound bank ready in {time.perf_counter() - start:.1f} s")
    held = {what: memory(cache, what) for what in ("takes", "long")}
    os.sched_setaffinity(0, {core})
    for controls in CUES:
        make(composer, controls, 1, Clock())
    clock, tracks, stems = Clock(), 0, 0
    for take in range(TAKES_PER_CUE):
        for controls in CUES:
            counts = make(composer, controls, 100 + take, clock)
            tracks, stems = tracks + counts[0], stems + counts[1]
    print(f"an actor after {TAKES_IN_MEMORY} takes: {held['takes']} MB; of one loop of 10 minutes: {held['long']} MB")
    report(clock, TAKES_PER_CUE * len(CUES), tracks, stems)


def report(clock: Clock, takes: int, tracks: int, stems: int) -> None:
    """The table of stages and the figure."""
    each = f"{tracks / takes:.1f} tracks and {stems / takes:.1f} stems each"
    print(f"{takes} takes of {SECONDS:.0f} s, {each}, after one warm-up per cue\n")
    print(f"{'stage':10} {'wall s':>8} {'cpu s':>8}   a take")
    counted = [stage for stage in STAGES if stage not in FILES]
    for stage in STAGES:
        note = "" if stage in counted else "   (not counted)"
        print(f"{stage:10} {clock.spent[stage] / takes:8.3f} {clock.computed[stage] / takes:8.3f}{note}")
    wall, cpu = (sum(spent[stage] for stage in counted) for spent in (clock.spent, clock.computed))
    print(f"{'together':10} {wall / takes:8.3f} {cpu / takes:8.3f}")
    print(f"\nby processor time: {takes * SECONDS / cpu:.1f}\nrealtime: {takes * SECONDS / wall:.1f}")


def main(arguments: list[str]) -> None:
    if arguments[1:] == ["takes"]:
        remember(Path(arguments[0]), CUES, TAKES_IN_MEMORY)
    elif arguments[1:] == ["long"]:
        remember(Path(arguments[0]), (cue("combat", "orchestral", 140, "D minor", 4, LONG_SECONDS),), 1)
    elif arguments:
        measure(Path(arguments[0]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            measure(Path(scratch))


if __name__ == "__main__":
    main(sys.argv[1:])
