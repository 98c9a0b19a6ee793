"""The two parts of MusicGen that come from transformers: the T5 text encoder and the EnCodec codec, built empty.

They are built from the fields of `models.musicgen.configs` only, never from a checkpoint's own code or whole config.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.musicgen import names

if TYPE_CHECKING:
    from torch import Tensor, nn

    from models.musicgen.names import Sizes


def text_encoder(fields: Mapping[str, Any]) -> "nn.Module":
    """An empty T5 encoder. Raises ValueError or TypeError for fields that make none."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(**fields, dropout_rate=0.0, use_cache=False))


def codec(fields: Mapping[str, Any]) -> "nn.Module":
    """An empty EnCodec. Raises ValueError or TypeError for fields that make none."""
    from transformers import EncodecConfig, EncodecModel

    return EncodecModel(EncodecConfig(**fields))


def text_sizes(fields: Mapping[str, Any]) -> "dict[str, Sizes]":
    """The tensors that a text encoder needs, by transformers' names in a whole checkpoint."""
    return _sizes(text_encoder, fields, names.from_text_encoder)


def codec_sizes(fields: Mapping[str, Any]) -> "dict[str, Sizes]":
    """The tensors that a codec needs, by transformers' names in a whole checkpoint."""
    return _sizes(codec, fields, names.from_codec)


def _sizes(build: Any, fields: Mapping[str, Any], places: Any) -> "dict[str, Sizes]":
    import torch

    with torch.device("meta"):
        state = build(fields).state_dict()
    return {place.name: tuple(tensor.shape) for name, tensor in state.items() for place in places(name)}


def filled(module: "nn.Module", prefix: str, tensors: "Mapping[str, Tensor]") -> "nn.Module":
    """The module, in float32, with the weights that `tensors` has below `prefix`; ready to compute, never to train."""
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if "shared.weight" in own:
        own["encoder.embed_tokens.weight"] = own["shared.weight"]
    module.load_state_dict({name: tensor.float() for name, tensor in own.items()}, strict=False)
    return module.eval().requires_grad_(False)
