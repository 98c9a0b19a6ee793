"""The numbers that say what one diffusion pipeline is: its family, rates, sizes, defaults and what may be asked of it.

A shape is read from a saved pipeline once and travels as plain JSON. Tensors, torch and files are never touched here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

MOST_STEPS = 500
GUIDANCE = (1.0, 30.0)  # 1 is none


class ShapeError(ValueError):
    """Sizes that no pipeline can have; the text names the field."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a pipeline is.

    `hop` is how many samples a latent frame stands for, `text_tokens` the longest text, end mark included. A take is
    at most `longest_s` long; where `window` is not 0, so many latent frames are denoised for every take. `steps` and
    `guidance` are the pipeline's own defaults, `least_steps` and `most_steps` what its scheduler can take; `guided` and
    `negative` tell whether either may be asked for, `varies` whether it goes from a recording. `scheduler` is its
    class, `parameters` how many numbers each component is; `width`, `bands` and `decoder` say how much memory computing
    takes (`models.diffusion.room`)."""

    family: str
    pipeline: str
    sample_rate: int
    channels: int
    hop: int
    longest_s: float
    text_tokens: int
    steps: int
    guidance: float
    scheduler: str
    scheduler_digest: str
    parameters: Mapping[str, int]
    width: int
    decoder: int
    least_steps: int = 1
    most_steps: int = MOST_STEPS
    window: int = 0
    bands: int = 1
    guided: bool = True
    negative: bool = True
    varies: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "parameters": dict(self.parameters)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Shape":
        """The shape that `as_json` wrote; raises ShapeError for anything else."""
        unknown = set(plain) - {field.name for field in fields(cls)}
        if unknown:
            raise ShapeError(f"unknown in a shape: {', '.join(sorted(unknown))}")
        try:
            return cls(**plain)
        except TypeError as error:
            raise ShapeError(f"not a shape: {error}") from error
