"""Stingers and transitions: pieces of one to four bars, planned here and written out by the players of any piece.

A stinger tells the head of its theme in the manner of what it announces and closes on a chord that says so. A
transition starts on a bar line of the cue that it leaves, climbs (or comes to rest) over the theme's head, and stands
on the dominant of where it leads when its last bar ends. No sound is made here, and the same arguments give the same
bits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models.composer import melody
from models.composer.character import character_of
from models.composer.develop import mirrored, moved
from models.composer.dice import Dice
from models.composer.form import Part, Phrase
from models.composer.genre import genre
from models.composer.harmony import Palette, Slot, build
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.meter import Meter, counted, parse_meter
from models.composer.piece import Passage, Piece, Seat
from models.composer.score import Section
from models.composer.theme import Tone, motif_of
from models.composer.theory import Harmony, Key, parse_key
from models.controls import Controls

MOST_BARS = 4
Tones = tuple[Tone, ...]


def is_short(controls: Controls) -> bool:
    """Whether these controls ask for a stinger or a transition."""
    return bool(controls.stinger) or controls.destination is not None


def short_piece(controls: Controls, seed: int) -> Piece:
    """The plan of a stinger or a transition. Raises ValueError for more than four bars, a loop, or an unknown stinger.
    """
    if not 1 <= controls.bars <= MOST_BARS or controls.loop:
        raise ValueError(f"stingers and transitions have 1 to {MOST_BARS} bars and end, not {controls.bars} bars")
    return _transition(controls, seed) if controls.destination is not None else _stinger(controls, seed)


def _blank(controls: Controls, seed: int) -> Piece:
    meter = counted(parse_meter(controls.meter), Dice("counted", controls.theme.seed))
    return Piece(
        key=parse_key(controls.key), meter=meter, genre=genre(controls.genre), character=character_of(controls),
        seed=seed, bars=controls.bars, bpm=controls.bpm, loop=False, motif=motif_of(controls.theme, meter),
        counter=motif_of(controls.theme, meter, "counter"), passages=(),
    )


# -- stingers ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Manner:
    """How a stinger is made: the `state` whose character it has, the chords that lead to its last one (for bright and
    dark keys), how the head is told until that one sounds, and whether the tonic lies under everything."""

    state: str
    before: tuple[tuple[str, ...], tuple[str, ...]]
    last: tuple[str, str]
    telling: Callable[[Tones, float, int], Tones]
    pedal: bool = False


def _fanfare(head: Tones, bar: float, halves: int) -> Tones:
    """The head twice as fast, a third higher every time."""
    return _each(halves, lambda half: moved(head, by=half * bar / 2, steps=2 * half, stretch=0.5))


def _fall(head: Tones, bar: float, halves: int) -> Tones:
    """The head bent down, from above to rest."""
    down = head if not head or head[-1].degree <= head[0].degree else mirrored(head)
    lift = 4 - (down[0].degree if down else 0)
    if halves >= 4:
        return moved(down, steps=lift, stretch=2.0)
    return moved(down, steps=lift) if halves >= 2 else moved(down, steps=lift, stretch=0.5)


def _sparkle(head: Tones, bar: float, halves: int) -> Tones:
    """The head twice as fast, each time a fifth or a fourth higher, as if something opened."""
    return _each(halves, lambda half: moved(head, by=half * bar / 2, steps=(0, 4, 7, 11, 14, 18)[half], stretch=0.5))


def _alarm(head: Tones, bar: float, halves: int) -> Tones:
    """The first notes of the head, over and over, a step tighter every bar."""
    return _each(halves, lambda half: moved(head[:2], by=half * bar / 2, steps=half // 2, stretch=0.5))


def _each(halves: int, told: Callable[[int], Tones]) -> Tones:
    return tuple(tone for half in range(halves) for tone in told(half))


MANNERS = {
    "victory": _Manner("victory", (("IV", "bVI", "bVII"), ("i", "bVI", "bVII")), ("I", "I"), _fanfare),
    "defeat": _Manner("defeat", (("i", "bVI", "iv"), ("i", "VI", "iv")), ("i", "i"), _fall),
    "discovery": _Manner("puzzle", (("I", "IV", "II"), ("i", "i", "IV")), ("Iadd9", "iadd9"), _sparkle),
    "danger": _Manner("combat", (("i", "i", "bII"), ("i", "i", "bII")), ("ii°", "ii°"), _alarm, pedal=True),
}
"""Every stinger of `models.words.STINGERS`."""


def _stinger(controls: Controls, seed: int) -> Piece:
    manner = MANNERS.get(controls.stinger)
    if manner is None:
        raise ValueError(f"stinger {controls.stinger!r} is not one of {', '.join(MANNERS)}")
    piece = _blank(replace(controls, state=manner.state), seed)
    bar, bars = piece.meter.bar, controls.bars
    last = (bars - 1) * bar if bars > 1 else piece.meter.middle
    slots = _closing(piece, manner, last)
    halves = 2 * (bars - 1) if bars > 1 else 1
    told = _before(manner.telling(piece.motif.head, bar, halves), last)
    tones = (*told, Tone(last, piece.quarters - last, _resting(told)))
    phrase = Phrase(0, bars, "final", 0)
    part = Part(controls.stinger, "theme", "A", 0, bars, 0.0, 0, (phrase,), True)
    passage = Passage(part, phrase, 0.0, piece.quarters, piece.character.energy, slots, tones, False)
    return melody.composed(replace(piece, passages=(passage,)))


def _closing(piece: Piece, manner: _Manner, last: float) -> tuple[Slot, ...]:
    """The chords: those that lead, evenly until `last`, and the last one from there."""
    family = 0 if piece.key.bright else 1
    leading = manner.before[family]
    count = 1 if piece.bars == 1 else 2 if piece.bars < 4 else 3
    spans = _spans(piece.meter, last, count)
    palette = Palette(extension=piece.genre.extension)
    names = (*leading[-count:], manner.last[family])
    floor = piece.key.tonic if manner.pedal else -1
    return tuple(
        Slot(onset, length, build(piece.key, palette, name), floor)
        for (onset, length), name in zip((*spans, (last, piece.quarters - last)), names, strict=True)
    )


def _spans(meter: Meter, end: float, count: int) -> list[tuple[float, float]]:
    """`count` spans up to `end`: bars where there are as many, else the halves of a bar."""
    starts = [place * meter.bar for place in range(count)] if end > meter.bar + 1e-6 else [0.0, meter.middle][:count]
    return [(start, until - start) for start, until in zip(starts, (*starts[1:], end), strict=True)]


def _before(tones: Sequence[Tone], end: float) -> Tones:
    return tuple(
        replace(tone, length=min(tone.length, end - tone.onset)) for tone in tones if tone.onset < end - 1e-6
    )


def _resting(told: Tones) -> int:
    """The tonic nearest to where the line has come to, as a degree."""
    return 7 * round(told[-1].degree / 7) if told else 0


# -- transitions ------------------------------------------------------------------------------------------------------
def _transition(controls: Controls, seed: int) -> Piece:
    goal = controls.destination
    assert goal is not None
    piece = _blank(controls, seed)
    calms = goal.intensity < controls.intensity
    aim = character_of(replace(controls, state=goal.state, intensity=goal.intensity)).energy
    phrases = tuple(Phrase(bar, 1, "half" if bar == controls.bars - 1 else "open", bar) for bar in range(controls.bars))
    part = Part(f"to {goal.state}", "outro" if calms else "build", "A", 0, controls.bars, 0.0, 0, phrases)
    chords = _leading_chords(piece, parse_key(goal.key))
    passages = []
    for phrase in phrases:
        share = (phrase.bar + 1) / controls.bars
        energy = piece.character.energy + (aim - piece.character.energy) * (share if calms else 0.8 * share)
        start = phrase.bar * piece.meter.bar
        slots = tuple(slot for slot in chords if start - 1e-6 <= slot.onset < start + piece.meter.bar - 1e-6)
        tones = _steps(piece, phrase.bar, calms)
        passages.append(Passage(part, phrase, start, piece.meter.bar, energy, slots, tones, False))
    return melody.composed(replace(piece, passages=tuple(passages)))


def _steps(piece: Piece, bar: int, calms: bool) -> Tones:
    """The head in every bar: a step higher each time, or lower and sparser on the way to rest."""
    head = piece.motif.head
    if not calms:
        return moved(head, steps=bar)
    return _before(moved(head[: max(1, len(head) - bar)], steps=-bar), piece.meter.bar)


def _leading_chords(piece: Piece, goal: Key) -> tuple[Slot, ...]:
    """From the tonic that is left to the dominant of the goal, which waits for its third in the last bar."""
    palette = Palette(extension=piece.genre.extension)
    there = parse_key(f"{goal.name} major")
    home = build(piece.key, palette, "I" if piece.key.bright else "i")
    away = build(piece.key, palette, "vi" if piece.key.bright else "bVI")
    before = build(there, palette, "IV" if goal.bright else "iv")
    waiting, dominant = _plain(there, "Vsus4"), build(there, palette, "V")
    rows: dict[int, tuple[Harmony, ...]] = {1: (), 2: (home,), 3: (home, before), 4: (home, away, before)}
    meter = piece.meter
    slots = [Slot(place * meter.bar, meter.bar, chord) for place, chord in enumerate(rows[piece.bars])]
    start = (piece.bars - 1) * meter.bar
    first = home if piece.bars == 1 else waiting
    slots.append(Slot(start, meter.middle, first, _dominant(goal) if first is waiting else -1))
    slots.append(Slot(start + meter.middle, meter.bar - meter.middle, dominant))
    return tuple(slots)


def _dominant(key: Key) -> int:
    """The pitch class a fifth above the tonic, whatever the mode has there."""
    return (key.tonic + 7) % 12


def _plain(key: Key, numeral: str) -> Harmony:
    return build(key, Palette(), numeral)


# -- what only short pieces do ----------------------------------------------------------------------------------------
_RISERS = ("ostinato", "harmony", "pads", "melody")
_LOUDEST = 1.15


def rising_seat(controls: Controls, seats: Sequence[Seat]) -> Seat | None:
    """Who runs up to the bar line where a transition leads to something stronger: figures first, the melody last."""
    goal = controls.destination
    if goal is None or goal.intensity < controls.intensity:
        return None
    return next((seat for role in _RISERS for seat in seats if seat.role == role), None)


def on_the_way(controls: Controls, piece: Piece, seat: Seat, events: list[Event], rises: bool) -> list[Event]:
    """The part of a player in a transition: growing or fading bar by bar, and (`rises`) a run up through its end."""
    if controls.destination is None:
        return events
    grows = controls.destination.intensity >= controls.intensity
    first, last = (0.82, _LOUDEST) if grows else (1.0, 0.72)
    events = [*_cleared(piece, seat, events), *_run(controls, piece, seat)] if rises else events
    return [
        event._replace(velocity=_clamped(event.velocity * (first + (last - first) * event.onset / piece.quarters)))
        for event in events
    ]


def _clamped(velocity: float) -> int:
    return max(1, min(127, round(velocity)))


def _run_start(piece: Piece) -> float:
    """A run takes the last bar, or half of the only one."""
    return piece.quarters - (piece.meter.bar if piece.bars > 1 else piece.meter.bar - piece.meter.middle)


def _cleared(piece: Piece, seat: Seat, events: list[Event]) -> list[Event]:
    """Nothing of the player's own where the run sounds."""
    start = _run_start(piece)
    return [
        event._replace(length=min(event.length, start - event.onset)) for event in events if event.onset < start - 1e-6
    ]


def _run(controls: Controls, piece: Piece, seat: Seat) -> list[Event]:
    """Steps of the goal's scale up to its dominant, faster than a singer, louder with every note."""
    assert controls.destination is not None
    goal, instrument = parse_key(controls.destination.key), INSTRUMENTS[seat.instrument]
    grid = 0.25 if piece.bpm < 140 else 0.5
    start = _run_start(piece)
    count = round((piece.quarters - start) / grid)
    steps = goal.collection | {_dominant(goal)}
    top = max(key for key in range(instrument.low, instrument.high - 2) if key % 12 == _dominant(goal))
    scale = [key for key in range(instrument.low, top + 1) if key % 12 in steps]
    line = scale[-count:]
    line = [line[0]] * (count - len(line)) + line
    return [
        Event(start + place * grid, grid * 0.95, pitch, int(52 + 44 * (place + 1) / count))
        for place, pitch in enumerate(line)
    ]


def sections_of(controls: Controls, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections of a short piece; a transition's end is a section of no bars, so that markers tell where to go on.
    """
    return (*sections, Section("exit", controls.bars, 0)) if controls.destination is not None else sections
