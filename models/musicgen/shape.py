"""The numbers that say what one MusicGen decoder is: its sizes, its streams of codes, how it hears text and melody.

A shape is read from a checkpoint once and travels as plain JSON. Tensors, torch and files are never touched here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


class ShapeError(ValueError):
    """Sizes that no MusicGen decoder can have; the text names the field."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a decoder. `streams` are its parallel rows of codes: 4 codebooks, for stereo 8 (left, right by turns).

    Stream k stands `delays[k]` steps late. Text of `text_width` is attended to (`cross_attention`) or, in melody
    checkpoints, projected and put before the codes together with `chroma_frames` of `chroma_bins`.
    """

    width: int
    layers: int
    heads: int
    feed_forward: int
    streams: int
    delays: tuple[int, ...]
    cardinality: int = 2048
    text_width: int = 768
    cross_attention: bool = True
    chroma_bins: int = 0
    chroma_frames: int = 235
    frame_rate: int = 50
    sample_rate: int = 32000
    channels: int = 1
    window_frames: int = 1500

    def __post_init__(self) -> None:
        zero_allowed = {"chroma_bins", "chroma_frames"}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and (type(value) is not int or value < (field.name not in zero_allowed)):
                raise ShapeError(f"{field.name} is {value!r}: a positive whole number is needed")
        if self.width % self.heads or self.width % 2 or self.width < 4:
            raise ShapeError(f"width {self.width} is not an even multiple of {self.heads} heads")
        if len(self.delays) != self.streams or min(self.delays) < 0:
            raise ShapeError(f"delays {self.delays} are not one per stream ({self.streams}), none below 0")
        if self.streams % self.channels:
            raise ShapeError(f"{self.streams} streams cannot be shared by {self.channels} channels")

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def special(self) -> int:
        """The code that stands where a stream has none yet, or none any more."""
        return self.cardinality

    @property
    def extra_steps(self) -> int:
        """Steps beyond one per frame, which the most delayed stream needs."""
        return max(self.delays)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "delays": list(self.delays)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Shape":
        """The shape that `as_json` wrote; raises ShapeError for anything else."""
        unknown = set(plain) - {field.name for field in fields(cls)}
        if unknown:
            raise ShapeError(f"unknown in a shape: {', '.join(sorted(unknown))}")
        try:
            return cls(**{**plain, "delays": tuple(plain.get("delays", ()))})
        except TypeError as error:
            raise ShapeError(f"not a shape: {error}") from error


def mono_delays(codebooks: int) -> tuple[int, ...]:
    """Codebook k stands k steps late."""
    return tuple(range(codebooks))


def stereo_delays(codebooks: int) -> tuple[int, ...]:
    """Left and right of codebook k, by turns, both k steps late."""
    return tuple(step for step in range(codebooks) for _ in range(2))
