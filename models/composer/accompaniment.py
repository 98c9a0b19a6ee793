"""Chords and figures under the melody: held pads, comping, strums, power chords, arpeggios, and riffs of the motif.

Every player has one voicing per chord, led through the whole piece so that it goes well with what is written already;
the styles only say which of its notes sound when. Rows of steps are rhythms (`X` accented and ringing, `-` ringing,
`x` short) or figures, whose marks are voices of the chord, `0` the lowest; styles with a rhythm of their own are
`figures`.
"""

from collections.abc import Iterator

from models.composer.counterpoint import Strand, clashes
from models.composer.figures import FIGURES, Hand, roll
from models.composer.groove import steps
from models.composer.harmony import Slot
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.melody import chord_tone
from models.composer.piece import Piece, Seat, row_of
from models.composer.singing import folded, home
from models.composer.theme import Tone
from models.composer.tunes import in_scale
from models.composer.voicing import Voicing, lead

_CENTRES = {"pads": 61.0, "harmony": 62.0, "ostinato": 67.0, "counter": 60.0}
_STRUM = 0.018  # quarters between the strings
_VOICES = {"power": 3, "three": 3, "waltz": 3, "stride": 3, "alberti": 3, "tremolo": 3, "stab": 4, "drone": 3}
_LOWEST = 46  # no chord but power chords and left hands goes below


def write(piece: Piece, seat: Seat) -> list[Event]:
    """A pads or harmony part. A chair's rows go before its style's own rhythm."""
    events: list[Event] = []
    for hand in _hands(piece, seat):
        if seat.plays(hand.passage, piece.character):
            events += _told(hand)
    return events


def write_ostinato(piece: Piece, seat: Seat) -> list[Event]:
    """Arpeggios and figures of the genre, or the motif as a riff over a pedal where the state asks for it."""
    events: list[Event] = []
    for hand in _hands(piece, seat):
        phrase = hand.passage.phrase
        if not seat.plays(hand.passage, piece.character):
            continue
        if phrase.cadence == "final" and phrase.bars == 1:
            events += _held(hand)
        elif piece.character.riff and not seat.chair.keeps:
            events += _riff(hand)
        elif seat.chair.style in FIGURES:
            events += _told(hand)
        else:
            events += _figure(hand)
    return events


def voices_of(seat: Seat) -> int:
    """How many notes a player holds at a time."""
    if not INSTRUMENTS[seat.instrument].chords:
        return 1
    return _VOICES.get(seat.chair.style, 4)


def _told(hand: Hand) -> list[Event]:
    """The passage in the chair's style; endings are held, and rolled by those who roll."""
    style, rows = hand.seat.chair.style, hand.seat.chair.patterns and hand.seat.role == "harmony"
    if hand.passage.phrase.cadence == "final" and style not in ("rolled", "drone"):
        return _held(hand)
    if hand.piece.character.sustained and hand.seat.role == "harmony":
        return _held(hand)
    if style == "rolled" and rows:
        return _rolled(hand)
    if rows:
        return _comped(hand)
    return FIGURES[style](hand) if style in FIGURES else _held(hand)


def _hands(piece: Piece, seat: Seat) -> Iterator[Hand]:
    """Every passage with a voicing for each of its chords."""
    slots = [slot for passage in piece.passages for slot in passage.slots]
    line = _power(piece, seat, slots) if seat.chair.style == "power" else _led(piece, seat, slots)
    at = 0
    for passage in piece.passages:
        voicings = line[at : at + len(passage.slots)]
        if voices_of(seat) == 1 and seat.role != "ostinato":
            voicings = [voicing[1:2] or voicing for voicing in voicings]
        yield Hand(piece, seat, passage, tuple(voicings))
        at += len(passage.slots)


def _led(piece: Piece, seat: Seat, slots: list[Slot]) -> list[Voicing]:
    """The voicings of all chords, in the middle of the role's and the instrument's range."""
    instrument = INSTRUMENTS[seat.instrument]
    shift = piece.character.register / 2 + (4 if seat.doubles else 0) - (3 if piece.character.riff else 0)
    wanted = _CENTRES.get(seat.role, 62.0) + shift + seat.chair.register
    centre = float(round(min(max(wanted, instrument.low + 7), instrument.high - 7)))
    floor = max(instrument.low, min(_LOWEST, instrument.high - 16))
    low, high = max(floor, int(centre) - 15), min(instrument.high, int(centre) + 15)
    full = 4 if seat.role == "ostinato" else max(3, voices_of(seat))
    full = 3 if seat.role == "pads" and any(strand.role == "harmony" for strand in piece.heard) else full
    tones = [_rootless(piece, slot) if seat.chair.style == "quartal" else slot.harmony.pitch_classes for slot in slots]
    return lead(tones, low, high, full, centre, piece.heard if seat.role != "ostinato" else ())


def _rootless(piece: Piece, slot: Slot) -> tuple[int, ...]:
    """Third, seventh, ninth and fifth (the thirteenth over dominants) without the root, as jazz pianists hold them.

    Tonic chords keep their root, which the key needs to be heard."""
    chord, key = slot.harmony, piece.key
    if len(chord.tones) < 4 or chord.tones[3] not in (9, 10, 11) or chord.root == key.tonic:
        return chord.pitch_classes
    third, fifth, seventh = chord.tones[1:4]
    ninth = 14 if (chord.root + 2) % 12 in key.collection and fifth == 7 else 0
    upper = 9 if third == 4 and seventh == 10 and (chord.root + 9) % 12 in key.collection else fifth
    return tuple((chord.root + tone) % 12 for tone in (third, seventh, upper, ninth))


def _power(piece: Piece, seat: Seat, slots: list[Slot]) -> list[Voicing]:
    """Root, fifth and octave low down, the root in the octave that goes against the melody."""
    instrument = INSTRUMENTS[seat.instrument]
    low = max(instrument.low, 38)
    heard = tuple(strand for strand in piece.heard if strand.role != "bass")
    line: list[Voicing] = []
    for place, slot in enumerate(slots):
        roots = [key for key in range(low, low + 17) if key % 12 == slot.floor]
        before = line[-1][0] if line else low + 5
        root = min(roots, key=lambda key: (_moved(heard, place, before, key, low) if line else key, key))
        fifth = slot.floor == slot.harmony.root and 7 in slot.harmony.tones
        line.append((root, root + 7, root + 12) if fifth else (root, root + 12))
    return line


def _moved(heard: tuple[Strand, ...], place: int, before: int, key: int, low: int) -> float:
    return abs(key - before) + 0.3 * (key - low) + 14.0 * clashes(heard, place, before, key)


def _held(hand: Hand) -> list[Event]:
    """Whole chords; tones that stay are held over the change rather than struck again."""
    events: list[Event] = []
    open_notes: dict[int, int] = {}
    for slot, voicing in zip(hand.passage.slots, hand.voicings, strict=True):
        sounding = {}
        for pitch in voicing:
            if pitch in open_notes and hand.seat.role == "pads":
                index = open_notes[pitch]
                events[index] = events[index]._replace(length=slot.end - events[index].onset)
                sounding[pitch] = index
            else:
                sounding[pitch] = len(events)
                events.append(Event(slot.onset, slot.length * 0.98, pitch, hand.loud(slot.onset, 50)))
        open_notes = sounding
    return events


def _comped(hand: Hand) -> list[Event]:
    """Chords on the genre's rhythm: `x` short, `X` accented, `-` rings until the next mark."""
    marks = _marks(hand)
    events: list[Event] = []
    for place, (time, mark) in enumerate(marks):
        until = marks[place + 1][0] if place + 1 < len(marks) else hand.passage.end
        short = min(until - time, 0.4 + 0.3 * hand.piece.character.legato) * (0.6 if _stabs(hand) else 0.9)
        length = (until - time) * 0.95 if mark in "-X" and not _stabs(hand) else short
        loud = min(127, hand.loud(time, 48) + (8 if mark == "X" else 0))
        events += _struck(hand.seat, hand.chord(time)[1], time, length, loud, down=place % 2 == 0)
    return events


def _stabs(hand: Hand) -> bool:
    return hand.seat.chair.style in ("stab", "offbeat")


def _rolled(hand: Hand) -> list[Event]:
    """Chords broken upwards on the genre's rhythm, or where they change in a phrase in which its row rests."""
    marks = [time for time, _ in _marks(hand)] or [slot.onset for slot in hand.passage.slots]
    ends = [*marks[1:], hand.passage.end]
    return [event for time, end in zip(marks, ends, strict=True) for event in roll(hand, time, end - time)]


def _struck(seat: Seat, voicing: Voicing, time: float, length: float, loud: int, down: bool) -> list[Event]:
    if seat.chair.style == "strum":
        order = voicing if down else voicing[::-1]
        return [
            Event(time + index * _STRUM, max(0.06, length - index * _STRUM), pitch, loud)
            for index, pitch in enumerate(order)
        ]
    return [Event(time, length, pitch, loud) for pitch in voicing]


def _marks(hand: Hand) -> list[tuple[float, str]]:
    meter, phrase = hand.piece.meter, hand.passage.phrase
    return [
        (base + place, mark)
        for bar, base in enumerate(hand.bars())
        for place, mark in steps(row_of(hand.piece, hand.seat, hand.passage, bar), meter, phrase.bar + bar)
    ]


def _figure(hand: Hand) -> list[Event]:
    """The row of an arpeggio, whose marks are voices; the last chord of the piece is held."""
    passage, marks = hand.passage, _marks(hand)
    final = passage.slots[-1].onset if passage.phrase.cadence == "final" else passage.end
    family = INSTRUMENTS[hand.seat.instrument].family
    ring = 1.9 if family in ("plucked", "mallets") else 0.9 * min(1.0, hand.piece.character.legato)
    events: list[Event] = []
    for place, (time, mark) in enumerate(marks):
        if time >= final - 1e-6:
            break
        until = marks[place + 1][0] if place + 1 < len(marks) else passage.end
        voicing = hand.chord(time)[1]
        index = int(mark) if mark.isdigit() else 0
        pitch = folded(voicing[index % len(voicing)] + 12 * (index // len(voicing)), hand.low, hand.high)
        events.append(Event(time, min((until - time) * ring, passage.end - time), pitch, hand.loud(time, 46)))
    if final < passage.end:
        events += hand.struck(hand.voicings[-1][: voices_of(hand.seat)], final, passage.end - final, 50)
    return events


def _riff(hand: Hand) -> list[Event]:
    """Two bars of the motif told in one, as accents over the chord's root repeated on the grid."""
    piece, passage, meter = hand.piece, hand.passage, hand.piece.meter
    base = home(piece, hand.seat, piece.motif) - (12 if hand.low <= 48 else 0)
    grid = 0.25 if passage.energy > 0.7 and piece.bpm < 126 else 0.5
    told = {round(tone.onset / 2 / grid): tone for tone in reversed(piece.motif.slice(0, 2))}
    count = round(meter.bar / grid)
    events: list[Event] = []
    for bar, start in enumerate(hand.bars()):
        if passage.phrase.cadence == "final" and start >= passage.slots[-1].onset - 1e-6:
            events.append(_accent(hand, start, meter.bar, Tone(0, 1, 0), base))
            break
        for step in range(count):
            time = start + step * grid
            tone = told.get(step) if bar % 4 != 3 or step * 2 < count else told.get(count - step)
            if tone:
                events.append(_accent(hand, time, grid, tone, base))
            elif passage.energy > 0.4 or step % 2 == 0:
                root = base - 12 + (hand.chord(time)[0].harmony.root - piece.key.tonic) % 12
                events.append(Event(time, grid * 0.7, folded(root, hand.low, hand.high), hand.loud(time, 36)))
    return events


def _accent(hand: Hand, time: float, grid: float, tone: Tone, base: int) -> Event:
    """A tone of the motif, moved to the chord where it would rub against it."""
    slot, key = hand.chord(time)[0], hand.piece.key
    pitch = in_scale(key, slot, base + key.semitones(tone.degree) + tone.alter)
    tones = slot.harmony.pitch_classes
    if pitch % 12 not in tones and any((pitch - other) % 12 in (1, 11) for other in tones):
        pitch = chord_tone(slot, pitch, None)
    return Event(time, grid * 0.85, folded(pitch, hand.low, hand.high), min(127, hand.loud(time, 46) + 12))
