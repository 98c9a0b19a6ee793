"""Everything that is measured of a finished model on takes that were held out of its training."""

from pathlib import Path
from typing import Any

from services.training.assembling import trained_codec
from services.training.evaluation.sounds import codec_figures
from services.training.evaluation.takes import model_figures
from services.training.order import Order


def evaluate(order: Order, folder: Path, model: Path, pictures: Path) -> dict[str, Any]:
    """`codec` and `model` figures (see `sounds` and `takes`); pictures of spectra go into `pictures`."""
    pictures.mkdir(parents=True, exist_ok=True)
    codec = codec_figures(order, folder / "dataset", trained_codec(order, folder), pictures)
    return {"codec": codec, "takes": model_figures(order, folder / "dataset", model)}
