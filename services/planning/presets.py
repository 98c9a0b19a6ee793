"""What a state and a genre suggest where nothing else was said. Nothing here reads text.

States have a table; genres say it in their own data files, which are read only when somebody asks: a plan needs them,
a command that only prints help does not.
"""

from dataclasses import dataclass
from functools import lru_cache

from models.words import GENRES


@dataclass(frozen=True)
class StatePreset:
    """`firm` states keep their tempo and mood against genre and zone: a fight on a sunny coast is still a fight."""

    bpm: float
    intensity: int
    mood: str
    firm: bool = False


@dataclass(frozen=True)
class GenrePreset:
    """What a genre's own data file says: its usual tempo, the range it bears, who plays (`turned`: in states with
    such a trait), and the mode of a piece whose mood nobody named (empty: the mood's)."""

    bpm: float
    tempo: tuple[float, float]
    instruments: tuple[str, ...]
    turned: dict[str, tuple[str, ...]]
    mode: str = ""

    def near(self, bpm: float) -> float:
        """The tempo nearest to a wanted one that the genre bears."""
        return min(max(bpm, self.tempo[0]), self.tempo[1])

    def players(self, state: str) -> tuple[str, ...]:
        """Who plays in a cue of a state that names no instrument."""
        return next((self.turned[trait] for trait in TRAITS.get(state, ()) if trait in self.turned), self.instruments)


STATES: dict[str, StatePreset] = {
    "exploration": StatePreset(92, 2, "hopeful"),
    "low-tension": StatePreset(104, 3, "tense", firm=True),
    "combat": StatePreset(144, 4, "urgent", firm=True),
    "boss": StatePreset(160, 5, "relentless", firm=True),
    "ambient": StatePreset(72, 1, "calm"),
    "menu": StatePreset(88, 2, "calm"),
    "victory": StatePreset(132, 4, "epic", firm=True),
    "defeat": StatePreset(66, 2, "melancholic", firm=True),
    "town": StatePreset(104, 2, "happy"),
    "dungeon": StatePreset(80, 2, "dark"),
    "stealth": StatePreset(90, 2, "tense", firm=True),
    "puzzle": StatePreset(100, 2, "mysterious"),
    "cutscene": StatePreset(84, 3, "hopeful"),
    "music": StatePreset(104, 3, "neutral"),
}
OTHER_STATE = StatePreset(104, 3, "neutral")
GAME_STATES = frozenset(STATES) - {"music"}
"""States whose tempo and genre are those of a game score; any other word leaves both to the genre."""

FIGHTS = frozenset({"combat", "boss"})

TRAITS: dict[str, tuple[str, ...]] = {
    "combat": ("fierce",), "boss": ("sustained", "fierce"),
    **dict.fromkeys(("exploration", "ambient", "menu", "defeat", "town", "puzzle", "cutscene"), ("gentle",)),
}
"""Traits of states that genres answer with other players, the most particular first."""


@lru_cache(maxsize=64)
def genre(name: str) -> GenrePreset:
    """The preset of a genre, from its data file. Raises ValueError where there is none."""
    from models.composer.genre import genre as read

    style = read(name)
    return GenrePreset(style.bpm, style.tempo, style.usual, style.turned, style.mode)


@lru_cache(maxsize=1)
def characteristic() -> dict[str, frozenset[str]]:
    """The instruments that suggest a genre where no genre is named, by genre in the published order."""
    from models.composer.genre import genre as read

    return {name: read(name).suggests for name in GENRES if read(name).suggests}


FIRM_COLOURS: dict[str, tuple[str, ...]] = {
    "victory": ("trumpet", "brass"),
}
"""What a firm state adds to an orchestral cue that names no instrument."""

UNFIT_GENRES = {state: frozenset({"ambient", "lo-fi", "bossa-nova", "waltz"}) for state in sorted(FIGHTS)}
"""Genres of a zone or a related cue that a fight does not take over; its own words still may."""

MOOD_TEMPI = {
    "calm": 0.88, "melancholic": 0.78, "dark": 0.9, "romantic": 0.84, "mysterious": 0.92, "happy": 1.1, "upbeat": 1.1,
    "urgent": 1.3, "relentless": 1.4,
}
"""What a mood that somebody named does to a tempo that nobody named."""

MOOD_MODES = {
    "calm": "major", "hopeful": "major", "happy": "major", "upbeat": "major", "romantic": "major", "neutral": "major",
    "mysterious": "dorian",
}
"""The mode of a mood; minor for the rest."""
