"""Every form adds up to its bars, in fours where it can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.dice import Dice
from models.composer.form import parts_of

forms = st.one_of(
    st.just("loop"),
    st.lists(
        st.sampled_from(("intro", "A", "B", "A", "outro", "verse", "Chorus 2", "drop", "zzz", "42")),
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
