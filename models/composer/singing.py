"""A composed melody, its second voice and guide tones as one instrument plays them: set into its range and shaped.

Lines move by whole octaves to where the instrument sounds best, so that it tells the tune that was composed (see
`melody`); velocities follow the line's height, the beat and the phrase, lengths the articulation.
"""

from collections.abc import Sequence

from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.melody import guides
from models.composer.piece import Passage, Piece, Seat
from models.composer.theme import Motif

_ABOVE = 72.0  # a melody's mean pitch is not lower than this where its instrument reaches: chords lie below


def write(piece: Piece, seat: Seat) -> list[Event]:
    """The whole melody for one instrument."""
    shift = _octaves(piece, seat, [passage.line for passage in piece.passages])
    events: list[Event] = []
    for passage in piece.passages:
        if passage.sketch or seat.plays(passage, piece.character):
            events += _played(piece, seat, passage, passage.line, shift)
    return events


def write_counter(piece: Piece, seat: Seat) -> list[Event]:
    """The second voice for one instrument, where it plays."""
    shift = _octaves(piece, seat, [passage.counter for passage in piece.passages])
    events: list[Event] = []
    for passage in piece.passages:
        if seat.plays(passage, piece.character) or _answers(seat, passage):
            told = _played(piece, seat, passage, passage.counter, shift)
            events += [event._replace(velocity=max(1, event.velocity - 8)) for event in told]
    return events


def _answers(seat: Seat, passage: Passage) -> bool:
    """Whether a second voice that would rest comes in to answer the melody."""
    return len(passage.counter) > len(passage.slots) + 1 and passage.energy >= seat.chair.enters - 0.15


def write_guides(piece: Piece, seat: Seat) -> list[Event]:
    """Nothing but guide tones, one a chord."""
    middle = home(piece, seat, piece.counter)
    events: list[Event] = []
    for passage in piece.passages:
        events += _shaped(piece, passage, _in_range(guides(piece, passage, middle), seat))
    return events


def _octaves(piece: Piece, seat: Seat, lines: Sequence[Sequence[Event]]) -> int:
    """By how many semitones (whole octaves) lines move so that they lie where the instrument sounds best."""
    pitches = sorted(event.pitch for line in lines for event in line)
    if not pitches:
        return 0
    instrument = INSTRUMENTS[seat.instrument]
    wanted = _height(piece, seat)
    middle = sum(pitches) / len(pitches)

    def cost(shift: int) -> tuple[float, int]:
        outside = sum(not instrument.low <= pitch + shift <= instrument.high for pitch in pitches) / len(pitches)
        return 40.0 * outside + abs(middle + shift - wanted), -shift

    return min(range(-36, 49, 12), key=cost)


def _height(piece: Piece, seat: Seat) -> float:
    """The mean pitch wished for from an instrument in its role."""
    instrument = INSTRUMENTS[seat.instrument]
    height = 0.3 if seat.role == "counter" else 0.62 if instrument.chords else 0.44
    height += 0.12 if piece.character.riff and seat.role == "melody" else 0.0
    wanted = instrument.low + height * (instrument.high - instrument.low)
    if seat.role == "melody":
        wanted = max(wanted, min(_ABOVE, instrument.high - 8.0))
    return wanted + piece.character.register + seat.chair.register


def _played(piece: Piece, seat: Seat, passage: Passage, line: Sequence[Event], shift: int) -> list[Event]:
    high = INSTRUMENTS[seat.instrument].high
    rise = passage.part.kind == "peak" and seat.role == "melody" and piece.character.soars
    if rise and line and max(event.pitch for event in line) + shift + 12 <= high - 1:
        shift += 12
    return _shaped(piece, passage, _in_range([each._replace(pitch=each.pitch + shift) for each in line], seat))


def home(piece: Piece, seat: Seat, motif: Motif) -> int:
    """The MIDI key of degree 0 that sets a motif into an instrument's range, near its middle, moved by the register."""
    instrument = INSTRUMENTS[seat.instrument]
    wanted = _height(piece, seat)
    degrees = [tone.degree for tone in motif.tones] or [0]
    spans = [piece.key.semitones(degree) for degree in degrees]
    mean = sum(spans) / len(spans)

    def cost(tonic: int) -> tuple[float, int]:
        outside = sum(not instrument.low <= tonic + span <= instrument.high for span in spans)
        return 6.0 * outside + abs(tonic + mean - wanted), tonic

    return min((12 * octave + piece.key.tonic for octave in range(2, 9)), key=cost)


def _in_range(events: list[Event], seat: Seat) -> list[Event]:
    """Whole phrases move by octaves into the range; what still sticks out is folded note by note."""
    if not events:
        return []
    instrument = INSTRUMENTS[seat.instrument]
    top, bottom = max(event.pitch for event in events), min(event.pitch for event in events)
    shift = (
        -12
        if top > instrument.high and bottom - 12 >= instrument.low
        else 12
        if bottom < instrument.low and top + 12 <= instrument.high
        else 0
    )
    return [event._replace(pitch=folded(event.pitch + shift, instrument.low, instrument.high)) for event in events]


def folded(pitch: int, low: int, high: int) -> int:
    """A pitch moved by octaves into low..high (which span at least an octave)."""
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


def _shaped(piece: Piece, passage: Passage, events: list[Event]) -> list[Event]:
    """Velocities that follow the line's height, the beat and an arc over the phrase; lengths by articulation."""
    if not events:
        return []
    pitches = [event.pitch for event in events]
    low, span = min(pitches), max(1, max(pitches) - min(pitches))
    legato = piece.character.legato
    hold = min(1.0, 0.93 * legato)
    shaped = []
    for event in events:
        share = (event.onset - passage.start) / passage.length
        loud = (
            62
            + 34 * passage.energy
            + 8 * (event.pitch - low) / span
            + 8 * piece.meter.strength(event.onset)
            - 8 * abs(2 * share - 1)
        )
        if event.length < 0.15:
            loud -= 10
        length = event.length * (hold if event.length < 2 or legato < 0.8 else 0.97)
        shaped.append(event._replace(length=length, velocity=max(1, min(127, int(loud)))))
    return shaped
