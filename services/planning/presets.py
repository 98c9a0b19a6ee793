"""What a state and a genre suggest where nothing else was said. One table each; nothing here reads text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StatePreset:
    """`firm` states keep their tempo and mood against genre and zone: a fight on a sunny coast is still a fight."""

    bpm: float
    intensity: int
    mood: str
    firm: bool = False


@dataclass(frozen=True)
class GenrePreset:
    bpm: float
    instruments: tuple[str, ...]


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

GENRES: dict[str, GenrePreset] = {
    "orchestral": GenrePreset(100, ("strings", "horn", "flute", "harp", "timpani")),
    "ambient": GenrePreset(72, ("synth pad", "bell", "piano")),
    "jazz": GenrePreset(120, ("piano", "upright bass", "brushes")),
    "bossa-nova": GenrePreset(128, ("acoustic guitar", "upright bass", "flute", "percussion")),
    "lo-fi": GenrePreset(80, ("electric piano", "bass", "drums", "vibraphone")),
    "folk": GenrePreset(104, ("acoustic guitar", "violin", "whistle", "percussion")),
    "celtic": GenrePreset(112, ("fiddle", "whistle", "steel guitar", "hand drums")),
    "medieval": GenrePreset(104, ("lute", "recorder", "hand drums")),
    "waltz": GenrePreset(144, ("violin", "strings", "clarinet", "contrabass")),
    "march": GenrePreset(116, ("trumpet", "brass", "low brass", "orchestral drums")),
    "horror": GenrePreset(72, ("tremolo strings", "dark drone", "celesta", "tubular bells")),
    "rock": GenrePreset(128, ("electric guitar", "distorted guitar", "bass", "drums")),
    "metal": GenrePreset(148, ("distorted guitar", "muted guitar", "picked bass", "rock drums")),
    "city-pop": GenrePreset(110, ("electric piano", "slap bass", "electric guitar", "drums")),
    "electronic": GenrePreset(126, ("synth lead", "synth pad", "synth bass", "electronic drums")),
    "synthwave": GenrePreset(104, ("synth lead", "pluck", "synth bass", "electronic drums")),
    "house": GenrePreset(124, ("piano", "synth bass", "techno drums", "synth pad")),
    "techno": GenrePreset(132, ("techno drums", "acid bass", "pluck")),
    "drum-and-bass": GenrePreset(174, ("breakbeat drums", "reese bass", "synth pad", "synth lead")),
    "trap": GenrePreset(142, ("trap drums", "sub bass", "bell")),
    "chiptune": GenrePreset(140, ("square lead", "triangle bass", "chip drums")),
}
FIRM_COLOURS: dict[str, tuple[str, ...]] = {
    "combat": ("taiko", "low brass"),
    "boss": ("taiko", "low brass", "choir"),
    "victory": ("trumpet", "brass"),
}
"""What a firm state adds to an orchestral cue that names no instrument."""

UNFIT_GENRES = {state: frozenset({"ambient", "lo-fi", "bossa-nova", "waltz"}) for state in ("combat", "boss")}
"""Genres of a zone or a related cue that a fight does not take over; its own words still may."""

CHARACTERISTIC: dict[str, frozenset[str]] = {
    "orchestral": frozenset({
        "strings", "violin", "viola", "cello", "contrabass", "harp", "flute", "oboe", "clarinet", "bassoon", "trumpet",
        "horn", "trombone", "low brass", "brass", "choir", "organ", "taiko", "timpani",
    }),
    "ambient": frozenset({"synth pad", "bell", "piano", "electric piano", "marimba"}),
    "jazz": frozenset({"upright bass", "brushes", "vibraphone", "piano"}),
    "folk": frozenset({"acoustic guitar", "violin", "percussion", "accordion"}),
    "celtic": frozenset({"fiddle", "whistle", "bagpipes", "dulcimer"}),
    "medieval": frozenset({"lute", "recorder", "hand drums", "harpsichord"}),
    "rock": frozenset({"electric guitar", "distorted guitar", "drums", "bass"}),
    "electronic": frozenset({"synth lead", "synth pad", "synth bass", "pluck", "electronic drums"}),
    "techno": frozenset({"techno drums", "acid bass"}),
    "drum-and-bass": frozenset({"breakbeat drums", "reese bass"}),
    "trap": frozenset({"trap drums", "sub bass"}),
    "horror": frozenset({"dark drone", "tremolo strings"}),
    "city-pop": frozenset({"slap bass", "synth brass", "clavinet"}),
    "metal": frozenset({"muted guitar", "rock drums", "picked bass"}),
    "chiptune": frozenset({"square lead", "triangle bass", "chip drums"}),
}
"""Instruments that suggest a genre where no genre is named."""

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
