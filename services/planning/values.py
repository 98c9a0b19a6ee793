"""What a single value in a brief may be: names, words, numbers and lists, each with its fault and the way out.

Types for the schema in `brief`, which says where each may stand. Nothing here reads a file, and nothing looks at two
keys at once.
"""

import re
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from models.words import GENRES, INSTRUMENTS, METERS, MODES, MOODS, STINGERS
from services.planning import lexicon
from services.planning.acceptance import KEYS as KEY_RULES
from services.planning.faults import shown
from services.planning.keys import canonical_key
from services.planning.order import LEVEL_AXIS
from services.planning.words import FORMATS, KINDS, LICENSEES, SAMPLE_RATES, SHARES, USES

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
AXIS = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"
HOME_FOLDERS = ("blobs", "locks", "prefect")  # what else lies in a home beside the catalogs' folders
FORM = r"^[A-Za-z][A-Za-z0-9]{0,15}(-[A-Za-z][A-Za-z0-9]{0,15}){0,31}$"
MOST_SECONDS = 1800.0
MOST_SEED = 2**53 - 1
MOST_CUES = 2000
MOST_AXES = 16
MOST_GENERATORS = 16  # of one cue
MOST_STEPS = 1000
MOST_GUIDANCE = 100.0
MOST_PROMPT = 2000
MOST_BUDGET = 100_000  # takes of one point
LOWEST_BPM, HIGHEST_BPM = 20, 300
MOST_BARS = 4000
MOST_SHORT_BARS = 4  # of a stinger or a transition
LEVELS = (1, 2, 3, 4, 5)
RESERVED_AXES = (LEVEL_AXIS, "stinger", "from", "to")
"""Coordinates of points that the keys `intensities`, `stinger`, `from` and `to` give; no axis may take their names."""
_KEY_PATTERN = rf"^[A-Ga-g][#b]? ({'|'.join(MODES)})$"


def _wrong(kind: str, what: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{what}", {"what": what, "remedy": remedy})


def _unknown(what: str, word: object, known: tuple[str, ...]) -> PydanticCustomError:
    """An unknown word; the nearest known one is looked for only when the fault is told (looking is slow)."""
    return PydanticCustomError("unknown_word", "{what}", {"what": what, "word": word, "known": known})


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise _wrong("text", f"{what} must be text", "write a word, in quotes if it looks like a number")
    return value


def _key(value: object) -> str:
    text = _text(value, "a key signature")
    try:
        return canonical_key(text)
    except ValueError:
        remedy = f"write a tonic and a mode in ASCII, as `D minor` or `F# dorian`; modes: {', '.join(MODES)}"
        raise _wrong("key", "unknown key signature", remedy) from None


def _named(table: str, published: tuple[str, ...], what: str) -> Any:
    def check(value: object) -> str:
        names = lexicon.named(table, _text(value, what))
        if not names:
            raise _unknown(f"unknown {what}", value, _names(table, published))
        return names[0]

    return check


@cache
def _names(table: str, published: tuple[str, ...]) -> tuple[str, ...]:
    """The published words, then the phrases that may stand for one: what a suggestion chooses from."""
    return (*published, *(phrase for phrase in lexicon.lookup(table) if phrase not in published))


def _instruments(value: object) -> list[str]:
    """A list of instruments, or one text with commas; synonyms and plurals become the published names."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise _wrong("instruments", "instruments must be a list of words", "write `[strings, harp]`")
    names: dict[str, None] = {}
    for item in items:
        known = lexicon.named("instrument", _text(item, "an instrument"))
        if not known:
            what = f"unknown instrument {shown(item.strip())}"
            raise _unknown(what, item.strip(), _names("instrument", INSTRUMENTS))
        names |= dict.fromkeys(known)
    return list(names)


def _one_of(known: tuple[Any, ...], what: str) -> Any:
    def check(value: object) -> object:
        if isinstance(value, bool) or value not in known:
            raise _unknown(f"unknown {what}", value, tuple(str(word) for word in known))
        return value

    return check


def _distinct(value: list[Any]) -> list[Any]:
    seen: set[Any] = set()
    for item in value:
        if item in seen:
            raise _wrong("twice", f"{shown(item)} stands twice", "keep one of them")
        seen.add(item)
    return value


def _or_any(what: str, least: float, most: float) -> Any:
    """Reads a number between two others (the first left out), or `any`, which stands for "not asked"."""

    def check(value: object) -> float | str:
        if value == "any":
            return "any"
        if isinstance(value, bool) or not isinstance(value, int | float) or not least < value <= most:
            remedy = f"write a number above {least:g}, at most {most:g}, or `any`"
            raise _wrong("number_or_any", f"not {what}", remedy)
        return float(value)

    return check


def _number_or_any(what: str, least: float, most: float) -> Any:
    number = {"type": "number", "exclusiveMinimum": least, "maximum": most}
    schema = WithJsonSchema({"anyOf": [number, {"type": "string", "const": "any"}]})
    return Annotated[Any, BeforeValidator(_or_any(what, least, most)), schema]


def _levels(value: object) -> object:
    remedy = "write some of 1, 2, 3, 4 and 5, each once, as `intensities: [1, 3, 5]`"
    if not isinstance(value, list) or not value:
        raise _wrong("levels", "intensities must be a list of levels", remedy)
    for level in value:
        if isinstance(level, bool) or level not in LEVELS:
            raise _wrong("levels", f"{shown(level)} is no intensity", remedy)
    return _distinct(value)


def _names_of_cues(value: object) -> list[str]:
    """A cue's name, or a list of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _wrong("cue_names", "name a cue, or list some", "write `from: exploration` or `to: [combat, boss]`")
    return _distinct(names)


def _generators(value: object) -> list[str]:
    """A generator's name, or a list of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_GENERATORS or not all(type(n) is str for n in names):
        remedy = f"write `generator: composer`, or a list of at most {MOST_GENERATORS} to order the same from each"
        raise _wrong("generators", "name a generator, or list some", remedy)
    return _distinct(names)


def _stingers(value: object) -> list[str]:
    """A kind of stinger, or a list of them."""
    kinds = [value] if isinstance(value, str) else value
    if not isinstance(kinds, list) or not kinds:
        raise _wrong("stingers", "name a stinger, or list some", f"use some of: {', '.join(STINGERS)}")
    return _distinct([_one_of(STINGERS, "stinger")(kind) for kind in kinds])


def _form(value: object) -> str:
    text = _text(value, "a form")
    if not re.match(FORM, text):
        raise _wrong("form", "not a form", "write `loop`, or section names joined by `-`, as `intro-A-B-A-outro`")
    try:
        _check_sections(text)
    except ValueError as error:
        raise _wrong("form", str(error), "write sections that exist, joined by `-`") from None
    return text


def _check_sections(text: str) -> None:
    """Raises ValueError where a section does not exist; how many fit is judged when the length is known."""
    from models.composer import form  # numpy comes with it, and most briefs carry no form

    form.check_form(text, MOST_BARS)


def _prompt(value: object) -> str:
    text = " ".join(_text(value, "a prompt").split())
    if not text or len(text) > MOST_PROMPT:
        raise _wrong("prompt", "a prompt has 1 to 2000 characters", "say in a sentence what the music is for")
    return text


def _negative(value: object) -> str:
    text = " ".join(_text(value, "a negative prompt").split())
    if not text or len(text) > MOST_PROMPT:
        remedy = "say what is not wanted, as `vocals, hiss`"
        raise _wrong("prompt", "a negative prompt has 1 to 2000 characters", remedy)
    return text


def _axes(value: object) -> object:
    """Axis values are words; whole numbers are taken as they are written."""
    if not isinstance(value, dict):
        raise _wrong("axes", "axes must be a mapping of names to lists", "write `axes: {time: [day, night]}`")
    return {name: [str(item) if type(item) is int else item for item in values] if isinstance(values, list) else values
            for name, values in value.items()}


def _cue_zones(value: object) -> object:
    if value in ("all", "none"):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise _wrong("zones", "zones must be `all`, `none` or a list of zone names", "write `zones: none`")
    return _distinct(value)


def _suggested(words: tuple[str, ...]) -> WithJsonSchema:
    """Published names for an editor to offer; common names for them are read too, so others are not wrong yet."""
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": list(words)}, {"type": "string"}]})


def _one_or_some(item: dict[str, Any]) -> WithJsonSchema:
    """One value or a list of such values."""
    return WithJsonSchema({"anyOf": [item, {"type": "array", "minItems": 1, "uniqueItems": True, "items": item}]})


def _enum(words: tuple[Any, ...], kind: str = "string") -> WithJsonSchema:
    return WithJsonSchema({"type": kind, "enum": list(words)})


GeneratorName = Annotated[str, Field(min_length=1, max_length=200)]
GeneratorNames = Annotated[
    list[GeneratorName], BeforeValidator(_generators),
    _one_or_some({"type": "string", "minLength": 1, "maxLength": 200}),
]
Slug = Annotated[str, Field(pattern=SLUG)]
Key = Annotated[str, BeforeValidator(_key), WithJsonSchema({"type": "string", "pattern": _KEY_PATTERN})]
Bpm = Annotated[float, Field(ge=LOWEST_BPM, le=HIGHEST_BPM)]
Genre = Annotated[str, BeforeValidator(_named("genre", GENRES, "genre")), _suggested(GENRES)]
Mood = Annotated[str, BeforeValidator(_named("mood", MOODS, "mood")), _suggested(MOODS)]
Instruments = Annotated[
    list[str], BeforeValidator(_instruments),
    WithJsonSchema({"anyOf": [{"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(INSTRUMENTS)}},
                              {"type": "string"}]}),
]
Meter = Annotated[str, BeforeValidator(_one_of(METERS, "meter")), _enum(METERS)]
Use = Annotated[str, BeforeValidator(_one_of(USES, "use")), _enum(USES)]
LicenseeKind = Annotated[str, BeforeValidator(_one_of(LICENSEES, "licensee kind")), _enum(LICENSEES)]
Format = Annotated[str, BeforeValidator(_one_of(FORMATS, "format")), _enum(FORMATS)]
Formats = Annotated[list[Format], Field(min_length=1), AfterValidator(_distinct)]
Share = Annotated[str, BeforeValidator(_one_of(SHARES, "thing to share")), _enum(SHARES)]
Shares = Annotated[list[Share], Field(min_length=1), AfterValidator(_distinct)]
SampleRate = Annotated[int, BeforeValidator(_one_of(SAMPLE_RATES, "sample rate")), _enum(SAMPLE_RATES, "integer")]
Prompt = Annotated[str, BeforeValidator(_prompt)]
Negative = Annotated[str, BeforeValidator(_negative)]
Form = Annotated[str, BeforeValidator(_form), WithJsonSchema({"type": "string", "pattern": FORM})]
AxisName = Annotated[str, Field(pattern=AXIS)]
AxisValues = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1),
                       AfterValidator(_distinct)]
Axes = Annotated[dict[AxisName, AxisValues], Field(max_length=MOST_AXES), BeforeValidator(_axes)]
CueZones = Annotated[Literal["all", "none"] | list[str], BeforeValidator(_cue_zones)]
Kind = Annotated[str, BeforeValidator(_one_of(KINDS, "kind")), _enum(KINDS)]
Levels = Annotated[
    list[int], BeforeValidator(_levels),
    WithJsonSchema({"type": "array", "minItems": 1, "uniqueItems": True,
                    "items": {"type": "integer", "enum": list(LEVELS)}}),
]
CueNames = Annotated[list[str], BeforeValidator(_names_of_cues), _one_or_some({"type": "string", "pattern": SLUG})]
Stingers = Annotated[
    list[str], BeforeValidator(_stingers), _one_or_some({"type": "string", "enum": list(STINGERS)})
]
TempoTolerance = _number_or_any("how far a tempo may be off, in percent", 0, 10)
LongestSilence = _number_or_any("a length of silence in seconds", 0, 60)
HeardKeyRule = Annotated[str, BeforeValidator(_one_of(KEY_RULES, "rule for the key")), _enum(KEY_RULES)]
NoneOrAny = Annotated[str, BeforeValidator(_one_of(("none", "any"), "rule")), _enum(("none", "any"))]
CleanOrAny = Annotated[str, BeforeValidator(_one_of(("clean", "any"), "rule for the end")), _enum(("clean", "any"))]
