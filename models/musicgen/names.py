"""What the tensors of a MusicGen checkpoint are called, in either format, and how large each has to be.

Everything is known here under the names of transformers (`decoder.model.decoder.layers.0.fc1.weight`); audiocraft's
and older ones are translated. Nothing here opens a file or imports torch.
"""

import re
from dataclasses import dataclass

from models.musicgen.shape import Shape

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where a stored tensor belongs: under `name`, as the `part`-th of `parts` equal pieces of its rows."""

    name: str
    part: int = 0
    parts: int = 1


_NORMS = ("self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm")


def decoder_tensors(shape: Shape) -> dict[str, Sizes]:
    """Every tensor of the decoder and of the projections into it, with its sizes."""
    wide = shape.width
    sizes: dict[str, Sizes] = {}
    for k in range(shape.streams):
        sizes[f"decoder.model.decoder.embed_tokens.{k}.weight"] = (shape.cardinality + 1, wide)
        sizes[f"decoder.lm_heads.{k}.weight"] = (shape.cardinality, wide)
    for index in range(shape.layers):
        sizes |= _layer(f"decoder.model.decoder.layers.{index}.", shape)
    sizes |= {f"decoder.model.decoder.layer_norm.{end}": (wide,) for end in ("weight", "bias")}
    for name, narrow in (("enc_to_dec_proj", shape.text_width), ("audio_enc_to_dec_proj", shape.chroma_bins)):
        if narrow not in (0, wide):
            sizes |= {f"{name}.weight": (wide, narrow), f"{name}.bias": (wide,)}
    return sizes


def _layer(prefix: str, shape: Shape) -> dict[str, Sizes]:
    """One layer; melody checkpoints have neither cross-attention nor the norm before it."""
    wide = shape.width
    attentions = ("self_attn", "encoder_attn") if shape.cross_attention else ("self_attn",)
    norms = _NORMS if shape.cross_attention else (_NORMS[0], _NORMS[2])
    sizes: dict[str, Sizes] = {f"{prefix}fc1.weight": (shape.feed_forward, wide)}
    sizes[f"{prefix}fc2.weight"] = (wide, shape.feed_forward)
    sizes |= {f"{prefix}{a}.{p}_proj.weight": (wide, wide) for a in attentions for p in ("q", "k", "v", "out")}
    return sizes | {f"{prefix}{norm}.{end}": (wide,) for norm in norms for end in ("weight", "bias")}


_WITHOUT_USE = re.compile(
    r"decoder\.model\.decoder\.embed_positions\.weights"  # sinusoids, kept in older files
    r"|audio_encoder\.quantizer\.layers\.\d+\.codebook\.(inited|cluster_size|embed_avg)"  # for training
    r"|condition_provider\.conditioners\.self_wav\.chroma\.spec\.window"
)
_WEIGHT_NORM = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}


def from_transformers(name: str) -> tuple[Place, ...]:
    """Where a tensor of a transformers checkpoint belongs; nowhere for those that nothing needs."""
    if _WITHOUT_USE.fullmatch(name):
        return ()
    if name == "text_encoder.encoder.embed_tokens.weight":
        return (Place("text_encoder.shared.weight"),)
    if name.startswith("audio_encoder."):
        for old, new in _WEIGHT_NORM.items():
            name = name.removesuffix(old) + new if name.endswith(old) else name
    return (Place(name),)


def from_text_encoder(name: str) -> tuple[Place, ...]:
    """Where a tensor of a T5 folder belongs; a whole T5's decoder is not needed."""
    if name.startswith(("decoder.", "lm_head.")):
        return ()
    return from_transformers(f"text_encoder.{name}")


def from_codec(name: str) -> tuple[Place, ...]:
    """Where a tensor of an EnCodec folder belongs."""
    return from_transformers(f"audio_encoder.{name}")


_AUDIOCRAFT = (
    (r"emb\.(\d+)\.weight", r"decoder.model.decoder.embed_tokens.\1.weight"),
    (r"linears\.(\d+)\.weight", r"decoder.lm_heads.\1.weight"),
    (r"out_norm\.(weight|bias)", r"decoder.model.decoder.layer_norm.\1"),
    (r"condition_provider\.conditioners\.description\.output_proj\.(weight|bias)", r"enc_to_dec_proj.\1"),
    (r"condition_provider\.conditioners\.self_wav\.output_proj\.(weight|bias)", r"audio_enc_to_dec_proj.\1"),
)
_AUDIOCRAFT_LAYER = {
    "self_attn.out_proj.weight": "self_attn.out_proj.weight",
    "cross_attention.out_proj.weight": "encoder_attn.out_proj.weight",
    "linear1.weight": "fc1.weight",
    "linear2.weight": "fc2.weight",
    "norm1.weight": "self_attn_layer_norm.weight",
    "norm1.bias": "self_attn_layer_norm.bias",
    "norm_cross.weight": "encoder_attn_layer_norm.weight",
    "norm_cross.bias": "encoder_attn_layer_norm.bias",
    "norm2.weight": "final_layer_norm.weight",
    "norm2.bias": "final_layer_norm.bias",
}
_ATTENTIONS = {"self_attn.in_proj_weight": "self_attn", "cross_attention.in_proj_weight": "encoder_attn"}


def from_audiocraft(name: str) -> tuple[Place, ...]:
    """Where a tensor of an audiocraft language model belongs; q, k and v are the three parts of one `in_proj_weight`.

    Names that nobody knows stay as they are, so that they can be told."""
    if _WITHOUT_USE.fullmatch(name):
        return ()
    for pattern, replacement in _AUDIOCRAFT:
        if matched := re.fullmatch(pattern, name):
            return (Place(matched.expand(replacement)),)
    if matched := re.fullmatch(r"transformer\.layers\.(\d+)\.(.+)", name):
        prefix, rest = f"decoder.model.decoder.layers.{matched[1]}.", matched[2]
        if rest in _ATTENTIONS:
            return tuple(Place(f"{prefix}{_ATTENTIONS[rest]}.{p}_proj.weight", i, 3) for i, p in enumerate("qkv"))
        if rest in _AUDIOCRAFT_LAYER:
            return (Place(prefix + _AUDIOCRAFT_LAYER[rest]),)
    return (Place(name),)
