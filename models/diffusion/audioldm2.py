"""AudioLDM2: a spectrogram is denoised and a vocoder sings it; texts are read by two encoders and a language model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.diffusion.adapter import Base, Call, array

if TYPE_CHECKING:
    from torch import Tensor


class AudioLDM2(Base):
    """Implements `adapter.Adapter` for AudioLDM2Pipeline.

    Texts and what is said against them are read each alone and whole: the pipeline would cut the latter to the length
    of the former. They are then followed by masked nothing, so that all rows are equally long. There is no way from a
    recording to latents here."""

    def _sizes(self, frames: int) -> tuple[int, ...]:
        bands = self.pipeline.vocoder.config.model_in_dim // self.pipeline.vae_scale_factor
        return self.pipeline.unet.config.in_channels, frames, bands

    def denoised(self, call: Call) -> "Tensor":
        import torch

        pairs = zip(call.texts, call.negatives, strict=True)
        rows = [self._text(text, negative, call.guidance > 1) for text, negative in pairs]
        states, masks, heard = (torch.stack(parts, dim=1) for parts in zip(*rows, strict=True))
        told = {"prompt_embeds": states[-1], "attention_mask": masks[-1], "generated_prompt_embeds": heard[-1]}
        if call.guidance > 1:
            told |= {"negative_prompt_embeds": states[0], "negative_attention_mask": masks[0],
                     "negative_generated_prompt_embeds": heard[0]}  # fmt: skip
        made: Tensor = self.pipeline(
            audio_length_in_s=call.latents * self.shape.hop / self.shape.sample_rate, num_inference_steps=call.steps,
            guidance_scale=call.guidance, generator=list(call.streams), latents=self.noise(call),
            output_type="latent", **told,
        ).audios  # fmt: skip
        return made

    def _text(self, text: str, negative: str, guided: bool) -> "tuple[Tensor, Tensor, Tensor]":
        """States [1 or 2, most tokens, width], mask and what the language model makes of them; the text stands last."""

        said = self._one(text, 0)
        if not guided:
            return self._long([said])
        least = said[0].shape[1]  # a shorter one is as long as the text, as the pipeline has it
        return self._long([self._one(negative, least), said])

    def _one(self, text: str, least: int) -> "tuple[Tensor, Tensor, Tensor]":
        """States [1, tokens, width], mask and what the language model makes of a text alone, of `least` tokens at
        least."""

        def read() -> "tuple[Tensor, Tensor, Tensor]":
            import torch

            own, most = self.pipeline, self.shape.text_tokens
            for tokenizer in (own.tokenizer, own.tokenizer_2):
                found = self._tokens(tokenizer, text, most, False)[0].shape[1]
            heard, mask = self._tokens(own.tokenizer, text, own.tokenizer.model_max_length, True)
            clap = own.text_encoder.get_text_features(heard, attention_mask=mask)
            clap = getattr(clap, "pooler_output", clap)[:, None]
            numbers, mask = self._tokens(own.tokenizer_2, text, max(found, least), True)
            states = own.text_encoder_2(numbers, attention_mask=mask)[0]
            joined = own.projection_model(
                hidden_states=clap, hidden_states_1=states, attention_mask=torch.ones_like(mask[:, :1]),
                attention_mask_1=mask,
            )  # fmt: skip
            return states, mask, self._continued(joined.hidden_states, attention_mask=joined.attention_mask)

        return self._texts.get((text, least), read)

    def _long(self, texts: "Sequence[tuple[Tensor, Tensor, Tensor]]") -> "tuple[Tensor, Tensor, Tensor]":
        """Texts one below the other, all as long as any may be; what was added is masked."""
        import torch

        most, pad = self.shape.text_tokens, torch.nn.functional.pad
        states = [pad(one, (0, 0, 0, most - one.shape[1])) for one, _, _ in texts]
        masks = [pad(mask, (0, most - mask.shape[1])) for _, mask, _ in texts]
        return torch.cat(states), torch.cat(masks), torch.cat([heard for _, _, heard in texts])

    def _continued(self, states: "Tensor", attention_mask: "Tensor | None") -> "Tensor":
        """What the language model goes on with: as the pipeline has it, for models saved without a head too."""
        import torch

        model = self.pipeline.language_model
        mask, steps = attention_mask, getattr(model.config, "max_new_tokens", None) or 8
        for _ in range(steps):
            found = getattr(model, "transformer", model)(inputs_embeds=states, attention_mask=mask, use_cache=False)
            states = torch.cat([states, found.last_hidden_state[:, -1:]], dim=1)
            mask = mask if mask is None else torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
        return states[:, -steps:]

    def sound(self, latents: "Tensor") -> NDArray[np.float32]:
        vae = self.pipeline.vae
        spectrogram = vae.decode(latents.float() / vae.config.scaling_factor).sample
        return array(self.pipeline.vocoder(spectrogram.squeeze(1)))

    def heard(self, samples: NDArray[np.float32], frames: int) -> "Tensor":
        raise TypeError("AudioLDM2 makes no variations of recordings")
