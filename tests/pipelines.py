"""Saved diffusion pipelines of about 1 MB with random weights, in diffusers' true layout, so that loading and rendering
are tested without a download: one of every family, and every kind of broken one.

    python -m tests.pipelines FOLDER            # also for people who want to try one: it makes noise

The same seed writes the same weights. Nothing here is imported by the program.
"""

import argparse
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tests.checkpoints import WORDS, Mischief, card_text, without_offset

KINDS = ("stable-audio", "stable-audio-3", "audioldm2", "ace-step")
RATE = 16000
LOUDNESS = 0.2  # root mean square of what the decoders make
_WORDS = (
    *WORDS, "Instruction", "Fill", "audio", "semantic", "mask", "based", "on", "given", "conditions", "Caption",
    "Metas", "timesignature", "keyscale", "duration", "seconds", "Languages", "unknown", "Lyric", "Instrumental",
    "endoftext", "music", "quality",
)  # fmt: skip


def byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """(vocabulary, merges) of a byte-level tokenizer that reads the words of the tests in one token each."""
    from tokenizers.pre_tokenizers import ByteLevel

    vocabulary = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    merges: list[tuple[str, str]] = []
    for word in sorted(dict.fromkeys(spelt for plain in _WORDS for spelt in (plain, f"Ġ{plain}"))):
        for end in range(1, len(word)):
            if word[: end + 1] not in vocabulary:
                merges.append((word[:end], word[end]))
                vocabulary[word[: end + 1]] = len(vocabulary)
    return vocabulary, merges


def with_specials(specials: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """`byte_pairs` whose first numbers are those of some special tokens."""
    vocabulary, merges = byte_pairs()
    return {word: number for number, word in enumerate([*specials, *vocabulary])}, merges


def t5_tokenizer(room: int = 128) -> Any:
    from string import ascii_letters, digits, punctuation

    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -4.0) for word in sorted(set(_WORDS)))]
    pieces += [("▁", -6.0), *((letter, -8.0) for letter in ascii_letters + digits + punctuation)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=room)


def roberta_tokenizer(room: int = 128) -> Any:
    from transformers import RobertaTokenizer

    vocabulary, merges = with_specials(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    return RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=room)


def gemma_tokenizer(room: int = 256) -> Any:
    from transformers import GemmaTokenizer

    vocabulary, merges = with_specials(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))
    plain = {word.replace("Ġ", "▁"): number for word, number in vocabulary.items()}
    pairs = [(left.replace("Ġ", "▁"), right) for left, right in merges]
    return GemmaTokenizer(vocab=plain, merges=pairs, model_max_length=room)


def qwen_tokenizer() -> Any:
    """As Qwen's tokenizer for embeddings: it pads on the left."""
    from transformers import Qwen2TokenizerFast

    vocabulary, merges = with_specials(("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    return Qwen2TokenizerFast(vocab=vocabulary, merges=merges, model_max_length=1024, padding_side="left")


def t5_encoder(tokenizer: Any, width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(
        vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0,
    ))  # fmt: skip


def oobleck(ratios: Sequence[int], latent: int, rate: int, channels: int = 2) -> Any:
    from diffusers import AutoencoderOobleck

    return AutoencoderOobleck(
        encoder_hidden_size=2 * latent, downsampling_ratios=list(ratios),
        channel_multiples=[1, 1, 1, 2][-len(ratios) :],
        decoder_channels=4, decoder_input_channels=latent, audio_channels=channels, sampling_rate=rate,
    )  # fmt: skip


def stable_audio(rate: int = RATE, window: int = 768, channels: int = 2, **sizes: int) -> Any:
    """Stable Audio Open: a window of 24.6 s, of which a take is the beginning."""
    from diffusers import CosineDPMSolverMultistepScheduler, StableAudioDiTModel, StableAudioPipeline
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel

    tokenizer = t5_tokenizer()
    transformer = StableAudioDiTModel(**{
        "sample_size": window, "in_channels": 8, "num_layers": 2, "attention_head_dim": 16, "num_attention_heads": 2,
        "num_key_value_attention_heads": 1, "out_channels": 8, "cross_attention_dim": 32, "time_proj_dim": 16,
        "global_states_input_dim": 64, "cross_attention_input_dim": 32, **sizes,
    })  # fmt: skip
    return StableAudioPipeline(
        vae=oobleck((8, 8, 8), transformer.config.in_channels, rate, channels), text_encoder=t5_encoder(tokenizer, 32),
        projection_model=StableAudioProjectionModel(32, 32, 0, 512), tokenizer=tokenizer, transformer=transformer,
        scheduler=CosineDPMSolverMultistepScheduler(sigma_min=0.3, sigma_max=500, solver_order=2, sigma_data=1.0),
    )  # fmt: skip


def stable_audio_3(rate: int = RATE, distilled: bool = True) -> Any:
    from diffusers import AutoencoderSAME, FlowMatchEulerDiscreteScheduler, StableAudio3DiTModel, StableAudio3Pipeline
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder
    from transformers import T5GemmaConfig, T5GemmaEncoderModel, T5GemmaModuleConfig

    tokenizer = gemma_tokenizer()
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "num_key_value_heads": 1, "head_dim": 8, "vocab_size": len(tokenizer), "sliding_window": 64}  # fmt: skip
    parts = {"encoder": T5GemmaModuleConfig(**sizes), "decoder": T5GemmaModuleConfig(**sizes)}
    text = T5GemmaConfig(**parts, is_encoder_decoder=False, vocab_size=len(tokenizer))
    return StableAudio3Pipeline(
        vae=AutoencoderSAME(patch_size=32, encoder_channels=16, encoder_c_mults=(2,), encoder_strides=(8,),
                            encoder_transformer_depths=(1,), latent_dim=8, dim_heads=16, sampling_rate=rate),
        text_encoder=T5GemmaEncoderModel(text), tokenizer=tokenizer,
        duration_embedder=StableAudio3DurationEmbedder(output_dim=16, fourier_dim=16, max_val=60.0),
        transformer=StableAudio3DiTModel(io_channels=8, embed_dim=32, depth=2, num_heads=2, cond_token_dim=16,
                                         global_cond_dim=16, local_add_cond_dim=9, timestep_features_dim=16,
                                         num_memory_tokens=4),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0, stochastic_sampling=distilled),
    )  # fmt: skip


def audioldm2(rate: int = RATE) -> Any:
    """Text to a spectrogram of 16 bands, 100 columns a second, and a vocoder."""
    from diffusers import AudioLDM2Pipeline, AudioLDM2UNet2DConditionModel, AutoencoderKL, DDIMScheduler
    from diffusers.pipelines.audioldm2 import AudioLDM2ProjectionModel
    from transformers import (
        ClapConfig,
        ClapFeatureExtractor,
        ClapModel,
        GPT2Config,
        GPT2LMHeadModel,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
    )  # fmt: skip

    roberta, t5 = roberta_tokenizer(), t5_tokenizer()
    hearing = {"hidden_size": 16, "depths": [1, 1], "num_attention_heads": [1, 1], "num_hidden_layers": 2,
               "patch_embeds_hidden_size": 8, "num_mel_bins": 8, "spec_size": 32, "window_size": 4,
               "projection_dim": 16, "patch_size": 4, "patch_stride": [4, 4]}  # fmt: skip
    reading = {"vocab_size": len(roberta), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
               "intermediate_size": 32, "projection_dim": 16, "max_position_embeddings": 140}  # fmt: skip
    language = GPT2Config(
        vocab_size=8, n_positions=256, n_embd=16, n_layer=2, n_head=2, n_inner=32, bos_token_id=0, eos_token_id=0
    )
    language.max_new_tokens = 8
    return AudioLDM2Pipeline(
        vae=AutoencoderKL(block_out_channels=[8, 16], in_channels=1, out_channels=1, norm_num_groups=4,
                          down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
                          latent_channels=4),
        text_encoder=ClapModel(ClapConfig(text_config=reading, audio_config=hearing, projection_dim=16)),
        text_encoder_2=t5_encoder(t5, 16),
        projection_model=AudioLDM2ProjectionModel(text_encoder_dim=16, text_encoder_1_dim=16, langauge_model_dim=16),
        language_model=GPT2LMHeadModel(language), tokenizer=roberta, tokenizer_2=t5,
        feature_extractor=ClapFeatureExtractor(feature_size=16, sampling_rate=rate),
        unet=AudioLDM2UNet2DConditionModel(
            block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=512, in_channels=4,
            out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=(16, 16),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=8),
        scheduler=DDIMScheduler(beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False,
                                set_alpha_to_one=False),
        vocoder=SpeechT5HifiGan(SpeechT5HifiGanConfig(
            model_in_dim=16, sampling_rate=rate, upsample_initial_channel=16, upsample_rates=[8, 5, 4],
            upsample_kernel_sizes=[16, 11, 8], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]],
            normalize_before=False)),
    )  # fmt: skip


def ace_step(rate: int = RATE, turbo: bool = False) -> Any:
    from diffusers import AceStepPipeline, AceStepTransformer1DModel, FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.ace_step import AceStepConditionEncoder
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = qwen_tokenizer()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1,
             "head_dim": 16, "sliding_window": 16}  # fmt: skip
    pipeline = AceStepPipeline(
        vae=oobleck((4, 4, 4, 10), 8, rate),
        text_encoder=Qwen3Model(Qwen3Config(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=8, max_position_embeddings=1024)),
        tokenizer=tokenizer,
        transformer=AceStepTransformer1DModel(
            **sizes, num_hidden_layers=2, in_channels=24, audio_acoustic_hidden_dim=8, is_turbo=turbo),
        condition_encoder=AceStepConditionEncoder(
            **sizes, text_hidden_dim=16, timbre_hidden_dim=8, num_lyric_encoder_hidden_layers=1,
            num_timbre_encoder_hidden_layers=1),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )  # fmt: skip
    silence = pipeline.condition_encoder.silence_latent
    silence.copy_(0.1 * _ripples(silence.shape[1])[None, :, None].expand_as(silence))
    return pipeline


def _ripples(length: int) -> Any:
    import torch

    return torch.sin(torch.arange(length) * 0.37)


def build(kind: str = "stable-audio", seed: int = 0, **options: Any) -> Any:
    """The pipeline itself, float32 and ready: what it makes has a loudness of about `LOUDNESS`."""
    import torch

    makers: dict[str, Callable[..., Any]] = {
        "stable-audio": stable_audio, "stable-audio-3": stable_audio_3, "audioldm2": audioldm2, "ace-step": ace_step,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        pipeline = makers[kind](**options)
        for name, part in sorted(pipeline.components.items()):
            if isinstance(part, torch.nn.Module):
                part.eval().requires_grad_(False)
                _enliven(name, part)
        _level(pipeline)
    return pipeline


def _enliven(name: str, part: Any) -> None:
    """Weights that begin at nothing or next to it would leave the text without effect: give them a size."""
    import torch

    least = 1e-3 if name in ("vae", "vocoder") else 0.1
    for key, weight in part.named_parameters():
        if weight.ndim >= 2 and weight.abs().max() < least:
            weight.copy_(torch.randn(weight.shape) * (weight.shape[1] ** -0.5) * (0.3 if "process_conv" in key else 1))


def _level(pipeline: Any) -> None:
    """Scale what is last in the decoder, so that latents of the usual size make sound of the usual loudness."""
    import torch

    vocoder = getattr(pipeline, "vocoder", None)
    decoder = pipeline.vae.decoder
    if vocoder is not None:
        last = vocoder.conv_post
    else:
        last = decoder.conv2 if hasattr(decoder, "conv2") else decoder.blocks[-1].mapping
    if isinstance(last, torch.nn.Conv1d) and last.kernel_size[0] > 1:
        without_offset(last)
    if vocoder is not None:
        heard = vocoder(torch.randn(1, 200, vocoder.config.model_in_dim))
    else:
        latent = getattr(pipeline.vae.config, "decoder_input_channels", None) or pipeline.vae.config.latent_dim
        heard = pipeline.vae.decode(torch.randn(1, latent, 64)).sample
    factor = LOUDNESS / float(heard.std())
    for key, weight in last.named_parameters():
        if key.endswith(("weight_g", "original0", "bias")) or key == "weight":
            weight.mul_(factor)


def write(
    folder: Path, kind: str = "stable-audio", seed: int = 0, licence: str | None = "cc0-1.0", **options: Any
) -> Path:
    """A folder as `save_pretrained` writes it, and a card."""
    from models.diffusion.loading import quiet

    with quiet():
        build(kind, seed, **options).save_pretrained(folder)
    (folder / "README.md").write_text(card_text(folder.name, licence), encoding="utf-8")
    return folder


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite a JSON file after `change` has edited what it holds in place."""
    held = json.loads(path.read_text(encoding="utf-8"))
    change(held)
    path.write_text(json.dumps(held), encoding="utf-8")


def edit_weights(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite a file of tensors after `change` has edited them by name in place."""
    from safetensors.torch import load_file, save_file

    held = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(held)
    save_file(held, path, metadata={"format": "pt"})


INDEX = "model_index.json"
UNET = "unet/diffusion_pytorch_model.safetensors"
LAYER = "mid_block.resnets.0.conv1.weight"


def _index(**entries: Any) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / INDEX, lambda index: index.update(entries))


def _config(part: str, name: str = "config.json", **entries: Any) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / part / name, lambda config: config.update(entries))


def _tensors(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    return lambda folder: edit_weights(folder / UNET, change)


def _vocoder_gone(folder: Path) -> None:
    shutil.rmtree(folder / "vocoder")
    edit_json(folder / INDEX, lambda index: index.pop("vocoder"))


def _pickled(folder: Path) -> None:
    import pickle

    (folder / UNET).unlink()
    (folder / UNET).with_suffix(".bin").write_bytes(pickle.dumps(Mischief()))


def _beside(folder: Path) -> None:
    shutil.copy(folder / UNET, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    (folder / "unet" / "diffusers.py").write_text(f"open({Mischief.MARK!r}, 'w')")


def _own_code(folder: Path) -> None:
    edit_json(folder / INDEX, lambda index: index.update(unet=["my_unet", "MyUNet"]))
    (folder / "unet" / "my_unet.py").write_text(f"open({Mischief.MARK!r}, 'w')")


def _leading_out(folder: Path) -> None:
    index = {"weight_map": {"conv_in.weight": "../../outside.safetensors"}}
    (folder / UNET).unlink()
    (folder / f"{UNET}.index.json").write_text(json.dumps(index), encoding="utf-8")


def _linked(folder: Path) -> None:
    elsewhere = folder.parent / f"{folder.name}-elsewhere"
    shutil.copytree(folder / "vae", elsewhere, dirs_exist_ok=True)
    shutil.rmtree(folder / "vae")
    (folder / "vae").symlink_to(elsewhere, target_is_directory=True)


def _misshapen(weights: dict[str, Any]) -> None:
    weights[LAYER] = weights[LAYER][:-1].contiguous()
    del weights["conv_in.weight"]
    weights["conv_in.extra"] = weights["conv_out.bias"].clone()


def _poisoned(weights: dict[str, Any]) -> None:
    weights[LAYER][1, 2] = float("nan")


def _unknown_token(folder: Path) -> None:
    token = {"id": 9999, "content": "<new>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}  # fmt: skip
    edit_json(folder / "tokenizer_2" / "tokenizer.json", lambda held: held["added_tokens"].append(token))


def _cut_short(folder: Path) -> None:
    with (folder / UNET).open("r+b") as file:
        file.truncate((folder / UNET).stat().st_size * 2 // 3)


BROKEN: dict[str, Callable[[Path], None]] = {
    "another-class": _index(_class_name="StableDiffusionPipeline"),
    "code-of-its-own": _index(_class_name=["pipeline", "MyPipeline"]),
    "missing-vocoder": _vocoder_gone,
    "missing-folder": lambda folder: shutil.rmtree(folder / "vocoder"),
    "wrong-scheduler": _index(scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"]),
    "unreached-scheduler": _index(scheduler=["diffusers", "DPMSolverSDEScheduler"]),
    "wrong-part": _index(unet=["diffusers", "UNet2DConditionModel"]),
    "own-part": _own_code,
    "auto-map": _config("text_encoder", auto_map={"AutoModel": "code.Model"}),
    "other-weights": _config("text_encoder_2", transformers_weights="evil.safetensors"),
    "other-numbers": _config("unet", quantization_config={"quant_method": "bitsandbytes"}),
    "other-code": _config("text_encoder_2", attn_implementation="owner/kernels"),
    "beside": _beside,
    "elsewhere": _config("tokenizer", "tokenizer_config.json", vocab_file="/etc/hostname"),
    "pickle": _pickled,
    "leads-out": _leading_out,
    "linked-out": _linked,
    "tensors": _tensors(_misshapen),
    "nan": _tensors(_poisoned),
    "cut-short": _cut_short,
    "no-tokenizer": lambda folder: (folder / "tokenizer_2" / "tokenizer.json").unlink(),
    "huge-json": lambda folder: (folder / "unet" / "config.json").write_text(" " * (5 << 20) + "{}"),
    "endless": _config("unet", layers_per_block=10**9),
    "odd-rate": _config("vocoder", sampling_rate=12345),
    "no-fit": _unknown_token,
}
"""Faults of an AudioLDM2 folder, by name; what is wrong with `nan` only its values tell."""


def write_broken(folder: Path, fault: str, whole: Path | None = None) -> Path:
    """An AudioLDM2 folder with one fault of `BROKEN`; a copy of `whole` where there is one."""
    if whole is None:
        write(folder, "audioldm2")
    else:
        shutil.copytree(whole, folder, dirs_exist_ok=True)
    BROKEN[fault](folder)
    return folder


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one pipeline of every family below a folder, and with `--broken` every broken one too."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--broken", action="store_true")
    given = asked.parse_args(arguments)
    for kind in KINDS:
        print(write(given.folder / f"tiny-{kind}", kind, given.seed))
    for fault in BROKEN if given.broken else ():
        print(write_broken(given.folder / "broken" / fault, fault, given.folder / "tiny-audioldm2"))


if __name__ == "__main__":
    main()
