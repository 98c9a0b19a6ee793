"""MusicGen's transformer: one pass of rows of codes through the layers, as functions that read top to bottom.

Rows are conditional first, then null: the null row's cross-attention adds exactly 0 (there is no bias), so it is left
out. Keys and values go to memory that the caller owns. Nothing is sampled here, and no length or batch is chosen.
Sizes: rows = 2 * batch, n positions at once, width = heads * head_width. Source: Copet et al., arXiv 2306.05284.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.musicgen.cache import KeyValues, Told
from models.musicgen.kernels import Linear, linear_maker, runnable
from models.musicgen.shape import Shape


@dataclass(frozen=True)
class Norm:
    """LayerNorm with weight and bias [width]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


@dataclass(frozen=True)
class Cross:
    """A layer's ear for the text."""

    norm: Norm
    query: Linear
    keys_values: Linear  # [2 * width, width]
    out: Linear


@dataclass(frozen=True)
class Layer:
    norm: Norm
    query_keys_values: Linear  # [3 * width, width]
    out: Linear
    cross: Cross | None
    feed_norm: Norm
    up: Linear
    down: Linear


@dataclass(frozen=True)
class Weights:
    """The whole decoder. Embeddings, heads and the last norm are float32, whatever the layers compute in."""

    embeddings: Tensor  # [streams * (cardinality + 1), width]
    offsets: Tensor  # [streams, 1]: where a stream's embeddings begin
    positions: Tensor  # [slots, width]
    layers: tuple[Layer, ...]
    norm: Norm
    heads: Linear  # [streams * cardinality, width]
    text: tuple[Tensor, Tensor] | None  # weight [width, text_width] and bias [width]
    chroma: tuple[Tensor, Tensor] | None  # weight [width, chroma_bins] and bias [width]
    dtype: torch.dtype
    head_width: int

    @property
    def step_bytes(self) -> int:
        """Bytes of the matrices that every step reads, however many rows there are."""
        linears = [self.heads]
        for layer in self.layers:
            linears += [layer.query_keys_values, layer.out, layer.up, layer.down]
            linears += [layer.cross.query, layer.cross.out] if layer.cross else []
        return sum(linear.weight_bytes for linear in linears)


@dataclass(frozen=True)
class Where:
    """Where a pass stands: the slots it writes, how many slots attention reads, and what of them it may not see."""

    at: slice | Tensor
    live: int
    mask: Tensor | None  # added to the scores, broadcast to [rows, heads, n, live]
    hidden: Tensor | None = None  # such a mask [rows * heads, 1, live], where one position reads all slots by products


def one_pass(
    weights: Weights, x: Tensor, past: Sequence[KeyValues], told: Sequence[Told], where: Where
) -> Tensor:
    """All layers over x [rows * n, width]; `told` is what each layer's first half of the rows hears, or empty."""
    for index, layer in enumerate(weights.layers):
        x = self_attention(layer, x, past[index], where)
        if layer.cross and told:
            x = cross_attention(layer.cross, x, told[index])
        x = feed_forward(layer, x)
    return x


def embed(weights: Weights, codes: Tensor, positions: Tensor) -> Tensor:
    """Both rows of every take: codes [batch, streams, n] at positions [batch or 1, n] -> x [2 * batch * n, width]."""
    x = functional.embedding(codes + weights.offsets, weights.embeddings).sum(dim=1)  # [batch, n, width]
    x = (x + functional.embedding(positions, weights.positions)).to(weights.dtype)
    return torch.cat([x, x]).flatten(0, 1)


def self_attention(layer: Layer, x: Tensor, past: KeyValues, where: Where) -> Tensor:
    rows, heads, _, head_width = past.keys.shape
    qkv = layer.query_keys_values(layer.norm(x))  # [rows * n, 3 * width]
    q, k, v = qkv.view(rows, -1, 3, heads, head_width).permute(2, 0, 3, 1, 4)  # each [rows, heads, n, head_width]
    past.write(k, v, where.at)
    if where.hidden is None:
        y = past.attend(q, where.live, where.mask)  # [rows, heads, n, head_width]
    else:
        y = past.attend_all(q, where.hidden)  # the same, n is 1
    y = y.transpose(1, 2).reshape(x.shape)  # [rows * n, width]
    return layer.out(y.to(x.dtype), residual=x)


def cross_attention(cross: Cross, x: Tensor, told: Told) -> Tensor:
    own = x[: len(x) // 2]  # [batch * n, width]: null rows hear nothing
    found = told.attend(cross.query(cross.norm(own)))  # [batch * n, width]
    own.copy_(cross.out(found, residual=own))
    return x


def feed_forward(layer: Layer, x: Tensor) -> Tensor:
    y = layer.up(layer.feed_norm(x), gelu=True)  # [rows * n, feed_forward]
    return layer.down(y, residual=x)


def logits_of(weights: Weights, x: Tensor) -> Tensor:
    """Normed x [any, width] float32 -> [any, streams, cardinality]."""
    return weights.heads(x).view(len(x), len(weights.offsets), -1)


def text_keys_values(weights: Weights, text: Tensor) -> Tensor:
    """What cross-attention sees of text states [n, text_width]: [layers, 2, 1, heads, n, head_width]."""
    states = project(weights.text, text).to(weights.dtype)  # [n, width]
    each = [layer.cross.keys_values(states) for layer in weights.layers if layer.cross]  # [n, 2 * width]
    stacked = torch.stack(each).unflatten(-1, (2, 1, -1, weights.head_width))  # [layers, n, 2, 1, heads, head_width]
    return stacked.permute(0, 2, 3, 4, 1, 5)


def prefix_keys_values(weights: Weights, prefix: Tensor, null: Tensor) -> Tensor:
    """What self-attention remembers of states put before the codes, [p, width] each: [layers, 2, 2, heads, p, hw]."""
    p = len(prefix)
    x = torch.cat([prefix + weights.positions[:p], null + weights.positions[:p]]).to(weights.dtype)  # [2 * p, width]
    heads = prefix.shape[1] // weights.head_width
    past = [KeyValues.empty(2, heads, p, weights.head_width, like=prefix) for _ in weights.layers]
    one_pass(weights, x, past, (), Where(slice(0, p), p, causal(p, p, x.device)))
    return torch.stack([torch.stack([layer.keys, layer.values]) for layer in past])


def project(linear: tuple[Tensor, Tensor] | None, states: Tensor) -> Tensor:
    return states if linear is None else functional.linear(states, *linear)


def causal(n: int, live: int, device: torch.device) -> Tensor:
    """[n, live]: the last n of `live` slots look back and at themselves."""
    ahead = torch.ones(n, live, dtype=torch.bool, device=device).triu_(live - n + 1)
    return torch.zeros(n, live, device=device).masked_fill_(ahead, -torch.inf)


def sinusoids(slots: int, width: int) -> Tensor:
    """Positions [slots, width]: cosines, then sines, of period up to 2 pi * 10000."""
    rates = torch.exp(torch.arange(width // 2).float() * -(math.log(10000) / (width // 2 - 1)))
    angles = torch.arange(slots).float().unsqueeze(1) * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def take_weights(shape: Shape, tensors: Mapping[str, Tensor], device: str, dtype: torch.dtype, kernels: str,
                 rows: int, slots: int) -> Weights:  # fmt: skip
    """The decoder made ready from a checkpoint's tensors, named as transformers names them below `decoder.`.

    Raises KeyError for a tensor that is missing; checkpoints are checked before they come here.
    """
    make, half = linear_maker(kernels, rows), linear_maker(kernels, rows // 2)
    make_heads = linear_maker("plain" if kernels == "plain" else runnable("packed", device, torch.float32), rows // 2)

    def get(name: str, kind: torch.dtype = torch.float32) -> Tensor:
        return tensors[name].to(device=device, dtype=kind)

    def linear(*names: str, using: Callable[[Tensor], Linear] = make) -> Linear:
        return using(torch.cat([get(f"{name}.weight", dtype) for name in names]))

    def norm(name: str, kind: torch.dtype = dtype) -> Norm:
        return Norm(get(f"{name}.weight", kind), get(f"{name}.bias", kind))

    def layer(at: str) -> Layer:
        heard = Cross(
            norm(f"{at}.encoder_attn_layer_norm"),
            linear(f"{at}.encoder_attn.q_proj", using=half),
            linear(f"{at}.encoder_attn.k_proj", f"{at}.encoder_attn.v_proj"),
            linear(f"{at}.encoder_attn.out_proj", using=half),
        ) if shape.cross_attention else None  # fmt: skip
        return Layer(
            norm(f"{at}.self_attn_layer_norm"),
            linear(*(f"{at}.self_attn.{part}_proj" for part in "qkv")),
            linear(f"{at}.self_attn.out_proj"),
            heard,
            norm(f"{at}.final_layer_norm"),
            linear(f"{at}.fc1"),
            linear(f"{at}.fc2"),
        )

    def projection(name: str) -> tuple[Tensor, Tensor] | None:
        return (get(f"{name}.weight"), get(f"{name}.bias")) if f"{name}.weight" in tensors else None

    heads = torch.cat([get(f"lm_heads.{stream}.weight") for stream in range(shape.streams)])
    return Weights(
        embeddings=torch.cat([get(f"model.decoder.embed_tokens.{stream}.weight") for stream in range(shape.streams)]),
        offsets=(torch.arange(shape.streams, device=device) * (shape.cardinality + 1)).unsqueeze(1),
        positions=sinusoids(slots, shape.width).to(device),
        layers=tuple(layer(f"model.decoder.layers.{index}") for index in range(shape.layers)),
        norm=norm("model.decoder.layer_norm", torch.float32),
        heads=make_heads(heads),
        text=projection("enc_to_dec_proj"),
        chroma=projection("audio_enc_to_dec_proj"),
        dtype=dtype,
        head_width=shape.head_width,
    )
