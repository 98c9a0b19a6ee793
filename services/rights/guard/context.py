"""Whether the words around a name say that the name is meant: `in the style of Queen`, `Queen-like`, `a Queen cover`.

Works on folded letters, so the words around may be disguised like the name itself. A cue is strong (says it of any
word: `in the style of`), fair (says it of a word that stands where an ordinary one could not, or is capitalised) or
slight (needs a capital). Nothing here knows a name.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import repeat

from services.rights.guard.folding import classes

REACH_BEFORE = 80
REACH_AFTER = 40


class Cue(IntEnum):
    """How clearly the words around say that a name is meant."""

    NONE = 0
    SLIGHT = 1
    FAIR = 2
    STRONG = 3


@dataclass(frozen=True)
class Context:
    """The clearest cue around a name and its words; `ends` says that no noun follows that the name could belong to."""

    cue: Cue
    words: str = ""
    ends: bool = False


NOTHING = Context(Cue.NONE)
_BEFORE = {
    Cue.STRONG: (
        "style of", "styles of", "style as", "manner of", "vein of", "likeness of", "a la", "pastiche of",
        "the band", "the rock band", "the pop group", "the singer", "the rapper", "the song", "the songs",
        "song called",
        "song titled", "song named", "band called", "band named", "cover version of", "cover versions of", "rip off of",
        "ripoff of", "soundalike of", "sound alike of", "knock off of", "as performed by", "as played by", "as sung by",
        "made famous by", "popularised by", "popularized by", "sung by", "a song by", "songs by", "music by the band",
        "tribute to the band", "style like", "sound exactly like", "sounds exactly like",
    ),
    Cue.FAIR: (
        "like", "sound like", "sounds like", "sounding like", "inspired by", "influenced by", "similar to",
        "reminiscent of", "cover of", "covers of", "remix of", "rendition of", "remake of", "imitating", "imitation of",
        "imitate", "emulating", "emulate", "mimicking", "mimic", "copying", "copy of", "clone of", "channeling",
        "channelling", "tribute to", "homage to", "modelled on", "modeled on", "fans of", "written by", "composed by",
        "produced by", "performed by", "recorded by", "remixed by", "in the key of the song",
    ),
    Cue.SLIGHT: (
        "by", "such as", "think", "version of", "sound of", "sounds of", "vibe of", "vibes of", "feel of", "spirit of",
        "mood of", "tradition of", "the artist", "artist", "the group", "the duo", "the track", "the tune", "the hit",
        "the single", "the album", "the game", "the video game", "the movie", "the film", "the series", "theme from",
        "theme of", "soundtrack of", "soundtrack from", "soundtrack to", "music from", "music of", "score of",
        "melody of", "melody from", "chorus of", "riff from", "intro of", "lyrics of", "featuring", "feat", "ft",
        "produced for", "meets", "early", "classic", "after", "as in", "from the game", "from the film",
    ),
}
_AFTER = {
    Cue.STRONG: (
        "esque", "type beat", "type beats", "type track", "type song", "soundalike", "sound alike", "cover version",
        "cover song", "cover band", "tribute band",
    ),
    Cue.FAIR: (
        "style", "styled", "stylings", "cover", "covers", "tribute", "inspired", "influenced", "type", "clone",
        "knockoff", "knock off", "ripoff", "rip off", "fame", "karaoke",
    ),
    Cue.SLIGHT: (
        "like", "ish", "vibe", "vibes", "sound", "sounds", "song", "songs", "album", "albums", "riff", "riffs", "era",
        "remix", "concert", "soundtrack", "ost", "feel", "hit", "hits", "lyrics", "melody", "discography", "band",
        "by", "the band", "the game", "s style", "s signature", "s music", "s songs", "s sound", "s famous", "s hit",
        "s hits", "s song",
    ),
}
_FILLERS = (
    "legendary", "famous", "classic", "early", "late", "old", "great", "british", "english", "american", "german",
    "french", "swedish", "rock", "pop", "metal", "hard rock", "band", "group", "duo", "singer", "artist", "rapper",
    "composer", "producer", "song", "track", "tune", "hit", "game", "video game", "movie", "film", "series", "show",
    "musician", "songwriter", "songs", "60s", "70s", "80s", "90s", "1960s", "1970s", "1980s", "1990s", "2000s",
    "called", "named", "titled", "mr", "sir", "maestro", "something", "anything", "music", "that of", "those of",
)
_ENDS = (
    "and", "or", "but", "with", "without", "in", "on", "at", "from", "for", "as", "by", "meets", "mixed", "only",
    "please", "though", "no", "not", "to", "rock", "pop", "metal", "ballad", "anthem", "music", "song", "songs", "s",
    "band", "guitar", "guitars", "vocals", "harmonies", "choir", "style", "would", "did", "does", "style", "if", "when",
    "used", "might", "has", "plus", "but", "theme", "track", "sound", "stomp", "cover", "version", "medley",
)


def is_spelt_out(letters: str) -> bool:
    """Whether folded letters hold words that are spelt out (`s t y l e`)."""
    return b"\1\1\1" in bytes(map(min, map(len, letters.split()), repeat(2)))


def context(letters: str, original: str, first: int, last: int, end: int, spelt_out: bool = True) -> Context:
    """What is around the letters `first` to `last` of folded `letters`; `end` is where they end in `original`.

    `letters` are classes of folded letters (`classes`); `spelt_out` False: `is_spelt_out` denies it of all of them."""
    before, after = letters[max(0, first - REACH_BEFORE):first], letters[last + 1:last + 1 + REACH_AFTER]
    spelt = spelt_out and _SPACED.search(before) is not None
    if spelt_out:
        before, after = _singles(before), _singles(after)
    if not spelt and not _may_tell(before, after):
        return NOTHING
    ends = (not original[end:end + 1].strip() and bool(_rest(after))) or bool(_mark(original, end))
    ends = ends or not after.strip()
    for cue in (Cue.STRONG, Cue.FAIR, Cue.SLIGHT):
        if match := _before(cue, spelt).search(before):
            return Context(cue, _said(cue, _BEFORE, match.group(1)) + " ...", ends)
        match = _after(cue).match(after)
        if match and not (match.group(1).startswith("s ") and _DETERMINED.search(before)):
            return Context(cue, "... " + _said(cue, _AFTER, match.group(1)), True)
    return NOTHING


def _may_tell(before: str, after: str) -> bool:
    """Whether the nearest word on a side may belong to a cue: most do not, and need no closer look."""
    left, right = before.rsplit(None, 1)[-1:], after.split(None, 1)[:1]
    return bool((left and left[0] in _last_words()) or (right and right[0] in _first_words()))


@cache
def _last_words() -> frozenset[str]:
    """How cues and fillers may end: their last words, also written together."""
    phrases = [phrase.split() for table in (*_BEFORE.values(), _FILLERS) for phrase in table]
    return frozenset(classes("".join(words[at:])) for words in phrases for at in range(len(words)))


@cache
def _first_words() -> frozenset[str]:
    phrases = [phrase.split() for table in _AFTER.values() for phrase in table]
    return frozenset(classes("".join(words[:at + 1])) for words in phrases for at in range(len(words)))


def _rest(after: str) -> bool:
    return bool(_ending().match(after))


def _mark(original: str, end: int) -> bool:
    """Whether a sentence or clause ends behind the name."""
    return original[end:end + 1] in _MARKS


def _singles(letters: str) -> str:
    """Letters with runs of single ones (`s t y l e`) joined."""
    return _SINGLES.sub("", letters) if _SPACED.search(letters) else letters


_MARKS = frozenset(".,;:!?)\"'”’»/&+")
_DETERMINERS = "|".join(map(classes, ("the", "a", "an", "my", "our", "his", "her", "their")))
_DETERMINED = re.compile(rf"(?<![^ ])(?:{_DETERMINERS}) *\Z")
_SPACED = re.compile(r"(?:(?<![^ ])[^ ] +){3}")
_SINGLES = re.compile(r"(?<=(?<![^ ])[^ ]) +(?=[^ ](?: |\Z))")


def _phrase(words: str) -> str:
    return classes(words).replace(" ", " *")


def _any(phrases: tuple[str, ...]) -> str:
    return "|".join(_phrase(phrase) for phrase in sorted(phrases, key=len, reverse=True))


@cache
def _before(cue: Cue, spelt: bool) -> re.Pattern[str]:
    """Cues in front of a name; in letters that are spelt out, words have no beginnings to hold to."""
    fillers = f"(?:(?:{_phrase('the')} +)?(?:{_any(_FILLERS)}) *)*"
    return re.compile(rf"{'' if spelt else '(?<![^ ])'}({_any(_BEFORE[cue])}) *{fillers}\Z")


@cache
def _after(cue: Cue) -> re.Pattern[str]:
    return re.compile(rf" *({_any(_AFTER[cue])})(?= |\Z)")


@cache
def _ending() -> re.Pattern[str]:
    return re.compile(rf" *(?:{_any(_ENDS)})(?= |\Z)")


def _said(cue: Cue, cues: dict[Cue, tuple[str, ...]], found: str) -> str:
    """The cue as it is listed, for the letters that were found."""
    squeezed = found.replace(" ", "")
    return next((words for words in cues[cue] if classes(words).replace(" ", "") == squeezed), found)
