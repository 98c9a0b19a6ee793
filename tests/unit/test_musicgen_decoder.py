"""Our decoder says what transformers' says, with the same weights: logits, greedy codes, continuation."""

import pytest
import torch

from models.musicgen.delays import delayed
from models.musicgen.engine import Condition, Engine, EngineSettings
from models.musicgen.shape import Shape, mono_delays, stereo_delays
from tests.checkpoints import build
from tests.unit.musicgen_peers import (
    chromas,
    condition_of,
    engine_for,
    generated,
    peer_of,
    random_tensors,
    shape_of,
    words,
)

LENGTHS = (5, 12, 1)
EXACT = [("float32", "plain"), ("float32", "packed")]


@pytest.fixture(scope="module")
def models():
    return {kind: build(kind).eval() for kind in ("mono", "stereo", "melody")}


def conditions_of(model, kind):
    prompts = words(model, LENGTHS)
    tunes = chromas(model, len(LENGTHS)) if kind == "melody" else [None] * len(LENGTHS)
    return (
        prompts,
        tunes,
        [condition_of(model, p, str(n), t) for n, (p, t) in enumerate(zip(prompts, tunes, strict=True))],
    )


def random_codes(shape, batch, frames):
    return torch.randint(shape.cardinality, (batch, shape.streams, frames), generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def peer_logits(decoder, shape, condition, columns, projection, null):
    """One row of transformers' decoder, told its codes: [streams, steps, cardinality]."""
    if shape.cross_attention:
        states = projection(condition.text)[None] * (not null)
        mask = torch.full(states.shape[:2], int(not null))
        said = decoder(input_ids=columns, encoder_hidden_states=states, encoder_attention_mask=mask).logits
    else:
        said = decoder(input_ids=columns, encoder_hidden_states=condition.prefix[None]).logits
    return said[:, -columns.shape[1] :]


def null_condition(engine, condition):
    """What transformers tells the null row of a melody checkpoint: chroma of nothing, then zeros."""
    prefix = torch.zeros_like(condition.prefix)
    weight, bias = engine.weights.chroma
    prefix[: engine.shape.chroma_frames] = weight[:, 0] + bias
    return Condition(condition.text, prefix, "null")


def largest_difference(engine, conditions, codes, decoder, projection):
    ours, shape = engine.logits(conditions, codes), engine.shape
    columns = delayed(codes, shape.delays, shape.special)[:, :, :-1]
    differences = []
    for row, condition in enumerate(conditions):
        theirs = peer_logits(decoder, shape, condition, columns[row], projection, null=False)
        differences.append((ours[row] - theirs).abs().max())
        told = condition if shape.cross_attention else null_condition(engine, condition)
        theirs = peer_logits(decoder, shape, told, columns[row], projection, null=True)
        differences.append((ours[len(conditions) + row] - theirs).abs().max())
    assert ours.std() > 0.1  # not a comparison of zeros
    return float(max(differences))


@pytest.mark.parametrize("kind", ["mono", "stereo", "melody"])
@pytest.mark.parametrize(("dtype", "kernels"), EXACT)
def test_logits_are_those_of_transformers(models, kind, dtype, kernels):
    model = models[kind]
    engine = engine_for(model, len(LENGTHS), dtype=dtype, kernels=kernels)
    _, _, conditions = conditions_of(model, kind)
    codes = random_codes(engine.shape, len(LENGTHS), 150)  # read in several parts
    assert largest_difference(engine, conditions, codes, model.decoder, model.enc_to_dec_proj) < 1e-4


@pytest.mark.parametrize("kernels", ["plain", "packed", "int8"])
def test_narrow_numbers_stay_near(models, kernels):
    model = models["mono"]
    engine = engine_for(model, len(LENGTHS), dtype="bfloat16", kernels=kernels)
    _, _, conditions = conditions_of(model, "mono")
    codes = random_codes(engine.shape, len(LENGTHS), 40)
    narrow = engine.logits(conditions, codes)
    exact = engine_for(model, len(LENGTHS)).logits(conditions, codes)
    assert (narrow - exact).std() < 0.05 * exact.std()


def test_a_padded_batch_is_masked_as_transformers_masks_it(models):
    model = models["mono"]
    prompts, _, conditions = conditions_of(model, "mono")
    engine = engine_for(model, len(LENGTHS))
    codes = random_codes(engine.shape, len(LENGTHS), 10)
    longest = max(LENGTHS)
    ids = torch.stack([torch.nn.functional.pad(prompt, (0, longest - len(prompt))) for prompt in prompts])
    mask = torch.stack([(torch.arange(longest) < n).long() for n in LENGTHS])
    columns = delayed(codes, engine.shape.delays, engine.shape.special)[:, :, :-1]
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=mask, decoder_input_ids=columns.flatten(0, 1)).logits
    ours = engine.logits(conditions, codes)[: len(LENGTHS)]
    assert (ours - theirs.view(ours.shape)).abs().max() < 1e-4


@pytest.mark.parametrize("kind", ["mono", "stereo"])
@pytest.mark.parametrize(("dtype", "kernels"), EXACT)
def test_greedy_codes_are_those_of_transformers(models, kind, dtype, kernels):
    model = models[kind]
    prompts, _, conditions = conditions_of(model, kind)
    engine = engine_for(model, len(LENGTHS), top_k=1, dtype=dtype, kernels=kernels)
    ours = engine.generate(conditions, [1, 2, 3], frames=60)
    assert torch.equal(ours, generated(model, prompts, 60, do_sample=False))
    assert len(ours.unique()) > 5


def test_greedy_codes_to_a_tune_are_those_of_transformers(models):
    model = models["melody"]
    prompts, tunes, conditions = conditions_of(model, "melody")
    ours = engine_for(model, len(LENGTHS), top_k=1).generate(conditions, [1, 2, 3], frames=40)
    for row, (prompt, tune) in enumerate(zip(prompts, tunes, strict=True)):
        alone = generated(model, [prompt], 40, do_sample=False, input_features=tune[None])
        assert torch.equal(ours[row], alone[0])


@pytest.mark.parametrize("kind", ["mono", "stereo"])
def test_given_codes_are_continued_as_transformers_continues_them(models, kind):
    model = models[kind]
    prompts, _, conditions = conditions_of(model, kind)
    engine = engine_for(model, len(LENGTHS), top_k=1)
    given = random_codes(engine.shape, len(LENGTHS), 70)
    ours = engine.generate(conditions, [1, 2, 3], frames=100, given=given)
    assert torch.equal(ours[:, :, :70], given)
    assert torch.equal(ours, generated(model, prompts, 30, given, do_sample=False))


FULL = dict(width=1024, layers=24, heads=16, feed_forward=4096, text_width=768, window_frames=64)
FULL_KINDS = {
    "mono": dict(streams=4, delays=mono_delays(4)),
    "stereo": dict(streams=8, delays=stereo_delays(4), channels=2),
    "melody": dict(streams=4, delays=mono_delays(4), cross_attention=False, chroma_bins=12, chroma_frames=40),
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", list(FULL_KINDS))
def test_logits_of_full_size_are_those_of_transformers(kind):
    shape = Shape(**FULL, **FULL_KINDS[kind])
    tensors = random_tensors(shape, spread=0.03)
    engine = Engine(shape, tensors, EngineSettings(batch=2, text_tokens=16, kernels="packed"))
    peer = peer_of(shape, tensors)

    def projection(states):
        return torch.nn.functional.linear(states, tensors["enc_to_dec_proj.weight"], tensors["enc_to_dec_proj.bias"])

    numbers = torch.Generator().manual_seed(1)
    conditions = []
    for row, n in enumerate((7, 16)):
        text = torch.randn(n, shape.text_width, generator=numbers)
        prefix = torch.randn(shape.chroma_frames + n, shape.width, generator=numbers)
        conditions.append(Condition(text, None if shape.cross_attention else prefix, str(row)))
    codes = random_codes(shape, 2, 12)
    assert largest_difference(engine, conditions, codes, peer, projection) < 1e-4


def test_shape_of_a_transformers_model_travels_as_json(models):
    shape = shape_of(models["melody"])
    assert Shape.from_json(shape.as_json()) == shape
