"""The state of a network that learns, kept so that a killed run goes on where it was: whole files, the newest few.

A checkpoint has everything that the next step depends on (weights, codebooks, optimizer, the curve so far); what is
drawn at random follows from the step's number and is not in it. A file that cannot be read is passed over for the one
before.
"""

import io
import re
from pathlib import Path
from typing import Any

from services.storage.folder import sync_folder
from services.training.writing import write_bytes

KEPT = 2
_NAME = re.compile(r"step-(\d{8})\.pt")


def save(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Keep the state after `step` steps; older ones than the last `KEPT` go."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    held = io.BytesIO()
    torch.save({**state, "step": step}, held)
    write_bytes(folder / f"step-{step:08}.pt", held.getvalue())
    sync_folder(folder)
    for path in _files(folder)[:-KEPT]:
        path.unlink(missing_ok=True)


def newest(folder: Path) -> dict[str, Any] | None:
    """The newest state that can be read, on the processor; None where there is none."""
    import torch

    for path in reversed(_files(folder)):
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # whatever a damaged file makes of torch's reader
            continue
        if isinstance(state, dict) and state.get("step") == int(path.stem.removeprefix("step-")):
            return state
    return None


def clear(folder: Path) -> None:
    """Remove every checkpoint."""
    for path in _files(folder):
        path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)) if folder.is_dir() else []
