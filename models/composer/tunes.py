"""How tunes are told in a style: rhythm of free bars, ornaments, breath. Small changes to a line, none to its chords.

A genre names its manner (`melody:` in its file). A manner is a row of a table: how many notes a bar of four quarters
holds, in which rhythms, how often a bar's rhythm returns, and what ornaments its players add. Nothing here knows of
states, and no ornament moves a note that stands on a strong place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.composer.dice import Dice
from models.composer.harmony import Slot
from models.composer.line import Event
from models.composer.piece import Passage, Piece
from models.composer.theme import bar_rhythm
from models.composer.theory import Key


@dataclass(frozen=True)
class Manner:
    """`counts` notes to four quarters, `rhythms` words of `theme`'s cells, `walk` how free notes move (`arc`, `chord`
    tones, `run`s, a repeated `cell`, `wide` chord tones), `ornament` the players' habit and `often` its chance."""

    counts: tuple[int, ...]
    rhythms: tuple[str, ...]
    walk: str
    ornament: str
    often: float


# fmt: off
MANNERS: dict[str, Manner] = {
    "plain": Manner((3, 4, 4, 5), ("even", "dotted", "long"), "arc", "passing", 0.3),
    "vocal": Manner((3, 4, 5), ("syncopated", "long", "even"), "arc", "anticipation", 0.3),
    "improvised": Manner((5, 6, 7, 8), ("even", "syncopated", "triplet"), "run", "enclosure", 0.35),
    "riff": Manner((4, 5, 6), ("syncopated", "even"), "cell", "repeat", 0.35),
    "fiddle": Manner((6, 7, 8, 8), ("even", "dotted"), "run", "cut", 0.4),
    "chip": Manner((6, 7, 8), ("even", "syncopated"), "chord", "arpeggio", 0.4),
    "bells": Manner((1, 2, 2, 3), ("even", "long"), "wide", "", 0.0),
    "dotted": Manner((4, 5, 6), ("dotted", "even"), "chord", "dot", 0.4),
    "lilting": Manner((3, 4, 5), ("long", "dotted", "even"), "arc", "grace", 0.3),
    "modal": Manner((4, 5, 6), ("even", "dotted"), "arc", "mordent", 0.3),
}
# fmt: on


def manner_of(name: str) -> Manner:
    """The manner that a genre names; genre files are held to `models.composer.genre.MANNERS`, the same words."""
    return MANNERS[name]


def free_rhythm(piece: Piece, passage: Passage, bars: int, dice: Dice) -> list[list[tuple[float, float]]]:
    """(onset, length) of the notes of free bars, each counted from its own bar line; bars of a phrase rhyme."""
    manner = manner_of(piece.genre.melody)
    scale = piece.meter.bar / 4 * piece.character.density * (1.3 if passage.part.kind == "solo" else 1.0)
    rows: list[list[tuple[float, float]]] = []
    for bar in range(bars):
        if bar >= 2 and dice.chance(0.6):
            rows.append(rows[bar - 2])
            continue
        count = max(1, round(dice.pick(manner.counts) * scale))
        rows.append(_placed(bar_rhythm(piece.meter, count, dice.pick(manner.rhythms), dice.uniform())))
    return rows


def _placed(lengths: Sequence[float]) -> list[tuple[float, float]]:
    at, row = 0.0, []
    for length in lengths:
        row.append((at, length))
        at += length
    return row


def ornamented(piece: Piece, passage: Passage, line: list[Event], dice: Dice) -> list[Event]:
    """A line with what its players add to it, more of it when its section returns."""
    manner = manner_of(piece.genre.melody)
    habit = _HABITS.get(manner.ornament)
    often = (manner.often * 0.6 + 0.15 * min(2, passage.part.visit)) * min(1.2, piece.character.density)
    told: list[Event] = []
    for event, after in zip(line, [*line[1:], None], strict=False):
        room = None if after is None or after.onset - event.onset > event.length + 0.3 else after
        added = [event]
        if habit and dice.chance(often):
            added = habit(piece, passage.slot_at(event.onset), event, room)
        elif room and passage.part.visit and dice.chance(0.2 * piece.character.density):
            added = _passing(piece, passage.slot_at(event.onset), event, room)
        told += added if all(_graces(piece, passage, each) for each in added[1:]) else [event]
    return told


def _graces(piece: Piece, passage: Passage, event: Event) -> bool:
    """Whether an added note keeps off strong places, or belongs to the chord there."""
    weak = piece.meter.strength(event.onset) < 0.6
    return weak or event.pitch % 12 in passage.slot_at(event.onset).harmony.pitch_classes


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


def step(key: Key, slot: Slot, pitch: int, direction: int) -> int:
    """The next scale tone up or down, in the scale of the moment."""
    for distance in (1, 2, 3):
        moved = in_scale(key, slot, pitch + direction * distance)
        if (moved % 12 in key.collection or moved % 12 in slot.harmony.pitch_classes) and moved != pitch:
            return moved
    return pitch


Habit = Callable[[Piece, Slot, Event, Event | None], list[Event]]


def _passing(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """A note between two that are a third or a fourth apart."""
    gap = 0 if after is None else after.pitch - event.pitch
    if event.length < 1 or not 3 <= abs(gap) <= 5:
        return [event]
    half = min(0.5, event.length / 2)
    middle = step(piece.key, slot, event.pitch, 1 if gap > 0 else -1)
    return [
        event._replace(length=event.length - half),
        Event(event.onset + event.length - half, half, middle, 0),
    ]


def _anticipation(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """The next note comes half a beat early and is said again on the beat."""
    if after is None or event.length < 1 or after.pitch == event.pitch or abs(after.pitch - event.pitch) > 5:
        return [event]
    return [event._replace(length=event.length - 0.5), Event(after.onset - 0.5, 0.5, after.pitch, 0)]


def _enclosure(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """The next note is circled: from above in the scale and from a semitone below."""
    if after is None or event.length < 1.0:
        return [event]
    above = step(piece.key, slot, after.pitch, 1)
    return [
        event._replace(length=event.length - 0.5),
        Event(after.onset - 0.5, 0.25, above, 0),
        Event(after.onset - 0.25, 0.25, step(piece.key, slot, after.pitch, -1), 0),
    ]


def _repeat(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    if event.length < 1:
        return [event]
    half = event.length / 2
    return [event._replace(length=half), event._replace(onset=event.onset + half, length=half)]


def _cut(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """Celtic players' cut (a touch of the note above before a repeated or long note), and on longer notes a roll."""
    above = step(piece.key, slot, event.pitch, 1)
    if event.length >= 1.0:
        unit = event.length / 4
        below = step(piece.key, slot, event.pitch, -1)
        line = ((0, 1.5, event.pitch), (1.5, 0.5, above), (2, 1, event.pitch), (3, 0.5, below), (3.5, 0.5, event.pitch))
        return [Event(event.onset + at * unit, length * unit, pitch, 0) for at, length, pitch in line]
    if event.length < 0.4:
        return [event]
    return [
        event._replace(length=event.length - 0.2),
        Event(event.onset + event.length - 0.2, 0.1, above, 0),
        Event(event.onset + event.length - 0.1, 0.1, event.pitch, 0),
    ]


def _arpeggio(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """Long notes are broken into the chord, as one voice does that has no others."""
    if event.length < 1.5:
        return [event]
    tones = slot.harmony.pitch_classes[:3]
    above = [next(event.pitch + up for up in range(1, 13) if (event.pitch + up) % 12 == tone) for tone in tones]
    row = sorted(pitch for pitch in above if pitch > event.pitch)[:2]
    rest = event.length - 1.0
    figure = [event.pitch, *row, event.pitch + 12][:4]
    tail = [Event(event.onset + rest + 0.25 * place, 0.25, pitch, 0) for place, pitch in enumerate(figure)]
    return [event._replace(length=rest), *tail]


def _dot(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    if after is None or event.length < 1:
        return [event]
    tail = 0.25 if event.length < 2 else 0.5
    return [event._replace(length=event.length - tail), Event(after.onset - tail, tail, event.pitch, 0)]


def _grace(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    """A touch of the note below the next one, at the end of this."""
    if after is None or event.length < 0.75:
        return [event]
    below = step(piece.key, slot, after.pitch, -1)
    return [event._replace(length=event.length - 0.25), Event(after.onset - 0.25, 0.25, below, 0)]


def _mordent(piece: Piece, slot: Slot, event: Event, after: Event | None) -> list[Event]:
    if event.length < 1:
        return [event]
    other = step(piece.key, slot, event.pitch, 1)
    return [
        event._replace(length=0.25),
        Event(event.onset + 0.25, 0.25, other, 0),
        Event(event.onset + 0.5, event.length - 0.5, event.pitch, 0),
    ]


_HABITS: dict[str, Habit] = {
    "passing": _passing, "anticipation": _anticipation, "enclosure": _enclosure, "repeat": _repeat, "cut": _cut,
    "arpeggio": _arpeggio, "dot": _dot, "grace": _grace, "mordent": _mordent,
}  # fmt: skip
