"""What one family of pipelines needs to be told differently from the others: an adapter around a loaded pipeline.

The pipeline's own call denoises. Texts are read beforehand, each alone, so that no text depends on its neighbours;
noise comes from the takes' streams; latents are decoded row by row in float32. Nothing here knows requests or takes.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.diffusion.shape import Shape

if TYPE_CHECKING:
    from torch import Generator, Tensor

_KEPT = 256
Made = TypeVar("Made")


@dataclass(frozen=True)
class Call:
    """One call of a pipeline: as many texts, streams and given latents as rows, all else alike for all of them.

    `negatives` are empty texts where nothing is said against; `strength` and `given` (latents [1, ...] of recordings)
    are None for music out of noise alone. `seconds` is what the pipeline is told, `latents` how many frames of them."""

    texts: Sequence[str]
    negatives: Sequence[str]
    seconds: float
    latents: int
    steps: int
    guidance: float
    streams: "Sequence[Generator]"
    strength: float | None = None
    given: "Sequence[Tensor] | None" = None

    @property
    def against(self) -> bool:
        """Whether there is guidance, and something said against."""
        return self.guidance > 1 and any(self.negatives)


class TextTooLongError(ValueError):
    """A text of more tokens than a pipeline reads; it would be cut off."""


class Adapter(Protocol):
    """A loaded pipeline of one family."""

    def frames(self, samples: int) -> int:
        """How many latent frames are denoised for so many samples."""
        ...

    def denoised(self, call: Call) -> "Tensor":
        """Latents [rows, ...] of a call, on the pipeline's device."""
        ...

    def sound(self, latents: "Tensor") -> NDArray[np.float32]:
        """Samples [channels, at least those asked for] of one row's latents [1, ...]."""
        ...

    def heard(self, samples: NDArray[np.float32], frames: int) -> "Tensor":
        """Latents [1, ...] of a recording [channels, n] at the pipeline's rate, as many frames as told."""
        ...


class Kept:
    """What was made for a key, so that it is made once; the longest unused goes first."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most, self._made = most, OrderedDict[Hashable, Any]()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        found: Made = self._made[key]
        return found


class Base:
    """What the adapters share."""

    def __init__(self, pipeline: Any, shape: Shape, device: str) -> None:
        self.pipeline, self.shape, self.device = pipeline, shape, device
        self._texts = Kept()

    def frames(self, samples: int) -> int:
        return self.shape.window or max(-(-samples // self.shape.hop), 1)

    def noise(self, call: Call) -> "Tensor":
        """The noise that a call begins with, float32 [rows, ...] on the device."""
        import torch

        from models.diffusion.streams import noise

        return torch.cat([noise(stream, self._sizes(call.latents)) for stream in call.streams]).to(self.device)

    def given(self, call: Call) -> "Tensor":
        """The recordings' latents of a call that has some."""
        import torch

        return torch.cat(list(call.given or ())).to(self.device)

    def _sizes(self, frames: int) -> tuple[int, ...]:
        """The sizes of one row's latents."""
        raise NotImplementedError

    def _text_and_mask(self, text: str) -> "tuple[Tensor, Tensor]":
        """What the only text encoder of a pipeline makes of a text alone, and its mask, both of a fixed length."""

        def read() -> "tuple[Tensor, Tensor]":
            numbers, mask = self._tokens(self.pipeline.tokenizer, text, self.shape.text_tokens, True)
            return self.pipeline.text_encoder(numbers, attention_mask=mask)[0], mask

        return self._texts.get(text, read)

    def _tokens(self, tokenizer: Any, text: str, most: int, fixed: bool) -> "tuple[Tensor, Tensor]":
        """Numbers and mask [1, tokens] of a text alone; padded on the right to `most` where they have to be as many.

        Raises TextTooLongError."""
        found = len(tokenizer(text).input_ids)
        if found > most:
            raise TextTooLongError(f"the text has {found} tokens, and {most} are read: shorten it ({text[:60]!r}...)")
        padding = {"padding": "max_length", "padding_side": "right", "max_length": most} if fixed else {}
        read = tokenizer(text, return_tensors="pt", **padding)
        return read.input_ids.to(self.device), read.attention_mask.to(self.device)


def fitted(samples: NDArray[np.float32], channels: int, length: int) -> "Tensor":
    """A recording [any channels, n] as [1, channels, length]: mixed or doubled, cut off or followed by silence."""
    import torch

    rows = samples.mean(axis=0, keepdims=True) if channels == 1 else samples
    made = np.zeros((channels, length), np.float32)
    made[:, : samples.shape[1]] = rows[:, :length]
    return torch.from_numpy(made)[None]


def in_pieces(work: "Callable[[Tensor], Tensor]", given: "Tensor", size: int, margin: int, out: float) -> "Tensor":
    """`work` on pieces of the last dimension, `size` long and with a margin of what lies beside them; `out` says how
    many values come of one. The same as on the whole where nothing looks further than the margin."""
    import torch

    length = given.shape[-1]
    if length <= size + 2 * margin:
        return work(given)
    made = []
    for start in range(0, length, size):
        end = min(start + size, length)
        first, last = max(start - margin, 0), min(end + margin, length)
        piece = work(given[..., first:last])
        made.append(piece[..., round((start - first) * out) : round((end - first) * out)])
    return torch.cat(made, dim=-1)


def array(sound: "Tensor") -> NDArray[np.float32]:
    """Samples [channels, n] of [1, channels, n] or [1, n]."""
    found: NDArray[np.float32] = sound.float().cpu().reshape(-1, sound.shape[-1]).numpy()
    return found
