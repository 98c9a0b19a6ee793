"""Text as a reader sees it: letters, digits and gaps, whatever characters they were typed with.

Width, mathematical alphabets, accents, invisible characters and look-alikes are undone; every letter that is left
knows where it came from. Nothing here knows a name.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from services.rights.guard.look_alikes import LOOK_ALIKES

SYMBOLS = "!$@|+("
"""Symbols that stand for a letter in a name (`P!nk`, `Ke$ha`) and are gaps otherwise. Others are always gaps."""

STANDS_FOR = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g",
    "!": "il", "$": "s", "@": "a", "|": "il", "+": "t", "(": "c",
}
"""What a digit or symbol may stand for in a name."""

_CLASS = str.maketrans("013456789!$@|+(2l", "oieasgtbgisaitczi")
_CURRENCY = {"€": "e", "£": "l", "¢": "c", "¥": "y", "₿": "b", "₳": "a", "₱": "p", "₩": "w", "₦": "n", "®": "r"}
_ODD_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_ASCII = str.maketrans(
    {chr(code): " " for code in range(128) if not chr(code).isalnum() and chr(code) not in SYMBOLS}
    | {chr(code): chr(code).lower() for code in range(65, 91)}
)
_NO_SYMBOLS = str.maketrans(dict.fromkeys(SYMBOLS, " "))
_SYMBOL = re.compile(r"[!$@|+(]")
_FILLERS = "\u115f\u1160\u3164\uffa0\u17b4\u17b5"
_BLACK_LETTERS = (0x1F150, 0x1F170, 0x1F1E6)  # negative circled, negative squared, regional indicators: A to Z
_REVERSALS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_REVERSED = re.compile("[\u202b\u202e\u2067]([^\u202c\u2069]*)")


@dataclass(frozen=True)
class Folded:
    """`text` holds letters, digits, symbols and gaps (spaces); `owner` says for each which character of the original
    it came from (None: the one at the same place)."""

    text: str
    owner: Sequence[int] | None = None

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Start and end in the original of the letters from `first` to `last`, both included."""
        if self.owner is None:
            return first, last + 1
        ends = self.owner[first], self.owner[last]
        return min(ends), max(ends) + 1

    def without_symbols(self) -> "Folded":
        """The same with symbols for gaps."""
        return Folded(self.text.translate(_NO_SYMBOLS), self.owner)


class _Letters(dict[str, str]):
    """What each character is read as; worked out once a character."""

    def __missing__(self, char: str) -> str:
        read = self[char] = _read(char)
        return read


def fold(text: str) -> Folded:
    """`text` as letters and gaps. Never raises, whatever the text holds."""
    if text.isascii() and not _ODD_CONTROL.search(text):
        return Folded(text.translate(_ASCII))
    return _fold_slowly(text, range(len(text)))


def words_of(name: str) -> list[str]:
    """The words of a name in a list, folded. Symbols stay only between letters, as in `P!nk`."""
    if name.isascii():
        if not _SYMBOL.search(name):
            return name.translate(_ASCII).split()
        folded = name.translate(_ASCII)
    else:
        folded = _fold_slowly(name, range(len(name))).text
    return [word for word in (word.strip(SYMBOLS) for word in folded.split()) if word]


def classes(folded: str) -> str:
    """One letter for all that may stand for one another (`l`, `1`, `!` are `i`): same length, for looking up."""
    return folded.translate(_CLASS)


def turned(text: str) -> Folded | None:
    """`text` as a screen shows it where it holds controls that turn the direction; None where it holds none."""
    if not _REVERSALS.search(text):
        return None
    order = list(range(len(text)))
    for match in _REVERSED.finditer(text):
        start, end = match.span(1)
        order[start:end] = order[start:end][::-1]
    return _fold_slowly(text, order)


def _fold_slowly(text: str, order: Sequence[int]) -> Folded:
    read = [_LETTERS[char] for char in text]
    if isinstance(order, range) and all(len(letter) == 1 for letter in read):
        return Folded("".join(read))
    letters, owner = [], []
    for at in order:
        for letter in read[at]:
            letters.append(letter)
            owner.append(at)
    return Folded("".join(letters), owner)


def _read(char: str) -> str:
    """The letters that a character is read as: none for an invisible one, a space for a gap."""
    if char in _LOOK_ALIKES:
        return _LOOK_ALIKES[char]
    if char.isspace():
        return " "
    if char in _FILLERS or unicodedata.category(char) == "Cc":
        return ""
    for first in _BLACK_LETTERS:
        if first <= ord(char) < first + 26:
            return chr(97 + ord(char) - first)
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(_read_plain(letter) for letter in plain)


def _read_plain(letter: str) -> str:
    if letter in SYMBOLS:
        return letter
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return ""
    letter = _LOOK_ALIKES.get(letter, letter)
    return letter if letter.isalnum() else " "


_LOOK_ALIKES = {char: letter for letter, chars in LOOK_ALIKES.items() for char in chars} | _CURRENCY
_LETTERS = _Letters()
