"""How large a house model is, and its empty parts: EnCodec, T5 and MusicGen's decoder as transformers builds them.

A model that is trained here is an ordinary MusicGen, so that the engine in `models.musicgen` plays it unchanged.
Nothing here trains, reads or writes. Sources: Copet et al., arXiv 2306.05284; Défossez et al., arXiv 2210.13438.
"""

from dataclasses import asdict, dataclass
from typing import Any

HEAD_WIDTH = 64


@dataclass(frozen=True)
class CodecSize:
    """EnCodec: `ratios` multiply to the samples of one frame; `codebooks` of `cardinality` codes each."""

    sample_rate: int
    ratios: tuple[int, ...]
    filters: int
    hidden: int
    codebooks: int
    cardinality: int
    lstm_layers: int = 1

    @property
    def hop(self) -> int:
        """Samples of one frame."""
        result = 1
        for ratio in self.ratios:
            result *= ratio
        return result

    @property
    def frame_rate(self) -> int:
        """Frames a second."""
        return self.sample_rate // self.hop


@dataclass(frozen=True)
class LanguageSize:
    """MusicGen's decoder with its T5: widths, layers and how many frames it hears at once."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    text_width: int
    text_layers: int
    text_heads: int
    vocabulary: int
    window_frames: int
    dropout: float = 0.0


def as_json(size: CodecSize | LanguageSize) -> dict[str, Any]:
    """Plain JSON values."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(size).items()}


def codec_config(size: CodecSize) -> Any:
    """transformers' configuration of the codec: not causal, one channel, as MusicGen's own (`encodec_32khz`)."""
    from transformers import EncodecConfig

    bits = (size.cardinality - 1).bit_length()
    return EncodecConfig(
        sampling_rate=size.sample_rate, audio_channels=1, normalize=False, upsampling_ratios=list(size.ratios),
        num_filters=size.filters, hidden_size=size.hidden, codebook_dim=size.hidden, codebook_size=size.cardinality,
        target_bandwidths=[size.codebooks * bits * size.frame_rate / 1000], num_lstm_layers=size.lstm_layers,
        use_causal_conv=False, use_conv_shortcut=False,
    )  # fmt: skip


def text_config(size: LanguageSize, vocabulary: int) -> Any:
    """transformers' configuration of the text encoder; `vocabulary` is what the tokenizer has."""
    from transformers import T5Config

    return T5Config(
        vocab_size=vocabulary, d_model=size.text_width, d_kv=size.text_width // size.text_heads,
        d_ff=2 * size.text_width, num_layers=size.text_layers, num_heads=size.text_heads, dropout_rate=size.dropout,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip


def empty_codec(size: CodecSize) -> Any:
    """A codec as torch's random numbers make it."""
    from transformers import EncodecModel

    return EncodecModel(codec_config(size))


def _quiet() -> None:
    """transformers warns of the special code beyond the vocabulary, which MusicGen has by design."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def empty_model(codec: CodecSize, language: LanguageSize, vocabulary: int) -> Any:
    """The whole model, float32, as torch's random numbers make it; its window is `window_frames` long."""
    from transformers import MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration

    _quiet()
    decoder = MusicgenDecoderConfig(
        vocab_size=codec.cardinality, max_position_embeddings=language.window_frames + codec.codebooks - 1,
        num_hidden_layers=language.layers, ffn_dim=language.feed_forward, num_attention_heads=language.heads,
        hidden_size=language.width, num_codebooks=codec.codebooks, audio_channels=1, pad_token_id=codec.cardinality,
        bos_token_id=codec.cardinality, dropout=language.dropout, attention_dropout=0.0, activation_dropout=0.0,
        layerdrop=0.0,
    )  # fmt: skip
    parts = {"text_encoder": text_config(language, vocabulary), "audio_encoder": codec_config(codec)}
    return MusicgenForConditionalGeneration(MusicgenConfig(decoder=decoder, **parts))
