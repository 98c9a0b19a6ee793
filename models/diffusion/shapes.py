"""A pipeline's shape, and whether its parts fit each other, by their configurations: each family in its own words.

Values are those that building the components has accepted already; what a field is left out for is its class's default.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from models.diffusion.saved import Saved
from models.diffusion.shape import Shape
from models.musicgen.ending import FOLD_S
from models.references import RATES

MOST_TEXT = 1024  # tokens that a pipeline may pad its texts to
_AUDIOLDM2_TEXT = 128  # tokens that each of its texts is padded to here
_WINDOWS = 3  # how many times its training window AudioLDM2 may be asked for
_ACE_LONGEST_S = 600.0


def shape_of(found: Saved, defaults: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, int]) -> Shape | None:
    """The shape of a pipeline whose components can be built; None with faults where its parts do not fit.

    `defaults` are the whole configurations by component: what is told, and what their classes take for granted."""
    assert found.family is not None
    before = len(found.faults)
    fields = _MADE[found.family.name](found, defaults)
    _check_common(found, fields)
    if len(found.faults) > before:
        return None
    scheduler = found.components["scheduler"]
    family = found.family
    return Shape(**{
        "family": family.name, "pipeline": family.classes[0], "steps": family.steps, "guidance": family.guidance,
        "scheduler": scheduler.cls, "scheduler_digest": digest(scheduler.config), "parameters": dict(parameters),
        **fields,
    })  # fmt: skip


def digest(config: Mapping[str, Any]) -> str:
    """A name for a configuration: of its JSON with sorted names and no spaces, without what tells of releases."""
    told = {name: value for name, value in config.items() if name != "_diffusers_version"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def _check_common(found: Saved, fields: Mapping[str, Any]) -> None:
    rate, told = fields["sample_rate"], found.where("vocoder" if "vocoder" in found.components else "vae")
    if rate not in RATES:
        found.faults.append(f"{told}: sampling_rate is {rate}; one of {', '.join(map(str, RATES))} is needed")
    if fields["channels"] not in (1, 2):
        found.faults.append(f"{told}: {fields['channels']} channels; mono or stereo is needed")
    if not 0 < fields["longest_s"] < float("inf"):
        found.faults.append(f"{found.folder}: leaves room for {fields['longest_s']} s of sound; it cannot be used")
    if not 8 <= fields["text_tokens"] <= MOST_TEXT:
        said = f"model_max_length is {str(fields['text_tokens'])[:20]}; 8 to {MOST_TEXT} tokens are needed"
        found.faults.append(f"{found.where('tokenizer')}: {said}")


def _same(found: Saved, *sides: tuple[str, str, Any]) -> None:
    """A fault unless all (component, field, value) have one value."""
    if len({value for _, _, value in sides}) > 1:
        told = ", ".join(f"{name}.{field} is {value}" for name, field, value in sides)
        found.faults.append(f"{found.folder}: parts that do not fit each other: {told}; fetch the whole pipeline again")


def _longest(seconds: float) -> float:
    """What may be ordered where so many seconds can be made: loops are made a little longer, to be folded."""
    return math.floor((seconds - FOLD_S) * 10) / 10


def _room(found: Saved, tokenizer: str, most: int) -> int:
    told = found.config(tokenizer).get("model_max_length", most)
    return min(int(told), most) if isinstance(told, int | float) and math.isfinite(told) else most


def _oobleck(found: Saved, vae: Mapping[str, Any]) -> dict[str, Any]:
    ratios = vae["downsampling_ratios"]
    if any(ratio % 2 for ratio in ratios):
        found.faults.append(
            f"{found.where('vae')}: downsampling_ratios {ratios} are not all even, so sound would be lost"
        )
    return {"sample_rate": vae["sampling_rate"], "channels": vae["audio_channels"], "hop": math.prod(ratios),
            "decoder": vae["decoder_channels"],
            "varies": vae["encoder_hidden_size"] == 2 * vae["decoder_input_channels"]}  # fmt: skip


def _stable_audio(found: Saved, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    vae, network, words = told["vae"], told["transformer"], told["projection_model"]
    made = _oobleck(found, vae)
    _same(found, ("transformer", "in_channels", network["in_channels"]),
          ("transformer", "out_channels", network["out_channels"]),
          ("vae", "decoder_input_channels", vae["decoder_input_channels"]))  # fmt: skip
    _same(found, ("text_encoder", "d_model", told["text_encoder"]["d_model"]),
          ("projection_model", "text_encoder_dim", words["text_encoder_dim"]))  # fmt: skip
    _same(found, ("projection_model", "conditioning_dim", words["conditioning_dim"]),
          ("transformer", "cross_attention_input_dim", network["cross_attention_input_dim"]),
          ("transformer", "global_states_input_dim / 2", network["global_states_input_dim"] / 2))  # fmt: skip
    window = network["sample_size"]
    longest = min(window * made["hop"] / made["sample_rate"], words["max_value"])
    return made | {
        "longest_s": _longest(longest), "window": window, "text_tokens": _room(found, "tokenizer", 1 << 30),
        "width": network["num_attention_heads"] * network["attention_head_dim"],
    }  # fmt: skip


def _stable_audio_3(found: Saved, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    vae, network, seconds = told["vae"], told["transformer"], told["duration_embedder"]
    scheduler, text = told["scheduler"], told["text_encoder"]["encoder"]
    _same(found, ("transformer", "io_channels", network["io_channels"]), ("vae", "latent_dim", vae["latent_dim"]))
    _same(found, ("transformer", "cond_token_dim", network["cond_token_dim"]),
          ("text_encoder", "encoder.hidden_size", text["hidden_size"]),
          ("transformer", "global_cond_dim", network["global_cond_dim"]),
          ("duration_embedder", "output_dim", seconds["output_dim"]))  # fmt: skip
    _check_flow(found, scheduler)
    hop = vae["patch_size"] * math.prod(vae["encoder_strides"])
    return {
        "sample_rate": vae["sampling_rate"], "channels": vae["audio_channels"], "hop": hop, "varies": True,
        "decoder": vae["encoder_channels"] * max(vae["encoder_c_mults"]), "longest_s": _longest(seconds["max_val"]),
        "text_tokens": _room(found, "tokenizer", 256), "width": network["embed_dim"],
        "steps": 8 if scheduler.get("stochastic_sampling") else 100,
    }  # fmt: skip


def _check_flow(found: Saved, scheduler: Mapping[str, Any]) -> None:
    where = found.where("scheduler")
    if scheduler.get("use_dynamic_shifting"):
        found.faults.append(f"{where}: use_dynamic_shifting is set, which the pipeline cannot use; set it to false")


def _audioldm2(found: Saved, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    vae, network, vocoder, words = told["vae"], told["unet"], told["vocoder"], told["projection_model"]
    _same(found, ("unet", "in_channels", network["in_channels"]), ("vae", "latent_channels", vae["latent_channels"]))
    _same(found, ("projection_model", "text_encoder_1_dim", words["text_encoder_1_dim"]),
          ("text_encoder_2", "d_model", told["text_encoder_2"]["d_model"]))  # fmt: skip
    _same(found, ("projection_model", "text_encoder_dim", words["text_encoder_dim"]),
          ("text_encoder", "projection_dim", told["text_encoder"]["projection_dim"]))  # fmt: skip
    _same(found, ("projection_model", "langauge_model_dim", words["langauge_model_dim"]),
          ("language_model", "n_embd", told["language_model"]["n_embd"]))  # fmt: skip
    scale = 2 ** (len(vae["block_out_channels"]) - 1)
    bands, column = vocoder["model_in_dim"], math.prod(vocoder["upsample_rates"])
    if bands % scale:
        found.faults.append(f"{found.where('vocoder')}: model_in_dim is {bands}, no multiple of the codec's {scale}")
    window, rate = network["sample_size"], vocoder["sampling_rate"]
    seconds = (window if isinstance(window, int) else window[0]) * scale * column / rate * _WINDOWS
    return {
        "sample_rate": rate, "channels": 1, "hop": column * scale, "longest_s": _longest(seconds),
        "text_tokens": min(_room(found, name, _AUDIOLDM2_TEXT) for name in ("tokenizer", "tokenizer_2")),
        "width": max(network["block_out_channels"]), "decoder": vocoder["upsample_initial_channel"],
        "bands": max(bands // scale, 1), "least_steps": _least(found.components["scheduler"].cls, told["scheduler"]),
    }  # fmt: skip


def _least(scheduler: str, config: Mapping[str, Any]) -> int:
    """The fewest steps that a scheduler can take: PNDM begins with a method of Runge and Kutta that needs four."""
    return 4 if scheduler == "PNDMScheduler" and not config.get("skip_prk_steps") else 1


def _ace_step(found: Saved, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    vae, network, scheduler = told["vae"], told["transformer"], told["scheduler"]
    encoder, acoustic = told["condition_encoder"], network["audio_acoustic_hidden_dim"]
    made = _oobleck(found, vae)
    _same(found, ("transformer", "audio_acoustic_hidden_dim", acoustic),
          ("transformer", "in_channels / 3", network["in_channels"] / 3),
          ("condition_encoder", "timbre_hidden_dim", encoder["timbre_hidden_dim"]),
          ("vae", "decoder_input_channels", vae["decoder_input_channels"]))  # fmt: skip
    _same(found, ("condition_encoder", "text_hidden_dim", encoder["text_hidden_dim"]),
          ("text_encoder", "hidden_size", told["text_encoder"]["hidden_size"]))  # fmt: skip
    _same(found, ("condition_encoder", "hidden_size", encoder["hidden_size"]),
          ("transformer", "encoder_hidden_size", network.get("encoder_hidden_size") or network["hidden_size"]),
          )  # fmt: skip
    _check_flow(found, scheduler)
    if scheduler.get("stochastic_sampling"):
        what = (
            f"{found.where('scheduler')}: stochastic_sampling is set, and the pipeline gives it no stream to draw from"
        )
        found.faults.append(f"{what}, so no take could be made again; set it to false")
    if scheduler.get("num_train_timesteps") != 1 or scheduler.get("shift") != 1.0:
        found.faults.append(
            f"{found.where('scheduler')}: the pipeline cannot use it but with num_train_timesteps 1 and shift 1.0"
        )
    turbo = bool(network.get("is_turbo")) or network.get("model_version") == "turbo"
    return made | {
        "longest_s": _ACE_LONGEST_S, "text_tokens": _room(found, "tokenizer", 256), "width": network["hidden_size"],
        "guided": not turbo, "negative": False, **({"guidance": 1.0} if turbo else {}),
    }  # fmt: skip


_MADE: Mapping[str, Callable[[Saved, Mapping[str, Mapping[str, Any]]], dict[str, Any]]] = {
    "stable-audio": _stable_audio, "stable-audio-3": _stable_audio_3, "audioldm2": _audioldm2, "ace-step": _ace_step,
}  # fmt: skip
