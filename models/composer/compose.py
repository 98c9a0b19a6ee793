"""Composing: from controls and a seed to a score. The theme comes from the controls, everything that may differ
between two takes of one cue from the seed. No sound is made here, and the same arguments give the same bits.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

from models.composer import accompaniment, adaptive, bass, drums, levels, melody, singing
from models.composer.casting import cast
from models.composer.character import Character, character_of
from models.composer.counterpoint import PARTS, mended, strand_of
from models.composer.develop import sketch
from models.composer.dice import Dice
from models.composer.form import Part, Phrase, parts_of
from models.composer.genre import genre
from models.composer.groove import swung
from models.composer.harmony import (
    Palette,
    PhraseWish,
    Slot,
    basses,
    build,
    clarity,
    phrase_numerals,
    slot_grid,
)
from models.composer.humanise import Feel, humanised, rounded
from models.composer.instruments import INSTRUMENTS, LAYER_OF
from models.composer.line import Event, notes_of
from models.composer.meter import Meter, counted, parse_meter
from models.composer.piece import Passage, Piece, Seat
from models.composer.score import Chord, Score, Section, Track
from models.composer.theme import Tone, motif_of
from models.composer.theory import Key, parse_key, spell, suited
from models.controls import Controls

_TAIL_S = 6.0
_DRAFTS = 8  # harmonies tried until one says the asked key clearly
_CLEAR = 0.1
_LISTENING = ("melody", "counter", "bass", "harmony", "pads", "ostinato", "percussion", "drums")
_AWAY = ("contrast", "bridge", "break")


def compose(controls: Controls, seed: int) -> Score:
    """The score of one take.

    `seed` (any whole number) decides progressions, development, orchestration and fills; the motif is that of
    `controls.theme`. Raises ValueError for a key, meter, genre, form, intensity or instrument that cannot be."""
    piece = adaptive.short_piece(controls, seed) if adaptive.is_short(controls) else plan(controls, seed)
    seats = levels.seated(controls, piece, cast(controls, piece.genre, piece.character, seed))
    tracks = levels.heard_at(controls, piece, seats, _tracks(controls, piece, seats))
    seconds = piece.quarters * 60.0 / controls.bpm
    return Score(
        bpm=controls.bpm,
        meter=(piece.meter.numerator, piece.meter.denominator),
        bars=controls.bars,
        quarters=piece.quarters,
        key=controls.key,
        loop=controls.loop,
        tracks=tuple(track for track in tracks if len(track.notes.onset)),
        sections=adaptive.sections_of(controls, _sections(piece)),
        chords=_chords(piece),
        desk=piece.genre.desk,
        tail_s=0.0 if controls.loop else max(0.0, min(_TAIL_S, controls.duration - seconds)),
        facts=_facts(controls, piece),
    )


def plan(controls: Controls, seed: int) -> Piece:
    """Everything decided before the parts are written out: form, theme, harmony."""
    key, meter = parse_key(controls.key), counted(parse_meter(controls.meter), Dice("counted", controls.theme.seed))
    style, character = genre(controls.genre), character_of(controls)
    parts = parts_of(controls.form, controls.bars, controls.loop, Dice("form", seed))
    piece = Piece(
        key=key,
        meter=meter,
        genre=style,
        character=character,
        seed=seed,
        bars=controls.bars,
        bpm=controls.bpm,
        loop=controls.loop,
        motif=motif_of(controls.theme, meter),
        counter=motif_of(controls.theme, meter, "counter"),
        passages=(),
    )
    drafts: list[tuple[float, Piece]] = []
    for attempt in range(_DRAFTS):
        draft = replace(piece, passages=_passages(piece, parts, attempt))
        drafts.append((_unclear(draft), draft))
        if drafts[-1][0] < _CLEAR:
            break
    return melody.composed(min(drafts, key=lambda pair: pair[0])[1])


def _unclear(piece: Piece) -> float:
    """How far the harmony and the theme are from saying the asked key (see `harmony.clarity`)."""
    slots = [slot for passage in piece.passages for slot in passage.slots]
    sung = [
        ((piece.key.tonic + piece.key.semitones(tone.degree) + tone.alter) % 12, tone.length)
        for passage in piece.passages
        for tone in passage.sketch
    ]
    return clarity(piece.key, slots, sung)


def _passages(piece: Piece, parts: tuple[Part, ...], attempt: int) -> tuple[Passage, ...]:
    palette = _palette(piece)
    passages = []
    for part in parts:
        for phrase in part.phrases:
            tones, fill = sketch(piece.motif, piece.character.melody, part, phrase, piece.seed)
            tones = _in_mode(piece.key, tones)
            slots = _slots(piece, palette, (part, phrase), tones, attempt)
            start, length = phrase.bar * piece.meter.bar, phrase.bars * piece.meter.bar
            energy = _energy(piece.character, part, phrase)
            passages.append(Passage(part, phrase, start, length, energy, slots, tones, fill))
    return tuple(passages)


def _in_mode(key: Key, tones: tuple[Tone, ...]) -> tuple[Tone, ...]:
    """The tones set into a mode of fewer than seven degrees so that the line keeps its ups and downs."""
    if len(key.scale) >= 7:
        return tones
    line = suited(key, [tone.degree for tone in tones])
    return tuple(
        replace(tone, alter=pitch - key.semitones(tone.degree)) for tone, pitch in zip(tones, line, strict=True)
    )


def _palette(piece: Piece) -> Palette:
    style, character = piece.genre, piece.character
    modal = piece.key.mode not in ("major", "minor", "harmonic minor")
    power = style.extension == "power"
    return Palette(
        idioms=style.idioms["major" if piece.key.bright else "minor"],
        idiom=style.idiom * (0.5 if modal else 1.0),
        applied=style.applied * (0.3 if modal else 1.0),
        dark=max(character.dark, style.mixture) * (0.4 if modal else 0.8),
        extension=style.extension,
        calm=style.calm * max(0.0, min(1.0, 2 * (0.75 - character.heat))),
        drone=max(character.drone, 0.35) if modal else character.drone,
        sequences=style.sequences,
        inversions=0.0 if power else style.inversions,
        deceptive=style.deceptive,
        pedal=max(style.pedal, 0.3 if character.pedal else 0.0),
        areas=style.areas,
    )


def _slots(
    piece: Piece, palette: Palette, place: tuple[Part, Phrase], tones: tuple[Tone, ...], attempt: int
) -> tuple[Slot, ...]:
    """The chords of a phrase. Phrases of one material with the same tones draw one walk, so returns sound returned."""
    part, phrase = place
    pace = piece.genre.bars_per_chord * piece.character.chord_pace
    pace = max(1.0, pace) if phrase.cadence == "final" else pace
    grid = slot_grid(phrase.bars, piece.meter, min(pace, 2.0, max(1, phrase.bars // 2)), quicken=pace < 4)
    opening = "away" if part.kind in _AWAY and phrase.index % 2 == 0 else "tonic" if phrase.bar else "home"
    demand = tuple(_demand(piece.key, piece.meter, tones))
    pedal = "D" if part.kind == "build" and palette.pedal else ""
    wish = PhraseWish(tuple(grid), phrase.cadence, opening, demand, phrase.index % 2 == 1, pedal)
    dice = Dice("harmony", piece.seed, part.material, phrase.index % 2, part.visit // 2, attempt)
    numerals = phrase_numerals(piece.key, palette, wish, dice)
    start = phrase.bar * piece.meter.bar
    chords = [build(piece.key, palette, numeral) for numeral in numerals]
    floors = basses(piece.key, palette, numerals, chords)
    slots = [
        Slot(start + onset, length, chord, floor)
        for (onset, length), chord, floor in zip(grid, chords, floors, strict=True)
    ]
    return tuple(_settled(slots, piece.meter) if phrase.cadence == "final" else slots)


def _settled(slots: list[Slot], meter: Meter) -> list[Slot]:
    """The last tonic of a piece gets at least one bar: the chords before it move up, or it takes over."""
    if slots[-1].length >= meter.bar - 1e-6 or len(slots) < 2:
        return slots
    last, before = slots[-1], slots[-2]
    return [*slots[:-2], Slot(before.onset, last.end - before.onset, last.harmony)]


def _demand(key: Key, meter: Meter, tones: tuple[Tone, ...]) -> list[tuple[float, float, int]]:
    """What the theme holds on strong places and for long: the chords should contain it."""
    return [
        (
            tone.onset,
            tone.length * (0.4 + meter.strength(tone.onset)),
            (key.tonic + key.semitones(tone.degree) + tone.alter) % 12,
        )
        for tone in tones
        if meter.strength(tone.onset) >= 0.6 or tone.length >= 2
    ]


def _energy(character: Character, part: Part, phrase: Phrase) -> float:
    """How full a phrase is: the take's energy, the section's lift, and a slope in sections that grow or thin out."""
    energy = character.energy + part.lift * 0.6
    share = phrase.index / max(1, len(part.phrases) - 1) if len(part.phrases) > 1 else 0.5
    if part.kind in ("intro", "build"):
        energy += 0.12 * (share - 0.5)
    elif part.kind == "outro":
        energy -= 0.12 * (share - 0.5)
    else:
        energy += 0.05 * (share - 0.5)
    return min(1.0, max(0.02, energy))


_WRITERS: dict[str, Callable[[Piece, Seat], list[Event]]] = {
    "melody": singing.write,
    "counter": singing.write_counter,
    "harmony": accompaniment.write,
    "pads": accompaniment.write,
    "ostinato": accompaniment.write_ostinato,
    "bass": bass.write,
    "drums": drums.write_kit,
    "percussion": drums.write_kit,
}


def _written(piece: Piece, seat: Seat) -> list[Event]:
    if seat.instrument == "timpani":
        return drums.write_timpani(piece, seat)
    if seat.instrument == "taiko":
        return drums.write_euclid(piece, seat)
    if seat.doubles and seat.role == "melody":
        return singing.write_counter(piece, seat)
    return _WRITERS[seat.role](piece, seat)


def _tracks(controls: Controls, piece: Piece, seats: list[Seat]) -> tuple[Track, ...]:
    """The tracks of all players, written in the order in which they listen to each other."""
    tracks: dict[int, Track] = {}
    riser = adaptive.rising_seat(controls, seats)
    for place in sorted(range(len(seats)), key=lambda place: (_LISTENING.index(seats[place].role), place)):
        seat = seats[place]
        events = adaptive.on_the_way(controls, piece, seat, _heard(piece, seat), seat is riser)
        if seat.role == "counter" or (seat.doubles and seat.role == "melody"):
            events = _mended(piece, seat, events)
        if seat.role in PARTS:
            strand = strand_of(seat.role, events, piece.starts, piece.quarters)
            piece = replace(piece, heard=(*piece.heard, strand))
        tracks[place] = _track(piece, seat, events, place)
    return tuple(tracks[place] for place in range(len(seats)))


def _mended(piece: Piece, seat: Seat, events: list[Event]) -> list[Event]:
    """A second voice without parallels with the first."""
    chords = [slot.harmony.pitch_classes for passage in piece.passages for slot in passage.slots]
    instrument = INSTRUMENTS[seat.instrument]
    return mended(events, piece.heard, piece.starts, chords, instrument.low, instrument.high)


def _heard(piece: Piece, seat: Seat) -> list[Event]:
    """The written part; an asked-for player who found nothing to do plays from the start, at least guide tones."""
    events = _written(piece, seat)
    if events or not seat.asked:
        return events
    eager = replace(seat, chair=replace(seat.chair, enters=-9.0))
    return _written(piece, eager) or singing.write_guides(piece, eager)


def _track(piece: Piece, seat: Seat, written: list[Event], place: int) -> Track:
    events = swung(written, piece.meter, piece.genre.swing, piece.genre.swing_grid)
    whole = [event for event in events if 0 <= event.onset < piece.quarters - 1e-6 and event.length > 0]
    dice = Dice("human", piece.seed, seat.role, seat.instrument, place)
    feel = Feel(seat.role, piece.genre.timing_ms, piece.genre.touch, piece.bpm)
    notes = humanised(notes_of(whole), feel, piece.quarters, dice)
    notes = rounded(notes, piece.quarters, INSTRUMENTS[seat.instrument].pitched) if piece.loop else notes
    chair = seat.chair
    gain = (
        chair.gain_db
        + (1.0 if seat.asked and seat.role not in ("drums", "percussion") else 0.0)
        - (3.0 if seat.doubles else 0.0)
    )
    pan = -chair.pan if seat.doubles else chair.pan
    name = seat.instrument if seat.role in ("drums", "percussion") else f"{seat.role}: {seat.instrument}"
    return Track(name, LAYER_OF[seat.role], seat.instrument, notes, gain, pan, chair.reverb, chair.echo, seat.role)


def _sections(piece: Piece) -> tuple[Section, ...]:
    parts = dict.fromkeys(passage.part for passage in piece.passages)
    return tuple(Section(part.name, part.bar, part.bars) for part in parts)


def _chords(piece: Piece) -> tuple[Chord, ...]:
    slots = [slot for passage in piece.passages for slot in passage.slots]
    return tuple(
        Chord(slot.onset, slot.length, _symbol(piece.key, slot), slot.harmony.numeral, slot.harmony.pitch_classes)
        for slot in slots
    )


def _symbol(key: Key, slot: Slot) -> str:
    """The chord's symbol, with its bass behind a stroke where that is not the root."""
    if slot.floor == slot.harmony.root:
        return slot.harmony.symbol
    above = (slot.floor - key.tonic) % 12
    degree = min(range(7), key=lambda each: (abs(key.frame[each] - above), each))
    return f"{slot.harmony.symbol}/{spell(key, degree, slot.floor)}"


def _facts(controls: Controls, piece: Piece) -> dict[str, object]:
    """What can be said about the piece in plain JSON."""
    return {
        **({"level": controls.intensity, "reference": controls.reference} if controls.reference else {}),
        **({"stinger": controls.stinger} if controls.stinger else {}),
        **({"leads_to": asdict(controls.destination)} if controls.destination else {}),
        "theme": [[tone.onset, tone.length, tone.degree] for tone in piece.motif.tones],
        "theme_bars": piece.motif.bars,
        "treatment": piece.character.state,
        "telling": piece.character.melody,
        "energy": round(piece.character.energy, 3),
        "cadences": [[passage.phrase.bar + passage.phrase.bars, passage.phrase.cadence] for passage in piece.passages],
        "swing": piece.genre.swing,
    }
