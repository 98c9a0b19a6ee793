"""Which drum sounds on which General MIDI percussion key: six kits over one shared set of hand percussion.

A kit is a table of key -> Hit. Keys without a table entry of their own are taken from the shared percussion, so that
every kit answers every key from 35 to 81.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from models.composer.bank import drums
from models.composer.bank.drums import Membrane, Snare
from models.composer.bank.dsp import DRUM_RATE, Patch, Recording, Signal

_HATS = 1  # exclusive class: a closed or pedal hat silences the open one
Sound = Callable[[], Signal]


@dataclass(frozen=True)
class Hit:
    """A sound, its loudness against a pitched note in dB, where it sits (-1 left .. 1 right for the audience)."""

    sound: Sound
    level_db: float
    pan: float = 0.0
    choke: int = 0


def _skin(name: str, spec: Membrane) -> Sound:
    return lambda: drums.membrane(spec, name)


def _snare(name: str, spec: Snare) -> Sound:
    return lambda: drums.snare(spec, name)


_TOM_KEYS = (41, 43, 45, 47, 48, 50)


def _toms(
    pitches: tuple[float, ...], decay: float, name: str, modes: float = 0.35, click: float = 0.25
) -> dict[int, Hit]:
    """Six toms on their keys, low to high, from the audience's right to its left."""
    toms = {}
    for key, pitch, pan in zip(_TOM_KEYS, pitches, (0.5, 0.35, 0.15, 0.0, -0.2, -0.35), strict=True):
        skin = Membrane(pitch, 1.35, decay * (90 / pitch) ** 0.4, modes, click, body=0.25, seconds=1.1)
        toms[key] = Hit(_skin(f"{name}/{key}", skin), 2, pan)
    return toms


def _chip_tom(pitch: float) -> Hit:
    return Hit(lambda: drums.chip_tone(pitch * 2.2, pitch, 0.06, 0.12), 0)


_HAND: dict[int, Hit] = {
    54: Hit(lambda: drums.tambourine("tambourine"), -6, 0.3),
    56: Hit(lambda: drums.block((562, 845, 1370, 2100), 0.07, 0.3, "cowbell", 0.4), -6, 0.2),
    58: Hit(lambda: drums.guiro(28, 0.5, "vibraslap"), -8, 0.3),
    60: Hit(_skin("bongo high", Membrane(390, 1.12, 0.09, 0.4, 0.35, body=0.1, seconds=0.4)), -2, 0.35),
    61: Hit(_skin("bongo low", Membrane(285, 1.12, 0.12, 0.4, 0.35, body=0.1, seconds=0.5)), -1, 0.3),
    62: Hit(_skin("conga mute", Membrane(235, 1.1, 0.045, 0.5, 0.5, seconds=0.3)), -4, -0.3),
    63: Hit(_skin("conga open", Membrane(225, 1.08, 0.2, 0.4, 0.3, seconds=0.7)), -1, -0.3),
    64: Hit(_skin("conga low", Membrane(165, 1.08, 0.24, 0.4, 0.25, seconds=0.8)), -1, -0.25),
    65: Hit(_skin("timbale high", Membrane(420, 1.1, 0.18, 0.7, 0.5, seconds=0.6)), -2, 0.2),
    66: Hit(_skin("timbale low", Membrane(305, 1.1, 0.22, 0.7, 0.5, seconds=0.7)), -2, 0.25),
    67: Hit(lambda: drums.block((980, 1540, 2460), 0.12, 0.2, "agogo high", 0.5), -6, 0.4),
    68: Hit(lambda: drums.block((735, 1160, 1850), 0.14, 0.2, "agogo low", 0.5), -6, 0.4),
    69: Hit(lambda: drums.shaker(0.045, 0.018, 4500, 11000, "cabasa"), -8, -0.35),
    70: Hit(lambda: drums.shaker(0.012, 0.014, 5500, 13000, "maracas"), -9, -0.4),
    71: Hit(lambda: drums.whistle(0.18, "whistle short"), -8),
    72: Hit(lambda: drums.whistle(0.5, "whistle long"), -8),
    73: Hit(lambda: drums.guiro(9, 0.13, "guiro short"), -8, 0.3),
    74: Hit(lambda: drums.guiro(26, 0.42, "guiro long"), -8, 0.3),
    75: Hit(lambda: drums.block((2480, 5050), 0.028, 0.15, "claves", 0.2), -8, -0.2),
    76: Hit(lambda: drums.block((1150, 2350, 3400), 0.03, 0.3, "wood high", 0.2), -8, 0.15),
    77: Hit(lambda: drums.block((780, 1620, 2500), 0.035, 0.3, "wood low", 0.2), -7, 0.15),
    78: Hit(_skin("cuica mute", Membrane(520, 0.7, 0.06, 0.1, 0.05, seconds=0.3)), -6),
    79: Hit(_skin("cuica open", Membrane(420, 1.6, 0.15, 0.1, 0.05, seconds=0.5)), -6),
    80: Hit(lambda: drums.block((4150, 6370, 8850, 11200), 0.08, 0.1, "triangle mute", 0.4), -9, -0.45),
    81: Hit(lambda: drums.block((4150, 6370, 8850, 11200), 0.75, 0.1, "triangle open", 2.2), -9, -0.45),
}

_METAL: dict[int, Hit] = {
    42: Hit(lambda: drums.hat(0.022, 0.16, "hat closed"), -8, 0.3, _HATS),
    44: Hit(lambda: drums.hat(0.03, 0.2, "hat pedal", pedal=True), -9, 0.3, _HATS),
    46: Hit(lambda: drums.hat(0.26, 1.1, "hat open"), -6, 0.3, _HATS),
    49: Hit(lambda: drums.cymbal(1.0, 2.6, 420, 0.1, 0.012, "crash"), 1, 0.45),
    51: Hit(lambda: drums.cymbal(0.8, 2.0, 520, 0.35, 0.004, "ride"), -4, -0.4),
    52: Hit(lambda: drums.cymbal(0.5, 1.6, 330, 0.05, 0.02, "china"), -1, -0.5),
    53: Hit(lambda: drums.cymbal(0.7, 1.8, 640, 1.6, 0.003, "ride bell"), -4, -0.4),
    55: Hit(lambda: drums.cymbal(0.32, 1.1, 700, 0.1, 0.006, "splash"), -3, 0.2),
    57: Hit(lambda: drums.cymbal(1.15, 2.8, 370, 0.1, 0.015, "crash two"), 1, -0.45),
    59: Hit(lambda: drums.cymbal(0.7, 1.9, 560, 0.3, 0.004, "ride two"), -4, -0.5),
}

_ACOUSTIC = {
    35: Hit(_skin("kick soft", Membrane(50, 2.6, 0.17, 0.12, 0.3, (1200, 4500), 0.35, 0.55)), 3.5),
    36: Hit(_skin("kick", Membrane(56, 3.0, 0.15, 0.10, 0.6, (1800, 6000), 0.3, 0.5)), 4),
    37: Hit(lambda: drums.block((430, 1010, 1780, 3100), 0.02, 0.6, "side stick", 0.2), -7, -0.05),
    38: Hit(_snare("snare", Snare(188, 0.75, 0.075, 1.0, 0.11)), 3, 0.0),
    39: Hit(lambda: drums.clap("clap"), 0, 0.1),
    40: Hit(_snare("snare two", Snare(222, 0.6, 0.06, 1.15, 0.09, 1600, 12000)), 3, 0.0),
    **_toms((72, 88, 106, 128, 150, 178), 0.24, "tom"),
}

_BRUSHES = {
    35: Hit(_skin("brush kick", Membrane(58, 1.7, 0.16, 0.15, 0.12, (600, 2500), 0.4, 0.5)), 1),
    36: Hit(_skin("brush kick two", Membrane(62, 1.8, 0.15, 0.15, 0.15, (700, 2800), 0.4, 0.5)), 1),
    38: Hit(_snare("brush tap", Snare(200, 0.22, 0.05, 0.9, 0.07, 1500, 9500, 0.15, 0.4)), -3),
    39: Hit(_snare("brush slap", Snare(195, 0.4, 0.06, 1.1, 0.09, 1200, 10000, 0.4, 0.45)), -1),
    40: Hit(lambda: drums.brush_sweep(0.42, "brush sweep"), -4),
    **_toms((80, 96, 116, 138, 160, 190), 0.2, "brush tom", 0.25, 0.1),
}

_ELECTRONIC = {
    35: Hit(lambda: drums.boom(140, 46, 0.035, 0.3), 3.5),
    36: Hit(_skin("electronic kick", Membrane(49, 4.6, 0.22, 0.0, 0.5, (2500, 9000), 0.05, 0.6)), 3.5),
    37: Hit(lambda: drums.block((1700, 2900), 0.012, 0.5, "electronic rim", 0.12), -7),
    38: Hit(_snare("electronic snare", Snare(182, 0.65, 0.09, 1.3, 0.15, 900, 13000, 0.6, 0.6)), 3),
    39: Hit(lambda: drums.clap("electronic clap"), 0),
    40: Hit(_snare("gated snare", Snare(165, 0.8, 0.12, 1.5, 0.24, 600, 10000, 0.5, 0.5)), 3.5),
    42: Hit(lambda: drums.hat(0.016, 0.12, "electronic hat"), -8, 0.25, _HATS),
    46: Hit(lambda: drums.hat(0.17, 0.7, "electronic open hat"), -6, 0.25, _HATS),
    **_toms((76, 94, 116, 142, 170, 205), 0.3, "electronic tom", 0.0, 0.15),
}

_CHIP = {
    35: Hit(lambda: drums.chip_tone(190, 46, 0.03, 0.10), 3),
    36: Hit(lambda: drums.chip_tone(240, 52, 0.028, 0.09), 3),
    37: Hit(lambda: drums.chip_noise(0.012, 3, "chip rim"), -7),
    38: Hit(lambda: drums.chip_noise(0.065, 5, "chip snare"), 1),
    39: Hit(lambda: drums.chip_noise(0.045, 4, "chip clap"), -1),
    40: Hit(lambda: drums.chip_noise(0.085, 7, "chip snare two"), 1.5),
    42: Hit(lambda: drums.chip_noise(0.014, 1, "chip hat"), -9, 0.0, _HATS),
    44: Hit(lambda: drums.chip_noise(0.02, 1, "chip pedal"), -10, 0.0, _HATS),
    46: Hit(lambda: drums.chip_noise(0.085, 1, "chip open"), -7, 0.0, _HATS),
    49: Hit(lambda: drums.chip_noise(0.30, 2, "chip crash"), -1),
    51: Hit(lambda: drums.chip_noise(0.06, 1, "chip ride"), -9),
    57: Hit(lambda: drums.chip_noise(0.34, 2, "chip crash two"), -1),
    **{key: _chip_tom(pitch) for key, pitch in zip(_TOM_KEYS, (80, 98, 120, 145, 172, 205), strict=True)},
}


def _taiko(pitch: float, decay: float, name: str, click: float = 0.7) -> Sound:
    return _skin(name, Membrane(pitch, 1.4, decay, 0.9, click, (900, 5000), 0.9, 1.6))


_TAIKO = {
    35: Hit(_taiko(62, 0.34, "odaiko"), 5, 0.0),
    36: Hit(_taiko(70, 0.30, "odaiko two"), 4.5, 0.1),
    37: Hit(lambda: drums.block((620, 1240, 2250), 0.03, 0.8, "taiko rim", 0.25), -6, 0.25),
    38: Hit(_taiko(92, 0.26, "nagado", 0.9), 3.5, -0.2),
    39: Hit(lambda: drums.block((880, 1700, 3050), 0.022, 0.7, "bachi", 0.2), -7, -0.3),
    40: Hit(_taiko(112, 0.22, "nagado two", 1.0), 3, 0.2),
    42: Hit(lambda: drums.block((1450, 2900, 4300), 0.018, 0.5, "hyoshigi", 0.15), -8, 0.35),
    44: Hit(lambda: drums.block((1250, 2500, 3900), 0.015, 0.5, "hyoshigi two", 0.15), -9, 0.35),
    46: Hit(lambda: drums.block((1850, 2800, 4700, 6100), 0.25, 0.2, "atarigane", 0.9), -8, 0.35),
    **{
        key: Hit(_taiko(pitch, 0.3 * (80 / pitch) ** 0.4, f"taiko/{key}"), 3, pan)
        for key, pitch, pan in zip(
            _TOM_KEYS, (78, 90, 104, 120, 140, 165), (0.5, 0.3, 0.1, -0.1, -0.3, -0.5), strict=True
        )
    },
}

_PERCUSSION = {
    35: Hit(_skin("concert bass drum", Membrane(52, 1.25, 0.42, 0.6, 0.2, (300, 2500), 0.7, 1.8)), 4),
    36: Hit(_skin("concert bass drum two", Membrane(58, 1.3, 0.38, 0.6, 0.3, (300, 3000), 0.7, 1.6)), 4),
    38: Hit(_snare("concert snare", Snare(210, 0.45, 0.06, 1.1, 0.10, 1800, 12000, 0.4)), -1, 0.1),
    40: Hit(_snare("field drum", Snare(150, 0.8, 0.1, 0.9, 0.12, 900, 8000, 0.4)), 0, 0.15),
    42: Hit(lambda: drums.shaker(0.018, 0.016, 5000, 12000, "shaker short"), -9, 0.35),
    44: Hit(lambda: drums.shaker(0.03, 0.02, 4500, 11000, "shaker"), -9, 0.35),
    46: Hit(lambda: drums.tambourine("tambourine long"), -6, 0.35),
    49: Hit(lambda: drums.cymbal(1.3, 3.0, 340, 0.05, 0.03, "clash cymbals"), 1, 0.2),
    57: Hit(lambda: drums.cymbal(1.5, 3.0, 300, 0.05, 0.25, "suspended cymbal"), 0, -0.2),
    **_toms((70, 86, 104, 126, 150, 180), 0.3, "concert tom", 0.3, 0.12),
}

KITS: Mapping[str, dict[int, Hit]] = {
    "drums": _ACOUSTIC, "brushes": _BRUSHES, "electronic drums": _ELECTRONIC, "chip drums": _CHIP, "taiko": _TAIKO,
    "percussion": _PERCUSSION, "rock drums": _ACOUSTIC, "techno drums": _ELECTRONIC, "trap drums": _ELECTRONIC,
    "breakbeat drums": _ACOUSTIC, "orchestral drums": _PERCUSSION, "hand drums": _PERCUSSION,
}


def hits(name: str) -> dict[int, Hit]:
    """All keys 35..81 of one kit."""
    return dict(sorted({**_ACOUSTIC, **_METAL, **_HAND, **KITS[name]}.items()))


@cache
def _shared(sound: Sound) -> Signal:
    """Kits that share a sound share its samples."""
    return sound()


def forget() -> None:
    """Free the shared sounds; arrays handed out before are no longer those that come next."""
    _shared.cache_clear()


def patch(name: str) -> Patch:
    """One kit; recordings that kits share are the same array."""
    recordings = tuple(
        Recording(key, _shared(hit.sound), DRUM_RATE, pan=hit.pan, choke=hit.choke, level_db=hit.level_db)
        for key, hit in hits(name).items()
    )
    return Patch(recordings, 0.0, 0.06)

