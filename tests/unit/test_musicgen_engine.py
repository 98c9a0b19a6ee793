"""One take, one sound: what a row makes depends on its prompt, seed and length alone. And what goes wrong is told."""

import random
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from models.musicgen.engine import Condition, Engine, EngineError, EngineSettings, fastest_on_cpu
from models.musicgen.kernels import runnable
from models.musicgen.shape import Shape, mono_delays, stereo_delays
from tests.unit.musicgen_peers import random_tensors

SMALL = Shape(
    width=64, layers=2, heads=4, feed_forward=256, streams=4, delays=mono_delays(4), cardinality=128, text_width=24,
    window_frames=200,
)  # fmt: skip
WIDE = replace(SMALL, width=512, heads=8, feed_forward=2048)  # wide enough for blocked kernels
MELODY = replace(SMALL, cross_attention=False, chroma_bins=12, chroma_frames=20)
STEREO = replace(SMALL, streams=8, delays=stereo_delays(4), channels=2)
PROFILES = [
    ("float32", "plain"),
    ("float32", "packed"),
    ("bfloat16", "plain"),
    ("bfloat16", "packed"),
    ("bfloat16", "int8"),
]
PLACES = [("cpu", *profile) for profile in PROFILES]


def condition(n, shape=SMALL, seed=0):
    numbers = torch.Generator().manual_seed(100 * n + seed)
    text = torch.randn(n, shape.text_width, generator=numbers)
    prefix = torch.randn(shape.chroma_frames + n, shape.width, generator=numbers)
    return Condition(text, None if shape.cross_attention else prefix, f"{n} {seed}")


def engine(shape=SMALL, spread=0.15, **settings):
    return Engine(
        shape, random_tensors(shape, spread=spread), EngineSettings(**{"text_tokens": 8, "batch": 3, **settings})
    )


def given_codes(shape, rows, frames):
    return torch.randint(shape.cardinality, (rows, shape.streams, frames), generator=torch.Generator().manual_seed(9))


def takes(shape, count, longest):
    """(condition, seed, frames) of takes: prompts of every length, some shared, lengths of their own."""
    lengths = [longest, longest - 1, longest // 2, 1]
    return [
        (condition(1 + index % 8, shape, seed=index // 3), 1000 + index, lengths[index % 4]) for index in range(count)
    ]


def made(engine, orders):
    conditions, seeds, frames = zip(*orders, strict=True)
    codes = engine.generate(conditions, seeds, frames)
    return [row[:, :own] for row, own in zip(codes, frames, strict=True)]


@pytest.mark.parametrize(("device", "dtype", "kernels"), [*PLACES, pytest.param("cuda", "bfloat16", "plain", marks=[
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")])])  # fmt: skip
@pytest.mark.parametrize(("shape", "batch"), [(WIDE, 1), (WIDE, 4), (WIDE, 16), (MELODY, 3), (STEREO, 5)])
def test_a_take_sounds_the_same_anywhere(shape, batch, device, dtype, kernels):
    ours = engine(shape, spread=0.08, batch=batch, device=device, dtype=dtype, kernels=kernels)
    orders = takes(shape, batch + 3, longest=20)
    sounds = {}
    for index, order in enumerate(orders[:5]):
        rows = made(ours, [order] * batch)
        assert all(torch.equal(rows[0], row) for row in rows)  # the same take at every row
        sounds[index] = rows[0]
    dice = random.Random(4)
    for _ in range(5):
        chosen = dice.sample(range(len(orders)), batch)
        for index, sound in zip(chosen, made(ours, [orders[index] for index in chosen]), strict=True):
            assert torch.equal(sound, sounds.setdefault(index, sound)), f"take {index} among {chosen}"
    assert len({tuple(sound[:, :1].flatten().tolist()) for sound in sounds.values()}) > len(sounds) // 2


@pytest.mark.parametrize(("dtype", "kernels"), PROFILES)
@pytest.mark.parametrize("shape", [WIDE, MELODY])
def test_a_continued_take_sounds_the_same_anywhere(shape, dtype, kernels):
    ours = engine(shape, spread=0.08, batch=3, dtype=dtype, kernels=kernels)
    given, told, seeds = given_codes(shape, 3, 70), [condition(n, shape) for n in (8, 1, 4)], [5, 6, 7]
    first = ours.generate(told, seeds, 90, given, first_step=120)
    order = [2, 0, 1]
    moved = ours.generate([told[i] for i in order], [seeds[i] for i in order], 90, given[order], first_step=120)
    assert torch.equal(moved, first[order])
    alone = ours.generate([told[1]] * 3, [seeds[1]] * 3, 90, given[[1, 1, 1]], first_step=120)
    assert torch.equal(alone[2], first[1])
    assert torch.equal(first[:, :, :70], given)


def test_a_new_engine_makes_the_same_codes():
    orders = takes(SMALL, 3, 30)
    first, second = engine(), engine()
    made(second, takes(SMALL, 6, 50)[3:])  # what was made before leaves nothing behind
    assert all(map(torch.equal, made(first, orders), made(second, orders)))


def test_what_a_prefix_foretells_is_made_again_after_it():
    """Codes made in one go, and the same made from their own beginning, are the same: steps and reading agree."""
    ours = engine()
    told, seeds = [condition(n) for n in (1, 5, 8)], [1, 2, 3]
    whole = ours.generate(told, seeds, 150)
    for known in (1, 3, 64, 149, 150):
        assert torch.equal(ours.generate(told, seeds, 150, whole[:, :, :known]), whole)


@pytest.mark.parametrize("shape", [SMALL, MELODY])
@pytest.mark.parametrize("known", [0, 45])
def test_many_rows_attend_by_products_and_make_what_few_make(shape, known):
    """Over a past that is laid out anew as it grows, with a shorter neighbour and from known codes on."""
    told, seeds, frames = [condition(n, shape) for n in (1, 5, 8)], [1, 2, 3], [150, 60, 150]
    given = given_codes(shape, 3, known)
    few = engine(shape).generate(told, seeds, frames, given)
    many = engine(shape, batch=9).generate(told * 3, seeds * 3, frames * 3, given.repeat(3, 1, 1))
    assert torch.equal(many, few.repeat(3, 1, 1))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_how_many_takes_there_are_settles_how_keys_are_kept(dtype):
    kept = {batch: engine(dtype=dtype, batch=batch).profile()["key_value_dtype"] for batch in (1, 4, 8)}
    assert kept == {1: "float32", 4: "float32", 8: dtype}


def test_the_random_stream_goes_on_in_a_later_window():
    """Guidance and text aside, a code hangs on its own number: the same numbers come, wherever a window begins."""
    ours = engine(temperature=1e4, top_k=0, batch=1)  # all codes alike: what is drawn is the number itself
    whole = ours.generate([condition(3)], [11], 100)
    later = ours.generate([condition(3)], [11], 60, given=whole[:, :, 40:60], first_step=40)
    other = ours.generate([condition(3)], [11], 60, given=whole[:, :, 40:60], first_step=41)
    assert (later[:, :, 20:] - whole[:, :, 60:]).abs().max() <= 1
    assert (other[:, :, 20:] - whole[:, :, 60:]).abs().max() > 1


def test_other_seeds_and_prompts_make_other_codes():
    ours = engine()
    codes = ours.generate([condition(3), condition(3), condition(4)], [1, 2, 1], 20)
    assert not torch.equal(codes[0], codes[1])
    assert not torch.equal(codes[0], codes[2])
    assert int(codes.max()) < SMALL.cardinality


def test_a_condition_is_computed_once_and_shared(monkeypatch):
    from models.musicgen import decoder

    heard, text_keys_values = [], decoder.text_keys_values
    monkeypatch.setattr(decoder, "text_keys_values", lambda *told: heard.append(1) or text_keys_values(*told))
    ours = engine()
    ours.generate([condition(3), condition(5), condition(3)], [1, 2, 3], 4)
    ours.generate([condition(5), condition(3), condition(3)], [4, 5, 6], 4)
    assert len(heard) == 2
    ours.generate([condition(6), condition(7), condition(8)], [1, 2, 3], 4)
    ours.generate([condition(3)] * 3, [1, 2, 3], 4)  # forgotten: the batch has three places
    assert len(heard) == 6


@pytest.mark.parametrize("shape", [SMALL, MELODY])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_told_with_row_and_step_and_leave_nothing_behind(shape, value):
    ours = engine(shape)
    told = [condition(n, shape) for n in (2, 3, 4)]
    before = ours.generate(told, [1, 2, 3], 20)
    broken = condition(3, shape, seed=1)
    (broken.text if shape.cross_attention else broken.prefix)[0, 0] = value
    with pytest.raises(EngineError, match=r"row 1, step 0: .*not all finite"):
        ours.generate([told[0], broken, told[2]], [1, 2, 3], 20)
    assert torch.equal(ours.generate(told, [1, 2, 3], 20), before)


def test_a_broken_embedding_is_told_at_the_step_that_reads_it():
    tensors = random_tensors(SMALL, spread=0.15)
    tensors["model.decoder.embed_tokens.2.weight"][:-1] = torch.nan  # all but the special one: stream 2 begins late
    ours = Engine(SMALL, tensors, EngineSettings(batch=1, text_tokens=8))
    with pytest.raises(EngineError, match="row 0, step 3"):
        ours.generate([condition(3)], [1], 20)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(seeds=[1, 2]), "2 seeds"),
        (dict(frames=0), "1 to 200 frames"),
        (dict(frames=201), "1 to 200 frames"),
        (dict(conditions=[condition(9)] * 3), r"row 0: condition \(9, 24\) is not \[1 to 8, 24\]"),
        (dict(conditions=[condition(2), condition(3, WIDE), Condition(torch.zeros(2, 23), None, "x")]), "row 2"),
        (dict(given=torch.zeros(3, 4, 21, dtype=torch.int64)), "given codes"),
        (dict(given=torch.full((3, 4, 2), 128)), "0 to 127"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    order = {"conditions": [condition(2)] * 3, "seeds": [1, 2, 3], "frames": 20, **change}
    with pytest.raises(ValueError, match=said):
        engine().generate(**order)


def test_melody_checkpoints_need_a_prefix():
    with pytest.raises(ValueError, match="prefix of chroma and text"):
        engine(MELODY).generate([condition(2)] * 3, [1, 2, 3], 4)


@pytest.mark.parametrize(
    "wrong", [dict(dtype="float8"), dict(kernels="fast"), dict(kernels="int8"), dict(batch=0), dict(temperature=0.0)]
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError):
        EngineSettings(**wrong)


def test_the_profile_tells_what_was_taken_where_kernels_are_missing(monkeypatch):
    assert engine(dtype="bfloat16", kernels="int8").profile()["int8_weights"] is True

    def missing(*_):
        raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_linear_pointwise'")

    monkeypatch.setattr("models.musicgen.kernels.PackedLinear.__init__", missing)
    profile = engine(kernels="packed").profile()
    assert (profile["kernels"], profile["asked_kernels"]) == ("plain", "packed")


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_the_fastest_settings_are_settings(batch):
    dtype, kernels = fastest_on_cpu(batch)
    EngineSettings(dtype=dtype, kernels=kernels, batch=batch)
    assert runnable("plain", "cuda", torch.float32) == "plain"


MEASURE = """
import ctypes, resource, sys, torch
from pathlib import Path
from models.musicgen.engine import Condition, Engine, EngineSettings
from models.musicgen.shape import Shape
from tests.unit.musicgen_peers import random_tensors
torch.set_num_threads(1)
def held():
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
dtype, kernels, cross = sys.argv[1:]
more = {} if cross == "1" else dict(cross_attention=False, chroma_bins=12, chroma_frames=60)
sizes = dict(layers=6, streams=4, delays=(0, 1, 2, 3), window_frames=120)
shape = Shape(width=768, heads=12, feed_forward=3072, **sizes, **more)
tensors = random_tensors(shape)
settings = EngineSettings(batch=6, text_tokens=32, dtype=dtype, kernels=kernels)
text = [torch.randn(32, 768) for _ in range(6)]
told = [Condition(t, None if cross == "1" else torch.randn(92, 768), str(n)) for n, t in enumerate(text)]
given = torch.zeros(6, 4, 100, dtype=torch.int64)
warm = Shape(width=64, heads=1, feed_forward=64, **{**sizes, "layers": 1})
text_of_warm = [Condition(t, None, c.key) for t, c in zip(text, told)]
Engine(warm, random_tensors(warm), settings).generate(text_of_warm, range(6), 2)  # libraries take their part
before = held()
engine = Engine(shape, tensors, settings)
engine.generate(told, range(6), 120, given)
print(held() - before, Engine.memory(shape, settings))
"""


@pytest.mark.thorough
@pytest.mark.parametrize(("dtype", "kernels", "cross"), [("float32", "packed", "0"), ("bfloat16", "int8", "1")])
def test_the_memory_told_beforehand_is_what_is_taken(dtype, kernels, cross):
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, dtype, kernels, cross], capture_output=True, text=True, check=True, timeout=120
    )
    taken, foretold = map(int, told.stdout.split())
    assert taken == pytest.approx(foretold, rel=0.15)
