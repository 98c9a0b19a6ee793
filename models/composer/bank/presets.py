"""The players of the sound bank: one preset for every word of `models.words.INSTRUMENTS`.

Composing asks this table for ranges, rendering for programs and envelopes, the MIDI writer for General MIDI numbers.
Plain data: nothing is synthesised here and numpy is not imported.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Where an instrument lives in the bank and what it is comfortable playing.

    `bank` and `program` address the SoundFont preset and are chosen so that a General MIDI player without our bank
    is close; drum kits are on bank 128 and take General MIDI percussion keys. `low` to `high` is the comfortable
    MIDI range (the bank sounds at every key, stretched outside of it). `family` names the channel strip of the mixer.
    `sustains` tells instruments that hold a tone from those that decay by themselves. SoundFonts know no round robin,
    so an instrument whose repeated notes should differ has `alternates` presets: number n (from 0) is at bank + 10 n.
    """

    bank: int
    program: int
    low: int
    high: int
    family: str
    is_drum: bool = False
    sustains: bool = False
    alternates: int = 1


def _held(program: int, low: int, high: int, family: str, bank: int = 0, alternates: int = 1) -> Preset:
    return Preset(bank, program, low, high, family, sustains=True, alternates=alternates)


def _struck(program: int, low: int, high: int, family: str, bank: int = 0, alternates: int = 1) -> Preset:
    return Preset(bank, program, low, high, family, alternates=alternates)


def _kit(program: int, alternates: int = 2) -> Preset:
    return Preset(128, program, 35, 81, "drums", is_drum=True, alternates=alternates)


PRESETS: dict[str, Preset] = {
    "strings": _held(48, 36, 93, "ensemble"),
    "short strings": _struck(48, 41, 91, "ensemble", bank=1, alternates=2),
    "pizzicato strings": _struck(45, 41, 91, "ensemble", bank=1, alternates=2),
    "tremolo strings": _held(44, 41, 91, "ensemble"),
    "violin": _held(40, 55, 96, "solo"),
    "fiddle": _held(110, 53, 94, "ensemble"),
    "viola": _held(41, 48, 84, "solo"),
    "cello": _held(42, 36, 74, "solo"),
    "contrabass": _held(43, 28, 55, "bass"),
    "harp": _struck(46, 31, 98, "plucked", alternates=2),
    "lute": _struck(24, 41, 82, "plucked", bank=1, alternates=2),
    "dulcimer": _struck(15, 46, 91, "plucked", alternates=2),
    "flute": _held(73, 60, 93, "solo"),
    "recorder": _held(74, 63, 94, "solo"),
    "oboe": _held(68, 58, 88, "solo"),
    "clarinet": _held(71, 50, 88, "solo"),
    "bassoon": _held(70, 34, 70, "solo"),
    "saxophone": _held(66, 47, 83, "solo"),
    "whistle": _held(78, 72, 98, "solo"),
    "bagpipes": _held(109, 55, 84, "solo"),
    "trumpet": _held(56, 54, 84, "solo"),
    "muted trumpet": _held(59, 53, 85, "solo"),
    "horn": _held(60, 41, 76, "solo"),
    "trombone": _held(57, 40, 70, "solo"),
    "low brass": _held(58, 28, 58, "ensemble"),
    "brass": _held(61, 40, 82, "ensemble", alternates=2),
    "choir": _held(52, 43, 84, "ensemble"),
    "solo voice": _held(54, 55, 84, "solo"),
    "organ": _held(19, 36, 96, "ensemble"),
    "rock organ": _held(18, 34, 87, "keys"),
    "accordion": _held(21, 46, 91, "keys"),
    "piano": _struck(0, 28, 100, "keys"),
    "electric piano": _struck(4, 36, 91, "keys"),
    "clavinet": _struck(7, 38, 87, "keys"),
    "harpsichord": _struck(6, 34, 91, "keys", alternates=2),
    "celesta": _struck(8, 58, 101, "keys"),
    "music box": _struck(10, 58, 99, "keys"),
    "acoustic guitar": _struck(24, 40, 81, "plucked", alternates=2),
    "steel guitar": _struck(25, 38, 82, "plucked", alternates=2),
    "electric guitar": _struck(27, 40, 84, "plucked", alternates=2),
    "muted guitar": _struck(28, 38, 82, "plucked", alternates=2),
    "distorted guitar": _held(30, 40, 84, "guitar"),
    "bass": _struck(33, 28, 55, "bass", alternates=2),
    "picked bass": _struck(34, 26, 58, "bass", alternates=2),
    "slap bass": _struck(36, 26, 58, "bass", alternates=2),
    "upright bass": _struck(32, 28, 57, "bass", alternates=2),
    "synth bass": _held(38, 24, 55, "bass"),
    "acid bass": _held(87, 29, 63, "bass"),
    "sub bass": _held(39, 22, 53, "bass", bank=1),
    "reese bass": _held(38, 22, 55, "bass", bank=1),
    "synth lead": _held(81, 48, 91, "solo"),
    "supersaw": _held(81, 46, 94, "ensemble", bank=1),
    "synth pad": _held(89, 40, 86, "ensemble"),
    "glass pad": _held(92, 46, 94, "ensemble"),
    "dark drone": _held(95, 26, 67, "ensemble"),
    "synth brass": _held(62, 41, 87, "ensemble"),
    "pluck": _struck(45, 43, 96, "plucked", alternates=2),
    "square lead": _held(80, 45, 96, "chip"),
    "triangle bass": _held(39, 24, 60, "bass"),
    "bell": _struck(9, 60, 103, "keys"),
    "glockenspiel": _struck(9, 65, 103, "keys", bank=1),
    "tubular bells": _struck(14, 51, 80, "keys"),
    "kalimba": _struck(108, 50, 91, "keys", alternates=2),
    "marimba": _struck(12, 45, 96, "keys", alternates=2),
    "xylophone": _struck(13, 58, 99, "keys", alternates=2),
    "vibraphone": _struck(11, 53, 89, "keys"),
    "drums": _kit(0),
    "brushes": _kit(40),
    "rock drums": _kit(16),
    "electronic drums": _kit(24),
    "techno drums": _kit(26),
    "trap drums": _kit(27),
    "breakbeat drums": _kit(8),
    "chip drums": _kit(25, alternates=1),
    "orchestral drums": _kit(49),
    "hand drums": _kit(57),
    "taiko": _kit(48),
    "timpani": _struck(47, 38, 57, "drums", alternates=2),
    "percussion": _kit(56),
}
