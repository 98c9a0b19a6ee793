"""Which drum sounds on which General MIDI percussion key: a table of key -> Hit for every kit.

Keys without an entry of their own are taken from the acoustic kit and the shared percussion, so that every kit answers
every key from 35 to 81.
"""

from collections.abc import Mapping
from functools import cache

from models.composer.bank.acoustic import BREAKBEAT, BRUSHES, DRUMS, ROCK
from models.composer.bank.concert import HAND_DRUMS, ORCHESTRAL, PERCUSSION, TAIKO
from models.composer.bank.dsp import Patch, Recording, Signal
from models.composer.bank.electronic import CHIP, ELECTRONIC, TECHNO, TRAP
from models.composer.bank.hits import Hit, Sound
from models.composer.bank.shared import HAND, METAL

KITS: Mapping[str, dict[int, Hit]] = {
    "drums": DRUMS, "brushes": BRUSHES, "rock drums": ROCK, "electronic drums": ELECTRONIC, "techno drums": TECHNO,
    "trap drums": TRAP, "breakbeat drums": BREAKBEAT, "chip drums": CHIP, "orchestral drums": ORCHESTRAL,
    "hand drums": HAND_DRUMS, "taiko": TAIKO, "percussion": PERCUSSION,
}


def hits(name: str) -> dict[int, Hit]:
    """All keys 35..81 of one kit."""
    return dict(sorted({**DRUMS, **METAL, **HAND, **KITS[name]}.items()))


@cache
def _shared(sound: Sound, layer: int, take: int) -> Signal:
    """Kits that share a sound share its samples."""
    return sound(layer, take)


def forget() -> None:
    """Free the shared sounds; arrays handed out before are no longer those that come next."""
    _shared.cache_clear()


def _recordings(key: int, hit: Hit) -> list[Recording]:
    return [
        Recording(
            key, _shared(hit.sound, layer, take), hit.rate, None, layer if hit.layers else None, hit.pan, hit.choke,
            hit.level_db, take if hit.takes > 1 else None,
        )
        for take in range(hit.takes) for layer in ((0, 1) if hit.layers else (1,))
    ]


def patch(name: str) -> Patch:
    """One kit; recordings that kits share are the same array."""
    return Patch(tuple(recording for key, hit in hits(name).items() for recording in _recordings(key, hit)), 0.0, 0.06)
