"""Finds names in a text, however they are written, and says whether each is refused or only warned of.

Names are looked up as runs of letters with all gaps taken out (Aho-Corasick), then each find is held against the text:
do its words begin and end where the name's do, is it spelt out (`M e t a l l i c a`), disguised (`M3tall1ca`), or an
ordinary word that nothing around it makes a name? Nothing here reads a file or knows what a plan is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import compress
from typing import Any, Literal, NamedTuple

from services.rights.guard.context import NOTHING, Context, Cue, context, is_spelt_out
from services.rights.guard.folding import STANDS_FOR, SYMBOLS, Folded, classes, fold, turned
from services.rights.guard.lists import Row, Spelling

Weight = Literal["refused", "doubtful"]
PROTECTED_YEARS = 70
"""A composer's works are protected until the end of the 70th year after the death (Berne Convention countries with the
longer term, as the EU's Directive 2006/116/EC, article 1)."""
MOST_LETTERS_UNCHECKED = 3
_SYMBOL_IN_WORD = re.compile(r"[$@|]|[!+(](?=[a-z0-9])|(?<![^ ])[!+(](?![^ ])")
_GAP_IS_FALSE = bytes.maketrans(b" ", b"\0")
_RUNS = tuple(3 * letter for letter in "abcdefghijklmnopqrstuvwxyz")
_LONG_RUN = re.compile(r"([a-z])\1\1|(?<![^ ])([a-z])(?: +\2){2}(?![^ ])")
_SUFFIXES = re.compile(r"(?:s|es|esque|ish|iike|styie|type|ian|inspired|core|wave|vibes?)(?= |\Z)")
_MEANING_SUFFIXES = re.compile(r"(?:esque|iike|styie|type|inspired)(?= |\Z)")
_SMALL_WORDS = frozenset(("the", "of", "a", "an", "and", "in", "to", "on", "for", "at", "s", "n"))
_SENTENCE_END = frozenset(".!?:;\n\"“'(-–—|/")
_MARKS = frozenset("’‘“”–—‐‑·•…")
_NOTES = frozenset("abcdefgh")
LIKE_BEHIND = "... like"
SPELT_NOTES = "spelt out in letters that are notes too"


@dataclass(frozen=True)
class Match:
    """A name found in a text: `text` is `text[start:end]` of what was checked, `name` what it stands for. `refused`
    names may not be ordered; `doubtful` ones may be ordinary words and pass with a warning. `why` is a sentence."""

    name: str
    kind: str
    weight: Weight
    start: int
    end: int
    text: str
    source: str
    licence: str
    why: str


class _Find(NamedTuple):
    """A name at the letters `first` to `last` of a reading; `weight` None: it passes, and covers what lies in it."""

    first: int
    last: int
    start: int
    end: int
    spelling: Spelling
    weight: Weight | None
    why: str


class _Fit(NamedTuple):
    """How a find keeps to its name: `disguised` by what; `certain` False where words were split or joined oddly."""

    disguise: str
    certain: bool


class Finder:
    """Spellings to look up; the letters of all of them in one automaton."""

    def __init__(self, spellings: Iterable[Spelling], today: date) -> None:
        self._last_free_year = today.year - PROTECTED_YEARS - 1
        self._by_key: dict[str, list[Spelling]] = {}
        for spelling in spellings:
            self._by_key.setdefault(classes("".join(spelling.words)), []).append(spelling)
        self._exact = _automaton(self._by_key)
        self._runs: Any = None

    def find(self, text: str) -> tuple[Match, ...]:
        """The names in `text`, in their order; of finds that lie in one another the longest."""
        finds: dict[tuple[int, int, str], _Find] = {}
        for reading in _readings(text):
            for find in self._in_reading(text, reading):
                key = (find.start, find.end, find.spelling.row.name)
                if key not in finds or _rank(find) > _rank(finds[key]):
                    finds[key] = find
        if not finds:
            return ()
        return tuple(_match(text, find) for find in _outermost(list(finds.values())) if find.weight is not None)

    def _in_reading(self, text: str, reading: Folded) -> Iterator[_Find]:
        letters = classes(reading.text)
        squeezed = letters.replace(" ", "")
        at = list(compress(range(len(letters)), letters.encode("ascii", "replace").translate(_GAP_IS_FALSE)))
        judge = _Judge(text, reading, letters, self._last_free_year)
        for end, (length, spellings) in self._exact.iter(squeezed):
            first, last = at[end - length + 1], at[end]
            if judge.stands_alone(first, last):
                yield from judge.finds(first, last, spellings)
        if any(run in reading.text for run in _RUNS) or (judge.spelt_out and _LONG_RUN.search(reading.text)):
            yield from self._with_runs(judge, reading, squeezed, at)

    def _with_runs(self, judge: "_Judge", reading: Folded, squeezed: str, at: list[int]) -> Iterator[_Find]:
        """Finds in letters of which runs count once (`Queeeen`)."""
        if self._runs is None:
            once: dict[str, list[Spelling]] = {}
            for key, spellings in self._by_key.items():
                if len(_once(key)) > MOST_LETTERS_UNCHECKED:
                    once.setdefault(_once(key), []).extend(spellings)
            self._runs = _automaton(once)
        starts = [n for n, letter in enumerate(squeezed) if not n or squeezed[n - 1] != letter]
        ends = [start - 1 for start in starts[1:]] + [len(squeezed) - 1]
        for end, (length, spellings) in self._runs.iter(_once(squeezed)):
            first, last = at[starts[end - length + 1]], at[ends[end]]
            if judge.stands_alone(first, last) and _LONG_RUN.search(reading.text, first, last + 1):
                yield from judge.run_finds(first, last, spellings)


def _automaton(by_key: dict[str, list[Spelling]]) -> Any:
    from ahocorasick import Automaton

    automaton = Automaton()
    for key, spellings in by_key.items():
        automaton.add_word(key, (len(key), spellings))
    automaton.add_word("\0", (1, ()))  # an automaton of no words cannot be searched; no reading holds NUL
    automaton.make_automaton()
    return automaton


def _readings(text: str) -> Iterator[Folded]:
    """The ways a text can be read: symbols as gaps and as letters, and as shown where controls turn its direction."""
    for folded in (fold(text), turned(text)):
        if folded is None:
            continue
        yield folded.without_symbols()
        if any(symbol in folded.text for symbol in SYMBOLS) and _SYMBOL_IN_WORD.search(folded.text):
            yield folded


def _once(letters: str) -> str:
    return re.sub(r"(.)\1+", r"\1", letters)


class _Judge:
    """Holds finds against one reading of a text."""

    def __init__(self, text: str, reading: Folded, letters: str, last_free_year: int) -> None:
        self.letters = letters
        self._text = text
        self._reading = reading
        self._last_free_year = last_free_year

    @cached_property
    def spelt_out(self) -> bool:
        """Whether the reading holds words that are spelt out."""
        return is_spelt_out(self.letters)

    def stands_alone(self, first: int, last: int) -> bool:
        """Whether the letters begin and end where words do."""
        return self._begins(first) and self._ends(last)

    def _begins(self, first: int) -> bool:
        if first == 0 or (before := self._reading.text[first - 1]) == " ":
            return True
        own = self._reading.text[first]
        if before in SYMBOLS or (not own.isascii() and _needs_no_space(own)):
            return True
        return (before.isdigit() and own.isalpha()) or self._humps(first - 1)

    def _ends(self, last: int) -> bool:
        reading = self._reading.text
        if last + 1 >= len(reading) or (after := reading[last + 1]) == " ":
            return True
        own = reading[last]
        if after in SYMBOLS or (not own.isascii() and _needs_no_space(own)):
            return True
        if (after.isdigit() and own.isalpha()) or self._humps(last):
            return True
        return _SUFFIXES.match(self.letters, last + 1) is not None

    def _humps(self, at: int) -> bool:
        """Whether a small letter at `at` stands before a capital, as in `HansZimmer`."""
        left, right = self._original(at), self._original(at + 1)
        return left.islower() and right.isupper()

    def _original(self, at: int) -> str:
        owner = self._reading.owner
        return self._text[at if owner is None else owner[at]]

    def finds(self, first: int, last: int, spellings: Iterable[Spelling]) -> Iterator[_Find]:
        for spelling in spellings:
            fit = self._fit(first, last, spelling)
            if fit is not None and (find := self._weighed(first, last, spelling, fit)).why:
                yield find

    def run_finds(self, first: int, last: int, spellings: Iterable[Spelling]) -> Iterator[_Find]:
        """Finds that hold a run of one letter that no word holds."""
        for spelling in spellings:
            if self._suffix(last, spelling) is not None:
                yield self._weighed(first, last, spelling, _Fit("with a letter repeated", True))

    def _suffix(self, last: int, spelling: Spelling) -> str | None:
        """What is joined to the end of the name: "" for nothing, None for what makes another word of it."""
        if not self._reading.text[last + 1:last + 2].isalpha():
            return ""
        if self._humps(last) or _needs_no_space(self._reading.text[last]):
            return ""
        if match := _MEANING_SUFFIXES.match(self.letters, last + 1):
            return match.group()
        long = len("".join(spelling.words)) >= 5
        return "" if long and not spelling.ambiguity and _SUFFIXES.match(self.letters, last + 1) else None

    def _fit(self, first: int, last: int, spelling: Spelling) -> _Fit | None:
        """How the letters stand for the spelling; None where they do not."""
        if self._suffix(last, spelling) is None:
            return None
        found = self._reading.text[first:last + 1].split()
        if tuple(found) == spelling.words:
            return _Fit(self._typed(first, last), True)
        disguise = self._disguise(first, last, "".join(found), "".join(spelling.words))
        if disguise is None:
            return None
        gaps = _fit_gaps(found, spelling)
        if gaps is None:
            return None
        if not gaps.certain and self._marked(first, last):
            gaps = _Fit("with marks between its letters", True)
        return _Fit(gaps.disguise or disguise, gaps.certain)

    def _typed(self, first: int, last: int) -> str:
        """Says that a name is typed with other characters than plain ones, where it is."""
        start, end = self._reading.span(first, last)
        if end - start == last + 1 - first and self._text[start:end].isascii():
            return ""
        typed = self._text[start:end].casefold()
        plain = all(char.isascii() or _is_accented(char) or (_needs_no_space(char) and not char.isascii()
                    and char.isalpha() and not fold(char).text.isascii()) for char in typed)
        return "" if plain and end - start == last + 1 - first else "in other characters"

    def _disguise(self, first: int, last: int, found: str, name: str) -> str | None:
        """"" for the same letters, what disguises them, or None where they cannot stand for the name."""
        if found == name:
            return self._typed(first, last)
        letters = [n for n, letter in enumerate(self._reading.text[first:last + 1]) if letter != " "]
        plain = 0
        for at, letter, meant in zip(letters, found, name, strict=True):
            if letter == meant:
                plain += 1
            elif not _stands_for(letter, meant) and not self._bar(first + at, letter, meant, len(name)):
                return None
        enough = 2 * plain >= len(name) >= 4 if len(name) < 6 else 3 * plain >= len(name)
        return "with digits or symbols for letters" if enough else None

    def _bar(self, at: int, letter: str, meant: str, length: int) -> bool:
        """Whether `l` and `i` were exchanged: a capital I for an l, or in a name too long for chance."""
        return {letter, meant} == {"i", "l"} and (length >= 6 or self._original(at) == "I")

    def _marked(self, first: int, last: int) -> bool:
        """Whether a mark, not a space or hyphen, splits a word: `Metal.lica`."""
        start, end = self._reading.span(first, last)
        return re.search(r"[^\W_][._*'’`´·•~^=\\|<>#%]+[^\W_]", self._text[start:end]) is not None

    def _weighed(self, first: int, last: int, spelling: Spelling, fit: _Fit) -> _Find:
        start, end = self._reading.span(first, last)
        weight, why = self._judged(first, last, start, end, spelling, fit)
        return _Find(first, last, start, end, spelling, weight, why)

    def _judged(
        self, first: int, last: int, start: int, end: int, spelling: Spelling, fit: _Fit
    ) -> tuple[Weight | None, str]:
        row = spelling.row
        if row.kind == "phrase":
            return None, "phrase"
        if row.kind == "composer" and row.died is not None and row.died <= self._last_free_year:
            return None, "public domain"
        certain = not spelling.ambiguity and fit.certain
        around = NOTHING if certain else self._around(first, last, end)
        evidence = "refused" if certain else self._evidence(start, end, spelling, fit, around)
        if evidence is None:
            return None, ""
        what = f"the {row.kind} {row.name}" + (f", {fit.disguise}" if fit.disguise else "")
        if evidence == "refused":
            return "refused", f"names {what}" + (f" (`{around.words}`)" if around.words else "")
        return "doubtful", f"may name {what}, or be ordinary words"

    def _around(self, first: int, last: int, end: int) -> Context:
        if match := _MEANING_SUFFIXES.match(self.letters, last + 1):
            return Context(Cue.STRONG, "..." + match.group().replace("iike", "like").replace("styie", "style"), True)
        return context(self.letters, self._text, first, last, end, self.spelt_out)

    def _evidence(self, start: int, end: int, spelling: Spelling, fit: _Fit, around: Context) -> Weight | None:
        """What the text around says of a name that may be ordinary words."""
        disguised, cue, ambiguity = bool(fit.disguise), around.cue, spelling.ambiguity
        if cue is Cue.STRONG:
            certain = ambiguity in ("", "doubtful", "place") or disguised or around.ends
            return "refused" if certain or self._capital(start, end) else "doubtful"
        if cue is Cue.NONE:
            return self._alone(start, end, ambiguity, fit)
        if ambiguity in ("", "doubtful"):
            return "refused" if cue is Cue.FAIR or fit.certain else "doubtful"
        if ambiguity == "place" and not disguised:
            return "doubtful" if self._capital(start, end) else None
        if disguised or self._meant(start, end, around) or self._bare(ambiguity, around):
            return "refused"
        return "doubtful" if cue is Cue.FAIR or around.words == LIKE_BEHIND else None

    def _bare(self, ambiguity: str, around: Context) -> bool:
        """Whether a word that needs an article stands without one and without a noun behind it: `like queen`."""
        return around.cue is Cue.FAIR and ambiguity == "ordinary" and around.ends

    def _alone(self, start: int, end: int, ambiguity: str, fit: _Fit) -> Weight | None:
        """What is to be said of words that nothing around makes a name."""
        if fit.disguise == SPELT_NOTES:
            return None
        if ambiguity in ("", "doubtful") or fit.disguise:
            return "doubtful"
        named = self._capital(start, end) and not self._opens(start) and self._lone_capital(start, end)
        return "doubtful" if named else None

    def _meant(self, start: int, end: int, around: Context) -> bool:
        """Whether a capital says that a name is meant: not where a sentence begins or every word has one."""
        if not self._capital(start, end):
            return False
        if around.cue is Cue.FAIR or around.words in (LIKE_BEHIND, "by ..."):
            return True
        return not self._opens(start) and not self._headline(start, end)

    def _headline(self, start: int, end: int) -> bool:
        """Whether the words around are written with capitals, as titles are."""
        near = self._text[max(0, start - 100):start] + " " + self._text[end:end + 100]
        words = [word for word in re.findall(r"[^\W\d_]+", near) if len(word) >= 4]
        return len(words) >= 2 and all(word[0].isupper() for word in words)

    def _capital(self, start: int, end: int) -> bool:
        """Whether a word of the name, other than a small one, begins with a capital."""
        if self._text[start:end].islower():
            return False
        words = re.findall(r"[^\W_]+", self._text[start:end])
        return any(word[0].isupper() for word in words if word.casefold() not in _SMALL_WORDS)

    def _opens(self, start: int) -> bool:
        """Whether a sentence begins there, so that a capital says nothing."""
        before = self._text[max(0, start - 8):start].rstrip(" \t")
        return not before or before[-1] in _SENTENCE_END

    def _lone_capital(self, start: int, end: int) -> bool:
        """Whether the neighbours are written small: `a Queen ballad`, not `the Ice Queen` or `NIGHT AIR`."""
        before, after = self._text[max(0, start - 40):start].split(), self._text[end:end + 40].split()
        near = [word for word in (*before[-1:], *after[:1]) if word[0].isalpha()]
        if "the" in before[-1:] or "of" in after[:1]:
            return False
        return bool(near) and not any(word[0].isupper() for word in near)


def _fit_gaps(found: list[str], spelling: Spelling) -> _Fit | None:
    """How the words that were found, of the letters of a name, keep to its own words."""
    inside, own = _gaps(found), _gaps(spelling.words)
    length = sum(map(len, found))
    if inside == own:
        return _Fit("", True)
    if inside < own:
        return _Fit("", True) if length >= 6 or len(inside) * 2 >= len(own) > 1 else None
    longest = max(map(len, found))
    if longest == 1 or (longest == 2 and length >= 6):
        letters = {letter for word in found for letter in word}
        return _Fit(SPELT_NOTES, False) if letters <= _NOTES else _Fit("spelt out", length >= 4)
    surplus = len(inside - own)
    if length >= 7 and (surplus >= 2 or (own and length >= 9)):
        return _Fit("with its words split", surplus * 4 >= 8 or bool(own))
    return _Fit("with its words split", False) if length >= 7 and not spelling.ambiguity else None


def _gaps(words: Iterable[str]) -> frozenset[int]:
    """Before which letters of all a word begins, the first word's aside."""
    gaps, at = [], 0
    for word in words:
        gaps.append(at)
        at += len(word)
    return frozenset(gaps[1:])


def _stands_for(letter: str, meant: str) -> bool:
    if letter not in STANDS_FOR or (meant.isdigit() and letter.isdigit()):
        return False
    return meant in STANDS_FOR[letter] or (meant in SYMBOLS and not {*STANDS_FOR[letter]}.isdisjoint(STANDS_FOR[meant]))


def _needs_no_space(letter: str) -> bool:
    """Whether a letter belongs to a script that writes words without spaces."""
    return "\u0e00" <= letter <= "\u0eff" or "\u1100" <= letter <= "\u11ff" or letter >= "\u2e80"


def _is_accented(char: str) -> bool:
    """Whether a letter is Latin with an accent, or a common mark: no disguise."""
    return "\u00c0" <= char <= "\u024f" or "\u1e00" <= char <= "\u1eff" or char in _MARKS


_RANKS = {None: 0, "doubtful": 1, "refused": 2}


def _rank(find: _Find) -> int:
    return _RANKS[find.weight]


def _outermost(finds: list[_Find]) -> list[_Find]:
    """Of finds that lie in one another the longer, unless the shorter is refused and the longer only doubtful."""
    kept: list[_Find] = []
    for find in sorted(finds, key=lambda one: (one.start - one.end, -_rank(one), one.start)):
        if not any(other.start <= find.start and find.end <= other.end and _covers(other, find) for other in kept):
            kept.append(find)
    return sorted(kept, key=lambda one: (one.start, one.end))


def _covers(outer: _Find, inner: _Find) -> bool:
    if (outer.start, outer.end) == (inner.start, inner.end) and outer.why == "public domain":
        return inner.weight is None
    return outer.weight is None or _rank(outer) >= _rank(inner)


def _match(text: str, find: _Find) -> Match:
    row: Row = find.spelling.row
    assert find.weight is not None
    return Match(row.name, row.kind, find.weight, find.start, find.end, text[find.start:find.end], row.source,
                 row.licence, find.why)
