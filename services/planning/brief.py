"""The brief as a strict schema: every key it may carry, what each means, and what each may be.

One model serves reading and the published JSON Schema alike. What concerns several keys at once (duplicates, relations,
placeholders) is judged in `checks`; files and lines are `reader`'s. Nothing here reads a file.
"""

import re
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from models.words import GENRES, INSTRUMENTS, METERS, MODES, MOODS, STINGERS
from services.planning import lexicon
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
MOST_PROMPT = 2000
LOWEST_BPM, HIGHEST_BPM = 20, 300
MOST_BARS = 4000
MOST_SHORT_BARS = 4  # of a stinger or a transition
LEVELS = (1, 2, 3, 4, 5)
RECORDINGS = {"melody": "melody", "continue": "continuation"}
"""The keys that name a recording, and what it is for as controls say it."""
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


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Licensee(_Strict):
    """Who will use the music: licences ask for it."""

    kind: LicenseeKind = Field(description="Company, individual or academic.")
    annual_revenue_usd: float | None = Field(
        default=None, ge=0, description="Yearly revenue in US dollars; some licences end at a revenue."
    )


class ThemeOrder(_Strict):
    """The motif that every zone derives its own from: drawn (`bars`), or given as a one-line MIDI or ABC file."""

    bars: int | None = Field(default=None, ge=2, le=8, description="Length of a drawn motif; 2 to 4 bars work best.")
    file: str | None = Field(
        default=None, min_length=1, max_length=255,
        description="A MIDI file (`.mid`) or a tune in ABC notation (`.abc`) beside the brief: one "
        "melody of 2 to 128 notes in at most 8 bars."
    )
    licence: str | None = Field(
        default=None, min_length=1, max_length=100, description="The licence of the theme file, as `CC0-1.0`."
    )
    source: str | None = Field(
        default=None, min_length=1, max_length=500, description="Where the theme file comes from."
    )


class SoundBankOrder(_Strict):
    """A SoundFont of other people that plays instead of the composer's own bank."""

    file: str = Field(
        min_length=1, max_length=255, description="A General MIDI SoundFont (`.sf2`) beside the brief."
    )
    licence: str = Field(min_length=1, max_length=100, description="The licence of the SoundFont, as `MIT`.")
    source: str | None = Field(default=None, min_length=1, max_length=500, description="Where it comes from.")


class RecordingOrder(_Strict):
    """A recording that a cue follows."""

    file: str = Field(
        min_length=1, max_length=255, description="A recording (WAV, FLAC, Ogg or MP3) beside the brief: mono or "
        "stereo, 1 s to 10 min."
    )
    licence: str = Field(min_length=1, max_length=100, description="The licence of the recording, as `CC0-1.0`.")
    source: str | None = Field(default=None, min_length=1, max_length=500, description="Where it comes from.")


class Zone(_Strict):
    """A place or chapter with its own identity; cues are made for every zone."""

    name: Slug = Field(description="Unique in the brief.")
    identity: str = Field(default="", max_length=500, description="What the place is like: biome, era, mood, genre.")
    key: Key | None = Field(default=None, description="The key of the zone; wins over `defaults`.")
    bpm: Bpm | None = Field(
        default=None, description="The tempo of the zone in quarter notes a minute; wins over `defaults`. Cues that "
        "share a tempo grid take a simple ratio of it."
    )


class Relation(_Strict):
    """What a cue shares with another cue of the same zone."""

    of: Slug = Field(description="Name of the cue that is shared with.")
    share: Shares = Field(
        description="theme: the same motif; key: the same key; tempo-grid: a simple ratio of its tempo; instruments: "
        "its instruments and the cue's own."
    )


class Cue(_Strict):
    """One kind of music. A cue has a state and a prompt; every key but `kind`, `stinger`, `from`, `to`, `generator`,
    `melody` and `continue` may stand under `defaults` too, and the cue wins. Stingers and transitions take their music
    from the cues that they name, and from `defaults` only what they are delivered as and how many."""

    name: Slug | None = Field(default=None, description="Unique in the brief; the state where none is given.")
    state: Slug | None = Field(default=None, description="exploration, combat, boss, or any other word.")
    prompt: Prompt | None = Field(
        default=None, description="What the music is like, with {axis} placeholders; {{ and }} for braces."
    )
    axes: Axes | None = Field(
        default=None, description="Placeholder names and the words they take; every combination is ordered."
    )
    kind: Kind | None = Field(
        default=None, description="music (where nothing is said); stinger: a few bars that end, with `stinger` and "
        "`from`; transition: a few bars that lead from one cue into another, with `from` and `to`."
    )
    stinger: Stingers | None = Field(
        default=None, description="What a stinger tells: victory, defeat, discovery or danger; a list orders each."
    )
    origin: CueNames | None = Field(
        default=None, alias="from", description="The cue (or several) that a stinger is played over or a transition "
        "leaves, by name: it gives theme, key, tempo and players. A transition begins on any of its bar lines."
    )
    goal: CueNames | None = Field(
        default=None, alias="to", description="The cue (or several) that a transition leads into, by name: that one "
        "begins, at its own tempo, on the bar line where the transition's last bar ends."
    )
    generator: GeneratorName | None = Field(
        default=None, description="Makes this cue instead of the brief's `generator`: `composer` or a registered model."
    )
    melody: RecordingOrder | None = Field(
        default=None, description="A recording whose tune the cue follows, where its generator can."
    )
    continuation: RecordingOrder | None = Field(
        default=None, alias="continue", description="A recording that the cue goes on from, where its generator can."
    )
    zones: CueZones | None = Field(
        default=None, description="The zones that the cue is made for: `all` (where nothing is said), `none` (once, "
        "outside the zones), or a list of names."
    )
    bpm: Bpm | None = Field(default=None, description="Quarter notes a minute, 20 to 300.")
    key: Key | None = Field(default=None, description="Tonic and mode in ASCII: `D minor`, `Eb major`, `F# dorian`.")
    meter: Meter | None = Field(default=None, description="Time signature; 4/4 where none is given.")
    duration: float | None = Field(
        default=None, ge=1, le=MOST_SECONDS,
        description="Seconds; a loop takes the nearest whole number of bars. Not together with `bars`.",
    )
    bars: int | None = Field(
        default=None, ge=1, le=MOST_BARS, description="Bars. Not together with `duration`. Stingers and transitions "
        "have 1 to 4; 2 where nothing is said."
    )
    form: Form | None = Field(default=None, description="`loop`, or sections joined by `-`: `intro-A-B-A-outro`.")
    intensity: int | None = Field(default=None, ge=1, le=5, description="1 (sparse) to 5 (relentless).")
    intensities: Levels | None = Field(
        default=None, description="An adaptive set: one take for every level, 1 (texture and hints of the melody) to 5 "
        "(everything, doubled), all of one piece that is composed at `intensity`, so that they line up bar for bar. "
        "Level 5 is as loud as ordered, every level below it 2 LU softer."
    )
    instruments: Instruments | None = Field(default=None, description="A list, or one text with commas.")
    genre: Genre | None = Field(default=None, description="One of the published genres, or a common name for it.")
    mood: Mood | None = Field(default=None, description="One of the published moods, or a common name for it.")
    loop: bool | None = Field(default=None, description="true: seamless, exactly a whole number of bars.")
    stems: bool | None = Field(default=None, description="true: the stems are delivered beside the mix.")
    formats: Formats | None = Field(
        default=None, description="Delivery formats; the first lossless one is the master, FLAC where none is listed."
    )
    sample_rate: SampleRate | None = Field(default=None, description="Hz; 48000 where none is given.")
    loudness: float | None = Field(
        default=None, ge=-60, le=-5, description="Integrated loudness in LUFS (ITU-R BS.1770-4); -23 if unsaid."
    )
    takes: int | None = Field(default=None, ge=1, description="Variations per zone and point of the axes; 1 if unsaid.")


class Brief(_Strict):
    """The order of a catalog of music."""

    catalog: Slug = Field(description="Letters, digits, - and _; names the catalog everywhere.")
    title: str = Field(default="", max_length=200, description="For people.")
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description="Draws everything: another seed, another catalog.")
    use: Use = Field(default="internal-prototype", description="What the music is for; the rights policy judges it.")
    licensee: Licensee | None = Field(default=None, description="Who will use the music.")
    generator: GeneratorName = Field(
        default="composer", description="Makes every cue that names no other: `composer` or a registered model "
        "(`cueworks models`)."
    )
    theme: ThemeOrder = Field(default_factory=ThemeOrder, description="The motif of the catalog.")
    sound_bank: SoundBankOrder | None = Field(default=None, description="What plays, if not the composer's own bank.")
    zones: list[Zone] = Field(
        default_factory=list, max_length=MOST_CUES, description="Places; cues are crossed with them."
    )
    relations: dict[str, Relation] = Field(
        default_factory=dict, description="By cue name: what the cue shares with another cue."
    )
    defaults: Cue = Field(default_factory=Cue, description="What every cue carries unless it says otherwise.")
    cues: list[Cue] = Field(min_length=1, max_length=MOST_CUES, description="What is ordered.")
