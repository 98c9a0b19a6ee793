"""What the theme does in each phrase: stated, broadened, cut into hits, sequenced, mirrored, answered, displaced.

Every state tells the theme in its own way: a table of deeds for the calls and replies of theme-like sections, for
contrasts and for the summit. Takes of one cue draw different deeds. A sketch is tones in degrees from the start of
the phrase, before any harmony; what it leaves open, the melody fills from the chords, or keeps silent. No deed bends
the theme so far that five of its notes in a row cannot be recognised.
"""

from collections.abc import Callable, Iterable

from models.composer.dice import Dice
from models.composer.form import Part, Phrase
from models.composer.theme import Motif, Tone

Tones = tuple[Tone, ...]
Sketch = tuple[Tones, bool]  # the tones, and whether the melody goes on where they end
Deed = Callable[[Motif, Phrase, int], Sketch]  # motif, phrase and steps up

# The deeds of a telling, each with its weight: for a section's even phrases (call), odd ones (reply), contrasting
# sections (away), and the summit (peak).
_TELLINGS: dict[str, dict[str, str]] = {
    "plain": {"call": "whole 4 begun 2 lifted 1", "reply": "begun 3 whole 2 ended 1",
              "away": "mirrored 2 sequence 2 turned 1 free 1", "peak": "whole"},
    "dance": {"call": "whole 4 begun 2", "reply": "begun 3 whole 2 hook 1",
              "away": "sequence 2 mirrored 1 free 1 hook 1", "peak": "whole"},
    "broad": {"call": "broad 4 asked 3 whole 1", "reply": "broad_end 3 begun 2 asked 2",
              "away": "broad_mirror 3 sequence 2 lifted 1 broad 1", "peak": "whole"},
    "arc": {"call": "broad 3 whole 2", "reply": "begun 2 broad_end 2 sequence 1",
            "away": "broad_mirror 2 sequence 2 lifted 1", "peak": "whole 3 lifted 1"},
    "fragment": {"call": "hits 3 dim 3 bursts 2", "reply": "dim 2 begun 3 bursts 1",
                 "away": "sequence 3 dim_mirror 2 hits 1", "peak": "whole"},
    "menace": {"call": "whole 3 broad 3 shifted 1", "reply": "broad_end 2 sequence 2 begun 2 broad_mirror 1",
               "away": "broad_mirror 3 mirrored 2 retrograde 1", "peak": "whole 3 broad 1"},
    "heroic": {"call": "whole 4 fanfare 2", "reply": "begun 2 sequence 2 whole 1",
               "away": "sequence 2 lifted 2 mirrored 1", "peak": "whole"},
    "creep": {"call": "bursts 2 shifted 3 dim 1", "reply": "shifted_mirror 2 dim 2 asked 1",
              "away": "shifted_mirror 2 bursts 1 retrograde 2", "peak": "whole 1 shifted 1"},
    "hush": {"call": "asked 3 broad 2", "reply": "broad_end 2 asked 2 broad_mirror 1",
             "away": "broad_mirror 2 asked 1 retrograde 1", "peak": "broad"},
    "drift": {"call": "broad 3 asked 1", "reply": "broad_end 2 broad_mirror 2 broad 1",
              "away": "broad_mirror 2 broad 1 broad_retro 1", "peak": "broad"},
    "descent": {"call": "broad_mirror 3 broad 1", "reply": "broad_end 2 asked 1 broad_retro 1",
                "away": "broad_retro 2 broad_mirror 1 asked 1", "peak": "broad 1 whole 1"},
    "lament": {"call": "broad 2 falling 2", "reply": "falling 2 broad_end 2",
               "away": "broad_mirror 2 falling 1", "peak": "whole 1 broad 1"},
    "hook": {"call": "hook 3 shifted 1 begun 1", "reply": "hook 2 begun 2 dim 1",
             "away": "mirrored 2 dim_mirror 1 sequence 1", "peak": "whole"},
}  # fmt: skip
_LIFTS = ((0, 2, 4, -1, -3, 1), (6, 2, 1, 1, 1, 1))


def sketch(motif: Motif, telling: str, part: Part, phrase: Phrase, seed: int) -> Sketch:
    """What the theme gives a phrase of the piece with this seed. `telling` is a Character's `melody`, `part.kind`
    decides within it."""
    dice = Dice("sketch", seed, part.material, part.visit, phrase.index)
    summit = part.summit and _is_summit(part, phrase)
    if part.kind in _KINDS and not summit:
        return _KINDS[part.kind](motif, telling, part, phrase, dice)
    table = _TELLINGS.get(telling, _TELLINGS["plain"])
    if phrase.bars == 2 and part.bars >= 6 and not summit:
        opening = Dice("idea", seed, part.material, part.visit)
        return _presented(motif, table, part, phrase, dice, opening)
    return _told(motif, table, part, phrase, dice)


def answer(motif: Motif, phrase: Phrase, dice: Dice) -> Tones:
    """What a second voice says into a silence of the first: a piece of the theme, at its own pace, elsewhere."""
    source = dice.pick((motif.slice(0, 2), motif.slice(max(0, motif.bars - 2), 2), mirrored(motif.slice(0, 2))))
    return _cut(moved(source, steps=dice.pick((0, 2, -3, -2))), phrase.bars * motif.bar)


def moved(tones: Iterable[Tone], by: float = 0.0, steps: int = 0, stretch: float = 1.0) -> Tones:
    """Tones later, transposed within the scale, and augmented (or diminished)."""
    return tuple(
        Tone(tone.onset * stretch + by, tone.length * stretch, tone.degree + steps, tone.alter) for tone in tones
    )


def mirrored(tones: Tones) -> Tones:
    """Tones upside down around their first one."""
    axis = tones[0].degree if tones else 0
    return tuple(Tone(tone.onset, tone.length, 2 * axis - tone.degree) for tone in tones)


def reversed_line(tones: Tones) -> Tones:
    """The same rhythm with the pitches from the last to the first."""
    return tuple(
        Tone(tone.onset, tone.length, other.degree, other.alter)
        for tone, other in zip(tones, reversed(tones), strict=True)
    )


def _told(motif: Motif, table: dict[str, str], part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    role = "reply" if phrase.index % 2 else "call"
    if part.kind in ("contrast", "bridge"):
        role = "away"
    if part.summit and _is_summit(part, phrase):
        role = "peak"
    deed = _drawn(table[role], dice)
    steady = role == "peak" or (role == "call" and phrase.index == 0 and dice.chance(0.5))
    return _DEEDS[deed](motif, phrase, 0 if steady else dice.pick(*_LIFTS))


def _is_summit(part: Part, phrase: Phrase) -> bool:
    """Whether a section's full statement stands here: in its first phrase that has the bars for it, in its last but one
    where the section is the whole piece."""
    roomy = [each.index for each in part.phrases if each.bars >= 4] or [0]
    alone = part.bar == 0 and part.phrases[-1].cadence in ("loop", "final")
    return phrase.index == (roomy[-2] if alone and len(roomy) > 2 else roomy[0])


def _presented(motif: Motif, table: dict[str, str], part: Part, phrase: Phrase, dice: Dice, opening: Dice) -> Sketch:
    """The twos of a sentence: the idea, and the idea again elsewhere (or seen from the other side). `opening` is the
    sentence's, the same for both of them."""
    away = part.kind in ("contrast", "bridge")
    idea = mirrored(motif.slice(0, 2)) if away and "mirror" in table["away"] else motif.slice(0, 2)
    first = opening.pick((0, 0, 0, 2)) + (2 if away else 0)
    steps = first if phrase.index % 2 == 0 else first + dice.pick((1, -1, 2), (3, 2, 1))
    stretch = 2 if "broad" in table["call"] and phrase.index % 2 == 0 else 1
    return _cut(moved(idea, steps=steps, stretch=stretch), phrase.bars * motif.bar), False


def _drawn(row: str, dice: Dice) -> str:
    words = row.split()
    if len(words) == 1:
        return words[0]
    return dice.pick(words[::2], [float(weight) for weight in words[1::2]])


def _cut(tones: Iterable[Tone], end: float) -> Tones:
    kept = (tone for tone in tones if -1e-9 <= tone.onset < end - 1e-6)
    return tuple(Tone(tone.onset, min(tone.length, end - tone.onset), tone.degree, tone.alter) for tone in kept)


def _end(motif: Motif, phrase: Phrase) -> float:
    return phrase.bars * motif.bar


def _shorter(tones: Tones) -> float:
    """Half, where that leaves the shortest tone a sixteenth, else the same pace."""
    return 0.5 if tones and min(tone.length for tone in tones) >= 0.5 - 1e-6 else 1.0


# -- deeds ------------------------------------------------------------------------------------------------------------
def _whole(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme as it is, or followed by itself a step higher where it is shorter than the phrase."""
    tones = moved(motif.tones, steps=steps)
    if motif.bars < phrase.bars:
        tones += moved(motif.tones, by=motif.bars * motif.bar, steps=steps + 1)
    return _cut(tones, _end(motif, phrase)), False


def _begun(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme's first half, then free."""
    return _cut(moved(motif.slice(0, 2), steps=steps), _end(motif, phrase)), phrase.bars > 2


def _ended(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme's second half (the first where it has none), then free."""
    return _cut(moved(motif.slice(max(0, motif.bars - 2), 2), steps=steps), _end(motif, phrase)), phrase.bars > 2


def _lifted(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    return _whole(motif, phrase, steps + 2)


def _broad(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme's first half at half the pace."""
    half = motif.slice(0, max(1, (phrase.bars + 1) // 2))
    return _cut(moved(half, steps=steps, stretch=2), _end(motif, phrase)), False


def _broad_end(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme's second half at half the pace."""
    half = motif.slice(motif.bars // 2, 2)
    return _cut(moved(half, steps=steps, stretch=2), _end(motif, phrase)), False


def _broad_mirror(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    half = mirrored(motif.slice(0, 2))
    return _cut(moved(half, steps=steps + 2, stretch=2), _end(motif, phrase)), False


def _broad_retro(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    half = reversed_line(motif.slice(0, 2))
    return _cut(moved(half, steps=steps, stretch=2), _end(motif, phrase)), False


def _asked(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The idea, and silence for somebody to answer; then its beginning again, elsewhere."""
    first = moved(motif.slice(0, 2), steps=steps)
    if phrase.bars < 4:
        return _cut(first, _end(motif, phrase)), False
    again = moved(motif.head, by=3 * motif.bar, steps=steps + 1)
    return _cut(first + again, _end(motif, phrase)), False


def _hits(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The idea as blows: short, with holes, then again higher."""
    pace = _shorter(motif.slice(0, 2))
    span = 2 * motif.bar * pace
    cut = tuple(Tone(t.onset, min(t.length, 0.75), t.degree, t.alter) for t in moved(motif.slice(0, 2), stretch=pace))
    gap = max(2 * motif.bar, span)
    tones = moved(cut, steps=steps) + moved(cut, by=gap, steps=steps + 1)
    return _cut(tones, _end(motif, phrase)), False


def _bursts(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The head alone, off the beat, every other bar, with the theme's second bar as the last answer."""
    at, bar = 0.5 if motif.bar > 2 else 0.25, motif.bar
    rows = moved(motif.head, by=at, steps=steps) + moved(motif.slice(1, 1), by=bar + at, steps=steps)
    if phrase.bars > 2:
        rows += moved(motif.head, by=3 * bar, steps=steps + 2)
    return _cut(rows, _end(motif, phrase)), False


def _dim(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme's first half at double pace, in sequence, then free."""
    half = motif.slice(0, 2)
    pace = _shorter(half)
    rows = moved(half, steps=steps, stretch=pace) + moved(half, by=2 * motif.bar * pace, steps=steps + 1, stretch=pace)
    return _cut(rows, min(_end(motif, phrase), 4 * motif.bar * pace)), phrase.bars > 2 and pace < 1


def _dim_mirror(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    half = mirrored(motif.slice(0, 2))
    pace = _shorter(half)
    rows = moved(half, steps=steps + 3, stretch=pace)
    rows += moved(half, by=2 * motif.bar * pace, steps=steps + 2, stretch=pace)
    return _cut(rows, min(_end(motif, phrase), 4 * motif.bar * pace)), phrase.bars > 2 and pace < 1


def _sequence(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The head climbing (or falling) bar by bar, then free."""
    heading = -1 if steps < 0 else 1
    rows = [moved(motif.head, by=bar * motif.bar, steps=1 + heading * bar) for bar in range(max(1, phrase.bars - 1))]
    return _cut((tone for row in rows for tone in row), _end(motif, phrase)), phrase.bars > 1


def _mirrored(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    return _cut(moved(mirrored(motif.slice(0, 2)), steps=steps + 3), _end(motif, phrase)), phrase.bars > 2


def _turned(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The second half first, then the idea."""
    tones = motif.slice(motif.bars // 2, 2)
    if phrase.bars > 2:
        tones += moved(motif.slice(0, 2), by=2 * motif.bar)
    return _cut(moved(tones, steps=steps), _end(motif, phrase)), False


def _retrograde(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    return _cut(moved(reversed_line(motif.slice(0, 2)), steps=steps), _end(motif, phrase)), phrase.bars > 2


def _shifted(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The theme half a beat late: syncopated against the bar."""
    late = 0.5 if motif.bar > 2 else 0.25
    return _cut(moved(motif.tones, by=late, steps=steps), _end(motif, phrase)), False


def _shifted_mirror(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    late = 0.5 if motif.bar > 2 else 0.25
    return _cut(moved(mirrored(motif.slice(0, 2)), by=late, steps=steps + 2), _end(motif, phrase)), False


def _fanfare(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The head, the head a third higher, and the theme's second half on top."""
    rows = motif.head + moved(motif.head, by=motif.bar, steps=2)
    if phrase.bars > 2:
        rows += moved(motif.slice(0, 2), by=2 * motif.bar, steps=0)
    return _cut(moved(rows, steps=steps), _end(motif, phrase)), False


def _falling(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """The idea, and again a step lower every two bars."""
    idea = motif.slice(0, 2)
    rows = moved(idea, steps=steps + 2) + moved(idea, by=2 * motif.bar, steps=steps + 1)
    return _cut(rows, _end(motif, phrase)), False


def _hook(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    """Two bars said twice, the second time a step aside."""
    two = motif.slice(0, 2)
    aside = -1 if steps < 0 else 1 if steps > 0 else 0
    return _cut(two + moved(two, by=2 * motif.bar, steps=aside), _end(motif, phrase)), False


def _free(motif: Motif, phrase: Phrase, steps: int) -> Sketch:
    return _cut(moved(motif.head, steps=steps + 2), _end(motif, phrase)), True


_DEEDS: dict[str, Deed] = {
    "whole": _whole, "begun": _begun, "ended": _ended, "lifted": _lifted, "broad": _broad, "broad_end": _broad_end,
    "broad_mirror": _broad_mirror, "broad_retro": _broad_retro, "asked": _asked, "hits": _hits, "bursts": _bursts,
    "dim": _dim, "dim_mirror": _dim_mirror, "sequence": _sequence, "mirrored": _mirrored, "turned": _turned,
    "retrograde": _retrograde, "shifted": _shifted, "shifted_mirror": _shifted_mirror, "fanfare": _fanfare,
    "falling": _falling, "hook": _hook, "free": _free,
}  # fmt: skip


# -- kinds of sections that are treated alike in all states -----------------------------------------------------------
def _opening(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """An introduction promises: silence, then the head; a second phrase has it at the start."""
    if phrase.index or phrase.bars < 2:
        return _cut(motif.head, _end(motif, phrase)), False
    steps = dice.pick((0, 2, 4), (3, 1, 1))
    return _cut(moved(motif.slice(0, 2), by=(phrase.bars // 2) * motif.bar, steps=steps), _end(motif, phrase)), False


def _farewell(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """An ending remembers the idea, at half the pace where there is time, and stops."""
    if len(part.phrases) > 1 and phrase.index == 0:
        return _begun(motif, phrase, 0)
    stretch = 2 if phrase.bars >= 3 else 1
    return _cut(moved(motif.slice(0, 2), stretch=stretch), max(1, phrase.bars - 1) * motif.bar), False


def _rising(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """A build: the head a step higher every bar, and in the last half of it twice as often."""
    bar, height = motif.bar, phrase.index
    pace = _shorter(motif.head)
    tones: list[Tone] = []
    for place in range(phrase.bars):
        dense = place >= phrase.bars / 2 and pace < 1
        for half in range(2 if dense else 1):
            by = place * bar + half * bar / 2
            tones += moved(motif.head, by=by, steps=height + place + half, stretch=pace if dense else 1.0)
    return _cut(tones, _end(motif, phrase)), False


def _hinted(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """A breakdown has room: the idea once, broad or plain, and nothing after it."""
    if phrase.index % 2 == 0 and phrase.bars >= 3:
        return _broad(motif, phrase, dice.pick((0, 2, -2)))
    return _cut(moved(motif.slice(0, 2), steps=dice.pick((0, 1, 2))), _end(motif, phrase)), False


def _dropped(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """A drop is one hook, said until it sits."""
    return _hook(motif, phrase, 0 if phrase.index % 2 == 0 else dice.pick((0, 1, -1)))


def _sung(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """A verse tells half of the theme, lower, and goes on talking."""
    return _begun(motif, phrase, -2 if phrase.index % 2 == 0 else dice.pick((-2, -1, 0)))


def _soloed(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """A solo may quote the head when it begins, and is free."""
    return (motif.head if phrase.index == 0 and dice.chance(0.6) else ()), True


_KINDS: dict[str, Callable[[Motif, str, Part, Phrase, Dice], Sketch]] = {
    "intro": _opening, "outro": _farewell, "build": _rising, "break": _hinted, "drop": _dropped, "verse": _sung,
    "solo": _soloed,
}  # fmt: skip
