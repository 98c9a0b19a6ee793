"""How many bytes an engine of a shape and settings takes, before one is built: for the check against free memory.

Follows from sizes alone; nothing is loaded or measured, and torch is not needed.
"""

from typing import TYPE_CHECKING

from models.musicgen.shape import Shape

if TYPE_CHECKING:
    from models.musicgen.engine import EngineSettings

READ_AT_ONCE = 64  # positions that are read together where they are known beforehand
GROWTH = 32  # slots by which the past of a batch grows where attention is plain products
PRODUCTS_FROM = 8  # takes: fewer are heard faster by the framework's own attention
SLOT_MULTIPLE = 16  # masks of attention kernels want their rows aligned
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def front_slots(shape: Shape, text_tokens: int) -> int:
    """Slots kept free before the codes for what melody checkpoints put there."""
    if shape.cross_attention:
        return 0
    return text_tokens + (shape.chroma_frames if shape.chroma_bins else 0)


def slots_of(shape: Shape, text_tokens: int) -> int:
    """All slots of a row: what stands before the codes, one for every step, rounded up."""
    used = front_slots(shape, text_tokens) + shape.window_frames + shape.extra_steps
    return -(-used // SLOT_MULTIPLE) * SLOT_MULTIPLE


def attends_by_products(settings: "EngineSettings") -> bool:
    """Whether steps attend by plain matrix products; measured on processors, with few rows and with many."""
    return settings.device == "cpu" and settings.batch >= PRODUCTS_FROM


def key_value_dtype(settings: "EngineSettings") -> str:
    """The framework's own attention on CPUs is faster in float32 than in bfloat16, at twice the bytes."""
    as_computed = settings.device != "cpu" or attends_by_products(settings)
    return settings.dtype if as_computed else "float32"


def engine_bytes(shape: Shape, settings: "EngineSettings") -> int:
    """Weights, keys and values, conditions that are kept, and the largest work space, in bytes."""
    return weight_bytes(shape, settings) + cache_bytes(shape, settings) + work_bytes(shape, settings)


def weight_bytes(shape: Shape, settings: "EngineSettings") -> int:
    """Layers in their own number type; embeddings, heads, positions and projections in float32."""
    square, feed = shape.width**2, 2 * shape.width * shape.feed_forward
    matrices = square * (8 if shape.cross_attention else 4) + feed
    norms = 2 * shape.width * (3 if shape.cross_attention else 2)
    outputs = shape.width * (8 if shape.cross_attention else 4) + shape.width + shape.feed_forward
    size = _BYTES[settings.dtype]
    layer = matrices + outputs * size if settings.kernels == "int8" else matrices * size
    tables = shape.streams * (2 * shape.cardinality + 1) + slots_of(shape, settings.text_tokens)
    projections = shape.text_width + shape.chroma_bins + 2
    return shape.layers * (layer + norms * size) + 4 * shape.width * (tables + projections)


def cache_bytes(shape: Shape, settings: "EngineSettings") -> int:
    """Keys and values of every row, and those of as many different conditions as the batch has."""
    position = 2 * shape.layers * shape.width  # one key and one value in every layer
    size = _BYTES[key_value_dtype(settings)]
    past = position * size * 2 * settings.batch * slots_of(shape, settings.text_tokens)
    if shape.cross_attention:
        told = position * settings.batch * settings.text_tokens
        return past + told * (size + _BYTES[settings.dtype])
    return past + position * 4 * 2 * settings.batch * front_slots(shape, settings.text_tokens)


def work_bytes(shape: Shape, settings: "EngineSettings") -> int:
    """The largest of what comes and goes: reading known codes or laying a layer's past out anew, and picking from the
    logits."""
    rows, size = 2 * settings.batch, _BYTES[settings.dtype]
    reading = rows * READ_AT_ONCE * (shape.feed_forward + 8 * shape.width) * size
    if attends_by_products(settings):
        past = 2 * shape.width * rows * slots_of(shape, settings.text_tokens)
        reading = max(reading, past * _BYTES[key_value_dtype(settings)])
    picking = settings.batch * shape.streams * shape.cardinality * 40  # logits, probabilities, running sums
    return reading + picking
