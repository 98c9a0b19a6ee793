"""The published words of music: states, genres, moods, instruments, keys, meters (`cueworks words`).

One list each, used by briefs, the prompt reader and the composer alike. `state` is open (any word is allowed); the
listed ones are those that the composer knows how to treat. Nothing here decides what a word sounds like.
"""

STATES = (
    "exploration", "low-tension", "combat", "boss", "ambient", "menu", "victory", "defeat", "town", "dungeon",
    "stealth", "puzzle", "cutscene", "music",
)

GENRES = (
    "orchestral", "ambient", "jazz", "bossa-nova", "lo-fi", "folk", "celtic", "medieval", "waltz", "march", "horror",
    "rock", "metal", "city-pop", "electronic", "synthwave", "house", "techno", "drum-and-bass", "trap", "chiptune",
)

MOODS = (
    "calm", "hopeful", "melancholic", "mysterious", "dark", "tense", "urgent", "epic", "happy", "upbeat", "romantic",
    "relentless", "neutral",
)

INSTRUMENTS = (
    "strings", "short strings", "pizzicato strings", "tremolo strings", "violin", "fiddle", "viola", "cello",
    "contrabass", "harp", "lute", "dulcimer",
    "flute", "recorder", "oboe", "clarinet", "bassoon", "saxophone", "whistle", "bagpipes",
    "trumpet", "muted trumpet", "horn", "trombone", "low brass", "brass",
    "choir", "solo voice", "organ", "rock organ", "accordion", "piano", "electric piano", "clavinet", "harpsichord",
    "celesta", "music box",
    "acoustic guitar", "steel guitar", "electric guitar", "muted guitar", "distorted guitar",
    "bass", "picked bass", "slap bass", "upright bass", "synth bass", "acid bass", "sub bass", "reese bass",
    "synth lead", "supersaw", "synth pad", "glass pad", "dark drone", "synth brass", "pluck", "square lead",
    "triangle bass",
    "bell", "glockenspiel", "tubular bells", "kalimba", "marimba", "xylophone", "vibraphone",
    "drums", "brushes", "rock drums", "electronic drums", "techno drums", "trap drums", "breakbeat drums",
    "chip drums", "orchestral drums", "hand drums", "taiko", "timpani", "percussion",
)

LAYERS = ("drums", "bass", "harmony", "melody", "texture")
STINGERS = ("victory", "defeat", "discovery", "danger")

TONICS = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian", "harmonic minor",
         "major pentatonic", "minor pentatonic", "octatonic")
METERS = ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "9/8", "12/8")
