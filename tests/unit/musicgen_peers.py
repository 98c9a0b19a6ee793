"""transformers' MusicGen beside ours: the same weights, the same conditions, what each of them says.

Only tests and benchmarks import this. Nothing is downloaded: weights are random.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch import Tensor

from models.musicgen.engine import Condition, Engine, EngineSettings
from models.musicgen.shape import Shape, mono_delays, stereo_delays


def shape_of(model: Any, window_frames: int = 500) -> Shape:
    """The shape of a transformers model with text encoder and decoder."""
    config, decoder = model.config, model.config.decoder
    codebooks = decoder.num_codebooks // decoder.audio_channels
    chroma = getattr(config, "num_chroma", 0)
    return Shape(
        width=decoder.hidden_size, layers=decoder.num_hidden_layers, heads=decoder.num_attention_heads,
        feed_forward=decoder.ffn_dim, streams=decoder.num_codebooks, channels=decoder.audio_channels,
        delays=mono_delays(codebooks) if decoder.audio_channels == 1 else stereo_delays(codebooks),
        cardinality=decoder.vocab_size, text_width=config.text_encoder.d_model, cross_attention=not chroma,
        chroma_bins=chroma, chroma_frames=getattr(config, "chroma_length", 235), window_frames=window_frames,
    )  # fmt: skip


def tensors_of(model: Any) -> dict[str, Tensor]:
    """The tensors that the engine takes, by its names."""
    return {name.removeprefix("decoder."): tensor for name, tensor in model.state_dict().items()
            if name.startswith(("decoder.", "enc_to_dec_proj.", "audio_enc_to_dec_proj."))}  # fmt: skip


def random_tensors(shape: Shape, seed: int = 0, spread: float = 0.05) -> dict[str, Tensor]:
    """Weights for a shape without transformers: matrices uniform, norms near 1 and 0."""
    numbers = torch.Generator().manual_seed(seed)

    def matrix(*size: int) -> Tensor:
        return torch.empty(size).uniform_(-spread, spread, generator=numbers)

    width, made = shape.width, {}
    for stream in range(shape.streams):
        made[f"model.decoder.embed_tokens.{stream}.weight"] = matrix(shape.cardinality + 1, width)
        made[f"lm_heads.{stream}.weight"] = matrix(shape.cardinality, width)
    norms = ["model.decoder.layer_norm"]
    for layer in range(shape.layers):
        at = f"model.decoder.layers.{layer}"
        hearing = ["self_attn", "encoder_attn"] if shape.cross_attention else ["self_attn"]
        for ear in hearing:
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                made[f"{at}.{ear}.{part}.weight"] = matrix(width, width)
            norms.append(f"{at}.{ear}_layer_norm")
        norms.append(f"{at}.final_layer_norm")
        made[f"{at}.fc1.weight"] = matrix(shape.feed_forward, width)
        made[f"{at}.fc2.weight"] = matrix(width, shape.feed_forward)
    for norm in norms:
        made[f"{norm}.weight"], made[f"{norm}.bias"] = 1 + matrix(width), matrix(width)
    made["enc_to_dec_proj.weight"], made["enc_to_dec_proj.bias"] = matrix(width, shape.text_width), matrix(width)
    if shape.chroma_bins:
        made["audio_enc_to_dec_proj.weight"] = matrix(width, shape.chroma_bins)
        made["audio_enc_to_dec_proj.bias"] = matrix(width)
    return made


def words(model: Any, lengths: Sequence[int], seed: int = 0) -> list[Tensor]:
    """A prompt of token ids [n] for every length."""
    numbers = torch.Generator().manual_seed(seed)
    return [torch.randint(3, model.config.text_encoder.vocab_size, (n,), generator=numbers) for n in lengths]


def chromas(model: Any, rows: int, seed: int = 0) -> Tensor:
    """One-hot chroma [rows, chroma_frames, bins]."""
    numbers = torch.Generator().manual_seed(seed)
    bins, frames = model.config.num_chroma, model.config.chroma_length
    return torch.nn.functional.one_hot(torch.randint(bins, (rows, frames), generator=numbers), bins).float()


@torch.no_grad()
def condition_of(model: Any, prompt: Tensor, key: str, chroma: Tensor | None = None) -> Condition:
    """What our engine is told of a prompt [n] and, for a melody checkpoint, chroma [frames, bins]."""
    text = model.text_encoder(prompt[None]).last_hidden_state[0]
    if chroma is None:
        return Condition(text, None, key)
    return Condition(text, torch.cat([model.audio_enc_to_dec_proj(chroma), model.enc_to_dec_proj(text)]), key)


@dataclass
class Heard:
    """Codes that a transformers model handed to its codec."""

    codes: Tensor | None = None

    def listen(self, model: Any) -> None:
        """Take the codec's place: it is not what is compared."""
        parts: list[Tensor] = []

        def decode(codes: Tensor, **_: Any) -> Any:
            parts.append(codes[0])
            if len(parts) == model.config.decoder.audio_channels:
                self.codes = torch.stack(parts, dim=2).flatten(1, 2)
                parts.clear()

            class Silence:
                audio_values = torch.zeros(codes.shape[1], 1, 1)

            return Silence

        model.audio_encoder.decode = decode


@torch.no_grad()
def generated(
    model: Any, prompts: Sequence[Tensor], frames: int, given: Tensor | None = None, **options: Any
) -> Tensor:
    """Codes [batch, streams, given and new frames] that transformers makes of prompts, padded and masked its way."""
    heard, longest = Heard(), max(map(len, prompts))
    heard.listen(model)
    ids = torch.stack([torch.nn.functional.pad(prompt, (0, longest - len(prompt))) for prompt in prompts])
    mask = torch.stack([(torch.arange(longest) < len(prompt)).long() for prompt in prompts])
    if given is not None:
        options["decoder_input_ids"] = given.flatten(0, 1)
    model.generate(input_ids=ids, attention_mask=mask, guidance_scale=3.0, max_new_tokens=frames + 3, **options)
    assert heard.codes is not None
    return heard.codes


def engine_for(model: Any, batch: int, **settings: Any) -> Engine:
    return Engine(shape_of(model), tensors_of(model), EngineSettings(batch=batch, text_tokens=12, **settings))


def peer_of(shape: Shape, tensors: Mapping[str, Tensor]) -> Any:
    """transformers' decoder of a shape, on the very same tensors."""
    from transformers import (
        MusicgenDecoderConfig,
        MusicgenForCausalLM,
        MusicgenMelodyDecoderConfig,
        MusicgenMelodyForCausalLM,
    )

    sizes = dict(
        vocab_size=shape.cardinality, num_hidden_layers=shape.layers, ffn_dim=shape.feed_forward,
        num_attention_heads=shape.heads, hidden_size=shape.width, num_codebooks=shape.streams,
        audio_channels=shape.channels, pad_token_id=shape.special, bos_token_id=shape.special, dropout=0.0,
    )  # fmt: skip
    with torch.device("meta"):
        peer = (MusicgenForCausalLM(MusicgenDecoderConfig(**sizes)) if shape.cross_attention
                else MusicgenMelodyForCausalLM(MusicgenMelodyDecoderConfig(**sizes)))  # fmt: skip
    peer.load_state_dict({k: v for k, v in tensors.items() if "enc_to_dec" not in k}, assign=True, strict=True)
    positions = peer.model.decoder.embed_positions
    positions.weights = torch.nn.Buffer(positions.get_embedding(2048, shape.width), persistent=False)
    return peer.eval()
