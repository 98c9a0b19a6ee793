"""Reading what a checkpoint says of itself: `config.json` of transformers, `xp.cfg` of audiocraft.

Every number is bounded before anything is built from it, and every fault is collected, not only the first. Nothing
here looks at weights.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.musicgen.shape import Shape, ShapeError, mono_delays, stereo_delays

TEXT_TOKENS = 128  # the longest text that is conditioned on, end mark included
WINDOW_S = 30  # what MusicGen was trained on
_LARGEST_JSON = 1 << 22
MUSICGEN = {"musicgen": "MusicGen", "musicgen_melody": "MusicGen with melody"}

# Highest values that are believed, by field.
_TEXT_BOUNDS = {
    "vocab_size": 1 << 20, "d_model": 1 << 14, "d_kv": 1 << 10, "d_ff": 1 << 17, "num_layers": 256, "num_heads": 256,
    "relative_attention_num_buckets": 4096, "relative_attention_max_distance": 1 << 16,
}  # fmt: skip
_CODEC_BOUNDS = {
    "sampling_rate": 192000, "audio_channels": 2, "hidden_size": 4096, "num_filters": 1024, "num_residual_layers": 16,
    "kernel_size": 64, "last_kernel_size": 64, "residual_kernel_size": 64, "dilation_growth_rate": 16, "compress": 64,
    "num_lstm_layers": 8, "codebook_size": 1 << 16, "codebook_dim": 4096,
}  # fmt: skip
_TEXT_PLAIN = ("feed_forward_proj", "layer_norm_epsilon", "eos_token_id", "pad_token_id")
_CODEC_PLAIN = (
    "target_bandwidths", "normalize", "chunk_length_s", "overlap", "upsampling_ratios", "norm_type",
    "use_causal_conv", "pad_mode", "trim_right_ratio", "use_conv_shortcut",
)  # fmt: skip


class Faults(list[str]):
    """What is wrong with a checkpoint, in the order it was found."""

    def number(self, where: str, fields: Mapping[str, Any], name: str, default: int, most: int, least: int = 1) -> int:
        """A whole number of a configuration; a fault and the default where it is none, or out of all bounds."""
        value = fields.get(name, default)
        if type(value) is not int or not least <= value <= most:
            self.append(f"{where}: {name} is {str(value)[:40]}; a whole number from {least} to {most} is needed")
            return default
        return value

    def only(self, where: str, fields: Mapping[str, Any], needed: Mapping[str, Any]) -> None:
        """A fault for every field that says another thing than the only one that we compute."""
        for name, value in needed.items():
            if fields.get(name, value) != value:
                told = str(fields[name])[:60]
                self.append(f"{where}: {name} is {told}; only {value} is supported, as in MusicGen's own checkpoints")


def read_json(path: Path, faults: Faults) -> dict[str, Any]:
    """The object in a JSON file; empty, with a fault, where there is none."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"larger than {_LARGEST_JSON >> 20} MiB")
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object")
    except FileNotFoundError:
        faults.append(f"{path}: no such file")
        return {}
    except (OSError, ValueError, RecursionError) as error:
        faults.append(f"{path}: cannot be read as JSON ({str(error)[:120]})")
        return {}
    return found


def section(where: str, config: Mapping[str, Any], name: str, faults: Faults) -> dict[str, Any]:
    """A part of a configuration that has to be an object."""
    found = config.get(name)
    if not isinstance(found, dict):
        faults.append(f"{where}: {name} is not told")
        return {}
    return found


def bounded(
    where: str, fields: Mapping[str, Any], bounds: Mapping[str, int], plain: tuple[str, ...], faults: Faults
) -> dict[str, Any]:
    """The fields that we know, their numbers within bounds; all others are left out."""
    kept = {name: fields[name] for name in plain if name in fields}
    for name, value in kept.items():
        if isinstance(value, float) and not math.isfinite(value):
            faults.append(f"{where}: {name} is {value}; a number is needed")
    for name, most in bounds.items():
        if fields.get(name) is not None:
            kept[name] = faults.number(where, fields, name, 1, most)
    return kept


def text_fields(where: str, config: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """What a T5 encoder is built from."""
    if config and config.get("model_type") != "t5":
        faults.append(f"{where}: the text encoder is {_kind(config)}; MusicGen reads text with T5")
    return bounded(where, config, _TEXT_BOUNDS, _TEXT_PLAIN, faults)


def codec_fields(where: str, config: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """What EnCodec is built from."""
    if config and config.get("model_type") != "encodec":
        faults.append(f"{where}: the codec is {_kind(config)}; MusicGen speaks EnCodec")
    faults.only(where, config, {"normalize": False, "chunk_length_s": None, "audio_channels": 1})
    fields = bounded(where, config, _CODEC_BOUNDS, _CODEC_PLAIN, faults)
    ratios = fields.get("upsampling_ratios", (8, 5, 4, 2))
    good = isinstance(ratios, list | tuple) and 1 <= len(ratios) <= 8
    if not good or not all(type(ratio) is int and 1 <= ratio <= 64 for ratio in ratios):
        faults.append(f"{where}: upsampling_ratios are {str(ratios)[:60]}; up to eight whole numbers to 64 are needed")
        fields.pop("upsampling_ratios", None)
    rates = fields.get("target_bandwidths", (1.5,))
    good = isinstance(rates, list | tuple) and 1 <= len(rates) <= 16
    if not good or not all(isinstance(rate, int | float) and 0 < rate <= 1000 for rate in rates):
        faults.append(f"{where}: target_bandwidths are {str(rates)[:60]}; positive numbers of kbit/s are needed")
        fields.pop("target_bandwidths", None)
    return fields


def _kind(config: Mapping[str, Any]) -> str:
    return str(config.get("model_type") or "of an unnamed kind")[:60]


def frame_rate(where: str, codec: Mapping[str, Any], faults: Faults) -> int:
    """Frames of codes a second."""
    hop = 1
    for ratio in codec.get("upsampling_ratios", (8, 5, 4, 2)):
        hop *= ratio
    rate = codec.get("sampling_rate", 24000)
    if rate % hop:
        faults.append(f"{where}: {rate} Hz are no whole number of frames of {hop} samples a second")
    return max(rate // hop, 1)


def transformers_shape(
    where: str, config: Mapping[str, Any], text: Mapping[str, Any], codec: Mapping[str, Any], faults: Faults
) -> Shape | None:
    """The decoder's shape by `config.json`; `text` and `codec` are the bounded fields of the other two."""
    before = len(faults)
    decoder = section(where, config, "decoder", faults)
    melody = config.get("model_type") == "musicgen_melody"
    fixed = {"activation_function": "gelu", "scale_embedding": False, "cross_attention_hidden_size": None}
    faults.only(f"{where}: decoder", decoder, fixed)
    channels = faults.number(where, decoder, "audio_channels", 1, 2)
    streams = faults.number(where, decoder, "num_codebooks", 4, 64)
    if streams % channels:
        faults.append(f"{where}: {streams} codebooks cannot be shared by {channels} channels")
        streams *= channels
    cardinality = faults.number(where, decoder, "vocab_size", 2048, 1 << 16)
    faults.only(f"{where}: decoder", decoder, {"pad_token_id": cardinality, "bos_token_id": cardinality})
    rate = frame_rate(where, codec, faults)
    chroma = faults.number(where, config, "chroma_length", 235, 4096) if melody else 0
    delays = stereo_delays(streams // 2) if channels == 2 else mono_delays(streams)
    positions = faults.number(where, decoder, "max_position_embeddings", 2048, 1 << 20)
    window = min(WINDOW_S * rate, positions - max(delays) - (chroma + TEXT_TOKENS if melody else 0))
    fields = {
        "width": faults.number(where, decoder, "hidden_size", 1024, 1 << 14),
        "layers": faults.number(where, decoder, "num_hidden_layers", 24, 256),
        "heads": faults.number(where, decoder, "num_attention_heads", 16, 256),
        "feed_forward": faults.number(where, decoder, "ffn_dim", 4096, 1 << 17),
        "streams": streams, "delays": delays, "cardinality": cardinality, "channels": channels,
        "text_width": text.get("d_model", 512), "cross_attention": not melody,
        "chroma_bins": faults.number(where, config, "num_chroma", 12, 128) if melody else 0,
        "chroma_frames": chroma, "frame_rate": rate, "sample_rate": codec.get("sampling_rate", 24000),
        "window_frames": window,
    }  # fmt: skip
    return made_shape(where, fields, faults) if len(faults) == before else None


def made_shape(where: str, fields: Mapping[str, Any], faults: Faults) -> Shape | None:
    """The shape of these fields, or a fault."""
    if fields["window_frames"] < 8:
        faults.append(f"{where}: the positions leave room for {fields['window_frames']} frames; at least 8 are needed")
        return None
    try:
        return Shape(**fields)
    except ShapeError as error:
        faults.append(f"{where}: {error}")
        return None
