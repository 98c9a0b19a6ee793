"""The delay pattern: which frame stands where, and how many steps a length takes."""

import pytest
import torch

from models.musicgen.delays import UNKNOWN, delayed, planned, steps_of, undelayed
from models.musicgen.shape import Shape, ShapeError, mono_delays, stereo_delays
from tests.checkpoints import build

SPECIAL = 256


def test_a_column_holds_each_stream_s_own_frame():
    codes = torch.arange(8).view(1, 4, 2)
    assert delayed(codes, mono_delays(4), 9).tolist() == [
        [[9, 0, 1, 9, 9, 9], [9, 9, 2, 3, 9, 9], [9, 9, 9, 4, 5, 9], [9, 9, 9, 9, 6, 7]]
    ]


def test_left_and_right_are_equally_late():
    assert stereo_delays(4) == (0, 0, 1, 1, 2, 2, 3, 3)


@pytest.mark.parametrize("delays", [mono_delays(4), stereo_delays(4), (0,), (2, 0, 1)])
def test_undelayed_is_the_way_back(delays):
    codes = torch.randint(256, (3, len(delays), 17), generator=torch.Generator().manual_seed(0))
    columns = delayed(codes, delays, SPECIAL)
    assert columns.shape[2] == steps_of(17, delays) + 1
    assert torch.equal(undelayed(columns, delays, 17), codes)
    assert int((columns == SPECIAL).sum()) == 3 * len(delays) * (1 + max(delays))


@pytest.mark.parametrize(("kind", "delays"), [("mono", mono_delays(4)), ("stereo", stereo_delays(4))])
@pytest.mark.parametrize("known", [0, 5])
def test_the_plan_is_the_pattern_of_transformers(kind, delays, known):
    model, frames = build(kind), 12
    given = torch.randint(256, (2, len(delays), known), generator=torch.Generator().manual_seed(0))
    start = torch.full((2 * len(delays), 1), SPECIAL)
    told = torch.cat([start, given.flatten(0, 1)], dim=1)
    # its columns: the first special one, a frame each, and three more for the most delayed stream
    _, theirs = model.decoder.build_delay_pattern_mask(told, SPECIAL, max_length=1 + frames + 3)
    ours = planned([frames, frames], given if known else None, delays, SPECIAL)
    assert torch.equal(ours.flatten(0, 1), theirs)


def test_a_shorter_row_is_planned_as_if_alone():
    both = planned([5, 9], None, mono_delays(4), SPECIAL)
    alone = planned([5], None, mono_delays(4), SPECIAL)
    assert torch.equal(both[0, :, : alone.shape[2]], alone[0])
    assert (both[0, :, alone.shape[2] :] == SPECIAL).all()
    assert int((both[0] == UNKNOWN).sum()) == 4 * 5


@pytest.mark.parametrize(
    ("change", "field"),
    [(dict(width=65), "width"), (dict(heads=0), "heads"), (dict(delays=(0, 1)), "delays"), (dict(layers=1.5), "layers"),
     (dict(channels=3), "channels"), (dict(window_frames=-1), "window_frames"), (dict(depth=3), "depth")],
)  # fmt: skip
def test_a_shape_that_cannot_be_names_what_is_wrong(change, field):
    good = dict(width=64, layers=2, heads=4, feed_forward=256, streams=4, delays=(0, 1, 2, 3))
    with pytest.raises(ShapeError, match=field):
        Shape.from_json({**good, **change})
