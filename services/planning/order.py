"""The values that leave planning: what is ordered, take by take. Plain frozen data; no rule lives here."""

from dataclasses import asdict, dataclass
from typing import Any

from models.controls import Controls

LEVEL_AXIS = "intensity"
"""The coordinate of a point that tells the levels of an adaptive set apart; every other draws a seed of its own."""


@dataclass(frozen=True)
class Delivery:
    """Which files a take is delivered as: part of the order, since it decides the PCM.

    `formats` in the order of the brief; the first lossless one is the master (`flac` where none is listed).
    `loudness` is integrated LUFS (BS.1770-4), `sample_rate` Hz.
    """

    formats: tuple[str, ...]
    sample_rate: int
    loudness: float
    stems: bool


@dataclass(frozen=True, slots=True)
class PlannedTake:
    """One variation to make. `index` counts from 0 within zone x cue x point; `zone` is None outside the zones."""

    id: str
    catalog: str
    zone: str | None
    cue: str
    state: str
    point: dict[str, str]
    index: int
    prompt: str
    seed: int
    generator: str
    revision: str
    controls: Controls
    delivery: Delivery

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as `generate --dry-run --json` prints them."""
        return asdict(self) | {"controls": self.controls.as_json()}
