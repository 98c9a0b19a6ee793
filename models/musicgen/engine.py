"""The engine: conditions, seeds and a length in, codes out, in one fixed batch shape.

One step is: read the last column, pass both rows of every take through the decoder, guide, sample, write the next
column. Everything a step touches was allocated before; a step waits for nothing on a GPU, where it is one replay of a
captured graph. A row's codes depend on its condition, seed, length and given codes, never on its place or neighbours.
Text is not encoded here, audio is not decoded, and no file is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor

from models.musicgen import decoder
from models.musicgen.cache import Memory, Remembered
from models.musicgen.decoder import Weights, Where
from models.musicgen.delays import UNKNOWN, delayed, planned, steps_of, undelayed
from models.musicgen.footprint import (
    GROWTH,
    READ_AT_ONCE,
    attends_by_products,
    engine_bytes,
    key_value_dtype,
    slots_of,
)
from models.musicgen.graphs import CapturedSteps
from models.musicgen.kernels import KERNELS, runnable
from models.musicgen.sampling import guided, sample
from models.musicgen.shape import Shape
from models.musicgen.state import State
from models.musicgen.streams import batch_uniforms
from models.steady import steady_products

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class EngineError(RuntimeError):
    """The decoder computed what is no music: the text says which row and step."""


@dataclass(frozen=True)
class EngineSettings:
    """How an engine computes; all of it can change bits, so all of it is in the profile."""

    device: str = "cpu"
    dtype: str = "float32"
    kernels: str = "plain"
    batch: int = 1
    text_tokens: int = 64
    threads: int = 1
    guidance: float = 3.0
    top_k: int = 250
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(DTYPES)}")
        if self.kernels not in KERNELS:
            raise ValueError(f"kernels {self.kernels!r} are none of {', '.join(KERNELS)}")
        if self.kernels == "int8" and (self.dtype != "bfloat16" or self.device != "cpu"):
            raise ValueError("int8 weights go with bfloat16 activations on a CPU")
        if min(self.batch, self.text_tokens, self.threads) < 1 or self.top_k < 0 or self.temperature <= 0:
            raise ValueError(f"batch, text_tokens, threads, top_k or temperature is out of range: {self}")


def fastest_on_cpu(batch: int) -> tuple[str, str]:
    """(dtype, kernels) that decode fastest on CPUs with bfloat16 instructions; measured by tests/benchmarks/decode.py.

    Two rows are bound by the bytes of weights, which int8 halves; more rows by arithmetic, which bfloat16 does best.
    """
    return ("bfloat16", "int8") if batch == 1 else ("bfloat16", "packed")


@dataclass(frozen=True)
class Condition:
    """What one take is told. The same `key` means the same condition: it is computed once and shared.

    `text`: T5 states [n, text_width] float32, not padded. `prefix`: melody checkpoints only, chroma and text already
    projected, [p, width] float32, chroma first; `text` is not read then.
    """

    text: Tensor
    prefix: Tensor | None
    key: str


def decode_step(weights: Weights, state: State, settings: EngineSettings, where: Where) -> None:
    """Read the column at `state.step`, write the next one, and move on."""
    codes = state.columns.index_select(2, state.step)  # [batch, streams, 1]
    x = decoder.embed(weights, codes, state.prefix + state.step)  # [rows, width]
    x = decoder.one_pass(weights, x, state.past, state.told, where)
    conditional, null = weights.norm(x.float()).chunk(2)  # [batch, width] each
    # The heads are linear and have no bias: guiding what goes in is guiding what comes out, at half the rows.
    logits = decoder.logits_of(weights, guided(conditional, null, settings.guidance))  # [batch, streams, cardinality]
    uniform = state.uniforms.index_select(0, state.step)[0]  # [batch, streams]
    predicted = sample(logits, uniform, settings.top_k, settings.temperature).unsqueeze(2)  # [batch, streams, 1]
    following = state.step + 1
    planned_codes = state.columns.index_select(2, following)  # [batch, streams, 1]
    state.columns.index_copy_(2, following, torch.where(planned_codes == UNKNOWN, predicted, planned_codes))
    sound = logits.sum(dim=(1, 2)).isfinite()  # [batch]
    state.broken.copy_(torch.where(sound, state.broken, torch.minimum(state.broken, state.step)))
    state.step.add_(1)
    state.slot.add_(1)


class Engine:
    """A decoder that is ready to generate, in one batch shape, on one device."""

    def __init__(self, shape: Shape, tensors: Mapping[str, Tensor], settings: EngineSettings) -> None:
        """`tensors` as `decoder.take_weights` wants them."""
        self.shape, self.settings = shape, settings
        self.dtype = DTYPES[settings.dtype]
        self.kernels = runnable(settings.kernels, settings.device, self.dtype)
        self.device = torch.device(settings.device)
        if self.device.type == "cuda":
            steady_products()
        with torch.no_grad():
            self.weights = decoder.take_weights(
                shape, tensors, settings.device, self.dtype, self.kernels, 2 * settings.batch,
                slots_of(shape, settings.text_tokens),
            )  # fmt: skip
            kind = torch.empty(0, dtype=DTYPES[key_value_dtype(settings)], device=self.device)
            fixed = self.device.type == "cuda"
            self.state = State.empty(shape, settings.batch, settings.text_tokens, kind, fixed)
        self._conditions = Memory(most=settings.batch)
        self._graphs: CapturedSteps | None = None

    @torch.no_grad()
    def generate(self, conditions: Sequence[Condition], seeds: Sequence[int], frames: int | Sequence[int],
                 given: Tensor | None = None, first_step: int = 0) -> Tensor:  # fmt: skip
        """Codes int64 [batch, streams, the most frames], on the host, for exactly `batch` conditions and seeds.

        `frames` is one length for all or one a row; past its own length a row's codes are `shape.special`.
        `given` [batch, streams, g] are codes to continue: they stand at the start of the result. `first_step` is the
        frame of the piece at which this call begins: the random stream goes on from there, one number per code.
        Raises ValueError for what does not fit the batch or the window, EngineError where logits are not finite.
        """
        lengths = [frames] * self.settings.batch if isinstance(frames, int) else list(frames)
        known = 0 if given is None else given.shape[2]
        self._check(conditions, seeds, lengths, given)
        steps = steps_of(max(lengths), self.shape.delays)
        if self.device.type == "cuda" and not self._graphs:
            self._graphs = CapturedSteps(self.state, partial(decode_step, self.weights, self.state, self.settings))
        self._begin(conditions, steps)
        columns = planned(lengths, given, self.shape.delays, self.shape.special)
        self.state.columns[:, :, : steps + 1] = columns
        self.state.uniforms[:steps] = batch_uniforms(seeds, first_step, steps, self.shape.streams)
        if known:
            self._read(columns[:, :, :known].to(self.device))
        for step in range(known, steps):
            self._advance(step)
        self._check_sound()
        return undelayed(self.state.columns[:, :, : steps + 1].cpu(), self.shape.delays, max(lengths))

    @torch.no_grad()
    def logits(self, conditions: Sequence[Condition], codes: Tensor) -> Tensor:
        """What is predicted where codes [batch, streams, frames] are told: float32 [rows, streams, steps, cardinality].

        Conditional rows first, then null rows; step s is the prediction of column s + 1 of the delayed codes.
        """
        self._check(conditions, [0] * self.settings.batch, [codes.shape[2]] * self.settings.batch, None)
        columns = delayed(codes, self.shape.delays, self.shape.special)[:, :, :-1].to(self.device)
        self._begin(conditions, columns.shape[2])
        x = self._read(columns)  # [rows, steps, width]
        said = decoder.logits_of(self.weights, self.weights.norm(x.float()).flatten(0, 1))
        return said.unflatten(0, x.shape[:2]).transpose(1, 2)

    @staticmethod
    def memory(shape: Shape, settings: EngineSettings) -> int:
        """Bytes that an engine takes on its device, before it is built."""
        return engine_bytes(shape, settings)

    def profile(self) -> dict[str, object]:
        """How it computes, in plain values: two engines with one profile make the same codes."""
        return {
            **asdict(self.settings),
            "kernels": self.kernels,
            "asked_kernels": self.settings.kernels,
            "int8_weights": self.kernels == "int8",
            "key_value_dtype": str(self.state.seen.dtype).removeprefix("torch."),
            "attention": "products" if attends_by_products(self.settings) else "framework",
            "graphs": self.device.type == "cuda",
            "slots": self.state.slots,
            "torch": torch.__version__,
        }

    def _begin(self, conditions: Sequence[Condition], steps: int) -> None:
        """Forget the last batch; let every row hear its condition."""
        heard = [self._conditions.recall(it.key, partial(self._hear, it)) for it in conditions]
        self.state.begin(heard, steps)

    def _hear(self, condition: Condition) -> Remembered:
        """A condition's keys and values, computed from it alone."""
        if self.shape.cross_attention:
            return Remembered(decoder.text_keys_values(self.weights, condition.text.to(self.device)))
        assert condition.prefix is not None
        prefix = condition.prefix.to(self.device)
        return Remembered(decoder.prefix_keys_values(self.weights, prefix, self._null_prefix(len(prefix))))

    def _null_prefix(self, length: int) -> Tensor:
        """What stands before a null row's codes: the chroma of nothing (all in bin 0), then zeros for the text."""
        null = torch.zeros(length, self.shape.width, device=self.device)
        if self.weights.chroma is not None:
            weight, bias = self.weights.chroma
            null[: self.shape.chroma_frames] = weight[:, 0] + bias
        return null

    def _read(self, columns: Tensor) -> Tensor:
        """Pass known columns [batch, streams, n] through the decoder, several at once: x [rows, n, width]."""
        state, parts = self.state, []
        for first in range(0, columns.shape[2], READ_AT_ONCE):
            part = columns[:, :, first : first + READ_AT_ONCE]
            n, begin = part.shape[2], state.front + first
            positions = state.prefix + torch.arange(first, first + n, device=self.device)  # [batch, n]
            x = decoder.embed(self.weights, part, positions)  # [rows * n, width]
            mask = decoder.causal(n, begin + n, self.device).to(state.seen.dtype)  # [n, live]
            if state.front:
                mask = mask.repeat(len(state.seen), 1, 1, 1)
                mask[..., : state.front] = state.seen[..., : state.front]
            where = Where(slice(begin, begin + n), begin + n, mask)
            x = decoder.one_pass(self.weights, x, state.past, state.told, where)
            state.seen[..., begin : begin + n] = 0
            parts.append(x.view(len(state.seen), n, -1))
        state.at(columns.shape[2])
        return torch.cat(parts, dim=1)

    def _advance(self, step: int) -> None:
        """One step: on a CPU over the live slots, on a GPU the captured graph that covers them."""
        state, slot = self.state, self.state.front + step
        if self._graphs:
            self._graphs.replay(slot)
            return
        state.seen[..., slot] = 0
        if attends_by_products(self.settings):
            self._lay_out(room := min(state.slots, (slot // GROWTH + 1) * GROWTH))
            hidden = state.seen[..., :room].repeat(1, self.shape.heads, 1, 1).flatten(0, 1)
            where = Where(slice(slot, slot + 1), room, None, hidden)
        else:
            mask = state.seen[..., : slot + 1] if state.front else None
            where = Where(slice(slot, slot + 1), slot + 1, mask)
        decode_step(self.weights, state, self.settings, where)

    def _lay_out(self, room: int) -> None:
        """Let the past have that many slots a row. They follow from the step alone: neighbours may be longer."""
        state = self.state
        if state.past[0].slots != room:
            state.past[:] = [memory.holding(past, room) for memory, past in zip(state.memory, state.past, strict=True)]

    def _check(self, conditions: Sequence[Condition], seeds: Sequence[int], lengths: Sequence[int],
               given: Tensor | None) -> None:  # fmt: skip
        shape, batch = self.shape, self.settings.batch
        if not len(conditions) == len(seeds) == len(lengths) == batch:
            told = f"{len(conditions)} conditions, {len(seeds)} seeds, {len(lengths)} lengths"
            raise ValueError(f"{told}: the batch takes {batch} of each")
        if min(lengths) < 1 or max(lengths) > shape.window_frames:
            told = f"lengths {min(lengths)} to {max(lengths)}"
            raise ValueError(f"{told}: 1 to {shape.window_frames} frames fit the window")
        if given is not None:
            if given.shape[:2] != (batch, shape.streams) or not given.shape[2] <= min(lengths):
                fitting = f"[{batch}, {shape.streams}, up to {min(lengths)}]"
                raise ValueError(f"given codes {tuple(given.shape)} are not {fitting}")
            if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < shape.cardinality:
                raise ValueError(f"given codes are not all from 0 to {shape.cardinality - 1}")
        for row, condition in enumerate(conditions):
            self._check_condition(row, condition)

    def _check_condition(self, row: int, condition: Condition) -> None:
        if self.shape.cross_attention:
            states, width, most = condition.text, self.shape.text_width, self.settings.text_tokens
        elif condition.prefix is not None:
            states, width, most = condition.prefix, self.shape.width, self.state.front
        else:
            raise ValueError(f"row {row}: this checkpoint needs a prefix of chroma and text")
        if states.dim() != 2 or states.shape[1] != width or not 1 <= len(states) <= most:
            raise ValueError(f"row {row}: condition {tuple(states.shape)} is not [1 to {most}, {width}]")

    def _check_sound(self) -> None:
        broken = self.state.first_broken()
        if broken:
            raise EngineError(
                f"row {broken[0]}, step {broken[1]}: the logits are not all finite. The checkpoint's weights or the "
                f"condition hold NaN or infinity, or {self.settings.dtype} is too narrow for them: try float32"
            )
