"""The brief as a strict schema: every key it may carry, and what each means.

One model serves reading and the published JSON Schema alike. What a single value may be is `values`'; what concerns
several keys at once (duplicates, relations, placeholders) is judged in `checks`; files and lines are `reader`'s.
Nothing here reads a file.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from models.controls import CONTINUATION, LEAST_STRENGTH, MELODY, STRENGTH, VARIATION
from services.planning.acceptance import SILENCE_S, TEMPO_PERCENT
from services.planning.values import (
    MOST_BARS,
    MOST_BUDGET,
    MOST_CUES,
    MOST_GUIDANCE,
    MOST_SECONDS,
    MOST_SEED,
    MOST_STEPS,
    Axes,
    Bpm,
    CleanOrAny,
    CueNames,
    CueZones,
    Form,
    Formats,
    GeneratorNames,
    Genre,
    HeardKeyRule,
    Instruments,
    Key,
    Kind,
    Levels,
    LicenseeKind,
    LongestSilence,
    Meter,
    Mood,
    Negative,
    NoneOrAny,
    Prompt,
    SampleRate,
    Shares,
    Slug,
    Stingers,
    TempoTolerance,
    Use,
)

RECORDINGS = {"melody": MELODY, "continue": CONTINUATION, "vary": VARIATION}
"""The keys that name a recording, and what it is for as controls say it."""


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


class VaryOrder(RecordingOrder):
    """A recording that a cue is made over of."""

    strength: float = Field(
        default=STRENGTH, ge=LEAST_STRENGTH, le=1, description="How far it may go from the recording: near 0 hardly, "
        "at 1 nothing of it stays but the length."
    )


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


class AcceptOrder(_Strict):
    """How takes are chosen by what is heard of them: those that fail are replaced by further ones."""

    keep: int | None = Field(
        default=None, ge=1, le=MOST_BUDGET, description="How many are wanted of every zone, point and generator; as "
        "many as `takes` where nothing is said."
    )
    budget: int | None = Field(
        default=None, ge=1, le=MOST_BUDGET, description="How many may be made in all for them; three for each one kept "
        "where nothing is said."
    )
    tempo: TempoTolerance = Field(
        default=TEMPO_PERCENT, description="Percent that the heard tempo may be off, octaves of it counting as right; "
        "2 where nothing is said. `any`: not judged."
    )
    key: HeardKeyRule = Field(
        default="related", description="`exact`: the tonic, and major or minor; `related`: also keys of the same notes "
        "or a fifth away; `any`: not judged."
    )
    silence: LongestSilence = Field(
        default=SILENCE_S, description="Seconds of silence before or between sounds; 2 where nothing is said. `any`: "
        "not judged."
    )
    clipping: NoneOrAny = Field(default="none", description="`none`: clipped takes fail; `any`: not judged.")
    end: CleanOrAny = Field(
        default="clean", description="`clean`: takes that end abruptly fail, and loops whose seam is heard; `any`: not "
        "judged."
    )
    duplicates: NoneOrAny = Field(
        default="none", description="`none`: a take that is the same music as an earlier one fails; `any`: not judged."
    )
    score: float = Field(default=0.0, ge=0, le=1, description="The least score, 0 to 1, that is accepted.")


class NoAcceptance(AcceptOrder):
    """What `accept: false` says: the cue takes what it gets, whatever `defaults` ask for."""


ACCEPT_REMEDY = "write `true`, `false` or a mapping of what is asked, as {keep: 3, tempo: 2}"


def _accept(value: object) -> object:
    """`accept: true` is all defaults, `accept: false` none of it."""
    if isinstance(value, bool):
        return {} if value else NoAcceptance()
    if not isinstance(value, dict | AcceptOrder):
        told = {"what": "not what is asked of takes", "remedy": ACCEPT_REMEDY}
        raise PydanticCustomError("accept", "{what}", told)
    return value


Accept = Annotated[AcceptOrder, BeforeValidator(_accept)]


class Cue(_Strict):
    """One kind of music. A cue has a state and a prompt; every key but `kind`, `stinger`, `from`, `to`, `generator`,
    `melody`, `continue` and `vary` may stand under `defaults` too, and the cue wins. Stingers and transitions take
    their music from the cues that they name, and from `defaults` only what they are delivered as and how many."""

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
    generator: GeneratorNames | None = Field(
        default=None, description="Makes this cue instead of the brief's `generator`: `composer` or a registered "
        "model. A list orders every point from each of them, by the same seeds, to compare."
    )
    melody: RecordingOrder | None = Field(
        default=None, description="A recording whose tune the cue follows, where its generator can."
    )
    continuation: RecordingOrder | None = Field(
        default=None, alias="continue", description="A recording that the cue goes on from, where its generator can."
    )
    vary: VaryOrder | None = Field(
        default=None, description="A recording that the cue is made over of, where its generator can."
    )
    steps: int | None = Field(
        default=None, ge=1, le=MOST_STEPS, description="Steps in which a model that denoises makes a take; as many as "
        "its checkpoint says where none are given."
    )
    guidance: float | None = Field(
        default=None, ge=0, le=MOST_GUIDANCE, description="How strongly a model that denoises follows the prompt."
    )
    negative: Negative | None = Field(
        default=None, description="What a model that denoises is told to keep away from: `vocals, hiss`."
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
    accept: Accept | None = Field(
        default=None, description="Which takes are good enough, how many are kept, and how many may be made for them; "
        "`true` asks for what is usual, `false` for nothing.",
        json_schema_extra=lambda schema: schema["anyOf"].insert(1, {"type": "boolean"}),  # type: ignore[union-attr]
    )


class Brief(_Strict):
    """The order of a catalog of music."""

    catalog: Slug = Field(description="Letters, digits, - and _; names the catalog everywhere.")
    title: str = Field(default="", max_length=200, description="For people.")
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description="Draws everything: another seed, another catalog.")
    use: Use = Field(default="internal-prototype", description="What the music is for; the rights policy judges it.")
    licensee: Licensee | None = Field(default=None, description="Who will use the music.")
    generator: GeneratorNames = Field(
        default_factory=lambda: ["composer"], description="Makes every cue that names no other: `composer` or a "
        "registered model (`cueworks models`); of a list, each makes them."
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
