"""The form: which sections a piece has, how long they are, how full they sound, and how their phrases close.

Sections take bars in fours, else twos, else ones, and always add up to the bars asked for. Nothing is composed here.
"""

import re
from dataclasses import dataclass, replace

from models.composer.dice import Dice


@dataclass(frozen=True)
class Phrase:
    """`bars` bars from `bar` that close with `cadence`: `half`, `authentic`, `loop` (back to bar 1) or `final`."""

    bar: int
    bars: int
    cadence: str
    index: int


@dataclass(frozen=True)
class Part:
    """A section as it will be composed.

    `material` names what it is made of (parts of one material share harmony and melody), `kind` how it is treated
    (`intro`, `theme`, `contrast`, `peak`, `break`, `build`, `solo`, `outro`), `lift` moves the energy (-1..1), and
    `visit` counts earlier parts of the same material.
    """

    name: str
    kind: str
    material: str
    bar: int
    bars: int
    lift: float
    visit: int
    phrases: tuple[Phrase, ...] = ()

    @property
    def end(self) -> int:
        """The bar after the last one."""
        return self.bar + self.bars


# words of a form -> (treatment, share of the bars, energy against the rest)
_WORDS: dict[str, tuple[str, float, float]] = {
    "intro": ("intro", 0.5, -0.25),
    "outro": ("outro", 0.5, -0.25),
    "coda": ("outro", 0.5, -0.25),
    "ending": ("outro", 0.5, -0.25),
    "a": ("theme", 1.0, 0.0),
    "verse": ("theme", 1.0, -0.05),
    "theme": ("theme", 1.0, 0.0),
    "head": ("theme", 1.0, 0.0),
    "b": ("contrast", 1.0, 0.05),
    "bridge": ("contrast", 0.75, -0.05),
    "c": ("contrast", 1.0, -0.1),
    "d": ("contrast", 1.0, 0.05),
    "prechorus": ("build", 0.5, 0.0),
    "build": ("build", 0.5, 0.05),
    "chorus": ("peak", 1.0, 0.2),
    "drop": ("peak", 1.0, 0.25),
    "climax": ("peak", 1.0, 0.25),
    "hook": ("peak", 1.0, 0.15),
    "refrain": ("peak", 1.0, 0.15),
    "breakdown": ("break", 0.5, -0.3),
    "break": ("break", 0.5, -0.3),
    "interlude": ("break", 0.5, -0.2),
    "solo": ("solo", 1.0, 0.1),
}
_LOOPS: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("AB", "AA"),
    3: ("AAB", "ABA"),
    4: ("AABA", "ABAC", "AABC"),
    5: ("AABAC", "ABACA"),
    6: ("AABACA", "ABACAB"),
    7: ("AABACBA", "ABACABA"),
    8: ("AABACBAA", "ABACABAC"),
}
_LOOP_LIFT = {"A": 0.0, "B": 0.05, "C": -0.12}


def parts_of(form: str, bars: int, loop: bool, dice: Dice) -> tuple[Part, ...]:
    """The sections of a piece of `bars` bars, with their phrases. `form` is `loop` or names joined by `-`.

    Raises ValueError where bars < 1 or the form names nothing."""
    if bars < 1:
        raise ValueError(f"a piece has at least 1 bar, not {bars}")
    if form.strip().lower() == "loop":
        parts = _loop_parts(bars, dice)
    else:
        names = tuple(name.strip() for name in form.split("-") if name.strip())
        if not names:
            raise ValueError(f"form {form!r} names no section; write 'loop' or such as 'intro-A-B-A-outro'")
        parts = _named_parts(names, bars)
    return tuple(
        replace(part, phrases=_phrases(part, place == len(parts) - 1, loop)) for place, part in enumerate(parts)
    )


def _loop_parts(bars: int, dice: Dice) -> list[Part]:
    block = bars if bars < 12 else 8 if bars < 128 else 16
    count = max(1, bars // block)
    letters = "".join(dice.pick(_LOOPS[min(8, count - at)]) for at in range(0, count, 8))
    lengths = [block] * count
    lengths[-1] += bars - block * count
    parts, bar = [], 0
    for place, (letter, length) in enumerate(zip(letters, lengths, strict=True)):
        visit = letters[:place].count(letter)
        kind = "theme" if letter == "A" else "contrast"
        lift = _LOOP_LIFT[letter] + 0.06 * min(visit, 2)
        parts.append(Part(letter + "'" * min(visit, 3), kind, letter, bar, length, lift, visit))
        bar += length
    return parts


def _named_parts(names: tuple[str, ...], bars: int) -> list[Part]:
    names = _fitting(names, bars)
    words = [re.sub(r"[^a-z]", "", name.lower()) or name.lower() for name in names]
    treated = [_WORDS.get(word, ("theme" if place == 0 else "contrast", 1.0, 0.0)) for place, word in enumerate(words)]
    lengths = _shares([share for _, share, _ in treated], bars)
    parts, bar = [], 0
    for place, (name, word, length) in enumerate(zip(names, words, lengths, strict=True)):
        kind, _, lift = treated[place]
        parts.append(Part(name, kind, _material(kind, word), bar, length, lift, words[:place].count(word)))
        bar += length
    return parts


def _fitting(names: tuple[str, ...], bars: int) -> tuple[str, ...]:
    """As many sections as there are bars: those with the smallest share of the piece go first."""
    ranked = sorted(range(len(names)), key=lambda place: (-_WORDS.get(names[place].lower(), ("", 1.0, 0.0))[1], place))
    return tuple(names[place] for place in sorted(ranked[:bars]))


def _material(kind: str, word: str) -> str:
    """Intro, outro and theme-like parts are made of A; everything else of its own word."""
    return "A" if kind in ("intro", "outro", "theme") and word not in ("b", "c", "d") else word.upper()


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


def _phrases(part: Part, last: bool, loop: bool) -> tuple[Phrase, ...]:
    """Fours, with the rest as a last shorter phrase; antecedents close open, consequents on the tonic."""
    lengths = [4] * (part.bars // 4) + ([part.bars % 4] if part.bars % 4 else [])
    phrases, bar = [], part.bar
    for index, length in enumerate(lengths):
        final = index == len(lengths) - 1
        cadence = "authentic" if index % 2 else "half"
        if final and last:
            cadence = "loop" if loop else "final"
        elif final and part.kind in ("intro", "build", "break"):
            cadence = "half"
        elif final:
            cadence = "authentic" if len(lengths) > 1 or part.visit % 2 else "half"
        phrases.append(Phrase(bar, length, cadence, index))
        bar += length
    return tuple(phrases)
