"""The finished model as a folder that the register takes: transformers' MusicGen with its tokenizer, from what the
lessons left.

Nothing here learns, and no file is fetched.
"""

from pathlib import Path
from typing import Any

from models.house import sizes
from services.training.order import Order
from services.training.writing import system_errors

SHARD = "14MB"  # the largest file of weights


def trained_codec(order: Order, folder: Path) -> Any:
    """The engine's codec with what was learned, as it will be stored, on the processor."""
    import torch
    from safetensors.torch import load_file

    from models.musicgen.codec import Codec
    from models.musicgen.configs import Faults, codec_fields

    fields = codec_fields("the trained codec", sizes.codec_config(order.preset.codec).to_dict(), Faults())
    stored, learned = getattr(torch, order.preset.stored), load_file(folder / "codec.safetensors")
    tensors = {f"audio_encoder.{name}": tensor.to(stored).float() for name, tensor in learned.items()}
    return Codec(fields, tensors, 1, order.preset.codec.codebooks)


def trained_model(order: Order, folder: Path) -> Any:
    """transformers' MusicGen with everything that was learned, float32, for reading."""
    from safetensors.torch import load_file

    from models.musicgen.tokens import load_tokenizer

    vocabulary = load_tokenizer(folder / "tokens" / "tokenizer.json").get_vocab_size()
    model = sizes.empty_model(order.preset.codec, order.preset.language, vocabulary)
    model.audio_encoder.load_state_dict(load_file(folder / "codec.safetensors"))
    learned = load_file(folder / "model.safetensors")
    homes = {"text.": model.text_encoder, "project.": model.enc_to_dec_proj, "decoder.": model.decoder}
    for prefix, module in homes.items():
        own = {name.removeprefix(prefix): tensor for name, tensor in learned.items() if name.startswith(prefix)}
        missing = module.load_state_dict(own, strict=False)
        if missing.unexpected_keys or set(missing.missing_keys) - {"encoder.embed_tokens.weight"}:
            raise ValueError(f"{folder}: model.safetensors is of another model; remove the folder and train again")
    return model.eval()


def assemble(order: Order, folder: Path, target: Path) -> Path:
    """Write the model into `target`; returns it. Written again it has the same bytes."""
    import torch
    from transformers import PreTrainedTokenizerFast

    model = trained_model(order, folder)
    special, codec = order.preset.codec.cardinality, order.preset.codec
    model.generation_config.update(
        do_sample=True, guidance_scale=3.0, max_length=order.preset.language.window_frames, pad_token_id=special,
        top_k=min(250, codec.cardinality), bos_token_id=special, decoder_start_token_id=special,
    )  # fmt: skip
    target.mkdir(parents=True, exist_ok=True)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokens" / "tokenizer.json"), pad_token="<pad>", eos_token="</s>",
        unk_token="<unk>", model_max_length=512,
    )  # fmt: skip
    with system_errors(target):
        model.to(getattr(torch, order.preset.stored)).save_pretrained(target, max_shard_size=SHARD)
        wrapped.save_pretrained(target)
    return target
