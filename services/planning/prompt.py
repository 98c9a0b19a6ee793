"""Reads free text: which words of a prompt name a genre, a mood, a tempo, a key, instruments, and what is ruled out.

Longest phrase first (`electric piano` is not a piano), on whole words, whatever the case, hyphens or Unicode form.
Negation reaches over a list up to the next comma or clause (`calm, no drums or brass, harp`); a comparative (`darker`,
`a bit slower`, `less busy`) says how far to move from what would be there without it. Any text is read without an
error, and every word that means something is either understood or told as unread. Nothing here knows of briefs, states
or presets.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache

from services.planning import lexicon, moods, scenes, sections
from services.planning.figures import Clash, Hit, Tempo, read_figures, turned
from services.planning.moods import PLANE, Affect
from services.planning.unread import STOP_WORDS

__all__ = ["Clash", "Hit", "Reading", "Shift", "Tempo", "contradictions", "known_words", "read_prompt"]


@dataclass(frozen=True)
class Shift:
    """A comparative: `control` (`tempo`, `intensity` or `mood`) moves by `steps` (0.5 a bit, 1, 2 much; below 0: less).

    For a mood, `word` is the word of the plane that it moves towards, or away from."""

    control: str
    steps: float
    words: str
    word: str = ""


@dataclass(frozen=True)
class Reading:
    """What a text says. `mode` is set without `key` where only a mode is named (`minor key`); `colour` and `touch` are
    a mood and an intensity that only describe an instrument (`soft percussion`); `mood_word` is the word of the mood
    plane that `mood` or `colour` was said with. `aside` holds what was understood but came second to another of its
    kind, `not_done` what no generator here does (value: why), `unread` every other word that says something."""

    genre: Hit | None = None
    mood: Hit | None = None
    mood_word: str = ""
    colour: Hit | None = None
    tempo: Tempo | None = None
    key: Hit | None = None
    mode: Hit | None = None
    meter: Hit | None = None
    intensity: Hit | None = None
    touch: Hit | None = None
    duration: Hit | None = None  # seconds
    bars: Hit | None = None
    loop: Hit | None = None  # `true` or `false`
    form: Hit | None = None
    shape: Hit | None = None  # a form that only words of growth suggest
    biome: Hit | None = None
    era: Hit | None = None
    state: Hit | None = None
    instruments: tuple[Hit, ...] = ()
    added: bool = False  # every instrument was asked for beside the usual ones (`more strings`)
    alone: Hit | None = None  # nobody but these instruments (`solo piano`, `violin and cello duet`)
    excluded: tuple[Hit, ...] = ()
    avoided: tuple[Hit, ...] = ()  # moods that it should not have (`nothing too dark`), by words of the plane
    shifts: tuple[Shift, ...] = ()
    aside: tuple[tuple[str, Hit], ...] = ()
    not_done: tuple[Hit, ...] = ()
    unread: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()  # what no music can be


@dataclass(frozen=True)
class _Token:
    text: str
    start: int = 0
    pause: bool = False  # punctuation after which a negation no longer holds


@dataclass(frozen=True)
class _Phrase:
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


_NEGATORS = {"no", "not", "without", "sans", "minus", "excluding", "exclude", "omit", "avoid", "never", "lacking"}
_NEGATORS |= {"don't", "dont", "nor", "w/o", "nothing", "hardly", "barely", "devoid", "avoiding", "isn't", "aren't"}
_NEGATORS |= {"skip", "shouldn't", "doesn't", "neither", "zero", "remove", "anything"}
_CHAIN = {"or", "and", "nor", "&"}
_ENDS = {"but", "with", "just", "only", "plus", "featuring", "except", "instead", "while", "then"}
_FILLERS_AFTER_NEGATION = 4
_FREE = "free"
_DEGREES = {"more": 1.0, "less": -1.0, "fewer": -1.0}
_WEIGHTS = {
    "bit": 0.5, "slightly": 0.5, "little": 0.5, "somewhat": 0.5, "tad": 0.5, "touch": 0.5, "subtly": 0.5,
    "marginally": 0.5, "much": 2.0, "far": 2.0, "lot": 2.0, "way": 2.0, "considerably": 2.0, "significantly": 2.0,
    "lots": 2.0, "many": 2.0, "noticeably": 1.0, "even": 1.0, "still": 1.0, "gradually": 1.0,
}  # fmt: skip
_COMPARED = {
    "lighter": ("intensity", -1.0, ""), "bigger": ("intensity", 1.0, ""), "smaller": ("intensity", -1.0, ""),
    "harder": ("intensity", 1.0, ""), "simpler": ("intensity", -1.0, ""), "thinner": ("intensity", -1.0, ""),
    "stronger": ("intensity", 1.0, ""), "weaker": ("intensity", -1.0, ""), "tamer": ("intensity", -1.0, ""),
    "quieter": ("intensity", -1.0, ""), "softer": ("intensity", -1.0, ""), "emptier": ("intensity", -1.0, ""),
    "faster": ("tempo", 1.0, ""), "slower": ("tempo", -1.0, ""), "colder": ("mood", 1.0, "cold"),
}  # fmt: skip
_NOUNS_OF_DEGREE = {"energy": "intensity", "intensity": "intensity", "speed": "tempo", "tempo": "tempo",
                    "drive": "tempo", "pace": "tempo", "density": "intensity", "activity": "intensity"}  # fmt: skip
_PLACES_OF_STATE = frozenset({"town", "dungeon", "exploration", "menu"})
_SOLO_BEFORE = frozenset({"solo", "unaccompanied", "only", "just"})
_ENSEMBLE_SIZES = {"duet": 2, "duo": 2, "trio": 3, "quartet": 4}
_ALONE_AFTER = frozenset({"alone", "only", "unaccompanied"})
_GRAMMAR = _NEGATORS.union({"&"}, _WEIGHTS, _COMPARED, _SOLO_BEFORE, _ALONE_AFTER, _ENSEMBLE_SIZES)
"""Words that act on others and are never unread."""
_MOST_ADJECTIVES = 4
_MOST_ASIDE = 8
_MOST_TEXT = 20_000

_TOKEN = re.compile(r"w/o|[^\W_]+(?:'[^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]|&|[,.;:!?()\n/]")
_STEMS = (("ier", "y"), ("er", ""), ("er", "e"))
_ENDINGS = (
    ("'s", ""), ("s'", "s"), ("s", ""), ("ily", "y"), ("ly", ""), ("ly", "le"), ("iness", "y"), ("ness", ""),
    ("ing", ""), ("ish", ""),
)  # fmt: skip


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


@cache
def known_words() -> frozenset[str]:
    """Every single word that a phrase of the lexicon holds: what a misspelt word may have meant."""
    return frozenset(word for words in _phrases() for word in words if len(word) > 3)


def _tokens(clean: str) -> list[_Token]:
    found = ((match.group().casefold(), match.start()) for match in _TOKEN.finditer(clean))
    return [_Token(word, start, pause=word in ",.;:!?()\n") for word, start in found if word != "/"]


def _whole(tokens: list[_Token], at: int) -> tuple[int, _Phrase | None]:
    """The phrase at a place, cut short where a longer one begins inside it: `cinematic` + `drum and bass`."""
    length, phrase = _longest(tokens, at)
    for inside in range(at + 1, at + length):
        longer, other = _longest(tokens, inside)
        if other is not None and longer > length and inside + longer > at + length:
            return _longest(tokens[:inside], at)
    return length, phrase


def _longest(tokens: list[_Token], at: int) -> tuple[int, _Phrase | None]:
    """The longest phrase at a place, and how many words it takes."""
    if at >= len(tokens):
        return 1, None
    longest = _longest_by_first_word().get(tokens[at].text, 0)
    if longest:
        phrases = _phrases()
        words = tuple([token.text for token in tokens[at : at + longest]])
        for length in range(len(words), 0, -1):
            phrase = phrases.get(words[:length])
            if phrase is not None:
                return length, phrase
    return 1, _derived(tokens[at].text)


@lru_cache(maxsize=1 << 14)
def _derived(word: str) -> _Phrase | None:
    """What a word means by its ending: `drumless` rules out; `gently`, `darkness`, `king's` go back to their stem."""
    names = lexicon.lookup("instrument").get(word.removesuffix("less")) if word.endswith("less") else None
    if names:
        return _Phrase((("excluded", lexicon.family(word.removesuffix("less"), names)),))
    if word in STOP_WORDS or len(word) < 5:
        return None
    for ending, instead in _ENDINGS:
        phrase = _phrases().get((word.removesuffix(ending) + instead,)) if word.endswith(ending) else None
        if phrase is not None:
            return phrase
    return None


@dataclass(frozen=True)
class _Said:
    """How a phrase was said: its words, whether ruled out, whether it only describes an instrument that follows, and
    by how many steps it compares (0: it does not)."""

    words: str
    negated: bool = False
    describes: bool = False
    steps: float = 0.0
    stem: str = ""  # what an `-er` word compares by


@dataclass
class _Found:
    """What the walk over the words has gathered so far."""

    first: dict[str, Hit] = field(default_factory=dict)
    weak_genre: Hit | None = None
    mood_word: str = ""
    tempo: Tempo | None = None
    instruments: dict[str, Hit] = field(default_factory=dict)
    extra: set[str] = field(default_factory=set)
    excluded: dict[str, Hit] = field(default_factory=dict)
    avoided: list[Hit] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    shapes: list[Hit] = field(default_factory=list)
    aside: list[tuple[str, Hit]] = field(default_factory=list)
    not_done: list[Hit] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    alone: tuple[str, int] | None = None  # the word, and how many instruments it speaks of (0: however many)

    def mean(self, phrase: _Phrase, said: _Said) -> None:
        """Take a phrase in."""
        if said.steps and not said.negated and self._compare(phrase, said):
            return
        for kind, values in phrase.meanings:
            if kind == "instrument":
                self._instrument(values, said)
            elif kind == "tempo":
                self._tempo(values[0], said)
            elif said.negated:
                self._rule_out(kind, values, said)
            elif kind == "genre":
                self._genre(values[0], said)
            elif kind == "excluded":
                self._exclude(values, said.words)
            elif kind in ("shape", "not_done"):
                (self.shapes if kind == "shape" else self.not_done).append(Hit(values[0], said.words))
            elif values:
                self._take(kind, values[0], said)

    def _take(self, kind: str, value: str, said: _Said) -> None:
        described = {"mood": "colour", "intensity": "touch"}
        if said.describes and kind in described:
            kind = described[kind]
        if kind == "state" and kind in self.first and self.first[kind].value in _PLACES_OF_STATE:
            self.first[kind] = Hit(value, said.words) if value not in _PLACES_OF_STATE else self.first[kind]
        held = self.first.setdefault(kind, Hit(value, said.words))
        if kind == "intensity" and _is_further(int(value), int(held.value)):
            self.first[kind] = Hit(value, said.words)
        if kind in ("mood", "colour") and held.words == said.words and not (kind == "colour" and "mood" in self.first):
            self.mood_word = _word_of_plane(said.words, value)
        if kind in ("mood", "meter") and held.value != value:
            self.aside.append((kind, Hit(value, said.words)))

    def _genre(self, value: str, said: _Said) -> None:
        if said.describes or said.words in lexicon.WEAK_GENRES:
            self.weak_genre = self.weak_genre or Hit(value, said.words)
            return
        held = self.first.setdefault("genre", Hit(value, said.words))
        if held.value != value:
            self.aside.append(("genre", Hit(value, said.words)))

    def _rule_out(self, kind: str, values: tuple[str, ...], said: _Said) -> None:
        """What a negated phrase says, instruments and tempi apart: `not too dark`, `not too busy`, `not looping`."""
        if kind == "mood":
            self.avoided.append(Hit(_word_of_plane(said.words, values[0]), said.words))
        elif kind == "intensity":
            steps = -1.0 if int(values[0]) > 3 else 1.0
            self.shifts.append(Shift("intensity", steps, f"not {said.words}"))
        elif kind == "loop" and values[0] == "true":
            self.first.setdefault("loop", Hit("false", f"not {said.words}"))

    def _compare(self, phrase: _Phrase, said: _Said) -> bool:
        """Take a comparative in (`more intense`, `darker`, `less drums`); False where nothing of it can be compared."""
        kinds = dict(phrase.meanings)
        if "instrument" in kinds:
            if said.steps < 0:
                self._exclude(lexicon.family(said.words, kinds["instrument"]), f"less {said.words}")
            else:
                self.extra |= set(kinds["instrument"])
                self._instrument(kinds["instrument"], said)
            return True
        if "tempo" in kinds and "mood" not in kinds and "intensity" not in kinds:
            factor, _, highest = lexicon.TEMPI[kinds["tempo"][0]]
            slow = factor < 1 or 0 < highest < 100
            self.shifts.append(Shift("tempo", -said.steps if slow else said.steps, said.words))
            return True
        if "intensity" in kinds:
            up = 1 if int(kinds["intensity"][0]) >= 3 else -1
            self.shifts.append(Shift("intensity", up * said.steps, said.words))
        if "mood" in kinds:
            word = _word_of_plane(said.stem or said.words, kinds["mood"][0])
            self.shifts.append(Shift("mood", said.steps, said.words, word))
            if "intensity" not in kinds and abs(PLANE[word].arousal) >= 0.5:
                self.shifts.append(Shift("intensity", said.steps * (1 if PLANE[word].arousal > 0 else -1), said.words))
        return "mood" in kinds or "intensity" in kinds

    def _tempo(self, phrase: str, said: _Said) -> None:
        if self.tempo is not None:
            words = f"not {said.words}" if said.negated else said.words
            if words != self.tempo.words:
                self.aside.append(("tempo", Hit(phrase, words)))
            return
        factor, lowest, highest = lexicon.TEMPI[phrase]
        tempo = Tempo(said.words, factor=factor, lowest=lowest, highest=highest)
        if said.negated:
            bound = turned(replace(tempo, words=f"not {said.words}"))
            self.tempo = bound if bound.lowest or bound.highest else None
        else:
            self.tempo = tempo

    def _instrument(self, values: tuple[str, ...], said: _Said) -> None:
        if said.negated:
            self._exclude(lexicon.family(said.words, values), said.words)
            return
        for value in values:
            self.instruments.setdefault(value, Hit(value, said.words))

    def _exclude(self, values: tuple[str, ...], words: str) -> None:
        for value in values:
            self.excluded.setdefault(value, Hit(value, words))

    def reading(self) -> Reading:
        """A family is ruled out but for the members that the text asks for by name (`taiko, no other percussion`)."""
        loose = {name for name, hit in self.instruments.items() if hit.words in lexicon.LOOSE} & set(self.excluded)
        asked = {name for name in self.instruments if name not in self._directly_excluded() | loose}
        instruments = tuple(hit for name, hit in self.instruments.items() if name in asked)
        gone = [("instrument", hit) for name, hit in self.instruments.items() if name not in asked | loose]
        first = self.first.get
        shape = sections.shaped(tuple(hit.value for hit in self.shapes)) if self.shapes else ""
        return Reading(
            mood=first("mood"), colour=first("colour"), mode=first("mode"), meter=first("meter"),
            intensity=first("intensity"), touch=first("touch"), biome=first("biome"), era=first("era"),
            loop=first("loop"), form=first("form"), state=first("state"),
            genre=self.first.get("genre") or self.weak_genre,
            mood_word=self.mood_word,
            tempo=self.tempo,
            shape=Hit(shape, ", ".join(dict.fromkeys(hit.words for hit in self.shapes))) if shape else None,
            instruments=instruments,
            added=bool(instruments) and asked <= self.extra,
            alone=self._alone(instruments),
            excluded=tuple(hit for name, hit in self.excluded.items() if name not in asked),
            avoided=tuple(self.avoided[:_MOST_ASIDE]),
            shifts=tuple(self.shifts[:_MOST_ASIDE]),
            aside=tuple(dict.fromkeys((*self.aside, *gone)))[:_MOST_ASIDE],
            not_done=tuple(dict.fromkeys(self.not_done))[:_MOST_ASIDE],
            unread=tuple(dict.fromkeys(self.unread)),
        )

    def _alone(self, instruments: tuple[Hit, ...]) -> Hit | None:
        """`solo piano` leaves out everybody else, `a violin solo` in a larger piece nobody."""
        if self.alone is None or not instruments:
            return None
        word, count = self.alone
        return Hit(word, word) if count in (0, len(instruments)) else None

    def _directly_excluded(self) -> set[str]:
        named = lexicon.lookup("instrument")
        return {name for name, hit in self.excluded.items() if name in named.get(hit.words.removeprefix("less "), ())}


def _is_further(level: int, than: int) -> bool:
    """Whether an intensity says more of the same: `maestoso, fortissimo` is as loud as the louder of the two."""
    return (level - 3) * (than - 3) >= 0 and abs(level - 3) > abs(than - 3)


def _word_of_plane(words: str, mood: str) -> str:
    """Where on the plane a mood word lies: its own place, else that of the mood it stands for."""
    return words if words in PLANE else mood


def _read_words(clean: str, spans: tuple[tuple[int, int], ...]) -> Reading:
    tokens = _tokens(clean)
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

    def __init__(self, tokens: list[_Token], spans: tuple[tuple[int, int], ...]) -> None:
        self.tokens = tokens
        self.spans = spans
        self.found = _Found()
        self.negation = _Negation()
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
        said = _Said(words, self.negation.holds or freed, self._describes(phrase, at + length), self.degree, stem)
        self.found.mean(phrase, said)
        if phrase.instrument and not said.negated:
            self._solo(at, following)
        self.negation = self.negation.after_phrase(phrase.instrument)
        self.weight, self.degree = 1.0, 0.0
        return length + (1 if freed else 0)

    def _phrase(self, at: int) -> tuple[int, _Phrase | None, str]:
        """The phrase at a place, and the stem it compares by: `darker` is the phrase of `dark`. Figures begin none."""
        token = self.tokens[at]
        if self._is_figure(token) or (token.text in _DEGREES and not self.negation.holds):
            return 1, None, ""
        length, phrase = _whole(self.tokens, at)
        if phrase is not None:
            return length, phrase, ""
        compared = _compared_stem(token.text)
        if compared is None or self.negation.holds:
            return 1, None, ""
        self.degree = self.weight
        return 1, _phrases()[(compared,)], compared

    def _word(self, token: _Token, at: int) -> None:
        """A word that begins no phrase."""
        text = token.text
        compared = _COMPARED.get(text)
        if compared is not None and not self.negation.holds:
            control, steps, word = compared
            self.found.shifts.append(Shift(control, steps * self.weight, text, word))
        elif self.degree and text in _NOUNS_OF_DEGREE:
            self.found.shifts.append(Shift(_NOUNS_OF_DEGREE[text], self.degree, text))
        elif text in _ENSEMBLE_SIZES and self.found.alone is None:
            self.found.alone = (text, _ENSEMBLE_SIZES[text])
        elif self._is_unread(token):
            self.found.unread.append(text)
        self.degree = _DEGREES[text] * self.weight if text in _DEGREES else self.degree * (text in STOP_WORDS)
        self.weight = _WEIGHTS.get(text, self.weight if text in ("of", "a", "so") else 1.0)
        self.negation = self.negation.over(token)

    def _is_unread(self, token: _Token) -> bool:
        text = token.text
        return not (token.pause or text in STOP_WORDS or text in _GRAMMAR or self._is_figure(token))

    def _is_figure(self, token: _Token) -> bool:
        return any(start <= token.start < end for start, end in self.spans)

    def _describes(self, phrase: _Phrase, at: int) -> bool:
        """Whether an instrument follows at once, or behind further adjectives."""
        if not phrase.describing:
            return False
        for _ in range(_MOST_ADJECTIVES):
            length, follower = _longest(self.tokens, at)
            if follower is None:
                if at >= len(self.tokens):
                    return False
                return self.tokens[at].text == "solo" and phrase.adjective and _longest(self.tokens,
                at + 1)[1] is not None
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


@lru_cache(maxsize=1 << 14)
def _compared_stem(word: str) -> str | None:
    """The word that an `-er` word compares by: `darker` by `dark`, `sadder` by `sad`, `busier` by `busy`."""
    if not word.endswith("er") or word in _COMPARED or word in STOP_WORDS:
        return None
    stems = [word.removesuffix(ending) + instead for ending, instead in _STEMS if word.endswith(ending)]
    if len(word) > 5 and word[-3] == word[-4]:
        stems.append(word[:-3])
    for stem in stems:
        phrase = _phrases().get((stem,))
        if phrase is not None and any(kind in ("mood", "intensity", "tempo") for kind, _ in phrase.meanings):
            return stem
    return None


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


def contradictions(reading: Reading) -> tuple[str, ...]:
    """What a text says against itself, as sentences: moods and tempi that nothing can have both, two genres, two
    meters, an instrument that is asked for and ruled out."""
    told = []
    for kind, hit in reading.aside:
        if kind == "instrument":
            told.append(f"{hit.words!r} is asked for and ruled out; it is left out ({hit.value})")
            continue
        if kind == "tempo":
            if reading.tempo is not None and _never_meet(reading.tempo, hit):
                first_words = reading.tempo.words
                told.append(f"{first_words!r} and {hit.words!r} contradict each other; {first_words!r} counts")
            continue
        first: Hit | None = getattr(reading, kind)
        if first is None or first.words == hit.words:
            continue
        if kind != "mood":
            told.append(f"{first.words!r} and {hit.words!r} are two {kind}s; the first counts ({first.value})")
        elif moods.contradict(_place(first), _place(hit)):
            told.append(f"{first.words!r} and {hit.words!r} contradict each other; the first counts ({first.value})")
    return tuple(told)


def _never_meet(tempo: Tempo, other: Hit) -> bool:
    """Whether no tempo is both: `slow` and `fast`, `160 bpm` and `slow`."""
    if other.words.startswith("not "):
        return False
    _, lowest, highest = lexicon.TEMPI.get(other.value, (1.0, 0.0, 0.0))
    low, high = tempo.bpm or tempo.lowest, tempo.bpm or tempo.highest
    return bool((high and lowest and high < lowest) or (highest and low and highest < low))


def _place(mood: Hit) -> Affect:
    return PLANE[_word_of_plane(mood.words, mood.value)]
