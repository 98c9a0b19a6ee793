"""Kits with drummers: jazz and pop, brushes, rock, and the tight kit of sampled breaks."""

from models.composer.bank import handheld, skins
from models.composer.bank.dsp import Signal
from models.composer.bank.hits import Hit, cymbal, hat, skin, snare, stick, toms, twice
from models.composer.bank.metals import Cymbal, Hat
from models.composer.bank.skins import Membrane
from models.composer.bank.snares import Snare

DRUMS = {
    35: skin("kick soft", Membrane(50, 2.2, 0.17, 0.5, 0.5, (1000, 4500), 0.5, 0.5, 0.022), 3.5),
    36: skin("kick", Membrane(56, 2.6, 0.14, 0.6, 1.1, (1600, 6500), 0.5, 0.45, 0.02), 4),
    37: stick("side stick", (430, 1010, 1780, 3100), 0.02, 0.6, -7, -0.05),
    38: snare("snare", Snare(186, 0.8, 0.08, 1.0, 0.11), 3),
    40: snare("snare two", Snare(224, 0.65, 0.065, 1.15, 0.095, 1700, 15000), 3),
    **toms("tom", (74, 92, 118, 158), 0.2),
}

BRUSHES = {
    35: skin("brush kick", Membrane(58, 1.6, 0.15, 0.25, 0.15, (600, 2500), 0.5, 0.45), 1),
    36: skin("brush kick two", Membrane(62, 1.7, 0.14, 0.25, 0.2, (700, 2800), 0.5, 0.45), 1),
    38: snare("brush tap", Snare(200, 0.22, 0.05, 0.9, 0.06, 1500, 10000, 0.12, 0.3), -3),
    39: snare("brush slap", Snare(195, 0.4, 0.06, 1.1, 0.09, 1200, 12000, 0.4, 0.4), -1),
    40: twice(lambda take: handheld.brush_sweep(0.42 + 0.02 * take, "brush sweep", take), -4),
    42: hat("brush hat", Hat(0.024, 0.18, 2600, 0.15, 0.7), -9),
    51: cymbal(
        "brush ride", Cymbal(0.75, 1.5, 470, 0.25, 0.006, 0.35, 0.35, (0.15, 0.35, 0.6, 0.8, 0.7, 0.5, 0.35, 0.2)), -5,
        -0.4,
    ),
    **toms("brush tom", (82, 100, 126, 166), 0.19, 0.6, 0.2, layers=False),
}


def _rock_kick(layer: int, take: int) -> Signal:
    spec = Membrane(52, 3.4, 0.15, 0.5, 1.5, (2400, 8500), 0.3, 0.5, 0.016, 0.4, 1.4)
    return skins.finish(skins.in_room(skins.membrane(spec, "rock kick", layer, take), "rock kick", 0.3, 0.12), 0.1)


ROCK = {
    35: Hit(_rock_kick, 4, layers=True),
    36: Hit(_rock_kick, 4.5, layers=True),
    37: stick("rock rim", (480, 1130, 2010, 3300), 0.022, 0.8, -5, -0.05),
    38: snare("rock snare", Snare(178, 1.0, 0.11, 1.1, 0.14, 1300, 15000, 0.8, 0.55, (0.55, 0.4), 0.0, 1.2, 1.35), 4),
    40: snare("rim shot", Snare(205, 1.2, 0.13, 1.0, 0.13, 1500, 16000, 1.0, 0.55, (0.55, 0.4), 0.0, 1.4, 1.4), 4.5),
    42: hat("rock hat", Hat(0.034, 0.22, 2700, 0.5, 0.6), -6),
    46: hat("rock open hat", Hat(0.36, 1.3, 2400, 0.4, 0.7), -3, layers=False),
    49: cymbal("rock crash", Cymbal(1.1, 2.1, 380, 0.05, 0.014, 0.36, 0.4), 2, 0.45),
    **toms("rock tom", (64, 80, 104, 142), 0.23, 1.1, 0.9, 3.5, bend=1.4, seconds=0.8),
}


def _tight_kick(layer: int, take: int) -> Signal:
    spec = Membrane(62, 2.6, 0.10, 0.45, 1.0, (1800, 7500), 0.6, 0.35, 0.016, 0.5, 1.6)
    return skins.finish(skins.in_room(skins.membrane(spec, "tight kick", layer, take), "break", 0.22, 0.18), 0.1)


BREAKBEAT = {
    35: Hit(_tight_kick, 3, layers=True),
    36: Hit(_tight_kick, 3.5, layers=True),
    37: stick("break rim", (520, 1240, 2200, 3700), 0.018, 0.9, -5, -0.05),
    38: snare("break snare", Snare(238, 1.0, 0.075, 1.2, 0.08, 1800, 17000, 0.9, 0.4, (0.25, 0.35), 0.0, 1.8, 1.2), 4),
    40: snare("high snare", Snare(262, 0.9, 0.06, 1.3, 0.07, 2200, 18000, 1, 0.36, (0.25, 0.35), 0.0, 1.8, 1.2), 4),
    42: hat("break hat", Hat(0.023, 0.16, 3400, 0.5, 0.8), -7, 0.2),
    46: hat("break open hat", Hat(0.15, 0.6, 3000, 0.4, 0.8), -5, 0.2, False),
    **toms("break tom", (92, 114, 144, 190), 0.13, 0.9, 0.7, 2.5, takes=1, seconds=0.5),
}
