"""What is chosen among candidates: the same whoever asks first, never worse than the first draft, apart from elders."""

from dataclasses import replace

import pytest

from models.composer import choose as choosing
from models.composer.choose import BLOCK, choose
from models.composer.compose import compose
from models.composer.midi import midi_bytes
from models.composer.rating import rate
from models.composer.traits import grams_of, overlap, traits_of
from models.controls import Controls, Theme
from models.seeds import elder, seed_of

CONTROLS = Controls(
    "exploration", "jazz", "calm", 120.0, "F major", "4/4", (), (), 16, 32.0, "loop", 3, True, Theme(seed=3)
)


def forget() -> None:
    choosing._chosen.cache_clear()


def test_a_seed_tells_those_of_its_elders() -> None:
    assert [elder(seed_of(77, 5), by) for by in (1, 5)] == [seed_of(77, 4), 77]


def test_a_take_is_the_same_whoever_was_asked_before() -> None:
    forget()
    alone = midi_bytes(choose(CONTROLS, seed_of(5, 2), 2))
    forget()
    for index in range(3):
        last = choose(CONTROLS, seed_of(5, index), index)
    assert midi_bytes(last) == alone


def test_the_first_take_is_the_best_rated_of_its_candidates() -> None:
    chosen = choose(CONTROLS, 41, 0)
    drafts = [compose(CONTROLS, choosing._seed(41, number)) for number in range(choosing.CANDIDATES)]
    ratings = [rate(draft, traits_of(draft)).total for draft in drafts]
    told = chosen.facts["selection"]
    assert isinstance(told, dict)
    assert told["rating"] == round(min(ratings), 4)
    assert told["candidate"] == ratings.index(min(ratings))


def test_takes_of_a_block_keep_their_distance_from_their_elders() -> None:
    takes = [traits_of(choose(CONTROLS, seed_of(8, index), index)) for index in range(4)]
    close = [overlap(one.grams, two.grams) for at, one in enumerate(takes) for two in takes[:at]]
    assert max(close) <= choosing.NEAREST


def test_a_new_block_has_no_elders() -> None:
    told = choose(CONTROLS, 1234, BLOCK).facts["selection"]
    assert isinstance(told, dict)
    assert told["nearness"] == 0.0


def test_levels_of_one_reference_choose_the_same_candidate() -> None:
    levels = [choose(replace(CONTROLS, reference=3, intensity=level), 99, 1) for level in (1, 3, 5)]
    numbers = {str(level.facts["selection"]) for level in levels}
    assert len(numbers) == 1
    assert len({level.chords for level in levels}) == 1


@pytest.mark.parametrize(("pitches", "count"), [((60, 62, 64), 0), ((60, 62, 64, 65, 67), 1), ((60,) * 9, 1)])
def test_melodic_words_are_runs_of_four_intervals(pitches: tuple[int, ...], count: int) -> None:
    import numpy as np

    assert len(grams_of(np.array(pitches, float))) == count
