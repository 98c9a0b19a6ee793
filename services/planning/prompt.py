"""Reads free text: which words of a prompt name a genre, a mood, a tempo, a key, instruments, and what is ruled out.

Longest phrase first (`electric piano` is not a piano), on whole words, whatever the case, hyphens or Unicode form.
Negation reaches over a list up to the next comma or clause (`calm, no drums or brass, harp`). Any text is read without
an error: what is not understood is left to the generator. Nothing here knows of briefs, states or presets.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from models.words import METERS
from services.planning import lexicon
from services.planning.keys import canonical_key
from services.planning.timing import MOST_SECONDS


@dataclass(frozen=True)
class Hit:
    """Something understood: its published value and the words that said so."""

    value: str
    words: str


@dataclass(frozen=True)
class Tempo:
    """A tempo asked for in words: a factor on what state and genre suggest, then bounds (0: none); or exact `bpm`."""

    words: str
    bpm: float = 0.0
    factor: float = 1.0
    lowest: float = 0.0
    highest: float = 0.0

    def applied_to(self, base: float) -> float:
        """Beats a minute for a suggestion of `base`, a whole number unless `bpm` was exact."""
        if self.bpm:
            return self.bpm
        wanted = max(base * self.factor, self.lowest)
        return float(round(min(wanted, self.highest) if self.highest else wanted))


@dataclass(frozen=True)
class Reading:
    """What a text says. `mode` is set without `key` where only a mode is named (`minor key`); `colour` is a mood that
    only describes an instrument (`soft percussion`)."""

    genre: Hit | None = None
    mood: Hit | None = None
    colour: Hit | None = None
    tempo: Tempo | None = None
    key: Hit | None = None
    mode: Hit | None = None
    meter: Hit | None = None
    intensity: Hit | None = None
    duration: Hit | None = None  # seconds
    bars: Hit | None = None
    loop: Hit | None = None
    biome: Hit | None = None
    instruments: tuple[Hit, ...] = ()
    excluded: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class _Token:
    text: str
    pause: bool = False  # punctuation after which a negation no longer holds


@dataclass(frozen=True)
class _Phrase:
    """What a phrase means: (field, values) pairs."""

    meanings: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def instrument(self) -> bool:
        return any(kind == "instrument" for kind, _ in self.meanings)


_NEGATORS = {"no", "not", "without", "sans", "minus", "excluding", "exclude", "omit", "avoid", "never", "lacking"}
_NEGATORS |= {"don't", "dont", "nor", "w/o"}
_CHAIN = {"or", "and", "nor", "&"}
_ENDS = {"but", "with", "just", "only", "plus", "featuring", "except", "instead", "while", "then"}
_FILLERS_AFTER_NEGATION = 4
_FREE = _Token("free")

_TOKEN = re.compile(r"w/o|[^\W_]+(?:'[^\W_]+)*|&|[,.;:!?()\n/]")
_BPM = re.compile(r"(?<![\w.])(\d{2,3}(?:\.\d{1,3})?)\s*-?\s*(?:bpm|beats per minute|b\.p\.m)(?!\w)", re.IGNORECASE)
_TEMPO = re.compile(r"(?<!\w)(?:tempo(?: of)?|[♩q]\s*=)\s*[:=]?\s*(\d{2,3}(?:\.\d{1,3})?)(?![\w.]*\d)", re.IGNORECASE)
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "ten": "10", "thirty": "30"}
_DURATION = re.compile(
    rf"(?<![\w.])(?P<number>\d{{1,4}}(?:\.\d{{1,3}})?|{'|'.join(_NUMBERS)})[ -]?"
    r"(?P<unit>sec|secs|seconds?|min|mins|minutes?)(?!\w)",
    re.IGNORECASE,
)
_BARS = re.compile(r"(?<![\w.])(?P<bars>[1-9]\d{0,2})[ -]bars?(?!\w)(?! blues)", re.IGNORECASE)
_METER = re.compile(r"(?<![\d/])(" + "|".join(re.escape(meter) for meter in METERS) + r")(?![\d/])")
_MODE_NAMES = "harmonic minor|natural minor|major|minor|dorian|phrygian|lydian|mixolydian|locrian|aeolian|ionian"
_KEY = re.compile(
    r"(?P<lead>\b(?:in|key of|key)(?: the key of)?[:\s]\s*)?"
    r"(?<!\w)(?P<tonic>[A-Ga-g])(?:(?P<sign>[#b])|[ -](?P<word>sharp|flat))?[ -]"
    rf"(?P<mode>{_MODE_NAMES})(?!\w)(?=(?P<after>\s*[^\W\d_]*))",
    re.IGNORECASE,
)
_SHORT_KEY = re.compile(r"\b(?:in|key of|key:?)\s+([A-G][#b]?)m(?!\w)")
_MODE = re.compile(
    r"(?<!\w)(?P<mode>major|minor)(?:[ -](?:key|mode|scale|tonality|harmony|harmonies|chords|mood))(?!\w)"
    r"|(?<!\w)in (?:a )?(?P<in>major|minor)(?=\s*(?:[,.;:!?)]|$))",
    re.IGNORECASE,
)
_AFTER_A = {"", "and", "at", "with", "for", "on", "theme", "loop", "piece", "track", "tune", "song", "key", "in"}


@lru_cache(maxsize=1 << 16)
def read_prompt(text: str) -> Reading:
    """What `text` says. Never raises; the first word of a kind counts, exact tempi and keys before vague ones."""
    clean = _clean(text)
    reading = _read_words(clean)
    key, mode = _key_of(clean)
    bpm = _bpm_of(clean)
    meter = _METER.search(clean)
    return replace(
        reading,
        key=key,
        mode=mode or reading.mode,
        tempo=bpm or reading.tempo,
        meter=Hit(meter.group(1), meter.group(1)) if meter else reading.meter,
        duration=_duration_of(clean),
        bars=_bars_of(clean),
    )


def _clean(text: str) -> str:
    """NFKC, ASCII signs and hyphens, no case folding yet: keys need their capitals."""
    text = unicodedata.normalize("NFKC", text).replace("♭", "b").replace("♯", "#")
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    return re.sub("[\u2018\u2019\u02bc]", "'", text).replace("⁄", "/")


def _bpm_of(clean: str) -> Tempo | None:
    for match in (*_BPM.finditer(clean), *_TEMPO.finditer(clean)):
        bpm = float(match.group(1))
        if 20 <= bpm <= 300:
            return Tempo(match.group().strip(), bpm=bpm)
    return None


def _duration_of(clean: str) -> Hit | None:
    for match in _DURATION.finditer(clean):
        number = match["number"].casefold()
        seconds = float(_NUMBERS.get(number, number)) * (60 if match["unit"].casefold().startswith("m") else 1)
        if 1 <= seconds <= MOST_SECONDS:
            return Hit(f"{seconds:g}", match.group())
    return None


def _bars_of(clean: str) -> Hit | None:
    match = _BARS.search(clean)
    return Hit(match["bars"], match.group()) if match else None


def _key_of(clean: str) -> tuple[Hit | None, Hit | None]:
    """The key a text names, and the mode it names without one."""
    for match in _KEY.finditer(clean):
        if _is_article(match):
            continue
        sign = match["sign"] or {"sharp": "#", "flat": "b"}.get((match["word"] or "").casefold(), "")
        try:
            key = canonical_key(f"{match['tonic']}{sign} {match['mode']}")
        except ValueError:
            continue
        return Hit(key, match.group().strip()), None
    short = _SHORT_KEY.search(clean)
    if short is not None:
        return _short_key(short), None
    mode = _MODE.search(clean)
    if mode is None:
        return None, None
    return None, Hit((mode["mode"] or mode["in"]).casefold(), mode.group().strip())


def _short_key(match: re.Match[str]) -> Hit | None:
    try:
        return Hit(canonical_key(f"{match.group(1)} minor"), match.group().strip())
    except ValueError:
        return None


def _is_article(match: re.Match[str]) -> bool:
    """Whether the `a` of "a minor mishap" is the article: it is, unless a preposition or a capital says otherwise."""
    if match["tonic"] not in "aA" or match["sign"] or match["word"]:
        return False
    after = match["after"].strip().casefold()
    if after not in _AFTER_A:
        return True
    if match["tonic"] == "a":
        return match["lead"] is None or after == "key"
    return False


def _tables() -> dict[str, Mapping[str, tuple[str, ...]]]:
    """What each kind of phrase may be, and the values each phrase gives."""
    return {
        **{kind: lexicon.lookup(kind) for kind in ("genre", "mood", "instrument", "mode")},
        "tempo": {phrase: (phrase,) for phrase in lexicon.TEMPI},
        "intensity": {phrase: (str(level),) for phrase, level in lexicon.INTENSITIES.items()},
        "meter": {phrase: (meter,) for phrase, meter in lexicon.METERS.items()},
        "loop": {phrase: ("true",) for phrase in lexicon.LOOPS},
        "biome": {phrase: (phrase,) for phrase in lexicon.BIOMES},
        "excluded": lexicon.excluding(),
        "neutral": {phrase: () for phrase in lexicon.NEUTRAL},
    }


@cache
def _phrases() -> dict[tuple[str, ...], _Phrase]:
    """Every phrase of the lexicon by its words."""
    found: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for kind, table in _tables().items():
        for phrase, values in table.items():
            found.setdefault(tuple(phrase.split()), []).append((kind, values))
    return {words: _Phrase(tuple(meanings)) for words, meanings in found.items()}


@cache
def _longest_by_first_word() -> dict[str, int]:
    longest: dict[str, int] = {}
    for words in _phrases():
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return longest


def _tokens(clean: str) -> list[_Token]:
    words = _TOKEN.findall(clean.casefold().replace("'n'", " n "))
    return [_Token(word, pause=word in ",.;:!?()\n") for word in words if word != "/"]


@dataclass
class _Found:
    """What the walk over the words has gathered so far."""

    first: dict[str, Hit] = field(default_factory=dict)
    tempo: Tempo | None = None
    instruments: dict[str, Hit] = field(default_factory=dict)
    excluded: dict[str, Hit] = field(default_factory=dict)

    def mean(self, phrase: _Phrase, words: str, *, negated: bool, describes: bool) -> None:
        """Take a phrase in; `describes`: an instrument follows at once, so a mood is that instrument's colour."""
        for kind, values in phrase.meanings:
            if kind == "instrument":
                self._instrument(values, words, negated)
            elif kind == "excluded" and not negated:
                self._exclude(values, words)
            elif kind == "tempo" and not negated and self.tempo is None:
                factor, lowest, highest = lexicon.TEMPI[values[0]]
                self.tempo = Tempo(words, factor=factor, lowest=lowest, highest=highest)
            elif values and not negated and kind not in ("excluded", "tempo"):
                self.first.setdefault("colour" if kind == "mood" and describes else kind, Hit(values[0], words))

    def _instrument(self, values: tuple[str, ...], words: str, negated: bool) -> None:
        if negated:
            self._exclude(lexicon.family(words, values), words)
            return
        for value in values:
            self.instruments.setdefault(value, Hit(value, words))

    def _exclude(self, values: tuple[str, ...], words: str) -> None:
        for value in values:
            self.excluded.setdefault(value, Hit(value, words))

    def reading(self) -> Reading:
        """A family is ruled out but for the members that the text asks for by name (`taiko, no other percussion`)."""
        asked = {name for name, hit in self.instruments.items() if name not in self._directly_excluded()}
        return Reading(
            genre=self.first.get("genre"),
            mood=self.first.get("mood"),
            colour=self.first.get("colour"),
            tempo=self.tempo,
            mode=self.first.get("mode"),
            meter=self.first.get("meter"),
            intensity=self.first.get("intensity"),
            biome=self.first.get("biome"),
            loop=self.first.get("loop"),
            instruments=tuple(hit for name, hit in self.instruments.items() if name in asked),
            excluded=tuple(hit for name, hit in self.excluded.items() if name not in asked),
        )

    def _directly_excluded(self) -> set[str]:
        named = lexicon.lookup("instrument")
        return {name for name, hit in self.excluded.items() if name in named.get(hit.words, ())}


def _read_words(clean: str) -> Reading:
    tokens = _tokens(clean)
    found = _Found()
    negation = _Negation()
    at = 0
    while at < len(tokens):
        length, phrase = _longest(tokens, at)
        if phrase is None:
            negation = negation.over(tokens[at])
        else:
            freed = phrase.instrument and tokens[at + length : at + length + 1] == [_FREE]
            words = " ".join(token.text for token in tokens[at : at + length])
            follower = _longest(tokens, at + length)[1] if at + length < len(tokens) else None
            describes = follower is not None and follower.instrument
            found.mean(phrase, words, negated=negation.holds or freed, describes=describes)
            negation = negation.after_phrase(phrase.instrument)
        at += length
    return found.reading()



@dataclass(frozen=True)
class _Negation:
    """Whether a "no" still holds. It reaches over a few words to the first phrase, then only along `or` and `and`."""

    left: int = 0  # words it may still pass over
    chained: bool = False  # a negated instrument was just named: a conjunction hands the negation on

    @property
    def holds(self) -> bool:
        return self.left > 0

    def over(self, token: _Token) -> "_Negation":
        if token.text in _NEGATORS:
            return _Negation(_FILLERS_AFTER_NEGATION + 1)
        if token.pause or token.text in _ENDS:
            return _Negation()
        if self.chained:
            return _Negation(1) if token.text in _CHAIN else _Negation()
        return _Negation(max(self.left - 1, 0))

    def after_phrase(self, instrument: bool) -> "_Negation":
        """A negated adjective leaves the negation to its noun (`no slow drums`); a negated instrument may chain."""
        if not self.holds:
            return _Negation()
        return _Negation(0, chained=True) if instrument else _Negation(self.left - 1)


def _longest(tokens: list[_Token], at: int) -> tuple[int, _Phrase | None]:
    phrases = _phrases()
    longest = _longest_by_first_word().get(tokens[at].text, 0)
    for length in range(min(longest, len(tokens) - at), 0, -1):
        phrase = phrases.get(tuple(token.text for token in tokens[at : at + length]))
        if phrase is not None:
            return length, phrase
    return 1, _less(tokens[at].text)


def _less(word: str) -> _Phrase | None:
    """`drumless`, `guitarless`: a word that rules an instrument out by itself."""
    stem = word.removesuffix("less")
    if stem == word:
        return None
    names = lexicon.lookup("instrument").get(stem)
    return _Phrase((("excluded", lexicon.family(stem, names)),)) if names else None

