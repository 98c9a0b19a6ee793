"""Ways of playing chords that bring their rhythm along: oom-pah-pah, stride, Alberti, rolls, stabs, drones, tremolo.

Each figure turns the voicings of a passage into notes and fits itself to the meter by its pulses. Which voicing a chord
has is decided elsewhere (`accompaniment`); nothing here chooses chords.
"""

from collections.abc import Callable
from dataclasses import dataclass

from models.composer.dice import Dice
from models.composer.harmony import Slot
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.piece import Passage, Piece, Seat
from models.composer.singing import folded
from models.composer.voicing import Voicing

_ROLL = 0.11  # quarters between the notes of a rolled chord
_BOTTOM = 41  # the lowest bass note of a left hand
# Two bars of sixteenths: `X` root, fifth and octave together, `R` root, `5` fifth, `8` octave, `7` the step below it.
_RIFFS = (
    "X..R..R.X..R..5.X..R..R.8.7.5.7.",
    "X.RRX.RR..X.R.7.X.RRX.RR..X.8.5.",
    "R.R.8.R.R.5.R.7.R.R.8.R.5.7.8...",
    "X...R.R.X.R...7.X...R.R.X.8.5.R.",
    "R..R..R.8..R5.7.R..R..R.8.5.R.X.",
)


@dataclass(frozen=True)
class Hand:
    """A player in a passage, with a voicing (MIDI keys, ascending) for each of its chords."""

    piece: Piece
    seat: Seat
    passage: Passage
    voicings: tuple[Voicing, ...]

    @property
    def low(self) -> int:
        """The instrument's lowest key."""
        return INSTRUMENTS[self.seat.instrument].low

    @property
    def high(self) -> int:
        """The instrument's highest key."""
        return INSTRUMENTS[self.seat.instrument].high

    def chord(self, time: float) -> tuple[Slot, Voicing]:
        """The chord that sounds at a time, and its voicing."""
        for slot, voicing in zip(self.passage.slots, self.voicings, strict=True):
            if time < slot.end - 1e-6:
                return slot, voicing
        return self.passage.slots[-1], self.voicings[-1]

    def loud(self, time: float, base: int) -> int:
        """Velocity by energy, by the beat, and by an arc over the passage."""
        passage, meter = self.passage, self.piece.meter
        arc = 6 * (1 - abs(2 * (time - passage.start) / passage.length - 1))
        return max(1, min(127, int(base + 34 * passage.energy + arc + 10 * (meter.strength(time % meter.bar) - 0.5))))

    def bars(self) -> list[float]:
        """Where the bars of the passage begin."""
        return [self.passage.start + bar * self.piece.meter.bar for bar in range(self.passage.phrase.bars)]

    def pulses(self) -> list[tuple[float, float, int]]:
        """(onset, length, number in its bar) of every felt beat."""
        meter = self.piece.meter
        return [
            (base + start, length, place)
            for base in self.bars()
            for place, (start, length) in enumerate(zip(meter.starts, meter.pulses, strict=True))
        ]

    def struck(self, keys: Voicing, time: float, length: float, base: int) -> list[Event]:
        """Keys struck together."""
        loud = self.loud(time, base)
        return [Event(time, length, key, loud) for key in keys]


def block(hand: Hand) -> list[Event]:
    """A chord on every pulse; calm passages only on strong ones."""
    events: list[Event] = []
    beats = [
        (time, length)
        for time, length, _ in hand.pulses()
        if hand.passage.energy >= 0.38 or hand.piece.meter.strength(time % hand.piece.meter.bar) >= 0.8
    ]
    for place, (time, _) in enumerate(beats):
        until = beats[place + 1][0] if place + 1 < len(beats) else hand.passage.end
        events += hand.struck(hand.chord(time)[1], time, (until - time) * 0.88, 46)
    return events


def offbeat(hand: Hand) -> list[Event]:
    """A short chord on the second half of every pulse (its last third in threes)."""
    events: list[Event] = []
    for time, length, _ in hand.pulses():
        at = time + (length - 0.5 if length > 0.6 else length / 2)
        events += hand.struck(hand.chord(at)[1], at, 0.26, 46)
    return events


def stab(hand: Hand) -> list[Event]:
    """Short off-beat chords in a rhythm of two bars, drawn from the seed and kept."""
    meter = hand.piece.meter
    eighths = round(meter.bar * 2)
    dice = Dice("stab", hand.piece.seed, hand.passage.part.material)
    places = [place for place in range(2 * eighths) if meter.strength(place / 2 % meter.bar) <= 0.3]
    kept = [place for place in places if dice.chance(0.35 + 0.4 * hand.passage.energy)] or places[:1]
    events: list[Event] = []
    for number, base in enumerate(hand.bars()):
        for place in kept:
            if place // eighths == number % 2:
                time = base + place % eighths / 2
                events += hand.struck(hand.chord(time)[1], time, 0.22, 52)
    return events


def waltz(hand: Hand) -> list[Event]:
    """A bass note where a group begins, chords on the rest of it: oom-pah-pah, oom-pah."""
    return _oompah(hand, 0)


def stride(hand: Hand) -> list[Event]:
    """The same over two octaves, the bass in octaves or tenths."""
    return _oompah(hand, 12)


def _oompah(hand: Hand, doubled: int) -> list[Event]:
    events: list[Event] = []
    for group, (time, length, oom) in enumerate(_groups(hand)):
        slot, voicing = hand.chord(time)
        if not oom:
            events += hand.struck(voicing, time, length * 0.6, 42)
            continue
        key = _left(hand, slot, second=group > 0 and abs(time - slot.onset) > 1e-6)
        keys = (key, key + doubled) if doubled and key + doubled < voicing[0] else (key,)
        events += hand.struck(keys, time, length * 0.8, 50)
    return events


def _groups(hand: Hand) -> list[tuple[float, float, bool]]:
    """(onset, length, whether it is the bass note) of an accompaniment that starts every group with one.

    Groups are bars of three, halves of longer bars, and the pulses of compound and odd meters."""
    meter, found = hand.piece.meter, []
    for time, length, place in hand.pulses():
        if length == 1.0 and meter.denominator <= 4:
            heads = (0.0,) if meter.numerator == 3 else (0.0, meter.middle)
            found.append((time, length, any(abs(meter.starts[place] - head) < 1e-6 for head in heads)))
        else:
            count = max(1, round(length * 2))
            found += [(time + part * length / count, length / count, part == 0) for part in range(count)]
    return found


def _left(hand: Hand, slot: Slot, second: bool) -> int:
    """A left hand's bass note: the chord's bass, or its fifth for the second one of a chord."""
    fifth = next((tone for tone in slot.harmony.tones if tone in (6, 7, 8)), None)
    wanted = (slot.harmony.root + fifth) % 12 if second and fifth is not None else slot.floor
    bottom = max(hand.low, _BOTTOM)
    return _within(hand, bottom + (wanted - bottom) % 12)


def alberti(hand: Hand) -> list[Event]:
    """Low, high, middle, high; low, middle, high in threes. Sixteenths where the music drives and is not too fast."""
    fine = hand.passage.energy >= 0.62 and hand.piece.bpm < 110
    events: list[Event] = []
    for time, length, place in hand.pulses():
        count = max(1, round(length * (4 if fine else 2)))
        order = (0, 1, 2) if count == 3 else (0, 2, 1, 2)
        offset = 0 if count >= 3 else place % 2 * count
        for part in range(count):
            at = time + part * length / count
            voicing = hand.chord(at)[1]
            key = voicing[min(order[(part + offset) % len(order)], len(voicing) - 1)]
            events.append(Event(at, length / count * 0.98, key, hand.loud(at, 40 if part % 2 else 45)))
    return events


def rolled(hand: Hand) -> list[Event]:
    """Every chord broken upwards and left to ring."""
    return [event for slot in hand.passage.slots for event in roll(hand, slot.onset, slot.end - slot.onset)]


def roll(hand: Hand, time: float, length: float) -> list[Event]:
    """One chord broken upwards."""
    voicing = hand.chord(time)[1]
    gap = min(_ROLL * (1.5 if hand.passage.energy < 0.3 else 1.0), length / (2 * len(voicing)))
    return [
        Event(time + place * gap, length * 0.97 - place * gap, key, hand.loud(time, 46 + 2 * place))
        for place, key in enumerate(voicing)
    ]


def drone(hand: Hand) -> list[Event]:
    """Tonic and fifth (the octave where the mode lacks it), held through the passage."""
    tonic = hand.piece.key.tonic
    bottom = max(hand.low, 45)
    root = _within(hand, bottom + (tonic - bottom) % 12)
    fifth = 7 if (tonic + 7) % 12 in hand.piece.key.collection else 12
    keys = tuple(key for key in (root, root + fifth) if key <= hand.high)
    return hand.struck(keys, hand.passage.start, hand.passage.length * 0.995, 44)


def tremolo(hand: Hand) -> list[Event]:
    """The chord repeated in sixteenths (eighths at speed or where it is calm), growing towards the next one."""
    grid = 0.25 if hand.piece.bpm <= 132 and hand.passage.energy >= 0.3 else 0.5
    events: list[Event] = []
    for slot, voicing in zip(hand.passage.slots, hand.voicings, strict=True):
        count = max(1, round(slot.length / grid))
        for place in range(count):
            time = slot.onset + place * slot.length / count
            swell = int(12 * place / count) - (4 if place % 2 else 0)
            events += [
                Event(time, slot.length / count * 0.9, key, hand.loud(slot.onset, 34 + swell)) for key in voicing
            ]
    return events


def riff(hand: Hand) -> list[Event]:
    """Two bars of root, fifth and octave drawn from the seed, said again under the chords."""
    row = Dice("riff", hand.piece.seed, hand.seat.role).pick(_RIFFS)
    size = round(hand.piece.meter.bar * 4)
    events: list[Event] = []
    for number, base in enumerate(hand.bars()):
        line = (row[(number % 2) * 16 :] + row)[:size]
        marks = [place for place, mark in enumerate(line) if mark != "."]
        for index, place in enumerate(marks):
            until = marks[index + 1] if index + 1 < len(marks) else size
            time = base + place / 4
            keys = _riffed(hand, line[place], time)
            events += hand.struck(keys, time, min(until - place, 4) / 4 * 0.85, 54 if line[place] == "X" else 46)
    return events


def _riffed(hand: Hand, mark: str, time: float) -> Voicing:
    """The keys of a mark, each moved by octaves to where the instrument has it."""
    keys = _marked(hand, mark, time)
    return tuple(sorted({_within(hand, key) for key in keys}))


def _within(hand: Hand, key: int) -> int:
    """The same tone in the instrument's range."""
    return folded(key, hand.low, hand.high)


def _marked(hand: Hand, mark: str, time: float) -> Voicing:
    slot, _ = hand.chord(time)
    bottom = max(hand.low, 38)
    root = bottom + (slot.floor - bottom) % 12
    if mark == "7":
        return (next(root - step for step in range(1, 6) if (root - step) % 12 in hand.piece.key.collection),)
    fifth = 7 if 7 in slot.harmony.tones and slot.floor == slot.harmony.root else 12
    if mark == "X":
        return (root, root + fifth) if fifth == 12 else (root, root + 7, root + 12)
    return (root + {"R": 0, "5": fifth, "8": 12}[mark],)


FIGURES: dict[str, Callable[[Hand], list[Event]]] = {
    "block": block,
    "offbeat": offbeat,
    "stab": stab,
    "waltz": waltz,
    "stride": stride,
    "alberti": alberti,
    "rolled": rolled,
    "drone": drone,
    "tremolo": tremolo,
    "riff": riff,
}
"""The figures by the word a genre file uses for them."""
