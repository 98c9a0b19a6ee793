"""ACE-Step 1.5: a form of caption and facts, lyrics that say that nobody sings, and latents at 25 frames a second.

The pipeline pads texts to the longest of a batch and attends to the padding, so a row would depend on its neighbours'
words. Here each text is read alone and without padding; then all are made equally long, and what was added is masked.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.diffusion.adapter import Base, Call, array, fitted
from models.diffusion.shape import Shape
from models.diffusion.stable_audio import tiled

if TYPE_CHECKING:
    from torch import Tensor

LYRICS = "# Languages\nunknown\n\n# Lyric\n[Instrumental]<|endoftext|>"
SHIFT = 3.0  # of the pipeline's schedule, by default


class AceStep(Base):
    """Implements `adapter.Adapter` for AceStepPipeline; `Call.texts` are whole forms (`prompting.form`)."""

    def __init__(self, pipeline: Any, shape: Shape, device: str) -> None:
        super().__init__(pipeline, shape, device)
        tiled(pipeline.vae)
        self._mask: Tensor | None = None
        self._lyrics: tuple[Tensor, Tensor] | None = None
        pipeline.encode_prompt = self._read
        pipeline.condition_encoder.register_forward_hook(self._keep_mask)
        for layer in pipeline.transformer.layers:
            layer.cross_attn.register_forward_pre_hook(self._masked, with_kwargs=True)

    def _sizes(self, frames: int) -> tuple[int, ...]:
        return frames, self.pipeline.transformer.config.audio_acoustic_hidden_dim

    def denoised(self, call: Call) -> "Tensor":
        latents = self.noise(call)
        told: dict[str, Any] = {}
        if call.given is not None:
            assert call.strength is not None
            latents = (1 - call.strength) * self.given(call).transpose(1, 2) + call.strength * latents
            told["timesteps"] = levels(call.steps, call.strength)
        frames_a_second = self.shape.sample_rate / self.shape.hop
        made: Tensor = self.pipeline(
            prompt=list(call.texts), lyrics="", audio_duration=(call.latents - 0.5) / frames_a_second,
            num_inference_steps=call.steps, guidance_scale=call.guidance, generator=list(call.streams),
            latents=latents, output_type="latent", **told,
        ).audios  # fmt: skip
        return made

    def _read(self, prompt: list[str], **_: Any) -> "tuple[Tensor, Tensor, Tensor, Tensor]":
        """In place of the pipeline's `encode_prompt`: states and mask of the texts, states and mask of the lyrics."""
        import torch

        states, masks = zip(*(self._texts.get(text, partial(self._text, text)) for text in prompt), strict=True)
        self._lyrics = self._lyrics or self._sung()
        lyrics, heard = (part.expand(len(prompt), *part.shape[1:]) for part in self._lyrics)
        return torch.cat(states), torch.cat(masks), lyrics, heard

    def _text(self, text: str) -> "tuple[Tensor, Tensor]":
        import torch

        most = self.shape.text_tokens
        numbers, mask = self._tokens(self.pipeline.tokenizer, text, most, False)
        states = self.pipeline.text_encoder(input_ids=numbers).last_hidden_state
        room = most - states.shape[1]
        return torch.nn.functional.pad(states, (0, 0, 0, room)), torch.nn.functional.pad(mask.bool(), (0, room))

    def _sung(self) -> "tuple[Tensor, Tensor]":
        numbers, mask = self._tokens(self.pipeline.tokenizer, LYRICS, 1 << 11, False)
        return self.pipeline.text_encoder.get_input_embeddings()(numbers), mask.bool()

    def _keep_mask(self, _module: Any, _given: Any, made: "tuple[Tensor, Tensor]") -> None:
        self._mask = made[1][:, None, None]

    def _masked(self, _module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Conditions and their absence lie one after the other where there is guidance, so the mask comes twice."""
        assert self._mask is not None
        times = kwargs["hidden_states"].shape[0] // self._mask.shape[0]
        return args, {**kwargs, "attention_mask": self._mask.repeat(times, 1, 1, 1)}

    def sound(self, latents: "Tensor") -> NDArray[np.float32]:
        return array(self.pipeline.vae.decode(latents.float().transpose(1, 2)).sample)

    def heard(self, samples: NDArray[np.float32], frames: int) -> "Tensor":
        given = fitted(samples, self.shape.channels, frames * self.shape.hop).to(self.device)
        found: Tensor = self.pipeline.vae.encode(given).latent_dist.mode()
        return found


def levels(steps: int, first: float) -> list[float]:
    """The pipeline's schedule of noise levels, all of its steps from `first` down."""
    start = first / (SHIFT - (SHIFT - 1) * first)  # whose shifted place is `first`
    places = [start * (1 - step / steps) for step in range(steps)]
    return [SHIFT * place / (1 + (SHIFT - 1) * place) for place in places]
