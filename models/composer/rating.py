"""How well a score is made, by the rules that players and listeners share: used to choose among candidates.

A rating is a sum of weighted faults, each between 0 (none) and 1, so that the best score has the lowest. The rules are
those of common practice (Fux; Aldwell and Schachter, Harmony and Voice Leading) and of melody research (Huron, Sweet
Anticipation, 2006: small steps, arches, leaps that turn back). Nothing here writes or changes a note.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.composer.counterpoint import parallels, voices_of
from models.composer.score import Score
from models.composer.theory import parse_key
from models.composer.traits import Traits

WEIGHTS = {
    "outside": 3.0, "tonic": 4.0, "ending": 3.0, "strong": 3.0, "parallels": 4.0, "leaps": 1.0, "turns": 0.7,
    "range": 0.7, "peak": 0.5, "standing": 0.7, "monotone": 0.7, "silence": 0.5,
}  # fmt: skip
"""What each fault costs; the names are those of `Rating.faults`."""


@dataclass(frozen=True)
class Rating:
    """`total` is the weighted sum of `faults` (each 0..1); lower is better."""

    total: float
    faults: dict[str, float]


def rate(score: Score, traits: Traits) -> Rating:
    """The rating of a score with its traits."""
    faults = {
        **_tonal(score, traits),
        "strong": _strong(score, traits),
        "parallels": _share(parallels(voices_of(score)).share, 0.04),
        **_melodic(score, traits.line),
    }
    return Rating(sum(WEIGHTS[name] * fault for name, fault in faults.items()), faults)


def _tonal(score: Score, traits: Traits) -> dict[str, float]:
    """Notes outside of the mode, a tonic that is neither first nor second in weight, an arrival elsewhere."""
    key = parse_key(score.key)
    inside = sum(traits.weights[(step - key.tonic) % 12] for step in key.collection)
    stronger = sum(weight > traits.weights[0] for weight in traits.weights)
    return {
        "outside": _share(1.0 - inside, 0.15),
        "tonic": float(stronger > 1) or 0.2 * stronger,
        "ending": float(not traits.arrives),
    }


def _strong(score: Score, traits: Traits) -> float:
    """Share of the melody's notes on the beginnings of bars and their middles that the sounding chord lacks."""
    bar = score.meter[0] * 4 / score.meter[1]
    starts = np.array([chord.onset for chord in score.chords])
    missed = struck = 0
    for onset, length, pitch in traits.line.tolist():
        place = (onset + 0.06) % bar
        if length < 0.45 or not (place < 0.12 or abs(place - bar / 2) < 0.12) or not len(starts):
            continue
        chord = score.chords[max(0, int(np.searchsorted(starts, onset + 0.06)) - 1)]
        struck += 1
        missed += int(pitch) % 12 not in chord.pitch_classes
    return _share(missed / struck if struck else 0.0, 0.3)


def _melodic(score: Score, line: NDArray[np.float64]) -> dict[str, float]:
    names = ("leaps", "turns", "range", "peak", "standing", "monotone", "silence")
    if len(line) < 8:
        return dict.fromkeys(names, 0.3)
    pitch, steps = line[:, 2], np.diff(line[:, 2])
    wide = np.abs(steps) > 7
    after = np.sign(steps[1:]) == -np.sign(steps[:-1])
    leaped = np.abs(steps[:-1]) > 5
    rhythm = np.round(np.diff(line[:, 0]) * 4).astype(int)
    gaps = np.diff(line[:, 0]) - line[:-1, 1]
    bar = score.meter[0] * 4 / score.meter[1]
    return {
        "leaps": _share(float(wide.mean()), 0.15),
        "turns": _share(1.0 - float(after[leaped].mean()), 1.0) if leaped.any() else 0.0,
        "range": _share(max(0.0, float(np.ptp(pitch)) - 19.0), 12.0),
        "peak": _share(float(np.mean(pitch == pitch.max())), 0.2),
        "standing": _share(float(np.mean(steps == 0)), 0.5),
        "monotone": _share(_commonest(rhythm), 1.0),
        "silence": _share(float(np.max(gaps, initial=0.0)) / bar, 6.0),
    }


def _commonest(values: NDArray[np.int64]) -> float:
    """Share of the commonest value."""
    _, counts = np.unique(values, return_counts=True)
    return float(counts.max() / counts.sum())


def _share(value: float, worst: float) -> float:
    """`value` on the way from 0 to `worst`, at most 1."""
    return min(1.0, max(0.0, value / worst))
