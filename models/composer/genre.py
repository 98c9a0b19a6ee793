"""What a style of music sounds like, read from one data file a genre (`models/composer/genres/<name>.yaml`).

A new genre is one new file and its word in `models.words.GENRES`. The fields are described in `genres/README.md`.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from models.composer.instruments import INSTRUMENTS, ROLES
from models.composer.score import Desk

LEVELS = ("light", "steady", "driving")


@dataclass(frozen=True)
class Part:
    """How a genre fills a role: players best first (`fierce` ones in battle), the energy it enters at, its mix.

    `patterns` maps a level to step patterns (see `groove`); `style` names the way of playing."""

    instruments: tuple[str, ...]
    fierce: tuple[str, ...] = ()
    enters: float = 0.0
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.2
    echo: float = 0.0
    style: str = ""
    patterns: dict[str, Any] = field(default_factory=dict)

    def pattern(self, energy: float) -> Any:
        """The pattern for an energy: the level's own, else the nearest calmer, else the calmest there is."""
        wanted = LEVELS.index(level_of(energy))
        known = [name for name in LEVELS[: wanted + 1] if name in self.patterns]
        fallback = [name for name in LEVELS if name in self.patterns]
        return self.patterns[(known[-1:] or fallback[:1])[0]]


@dataclass(frozen=True)
class Genre:
    """One genre. `tempo` is its usual range in BPM; `swing` where the off-beat falls within its pair (0.5 straight),
    on the grid of `swing_grid` quarters; `timing_ms` and `touch` are how loosely people play it."""

    name: str
    tempo: tuple[float, float]
    desk: Desk
    swing: float
    swing_grid: float
    timing_ms: float
    touch: float
    extension: str
    bars_per_chord: float
    idiom: float
    applied: float
    calm: float
    melody: str
    fills: str
    idioms: dict[str, tuple[tuple[str, ...], ...]]
    roles: dict[str, Part]


def level_of(energy: float) -> str:
    """`light`, `steady` or `driving`."""
    return LEVELS[0] if energy < 0.38 else LEVELS[1] if energy < 0.62 else LEVELS[2]


@lru_cache(maxsize=64)
def genre(name: str) -> Genre:
    """The genre of that name. Raises ValueError where there is no data file for it or the file is wrong."""
    file = resources.files("models.composer.genres").joinpath(f"{name}.yaml")
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise ValueError(
            f"genre {name!r} has no data file in models/composer/genres; see `cueworks words` for the list"
        )
    return _read(name, yaml.safe_load(file.read_text(encoding="utf-8")))


def _read(name: str, data: dict[str, Any]) -> Genre:
    harmony = data["harmony"]
    idioms = {family: tuple(tuple(row.split()) for row in harmony.get(family, ())) for family in ("major", "minor")}
    return Genre(
        name=name,
        tempo=(float(data["tempo"][0]), float(data["tempo"][1])),
        desk=_desk(name, data),
        swing=data.get("swing", 0.5),
        swing_grid=data.get("swing_grid", 0.5),
        timing_ms=data["timing_ms"],
        touch=data["touch"],
        extension=harmony["extension"],
        bars_per_chord=harmony["bars_per_chord"],
        idiom=harmony["idiom"],
        applied=harmony["applied"],
        calm=harmony["calm"],
        melody=data.get("melody", ""),
        fills=data.get("fills", "none"),
        idioms=idioms,
        roles={role: _part(name, role, row) for role, row in data["roles"].items()},
    )


def _desk(name: str, data: dict[str, Any]) -> Desk:
    try:
        return Desk(**{"space": data["space"], **data.get("desk", {})})
    except TypeError as error:
        raise ValueError(f"genres/{name}.yaml, desk: {error}") from None


def _part(name: str, role: str, row: dict[str, Any]) -> Part:
    unknown = [word for word in (*row["play"], *row.get("fierce", ())) if word not in INSTRUMENTS]
    if unknown or role not in ROLES:
        raise ValueError(f"genres/{name}.yaml, roles.{role}: unknown instrument or role: {', '.join(unknown) or role}")
    mix = row.get("mix", [0, 0, 0.2])
    return Part(
        tuple(row["play"]),
        tuple(row.get("fierce", ())),
        row.get("from", 0.0),
        mix[0],
        mix[1],
        mix[2],
        mix[3] if len(mix) > 3 else 0.0,
        row.get("style", ""),
        row.get("patterns", {}),
    )
