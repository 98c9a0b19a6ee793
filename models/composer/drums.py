"""Kits and hand percussion: grooves with ghost notes, fills at phrase ends, Euclidean layers, timpani.

Marks of a pattern: `x` hit, `X` accent, `g` ghost, `o` a hit that a take either has or has not. Kit pitches are General
MIDI percussion keys.
"""

from models.composer.dice import Dice
from models.composer.groove import steps
from models.composer.harmony import Slot
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat

# fmt: off
KEYS = {
    "kick": 36, "rim": 37, "snare": 38, "clap": 39, "brush": 40, "low tom": 41, "hat": 42, "pedal hat": 44,
    "mid tom": 45, "open hat": 46, "high tom": 48, "crash": 49, "ride": 51, "bell": 53, "tambourine": 54,
    "cowbell": 56, "high conga": 62, "open conga": 63, "low conga": 64, "cabasa": 69, "shaker": 70, "claves": 75,
    "block": 76, "triangle": 81,
}
# fmt: on
_LEVEL = {"X": 16, "x": 0, "o": -6, "g": -34}
_SOFT = {
    "hat": -14,
    "pedal hat": -18,
    "open hat": -10,
    "ride": -12,
    "shaker": -18,
    "cabasa": -16,
    "tambourine": -16,
    "triangle": -14,
    "crash": 2,
}
_LENGTH = 0.25


def write_kit(piece: Piece, seat: Seat) -> list[Event]:
    """A drum kit or percussion part made of the genre's patterns."""
    events: list[Event] = []
    previous = None
    for place, passage in enumerate(piece.passages):
        if not seat.plays(passage, piece.character):
            previous = None
            continue
        if passage.phrase.cadence == "final":
            events += _ending(piece, seat, passage)
            continue
        dice = Dice("kit", piece.seed, seat.instrument, place)
        filled = _fill_from(piece, seat, passage, dice)
        events += [event for event in _groove(piece, seat, passage) if event.onset < filled - 1e-6]
        events += _fill(piece, seat, passage, filled, dice)
        if passage.part is not previous and place and passage.energy > 0.45 and seat.role == "drums":
            events.append(_hit(piece, passage.start, "crash", "x", passage))
        previous = passage.part
    return events


def write_euclid(piece: Piece, seat: Seat) -> list[Event]:
    """Low drums: as many hits as the energy asks for, spread as evenly as the bar's eighths or sixteenths allow."""
    events: list[Event] = []
    for passage in piece.passages:
        if not seat.plays(passage, piece.character):
            continue
        dice = Dice("euclid", piece.seed, seat.instrument, passage.part.material, passage.phrase.index % 2)
        grid = 4 if passage.energy > 0.78 and piece.bpm < 150 else 2
        events += _euclid_phrase(piece, passage, round(piece.meter.bar * grid), grid, dice)
    return events


def _euclid_phrase(piece: Piece, passage: Passage, count: int, grid: int, dice: Dice) -> list[Event]:
    hits = max(1, round(count * min(0.75, 0.08 + 0.62 * passage.energy * passage.energy)))
    rotation = dice.pick((0, 0, 2, 3))
    answer = euclid(max(1, hits // 2), count, dice.whole(1, 3))
    events: list[Event] = []
    for bar in range(passage.phrase.bars):
        base = passage.start + bar * piece.meter.bar
        last = bar == passage.phrase.bars - 1
        if passage.phrase.cadence == "final" and base >= passage.slots[-1].onset - 1e-6:
            events.append(_drum(base, 36, 108 if passage.energy > 0.4 else 80))
            break
        row = euclid(hits, count, rotation if bar % 2 == 0 else 0)
        for step in range(count):
            time = base + step / grid
            strong = piece.meter.strength(step / grid)
            if row[step] or strong == 1.0:
                loud = 54 + 42 * passage.energy + (16 if strong >= 0.8 else 4 if strong >= 0.6 else -10)
                events.append(_drum(time, 36 if strong >= 0.8 else 41, loud))
            elif answer[step] and passage.energy > 0.5:
                events.append(_drum(time, 45 if step % 2 else 48, 40 + 34 * passage.energy))
        if last and passage.energy > 0.45 and passage.phrase.bars > 1:
            events += _roll(base + piece.meter.bar - piece.meter.pulses[-1], piece.meter.pulses[-1], passage)
    return events


def _roll(start: float, length: float, passage: Passage) -> list[Event]:
    count = max(2, round(length * 4))
    return [
        _drum(start + index * length / count, 48, 52 + 44 * passage.energy * (index + 1) / count)
        for index in range(count)
    ]


def write_timpani(piece: Piece, seat: Seat) -> list[Event]:
    """Roots and fifths on the strong places, a rolled crescendo at the end of every other phrase."""
    events: list[Event] = []
    for passage in piece.passages:
        if not seat.plays(passage, piece.character):
            continue
        told = [event for slot in passage.slots for event in _beaten(piece, passage, slot)]
        if passage.phrase.index % 2 and passage.energy > 0.4 and passage.phrase.cadence != "final":
            start = passage.end - piece.meter.pulses[-1]
            told = [event for event in told if event.onset < start - 1e-6] + _rolled(passage, start)
        events += told
    return events


def _rolled(passage: Passage, start: float) -> list[Event]:
    """A timpani roll on the last chord's root until the passage ends."""
    pitch = _timpano(passage.slots[-1].harmony.root)
    return [event._replace(pitch=pitch) for event in _roll(start, passage.end - start, passage)]


def _timpano(pitch_class: int) -> int:
    return 41 + (pitch_class - 41) % 12


def _beaten(piece: Piece, passage: Passage, slot: Slot) -> list[Event]:
    """The root (the tonic where the music is fierce and the chord holds it) and, at mid-bar, its fifth."""
    tones = slot.harmony.pitch_classes
    root = piece.key.tonic if passage.energy >= 0.6 and piece.key.tonic in tones else slot.harmony.root
    fifth = (root + 7) % 12 if (root + 7) % 12 in tones else root
    events = [Event(slot.onset, min(slot.length, 2.0), _timpano(root), int(58 + 44 * passage.energy))]
    if passage.energy <= 0.5 or (passage.phrase.cadence == "final" and slot is passage.slots[-1]):
        return events
    for bar in range(int(slot.length / piece.meter.bar + 0.999)):
        at = slot.onset // piece.meter.bar * piece.meter.bar + bar * piece.meter.bar + piece.meter.middle
        if slot.onset + 1e-6 < at < slot.end - 1e-6:
            events.append(Event(at, 1.0, _timpano(fifth), int(48 + 40 * passage.energy)))
    return events


def euclid(hits: int, count: int, rotation: int = 0) -> list[bool]:
    """`hits` of `count` steps, as evenly spread as whole steps allow (Toussaint 2005), turned by `rotation` steps."""
    hits = min(hits, count)
    row = [(step * hits) % count < hits for step in range(count)]
    return row[-rotation % count :] + row[: -rotation % count]


def _drum(time: float, key: int, velocity: float) -> Event:
    return Event(time, _LENGTH, key, max(1, min(127, int(velocity))))


def _hit(piece: Piece, time: float, voice: str, mark: str, passage: Passage) -> Event:
    accent = 8 * (piece.meter.strength(time) - 0.5)
    return _drum(time, KEYS[voice], 62 + 36 * passage.energy + _LEVEL[mark] + _SOFT.get(voice, 0) + accent)


def _groove(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    patterns = seat.chair.pattern(passage.energy)
    kind = "compound" if piece.meter.compound and "compound" in patterns else "simple"
    dice = Dice("groove", piece.seed, seat.instrument, passage.part.material)
    optional = {voice: [dice.chance(0.5) for _ in range(64)] for voice in patterns[kind]}
    events = []
    for bar in range(passage.phrase.bars):
        number = passage.phrase.bar + bar
        for voice, row in patterns[kind].items():
            for place, mark in steps(row, piece.meter, number):
                if mark != "o" or optional[voice][int(place * 4 + 32 * (number % 2)) % 64]:
                    events.append(_hit(piece, passage.start + bar * piece.meter.bar + place, voice, mark, passage))
    return events


def _fill_from(piece: Piece, seat: Seat, passage: Passage, dice: Dice) -> float:
    """Where the fill of a passage begins; its end where there is none."""
    if seat.role != "drums" or piece.genre.fills == "none" or passage.phrase.bars < 2 or passage.energy < 0.3:
        return passage.end
    closes = passage.phrase is passage.part.phrases[-1] or passage.phrase.index % 2 == 1
    if not closes and not dice.chance(0.5):
        return passage.end
    return passage.end - (
        piece.meter.bar - piece.meter.middle if closes and passage.energy > 0.4 else piece.meter.pulses[-1]
    )


def _fill(piece: Piece, seat: Seat, passage: Passage, start: float, dice: Dice) -> list[Event]:
    """A crescendo over the drums of the genre's fill, on sixteenths (eighths in soft passages), some steps left out."""
    if start >= passage.end - 1e-6:
        return []
    rows = {
        "toms": ("snare", "high tom", "mid tom", "low tom"),
        "snare": ("snare", "snare", "snare"),
        "brush": ("brush", "snare"),
        "rim": ("rim", "rim", "snare"),
    }
    voices = rows[piece.genre.fills]
    grid = 0.25 if passage.energy > 0.55 and piece.bpm < 150 else 0.5
    count = max(1, round((passage.end - start) / grid))
    events = []
    for index in range(count):
        if index % 2 == 0 or dice.chance(0.7):
            event = _hit(piece, start + index * grid, voices[index * len(voices) // count], "x", passage)
            events.append(event._replace(velocity=max(1, min(127, event.velocity - 16 + 22 * (index + 1) // count))))
    return [*events, _hit(piece, start, "kick", "x", passage)]


def _ending(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    """The groove until the last chord, then one stroke."""
    last = passage.slots[-1].onset
    close = [_hit(piece, last, "kick", "x", passage)]
    if passage.energy > 0.3 and seat.role == "drums":
        close.append(_hit(piece, last, "crash", "x", passage))
    return [event for event in _groove(piece, seat, passage) if event.onset < last - 1e-6] + close
