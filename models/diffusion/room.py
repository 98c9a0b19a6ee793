"""How much memory a pipeline takes where it is set up, which batch and number type are pinned for that place, and
whether there is room.

The figures follow from sizes alone, for takes of usual length (`USUAL_S`, or all that a window holds), and are meant to
be a little high. Nothing is loaded here.
"""

from collections.abc import Callable
from dataclasses import replace

from models.diffusion.families import FAMILIES
from models.diffusion.shape import Shape
from models.generator import NoRoomError, Place, Resources
from models.memory import check_fits, free_device_bytes, free_memory

CPU_BATCH = 2
CUDA_BATCH = 8
SMALL = 20_000_000  # parameters below which a second thread costs more than it helps
USUAL_S = 60.0
_PROCESS = 900 << 20  # torch, diffusers, transformers and what they bring along
_CUDA_CONTEXT = 900 << 20
_VECTORS = 40  # of the denoiser's width, for each latent frame and band of a row and of its guidance
_DECODER = 24  # bytes for each sample and channel of the decoder's last layer
_DECODED_AT_ONCE = 1600  # latent frames: longer sounds are decoded in pieces
_MB = 1 << 20
_BYTES = {"float32": 4, "bfloat16": 2}


def dtype_for(device: str) -> str:
    """The number type of denoiser and text encoders: bfloat16 where the GPU that this process sees has it."""
    if device == "cpu":
        return "float32"
    import torch

    old = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] < 8
    return "float32" if old else "bfloat16"


def places_for(shape: Shape, stored: int) -> tuple[Place, Place]:
    """The place on a processor and the one on a GPU, with honest needs; `stored` is what the files take."""
    threads = 1 if sum(shape.parameters.values()) < SMALL else 2
    host, device = Place("cpu", CPU_BATCH), Place("cuda", CUDA_BATCH)
    on_host = Resources(
        cpus=float(threads), threads=threads, memory_mb=_megabytes(host_bytes(shape, stored, host)),
        row_mb=_row_megabytes(lambda place: host_bytes(shape, stored, place), host),
    )  # fmt: skip
    on_device = Resources(
        cpus=1.0, gpus=1.0, threads=1, memory_mb=_megabytes(host_bytes(shape, stored, device)),
        gpu_memory_mb=_megabytes(device_bytes(shape, device)), row_mb=0,
        gpu_row_mb=_row_megabytes(lambda place: device_bytes(shape, place), device),
    )  # fmt: skip
    return replace(host, resources=on_host), replace(device, resources=on_device)


def check_room(shape: Shape, stored: int, place: Place, dtype: str, name: str) -> None:
    """Raise NoRoomError, with the batch that fits, unless the pinned one fits into what is free in the place, where
    denoiser and texts compute in `dtype`."""
    free = {"memory": free_memory()} | ({"GPU memory": free_device_bytes()} if place.device == "cuda" else {})

    def needs(batch: int) -> dict[str, int]:
        return _needs(shape, stored, replace(place, batch_size=batch), dtype)

    check_fits(name, place.batch_size, needs, free)


def check_call(shape: Shape, place: Place, dtype: str, frames: int, name: str) -> None:
    """Raise NoRoomError where a call over so many latent frames, longer than usual takes are, does not fit into what is
    free once the weights lie there."""
    usual = usual_frames(shape)
    more = _computing_bytes(shape, place, dtype, frames) - _computing_bytes(shape, place, dtype, usual)
    if frames <= usual or more <= 0:
        return
    free = free_device_bytes() + _held_device_bytes() if place.device == "cuda" else free_memory()
    needs = _computing_bytes(shape, place, dtype, frames)
    if needs > free:
        seconds = frames * shape.hop / shape.sample_rate
        raise NoRoomError(
            f"{name} needs {needs / 1e9:.1f} GB more for takes of {seconds:.0f} s, and {free / 1e9:.1f} GB are free: "
            "order shorter ones, or set CUEWORKS_BATCH to a smaller batch"
        )


def _needs(shape: Shape, stored: int, place: Place, dtype: str) -> dict[str, int]:
    on_device = {"GPU memory": device_bytes(shape, place, dtype)} if place.device == "cuda" else {}
    return {"memory": host_bytes(shape, stored, place)} | on_device


def host_bytes(shape: Shape, stored: int, place: Place) -> int:
    """The most of the machine's own memory that loading and rendering take in a place."""
    if place.device == "cuda":
        return _PROCESS + weight_bytes(shape, "float32") + stored
    return _PROCESS + max(weight_bytes(shape, "float32") + stored, _rendering_bytes(shape, place, "float32"))


def device_bytes(shape: Shape, place: Place, dtype: str = "bfloat16") -> int:
    """The most of a GPU's memory that rendering takes in a place."""
    return _CUDA_CONTEXT + _rendering_bytes(shape, place, dtype)


def weight_bytes(shape: Shape, dtype: str) -> int:
    """The weights as they are loaded: what decodes in float32, the rest in another number type."""
    exact, size = FAMILIES[shape.family].exact, _BYTES[dtype]
    return sum(count * (4 if name in exact else size) for name, count in shape.parameters.items())


def usual_frames(shape: Shape) -> int:
    """Latent frames of the longest take that is usual."""
    return shape.window or int(min(USUAL_S, shape.longest_s) * shape.sample_rate) // shape.hop + 1


def _rendering_bytes(shape: Shape, place: Place, dtype: str) -> int:
    return weight_bytes(shape, dtype) + _computing_bytes(shape, place, dtype, usual_frames(shape))


def _computing_bytes(shape: Shape, place: Place, dtype: str, frames: int) -> int:
    """What a call over so many latent frames takes beside the weights."""
    rows = place.batch_size * (2 if shape.guided else 1)
    denoising = rows * (frames * shape.bands + shape.text_tokens) * shape.width * _VECTORS * _BYTES[dtype]
    decoding = min(frames, _DECODED_AT_ONCE) * shape.hop * shape.decoder * _DECODER
    return max(denoising, decoding)


def _held_device_bytes() -> int:
    """What torch holds of that GPU's memory and does not use."""
    import torch

    return torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def _row_megabytes(needed: Callable[[Place], int], place: Place) -> int:
    larger = replace(place, batch_size=place.batch_size + 1)
    return _megabytes(needed(larger) - needed(place))


def _megabytes(size: int) -> int:
    return -(-size // _MB)
