"""The notes of a standard MIDI file, read without trust (SMF 1.0, RP-001).

Written out here because the native reader that renders our own files ends the whole process on a damaged one. Reads
formats 0 and 1 with a division in ticks a quarter note; tempo, lyrics and controllers are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass

DRUM_CHANNEL = 9
MOST_EVENTS = 100_000
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}


class MidiError(ValueError):
    """Bytes that are no readable MIDI file; the message says why."""


@dataclass(frozen=True)
class MidiNote:
    """`onset` and `length` in ticks (a length of at least one), `pitch` 0 to 127."""

    onset: int
    length: int
    pitch: int


def read_notes(data: bytes) -> tuple[int, list[MidiNote]]:
    """(ticks a quarter note, notes by onset) of a MIDI file, without those of the drum channel.

    Raises MidiError where the file is damaged, counts time otherwise than in quarter notes, or has more than 100,000
    events."""
    if len(data) < 14 or data[:4] != b"MThd" or int.from_bytes(data[4:8], "big") < 6:
        raise MidiError("not a MIDI file")
    kind, division = int.from_bytes(data[8:10], "big"), int.from_bytes(data[12:14], "big")
    if kind not in (0, 1):
        raise MidiError(f"MIDI format {kind} is not read; save it as format 0 or 1")
    if division == 0 or division & 0x8000:
        raise MidiError("its time is not counted in ticks a quarter note")
    notes = [note for chunk in _tracks(data) for note in _notes(_Cursor(chunk))]
    return division, sorted(notes, key=lambda note: (note.onset, note.pitch))


def _tracks(data: bytes) -> Iterator[bytes]:
    at = 8 + int.from_bytes(data[4:8], "big")
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if end > len(data):
            raise MidiError("a track ends before its length")
        if data[at : at + 4] == b"MTrk":
            yield data[at + 8 : end]
        at = end


@dataclass
class _Cursor:
    """Reads one track from its beginning; running off its end is an error, never an empty value."""

    data: bytes
    at: int = 0

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise MidiError("an event ends before its length")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        """A variable-length quantity: at most four bytes of seven bits."""
        value = 0
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise MidiError("a number is longer than four bytes")

    def skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self.data):
            raise MidiError("an event ends before its length")

    @property
    def done(self) -> bool:
        return self.at >= len(self.data)


def _notes(track: _Cursor) -> Iterator[MidiNote]:
    """Notes of a track: from their note-on to their note-off, to the track's end where none comes."""
    sounding: dict[tuple[int, int], int] = {}
    time = 0
    for time, status, pitch, velocity in _channel_events(track):
        command, channel = status >> 4, status & 0x0F
        if command not in (0x8, 0x9) or channel == DRUM_CHANNEL:
            continue
        onset = sounding.pop((channel, pitch), None)
        if onset is not None:
            yield MidiNote(onset, max(time - onset, 1), pitch)
        if command == 0x9 and velocity > 0:
            sounding[channel, pitch] = time
    for (_, pitch), onset in sounding.items():
        yield MidiNote(onset, max(time - onset, 1), pitch)


def _channel_events(track: _Cursor) -> Iterator[tuple[int, int, int, int]]:
    """(time in ticks, status, first data byte, second or 0) of every channel event, running status resolved."""
    time = status = events = 0
    while not track.done:
        events += 1
        if events > MOST_EVENTS:
            raise MidiError(f"more than {MOST_EVENTS} events")
        time += track.number()
        first = track.byte()
        if first in (0xF0, 0xF7, 0xFF):
            if first == 0xFF and track.byte() == 0x2F:
                return
            track.skip(track.number())
            continue
        if first >= 0x80:
            status, first = first, track.byte()
        if status >> 4 not in _DATA_BYTES or first >= 0x80:
            raise MidiError("an event without a known status")
        second = track.byte() if _DATA_BYTES[status >> 4] == 2 else 0
        if second >= 0x80:
            raise MidiError("a data byte above 127")
        yield time, status, first, second
