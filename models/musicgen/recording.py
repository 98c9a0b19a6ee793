"""Hearing a kept recording at a model's rate: all of it, or only its end.

It is read and resampled piece by piece, as ten minutes at a studio's rate would take gigabytes at once; the samples are
those of the whole.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.references import LONGEST_S

if TYPE_CHECKING:
    import soundfile

_MARGIN_S = 1.0  # of sound before the end that resampling may look at
_PIECE_S = 6.0  # torch computes short sounds by other code, in other last bits: no piece may be short
_FILTER, _ROLLOFF = 24, 0.945  # the filter of transformers' feature extractor for melodies


def heard(
    path: Path, sample_rate: int, last: int | None = None, first: int | None = None
) -> NDArray[np.float32]:
    """Samples float32 [channels, n] of a recording at `sample_rate`; with `last`, at most that many from its end, with
    `first` from its beginning.

    Raises soundfile's errors (OSError, RuntimeError) for what is no audio. What was checked when it was ordered is not
    checked again."""
    import soundfile

    with soundfile.SoundFile(path) as sound:
        rate = sound.samplerate
        some = last if last is not None else first
        wanted = int(LONGEST_S * rate) if some is None else int((some / sample_rate + _MARGIN_S) * rate)
        if sound.seekable() and sound.frames > wanted and last is not None:
            sound.seek(sound.frames - wanted)
        made = list(_resampled(_read(sound, wanted), rate, sample_rate))
    samples = np.concatenate(made, axis=1)
    return samples[:, :first] if last is None else samples[:, -last:]


def _read(sound: "soundfile.SoundFile", wanted: int) -> Iterator[NDArray[np.float32]]:
    """At most `wanted` frames [channels, n] in pieces of `_PIECE_S`, the last of them shorter or empty."""
    size, left = int(_PIECE_S * sound.samplerate), wanted
    while True:
        piece = sound.read(min(size, left), dtype="float32", always_2d=True).T
        yield np.ascontiguousarray(piece)
        left -= piece.shape[1]
        if piece.shape[1] < size:
            return


def _resampled(pieces: Iterator[NDArray[np.float32]], rate: int, wanted: int) -> Iterator[NDArray[np.float32]]:
    """The pieces at the rate `wanted`, each with what the filter looks at on both sides of it."""
    if rate == wanted:
        yield from pieces
        return
    step = rate // math.gcd(rate, wanted)  # so many samples become `made`, by the same filters every time
    made = wanted * step // rate
    margin = (math.ceil(_FILTER / (min(step, made) * _ROLLOFF)) + 1) * step
    piece = int(_PIECE_S * rate) // step * step
    held, before = next(pieces), 0  # the first `before` frames of `held` are heard already
    for more in pieces:
        held = np.concatenate([held, more], axis=1)
        while held.shape[1] >= before + 2 * piece + margin:
            sound = _whole(held[:, : before + piece + margin], rate, wanted)
            yield sound[:, before // step * made : (before + piece) // step * made]
            held, before = held[:, before + piece - margin :], margin
    yield _whole(held, rate, wanted)[:, before // step * made :]


def _whole(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    import torch
    from torchaudio.functional import resample

    given = torch.from_numpy(np.ascontiguousarray(samples))
    result: NDArray[np.float32] = resample(given, rate, wanted, lowpass_filter_width=_FILTER, rolloff=_ROLLOFF).numpy()
    return result
