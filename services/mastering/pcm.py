"""Finished sound as 24-bit PCM, and its digest: the form in which two renderings are compared.

`pcm_sha256` is the SHA-256 of the interleaved samples (left, right, left, ...), each a signed 24-bit little-endian
integer of three bytes, with nothing before, between or after: the bytes of a WAV file's `data` chunk. Sample rate and
channel count are not part of it. Nothing here changes level: dithering, limiting and clipping never happen in it.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 1 << 23
BYTES_PER_SAMPLE = 3


@dataclass(frozen=True)
class Pcm:
    """24-bit sound. `samples` is int32 (frames, channels), C-contiguous, every value in [-2^23, 2^23)."""

    sample_rate: int
    samples: NDArray[np.int32]

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate

    def as_float(self) -> NDArray[np.float32]:
        """The samples as float32 (channels, frames) in [-1, 1): exact, since 24 bits fit a float32's mantissa."""
        return np.ascontiguousarray(self.samples.T, dtype=np.float32) * np.float32(1 / FULL_SCALE)

    def sha256(self) -> str:
        """`pcm_sha256` as lower-case hex."""
        return hashlib.sha256(packed(self.samples)).hexdigest()


def packed(samples: NDArray[np.int32]) -> memoryview:
    """The low three bytes of every sample, little-endian, in C order: the bytes of a 24-bit WAV `data` chunk."""
    source = np.ascontiguousarray(samples, dtype="<i4").reshape(-1).view(np.uint8).reshape(-1, 4)
    bytes_ = np.empty((source.shape[0], BYTES_PER_SAMPLE), dtype=np.uint8)
    for byte in range(BYTES_PER_SAMPLE):
        bytes_[:, byte] = source[:, byte]
    return bytes_.reshape(-1).data
