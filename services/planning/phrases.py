"""The words of a text and the phrases of the lexicon that they make, longest first, by whole words or their stems."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from services.planning import lexicon, scenes, sections
from services.planning.unread import STOP_WORDS

_TOKEN = re.compile(r"w/o|[^\W_]+(?:'[^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]|&|[,.;:!?()\n/]")
_ENDINGS = (
    ("'s", ""), ("s'", "s"), ("s", ""), ("ily", "y"), ("ly", ""), ("ly", "le"), ("iness", "y"), ("ness", ""),
    ("ing", ""), ("ish", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    text: str
    start: int = 0
    pause: bool = False  # punctuation after which a negation no longer holds


@dataclass(frozen=True)
class Phrase:
    """What a phrase means: (field, values) pairs."""

    meanings: tuple[tuple[str, tuple[str, ...]], ...]

    @cached_property
    def instrument(self) -> bool:
        return any(kind == "instrument" for kind, _ in self.meanings)

    @cached_property
    def adjective(self) -> bool:
        """Whether it can only describe what follows: a mood, an intensity, a manner, no thing."""
        return all(kind in ("mood", "intensity", "tempo") for kind, _ in self.meanings)

    @cached_property
    def describing(self) -> bool:
        """Whether it means less where an instrument follows: `soft percussion`, `jazz chords on a piano`."""
        return any(kind in ("mood", "intensity", "genre") for kind, _ in self.meanings)


def _tables() -> dict[str, Mapping[str, tuple[str, ...]]]:
    """What each kind of phrase may be, and the values each phrase gives."""
    return {
        **{kind: lexicon.lookup(kind) for kind in ("genre", "mood", "instrument", "mode")},
        "tempo": {phrase: (phrase,) for phrase in lexicon.TEMPI},
        "intensity": {phrase: (str(level),) for phrase, level in lexicon.INTENSITIES.items()},
        "meter": {phrase: (meter,) for phrase, meter in lexicon.METERS.items()},
        "loop": {phrase: (loop,) for phrase, loop in lexicon.LOOPS.items()},
        "biome": {phrase: (phrase,) for phrase in scenes.BIOMES},
        "era": {phrase: (phrase,) for phrase in scenes.ERAS},
        "state": scenes.states(),
        "form": {phrase: (form,) for phrase, form in sections.FORMS.items()},
        "shape": {phrase: (shape,) for phrase, shape in sections.SHAPES.items()},
        "excluded": lexicon.excluding(),
        "not_done": {phrase: (reason,) for phrase, reason in lexicon.NOT_DONE.items()},
        "neutral": {phrase: () for phrase in lexicon.NEUTRAL},
    }


@cache
def phrases_by_words() -> dict[tuple[str, ...], Phrase]:
    """Every phrase of the lexicon by its words."""
    found: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for kind, table in _tables().items():
        for phrase, values in table.items():
            found.setdefault(tuple(phrase.split()), []).append((kind, values))
    return {words: Phrase(tuple(meanings)) for words, meanings in found.items()}


@cache
def _longest_by_first_word() -> dict[str, int]:
    longest: dict[str, int] = {}
    for words in phrases_by_words():
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return longest


@cache
def known_words() -> frozenset[str]:
    """Every single word that a phrase of the lexicon holds: what a misspelt word may have meant."""
    return frozenset(word for words in phrases_by_words() for word in words if len(word) > 3)


def tokens_of(clean: str) -> list[Token]:
    found = ((match.group().casefold(), match.start()) for match in _TOKEN.finditer(clean))
    return [Token(word, start, pause=word in ",.;:!?()\n") for word, start in found if word != "/"]


def phrase_at(tokens: list[Token], at: int) -> tuple[int, Phrase | None]:
    """The phrase at a place, cut short where a longer one begins inside it: `cinematic` + `drum and bass`."""
    length, phrase = longest_phrase(tokens, at)
    for inside in range(at + 1, at + length):
        longer, other = longest_phrase(tokens, inside)
        if other is not None and longer > length and inside + longer > at + length:
            return longest_phrase(tokens[:inside], at)
    return length, phrase


def longest_phrase(tokens: list[Token], at: int) -> tuple[int, Phrase | None]:
    """The longest phrase at a place, and how many words it takes."""
    if at >= len(tokens):
        return 1, None
    longest = _longest_by_first_word().get(tokens[at].text, 0)
    if longest:
        phrases = phrases_by_words()
        words = tuple([token.text for token in tokens[at : at + longest]])
        for length in range(len(words), 0, -1):
            phrase = phrases.get(words[:length])
            if phrase is not None:
                return length, phrase
    return 1, _derived(tokens[at].text)


@lru_cache(maxsize=1 << 14)
def _derived(word: str) -> Phrase | None:
    """What a word means by its ending: `drumless` rules out; `gently`, `darkness`, `king's` go back to their stem."""
    names = lexicon.lookup("instrument").get(word.removesuffix("less")) if word.endswith("less") else None
    if names:
        return Phrase((("excluded", lexicon.family(word.removesuffix("less"), names)),))
    if word in STOP_WORDS or len(word) < 5:
        return None
    for ending, instead in _ENDINGS:
        phrase = phrases_by_words().get((word.removesuffix(ending) + instead,)) if word.endswith(ending) else None
        if phrase is not None:
            return phrase
    return None
