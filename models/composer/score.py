"""The score: what composing hands to rendering. Plain data, times in quarter notes, no sound and no randomness."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Notes:
    """Parallel arrays, one entry a note, sorted by onset.

    `onset` and `length` are float64 quarter notes from the start of the piece (humanisation already applied, never
    negative); `pitch` is a MIDI key 0..127 (for drums the General MIDI percussion key); `velocity` 1..127.
    """

    onset: NDArray[np.float64]
    length: NDArray[np.float64]
    pitch: NDArray[np.int32]
    velocity: NDArray[np.int32]


@dataclass(frozen=True)
class Track:
    """One player. Tracks with the same `stem` are mixed into one stem file.

    `instrument` is a preset of the bank (`models.composer.bank.PRESETS`); `gain_db`, `pan` (-1 left .. 1 right) and
    `reverb` (send, 0..1) are its place in the mix.
    """

    name: str
    stem: str
    instrument: str
    notes: Notes
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.2


@dataclass(frozen=True)
class Section:
    """A named part of the form; `bar` counts from 0, `bars` is its length."""

    name: str
    bar: int
    bars: int


@dataclass(frozen=True)
class Chord:
    """A harmony from `onset` for `length` quarter notes. `symbol` is for people (`Dm7`), `numeral` its function."""

    onset: float
    length: float
    symbol: str
    numeral: str
    pitch_classes: tuple[int, ...]


@dataclass(frozen=True)
class Score:
    """A whole piece. `quarters` is its musical length (bars x meter); a loop repeats from there.

    `space` names the impulse response of the mix (`hall`, `room`, `plate`, ...); `tail_s` is how long the sound may
    ring past the last bar of a piece that ends (0 for loops)."""

    bpm: float
    meter: tuple[int, int]
    bars: int
    quarters: float
    key: str
    loop: bool
    tracks: tuple[Track, ...]
    sections: tuple[Section, ...]
    chords: tuple[Chord, ...]
    space: str = "hall"
    tail_s: float = 0.0
    facts: dict[str, object] = field(default_factory=dict)
