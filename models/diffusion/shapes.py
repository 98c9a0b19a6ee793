"""A pipeline's shape, and whether its parts fit each other, by their configurations: each family in its own words.

What building the components has accepted may still be of any type; it is read through `told`.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from models.diffusion.believing import MOST_REPEATS, MOST_TRAINED
from models.diffusion.saved import Saved
from models.diffusion.shape import MOST_STEPS, Shape
from models.diffusion.told import MOST, Told
from models.musicgen.ending import FOLD_S
from models.references import RATES

LEAST_TEXT, MOST_TEXT = 64, 1024  # tokens that a pipeline may pad its texts to
_AUDIOLDM2_TEXT = 128  # tokens that each of its texts is padded to here
_MOST_CONTINUED = 64  # what its language model may go on with
_LARGEST_HOP = 1 << 16
_WINDOWS = 3  # how many times its training window AudioLDM2 may be asked for
_ACE_LONGEST_S = 600.0


def shape_of(found: Saved, defaults: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, int]) -> Shape | None:
    """The shape of a pipeline whose components can be built; None with faults where its parts do not fit.

    `defaults` are the whole configurations by component: what is told, and what their classes take for granted."""
    assert found.family is not None
    before = len(found.faults)
    fields = _MADE[found.family.name](found, Told(found, defaults))
    _check_common(found, fields)
    if len(found.faults) > before:
        return None
    scheduler = found.components["scheduler"]
    family = found.family
    made = {
        "family": family.name, "pipeline": family.classes[0], "steps": family.steps, "guidance": family.guidance,
        "scheduler": scheduler.cls, "scheduler_digest": digest(scheduler.config), "parameters": dict(parameters),
        **fields,
    }  # fmt: skip
    return Shape(**made | {"steps": min(made["steps"], made.get("most_steps", MOST_STEPS))})


def digest(config: Mapping[str, Any]) -> str:
    """A name for a configuration: of its JSON with sorted names and no spaces, without what tells of releases."""
    told = {name: value for name, value in config.items() if name != "_diffusers_version"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def _check_common(found: Saved, fields: Mapping[str, Any]) -> None:
    rate, told = fields["sample_rate"], found.where("vocoder" if "vocoder" in found.components else "vae")
    if type(rate) is not int or rate not in RATES:
        found.faults.append(f"{told}: sampling_rate is {str(rate)[:40]}; one of {', '.join(map(str, RATES))} is needed")
    if type(fields["channels"]) is not int or fields["channels"] not in (1, 2):
        found.faults.append(f"{told}: {str(fields['channels'])[:40]} channels; mono or stereo is needed")
    if not 0 < fields["longest_s"] < float("inf"):
        found.faults.append(f"{found.folder}: leaves room for {fields['longest_s']} s of sound; it cannot be used")
    if not 1 < fields["hop"] <= _LARGEST_HOP:
        found.faults.append(f"{told}: one latent frame stands for {str(fields['hop'])[:20]} samples; it cannot be used")
    if not LEAST_TEXT <= fields["text_tokens"] <= MOST_TEXT:
        said = f"leaves room for {fields['text_tokens']} tokens of text; {LEAST_TEXT} to {MOST_TEXT} are needed"
        found.faults.append(f"{found.where('tokenizer')}: {said} (model_max_length)")


def _same(found: Saved, *sides: tuple[str, str, Any]) -> None:
    """A fault unless all (component, field, value) have one value."""
    if any(value != sides[0][2] for _, _, value in sides):
        told = ", ".join(f"{name}.{field} is {str(value)[:40]}" for name, field, value in sides)
        found.faults.append(f"{found.folder}: parts that do not fit each other: {told}; fetch the whole pipeline again")


def _longest(seconds: float) -> float:
    """What may be ordered where so many seconds can be made: loops are made a little longer, to be folded."""
    return math.floor((seconds - FOLD_S) * 10) / 10


def _room(told: Told, tokenizer: str, most: int) -> int:
    """How many tokens a text may have; what is not told, or more than believed, is `most`."""
    value = told.plain(f"{tokenizer}.model_max_length")
    if value is None or (isinstance(value, int | float) and value > most):
        return most
    return told.whole(f"{tokenizer}.model_max_length", 8, most)


def _equal(found: Saved, told: Told, *fields: str) -> None:
    """A fault unless all `component.field` are one whole number."""
    _same(found, *((*field.split(".", 1), told.whole(field)) for field in fields))  # type: ignore[arg-type]


def _oobleck(found: Saved, told: Told) -> dict[str, Any]:
    ratios = told.wholes("vae.downsampling_ratios")
    if any(ratio % 2 for ratio in ratios):
        found.faults.append(
            f"{found.where('vae')}: downsampling_ratios {ratios} are not all even, so sound would be lost"
        )
    varies = told.whole("vae.encoder_hidden_size") == 2 * told.whole("vae.decoder_input_channels")
    return {"sample_rate": told.plain("vae.sampling_rate"), "channels": told.plain("vae.audio_channels"),
            "hop": math.prod(ratios), "decoder": told.whole("vae.decoder_channels"), "varies": varies}  # fmt: skip


def _stable_audio(found: Saved, told: Told) -> dict[str, Any]:
    made = _oobleck(found, told)
    _equal(found, told, "transformer.in_channels", "transformer.out_channels", "vae.decoder_input_channels")
    _equal(found, told, "text_encoder.d_model", "projection_model.text_encoder_dim")
    _same(found, ("projection_model", "conditioning_dim", told.whole("projection_model.conditioning_dim")),
          ("transformer", "cross_attention_input_dim", told.whole("transformer.cross_attention_input_dim")),
          ("transformer", "global_states_input_dim / 2", told.whole("transformer.global_states_input_dim") / 2)
          )  # fmt: skip
    window, most = told.whole("transformer.sample_size"), told.number("projection_model.max_value")
    return made | {
        "longest_s": _longest(min(window * made["hop"] / (_rate(made) or 1), most)), "window": window,
        "text_tokens": _room(told, "tokenizer", MOST_TEXT + 1),
        "width": told.whole("transformer.num_attention_heads") * told.whole("transformer.attention_head_dim"),
    }  # fmt: skip


def _rate(fields: Mapping[str, Any]) -> int:
    """The sample rate, 0 where it is none."""
    rate = fields["sample_rate"]
    return rate if type(rate) is int and rate > 0 else 0


def _stable_audio_3(found: Saved, told: Told) -> dict[str, Any]:
    _equal(found, told, "transformer.io_channels", "vae.latent_dim")
    _equal(found, told, "transformer.cond_token_dim", "text_encoder.encoder.hidden_size", "transformer.global_cond_dim",
           "duration_embedder.output_dim")  # fmt: skip
    _check_flow(found, told)
    told.whole("vae.sliding_window", 0, 64)
    told.wholes("vae.encoder_transformer_depths", MOST_REPEATS)
    hop = told.whole("vae.patch_size") * math.prod(told.wholes("vae.encoder_strides"))
    patch = told.whole("transformer.patch_size", 1, 64)
    return {
        "sample_rate": told.plain("vae.sampling_rate"), "channels": told.plain("vae.audio_channels"), "hop": hop,
        "decoder": told.whole("vae.encoder_channels") * max(told.wholes("vae.encoder_c_mults")), "varies": True,
        "longest_s": _longest(told.number("duration_embedder.max_val", patch * hop / 192000)),
        "text_tokens": _room(told, "tokenizer", 256), "width": told.whole("transformer.embed_dim"),
        "steps": 8 if told.plain("scheduler.stochastic_sampling") else 100,
    }  # fmt: skip


def _check_flow(found: Saved, told: Told) -> None:
    where = found.where("scheduler")
    if told.plain("scheduler.use_dynamic_shifting"):
        found.faults.append(f"{where}: use_dynamic_shifting is set, which the pipeline cannot use; set it to false")


def _audioldm2(found: Saved, told: Told) -> dict[str, Any]:
    _equal(found, told, "unet.in_channels", "vae.latent_channels")
    _equal(found, told, "projection_model.text_encoder_1_dim", "text_encoder_2.d_model")
    _equal(found, told, "projection_model.text_encoder_dim", "text_encoder.projection_dim")
    _equal(found, told, "projection_model.langauge_model_dim", "language_model.n_embd")
    scale = 2 ** (len(told.wholes("vae.block_out_channels", MOST)) - 1)
    bands, column = told.whole("vocoder.model_in_dim"), math.prod(told.wholes("vocoder.upsample_rates"))
    if bands % scale:
        found.faults.append(f"{found.where('vocoder')}: model_in_dim is {bands}, no multiple of the codec's {scale}")
    rate = told.whole("vocoder.sampling_rate", 1, 192000)
    wide = isinstance(told.plain("unet.sample_size"), list | tuple)
    window = told.wholes("unet.sample_size")[0] if wide else told.whole("unet.sample_size")
    return {
        "sample_rate": rate, "channels": 1, "hop": column * scale,
        "longest_s": _longest(window * scale * column / rate * _WINDOWS),
        "text_tokens": _audioldm2_room(found, told), "width": max(told.wholes("unet.block_out_channels", MOST)),
        "decoder": told.whole("vocoder.upsample_initial_channel"), "bands": max(bands // scale, 1),
        "least_steps": _least(found.components["scheduler"].cls, told),
        "most_steps": min(told.whole("scheduler.num_train_timesteps", 1, MOST_TRAINED), MOST_STEPS),
    }  # fmt: skip


def _audioldm2_room(found: Saved, told: Told) -> int:
    """How many tokens a text may have: what both encoders read, and what the language model has positions for."""
    pad = told.whole("text_encoder.text_config.pad_token_id", 0)
    seen = told.whole("text_encoder.text_config.max_position_embeddings") - pad - 1
    padded = told.plain("tokenizer.model_max_length")
    if type(padded) is not int or not 8 <= padded <= seen:
        said = f"model_max_length is {str(padded)[:20]}; 8 to {seen} are needed, for which text_encoder has positions"
        found.faults.append(f"{found.where('tokenizer')}: {said}")
    if told.plain("language_model.max_new_tokens") is not None:
        told.whole("language_model.max_new_tokens", 1, _MOST_CONTINUED)
    further = told.plain("language_model.max_new_tokens")
    further = further if isinstance(further, int) else 8
    positions = told.whole("language_model.n_positions") - further - 5  # four marks and what CLAP makes of a text
    return min(positions, *(_room(told, name, _AUDIOLDM2_TEXT) for name in ("tokenizer", "tokenizer_2")))


def _least(scheduler: str, told: Told) -> int:
    """The fewest steps that a scheduler can take: PNDM begins with a method of Runge and Kutta that needs four."""
    return 4 if scheduler == "PNDMScheduler" and not told.plain("scheduler.skip_prk_steps") else 1


def _ace_step(found: Saved, told: Told) -> dict[str, Any]:
    made = _oobleck(found, told)
    _same(found, ("transformer", "audio_acoustic_hidden_dim", told.whole("transformer.audio_acoustic_hidden_dim")),
          ("transformer", "in_channels / 3", told.whole("transformer.in_channels") / 3),
          ("condition_encoder", "timbre_hidden_dim", told.whole("condition_encoder.timbre_hidden_dim")),
          ("vae", "decoder_input_channels", told.whole("vae.decoder_input_channels")))  # fmt: skip
    _equal(found, told, "condition_encoder.text_hidden_dim", "text_encoder.hidden_size")
    own = "encoder_hidden_size" if told.plain("transformer.encoder_hidden_size") is not None else "hidden_size"
    _equal(found, told, "condition_encoder.hidden_size", f"transformer.{own}")
    _check_flow(found, told)
    where = found.where("scheduler")
    if told.plain("scheduler.stochastic_sampling"):
        what = f"{where}: stochastic_sampling is set, and the pipeline gives it no stream to draw from"
        found.faults.append(f"{what}, so no take could be made again; set it to false")
    if told.plain("scheduler.num_train_timesteps") != 1 or told.plain("scheduler.shift") != 1.0:
        found.faults.append(f"{where}: the pipeline cannot use it but with num_train_timesteps 1 and shift 1.0")
    turbo = bool(told.plain("transformer.is_turbo")) or told.plain("transformer.model_version") == "turbo"
    return made | {
        "longest_s": _ACE_LONGEST_S, "text_tokens": _room(told, "tokenizer", 256),
        "width": told.whole("transformer.hidden_size"),
        "guided": not turbo, "negative": False, **({"guidance": 1.0} if turbo else {}),
    }  # fmt: skip


_MADE: Mapping[str, Callable[[Saved, Told], dict[str, Any]]] = {
    "stable-audio": _stable_audio, "stable-audio-3": _stable_audio_3, "audioldm2": _audioldm2, "ace-step": _ace_step,
}  # fmt: skip
