"""Which chords sound when: functional grammar per mode, phrases that close, sequences, and the idioms of a genre.

A phrase is a walk tonic -> predominant -> dominant, a sequence or an idiom, and ends in its cadence. Several are drawn
and one that suits the melody is kept, so that the theme is harmonised rather than bent. Then the bass is chosen: roots,
or inversions where a step is wanted. No voicing is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.composer.dice import Dice
from models.composer.grammar import AREAS, BORROWED, CADENCES, GRAMMAR, SEQUENCES, Formula, Weighted
from models.composer.keyfinding import NAMES, estimate
from models.composer.meter import Meter
from models.composer.theory import CHARACTERISTIC, Harmony, Key, diatonic, harmony

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
_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII")
# What a bass costs: standing, semitone, tone, thirds, fourth and fifth, tritone (by the smaller way round).
_STEPS = (0.55, 0.0, 0.0, 0.3, 0.35, 0.25, 0.7)


@dataclass(frozen=True)
class Palette:
    """How a piece harmonises: the genre's idioms for its family of modes and its taste.

    `idioms` are rows of numerals; `idiom`, `applied` and `dark` are the chances of following one, of an applied
    dominant and of a borrowed darker chord; `extension` is what triads grow to; `calm` closes softly (plagal, open);
    `drone` pulls back to the tonic. `sequences`, `deceptive`, `pedal` and `areas` are the chances of a schema in a
    continuation, of a deceptive cadence, of a pedal point and of a visit to a related key in contrasting phrases;
    `inversions` 0..1 is the taste for a bass that steps.
    """

    idioms: tuple[tuple[str, ...], ...] = ()
    idiom: float = 0.0
    applied: float = 0.0
    dark: float = 0.0
    extension: str = "triad"
    calm: float = 0.0
    drone: float = 0.0
    sequences: float = 0.0
    inversions: float = 0.0
    deceptive: float = 0.0
    pedal: float = 0.0
    areas: float = 0.0


@dataclass(frozen=True)
class Slot:
    """A chord in time: quarter notes from the start of the piece. `bass` is the pitch class under it, -1 its root."""

    onset: float
    length: float
    harmony: Harmony
    bass: int = -1

    @property
    def floor(self) -> int:
        """The pitch class that the bass plays."""
        return self.harmony.root if self.bass < 0 else self.bass

    @property
    def end(self) -> float:
        """Where it stops sounding."""
        return self.onset + self.length


@dataclass(frozen=True)
class PhraseWish:
    """What a phrase's harmony has to serve: when its chords sound (`grid`: onset, length in quarters), how it closes,
    where it opens (`tonic`, `home` for the tonic itself on its root, or `away` for contrasting parts), and what the
    melody holds: onset, weight, pitch class. A `continuation` may follow a sequence; `pedal` wishes a bass that stays
    (`T` tonic, `D` dominant)."""

    grid: tuple[tuple[float, float], ...]
    cadence: str
    opening: str
    demand: tuple[tuple[float, float, int], ...]
    continuation: bool = False
    pedal: str = ""


def slot_grid(bars: int, meter: Meter, per_chord: float, quicken: bool = True) -> list[tuple[float, float]]:
    """(onset, length) of the chords of a phrase: `per_chord` bars each; 0.5 splits every bar at its
    middle, anything between 0.5 and 1 only the last one.

    With `quicken` slow harmony moves twice as fast into the cadence; a chord a bar splits the bar before the last."""
    if per_chord < 1 and meter.middle < meter.bar:
        whole = range(bars - 1) if per_chord > 0.5 else range(0)
        return _halved(bars, meter, [bar for bar in range(bars) if bar not in whole])
    if per_chord < 2 and quicken and bars >= 4 and meter.middle < meter.bar:
        return _halved(bars, meter, [bars - 2])
    step = max(1, int(per_chord))
    spans = [step] * (bars // step) + ([bars % step] if bars % step else [])
    if step == 2 and bars >= 4 and quicken:
        spans[-1:] = [1] * spans[-1]
    starts = [sum(spans[:place]) for place in range(len(spans))]
    return [(start * meter.bar, span * meter.bar) for start, span in zip(starts, spans, strict=True)]


def _halved(bars: int, meter: Meter, split: list[int]) -> list[tuple[float, float]]:
    """A chord a bar, two in the bars of `split`."""
    halves = ((0.0, meter.middle), (meter.middle, meter.bar - meter.middle))
    whole = ((0.0, meter.bar),)
    return [(bar * meter.bar + at, length) for bar in range(bars) for at, length in (halves if bar in split else whole)]


def phrase_numerals(key: Key, palette: Palette, wish: PhraseWish, dice: Dice) -> list[str]:
    """The numerals of a phrase, one for each place of its grid: the drawn walk that suits the melody best.

    A bass that is not free stands after a colon (see `grammar`)."""
    area = dice.pick(AREAS[key.mode]) if wish.opening == "away" and dice.chance(palette.areas) else None
    cadence = _cadence(palette, wish, dice)
    walks = []
    for _ in range(_WALKS):
        body = _walk(key, palette, wish, area, dice)
        walks.append(close(key, palette, body, cadence, dice))
    scored = sorted((_mismatch(key, walk, wish) + dice.uniform(0, 0.12), place) for place, walk in enumerate(walks))
    return _pedalled(palette, wish, _coloured(key, palette, walks[scored[0][1]], dice), dice)


def close(key: Key, palette: Palette, body: list[str], cadence: str, dice: Dice) -> list[str]:
    """`body` with its last chords turned into the cadence: `authentic`, `final`, `plagal`, `half`, `deceptive`, `loop`
    (leads back to a tonic); `open` leaves it as it is."""
    if cadence == "open" or (cadence == "loop" and _leads_on(key, body[-1])):
        return list(body)
    kind = {"final": "authentic", "loop": "half"}.get(cadence, cadence)
    size = min(len(body), 3 if len(body) > 3 else 2)
    room = body[len(body) - size - 1] if len(body) > size else ""
    options = [(row[-size:], weight) for row, weight in CADENCES[key.mode][kind]]
    if palette.extension == "power" or len(body) < 3:
        options = [(row, weight) for row, weight in options if not any(":" in chord for chord in row)] or options
    fresh = [(row, weight) for row, weight in options if plain(row[0]) != plain(room)] or options
    formula: Formula = dice.pick([row for row, _ in fresh], [weight for _, weight in fresh])
    return [*body[: len(body) - len(formula)], *formula]


def plain(numeral: str) -> str:
    """A numeral without its bass."""
    return numeral.partition(":")[0]


def function_of(key: Key, numeral: str) -> str:
    """`T`, `P` or `D` of a numeral in a key; applied and leading-tone chords count as dominants, the rest as P."""
    words, name = GRAMMAR[key.mode], plain(numeral)
    if name == words["T"][0][0]:
        return "T"
    if "/" in name or name in dict(words["D"]):
        return "D"
    return "T" if name in dict(words["T"]) and name not in dict(words["P"]) else "P"


def build(key: Key, palette: Palette, numeral: str) -> Harmony:
    """The sounding chord of a numeral in the palette's taste; power chords are a way of playing triads."""
    return harmony(key, plain(numeral), "triad" if palette.extension == "power" else palette.extension)


def basses(key: Key, palette: Palette, numerals: Sequence[str], chords: Sequence[Harmony]) -> list[int]:
    """The bass pitch class of each chord of a phrase, -1 for roots: the cheapest line of roots and inversions.

    What stands after a colon is kept. Phrases begin and end on roots; `palette.inversions` weighs steps against roots,
    at 0 every bass is a root or what the numeral says."""
    if not chords:
        return []
    columns = [
        _bass_options(key, palette, numeral, chord, place in (0, len(chords) - 1))
        for place, (numeral, chord) in enumerate(zip(numerals, chords, strict=True))
    ]
    costs = [list(cost for _, cost in columns[0])]
    origins: list[list[int]] = []
    for before, column in zip(columns, columns[1:], strict=False):
        moves = [
            [so_far + cost + _bass_step(one, two, palette) for so_far, (one, _) in zip(costs[-1], before, strict=True)]
            for two, cost in column
        ]
        origins.append([row.index(min(row)) for row in moves])
        costs.append([min(row) for row in moves])
    at = costs[-1].index(min(costs[-1]))
    line = [columns[-1][at][0]]
    for column, origin in zip(columns[-2::-1], origins[::-1], strict=True):
        at = origin[at]
        line.append(column[at][0])
    return [-1 if bass == chord.root else bass for bass, chord in zip(line[::-1], chords, strict=True)]


def _bass_options(key: Key, palette: Palette, numeral: str, chord: Harmony, edge: bool) -> list[tuple[int, float]]:
    """(pitch class, cost) of the basses a chord may have."""
    wanted = numeral.partition(":")[2]
    if wanted in ("T", "D"):
        return [((key.tonic + (7 if wanted == "D" else 0)) % 12, 0.0)]
    member = {"3": (3, 4), "5": (6, 7, 8), "7": (9, 10, 11)}.get(wanted, ())
    tone = next((tone for tone in chord.tones if tone in member), None)
    if tone is not None:
        return [((chord.root + tone) % 12, 0.0)]
    harsh = 0.6 if chord.tones[:3] == (0, 3, 6) and palette.inversions > 0 else 0.0
    options = [(chord.root, harsh)]
    third = next((tone for tone in chord.tones if tone in (3, 4)), None)
    if third is not None and palette.inversions > 0 and not edge and len(chord.tones) > 2:
        options.append(((chord.root + third) % 12, 0.75 - 0.7 * palette.inversions + 0.15 * (harsh == 0.0)))
    return options


def _bass_step(one: int, two: int, palette: Palette) -> float:
    way = abs(one - two)
    return palette.inversions * _STEPS[min(way, 12 - way)]


@lru_cache(maxsize=2048)
def idiom_numeral(key: Key, numeral: str) -> str:
    """A numeral of an idiom in a mode: plain ones take the mode's own quality, harsh diminished ones are replaced; in
    pentatonic and octatonic keys every one becomes what stands on its degree there."""
    name, colon, bass = numeral.partition(":")
    degree = _degree(name)
    if degree < 0 or (name.upper() not in _ROMANS and not key.narrow):
        return numeral
    if degree == 4 and name == "V" and key.mode in ("minor", "harmonic minor"):
        return numeral
    if not key.narrow and degree in _HARSH[key.mode]:
        degree = _INSTEAD[degree]
    return diatonic(key, degree) + (colon + bass if not key.narrow or bass in ("T", "D") else "")


def _degree(name: str) -> int:
    """The degree a numeral stands on (of applied chords that of their target), -1 for what is none."""
    roman = "".join(sign for sign in name.rpartition("/")[2] if sign in "iIvV").upper()
    return _ROMANS.index(roman) if roman in _ROMANS else -1


def clarity(key: Key, slots: Sequence[Slot], sung: Sequence[tuple[int, float]]) -> float:
    """How far harmony and melody are from saying the key, 0 best: a tonic that others outweigh, notes outside of the
    mode, a mode without its own tone, and another major or minor key that fits better.

    `sung` holds pitch classes of the melody with their lengths in quarters."""
    weights = [0.0] * 12
    for slot in slots:
        weights[slot.floor] += slot.length
        for pitch_class in slot.harmony.pitch_classes:
            weights[pitch_class] += slot.length * 5.0 / len(slot.harmony.tones)
    for pitch_class, length in sung:
        weights[pitch_class] += 1.2 * length
    total = sum(weights) or 1.0
    _, second, third = sorted(weights, reverse=True)[:3]
    own = weights[key.tonic]
    outweighed = (max(0.0, 1.15 * second - own) + 3.0 * max(0.0, 1.15 * third - own)) / total
    foreign = max(0.0, sum(weights[each] for each in range(12) if each not in key.collection) / total - 0.035)
    lacking = 0.0
    if key.mode in CHARACTERISTIC:
        telling = weights[(key.tonic + key.semitones(CHARACTERISTIC[key.mode])) % 12] / total
        lacking = max(0.0, 0.035 - telling)
    heard = estimate(weights).index(f"{NAMES[key.tonic]} {'major' if key.bright else 'minor'}")
    return 20.0 * outweighed + 60.0 * foreign + 20.0 * lacking + 0.06 * min(heard, 4)


def _cadence(palette: Palette, wish: PhraseWish, dice: Dice) -> str:
    """How a phrase really closes: softly where the taste is calm, now and then deceptively before the real close."""
    if wish.cadence in ("authentic", "final") and dice.chance(palette.calm):
        return "plagal"
    if wish.cadence == "half" and dice.chance(palette.deceptive):
        return "deceptive"
    return wish.cadence


def _leads_on(key: Key, numeral: str) -> bool:
    """Whether a last chord leads back to the beginning by itself."""
    words, name = GRAMMAR[key.mode], plain(numeral)
    return name in dict(words["D"]) or (name in dict(words["P"]) and name not in dict(words["T"]))


def _weighted(dice: Dice, pairs: Weighted) -> str:
    return dice.pick([name for name, _ in pairs], [weight for _, weight in pairs])


def _walk(key: Key, palette: Palette, wish: PhraseWish, area: dict[str, Weighted] | None, dice: Dice) -> list[str]:
    """The chords of a phrase before its cadence; one that opens at home begins with the tonic on its root."""
    line = _drawn(key, palette, wish, area, dice)
    return [GRAMMAR[key.mode]["T"][0][0], *line[1:]] if wish.opening == "home" else line


def _drawn(key: Key, palette: Palette, wish: PhraseWish, area: dict[str, Weighted] | None, dice: Dice) -> list[str]:
    count = len(wish.grid)
    if area is None and count > 2 and dice.chance(palette.sequences * (2.0 if wish.continuation else 0.5)):
        return _sequence(key, palette, count, wish.opening, dice)
    if area is None and palette.idioms and dice.chance(palette.idiom):
        return _idiom(key, palette, count, wish.opening, dice)
    words = area or GRAMMAR[key.mode]
    home = words["T"][0][0]
    function = "T" if wish.opening != "away" or area else "P"
    line = [home if function == "T" else _weighted(dice, words["P"])]
    while len(line) < count:
        function = {
            "T": dice.pick("TPD", (1.2, 4, 1.5)),
            "P": dice.pick("PDT", (2, 3, 1)),
            "D": dice.pick("TP", (4, 1)),
        }[function]
        choices = tuple(pair for pair in words[function] if pair[0] != line[-1]) or words[function]
        line.append(home if dice.chance(palette.drone) and line[-1] != home else _weighted(dice, choices))
    return line


def _sequence(key: Key, palette: Palette, count: int, opening: str, dice: Dice) -> list[str]:
    """The beginning of a schema, said again where it is shorter than the phrase."""
    rows = [row for row in SEQUENCES[key.mode] if palette.inversions > 0 or not _inverted(row)]
    tonic = GRAMMAR[key.mode]["T"][0][0]
    fitting = [row for row in rows if (plain(row[0]) == tonic) == (opening != "away")]
    row = dice.pick(fitting or rows)
    if opening == "away" and plain(row[0]) == tonic:
        row = (*row[1:], row[0])
    if palette.extension == "power":
        row = tuple(idiom_numeral(key, plain(numeral)) for numeral in row)
    return [row[place % len(row)] for place in range(count)]


def _inverted(row: Formula) -> bool:
    return any(numeral.partition(":")[2] in ("3", "5", "7") for numeral in row)


def _idiom(key: Key, palette: Palette, count: int, opening: str, dice: Dice) -> list[str]:
    row = [idiom_numeral(key, numeral) for numeral in dice.pick(palette.idioms)]
    tonic = GRAMMAR[key.mode]["T"][0][0]
    start = 0
    if opening == "away" and len(row) > 2:
        start = next((place for place in (2, 1) if plain(row[place]) != tonic), 0)
    names = [plain(numeral) for numeral in row]
    if count < len(row) and count > 0 and opening != "away" and names[0] != tonic and tonic in names:
        start = names.index(tonic)
    return [row[(start + place) % len(row)] for place in range(count)]


def _coloured(key: Key, palette: Palette, body: list[str], dice: Dice) -> list[str]:
    """Applied dominants before chords that bear them, and borrowed darker chords, both away from the phrase's ends."""
    line = list(body)
    if key.narrow:
        return line
    for place in range(len(line) - 2, 0, -1):
        target = line[place + 1]
        if ":" in line[place] or function_of(key, line[place]) == "D":
            continue
        if target in _APPLICABLE and target not in (line[0], line[place]) and dice.chance(palette.applied):
            line[place] = dice.pick((f"V7/{target}", f"vii°7/{target}:3"), (4, 1 if palette.inversions > 0 else 0))
        elif "/" not in target and function_of(key, line[place]) == "P" and dice.chance(palette.dark):
            borrowed = dice.pick(BORROWED[key.mode])
            roots = {harmony(key, plain(numeral)).root for numeral in (line[place - 1], target)}
            line[place] = line[place] if harmony(key, borrowed).root in roots else borrowed
    return line


def _pedalled(palette: Palette, wish: PhraseWish, line: list[str], dice: Dice) -> list[str]:
    """The phrase over a bass that stays, up to its cadence, where the wish or the taste says so."""
    held = wish.pedal or ("T" if dice.chance(palette.pedal) and len(line) > 3 else "")
    if not held:
        return line
    free = 0 if wish.cadence == "open" else 2 if held == "T" else 1
    return [f"{plain(numeral)}:{held}" if place < len(line) - free else numeral for place, numeral in enumerate(line)]


def _mismatch(key: Key, numerals: list[str], wish: PhraseWish) -> float:
    """Share of the melody's weight that is no chord tone, plus a little for standing still and for losing the tonic."""
    total = wrong = home = 0.0
    chords = [(harmony(key, plain(numeral)).pitch_classes, _at_home(key, plain(numeral))) for numeral in numerals]
    place, last = 0, len(chords) - 1
    for at, weight, pitch_class in wish.demand:
        while place < last and at >= wish.grid[place + 1][0] - 1e-9:
            place += 1
        total += weight
        wrong += 0.0 if pitch_class in chords[place][0] else weight
    home = sum(length for (_, length), (_, at_home) in zip(wish.grid, chords, strict=True) if at_home)
    still = sum(plain(one) == plain(two) for one, two in zip(numerals, numerals[1:], strict=False)) / len(numerals)
    away = max(0.0, 0.5 - home / sum(length for _, length in wish.grid))
    return (wrong / total if total else 0.0) + 0.4 * still + 1.8 * away


@lru_cache(maxsize=4096)
def _at_home(key: Key, numeral: str) -> bool:
    """Whether a chord holds the tonic, and nothing foreign to the key."""
    tones = harmony(key, numeral).pitch_classes
    return key.tonic in tones and set(tones) <= key.collection
