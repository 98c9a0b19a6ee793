"""What is learned and how: a killed run is no other run, codes and losses mean what the engine means by them."""

import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from db.training_tables import HELD_OUT
from flows.cli.train import _held_out_line
from models.house import unigram
from models.house.language import LanguageStep
from models.house.quantizer import LearningQuantizer
from models.house.sizes import empty_codec
from models.house.spectral import distance
from models.musicgen.checkpoint import inspect, load
from models.musicgen.engine import Condition, Engine, EngineSettings
from models.musicgen.text import TextEncoder
from models.musicgen.tokens import load_tokenizer
from services.training import checkpoints, lessons
from services.training.assembling import assemble, trained_codec, trained_model
from services.training.captions import caption, whole
from services.training.counting import draws, item_at
from services.training.dataset import Sounds, export, heard
from services.training.errors import OtherFilesError, TrainingError
from services.training.feeding import Feed
from services.training.listing import lines
from services.training.loop import Together, learn
from services.training.order import Order, read_order
from services.training.splitting import NOTHING, Split, held_out
from services.training.stages import run_stage
from services.training.tokens import Tokens, write_tokenizer
from tests.training_runs import MICRO, begun, items, order

LEARNED = ("dataset", "codec", "tokens", "model")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned without a stop, checkpoints kept every third step."""
    folder = begun(tmp_path_factory.mktemp("run"))
    for stage in LEARNED:
        run_stage(folder, stage, every=3)
    return folder


def test_a_run_that_is_killed_twice_in_every_lesson_is_the_same_run(run: Path, tmp_path: Path) -> None:
    again = begun(tmp_path)
    assert again.name == run.name  # the id says nothing of where it lies
    for stage in LEARNED:
        if stage in ("codec", "model"):
            _kill(again, stage, (4, 7))
        run_stage(again, stage, every=3)
    for name in ("codec.safetensors", "model.safetensors", "tokens/codes.npy", "tokens/tokenizer.json",
                 "dataset/audio-00000.npy", "result/curve-codec.csv", "result/curve-model.csv"):  # fmt: skip
        assert _digest(again / name) == _digest(run / name), name


def _kill(folder: Path, stage: str, steps: tuple[int, ...]) -> None:
    """Learn up to some step and lose everything since the last checkpoint, several times over."""
    told = read_order(folder)
    for stop in steps:
        make = lessons.codec_lesson if stage == "codec" else lessons.model_lesson
        data = folder / ("dataset" if stage == "codec" else "tokens")
        learn(make(told, data, MICRO.codec_course.steps, Together()), folder / stage, 3, stop_after=stop)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_a_loss_that_is_no_number_ends_a_lesson_before_it_is_kept(run: Path, tmp_path: Path) -> None:
    told = read_order(run)
    lesson = lessons.codec_lesson(told, run / "dataset", 8, Together())

    def forward(module: object, batch: object, step: int) -> torch.Tensor:
        return lesson.forward(module, batch, step) * (float("nan") if step == 4 else 1.0)

    with pytest.raises(TrainingError, match="step 5 is no number"):
        learn(replace(lesson, forward=forward), tmp_path, 1)
    kept = checkpoints.newest(tmp_path)
    assert kept is not None
    assert kept["step"] == 4


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run / "model", tmp_path / "model"))
    paths = sorted(folder.glob("step-*.pt"))
    assert len(paths) == checkpoints.KEPT
    newest = checkpoints.newest(folder)
    paths[-1].write_bytes(paths[-1].read_bytes()[:100])
    before = checkpoints.newest(folder)
    assert newest is not None
    assert before is not None
    assert (newest["step"], before["step"]) == (8, 6)


def test_an_order_that_was_changed_in_its_folder_is_told(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / run.name
    folder.mkdir()
    text = (run / "order.json").read_text(encoding="utf-8")
    (folder / "order.json").write_text(text.replace('"seed": 3', '"seed": 4'), encoding="utf-8")
    with pytest.raises(OtherFilesError, match="was changed"):
        read_order(folder)


def test_the_engine_predicts_what_the_trained_model_predicts(run: Path, tmp_path: Path) -> None:
    told = read_order(run)
    folder = assemble(told, run, tmp_path / "model")
    summary = inspect(folder)
    tensors = load(summary)
    decoder = {name.removeprefix("decoder."): tensor for name, tensor in tensors.items()
               if name.startswith(("decoder.", "enc_to_dec_proj."))}  # fmt: skip
    settings = EngineSettings(device="cpu", dtype="float32", kernels="plain", batch=1, text_tokens=64, threads=1)
    engine = Engine(summary.shape, decoder, settings)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    text = whole(told.items[0])
    states = TextEncoder(summary.text_config, tensors, tokenizer).encode(text)
    codes = torch.randint(0, 16, (1, 2, 20), generator=torch.Generator().manual_seed(1))
    heard_, silent = engine.logits([Condition(states, None, text)], codes)

    step = LanguageStep(trained_model(told, run)).eval()
    batch = lessons.told(codes.repeat(2, 1, 1), [text, ""], tokenizer)
    columns = torch.full((2, 2, 22), 16)
    columns[:, 0, 1:21], columns[:, 1, 2:22] = codes[:, 0], codes[:, 1]
    with torch.inference_mode():
        ours, null = step.logits(columns[:, :, :-1], batch.tokens, batch.mask, batch.told)
    torch.testing.assert_close(heard_, ours, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(silent, null, rtol=1e-4, atol=1e-4)


def test_what_lies_beyond_a_sounds_end_is_not_learned(run: Path) -> None:
    told = read_order(run)
    step = LanguageStep(trained_model(told, run)).eval()
    tokenizer = load_tokenizer(run / "tokens" / "tokenizer.json")
    short = torch.randint(0, 16, (1, 2, 10), generator=torch.Generator().manual_seed(2))
    longer = torch.nn.functional.pad(short, (0, 15), value=16)
    with torch.inference_mode():
        alone = step(*vars(lessons.told(short, ["calm"], tokenizer)).values())
        padded = step(*vars(lessons.told(longer, ["calm"], tokenizer)).values())
    torch.testing.assert_close(alone, padded, rtol=1e-5, atol=1e-5)
    assert alone.shape == (3,)


def test_codes_of_the_run_are_those_that_the_engines_codec_hears(run: Path) -> None:
    told = read_order(run)
    sounds, codes = Sounds(run / "dataset"), Tokens(run / "tokens")
    number = next(at for at, entry in enumerate(sounds.entries) if not entry.loop)
    frames = -(-sounds.entries[number].length // told.preset.codec.hop)
    found = codes.cut(number, draws(0, 1, 0), frames, 16)
    samples = sounds.cut(number, 0, frames * told.preset.codec.hop)
    assert np.array_equal(found, trained_codec(told, run).encode(samples[None]).numpy())


def test_a_stored_file_that_is_not_the_one_on_record_ends_the_export(tmp_path: Path) -> None:
    asked = order(tmp_path)
    path = tmp_path / "blobs" / asked.items[0].sha256[:2] / asked.items[0].sha256
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(OtherFilesError, match="cueworks verify"):
        export(asked, tmp_path / "data")


def test_a_loop_keeps_its_length_and_goes_round(tmp_path: Path) -> None:
    asked = order(tmp_path)
    loop = next(item for item in asked.items if item.loop)
    export(asked, tmp_path / "data")
    sounds = Sounds(tmp_path / "data", None)
    number = next(at for at, entry in enumerate(sounds.entries) if entry.take == loop.take)
    length = sounds.entries[number].length
    assert length == round(loop.controls["duration"] * 8000) == len(heard(tmp_path / "blobs", loop, 8000))
    assert np.array_equal(sounds.cut(number, length - 10, 20)[10:], sounds.cut(number, 0, 10))


@given(st.integers(0, 2**53 - 1), st.integers(1, 40), st.integers(0, 3))
def test_every_item_comes_once_an_epoch(seed: int, count: int, epoch: int) -> None:
    met = [item_at(seed, 1, epoch * count + row, count) for row in range(count)]
    assert sorted(met) == list(range(count))


def test_draws_follow_from_seed_purpose_and_number_alone() -> None:
    assert draws(5, 1, 9).random() == draws(5, 1, 9).random()
    assert len({draws(seed, purpose, number).random()
                for seed in (5, 6) for purpose in (1, 2) for number in (9, 10)}) == 8  # fmt: skip


def test_whole_zones_are_held_out_and_whole_points_where_there_is_one_zone(tmp_path: Path) -> None:
    every = items(tmp_path)
    out = held_out(every, 0.2)
    zones = [{item.zone for item in every if (item.take in out.takes) is held} for held in (True, False)]
    assert (len(zones[0]), zones[0] & zones[1], out.by) == (1, set(), "zone")
    assert held_out(every[::-1], 0.2) == out
    assert len(held_out(every, 1.0).takes) == 4
    alike = [replace(item, zone=None, cue="combat", point={"n": str(at % 3)}) for at, item in enumerate(every)]
    points = held_out(alike, 0.1)
    assert (len(points.takes), points.by) == (2, "point")
    assert len({item.point["n"] for item in alike if item.take in points.takes}) == 1
    one = [replace(item, point={}) for item in alike]
    assert held_out(one, 0.9) == Split(frozenset(), "")
    orders = [SimpleNamespace(items=items, preset=SimpleNamespace(held_out=0.1)) for items in (one, alike)]
    assert [_held_out_line(order) for order in orders] == [NOTHING, ""]  # type: ignore[arg-type]


def test_a_run_tells_where_nothing_was_held_out() -> None:
    figures = {"codec": {"spectral_distance": 1.0, "loudness_error_lu": 1.0}, "codes": {HELD_OUT: None},
               "takes": {"model": {"accepted": None, "on_tempo": None, "states_told": None}}}  # fmt: skip
    day = datetime(2026, 1, 1, tzinfo=UTC)
    row: Any = SimpleNamespace(
        config={"preset": {"name": "tiny"}, "seed": 0, "steps": {"codec": 1, "model": 1}}, id="a", name="house/a",
        revision="r", folder="f", catalogs=[], takes=1, manifest_sha256="", licences=[], fact_ids=[], by="Kim",
        code={"package": "", "commit": "", "source_sha256": ""}, started_at=day, ended_at=day, evaluation=figures,
    )  # fmt: skip
    assert dict(lines(row))["held out"] == NOTHING
    figures["codes"] = {HELD_OUT: {"told": 4.0}}
    assert "held out" not in dict(lines(row))


def test_a_tokenizer_hears_the_training_split_alone(run: Path, tmp_path: Path) -> None:
    told = read_order(run)
    heard = {entry.take for entry in Sounds(run / "dataset").entries}
    others = [item if item.take in heard else replace(item, prompt="zyzzyva qoph " * 9) for item in told.items]
    write_tokenizer(replace(told, items=tuple(others)), run / "dataset", tmp_path)
    assert _digest(tmp_path / "tokenizer.json") == _digest(run / "tokens" / "tokenizer.json")


def test_captions_lose_parts_as_often_as_was_said(tmp_path: Path) -> None:
    item, dropout = items(tmp_path)[0], MICRO.dropout
    found = [caption(item, dropout, draws(1, 6, row)) for row in range(2000)]
    without = sum(not text for text in found) / len(found)
    described = sum(text.startswith(item.prompt) for text in found) / len(found)
    assert without == pytest.approx(dropout.all, abs=0.03)
    assert described == pytest.approx((1 - dropout.all) * (1 - dropout.description), abs=0.04)
    assert "key: d minor" in whole(item)


def test_the_learned_tokenizer_is_always_the_same_and_reads_anything() -> None:
    words = Counter({"strings": 9, "stringed": 3, "bpm:": 40, "120.": 12, "taiko": 5})
    pieces = unigram.learned(words, 150)
    assert pieces == unigram.learned(Counter(dict(reversed(words.items()))), 150)
    assert len(pieces) <= 150
    read = unigram.tokenizer(pieces)
    assert read.encode("strings").tokens == ["▁strings", "</s>"]
    assert 2 not in read.encode("Zither & kazoo, 97.5 bpm").ids


def test_batches_come_in_order_and_an_error_where_its_batch_would() -> None:
    def make(step: int) -> int:
        if step == 5:
            raise OSError("gone")
        return step

    feed, seen = Feed(make, 2, 9), list[int]()
    with pytest.raises(OSError, match="gone"):
        for step in feed:
            seen.append(step)
    feed.close()
    assert seen == [2, 3, 4]
    early = Feed(make, 0, 3, ahead=1)
    assert next(iter(early)) == 0
    early.close()


def test_codebooks_follow_what_falls_to_them_and_dead_ones_come_back() -> None:
    codec = empty_codec(replace(MICRO.codec, codebooks=1))
    learning = LearningQuantizer(codec.quantizer).train()
    numbers = torch.Generator().manual_seed(0)
    states = torch.randn(1, 8, 64, generator=numbers)
    first = float(learning(states, numbers).commitment)
    codec.quantizer.layers[0].codebook.embed[3] = 1e6  # nobody is near it any more
    codec.quantizer.layers[0].codebook.embed_avg[3] = 1e6
    for _ in range(40):
        found = learning(states, numbers)
    assert float(found.commitment) < first
    assert float(codec.quantizer.layers[0].codebook.embed.abs().max()) < 100
    assert torch.equal(learning.eval()(states, numbers).codes[:, 0], codec.quantizer.encode(states)[0])


def test_the_spectral_distance_is_zero_for_equals_and_grows_with_noise() -> None:
    tone = torch.sin(torch.arange(4000) / 8)[None]
    noise = torch.randn(1, 4000, generator=torch.Generator().manual_seed(1))
    near, far = (float(distance(tone + level * noise, tone)) for level in (0.01, 0.3))
    assert float(distance(tone, tone)) == 0
    assert 0 < near < far


def test_an_orders_id_says_what_was_asked_and_not_where(tmp_path: Path) -> None:
    asked = order(tmp_path)
    same: list[Order] = [replace(asked, blobs="/elsewhere", by="Kim", out="/out", started_at="2026")]
    others = [replace(asked, seed=4), replace(asked, items=asked.items[:-1]), replace(asked, minutes=2.0),
              replace(asked, code={**asked.code, "source_sha256": "1" * 64}),
              replace(asked, code={**asked.code, "libraries": {"torch": "3"}})]  # fmt: skip
    assert {one.id for one in same} == {asked.id}
    assert len({one.id for one in others} | {asked.id}) == 6
