"""Progressions function: they open where they should, close in their cadence, and take the mode seriously."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.dice import Dice
from models.composer.genre import genre
from models.composer.harmony import GRAMMAR, Palette, PhraseWish, function_of, idiom_numeral, phrase_numerals, slot_grid
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


@given(keys, st.integers(0, 500))
def test_contrasting_phrases_open_away_from_the_tonic(key, seed: int) -> None:
    tonic = GRAMMAR[key.mode]["T"][0][0]
    assert phrase(key, "half", seed)[0] == tonic
    assert phrase(key, "half", seed, opening="away")[0] != tonic


@pytest.mark.parametrize("name", GENRES)
@pytest.mark.parametrize("mode", MODES)
def test_every_idiom_of_every_genre_is_playable_in_every_mode(name: str, mode: str) -> None:
    key = parse_key(f"A {mode}")
    for row in genre(name).idioms["major" if key.bright else "minor"]:
        for numeral in row:
            assert len(harmony(key, idiom_numeral(key, numeral), genre(name).extension).pitch_classes) >= 2


@settings(max_examples=60)
@given(st.integers(0, 10_000))
def test_applied_dominants_resolve_to_their_target(seed: int) -> None:
    numerals = phrase(parse_key("C major"), "half", seed, Palette(applied=0.9), bars=8)
    for one, two in zip(numerals, numerals[1:], strict=False):
        if "/" in one:
            assert one.split("/")[1] == two


def test_dark_palettes_borrow_and_plain_ones_do_not() -> None:
    key = parse_key("C major")
    foreign = [
        sum(
            not set(harmony(key, numeral).pitch_classes) <= key.collection
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
        wish = PhraseWish(tuple(slot_grid(4, FOUR, 1)), "half", "tonic", demand)
        numerals = phrase_numerals(key, Palette(), wish, Dice("fit", seed))
        fits += sum(
            held in harmony(key, numeral).pitch_classes for (_, _, held), numeral in zip(demand, numerals, strict=True)
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
