"""The bass: patterns over the chords' roots, walking lines, and pedals.

Pattern marks: `R` root, `3` third, `5` fifth, `8` octave, `7` the note a step below the next root, `-` hold. A note
lasts until the next mark. The root is always struck where a chord begins.
"""

from models.composer.dice import Dice
from models.composer.groove import steps
from models.composer.harmony import Slot
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat, row_of


def write(piece: Piece, seat: Seat) -> list[Event]:
    """The whole bass part."""
    events: list[Event] = []
    for place, passage in enumerate(piece.passages):
        if not seat.plays(passage, piece.character):
            continue
        after = piece.passages[(place + 1) % len(piece.passages)].slots[0]
        if passage.phrase.cadence == "final":
            events += _closing(piece, seat, passage)
        elif seat.chair.style == "walking" and passage.energy >= 0.25:
            events += _walking(piece, seat, passage, after, Dice("walk", piece.seed, place))
        else:
            events += _patterned(piece, seat, passage, after)
    return events


def _bottom(seat: Seat) -> int:
    return max(INSTRUMENTS[seat.instrument].low, 28)


def _near(pitch_class: int, seat: Seat, around: int) -> int:
    """The pitch of a class nearest to `around` within the instrument's lower range."""
    low, high = _bottom(seat), min(INSTRUMENTS[seat.instrument].high, _bottom(seat) + 24)
    options = [pitch for pitch in range(low, high + 1) if pitch % 12 == pitch_class]
    return min(options, key=lambda pitch: (abs(pitch - around), pitch))


def _root(piece: Piece, slot: Slot, passage: Passage) -> int:
    """The chord's root, or the tonic where the state asks for a pedal and the chord can bear it."""
    pedalled = (
        piece.character.pedal and slot is not passage.slots[-1] and not slot.harmony.numeral.startswith(("V", "v"))
    )
    consonant = piece.key.tonic in slot.harmony.pitch_classes
    return piece.key.tonic if pedalled and consonant else slot.harmony.root


def _velocity(passage: Passage, strength: float) -> int:
    return int(58 + 38 * passage.energy + 12 * (strength - 0.5))


def _patterned(piece: Piece, seat: Seat, passage: Passage, after: Slot) -> list[Event]:
    marks: list[tuple[float, str]] = []
    for bar in range(passage.phrase.bars):
        base = passage.start + bar * piece.meter.bar
        row = row_of(piece, seat, passage, bar)
        marks += [(base + place, mark) for place, mark in steps(row, piece.meter, passage.phrase.bar + bar)]
    taken = {round(time, 3) for time, _ in marks}
    marks += [(slot.onset, "R") for slot in passage.slots if round(slot.onset, 3) not in taken]
    marks = sorted(
        (time, "R" if any(abs(slot.onset - time) < 1e-6 for slot in passage.slots) else mark) for time, mark in marks
    )
    events = []
    for place, (time, mark) in enumerate(marks):
        until = marks[place + 1][0] if place + 1 < len(marks) else passage.end
        if mark != "-":
            following = next((slot for slot in passage.slots if slot.onset > time + 1e-6), after)
            pitch = _marked(piece, seat, passage, mark, passage.slot_at(time), following)
            length = (until - time) * (0.92 if until - time > 0.5 else min(0.95, 0.85 * piece.character.legato))
            events.append(Event(time, length, pitch, _velocity(passage, piece.meter.strength(time))))
    return events


def _marked(piece: Piece, seat: Seat, passage: Passage, mark: str, slot: Slot, following: Slot) -> int:
    root = _near(_root(piece, slot, passage), seat, _bottom(seat) + 8)
    high = INSTRUMENTS[seat.instrument].high
    if mark == "8":
        return root + 12 if root + 12 <= high else root
    if mark in "35":
        wanted = (3, 4) if mark == "3" else (6, 7, 8)
        tone = next((tone for tone in slot.harmony.tones if tone in wanted), 0)
        return _near((slot.harmony.root + tone) % 12, seat, root + 5)
    if mark == "7":
        target = _near(_root(piece, following, passage), seat, root)
        scale = piece.key.collection
        below = next(target - step for step in (1, 2, 3) if (target - step) % 12 in scale)
        return below if below >= _bottom(seat) else root
    return root


def _walking(piece: Piece, seat: Seat, passage: Passage, after: Slot, dice: Dice) -> list[Event]:
    """A note a pulse: root on the chord, chord tones and scale steps between, a step into the next root."""
    events: list[Event] = []
    pitch = _near(passage.slots[0].harmony.root, seat, _bottom(seat) + 10)
    for place, slot in enumerate(passage.slots):
        following = passage.slots[place + 1] if place + 1 < len(passage.slots) else after
        times = _pulses(piece, slot)
        pitch = _near(slot.harmony.root, seat, min(pitch, _bottom(seat) + 15))
        target = _near(following.harmony.root, seat, pitch)
        for index, (time, length) in enumerate(times):
            if index:
                last = index == len(times) - 1
                pitch = (
                    _approach(piece, seat, slot, target, dice)
                    if last
                    else _stroll(piece, seat, slot, pitch, target, dice)
                )
            events.append(Event(time, length * 0.9, pitch, _velocity(passage, 0.9 if index % 2 else 0.6)))
    return events


def _pulses(piece: Piece, slot: Slot) -> list[tuple[float, float]]:
    found, bar = [], slot.onset // piece.meter.bar * piece.meter.bar
    while bar < slot.end - 1e-6:
        for start, length in zip(piece.meter.starts, piece.meter.pulses, strict=True):
            if slot.onset - 1e-6 <= bar + start < slot.end - 1e-6:
                found.append((bar + start, length))
        bar += piece.meter.bar
    return found or [(slot.onset, slot.length)]


def _stroll(piece: Piece, seat: Seat, slot: Slot, pitch: int, target: int, dice: Dice) -> int:
    """A chord tone or scale step near the last note, not the same one, leaning towards the next root."""
    tones = set(slot.harmony.pitch_classes)
    low, high = _bottom(seat), INSTRUMENTS[seat.instrument].high
    options = [each for each in range(max(low, pitch - 5), min(high, pitch + 5) + 1) if each != pitch]
    usable = [
        each for each in options if each % 12 in tones or (each % 12 in piece.key.collection and abs(each - pitch) <= 2)
    ]
    return min(
        usable,
        key=lambda each: (
            abs(each - target) * 0.5 + abs(each - pitch) * 0.3 + dice.uniform(0, 3) - (each % 12 in tones),
            each,
        ),
    )


def _approach(piece: Piece, seat: Seat, slot: Slot, target: int, dice: Dice) -> int:
    """A step above or below the coming root: of the scale mostly, sometimes a semitone, or the fifth above it."""
    steps_of_scale = [target + step for step in (-2, -1, 1, 2) if (target + step) % 12 in piece.key.collection]
    options = [*steps_of_scale, *steps_of_scale, target - 1, target + 7]
    usable = [pitch for pitch in options if _bottom(seat) <= pitch <= INSTRUMENTS[seat.instrument].high]
    return dice.pick(usable or [target])


def _closing(piece: Piece, seat: Seat, passage: Passage) -> list[Event]:
    """Roots under every chord; the last one is held to the end."""
    return [
        Event(
            slot.onset, slot.length * 0.96, _near(slot.harmony.root, seat, _bottom(seat) + 8), _velocity(passage, 0.8)
        )
        for slot in passage.slots
    ]
