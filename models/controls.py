"""The musical controls of a take: what every generator is asked for, in one frozen value.

Controls are resolved while planning (free text, defaults and explicit fields are merged there) and are part of a
take's identity, so every field is plain JSON. Nothing here parses prompts or briefs, and nothing here is random.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Theme:
    """The motif that a zone's cues share.

    `seed` draws the motif (53 bits); `bars` is its length, 2 to 4. `notes` is empty for a drawn motif; for a given one
    it holds (onset in quarter notes, length in quarter notes, MIDI pitch) triples as they stand in the theme file.
    `variant` 0 is the motif itself; any other number is the seed by which a zone derives its own from it, so that all
    zones of a catalog are kin.
    """

    seed: int
    bars: int = 4
    notes: tuple[tuple[float, float, int], ...] = ()
    variant: int = 0


@dataclass(frozen=True)
class Destination:
    """Where a transition leads: state, key, tempo (BPM) and intensity of the cue that begins on its last bar line."""

    state: str
    key: str
    bpm: float
    intensity: int


@dataclass(frozen=True)
class SoundBank:
    """A SoundFont of other people that is played instead of the generator's own: which file it is, and its licence."""

    sha256: str
    licence: str


MELODY, CONTINUATION, VARIATION = "melody", "continuation", "variation"
REFERENCE_ROLES = (MELODY, CONTINUATION, VARIATION)
STRENGTH, LEAST_STRENGTH = 0.5, 0.01
"""How far a variation goes where nothing is said, and the least that models can do: below it all steps are one."""


@dataclass(frozen=True)
class AudioReference:
    """A recording that a take follows: its tune (`melody`), its sound, which the take goes on from (`continuation`), or
    which it is made over of (`variation`; how far it may go from it is `Denoising.strength`).

    `sha256` tells the file, `licence` under whose terms the take stands with it."""

    role: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class Denoising:
    """How a take is drawn out of noise; only models that denoise know of it. None: as the checkpoint does by itself.

    `steps` of denoising; `guidance` is how strongly the text is followed; `negative` says what is not wanted.
    `strength` from `LEAST_STRENGTH` to 1 is how far a variation goes from its recording: 1 keeps only its length."""

    steps: int | None = None
    guidance: float | None = None
    negative: str = ""
    strength: float | None = None


@dataclass(frozen=True)
class Controls:
    """What one take should be, musically.

    `bpm` counts quarter notes a minute; `key` is ASCII (`D minor`, `Eb major`, `F# dorian`); `meter` is `4/4`-like;
    `bars` and `duration` (seconds, of the delivered file) agree: for a loop `duration` is exactly the length of
    `bars` bars; for a piece that ends, the music lies within `duration`. `form` is `loop` or section names joined by
    `-` (`intro-A-B-A-outro`); `intensity` runs from 1 (sparse) to 5 (relentless).

    `reference` is 0, or the intensity at which form, harmony and melody are composed, so that takes of one seed and
    other intensities line up with it bar for bar. `stinger` is empty or one of `models.words.STINGERS`: a few bars that
    end. `destination` makes a transition: `bars` bars that leave `state` and end on a bar line where the other begins.
    `sound_bank` is what plays where it is not the generator's own. `audio` is a recording that the take follows,
    `denoising` what is asked of a model that denoises.
    """

    state: str
    genre: str
    mood: str
    bpm: float
    key: str
    meter: str
    instruments: tuple[str, ...]
    excluded: tuple[str, ...]
    bars: int
    duration: float
    form: str
    intensity: int
    loop: bool
    theme: Theme
    reference: int = 0
    stinger: str = ""
    destination: Destination | None = None
    sound_bank: SoundBank | None = None
    audio: AudioReference | None = None
    denoising: Denoising | None = None

    def as_json(self) -> dict[str, Any]:
        """The controls as plain JSON values, the form that a take's identity is computed from.

        `audio` and `denoising` are left out where there is none: the ids of takes without them never knew of them."""
        fields = asdict(self)
        for name in ("audio", "denoising"):
            if fields[name] is None:
                del fields[name]
        return fields

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Controls":
        """The inverse of `as_json`, for controls read back from a database.

        Raises TypeError on unknown or missing fields."""
        theme = dict(data["theme"])
        theme["notes"] = tuple(tuple(note) for note in theme.get("notes", ()))
        fields = {**data, "theme": Theme(**theme)}
        if data.get("destination") is not None:
            fields["destination"] = Destination(**data["destination"])
        if data.get("sound_bank") is not None:
            fields["sound_bank"] = SoundBank(**data["sound_bank"])
        if data.get("audio") is not None:
            fields["audio"] = AudioReference(**data["audio"])
        if data.get("denoising") is not None:
            fields["denoising"] = Denoising(**data["denoising"])
        for name in ("instruments", "excluded"):
            fields[name] = tuple(fields[name])
        return cls(**fields)
