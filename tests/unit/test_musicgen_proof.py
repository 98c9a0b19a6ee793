"""Engines that prove their rows independent, on a processor and by captured steps; and what is refused."""

from functools import partial

import pytest
import torch

from models.musicgen import decoder, proof
from models.musicgen.engine import decode_step
from models.musicgen.state import State
from tests.unit.test_musicgen_engine import MELODY, SMALL, STEREO, condition
from tests.unit.test_musicgen_engine import engine as any_engine
from tests.unit.test_musicgen_graphs import Uncaptured

SHAPES = [SMALL, MELODY, STEREO]


def engine(shape, **settings):
    """Packed: torch's own products of six rows depend on the row's place."""
    return any_engine(shape, **{"dtype": "bfloat16", "kernels": "packed", **settings})


def replaying(shape):
    """An engine whose steps are those that a GPU captures."""
    made = engine(shape)
    made.state = State.empty(shape, made.settings.batch, made.settings.text_tokens, torch.empty(0), True)
    made._graphs = Uncaptured(made.state, partial(decode_step, made.weights, made.state, made.settings))
    return made


def dependence(made):
    return proof.dependence(made, condition(3, made.shape, seed=1), condition(5, made.shape, seed=2))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_many_rows_whose_past_is_laid_out_for_every_step_prove_it(shape, dtype):
    assert dependence(engine(shape, dtype=dtype, batch=8)) == ""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("build", [engine, replaying])
def test_an_engine_whose_rows_are_its_own_proves_it_and_goes_on_as_before(build, shape):
    made, conditions = build(shape), [condition(1 + n, shape, seed=n) for n in range(3)]
    before = made.generate(conditions, range(3), 20)
    assert dependence(made) == ""
    assert torch.equal(made.generate(conditions, range(3), 20), before)


@pytest.mark.parametrize("build", [engine, replaying])
def test_a_place_that_is_read_otherwise_is_found_though_no_step_is(build, monkeypatch):
    """As by the last rows of a kernel's blocks: one bit, only where many codes are read at once."""
    made, true = build(SMALL), decoder.one_pass

    def leaky(weights, x, past, told, where):
        y = true(weights, x, past, told, where)
        if len(y) > 6:  # more than one column of six rows
            y[-1] = torch.nextafter(y[-1], y[-1] + 1)
        return y

    monkeypatch.setattr(decoder, "one_pass", leaky)
    assert dependence(made).startswith("the reading of ")


def test_a_length_whose_graph_computes_otherwise_is_found(monkeypatch):
    """No other step of it is told: only the graph over the whole window leaks, into the key that is kept."""
    made = replaying(SMALL)
    longest = made.state.slots
    true = made._graphs.replay

    def leaky(slot):
        true(slot)
        if slot // 128 == (longest - 1) // 128:
            made.state.past[-1].keys[1, :, slot] *= 1 + 1e-6

    monkeypatch.setattr(made._graphs, "replay", leaky)
    past = proof._pasts(made)[-1]
    assert dependence(made) == f"a step with {past} behind it"


def test_on_a_processor_few_steps_are_taken_and_by_captured_ones_every_length():
    made = engine(SMALL)
    taken = []
    true = made._advance
    made._advance = lambda step: taken.append(step) or true(step)
    dependence(made)
    assert len(taken) <= 4
    fixed = replaying(SMALL)
    assert {(fixed.state.front + past) // 128 for past in proof._pasts(fixed)} == {
        slot // 128 for slot in range(fixed.state.front, fixed.state.front + SMALL.window_frames)
    }
