"""What is sampled follows the softmax over the likeliest codes, with ties kept, from the take's own stream."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest

from models.musicgen.engine import Engine, EngineSettings
from models.musicgen.sampling import guided, pick, sample, top_k_probabilities
from models.musicgen.streams import batch_uniforms, uniforms
from tests.unit.musicgen_peers import random_tensors
from tests.unit.test_musicgen_engine import SMALL, condition

CODES, DRAWS = 64, 100_000


def logits_with_ties():
    logits = torch.randn(CODES, generator=torch.Generator().manual_seed(5)) * 2
    order = logits.argsort(descending=True)
    logits[order[9:13]] = logits[order[9]].clone()  # the tenth likeliest and three more are alike
    return logits


def fits(counts, probabilities):
    """The p-value of a chi-square test of counts [codes] against probabilities [codes]."""
    kept = probabilities > 0
    assert counts[~kept].sum() == 0
    return chisquare(counts[kept], probabilities[kept] / probabilities[kept].sum() * counts.sum()).pvalue


@pytest.mark.parametrize(("top_k", "kept"), [(10, 13), (0, CODES), (CODES, CODES), (2, 2)])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_probabilities_are_those_of_transformers_with_ties_kept(top_k, kept, temperature):
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper

    logits = logits_with_ties()[None]
    ours = top_k_probabilities(logits, top_k, temperature)
    theirs = TemperatureLogitsWarper(temperature)(None, logits) if temperature != 1 else logits
    theirs = TopKLogitsWarper(top_k)(None, theirs) if top_k else theirs
    assert int((ours > 0).sum()) == kept
    assert torch.allclose(ours.float(), theirs.softmax(-1), atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_draws_follow_the_softmax(seed):
    logits = logits_with_ties()
    uniform = torch.from_numpy(uniforms(seed, 0, DRAWS, 1))[:, 0]
    drawn = sample(logits.expand(DRAWS, CODES), uniform, top_k=10, temperature=1.0)
    counts = torch.bincount(drawn, minlength=CODES).numpy()
    assert fits(counts, top_k_probabilities(logits, 10).numpy()) > 0.001
    assert fits(counts, top_k_probabilities(logits, 10, temperature=1.1).numpy()) < 0.001  # it would be noticed


def test_an_engine_s_first_codes_follow_the_softmax_of_its_guided_logits():
    engine = Engine(SMALL, random_tensors(SMALL, spread=0.2), EngineSettings(batch=16, text_tokens=8, top_k=20))
    told = [condition(5)] * 16
    told_codes = torch.zeros(16, SMALL.streams, 1, dtype=torch.int64)
    both = engine.logits(told, told_codes)[:, 0, 0]  # [rows, codes]: the first step's, of the first stream
    expected = top_k_probabilities(guided(both[0], both[16], 3.0), 20).numpy()
    counts = np.zeros(SMALL.cardinality)
    for first in range(0, 4000, 16):
        codes = engine.generate(told, range(first, first + 16), frames=1)[:, 0, 0]
        counts += torch.bincount(codes, minlength=SMALL.cardinality).numpy()
    common = expected * 4000 >= 5
    rare = np.array([counts[~common].sum()]), np.array([expected[~common].sum()])
    assert fits(np.append(counts[common], rare[0]), np.append(expected[common], rare[1])) > 0.001
    assert common.sum() > 4


def test_no_code_of_probability_zero_is_picked_at_either_end():
    probabilities = torch.tensor([[0.0, 0.25, 0.0, 0.75, 0.0]], dtype=torch.float64)
    almost_one = 1 - 2.0**-53
    picked = [pick(probabilities, torch.tensor([u], dtype=torch.float64)).item() for u in (0.0, 0.25, almost_one, 1.0)]
    assert picked == [1, 3, 3, 3]


def test_guidance_of_one_is_the_condition_and_of_zero_is_none():
    conditional, null = torch.randn(2, 7)
    assert torch.allclose(guided(conditional, null, 1.0), conditional)
    assert torch.equal(guided(conditional, null, 0.0), null)


def test_a_stream_goes_on_where_it_was_left():
    whole = uniforms(77, 0, 100, 4)
    assert np.array_equal(uniforms(77, 60, 40, 4), whole[60:])
    assert np.array_equal(uniforms(77, 0, 10, 4), whole[:10])


def test_a_stream_is_the_seed_s_own_and_uniform():
    streams = batch_uniforms([1, 2, 1], 0, 5000, 4)
    assert torch.equal(streams[:, 0], streams[:, 2])
    assert not torch.equal(streams[:, 0], streams[:, 1])
    assert float(streams.min()) >= 0
    assert float(streams.max()) < 1
    assert kstest(streams[:, :2].numpy().ravel(), "uniform").pvalue > 0.001
    assert abs(np.corrcoef(streams[:, 0, 0], streams[:, 1, 0])[0, 1]) < 0.05


def test_the_stream_is_philox_as_it_is_defined():
    golden = [0.5170052385149787, 0.18380038030745394, 0.2128372644551676, 0.20996920348350878]
    assert uniforms(123, 0, 1, 4).tolist() == [golden]  # the sound of every take hangs on it


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_a_seed_that_cannot_be_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        uniforms(seed, 0, 1, 4)
