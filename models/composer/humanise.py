"""How people play: small seeded deviations of time and touch, never before the start nor beyond the last bar."""

from dataclasses import dataclass

import numpy as np

from models.composer.dice import Dice
from models.composer.line import SHORTEST
from models.composer.score import Notes

_SEAM = 0.08  # quarter notes on either side of a loop's seam
_SOFTER = 0.84  # of the velocity of what begins at the seam
_LEADING = 0.34  # quarter notes before the seam in which snares only lead over it,
_GHOST = 0.5  # with this share of their velocity
_SNARES = (38, 39, 40)  # General MIDI percussion keys
_STEADY = {"drums": 0.6, "percussion": 0.8, "bass": 0.7}


@dataclass(frozen=True)
class Feel:
    """How loosely a role is played: at most `timing_ms` milliseconds (less for drums and bass) and `touch` velocity
    steps off, at a tempo in BPM."""

    role: str
    timing_ms: float
    touch: float
    bpm: float

    @property
    def quarters(self) -> float:
        """The widest deviation in quarter notes."""
        return self.timing_ms * _STEADY.get(self.role, 1.0) / 60000.0 * self.bpm


def humanised(notes: Notes, feel: Feel, quarters: float, dice: Dice) -> Notes:
    """The notes as people with that feel play them.

    Onsets stay within 0..`quarters` (exclusive), lengths positive and within the piece; notes that start together move
    together, so that chords stay chords."""
    count = len(notes.onset)
    if not count:
        return notes
    _, groups = np.unique(np.round(notes.onset, 4), return_inverse=True)
    drift = dice.spread(int(groups.max()) + 1)[groups] * feel.quarters
    onset = np.clip(notes.onset + drift, 0.0, quarters - SHORTEST)
    length = np.maximum(SHORTEST, np.minimum(notes.length, quarters - onset))
    velocity = np.clip(np.rint(notes.velocity + dice.spread(count) * feel.touch), 1, 127).astype(np.int32)
    order = np.lexsort((notes.pitch, onset))
    return Notes(onset[order], length[order], notes.pitch[order], velocity[order])


def rounded(notes: Notes, quarters: float, pitched: bool) -> Notes:
    """The notes of a loop of `quarters` as people play who are in it already: its first downbeat is one among others,
    no grace note stands in the last moment before it, and a fill's last strokes lead over the seam quietly."""
    kept = notes.onset < quarters - _SEAM
    onset, pitch, velocity = notes.onset[kept], notes.pitch[kept], notes.velocity[kept].astype(np.float64)
    velocity[onset < _SEAM] *= _SOFTER
    if not pitched:
        velocity[(onset > quarters - _LEADING) & np.isin(pitch, _SNARES)] *= _GHOST
    return Notes(onset, notes.length[kept], pitch, np.maximum(1, np.rint(velocity)).astype(np.int32))
