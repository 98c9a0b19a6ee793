"""The engine: conditions, seeds and a length in, codes out, in one fixed batch shape.

One step is: read the last column, pass both rows of every take through the decoder, guide, sample, write the next
column. Everything a step touches was allocated before; a step waits for nothing on a GPU, where it is one replay of a
captured graph. A row's codes depend on its condition, seed, length and given codes, never on its place or neighbours.
Text is not encoded here, audio is not decoded, and no file is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from models.musicgen import decoder
from models.musicgen.cache import KeyValues, Memory, Remembered
from models.musicgen.decoder import Weights, Where
from models.musicgen.delays import UNKNOWN, delayed, planned, steps_of, undelayed
from models.musicgen.kernels import KERNELS, runnable
from models.musicgen.sampling import guided, sample
from models.musicgen.shape import Shape
from models.musicgen.streams import batch_uniforms

READ_AT_ONCE = 64  # positions that are read together where they are known beforehand
BUCKET = 128  # slots: a captured step attends over the next multiple of this
NEVER = 1 << 62
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


@dataclass(frozen=True)
class Condition:
    """What one take is told. The same `key` means the same condition: it is computed once and shared.

    `text`: T5 states [n, text_width] float32, not padded. `prefix`: melody checkpoints only, chroma and text already
    projected, [p, width] float32, chroma first; `text` is not read then.
    """

    text: Tensor
    prefix: Tensor | None
    key: str


@dataclass(frozen=True)
class State:
    """What the steps of a batch read and write, allocated once."""

    past: tuple[KeyValues, ...]  # a layer: [rows, heads, slots, head_width]
    told: tuple[KeyValues, ...]  # a layer: [batch, heads, text_tokens, head_width]; none where text stands in front
    told_mask: Tensor  # [batch, 1, 1, text_tokens], 0 or -inf
    seen: Tensor  # [rows, 1, 1, slots], 0 or -inf: slots of the past that a row has written
    prefix: Tensor  # [batch, 1]: how many states stand before a row's codes
    columns: Tensor  # [batch, streams, window + extra + 1]
    uniforms: Tensor  # [window + extra, batch, streams]
    step: Tensor  # [1]
    slot: Tensor  # [1]
    broken: Tensor  # [batch]: the first step whose logits were not numbers


def decode_step(weights: Weights, state: State, settings: EngineSettings, where: Where) -> None:
    """Read the column at `state.step`, write the next one, and move on."""
    codes = state.columns.index_select(2, state.step)  # [batch, streams, 1]
    x = decoder.embed(weights, codes, state.prefix + state.step)  # [rows, width]
    x = decoder.one_pass(weights, x, state.past, state.told, state.told_mask, where)
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
        self.rows = 2 * settings.batch
        self.front = front_slots(shape, settings)
        self.slots = slots_of(shape, settings)
        with torch.inference_mode():
            self.weights = decoder.take_weights(
                shape, tensors, settings.device, self.dtype, self.kernels, self.rows, self.slots
            )
            self.state = self._new_state()
        self.memory_of_conditions = Memory(most=4 * settings.batch)
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}

    @torch.inference_mode()
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
        if self.device.type == "cuda":
            self._capture()
        self._begin(conditions)
        columns = planned(lengths, given, self.shape.delays, self.shape.special)
        self.state.columns[:, :, : steps + 1] = columns
        self.state.uniforms[:steps] = batch_uniforms(seeds, first_step, steps, self.shape.streams)
        if known:
            self._read(columns[:, :, :known].to(self.device))
        for step in range(known, steps):
            self._advance(step)
        self._check_sound()
        return undelayed(self.state.columns[:, :, : steps + 1].cpu(), self.shape.delays, max(lengths))

    @torch.inference_mode()
    def logits(self, conditions: Sequence[Condition], codes: Tensor) -> Tensor:
        """What the decoder says of codes [batch, streams, frames] that it is told: float32 [rows, streams, steps, codes].

        Conditional rows first, then null rows; step s is the prediction of column s + 1 of the delayed codes.
        """
        self._check(conditions, [0] * self.settings.batch, [codes.shape[2]] * self.settings.batch, None)
        self._begin(conditions)
        columns = delayed(codes, self.shape.delays, self.shape.special)[:, :, :-1].to(self.device)
        x = self._read(columns)  # [rows, steps, width]
        said = decoder.logits_of(self.weights, self.weights.norm(x.float()).flatten(0, 1))
        return said.unflatten(0, x.shape[:2]).transpose(1, 2)

    def profile(self) -> dict[str, object]:
        """How it computes, in plain values: two engines with one profile make the same codes."""
        return {
            **asdict(self.settings),
            "kernels": self.kernels,
            "asked_kernels": self.settings.kernels,
            "int8_weights": self.kernels == "int8",
            "key_value_dtype": str(self._key_value_dtype()).removeprefix("torch."),
            "graphs": self.device.type == "cuda",
            "slots": self.slots,
            "torch": torch.__version__,
        }

    def _new_state(self) -> State:
        shape, batch, device = self.shape, self.settings.batch, self.device
        kind = torch.empty(0, dtype=self._key_value_dtype(), device=device)
        steps = steps_of(shape.window_frames, shape.delays)
        told = shape.layers if shape.cross_attention else 0
        return State(
            past=tuple(KeyValues.empty(self.rows, shape.heads, self.slots, shape.head_width, kind)
                       for _ in range(shape.layers)),
            told=tuple(KeyValues.empty(batch, shape.heads, self.settings.text_tokens, shape.head_width, kind)
                       for _ in range(told)),
            told_mask=kind.new_zeros(batch, 1, 1, self.settings.text_tokens),
            seen=kind.new_full((self.rows, 1, 1, self.slots), -torch.inf),
            prefix=torch.zeros(batch, 1, dtype=torch.int64, device=device),
            columns=torch.full((batch, shape.streams, steps + 1), shape.special, device=device),
            uniforms=torch.zeros(steps, batch, shape.streams, dtype=torch.float64, device=device),
            step=torch.zeros(1, dtype=torch.int64, device=device),
            slot=torch.zeros(1, dtype=torch.int64, device=device),
            broken=torch.full((batch,), NEVER, device=device),
        )  # fmt: skip

    def _key_value_dtype(self) -> torch.dtype:
        """On CPUs attention in float32 is faster than in bfloat16, at twice the bytes."""
        return torch.float32 if self.device.type == "cpu" else self.dtype

    def _begin(self, conditions: Sequence[Condition]) -> None:
        """Forget the last batch; let every row hear its condition."""
        state = self.state
        state.step.zero_()
        state.slot.fill_(self.front)
        state.broken.fill_(NEVER)
        state.seen.fill_(-torch.inf)
        for row, condition in enumerate(conditions):
            told = self.memory_of_conditions.recall(condition.key, lambda it=condition: self._hear(it))  # type: ignore[misc]
            if self.shape.cross_attention:
                self._tell(row, told)
            else:
                self._put_in_front(row, told)

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

    def _tell(self, row: int, told: Remembered) -> None:
        state, n = self.state, told.length
        for layer, (keys, values) in zip(state.told, told.layers, strict=True):
            layer.keys[row, :, :n] = keys[0]
            layer.values[row, :, :n] = values[0]
        state.told_mask[row, :, :, :n] = 0
        state.told_mask[row, :, :, n:] = -torch.inf

    def _put_in_front(self, row: int, told: Remembered) -> None:
        """Right before the codes, so that they stand at the same slot in every row."""
        state, batch = self.state, self.settings.batch
        first = self.front - told.length
        for layer, (keys, values) in zip(state.past, told.layers, strict=True):
            for place, source in ((row, 0), (batch + row, 1)):
                layer.keys[place, :, first : self.front] = keys[source]
                layer.values[place, :, first : self.front] = values[source]
        state.seen[row :: batch, :, :, first : self.front] = 0
        state.prefix[row] = told.length

    def _read(self, columns: Tensor) -> Tensor:
        """Pass known columns [batch, streams, n] through the decoder, several at once: x [rows, n, width]."""
        state, parts = self.state, []
        for first in range(0, columns.shape[2], READ_AT_ONCE):
            part = columns[:, :, first : first + READ_AT_ONCE]
            n, begin = part.shape[2], self.front + first
            positions = state.prefix + torch.arange(first, first + n, device=self.device)  # [batch, n]
            x = decoder.embed(self.weights, part, positions)  # [rows * n, width]
            mask = decoder.causal(n, begin + n, self.device).to(state.seen.dtype)  # [n, live]
            if self.front:
                mask = mask.repeat(self.rows, 1, 1, 1)
                mask[..., : self.front] = state.seen[..., : self.front]
            where = Where(slice(begin, begin + n), begin + n, mask)
            x = decoder.one_pass(self.weights, x, state.past, state.told, state.told_mask, where)
            state.seen[..., begin : begin + n] = 0
            parts.append(x.view(self.rows, n, -1))
        state.step.fill_(columns.shape[2])
        state.slot.fill_(self.front + columns.shape[2])
        return torch.cat(parts, dim=1)

    def _advance(self, step: int) -> None:
        """One step: on a CPU over exactly the live slots, on a GPU the captured graph that covers them."""
        slot = self.front + step
        if self.device.type == "cuda":
            self._graphs[bucket_of(slot, self.slots)].replay()
            return
        self.state.seen[..., slot] = 0
        mask = self.state.seen[..., : slot + 1] if self.front else None
        decode_step(self.weights, self.state, self.settings, Where(slice(slot, slot + 1), slot + 1, mask))

    def _capture(self) -> None:
        """Capture a step for every number of slots that attention may cover, once; the state is begun anew after it."""
        if self._graphs:
            return
        for live in sorted({bucket_of(slot, self.slots) for slot in range(self.front, self.slots)}):
            self._graphs[live] = self._captured(live)

    def _captured(self, live: int) -> "torch.cuda.CUDAGraph":
        where = Where(self.state.slot, live, self.state.seen[..., :live])

        def step() -> None:
            self.state.seen.index_fill_(3, self.state.slot, 0)
            decode_step(self.weights, self.state, self.settings, where)

        def rewind() -> None:
            self.state.step.zero_()
            self.state.slot.fill_(self.front)

        side = torch.cuda.Stream(self.device)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            for _ in range(3):
                rewind()
                step()
        torch.cuda.current_stream(self.device).wait_stream(side)
        rewind()
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self._graphs.values())).pool() if self._graphs else None
        with torch.cuda.graph(graph, pool=pool):
            step()
        return graph

    def _check(self, conditions: Sequence[Condition], seeds: Sequence[int], lengths: Sequence[int],
               given: Tensor | None) -> None:  # fmt: skip
        shape, batch = self.shape, self.settings.batch
        if not len(conditions) == len(seeds) == len(lengths) == batch:
            raise ValueError(f"{len(conditions)} conditions, {len(seeds)} seeds, {len(lengths)} lengths: not {batch} each")
        if min(lengths) < 1 or max(lengths) > shape.window_frames:
            raise ValueError(f"lengths {min(lengths)} to {max(lengths)}: 1 to {shape.window_frames} frames fit the window")
        if given is not None:
            if given.shape[:2] != (batch, shape.streams) or not given.shape[2] <= min(lengths):
                raise ValueError(f"given codes {tuple(given.shape)} are not [{batch}, {shape.streams}, up to {min(lengths)}]")
            if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < shape.cardinality:
                raise ValueError(f"given codes are not all from 0 to {shape.cardinality - 1}")
        for row, condition in enumerate(conditions):
            self._check_condition(row, condition)

    def _check_condition(self, row: int, condition: Condition) -> None:
        if self.shape.cross_attention:
            states, width, most = condition.text, self.shape.text_width, self.settings.text_tokens
        elif condition.prefix is not None:
            states, width, most = condition.prefix, self.shape.width, self.front
        else:
            raise ValueError(f"row {row}: this checkpoint needs a prefix of chroma and text")
        if states.dim() != 2 or states.shape[1] != width or not 1 <= len(states) <= most:
            raise ValueError(f"row {row}: condition {tuple(states.shape)} is not [1 to {most}, {width}]")

    def _check_sound(self) -> None:
        broken = self.state.broken.cpu()
        if int(broken.min()) < NEVER:
            row = int(broken.argmin())
            raise EngineError(
                f"row {row}, step {int(broken[row])}: the logits are not all finite. The checkpoint's weights or the "
                f"condition hold NaN or infinity, or {self.settings.dtype} is too narrow for it: try float32."
            )


def front_slots(shape: Shape, settings: EngineSettings) -> int:
    """Slots kept free before the codes for what melody checkpoints put there."""
    if shape.cross_attention:
        return 0
    return settings.text_tokens + (shape.chroma_frames if shape.chroma_bins else 0)


def slots_of(shape: Shape, settings: EngineSettings) -> int:
    return front_slots(shape, settings) + steps_of(shape.window_frames, shape.delays)


def bucket_of(slot: int, slots: int) -> int:
    """How many slots a captured step covers that writes `slot`."""
    return min(slots, (slot // BUCKET + 1) * BUCKET)
