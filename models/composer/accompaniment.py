"""Chords and figures under the melody: held pads, comping, strums, power chords, arpeggios, and riffs of the motif.

Every player has one voicing per chord, led through the whole piece; the styles only say which of its notes sound when.
Figures are rows of steps whose marks are voices of the chord, `0` the lowest.
"""

from collections.abc import Iterator

from models.composer.groove import steps
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.melody import chord_tone, folded, home
from models.composer.piece import Passage, Piece, Seat, row_of
from models.composer.theme import Tone
from models.composer.tunes import in_scale
from models.composer.voicing import Voicing, lead

_CENTRES = {"pads": 61.0, "harmony": 62.0, "ostinato": 67.0, "counter": 60.0}
_STRUM = 0.018  # quarters between the strings


def write(piece: Piece, seat: Seat) -> list[Event]:
    """A pads or harmony part."""
    events: list[Event] = []
    for passage, voicings in _voiced(piece, seat):
        if not seat.plays(passage, piece.character):
            continue
        if seat.role == "pads" or not seat.chair.patterns or passage.phrase.cadence == "final":
            events += _held(piece, seat, passage, voicings)
        else:
            events += _comped(piece, seat, passage, voicings)
    return events


def write_ostinato(piece: Piece, seat: Seat) -> list[Event]:
    """Arpeggios and figures of the genre, or the motif as a riff over a pedal where the state asks for it."""
    events: list[Event] = []
    for passage, voicings in _voiced(piece, seat):
        if not seat.plays(passage, piece.character):
            continue
        if passage.phrase.cadence == "final" and passage.phrase.bars == 1:
            events += _held(piece, seat, passage, voicings)
        elif piece.character.riff:
            events += _riff(piece, seat, passage)
        else:
            events += _figure(piece, seat, passage, voicings)
    return events


def voices_of(seat: Seat) -> int:
    """How many notes a player holds at a time."""
    if not INSTRUMENTS[seat.instrument].chords:
        return 1
    return 3 if seat.chair.style in ("power", "three") else 4


def _voiced(piece: Piece, seat: Seat) -> Iterator[tuple[Passage, list[Voicing]]]:
    """Every passage with a voicing for each of its chords."""
    instrument = INSTRUMENTS[seat.instrument]
    shift = piece.character.register / 2 + (4 if seat.doubles else 0) - (3 if piece.character.riff else 0)
    centre = min(max(_CENTRES.get(seat.role, 62.0) + shift, instrument.low + 7), instrument.high - 7)
    low, high = max(instrument.low, int(centre) - 15), min(instrument.high, int(centre) + 15)
    chords = [slot.harmony.pitch_classes for passage in piece.passages for slot in passage.slots]
    full = 4 if seat.role == "ostinato" else max(3, voices_of(seat))
    line = lead(chords, low, high, full, centre)
    at = 0
    for passage in piece.passages:
        voicings = line[at : at + len(passage.slots)]
        yield (
            passage,
            voicings
            if voices_of(seat) > 1 or seat.role == "ostinato"
            else [voicing[1:2] or voicing for voicing in voicings],
        )
        at += len(passage.slots)


def _loud(piece: Piece, passage: Passage, time: float, base: int) -> int:
    arc = 6 * (1 - abs(2 * (time - passage.start) / passage.length - 1))
    return max(
        1, min(127, int(base + 34 * passage.energy + arc + 10 * (piece.meter.strength(time % piece.meter.bar) - 0.5)))
    )


def _held(piece: Piece, seat: Seat, passage: Passage, voicings: list[Voicing]) -> list[Event]:
    """Whole chords; tones that stay are held over the change rather than struck again."""
    events: list[Event] = []
    open_notes: dict[int, int] = {}
    for slot, voicing in zip(passage.slots, voicings, strict=True):
        sounding = {}
        for pitch in voicing:
            if pitch in open_notes and seat.role == "pads":
                index = open_notes[pitch]
                events[index] = events[index]._replace(length=slot.end - events[index].onset)
                sounding[pitch] = index
            else:
                sounding[pitch] = len(events)
                events.append(Event(slot.onset, slot.length * 0.98, pitch, _loud(piece, passage, slot.onset, 50)))
        open_notes = sounding
    return events


def _comped(piece: Piece, seat: Seat, passage: Passage, voicings: list[Voicing]) -> list[Event]:
    """Chords on the genre's rhythm: `x` short, `X` accented, `-` rings until the next mark."""
    marks = _marks(piece, seat, passage)
    events: list[Event] = []
    for place, (time, mark) in enumerate(marks):
        until = marks[place + 1][0] if place + 1 < len(marks) else passage.end
        voicing = _at(passage, voicings, time)
        length = (until - time) * 0.95 if mark in "-X" else min(until - time, 0.4 + 0.3 * piece.character.legato) * 0.9
        loud = _loud(piece, passage, time, 48) + (8 if mark == "X" else 0)
        events += _struck(seat, voicing, time, length, min(127, loud), down=place % 2 == 0)
    return events


def _struck(seat: Seat, voicing: Voicing, time: float, length: float, loud: int, down: bool) -> list[Event]:
    if seat.chair.style == "power":
        voicing = voicing[:2] if len(voicing) > 2 and voicing[1] - voicing[0] >= 5 else voicing
    if seat.chair.style == "strum":
        order = voicing if down else voicing[::-1]
        return [
            Event(time + index * _STRUM, max(0.06, length - index * _STRUM), pitch, loud)
            for index, pitch in enumerate(order)
        ]
    return [Event(time, length, pitch, loud) for pitch in voicing]


def _marks(piece: Piece, seat: Seat, passage: Passage) -> list[tuple[float, str]]:
    return [
        (passage.start + bar * piece.meter.bar + place, mark)
        for bar in range(passage.phrase.bars)
        for place, mark in steps(row_of(piece, seat, passage, bar), piece.meter, passage.phrase.bar + bar)
    ]


def _at(passage: Passage, voicings: list[Voicing], time: float) -> Voicing:
    """The voicing that sounds at a time; a stroke an eighth or less before a chord anticipates it."""
    for slot, voicing in zip(passage.slots, voicings, strict=True):
        if time < slot.end - 1e-6:
            return voicing
    return voicings[-1]


def _figure(piece: Piece, seat: Seat, passage: Passage, voicings: list[Voicing]) -> list[Event]:
    marks = _marks(piece, seat, passage)
    final = passage.slots[-1].onset if passage.phrase.cadence == "final" else passage.end
    instrument = INSTRUMENTS[seat.instrument]
    events: list[Event] = []
    for place, (time, mark) in enumerate(marks):
        if time >= final - 1e-6:
            break
        until = marks[place + 1][0] if place + 1 < len(marks) else passage.end
        voicing = _at(passage, voicings, time)
        index = int(mark) if mark.isdigit() else 0
        pitch = voicing[index % len(voicing)] + 12 * (index // len(voicing))
        ring = 1.9 if instrument.family in ("plucked", "mallets") else 0.9 * min(1.0, piece.character.legato)
        events.append(
            Event(
                time,
                min((until - time) * ring, passage.end - time),
                folded(pitch, instrument.low, instrument.high),
                _loud(piece, passage, time, 46),
            )
        )
    if final < passage.end:
        events += [
            Event(final, passage.end - final, pitch, _loud(piece, passage, final, 50))
            for pitch in voicings[-1][: voices_of(seat)]
        ]
    return events


def _riff(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    """Two bars of the motif told in one, as accents over the chord's root repeated on the grid."""
    base = home(piece, seat, piece.motif) - (12 if INSTRUMENTS[seat.instrument].low <= 48 else 0)
    grid = 0.25 if passage.energy > 0.7 and piece.bpm < 126 else 0.5
    told = {round(tone.onset / 2 / grid): tone for tone in reversed(piece.motif.slice(0, 2))}
    count = round(piece.meter.bar / grid)
    events: list[Event] = []
    for bar in range(passage.phrase.bars):
        start = passage.start + bar * piece.meter.bar
        if passage.phrase.cadence == "final" and start >= passage.slots[-1].onset - 1e-6:
            events.append(_tone(piece, seat, passage, start, piece.meter.bar, Tone(0, 1, 0), base, 12))
            break
        for step in range(count):
            time = start + step * grid
            tone = told.get(step) if bar % 4 != 3 or step * 2 < count else told.get(count - step)
            if tone:
                events.append(_tone(piece, seat, passage, time, grid, tone, base, 12))
            elif passage.energy > 0.4 or step % 2 == 0:
                events.append(_pedal(piece, seat, passage, time, grid, base))
    return events


def _tone(
    piece: Piece, seat: Seat, passage: Passage, time: float, grid: float, tone: Tone, base: int, accent: int
) -> Event:
    slot = passage.slot_at(time)
    instrument = INSTRUMENTS[seat.instrument]
    pitch = in_scale(piece.key, slot, base + piece.key.semitones(tone.degree) + tone.alter)
    if (
        any((pitch - other) % 12 in (1, 11) for other in slot.harmony.pitch_classes)
        and pitch % 12 not in slot.harmony.pitch_classes
    ):
        pitch = chord_tone(slot, pitch, None)
    loud = min(127, _loud(piece, passage, time, 46) + accent)
    return Event(time, grid * 0.85, folded(pitch, instrument.low, instrument.high), loud)


def _pedal(piece: Piece, seat: Seat, passage: Passage, time: float, grid: float, base: int) -> Event:
    slot = passage.slot_at(time)
    instrument = INSTRUMENTS[seat.instrument]
    root = base - 12 + (slot.harmony.root - piece.key.tonic) % 12
    return Event(
        time, grid * 0.7, folded(root, instrument.low, instrument.high), max(1, _loud(piece, passage, time, 36))
    )
