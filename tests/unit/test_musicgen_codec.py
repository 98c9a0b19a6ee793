"""Samples from codes and codes from samples, as transformers computes them, in chunks and for two channels."""

import numpy as np
import pytest
import torch

from models.musicgen import codec as codec_module
from models.musicgen.codec import Codec
from models.musicgen.configs import Faults, codec_fields
from tests import checkpoints


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return checkpoints.build("mono")


def made(model: torch.nn.Module, channels: int = 1) -> Codec:
    fields = codec_fields("", model.config.audio_encoder.to_dict(), Faults())
    return Codec(fields, model.state_dict(), channels, 4)


def codes_of(frames: int, streams: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randint(checkpoints.CARDINALITY, (streams, frames), generator=torch.Generator().manual_seed(seed))


def theirs(model: torch.nn.Module, codes: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return model.audio_encoder.decode(codes[None, None], [None]).audio_values[0].numpy()


@pytest.mark.parametrize("frames", [1, 37, 500, 501, 1203])
def test_decoding_equals_transformers_also_across_chunks(model: torch.nn.Module, frames: int) -> None:
    codes = codes_of(frames)
    audio = made(model).decode(codes)
    assert audio.shape == (1, frames * 640)
    np.testing.assert_allclose(audio, theirs(model, codes), atol=1e-5)


def test_where_chunks_end_is_not_heard(model: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = codes_of(300)
    whole = made(model).decode(codes)
    monkeypatch.setattr(codec_module, "CHUNK", 41)
    np.testing.assert_allclose(made(model).decode(codes), whole, atol=1e-5)


def test_stereo_is_a_mono_codec_per_channel(model: torch.nn.Module) -> None:
    codes = codes_of(50, streams=8)
    audio = made(model, channels=2).decode(codes)
    one = made(model)
    np.testing.assert_array_equal(audio[0], one.decode(codes[0::2])[0])
    np.testing.assert_array_equal(audio[1], one.decode(codes[1::2])[0])


def test_encoding_equals_transformers(model: torch.nn.Module) -> None:
    audio = np.random.default_rng(3).normal(0, 0.3, (1, 32000 + 100)).astype(np.float32)
    with torch.inference_mode():
        wanted = model.audio_encoder.encode(torch.from_numpy(audio)[None]).audio_codes[0, 0]
    assert torch.equal(made(model).encode(audio), wanted)


def test_channels_are_interleaved_when_encoding(model: torch.nn.Module) -> None:
    audio = np.random.default_rng(4).normal(0, 0.3, (2, 6400)).astype(np.float32)
    one, two = made(model), made(model, channels=2)
    codes = two.encode(audio)
    assert torch.equal(codes[0::2], one.encode(audio[:1]))
    assert torch.equal(codes[1::2], one.encode(audio[1:]))
    assert torch.equal(two.encode(audio[:1])[0::2], two.encode(audio[:1])[1::2])
    assert torch.equal(one.encode(audio), one.encode(audio.mean(axis=0)[None]))
