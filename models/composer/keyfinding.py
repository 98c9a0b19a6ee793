"""Which key a weighting of the twelve pitch classes suggests, by correlation with listeners' key profiles.

Profiles: C. L. Krumhansl, Cognitive Foundations of Musical Pitch (1990), from Krumhansl and Kessler's probe tones.
"""

from collections.abc import Sequence

import numpy as np

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def estimate(weights: Sequence[float]) -> list[str]:
    """All 24 major and minor keys as `D minor`, the most likely first, for 12 pitch-class weights (any unit)."""
    heard = np.asarray(weights, dtype=np.float64)
    scored = [
        (-_similarity(heard, np.roll(profile, tonic)), f"{NAMES[tonic]} {mode}")
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    ]
    return [name for _, name in sorted(scored)]


def _similarity(heard: np.ndarray, profile: np.ndarray) -> float:
    centred, model = heard - heard.mean(), profile - profile.mean()
    scale = float(np.sqrt((centred @ centred) * (model @ model)))
    return float(centred @ model) / scale if scale > 0 else 0.0
