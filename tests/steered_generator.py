"""A generator of short plucked tunes whose takes go wrong as they are told, by index: for tests of what is accepted.

`STEER` says of an index `silent`, `cut`, `other key`, `other tempo`, `double` (of take 2) or `raise`; others are good.
`DIES_AFTER` takes the process seems to die: nothing of what is on its way is recorded.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from db.rows import NewHearing
from models.generator import Audio, Rendition, Request
from services.mastering.listening import hear
from services.mastering.pcm import FULL_SCALE, Pcm
from services.rendering.jobs import FinishedTake, Job
from tests.empty_generator import EmptyGenerator

RATE = 16000
STEER: dict[int, str] = {}
MADE: list[str] = []
DIES_AFTER: list[int] = []


class Killed(BaseException):
    """Stands for a process that is gone."""


def create(cache_dir: Path) -> "SteeredGenerator":
    return SteeredGenerator()


class SteeredGenerator(EmptyGenerator):
    id = "steered"

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        return [self._make(request) for request in requests]

    def _make(self, request: Request) -> Rendition:
        how = STEER.get(request.variation, "")
        if DIES_AFTER and len(MADE) >= DIES_AFTER[0]:
            raise Killed
        MADE.append(request.take_id)
        if how == "raise":
            raise ValueError("asked to fail")
        seed = 2 if how == "double" else request.variation
        sound = tune(seed, request.controls.bpm * (1.13 if how == "other tempo" else 1.0), how == "other key")
        if how == "silent":
            sound[:, : 4 * RATE] = 0
        return Rendition(RATE, sound[:, : int(7.1 * RATE)] if how == "cut" else sound)


def tune(seed: int, bpm: float, elsewhere: bool = False) -> Audio:
    """Some nine seconds of plucked notes of C major (or F# major) over a bass, faded out."""
    rng, beat = np.random.default_rng(seed), 60 / bpm
    sound = np.zeros(9 * RATE)
    for number in range(int(8 / beat * 2)):
        step = int(rng.choice([0, 2, 4, 5, 7, 9, 11])) + 12
        root = (0, 5, 7, 0)[number // 8 % 4]
        for note in (step,) if number % 2 else (root, root + 4, root + 7):
            start = int(number * beat / 2 * RATE)
            times = np.arange(min(RATE // 2, len(sound) - start)) / RATE
            hertz = 130.81 * 2 ** ((note + 6 * elsewhere) / 12)
            tone = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 4))
            sound[start : start + len(times)] += 0.1 * tone * np.exp(-6 * times)
    sound *= np.minimum(1, np.arange(len(sound))[::-1] / RATE)
    return np.stack([sound, sound]).astype(np.float32)


def create_finisher(home: Path) -> "HearingFinisher":
    return HearingFinisher()


class HearingFinisher:
    """Stores nothing; hears what it is told to hear."""

    def finish(self, job: Job, rendition: Rendition) -> FinishedTake:
        pcm = Pcm(RATE, np.ascontiguousarray(np.rint(rendition.premaster.T * (FULL_SCALE - 1)), dtype=np.int32))
        hearing = None
        if job.listen:
            found = hear(pcm.as_float(), RATE)
            hearing = NewHearing(pcm.sha256(), found.revision, found.facts(), found.descriptor)
        return FinishedTake((), {"frames": 1.0}, pcm.sha256(), {"kind": "steered"}, hearing=hearing)
