"""One step of the codec's learning: sound through EnCodec's encoder, the moving codebooks and its decoder.

The loss is the difference of the samples, the spectral distance at several scales and the commitment to the codebooks
(Défossez et al., arXiv 2210.13438, section 3.4, without the adversary). Nothing here chooses data or steps.
"""

from typing import Any

import torch
from torch import Tensor, nn

from models.house.quantizer import LearningQuantizer
from models.house.spectral import distance

TIME, SPECTRUM, COMMITMENT = 1.0, 1.0, 0.25  # weights of the parts of the loss
PARTS = ("loss", "time", "spectrum", "commitment")


class CodecStep(nn.Module):
    """Forward gives the losses of a batch, in the order of `PARTS`."""

    def __init__(self, codec: Any) -> None:
        super().__init__()
        self.codec = codec
        self.learning = LearningQuantizer(codec.quantizer)

    def forward(self, audio: Tensor, seed: int) -> Tensor:
        """float32 [4] for audio float32 [batch, samples], whole frames long; `seed` draws what dead codes become."""
        numbers = torch.Generator().manual_seed(seed)
        found = self.learning(self.codec.encoder(audio.unsqueeze(1)), numbers)
        heard = self.codec.decoder(found.states)[:, 0, : audio.shape[1]]
        time, spectrum = (heard - audio).abs().mean(), distance(heard, audio)
        loss = TIME * time + SPECTRUM * spectrum + COMMITMENT * found.commitment
        return torch.stack([loss, time, spectrum, found.commitment])
