"""What every instrument can play and what it is good at: ranges, families and roles, in one readable table.

Ranges are MIDI keys (60 is middle C) in which the instrument sounds well, narrower than what a soloist can reach.
"""

from dataclasses import dataclass

LAYER_OF = {
    "melody": "melody", "counter": "melody", "harmony": "harmony", "ostinato": "harmony", "pads": "texture",
    "bass": "bass", "drums": "drums", "percussion": "drums",
}
"""Every role and the layer (stem) that it is mixed into."""
ROLES = tuple(LAYER_OF)


@dataclass(frozen=True)
class Instrument:
    """A player. `suits` names the roles it can take, best first; `chords` whether it plays several notes at a time;
    `pitched` is False for kits, whose pitches are General MIDI percussion keys."""

    name: str
    family: str
    low: int
    high: int
    suits: tuple[str, ...]
    chords: bool = False
    pitched: bool = True


def _table(*rows: tuple[str, str, int, int, str, bool]) -> dict[str, Instrument]:
    return {
        name: Instrument(
            name, family, low, high, tuple(suits.split()), chords, family not in ("kit", "hand percussion")
        )
        for name, family, low, high, suits, chords in rows
    }


INSTRUMENTS = _table(
    ("strings", "strings", 43, 88, "pads ostinato melody harmony counter", True),
    ("short strings", "strings", 43, 88, "ostinato harmony melody", True),
    ("pizzicato strings", "strings", 43, 88, "ostinato harmony bass", True),
    ("tremolo strings", "strings", 43, 88, "pads harmony", True),
    ("violin", "strings", 57, 93, "melody counter ostinato", False),
    ("fiddle", "strings", 55, 91, "melody counter ostinato", False),
    ("viola", "strings", 50, 81, "counter melody ostinato", False),
    ("cello", "strings", 38, 72, "counter melody bass ostinato", False),
    ("contrabass", "strings", 28, 55, "bass", False),
    ("harp", "plucked", 36, 91, "ostinato harmony melody", True),
    ("lute", "plucked", 43, 79, "harmony ostinato melody", True),
    ("dulcimer", "plucked", 48, 88, "ostinato melody harmony", True),
    ("flute", "woodwinds", 62, 93, "melody counter ostinato", False),
    ("recorder", "woodwinds", 65, 91, "melody counter ostinato", False),
    ("oboe", "woodwinds", 60, 87, "melody counter", False),
    ("clarinet", "woodwinds", 52, 86, "melody counter ostinato", False),
    ("bassoon", "woodwinds", 36, 67, "counter bass melody", False),
    ("saxophone", "woodwinds", 49, 80, "melody counter", False),
    ("whistle", "woodwinds", 72, 95, "melody counter", False),
    ("bagpipes", "woodwinds", 57, 81, "melody counter", False),
    ("trumpet", "brass", 55, 82, "melody counter harmony", False),
    ("muted trumpet", "brass", 55, 82, "melody counter", False),
    ("horn", "brass", 45, 74, "melody counter pads", False),
    ("trombone", "brass", 41, 69, "counter melody bass", False),
    ("low brass", "brass", 34, 62, "bass counter harmony melody pads", True),
    ("brass", "brass", 43, 79, "melody harmony pads counter", True),
    ("choir", "voices", 48, 79, "pads melody counter harmony", True),
    ("solo voice", "voices", 57, 81, "melody counter", False),
    ("organ", "keys", 36, 84, "harmony pads melody ostinato", True),
    ("rock organ", "keys", 36, 84, "harmony pads melody ostinato", True),
    ("accordion", "keys", 48, 88, "melody harmony pads counter", True),
    ("piano", "keys", 33, 96, "harmony melody ostinato counter", True),
    ("electric piano", "keys", 40, 88, "harmony melody ostinato", True),
    ("clavinet", "keys", 40, 84, "harmony ostinato", True),
    ("harpsichord", "keys", 36, 88, "harmony ostinato melody counter", True),
    ("celesta", "mallets", 60, 98, "ostinato melody counter", True),
    ("music box", "mallets", 60, 96, "melody ostinato counter", True),
    ("acoustic guitar", "guitars", 40, 79, "harmony ostinato melody", True),
    ("steel guitar", "guitars", 40, 79, "harmony ostinato melody", True),
    ("electric guitar", "guitars", 40, 81, "harmony melody ostinato counter", True),
    ("muted guitar", "guitars", 40, 79, "ostinato harmony", True),
    ("distorted guitar", "guitars", 40, 81, "harmony melody ostinato counter", True),
    ("bass", "basses", 28, 55, "bass", False),
    ("picked bass", "basses", 28, 55, "bass", False),
    ("slap bass", "basses", 28, 55, "bass", False),
    ("upright bass", "basses", 28, 55, "bass", False),
    ("synth bass", "basses", 28, 57, "bass ostinato", False),
    ("acid bass", "basses", 31, 60, "bass ostinato", False),
    ("sub bass", "basses", 24, 50, "bass", False),
    ("reese bass", "basses", 24, 52, "bass", False),
    ("synth lead", "synths", 50, 91, "melody counter ostinato", False),
    ("supersaw", "synths", 48, 91, "harmony melody pads ostinato", True),
    ("synth pad", "synths", 43, 86, "pads harmony", True),
    ("glass pad", "synths", 48, 91, "pads harmony", True),
    ("dark drone", "synths", 28, 64, "pads bass", True),
    ("synth brass", "synths", 43, 84, "harmony melody pads counter", True),
    ("pluck", "synths", 48, 91, "ostinato melody harmony counter", True),
    ("square lead", "synths", 50, 93, "melody counter ostinato", False),
    ("triangle bass", "basses", 28, 60, "bass", False),
    ("bell", "mallets", 60, 96, "ostinato melody counter", True),
    ("glockenspiel", "mallets", 67, 100, "ostinato melody counter", True),
    ("tubular bells", "mallets", 53, 77, "counter ostinato melody", True),
    ("kalimba", "mallets", 52, 88, "ostinato melody", True),
    ("marimba", "mallets", 45, 91, "ostinato melody harmony counter", True),
    ("xylophone", "mallets", 60, 96, "ostinato melody counter", True),
    ("vibraphone", "mallets", 53, 89, "melody harmony ostinato counter", True),
    ("drums", "kit", 35, 81, "drums", True),
    ("brushes", "kit", 35, 81, "drums", True),
    ("rock drums", "kit", 35, 81, "drums", True),
    ("electronic drums", "kit", 35, 81, "drums", True),
    ("techno drums", "kit", 35, 81, "drums", True),
    ("trap drums", "kit", 35, 81, "drums", True),
    ("breakbeat drums", "kit", 35, 81, "drums", True),
    ("chip drums", "kit", 35, 81, "drums", True),
    ("orchestral drums", "hand percussion", 35, 81, "percussion drums", True),
    ("hand drums", "hand percussion", 35, 81, "percussion drums", True),
    ("taiko", "hand percussion", 35, 81, "percussion drums", True),
    ("timpani", "timpani", 40, 57, "percussion", False),
    ("percussion", "hand percussion", 35, 81, "percussion drums", True),
)

_DRUMS = ("kit", "hand percussion", "timpani")
_WIDE: dict[str, tuple[str, ...]] = {
    "drums": _DRUMS,
    "percussion": _DRUMS,
    "strings": ("strings",),
    "brass": ("brass",),
    "woodwinds": ("woodwinds",),
    "guitar": ("guitars",),
    "bass": ("basses",),
    "choir": ("voices",),
    "vocals": ("voices",),
    "synth": ("synths",),
    "synths": ("synths",),
}
_KIN: dict[str, tuple[str, ...]] = {
    "piano": ("electric piano",),
    "electric guitar": ("distorted guitar",),
    "bell": (),
    "low brass": ("trombone",),
    "synth": ("synth bass",),
    "synths": ("synth bass",),
    "bass": ("contrabass",),
}


def banned(excluded: tuple[str, ...]) -> frozenset[str]:
    """Every instrument that must not sound: the named ones, and for a word that stands for a family all of it."""
    names: set[str] = set()
    for word in excluded:
        names.add(word)
        names.update(_KIN.get(word, ()))
        families = _WIDE.get(word, (word,))
        names.update(name for name, instrument in INSTRUMENTS.items() if instrument.family in families)
    return frozenset(names)
