"""Stable Audio Open: one window is denoised for every take, whose length is told to the model in seconds."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.diffusion.adapter import Base, Call, array, fitted
from models.diffusion.schedulers import from_noise
from models.diffusion.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

PIECE, MARGIN = 1536, 32  # latent frames that the codec computes at once, and what it looks at beside them


def tiled(vae: Any) -> None:
    """Let Oobleck compute long sounds in pieces: the margin is wider than its filters reach."""
    vae.use_tiling = True
    vae.tile_latent_min_length, vae.tile_latent_overlap = PIECE, MARGIN
    vae.tile_sample_min_length, vae.tile_sample_overlap = PIECE * vae.hop_length, MARGIN * vae.hop_length


class StableAudio(Base):
    """Implements `adapter.Adapter` for StableAudioPipeline."""

    def __init__(self, pipeline: Any, shape: Shape, device: str) -> None:
        super().__init__(pipeline, shape, device)
        self._scheduler = pipeline.scheduler
        tiled(pipeline.vae)

    def _sizes(self, frames: int) -> tuple[int, ...]:
        return self.pipeline.transformer.config.in_channels, frames

    def denoised(self, call: Call) -> "Tensor":
        import torch

        scheduler = self.pipeline.scheduler = from_noise(self._scheduler, call.strength)
        latents = self.noise(call)
        if call.given is not None:  # the pipeline multiplies what it is given by the noise's size
            latents = latents + self.given(call) / scheduler.init_noise_sigma
        texts = [self._text_and_mask(text) for text in call.texts]
        told = {"prompt_embeds": torch.cat([text for text, _ in texts]),
                "attention_mask": torch.cat([mask for _, mask in texts])}  # fmt: skip
        if call.against:
            against = [self._text_and_mask(text) for text in call.negatives]
            told["negative_prompt_embeds"] = torch.cat([text * mask[..., None].to(text) for text, mask in against])
            told["negative_attention_mask"] = torch.cat([mask for _, mask in against])
        made: Tensor = self.pipeline(
            audio_end_in_s=call.seconds, num_inference_steps=call.steps, guidance_scale=call.guidance,
            generator=list(call.streams), latents=latents, output_type="latent", **told,
        ).audios  # fmt: skip
        return made

    def sound(self, latents: "Tensor") -> NDArray[np.float32]:
        return array(self.pipeline.vae.decode(latents.float()).sample)

    def heard(self, samples: NDArray[np.float32], frames: int) -> "Tensor":
        given = fitted(samples, self.shape.channels, frames * self.shape.hop).to(self.device)
        found: Tensor = self.pipeline.vae.encode(given).latent_dist.mode()
        return found
