"""What the configurations of a pipeline tell, read by type: a value of another type or size is a fault, never an error.

What a field is left out for is its class's default, which the configurations given here hold already.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeVar

from models.diffusion.saved import Saved

MOST = 1 << 20
Kind = TypeVar("Kind")


class Told:
    """Fields of components as `name.field`, or `name.section.field`; faults go to those of the pipeline."""

    def __init__(self, found: Saved, held: Mapping[str, Mapping[str, Any]]) -> None:
        self._found, self._held = found, held

    def whole(self, field: str, least: int = 1, most: int = MOST) -> int:
        """A whole number; the least, with a fault, where there is none."""
        value = self.plain(field)
        if type(value) is int and least <= value <= most:
            return value
        return self._wrong(field, value, f"a whole number from {least} to {most} is needed", least)

    def wholes(self, field: str, most: int = 1 << 12) -> list[int]:
        """Whole numbers from 1, at least one of them."""
        value = self.plain(field)
        if isinstance(value, list | tuple) and value and all(type(one) is int and 1 <= one <= most for one in value):
            return list(value)
        return self._wrong(field, value, f"a list of whole numbers from 1 to {most} is needed", [1])

    def number(self, field: str, above: float = 0.0, most: float = 1e6) -> float:
        """A number above another."""
        value = self.plain(field)
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and above < value <= most:
            return float(value)
        return self._wrong(field, value, f"a number above {above:g}, at most {most:g}, is needed", most)

    def plain(self, field: str) -> Any:
        """Whatever is told; None where nothing is."""
        held: Any = self._held
        for name in field.split("."):
            held = held.get(name) if isinstance(held, Mapping) else None
        return held

    def _wrong(self, field: str, value: Any, needed: str, instead: Kind) -> Kind:
        component, _, name = field.partition(".")
        self._found.faults.append(f"{self._found.where(component)}: {name} is {str(value)[:60]}; {needed}")
        return instead
