"""The plan of a piece before anyone plays: passages with their chords, and who sits where."""

from dataclasses import dataclass

from models.composer.character import Character
from models.composer.counterpoint import Strand
from models.composer.dice import Dice
from models.composer.form import Part, Phrase
from models.composer.genre import Chair, Genre
from models.composer.harmony import Slot
from models.composer.line import Event
from models.composer.meter import Meter
from models.composer.theme import Motif, Tone
from models.composer.theory import Key


@dataclass(frozen=True)
class Passage:
    """A phrase within its part. Times in quarters from the start of the piece; `sketch` is what the theme gives it
    (from the passage's start), `fill` whether the melody goes on where the sketch ends. `line` and `counter` are the
    notes of the melody and of its second voice, around middle C; `energy` says how full the phrase is played."""

    part: Part
    phrase: Phrase
    start: float
    length: float
    energy: float
    slots: tuple[Slot, ...]
    sketch: tuple[Tone, ...]
    fill: bool
    line: tuple[Event, ...] = ()
    counter: tuple[Event, ...] = ()

    @property
    def end(self) -> float:
        """Where the next passage begins."""
        return self.start + self.length

    def slot_at(self, time: float) -> Slot:
        """The chord that sounds at a time (the nearest one outside of the passage)."""
        for slot in self.slots:
            if time < slot.end - 1e-6:
                return slot
        return self.slots[-1]


@dataclass(frozen=True)
class Piece:
    """Everything decided before the parts are written out, and (`heard`) the parts that are written already."""

    key: Key
    meter: Meter
    genre: Genre
    character: Character
    seed: int
    bars: int
    bpm: float
    loop: bool
    motif: Motif
    counter: Motif
    passages: tuple[Passage, ...]
    heard: tuple[Strand, ...] = ()

    @property
    def starts(self) -> tuple[float, ...]:
        """Onsets of all chords, in order."""
        return tuple(slot.onset for passage in self.passages for slot in passage.slots)

    @property
    def quarters(self) -> float:
        """The length of the piece."""
        return self.bars * self.meter.bar


# How the kind of a section moves the entry of a role: contrasts are orchestrated otherwise, breaks empty out.
_SHADES = {
    ("contrast", "counter"): -0.15,
    ("contrast", "ostinato"): 0.08,
    ("bridge", "counter"): -0.2,
    ("bridge", "drums"): 0.08,
    ("verse", "counter"): 0.12,
    ("verse", "ostinato"): 0.06,
    ("peak", "counter"): -0.15,
    ("peak", "pads"): -0.2,
    ("drop", "counter"): 0.3,
    ("solo", "counter"): 0.3,
    ("break", "drums"): 0.4,
    ("break", "percussion"): 0.2,
    ("break", "bass"): 0.25,
    ("intro", "drums"): 0.1,
    ("outro", "drums"): 0.1,
}


def row_of(piece: Piece, seat: "Seat", passage: Passage, bar: int) -> str:
    """The row of steps of a player in a bar of a passage: the one for the meter; of several one is the cell that every
    other bar repeats, another answers it, and a third one may close four bars."""
    rows = seat.chair.rows(passage.energy, piece.meter)
    if isinstance(rows, str):
        return rows
    place = 3 if bar % 4 == 3 else bar % 2
    dice = Dice("row", piece.seed, seat.role, passage.part.material, passage.phrase.index % 2, place)
    return str(dice.pick(rows))


@dataclass(frozen=True)
class Seat:
    """One player of a piece: role, instrument and how the genre's chair plays. `asked` players are never left out."""

    role: str
    instrument: str
    chair: Chair
    asked: bool
    doubles: bool = False

    def plays(self, passage: Passage, character: Character) -> bool:
        """Whether this player has something to do in a passage."""
        enters = self.chair.enters + _SHADES.get((passage.part.kind, self.role), 0.0)
        if self.role in ("drums", "percussion"):
            enters -= character.drums
        if self.asked:
            enters = min(enters, character.energy) - 0.02
        return passage.energy >= enters
