"""A saved pipeline into memory: its own classes, safetensors alone, nothing from a hub, and no noise on the terminal.

What may be loaded is decided by `checkpoint.inspect`: the libraries choose files by rules of their own, so they are
shown a folder that holds links to those files and nothing else. Nothing is looked at here but number types and devices.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.diffusion.adapter import Adapter
from models.diffusion.families import FAMILIES
from models.diffusion.shape import Shape
from models.families import CheckpointError
from models.registry import load as named

ADAPTERS = {
    "stable-audio": "models.diffusion.stable_audio:StableAudio",
    "stable-audio-3": "models.diffusion.stable_audio_3:StableAudio3",
    "audioldm2": "models.diffusion.audioldm2:AudioLDM2",
    "ace-step": "models.diffusion.ace_step:AceStep",
}


def loaded(files: Mapping[str, Path], shape: Shape, device: str, dtype: str) -> Adapter:
    """The adapter around the pipeline of some files, by their names below its folder (`Summary.files`), on a device,
    its denoiser and text encoders in a number type. Raises CheckpointError where nothing can be made of them."""
    import torch

    try:
        adapter: Adapter = named(ADAPTERS[shape.family])(pipeline(files, shape, device, dtype), shape, device)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # whatever the libraries make of it
        if "out of memory" in str(error).lower():
            raise
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise CheckpointError([f"{shape.pipeline} cannot be loaded from the registered files ({said})"]) from error
    return adapter


@contextmanager
def shown(files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder with links to some files, by their names, and nothing else, for as long as they are being loaded."""
    with TemporaryDirectory(prefix="cueworks-") as home:
        for name, path in files.items():
            (Path(home) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(home) / name).symlink_to(path.resolve())
        yield Path(home)


def pipeline(files: Mapping[str, Path], shape: Shape, device: str, dtype: str) -> Any:
    """The pipeline itself: ready to compute, never to train; the decoder in float32."""
    import diffusers
    import torch

    from models.diffusion.rows import apart
    from models.diffusion.schedulers import prepared

    family = FAMILIES[shape.family]
    exact = {name: torch.float32 for name in family.exact}
    with quiet(), shown(files) as folder:
        made = getattr(diffusers, family.classes[0]).from_pretrained(
            folder, torch_dtype={"default": getattr(torch, dtype), **exact}, local_files_only=True,
            use_safetensors=True, low_cpu_mem_usage=False,
        ).to(device)  # fmt: skip
    made.set_progress_bar_config(disable=True)
    made.scheduler = prepared(made.scheduler)
    for part in made.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
            if device == "cpu":
                apart(part)
    if dtype != "float32":
        getattr(made, family.denoiser).register_forward_pre_hook(_in_type(getattr(torch, dtype)), with_kwargs=True)
    return made


def _in_type(dtype: Any) -> Any:
    """A hook that gives a module its number type: schedulers go on in float32."""
    import torch

    def told(value: Any) -> Any:
        real = isinstance(value, torch.Tensor) and value.is_floating_point() and value.ndim > 1
        return value.to(dtype) if real else value

    def hook(_module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return tuple(map(told, args)), {name: told(value) for name, value in kwargs.items()}

    return hook


@contextmanager
def quiet() -> Iterator[None]:
    """Neither progress bars nor warnings of the libraries; what they find wrong they raise."""
    from diffusers.utils import logging as theirs
    from transformers.utils import logging as others

    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    levels = [logger.level for logger in loggers]
    bars = [(library, library.is_progress_bar_enabled()) for library in (theirs, others)]
    for library, _ in bars:
        library.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for library, shown in bars:
            if shown:
                library.enable_progress_bar()
