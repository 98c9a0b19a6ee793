"""A theme given as a MIDI or an ABC file: one melody, the top note of every onset. Bounded: the file is a stranger's.

Nothing here reads from disk.
"""

from itertools import pairwise

from models.controls import Theme
from services.planning.abc_notation import AbcError, read_tune
from services.planning.midi import MidiError, read_notes

FEWEST_NOTES = 2
MOST_NOTES = 128
MOST_BARS = 8
_COMMON_BAR = 4.0

Line = list[tuple[float, float, int]]


class ThemeFileError(Exception):
    """A theme file that holds no usable melody; the message says why."""


def theme_from_file(name: str, data: bytes) -> Theme:
    """The motif of a theme file by its name: ABC notation in `.abc`, MIDI in every other. Raises ThemeFileError."""
    return theme_from_abc(data) if name.casefold().endswith(".abc") else theme_from_midi(data)


def theme_from_midi(data: bytes) -> Theme:
    """The motif of a MIDI file, its first note at onset 0; its seed is set when planning.

    Times are quarter notes. Raises ThemeFileError where the bytes are no MIDI file, or hold fewer than two notes, more
    than 128 notes or more than eight bars of 4/4."""
    line = _melody(data)
    first = line[0][0] if line else 0.0
    return _theme([(onset - first, length, pitch) for onset, length, pitch in line], _COMMON_BAR, "the MIDI file")


def theme_from_abc(data: bytes) -> Theme:
    """The motif of a tune in ABC notation; an upbeat stands at the end of its first bar. Otherwise as from MIDI."""
    try:
        tune = read_tune(data)
    except AbcError as error:
        raise ThemeFileError(f"not a readable ABC tune: {error}") from None
    first = tune.notes[0][0] // tune.bar * tune.bar if tune.notes else 0.0
    return _theme([(onset - first, length, pitch) for onset, length, pitch in tune.notes], tune.bar, "the ABC file")


def _theme(notes: Line, bar: float, source: str) -> Theme:
    if not notes:
        raise ThemeFileError(f"{source} holds no note")
    if len(notes) < FEWEST_NOTES:
        raise ThemeFileError(f"{source} holds one note, which is no melody")
    if len(notes) > MOST_NOTES:
        raise ThemeFileError(f"the melody has {len(notes)} notes, more than {MOST_NOTES}")
    bars = max(1, -int(-(notes[-1][0] + notes[-1][1]) // bar))
    if bars > MOST_BARS:
        raise ThemeFileError(f"the melody is {bars} bars long, more than {MOST_BARS}")
    return Theme(seed=0, bars=bars, notes=tuple(notes))


def _melody(data: bytes) -> Line:
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
