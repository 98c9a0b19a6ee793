"""The melody and its companion: the theme fitted to the chords, continued where it leaves off, closed, with breath.

The notes are composed once, when a piece is planned, in a register of their own (`composed`), so that every player and
every intensity tells the same tune; `singing` sets them into an instrument's range and shapes them. Strong notes are
chord tones (or resolve by step), weak ones belong to the scale of the moment, leaps are answered by steps the other
way. The second voice answers in the first one's silences, sings a counter-motif against it, or holds guide tones.
"""

from collections.abc import Sequence
from dataclasses import replace

from models.composer.counterpoint import is_parallel
from models.composer.develop import answer
from models.composer.dice import Dice
from models.composer.harmony import Slot
from models.composer.line import Event, single_voice
from models.composer.piece import Passage, Piece
from models.composer.theme import Tone
from models.composer.theory import Key
from models.composer.tunes import free_rhythm, in_scale, manner_of, ornamented, step

_GOALS = {"authentic": (0,), "final": (0,), "half": (1, 4, 6), "loop": (1, 4, 6), "open": (1, 2, 4, 6)}
_CONSONANT = (3, 4, 7, 8, 9)  # and the octave, seldom
_SUNG = ("theme", "verse", "peak", "contrast", "bridge")


# -- composing --------------------------------------------------------------------------------------------------------
def composed(piece: Piece) -> Piece:
    """The piece with the lines of its melody and its second voice, in the register of `tonic_near`."""
    base = tonic_near(piece.key, 60)
    lines: list[list[Event]] = []
    for passage in piece.passages:
        dice = Dice("melody", piece.seed, passage.part.material, passage.part.visit, passage.phrase.index)
        lines.append(single_voice(_phrase(piece, passage, base, dice)))
    lines = _led_on(piece, lines, base)
    passages = []
    for place, (passage, line) in enumerate(zip(piece.passages, lines, strict=True)):
        dice = Dice("counter", piece.seed, passage.part.material, passage.part.visit, passage.phrase.index)
        counter = _companion(piece, passage, line, base, dice, after=lines[(place + 1) % len(lines)])
        passages.append(replace(passage, line=tuple(line), counter=tuple(single_voice(counter))))
    return replace(piece, passages=tuple(passages))


def tonic_near(key: Key, middle: int) -> int:
    """The MIDI key of degree 0 nearest to `middle`, not more than a fourth above it."""
    return middle + (key.tonic - middle + 6) % 12 - 6


def _phrase(piece: Piece, passage: Passage, base: int, dice: Dice) -> list[Event]:
    told: list[Event] = []
    for place, tone in enumerate(passage.sketch):
        following = passage.sketch[place + 1] if place + 1 < len(passage.sketch) else None
        told.append(_fitted(piece, passage, tone, following, base, told[-1].pitch if told else None))
    if not passage.part.summit or dice.chance(0.4):
        told = ornamented(piece, passage, told, dice)
    if passage.fill:
        told += ornamented(piece, passage, _continued(piece, passage, told, base, dice), dice)
    closes = passage.fill or passage.phrase.cadence in ("authentic", "final", "loop")
    if told and passage.phrase.bars > 1 and closes and passage.phrase.cadence != "open":
        told = _closed(piece, passage, told, base)
    return _breathing(piece, passage, told)


def _fitted(piece: Piece, passage: Passage, tone: Tone, following: Tone | None, base: int, before: int | None) -> Event:
    """A tone of the theme over its chord: strong and long ones become chord tones unless they resolve by step, the rest
    stay in the scale."""
    time = passage.start + tone.onset
    slot = passage.slot_at(time)
    pitch = in_scale(piece.key, slot, base + piece.key.semitones(tone.degree) + tone.alter)
    strong = piece.meter.strength(tone.onset) >= 0.8 or tone.length >= 2
    if strong and _clashes(piece.key, slot, pitch, tone.length):
        resolves = following is not None and abs(following.degree - tone.degree) == 1 and tone.length <= 1
        if not resolves or piece.meter.strength(tone.onset) >= 1.0:
            pitch = chord_tone(slot, pitch, before)
    return Event(time, tone.length, pitch, 0)


def _clashes(key: Key, slot: Slot, pitch: int, length: float) -> bool:
    """Whether a strong note needs another pitch: no chord tone, and foreign, not short, or a semitone off one."""
    tones = slot.harmony.pitch_classes
    if pitch % 12 in tones:
        return False
    near = any((pitch - tone) % 12 in (1, 11) for tone in tones)
    return (near and length >= 0.5) or length >= 1 or pitch % 12 not in key.collection


def chord_tone(slot: Slot, pitch: int, towards: int | None) -> int:
    """The chord tone nearest to a pitch, the one on the side of `towards` where two are as near."""
    tones = slot.harmony.pitch_classes
    options = [pitch + each for each in range(-6, 7) if (pitch + each) % 12 in tones]
    lean = pitch if towards is None else towards
    return min(options, key=lambda each: (abs(each - pitch), abs(each - lean), each))


def _breathing(piece: Piece, passage: Passage, told: list[Event]) -> list[Event]:
    """Half a pulse of silence before the next phrase, taken from a last note that can spare it."""
    if not told or passage.phrase.cadence in ("final", "open"):
        return told
    last, breath = told[-1], max(0.5, piece.meter.pulses[-1] / 2)
    over = last.onset + last.length - (passage.end - breath)
    return [*told[:-1], last._replace(length=last.length - over)] if 0 < over <= last.length / 2 else told


def _continued(piece: Piece, passage: Passage, told: Sequence[Event], base: int, dice: Dice) -> list[Event]:
    """Free bars in the genre's manner, from where the sketch ends to the bar of the cadence."""
    start = _next_bar(piece, passage, told)
    bars = round((passage.end - start) / piece.meter.bar)
    pitch = told[-1].pitch if told else chord_tone(passage.slots[0], base + piece.key.semitones(4), None)
    walker = _Walker(piece, passage, base, dice, pitch, told[-1].pitch - told[-2].pitch if len(told) > 1 else 0)
    line: list[Event] = []
    for bar, row in enumerate(free_rhythm(piece, passage, bars, dice)):
        for onset, length in row:
            time = start + bar * piece.meter.bar + onset
            line.append(Event(time, length, walker.next(time, onset, length), 0))
    return line


def _next_bar(piece: Piece, passage: Passage, told: Sequence[Event]) -> float:
    if not told:
        return passage.start
    done = told[-1].onset + told[-1].length - passage.start
    return passage.start + int(done / piece.meter.bar + 0.999) * piece.meter.bar


class _Walker:
    """Chooses the notes of a free line one by one: near, along an arc, a leap answered by a step back."""

    def __init__(self, piece: Piece, passage: Passage, base: int, dice: Dice, pitch: int, leap: int) -> None:
        self.piece, self.passage, self.dice = piece, passage, dice
        self.pitch, self.leap = pitch, leap
        self.walk = manner_of(piece.genre.melody).walk
        kind = passage.part.kind
        high = (7, 8, 9) if kind in ("peak", "drop", "solo") else (2, 3, 4, 5) if kind == "verse" else (4, 5, 6, 7)
        self.top = base + piece.key.semitones(dice.pick(high))
        self.foot = base + piece.key.semitones(dice.pick((0, 1, 2, 3)))
        self.turn = dice.uniform(0.35, 0.8)
        self.heading = dice.pick((-1, 1))

    def next(self, time: float, onset: float, length: float) -> int:
        """The pitch of the note at a time, `onset` within its bar."""
        share = (time - self.passage.start) / self.passage.length
        height = share / self.turn if share < self.turn else (1 - share) / (1 - self.turn)
        target = self.foot + (self.top - self.foot) * height
        strength = self.piece.meter.strength(onset)
        strong = strength >= 0.8 or (strength >= 0.6 and length >= 1)
        chosen = self._chosen(self.passage.slot_at(time), target, strong)
        self.leap, self.pitch = chosen - self.pitch, chosen
        return chosen

    def _chosen(self, slot: Slot, target: float, strong: bool) -> int:
        key = self.piece.key
        if abs(self.leap) > 4:
            back = step(key, slot, self.pitch, -1 if self.leap > 0 else 1)
            return (
                chord_tone(slot, back, self.pitch) if strong and back % 12 not in slot.harmony.pitch_classes else back
            )
        if strong or self.walk in ("chord", "wide"):
            return self._on_chord(slot, target)
        if self.walk == "run":
            return self._run(slot, target)
        if self.walk == "cell" and self.dice.chance(0.4):
            return in_scale(key, slot, self.pitch) if self.leap else self._on_chord(slot, target)
        return step(key, slot, self.pitch, 1 if target + self.dice.uniform(-4, 4) > self.pitch else -1)

    def _run(self, slot: Slot, target: float) -> int:
        """Steps that keep their heading until they have gone too far."""
        if (self.pitch - target) * self.heading > 4 or self.dice.chance(0.12):
            self.heading = -self.heading
        moved = step(self.piece.key, slot, self.pitch, self.heading)
        return step(self.piece.key, slot, moved, self.heading) if self.dice.chance(0.15) else moved

    def _on_chord(self, slot: Slot, target: float) -> int:
        tones, reach = slot.harmony.pitch_classes, 12 if self.walk == "wide" else 7
        lean = 0.25 if self.walk in ("wide", "chord") else 0.7
        best, least = self.pitch, 1e9
        for each in range(self.pitch - reach, self.pitch + reach + 1):
            if each % 12 not in tones:
                continue
            away = abs(each - self.pitch)
            cost = lean * away + (2 if away > 4 and lean > 0.5 else 0) + 0.35 * abs(each - target)
            cost += (2.5 if not away else 0) + self.dice.uniform(0, 2.0)
            if cost < least:
                best, least = each, cost
        return best


# -- closing and leading on -------------------------------------------------------------------------------------------
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
        bridge = step(piece.key, passage.slot_at(arrive - pulse), goal, 1 if distance > 0 else -1)
        before[-1] = before[-1]._replace(length=before[-1].length - pulse)
        line.append(Event(arrive - pulse, pulse, bridge, 0))
    elif arrive - at > pulse - 1e-6:
        line.append(Event(at, arrive - at, step(piece.key, passage.slot_at(at), goal, 1 if distance >= 0 else -1), 0))
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
        near = step(piece.key, slot, step(piece.key, slot, after, side), side)
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


def _led_on(piece: Piece, lines: list[list[Event]], base: int) -> list[list[Event]]:
    """Pickups: a phrase that begins with the theme's first note is led into where the one before it leaves room, and a
    loop's last phrase leads back to bar 1."""
    led = [list(line) for line in lines]
    for place, (passage, line) in enumerate(zip(piece.passages, lines, strict=True)):
        if not line or not led[place - 1] or (place == 0 and not piece.loop):
            continue
        dice = Dice("pickup", piece.seed, passage.part.material, passage.part.visit, passage.phrase.index)
        wrapped = place == 0
        if abs(line[0].onset - passage.start) > 1e-6 or not (wrapped or dice.chance(0.6)):
            continue
        until = piece.quarters if wrapped else passage.start
        tones = _pickup(piece, piece.passages[place - 1], line[0].pitch, until)
        led[place - 1] = _joined(led[place - 1], tones, until)
    return led


def _pickup(piece: Piece, before: Passage, first: int, until: float) -> list[Event]:
    """The theme's own pickup moved to lead to `first`; a step from below or above where it has none."""
    slot = before.slot_at(until - 1e-3)
    own = piece.motif.pickup
    if not own or not piece.motif.tones:
        return [Event(until - 0.5, 0.5, step(piece.key, slot, first, -1 if first % 2 else 1), 0)]
    home_pitch = piece.key.semitones(piece.motif.tones[0].degree)
    return [
        Event(
            until + tone.onset,
            tone.length,
            in_scale(piece.key, slot, _near_scale(piece.key, first - home_pitch + piece.key.semitones(tone.degree))),
            0,
        )
        for tone in own
    ]


def _near_scale(key: Key, pitch: int) -> int:
    return next(pitch + shift for shift in (0, 1, -1, 2, -2) if (pitch + shift) % 12 in key.collection)


def _joined(line: list[Event], tones: list[Event], until: float) -> list[Event]:
    """A line with a pickup at its end, where its last note has been held long enough to make way."""
    start = tones[0].onset
    last = line[-1]
    if last.onset > start - 0.75 or until - start > 2:
        return line
    return [*line[:-1], last._replace(length=max(0.25, min(last.length, start - last.onset - 0.25))), *tones]


# -- the second voice -------------------------------------------------------------------------------------------------
def _companion(
    piece: Piece, passage: Passage, line: Sequence[Event], base: int, dice: Dice, after: Sequence[Event]
) -> list[Event]:
    """What goes with a phrase of the melody: a counter-motif, answers, or guide tones."""
    final = passage.phrase.cadence == "final"
    if line and piece.character.counter and passage.part.kind in _SUNG and not final:
        return _counterpoint(piece, passage, line, base, dice)
    held = guides(piece, passage, base - 5)
    gap = _silence(passage, line)
    if gap and not final and gap[1] - gap[0] >= piece.meter.bar * 0.7:
        return _answered(piece, passage, held, gap, base, dice)
    return held


def _silence(passage: Passage, line: Sequence[Event]) -> tuple[float, float] | None:
    """The longest stretch in which the melody neither begins nor moves: rests and notes held for long."""
    marks = [event.onset for event in line] + [passage.end]
    starts = [passage.start, *(min(event.onset + event.length, event.onset + 1.0) for event in line)]
    gaps = [(start, mark) for start, mark in zip(starts, marks, strict=True)]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def _answered(
    piece: Piece, passage: Passage, held: list[Event], gap: tuple[float, float], base: int, dice: Dice
) -> list[Event]:
    """Guide tones, and in the melody's silence a piece of the theme."""
    bar = piece.meter.bar
    start = passage.start + int((gap[0] - passage.start) / piece.meter.pulses[0] + 0.999) * piece.meter.pulses[0]
    tones = [tone for tone in answer(piece.motif, passage.phrase, dice) if start + tone.onset < gap[1] - 1e-6]
    if len(tones) < 2 or gap[1] - start < bar * 0.6:
        return held
    moved = replace(passage, start=start, length=passage.end - start)
    told = [_fitted(piece, moved, tone, None, base - 5 + (5 if base < 60 else 0), None) for tone in tones]
    told = [event._replace(length=min(event.length, gap[1] - event.onset)) for event in told]
    end = told[-1].onset + told[-1].length
    early = [event._replace(length=min(event.length, start - event.onset)) for event in held if event.onset < start]
    return [*early, *told, *(event for event in held if event.onset >= end - 1e-6)]


def _counterpoint(piece: Piece, passage: Passage, line: Sequence[Event], base: int, dice: Dice) -> list[Event]:
    """The counter-motif against the melody: its rhythm where the melody holds, near its contour, contrary to what the
    melody does, consonant on strong places, without parallel perfect intervals."""
    told: list[Event] = []
    above = None
    for tone in _complementary(piece, passage, line, dice):
        time = passage.start + tone.onset
        sung = _sounding(line, time)
        wanted = base - 7 + piece.key.semitones(tone.degree)
        strong = piece.meter.strength(tone.onset) >= 0.6
        below = told[-1].pitch if told else None
        pitch = _against(piece, passage.slot_at(time), wanted, (sung, above), below, strong)
        told.append(Event(time, tone.length, pitch, 0))
        above = sung
    return told


def _complementary(piece: Piece, passage: Passage, line: Sequence[Event], dice: Dice) -> list[Tone]:
    """The counter-motif's tones over a phrase, without most of those that the melody strikes as well."""
    motif, tones = piece.counter, []
    struck = {round(event.onset - passage.start, 3) for event in line}
    late = dice.pick((0.0, 0.0, piece.meter.pulses[0]))
    for turn in range(-(-passage.phrase.bars // motif.bars)):
        by = turn * motif.bars * motif.bar + late
        tones += [Tone(tone.onset + by, tone.length, tone.degree) for tone in motif.tones]
    tones = [tone for tone in tones if tone.onset < passage.length - 1e-6]
    kept = [tone for tone in tones if round(tone.onset, 3) not in struck or dice.chance(0.35)] or tones[:1]
    ends = [tone.onset for tone in kept[1:]] + [passage.length]
    return [
        Tone(tone.onset, min(end - tone.onset, tone.length + 2.0), tone.degree)
        for tone, end in zip(kept, ends, strict=True)
    ]


def _sounding(line: Sequence[Event], time: float) -> int | None:
    """The melody's pitch at a time; None where it rests."""
    for event in line:
        if event.onset <= time + 1e-6 < event.onset + event.length:
            return event.pitch
    return None


def _against(
    piece: Piece,
    slot: Slot,
    wanted: int,
    melody: tuple[int | None, int | None],
    below: int | None,
    strong: bool,
) -> int:
    """The best pitch near `wanted` under a melody that sounds (now, before), for a voice that was at `below`."""
    sung, above = melody
    tones, scale = slot.harmony.pitch_classes, piece.key.collection
    best, least = wanted, 1e9
    for pitch in range(wanted - 6, wanted + 7):
        if pitch % 12 not in tones and (strong or pitch % 12 not in scale):
            continue
        cost = 0.5 * abs(pitch - wanted) + (0.0 if pitch % 12 in tones else 0.8)
        if sung is not None:
            apart = (sung - pitch) % 12
            cost += 0.0 if apart in _CONSONANT else 1.5 if apart == 0 else 4.0 if strong else 1.5
            cost += 3.0 * (pitch > sung)
        if below is not None:
            cost += 0.8 * (pitch == below) + 0.6 * max(0, abs(pitch - below) - 5)
            if sung is not None and above is not None:
                cost += 0.8 * ((sung - above) * (pitch - below) > 0)
                cost += 8.0 * is_parallel(below, above, pitch, sung)
        if cost < least:
            best, least = pitch, cost
    return best


def guides(piece: Piece, passage: Passage, middle: int) -> list[Event]:
    """Long notes on thirds and sevenths, each the nearest to the one before."""
    events: list[Event] = []
    last = middle + 5
    for slot in passage.slots:
        tones = slot.harmony.pitch_classes[1:2] + slot.harmony.pitch_classes[3:4]
        options = [pitch for pitch in range(last - 7, last + 8) if pitch % 12 in (tones or slot.harmony.pitch_classes)]
        last = min(options, key=lambda pitch: (abs(pitch - last) + 0.4 * abs(pitch - middle - 5), pitch))
        events.append(Event(slot.onset, slot.length, last, 0))
    return events
