"""Progressions function: they open where they should, close in their cadence, and take the mode seriously."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.dice import Dice
from models.composer.genre import genre
from models.composer.grammar import AREAS, CADENCES, GRAMMAR, SEQUENCES
from models.composer.harmony import (
    Palette,
    PhraseWish,
    Slot,
    basses,
    build,
    clarity,
    close,
    function_of,
    idiom_numeral,
    phrase_numerals,
    plain,
    slot_grid,
)
from models.composer.meter import parse_meter
from models.composer.theory import harmony, parse_key
from models.words import GENRES, METERS, MODES

FOUR = parse_meter("4/4")
PLAIN = Palette()
keys = st.sampled_from(MODES).map(lambda mode: parse_key(f"D {mode}"))


def phrase(key, cadence: str, seed: int, palette: Palette = PLAIN, bars: int = 4, opening: str = "tonic") -> list[str]:
    wish = PhraseWish(tuple(slot_grid(bars, FOUR, 1)), cadence, opening, ())
    return phrase_numerals(key, palette, wish, Dice("test", seed))


@given(keys, st.integers(0, 500), st.integers(2, 9))
def test_phrases_close_as_their_cadence_says(key, seed: int, bars: int) -> None:
    tonic = GRAMMAR[key.mode]["T"][0][0]
    assert phrase(key, "authentic", seed, bars=bars)[-1] == tonic
    assert function_of(key, phrase(key, "authentic", seed, bars=bars)[-2]) == "D"
    assert function_of(key, phrase(key, "half", seed, bars=bars)[-1]) == "D"
    assert phrase(key, "loop", seed, bars=bars)[-1] != tonic


@given(
    keys, st.sampled_from(METERS), st.sampled_from(("open", "half", "authentic", "loop", "final")), st.integers(0, 99)
)
def test_every_mode_meter_and_cadence_gives_chords_that_are_nearly_all_of_the_mode(
    key, text: str, cadence: str, seed: int
) -> None:
    rich = Palette(sequences=0.4, inversions=0.6, deceptive=0.4, pedal=0.3, areas=0.5)
    wish = PhraseWish(tuple(slot_grid(4, parse_meter(text), 1)), cadence, "tonic", (), continuation=True)
    numerals = phrase_numerals(key, rich, wish, Dice("any", seed))
    chords = [build(key, rich, numeral) for numeral in numerals]
    floors = basses(key, rich, numerals, chords)
    leading = (key.tonic + 11) % 12
    foreign = [set(chord.pitch_classes) - key.collection - {leading} for chord in chords]
    assert len(floors) == len(chords) == len(wish.grid)
    assert not any(foreign)


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_of_a_mode_name_its_own_chords(mode: str) -> None:
    key = parse_key(f"D {mode}")
    rows = [row for kind in CADENCES[mode].values() for row, _ in kind] + list(SEQUENCES[mode])
    words = [name for table in (GRAMMAR[mode], *AREAS[mode]) for pairs in table.values() for name, _ in pairs]
    leading = {(key.tonic + 11) % 12} if mode == "minor" else set()
    for numeral in [*(name for row in rows for name in row), *(word for word in words if "/" not in word)]:
        assert set(harmony(key, plain(numeral), "seventh").pitch_classes) <= key.collection | leading, numeral


@pytest.mark.parametrize(
    ("mode", "last"),
    [
        ("major", {("V", "I"), ("V7", "I")}),
        ("dorian", {("VII", "i")}),
        ("mixolydian", {("VII", "I")}),
        ("phrygian", {("II", "i")}),
        ("lydian", {("II", "I")}),
        ("harmonic minor", {("V", "i"), ("V7", "i")}),
        ("octatonic", {("ii°", "i"), ("IV", "i")}),
    ],
)
def test_modes_close_in_their_own_cadences(mode: str, last: set[tuple[str, str]]) -> None:
    key = parse_key(f"D {mode}")
    ends = [tuple(plain(chord) for chord in phrase(key, "authentic", seed)[-2:]) for seed in range(60)]
    assert sum(end in last for end in ends) > 20


def test_calm_phrases_close_plagally_and_deceptive_ones_avoid_the_tonic() -> None:
    key = parse_key("C major")
    assert all(phrase(key, "authentic", seed, Palette(calm=1.0))[-2:] == ["IV", "I"] for seed in range(20))
    assert all(
        function_of(key, phrase(key, "half", seed, Palette(deceptive=1.0))[-2]) == "D"
        and plain(phrase(key, "half", seed, Palette(deceptive=1.0))[-1]) in ("vi", "IV")
        for seed in range(20)
    )


def test_an_open_phrase_is_left_as_it_is() -> None:
    body = ["I", "IV", "vi", "IV"]
    assert close(parse_key("C major"), PLAIN, body, "open", Dice("open")) == body


def test_continuations_follow_sequences() -> None:
    key = parse_key("A minor")
    wish = PhraseWish(tuple(slot_grid(8, FOUR, 1, quicken=False)), "half", "tonic", (), continuation=True)
    found = 0
    for seed in range(60):
        told = [plain(each) for each in phrase_numerals(key, Palette(sequences=0.5), wish, Dice("sequence", seed))]
        found += told[:5] in (["i", "iv", "VII", "III", "VI"], ["i", "v", "VI", "III", "iv"])
    assert found >= 5


def test_a_bass_prefers_steps_where_the_taste_says_so_and_roots_where_not() -> None:
    key = parse_key("C major")
    numerals = ["I", "V", "vi", "iii", "IV", "I", "V", "I"]
    chords = [build(key, PLAIN, numeral) for numeral in numerals]
    assert basses(key, Palette(inversions=0.0), numerals, chords) == [-1] * 8
    floors = [
        chord.root if bass < 0 else bass
        for chord, bass in zip(chords, basses(key, Palette(inversions=1.0), numerals, chords), strict=True)
    ]
    steps = [min((one - two) % 12, (two - one) % 12) for one, two in zip(floors, floors[1:], strict=False)]
    assert floors[0] == floors[-1] == 0 and sum(step in (1, 2) for step in steps) >= 5


def test_written_basses_are_kept() -> None:
    key = parse_key("A minor")
    numerals = ["i", "v:3", "iv:3", "V", "iv:T", "VII:D", "i"]
    chords = [build(key, PLAIN, numeral) for numeral in numerals]
    assert basses(key, Palette(), numerals, chords) == [-1, 7, 5, -1, 9, 4, -1]


@given(keys, st.integers(0, 200))
def test_pedals_stay_until_the_cadence(key, seed: int) -> None:
    wish = PhraseWish(tuple(slot_grid(8, FOUR, 1, quicken=False)), "half", "tonic", (), pedal="D")
    numerals = phrase_numerals(key, Palette(), wish, Dice("pedal", seed))
    chords = [build(key, PLAIN, numeral) for numeral in numerals]
    assert all(
        bass in (-1, (key.tonic + 7) % 12) and (bass >= 0 or chord.root == (key.tonic + 7) % 12)
        for bass, chord in zip(basses(key, PLAIN, numerals, chords)[:-1], chords[:-1], strict=True)
    )


def test_a_key_is_clear_when_its_tonic_leads_and_nothing_foreign_sounds() -> None:
    key = parse_key("C lydian")

    def unclear(*numerals: str) -> float:
        return clarity(key, [Slot(4.0 * at, 4.0, harmony(key, name)) for at, name in enumerate(numerals)], ())

    assert unclear("I", "II", "vi", "I") < unclear("V", "II", "V", "iii")
    assert unclear("I", "II", "vi", "I") < unclear("I", "I", "vi", "I")
    assert unclear("I", "II", "vi", "I") < unclear("I", "bVI", "bVII", "I")


@given(st.sampled_from(METERS), st.integers(4, 12))
def test_harmony_quickens_into_the_cadence(text: str, bars: int) -> None:
    meter = parse_meter(text)
    for pace in (1, 2):
        lengths = [length for _, length in slot_grid(bars, meter, pace)]
        assert min(lengths[-3:]) <= lengths[0] and (meter.middle == meter.bar or min(lengths[-3:]) < max(lengths))


@given(keys, st.integers(0, 500))
def test_contrasting_phrases_open_away_from_the_tonic(key, seed: int) -> None:
    tonic = GRAMMAR[key.mode]["T"][0][0]
    assert plain(phrase(key, "half", seed)[0]) == tonic
    assert plain(phrase(key, "half", seed, opening="away")[0]) != tonic
    assert plain(phrase(key, "half", seed, Palette(areas=1.0), opening="away")[0]) != tonic


@pytest.mark.parametrize("name", GENRES)
@pytest.mark.parametrize("mode", MODES)
def test_every_idiom_of_every_genre_is_playable_in_every_mode(name: str, mode: str) -> None:
    key = parse_key(f"A {mode}")
    for row in genre(name).idioms["major" if key.bright else "minor"]:
        for numeral in row:
            chord = harmony(key, plain(idiom_numeral(key, numeral)), genre(name).extension)
            assert len(chord.pitch_classes) >= 2
            assert not key.narrow or set(chord.pitch_classes) <= key.collection


@settings(max_examples=60)
@given(st.integers(0, 10_000))
def test_applied_dominants_resolve_to_their_target(seed: int) -> None:
    numerals = phrase(parse_key("C major"), "half", seed, Palette(applied=0.9), bars=8)
    for one, two in zip(numerals, numerals[1:], strict=False):
        if "/" in one:
            assert plain(one).split("/")[1] == two


def test_dark_palettes_borrow_and_plain_ones_do_not() -> None:
    key = parse_key("C major")
    foreign = [
        sum(
            not set(harmony(key, plain(numeral)).pitch_classes) <= key.collection
            for numeral in phrase(key, "half", seed, palette)
        )
        for palette in (Palette(dark=0.6), Palette())
        for seed in range(60)
    ]
    assert sum(foreign[:60]) > 5 and sum(foreign[60:]) == 0


def test_the_melody_is_harmonised_with_chords_that_hold_it() -> None:
    key = parse_key("C major")
    fits = 0
    for seed in range(60):
        demand = ((0.0, 4.0, 0), (4.0, 4.0, 9), (8.0, 4.0, 2), (12.0, 4.0, 7))
        wish = PhraseWish(tuple(slot_grid(4, FOUR, 1, quicken=False)), "half", "tonic", demand)
        numerals = phrase_numerals(key, Palette(), wish, Dice("fit", seed))
        fits += sum(
            held in harmony(key, plain(numeral)).pitch_classes
            for (_, _, held), numeral in zip(demand, numerals, strict=True)
        )
    assert fits / 240 > 0.75


@given(st.integers(1, 40), st.sampled_from(METERS), st.sampled_from((0.5, 0.75, 1, 2)))
def test_chords_fill_the_phrase(bars: int, text: str, pace: float) -> None:
    meter = parse_meter(text)
    grid = slot_grid(bars, meter, pace)
    at = 0.0
    for onset, length in grid:
        assert onset == pytest.approx(at) and length > 0
        at += length
    assert at == pytest.approx(bars * meter.bar)


@given(keys, st.integers(0, 200))
def test_a_piece_opens_at_home_on_the_root_whatever_is_drawn(key, seed: int) -> None:
    rich = Palette(idioms=(("vi:3", "IV", "V", "I"),), idiom=0.6, sequences=0.4, inversions=1.0)
    numerals = phrase(key, "half", seed, rich, opening="home")
    chords = [build(key, rich, numeral) for numeral in numerals]
    assert numerals[0] == GRAMMAR[key.mode]["T"][0][0]
    assert basses(key, rich, numerals, chords)[0] == -1
