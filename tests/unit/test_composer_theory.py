"""Keys, chords and key finding say what a textbook says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.keyfinding import estimate
from models.composer.theory import SCALES, diatonic, harmony, parse_key, suited
from models.words import MODES, TONICS

keys = st.builds("{} {}".format, st.sampled_from(TONICS), st.sampled_from(MODES)).map(parse_key)


@pytest.mark.parametrize(
    ("key", "numeral", "extension", "symbol", "pitch_classes"),
    [
        ("C major", "V7", "triad", "G7", (7, 11, 2, 5)),
        ("C major", "ii", "seventh", "Dm7", (2, 5, 9, 0)),
        ("C major", "V7/V", "triad", "D7", (2, 6, 9, 0)),
        ("C major", "bVI", "triad", "Ab", (8, 0, 3)),
        ("D minor", "V", "triad", "A", (9, 1, 4)),
        ("D minor", "VI", "seventh", "Bbmaj7", (10, 2, 5, 9)),
        ("D minor", "bII", "triad", "Eb", (3, 7, 10)),
        ("A minor", "ii°", "seventh", "Bm7b5", (11, 2, 5, 9)),
        ("Eb major", "IV", "ninth", "Abmaj9", (8, 0, 3, 7, 10)),
        ("F# dorian", "IV", "triad", "B", (11, 3, 6)),
        ("E phrygian", "II", "triad", "F", (5, 9, 0)),
        ("G mixolydian", "VII", "triad", "F", (5, 9, 0)),
        ("A harmonic minor", "vii°", "seventh", "G#dim7", (8, 11, 2, 5)),
        ("D minor", "i", "power", "D5", (2, 9)),
        ("C major", "vii°7/V", "triad", "F#dim7", (6, 9, 0, 3)),
        ("D minor", "VIIsus4", "triad", "Csus4", (0, 5, 7)),
        ("D dorian", "V7sus4", "triad", "A7sus4", (9, 2, 4, 7)),
        ("D minor", "IV5", "triad", "G5", (7, 2)),
        ("F lydian", "II", "sus", "Gsus2", (7, 9, 2)),
        ("C major pentatonic", "I", "seventh", "C6", (0, 4, 7, 9)),
        ("C major pentatonic", "I", "ninth", "C(add9)", (0, 4, 7, 2)),
        ("A minor pentatonic", "V7sus4", "triad", "E7sus4(no5)", (4, 9, 2)),
        ("C octatonic", "IV", "seventh", "F#7", (6, 10, 1, 4)),
        ("C octatonic", "I", "triad", "C", (0, 4, 7)),
        ("C octatonic", "ii°", "seventh", "Dbdim7", (1, 4, 7, 10)),
    ],
)
def test_numerals_become_the_chords_they_name(
    key: str, numeral: str, extension: str, symbol: str, pitch_classes: tuple[int, ...]
) -> None:
    chord = harmony(parse_key(key), numeral, extension)
    assert (chord.symbol, chord.pitch_classes) == (symbol, pitch_classes)


@given(keys, st.integers(0, 6), st.sampled_from(("triad", "seventh", "ninth", "add9")))
def test_diatonic_chords_stay_in_the_key(key, degree: int, extension: str) -> None:
    numeral = diatonic(key, degree)
    chord = harmony(key, numeral, extension)
    raised = {chord.pitch_classes[3]} if numeral == "V" and len(chord.pitch_classes) > 3 else set()
    assert set(chord.pitch_classes) - raised <= key.collection


@given(keys, st.integers(-14, 21))
def test_degrees_rise_with_pitch_and_repeat_at_the_octave(key, degree: int) -> None:
    assert key.semitones(degree) < key.semitones(degree + 1) or len(key.scale) < 7
    assert key.semitones(degree) <= key.semitones(degree + 1) and key.semitones(degree) % 12 in key.scale
    assert key.semitones(degree + 7) == key.semitones(degree) + 12


@pytest.mark.parametrize("text", ["", "H minor", "D", "D blues", "d minor", "D# # minor", "Cb5 major"])
def test_what_is_no_key_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a tonic and a mode"):
        parse_key(text)


@pytest.mark.parametrize("text", ["VIII", "x", "V7/", "bb7", "iv/"])
def test_what_is_no_numeral_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Roman numeral"):
        harmony(parse_key("C major"), text)


@pytest.mark.parametrize(("tonic", "mode"), [(0, "major"), (2, "minor"), (9, "minor"), (7, "major")])
def test_a_scale_with_a_strong_tonic_triad_is_recognised(tonic: int, mode: str) -> None:
    weights = [0.0] * 12
    for place, step in enumerate(SCALES[mode]):
        weights[(tonic + step) % 12] = 3.0 if place in (0, 2, 4) else 1.0
    assert estimate(weights)[0] == f"{['C', '', 'D', '', '', '', '', 'G', '', 'A'][tonic]} {mode}"


@given(keys, st.lists(st.integers(-10, 14), min_size=1, max_size=24))
def test_a_line_set_into_a_mode_keeps_its_ups_and_downs(key, degrees: list[int]) -> None:
    line = suited(key, degrees)
    assert all(tone % 12 in key.scale for tone in line)
    for one, two, low, high in zip(degrees, degrees[1:], line, line[1:], strict=False):
        assert (two > one) == (high > low) and (two == one) == (high == low)


def test_a_line_in_a_pentatonic_stays_near_its_degrees() -> None:
    for mode in ("major pentatonic", "minor pentatonic"):
        key = parse_key(f"C {mode}")
        arch = [0, 2, 4, 3, 2, 1, 0, 4, 7, 6, 4, 2, 0]
        frame = [12 * (degree // 7) + key.frame[degree % 7] for degree in arch]
        assert max(abs(one - two) for one, two in zip(suited(key, arch), frame, strict=True)) <= 5


def test_the_octatonic_tonic_carries_a_major_and_a_minor_triad() -> None:
    key = parse_key("C octatonic")
    for numeral in ("I", "i", "III", "iii", "IV", "iv", "VI", "vi"):
        assert set(harmony(key, numeral).pitch_classes) <= key.collection


def test_only_dominants_and_leading_tone_chords_are_applied() -> None:
    with pytest.raises(ValueError, match="only V and vii"):
        harmony(parse_key("C major"), "IV/V")
