"""One tune in ABC notation (the standard 2.1), read without trust: a melody, its bars and nothing else.

Written out here because the one library that reads ABC hands the text to a program through a shell and temporary files.
Read are the fields X, M, L, K (the rest is passed over), notes with accidentals, octaves and lengths, rests, chords
(their top note), ties, broken rhythm, tuplets, and repeats with first and second endings. Slurs, grace notes,
decorations, chord symbols and lyrics are passed over. Everything is bounded; nothing here reads from disk.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

MOST_BYTES = 1 << 16
MOST_SYMBOLS = 4096  # notes and rests, repeats written out
MOST_DENOMINATOR = 64

_FIELD = re.compile(r"([A-Za-z+]):(.*)", re.DOTALL)
_LENGTH = r"(\d{0,3})(/{0,4})(\d{0,2})"
_NOTE = re.compile(rf"(\^\^|\^|__|_|=)?([A-Ga-g])([,']{{0,4}}){_LENGTH}")
_REST = re.compile(rf"([zxZX]){_LENGTH}")
_TUPLET = re.compile(r"\(([2-9])(?::([1-9]?))?(?::([1-9]?))?")
_BAR = re.compile(r"(?P<bar>:*\|+\]?:*|\[\||::+)(?:\[?(?P<ending>[12])(?![0-9]))?")
_ENDING = re.compile(r"\[([12])(?![0-9])")
_INLINE = re.compile(r"\[([A-Za-z]):([^\]\n]*)\]")
_BROKEN = re.compile(r">{1,3}|<{1,3}")
_PASSED_OVER = re.compile(r'"[^"\n]*"|![^!\n]*!|\{[^}\n]*\}|[\s`~.)\\uvHLMOPSTy]|\((?!\d)|\$')
_KEY = re.compile(r"\s*([A-G])([#b]?)\s*([A-Za-z]{0,10})(?:\s.*)?$")
_SIZES = {"C": Fraction(1), "C|": Fraction(1)}
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {"": 0, "maj": 0, "ion": 0, "m": -3, "min": -3, "aeo": -3}
_MODES |= {"mix": -1, "dor": -2, "phr": -4, "lyd": 1, "loc": -5}
_SIGNS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_IN_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # of so many notes in a tuplet; 5, 7 and 9 depend on the meter


class AbcError(ValueError):
    """Text that is no readable tune; the message says why, with the line."""


@dataclass(frozen=True)
class Tune:
    """`notes` are (onset, length, MIDI pitch) in quarter notes, one at a time; `bar` is a bar's length in quarters."""

    notes: tuple[tuple[float, float, int], ...]
    bar: float


@dataclass
class _Symbol:
    """A note, or a rest (`pitch` None), in whole notes. `tied` runs on into the next note of its pitch."""

    pitch: int | None
    length: Fraction
    tied: bool = False


@dataclass
class _Reader:
    """What is known so far while a tune is read."""

    line: int = 0
    meter: Fraction = Fraction(1)
    compound: bool = False
    unit: Fraction | None = None
    signature: dict[str, int] = field(default_factory=dict)
    keyed: bool = False
    bars: list[list[_Symbol]] = field(default_factory=lambda: [[]])
    marks: list[str] = field(default_factory=lambda: [""])  # before each bar: `|:`, `1`, `2`; after it `:|` as suffix
    altered: dict[tuple[str, int], int] = field(default_factory=dict)
    tuplet: tuple[int, Fraction] = (0, Fraction(1))
    broken: Fraction = Fraction(1)
    voice: str | None = None

    def wrong(self, what: str) -> AbcError:
        return AbcError(f"line {self.line}: {what}")


def read_tune(data: bytes) -> Tune:
    """The tune in `data`. Raises AbcError where it is none, holds several tunes or voices, or is too long."""
    if len(data) > MOST_BYTES:
        raise AbcError(f"{len(data)} bytes are too many for a tune; stay under {MOST_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AbcError("not UTF-8 text") from None
    reader = _Reader()
    for number, row in enumerate(text.splitlines(), 1):
        reader.line = number
        _read_line(reader, row.partition("%")[0].rstrip())
    if not reader.keyed:
        raise AbcError("no field `K:` (the key), which every tune in ABC notation has")
    return Tune(tuple(_placed(reader)), float(reader.meter * 4))


def _read_line(reader: _Reader, row: str) -> None:
    named = _FIELD.match(row)
    if named:
        _read_field(reader, named[1], named[2].strip())
    elif reader.keyed:
        _read_music(reader, row)
    elif row.strip():
        raise reader.wrong("text before the fields of a tune; begin with `X:1`, `M:`, `L:` and `K:`")


def _read_field(reader: _Reader, name: str, value: str) -> None:
    if name == "X" and reader.keyed:
        raise reader.wrong("a second tune; give one tune a file")
    if name == "V":
        voice = (value.split() or [""])[0]
        if reader.voice not in (None, voice):
            raise reader.wrong("a second voice; a theme is one melody")
        reader.voice = voice
    elif name == "M":
        _set_meter(reader, value)
    elif name == "L":
        reader.unit = _fraction(reader, value)
    elif name == "K":
        reader.signature = _signature(reader, value)
        reader.keyed = True


def _set_meter(reader: _Reader, value: str) -> None:
    meter = _SIZES.get(value) or _fraction(reader, value)
    if reader.keyed and meter != reader.meter:
        raise reader.wrong("the meter changes; a theme has one")
    if not Fraction(1, 8) <= meter <= 4:
        raise reader.wrong(f"no meter: {value[:20]!r}")
    reader.meter = meter
    reader.compound = value.partition("/")[0] in ("6", "9", "12")


def _fraction(reader: _Reader, value: str) -> Fraction:
    match = re.fullmatch(r"(\d{1,2})\s*/\s*(\d{1,2})", value)
    if not match or not 1 <= int(match[2]) <= MOST_DENOMINATOR or not int(match[1]):
        raise reader.wrong(f"not a fraction such as 1/8: {value[:20]!r}")
    return Fraction(int(match[1]), int(match[2]))


def _signature(reader: _Reader, value: str) -> dict[str, int]:
    """Semitones by letter. `none` and nothing at all are C major."""
    if value.casefold() in ("", "none"):
        return {}
    match = _KEY.match(value)
    if not match or match[3].casefold()[:3] not in _MODES:
        raise reader.wrong(f"not a key such as `D`, `Bb`, `Em` or `A dor`: {value[:20]!r}")
    fifths = _FIFTHS[match[1]] + 7 * {"#": 1, "b": -1}.get(match[2], 0) + _MODES[match[3].casefold()[:3]]
    if abs(fifths) > 7:
        raise reader.wrong(f"a key with more than seven accidentals: {value[:20]!r}")
    sharps, flats = "FCGDAEB"[: max(0, fifths)], "BEADGCF"[: max(0, -fifths)]
    return dict.fromkeys(sharps, 1) | dict.fromkeys(flats, -1)


def _read_music(reader: _Reader, row: str) -> None:
    at = 0
    while at < len(row):
        after = _read_symbol(reader, row, at)
        if after is None:
            shown = row[at : at + 10]
            raise reader.wrong(f"cannot read {shown if shown.isprintable() else '?'!r} at column {at + 1}")
        at = after


def _read_symbol(reader: _Reader, row: str, at: int) -> int | None:
    """Reads one symbol at a place; where it ends, None where nothing is understood."""
    for pattern, read in _SYMBOLS:
        match = pattern.match(row, at)
        if match:
            read(reader, match)
            return match.end()
    return _read_chord(reader, row, at) if row[at] == "[" else None


def _read_note(reader: _Reader, match: re.Match[str]) -> None:
    _add(reader, _pitch(reader, match), _length(reader, *match.group(4, 5, 6)))


def _read_rest(reader: _Reader, match: re.Match[str]) -> None:
    length = _length(reader, *match.group(2, 3, 4))
    _add(reader, None, reader.meter * length / _unit(reader) if match[1] in "ZX" else length)


def _tie(reader: _Reader, _match: re.Match[str]) -> None:
    if reader.bars[-1]:
        reader.bars[-1][-1].tied = True


def _pass_over(_reader: _Reader, _match: re.Match[str]) -> None:
    """Nothing is heard of it."""


def _unit(reader: _Reader) -> Fraction:
    return reader.unit or (Fraction(1, 8) if reader.meter >= Fraction(3, 4) else Fraction(1, 16))


def _length(reader: _Reader, count: str, strokes: str, divisor: str) -> Fraction:
    below = int(divisor) if divisor else 2 ** len(strokes)
    if not below or below > MOST_DENOMINATOR or (count and not int(count)) or (divisor and not strokes):
        raise reader.wrong(f"no length: {count}{strokes}{divisor}")
    return _unit(reader) * Fraction(int(count or 1), below)


def _pitch(reader: _Reader, match: re.Match[str]) -> int:
    """MIDI key of a note; an accidental holds to the end of its bar."""
    letter, octave = match[2].upper(), 60 + (12 if match[2].islower() else 0)
    octave += 12 * (match[3].count("'") - match[3].count(","))
    if match[1] is not None:
        reader.altered[letter, octave] = _SIGNS[match[1]]
    alter = reader.altered.get((letter, octave), reader.signature.get(letter, 0))
    pitch = octave + _STEPS[letter] + alter
    if not 0 <= pitch <= 127:
        raise reader.wrong(f"{match.group()!r} lies outside of what can be played")
    return pitch


def _add(reader: _Reader, pitch: int | None, length: Fraction) -> None:
    left, share = reader.tuplet
    if left:
        length *= share
        reader.tuplet = left - 1, share
    length *= reader.broken
    reader.broken = Fraction(1)
    if sum(map(len, reader.bars)) >= MOST_SYMBOLS:
        raise reader.wrong(f"more than {MOST_SYMBOLS} notes")
    reader.bars[-1].append(_Symbol(pitch, length))


def _read_chord(reader: _Reader, row: str, at: int) -> int | None:
    """`[CEG]2`: the top note, as long as its own length times that behind the bracket."""
    top: tuple[int, Fraction] | None = None
    at += 1
    while match := _NOTE.match(row, at):
        found = _pitch(reader, match), _length(reader, *match.group(4, 5, 6))
        top = found if top is None or found[0] > top[0] else top
        at = match.end()
    if top is None or row[at : at + 1] != "]":
        return None
    match = re.compile(_LENGTH).match(row, at + 1)
    assert match is not None  # it matches nothing at all, too
    _add(reader, top[0], top[1] * _length(reader, *match.group(1, 2, 3)) / _unit(reader))
    return match.end()


def _tuplet(reader: _Reader, match: re.Match[str]) -> None:
    notes = int(match[1])
    time = int(match[2]) if match[2] else _IN_TIME.get(notes, 3 if reader.compound else 2)
    reader.tuplet = int(match[3]) if match[3] else notes, Fraction(time, notes)


def _break(reader: _Reader, marks: str) -> None:
    """`a>b`: the first is dotted and the second halved; `<` the other way round."""
    if not reader.bars[-1]:
        raise reader.wrong(f"{marks} stands behind no note of its bar")
    short = Fraction(1, 2 ** len(marks))
    long = 2 - short
    reader.bars[-1][-1].length *= long if marks[0] == ">" else short
    reader.broken = short if marks[0] == ">" else long


def _bar_line(reader: _Reader, mark: str, ending: str) -> None:
    """Closes a bar and opens the next one; empty bars only gather marks."""
    reader.altered = {}
    if mark.startswith(":"):
        reader.marks[-1] += ":|"
    opens = ("|:" if mark.endswith(":") else "") + ending
    if reader.bars[-1] or reader.marks[-1].endswith(":|"):
        reader.bars.append([])
        reader.marks.append(opens)
    else:
        reader.marks[-1] += opens


def _played(reader: _Reader) -> Iterator[list[_Symbol]]:
    """The bars in the order in which they are played: repeats written out, second endings instead of first ones."""
    start, place, again, played = 0, 0, False, 0
    while place < len(reader.bars):
        mark = reader.marks[place]
        if "|:" in mark and not again:
            start = place
        if "1" in mark and again:
            place = _second_ending(reader, place)
            again = False
            start = place
            continue
        played += len(reader.bars[place])
        if played > MOST_SYMBOLS:
            raise AbcError(f"more than {MOST_SYMBOLS} notes once its repeats are written out")
        yield reader.bars[place]
        if mark.endswith(":|") and not again:
            again, place = True, start
            continue
        if mark.endswith(":|"):
            again, start = False, place + 1
        place += 1


def _second_ending(reader: _Reader, place: int) -> int:
    """The first bar behind a first ending."""
    while place < len(reader.bars) and not reader.marks[place].endswith(":|"):
        place += 1
    return place + 1


def _placed(reader: _Reader) -> Iterator[tuple[float, float, int]]:
    """Notes in quarter notes; a first bar that is not full is an upbeat and stands at the end of a bar."""
    bars = [bar for bar in _played(reader) if bar]
    upbeat = sum((symbol.length for symbol in bars[0]), Fraction(0)) if bars else Fraction(0)
    time = reader.meter - upbeat if len(bars) > 1 and upbeat < reader.meter else Fraction(0)
    sounding: list[_Note] = []
    tied = False
    for symbol in (symbol for bar in bars for symbol in bar):
        if symbol.pitch is not None:
            if tied and sounding[-1].pitch == symbol.pitch:
                sounding[-1].length += symbol.length
            else:
                sounding.append(_Note(time, symbol.length, symbol.pitch))
        tied = symbol.tied and symbol.pitch is not None
        time += symbol.length
    for note in sounding:
        yield float(note.onset * 4), float(note.length * 4), note.pitch


@dataclass
class _Note:
    onset: Fraction
    length: Fraction
    pitch: int


_SYMBOLS: tuple[tuple[re.Pattern[str], Callable[[_Reader, re.Match[str]], None]], ...] = (
    (_NOTE, _read_note),
    (_REST, _read_rest),
    (_INLINE, lambda reader, match: _read_field(reader, match[1], match[2].strip())),
    (_BAR, lambda reader, match: _bar_line(reader, match["bar"], match["ending"] or "")),
    (_ENDING, lambda reader, match: _bar_line(reader, "", match[1])),
    (_TUPLET, _tuplet),
    (_BROKEN, lambda reader, match: _break(reader, match.group())),
    (re.compile("-"), _tie),
    (_PASSED_OVER, _pass_over),
)
"""Every symbol of the music and what it does, in the order in which they are tried."""
