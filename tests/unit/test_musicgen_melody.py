"""Chroma of a tune as transformers' feature extractor hears it, and what the decoder of a melody checkpoint is told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import MusicgenMelodyFeatureExtractor

from models.musicgen.checkpoint import inspect, load
from models.musicgen.melody import Projection, chroma, stretch
from tests import checkpoints

RATE = 32000


def tune(seconds: float, seed: int = 0) -> np.ndarray:
    """Notes of a third of a second with three harmonics and some noise."""
    numbers = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    pitches = 220 * 2 ** (numbers.integers(0, 24, int(seconds * 3) + 1) / 12)
    phase = 2 * np.pi * np.cumsum(pitches[(times * 3).astype(int)]) / RATE
    wave = sum(np.sin(n * phase) / n for n in (1, 2, 3)) + numbers.normal(0, 0.05, len(times))
    return np.asarray(wave * 0.2, np.float32)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 7.7, 30.0])
def test_chroma_equals_transformers(seconds: float) -> None:
    samples = tune(seconds)
    wanted = MusicgenMelodyFeatureExtractor()(samples, sampling_rate=RATE, return_tensors="pt").input_features[0]
    heard = chroma(samples, RATE)
    assert heard.shape == wanted.shape
    torch.testing.assert_close(heard, wanted, atol=1e-5, rtol=0)
    assert torch.equal(heard.sum(dim=1), torch.ones(len(heard)))


def test_thirty_seconds_are_235_frames() -> None:
    assert chroma(tune(30.0), RATE).shape == (235, 12)


def test_the_loudest_pitch_class_is_told() -> None:
    times = np.arange(RATE * 2) / RATE
    a, c = (chroma(np.sin(2 * np.pi * hertz * times).astype(np.float32), RATE) for hertz in (440.0, 523.25))
    told = [int(heard[4:-4].argmax(dim=1).mode().values) for heard in (a, c)]
    assert (told[1] - told[0]) % 12 == 3


def test_a_short_tune_begins_again() -> None:
    samples = np.arange(10, dtype=np.float32)
    assert stretch(samples, 7, 8).tolist() == [7, 8, 9, 0, 1, 2, 3, 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.write_transformers(tmp_path_factory.mktemp("melody") / "tiny", "melody")


@pytest.mark.parametrize("with_tune", [True, False])
def test_the_prefix_is_what_transformers_puts_in_front(folder: Path, with_tune: bool) -> None:
    model, summary = checkpoints.build("melody"), inspect(folder)
    tokens = torch.tensor([checkpoints.tokenizer().encode("calm piano").ids])
    heard = chroma(tune(4.0), RATE) if with_tune else None
    with torch.inference_mode():
        text = model.text_encoder(input_ids=tokens).last_hidden_state[0]
        kwargs = {"attention_mask": torch.ones_like(tokens)} | ({"input_features": heard[None]} if with_tune else {})
        config, kwargs = model._prepare_generation_config(None, guidance_scale=None, **kwargs)
        told = model._prepare_encoder_hidden_states_kwargs_for_generation(tokens, kwargs, "input_ids", config)
    prefix = Projection(summary.shape, load(summary)).prefix(heard, text)
    assert prefix.shape == (summary.shape.chroma_frames + tokens.shape[1], checkpoints.WIDTH)
    torch.testing.assert_close(prefix, told["encoder_hidden_states"][0], atol=1e-5, rtol=0)


def test_teacher_forced_logits_of_a_melody_equal_transformers(folder: Path) -> None:
    from models.musicgen.delays import delayed
    from models.musicgen.engine import Condition, Engine, EngineSettings

    model, summary = checkpoints.build("melody"), inspect(folder)
    shape, tensors = summary.shape, load(summary)
    tokens = torch.tensor([checkpoints.tokenizer().encode("calm piano").ids])
    codes = torch.randint(shape.cardinality, (1, 4, 30), generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        text = model.text_encoder(input_ids=tokens).last_hidden_state[0]
        prefix = Projection(shape, tensors).prefix(chroma(tune(4.0), RATE), text)
        columns = delayed(codes, shape.delays, shape.special)[:, :, :-1]
        wanted = model.decoder(
            input_ids=columns.reshape(4, -1), encoder_hidden_states=prefix[None],
        ).logits.unflatten(0, (1, 4))[:, :, -columns.shape[2] :]  # fmt: skip
    own = {name.removeprefix("decoder."): tensor for name, tensor in tensors.items()}
    engine = Engine(shape, own, EngineSettings(batch=1, text_tokens=16))
    said = engine.logits([Condition(text, prefix, "calm piano")], codes)[:1]
    assert said.shape == wanted.shape
    torch.testing.assert_close(said, wanted, atol=1e-4, rtol=0)
