"""Keys as they are written in a brief: a tonic and a mode, in ASCII (`Eb major`, `F# dorian`)."""

import unicodedata

from models.words import MODES, TONICS

_ALIASES = {
    "aeolian": "minor",
    "natural minor": "minor",
    "ionian": "major",
    "minor harmonic": "harmonic minor",
    "pentatonic": "major pentatonic",
    "pentatonic major": "major pentatonic",
    "pentatonic minor": "minor pentatonic",
    "diminished": "octatonic",
    "half-whole": "octatonic",
}
_TONICS = {tonic.casefold(): tonic for tonic in TONICS}


def canonical_key(text: str) -> str:
    """The published spelling of a key: `d  Minor` gives `D minor`, `E♭ major` gives `Eb major`.

    Raises ValueError where `text` names no known tonic and mode."""
    folded = unicodedata.normalize("NFKC", text).replace("♭", "b").replace("♯", "#").casefold()
    tonic, _, mode = " ".join(folded.split()).partition(" ")
    mode = _ALIASES.get(mode, mode)
    if tonic not in _TONICS or mode not in MODES:
        raise ValueError(f"unknown key signature {text!r}")
    return f"{_TONICS[tonic]} {mode}"
