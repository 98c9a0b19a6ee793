"""How fast one core makes finished music: `python -m tests.benchmarks.compose [CACHE]`.

Takes of 60 s with stems over three states: compose, play, mix, then the master chain (loudness, true peak,
24 bits). The files (stems to 24 bits, FLAC) are made afterwards and shown apart. The last line is
`realtime: <audio seconds a second>`.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import torch

from models.composer.compose import compose
from models.composer.generator import Composer
from models.composer.midi import midi_bytes
from models.composer.mixer import mix
from models.composer.score import Track
from models.controls import Controls, Theme
from models.generator import Audio, Rendition
from services.mastering.chain import Mastered, master
from services.mastering.encode import encode
from services.planning.order import Delivery
from tests.benchmarks.machine import describe

T = TypeVar("T")
SECONDS = 60.0
TAKES_PER_STATE = 3
DELIVERY = Delivery(formats=("flac",), sample_rate=48000, loudness=-23.0, stems=True)
STAGES = ("compose", "play", "mix", "midi", "master", "stems", "encode")
FILES = ("stems", "encode")  # quantising the stems for their files, and the files themselves: shown apart


def cue(state: str, bpm: float, key: str, intensity: int) -> Controls:
    """A loop of exactly 60 s in 4/4."""
    return Controls(
        state, "orchestral", "neutral", bpm, key, "4/4", (), (), int(bpm * SECONDS / 240), SECONDS, "loop", intensity,
        True, Theme(seed=11),
    )


CUES = (cue("exploration", 84, "D dorian", 3), cue("combat", 140, "D minor", 4), cue("boss", 152, "D minor", 5))


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
    score = clock.run("compose", lambda: compose(controls, seed))

    def play(track: Track) -> Audio:
        return clock.run("play", lambda: composer.play(score, track))

    mixed = clock.run("mix", lambda: mix(score, play, round(controls.duration * 48000)))
    midi = clock.run("midi", lambda: midi_bytes(score))
    rendition = Rendition(48000, mixed.premaster, mixed.stems, score.loop, midi)
    mastered: Mastered = clock.run("master", lambda: master(rendition, DELIVERY))
    pcms = clock.run("stems", lambda: [mastered.stem(name) for name in mastered.stem_names])
    clock.run("encode", lambda: [encode(pcm, "flac", BytesIO()) for pcm in (mastered.mix, *pcms)])
    return len(score.tracks), len(mixed.stems)


def main() -> None:
    core = min(os.sched_getaffinity(0))
    machine = describe()
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        composer = Composer(Path(sys.argv[1] if len(sys.argv) > 1 else scratch))
        start = time.perf_counter()
        composer.setup()
        print(f"{machine}; pinned to core {core}\nsound bank ready in {time.perf_counter() - start:.1f} s")
        for controls in CUES:
            make(composer, controls, 1, Clock())
        clock, tracks, stems = Clock(), 0, 0
        for take in range(TAKES_PER_STATE):
            for controls in CUES:
                counts = make(composer, controls, 100 + take, clock)
                tracks, stems = tracks + counts[0], stems + counts[1]
    report(clock, TAKES_PER_STATE * len(CUES), tracks, stems)


def report(clock: Clock, takes: int, tracks: int, stems: int) -> None:
    """The table of stages and the figure."""
    each = f"{tracks / takes:.1f} tracks and {stems / takes:.1f} stems each"
    print(f"{takes} takes of {SECONDS:.0f} s, {each}, after one warm-up per state\n")
    print(f"{'stage':10} {'wall s':>8} {'cpu s':>8}   a take")
    counted = [stage for stage in STAGES if stage not in FILES]
    for stage in STAGES:
        note = "" if stage in counted else "   (not counted)"
        print(f"{stage:10} {clock.spent[stage] / takes:8.3f} {clock.computed[stage] / takes:8.3f}{note}")
    wall, cpu = (sum(spent[stage] for stage in counted) for spent in (clock.spent, clock.computed))
    print(f"{'together':10} {wall / takes:8.3f} {cpu / takes:8.3f}")
    print(f"\nby processor time: {takes * SECONDS / cpu:.1f}\nrealtime: {takes * SECONDS / wall:.1f}")


if __name__ == "__main__":
    main()
