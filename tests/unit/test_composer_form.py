"""Every form adds up to its bars, its phrases make periods and sentences, and what does not exist is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.dice import Dice
from models.composer.form import CADENCES, KINDS, check_form, parts_of

forms = st.one_of(
    st.just("loop"),
    st.lists(
        st.sampled_from(("intro", "A", "B", "A", "outro", "verse", "Chorus 2", "drop", "A'", "breakdown", "h")),
        min_size=1,
        max_size=12,
    ).map("-".join),
)


@given(forms, st.integers(1, 500), st.booleans(), st.integers(0, 99))
def test_parts_and_phrases_tile_the_bars(form: str, bars: int, loop: bool, seed: int) -> None:
    parts = parts_of(form, bars, loop, Dice("form", seed))
    at = 0
    for part in parts:
        assert part.bar == at and part.bars >= 1
        for phrase in part.phrases:
            assert phrase.bar == at and 1 <= phrase.bars <= 4
            at += phrase.bars
    assert at == bars
    assert {part.kind for part in parts} <= set(KINDS)
    assert {phrase.cadence for part in parts for phrase in part.phrases} <= set(CADENCES)
    assert parts[-1].phrases[-1].cadence == ("loop" if loop else "final")


def test_sections_take_whole_fours_and_thin_at_the_ends() -> None:
    parts = parts_of("intro-A-B-A-outro", 32, False, Dice("form", 1))
    assert [part.name for part in parts] == ["intro", "A", "B", "A", "outro"]
    assert all(part.bars % 4 == 0 for part in parts)
    assert parts[0].lift < 0 > parts[-1].lift and parts[0].bars <= parts[1].bars


def test_returning_sections_share_their_material_and_know_it() -> None:
    parts = parts_of("verse-chorus-verse-chorus-bridge-chorus", 48, False, Dice("form", 1))
    assert [part.visit for part in parts] == [0, 0, 1, 1, 0, 2]
    assert len({part.material for part in parts if part.name == "chorus"}) == 1


def test_more_sections_than_bars_keep_the_weighty_ones() -> None:
    assert [part.name for part in parts_of("intro-A-B-outro", 2, False, Dice("form", 1))] == ["A", "B"]


@pytest.mark.parametrize(("form", "bars"), [("loop", 0), ("-", 4), ("", 4)])
def test_nothing_to_compose_is_refused(form: str, bars: int) -> None:
    with pytest.raises(ValueError, match=r"at least 1 bar|names no section"):
        parts_of(form, bars, True, Dice("form", 1))


@pytest.mark.parametrize(
    ("form", "bars", "message"),
    [
        ("A-Z-A", 16, r"no section is called 'Z'; write letters A to H"),
        ("intro-42-outro", 16, r"no section is called '42'"),
        ("A-B-A-B", 3, r"4 sections do not fit into 3 bars"),
        ("-".join("A" * 65), 400, r"65 sections, more than 64"),
    ],
)
def test_forms_that_cannot_be_are_refused_in_words(form: str, bars: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_form(form, bars)


@pytest.mark.parametrize("form", ["loop", "A", "intro-A-B-A'-outro", "verse 1-chorus-Verse 2-bridge-solo-drop"])
def test_forms_of_known_sections_are_accepted(form: str) -> None:
    check_form(form, 64)


def test_phrases_make_periods_and_sentences() -> None:
    shapes = {
        tuple((phrase.bars, phrase.cadence) for phrase in parts_of("A-B", 16, False, Dice("form", seed))[0].phrases)
        for seed in range(30)
    }
    assert shapes == {((4, "half"), (4, "authentic")), ((2, "open"), (2, "open"), (4, "authentic"))}


@pytest.mark.parametrize("bars", [24, 64, 128, 300])
def test_a_loop_ends_as_full_as_it_begins_and_is_fullest_at_two_thirds(bars: int) -> None:
    for seed in range(12):
        parts = parts_of("loop", bars, True, Dice("form", seed))
        assert abs(parts[0].lift - parts[-1].lift) < 0.12
        fullest = max(parts, key=lambda part: part.lift)
        assert 0.25 <= (fullest.bar + fullest.bars / 2) / bars <= 0.9


def test_long_pieces_never_repeat_a_block_more_than_twice_running_and_come_home() -> None:
    for seed in range(20):
        parts = parts_of("loop", 300, True, Dice("form", seed))
        letters = "".join(part.material for part in parts)
        assert not any(letter * 3 in letters for letter in "ABCD")
        assert 0.3 <= letters.count("A") / len(letters) <= 0.65
        assert len({(part.material, part.visit) for part in parts}) == len(parts)
