"""What a token model may be asked for, from its shape as the register keeps it. Opens no file, imports no library."""

from collections.abc import Mapping
from typing import Any

from models.registry import Abilities


def abilities(shape: Mapping[str, Any]) -> Abilities:
    """What an order may ask of a token model of that shape, plain JSON."""
    return Abilities(melody=bool(shape.get("chroma_bins")), continuation=True)
