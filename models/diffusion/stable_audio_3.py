"""Stable Audio 3: flow matching over as many latents as a take is long; a recording is mixed with noise at a level."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.diffusion.adapter import Base, Call, array, fitted, in_pieces
from models.diffusion.schedulers import from_level
from models.diffusion.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

PIECE = 128  # latent frames that the codec computes at once: its attention over all of them is quadratic


class StableAudio3(Base):
    """Implements `adapter.Adapter` for StableAudio3Pipeline."""

    def __init__(self, pipeline: Any, shape: Shape, device: str) -> None:
        super().__init__(pipeline, shape, device)
        self._scheduler = pipeline.scheduler
        told = pipeline.vae.config
        one = len(told.encoder_strides) == 1
        self._margin = told.encoder_transformer_depths[0] * told.sliding_window + 1 if one else 1 << 30

    def frames(self, samples: int) -> int:
        patch = self.pipeline.transformer.config.patch_size
        return -(-super().frames(samples) // patch) * patch

    def _sizes(self, frames: int) -> tuple[int, ...]:
        return self.pipeline.vae.config.latent_dim, frames

    def denoised(self, call: Call) -> "Tensor":
        import torch

        self.pipeline.scheduler = from_level(self._scheduler, call.strength)
        latents = self.noise(call)
        if call.given is not None:
            assert call.strength is not None
            latents = (1 - call.strength) * self.given(call) + call.strength * latents
        texts = [self._text_and_mask(text) for text in call.texts]
        told = {"prompt_embeds": torch.cat([text for text, _ in texts]),
                "encoder_attention_mask": torch.cat([mask for _, mask in texts])}  # fmt: skip
        if call.guidance > 1:
            against = [self._text_and_mask(text) for text in call.negatives]
            told["negative_prompt_embeds"] = torch.cat([text for text, _ in against])
            told["negative_encoder_attention_mask"] = torch.cat([mask for _, mask in against])
        made: Tensor = self.pipeline(
            duration=call.seconds, num_inference_steps=call.steps, guidance_scale=call.guidance,
            generator=list(call.streams), latents=latents, output_type="latent", **told,
        ).audios  # fmt: skip
        return made

    def sound(self, latents: "Tensor") -> NDArray[np.float32]:
        vae = self.pipeline.vae
        return array(in_pieces(lambda piece: vae.decode(piece).sample, latents.float(), PIECE, self._margin,
                               self.shape.hop))  # fmt: skip

    def heard(self, samples: NDArray[np.float32], frames: int) -> "Tensor":
        hop, vae = self.shape.hop, self.pipeline.vae
        given = fitted(samples, self.shape.channels, frames * hop).to(self.device)
        return in_pieces(lambda piece: vae.encode(piece).latents, given, PIECE * hop, self._margin * hop, 1 / hop)
