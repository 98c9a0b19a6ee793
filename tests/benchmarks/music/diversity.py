"""How far the takes of one cue are from one another: melodic words, struck places, whole pieces. Only notes count."""

import hashlib

import numpy as np

from models.composer.score import Score
from tests.benchmarks.music.notes import melody

GRAM = 4
SLOTS = 4  # a quarter


def grams(score: Score) -> frozenset[tuple[int, ...]]:
    """Every run of four melodic intervals, in semitones."""
    _, pitch = melody(score)
    steps = [int(step) for step in np.diff(pitch)]
    return frozenset(tuple(steps[at : at + GRAM]) for at in range(len(steps) - GRAM + 1))


def jaccard(one: frozenset[tuple[int, ...]], other: frozenset[tuple[int, ...]]) -> float:
    """Common members of all members; 0 for two empty sets."""
    return len(one & other) / len(one | other) if one | other else 0.0


def struck(score: Score) -> dict[int, frozenset[str]]:
    """Which roles begin a note in every sixteenth of the piece in which any does."""
    slots: dict[int, set[str]] = {}
    for track in score.tracks:
        for onset in track.notes.onset:
            slots.setdefault(int(np.floor(onset * SLOTS + 0.5)), set()).add(track.role)
    return {slot: frozenset(roles) for slot, roles in slots.items()}


def difference(one: dict[int, frozenset[str]], other: dict[int, frozenset[str]]) -> float:
    """Share of the sixteenths struck in either piece in which not the same roles are."""
    slots = one.keys() | other.keys()
    return sum(one.get(slot) != other.get(slot) for slot in slots) / len(slots) if slots else 0.0


def digest(score: Score) -> str:
    """Hex digest of every note, onsets to a thousandth of a quarter: equal for duplicates."""
    sha = hashlib.sha256()
    for track in score.tracks:
        sha.update(f"{track.role}|{track.instrument}".encode())
        for column in (track.notes.onset * 1e3, track.notes.length * 1e3, track.notes.pitch, track.notes.velocity):
            sha.update(np.rint(column).astype("<i8").tobytes())
    return sha.hexdigest()
