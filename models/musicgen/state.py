"""Everything the steps of a batch read and write, allocated once for the batch shape and begun anew for every batch.

The codes of a melody checkpoint stand behind their condition; conditions are set right before slot `front`, so that
codes stand at the same slot in every row, however long the conditions are. No model is run here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.musicgen.cache import KeyValues, Padded, Remembered, Shared, Told
from models.musicgen.delays import steps_of
from models.musicgen.footprint import SLOT_MULTIPLE, front_slots, slots_of
from models.musicgen.shape import Shape

NEVER = 1 << 62


@dataclass(frozen=True)
class State:
    """Rows are 2 * batch: conditional first, then null. `fixed`: nothing moves or changes its shape between batches, as
    captured steps need it; else every batch takes the room that it needs."""

    fixed: bool
    front: int
    memory: tuple[KeyValues, ...]  # a layer: [rows, heads, slots, head_width]
    past: list[KeyValues]  # the same, as this batch uses it
    told: list[Told]  # a layer; none where text stands in front
    told_mask: Tensor  # [batch, 1, 1, text_tokens], 0 or -inf; of padded conditions
    seen: Tensor  # [rows, 1, 1, slots], 0 where a row has written the slot, else -inf
    prefix: Tensor  # [batch, 1]: how many states stand before a row's codes
    columns: Tensor  # [batch, streams, window + extra + 1]
    uniforms: Tensor  # [window + extra, batch, streams]
    step: Tensor  # [1]
    slot: Tensor  # [1]: front + step
    broken: Tensor  # [batch]: the first step whose logits were not finite

    @classmethod
    def empty(cls, shape: Shape, batch: int, text_tokens: int, kind: Tensor, fixed: bool) -> "State":
        """`kind` gives device and number type of keys and values."""
        rows, steps, front = 2 * batch, steps_of(shape.window_frames, shape.delays), front_slots(shape, text_tokens)
        slots = slots_of(shape, text_tokens)

        def whole(value: int, *size: int) -> Tensor:
            return torch.full(size, value, dtype=torch.int64, device=kind.device)

        def memories(rows: int, slots: int) -> tuple[KeyValues, ...]:
            return tuple(KeyValues.empty(rows, shape.heads, slots, shape.head_width, kind) for _ in range(shape.layers))

        memory, told_mask = memories(rows, slots), kind.new_zeros(batch, 1, 1, text_tokens)
        padded = fixed and shape.cross_attention
        return cls(
            fixed=fixed,
            front=front,
            memory=memory,
            past=list(memory),
            told=[Padded(heard, told_mask) for heard in memories(batch, text_tokens)] if padded else [],
            told_mask=told_mask,
            seen=kind.new_full((rows, 1, 1, slots), -torch.inf),
            prefix=whole(0, batch, 1),
            columns=whole(shape.special, batch, shape.streams, steps + 1),
            uniforms=torch.zeros(steps, batch, shape.streams, dtype=torch.float64, device=kind.device),
            step=whole(0, 1),
            slot=whole(front, 1),
            broken=whole(NEVER, batch),
        )

    @property
    def slots(self) -> int:
        return self.seen.shape[3]

    def begin(self, conditions: Sequence[Remembered], steps: int) -> None:
        """Forget the last batch; let every row have its condition and room for `steps` codes."""
        self.at(0)
        self.broken.fill_(NEVER)
        self.seen.fill_(-torch.inf)
        if not self.fixed:
            used = -(-(self.front + steps) // SLOT_MULTIPLE) * SLOT_MULTIPLE
            self.past[:] = [layer.narrowed(used) for layer in self.memory]
        if self.front:
            for row, condition in enumerate(conditions):
                self._put_in_front(row, condition)
        elif self.fixed:
            self._tell(conditions)
        else:
            self.told[:] = Shared.layers(conditions, self.seen.dtype)

    def at(self, step: int) -> None:
        """Stand before `step`."""
        self.step.fill_(step)
        self.slot.fill_(self.front + step)

    def _tell(self, conditions: Sequence[Remembered]) -> None:
        self.told_mask.fill_(-torch.inf)
        for row, condition in enumerate(conditions):
            self.told_mask[row, :, :, : condition.length] = 0
            for layer, (keys, values) in zip(self.told, condition.layers, strict=True):
                assert isinstance(layer, Padded)
                layer.put(row, keys[0], values[0])

    def _put_in_front(self, row: int, condition: Remembered) -> None:
        batch, first = len(self.prefix), self.front - condition.length
        for layer, (keys, values) in zip(self.past, condition.layers, strict=True):
            for place, source in ((row, 0), (batch + row, 1)):
                layer.keys[place, :, first : self.front] = keys[source]
                layer.values[place, :, first : self.front] = values[source]
        self.seen[row::batch, :, :, first : self.front] = 0
        self.prefix[row] = condition.length

    def first_broken(self) -> tuple[int, int] | None:
        """(row, step) of the first logits that were not finite. Waits for the device.

        What such a batch left behind is wiped: a hidden slot adds 0 times its value, and 0 times NaN is NaN."""
        broken = self.broken.cpu()
        if int(broken.min()) == NEVER:
            return None
        padded = [layer.heard for layer in self.told if isinstance(layer, Padded)]
        for memory in (*self.memory, *padded):
            memory.keys.zero_()
            memory.values.zero_()
        return int(broken.argmin()), int(broken.min())
