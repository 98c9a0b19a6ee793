"""The bass: patterns over the chords' roots and inversions, walking lines, the figures of genres, and pedals.

Pattern marks: `R` the bass of the chord, `3` third, `5` fifth, `8` octave, `7` the note a step below the next bass, `6`
the sixth, `-` hold. A note lasts until the next mark. The bass is always struck where a chord begins. Every chord's
bass is set in the octave that goes against the melody where both would else run in parallel fifths or octaves.
"""

from collections.abc import Callable
from dataclasses import dataclass

from models.composer.counterpoint import clashes
from models.composer.dice import Dice
from models.composer.groove import steps
from models.composer.harmony import Slot
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat, row_of

_PARALLEL = 14.0
_Marks = list[tuple[float, float, str]]  # onset, length, mark

# Two bars of a drum-and-bass or techno bass in sixteenths, and figures for ostinati in eighths of 4/4.
_ROLLS = (
    "R..R..5.R..R.8..R..R..5.8..5R.7.",
    "R.R..R..8..R..5.R.R..R..5..R..7.",
    "R..R8..R..5.R...R..R8..R.5..8.7.",
    "R...R..R.8..R.5.R...R..R.5..8.7.",
)
_FIGURES = (
    "R.R5R.8.R.R5R.7.",
    "R.RR5.R.8.5.R.7.",
    "R..R..5.R..R.57.",
    "RR.R8.5.RR.R5.3.",
    "R...5.8.R...8.5.",
)


@dataclass(frozen=True)
class _Player:
    """Who writes, and where: the seat, the piece, the passage, and the first slot of what comes after it."""

    piece: Piece
    seat: Seat
    passage: Passage
    after: Slot
    first: int
    floors: tuple[int, ...]

    @property
    def low(self) -> int:
        return _bottom(self.seat)

    @property
    def high(self) -> int:
        return INSTRUMENTS[self.seat.instrument].high

    def place(self, slot: Slot) -> int:
        return next(place for place, each in enumerate(self.passage.slots) if each is slot)

    def floor(self, slot: Slot) -> int:
        """The bass note of a chord of the passage."""
        return self.floors[self.place(slot)]

    def following(self, slot: Slot) -> Slot:
        place = self.place(slot) + 1
        return self.passage.slots[place] if place < len(self.passage.slots) else self.after

    def velocity(self, time: float, bonus: int = 0) -> int:
        strength = self.piece.meter.strength(time % self.piece.meter.bar)
        return max(1, min(127, int(58 + 38 * self.passage.energy + 12 * (strength - 0.5)) + bonus))


def write(piece: Piece, seat: Seat) -> list[Event]:
    """The whole bass part."""
    events: list[Event] = []
    first = 0
    for place, passage in enumerate(piece.passages):
        if seat.plays(passage, piece.character):
            after = piece.passages[(place + 1) % len(piece.passages)].slots[0]
            last = events[-1].pitch if events else None
            player = _Player(piece, seat, passage, after, first, _floors(piece, seat, passage, first, last))
            events += _written(player, place)
        first += len(passage.slots)
    return _unparallel(piece, seat, sorted(events))


def _written(player: _Player, place: int) -> list[Event]:
    style = player.seat.chair.style
    dice = Dice("bass", style, player.piece.seed, player.passage.part.material, place % 2)
    if style == "drone":
        return _drone(player)
    if player.passage.phrase.cadence == "final":
        return _closing(player)
    if style == "walking" and player.passage.energy >= 0.25:
        return _walking(player, Dice("walk", player.piece.seed, place))
    if style in _STYLES and player.passage.energy >= _FROM.get(style, 0.0):
        return _played(player, _STYLES[style](player, dice))
    if player.seat.chair.patterns:
        return _played(player, _rowed(player))
    return _played(player, _eighths(player, dice) if player.passage.energy >= 0.5 else _long(player))


def _bottom(seat: Seat) -> int:
    return max(INSTRUMENTS[seat.instrument].low, 28)


def _floors(piece: Piece, seat: Seat, passage: Passage, first: int, last: int | None) -> tuple[int, ...]:
    """The bass notes of a passage: near the last one and the middle of the low range, against the melody."""
    low, high = _bottom(seat), min(INSTRUMENTS[seat.instrument].high, _bottom(seat) + 21)
    middle = low + 8
    line: list[int] = []
    for place, slot in enumerate(passage.slots):
        before = line[-1] if line else last
        options = [key for key in range(low, high + 1) if key % 12 == _class(piece, slot, passage)]
        line.append(min(options, key=lambda key: (_leap(piece, first + place, before, key, middle), key)))
    return tuple(line)


def _leap(piece: Piece, change: int, before: int | None, key: int, middle: int) -> float:
    cost = 0.5 * max(0.0, abs(key - middle) - 5)
    if before is None:
        return cost
    wide = abs(key - before)
    return (
        cost
        + 0.4 * wide
        + (2.0 if wide > 7 and wide != 12 else 0)
        + _PARALLEL * clashes(piece.heard, change, before, key)
    )


def _class(piece: Piece, slot: Slot, passage: Passage) -> int:
    """The pitch class of a chord's bass: its own, or the tonic where the state wants a pedal and the chord bears it."""
    pedalled = piece.character.pedal and slot is not passage.slots[-1] and slot.bass < 0
    dominant = slot.harmony.numeral.startswith(("V", "v"))
    consonant = piece.key.tonic in slot.harmony.pitch_classes
    return piece.key.tonic if pedalled and consonant and not dominant else slot.floor


def _near(pitch_class: int, low: int, high: int, around: int) -> int:
    """The pitch of a class nearest to `around` within low..high."""
    options = [key for key in range(low, high + 1) if key % 12 == pitch_class]
    return min(options, key=lambda key: (abs(key - around), key))


def _played(player: _Player, marks: _Marks) -> list[Event]:
    """Marks as notes; the chord's bass is struck where the chord begins, whatever the mark."""
    starts = {round(slot.onset, 3) for slot in player.passage.slots}
    taken = {round(time, 3) for time, _, _ in marks}
    marks = marks + [(slot.onset, 9.0, "R") for slot in player.passage.slots if round(slot.onset, 3) not in taken]
    ordered = sorted((time, length, "R" if round(time, 3) in starts else mark) for time, length, mark in marks)
    events: list[Event] = []
    for place, (time, length, mark) in enumerate(ordered):
        until = ordered[place + 1][0] if place + 1 < len(ordered) else player.passage.end
        if mark in "-.":
            continue
        span = min(length, until - time)
        hold = 0.92 if span > 0.5 else min(0.95, 0.85 * player.piece.character.legato)
        events.append(Event(time, span * hold, _marked(player, mark, time), player.velocity(time)))
    return events


def _marked(player: _Player, mark: str, time: float) -> int:
    """The key of a mark. `A` anticipates: the bass of the chord that comes next."""
    slot = player.passage.slot_at(time)
    root = player.floor(slot)
    if mark == "8":
        return root + 12 if root + 12 <= player.high else root
    if mark in "356":
        wanted = {"3": (3, 4), "5": (6, 7, 8), "6": (9, 8)}[mark]
        tone = next((tone for tone in slot.harmony.tones if tone in wanted), None)
        if tone is None or slot.floor != slot.harmony.root or root % 12 != slot.harmony.root:
            return root + 12 if root + 12 <= player.high and mark == "5" else root
        return _near((slot.harmony.root + tone) % 12, player.low, player.high, root + 5)
    if mark in "7A":
        following = player.following(slot)
        target = _near(following.floor, player.low, player.high, root)
        return target if mark == "A" else _below(player, target, root)
    return root


def _below(player: _Player, target: int, root: int) -> int:
    """The scale's step below a target, the root itself where the instrument ends."""
    below = next(target - step for step in range(1, 5) if (target - step) % 12 in player.piece.key.collection)
    return below if below >= player.low else root


def _bars(player: _Player) -> list[tuple[int, float]]:
    meter = player.piece.meter
    return [(bar, player.passage.start + bar * meter.bar) for bar in range(player.passage.phrase.bars)]


def _rowed(player: _Player) -> _Marks:
    """The genre's own rows."""
    meter = player.piece.meter
    return [
        (base + place, 9.0, mark)
        for bar, base in _bars(player)
        for place, mark in steps(
            row_of(player.piece, player.seat, player.passage, bar), meter, player.passage.phrase.bar + bar
        )
    ]


def _units(player: _Player, size: float = 0.5) -> list[tuple[float, float, int]]:
    """(onset, length, number within its pulse) of the eighths (or smaller notes) of every bar, pulse by pulse."""
    found = []
    for _, base in _bars(player):
        for start, pulse in zip(player.piece.meter.starts, player.piece.meter.pulses, strict=True):
            count = max(1, round(pulse / size))
            found += [(base + start + part * pulse / count, pulse / count, part) for part in range(count)]
    return found


def _tiled(player: _Player, row: str, grid: float) -> _Marks:
    """A row of marks on a grid, said again through the passage, fitted to each bar."""
    count = round(player.piece.meter.bar / grid)
    bars = max(1, len(row) // count)
    return [
        (base + place * grid, 9.0, mark)
        for bar, base in _bars(player)
        for place, mark in enumerate((row[(bar % bars) * count :] + row)[:count])
        if mark != "."
    ]


def _long(player: _Player, *_: object) -> _Marks:
    return [(slot.onset, slot.length, "R") for slot in player.passage.slots]


def _bossa(player: _Player, dice: Dice) -> _Marks:
    """Root, a dotted quarter later the fifth before the middle of the bar, and the next bass an eighth early."""
    meter, marks = player.piece.meter, []
    for bar, base in _bars(player):
        half = meter.middle if meter.middle < meter.bar else meter.bar / 2
        marks += [(base, 9.0, "R"), (base + max(0.5, half - 0.5), 9.0, "5"), (base + half, 9.0, "5")]
        ahead = base + meter.bar - 0.5
        slot = player.passage.slot_at(ahead)
        changes = slot.end <= base + meter.bar + 1e-6 and bar < player.passage.phrase.bars - 1
        if ahead > base + half and (changes or dice.chance(0.6)):
            marks.append((ahead, 9.0, "A" if changes else "R"))
    return marks


def _octaves(player: _Player, dice: Dice) -> _Marks:
    """Bass and octave in eighths; the last eighth of a chord steps into the next one now and then."""
    marks = [(time, length * 0.9, "8" if part % 2 else "R") for time, length, part in _units(player)]
    return _led(player, marks, dice, 0.4)


def _eighths(player: _Player, dice: Dice) -> _Marks:
    """Straight eighths on the bass, a step into the next chord."""
    return _led(player, [(time, length * 0.95, "R") for time, length, _ in _units(player)], dice, 0.6)


def _led(player: _Player, marks: _Marks, dice: Dice, chance: float) -> _Marks:
    """The last mark of a chord of a bar or more becomes a step into the next one, by chance."""
    ends = {round(slot.end, 3) for slot in player.passage.slots if slot.length >= player.piece.meter.bar - 1e-6}
    led = []
    for place, (time, length, mark) in enumerate(marks):
        until = marks[place + 1][0] if place + 1 < len(marks) else player.passage.end
        led.append((time, length, "7" if round(until, 3) in ends and dice.chance(chance) else mark))
    return led


def _sub(player: _Player, dice: Dice) -> _Marks:
    """One long note a chord, or two where it lasts; short of the next, so that nothing glides or overlaps."""
    marks: _Marks = []
    for slot in player.passage.slots:
        late = dice.pick((0.75, 1.0, 1.5)) * slot.length / 2
        late = round(late * 2) / 2
        twice = slot.length >= 3 and player.passage.energy >= 0.38 and 0.5 < late < slot.length - 0.5
        marks.append((slot.onset, (late if twice else slot.length) * 0.9, "R"))
        marks += [(slot.onset + late, (slot.length - late) * 0.85, "R")] if twice else []
    return marks


def _rolling(player: _Player, dice: Dice) -> _Marks:
    return _tiled(player, dice.pick(_ROLLS), 0.25)


def _ostinato(player: _Player, dice: Dice) -> _Marks:
    """A figure drawn from the seed, moved to each chord."""
    return _tiled(player, Dice("figure", player.piece.seed, player.seat.role).pick(_FIGURES), 0.5)


def _march(player: _Player, dice: Dice) -> _Marks:
    """Bass and fifth alternating on the pulses: two to a bar of three or of two threes, else every pulse or half."""
    meter, marks = player.piece.meter, []
    for bar, base in _bars(player):
        if meter.numerator == 3 and not meter.compound:
            marks.append((base, meter.pulses[0] * 1.5, "5" if bar % 2 else "R"))
            continue
        whole = len(meter.pulses) <= 3 or player.passage.energy >= 0.75
        starts = meter.starts if whole else (0.0, meter.middle)
        marks += [(base + start, 0.8, "5" if place % 2 else "R") for place, start in enumerate(starts)]
    return marks


_STYLES: dict[str, Callable[[_Player, Dice], _Marks]] = {
    "bossa": _bossa,
    "octaves": _octaves,
    "eighths": _eighths,
    "sub": _sub,
    "rolling": _rolling,
    "ostinato": _ostinato,
    "march": _march,
}
_FROM = {"octaves": 0.3, "eighths": 0.3, "rolling": 0.35, "ostinato": 0.3}


def _drone(player: _Player) -> list[Event]:
    """The tonic, struck again every other bar, to the end of the passage."""
    meter, passage = player.piece.meter, player.passage
    key = _near(player.piece.key.tonic, player.low, player.high, player.low + 6)
    step = 2 * meter.bar if passage.energy < 0.62 else meter.bar
    count = max(1, round(passage.length / step))
    times = [passage.start + place * passage.length / count for place in range(count)]
    return [Event(time, passage.length / count * 0.98, key, player.velocity(time)) for time in times]


def _walking(player: _Player, dice: Dice) -> list[Event]:
    """A note a pulse: the bass on the chord, chord tones and scale steps between, a step into the next bass."""
    events: list[Event] = []
    for slot in player.passage.slots:
        times = _pulses(player.piece, slot)
        pitch = player.floor(slot)
        target = _near(player.following(slot).floor, player.low, player.high, pitch)
        for index, (time, length) in enumerate(times):
            if index:
                last = index == len(times) - 1
                pitch = _approach(player, target, pitch, dice) if last else _stroll(player, slot, pitch, target, dice)
            events.append(Event(time, length * 0.9, pitch, player.velocity(time, 3 if index % 2 else 0)))
    return events


def _pulses(piece: Piece, slot: Slot) -> list[tuple[float, float]]:
    found, bar = [], slot.onset // piece.meter.bar * piece.meter.bar
    while bar < slot.end - 1e-6:
        for start, length in zip(piece.meter.starts, piece.meter.pulses, strict=True):
            if slot.onset - 1e-6 <= bar + start < slot.end - 1e-6:
                found.append((bar + start, length))
        bar += piece.meter.bar
    return found or [(slot.onset, slot.length)]


def _stroll(player: _Player, slot: Slot, pitch: int, target: int, dice: Dice) -> int:
    """A chord tone or scale step near the last note, not the same one, leaning towards the next bass."""
    tones, scale = set(slot.harmony.pitch_classes), player.piece.key.collection
    options = [key for key in range(max(player.low, pitch - 5), min(player.high, pitch + 5) + 1) if key != pitch]
    usable = [key for key in options if key % 12 in tones or (key % 12 in scale and abs(key - pitch) <= 2)]
    return min(
        usable or [pitch],
        key=lambda key: (
            abs(key - target) * 0.5 + abs(key - pitch) * 0.3 + dice.uniform(0, 3) - (key % 12 in tones),
            key,
        ),
    )


def _approach(player: _Player, target: int, pitch: int, dice: Dice) -> int:
    """A step above or below the coming bass: of the scale mostly, sometimes a semitone, or the fifth above it."""
    scale = [target + step for step in (-2, -1, 1, 2) if (target + step) % 12 in player.piece.key.collection]
    options = [*scale, *scale, target - 1, target + 7]
    usable = [key for key in options if player.low <= key <= player.high and key != pitch]
    return dice.pick(usable or [target])


def _closing(player: _Player) -> list[Event]:
    """The bass of every chord; the last one is held to the end."""
    return [
        Event(slot.onset, slot.length * 0.96, floor, player.velocity(slot.onset, 4))
        for slot, floor in zip(player.passage.slots, player.floors, strict=True)
    ]


def _unparallel(piece: Piece, seat: Seat, events: list[Event]) -> list[Event]:
    """The line without the parallels that the basses could not foresee, since the last note before them was not known.

    The note that begins the chord moves by an octave, or else the one before it to the chord's own bass, or the first
    to the chord's third or fifth."""
    line = list(events)
    places = {round(start, 3): place for place, start in enumerate(piece.starts)}
    slots = [slot for passage in piece.passages for slot in passage.slots]
    for index in range(1, len(line)):
        change = places.get(round(line[index].onset, 3))
        if change and clashes(piece.heard, change, line[index - 1].pitch, line[index].pitch):
            _mend(piece, seat, line, index, change, slots)
    return line


def _mend(piece: Piece, seat: Seat, line: list[Event], index: int, change: int, slots: list[Slot]) -> None:
    low, high = _bottom(seat), min(INSTRUMENTS[seat.instrument].high, _bottom(seat) + 24)
    before, pitch, slot = line[index - 1].pitch, line[index].pitch, slots[change]
    edge = slot.harmony.root == piece.key.tonic or change == len(slots) - 1
    inner = [(slot.harmony.root + tone) % 12 for tone in slot.harmony.tones[1:3]] if not edge else []
    octaves = [pitch + step for step in (-12, 12)]
    others = [key for key in range(pitch - 12, pitch + 13) if key % 12 in inner]
    for options in (octaves, others):
        free = [
            key
            for key in options
            if low <= key <= high and abs(key - before) <= 12 and not clashes(piece.heard, change, before, key)
        ]
        if free:
            line[index] = line[index]._replace(pitch=min(free, key=lambda key: (abs(key - before), key)))
            return
    if index >= 2 and round(line[index - 1].onset, 3) not in {round(each.onset, 3) for each in slots}:
        for key in (line[index - 2].pitch, pitch):
            if not clashes(piece.heard, change, key, pitch):
                line[index - 1] = line[index - 1]._replace(pitch=key)
                return
