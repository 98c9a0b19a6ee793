"""What a text says in numbers and signs: tempo, key, meter, length, and whether `90s` is an era or a minute and a half.

Regular expressions over the cleaned text, each bounded; every figure found tells which characters it was read from, so
that no word of it is reported as unread. Nothing here knows the lexicon.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from models.words import METERS
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
class Clash:
    """What no music can be: a tempo of 1000 bpm, a piece in H major. `words` said so; `remedy` says what to write."""

    what: str
    remedy: str
    words: str


@dataclass(frozen=True)
class Figures:
    """What was read from numbers and signs, and the character spans it was read from."""

    tempo: Tempo | None = None
    key: Hit | None = None
    mode: Hit | None = None
    meter: Hit | None = None
    foreign_meter: Hit | None = None  # a meter that no generator is asked for: the nearest one, and what was said
    duration: Hit | None = None  # seconds
    bars: Hit | None = None
    form: Hit | None = None  # `AABA`
    clashes: tuple[Clash, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


_BPM = re.compile(r"(?<![\w.])(\d{2,3}(?:\.\d{1,3})?)\s*-?\s*(?:bpm|beats per minute|b\.p\.m)(?!\w)", re.IGNORECASE)
_BPM_RANGE = re.compile(
    r"(?<![\w.])(\d{2,3})\s*(?:-|to)\s*(\d{2,3})\s*-?\s*(?:bpm|beats per minute)(?!\w)", re.IGNORECASE
)
_TEMPO = re.compile(
    r"(?<!\w)(?:tempo(?: of)?|bpm(?: of)?|[♩q]\s*=)\s*[:=]?\s*(\d{2,3}(?:\.\d{1,3})?)(?![\w.]*\d)", re.IGNORECASE
)
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30, "thirty two": 32,
    "forty": 40, "forty five": 45, "sixty": 60, "sixty four": 64, "ninety": 90,
}  # fmt: skip
_WRITTEN = "|".join(sorted((name.replace(" ", "[ -]") for name in _NUMBERS if len(name) > 2), key=len, reverse=True))
_DURATION = re.compile(
    rf"(?<![\w.])(?P<number>\d{{1,4}}(?:\.\d{{1,3}})?|{_WRITTEN}|an?(?= minute| min\b))[ -]?"
    r"(?P<unit>sec|secs|seconds?|s(?= long\b)|min|mins|minutes?)(?!\w)"
    r"(?P<half> and a half)?(?:(?: and)? (?P<more>[1-5]?\d)[ -]?(?:sec|secs|seconds?|s)(?!\w))?",
    re.IGNORECASE,
)
_HALF_MINUTE = re.compile(r"(?<!\w)half[ -](?:a[ -])?minute(?!\w)", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?<![\w:.])(?P<minutes>\d{1,2}):(?P<seconds>[0-5]\d)(?![\w:])|(?<![\w.])(?P<m>\d{1,2})m ?(?P<s>[0-5]?\d)s(?!\w)"
)
_SECONDS = re.compile(r"(?<![\w.'])(?P<number>\d{1,3})[ ]?s(?!\w)(?P<after>[ -](?:" + "|".join((
    "long", "loop", "cue", "clip", "edit", "cut", "cutdown", "version", "bed", "jingle", "spot", "ad", "sting",
    "stinger", "piece", "bumper", "ident", "teaser", "of",
)) + r")\b)?", re.IGNORECASE)  # fmt: skip
_SECONDS_LEAD = re.compile(r"\b(?:for|length|lasting|lasts|duration|about|around|exactly|runs|under)[: ]{1,2}\Z", re.I)
_MACHINES = frozenset({101, 303, 505, 606, 626, 707, 727, 808, 909})  # drum machines and synths, not seconds
_DECADES = frozenset(range(50, 100, 10))
_ANY_BPM = re.compile(r"(?<![\w.-])(\d{1,6}(?:\.\d{1,3})?)\s*-?\s*bpm(?!\w)", re.IGNORECASE)
_NO_KEY = re.compile(
    r"\b(?:in|key of|key:)\s(?:the key of )?(?P<tonic>[A-Z])(?:(?P<sign>[#b])|[ -](?P<word>sharp|flat))?[ ]"
    r"(?P<mode>major|minor)(?!\w)"
)
_BARS = re.compile(
    rf"(?<![\w.])(?P<bars>[1-9]\d{{0,2}}|{_WRITTEN})[ -](?:bars?|measures?)(?!\w)(?! blues)", re.IGNORECASE
)
_METER = re.compile(r"(?<![\d/])(\d{1,2})/(2|4|8|16)(?![\d/])")
_COUNT = re.compile(
    r"(?<!\w)in (?P<count>[2-79]|12|two|three|four|five|six|seven|nine|twelve)"
    r"(?=\s*(?:[,.;:!?)]|$|and\b|with\b|at\b|for\b|beat\b|time\b))",
    re.IGNORECASE,
)
_COUNTED = {2: "2/4", 3: "3/4", 4: "4/4", 5: "5/4", 6: "6/8", 7: "7/8", 9: "9/8", 12: "12/8"}
_FOREIGN = {"7/4": "7/8", "2/2": "2/4", "3/8": "3/4", "6/4": "6/8", "5/8": "5/4", "12/4": "12/8", "4/8": "2/4",
            "9/4": "9/8", "3/2": "3/4", "4/2": "4/4", "8/8": "4/4", "16/16": "4/4"}  # fmt: skip
_MODE_NAMES = (
    r"harmonic[ -]minor|melodic[ -]minor|natural[ -]minor|major[ -]pentatonic|minor[ -]pentatonic|pentatonic[ -]minor|"
    r"pentatonic[ -]major|major|minor|maj|min|dorian|phrygian|lydian|mixolydian|locrian|aeolian|ionian|octatonic|"
    r"pentatonic|diminished"
)
_KEY = re.compile(
    r"(?P<lead>\b(?:in|key of|key)(?: the key of)?[:\s]\s*)?"
    r"(?<!\w)(?P<tonic>[A-Ga-g])(?:(?P<sign>[#b])|[ -](?P<word>sharp|flat))?[ :-]"
    rf"(?P<mode>{_MODE_NAMES})(?!\w)(?=(?P<after>\s*[^\W\d_]*))",
    re.IGNORECASE,
)
_SHORT_KEY = re.compile(r"(?:\b(?:in|key of|key:?)\s+([A-G][#b]?)m(?!\w))|(?<![\w'])([A-G][#b]m|[B-G]m)(?!\w)")
_TONIC_ALONE = re.compile(
    r"\b(?:(?P<lead>(?:in )?(?:the )?key of|key:)\s+|in )(?P<tonic>[A-G])"
    r"(?:(?P<sign>[#b])|[ -](?P<word>sharp|flat))?(?=\s*(?:[,.;:!?)]|$|with\b|and\b|at\b))"
)
_MODE = re.compile(
    r"(?<!\w)(?P<mode>major|minor)(?:[ -](?:key|mode|scale|tonality|harmony|harmonies|chords|mood))(?!\w)"
    r"|(?<!\w)in (?:a )?(?P<in>major|minor)(?=\s*(?:[,.;:!?)]|$))",
    re.IGNORECASE,
)
_AFTER_A = {"", "and", "at", "with", "for", "on", "theme", "loop", "piece", "track", "tune", "song", "key", "in"}
_ALIASES = {
    "maj": "major", "min": "minor", "melodic minor": "minor", "pentatonic minor": "minor pentatonic",
    "pentatonic major": "major pentatonic", "pentatonic": "major pentatonic", "diminished": "octatonic",
}  # fmt: skip
_LETTERS = re.compile(
    r"(?<![\w-])(?!ABBA)(?=[A-D]*A[A-D]*B)([A-D]{3,8})(?![\w-])|(?<![\w-])([A-D](?:-[A-D]){1,11})(?![\w-])"
)


def read_figures(clean: str) -> Figures:
    """The figures of a text in NFKC with ASCII signs and hyphens, its capitals kept. Never raises."""
    if not _WORTH.search(clean):
        return Figures()
    found = _Finder(clean)
    key = found.key()
    return Figures(
        tempo=found.tempo(), key=key, mode=None if key else found.mode(), meter=found.meter(),
        foreign_meter=found.foreign_meter(), duration=found.duration(), bars=found.bars(), form=found.form(),
        clashes=tuple(found.clashes()),
        spans=tuple(found.spans),
    )


_WORTH = re.compile(r"\d|minute|bars?\b|measures?\b|major|minor|\b[A-Ga-g][#b]|\bin \S|\bkey\b|[A-D]{3}|[A-D]-[A-D]|"
                    r"ian\b|tonic\b|diminished|seconds?\b|♩", re.IGNORECASE)  # fmt: skip


class _Finder:
    """Reads one kind of figure after the other and keeps where each stood."""

    def __init__(self, clean: str) -> None:
        self.clean = clean
        self.spans: list[tuple[int, int]] = []

    def _took(self, match: re.Match[str], value: str) -> Hit:
        self.spans.append(match.span())
        return Hit(value, match.group().strip())

    def tempo(self) -> Tempo | None:
        for match in _BPM_RANGE.finditer(self.clean):
            low, high = sorted((float(match[1]), float(match[2])))
            if low >= 20 and high <= 300:
                return Tempo(self._took(match, "").words, lowest=low, highest=high)
        for match in (*_BPM.finditer(self.clean), *_TEMPO.finditer(self.clean)):
            if 20 <= float(match.group(1)) <= 300:
                return Tempo(self._took(match, "").words, bpm=float(match.group(1)))
        return None

    def duration(self) -> Hit | None:
        half = _HALF_MINUTE.search(self.clean)
        if half is not None:
            return self._took(half, "30")
        for match in _DURATION.finditer(self.clean):
            seconds = _seconds(match)
            if 1 <= seconds <= MOST_SECONDS:
                return self._took(match, f"{seconds:g}")
        for match in _CLOCK.finditer(self.clean):
            seconds = int(match["minutes"] or match["m"]) * 60 + int(match["seconds"] or match["s"])
            if 1 <= seconds <= MOST_SECONDS:
                return self._took(match, f"{seconds:g}")
        return self._bare_seconds()

    def _bare_seconds(self) -> Hit | None:
        """`45s`, `90s loop`; but `90s` alone is a decade."""
        for match in _SECONDS.finditer(self.clean):
            number = int(match["number"])
            led = _SECONDS_LEAD.search(self.clean[max(0, match.start() - 16) : match.start()])
            if number < 3 or number in _MACHINES or (number in _DECADES and not match["after"] and led is None):
                continue
            self.spans.append((match.start(), match.end("number") + 1))
            return Hit(f"{number}", match.group().strip())
        return None

    def bars(self) -> Hit | None:
        match = _BARS.search(self.clean)
        if match is None:
            return None
        said = match["bars"].casefold().replace("-", " ")
        return self._took(match, str(_NUMBERS.get(said, said)))

    def meter(self) -> Hit | None:
        for match in _METER.finditer(self.clean):
            if match.group() in METERS:
                return self._took(match, match.group())
        count = _COUNT.search(self.clean)
        if count is None:
            return None
        said = count["count"].casefold()
        return self._took(count, _COUNTED[int(_NUMBERS.get(said, 0) or said)])

    def foreign_meter(self) -> Hit | None:
        for match in _METER.finditer(self.clean):
            if match.group() in _FOREIGN:
                return self._took(match, _FOREIGN[match.group()])
        return None

    def key(self) -> Hit | None:
        for match in _KEY.finditer(self.clean):
            if _is_article(match):
                continue
            mode = " ".join(match["mode"].casefold().replace("-", " ").split())
            key = _canonical(match["tonic"], match["sign"], match["word"], _ALIASES.get(mode, mode))
            if key is not None:
                return self._took(match, key)
        for match in _SHORT_KEY.finditer(self.clean):
            key = _canonical((match[1] or match[2].removesuffix("m"))[0], (match[1] or match[2])[1:2], None, "minor")
            if key is not None:
                return self._took(match, key)
        alone = _TONIC_ALONE.search(self.clean)
        if alone is None or (alone["tonic"] == "A" and alone["lead"] is None and not alone["sign"]):
            return None
        key = _canonical(alone["tonic"], alone["sign"], alone["word"], "major")
        return self._took(alone, key) if key else None

    def mode(self) -> Hit | None:
        mode = _MODE.search(self.clean)
        return self._took(mode, (mode["mode"] or mode["in"]).casefold()) if mode else None

    def clashes(self) -> Iterator[Clash]:
        """Tempi and keys that there are not; at most one of each."""
        for match in _ANY_BPM.finditer(self.clean):
            if not 20 <= float(match.group(1)) <= 300:
                self.spans.append(match.span())
                yield Clash(f"{match.group(1)} bpm is no tempo", "ask for 20 to 300 bpm", match.group())
                break
        for match in _NO_KEY.finditer(self.clean):
            if _canonical(match["tonic"], match["sign"], match["word"], match["mode"].casefold()) is None:
                self.spans.append(match.span())
                yield Clash("no such key", "write a tonic from A to G and a mode, as `Eb major`", match.group().strip())
                break

    def form(self) -> Hit | None:
        match = _LETTERS.search(self.clean)
        if match is None:
            return None
        return self._took(match, "-".join(match.group().replace("-", "")))


def _seconds(match: re.Match[str]) -> float:
    said = match["number"].casefold().replace("-", " ")
    minutes = match["unit"].casefold().startswith("m")
    number = float(_NUMBERS.get(said, 0) or said) + (0.5 if match["half"] else 0)
    return number * (60 if minutes else 1) + (float(match["more"]) if match["more"] and minutes else 0)


def _canonical(tonic: str, sign: str | None, word: str | None, mode: str) -> str | None:
    sign = sign or {"sharp": "#", "flat": "b"}.get((word or "").casefold(), "")
    try:
        return canonical_key(f"{tonic}{sign} {mode}")
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


def turned(tempo: Tempo) -> Tempo:
    """A tempo turned into a bound: what "not too fast" leaves of "fast"."""
    highest = round(0.85 * tempo.lowest) if tempo.factor >= 1 and tempo.lowest else 0.0
    lowest = round(tempo.highest / 0.85) if tempo.factor <= 1 and tempo.highest and not tempo.lowest else 0.0
    return replace(tempo, bpm=0.0, factor=1.0, lowest=lowest, highest=highest)
