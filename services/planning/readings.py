"""What a text says: the values that reading it gives. Nothing here reads."""

from dataclasses import dataclass

from services.planning.figures import Clash, Hit, Tempo


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
