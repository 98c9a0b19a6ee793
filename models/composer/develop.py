"""What the theme does in each phrase: told broadly, plainly, in fragments, as a hook, mirrored, sequenced.

A sketch is tones in scale degrees from the start of the phrase, before any harmony. What it leaves open, the melody
fills from the chords, or keeps silent.
"""

from collections.abc import Callable, Iterable

from models.composer.dice import Dice
from models.composer.form import Part, Phrase
from models.composer.theme import Motif, Tone

Sketch = tuple[tuple[Tone, ...], bool]  # the tones, and whether the melody goes on where they end


def sketch(motif: Motif, telling: str, part: Part, phrase: Phrase, dice: Dice) -> Sketch:
    """What the theme gives a phrase. `telling` is a Character's `melody`, `part.kind` decides within it."""
    if part.kind == "solo":
        return (), True
    if part.kind == "intro":
        return _opening(motif, phrase)
    if part.kind in ("break", "build"):
        return _hinted(motif, phrase, rising=part.kind == "build")
    if part.kind == "outro":
        return _farewell(motif, phrase)
    if part.kind == "contrast":
        return _contrast(motif, telling, phrase, dice)
    tell = _TELLINGS.get(telling, _plain)
    if telling == "fragment" and (part.visit >= 1 or part.kind == "peak"):
        tell = _plain
    return tell(motif, part, phrase)


def moved(tones: Iterable[Tone], by: float = 0.0, steps: int = 0, stretch: float = 1.0) -> tuple[Tone, ...]:
    """Tones later, transposed within the scale, and augmented (or diminished)."""
    return tuple(
        Tone(tone.onset * stretch + by, tone.length * stretch, tone.degree + steps, tone.alter) for tone in tones
    )


def mirrored(tones: tuple[Tone, ...]) -> tuple[Tone, ...]:
    """Tones upside down around their first one."""
    axis = tones[0].degree if tones else 0
    return tuple(Tone(tone.onset, tone.length, 2 * axis - tone.degree) for tone in tones)


def _cut(tones: Iterable[Tone], end: float) -> tuple[Tone, ...]:
    kept = (tone for tone in tones if tone.onset < end - 1e-6)
    return tuple(Tone(tone.onset, min(tone.length, end - tone.onset), tone.degree, tone.alter) for tone in kept)


def _whole(motif: Motif, bars: int) -> tuple[Tone, ...]:
    """The motif over `bars` bars: as it is, or followed by itself a step higher where it is shorter."""
    tones = motif.tones
    if motif.bars < bars:
        tones += moved(motif.tones, by=motif.bars * motif.bar, steps=1)
    return _cut(tones, bars * motif.bar)


def _plain(motif: Motif, part: Part, phrase: Phrase) -> Sketch:
    place = phrase.index % 4
    if place in (0, 2):
        return moved(_whole(motif, phrase.bars), steps=0 if place == 0 else part.visit % 2), False
    return _cut(_whole(motif, 2), phrase.bars * motif.bar), True


def _broad(motif: Motif, part: Part, phrase: Phrase) -> Sketch:
    """Twice as long: the first half of the theme fills the first phrase, the second half the second."""
    if phrase.bars < 4 or len(part.phrases) < 2 or part.visit % 2:
        return _plain(motif, part, phrase)
    if motif.bars < 4 and phrase.index % 2:
        return _cut(moved(motif.head, stretch=2), phrase.bars * motif.bar), True
    half = motif.slice(2 * (phrase.index % 2), 2) if motif.bars >= 4 else motif.tones
    return _cut(moved(half, stretch=2), phrase.bars * motif.bar), False


def _fragment(motif: Motif, part: Part, phrase: Phrase) -> Sketch:
    """The head, a silence, the head again higher; the answer goes on with the rest of the theme."""
    bar = motif.bar
    if phrase.index % 2 == 0:
        tones = motif.head + (
            moved(motif.head, by=2 * bar, steps=2 if phrase.index % 4 else 1) if phrase.bars > 2 else ()
        )
        return _cut(tones, phrase.bars * bar), False
    rest = motif.slice(max(0, motif.bars - 2), 2)
    return _cut(motif.head + moved(rest, by=bar), phrase.bars * bar), phrase.bars > 3


def _sparse(motif: Motif, part: Part, phrase: Phrase) -> Sketch:
    """The head in double length and then nothing; every second phrase the end of the theme."""
    source = motif.head if phrase.index % 2 == 0 else motif.slice(max(0, motif.bars - 2), 1)
    return _cut(moved(source, stretch=2), phrase.bars * motif.bar), False


def _hook(motif: Motif, part: Part, phrase: Phrase) -> Sketch:
    """Two bars said twice, the second time turned; the answer starts alike and runs on."""
    two = motif.slice(0, 2)
    if phrase.index % 2 == 0:
        return _cut(
            two + moved(two, by=2 * motif.bar, steps=-1 if phrase.index % 4 else 0), phrase.bars * motif.bar
        ), False
    return _cut(two, phrase.bars * motif.bar), True


def _opening(motif: Motif, phrase: Phrase) -> Sketch:
    if phrase.index or phrase.bars < 2:
        return _cut(motif.head, phrase.bars * motif.bar), False
    return _cut(moved(motif.head, by=(phrase.bars // 2) * motif.bar), phrase.bars * motif.bar), False


def _farewell(motif: Motif, phrase: Phrase) -> Sketch:
    stretch = 2 if phrase.bars >= 3 else 1
    return _cut(moved(motif.head, stretch=stretch), (phrase.bars - 1) * motif.bar), False


def _hinted(motif: Motif, phrase: Phrase, rising: bool) -> Sketch:
    """The head at the start; rising parts repeat it a step higher every bar."""
    if not rising:
        return _cut(motif.head, phrase.bars * motif.bar), False
    rows = [moved(motif.head, by=bar * motif.bar, steps=bar) for bar in range(phrase.bars)]
    return _cut((tone for row in rows for tone in row), phrase.bars * motif.bar), False


def _contrast(motif: Motif, telling: str, phrase: Phrase, dice: Dice) -> Sketch:
    """The theme seen from elsewhere: mirrored, in sequence, or only its rhythm, then free."""
    if telling == "sparse":
        return _cut(moved(mirrored(motif.head), steps=2, stretch=2), phrase.bars * motif.bar), False
    manner = dice.pick(("mirror", "sequence", "descent"))
    bar, end = motif.bar, phrase.bars * motif.bar
    source = mirrored(motif.slice(0, 2)) if manner == "mirror" else motif.head
    lift = 3 if manner == "mirror" else 2
    if manner == "mirror":
        tones = moved(source, steps=lift)
    else:
        step = 1 if manner == "sequence" else -1
        tones = moved(source, steps=lift) + moved(source, by=bar, steps=lift + step)
    return _cut(tones, min(end, 2 * bar)), True


_TELLINGS: dict[str, Callable[[Motif, Part, Phrase], Sketch]] = {
    "plain": _plain,
    "heroic": _plain,
    "broad": _broad,
    "fragment": _fragment,
    "sparse": _sparse,
    "hook": _hook,
}
