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
    `sustains` tells instruments that hold a tone from those that decay by themselves.
    """

    bank: int
    program: int
    low: int
    high: int
    family: str
    is_drum: bool = False
    sustains: bool = False


def _held(program: int, low: int, high: int, family: str) -> Preset:
    return Preset(0, program, low, high, family, sustains=True)


def _struck(program: int, low: int, high: int, family: str) -> Preset:
    return Preset(0, program, low, high, family)


def _kit(program: int) -> Preset:
    return Preset(128, program, 35, 81, "drums", is_drum=True)


PRESETS: dict[str, Preset] = {
    "strings": _held(48, 36, 93, "ensemble"),
    "violin": _held(40, 55, 96, "solo"),
    "viola": _held(41, 48, 84, "solo"),
    "cello": _held(42, 36, 74, "solo"),
    "contrabass": _held(43, 28, 55, "bass"),
    "harp": _struck(46, 31, 98, "plucked"),
    "flute": _held(73, 60, 93, "solo"),
    "oboe": _held(68, 58, 88, "solo"),
    "clarinet": _held(71, 50, 88, "solo"),
    "bassoon": _held(70, 34, 70, "solo"),
    "whistle": _held(78, 72, 98, "solo"),
    "trumpet": _held(56, 54, 84, "solo"),
    "horn": _held(60, 41, 76, "solo"),
    "trombone": _held(57, 40, 70, "solo"),
    "low brass": _held(58, 28, 58, "ensemble"),
    "brass": _held(61, 40, 82, "ensemble"),
    "choir": _held(52, 43, 84, "ensemble"),
    "organ": _held(19, 36, 96, "ensemble"),
    "piano": _struck(0, 28, 100, "keys"),
    "electric piano": _struck(4, 36, 91, "keys"),
    "acoustic guitar": _struck(24, 40, 81, "plucked"),
    "electric guitar": _struck(27, 40, 84, "plucked"),
    "distorted guitar": _held(30, 40, 84, "guitar"),
    "bass": _struck(33, 28, 55, "bass"),
    "upright bass": _struck(32, 28, 57, "bass"),
    "synth bass": _held(38, 24, 55, "bass"),
    "synth lead": _held(81, 48, 91, "solo"),
    "synth pad": _held(89, 40, 86, "ensemble"),
    "pluck": _struck(45, 43, 96, "plucked"),
    "square lead": _held(80, 45, 96, "chip"),
    "triangle bass": _held(39, 24, 60, "bass"),
    "bell": _struck(9, 60, 103, "keys"),
    "marimba": _struck(12, 45, 96, "keys"),
    "vibraphone": _struck(11, 53, 89, "keys"),
    "drums": _kit(0),
    "brushes": _kit(40),
    "electronic drums": _kit(24),
    "chip drums": _kit(25),
    "taiko": _kit(48),
    "timpani": _struck(47, 38, 57, "drums"),
    "percussion": _kit(56),
}
