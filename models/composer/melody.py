"""The melody: the theme fitted to the chords, continued where it leaves off, closed on stable tones, with breath.

Strong notes are chord tones (or resolve by step), weak ones belong to the scale of the moment, leaps are answered by
steps the other way, and phrases end with time to take a breath.
"""

from collections.abc import Sequence

from models.composer.dice import Dice
from models.composer.harmony import Slot
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event, single_voice
from models.composer.piece import Passage, Piece, Seat
from models.composer.theme import Motif, Tone
from models.composer.theory import Key

_GOALS = {"authentic": (0,), "final": (0,), "half": (1, 4, 6), "loop": (1, 4, 6), "open": (1, 2, 4)}


def write(piece: Piece, seat: Seat) -> list[Event]:
    """The whole melody for one instrument."""
    events: list[Event] = []
    base = home(piece, seat, piece.motif)
    for passage in piece.passages:
        if not seat.plays(passage, piece.character) and not passage.sketch:
            continue
        dice = Dice("melody", piece.seed, passage.part.material, passage.part.visit, passage.phrase.index)
        pitched = _phrase(piece, seat, passage, base, dice)
        events += _shaped(piece, passage, single_voice(_in_range(pitched, seat)))
    return events


def write_counter(piece: Piece, seat: Seat) -> list[Event]:
    """A second voice: the counter-motif where the character asks for it, else guide tones in long notes."""
    events: list[Event] = []
    base = home(piece, seat, piece.counter)
    last = base + 4
    for passage in piece.passages:
        if not seat.plays(passage, piece.character):
            continue
        if piece.character.counter and passage.phrase.index % 2 == 0 and passage.phrase.cadence != "final":
            tones = [tone for tone in piece.counter.tones if tone.onset < passage.length - 1e-6]
            told = [_fitted(piece, passage, tone, base, None) for tone in tones]
        else:
            told = _guides(piece, passage, seat, last)
        last = told[-1].pitch if told else last
        voiced = single_voice(_in_range(told, seat))
        events += [event._replace(velocity=max(1, event.velocity - 8)) for event in _shaped(piece, passage, voiced)]
    return events


def write_guides(piece: Piece, seat: Seat) -> list[Event]:
    """Nothing but guide tones, one a chord."""
    last = home(piece, seat, piece.counter) + 4
    events: list[Event] = []
    for passage in piece.passages:
        told = _guides(piece, passage, seat, events[-1].pitch if events else last)
        events += _shaped(piece, passage, _in_range(told, seat))
    return events


def home(piece: Piece, seat: Seat, motif: Motif) -> int:
    """The MIDI key of degree 0 that sets a motif into an instrument's range, near its middle, moved by the register."""
    instrument = INSTRUMENTS[seat.instrument]
    height = 0.3 if seat.role == "counter" else 0.62 if instrument.chords else 0.44
    height += 0.12 if piece.character.riff and seat.role == "melody" else 0.0
    wanted = instrument.low + height * (instrument.high - instrument.low) + piece.character.register
    degrees = [tone.degree for tone in motif.tones] or [0]
    spans = [piece.key.semitones(degree) for degree in degrees]
    mean = sum(spans) / len(spans)

    def cost(tonic: int) -> tuple[float, int]:
        outside = sum(not instrument.low <= tonic + span <= instrument.high for span in spans)
        return 6.0 * outside + abs(tonic + mean - wanted), tonic

    return min((12 * octave + piece.key.tonic for octave in range(2, 9)), key=cost)


def in_scale(key: Key, slot: Slot, pitch: int) -> int:
    """The pitch itself, or the chord's own altered tone where it replaces this degree (a raised leading tone)."""
    tones = slot.harmony.pitch_classes
    if pitch % 12 in tones:
        return pitch
    for step in (1, -1):
        neighbour = (pitch + step) % 12
        if neighbour in tones and neighbour not in key.collection:
            return pitch + step
    return pitch


def chord_tone(slot: Slot, pitch: int, towards: int | None) -> int:
    """The chord tone nearest to a pitch, the one on the side of `towards` where two are as near."""
    tones = slot.harmony.pitch_classes
    options = [pitch + step for step in range(-6, 7) if (pitch + step) % 12 in tones]
    lean = pitch if towards is None else towards
    return min(options, key=lambda each: (abs(each - pitch), abs(each - lean), each))


def _fitted(piece: Piece, passage: Passage, tone: Tone, base: int, before: int | None) -> Event:
    """A tone of the theme over its chord: strong and long ones become chord tones, the rest stay in the scale."""
    time = passage.start + tone.onset
    slot = passage.slot_at(time)
    pitch = in_scale(piece.key, slot, base + piece.key.semitones(tone.degree) + tone.alter)
    strong = piece.meter.strength(tone.onset) >= 0.8 or tone.length >= 2
    if strong and _clashes(piece.key, slot, pitch, tone.length):
        pitch = chord_tone(slot, pitch, before)
    return Event(time, tone.length, pitch, 0)


def _clashes(key: Key, slot: Slot, pitch: int, length: float) -> bool:
    """Whether a strong note needs another pitch: no chord tone, and either foreign, long, or a semitone off one."""
    tones = slot.harmony.pitch_classes
    if pitch % 12 in tones:
        return False
    near = any((pitch - tone) % 12 in (1, 11) for tone in tones)
    return (near and length >= 1) or length >= 2 or pitch % 12 not in key.collection


def _phrase(piece: Piece, seat: Seat, passage: Passage, base: int, dice: Dice) -> list[Event]:
    told: list[Event] = []
    for tone in passage.sketch:
        told.append(_fitted(piece, passage, tone, base, told[-1].pitch if told else None))
    if passage.part.visit and piece.character.melody != "sparse":
        told = _ornamented(piece, passage, told, dice)
    if passage.fill:
        told += _continued(piece, passage, told, base, dice)
    if told and passage.phrase.bars > 1 and (passage.fill or passage.phrase.cadence in ("authentic", "final", "loop")):
        told = _closed(piece, passage, told, base)
    return _breathing(piece, passage, told)


def _breathing(piece: Piece, passage: Passage, told: list[Event]) -> list[Event]:
    """Half a pulse of silence before the next phrase, taken from a last note that can spare it."""
    if not told or passage.phrase.cadence == "final":
        return told
    last, breath = told[-1], max(0.5, piece.meter.pulses[-1] / 2)
    over = last.onset + last.length - (passage.end - breath)
    return [*told[:-1], last._replace(length=last.length - over)] if 0 < over <= last.length / 2 else told


def _ornamented(piece: Piece, passage: Passage, told: list[Event], dice: Dice) -> list[Event]:
    """Returning themes get passing notes in their thirds."""
    line: list[Event] = []
    for event, after in zip(told, [*told[1:], None], strict=True):
        gap = 0 if after is None else after.pitch - event.pitch
        if event.length >= 1 and 3 <= abs(gap) <= 4 and dice.chance(0.5):
            middle = _step(piece.key, passage.slot_at(event.onset), event.pitch, 1 if gap > 0 else -1)
            half = event.length - 0.5
            line += [event._replace(length=half), Event(event.onset + half, 0.5, middle, 0)]
        else:
            line.append(event)
    return line


def _step(key: Key, slot: Slot, pitch: int, direction: int) -> int:
    """The next scale tone up or down, in the scale of the moment."""
    for distance in (1, 2, 3):
        moved = in_scale(key, slot, pitch + direction * distance)
        if (moved % 12 in key.collection or moved % 12 in slot.harmony.pitch_classes) and moved != pitch:
            return moved
    return pitch


def _continued(piece: Piece, passage: Passage, told: Sequence[Event], base: int, dice: Dice) -> list[Event]:
    """Free bars in the theme's own rhythms, from where the sketch ends to the bar of the cadence."""
    start = _next_bar(piece, passage, told)
    pitch = told[-1].pitch if told else chord_tone(passage.slots[0], base + piece.key.semitones(4), None)
    leap = told[-1].pitch - told[-2].pitch if len(told) > 1 else 0
    arc = base + piece.key.semitones(dice.pick((5, 6, 7))), base + piece.key.semitones(2)
    line: list[Event] = []
    bars = round((passage.end - start) / piece.meter.bar)
    for bar in range(bars):
        for onset, length in _cell(piece, passage, dice):
            time = start + bar * piece.meter.bar + onset
            share = (time - passage.start) / passage.length
            target = arc[0] + (arc[1] - arc[0]) * abs(2 * share - 1)
            strong = piece.meter.strength(onset) >= 0.6 and (length >= 1 or piece.meter.strength(onset) >= 0.8)
            chosen = _chosen(piece, passage, time, pitch, leap, target, strong, dice)
            leap, pitch = chosen - pitch, chosen
            line.append(Event(time, length, pitch, 0))
    return line


def _next_bar(piece: Piece, passage: Passage, told: Sequence[Event]) -> float:
    if not told:
        return passage.start
    done = told[-1].onset + told[-1].length - passage.start
    bars = int(done / piece.meter.bar + 0.999)
    return passage.start + bars * piece.meter.bar


def _cell(piece: Piece, passage: Passage, dice: Dice) -> list[tuple[float, float]]:
    """The rhythm of one of the motif's bars; lively passages halve long notes, the jazz manner runs in eighths."""
    bar = dice.whole(0, piece.motif.bars - 1) if passage.part.kind != "solo" else 0
    cell = [(tone.onset, tone.length) for tone in piece.motif.slice(bar, 1)] or [(0.0, piece.meter.bar)]
    lively = piece.genre.melody == "improvised" or passage.part.kind == "solo"
    split: list[tuple[float, float]] = []
    for onset, length in cell:
        if lively and length >= 1 and dice.chance(0.6):
            count = round(length * 2)
            split += [(onset + index * length / count, length / count) for index in range(count)]
        elif length >= 3:
            split += [(onset, length - 1), (onset + length - 1, 1.0)]
        else:
            split.append((onset, length))
    return split


def _chosen(
    piece: Piece, passage: Passage, time: float, pitch: int, leap: int, target: float, strong: bool, dice: Dice
) -> int:
    """The next note of a free line: near, towards the arc, answering a leap by a step back."""
    slot = passage.slot_at(time)
    if abs(leap) > 4:
        back = _step(piece.key, slot, pitch, -1 if leap > 0 else 1)
        return chord_tone(slot, back, pitch) if strong and _clashes(piece.key, slot, back, 1) else back
    if not strong:
        return _step(piece.key, slot, pitch, 1 if target + dice.uniform(-4, 4) > pitch else -1)
    tones = slot.harmony.pitch_classes
    options = [each for each in range(pitch - 7, pitch + 8) if each % 12 in tones]
    return min(
        options,
        key=lambda each: (
            0.7 * abs(each - pitch)
            + (2 if abs(each - pitch) > 4 else 0)
            + 0.35 * abs(each - target)
            + (2.5 if each == pitch else 0)
            + dice.uniform(0, 2.0),
            each,
        ),
    )


def _closed(piece: Piece, passage: Passage, told: list[Event], base: int) -> list[Event]:
    """The last bar: a step or two into the cadence's goal, held, with a breath after it."""
    bar = passage.end - piece.meter.bar
    before = [event for event in told if event.onset < bar - 1e-6]
    if not before:
        return told
    slot = passage.slot_at(passage.end - 1e-3)
    goal = _goal(piece, passage, slot, base, before[-1].pitch)
    pulse = piece.meter.pulses[0]
    arrive = bar + (piece.meter.middle if slot.onset > bar + 1e-6 else 0.0)
    before = [event._replace(length=min(event.length, arrive - event.onset)) for event in before]
    line: list[Event] = []
    at = before[-1].onset + before[-1].length
    distance = before[-1].pitch - goal
    if abs(distance) > 4 and before[-1].length >= 2 * pulse:
        bridge = _step(piece.key, passage.slot_at(arrive - pulse), goal, 1 if distance > 0 else -1)
        before[-1] = before[-1]._replace(length=before[-1].length - pulse)
        line.append(Event(arrive - pulse, pulse, bridge, 0))
    elif arrive - at > pulse - 1e-6:
        line.append(Event(at, arrive - at, _step(piece.key, passage.slot_at(at), goal, 1 if distance >= 0 else -1), 0))
    before, line = _bridged(piece, passage, before, line, goal)
    breath = 0.0 if passage.phrase.cadence == "final" else max(0.5, pulse / 2)
    return [*before, *line, Event(arrive, passage.end - arrive - breath, goal, 0)]


def _bridged(
    piece: Piece, passage: Passage, before: list[Event], line: list[Event], goal: int
) -> tuple[list[Event], list[Event]]:
    """The last three notes before the goal, drawn near it where they would have to leap into it."""
    whole, after = before + line, goal
    for place in range(len(whole) - 1, max(0, len(whole) - 4), -1):
        if abs(whole[place].pitch - after) <= 4:
            break
        side = 1 if whole[place].pitch > after else -1
        slot = passage.slot_at(whole[place].onset)
        near = _step(piece.key, slot, _step(piece.key, slot, after, side), side)
        whole[place] = whole[place]._replace(pitch=near)
        after = near
    return whole[: len(before)], whole[len(before) :]


def _goal(piece: Piece, passage: Passage, slot: Slot, base: int, near: int) -> int:
    """The closing pitch: a degree of the cadence that the last chord holds, as near to the line as can be."""
    wanted = {(piece.key.tonic + piece.key.semitones(degree)) % 12 for degree in _GOALS[passage.phrase.cadence]}
    tones = set(slot.harmony.pitch_classes[:3])
    good = (wanted & tones) or tones
    options = [pitch for pitch in range(near - 8, near + 9) if pitch % 12 in good]
    return min(options, key=lambda pitch: (abs(pitch - near) + 0.3 * abs(pitch - base - 5), pitch))


def _guides(piece: Piece, passage: Passage, seat: Seat, last: int) -> list[Event]:
    """Long notes on thirds and sevenths, each the nearest to the one before."""
    events = []
    middle = home(piece, seat, piece.counter) + 5
    for slot in passage.slots:
        tones = slot.harmony.pitch_classes[1:2] + slot.harmony.pitch_classes[3:4]
        options = [pitch for pitch in range(last - 7, last + 8) if pitch % 12 in (tones or slot.harmony.pitch_classes)]
        last = min(options, key=lambda pitch: (abs(pitch - last) + 0.4 * abs(pitch - middle), pitch))
        events.append(Event(slot.onset, slot.length, last, 0))
    return events


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
        hold = min(1.0, 0.93 * piece.character.legato) if event.length < 2 else 0.97
        shaped.append(event._replace(length=event.length * hold, velocity=max(1, min(127, int(loud)))))
    return shaped
