"""Token-model checkpoints of about 1 MB with random weights, in the true formats, so that loading is tested without a
download: a transformers folder, an audiocraft folder with its text encoder and codec, and every kind of broken one.

    python -m tests.checkpoints FOLDER            # also for people who want to try a token model: it makes noise

The same seed writes the same weights in both formats. Nothing here is imported by the program.
"""

import argparse
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters, digits, punctuation
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

KINDS = ("mono", "stereo", "melody")
WINDOW_FRAMES = 500  # 10 s: a real model has 1500
CARDINALITY = 256  # more than the 250 likeliest codes that are sampled from
WIDTH, HEADS, LAYERS, FEED_FORWARD = 64, 4, 2, 256
TEXT_WIDTH = 24
TEXT_ROOM = 128
_MUSIC = (
    "a an and the of with in for to calm dark epic tense happy sad slow fast warm bright soft driving upbeat gentle "
    "forest cave city night battle boss exploration combat ambient music piece song loop theme strings brass piano "
    "guitar drums bass synth pad flute harp choir taiko orchestral jazz rock folk electronic genre bpm key mood "
    "instrument major minor dorian high low tempo energy"
)
WORDS = tuple(sorted(set(_MUSIC.split())))


@dataclass(frozen=True)
class Audiocraft:
    """An audiocraft folder and the two that it does not bring along."""

    folder: Path
    text_encoder: Path
    codec: Path


def tokenizer() -> Any:
    """A Unigram tokenizer like T5's: pieces with a word mark, `</s>` at the end, `<pad>` 0, `</s>` 1, `<unk>` 2."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
    from tokenizers.models import Unigram

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -4.0) for word in WORDS]
    pieces += [("▁", -6.0)] + [(character, -8.0) for character in ascii_letters + digits + punctuation]
    made = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return made


def save_tokenizer(folder: Path) -> None:
    """`tokenizer.json`, `tokenizer_config.json` as transformers writes them."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
    wrapped.save_pretrained(folder)


def text_config() -> Any:
    """A T5 encoder of two layers."""
    from transformers import T5Config

    return T5Config(
        vocab_size=tokenizer().get_vocab_size(), d_model=TEXT_WIDTH, d_kv=6, d_ff=48, num_layers=2, num_heads=4,
        decoder_start_token_id=0,
    )


def codec_config() -> Any:
    """EnCodec with the ratios of the 32 kHz one (50 frames a second) and very few filters."""
    from transformers import EncodecConfig

    return EncodecConfig(
        sampling_rate=32000, upsampling_ratios=[8, 5, 4, 4], num_filters=2, hidden_size=16, codebook_dim=16,
        codebook_size=CARDINALITY, target_bandwidths=[1.6], use_causal_conv=False, use_conv_shortcut=False,
        normalize=False, num_lstm_layers=2,
    )


def _decoder_fields(kind: str, window_frames: int, seen: int) -> dict[str, Any]:
    stereo = kind == "stereo"
    return {
        "vocab_size": CARDINALITY, "max_position_embeddings": window_frames + 3 + seen, "num_hidden_layers": LAYERS,
        "ffn_dim": FEED_FORWARD, "num_attention_heads": HEADS, "hidden_size": WIDTH,
        "num_codebooks": 8 if stereo else 4, "audio_channels": 2 if stereo else 1, "pad_token_id": CARDINALITY,
        "bos_token_id": CARDINALITY, "dropout": 0.0, "initializer_factor": 0.2,
    }  # fmt: skip


def _seeded(model: Any, seed: int) -> Any:
    """Codebooks are made of zeros by transformers: draw them, so that different codes sound different."""
    import torch

    numbers = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("codebook.embed"):
            tensor.copy_(torch.randn(tensor.shape, generator=numbers))
    without_offset(model.audio_encoder.decoder.layers[-1].conv)
    return model.eval()


def without_offset(convolution: Any) -> None:
    """Let a decoder's last convolution pass no constant: what random weights make is off centre otherwise, as no
    trained model's sound is, and `accept` lets none of it through."""
    import torch

    with torch.no_grad():
        for name, tensor in convolution.named_parameters():
            if name.endswith(("weight_v", "original1")) or name == "weight":
                tensor.sub_(tensor.mean(dim=-1, keepdim=True))
            elif name == "bias":
                tensor.zero_()


def build(kind: str = "mono", seed: int = 0, window_frames: int = WINDOW_FRAMES) -> Any:
    """The transformers model itself: `MusicgenForConditionalGeneration` or its melody counterpart, float32.

    Its window is `window_frames` long: the positions that its configuration tells leave room for no more."""
    import torch
    from transformers import (
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        MusicgenMelodyConfig,
        MusicgenMelodyDecoderConfig,
        MusicgenMelodyForConditionalGeneration,
    )  # fmt: skip

    chroma = int(window_frames / 50 * 32000 / 4096) + 1
    parts = {"text_encoder": text_config(), "audio_encoder": codec_config(), "initializer_factor": 0.2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "melody":
            fields = _decoder_fields(kind, window_frames, chroma + TEXT_ROOM)
            decoder = MusicgenMelodyDecoderConfig(**fields)
            config = MusicgenMelodyConfig(decoder=decoder, num_chroma=12, chroma_length=chroma, **parts)
            return _seeded(MusicgenMelodyForConditionalGeneration(config), seed)
        config = MusicgenConfig(decoder=MusicgenDecoderConfig(**_decoder_fields(kind, window_frames, 0)), **parts)
        return _seeded(MusicgenForConditionalGeneration(config), seed)


def card_text(name: str, licence: str | None) -> str:
    """A model card as hubs keep it: facts between two rows of dashes, then prose."""
    facts = f"license: {licence}\n" if licence else ""
    return f"---\n{facts}tags:\n- musicgen\npipeline_tag: text-to-audio\n---\n# {name}\n\nRandom weights for tests.\n"


def write_transformers(
    folder: Path, kind: str = "mono", seed: int = 0, window_frames: int = WINDOW_FRAMES,
    licence: str | None = "cc0-1.0", dtype: str = "float32", shard: str = "5GB",
) -> Path:  # fmt: skip
    """A folder as `save_pretrained` writes it: config, generation config, safetensors, tokenizer, card.

    `dtype` is how weights are stored; `shard` the largest size of one file (`"200KB"` makes several and an index)."""
    import torch

    model = build(kind, seed, window_frames)
    model.generation_config.update(
        do_sample=True, guidance_scale=3.0, max_length=window_frames, top_k=50, pad_token_id=CARDINALITY,
        bos_token_id=CARDINALITY, decoder_start_token_id=CARDINALITY,
    )  # fmt: skip
    if dtype != "float32":
        model = model.to(getattr(torch, dtype))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, max_shard_size=shard)
    save_tokenizer(folder)
    if kind == "melody":
        extractor = {"feature_extractor_type": "MusicgenMelodyFeatureExtractor", "sampling_rate": 32000}
        (folder / "preprocessor_config.json").write_text(json.dumps(extractor), encoding="utf-8")
    (folder / "README.md").write_text(card_text(folder.name, licence), encoding="utf-8")
    return folder


# audiocraft's names by transformers' (below `decoder.`), both with {i} or {k}; q, k and v are one tensor there.
_LAYER = {
    "self_attn.out_proj.weight": "self_attn.out_proj.weight",
    "encoder_attn.out_proj.weight": "cross_attention.out_proj.weight",
    "self_attn_layer_norm": "norm1",
    "encoder_attn_layer_norm": "norm_cross",
    "final_layer_norm": "norm2",
    "fc1.weight": "linear1.weight",
    "fc2.weight": "linear2.weight",
}


def _audiocraft_layer(weights: dict[str, Any], index: int) -> dict[str, Any]:
    import torch

    mine, theirs = f"decoder.model.decoder.layers.{index}.", f"transformer.layers.{index}."
    made: dict[str, Any] = {}
    for attention, name in (("self_attn", "self_attn"), ("encoder_attn", "cross_attention")):
        rows = [weights.get(f"{mine}{attention}.{which}_proj.weight") for which in "qkv"]
        if rows[0] is not None:
            made[f"{theirs}{name}.in_proj_weight"] = torch.cat(rows)
    for old, new in _LAYER.items():
        for end in ("",) if old.endswith(".weight") else (".weight", ".bias"):
            if (found := weights.get(mine + old + end)) is not None:
                made[theirs + new + end] = found
    return made


def audiocraft_state(model: Any) -> dict[str, Any]:
    """The weights of the language model and its conditioners under audiocraft's names."""
    import torch

    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state: dict[str, Any] = {}
    for index in range(model.config.decoder.num_hidden_layers):
        state |= _audiocraft_layer(weights, index)
    for k in range(model.config.decoder.num_codebooks):
        state[f"emb.{k}.weight"] = weights[f"decoder.model.decoder.embed_tokens.{k}.weight"]
        state[f"linears.{k}.weight"] = weights[f"decoder.lm_heads.{k}.weight"]
    for end in ("weight", "bias"):
        state[f"out_norm.{end}"] = weights[f"decoder.model.decoder.layer_norm.{end}"]
        state[f"condition_provider.conditioners.description.output_proj.{end}"] = weights[f"enc_to_dec_proj.{end}"]
        if f"audio_enc_to_dec_proj.{end}" in weights:
            conditioner = "condition_provider.conditioners.self_wav"
            state[f"{conditioner}.output_proj.{end}"] = weights[f"audio_enc_to_dec_proj.{end}"]
            state[f"{conditioner}.chroma.spec.window"] = torch.hann_window(16384)
    return state


def audiocraft_config(model: Any, window_frames: int = WINDOW_FRAMES) -> str:
    """`xp.cfg`: what audiocraft keeps of a training run, in YAML; here what tells the shape."""
    decoder, stereo = model.config.decoder, model.config.decoder.audio_channels == 2
    melody = hasattr(model, "audio_enc_to_dec_proj")
    delays = [index // 2 for index in range(8)] if stereo else [0, 1, 2, 3]
    fused = "{cross: [], prepend: [self_wav, description]}" if melody else "{cross: [description], prepend: []}"
    chroma = "\n  self_wav: {model: chroma_stem, chroma_stem: {n_chroma: 12, radix2_exp: 14}}" if melody else ""
    return f"""solver: musicgen
sample_rate: 32000
channels: {decoder.audio_channels}
lm_model: transformer_lm
transformer_lm:
  dim: {decoder.hidden_size}
  num_heads: {decoder.num_attention_heads}
  num_layers: {decoder.num_hidden_layers}
  hidden_scale: {decoder.ffn_dim // decoder.hidden_size}
  n_q: {decoder.num_codebooks}
  card: {decoder.vocab_size}
  bias_proj: false
  bias_ff: false
  bias_attn: false
  norm_first: true
  positional_embedding: sin
  causal: true
codebooks_pattern:
  modeling: delay
  delay: {{delays: {delays}, flatten_first: 0, empty_initial: 0}}
interleave_stereo_codebooks: {{use: {str(stereo).lower()}, per_timestep: false}}
fuser: {fused}
conditioners:
  description: {{model: t5, t5: {{name: t5-base, finetune: false}}}}{chroma}
dataset: {{segment_duration: {window_frames / 50}}}
"""


def write_audiocraft(
    folder: Path, kind: str = "mono", seed: int = 0, window_frames: int = WINDOW_FRAMES
) -> Audiocraft:
    """`state_dict.bin` and `compression_state_dict.bin` in `folder/audiocraft`; text encoder and codec beside it.

    The weights are those that `write_transformers` writes for the same kind, seed and window."""
    import torch

    made = Audiocraft(folder / "audiocraft", folder / "text_encoder", folder / "codec")
    made.folder.mkdir(parents=True, exist_ok=True)
    model = build(kind, seed, window_frames)
    state = {
        "best_state": audiocraft_state(model), "xp.cfg": audiocraft_config(model, window_frames), "version": "1.3.0",
        "exported": True,
    }  # fmt: skip
    torch.save(state, made.folder / "state_dict.bin")
    torch.save({"pretrained": "facebook/encodec_32khz"}, made.folder / "compression_state_dict.bin")
    model.text_encoder.save_pretrained(made.text_encoder)
    save_tokenizer(made.text_encoder)
    model.audio_encoder.save_pretrained(made.codec)
    return made


class Mischief:
    """Pickled, it would create `MARK` in the working folder of whoever unpickles it."""

    MARK = "unpickled-code-ran"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path(self.MARK),)


def edit_weights(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite `model.safetensors` after `change` has edited its tensors by name in place."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def edit_state(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite `state_dict.bin` after `change` has edited what it holds in place."""
    import torch

    path = folder / "state_dict.bin"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def edit_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite `config.json` after `change` has edited it in place."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


LAYER = "decoder.model.decoder.layers.1."


def _missing(weights: dict[str, Any]) -> None:
    del weights[f"{LAYER}fc1.weight"], weights["decoder.lm_heads.2.weight"]


def _extra(weights: dict[str, Any]) -> None:
    weights["decoder.model.decoder.layers.9.fc1.weight"] = weights[f"{LAYER}fc1.weight"].clone()


def _off_by_one(weights: dict[str, Any]) -> None:
    weights[f"{LAYER}fc1.weight"] = weights[f"{LAYER}fc1.weight"][:-1].contiguous()


def _poisoned(value: float) -> Callable[[dict[str, Any]], None]:
    def change(weights: dict[str, Any]) -> None:
        weights[f"{LAYER}fc1.weight"][3, 5] = value

    return change


def _whole_numbers(weights: dict[str, Any]) -> None:
    import torch

    weights[f"{LAYER}fc1.weight"] = weights[f"{LAYER}fc1.weight"].to(torch.int8)


def _truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)


def _pickle(folder: Path) -> None:
    with suppress(FileNotFoundError):
        (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Mischief()))


def _another_architecture(folder: Path) -> None:
    edit_config(folder, lambda config: config.update(model_type="llama", architectures=["LlamaForCausalLM"]))


def _no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def _overlapping(folder: Path) -> None:
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]
    written = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + raw[8 + length :])


def _huge_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")


# What can be wrong with a transformers folder: each entry damages a good one.
BROKEN: dict[str, Callable[[Path], None]] = {
    "missing-tensors": lambda folder: edit_weights(folder, _missing),
    "extra-tensor": lambda folder: edit_weights(folder, _extra),
    "shape-off-by-one": lambda folder: edit_weights(folder, _off_by_one),
    "nan-weights": lambda folder: edit_weights(folder, _poisoned(float("nan"))),
    "infinite-weights": lambda folder: edit_weights(folder, _poisoned(float("inf"))),
    "whole-number-weights": lambda folder: edit_weights(folder, _whole_numbers),
    "truncated": lambda folder: _truncate(folder / "model.safetensors"),
    "overlapping-offsets": _overlapping,
    "huge-header": _huge_header,
    "pickle": _pickle,
    "wrong-architecture": _another_architecture,
    "no-tokenizer": _no_tokenizer,
    "no-config": lambda folder: (folder / "config.json").unlink(),
    "no-weights": lambda folder: (folder / "model.safetensors").unlink(),
    "config-is-no-json": lambda folder: (folder / "config.json").write_text("{", encoding="utf-8") and None,
}


def _state_missing(state: dict[str, Any]) -> None:
    del state["best_state"]["transformer.layers.1.linear1.weight"]


def _state_off_by_one(state: dict[str, Any]) -> None:
    name = "transformer.layers.0.self_attn.in_proj_weight"
    state["best_state"][name] = state["best_state"][name][:-1].clone()


def _state_nan(state: dict[str, Any]) -> None:
    state["best_state"]["out_norm.weight"][0] = float("nan")


def _state_code(folder: Path) -> None:
    import torch

    torch.save({"best_state": {}, "xp.cfg": Mischief()}, folder / "state_dict.bin")


# What can be wrong with an audiocraft folder: each entry damages `Audiocraft.folder`.
BROKEN_AUDIOCRAFT: dict[str, Callable[[Path], None]] = {
    "missing-tensors": lambda folder: edit_state(folder, _state_missing),
    "shape-off-by-one": lambda folder: edit_state(folder, _state_off_by_one),
    "nan-weights": lambda folder: edit_state(folder, _state_nan),
    "no-settings": lambda folder: edit_state(folder, lambda state: state.pop("xp.cfg")),
    "truncated": lambda folder: _truncate(folder / "state_dict.bin"),
    "pickle": _state_code,
    "plain-pickle": lambda folder: (folder / "state_dict.bin").write_bytes(pickle.dumps(Mischief())) and None,
}


def write_broken(folder: Path, fault: str, kind: str = "mono") -> Path:
    """A transformers folder with one fault of `BROKEN`."""
    write_transformers(folder, kind)
    BROKEN[fault](folder)
    return folder


def write_broken_audiocraft(folder: Path, fault: str) -> Audiocraft:
    """An audiocraft folder with one fault of `BROKEN_AUDIOCRAFT`."""
    made = write_audiocraft(folder)
    BROKEN_AUDIOCRAFT[fault](made.folder)
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one checkpoint of every kind below a folder, and with `--broken` every broken one too."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--broken", action="store_true")
    given = asked.parse_args(arguments)
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    for kind in KINDS:
        print(write_transformers(given.folder / f"tiny-{kind}", kind, given.seed))
    written = write_audiocraft(given.folder / "tiny-original", seed=given.seed)
    print(f"{written.folder} --text-encoder {written.text_encoder} --codec {written.codec}")
    for fault in BROKEN if given.broken else ():
        target = given.folder / "broken" / fault
        shutil.copytree(given.folder / "tiny-mono", target, dirs_exist_ok=True)
        BROKEN[fault](target)
        print(target)


if __name__ == "__main__":
    main()
