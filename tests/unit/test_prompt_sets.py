"""A hundred prompts with expected attributes: at least nine in ten are met, in each half."""

import pytest

from tests.prompt_sets import HALVES, score


@pytest.mark.parametrize("half", HALVES)
def test_nine_attributes_in_ten_are_met(half: str) -> None:
    result = score(half)
    assert result.prompts == 50
    assert result.asked >= 150
    assert result.share >= 0.9, result.missed
