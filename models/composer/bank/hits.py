"""What a kit's table is made of: a Hit per General MIDI percussion key, and short hands to write one."""

from collections.abc import Callable
from dataclasses import dataclass

from models.composer.bank import metals, skins, snares
from models.composer.bank.dsp import Signal
from models.composer.bank.metals import Cymbal, Hat
from models.composer.bank.skins import Membrane
from models.composer.bank.snares import Snare

Sound = Callable[[int, int], Signal]
"""A sound of one layer (0 soft, 1 loud) and one take (repeated strokes alternate between takes)."""

HATS = 1  # exclusive class: a closed or pedal hat silences the open one
TOM_KEYS = (41, 43, 45, 47, 48, 50)
TOM_PLACES = (0.5, 0.35, 0.15, 0.0, -0.2, -0.35)  # low to high, from the audience's right to its left


@dataclass(frozen=True)
class Hit:
    """A sound, its loudness against a pitched note in dB, where it sits (-1 left .. 1 right for the audience).

    `layers` tells that soft strokes sound otherwise, `takes` how many variants alternate, `rate` its frames a second.
    """

    sound: Sound
    level_db: float
    pan: float = 0.0
    choke: int = 0
    layers: bool = False
    takes: int = 1
    rate: int = 48000


def once(make: Callable[[], Signal], level_db: float, pan: float = 0.0, choke: int = 0, rate: int = 48000) -> Hit:
    """A sound with neither layers nor variants."""
    return Hit(lambda layer, take: make(), level_db, pan, choke, rate=rate)


def twice(make: Callable[[int], Signal], level_db: float, pan: float = 0.0, choke: int = 0, rate: int = 48000) -> Hit:
    """A sound of one layer whose repeated strokes differ: `make` takes the number of the stroke."""
    return Hit(lambda layer, take: make(take), level_db, pan, choke, False, 2, rate)


def skin(name: str, spec: Membrane, level_db: float, pan: float = 0.0, layers: bool = True, takes: int = 1) -> Hit:
    """A membrane, by default in two layers."""
    return Hit(lambda layer, take: skins.membrane(spec, name, layer, take), level_db, pan, 0, layers, takes, spec.rate)


def snare(name: str, spec: Snare, level_db: float, pan: float = 0.0) -> Hit:
    """A snare drum in two layers and two variants."""
    return Hit(lambda layer, take: snares.snare(spec, name, layer, take), level_db, pan, 0, True, 2)


def hat(name: str, spec: Hat, level_db: float, pan: float = 0.3, layers: bool = True) -> Hit:
    """A hat that chokes its like; the short ones in two variants."""
    takes = 2 if spec.seconds < 0.3 else 1
    return Hit(lambda layer, take: metals.hat(spec, name, layer, take), level_db, pan, HATS, layers, takes)


def cymbal(name: str, spec: Cymbal, level_db: float, pan: float, layers: bool = False, takes: int = 1) -> Hit:
    """A cymbal."""
    return Hit(lambda layer, take: metals.cymbal(spec, name, layer, take), level_db, pan, 0, layers, takes)


def stick(name: str, pitches: tuple[float, ...], decay: float, click: float, level_db: float, pan: float = 0.0) -> Hit:
    """A rim or stick in two variants."""
    return twice(lambda take: snares.stick(pitches, decay, click, name, take), level_db, pan)


def toms(
    name: str, pitches: tuple[float, ...], decay: float, modes: float = 0.9, click: float = 0.5, level_db: float = 2.0,
    layers: bool = True, takes: int = 2, bend: float = 1.28, seconds: float = 0.72,
) -> dict[int, Hit]:
    """Four toms on six keys."""
    hits = {}
    for key, pitch, pan in zip((41, 43, 45, 48), pitches, (0.5, 0.3, 0.05, -0.3), strict=True):
        spec = Membrane(
            pitch, bend, decay * (90 / pitch) ** 0.4, modes, click, (1000, 6500), 0.5, seconds, 0.05, 0.75, rate=24000
        )
        hits[key] = skin(f"{name}/{key}", spec, level_db, pan, layers, takes)
    return hits | {47: hits[45], 50: hits[48]}
