"""What a pipeline may be asked for, from its shape as the register keeps it. Opens no file, imports no library.

Rows of the register are never rewritten, so that a shape that another release wrote is read as far as it goes.
"""

from collections.abc import Mapping
from typing import Any

from models.diffusion.shape import GUIDANCE, MOST_STEPS
from models.registry import Abilities


def abilities(shape: Mapping[str, Any]) -> Abilities:
    """What an order may ask of a pipeline of that shape, plain JSON."""
    return Abilities(
        longest_s=float(shape.get("longest_s", Abilities.longest_s)),
        steps=(int(shape.get("least_steps", 1)), int(shape.get("most_steps", MOST_STEPS))),
        guidance=GUIDANCE if shape.get("guided", True) else None,
        negative=bool(shape.get("negative", True)) and bool(shape.get("guided", True)),
        usual_guidance=float(shape["guidance"]) if "guidance" in shape else None,
        variation=bool(shape.get("varies", False)),
    )
