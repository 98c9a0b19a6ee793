"""Keys in a brief are read as people write them and stored in one spelling."""

import pytest

from models.composer.midi import key_signature
from models.composer.theory import parse_key
from models.words import MODES, TONICS
from services.planning.keys import canonical_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("D minor pentatonic", "D minor pentatonic"),
        ("d pentatonic minor", "D minor pentatonic"),
        ("G pentatonic", "G major pentatonic"),
        ("B♭ Octatonic", "Bb octatonic"),
        ("C diminished", "C octatonic"),
        ("A minor harmonic", "A harmonic minor"),
    ],
)
def test_modes_are_known_by_their_other_names(text: str, key: str) -> None:
    assert canonical_key(text) == key


@pytest.mark.parametrize("mode", MODES)
def test_every_published_key_can_be_composed_in_and_written_to_midi(mode: str) -> None:
    for tonic in TONICS:
        key = canonical_key(f"{tonic} {mode}")
        assert parse_key(key).mode == mode
        assert abs(key_signature(key)[0]) <= 7
