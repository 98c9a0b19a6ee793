"""Reads free text: which words of a prompt name a genre, a mood, a tempo, a key, instruments, and what is ruled out.

Longest phrase first (`electric piano` is not a piano), on whole words, whatever the case, hyphens or Unicode form.
Negation reaches over a list up to the next comma or clause (`calm, no drums or brass, harp`); a comparative (`darker`,
`a bit slower`, `less busy`) says how far to move from what would be there without it. Any text is read without an
error, and every word that means something is either understood or told as unread. Nothing here knows of briefs, states
or presets.
"""

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache

from services.planning import sections
from services.planning.comparatives import COMPARED, DEGREES, NOUNS_OF_DEGREE, WEIGHTS, compared_stem
from services.planning.figures import Hit, Tempo, read_figures
from services.planning.gathering import Found, Said
from services.planning.negation import NEGATORS, Negation
from services.planning.phrases import Phrase, Token, known_words, longest_phrase, phrase_at, phrases_by_words, tokens_of
from services.planning.readings import Reading, Shift
from services.planning.unread import STOP_WORDS

__all__ = ["Shift", "known_words", "read_prompt"]

_FREE = "free"
_SOLO_BEFORE = frozenset({"solo", "unaccompanied", "only", "just"})
_ENSEMBLE_SIZES = {"duet": 2, "duo": 2, "trio": 3, "quartet": 4}
_ALONE_AFTER = frozenset({"alone", "only", "unaccompanied"})
_GRAMMAR = NEGATORS.union({"&"}, WEIGHTS, COMPARED, _SOLO_BEFORE, _ALONE_AFTER, _ENSEMBLE_SIZES)
"""Words that act on others and are never unread."""
_MOST_ADJECTIVES = 4
_MOST_TEXT = 20_000


@lru_cache(maxsize=1 << 16)
def read_prompt(text: str) -> Reading:
    """What `text` says. Never raises; the first word of a kind counts, exact tempi and keys before vague ones."""
    clean = _clean(text[:_MOST_TEXT])
    figures = read_figures(clean)
    reading = _read_words(clean, figures.spans)
    foreign = figures.foreign_meter
    aside = [(kind, hit) for kind, hit in reading.aside if kind != "meter" or figures.meter is None]
    if figures.meter and reading.meter and reading.meter.value != figures.meter.value:
        aside.append(("meter", reading.meter))
    if figures.tempo and reading.tempo:
        aside.append(("tempo", Hit(_phrase_of(reading.tempo), reading.tempo.words)))
    not_done = (Hit(f"not one of the meters; {foreign.value} is", foreign.words),) if foreign else ()
    return replace(
        reading,
        key=figures.key,
        mode=None if figures.key else figures.mode or reading.mode,
        tempo=figures.tempo or reading.tempo,
        meter=figures.meter or reading.meter or foreign,
        duration=figures.duration,
        bars=figures.bars,
        form=figures.form or reading.form,
        not_done=(*not_done, *reading.not_done),
        aside=tuple(aside),
        clashes=figures.clashes,
    )


def _phrase_of(tempo: Tempo) -> str:
    """The phrase of the lexicon that a tempo in words was said with."""
    return tempo.words.removeprefix("not ")


def _clean(text: str) -> str:
    """NFKC, ASCII signs and hyphens, no case folding yet: keys need their capitals."""
    text = unicodedata.normalize("NFKC", text).replace("♭", "b").replace("♯", "#")
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    text = re.sub("[\u2018\u2019\u02bc]", "'", text).replace("⁄", "/")
    return text.replace("'n'", " n ").replace("'N'", " n ")


def _read_words(clean: str, spans: tuple[tuple[int, int], ...]) -> Reading:
    tokens = tokens_of(clean)
    walk = _Walk(tokens, spans)
    run = sections.run_of([token.text for token in tokens]) if len(tokens) > 1 else None
    if run is not None:
        walk.found.first["form"] = Hit(run.form, " ".join(token.text for token in tokens[run.start : run.end]))
    at = 0
    while at < len(tokens):
        at = run.end if run is not None and run.start <= at < run.end else at + walk.step(at)
    return walk.found.reading()


class _Walk:
    """Goes over the words once, from phrase to phrase."""

    def __init__(self, tokens: list[Token], spans: tuple[tuple[int, int], ...]) -> None:
        self.tokens = tokens
        self.spans = spans
        self.found = Found()
        self.negation = Negation()
        self.weight = 1.0  # what "much" or "a bit" has just said
        self.degree = 0.0  # what "more" or "less" has just said

    def step(self, at: int) -> int:
        """Read what begins at `at`; how many words that were."""
        token = self.tokens[at]
        length, phrase, stem = self._phrase(at)
        if phrase is None:
            self._word(token, at)
            return 1
        following = self.tokens[at + length].text if at + length < len(self.tokens) else ""
        words = " ".join(token.text for token in self.tokens[at : at + length])
        freed = phrase.instrument and following == _FREE
        said = Said(words, self.negation.holds or freed, self._describes(phrase, at + length), self.degree, stem)
        self.found.mean(phrase, said)
        if phrase.instrument and not said.negated:
            self._solo(at, following)
        self.negation = self.negation.after_phrase(phrase.instrument)
        self.weight, self.degree = 1.0, 0.0
        return length + (1 if freed else 0)

    def _phrase(self, at: int) -> tuple[int, Phrase | None, str]:
        """The phrase at a place, and the stem it compares by: `darker` is the phrase of `dark`. Figures begin none."""
        token = self.tokens[at]
        if self._is_figure(token) or (token.text in DEGREES and not self.negation.holds):
            return 1, None, ""
        length, phrase = phrase_at(self.tokens, at)
        if phrase is not None:
            return length, phrase, ""
        compared = compared_stem(token.text)
        if compared is None or self.negation.holds:
            return 1, None, ""
        self.degree = self.weight
        return 1, phrases_by_words()[(compared,)], compared

    def _word(self, token: Token, at: int) -> None:
        """A word that begins no phrase."""
        text = token.text
        compared = COMPARED.get(text)
        if compared is not None and not self.negation.holds:
            control, steps, word = compared
            self.found.shifts.append(Shift(control, steps * self.weight, text, word))
        elif self.degree and text in NOUNS_OF_DEGREE:
            self.found.shifts.append(Shift(NOUNS_OF_DEGREE[text], self.degree, text))
        elif text in _ENSEMBLE_SIZES and self.found.alone is None:
            self.found.alone = (text, _ENSEMBLE_SIZES[text])
        elif self._is_unread(token):
            self.found.unread.append(text)
        self.degree = DEGREES[text] * self.weight if text in DEGREES else self.degree * (text in STOP_WORDS)
        self.weight = WEIGHTS.get(text, self.weight if text in ("of", "a", "so") else 1.0)
        self.negation = self.negation.over(token)

    def _is_unread(self, token: Token) -> bool:
        text = token.text
        return not (token.pause or text in STOP_WORDS or text in _GRAMMAR or self._is_figure(token))

    def _is_figure(self, token: Token) -> bool:
        return any(start <= token.start < end for start, end in self.spans)

    def _describes(self, phrase: Phrase, at: int) -> bool:
        """Whether an instrument follows at once, or behind further adjectives."""
        if not phrase.describing:
            return False
        for _ in range(_MOST_ADJECTIVES):
            length, follower = longest_phrase(self.tokens, at)
            if follower is None:
                solo = at < len(self.tokens) and self.tokens[at].text == "solo" and phrase.adjective
                return solo and longest_phrase(self.tokens, at + 1)[1] is not None
            if follower.instrument:
                return True
            if not follower.adjective:
                return False
            at += length
        return False

    def _solo(self, at: int, following: str) -> None:
        before = self.tokens[at - 1].text if at else ""
        if before in _SOLO_BEFORE and self.found.alone is None:
            self.found.alone = (before, 1 if before in ("solo", "unaccompanied") else 0)
        elif following in _ALONE_AFTER:
            self.found.alone = (following, 0)
