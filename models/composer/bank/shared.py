"""The percussion that every kit has where it brings none of its own: hand percussion, hats and cymbals.

Kits that share a sound share its samples, because they share the Hit.
"""

from models.composer.bank import handheld, metals, skins, snares
from models.composer.bank.hits import Hit, cymbal, hat, once, skin, twice
from models.composer.bank.metals import Cymbal, Hat
from models.composer.bank.skins import Membrane

HAND: dict[int, Hit] = {
    54: twice(lambda take: metals.jingles("tambourine", take), -6, 0.3),
    56: once(lambda: handheld.block((562, 845, 1370, 2100, 3300), 0.07, 0.3, "cowbell", 0.4), -6, 0.2),
    58: once(lambda: handheld.guiro(28, 0.5, "vibraslap"), -8, 0.3),
    60: skin("bongo high", Membrane(390, 1.12, 0.09, 0.5, 0.4, body=0.1, seconds=0.35), -2, 0.35, False, 2),
    61: skin("bongo low", Membrane(285, 1.12, 0.12, 0.5, 0.4, body=0.1, seconds=0.4), -1, 0.3, False, 2),
    62: Hit(lambda layer, take: skins.slap(1500, 7000, (235, 480, 790, 1180), 0.045, "conga mute", layer, take), -4,
            -0.3, takes=2),
    63: skin("conga open", Membrane(225, 1.08, 0.16, 0.5, 0.35, seconds=0.55), -1, -0.3, False, 2),
    64: skin("conga low", Membrane(165, 1.08, 0.2, 0.5, 0.3, seconds=0.65), -1, -0.25, False, 2),
    65: skin("timbale high", Membrane(420, 1.1, 0.18, 0.9, 0.6, seconds=0.55), -2, 0.2, False),
    66: skin("timbale low", Membrane(305, 1.1, 0.22, 0.9, 0.6, seconds=0.6), -2, 0.25, False),
    67: once(lambda: handheld.block((980, 1540, 2460), 0.12, 0.2, "agogo high", 0.5), -6, 0.4),
    68: once(lambda: handheld.block((735, 1160, 1850), 0.14, 0.2, "agogo low", 0.5), -6, 0.4),
    69: twice(lambda take: handheld.shaker(0.045, 0.018, 4500, 13000, "cabasa", take), -8, -0.35),
    70: twice(lambda take: handheld.shaker(0.012, 0.014, 5500, 16000, "maracas", take), -9, -0.4),
    71: once(lambda: handheld.whistle(0.18, "whistle short"), -8),
    72: once(lambda: handheld.whistle(0.5, "whistle long"), -8),
    73: once(lambda: handheld.guiro(9, 0.13, "guiro short"), -8, 0.3),
    74: once(lambda: handheld.guiro(26, 0.42, "guiro long"), -8, 0.3),
    75: once(lambda: handheld.block((2480, 5050), 0.028, 0.15, "claves", 0.2), -8, -0.2),
    76: once(lambda: handheld.block((1150, 2350, 3400), 0.03, 0.3, "wood high", 0.2), -8, 0.15),
    77: once(lambda: handheld.block((780, 1620, 2500), 0.035, 0.3, "wood low", 0.2), -7, 0.15),
    78: skin("cuica mute", Membrane(520, 0.7, 0.06, 0.1, 0.05, seconds=0.3), -6, 0.0, False),
    79: skin("cuica open", Membrane(420, 1.6, 0.15, 0.1, 0.05, seconds=0.5), -6, 0.0, False),
    80: once(lambda: handheld.triangle(0.06, "triangle mute", 0.35), -9, -0.45),
    81: once(lambda: handheld.triangle(0.7, "triangle open", 1.9), -9, -0.45),
}

METAL: dict[int, Hit] = {
    39: twice(lambda take: snares.people("clap", take), 0, 0.1),
    42: hat("hat closed", Hat(0.030, 0.2), -8),
    44: hat("hat pedal", Hat(0.032, 0.2, 2200, 0.0, 0.35), -9, layers=False),
    46: hat("hat open", Hat(0.24, 1.0), -6, layers=False),
    49: cymbal("crash", Cymbal(0.85, 2.1, 420), 1, 0.45),
    51: cymbal(
        "ride", Cymbal(0.6, 1.5, 520, 0.45, 0.003, 0.35, 0.9, (0.1, 0.25, 0.45, 0.7, 0.7, 0.6, 0.5, 0.35)), -4, -0.4,
        takes=2,
    ),
    52: cymbal("china", Cymbal(0.42, 1.2, 330, 0.0, 0.02, 0.3, 0.3, (0.9, 1, 1, 0.7, 0.8, 1, 0.9, 0.6)), -1, -0.5),
    53: cymbal("ride bell", Cymbal(0.55, 1.4, 640, 2.2, 0.003, 0.35, 0.6, (0.0, 0.1, 0.3, 0.5, 0.5, 0.4, 0.3, 0.2)), -4,
               -0.4),
    55: cymbal("splash", Cymbal(0.3, 0.8, 700, 0.05, 0.005), -3, 0.2),
    57: cymbal("crash two", Cymbal(0.95, 1.9, 370, 0.1, 0.016), 1, -0.45),
}
METAL[59] = METAL[51]
