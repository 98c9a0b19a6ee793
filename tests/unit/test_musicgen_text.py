"""Text as T5 hears it: each alone, never padded, and remembered."""

import pytest
import torch

from models.musicgen.configs import Faults, text_fields
from models.musicgen.text import TextEncoder, TextTooLongError
from tests import checkpoints


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return checkpoints.build("mono")


@pytest.fixture
def encoder(model: torch.nn.Module) -> TextEncoder:
    fields = text_fields("", model.config.text_encoder.to_dict(), Faults())
    return TextEncoder(fields, model.state_dict(), checkpoints.tokenizer(), most_tokens=12)


def test_states_are_those_of_transformers(model: torch.nn.Module, encoder: TextEncoder) -> None:
    text = "calm piano music"
    tokens = checkpoints.tokenizer().encode(text).ids
    with torch.inference_mode():
        wanted = model.text_encoder(input_ids=torch.tensor([tokens])).last_hidden_state[0]
    states = encoder.encode(text)
    assert states.shape == (4, checkpoints.TEXT_WIDTH)
    torch.testing.assert_close(states, wanted, atol=1e-6, rtol=0)


def test_a_text_is_encoded_once(encoder: TextEncoder) -> None:
    first = encoder.encode("dark bass")
    other = encoder.encode("bright bass")
    assert encoder.encode("dark bass") is first
    assert not torch.equal(first, other)


def test_an_empty_text_is_its_end_mark(encoder: TextEncoder) -> None:
    assert encoder.encode("").shape == (1, checkpoints.TEXT_WIDTH)


def test_a_text_that_is_too_long_is_refused_with_both_counts(encoder: TextEncoder) -> None:
    encoder.encode(" ".join(["calm"] * 11))
    with pytest.raises(TextTooLongError, match="has 13 tokens, and 12 are"):
        encoder.encode(" ".join(["calm"] * 12))
