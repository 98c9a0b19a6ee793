"""Residual vector quantisation while it learns: codebooks as running means of what falls to them.

A codebook's entries follow the states that choose them (exponential moving average, van den Oord et al., arXiv
1711.00937, appendix A.1); the encoder learns through the straight-through estimate and the commitment loss; an entry
that nobody chooses takes the place of a state of the batch (Zeghidour et al., arXiv 2107.03312, section III-C). What is
learned lies in the buffers of transformers' own module, so that a saved codec has it. Several workers add their counts
up, so that all of them hold the same books.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

DECAY = 0.9
FEWEST = 0.1  # of what an entry would get of a batch were all alike: below it, by running count, it is dead
SMALL = 1e-5


@dataclass(frozen=True)
class Quantized:
    """`states` [batch, hidden, frames] with the encoder's gradient, `commitment` a scalar, `codes` [batch, books,
    frames]."""

    states: Tensor
    commitment: Tensor
    codes: Tensor


class LearningQuantizer(nn.Module):
    """Wraps the quantizer of an EnCodec model of transformers."""

    def __init__(self, quantizer: Any) -> None:
        super().__init__()
        self.books = [layer.codebook for layer in quantizer.layers]

    def forward(self, states: Tensor, numbers: torch.Generator) -> Quantized:
        """Quantise states [batch, hidden, frames]; in training the books move. `numbers` (of the processor) choose
        what dead entries become."""
        batch, hidden, frames = states.shape
        flat = states.transpose(1, 2).reshape(-1, hidden)  # [n, hidden]
        residual, total = flat, torch.zeros_like(flat)
        losses, codes = [], []
        for book in self.books:
            chosen, found = self._step(book, residual.detach(), numbers)
            losses.append((residual - found).square().mean())
            total = total + found
            residual = residual - found
            codes.append(chosen.view(batch, frames))
        through = flat + (total - flat).detach()
        back = through.view(batch, frames, hidden).transpose(1, 2)
        return Quantized(back, torch.stack(losses).mean(), torch.stack(codes, dim=1))

    def _step(self, book: Any, states: Tensor, numbers: torch.Generator) -> tuple[Tensor, Tensor]:
        """(chosen entries [n], their values [n, hidden]) of states [n, hidden]; then the book moves."""
        if self.training and not bool(book.cluster_size.any()):
            _begin(book, states, numbers)
        chosen = nearest(states, book.embed)
        found = book.embed[chosen]  # a copy: what moves afterwards is not what was used
        if self.training:
            _move(book, states, chosen, numbers)
        return chosen, found


def nearest(states: Tensor, entries: Tensor) -> Tensor:
    """For each state [n, hidden] the nearest of entries [m, hidden], int64 [n]."""
    distances = states.square().sum(1, keepdim=True) - 2 * states @ entries.T + entries.square().sum(1)
    return distances.argmin(dim=1)


@torch.no_grad()
def _begin(book: Any, states: Tensor, numbers: torch.Generator) -> None:
    """A new book holds states of the first batch, as if all were chosen alike."""
    size = len(book.embed)
    _set(book, torch.ones(size, dtype=torch.bool, device=states.device), _drawn(states, size, numbers), states)


@torch.no_grad()
def _set(book: Any, which: Tensor, values: Tensor, states: Tensor) -> None:
    """Put values [size, hidden] in the place of some entries, with an even share of the states as their count."""
    even = len(states) * _workers() / len(book.embed)
    book.embed[which] = values[which]
    book.embed_avg[which] = values[which] * even
    book.cluster_size[which] = even


@torch.no_grad()
def _move(book: Any, states: Tensor, chosen: Tensor, numbers: torch.Generator) -> None:
    size = len(book.embed)
    falling = nn.functional.one_hot(chosen, size).to(states.dtype)  # [n, size]
    counts, sums = falling.sum(0), falling.T @ states
    if _many():
        torch.distributed.all_reduce(counts)
        torch.distributed.all_reduce(sums)
    book.cluster_size.mul_(DECAY).add_(counts, alpha=1 - DECAY)
    book.embed_avg.mul_(DECAY).add_(sums, alpha=1 - DECAY)
    book.embed.copy_(book.embed_avg / book.cluster_size.clamp_min(SMALL).unsqueeze(1))
    dead = book.cluster_size < FEWEST * len(states) * _workers() / size
    drawn = _drawn(states, size, numbers)  # always drawn: how many numbers are used depends on nothing
    if bool(dead.any()):
        _set(book, dead, drawn, states)


def _drawn(states: Tensor, count: int, numbers: torch.Generator) -> Tensor:
    """`count` of the states, drawn with return; of the first worker's, where there are several."""
    at = torch.randint(len(states), (count,), generator=numbers)
    drawn = states[at.to(states.device)].clone()
    if _many():
        torch.distributed.broadcast(drawn, 0)
    return drawn


def _workers() -> int:
    return torch.distributed.get_world_size() if _many() else 1


def _many() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
