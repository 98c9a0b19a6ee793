"""A decoding step as captured CUDA graphs: one for every number of slots that attention covers, replayed per step.

Attention over the whole window would read several times what has been written; a graph's shapes are fixed, so there is
one for each multiple of `BUCKET` slots, with hidden slots masked. Which graph a step takes follows from its number
alone. Nothing here waits for the device, and no CPU is served here.
"""

from collections.abc import Callable

import torch

from models.musicgen.decoder import Where
from models.musicgen.state import State

BUCKET = 128
_WARM_UPS = 3


def bucket_of(slot: int, slots: int) -> int:
    """How many of `slots` slots the step covers that writes `slot`."""
    return min(slots, (slot // BUCKET + 1) * BUCKET)


class CapturedSteps:
    """Captures `step` for a state; whatever the state held is lost."""

    def __init__(self, state: State, step: Callable[[Where], None]) -> None:
        self._state, self._step = state, step
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        for live in sorted({bucket_of(slot, state.slots) for slot in range(state.front, state.slots)}, reverse=True):
            self._graphs[live] = self._capture(live)

    def replay(self, slot: int) -> None:
        """Run the step that writes `slot`; the state knows the rest."""
        self._graphs[bucket_of(slot, self._state.slots)].replay()

    def _step_over(self, live: int) -> Callable[[], None]:
        """The step over the first `live` slots: where it stands is read from the state alone, so it may be replayed."""
        where = Where(self._state.slot, live, self._state.seen[..., :live])

        def step() -> None:
            self._state.seen.index_fill_(3, self._state.slot, 0)
            self._step(where)

        return step

    def _capture(self, live: int) -> torch.cuda.CUDAGraph:
        step = self._step_over(live)
        side, main = torch.cuda.Stream(), torch.cuda.current_stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._state.at(0)
                step()
        main.wait_stream(side)
        self._state.at(0)
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self._graphs.values())).pool() if self._graphs else None  # the largest one's, for all
        with torch.cuda.graph(graph, pool=pool):
            step()
        return graph
