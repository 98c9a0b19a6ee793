"""Keys, scales and chords: what the notes are called and which belong together.

Numerals follow one convention: a Roman numeral without accidental stands on the degree of the key's own mode (`VI` in
minor is the lowered sixth), one with `b` or `#` counts from the major scale of the tonic (`bVI` in major); upper case
is a major third, lower case a minor one; `/` applies a dominant to a degree (`V7/ii`). Nothing here is random.
"""

import re
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
}
MAJOR_FAMILY = ("major", "lydian", "mixolydian")
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_LETTERS = "CDEFGAB"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_NUMERAL = re.compile(
    r"^([b#]?)(vii|vi|v|iv|iii|ii|i)(°|ø|\+)?(maj7|sus4|add9|7|9|6)?(?:/([b#]?(?:vii|vi|v|iv|iii|ii|i)))?$", re.I
)
_TRIADS = {"": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8), "sus4": (0, 5, 7), "5": (0, 7)}


@dataclass(frozen=True)
class Key:
    """A tonic (`name` as asked, `tonic` its pitch class) and a mode of `SCALES`."""

    name: str
    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """Semitones of the seven degrees above the tonic."""
        return SCALES[self.mode]

    @property
    def bright(self) -> bool:
        """Whether the mode has a major third."""
        return self.mode in MAJOR_FAMILY

    @cached_property
    def collection(self) -> frozenset[int]:
        """The pitch classes of the key."""
        return frozenset((self.tonic + step) % 12 for step in self.scale)

    def semitones(self, degree: int) -> int:
        """Semitones above the tonic of a degree counted from 0; 7 is the octave, -1 the degree below."""
        return 12 * (degree // 7) + self.scale[degree % 7]


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
    third = key.semitones(degree + 2) - key.semitones(degree)
    fifth = key.semitones(degree + 4) - key.semitones(degree)
    roman = _ROMAN[degree % 7]
    if third == 4:
        return roman.upper() + ("+" if fifth == 8 else "")
    return roman + ("°" if fifth == 6 else "")


@lru_cache(maxsize=4096)
def harmony(key: Key, numeral: str, extension: str = "triad") -> Harmony:
    """Build the chord that `numeral` names in `key`.

    `extension` is `triad`, `seventh`, `ninth`, `add9` or `power`; an ending written in the numeral wins. Raises
    ValueError for what is no numeral."""
    match = _NUMERAL.match(numeral)
    if not match:
        raise ValueError(f"{numeral!r} is not a Roman numeral such as 'iv', 'bVII', 'V7/ii' or 'ii°'")
    accidental, roman, mark, ending, target = match.groups()
    degree, root = _place(key, accidental, roman)
    if target:
        degree, root = _applied(key, target)
    quality = {"°": "dim", "ø": "dim", "+": "aug"}.get(mark or "", "" if roman.isupper() else "m")
    if ending == "sus4":
        quality = "sus4"
    dominant = quality == "" and (bool(target) or roman == "V")
    chromatic = bool(target or accidental)
    tones, suffix = _stack(key, degree, quality, ending or _default_ending(extension), dominant, chromatic)
    if extension == "power" and quality in ("", "m") and not ending:
        tones, suffix = _TRIADS["5"], "5"
    return Harmony(numeral, spell(key, degree, root) + suffix, root, tones)


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
        return degree, (key.tonic + key.scale[degree]) % 12
    shift = 1 if accidental == "#" else -1
    return degree, (key.tonic + SCALES["major"][degree] + shift) % 12


def _applied(key: Key, target: str) -> tuple[int, int]:
    accidental = target[0] if target[0] in "b#" else ""
    degree, root = _place(key, accidental, target[len(accidental) :])
    return (degree + 4) % 7, (root + 7) % 12


def _default_ending(extension: str) -> str:
    return {"seventh": "7", "ninth": "9", "add9": "add9"}.get(extension, "")


def _stack(
    key: Key, degree: int, quality: str, ending: str, dominant: bool, chromatic: bool
) -> tuple[tuple[int, ...], str]:
    """Semitones above the root and the symbol's ending, for a triad quality and a wanted extension."""
    triad = _TRIADS[quality]
    natural = {"": "", "m": "m", "dim": "dim", "aug": "+", "sus4": "sus4"}[quality]
    if ending == "6" and quality in ("", "m"):
        return (*triad, 9), natural + "6"
    ninth = 14 if chromatic else key.semitones(degree + 8) - key.semitones(degree)
    if ending == "add9" and quality in ("", "m"):
        return ((*triad, 14), natural + "(add9)") if ninth == 14 else (triad, natural)
    if ending not in ("7", "9", "maj7") or quality in ("sus4", "aug"):
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
