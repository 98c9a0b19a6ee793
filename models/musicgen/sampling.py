"""From guided logits and one uniform number to a code: temperature, the top k with ties, softmax, inverse of its sum.

Every row is picked by its own numbers; nothing is drawn here, and nothing waits for the device.
"""

import torch
from torch import Tensor


def guided(conditional: Tensor, null: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance: null + scale * (conditional - null)."""
    return null + scale * (conditional - null)


def top_k_probabilities(logits: Tensor, top_k: int, temperature: float = 1.0) -> Tensor:
    """Softmax over the `top_k` highest logits of the last dimension and all that tie with the lowest of them, float64.

    `top_k` 0 keeps all.
    """
    logits = logits / temperature
    if 0 < top_k < logits.shape[-1]:
        lowest = torch.topk(logits, top_k, dim=-1, sorted=False).values.amin(dim=-1, keepdim=True)  # [..., 1]
        logits = logits.masked_fill(logits < lowest, -torch.inf)
    return torch.softmax(logits.double(), dim=-1)


def pick(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """The code at which the running sum passes `uniform` [...]; probabilities [..., codes] -> int64 [...].

    The sum's own end takes the place of 1 and is never reached, so that rounding picks no code of probability 0.
    """
    running = probabilities.cumsum(dim=-1)  # [..., codes]
    end = running[..., -1:]  # [..., 1]
    reached = torch.minimum(uniform.unsqueeze(-1) * end, torch.nextafter(end, torch.zeros_like(end)))
    return torch.searchsorted(running, reached, right=True).squeeze(-1)


def sample(logits: Tensor, uniform: Tensor, top_k: int, temperature: float) -> Tensor:
    """Codes [batch, streams] for logits [batch, streams, cardinality] and uniform numbers [batch, streams]."""
    if top_k == 1:
        return logits.argmax(dim=-1)
    return pick(top_k_probabilities(logits, top_k, temperature), uniform)
