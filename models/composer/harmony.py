"""Which chords sound when: functional grammar per mode, phrases that close, and the idioms of a genre.

A phrase is a walk tonic -> predominant -> dominant that ends in its cadence. Several walks are drawn and one that suits
the melody is kept, so that the theme is harmonised rather than bent. No voicing is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.composer.dice import Dice
from models.composer.meter import Meter
from models.composer.theory import Harmony, Key, diatonic, harmony

Vocabulary = dict[str, tuple[tuple[str, float], ...]]

# Tonic, predominant and dominant chords of every mode, each with its weight.
_WORDS: dict[str, dict[str, str]] = {
    "major": {"T": "I 6 vi 2", "P": "IV 4 ii 3 vi 1", "D": "V 5 V7 2 iii 0.4"},
    "minor": {"T": "i 6 VI 1.5 III 1", "P": "iv 4 VI 2.5 ii° 0.6", "D": "V 3 VII 2.5 v 1 V7 1"},
    "dorian": {"T": "i 6 III 1", "P": "IV 4 ii 1.5 III 1", "D": "VII 3 v 2 IV 1"},
    "phrygian": {"T": "i 6 VI 1", "P": "iv 3 VI 3 III 0.6", "D": "II 4 vii 2"},
    "lydian": {"T": "I 6 vi 0.7", "P": "II 4 vi 2 iii 1", "D": "V 2.5 II 2 vii 0.8"},
    "mixolydian": {"T": "I 6", "P": "IV 4 ii 2 vi 1", "D": "VII 4 v 2 IV 0.7"},
    "locrian": {"T": "i° 6", "P": "iv 2 VI 2 iii 1.5", "D": "II 2 V 1.5 vii 2"},
    "harmonic minor": {"T": "i 6 VI 1", "P": "iv 4 VI 2 ii° 0.6", "D": "V 5 V7 2 vii° 0.5"},
}


def _pairs(row: str) -> tuple[tuple[str, float], ...]:
    words = row.split()
    return tuple((words[place], float(words[place + 1])) for place in range(0, len(words), 2))


GRAMMAR: dict[str, Vocabulary] = {
    mode: {function: _pairs(row) for function, row in functions.items()} for mode, functions in _WORDS.items()
}
_DARK: dict[bool, tuple[str, ...]] = {True: ("iv", "bVI", "bVII"), False: ("bII", "ii°", "bII")}
# Degrees whose own triad is diminished or augmented, and what an idiom plays there instead.
_HARSH: dict[str, frozenset[int]] = {
    "major": frozenset({6}),
    "minor": frozenset({1}),
    "dorian": frozenset({5}),
    "phrygian": frozenset({4}),
    "lydian": frozenset({3}),
    "mixolydian": frozenset({2}),
    "locrian": frozenset(),
    "harmonic minor": frozenset({1, 2, 6}),
}
_INSTEAD = {6: 4, 1: 3, 5: 3, 4: 1, 3: 1, 2: 0}
_WALKS = 20  # drawn per phrase before one is chosen
_APPLICABLE = {"ii", "V", "vi", "IV", "iv", "III", "VI", "v", "VII"}


@dataclass(frozen=True)
class Palette:
    """How a piece harmonises: the genre's idioms for its family of modes and its taste.

    `idioms` are rows of numerals; `idiom`, `applied` and `dark` are the chances of following one, of an applied
    dominant and of a borrowed darker chord; `extension` is what triads grow to; `calm` closes softly (plagal, open).
    """

    idioms: tuple[tuple[str, ...], ...] = ()
    idiom: float = 0.0
    applied: float = 0.0
    dark: float = 0.0
    extension: str = "triad"
    calm: float = 0.0
    drone: float = 0.0


@dataclass(frozen=True)
class Slot:
    """A chord in time: quarter notes from the start of the piece."""

    onset: float
    length: float
    harmony: Harmony

    @property
    def end(self) -> float:
        """Where it stops sounding."""
        return self.onset + self.length


@dataclass(frozen=True)
class PhraseWish:
    """What a phrase's harmony has to serve: when its chords sound (`grid`: onset, length in quarters), how it closes,
    where it opens (`tonic`, or `away` for contrasting parts), and what the melody holds: onset, weight, pitch class."""

    grid: tuple[tuple[float, float], ...]
    cadence: str
    opening: str
    demand: tuple[tuple[float, float, int], ...]


def slot_grid(bars: int, meter: Meter, per_chord: float, quicken: bool = True) -> list[tuple[float, float]]:
    """(onset, length) of the chords of a phrase: `per_chord` bars each; 0.5 splits every bar at its
    middle, anything between 0.5 and 1 only the last one.

    With `quicken` slow harmony moves twice as fast into the cadence."""
    if per_chord < 1 and meter.middle < meter.bar:
        whole = bars - 1 if per_chord > 0.5 else 0
        halves = ((0.0, meter.middle), (meter.middle, meter.bar - meter.middle))
        return [(bar * meter.bar, meter.bar) for bar in range(whole)] + [
            (bar * meter.bar + at, length) for bar in range(whole, bars) for at, length in halves
        ]
    step = max(1, int(per_chord))
    spans = [step] * (bars // step) + ([bars % step] if bars % step else [])
    if step == 2 and bars >= 4 and quicken:
        spans[-1:] = [1] * spans[-1]
    starts = [sum(spans[:place]) for place in range(len(spans))]
    return [(start * meter.bar, span * meter.bar) for start, span in zip(starts, spans, strict=True)]


def phrase_numerals(key: Key, palette: Palette, wish: PhraseWish, dice: Dice) -> list[str]:
    """The numerals of a phrase, one for each place of its grid: the drawn walk that suits the melody best."""
    walks = [_walk(key, palette, len(wish.grid), wish.opening, dice) for _ in range(_WALKS)]
    scored = sorted((_mismatch(key, walk, wish) + dice.uniform(0, 0.12), place) for place, walk in enumerate(walks))
    body = walks[scored[0][1]]
    return _coloured(key, palette, close(key, palette, body, wish.cadence, dice), dice)


def close(key: Key, palette: Palette, body: list[str], cadence: str, dice: Dice) -> list[str]:
    """`body` with its last chords turned into the cadence."""
    words = GRAMMAR[key.mode]
    numerals = list(body)
    dominants, tonic = words["D"], words["T"][0][0]
    if palette.calm and dice.chance(palette.calm):
        dominants = tuple(pair for pair in (*words["P"][:2], *words["D"]) if "7" not in pair[0] and "°" not in pair[0])
    dominant = _weighted(dice, dominants)
    if cadence in ("authentic", "final"):
        numerals[-1] = tonic
        if len(numerals) > 1:
            numerals[-2] = dominant
        if len(numerals) > 3 and (numerals[-3] in dict(words["D"]) or numerals[-3] == dominant):
            numerals[-3] = next((name for name, _ in words["P"] if name not in (dominant, numerals[-4])), tonic)
    elif len(numerals) > 1 and not _open_enough(key, numerals[-1], cadence):
        numerals[-1] = dominant
        if len(numerals) > 2 and (numerals[-2] in dict(words["D"]) or numerals[-2] == dominant):
            numerals[-2] = next((name for name, _ in words["P"] if name not in (dominant, numerals[-3])), tonic)
    return numerals


def _open_enough(key: Key, numeral: str, cadence: str) -> bool:
    """Whether a last chord leads on: a dominant at a half cadence, anything but a tonic where a loop turns back."""
    words = GRAMMAR[key.mode]
    if cadence == "loop" and numeral in dict(words["P"]) and numeral not in dict(words["T"]):
        return True
    return numeral in dict(words["D"])


def function_of(key: Key, numeral: str) -> str:
    """`T`, `P` or `D` of a numeral in a key; applied and leading-tone chords count as dominants, the rest as P."""
    words = GRAMMAR[key.mode]
    if numeral == words["T"][0][0]:
        return "T"
    if "/" in numeral or any(numeral == name for name, _ in words["D"]):
        return "D"
    return (
        "T"
        if any(numeral == name for name, _ in words["T"]) and not any(numeral == name for name, _ in words["P"])
        else "P"
    )


def build(key: Key, palette: Palette, numeral: str) -> Harmony:
    """The sounding chord of a numeral in the palette's taste."""
    return harmony(key, numeral, palette.extension)


@lru_cache(maxsize=1024)
def idiom_numeral(key: Key, numeral: str) -> str:
    """A numeral of an idiom in a mode: plain ones take the mode's own quality, harsh diminished ones are replaced."""
    romans = ("I", "II", "III", "IV", "V", "VI", "VII")
    if numeral.upper() not in romans:
        return numeral
    degree = romans.index(numeral.upper())
    if degree == 4 and numeral == "V" and key.mode in ("minor", "harmonic minor"):
        return "V"
    return diatonic(key, _INSTEAD[degree] if degree in _HARSH[key.mode] else degree)


def _weighted(dice: Dice, pairs: Sequence[tuple[str, float]]) -> str:
    return dice.pick([name for name, _ in pairs], [weight for _, weight in pairs])


def _walk(key: Key, palette: Palette, count: int, opening: str, dice: Dice) -> list[str]:
    if palette.idioms and dice.chance(palette.idiom):
        return _idiom(key, palette, count, opening, dice)
    words = GRAMMAR[key.mode]
    function = "T" if opening == "tonic" else "P"
    line = [words["T"][0][0] if function == "T" else _weighted(dice, words["P"])]
    while len(line) < count:
        function = {
            "T": dice.pick("TPD", (1.2, 4, 1.5)),
            "P": dice.pick("PDT", (2, 3, 1)),
            "D": dice.pick("TP", (4, 1)),
        }[function]
        choices = [pair for pair in words[function] if pair[0] != line[-1]] or list(words[function])
        line.append(
            words["T"][0][0]
            if dice.chance(palette.drone) and line[-1] != words["T"][0][0]
            else _weighted(dice, choices)
        )
    return line


def _idiom(key: Key, palette: Palette, count: int, opening: str, dice: Dice) -> list[str]:
    row = [idiom_numeral(key, numeral) for numeral in dice.pick(palette.idioms)]
    tonic = GRAMMAR[key.mode]["T"][0][0]
    start = 0
    if opening == "away" and len(row) > 2:
        start = next((place for place in (2, 1) if row[place] != tonic), 0)
    if count < len(row) and count > 0 and opening == "tonic" and row[0] != tonic and tonic in row:
        start = row.index(tonic)
    return [row[(start + place) % len(row)] for place in range(count)]


def _coloured(key: Key, palette: Palette, body: list[str], dice: Dice) -> list[str]:
    """Applied dominants before chords that bear them, and borrowed darker chords, both away from the phrase's ends."""
    line = list(body)
    for place in range(len(line) - 2, 0, -1):
        target = line[place + 1]
        if (
            palette.applied
            and target in _APPLICABLE
            and target not in (line[0], line[place])
            and dice.chance(palette.applied)
        ):
            line[place] = f"V7/{target}"
        elif palette.dark and "/" not in target and function_of(key, line[place]) == "P" and dice.chance(palette.dark):
            borrowed = dice.pick(_DARK[key.bright])
            roots = {harmony(key, numeral).root for numeral in (line[place - 1], target)}
            line[place] = line[place] if harmony(key, borrowed).root in roots else borrowed
    return line


def _mismatch(key: Key, numerals: list[str], wish: PhraseWish) -> float:
    """Share of the melody's weight that is no chord tone, plus a little for standing still and for losing the tonic."""
    total = wrong = 0.0
    for (onset, length), numeral in zip(wish.grid, numerals, strict=True):
        tones = harmony(key, numeral).pitch_classes
        for at, weight, pitch_class in wish.demand:
            if onset - 1e-9 <= at < onset + length - 1e-9:
                total += weight
                wrong += 0.0 if pitch_class in tones else weight
    still = sum(1 for one, two in zip(numerals, numerals[1:], strict=False) if one == two) / max(1, len(numerals))
    home = sum(length for (_, length), numeral in zip(wish.grid, numerals, strict=True) if _at_home(key, numeral))
    away = max(0.0, 0.5 - home / sum(length for _, length in wish.grid))
    return (wrong / total if total else 0.0) + 0.4 * still + away


def _at_home(key: Key, numeral: str) -> bool:
    """Whether a chord holds the tonic, and nothing foreign to the key."""
    tones = harmony(key, numeral).pitch_classes
    return key.tonic in tones and set(tones) <= key.collection
