"""Codes into samples and back: EnCodec in float32, one take at a time, so that its bits cannot know any neighbour.

The part of the decoder that remembers (its LSTM) hears a whole piece at once; what follows only looks a few frames
around, so it goes over the piece in chunks, which bounds the memory of a long one. Stereo is a mono codec per channel.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.musicgen import parts
from models.steady import steady_convolutions

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 500  # frames that are turned into samples at a time
MARGIN = 32  # frames on either side of a chunk that are computed too and thrown away
_REMEMBERING = 2  # layers of EnCodec's decoder up to its LSTM


class Codec:
    """EnCodec on one device; `hop` samples are one frame of codes."""

    def __init__(
        self, fields: Mapping[str, Any], tensors: "Mapping[str, Tensor]", channels: int, codebooks: int,
        device: str = "cpu",
    ) -> None:  # fmt: skip
        """`fields` of `models.musicgen.configs.codec_fields`; `codebooks` of them a channel."""
        module: Any = parts.filled(parts.codec(fields), "audio_encoder.", tensors).to(device)
        self._module = module
        self._device, self._channels, self._codebooks = device, channels, codebooks
        self.hop = int(np.prod(module.config.upsampling_ratios))
        self.sample_rate = int(module.config.sampling_rate)

    def decode(self, codes: "Tensor") -> NDArray[np.float32]:
        """Samples float32 [channels, frames * hop] of codes [streams, frames]; stream s belongs to channel s mod
        channels."""
        return np.stack([self._decode_one(codes[channel :: self._channels]) for channel in range(self._channels)])

    def encode(self, audio: NDArray[np.float32]) -> "Tensor":
        """Codes int64 [streams, frames] of samples [channels, n] at the codec's rate; a last piece of a frame counts
        as one. Mono is heard on both channels of a stereo model."""
        import torch

        audio = audio if len(audio) == self._channels else np.repeat(audio.mean(axis=0)[None], self._channels, axis=0)
        rows = [self._encode_one(channel) for channel in audio.astype(np.float32)]
        return torch.stack(rows, dim=1).flatten(0, 1).cpu()  # [codebooks, channels, frames] -> [streams, frames]

    def _decode_one(self, codes: "Tensor") -> NDArray[np.float32]:
        import torch

        model = self._module
        with torch.inference_mode(), steady_convolutions():
            heard = model.quantizer.decode(codes.to(self._device)[:, None])  # [1, hidden, frames]
            for layer in model.decoder.layers[:_REMEMBERING]:
                heard = layer(heard)
            return np.concatenate([self._chunk(heard, first) for first in range(0, heard.shape[2], CHUNK)])

    def _chunk(self, heard: "Tensor", first: int) -> NDArray[np.float32]:
        """The samples of the frames from `first` on, at most CHUNK of them."""
        begin, end = max(first - MARGIN, 0), min(first + CHUNK, heard.shape[2])
        x = heard[:, :, begin : min(end + MARGIN, heard.shape[2])]
        for layer in self._module.decoder.layers[_REMEMBERING:]:
            x = layer(x)
        samples: NDArray[np.float32] = x[0, 0, (first - begin) * self.hop : (end - begin) * self.hop].cpu().numpy()
        return samples

    def _encode_one(self, samples: NDArray[np.float32]) -> "Tensor":
        """[codebooks, frames] of one channel."""
        import torch

        with torch.inference_mode(), steady_convolutions():
            values = torch.from_numpy(np.ascontiguousarray(samples)).to(self._device)[None, None]
            states = self._module.encoder(values).transpose(1, 2)[0]  # [frames, hidden]
            rows, residual = [], states
            for layer in self._module.quantizer.layers[: self._codebooks]:
                book = layer.codebook.embed
                distances = residual.square().sum(1, keepdim=True) - 2 * residual @ book.T + book.square().sum(1)
                rows.append(distances.argmin(dim=1))
                residual = residual - book[rows[-1]]
        return torch.stack(rows)
