"""How far two sounds are apart as ears have it: magnitudes of short spectra at several window lengths.

The distance of one scale is the spectral convergence plus the mean difference of the logarithms (Yamamoto et al., arXiv
1910.11480), as EnCodec's training compares mel spectra at scales from 2^5 to 2^11 (Défossez et al., arXiv 2210.13438,
section 3.4). Nothing here is learned or random.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

SCALES = (2048, 1024, 512, 256, 128, 64)
FLOOR = 1e-5  # of magnitudes, under which nothing is heard: -100 dB of a full-scale window


def magnitudes(audio: Tensor, window: int) -> Tensor:
    """Magnitudes [batch, window / 2 + 1, columns] of audio [batch, samples], Hann windows a quarter apart."""
    hann = torch.hann_window(window, device=audio.device, dtype=audio.dtype)
    spectra = torch.stft(audio, window, window // 4, window=hann, center=True, pad_mode="constant", return_complex=True)
    squares = spectra.real.square() + spectra.imag.square()
    return (squares / hann.sum().square()).clamp_min(FLOOR**2).sqrt()


def distance(heard: Tensor, meant: Tensor, scales: Sequence[int] = SCALES) -> Tensor:
    """The mean over scales of (convergence + log difference in nepers) of audio [batch, samples], a scalar; 0 for equal
    ones. Scales longer than the audio are left out."""
    fitting = [scale for scale in scales if scale <= meant.shape[1]] or [min(scales)]
    return torch.stack([_at(heard, meant, scale) for scale in fitting]).mean()


def _at(heard: Tensor, meant: Tensor, scale: int) -> Tensor:
    ours, theirs = magnitudes(heard, scale), magnitudes(meant, scale)
    convergence = (ours - theirs).norm() / theirs.norm()
    return convergence + (ours.log() - theirs.log()).abs().mean()
