"""Percussion sections: orchestra, taiko ensemble, hand drums of folk music, a mixed table of small instruments.

Hand drums: a frame drum or bodhran gives a deep open stroke, djembe and darbuka bass, tone and slap, and a riq the
jingles where a drum set has its hats.
"""

from models.composer.bank import handheld, metals, skins, snares
from models.composer.bank.dsp import Signal
from models.composer.bank.hits import HATS, Hit, cymbal, once, skin, snare, toms, twice
from models.composer.bank.metals import Cymbal
from models.composer.bank.skins import Membrane
from models.composer.bank.snares import Snare


def _taiko(name: str, pitch: float, decay: float, level_db: float, pan: float, click: float = 0.7, players: int = 3,
           takes: int = 1) -> Hit:
    spec = Membrane(pitch, 1.4, decay, 1.1, click, (900, 5500), 0.9, 1.1, 0.035, 0.6, 0.6, 0.005, 24000)
    return Hit(
        lambda layer, take: skins.together(spec, name, players, 0.022, layer, take), level_db, pan, 0, True, takes,
        spec.rate,
    )


TAIKO = {
    35: _taiko("odaiko", 58, 0.36, 5, 0.0, 0.6, 2),
    36: _taiko("odaiko two", 66, 0.32, 4.5, 0.1, 0.8),
    37: once(lambda: handheld.block((620, 1240, 2250, 3900), 0.03, 0.8, "taiko rim", 0.25), -6, 0.25),
    38: _taiko("nagado", 92, 0.24, 3.5, -0.2, 1.0, 4, 2),
    39: once(lambda: handheld.block((880, 1700, 3050, 5200), 0.022, 0.7, "bachi", 0.2), -7, -0.3),
    40: _taiko("nagado two", 112, 0.2, 3, 0.2, 1.1, 4),
    42: twice(lambda take: snares.stick((410, 880, 1500, 2700, 4300), 0.035, 1.0, "shime", take), -5, 0.35, HATS),
    44: once(lambda: handheld.block((1250, 2500, 3900), 0.015, 0.5, "hyoshigi", 0.15), -9, 0.35, HATS),
    46: once(lambda: handheld.block((1850, 2800, 4700, 6100, 9300), 0.25, 0.2, "atarigane", 0.9), -8, 0.35, HATS),
    **{
        key: _taiko(f"taiko/{key}", pitch, 0.27 * (80 / pitch) ** 0.4, 3, pan)
        for key, pitch, pan in ((41, 78, 0.5), (43, 92, 0.3), (45, 114, -0.1), (48, 146, -0.4))
    },
}
TAIKO |= {47: TAIKO[45], 50: TAIKO[48]}

_TOYS = {
    42: twice(lambda take: handheld.shaker(0.018, 0.016, 5000, 15000, "shaker short", take), -9, 0.35),
    44: twice(lambda take: handheld.shaker(0.03, 0.02, 4500, 13000, "shaker", take), -9, 0.35),
    46: twice(lambda take: metals.jingles("tambourine long", take, 0.5), -6, 0.35),
    49: cymbal("clash cymbals", Cymbal(1.1, 2.6, 340, 0, 0.03, 0.36, 0.5, (0.8, 0.9, 1, 1, 1, 0.9, 0.8, 0.6)), 1, 0.2),
    51: cymbal(
        "suspended tap", Cymbal(0.8, 1.7, 400, 0.1, 0.02, 0.4, 0.15, (0.5, 0.7, 0.8, 0.8, 0.6, 0.4, 0.3, 0.2)), -5,
        -0.25,
    ),
    52: once(lambda: metals.tam_tam("tam-tam", 2.7), 0, 0.3),
    57: once(lambda: metals.swell(2.4, 1.0, 300, "suspended cymbal"), 0, -0.2),
}

_TOMS = toms("concert tom", (66, 84, 108, 146), 0.3, 0.7, 0.3, 2.5, layers=False, seconds=1.0)

PERCUSSION = {
    35: skin("concert bass drum", Membrane(52, 1.25, 0.4, 0.6, 0.2, (300, 2500), 0.7, 1.5, rate=24000), 4),
    36: skin("concert bass drum two", Membrane(58, 1.3, 0.36, 0.6, 0.3, (300, 3000), 0.7, 1.4, rate=24000), 4),
    38: snare("concert snare", Snare(210, 0.45, 0.06, 1.1, 0.10, 1800, 15000, 0.4), -1, 0.1),
    40: snare("field drum", Snare(150, 0.8, 0.1, 0.9, 0.12, 900, 9000, 0.4), 0, 0.15),
    **_TOYS,
    **_TOMS,
}


def _gran_cassa(layer: int, take: int) -> Signal:
    spec = Membrane(46, 1.22, 0.5, 1.1, 0.6, (200, 3500), 1.0, 1.9, 0.06, 0.7, 0.4, 0.006, 24000)
    return skins.membrane(spec, "gran cassa", layer, take)


ORCHESTRAL = {
    35: Hit(_gran_cassa, 3, 0.1, layers=True, rate=24000),
    36: skin("orchestral bass drum", Membrane(54, 1.3, 0.38, 0.8, 0.7, (250, 5000), 0.9, 1.4, 0.045, 0.7, 0.8,
                                              0.005, 24000), 3.5, 0.1),
    37: twice(lambda take: snares.stick((520, 1180, 2050, 3500), 0.025, 0.7, "concert rim", take), -6, 0.1),
    38: snare("orchestral snare", Snare(204, 0.6, 0.07, 1.2, 0.12, 1700, 16000, 0.5, 0.5, (0.7, 0.15)), 1, 0.1),
    39: once(lambda: handheld.block((330, 1450, 2600, 4100), 0.02, 1.2, "whip", 0.3), -2, 0.2),
    40: snare("parade drum", Snare(158, 0.9, 0.1, 1.0, 0.15, 1000, 12000, 0.5, 0.55, (0.7, 0.15)), 1.5, 0.15),
    **_TOYS,
    **_TOMS,
}


def _hand(name: str, pitch: float, decay: float, level_db: float, pan: float, click: float = 0.5) -> Hit:
    seconds = min(0.85, 4.2 * decay)
    spec = Membrane(pitch, 1.12, decay, 1.1, click, (900, 7500), 0.5, seconds, 0.03, 0.55, 0.0, 0.004, 24000)
    return skin(name, spec, level_db, pan, True, 2)


def _slap(name: str, ring: tuple[float, ...], level_db: float, pan: float, decay: float = 0.03) -> Hit:
    return Hit(lambda layer, take: skins.slap(1500, 9000, ring, decay, name, layer, take), level_db, pan, 0, True, 2)


HAND_DRUMS = {
    35: _hand("bodhran low", 72, 0.2, 2, 0.0),
    36: _hand("frame drum", 82, 0.18, 2, 0.0, 0.7),
    37: _slap("darbuka ka", (980, 1690, 2540, 3700), -5, 0.2, 0.018),
    38: _slap("djembe slap", (410, 690, 1010, 1480, 2100), 1, -0.15),
    39: twice(lambda take: snares.people("hand claps", take), 0, 0.1),
    40: _hand("djembe tone", 285, 0.09, 1.5, -0.15, 0.8),
    41: _hand("djembe bass", 66, 0.17, 1.5, 0.25),
    42: twice(lambda take: metals.jingles("riq tap", take, 0.15, 0.25), -8, 0.3),
    43: _hand("frame drum muted", 96, 0.06, 1, 0.2),
    44: twice(lambda take: handheld.shaker(0.02, 0.02, 4500, 14000, "seed shaker", take), -9, 0.35),
    45: _hand("bodhran mid", 118, 0.15, 2, 0.1),
    46: twice(lambda take: metals.jingles("riq shake", take, 0.45), -6, 0.3),
    47: _hand("bodhran high", 150, 0.12, 1.5, 0.0),
    48: _slap("darbuka tak", (560, 920, 1480, 2240, 3300), -1, -0.2, 0.025),
    50: _hand("djembe open", 320, 0.08, 1, -0.3, 0.5),
    49: Hit(lambda layer, take: metals.jingles("riq accent", 0, 0.6, 0.6), -2, 0.3),
    51: twice(lambda take: metals.jingles("riq finger", take, 0.2), -9, 0.3),
    53: once(lambda: handheld.block((2350, 3900, 6200, 9400), 0.22, 0.1, "finger cymbal", 0.8), -8, -0.3),
    57: once(lambda: handheld.block((2120, 3500, 5700, 8800), 0.35, 0.1, "finger cymbal two", 1.1), -7, -0.35),
    55: twice(lambda take: snares.snap("finger snap", take), -6, 0.2),
}
