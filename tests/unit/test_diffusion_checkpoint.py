"""Saved pipelines as they are inspected: whole ones of every family, and every fault told before anything is loaded."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.diffusion.abilities import abilities
from models.diffusion.checkpoint import check_values, inspect
from models.diffusion.generator import create
from models.diffusion.shape import Shape
from models.families import CheckpointError, family_of_folder
from models.pinning import file_digests, paths_of, whole_digest
from tests import pipelines
from tests.checkpoints import Mischief


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each family."""
    folder = tmp_path_factory.mktemp("whole")
    for kind in pipelines.KINDS:
        pipelines.write(folder / kind, kind)
    return folder


def faults(folder: Path) -> str:
    with pytest.raises(CheckpointError) as refused:
        check_values(inspect(folder))
    return "\n".join(refused.value.faults)


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_a_whole_pipeline_is_told(whole: Path, kind: str) -> None:
    summary = inspect(whole / kind)
    names: list[str] = []
    check_values(summary, names.append)
    assert len(names) > 50
    assert family_of_folder(whole / kind).name == "diffusion"
    shape = summary.shape_json()
    assert Shape.from_json(json.loads(json.dumps(shape))) == summary.shape
    assert summary.files == paths_of(summary.files, whole / kind)
    assert {"model_index.json", "scheduler/scheduler_config.json"} < set(summary.files)
    assert summary.bytes == sum(path.stat().st_size for path in summary.files.values())
    options = summary.options(f"tiny/{kind}", whole_digest(file_digests(summary.files)))
    assert options["revision"].startswith("pipeline-1+weights-")
    assert create(whole, summary.places()[0], **options).sample_rate == pipelines.RATE
    able = summary.abilities()
    assert able.steps == (1, 500) and able.longest_s > 20 and able.usual_guidance == summary.shape.guidance
    assert able.negative is (kind != "ace-step") and able.variation is (kind != "audioldm2")
    host, device = summary.places()
    assert device is not None
    assert (host.device, device.device) == ("cpu", "cuda") and host.resources.threads == 1


SAID = {
    "another-class": ["the pipeline is StableDiffusionPipeline; one of StableAudioPipeline"],
    "code-of-its-own": ["code of its own, which is never run; one of"],
    "missing-vocoder": ["model_index.json: the component vocoder is missing (SpeechT5HifiGan); fetch the whole"],
    "missing-folder": ["vocoder: no such folder, so the component vocoder is missing"],
    "wrong-scheduler": ["the pipeline cannot use the scheduler FlowMatchEulerDiscreteScheduler; DDIMScheduler or"],
    "unreached-scheduler": ["the scheduler DPMSolverSDEScheduler draws noise of its own, which no stream"],
    "wrong-part": ["unet is UNet2DConditionModel of diffusers; AudioLDM2UNet2DConditionModel is needed"],
    "own-part": ["unet is MyUNet of my_unet: code of its own, which is never run"],
    "auto-map": ["names code of its own (auto_map), which is never followed"],
    "other-weights": ["names files of weights that nobody looked at (transformers_weights)"],
    "other-numbers": ["unet/config.json: asks for weights in a form that is not read (quantization_config)"],
    "other-code": ["asks for another way to compute, which may be code of its own (attn_implementation)"],
    "beside": ["fp16.safetensors: belongs to no part of the pipeline", "diffusers.py: belongs to no part"],
    "elsewhere": ["vocab_file is '/etc/hostname', a file elsewhere; take it out"],
    "pickle": ["diffusion_pytorch_model.bin: a pickle, and reading it could run code", "save_pretrained"],
    "leads-out": ["names '../../outside.safetensors', which is no .safetensors file of this folder"],
    "linked-out": ["vae: leads out of the folder"],
    "tensors": ["unet: tensors are missing (1): conv_in.weight", "do not belong to it (1): conv_in.extra",
                "mid_block.resnets.0.conv1.weight is [15, 16, 3, 3]; [16, 16, 3, 3] is needed"],
    "nan": ["mid_block.resnets.0.conv1.weight: 9 of 2304 values are NaN"],
    "cut-short": ["not a whole safetensors file"],
    "no-tokenizer": ["tokenizer_2/tokenizer.json: no such file, so no prompt can be read"],
    "huge-json": ["unet/config.json: cannot be read as JSON (larger than 4 MiB)"],
    "endless": ["layers_per_block is 1000000000; at most 64 is believed"],
    "odd-rate": ["sampling_rate is 12345; one of 8000"],
    "no-fit": ["tokenizer_2/tokenizer.json: does not fit the text_encoder_2", "knows tokens up to"],
}  # fmt: skip


@pytest.mark.parametrize("fault", pipelines.BROKEN)
def test_a_broken_pipeline_is_refused_with_the_reason(
    whole: Path, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = faults(pipelines.write_broken(tmp_path / "broken", fault, whole / "audioldm2"))
    for words in SAID[fault]:
        assert words in said
    assert str(tmp_path) in said
    assert not (tmp_path / Mischief.MARK).exists()


def test_all_faults_are_told_at_once(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole / "audioldm2", tmp_path / "broken")
    for fault in ("missing-folder", "pickle", "no-tokenizer", "auto-map"):
        pipelines.BROKEN[fault](folder)
    said = faults(folder)
    for fault in ("missing-folder", "pickle", "no-tokenizer", "auto-map"):
        assert SAID[fault][0] in said
    with pytest.raises(CheckpointError, match="brings its own text encoder and codec"):
        inspect(whole / "ace-step", text_encoder=tmp_path)
    with pytest.raises(CheckpointError, match="no such folder"):
        inspect(tmp_path / "nowhere")


def test_schedules_that_no_take_could_be_made_again_with_are_refused(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole / "ace-step", tmp_path / "drawing")
    path = folder / "scheduler" / "scheduler_config.json"
    pipelines.edit_json(path, lambda config: config.update(stochastic_sampling=True, shift=3.0))
    said = faults(folder)
    assert "stochastic_sampling is set, and the pipeline gives it no stream" in said
    assert "but with num_train_timesteps 1 and shift 1.0" in said


def test_parts_of_different_pipelines_do_not_fit(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole / "stable-audio", tmp_path / "mixed")
    pipelines.oobleck((8, 8, 5), 4, pipelines.RATE).save_pretrained(folder / "vae")
    said = faults(folder)
    assert "parts that do not fit each other: transformer.in_channels is 8, " in said
    assert "vae.decoder_input_channels is 4" in said
    assert "downsampling_ratios [8, 8, 5] are not all even" in said


def test_sizes_stored_otherwise_are_read(whole: Path, tmp_path: Path) -> None:
    """Half precision, and names as older releases wrote them."""
    folder = shutil.copytree(whole / "audioldm2", tmp_path / "older")

    def older(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            plain = name.replace("parametrizations.weight.original0", "weight_g")
            held = weights.pop(name)
            weights[plain.replace("parametrizations.weight.original1", "weight_v")] = held.half()

    pipelines.edit_weights(folder / "vocoder" / "model.safetensors", older)
    assert inspect(folder).shape == inspect(whole / "audioldm2").shape


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=8), st.just({}),
    st.sampled_from([0, 1, -1, 8, 1 << 24, "8", [None], [8], 1.5, [2] * 60]), st.lists(st.integers(-3, 3), max_size=3),
)  # fmt: skip


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_hostile_words_are_faults_and_never_errors(whole: Path, tmp_path: Path, kind: str) -> None:
    folder = shutil.copytree(whole / kind, tmp_path / "hostile")
    files = [file for file in sorted(folder.rglob("*.json")) if file.name != "tokenizer.json"]
    places = [(file, field) for file in files for field in sorted(json.loads(file.read_text()))]

    @settings(max_examples=6, deadline=None, derandomize=True)
    @given(place=st.sampled_from(places), value=ODD)
    def hostile(place: tuple[Path, str], value: object) -> None:
        path, field = place
        held = path.read_text()
        pipelines.edit_json(path, lambda config: config.update({field: value}))
        try:
            inspect(folder)
        except CheckpointError as error:
            assert all(error.faults)
        finally:
            path.write_text(held)

    hostile()


HOSTILE: list[tuple[str, str, dict[str, Any], str]] = [
    ("stable-audio", "vae/config.json", {"sampling_rate": [8]}, r"sampling_rate is \[8\]; one of"),
    ("stable-audio", "vae/config.json", {"downsampling_ratios": [2] * 300}, "has 300 entries"),
    ("stable-audio", "transformer/config.json", {"sample_size": "x"}, "sample_size is x; a whole number"),
    ("stable-audio", "scheduler/scheduler_config.json", {"num_train_timesteps": 1 << 24}, "at most 10000"),
    ("stable-audio", "scheduler/scheduler_config.json", {"solver_order": 3}, "no 100 steps can be taken with it"),
    ("stable-audio-3", "vae/config.json", {"sliding_window": None}, "sliding_window is None; a whole number from 0"),
    ("stable-audio-3", "duration_embedder/config.json", {"max_val": "x"}, "max_val is x; a number above"),
    ("audioldm2", "scheduler/scheduler_config.json", {"prediction_type": "nonsense"}, "steps can be taken with it"),
    ("audioldm2", "scheduler/scheduler_config.json", {"num_train_timesteps": True}, "no DDIMScheduler can be"),
    ("audioldm2", "language_model/config.json", {"max_new_tokens": 4096}, "max_new_tokens is 4096"),
    ("stable-audio", "scheduler/scheduler_config.json", {"solver_order": 1 << 24}, "is 16777216; at most 4"),
    ("audioldm2", "tokenizer_2/tokenizer_config.json", {"model_max_length": 20}, "room for 20 tokens of text; 64 to"),
    ("audioldm2", "tokenizer/tokenizer_config.json", {"model_max_length": 139}, "8 to 138 are needed, for which"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "file", "words", "said"), HOSTILE)
def test_what_could_not_be_set_up_or_would_not_end_is_refused(
    whole: Path, tmp_path: Path, kind: str, file: str, words: dict[str, Any], said: str
) -> None:
    folder = shutil.copytree(whole / kind, tmp_path / "hostile", copy_function=os.link)
    (folder / file).unlink()
    shutil.copy(whole / kind / file, folder / file)
    pipelines.edit_json(folder / file, lambda config: config.update(words))
    assert re.search(said, faults(folder))


def test_schedules_of_few_steps_bound_what_may_be_asked(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole / "audioldm2", tmp_path / "few")
    path = folder / "scheduler" / "scheduler_config.json"
    pipelines.edit_json(path, lambda config: config.update(num_train_timesteps=50))
    shape = inspect(folder).shape
    assert (shape.steps, abilities(shape.as_json()).steps) == (50, (1, 50))


def test_building_has_an_end(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.diffusion.tensors.MOST_MODULES", 60)
    assert "unet/config.json: no AudioLDM2UNet2DConditionModel can be built from it: more than 60 modules" in faults(
        whole / "audioldm2"
    )


def test_a_direction_of_nothing_is_named(whole: Path, tmp_path: Path) -> None:
    """Normalising it divides nothing by nothing."""
    folder = shutil.copytree(whole / "stable-audio", tmp_path / "still")

    def still(weights: dict[str, torch.Tensor]) -> None:
        next(held for name, held in weights.items() if name.endswith("weight_v"))[1].zero_()

    pipelines.edit_weights(folder / "vae" / "diffusion_pytorch_model.safetensors", still)
    assert "weight_v: 1 of its rows have no direction, which gives NaN" in faults(folder)
