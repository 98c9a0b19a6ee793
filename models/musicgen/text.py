"""Text into the states that the decoder listens to: T5's encoder, each text alone and without padding.

A text's states therefore depend on nothing but the text. They are kept, so that the variations of a prompt share them.
The projection into the decoder belongs to the engine.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.musicgen import parts
from models.musicgen.configs import TEXT_TOKENS

if TYPE_CHECKING:
    from torch import Tensor

_KEPT = 256


class TextTooLongError(ValueError):
    """A text of more tokens than the engine has room for."""


class TextEncoder:
    """T5's encoder in float32 with a checkpoint's tokenizer."""

    def __init__(
        self, fields: Mapping[str, Any], tensors: "Mapping[str, Tensor]", tokenizer: Any, device: str = "cpu",
        most_tokens: int = TEXT_TOKENS,
    ) -> None:  # fmt: skip
        """`fields` of `models.musicgen.configs.text_fields`; `tensors` by transformers' names of a whole checkpoint."""
        module: Any = parts.filled(parts.text_encoder(fields), "text_encoder.", tensors).to(device)
        self._module = module
        self._tokenizer, self._device, self._most = tokenizer, device, most_tokens
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def encode(self, text: str) -> "Tensor":
        """The states of a text: float32 [tokens, text width] on the encoder's device.

        Raises TextTooLongError with both counts."""
        if text not in self._kept:
            self._kept[text] = self._encode(text)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(text)
        return self._kept[text]

    def _encode(self, text: str) -> "Tensor":
        import torch

        tokens = self._tokenizer.encode(text).ids
        if len(tokens) > self._most:
            raise TextTooLongError(
                f"the text has {len(tokens)} tokens, and {self._most} are listened to: shorten it ({text[:60]!r}...)"
            )
        with torch.inference_mode():
            states = self._module(input_ids=torch.tensor([tokens], device=self._device)).last_hidden_state
        return states[0]
