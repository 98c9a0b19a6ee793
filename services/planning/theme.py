"""A theme given as a MIDI file: one melody, the top note of every onset. Bounded, because the file is a stranger's.

symusic is imported only when a brief names a theme file. Nothing here reads from disk.
"""

from models.controls import Theme

MOST_NOTES = 128
MOST_QUARTERS = 64.0
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
    quarters = max(onset + length for onset, length, _ in shifted)
    bars = max(1, -int(-quarters // 4))
    if quarters > MOST_QUARTERS or bars > MOST_BARS:
        raise ThemeFileError(f"the melody is {bars} bars long, more than {MOST_BARS}")
    return Theme(seed=0, bars=bars, notes=shifted)


def _melody(data: bytes) -> list[tuple[float, float, int]]:
    """Top note per onset, each cut where the next begins: one line whatever the file does."""
    if data[:4] != b"MThd":
        raise ThemeFileError("not a MIDI file")
    import symusic

    try:
        score = symusic.Score.from_midi(data)
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        raise ThemeFileError(f"not a readable MIDI file: {str(error)[:80]}") from None
    ticks = float(score.ticks_per_quarter)
    if ticks <= 0:
        raise ThemeFileError("the MIDI file counts no ticks a quarter note")
    top: dict[int, tuple[int, int]] = {}
    for track in score.tracks:
        for note in () if track.is_drum else track.notes:
            top[note.time] = max(top.get(note.time, (0, 0)), (note.pitch, note.duration))
    onsets = sorted(top)
    ends = [*onsets[1:], None]
    line = []
    for onset, end in zip(onsets, ends, strict=True):
        pitch, duration = top[onset]
        length = duration if end is None else min(duration, end - onset)
        line.append((onset / ticks, max(length, 1) / ticks, int(pitch)))
    return line
