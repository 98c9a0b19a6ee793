"""Hearing a kept recording at a model's rate: all of it, or only its end."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.references import LONGEST_S

_MARGIN_S = 1.0  # of sound before the end that resampling may look at


def heard(path: Path, sample_rate: int, last: int | None = None) -> NDArray[np.float32]:
    """Samples float32 [channels, n] of a recording at `sample_rate`; with `last`, at most that many from its end.

    Raises soundfile's errors (OSError, RuntimeError) for what is no audio. What was checked when it was ordered is not
    checked again."""
    import soundfile

    with soundfile.SoundFile(path) as sound:
        rate = sound.samplerate
        wanted = int(LONGEST_S * rate) if last is None else int((last / sample_rate + _MARGIN_S) * rate)
        if sound.seekable() and sound.frames > wanted and last is not None:
            sound.seek(sound.frames - wanted)
        samples = sound.read(wanted, dtype="float32", always_2d=True).T
    resampled = _resampled(np.ascontiguousarray(samples), rate, sample_rate)
    return resampled if last is None else resampled[:, -last:]


def _resampled(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    import torch
    from torchaudio.functional import resample

    if rate == wanted:
        return samples
    # The filter of transformers' feature extractor for melodies.
    made = resample(torch.from_numpy(samples), rate, wanted, lowpass_filter_width=24, rolloff=0.945)
    result: NDArray[np.float32] = made.numpy()
    return result
