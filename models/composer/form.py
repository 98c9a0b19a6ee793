"""The form: which sections a piece has, how long they are, how full they sound, and how their phrases close.

Sections take bars in fours, else twos, else ones, and always add up to the bars asked for. Within a section, phrases
make periods (4 + 4), sentences (2 + 2 + 4) or chains of them. A loop is a round: its arc of energy ends where it
begins, and its last phrase leads back to bar 1. Nothing is composed here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.composer.dice import Dice

CADENCES = ("open", "half", "authentic", "loop", "final")
KINDS = (
    "intro", "theme", "verse", "contrast", "bridge", "peak", "drop", "build", "break", "solo", "outro",
)  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """`bars` bars from `bar` that close with `cadence`, one of CADENCES: `open` runs on without a close, `half` stops
    on a dominant, `authentic` rests on the tonic, `loop` leads back to bar 1, `final` ends the piece."""

    bar: int
    bars: int
    cadence: str
    index: int


@dataclass(frozen=True)
class Part:
    """A section as it will be composed.

    `material` names what it is made of (parts of one material share harmony and melody), `kind` (of KINDS) how it is
    treated, `lift` moves the energy (-1..1), and `visit` counts earlier parts of the same material. The one `summit`
    of a piece has its theme in full.
    """

    name: str
    kind: str
    material: str
    bar: int
    bars: int
    lift: float
    visit: int
    phrases: tuple[Phrase, ...] = ()
    summit: bool = False

    @property
    def end(self) -> int:
        """The bar after the last one."""
        return self.bar + self.bars


# words of a form -> (treatment, share of the bars, energy against the rest)
WORDS: dict[str, tuple[str, float, float]] = {
    "intro": ("intro", 0.5, -0.25),
    "outro": ("outro", 0.5, -0.25),
    "coda": ("outro", 0.5, -0.25),
    "ending": ("outro", 0.5, -0.25),
    "a": ("theme", 1.0, 0.0),
    "theme": ("theme", 1.0, 0.0),
    "head": ("theme", 1.0, 0.0),
    "verse": ("verse", 1.0, -0.08),
    "b": ("contrast", 1.0, 0.05),
    "c": ("contrast", 1.0, -0.1),
    "d": ("contrast", 1.0, 0.05),
    "e": ("contrast", 1.0, -0.05),
    "f": ("contrast", 1.0, 0.08),
    "g": ("contrast", 1.0, -0.08),
    "h": ("contrast", 1.0, 0.05),
    "bridge": ("bridge", 0.75, -0.05),
    "prechorus": ("build", 0.5, 0.0),
    "build": ("build", 0.5, 0.05),
    "buildup": ("build", 0.5, 0.05),
    "chorus": ("peak", 1.0, 0.2),
    "climax": ("peak", 1.0, 0.25),
    "hook": ("peak", 1.0, 0.15),
    "refrain": ("peak", 1.0, 0.15),
    "drop": ("drop", 1.0, 0.25),
    "breakdown": ("break", 0.5, -0.3),
    "break": ("break", 0.5, -0.3),
    "interlude": ("break", 0.5, -0.2),
    "solo": ("solo", 1.0, 0.1),
}
LONGEST = 64  # sections of a form
_SECTION = re.compile(r"([A-Za-z]+)[ _]?\d{0,2}'{0,3}")
_HOME = ("theme", "verse")
# Rounds of a loop by its number of blocks; longer ones are chained from rotations that each come home to A.
_LOOPS: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("AB", "AA"),
    3: ("AAB", "ABA"),
    4: ("AABA", "ABAC", "AABC"),
    5: ("AABAC", "ABACA"),
    6: ("AABACA", "ABACAB"),
    7: ("AABACBA", "ABACABA"),
    8: ("AABACABA", "ABACADAB"),
}
_ROTATIONS = {4: ("CABA", "DBAC", "CADA", "BCAB"), 5: ("CADBA", "BCABA", "DACBA")}
_LETTER_LIFT = {"A": 0.0, "B": 0.05, "C": -0.12, "D": 0.03}
_TAILS: dict[int, list[int]] = {0: [], 1: [1], 2: [2], 3: [3], 4: [4], 5: [2, 3], 6: [2, 4], 7: [4, 3]}
_SUMMIT = 0.66  # where a piece is at its height


def check_form(form: str, bars: int) -> None:
    """Raise ValueError, in words for whoever wrote it, where `form` (`loop`, or section names joined by `-`) names no
    section, a section that does not exist, or more sections than the piece has bars."""
    if bars < 1:
        raise ValueError(f"a piece has at least 1 bar, not {bars}")
    if form.strip().lower() == "loop":
        return
    names = _names(form)
    unknown = [name for name in names if _word(name) not in WORDS]
    if unknown:
        raise ValueError(
            f"form {form!r}: no section is called {', '.join(repr(name) for name in dict.fromkeys(unknown))}; "
            f"write letters A to H, or {', '.join(word for word in WORDS if len(word) > 1)}"
        )
    if len(names) > LONGEST:
        raise ValueError(f"form {form[:40]!r}...: {len(names)} sections, more than {LONGEST}")
    if len(names) > bars:
        raise ValueError(f"form {form!r}: {len(names)} sections do not fit into {bars} bars; write fewer or more bars")


def parts_of(form: str, bars: int, loop: bool, dice: Dice) -> tuple[Part, ...]:
    """The sections of a piece of `bars` bars, with their phrases. `form` is `loop` or names joined by `-`; where there
    are fewer bars than sections, the weightiest ones stay. Raises ValueError as `check_form` does otherwise."""
    if form.strip().lower() == "loop":
        check_form(form, bars)
        parts = _loop_parts(bars, dice)
    else:
        names = _names(form)
        check_form(form, max(bars, len(names)) if bars >= 1 else bars)
        parts = _named_parts(names, bars)
    top = _top(parts)
    schemes = {material: dice.uniform() for material in dict.fromkeys(part.material for part in parts)}
    return tuple(
        replace(
            part,
            phrases=_phrases(part, place == len(parts) - 1, loop, schemes[part.material]),
            summit=place == top,
        )
        for place, part in enumerate(parts)
    )


def _names(form: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in form.split("-") if name.strip())
    if not names:
        raise ValueError(f"form {form!r} names no section; write 'loop' or such as 'intro-A-B-A-outro'")
    return names


def _word(name: str) -> str:
    """`Verse 2` and `A'` without their number and primes; empty where it is no name of a section."""
    match = _SECTION.fullmatch(name)
    return match[1].lower() if match else ""


def _arc(position: float) -> float:
    """0 at both ends of a piece, 1 at its summit."""
    share = position / _SUMMIT if position < _SUMMIT else (1 - position) / (1 - _SUMMIT)
    return share * share * (3 - 2 * share)


def _top(parts: Sequence[Part]) -> int:
    """The place of the section that has the theme in full: a peak, else where the theme returns, else where it is."""
    wishes = ("peak", "theme", "verse", "drop", "contrast", "bridge", "outro", "intro", "solo", "build", "break")

    def rank(place: int) -> tuple[bool, int, int]:
        part = parts[place]
        middle = abs(part.bar + part.bars / 2 - _SUMMIT * parts[-1].end)
        return part.bars < 4, wishes.index(part.kind) if part.bars >= 4 else 0, int(-8 * part.visit + middle)

    return min(range(len(parts)), key=rank)


def _loop_parts(bars: int, dice: Dice) -> list[Part]:
    lengths = _blocks(bars)
    letters = _letters(len(lengths), dice)
    summit = _summit(letters)
    parts, bar = [], 0
    for place, (letter, length) in enumerate(zip(letters, lengths, strict=True)):
        visit = letters[:place].count(letter)
        kind = "peak" if place == summit else "theme" if letter == "A" else "contrast"
        lift = _LETTER_LIFT[letter] * (0.5 if place == len(letters) - 1 else 1.0)
        lift += 0.16 * _arc((bar + length / 2) / bars) if len(lengths) > 1 else 0.0
        if len(lengths) >= 7 and letter in "CD" and visit % 2:
            kind, lift = "break", lift - 0.1
        parts.append(Part(letter + "'" * min(visit, 3), kind, letter, bar, length, lift, visit))
        bar += length
    return parts


def _blocks(bars: int) -> list[int]:
    """Eights (sixteens in long pieces); what is left makes a block of its own where it holds a phrase."""
    block = 8 if bars < 160 else 16
    lengths = [block] * (bars // block)
    left = bars % block
    if left >= 4 or not lengths:
        lengths.append(left)
    elif left:
        lengths[-1] += left
    return lengths


def _letters(count: int, dice: Dice) -> str:
    """Which material every block of a loop is made of."""
    if count <= 8:
        return dice.pick(_LOOPS[count])
    letters = dice.pick(_LOOPS[4])
    while len(letters) < count:
        left = count - len(letters)
        size = 4 if left in (4, 8) or left > 9 else 5 if left in (5, 9) else min(4, left)
        letters += dice.pick(_ROTATIONS[size] if size in _ROTATIONS else _ROTATIONS[4])[:size]
    return letters


def _summit(letters: str) -> int:
    """The return of A that stands nearest to the summit of the piece; -1 where A is heard but once."""
    returns = [place for place in range(1, len(letters)) if letters[place] == "A"]
    goal = _SUMMIT * len(letters) - 0.5
    return min(returns, key=lambda place: (abs(place - goal), place), default=-1)


def _named_parts(names: tuple[str, ...], bars: int) -> list[Part]:
    names = _fitting(names, bars)
    words = [_word(name) for name in names]
    treated = [WORDS[word] for word in words]
    lengths = _shares([share for _, share, _ in treated], bars)
    home = next((word for word, (kind, _, _) in zip(words, treated, strict=True) if kind in _HOME), "a")
    materials = [_material(kind, word, home) for word, (kind, _, _) in zip(words, treated, strict=True)]
    parts, bar = [], 0
    for place, (name, length) in enumerate(zip(names, lengths, strict=True)):
        kind, _, lift = treated[place]
        visit = words[:place].count(words[place])
        lift += 0.08 * _arc((bar + length / 2) / bars) if kind not in ("intro", "outro", "break") else 0.0
        parts.append(Part(name, kind, materials[place], bar, length, lift, visit))
        bar += length
    return parts


def _fitting(names: tuple[str, ...], bars: int) -> tuple[str, ...]:
    """As many sections as there are bars: those with the smallest share of the piece go first."""
    ranked = sorted(range(len(names)), key=lambda place: (-WORDS[_word(names[place])][1], place))
    return tuple(names[place] for place in sorted(ranked[:bars]))


def _material(kind: str, word: str, home: str) -> str:
    """Intro and outro are made of what the piece is about; every other part of its own word."""
    return (home if kind in ("intro", "outro") else word).upper()


def _shares(weights: list[float], bars: int) -> list[int]:
    """Bars per section by weight, in fours where they suffice, else twos, else ones; the rest goes to the longest."""
    count = len(weights)
    unit = next((unit for unit in (4, 2, 1) if bars // unit >= count), 1)
    units = bars // unit
    shares = [1] * count
    for _ in range(units - count):
        neediest = max(range(count), key=lambda place: (weights[place] * units / sum(weights) - shares[place], -place))
        shares[neediest] += 1
    lengths = [share * unit for share in shares]
    lengths[max(range(count), key=lambda place: (lengths[place], weights[place], place))] += bars - unit * units
    return lengths


def _phrases(part: Part, last: bool, loop: bool, scheme: float) -> tuple[Phrase, ...]:
    """The phrases of a part, `scheme` (0..1, the same for all parts of one material) choosing their hypermetre."""
    lengths = _lengths(part, scheme)
    cadences = _cadences(part, lengths, scheme)
    if last:
        cadences[-1] = "loop" if loop else "final"
    phrases, bar = [], part.bar
    for index, (length, cadence) in enumerate(zip(lengths, cadences, strict=True)):
        phrases.append(Phrase(bar, length, cadence, index))
        bar += length
    return tuple(phrases)


def _lengths(part: Part, scheme: float) -> list[int]:
    """Periods are 4 + 4, sentences 2 + 2 + 4; odd bars make a 3 or a 2 before the last phrase."""
    blocks, left = divmod(part.bars, 8)
    sentence = part.kind in ("theme", "verse", "contrast", "bridge") and scheme < 0.4
    lengths = ([2, 2, 4] if sentence else [4, 4]) * blocks
    if left in (1, 2) and lengths:
        return [*lengths[:-1], 2, 2 + left]
    return lengths + _TAILS[left]


def _cadences(part: Part, lengths: Sequence[int], scheme: float) -> list[str]:
    """How phrases close: twos run on, the middle of a period stops open, double periods answer themselves."""
    cadences, bars = [], 0
    for length in lengths:
        bars += length
        left = part.bars - bars
        if length == 2 and left >= 2:
            cadences.append("open")
        elif bars % 8 or left == 0:
            cadences.append("half")
        else:
            cadences.append("half" if (bars // 8) % 2 and scheme > 0.7 and left >= 8 else "authentic")
    closed = part.kind not in ("intro", "build", "break") and (len(lengths) > 1 or part.visit % 2)
    cadences[-1] = "authentic" if closed else "half"
    return cadences
