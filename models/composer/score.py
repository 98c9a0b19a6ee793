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

    `stem` is the layer it belongs to (`models.words.LAYERS`), `role` what it does in the piece (one of
    `models.composer.instruments.ROLES`); `instrument` is a preset of the bank (`models.composer.bank.PRESETS`);
    `gain_db`, `pan` (-1 left .. 1 right), `reverb` and `echo` (sends, 0..1) are its place in the mix.
    """

    name: str
    stem: str
    instrument: str
    notes: Notes
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.2
    echo: float = 0.0
    role: str = ""


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
class Desk:
    """How a genre is mixed. `space` names the impulse response (`models.composer.rooms.ROOMS`).

    `echo_beats` is the delay of the echo in quarter notes (0: none), `echo_feedback` what every repeat keeps; `pump`
    how many dB a kick ducks everything but the drums; `drive` how many dB the bus is driven into soft saturation;
    `tilt` dB an octave around 1 kHz (negative: darker); `noise` a texture under everything (`vinyl`, `tape`, `air` or
    none).
    """

    space: str = "hall"
    echo_beats: float = 0.0
    echo_feedback: float = 0.35
    pump: float = 0.0
    drive: float = 0.0
    tilt: float = 0.0
    noise: str = ""


@dataclass(frozen=True)
class Score:
    """A whole piece. `quarters` is its musical length (bars x meter); a loop repeats from there.

    `desk` is how it is mixed; `tail_s` is how long the sound may ring past the last bar of a piece that ends (0 for
    loops)."""

    bpm: float
    meter: tuple[int, int]
    bars: int
    quarters: float
    key: str
    loop: bool
    tracks: tuple[Track, ...]
    sections: tuple[Section, ...]
    chords: tuple[Chord, ...]
    desk: Desk = Desk()
    tail_s: float = 0.0
    facts: dict[str, object] = field(default_factory=dict)
