"""The steps that a GPU replays, run on a processor: their static state, masks and buckets need no GPU to be wrong."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from models.musicgen.engine import decode_step
from models.musicgen.graphs import CapturedSteps
from models.musicgen.state import State
from tests.unit.test_musicgen_engine import MELODY, SMALL, STEREO, condition, engine, given_codes


class Uncaptured(CapturedSteps):
    """Replays a step by running it."""

    def _capture(self, live):
        step = self._step_over(live)
        step()  # as a warm-up does: whatever it leaves behind has to be harmless
        return SimpleNamespace(replay=step)


@pytest.mark.parametrize("shape", [SMALL, MELODY, STEREO])
@pytest.mark.parametrize("known", [0, 70])
def test_steps_to_be_captured_make_the_codes_of_plain_ones(shape, known):
    plain, replayed = engine(shape), engine(shape)
    kind = torch.empty(0)
    replayed.state = State.empty(shape, replayed.settings.batch, replayed.settings.text_tokens, kind, fixed=True)
    step = partial(decode_step, replayed.weights, replayed.state, replayed.settings)
    replayed._graphs = Uncaptured(replayed.state, step)
    assert len(replayed._graphs._graphs) == 2, "one for each number of slots that is covered"
    given = given_codes(shape, 3, known) if known else None
    for first in (0, 3):  # the second batch finds what the first one left
        conditions = [condition(1 + n, shape, seed=first) for n in range(3)]
        seeds = range(first, first + 3)
        frames = shape.window_frames - 20 * first  # captured steps cover more slots than a short piece has
        wanted = plain.generate(conditions, seeds, frames, given)
        assert torch.equal(replayed.generate(conditions, seeds, frames, given), wanted)
