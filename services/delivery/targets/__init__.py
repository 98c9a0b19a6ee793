"""Where a release goes: each target is one module here with a `TARGET`; adding one touches no other file.

A target says which file of a take lies where, and writes what its tool wants to know beside them. It reads no file,
signs nothing and decides nothing about rights.
"""

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from services.delivery.errors import DeliveryError
from services.delivery.frozen import FrozenTake
from services.planning.faults import nearest, shown


@dataclass(frozen=True)
class Piece:
    """One file of a take in a release. `path` is relative to its folder, with `/`, each part a portable name.

    Without `data` it is the master `source_sha256`, tagged and signed; with `data` these bytes, which tell of it."""

    path: str
    role: str
    media_type: str
    source_sha256: str
    data: bytes | None = None


class Target(Protocol):
    """The port."""

    def pieces(self, take: FrozenTake) -> Iterator[Piece]:
        """The files of one take; the same take gives the same pieces, and no two takes share a path."""
        ...


def names() -> list[str]:
    """The targets there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def named(name: str) -> Target:
    """The target called `name`. Raises DeliveryError."""
    if name not in names():
        raise DeliveryError(f"--target: {shown(name)} is no target; {nearest(name, names())}")
    target: Target = import_module(f"{__name__}.{name}").TARGET
    return target
