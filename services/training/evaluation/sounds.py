"""How near the codec comes to sounds that it never heard: spectral distance, error of loudness, error of samples.

Nothing here listens to music; see `takes`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.training_tables import HELD_OUT, TRAINING
from services.mastering.loudness import SILENCE, measure
from services.training.curves import write_spectra
from services.training.dataset import Sounds
from services.training.order import Order

MOST, SECONDS, PICTURED = 32, 10.0, 2


def codec_figures(order: Order, data: Path, codec: Any, pictures: Path) -> dict[str, Any]:
    """Means over held-out takes (training takes where none is held out): `spectral_distance` (see
    `models.house.spectral`), `loudness_error_lu` (absolute, in LU) and `time_error` (mean absolute sample)."""
    sounds = Sounds(data, HELD_OUT)
    split = HELD_OUT if len(sounds) else TRAINING
    sounds = sounds if len(sounds) else Sounds(data, TRAINING)
    rate, hop = sounds.rate, order.preset.codec.hop
    distances, errors, times = list[float](), list[float](), list[float]()
    for number in range(min(len(sounds), MOST)):
        entry = sounds.entries[number]
        length = max(int(min(entry.length, SECONDS * rate)) // hop, 1) * hop
        meant = sounds.cut(number, 0, length)
        heard = codec.decode(codec.encode(meant[None]))[0, :length]
        distances.append(_distance(heard, meant))
        times.append(float(np.abs(heard - meant).mean()))
        errors += _loudness_error(heard, meant, rate)
        if number < PICTURED:
            titles = (f"{entry.take[:12]} as it was made", f"{entry.take[:12]} through the codec")
            write_spectra(pictures / f"codec-{number}.png", list(zip(titles, (meant, heard), strict=True)), rate)
    return {
        "split": split, "sounds": len(times), "spectral_distance": float(np.mean(distances)),
        "loudness_error_lu": float(np.mean(errors)) if errors else None, "time_error": float(np.mean(times)),
    }  # fmt: skip


def _distance(heard: NDArray[np.float32], meant: NDArray[np.float32]) -> float:
    import torch

    from models.house.spectral import distance

    with torch.inference_mode():
        ours, theirs = (torch.from_numpy(np.ascontiguousarray(sound))[None] for sound in (heard, meant))
        return float(distance(ours, theirs))


def _loudness_error(heard: NDArray[np.float32], meant: NDArray[np.float32], rate: int) -> list[float]:
    """The difference in LU; none where the sound is too short or too quiet to have a loudness."""
    ours, theirs = (max(measure(sound[None], rate).integrated, SILENCE) for sound in (heard, meant))
    return [abs(ours - theirs)] if theirs > SILENCE else []
