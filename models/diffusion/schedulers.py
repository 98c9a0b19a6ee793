"""Schedulers as takes need them: what they draw within a step comes from each row's own stream, on the processor.

diffusers' schedulers draw through a list of generators, one a row, where they draw at all; the one with a Brownian tree
draws where the latents lie, so it is given its tree here. A scheduler also says where a variation begins.
"""

import warnings
from typing import Any


def prepared(scheduler: Any) -> Any:
    """The scheduler itself, or one that draws its noise on the processor."""
    if type(scheduler).__name__ == "CosineDPMSolverMultistepScheduler":
        return _hosted().from_config(scheduler.config)
    return scheduler


def from_noise(scheduler: Any, strength: float | None) -> Any:
    """The scheduler that begins with less noise: `strength` in (0, 1] is the part of its range, in logarithms, that is
    gone through. Only for those with `sigma_min` and `sigma_max`; theirs are what a recording is drowned in."""
    if strength is None or strength >= 1:
        return scheduler
    least, most = scheduler.config.sigma_min, scheduler.config.sigma_max
    return type(scheduler).from_config(scheduler.config, sigma_max=least * (most / least) ** strength)


def from_level(scheduler: Any, strength: float | None) -> Any:
    """Stable Audio 3's scheduler, beginning at the noise level `strength`: all its steps lie below it."""
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.stable_audio_3.pipeline_stable_audio_3 import logsnr_sigma_schedule

    if strength is None:
        return scheduler

    class Below(FlowMatchEulerDiscreteScheduler):
        def set_timesteps(self, *args: Any, sigmas: Any, **kwargs: Any) -> None:
            from inspect import signature

            from diffusers import StableAudio3Pipeline

            told = signature(StableAudio3Pipeline.__call__).parameters
            bounds = told["logsnr_min"].default, told["logsnr_max"].default
            super().set_timesteps(*args, sigmas=logsnr_sigma_schedule(len(sigmas), *bounds, strength), **kwargs)

    return Below.from_config(scheduler.config)


def _hosted() -> Any:
    import torch
    from diffusers import CosineDPMSolverMultistepScheduler
    from diffusers.schedulers.scheduling_dpmsolver_sde import BrownianTreeNoiseSampler

    class Hosted(CosineDPMSolverMultistepScheduler):
        """Its Brownian trees, one a row, grow on the processor in float32 whatever the device."""

        noise_sampler: Any

        def step(self, model_output: Any, timestep: Any, sample: Any, generator: Any = None, **kwargs: Any) -> Any:
            if self.noise_sampler is None:
                tree = BrownianTreeNoiseSampler(
                    torch.zeros(model_output.shape), self.config.sigma_min, self.config.sigma_max,
                    seed=[one.initial_seed() for one in generator],
                )  # fmt: skip
                self.noise_sampler = lambda sigma, after: tree(sigma, after).to(model_output)
            with warnings.catch_warnings():  # that the ends of the range are off by rounding
                warnings.simplefilter("ignore", UserWarning)
                return super().step(model_output, timestep, sample, generator=generator, **kwargs)

    Hosted.__name__ = "CosineDPMSolverMultistepScheduler"
    return Hosted
