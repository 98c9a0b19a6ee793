"""The channel strips of the mixing desk: what every instrument is equalised with, and the tilt of a genre's mix.

A strip is a chain of second-order filters as an engineer would set it: a low cut for everything that is not a bass or
a kick, less mud in the low middle, presence and air. The sampler applies it to the notes that it keeps, once each, so
that it costs nothing per take. A tilt is a straight slope in dB an octave that turns around 1 kHz. Plain filter design:
no sound passes through here.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.composer.bank.presets import PRESETS

Sections = NDArray[np.float64]  # (filters, 6), as scipy.signal.sosfilt takes them


@dataclass(frozen=True)
class Strip:
    """`low_cut` in Hz; the bells `mud` and `presence` and the shelf `air` as (Hz, dB)."""

    low_cut: float
    mud: tuple[float, float] = (300.0, 0.0)
    presence: tuple[float, float] = (3000.0, 0.0)
    air: tuple[float, float] = (9000.0, 0.0)


FAMILIES: dict[str, Strip] = {
    "ensemble": Strip(95, (320, -3.0), (2600, 1.5), (4500, 6.5)),
    "solo": Strip(110, (380, -2.0), (2600, 1.0), (4800, 5.5)),
    "keys": Strip(75, (300, -3.0), (2600, 1.5), (4500, 6.5)),
    "plucked": Strip(80, (280, -2.5), (2600, 1.5), (4500, 6.5)),
    "guitar": Strip(90, (320, -2.5), (2600, 1.0), (5000, 4.0)),
    "bass": Strip(28, (220, -3.5), (1500, 3.0), (4000, 5.0)),
    "chip": Strip(40, air=(6000, 2.0)),
    "drums": Strip(32, (350, -3.0), (4000, 2.5), (6000, 4.0)),
}
LOW_VOICES = {"low brass": 32.0, "dark drone": 28.0, "organ": 38.0, "cello": 55.0, "bassoon": 55.0, "trombone": 60.0}
"""Where players of the low register are cut instead of where their family is, Hz."""
_KICK = Strip(26, (300, -4.0), (4200, 5.0), (9000, 1.0))
_TOM = Strip(45, (300, -3.5), (3600, 3.0), (7000, 3.0))
_SNARE = Strip(90, (420, -1.5), (5000, 2.5), (9500, 3.0))
_METAL = Strip(240, (600, -1.0), (5000, 0.0), (10000, 3.5))
_KIT_KEYS: dict[int, Strip] = {
    **dict.fromkeys((35, 36), _KICK),
    **dict.fromkeys((41, 43, 45, 47, 48, 50, 60, 61, 62, 63, 64, 65, 66), _TOM),
    **dict.fromkeys((37, 38, 39, 40), _SNARE),
    **dict.fromkeys((42, 44, 46, 49, 51, 52, 53, 54, 55, 57, 59, 69, 70, 80, 81, 82), _METAL),
}
_BELL_Q = 0.8
_TILT_POLES = (40.0, 160.0, 640.0, 2560.0, 10240.0)  # Hz, two octaves apart


def strip_of(instrument: str, key: int) -> Strip:
    """The strip of an instrument of the bank; every drum of a kit has its own. KeyError for unknown instruments."""
    preset = PRESETS[instrument]
    if preset.is_drum and key in _KIT_KEYS:
        return _KIT_KEYS[key]
    family = FAMILIES[preset.family]
    low_cut = LOW_VOICES.get(instrument, family.low_cut)
    return Strip(low_cut, family.mud, family.presence, family.air)


@cache
def sections(strip: Strip, tilt: float, rate: int) -> Sections:
    """The filters of a strip in a mix of that tilt (dB an octave), for sound of `rate` Hz."""
    rows = [_low_cut(strip.low_cut, rate)]
    rows += [_bell(hertz, gain, rate) for hertz, gain in (strip.mud, strip.presence) if gain]
    rows += [_high_shelf(*strip.air, rate)] if strip.air[1] else []
    rows += _tilted(tilt, rate) if tilt else []
    return np.array(rows)


def response(filters: Sections, hertz: NDArray[np.float64], rate: int) -> NDArray[np.complex128]:
    """The complex gain of a chain at some frequencies."""
    z = np.exp(-2j * np.pi * hertz / rate)[:, None]
    top = filters[:, 0] + filters[:, 1] * z + filters[:, 2] * z**2
    bottom = filters[:, 3] + filters[:, 4] * z + filters[:, 5] * z**2
    return np.asarray(np.prod(top / bottom, axis=1))


def _angle(hertz: float, rate: int) -> tuple[float, float]:
    """Cosine and sine of a frequency, kept below the Nyquist frequency of low sample rates."""
    angle = 2 * np.pi * min(hertz / rate, 0.45)
    return float(np.cos(angle)), float(np.sin(angle))


def _row(b: tuple[float, float, float], a: tuple[float, float, float]) -> list[float]:
    return [*(value / a[0] for value in b), *(value / a[0] for value in a)]


def _low_cut(hertz: float, rate: int) -> list[float]:
    cos, sin = _angle(hertz, rate)
    alpha = sin / 2**0.5
    return _row(((1 + cos) / 2, -(1 + cos), (1 + cos) / 2), (1 + alpha, -2 * cos, 1 - alpha))


def _bell(hertz: float, gain_db: float, rate: int) -> list[float]:
    (cos, sin), amplitude = _angle(hertz, rate), 10 ** (gain_db / 40)
    alpha = sin / (2 * _BELL_Q)
    above, below = alpha * amplitude, alpha / amplitude
    return _row((1 + above, -2 * cos, 1 - above), (1 + below, -2 * cos, 1 - below))


def _high_shelf(hertz: float, gain_db: float, rate: int) -> list[float]:
    (cos, sin), a = _angle(hertz, rate), 10 ** (gain_db / 40)
    beta = sin * (2 * a) ** 0.5
    top = (a * (a + 1 + (a - 1) * cos + beta), -2 * a * (a - 1 + (a + 1) * cos), a * (a + 1 + (a - 1) * cos - beta))
    return _row(top, (a + 1 - (a - 1) * cos + beta, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - beta))


def _tilted(slope: float, rate: int) -> list[list[float]]:
    """Alternating first-order poles and zeros: between 40 Hz and 16 kHz a nearly straight slope, unity at 1 kHz."""
    apart = 2 ** (2 * slope / 6.02)
    rows = [_first_order(pole / apart**0.5, pole * apart**0.5, rate) for pole in _TILT_POLES]
    gain = 1 / abs(complex(response(np.array(rows), np.array([1000.0]), rate)[0]))
    rows[0] = [value * gain for value in rows[0][:3]] + rows[0][3:]
    return rows


def _first_order(zero: float, pole: float, rate: int) -> list[float]:
    """(s + zero) / (s + pole), both in Hz, by the bilinear transform."""
    z, p = (float(np.tan(np.pi * min(hertz / rate, 0.45))) for hertz in (zero, pole))
    return _row((z + 1, z - 1, 0.0), (p + 1, p - 1, 0.0))
