"""What a melody checkpoint is told of a tune: its chroma, which is the loudest of twelve pitch classes, frame by frame.

As in transformers' `MusicgenMelodyFeatureExtractor`, but without the separation of voices that may come before it: give
a recording in which the tune stands out. A reference that is shorter than the piece is heard again from its beginning.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from models.musicgen.shape import Shape

N_FFT = 16384
HOP = 4096


def chroma(samples: NDArray[np.float32], sample_rate: int, bins: int = 12) -> "Tensor":
    """One-hot chroma float32 [1 + samples // 4096, bins] of mono samples; shorter than a window is padded with
    silence."""
    import torch
    from transformers.audio_utils import chroma_filter_bank

    wave = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    if (short := N_FFT - len(wave)) > 0:
        wave = torch.nn.functional.pad(wave, (short // 2, short - short // 2))
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(wave, N_FFT, HOP, window=window, return_complex=True)  # [frequencies, frames]
    power = (spectrum / window.square().sum().sqrt()).abs().square()
    filters = chroma_filter_bank(sampling_rate=sample_rate, num_frequency_bins=N_FFT, tuning=0, num_chroma=bins)
    energy = torch.from_numpy(filters).float() @ power  # [bins, frames]
    loudest = torch.nn.functional.normalize(energy, p=torch.inf, dim=0, eps=1e-6).argmax(dim=0)
    return torch.nn.functional.one_hot(loudest, bins).float()


def stretch(samples: NDArray[np.float32], first: int, length: int) -> NDArray[np.float32]:
    """`length` samples from sample `first` on of a tune that begins again whenever it ends."""
    return samples[np.arange(first, first + length) % len(samples)]


class Projection:
    """Chroma and text as the decoder of a melody checkpoint has them in front of its codes."""

    def __init__(self, shape: "Shape", tensors: "Mapping[str, Tensor]", device: str = "cpu") -> None:
        self._shape = shape
        self._chroma = _linear("audio_enc_to_dec_proj", tensors, device)
        self._text = _linear("enc_to_dec_proj", tensors, device)

    def prefix(self, heard: "Tensor | None", text: "Tensor") -> "Tensor":
        """States float32 [chroma frames + tokens, width]: `heard` [n, bins] repeated or cut to the chroma frames, or
        None for no tune; then `text` [tokens, text width]."""
        import torch

        shape = self._shape
        if heard is None:
            heard = torch.zeros(1, shape.chroma_bins)
            heard[:, 0] = 1
        repeats = -(-shape.chroma_frames // len(heard))
        heard = heard.repeat(repeats, 1)[: shape.chroma_frames].to(text.device)
        with torch.inference_mode():
            return torch.cat([_apply(self._chroma, heard), _apply(self._text, text)])


def _linear(name: str, tensors: "Mapping[str, Tensor]", device: str) -> "tuple[Tensor, Tensor] | None":
    if f"{name}.weight" not in tensors:
        return None
    return tensors[f"{name}.weight"].to(device).float(), tensors[f"{name}.bias"].to(device).float()


def _apply(linear: "tuple[Tensor, Tensor] | None", x: "Tensor") -> "Tensor":
    import torch

    return x if linear is None else torch.nn.functional.linear(x, *linear)
