"""What the model makes of held-out orders, heard as any take is: accepted, on tempo, in key, told apart by state.

The engine that will render with the model renders here, with the take's own seed; what comes of it is heard by
`services.mastering.listening` and judged by `services.planning.acceptance` with the rule that holds without a word in
the brief. The same sounds as the composer made them are heard too: no model can be asked for more. Nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db.training_tables import HELD_OUT, TRAINING
from models.controls import Controls
from models.generator import Request
from services.training.dataset import Sounds
from services.training.evaluation.states import Classifier, features, taught
from services.training.order import Item, Order

if TYPE_CHECKING:
    from services.mastering.listening import Hearing

MOST_TAUGHT = 400
NAME = "house"


@dataclass(frozen=True)
class Made:
    """A sound made for an order: float32 (channels, frames) at `rate`."""

    item: Item
    controls: Controls
    audio: NDArray[np.float32]
    rate: int


def model_figures(order: Order, data: Path, folder: Path) -> dict[str, Any]:
    """Figures of the model's sounds beside those of the composer's for the same orders."""
    items = _asked(order, data)
    made = _rendered(order, folder, items)
    meant = [_meant(order, data, each) for each in made]
    teacher = _teacher(data)
    return {"orders": len(made), "seconds": order.preset.judged_s, "model": _figures(made, teacher),
            "composer": _figures(meant, teacher)}  # fmt: skip


def _asked(order: Order, data: Path) -> list[Item]:
    """Held-out takes, state by state in turn; takes of the training split where none is held out."""
    split = {entry.take: entry.split for entry in Sounds(data, None).entries}
    wanted = HELD_OUT if HELD_OUT in split.values() else TRAINING
    by_state: dict[str, list[Item]] = {}
    for item in order.items:
        if split[item.take] == wanted:
            by_state.setdefault(item.state, []).append(item)
    turns = [items[turn] for turn in range(len(order.items)) for items in by_state.values() if turn < len(items)]
    return turns[: order.preset.judged]


def _rendered(order: Order, folder: Path, items: Sequence[Item]) -> list[Made]:
    from models.musicgen.checkpoint import inspect
    from models.musicgen.generator import create
    from models.pinning import file_digests, whole_digest

    summary = inspect(folder)
    on_cpu, on_cuda = summary.places()
    place = on_cuda if order.device == "cuda" and on_cuda else on_cpu
    generator = create(folder, place, **summary.options(NAME, whole_digest(file_digests(summary.files))))
    generator.setup()
    requests = [Request(item.take, item.prompt, item.seed, _shortened(item, order)) for item in items]
    made: list[Made] = []
    for first in range(0, len(requests), generator.batch_size):
        batch = requests[first : first + generator.batch_size]
        padded = [*batch, *[batch[-1]] * (generator.batch_size - len(batch))]
        for request, found in zip(batch, generator.generate(padded), strict=False):
            item = items[len(made)]
            made.append(Made(item, request.controls, found.premaster, found.sample_rate))
    generator.teardown()
    return made


def _shortened(item: Item, order: Order) -> Controls:
    controls = Controls.from_json(dict(item.controls))
    return replace(controls, duration=min(controls.duration, order.preset.judged_s))


def _meant(order: Order, data: Path, made: Made) -> Made:
    sounds = Sounds(data, None)
    number = next(at for at, entry in enumerate(sounds.entries) if entry.take == made.item.take)
    length = round(made.controls.duration * sounds.rate)
    return replace(made, audio=sounds.whole(number)[None, :length], rate=sounds.rate)


def _teacher(data: Path) -> Classifier | None:
    sounds = Sounds(data, TRAINING)
    numbers = range(0, len(sounds), max(-(-len(sounds) // MOST_TAUGHT), 1))
    rows = [features(sounds.whole(number), sounds.rate) for number in numbers]
    return taught(rows, [sounds.entries[number].state for number in numbers])


def _figures(made: Sequence[Made], teacher: Classifier | None) -> dict[str, Any]:
    judged = [_judged(each) for each in made]
    told = teacher.tell([features(each.audio.mean(axis=0), each.rate) for each in made]) if teacher and made else []
    known = [each for each in made if teacher and each.item.state in teacher.states]
    right = sum(state == each.item.state for state, each in zip(told, made, strict=False))
    return {
        "accepted": _share(one["accepted"] for one in judged), "score": _mean(one["score"] for one in judged),
        "on_tempo": _share(one["on_tempo"] for one in judged), "states_told": right / len(known) if known else None,
        "chance": 1 / len(teacher.states) if teacher else None,
        "reasons": sorted({reason for one in judged for reason in one["reasons"]})[:10],
    }  # fmt: skip


def _judged(made: Made) -> dict[str, Any]:
    from services.mastering.listening import hear
    from services.planning.acceptance import Rule, judge

    hearing = hear(made.audio, made.rate)
    found = judge(hearing, made.controls, Rule(keep=1, budget=1))
    return {"accepted": found.accepted, "score": found.score, "reasons": list(found.reasons),
            "on_tempo": _on_tempo(hearing, made.controls.bpm)}  # fmt: skip


TOLERANCE = 0.04


def _on_tempo(hearing: "Hearing", asked: float) -> bool | None:
    """Within 4 % of the tempo, half or double of it: the octave is a matter of taste. None where a sound is too short
    for a tempo to be told."""
    from services.mastering.listening import SHORTEST_TEMPO_S

    heard = hearing.bpm
    if not heard:
        return None if hearing.seconds < SHORTEST_TEMPO_S else False
    return any(abs(heard / (asked * factor) - 1) <= TOLERANCE for factor in (0.5, 1.0, 2.0))


def _share(values: Any) -> float | None:
    found = [bool(value) for value in values if value is not None]
    return sum(found) / len(found) if found else None


def _mean(values: Any) -> float | None:
    found = [float(value) for value in values]
    return sum(found) / len(found) if found else None
