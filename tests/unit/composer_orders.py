"""Orders and measures that the composer's tests share."""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np

from models.composer.keyfinding import NAMES, estimate
from models.composer.meter import parse_meter
from models.composer.score import Score, Track
from models.composer.theory import parse_key
from models.controls import Controls, Theme

KITS = ("drums", "brushes", "electronic drums", "chip drums", "taiko", "percussion")


def order(**changes: object) -> Controls:
    """An order with sensible defaults; duration follows bars unless it is given."""
    base = Controls(
        state="exploration",
        genre="orchestral",
        mood="neutral",
        bpm=96.0,
        key="D minor",
        meter="4/4",
        instruments=(),
        excluded=(),
        bars=16,
        duration=0.0,
        form="loop",
        intensity=3,
        loop=True,
        theme=Theme(7, 4),
    )
    if changes.get("form", "loop") != "loop":
        changes.setdefault("loop", False)
    controls = replace(base, **changes)
    seconds = controls.bars * parse_meter(controls.meter).bar * 60 / controls.bpm
    return controls if controls.duration else replace(controls, duration=seconds + (0 if controls.loop else 4))


def digest(score: Score) -> str:
    """What was composed, as one number: every note of every track, and the chords."""
    sha = hashlib.sha256()
    for track in score.tracks:
        sha.update(f"{track.name}|{track.stem}|{track.instrument}|{track.gain_db}|{track.pan}|{track.reverb}".encode())
        for column in (track.notes.onset, track.notes.length):
            sha.update(np.rint(column * 1e6).astype("<i8").tobytes())
        for column in (track.notes.pitch, track.notes.velocity):
            sha.update(column.astype("<i4").tobytes())
    sha.update(repr(score.chords).encode())
    return sha.hexdigest()


def tune(score: Score) -> Track:
    """The melody."""
    return next(track for track in score.tracks if track.stem == "melody")


def notes_per_bar(score: Score, *stems: str) -> float:
    """How many notes a bar, of some stems or of all."""
    tracks = [track for track in score.tracks if not stems or track.stem in stems]
    return sum(len(track.notes.onset) for track in tracks) / score.bars


def mean_velocity(score: Score) -> float:
    """Of every note of every track."""
    return float(np.mean(np.concatenate([track.notes.velocity for track in score.tracks])))


def key_rank(score: Score) -> int:
    """Where the asked tonic stands (1 is first) in the key estimate over all pitched notes, weighted by length."""
    weights = [0.0] * 12
    for track in score.tracks:
        if track.instrument not in KITS:
            for pitch, length in zip(track.notes.pitch, track.notes.length, strict=True):
                weights[int(pitch) % 12] += float(length)
    key = parse_key(score.key)
    return estimate(weights).index(f"{NAMES[key.tonic]} {'major' if key.bright else 'minor'}") + 1


def contour(score: Score, size: int = 3) -> Counter[tuple[int, ...]]:
    """Runs of `size` melodic intervals in scale degrees: what is the same in another key, mode or tempo."""
    key = parse_key(score.key)
    line = []
    for pitch in tune(score).notes.pitch:
        octave, rest = divmod(int(pitch) - key.tonic, 12)
        line.append(7 * octave + min(range(7), key=lambda degree: (abs(key.scale[degree] - rest), degree)))
    steps = [int(step) for step in np.diff(line)]
    return Counter(tuple(steps[place : place + size]) for place in range(len(steps) - size + 1))


def likeness(one: Score, two: Score) -> float:
    """Share of melodic runs that two pieces have in common, 0..1."""
    first, second = contour(one), contour(two)
    return sum((first & second).values()) / max(1, min(sum(first.values()), sum(second.values())))
