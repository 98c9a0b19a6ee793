"""How much memory a checkpoint takes where it is set up, which batch and engine settings are pinned for that place, and
whether there is room.

The figures follow from sizes alone and are meant to be a little high. Nothing is loaded here.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from models.generator import NoRoomError, Place, Resources
from models.musicgen import names
from models.musicgen.checkpoint import Summary
from models.musicgen.configs import TEXT_TOKENS
from models.musicgen.shape import Shape

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
    from models.musicgen.engine import EngineSettings

    dtype, kernels = ("bfloat16", "plain") if place.device == "cuda" else ("float32", "packed")
    return EngineSettings(
        device=place.device, dtype=dtype, kernels=kernels, batch=place.batch_size, text_tokens=TEXT_TOKENS,
        threads=place.resources.threads,
    )  # fmt: skip


def places_for(summary: Summary) -> tuple[Place, Place]:
    """The place on a processor and the one on a GPU, with honest needs."""
    threads = 1 if summary.parameters < SMALL else 2
    host = Resources(
        cpus=float(threads), threads=threads, memory_mb=_megabytes(host_bytes(summary, "cpu", CPU_BATCH))
    )
    device = Resources(
        cpus=1.0, gpus=1.0, threads=1, memory_mb=_megabytes(host_bytes(summary, "cuda", CUDA_BATCH)),
        gpu_memory_mb=_megabytes(device_bytes(summary, CUDA_BATCH)),
    )  # fmt: skip
    return Place("cpu", CPU_BATCH, host), Place("cuda", CUDA_BATCH, device)


def check_room(summary: Summary, place: Place, name: str) -> None:
    """Raise NoRoomError, with the batch that fits, unless the pinned one fits into what is free in the place."""
    free = {"memory": free_host_bytes()}
    needs = {"memory": lambda batch: host_bytes(summary, place.device, batch)}
    if place.device == "cuda":
        free["GPU memory"] = free_device_bytes()
        needs["GPU memory"] = lambda batch: device_bytes(summary, batch)
    short = [kind for kind in free if needs[kind](place.batch_size) > free[kind]]
    if not short:
        return
    fits = next((n for n in range(place.batch_size - 1, 0, -1) if all(needs[k](n) <= free[k] for k in free)), 0)
    gigabytes = {kind: (needs[kind](place.batch_size) / 1e9, free[kind] / 1e9) for kind in short}
    told = " and ".join(f"{need:.1f} GB of {kind}, {has:.1f} GB are free" for kind, (need, has) in gigabytes.items())
    remedy = (
        f"a batch of {fits} fits: set CUEWORKS_BATCH={fits}" if fits else
        "not even a batch of 1 fits: use a smaller checkpoint, or a machine with more memory"
    )  # fmt: skip
    raise NoRoomError(f"{name} with its batch of {place.batch_size} needs {told}; {remedy}")


def host_bytes(summary: Summary, device: str, batch: int) -> int:
    """The most of the machine's own memory that loading and rendering take."""
    loaded = sum(path.stat().st_size for path in summary.files.values()) + _PROCESS
    if device == "cuda":
        return loaded
    parts = _float_bytes(summary, "text_encoder.") + _float_bytes(summary, "audio_encoder.")
    working = engine_bytes(summary.shape, batch, 4, 4) + parts + codec_bytes(summary)
    return _PROCESS + working + (loaded - _PROCESS)


def device_bytes(summary: Summary, batch: int) -> int:
    """The most of a GPU's memory that rendering takes."""
    parts = _float_bytes(summary, "text_encoder.") + _float_bytes(summary, "audio_encoder.")
    return engine_bytes(summary.shape, batch, 2, 2) + parts + codec_bytes(summary) + _CUDA_CONTEXT


def engine_bytes(shape: Shape, batch: int, weight: int, cached: int) -> int:
    """What a decoder of this shape takes, `weight` bytes a number in its layers and `cached` in keys and values."""
    sizes = names.decoder_tensors(shape)
    layers = sum(_product(size) for name, size in sizes.items() if ".layers." in name)
    rest = sum(_product(size) for name, size in sizes.items() if ".layers." not in name)
    front = 0 if shape.cross_attention else TEXT_TOKENS + shape.chroma_frames
    slots = front + shape.window_frames + shape.extra_steps
    position = 2 * shape.layers * shape.width * cached  # a key and a value in every layer
    told = TEXT_TOKENS if shape.cross_attention else 2 * front
    remembered = (5 if shape.cross_attention else 4) * batch * told  # conditions that variations share
    passing = 2 * batch * 64 * (shape.feed_forward + 4 * shape.width) * 4
    logits = 6 * batch * shape.streams * shape.cardinality * 4
    return layers * weight + rest * 4 + position * (2 * batch * slots + remembered) + passing + logits


def codec_bytes(summary: Summary) -> int:
    """What the codec computes with while it decodes one chunk."""
    from models.musicgen.codec import CHUNK, MARGIN

    samples = (CHUNK + 2 * MARGIN) * summary.shape.sample_rate // summary.shape.frame_rate
    return samples * int(summary.codec_config.get("num_filters", 32)) * _CODEC_BYTES


def free_host_bytes() -> int:
    """What processes may still take of this machine's memory, or of this container's share of it."""
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(told["MemAvailable"].split()[0]) << 10
    limit, used, reusable = _container()
    return free if limit is None else min(free, max(limit - used + reusable, 0))


def _container() -> tuple[int | None, int, int]:
    """(limit, bytes used, bytes of it that are file cache) of the control group; no limit where there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text())
        used = int((folder / "memory.current").read_text())
        held = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return limit, used, int(held.get("inactive_file", 0))
    except (OSError, ValueError):
        return None, 0, 0


def free_device_bytes() -> int:
    """What is free of the GPU that this process sees."""
    import torch

    free: int = torch.cuda.mem_get_info()[0]
    return free


def _float_bytes(summary: Summary, prefix: str) -> int:
    return sum(4 * _product(stored.shape) for name, stored in summary.tensors.items() if name.startswith(prefix))


def _product(sizes: tuple[int, ...]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def _megabytes(size: int) -> int:
    return -(-size // _MB)
