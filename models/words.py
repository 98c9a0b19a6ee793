"""The published words of music: states, genres, moods, instruments, keys, meters (`cueworks words`).

One list each, used by briefs, the prompt reader and the composer alike. `state` is open (any word is allowed); the
listed ones are those that the composer knows how to treat. Nothing here decides what a word sounds like.
"""

STATES = (
    "exploration", "low-tension", "combat", "boss", "ambient", "menu", "victory", "defeat", "town", "dungeon",
    "stealth", "puzzle", "cutscene", "music",
)

GENRES = ("orchestral", "ambient", "jazz", "bossa-nova", "lo-fi", "folk", "rock", "electronic", "synthwave", "chiptune")

MOODS = (
    "calm", "hopeful", "melancholic", "mysterious", "dark", "tense", "urgent", "epic", "happy", "upbeat", "romantic",
    "relentless", "neutral",
)

INSTRUMENTS = (
    "strings", "violin", "viola", "cello", "contrabass", "harp",
    "flute", "oboe", "clarinet", "bassoon", "whistle",
    "trumpet", "horn", "trombone", "low brass", "brass",
    "choir", "organ", "piano", "electric piano",
    "acoustic guitar", "electric guitar", "distorted guitar", "bass", "upright bass", "synth bass",
    "synth lead", "synth pad", "pluck", "square lead", "triangle bass", "bell", "marimba", "vibraphone",
    "drums", "brushes", "electronic drums", "chip drums", "taiko", "timpani", "percussion",
)

TONICS = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian", "harmonic minor")
METERS = ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8")
