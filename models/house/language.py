"""One step of the token model's learning: captions and codes into the cross-entropy of every stream.

Teacher forcing over the delay pattern that the engine decodes with (`models.musicgen.delays`): step s reads column s
and is told column s + 1; what is special in a column, or lies beyond a sound's end, is not counted. A null condition is
states of zeros, whose cross-attention adds nothing (there is no bias), as the engine has it. Nothing here chooses data.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.musicgen.delays import delayed


class LanguageStep(nn.Module):
    """Forward gives [1 + streams] losses in nats a code: their mean, then each stream's."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text, self.project = model.text_encoder, model.enc_to_dec_proj
        self.decoder = model.decoder
        self.streams, self.special = model.decoder.num_codebooks, model.config.decoder.vocab_size

    def forward(self, codes: Tensor, tokens: Tensor, mask: Tensor, told: Tensor) -> Tensor:
        """`codes` int64 [batch, streams, frames], `special` beyond a sound's end; `tokens` and `mask` int64 [batch, n]
        of captions; `told` float32 [batch], 0 where there is no condition."""
        columns = delayed(codes, range(self.streams), self.special)
        logits = self.logits(columns[:, :, :-1], tokens, mask, told)  # [batch, streams, steps, cardinality]
        wanted = columns[:, :, 1:]
        losses = functional.cross_entropy(
            logits.float().permute(0, 3, 1, 2), wanted.masked_fill(wanted == self.special, -100), reduction="none"
        )  # [batch, streams, steps]
        counted = (wanted != self.special).sum(dim=(0, 2))
        each = losses.sum(dim=(0, 2)) / counted.clamp_min(1)
        return torch.cat([each.mean().unsqueeze(0), each])

    def logits(self, columns: Tensor, tokens: Tensor, mask: Tensor, told: Tensor) -> Tensor:
        """What is predicted at columns [batch, streams, steps]: [batch, streams, steps, cardinality]."""
        states = self.text(input_ids=tokens, attention_mask=mask).last_hidden_state
        heard = self.project(states) * mask.unsqueeze(2) * told[:, None, None]
        found = self.decoder(
            input_ids=columns.flatten(0, 1), encoder_hidden_states=heard, encoder_attention_mask=mask, use_cache=False
        )
        return found.logits.unflatten(0, (-1, self.streams))
