"""What people call things: synonyms of genres, moods, instruments, tempi and places, for reading prompts and briefs.

Tables only, each phrase in lower case with spaces for hyphens. The published words themselves are added by `lookup`.
Nothing here reads a text.
"""

from collections.abc import Mapping
from functools import cache

from models.words import GENRES, MODES, MOODS

_GENRES = {
    "orchestral": "orchestra, symphonic, symphony, cinematic, film score, classical, baroque, chamber music",
    "ambient": "ambience, atmospheric, drone, soundscape, new age, meditation, spa",
    "jazz": "jazzy, swing, swinging, bebop, big band, cool jazz, noir, ragtime, dixieland, lounge, blues, bluesy",
    "bossa-nova": "bossa, bossanova, samba, latin jazz",
    "lo-fi": "lofi, lo fi hip hop, chillhop, hip hop, trip hop, study beats, chill beats, boom bap, chillout",
    "folk": "folky, folksy, celtic, medieval, tavern, acoustic, country, bluegrass, irish, gaelic, bardic, americana",
    "rock": "metal, heavy metal, hard rock, punk, grunge, indie rock, rock and roll, rock n roll, rocking",
    "electronic": "edm, techno, house, trance, electro, electronica, dubstep, drum and bass, drum n bass, dnb, idm, "
    "dance, industrial, breakbeat, big beat, club, cyberpunk, deep house, psytrance, synth pop, electropop",
    "synthwave": "synth wave, retrowave, outrun, vaporwave, darksynth, eighties, 80s, 1980s",
    "chiptune": "chip tune, chiptunes, 8 bit, 8bit, 16 bit, 16bit, nes, game boy, gameboy, retro game, chip music",
}

_MOODS = {
    "calm": "peaceful, serene, gentle, relaxing, relaxed, soothing, tranquil, quiet, soft, warm, cozy, cosy, chill, "
    "mellow, dreamy, sleepy, laid back, placid, meditative, focused, focus, contemplative",
    "hopeful": "optimistic, uplifting, inspiring, bright, sunny, noble, pastoral, wonder, wondrous, adventurous",
    "melancholic": "melancholy, sad, sorrowful, mournful, wistful, nostalgic, bittersweet, lonely, somber, sombre, "
    "tragic, grieving, plaintive, elegiac, forlorn",
    "mysterious": "mystery, enigmatic, eerie, magical, mystical, ethereal, otherworldly, arcane, strange, curious, "
    "haunting, ghostly, enchanted, spooky",
    "dark": "grim, gloomy, sinister, evil, ominous, scary, creepy, horror, menacing, bleak, cursed, gothic, macabre",
    "tense": "tension, suspense, suspenseful, uneasy, nervous, anxious, stealthy, sneaky, dangerous, wary, foreboding",
    "urgent": "driving, hurried, pressing, frantic, chase, racing, aggressive, fierce, intense, battle, fighting, "
    "frenetic, desperate, action",
    "epic": "heroic, triumphant, majestic, grand, grandiose, glorious, powerful, anthemic, victorious, legendary",
    "happy": "joyful, joyous, cheerful, merry, jolly, playful, cute, fun, silly, whimsical, jaunty, comical",
    "upbeat": "energetic, lively, bouncy, groovy, funky, peppy, catchy, motivating, energizing, feel good, party",
    "romantic": "love, loving, tender, intimate, sensual, passionate, sentimental",
    "relentless": "merciless, brutal, unstoppable, pounding, ferocious, savage, crushing, furious, unrelenting",
    "neutral": "unobtrusive, background",
}

# Singular forms; plurals are made from the last word. A value may name several instruments.
_INSTRUMENTS = {
    "strings": "string, string section, string orchestra, string quartet, string ensemble, fiddles",
    "violin": "fiddle, first violin, solo violin", "viola": "", "cello": "violoncello, celli",
    "contrabass": "double bass, string bass, bass viol",
    "harp": "lyre, celtic harp, kora, lute harp", "flute": "piccolo, recorder, pan flute, alto flute, shakuhachi",
    "oboe": "english horn, cor anglais, duduk, shawm", "clarinet": "bass clarinet", "bassoon": "contrabassoon",
    "whistle": "tin whistle, penny whistle, ocarina, low whistle",
    "trumpet": "cornet, bugle, flugelhorn", "horn": "french horn", "trombone": "bass trombone",
    "low brass": "tuba, low brass section", "brass": "brass section, horn section, brass ensemble, fanfare",
    "choir": "chorus, choral, vocal, voice, chant, singing, singer, sung, opera", "organ": "pipe organ, church organ",
    "piano": "grand piano, upright piano, pianoforte, felt piano",
    "electric piano": "rhodes, wurlitzer, e piano, epiano, wurli, clavinet",
    "acoustic guitar": "nylon guitar, classical guitar, steel string guitar, spanish guitar, ukulele, lute, banjo, "
    "mandolin, 12 string guitar", "electric guitar": "clean guitar, jazz guitar, lead guitar",
    "distorted guitar": "distortion guitar, overdriven guitar, heavy guitar, metal guitar, power chord, guitar riff",
    "bass": "electric bass, bass guitar, bass line, bassline, fretless bass, slap bass",
    "upright bass": "acoustic bass, walking bass, stand up bass, jazz bass",
    "synth bass": "sub bass, acid bass, reese, bass synth, moog bass",
    "synth lead": "lead synth, saw lead, supersaw, theremin",
    "synth pad": "pad, warm pad, synth string", "pluck": "plucked synth, arpeggio, arp, arpeggiator, kalimba",
    "square lead": "pulse lead, square wave", "triangle bass": "triangle wave",
    "bell": "tubular bell, church bell, chime, glockenspiel, celesta, music box, gong",
    "marimba": "xylophone, balafon", "vibraphone": "vibraharp",
    "drums": "drum, drum kit, drum set, drumkit, drumset, kit, trap set, snare, bass drum, kick drum, hi hat, cymbal, "
    "live drum, acoustic drum, toms",
    "brushes": "brush, brushed drum, brushed snare",
    "electronic drums": "808, 909, drum machine, electronic drum, electronic beat, electro drum, beat, breakbeat drum, "
    "programmed drum, four on the floor, kick",
    "chip drums": "chip drum, noise drum, 8 bit drum", "taiko": "taiko drum, war drum, tribal drum, big drum",
    "timpani": "kettledrum, kettle drum, timpano",
    "percussion": "shaker, tambourine, conga, bongo, djembe, hand drum, frame drum, hand percussion, bodhran, cajon, "
    "clap, woodblock, maracas, triangle",
}
_GROUPS = {
    ("synth lead", "synth pad"): "synth, synthesizer, synthesiser",
    ("flute", "oboe", "clarinet"): "woodwind, wind instrument, woodwind section",
    ("cello", "contrabass"): "low string",
    ("violin", "viola"): "high string",
}

# A tempo phrase: (factor on the tempo that state and genre suggest, lowest bpm, highest bpm); 0 bounds nothing.
TEMPI: dict[str, tuple[float, float, float]] = {
    "very slow": (0.6, 0, 60), "slow": (0.75, 0, 76), "slowly": (0.75, 0, 76), "slower": (0.8, 0, 84),
    "mid tempo": (1.0, 96, 112), "medium tempo": (1.0, 96, 112), "moderate tempo": (1.0, 96, 112),
    "fast": (1.2, 144, 190), "very fast": (1.35, 168, 220), "fast paced": (1.2, 144, 190), "faster": (1.15, 132, 200),
    "quick": (1.15, 136, 180), "rapid": (1.2, 148, 200), "brisk": (1.1, 124, 168), "lively": (1.1, 120, 168),
    "upbeat": (1.1, 116, 170), "up tempo": (1.15, 132, 190), "uptempo": (1.15, 132, 190), "energetic": (1.1, 128, 180),
    "driving": (1.1, 132, 180), "frantic": (1.3, 160, 220), "racing": (1.2, 150, 200), "chase": (1.2, 148, 190),
    "downtempo": (0.85, 0, 92), "laid back": (0.9, 0, 96), "relaxed": (0.9, 0, 96), "leisurely": (0.85, 0, 88),
    "sleepy": (0.75, 0, 72), "lullaby": (0.75, 0, 72), "ballad": (0.75, 0, 80), "half time": (0.75, 0, 90),
    "double time": (1.5, 140, 220), "running": (1.2, 150, 180), "workout": (1.1, 128, 160),
    "largo": (1, 48, 56), "lento": (1, 52, 60), "adagio": (1, 60, 72), "andante": (1, 76, 92),
    "moderato": (1, 100, 112),
    "allegretto": (1, 112, 120), "allegro": (1, 124, 148), "vivace": (1, 150, 164), "presto": (1, 170, 190),
    "prestissimo": (1, 192, 208), "andantino": (1, 84, 96),
}
INTENSITIES = {
    "sparse": 1, "minimal": 1, "minimalist": 1, "subtle": 1, "gentle": 2, "soft": 2, "understated": 2, "delicate": 2,
    "intense": 4, "powerful": 4, "energetic": 4, "driving": 4, "aggressive": 4, "relentless": 5, "brutal": 5,
    "pounding": 5, "explosive": 5, "massive": 5, "ferocious": 5, "all out": 5,
}
LOOPS = ("loop", "looping", "loopable", "looped", "seamless", "seamless loop")
METERS = {"waltz": "3/4", "waltzing": "3/4", "jig": "6/8", "polka": "2/4", "minuet": "3/4", "barcarolle": "6/8"}

# Places: the mood they suggest and the colours they add where no instrument is named.
BIOMES: dict[str, tuple[str, tuple[str, ...]]] = {}
_BIOMES = (
    ("forest, woods, woodland, grove, jungle, swamp, marsh, bog, moor", "mysterious", ("flute", "harp")),
    ("coast, sea, ocean, beach, harbour, harbor, island, lagoon, river, lake, reef", "hopeful",
     ("whistle", "acoustic guitar")),
    ("meadow, plain, plains, field, hills, valley, farmland, prairie, garden, orchard", "hopeful", ("flute", "horn")),
    ("desert, dune, dunes, oasis, canyon, wasteland, savanna", "mysterious", ("oboe", "percussion")),
    ("snow, ice, glacier, tundra, frost, frozen, winter, arctic", "mysterious", ("bell", "choir")),
    ("cave, cavern, crypt, catacombs, tomb, mine, dungeon, sewer, abyss, ruins, necropolis", "dark",
     ("cello", "bell")),
    ("volcano, lava, ash, inferno, hell, forge", "dark", ("low brass", "taiko")),
    ("mountain, mountains, peak, cliff, highland, highlands, summit", "epic", ("horn", "strings")),
    ("city, town, village, market, castle, palace, court", "hopeful", ("strings", "flute")),
    ("temple, shrine, cathedral, monastery, abbey", "mysterious", ("choir", "organ")),
    ("space, station, starship, nebula, orbit", "mysterious", ("synth pad", "bell")),
    ("cafe, coffee, coffeehouse, restaurant", "calm", ("piano", "upright bass")),
)
for _places, _mood, _colours in _BIOMES:
    BIOMES |= {place: (_mood, _colours) for place in _places.split(", ")}

# Phrases that hold a listed word but mean something else.
NEUTRAL = (
    "no nonsense", "not only", "not just", "no matter", "no doubt", "no longer", "no less", "taking the lead",
    "take the lead", "in the background", "warm up", "rock solid", "still life", "non stop", "fast food",
)

FAMILIES: dict[str, tuple[str, ...]] = {
    "drums": ("drums", "brushes", "electronic drums", "chip drums"),
    "electronic drums": ("electronic drums",),
    "percussion": ("percussion", "drums", "brushes", "electronic drums", "chip drums", "taiko", "timpani"),
    "brass": ("brass", "low brass", "trumpet", "horn", "trombone"),
    "strings": ("strings", "violin", "viola", "cello", "contrabass"),
    "bass": ("bass", "upright bass", "synth bass", "triangle bass"),
    "piano": ("piano",),
    "guitar": ("acoustic guitar", "electric guitar", "distorted guitar"),
    "synth": ("synth bass", "synth lead", "synth pad", "pluck", "square lead", "triangle bass"),
    "woodwind": ("flute", "oboe", "clarinet", "bassoon", "whistle"),
    "vocals": ("choir",),
}
"""What a negated word rules out, where that is more than the instrument of its name."""

_EXCLUDING_PHRASES = {"drumless": "drums", "beatless": "percussion", "instrumental": "vocals"}


@cache
def excluding() -> dict[str, tuple[str, ...]]:
    """Phrases that exclude by themselves (`drumless`), and what they exclude."""
    return {phrase: FAMILIES[family] for phrase, family in _EXCLUDING_PHRASES.items()}


@cache
def lookup(table: str) -> Mapping[str, tuple[str, ...]]:
    """Phrase (lower case, spaces for hyphens) to published words, for `genre`, `mood`, `instrument` or `mode`."""
    if table == "genre":
        return _one_word(_GENRES, GENRES)
    if table == "mood":
        return _one_word(_MOODS, MOODS)
    if table == "mode":
        names: dict[str, tuple[str, ...]] = {mode: (mode,) for mode in MODES if mode not in ("major", "minor")}
        return names | {"aeolian": ("minor",), "ionian": ("major",), "pentatonic minor": ("minor",)}
    singular: dict[str, tuple[str, ...]] = {
        phrase: (name,) for name, line in _INSTRUMENTS.items() for phrase in (name, *_phrases(line))
    }
    singular |= {phrase: names for names, line in _GROUPS.items() for phrase in _phrases(line)}
    singular |= {"guitar": ("acoustic guitar",)}
    return {plural(phrase): names for phrase, names in singular.items()} | singular


def family(phrase: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What "no <phrase>" rules out, where the phrase names the instruments `names`."""
    for key in (phrase, phrase.removesuffix("s"), *names):
        if key in FAMILIES:
            return FAMILIES[key]
    if "synth lead" in names and "synth pad" in names:
        return FAMILIES["synth"]
    return FAMILIES["woodwind"] if names == ("flute", "oboe", "clarinet") else names


def plural(phrase: str) -> str:
    """The English plural of a phrase's last word; a word that is plural already is left alone."""
    if phrase.endswith("ss") or phrase.endswith(("sh", "ch", "x")):
        return phrase + "es"
    return phrase if phrase.endswith("s") and not phrase.endswith("bass") else phrase + "s"


def named(table: str, text: str) -> tuple[str, ...]:
    """The published words that `text` as a whole names, or nothing: how explicit fields accept synonyms."""
    return lookup(table).get(" ".join(text.casefold().replace("-", " ").replace("_", " ").split()), ())


def _one_word(table: dict[str, str], published: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {name.replace("-", " "): (name,) for name in published}
    return entries | {phrase: (name,) for name, line in table.items() for phrase in _phrases(line)}


def _phrases(line: str) -> list[str]:
    return [phrase.strip() for phrase in line.split(",") if phrase.strip()]
