"""Notes while they are being written: plain events, and their turning into the score's arrays."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from models.composer.score import Notes

SHORTEST = 0.05  # quarter notes


class Event(NamedTuple):
    """One note: onset and length in quarter notes from the start of the piece, MIDI pitch, velocity 1..127."""

    onset: float
    length: float
    pitch: int
    velocity: int


def notes_of(events: Iterable[Event]) -> Notes:
    """Events as parallel arrays sorted by onset, then pitch."""
    ordered = sorted(events)
    table = np.array(ordered, dtype=np.float64).reshape(len(ordered), 4)
    return Notes(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].astype(np.int32), table[:, 3].astype(np.int32))


def single_voice(events: Sequence[Event]) -> list[Event]:
    """One note at a time: later onsets end earlier notes, and of two notes that start together the higher stays."""
    ordered = sorted(events, key=lambda event: (event.onset, -event.pitch))
    kept = [event for place, event in enumerate(ordered) if place == 0 or event.onset - ordered[place - 1].onset > 1e-6]
    trimmed = [
        event._replace(length=min(event.length, after.onset - event.onset))
        for event, after in zip(kept, kept[1:], strict=False)
    ]
    return trimmed + kept[-1:]
