"""A codec's first weights, fitted to sound: every convolution gives outputs of mean 0 and variance 1 on a first batch.

Without it the small codecs that are trained here say the same codes whatever they hear, for hundreds of steps: music is
quiet, and biases are louder. The rule is that of layer-sequential unit variance (Mishkin & Matas, arXiv 1511.06422).
"""

from typing import Any

import torch
from torch import Tensor, nn

SMALLEST = 1e-4
BRANCH = 0.3  # standard deviation of what a residual branch adds


@torch.no_grad()
def fit(codec: Any, audio: Tensor) -> None:
    """Fit an EnCodec of transformers to audio float32 [batch, samples]; its decoder ends as loud as the audio."""
    _fit(codec.encoder, audio.unsqueeze(1), 1.0)
    states = codec.encoder(audio.unsqueeze(1))
    _fit(codec.decoder, states, float(audio.std()))


def _fit(part: nn.Module, inputs: Tensor, last: float) -> None:
    modules: list[Any] = list(part.modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv1d | nn.ConvTranspose1d)]
    branches = {id(module.block[-1].conv) for module in modules if hasattr(module, "block")}
    module: Any
    for module in convolutions:
        heard: list[Tensor] = []
        hook = module.register_forward_hook(lambda _, __, output, kept=heard: kept.append(output))
        part(inputs)
        hook.remove()
        mean, deviation = float(heard[0].mean()), max(float(heard[0].std()), SMALLEST)
        wanted = last if module is convolutions[-1] else BRANCH if id(module) in branches else 1.0
        gain = wanted / deviation
        module.parametrizations.weight.original0.mul_(gain)
        if module.bias is not None:
            module.bias.sub_(mean).mul_(gain)
