"""Everything that is measured of a finished model on takes that were held out of its training."""

from pathlib import Path
from typing import Any

from services.training.assembling import trained_codec
from services.training.evaluation.codes import foresight
from services.training.evaluation.sounds import codec_figures
from services.training.evaluation.takes import model_figures
from services.training.order import Order


def evaluate(order: Order, folder: Path, model: Path, pictures: Path) -> dict[str, Any]:
    """Figures of `codec`, `codes` and `takes` (see `sounds`, `codes` and `takes`); pictures go into `pictures`."""
    pictures.mkdir(parents=True, exist_ok=True)
    codec = trained_codec(order, folder)
    return {
        "codec": codec_figures(order, folder / "dataset", codec, pictures),
        "codes": foresight(order, folder, codec),
        "takes": model_figures(order, folder / "dataset", model),
    }
