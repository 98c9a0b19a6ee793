"""Kits and hand percussion: grooves with ghost notes, fills at phrase ends, Euclidean layers, timpani.

Marks of a pattern: `x` hit, `X` accent, `g` ghost, `o` a hit that a take either has or has not. Kit pitches are General
MIDI percussion keys.
"""

from models.composer.dice import Dice
from models.composer.groove import steps
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat

KEYS = {
    "kick": 36, "snare": 38, "rim": 37, "clap": 39, "brush": 40, "hat": 42, "pedal hat": 44, "open hat": 46, "ride": 51, "bell": 53,
    "crash": 49, "low tom": 41, "mid tom": 45, "high tom": 48, "tambourine": 54, "cowbell": 56, "shaker": 70, "cabasa": 69,
    "high conga": 62, "open conga": 63, "low conga": 64, "claves": 75, "block": 76, "triangle": 81,
}  # fmt: skip
_LEVEL = {"X": 16, "x": 0, "o": -6, "g": -34}
_SOFT = {"hat": -14, "pedal hat": -18, "open hat": -10, "ride": -12, "shaker": -18, "cabasa": -16, "tambourine": -16, "triangle": -14, "crash": 2}
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
    """Low drums: as many hits as the energy asks for, spread as evenly as possible over the bar's eighths or sixteenths."""
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
        if last and passage.phrase.cadence == "final":
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
    return [_drum(start + index * length / count, 48, 52 + 44 * passage.energy * (index + 1) / count) for index in range(count)]


def write_timpani(piece: Piece, seat: Seat) -> list[Event]:
    """Roots and fifths on the strong places, a rolled crescendo at the end of every other phrase."""
    events: list[Event] = []
    for passage in piece.passages:
        if not seat.plays(passage, piece.character):
            continue
        for slot in passage.slots:
            root = _timpano(slot.harmony.root if passage.energy < 0.6 else piece.key.tonic)
            fifth = _timpano((slot.harmony.root + 7) % 12)
            if slot.harmony.root not in slot.harmony.pitch_classes or (slot.harmony.root + 7) % 12 not in slot.harmony.pitch_classes:
                fifth = root
            events += _beaten(piece, passage, slot.onset, slot.length, _timpano(slot.harmony.root) if root % 12 not in slot.harmony.pitch_classes else root, fifth)
        if passage.phrase.index % 2 and passage.energy > 0.4 and passage.phrase.cadence != "final":
            span = piece.meter.pulses[-1]
            slot = passage.slots[-1]
            events = [event for event in events if event.onset < passage.end - span - 1e-6]
            count = max(2, round(span * 4))
            rolled = (passage.end - span + index * span / count for index in range(count))
            events += [Event(time, span / count, _timpano(slot.harmony.root), int(46 + 48 * passage.energy * (index + 1) / count)) for index, time in enumerate(rolled)]
    return events


def _timpano(pitch_class: int) -> int:
    return 41 + (pitch_class - 41) % 12


def _beaten(piece: Piece, passage: Passage, onset: float, length: float, root: int, fifth: int) -> list[Event]:
    events = [Event(onset, min(length, 2.0), root, int(58 + 44 * passage.energy))]
    bar = onset // piece.meter.bar * piece.meter.bar
    while passage.energy > 0.5 and bar < onset + length - 1e-6:
        at = bar + piece.meter.middle
        if onset + 1e-6 < at < onset + length - 1e-6:
            events.append(Event(at, 1.0, fifth, int(48 + 40 * passage.energy)))
        bar += piece.meter.bar
    return events


def euclid(hits: int, count: int, rotation: int = 0) -> list[bool]:
    """`hits` of `count` steps, as evenly spread as whole steps allow (Toussaint 2005), turned by `rotation` steps."""
    hits = min(hits, count)
    row = [(step * hits) % count < hits for step in range(count)]
    return row[-rotation % count:] + row[: -rotation % count]


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
    return passage.end - (piece.meter.bar - piece.meter.middle if closes and passage.energy > 0.4 else piece.meter.pulses[-1])


def _fill(piece: Piece, seat: Seat, passage: Passage, start: float, dice: Dice) -> list[Event]:
    """A crescendo over the drums of the genre's fill, on sixteenths (eighths in soft passages), each step with a chance."""
    if start >= passage.end - 1e-6:
        return []
    rows = {"toms": ("snare", "high tom", "mid tom", "low tom"), "snare": ("snare", "snare", "snare"), "brush": ("brush", "snare"), "rim": ("rim", "rim", "snare")}
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
