"""Forms in words: `intro, two verses and a chorus` is `intro-verse-verse-chorus`.

A run of section names counts where it holds at least two. Nothing here knows bars or tempo.
"""

from dataclasses import dataclass

MOST_SECTIONS = 24

_SECTIONS = {
    "intro": "intro", "introduction": "intro", "verse": "verse", "prechorus": "prechorus", "chorus": "chorus",
    "bridge": "bridge", "outro": "outro", "breakdown": "breakdown", "break": "breakdown", "drop": "drop",
    "buildup": "build", "build": "build", "climax": "climax", "refrain": "refrain", "hook": "hook",
    "interlude": "interlude", "coda": "coda", "head": "head",
}  # fmt: skip
_TWO_WORDS = {
    ("pre", "chorus"): "prechorus", ("build", "up"): "build", ("middle", "eight"): "bridge", ("middle", "8"): "bridge",
    ("break", "down"): "breakdown",
}  # fmt: skip
_COUNTS = {"two": 2, "three": 3, "four": 4, "2": 2, "3": 3, "4": 4, "double": 2, "twice": 2, "five": 5}
_BETWEEN = frozenset({
    ",", ";", ":", ".", "and", "then", "to", "a", "an", "the", "into", "followed", "by", "with", "plus", "another",
    "final",
    "last", "first", "second", "one", "big", "short", "long", "single", "again",
})  # fmt: skip
_FRAME = frozenset({"intro", "outro", "coda"})
_GROWTH = frozenset({"build", "climax", "drop", "breakdown"})  # said alone, these are SHAPES

FORMS = {
    "ternary form": "A-B-A", "ternary": "A-B-A", "da capo": "A-B-A", "da capo form": "A-B-A", "binary form": "A-B",
    "rondo": "A-B-A-C-A", "rondo form": "A-B-A-C-A", "arch form": "A-B-C-B-A", "strophic": "A-A-A",
    "through composed": "A-B-C-D", "theme and variations": "A-A-A-A", "song form": "A-A-B-A",
    "32 bar form": "A-A-B-A", "sonata form": "intro-A-B-C-A-B-outro", "verse chorus form": "verse-chorus-verse-chorus",
    "verse chorus structure": "verse-chorus-verse-chorus",
    "pop structure": "intro-verse-chorus-verse-chorus-bridge-chorus",
    "pop song structure": "intro-verse-chorus-verse-chorus-bridge-chorus",
}
"""Forms that have a name."""

SHAPES = {
    "build up": "build", "buildup": "build", "build ups": "build", "builds": "build", "building": "build",
    "builds up": "build", "building up": "build", "slow build": "build", "slow building": "build", "rise": "build",
    "crescendo": "build", "crescendos": "build", "swells": "build", "swelling": "build", "rises": "build",
    "riser": "build", "risers": "build", "growing": "build", "grows": "build", "gradually building": "build",
    "climax": "climax", "climaxes": "climax", "climactic": "climax", "peaks": "climax", "big finale": "climax",
    "finale": "climax", "drop": "drop", "drops": "drop", "beat drop": "drop", "bass drop": "drop",
    "breakdown": "breakdown", "breakdowns": "breakdown", "middle section": "bridge", "quiet middle": "interlude",
}  # fmt: skip
"""Words for how a piece grows, and the section that does it."""

_STARTS = frozenset({*_SECTIONS, *(name + "s" for name in _SECTIONS), "choruses", "pre", "middle"})


@dataclass(frozen=True)
class Run:
    """A form that words give, and the tokens it was read from: `start` to before `end`."""

    form: str
    start: int
    end: int


def run_of(words: list[str]) -> Run | None:
    """The longest run of at least two sections among the words (lower case, punctuation as words of its own)."""
    if _STARTS.isdisjoint(words):
        return None
    best: Run | None = None
    at = 0
    while at < len(words):
        names, end = _run(words, at)
        if len(names) > 1 and not set(names) <= _GROWTH and (best is None or len(names) > best.form.count("-") + 1):
            best = Run("-".join(_whole(names)[:MOST_SECTIONS]), at, end)
        at = max(at + 1, end)
    return best


def shaped(shapes: tuple[str, ...]) -> str:
    """The form of a piece that grows as the words say: `intro-A-build-climax-outro`."""
    return "-".join(("intro", "A", *dict.fromkeys(shapes), "outro"))


def _run(words: list[str], start: int) -> tuple[list[str], int]:
    """The sections from `start` on and where they end; a run begins with a section or its count."""
    names: list[str] = []
    at, end, count = start, start, 1
    while at < len(words) and len(names) < MOST_SECTIONS:
        name, length = _section(words, at)
        if name is not None:
            names += [name] * count
            at, count = at + length, 1
            end = at
        elif words[at] in _COUNTS and _section(words, at + 1)[0] is not None:
            count, at = _COUNTS[words[at]], at + 1
        elif names and words[at] in _BETWEEN and at - end < 3:
            at += 1
        else:
            break
    return names, end


def _section(words: list[str], at: int) -> tuple[str | None, int]:
    if at >= len(words):
        return None, 0
    pair = _TWO_WORDS.get((words[at], words[at + 1])) if at + 1 < len(words) else None
    if pair is not None:
        return pair, 2
    word = words[at]
    return _SECTIONS.get(word) or _SECTIONS.get(word.removesuffix("s")) or _SECTIONS.get(word.removesuffix("es")), 1


def _whole(names: list[str]) -> list[str]:
    """Only an intro and an outro were named: the piece between them is the usual one."""
    if set(names) <= _FRAME:
        return ["intro", "A", "B", "A", "outro"]
    return names
