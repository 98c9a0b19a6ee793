"""How much memory a checkpoint takes where it is set up, which batch and engine settings are pinned for that place, and
whether there is room.

The figures follow from sizes alone and are meant to be a little high. Nothing is loaded here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from models.generator import Place, Resources
from models.memory import check_fits, free_device_bytes, free_memory
from models.musicgen.checkpoint import Summary
from models.musicgen.configs import TEXT_TOKENS
from models.musicgen.footprint import engine_bytes

if TYPE_CHECKING:
    from models.musicgen.engine import EngineSettings

CPU_BATCH = 4
SMALL = 20_000_000  # parameters below which a second thread costs more than it helps
CUDA_BATCH = 32
_PROCESS = 700 << 20  # torch, transformers and what they bring along
_CUDA_CONTEXT = 900 << 20  # kernels, libraries, captured graphs
_CODEC_BYTES = 20  # of activations for every sample and filter of EnCodec's last layers
_MB = 1 << 20


def settings_for(place: Place) -> "EngineSettings":
    """How the engine computes in a place: pinned, not measured there."""
    from models.musicgen.engine import EngineSettings, fastest_on_cpu

    dtype, kernels = (device_dtype(), "plain") if place.device == "cuda" else fastest_on_cpu(place.batch_size)
    return EngineSettings(
        device=place.device, dtype=dtype, kernels=kernels, batch=place.batch_size, text_tokens=TEXT_TOKENS,
        threads=place.resources.threads,
    )  # fmt: skip


def device_dtype() -> str:
    """The number type of the GPU that this process sees: devices before compute capability 8.0 have no bfloat16."""
    import torch

    return "float16" if torch.cuda.is_available() and torch.cuda.get_device_capability()[0] < 8 else "bfloat16"


def places_for(summary: Summary) -> tuple[Place, Place]:
    """The place on a processor and the one on a GPU, with honest needs."""
    threads = 1 if summary.parameters < SMALL else 2
    host, device = Place("cpu", CPU_BATCH), Place("cuda", CUDA_BATCH)
    on_host = Resources(
        cpus=float(threads), threads=threads, memory_mb=_megabytes(host_bytes(summary, host)),
        row_mb=_row_megabytes(host_bytes, summary, host),
    )  # fmt: skip
    on_device = Resources(
        cpus=1.0, gpus=1.0, threads=1, memory_mb=_megabytes(host_bytes(summary, device)),
        gpu_memory_mb=_megabytes(device_bytes(summary, device)), row_mb=0,
        gpu_row_mb=_row_megabytes(device_bytes, summary, device),
    )  # fmt: skip
    return replace(host, resources=on_host), replace(device, resources=on_device)


def check_room(summary: Summary, place: Place, name: str) -> None:
    """Raise NoRoomError, with the batch that fits, unless the pinned one fits into what is free in the place."""
    free = {"memory": free_memory()} | ({"GPU memory": free_device_bytes()} if place.device == "cuda" else {})
    check_fits(name, place.batch_size, lambda batch: _needs(summary, replace(place, batch_size=batch)), free)


def _needs(summary: Summary, place: Place) -> dict[str, int]:
    on_device = {"GPU memory": device_bytes(summary, place)} if place.device == "cuda" else {}
    return {"memory": host_bytes(summary, place)} | on_device


def host_bytes(summary: Summary, place: Place) -> int:
    """The most of the machine's own memory that loading and rendering take in a place."""
    loaded = _PROCESS + summary.bytes
    return loaded if place.device == "cuda" else loaded + _rendering_bytes(summary, place)


def device_bytes(summary: Summary, place: Place) -> int:
    """The most of a GPU's memory that rendering takes in a place."""
    return _CUDA_CONTEXT + _rendering_bytes(summary, place)


def _rendering_bytes(summary: Summary, place: Place) -> int:
    parts = _float_bytes(summary, "text_encoder.") + _float_bytes(summary, "audio_encoder.")
    return engine_bytes(summary.shape, settings_for(place)) + parts + codec_bytes(summary)


def codec_bytes(summary: Summary) -> int:
    """What the codec computes with while it decodes one chunk."""
    from models.musicgen.codec import CHUNK, MARGIN

    samples = (CHUNK + 2 * MARGIN) * summary.shape.sample_rate // summary.shape.frame_rate
    return samples * int(summary.codec_config.get("num_filters", 32)) * _CODEC_BYTES


def _float_bytes(summary: Summary, prefix: str) -> int:
    return sum(4 * _product(stored.shape) for name, stored in summary.tensors.items() if name.startswith(prefix))


def _product(sizes: tuple[int, ...]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def _row_megabytes(needed: Callable[[Summary, Place], int], summary: Summary, place: Place) -> int:
    larger = replace(place, batch_size=place.batch_size + 1)
    return _megabytes(needed(summary, larger) - needed(summary, place))


def _megabytes(size: int) -> int:
    return -(-size // _MB)
