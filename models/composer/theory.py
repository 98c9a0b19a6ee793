"""Keys, scales and chords: what the notes are called and which belong together.

Numerals follow one convention: a Roman numeral without accidental stands on the degree of the key's own mode (`VI` in
minor is the lowered sixth), one with `b` or `#` counts from the major scale of the tonic (`bVI` in major); upper case
is a major third, lower case a minor one; `/` applies a dominant to a degree (`V7/ii`, `vii°7/V`).

Degrees are those of a frame of seven tones in every mode. Scales of five or eight tones have a frame, too:
pentatonics that of their parent scale, the octatonic (half-whole, so that its tonic carries a major and a minor triad)
seven of its eight tones. `Key.semitones` snaps a frame's tone into the scale, and `suited` sets a whole line so that it
keeps its ups and downs. Nothing here is random.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "octatonic": (0, 1, 3, 4, 6, 7, 9, 10),
}
_FRAMES: dict[str, tuple[int, ...]] = {
    "major pentatonic": SCALES["major"],
    "minor pentatonic": SCALES["minor"],
    "octatonic": (0, 1, 3, 6, 7, 9, 10),
}
CHARACTERISTIC: dict[str, int] = {
    "dorian": 5,
    "phrygian": 1,
    "lydian": 3,
    "mixolydian": 6,
    "locrian": 4,
    "harmonic minor": 6,
    "octatonic": 1,
}
"""The degree (from 0) by which a mode is told from plain major and minor."""
MAJOR_FAMILY = ("major", "lydian", "mixolydian", "major pentatonic")
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_LETTERS = "CDEFGAB"
_OWN: dict[str, tuple[str, ...]] = {  # what stands on each degree of the frame where thirds cannot be stacked
    "major pentatonic": ("I", "IIsus4", "III7sus4", "VIsus4", "Vsus4", "vi", "Vsus2"),
    "minor pentatonic": ("i", "IVsus2", "III", "IVsus4", "V7sus4", "III", "VIIsus4"),
    "octatonic": ("i", "ii°", "III", "IV", "v°", "VI", "vii°"),
}
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_NUMERAL = re.compile(
    r"^([b#]?)(vii|vi|v|iv|iii|ii|i)(°|ø|\+)?(maj7|7sus4|sus2|sus4|add9|5|7|9|6)?(?:/([b#]?(?:vii|vi|v|iv|iii|ii|i)))?$",
    re.I,
)
_TRIADS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "sus2": (0, 2, 7),
}
_MARKED = {  # chords that an ending names whole, whatever the degree: tones and the symbol's ending
    "sus2": ((0, 2, 7), "sus2"),
    "sus4": ((0, 5, 7), "sus4"),
    "5": ((0, 7), "5"),
    "7sus4": ((0, 5, 7, 10), "7sus4"),
    "quintal": ((0, 7, 14), "sus2"),
}


@dataclass(frozen=True)
class Key:
    """A tonic (`name` as asked, `tonic` its pitch class) and a mode of `SCALES`."""

    name: str
    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """Semitones of the scale above the tonic: five to eight of them."""
        return SCALES[self.mode]

    @property
    def frame(self) -> tuple[int, ...]:
        """Semitones of the seven degrees above the tonic that numerals and motifs count by."""
        return _FRAMES.get(self.mode, self.scale)

    @property
    def narrow(self) -> bool:
        """Whether the mode has scale and frame of its own (pentatonic, octatonic): its chords stay inside the scale."""
        return self.mode in _FRAMES

    @property
    def bright(self) -> bool:
        """Whether the mode has a major third."""
        return self.mode in MAJOR_FAMILY

    @cached_property
    def collection(self) -> frozenset[int]:
        """The pitch classes of the key."""
        return frozenset((self.tonic + step) % 12 for step in self.scale)

    def semitones(self, degree: int) -> int:
        """Semitones above the tonic of a degree counted from 0; 7 is the octave, -1 the degree below.

        Where a pentatonic lacks the degree it is the scale's nearest tone, the one nearer the tonic of two."""
        return 12 * (degree // 7) + self._snapped[degree % 7]

    @cached_property
    def _snapped(self) -> tuple[int, ...]:
        return tuple(min((*self.scale, 12), key=lambda tone: (abs(tone - step), tone)) for step in self.frame)


@dataclass(frozen=True)
class Harmony:
    """A chord in a key. `root` is a pitch class; `tones` are semitones above the root, root first."""

    numeral: str
    symbol: str
    root: int
    tones: tuple[int, ...]

    @cached_property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root first, then upwards."""
        return tuple((self.root + tone) % 12 for tone in self.tones)


@lru_cache(maxsize=256)
def parse_key(text: str) -> Key:
    """Read `Eb major`, `F# dorian`, `A harmonic minor`. Raises ValueError naming what is wrong."""
    name, _, mode = text.strip().partition(" ")
    mode = " ".join(mode.split()).lower()
    if not re.fullmatch(r"[A-G][b#]?", name) or mode not in SCALES:
        raise ValueError(f"key {text!r} is not a tonic and a mode such as 'D minor'; modes: {', '.join(SCALES)}")
    return Key(name, _pitch_class(name), mode)


def parse_meter_text(text: str) -> tuple[int, int]:
    """Read `6/8`. Raises ValueError where it is no meter of 1..32 over 2, 4, 8 or 16."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
    if not match or not 1 <= int(match[1]) <= 32 or int(match[2]) not in (2, 4, 8, 16):
        raise ValueError(f"meter {text!r} is not of the form '4/4' (1 to 32 over 2, 4, 8 or 16)")
    return int(match[1]), int(match[2])


def diatonic(key: Key, degree: int) -> str:
    """The numeral of the triad that the key's own scale builds on `degree` (counted from 0)."""
    if key.mode in _OWN:
        return _OWN[key.mode][degree % 7]
    third = key.semitones(degree + 2) - key.semitones(degree)
    fifth = key.semitones(degree + 4) - key.semitones(degree)
    roman = _ROMAN[degree % 7]
    if third == 4:
        return roman.upper() + ("+" if fifth == 8 else "")
    return roman + ("°" if fifth == 6 else "")


@lru_cache(maxsize=4096)
def harmony(key: Key, numeral: str, extension: str = "triad") -> Harmony:
    """Build the chord that `numeral` names in `key`.

    `extension` is `triad`, `seventh`, `ninth`, `add9`, `sixth`, `sus`, `quintal` or `power`; an ending written in the
    numeral wins. In pentatonic and octatonic keys a chord keeps to the scale. Raises ValueError for what is no
    numeral."""
    match = _NUMERAL.match(numeral)
    if not match:
        raise ValueError(f"{numeral!r} is not a Roman numeral such as 'iv', 'bVII', 'V7/ii' or 'ii°'")
    accidental, roman, mark, ending, target = match.groups()
    degree, root = _place(key, accidental, roman)
    if target and roman.lower() not in ("v", "vii"):
        raise ValueError(f"{numeral!r} is not a Roman numeral: only V and vii° are applied to a degree")
    if target:
        degree, root = _applied(key, target, roman.lower() == "vii")
    quality = {"°": "dim", "ø": "dim", "+": "aug"}.get(mark or "", "" if roman.isupper() else "m")
    chromatic = bool(target or accidental)
    ending = ending or _default_ending(extension)
    tones, suffix = _coloured(key, degree, quality, ending, extension) if not chromatic else ((), "")
    if not tones:
        dominant = quality == "" and bool(target)
        tones, suffix = _stack(key, degree, quality, ending, dominant, chromatic)
    if extension == "power" and quality in ("", "m") and ending == "":
        tones, suffix = _MARKED["5"]
    if key.narrow and not chromatic:
        tones, suffix = _inside(key, root, tones, suffix)
    return Harmony(numeral, spell(key, degree, root) + suffix, root, tones)


def _coloured(key: Key, degree: int, quality: str, ending: str, extension: str) -> tuple[tuple[int, ...], str]:
    """A chord that an ending names whole, or a taste's suspension where the mode has its tones; else none."""
    if ending in _MARKED and ending != "quintal":
        return _MARKED[ending]
    if ending not in ("sus", "quintal") or quality not in ("", "m"):
        return (), ""
    root = key.tonic + key.semitones(degree)
    for name in ("quintal", "sus2") if ending == "quintal" else ("sus2", "sus4"):
        tones, suffix = _MARKED[name]
        if degree % 7 not in (0, 4) and all((root + tone) % 12 in key.collection for tone in tones):
            return tones, suffix
    return (), ""


def _inside(key: Key, root: int, tones: tuple[int, ...], suffix: str) -> tuple[tuple[int, ...], str]:
    """The chord without the tones that its narrow mode lacks; at least root and one more stay as they are."""
    kept = tuple(tone for tone in tones if (root + tone) % 12 in key.collection)
    if len(kept) == len(tones) or len(kept) < 2:
        return tones, suffix
    if kept[:3] != tones[:3]:
        return kept, suffix + "(no5)" if 7 in tones and 7 not in kept else suffix
    if len(kept) > 3:
        return kept, _bare(tones) + ("(add9)" if kept[3] == 14 else "7")
    sixth = (root + 9) % 12 in key.collection and tones[1] in (3, 4)
    return ((*kept, 9), _bare(tones) + "6") if sixth else (kept, _bare(tones))


def _bare(tones: tuple[int, ...]) -> str:
    """The symbol of the triad at a chord's root."""
    known = {(0, 3, 7): "m", (0, 3, 6): "dim", (0, 4, 8): "+", (0, 5, 7): "sus4", (0, 2, 7): "sus2"}
    return next((name for triad, name in known.items() if triad == tones[:3]), "")


def suited(key: Key, degrees: Sequence[int]) -> list[int]:
    """Semitones above the tonic for the degrees of a whole line, all in the mode.

    In modes of seven and eight tones each is its degree's own. In pentatonics each is the nearest tone that keeps the
    line's direction: what rose still rises, what fell still falls, what was repeated is repeated."""
    if len(key.scale) >= 7:
        return [key.semitones(degree) for degree in degrees]
    line: list[int] = []
    for place, degree in enumerate(degrees):
        wanted = 12 * (degree // 7) + key.frame[degree % 7]
        heading = 0 if place == 0 else degree - degrees[place - 1]
        options = [tone for tone in range(wanted - 9, wanted + 10) if tone % 12 in key.scale]
        if place and heading == 0:
            options = line[-1:]
        elif place:
            options = [tone for tone in options if (tone - line[-1]) * heading > 0] or [_beyond(key, line[-1], heading)]
        line.append(min(options, key=lambda tone: (abs(tone - wanted), tone)))
    return line


def _beyond(key: Key, tone: int, heading: int) -> int:
    step = 1 if heading > 0 else -1
    return next(tone + step * far for far in range(1, 13) if (tone + step * far) % 12 in key.scale)


def spell(key: Key, degree: int, pitch_class: int) -> str:
    """The name of a pitch class standing on a degree of the key: letter by degree, sharps or flats as needed."""
    letter = _LETTERS[(_LETTERS.index(key.name[0]) + degree) % 7]
    offset = (pitch_class - _NATURAL[letter] + 6) % 12 - 6
    return letter + ("#" * offset if offset > 0 else "b" * -offset)


def _pitch_class(name: str) -> int:
    return (_NATURAL[name[0]] + name.count("#") - name[1:].count("b")) % 12


def _place(key: Key, accidental: str, roman: str) -> tuple[int, int]:
    degree = _ROMAN.index(roman.lower())
    if not accidental:
        return degree, (key.tonic + key.frame[degree]) % 12
    shift = 1 if accidental == "#" else -1
    return degree, (key.tonic + SCALES["major"][degree] + shift) % 12


def _applied(key: Key, target: str, leading: bool) -> tuple[int, int]:
    """Degree and root of the dominant of a degree, or of the leading-tone chord below it."""
    accidental = target[0] if target[0] in "b#" else ""
    degree, root = _place(key, accidental, target[len(accidental) :])
    return ((degree + 6) % 7, (root + 11) % 12) if leading else ((degree + 4) % 7, (root + 7) % 12)


def _default_ending(extension: str) -> str:
    known = {"seventh": "7", "ninth": "9", "add9": "add9", "sixth": "6", "sus": "sus", "quintal": "quintal"}
    return known.get(extension, "")


def _stack(
    key: Key, degree: int, quality: str, ending: str, dominant: bool, chromatic: bool
) -> tuple[tuple[int, ...], str]:
    """Semitones above the root and the symbol's ending, for a triad quality and a wanted extension."""
    triad = _TRIADS[quality]
    natural = {"": "", "m": "m", "dim": "dim", "aug": "+"}[quality]
    if ending == "6" and quality in ("", "m"):
        sixth = chromatic or (key.semitones(degree) + 9) % 12 in key.scale
        return ((*triad, 9), natural + "6") if sixth else (triad, natural)
    ninth = 14 if chromatic else key.semitones(degree + 8) - key.semitones(degree)
    if ending == "add9" and quality in ("", "m"):
        return ((*triad, 14), natural + "(add9)") if ninth == 14 else (triad, natural)
    if ending not in ("7", "9", "maj7") or quality == "aug":
        return triad, natural
    seventh = _seventh(key, degree, quality, dominant, chromatic)
    names = {
        ("", 11): "maj7",
        ("", 10): "7",
        ("m", 10): "m7",
        ("m", 11): "m(maj7)",
        ("dim", 10): "m7b5",
        ("dim", 9): "dim7",
    }
    name = names[quality, seventh]
    if ending == "9" and ninth == 14 and quality in ("", "m"):
        return (*triad, seventh, 14), name.replace("7", "9")
    return (*triad, seventh), name


def _seventh(key: Key, degree: int, quality: str, dominant: bool, chromatic: bool) -> int:
    if dominant:
        return 10
    if chromatic:
        return {"": 11, "m": 10, "dim": 9}[quality]
    natural = key.semitones(degree + 6) - key.semitones(degree)
    allowed = {"": (10, 11), "m": (10, 11), "dim": (9, 10)}[quality]
    return natural if natural in allowed else allowed[0]
