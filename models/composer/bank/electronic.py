"""Kits without drummers: gated drums of the eighties, house and techno, trap, and the noise channel of consoles."""

from models.composer.bank import handheld, machines, metals, skins, snares
from models.composer.bank.dsp import Signal
from models.composer.bank.hits import HATS, TOM_KEYS, TOM_PLACES, Hit, cymbal, hat, once, snare, twice
from models.composer.bank.machines import Kick, Snap
from models.composer.bank.metals import Cymbal, Hat
from models.composer.bank.snares import Snare


def _kick(name: str, spec: Kick, level_db: float) -> Hit:
    return once(lambda: machines.kick(spec, name), level_db, rate=spec.rate)


def _snap(name: str, spec: Snap, level_db: float) -> Hit:
    return Hit(lambda layer, take: machines.snap(spec, name, layer, take), level_db, 0.0, 0, True, 2)


def _tom(name: str, pitch: float, decay: float, grit: float, bend: float, pan: float, level_db: float = 2.0) -> Hit:
    return Hit(
        lambda layer, take: machines.tom(pitch, decay, grit, bend, f"{name}/{pitch}", take), level_db, pan, takes=2,
        rate=24000,
    )


def _toms(name: str, pitches: tuple[float, ...], decay: float, grit: float, bend: float) -> dict[int, Hit]:
    rows = zip(TOM_KEYS, pitches, TOM_PLACES, strict=True)
    return {key: _tom(name, pitch, decay, grit, bend, pan) for key, pitch, pan in rows}


def _squares(name: str, decay: float, seconds: float, low: float, level_db: float, pan: float = 0.15) -> Hit:
    takes = 2 if seconds < 0.3 else 1
    return Hit(lambda layer, take: metals.squares(decay, seconds, low, name, take), level_db, pan, HATS, takes=takes)


def _gated_clap(take: int) -> Signal:
    return skins.finish(skins.in_room(snares.clap("gated clap", take), "gated clap", 0.6, 0.5, 0.26), 0.05)


ELECTRONIC = {
    35: _kick("gated kick", Kick(150, 48, 0.03, 0.2, 0.6, 1.5, 0.55), 3.5),
    36: _kick("electronic kick", Kick(190, 50, 0.022, 0.16, 0.9, 1.8, 0.45), 3.5),
    37: twice(lambda take: machines.rim("electronic rim", take), -7),
    38: snare("gated snare", Snare(172, 0.9, 0.12, 1.2, 0.16, 1000, 15000, 0.7, 0.4, (0.9, 0.9), 0.24, 1.2, 1.5), 4),
    39: twice(_gated_clap, 0.5),
    40: snare("digital snare", Snare(188, 0.9, 0.1, 1.3, 0.13, 900, 15000, 0.6, 0.45, (0.8, 0.6), 0.2, 0.8, 1.6), 3.5),
    42: hat("electronic hat", Hat(0.016, 0.13, 4200, 0.3, 0.6), -8, 0.25, False),
    46: hat("electronic open hat", Hat(0.17, 0.65, 4200, 0.3, 0.6), -6, 0.25, False),
    **_toms("electronic tom", (68, 84, 104, 128, 156, 190), 0.24, 0.3, 2.1),
}

TECHNO = {
    35: _kick("long 909 kick", Kick(210, 45, 0.034, 0.3, 0.5, 2.2, 0.65), 4.5),
    36: _kick("909 kick", Kick(245, 49, 0.026, 0.2, 1.0, 2.6, 0.5), 5),
    37: twice(lambda take: machines.rim("909 rim", take), -6),
    38: _snap("909 snare", Snap(180, 330, 0.07, 1100, 0.10, 1.3, 1.2), 2.5),
    39: twice(lambda take: snares.clap("909 clap", take, 950, 6000, 0.09), 1.5),
    40: _snap("909 snare two", Snap(205, 360, 0.06, 1800, 0.075, 1.5, 1.5), 2.5),
    42: hat("909 hat", Hat(0.020, 0.15, 5200, 0.3, 0.9), -7, 0.15, False),
    44: hat("909 pedal", Hat(0.032, 0.2, 5200, 0.1, 0.9), -8, 0.15, False),
    46: hat("909 open hat", Hat(0.17, 0.6, 4800, 0.3, 0.9), -4.5, 0.15, False),
    49: cymbal("909 crash", Cymbal(0.7, 1.9, 600, 0.0, 0.006, 0.25, 0.3), 0, 0.3),
    51: cymbal("909 ride", Cymbal(0.5, 1.1, 900, 0.5, 0.002, 0.2, 0.5, (0.0, 0.1, 0.3, 0.6, 0.9, 1.0, 0.9, 0.6)), -4,
               -0.25),
    56: once(lambda: machines.cowbell("cowbell machine"), -6, 0.2),
    70: twice(lambda take: handheld.shaker(0.008, 0.018, 7000, 17000, "machine shaker", take), -9, -0.3),
    **_toms("909 tom", (70, 86, 104, 126, 152, 184), 0.2, 0.18, 1.7),
}

TRAP = {
    35: _kick("808 long", Kick(150, 43.65, 0.020, 0.55, 0.5, 1.3, 1.7, 24000), 4.5),
    36: _kick("808 kick", Kick(210, 49, 0.018, 0.2, 0.9, 1.8, 0.6), 4.5),
    37: twice(lambda take: machines.rim("808 rim", take), -6),
    38: _snap("808 snare", Snap(185, 342, 0.05, 1700, 0.085, 1.7, 1.3), 3),
    39: twice(lambda take: snares.clap("808 clap", take, 1000, 7500, 0.085), 2.5),
    40: _snap("trap snare", Snap(222, 398, 0.045, 2600, 0.12, 2.0, 1.6), 3),
    42: _squares("808 hat", 0.020, 0.12, 7200, -8),
    44: _squares("808 pedal", 0.032, 0.16, 6800, -9),
    46: _squares("808 open hat", 0.16, 0.6, 6500, -6),
    49: TECHNO[49],
    51: Hit(lambda layer, take: metals.squares(0.35, 1.1, 4500, "808 cymbal"), -6, -0.25),
    56: once(lambda: machines.cowbell("cowbell machine"), -6, 0.2),
    62: once(lambda: machines.conga(370, 0.05), -4, -0.3),
    63: once(lambda: machines.conga(250, 0.06), -3, -0.3),
    64: once(lambda: machines.conga(165, 0.07), -3, -0.25),
    70: twice(lambda take: handheld.shaker(0.004, 0.012, 8000, 18000, "808 maracas", take), -9, -0.3),
    75: once(lambda: machines.conga(2500, 0.012), -8, -0.2),
    **_toms("808 tom", (72, 88, 106, 128, 155, 185), 0.2, 0.06, 1.25),
}


def _chip_tom(pitch: float) -> Hit:
    return once(lambda: machines.chip_tone(pitch * 2.2, pitch, 0.06, 0.11), 0)


def _chip(name: str, decay: float, hold: int, level_db: float, choke: int = 0, short: bool = False) -> Hit:
    return once(lambda: machines.chip_noise(decay, hold, name, short), level_db, 0.0, choke)


CHIP = {
    35: once(lambda: machines.chip_tone(190, 46, 0.03, 0.10), 3),
    36: once(lambda: machines.chip_tone(240, 52, 0.028, 0.09), 3),
    37: _chip("chip rim", 0.012, 3, -7, 0, True),
    38: _chip("chip snare", 0.065, 5, 1),
    39: _chip("chip clap", 0.045, 4, -1),
    40: _chip("chip snare two", 0.085, 7, 1.5),
    42: _chip("chip hat", 0.014, 1, -9, HATS),
    44: _chip("chip pedal", 0.02, 1, -10, HATS),
    46: _chip("chip open", 0.085, 1, -7, HATS),
    49: _chip("chip crash", 0.22, 2, -1),
    51: _chip("chip ride", 0.06, 1, -9, 0, True),
    56: _chip("chip bell", 0.05, 2, -8, 0, True),
    57: _chip("chip crash two", 0.24, 3, -1),
    70: _chip("chip shaker", 0.009, 1, -11),
    **{key: _chip_tom(pitch) for key, pitch in zip(TOM_KEYS, (80, 98, 120, 145, 172, 205), strict=True)},
}
