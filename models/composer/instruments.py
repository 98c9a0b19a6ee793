"""What every instrument can play and what it is good at: ranges, families and roles, in one readable table.

Ranges are MIDI keys (60 is middle C) in which the instrument sounds well, narrower than what a soloist can reach.
"""

from dataclasses import dataclass

ROLES = ("melody", "counter", "harmony", "pads", "ostinato", "bass", "drums", "percussion")


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
    ("violin", "strings", 57, 93, "melody counter ostinato", False),
    ("viola", "strings", 50, 81, "counter melody ostinato", False),
    ("cello", "strings", 38, 72, "counter melody bass ostinato", False),
    ("contrabass", "strings", 28, 55, "bass", False),
    ("harp", "plucked", 36, 91, "ostinato harmony melody", True),
    ("flute", "woodwinds", 62, 93, "melody counter ostinato", False),
    ("oboe", "woodwinds", 60, 87, "melody counter", False),
    ("clarinet", "woodwinds", 52, 86, "melody counter ostinato", False),
    ("bassoon", "woodwinds", 36, 67, "counter bass melody", False),
    ("whistle", "woodwinds", 72, 95, "melody counter", False),
    ("trumpet", "brass", 55, 82, "melody counter harmony", False),
    ("horn", "brass", 45, 74, "melody counter pads", False),
    ("trombone", "brass", 41, 69, "counter melody bass", False),
    ("low brass", "brass", 34, 62, "bass counter harmony melody pads", True),
    ("brass", "brass", 43, 79, "melody harmony pads counter", True),
    ("choir", "voices", 48, 79, "pads melody counter harmony", True),
    ("organ", "keys", 36, 84, "harmony pads melody ostinato", True),
    ("piano", "keys", 33, 96, "harmony melody ostinato counter", True),
    ("electric piano", "keys", 40, 88, "harmony melody ostinato", True),
    ("acoustic guitar", "guitars", 40, 79, "harmony ostinato melody", True),
    ("electric guitar", "guitars", 40, 81, "harmony melody ostinato counter", True),
    ("distorted guitar", "guitars", 40, 81, "harmony melody ostinato counter", True),
    ("bass", "basses", 28, 55, "bass", False),
    ("upright bass", "basses", 28, 55, "bass", False),
    ("synth bass", "basses", 28, 57, "bass ostinato", False),
    ("synth lead", "synths", 50, 91, "melody counter ostinato", False),
    ("synth pad", "synths", 43, 86, "pads harmony", True),
    ("pluck", "synths", 48, 91, "ostinato melody harmony counter", True),
    ("square lead", "synths", 50, 93, "melody counter ostinato", False),
    ("triangle bass", "basses", 28, 60, "bass", False),
    ("bell", "mallets", 60, 96, "ostinato melody counter", True),
    ("marimba", "mallets", 45, 91, "ostinato melody harmony counter", True),
    ("vibraphone", "mallets", 53, 89, "melody harmony ostinato counter", True),
    ("drums", "kit", 35, 81, "drums", True),
    ("brushes", "kit", 35, 81, "drums", True),
    ("electronic drums", "kit", 35, 81, "drums", True),
    ("chip drums", "kit", 35, 81, "drums", True),
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
