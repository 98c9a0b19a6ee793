"""Checkpoints in both formats, whole and broken: what is told of them, and that nothing of them runs or is believed."""

import json
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.musicgen import names
from models.musicgen.checkpoint import CheckpointError, Summary, check_values, inspect, load
from models.musicgen.revision import revision
from models.pinning import ChangedFilesError, check_unchanged, file_digests, stamp, whole_digest
from tests import checkpoints
from tests.checkpoints import BROKEN, BROKEN_AUDIOCRAFT, Audiocraft


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good transformers folder of every kind."""
    home = tmp_path_factory.mktemp("checkpoints")
    return {kind: checkpoints.write_transformers(home / kind, kind) for kind in checkpoints.KINDS}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Audiocraft:
    """A good audiocraft folder with its text encoder and codec."""
    return checkpoints.write_audiocraft(tmp_path_factory.mktemp("original"))


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def faults_of(folder: Path, **beside: Path) -> tuple[str, ...]:
    with pytest.raises(CheckpointError) as caught:
        check_values(inspect(folder, **beside))
    return caught.value.faults


@pytest.mark.parametrize(
    ("kind", "streams", "delays", "cross", "chroma"),
    [
        ("mono", 4, (0, 1, 2, 3), True, 0),
        ("stereo", 8, (0, 0, 1, 1, 2, 2, 3, 3), True, 0),
        ("melody", 4, (0, 1, 2, 3), False, 12),
    ],
)
def test_shape_is_read_from_configuration(
    folders: dict[str, Path], kind: str, streams: int, delays: tuple[int, ...], cross: bool, chroma: int
) -> None:
    found = inspect(folders[kind])
    shape = found.shape
    assert (found.kind, found.format) == (kind, "transformers")
    assert (shape.streams, shape.delays, shape.cross_attention, shape.chroma_bins) == (streams, delays, cross, chroma)
    assert (shape.frame_rate, shape.sample_rate, shape.window_frames) == (50, 32000, checkpoints.WINDOW_FRAMES)
    assert found.bytes == sum(path.stat().st_size for path in found.files.values())


@pytest.mark.parametrize("kind", checkpoints.KINDS)
def test_weights_are_those_that_transformers_reads(folders: dict[str, Path], kind: str) -> None:
    model = checkpoints.build(kind).state_dict()
    loaded = load(inspect(folders[kind]))
    assert set(names.decoder_tensors(inspect(folders[kind]).shape)) <= set(loaded)
    assert all(torch.equal(tensor, model[name]) for name, tensor in loaded.items())
    assert {name for name in model if name.startswith("decoder.")} <= set(loaded)


@pytest.mark.parametrize("kind", checkpoints.KINDS)
def test_both_formats_hold_the_same_model(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    made = checkpoints.write_audiocraft(tmp_path, kind)
    theirs = inspect(made.folder, made.text_encoder, made.codec)
    ours = inspect(folders[kind])
    assert theirs.shape == ours.shape
    one, other = load(theirs), load(ours)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_sharded_older_and_half_precision_files_are_read(folders: dict[str, Path], tmp_path: Path) -> None:
    whole = load(inspect(folders["mono"]))
    sharded = checkpoints.write_transformers(tmp_path / "sharded", shard="300KB")
    assert len(list(sharded.glob("model-*.safetensors"))) > 1
    assert all(torch.equal(whole[name], tensor) for name, tensor in load(inspect(sharded)).items())
    half = load(inspect(checkpoints.write_transformers(tmp_path / "half", dtype="bfloat16")))
    assert half["decoder.lm_heads.0.weight"].dtype == torch.bfloat16
    assert load(inspect(folders["mono"]), dtype="float16")["decoder.lm_heads.0.weight"].dtype == torch.float16
    old = copied(folders["mono"], tmp_path / "old")
    checkpoints.edit_weights(old, _as_older_libraries_wrote_them)
    assert all(torch.equal(whole[name], tensor) for name, tensor in load(inspect(old)).items())


def _as_older_libraries_wrote_them(weights: dict[str, torch.Tensor]) -> None:
    weights["decoder.model.decoder.embed_positions.weights"] = torch.zeros(503, 64)
    weights["text_encoder.encoder.embed_tokens.weight"] = weights.pop("text_encoder.shared.weight")
    for number, old in enumerate((".weight_g", ".weight_v")):
        new = f".parametrizations.weight.original{number}"
        for name in [name for name in weights if name.endswith(new)]:
            weights[name.removesuffix(new) + old] = weights.pop(name)


def test_torch_files_of_a_transformers_folder_are_read(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "bin")
    whole = load(inspect(folder))
    torch.save(whole, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert all(torch.equal(whole[name], tensor) for name, tensor in load(inspect(folder)).items())


TELLS = {
    "missing-tensors": ("layers.1.fc1.weight", "lm_heads.2.weight", "(2)"),
    "extra-tensor": ("layers.9.fc1.weight", "(1)"),
    "shape-off-by-one": ("layers.1.fc1.weight is [255, 64]; [256, 64] is needed",),
    "nan-weights": ("layers.1.fc1.weight: 1 of 16384 values are NaN or infinite", "fetch the checkpoint again"),
    "infinite-weights": ("layers.1.fc1.weight: 1 of 16384",),
    "whole-number-weights": ("layers.1.fc1.weight is stored as I8",),
    "truncated": ("model.safetensors: not a whole safetensors file", "fetch it again"),
    "overlapping-offsets": ("model.safetensors: not a whole safetensors file",),
    "huge-header": ("model.safetensors: not a whole safetensors file",),
    "pickle": ("pytorch_model.bin", "refused", "safetensors"),
    "wrong-architecture": ("LlamaForCausalLM", "MusicGen"),
    "no-tokenizer": ("tokenizer.json: no such file", "AutoTokenizer"),
    "no-config": ("neither model_index.json (a diffusers pipeline) nor a MusicGen config.json",),
    "no-weights": ("no weights: model.safetensors",),
    "config-is-no-json": ("config.json: cannot be read as JSON",),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_folder_is_told_with_what_is_wrong(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    folder = copied(folders["mono"], tmp_path / "broken")
    BROKEN[fault](folder)
    monkeypatch.chdir(tmp_path)
    told = "\n".join(faults_of(folder))
    assert all(part in told for part in TELLS[fault]), told
    assert not (tmp_path / checkpoints.Mischief.MARK).exists()


TELLS_AUDIOCRAFT = {
    "missing-tensors": "decoder.model.decoder.layers.1.fc1.weight",
    "shape-off-by-one": "transformer.layers.0.self_attn.in_proj_weight is [191, 64]; [192, 64] is needed",
    "nan-weights": "out_norm.weight: 1 of 64 values",
    "no-settings": "xp.cfg",
    "truncated": "not a whole torch file",
    "pickle": "run code",
    "plain-pickle": "refused",
}


@pytest.mark.parametrize("fault", BROKEN_AUDIOCRAFT)
def test_a_broken_audiocraft_folder_is_told_with_what_is_wrong(
    original: Audiocraft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    folder = copied(original.folder, tmp_path / "broken")
    BROKEN_AUDIOCRAFT[fault](folder)
    monkeypatch.chdir(tmp_path)
    told = faults_of(folder, text_encoder=original.text_encoder, codec=original.codec)
    assert TELLS_AUDIOCRAFT[fault] in "\n".join(told)
    assert not (tmp_path / checkpoints.Mischief.MARK).exists()


def test_an_audiocraft_folder_says_what_it_needs_beside_it(original: Audiocraft) -> None:
    told = "\n".join(faults_of(original.folder))
    assert "--text-encoder FOLDER" in told
    assert "--codec FOLDER" in told


def test_a_wrong_codec_or_settings_that_compute_otherwise_are_told(original: Audiocraft, tmp_path: Path) -> None:
    codec = copied(original.codec, tmp_path / "codec")
    checkpoints.edit_config(codec, lambda config: config.update(model_type="dac", normalize=True))
    told = "\n".join(faults_of(original.folder, text_encoder=original.text_encoder, codec=codec))
    assert "the codec is dac" in told
    assert "normalize is True; only False" in told
    folder = copied(original.folder, tmp_path / "rotary")

    def rotary(state: dict[str, object]) -> None:
        state["xp.cfg"] = str(state["xp.cfg"]).replace("positional_embedding: sin", "positional_embedding: rope")

    checkpoints.edit_state(folder, rotary)
    told = "\n".join(faults_of(folder, text_encoder=original.text_encoder, codec=original.codec))
    assert "positional_embedding is rope; only sin" in told


def test_every_fault_is_told_at_once(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "many")
    for fault in ("missing-tensors", "extra-tensor", "no-tokenizer"):
        if fault == "extra-tensor":
            checkpoints.edit_weights(folder, lambda weights: weights.update({"stray": torch.zeros(2)}))
        else:
            BROKEN[fault](folder)
    told = "\n".join(faults_of(folder))
    assert all(part in told for part in ("lm_heads.2", "stray", "tokenizer.json"))


def test_many_missing_tensors_are_counted(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "few")

    def only_codec(weights: dict[str, torch.Tensor]) -> None:
        for name in [name for name in weights if not name.startswith("audio_encoder.")]:
            del weights[name]

    checkpoints.edit_weights(folder, only_codec)
    told = "\n".join(faults_of(folder))
    missing = sum(not name.startswith("audio_encoder.") for name in inspect(folders["mono"]).tensors)
    assert f"({missing})" in told
    assert f"and {missing - 20} more" in told


def test_an_index_that_leads_out_of_the_folder_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "index")
    (folder / "model.safetensors").rename(tmp_path / "model.safetensors")
    index = {"weight_map": {"a": "../model.safetensors", "b": "/etc/passwd", "c": "gone.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    told = "\n".join(faults_of(folder))
    assert "'../model.safetensors', which is no .safetensors file of this folder" in told
    assert "'/etc/passwd', which is no" in told
    assert "gone.safetensors: no such file" in told


def test_a_tokenizer_of_another_model_is_noticed(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "other")
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["post_processor"] = None
    path.write_text(json.dumps(told), encoding="utf-8")
    assert "does not fit the text encoder" in "\n".join(faults_of(folder))
    path.write_text("{}", encoding="utf-8")
    assert "no tokenizer can be read" in "\n".join(faults_of(folder))


def test_a_tokenizer_with_words_beyond_the_text_encoder_is_noticed(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "wide")
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    beyond = {"id": 10**6, "content": "<beyond>", "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": False}  # fmt: skip
    words = told["model"]["vocab"]
    if isinstance(words, dict):
        words["beyond"] = 10**6
    else:
        size = inspect(folder).text_config["vocab_size"]
        words += [[f"beyond-{n}", 0.0] for n in range(size)]
        beyond["id"] = len(words)
    told["added_tokens"] = [*told.get("added_tokens", []), beyond]
    path.write_text(json.dumps(told), encoding="utf-8")
    assert "does not fit the text encoder" in "\n".join(faults_of(folder))


def test_numbers_that_are_none_are_refused_in_a_configuration(folders: dict[str, Path], tmp_path: Path) -> None:
    """They would be part of the engine profile, which has no way to write them."""
    folder = copied(folders["mono"], tmp_path / "numbers")
    path = folder / "config.json"
    for number in ("NaN", "1e999"):
        config = json.loads((folders["mono"] / "config.json").read_text(encoding="utf-8"))
        config["audio_encoder"]["trim_right_ratio"] = "HERE"
        path.write_text(json.dumps(config).replace('"HERE"', number), encoding="utf-8")
        assert "a number is needed" in "\n".join(faults_of(folder))


def test_a_tensor_that_claims_more_than_is_stored_is_refused_before_it_is_read(
    original: Audiocraft, tmp_path: Path
) -> None:
    folder = copied(original.folder, tmp_path / "claims")
    window = "condition_provider.conditioners.self_wav.chroma.spec.window"  # of no use, so of no size that is known
    checkpoints.edit_state(folder, lambda state: state["best_state"].update({window: torch.zeros(1).expand(1 << 50)}))
    told = "\n".join(faults_of(folder, text_encoder=original.text_encoder, codec=original.codec))
    assert "claims more values than are stored" in told


def test_settings_that_repeat_themselves_are_refused(original: Audiocraft, tmp_path: Path) -> None:
    folder = copied(original.folder, tmp_path / "aliases")
    steps = ["a0: it's", "a1: &a1 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(2, 8)), "b: it's"]

    def bomb(state: dict[str, object]) -> None:
        state["xp.cfg"] = "\n".join([*steps, str(state["xp.cfg"]).replace("norm_first: true", "norm_first: *a7")])

    checkpoints.edit_state(folder, bomb)
    told = "\n".join(faults_of(folder, text_encoder=original.text_encoder, codec=original.codec))
    assert "repeats itself by aliases" in told


def test_options_are_plain_and_pin_the_files(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["mono"], tmp_path / "pinned")
    found = inspect(folder)
    digest = whole_digest(file_digests(found.files))
    options = found.options("tiny", digest)
    assert json.loads(json.dumps(options)) == options
    assert options["revision"] == revision(digest)
    assert options["revision"].endswith(f"+weights-{digest[:16]}")
    check_unchanged(found.files, options["stamp"], digest, "tiny", "models add")
    (folder / "config.json").touch()  # the same bytes at another time: hashed again, and good
    assert stamp(found.files) != options["stamp"]
    check_unchanged(found.files, options["stamp"], digest, "tiny", "models add")
    checkpoints.edit_weights(folder, lambda weights: weights["decoder.lm_heads.0.weight"].add_(1))
    with pytest.raises(ChangedFilesError, match=r"model\.safetensors changed since"):
        check_unchanged(found.files, options["stamp"], digest, "tiny", "models add")


def test_other_kinds_of_weights_have_other_digests(folders: dict[str, Path]) -> None:
    digests = {kind: whole_digest(file_digests(inspect(folder).files)) for kind, folder in folders.items()}
    assert len(set(digests.values())) == 3


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _known_or_refused(folder: Path) -> Summary | None:
    """An inspection either succeeds or says why; it never fails in another way."""
    try:
        return inspect(folder)
    except CheckpointError as error:
        assert error.faults
        assert all(fault.strip() for fault in error.faults)
        return None


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_configuration_breaks_the_inspection(folders: dict[str, Path], tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "hostile"
    if not folder.exists():
        copied(folders["melody"], folder)
    config = json.loads((folders["melody"] / "config.json").read_text(encoding="utf-8"))
    part = data.draw(st.sampled_from([None, "decoder", "text_encoder", "audio_encoder"]))
    fields = config if part is None else config[part]
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3)):
        fields[name] = data.draw(PLAIN)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = _known_or_refused(folder)
    assert found is None or found.shape.chroma_bins == 12


@given(place=st.integers(0, 200), byte=st.integers(0, 255), kept=st.floats(0, 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_the_header_breaks_the_inspection(
    folders: dict[str, Path], tmp_path: Path, place: int, byte: int, kept: float
) -> None:
    folder = tmp_path / "damaged"
    if not folder.exists():
        copied(folders["mono"], folder)
    raw = bytearray((folders["mono"] / "model.safetensors").read_bytes())
    raw[place] = byte
    length = struct.unpack("<Q", raw[:8])[0]
    end = len(raw) if kept > 0.5 else int(min(length, len(raw)) * kept * 2)
    (folder / "model.safetensors").write_bytes(raw[:end])
    found = _known_or_refused(folder)
    if found is not None:
        assert load(found).keys() == found.tensors.keys()


@given(st.binary(max_size=400))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_reading_of_torch_files(original: Audiocraft, tmp_path: Path, raw: bytes) -> None:
    folder = tmp_path / "bytes"
    folder.mkdir(exist_ok=True)
    for start in (b"", b"PK\x03\x04", b"\x80\x02"):
        (folder / "state_dict.bin").write_bytes(start + raw)
        with pytest.raises(CheckpointError, match=r"state_dict\.bin"):
            inspect(folder, original.text_encoder, original.codec)
