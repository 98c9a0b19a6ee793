"""What makes the states of one place kin where nothing was said: a common tonic, a common tempo grid, related keys.

Everything follows from a seed and from what one cue asks for, never from the cues beside it: another cue in a brief
changes none that is there. Nothing here is random, and nothing decides what a mood or a state asks for.
"""

HOME_TONICS = ("D", "E", "A", "C", "G", "F", "B")
"""Tonics that a place may be given: playable in major and in minor."""
HOME_TEMPI = (84.0, 88.0, 92.0, 96.0, 100.0)
"""Tempi that the grid of a zone may be counted from; multiples of four, so that their ratios stay short numbers."""

_NATURALS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
_MODES = {
    "lydian": 1, "major": 0, "major pentatonic": 0, "mixolydian": -1, "dorian": -2, "minor": -3, "minor pentatonic": -3,
    "harmonic minor": -3, "octatonic": -3, "phrygian": -4, "locrian": -5,
}
"""Steps on the circle of fifths that a mode's signature lies from the major one of its tonic."""
_TWINS = {"C#": "Db", "D#": "Eb", "G#": "Ab", "A#": "Bb", "Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#",
          "F#": "Gb"}


def home_tonic(seed: int) -> str:
    """The tonic of a place whose theme has this seed."""
    return HOME_TONICS[seed % len(HOME_TONICS)]


def home_tempo(seed: int) -> float:
    """The tempo (bpm) that the grid of a zone is counted from where neither the zone nor the brief says one."""
    return HOME_TEMPI[seed // len(HOME_TONICS) % len(HOME_TEMPI)]


def sharps(key: str) -> int:
    """The signature of a key such as `Eb major`: sharps, negative for flats."""
    tonic, _, mode = key.partition(" ")
    return _fifths(tonic) + _MODES[mode]


def _fifths(tonic: str) -> int:
    return _NATURALS[tonic[0]] + 7 * (tonic.count("#") - tonic.count("b"))


def key_on(tonic: str, mode: str) -> str:
    """The key of a mode on a tonic, written with the fewest accidentals (`Db`, minor: `C# minor`)."""
    return min((f"{name} {mode}" for name in (tonic, _TWINS.get(tonic, tonic))), key=lambda key: abs(sharps(key)))


def are_akin(one: str, other: str) -> bool:
    """Whether two keys crossfade: the same tonic, the same notes (relatives), or signatures a fifth apart."""
    tonics = [_fifths(key.partition(" ")[0]) * 7 % 12 for key in (one, other)]
    apart = abs(sharps(one) - sharps(other)) % 12
    return tonics[0] == tonics[1] or min(apart, 12 - apart) <= 1
