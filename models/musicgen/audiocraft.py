"""Reading what an audiocraft checkpoint says of itself: the YAML of its training run, kept beside the weights.

Only the fields that change what is computed are looked at; sizes that the tensors tell are taken from them. Nothing
here interpolates, imports or builds what the YAML names.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.musicgen.configs import WINDOW_S, Faults, frame_rate, made_shape
from models.musicgen.shape import Shape, mono_delays, stereo_delays
from models.musicgen.weights import Sizes, WeightFileError, load_bin

_LARGEST_YAML = 1 << 20
_FIXED = {
    "bias_proj": False, "bias_ff": False, "bias_attn": False, "norm_first": True, "positional_embedding": "sin",
    "causal": True, "activation": "gelu", "norm": "layer_norm", "layer_scale": None, "qk_layer_norm": False,
    "qk_layer_norm_cross": False, "kv_repeat": 1, "past_context": None, "positional_scale": 1.0,
}  # fmt: skip


def settings(path: Path, faults: Faults) -> dict[str, Any]:
    """The settings of the training run in a `state_dict.bin`; empty, with a fault, where there are none."""
    import yaml

    try:
        held = load_bin(path)
        told = held.get("xp.cfg") if isinstance(held, dict) else None
        if not isinstance(told, str) or len(told) > _LARGEST_YAML:
            raise ValueError("no text of settings in `xp.cfg`")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(told, yaml.SafeLoader)):
            raise ValueError("`xp.cfg` repeats itself by aliases")  # a few lines of them can mean gigabytes
        found = yaml.safe_load(told)
        if not isinstance(found, dict):
            raise ValueError("`xp.cfg` holds no settings")
    except WeightFileError as error:
        faults.append(str(error))
        return {}
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        faults.append(f"{path}: {str(error)[:160]}; it is no exported checkpoint of audiocraft")
        return {}
    return found


def audiocraft_shape(
    where: str,
    told: Mapping[str, Any],
    tensors: Mapping[str, Sizes],
    text: Mapping[str, Any],
    codec: Mapping[str, Any],
    faults: Faults,
) -> Shape | None:
    """The decoder's shape by its settings and, where these are silent, its tensors (sizes by audiocraft's names)."""
    if told.get("lm_model", "transformer_lm") != "transformer_lm":
        faults.append(f"{where}: a {str(told['lm_model'])[:40]}, not MusicGen's language model (transformer_lm)")
        return None
    model = _part(told, "transformer_lm")
    faults.only(f"{where}: transformer_lm", model, _FIXED)
    channels = faults.number(where, told, "channels", 1, 2)
    prepended = "description" in _strings(_part(told, "fuser").get("prepend"))
    chroma = _chroma_bins(tensors) if prepended else 0
    streams = faults.number(where, model, "n_q", _count(tensors, r"emb\.\d+\.weight") or 4, 64)
    cardinality = faults.number(where, model, "card", _rows(tensors, "linears.0.weight", 2048), 1 << 16)
    width = faults.number(where, model, "dim", _columns(tensors, "emb.0.weight", 1024), 1 << 14)
    rate = frame_rate(where, codec, faults)
    fields = {
        "width": width,
        "layers": faults.number(
            where, model, "num_layers", _count(tensors, r"transformer\.layers\.\d+\.linear1\.weight") or 24, 256
        ),
        "heads": faults.number(where, model, "num_heads", 16, 256),
        "feed_forward": _feed_forward(where, model, width, tensors, faults),
        "streams": streams, "delays": _delays(where, told, streams, channels, faults), "cardinality": cardinality,
        "channels": channels, "text_width": text.get("d_model", 512), "cross_attention": not prepended,
        "chroma_bins": chroma, "frame_rate": rate, "sample_rate": codec.get("sampling_rate", 24000),
        "window_frames": _window_frames(where, told, rate, faults),
    }  # fmt: skip
    fields["chroma_frames"] = _chroma_frames(fields["window_frames"] / rate, fields["sample_rate"]) if chroma else 0
    return made_shape(where, fields, faults)


def _part(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _strings(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _count(tensors: Mapping[str, Sizes], pattern: str) -> int:
    return sum(bool(re.fullmatch(pattern, name)) for name in tensors)


def _rows(tensors: Mapping[str, Sizes], name: str, default: int) -> int:
    return tensors[name][0] if len(tensors.get(name, ())) == 2 else default


def _columns(tensors: Mapping[str, Sizes], name: str, default: int) -> int:
    return tensors[name][1] if len(tensors.get(name, ())) == 2 else default


def _feed_forward(
    where: str, model: Mapping[str, Any], width: int, tensors: Mapping[str, Sizes], faults: Faults
) -> int:
    rows = _rows(tensors, "transformer.layers.0.linear1.weight", 4 * width)
    return faults.number(where, model, "hidden_scale", max(rows // width, 1), 64) * width


def _chroma_bins(tensors: Mapping[str, Sizes]) -> int:
    return _columns(tensors, "condition_provider.conditioners.self_wav.output_proj.weight", 12)


def _chroma_frames(window_s: float, sample_rate: int) -> int:
    """Frames of chroma in a window: one every 4096 samples, the first at 0."""
    return int(window_s * sample_rate) // 4096 + 1


def _delays(where: str, told: Mapping[str, Any], streams: int, channels: int, faults: Faults) -> tuple[int, ...]:
    pattern = _part(told, "codebooks_pattern")
    faults.only(f"{where}: codebooks_pattern", pattern, {"modeling": "delay"})
    stated = _part(pattern, "delay")
    faults.only(f"{where}: codebooks_pattern.delay", stated, {"flatten_first": 0, "empty_initial": 0})
    if channels == 2:
        faults.only(f"{where}: interleave_stereo_codebooks", _part(told, "interleave_stereo_codebooks"),
                    {"use": True, "per_timestep": False})  # fmt: skip
    usual = stereo_delays(streams // 2) if channels == 2 and streams % 2 == 0 else mono_delays(streams)
    delays = stated.get("delays", list(usual))
    listed = isinstance(delays, list) and len(delays) == streams
    if not listed or not all(type(delay) is int and 0 <= delay <= 64 for delay in delays):
        faults.append(f"{where}: delays are {str(delays)[:60]}; {streams} whole numbers are needed")
        return usual
    return tuple(delays)


def _window_frames(where: str, told: Mapping[str, Any], rate: int, faults: Faults) -> int:
    seconds = _part(told, "dataset").get("segment_duration", WINDOW_S)
    if not isinstance(seconds, int | float) or not 0 < seconds <= WINDOW_S:
        faults.append(f"{where}: dataset.segment_duration is {str(seconds)[:40]}; seconds up to {WINDOW_S} are needed")
        return WINDOW_S * rate
    return int(seconds * rate)
