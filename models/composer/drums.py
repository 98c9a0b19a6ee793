"""Kits and hand percussion: grooves with ghost notes, fills at phrase ends, builds, Euclidean layers, timpani.

Marks of a row: `x` hit, `X` accent, `g` ghost, `o` a hit that a take either has or has not, `f` a hit with a grace note
before it, and a digit is a roll of so many hits over this step and the next. Which of several rows is played, the
optional hits and the hand of the drummer are drawn by the take's seed. Kit pitches are General MIDI percussion keys.
"""

from models.composer.dice import Dice
from models.composer.fills import BUILDS, FILLS, KEYS
from models.composer.groove import euclid, steps
from models.composer.harmony import Slot
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat

_LEVEL = {"X": 16, "x": 0, "o": -6, "g": -34, "f": 8}
_SOFT = {
    "hat": -14,
    "pedal hat": -18,
    "open hat": -10,
    "ride": -12,
    "second ride": -12,
    "bell": -12,
    "shaker": -18,
    "cabasa": -16,
    "tambourine": -16,
    "triangle": -14,
    "muted triangle": -16,
    "crash": 2,
}
_LENGTH = 0.25
_GRACE = 0.028  # seconds between a grace note and its hit
_REDRAWN = 0.4  # chance that a voice with several rows takes another one in the second phrase of a section


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
        played = _building(piece, seat, passage) or _groove(piece, seat, passage)
        fill = _fill(piece, seat, passage, filled, dice)
        feet = () if any(event.pitch == KEYS["kick"] for event in fill) else (KEYS["kick"],)
        events += [event for event in played if event.onset < filled - 1e-6 or event.pitch in feet]
        events += fill
        if _crashes(piece, seat, passage, passage.part is not previous and place > 0, dice):
            events.append(_hit(piece, passage.start, piece.genre.crash, "x", passage))
        previous = passage.part
    return _placed(piece, seat, _once(events))


def _once(events: list[Event]) -> list[Event]:
    """The strokes without those that fall on a drum together with a louder one."""
    loudest: dict[tuple[float, int], Event] = {}
    for event in sorted(events, key=lambda event: event.velocity):
        loudest[round(event.onset, 3), event.pitch] = event
    return list(loudest.values())


def _crashes(piece: Piece, seat: Seat, passage: Passage, opens: bool, dice: Dice) -> bool:
    """A cymbal opens sections, and phrases of loud ones now and then."""
    if not piece.genre.crash or seat.role != "drums":
        return False
    return (opens and passage.energy > 0.45) or (passage.energy > 0.68 and dice.chance(0.3))


def _placed(piece: Piece, seat: Seat, events: list[Event]) -> list[Event]:
    """Every voice as far behind (or before) the beat as the genre plays it, a little more or less by the take."""
    if not seat.chair.late:
        return events
    loose = Dice("late", piece.seed, seat.instrument).uniform(0.75, 1.25)
    every = seat.chair.late.get("", 0.0)
    late = {KEYS[voice]: ms for voice, ms in seat.chair.late.items() if voice}
    quarters = loose * piece.bpm / 60000.0
    return [event._replace(onset=max(0.0, event.onset + late.get(event.pitch, every) * quarters)) for event in events]


def write_euclid(piece: Piece, seat: Seat) -> list[Event]:
    """Low drums: as many hits as the energy asks for, spread as evenly as the bar's eighths or sixteenths allow."""
    events: list[Event] = []
    for passage in piece.passages:
        if not seat.plays(passage, piece.character):
            continue
        dice = Dice("euclid", piece.seed, seat.instrument, passage.part.material, passage.phrase.index % 2)
        grid = 4 if passage.energy > 0.78 and piece.bpm < 150 else 2
        events += _euclid_phrase(piece, passage, round(piece.meter.bar * grid), grid, dice)
    return _once(events)


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


def _drum(time: float, key: int, velocity: float) -> Event:
    return Event(time, _LENGTH, key, max(1, min(127, int(velocity))))


def _hit(piece: Piece, time: float, voice: str, mark: str, passage: Passage) -> Event:
    accent = 8 * (piece.meter.strength(time - passage.start) - 0.5)
    return _drum(time, KEYS[voice], 62 + 36 * passage.energy + _LEVEL.get(mark, 0) + _SOFT.get(voice, 0) + accent)


def _struck(piece: Piece, time: float, voice: str, mark: str, passage: Passage, dice: Dice) -> list[Event]:
    """The hits of one mark: one, one with its grace note, or a roll that swells or dies away."""
    hit = _hit(piece, time, voice, mark, passage)
    if mark == "f":
        grace = hit._replace(onset=time - _GRACE * piece.bpm / 60, velocity=max(1, hit.velocity - 36))
        return [grace, hit] if grace.onset >= 0 else [hit]
    if not mark.isdigit():
        return [hit]
    count, rises = int(mark), dice.chance(0.6)
    slope = [(place + 1) / count if rises else 1 - place / count for place in range(count)]
    return [
        hit._replace(onset=time + 0.5 * place / count, velocity=max(1, int(hit.velocity - 24 + 24 * share)))
        for place, share in enumerate(slope)
    ]


def _drawn(piece: Piece, seat: Seat, passage: Passage) -> dict[str, str]:
    """The rows of a section by voice, drawn where there are several, and what the kind of section makes of them."""
    table = seat.chair.rows(passage.energy, piece.meter)
    words = ("groove", piece.seed, seat.instrument, passage.part.material)
    if not isinstance(table, dict):
        table = Dice(*words, "pattern").pick(table)
    second = (passage.phrase.bar - passage.part.bar) // 4 % 2
    again = Dice(*words, second)
    turned = seat.chair.sections.get(passage.part.kind, {})
    rows = {}
    for voice, choice in table.items():
        dice = again if second and again.chance(_REDRAWN) else Dice(*words, voice)
        if other := turned.get(voice, voice):
            rows[other] = choice if isinstance(choice, str) else dice.pick(choice)
    return rows


def _groove(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    rows = _drawn(piece, seat, passage)
    dice = Dice("groove", piece.seed, seat.instrument, passage.part.material)
    optional = {voice: [dice.chance(0.5) for _ in range(64)] for voice in rows}
    hands = {voice: [6 * dice.uniform(-1, 1) for _ in range(16)] for voice in rows}
    events = []
    for bar in range(passage.phrase.bars):
        start = passage.start + bar * piece.meter.bar
        number = passage.phrase.bar - passage.part.bar + bar
        for voice, row in rows.items():
            for place, mark in steps(row, piece.meter, number):
                at = int(place * 4)
                if mark != "o" or optional[voice][(at + 32 * (number % 2)) % 64]:
                    hits = _struck(piece, start + place, voice, mark, passage, dice)
                    events += [_leant(hit, hands[voice][at % 16]) for hit in hits]
    return events


def _leant(hit: Event, by: float) -> Event:
    return hit._replace(velocity=max(1, min(127, int(hit.velocity + by))))


def _fill_from(piece: Piece, seat: Seat, passage: Passage, dice: Dice) -> float:
    """Where the fill of a passage begins; its end where there is none: short ones every four bars, longer at eight."""
    if seat.role != "drums" or not piece.genre.fills or passage.phrase.bars < 2 or passage.energy < 0.3:
        return passage.end
    bars = passage.phrase.bar + passage.phrase.bars - passage.part.bar
    closes = passage.phrase is passage.part.phrases[-1] or bars % 8 == 0
    if passage.part.kind == "build" or (not closes and (bars % 4 or not dice.chance(0.6))):
        return passage.end
    if not closes or passage.energy <= 0.4:
        return passage.end - piece.meter.pulses[-1]
    if passage.energy > 0.6 and dice.chance(0.25):
        return passage.end - min(4.0, piece.meter.bar)
    return passage.end - (piece.meter.bar - piece.meter.middle)


def _fill(piece: Piece, seat: Seat, passage: Passage, start: float, dice: Dice) -> list[Event]:
    """The end of one of the genre's fills, growing, some plain hits left out; feet go on where it has none."""
    if start >= passage.end - 1e-6:
        return []
    fill = dice.pick(FILLS[dice.pick(piece.genre.fills)])
    count = min(16, round((passage.end - start) * 4))
    first = passage.end - count / 4
    events: list[Event] = []
    for voice, row in fill.items():
        for step in range(count):
            mark = row[16 - count + step]
            time = first + step / 4
            if mark == "." or (mark == "x" and step and dice.chance(0.15)):
                continue
            grown = -14 + 20 * (step + 1) // count
            events += [_leant(hit, grown) for hit in _struck(piece, time, voice, mark, passage, dice)]
    return events


def _building(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    """Through a section that builds: the genre's voices twice as fast every quarter of it, louder and louder."""
    if passage.part.kind != "build" or seat.role != "drums" or not piece.genre.build or passage.energy < 0.3:
        return []
    bars = passage.part.bars
    total = bars * piece.meter.bar
    begun = (passage.phrase.bar - passage.part.bar) * piece.meter.bar
    fastest = 0.125 if piece.bpm < 150 else 0.25
    events: list[Event] = []
    at = 0.0
    while at < passage.length - 1e-6:
        share = (begun + at) / total
        step = max(fastest, 1.0 / 2 ** int(4 * share))
        for voice in BUILDS[piece.genre.build]:
            hit = _hit(piece, passage.start + at, voice, "x", passage)
            events.append(_leant(hit, -30 + 44 * share))
        at += step
    return events


def _ending(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    """The groove until the last chord, then one stroke."""
    last = passage.slots[-1].onset
    close = [_hit(piece, last, "kick", "x", passage)]
    if passage.energy > 0.3 and seat.role == "drums" and piece.genre.crash:
        close.append(_hit(piece, last, piece.genre.crash, "x", passage))
    return [event for event in _groove(piece, seat, passage) if event.onset < last - 1e-6] + close
