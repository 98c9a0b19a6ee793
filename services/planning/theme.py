"""A theme given as a MIDI file: one melody, the top note of every onset. Bounded, because the file is a stranger's.

Nothing here reads from disk.
"""

from itertools import pairwise

from models.controls import Theme
from services.planning.midi import MidiError, read_notes

MOST_NOTES = 128
MOST_BARS = 8


class ThemeFileError(Exception):
    """A theme file that holds no usable melody; the message says why."""


def theme_from_midi(data: bytes) -> Theme:
    """The motif of a MIDI file, its first note at onset 0; its seed is set when planning.

    Times are quarter notes. Raises ThemeFileError where the bytes are no MIDI file, or hold no note, more than 128
    notes or more than eight bars of 4/4."""
    notes = _melody(data)
    if not notes:
        raise ThemeFileError("the MIDI file holds no note")
    if len(notes) > MOST_NOTES:
        raise ThemeFileError(f"the melody has {len(notes)} notes, more than {MOST_NOTES}")
    first = notes[0][0]
    shifted = tuple((onset - first, length, pitch) for onset, length, pitch in notes)
    quarters = shifted[-1][0] + shifted[-1][1]
    bars = max(1, -int(-quarters // 4))
    if bars > MOST_BARS:
        raise ThemeFileError(f"the melody is {bars} bars long, more than {MOST_BARS}")
    return Theme(seed=0, bars=bars, notes=shifted)


def _melody(data: bytes) -> list[tuple[float, float, int]]:
    """Top note per onset, each cut where the next begins: one line whatever the file does."""
    try:
        ticks, notes = read_notes(data)
    except MidiError as error:
        raise ThemeFileError(f"not a readable MIDI file: {error}") from None
    line = list({note.onset: note for note in notes}.values())
    ends = [after.onset - note.onset for note, after in pairwise(line)] + [note.length for note in line[-1:]]
    return [
        (note.onset / ticks, min(note.length, end) / ticks, note.pitch) for note, end in zip(line, ends, strict=True)
    ]
