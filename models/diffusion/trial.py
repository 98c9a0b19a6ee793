"""Steps of a scheduler tried on a handful of numbers, when a pipeline is added.

Schedulers accept many settings that no step can be taken with, and an order would tell an hour later. No weights here.
"""

import warnings
from typing import TYPE_CHECKING, Any

from models.controls import LEAST_STRENGTH
from models.diffusion.saved import Saved
from models.diffusion.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 5  # tried of each schedule: solvers of higher order begin with lower ones, PNDM with four of another method


def untaken(found: Saved, shape: Shape) -> list[str]:
    """What goes wrong with the scheduler's steps: a sentence, where something does."""
    from models.diffusion.loading import quiet
    from models.diffusion.schedulers import from_noise, prepared
    from models.diffusion.tensors import class_of

    component = found.components["scheduler"]
    for steps in sorted({shape.least_steps, shape.steps, shape.most_steps}):
        for strength in (None, LEAST_STRENGTH) if shape.varies and shape.family == "stable-audio" else (None,):
            try:
                with quiet(), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    scheduler = prepared(class_of("diffusers", component.cls).from_config(dict(component.config)))
                    made = _stepped(from_noise(scheduler, strength), steps, shape.family)
                said = "" if bool(made.isfinite().all()) else "values that are no numbers"
            except Exception as error:  # whatever the library makes of a hostile configuration
                said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            if said:
                return [f"{found.where('scheduler')}: no {steps} steps can be taken with it ({said}); fetch the "
                        "pipeline again, or save it with another scheduler"]  # fmt: skip
    return []


def _stepped(scheduler: Any, steps: int, family: str) -> "Tensor":
    """Some numbers after the first steps of a schedule, as the family's pipeline takes them."""
    from inspect import signature

    import torch

    from models.diffusion.streams import noise, stream

    own = stream(1)
    if family in ("stable-audio-3", "ace-step"):
        scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)])
    else:
        scheduler.set_timesteps(steps)
    rows = noise(own, (4, 8, 4)) * getattr(scheduler, "init_noise_sigma", 1.0)
    told = signature(scheduler.step).parameters
    drawn = {"generator": [own]} if "generator" in told and family != "ace-step" else {}
    for time in scheduler.timesteps[:_STEPS]:
        given = scheduler.scale_model_input(rows, time) if hasattr(scheduler, "scale_model_input") else rows
        rows = scheduler.step(torch.tanh(given), time, rows, **drawn).prev_sample
    return rows
