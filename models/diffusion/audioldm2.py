"""AudioLDM2: a spectrogram is denoised and a vocoder sings it; texts are read by two encoders and a language model."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.diffusion.adapter import Base, Call, array
from models.diffusion.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor


class AudioLDM2(Base):
    """Implements `adapter.Adapter` for AudioLDM2Pipeline.

    A text is read together with what is said against it, as the pipeline does with one prompt; it is then followed by
    masked nothing, so that all rows are equally long. There is no way from a recording to latents here."""

    def __init__(self, pipeline: Any, shape: Shape, device: str) -> None:
        super().__init__(pipeline, shape, device)
        pipeline.generate_language_model = self._continued

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

        def read() -> "tuple[Tensor, Tensor, Tensor]":
            import torch

            most = self.shape.text_tokens
            for tokenizer in (self.pipeline.tokenizer, self.pipeline.tokenizer_2):
                for words in (text, negative):
                    self._tokens(tokenizer, words, most, False)
            states, mask, heard = self.pipeline.encode_prompt(
                [text], self.device, 1, guided, negative_prompt=[negative] if guided else None
            )
            room = most - states.shape[1]
            return (
                torch.nn.functional.pad(states, (0, 0, 0, room)),
                torch.nn.functional.pad(mask, (0, room)), heard,
            )  # fmt: skip

        return self._texts.get((text, negative, guided), read)

    def _continued(
        self, inputs_embeds: "Tensor", max_new_tokens: int | None = None, attention_mask: "Tensor | None" = None
    ) -> "Tensor":
        """What the language model goes on with: as the pipeline has it, for models saved without a head too."""
        import torch

        model = self.pipeline.language_model
        states, mask = inputs_embeds, attention_mask
        steps = max_new_tokens or getattr(model.config, "max_new_tokens", None) or 8
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
