"""The contract between Cueworks and everything that makes sound.

A generator is set up once per actor, then asked for batches of its fixed size. It must give the same samples for a
request whatever the other rows of the batch are ("one take, one sound"). It never limits, encodes, stores or records.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.controls import Controls

Audio = NDArray[np.float32]  # (channels, frames), C-contiguous

DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Resources:
    """What one actor of a generator needs. `threads` is fixed because it can change bits; it is part of the profile.

    `gpus` is a share of one device or a whole number of devices, `gpu_memory_mb` what is needed on each of them, and
    `memory_mb` what is needed of the machine's own memory. `row_mb` and `gpu_row_mb` are the parts of both that every
    row of a batch takes; None where that is not known, and all is taken to grow with the batch."""

    cpus: float = 1.0
    gpus: float = 0.0
    threads: int = 1
    memory_mb: int = 600
    gpu_memory_mb: int = 0
    row_mb: int | None = None
    gpu_row_mb: int | None = None

    def __post_init__(self) -> None:
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"gpus must be a fraction of one GPU or a whole number of GPUs, not {self.gpus}")
        if self.cpus < 0 or self.gpus < 0 or self.threads < 1 or self.memory_mb < 1 or self.gpu_memory_mb < 0:
            raise ValueError("resources must be positive")
        if min(self.row_mb or 0, self.gpu_row_mb or 0) < 0:
            raise ValueError("a row's part of the memory must be positive")


@dataclass(frozen=True)
class Place:
    """Where and how large a generator is set up. Decided before it is built, and part of its engine profile.

    `device` is `cpu` or `cuda`; `batch_size` is pinned per revision and kind of device."""

    device: str = "cpu"
    batch_size: int = 1
    resources: Resources = Resources()

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ValueError(f"a device is {' or '.join(DEVICES)}, not {self.device!r}")
        if self.batch_size < 1:
            raise ValueError(f"a batch holds at least one take, not {self.batch_size}")


class NoRoomError(RuntimeError):
    """A generator does not fit where it is set up: less memory is free than its pinned batch needs.

    Raised by `setup`; the message tells what is needed, what is free, and the batch that fits."""


class BatchDependenceError(RuntimeError):
    """A row's samples changed with its place or its neighbours: this engine may not render."""


@dataclass(frozen=True)
class Request:
    """One take as a generator sees it: no path, no database id but the take's own.

    `variation` is the take's index in its cue and point; `models.seeds` tells the seeds of the takes before it."""

    take_id: str
    prompt: str
    seed: int
    controls: Controls
    stems: bool = False  # also return the stems
    variation: int = 0


@dataclass
class Rendition:
    """What came out: float stems and premaster before any loudness or limiting.

    `premaster` is float32 (2, frames); every stem has the same shape, and they sum to the premaster (within 1e-5).
    `stems` is empty when the request did not ask for them. A `loop` rendition is seamless: its last frame leads to
    its first, tails already folded in, and it is exactly `duration` long to the nearest frame.
    """

    sample_rate: int
    premaster: Audio
    stems: dict[str, Audio] = field(default_factory=dict)
    loop: bool = False
    midi: bytes | None = None
    facts: dict[str, object] = field(default_factory=dict)  # what the generator knows: chords, sections, ...


class Generator(Protocol):
    """A model behind the rendering services. `batch_size` is pinned per revision and kind of device."""

    id: str
    revision: str
    sample_rate: int
    batch_size: int
    resources: Resources

    def setup(self) -> None:
        """Load weights or banks. Called once, before the first batch."""
        ...

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        """One rendition per request, in order. Called with exactly `batch_size` requests: the caller pads."""
        ...

    def profile(self) -> dict[str, object]:
        """How it computes: dtype, kernels, library versions, bank digest. Plain JSON values; after `setup`."""
        ...

    def teardown(self) -> None:
        """Give back what `setup` took."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """What a generator may offer beside: a look at what the short takes of a self-test do not come to."""

    def self_check(self) -> None:
        """Called once after `setup`, before the first take. Raises BatchDependenceError, saying what depends."""
        ...
