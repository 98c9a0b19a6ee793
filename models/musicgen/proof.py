"""What an engine proves before it renders: a row that moves keeps its bits, also where takes of a second never come.

Two batches hold the same row in every place and beside other neighbours. Each reads known codes, as the windows after a
piece's first do, and steps with a long past behind it; on a GPU, once by every graph that was captured. What the last
layer keeps of a step is compared, as sampling hides small differences. No sound is made and nothing is kept: the next
batch begins anew.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.musicgen.delays import UNKNOWN, steps_of
from models.musicgen.graphs import bucket_of

if TYPE_CHECKING:
    from models.musicgen.engine import Condition, Engine

KNOWN = 4  # codes that are read at once; on a processor reading many takes long
KNOWN_CAPTURED = 96  # in two goes
PASTS = (30, 120)  # what stands behind the steps that are taken where none are captured


@torch.no_grad()
def dependence(engine: "Engine", row: "Condition", other: "Condition") -> str:
    """What of `row` changes with its place in the batch or its neighbours; empty where nothing does."""
    others = engine.settings.batch - 1
    if not others:
        return ""
    if engine.state.fixed and not engine._graphs:
        engine.generate([row] * (others + 1), [0] * (others + 1), 1)  # captures its steps
    first = _made(engine, [row, *[other] * others])
    moved = _made(engine, [other, *[row] * others])
    for what, told in first.items():
        if not all(torch.equal(told[:, 0], moved[what][:, place]) for place in range(1, others + 1)):
            return what
    return ""


def _made(engine: "Engine", conditions: list["Condition"]) -> dict[str, Tensor]:
    """What comes of a batch, by what it is: tensors [parts, batch, ...]."""
    state, batch, pasts = engine.state, len(conditions), _pasts(engine)
    engine._begin(conditions, pasts[-1] + 1)
    columns = _columns(engine, conditions, pasts[-1] + 2)
    state.columns[:, :, : columns.shape[2]] = columns
    known = min(KNOWN_CAPTURED if state.fixed else KNOWN, pasts[-1])
    read = engine._read(columns[:, :, :known])  # [rows, known, width]
    made = {f"the reading of {known} known codes": read.unflatten(0, (2, batch)).clone()}
    _remember(engine, pasts[-1])
    for past in reversed(pasts):  # what is remembered is laid out for the step: a shorter one keeps its part of it
        state.seen[..., state.front :] = -torch.inf
        slot, what = state.front + past, f"a step with {past} behind it"
        state.seen[..., state.front : slot] = 0
        state.columns[:, :, past + 1] = UNKNOWN
        state.uniforms[past] = 0.5
        state.at(past)
        engine._advance(past)
        kept = torch.cat([state.past[-1].keys[:, :, slot], state.past[-1].values[:, :, slot]], dim=-1)
        made[what] = kept.unflatten(0, (2, batch))  # [2, batch, heads, 2 * head_width]
        made[f"what is drawn in {what}"] = state.columns[None, :, :, past + 1].clone()
    return made


def _pasts(engine: "Engine") -> list[int]:
    """The steps to take: those that stand last in what a captured graph covers, or a few."""
    state, steps = engine.state, steps_of(engine.shape.window_frames, engine.shape.delays)
    if not state.fixed:
        return sorted({min(past, steps - 1) for past in PASTS})
    slots = range(state.front, state.front + steps)
    return sorted({bucket_of(slot, state.slots): slot - state.front for slot in slots}.values())


def _columns(engine: "Engine", conditions: list["Condition"], length: int) -> Tensor:
    """Codes [batch, streams, length] that follow from a row's condition alone."""
    shape, keys = engine.shape, sorted({condition.key for condition in conditions})
    rows = torch.tensor([keys.index(condition.key) for condition in conditions])[:, None, None]
    codes = 7 * torch.arange(length) + 131 * torch.arange(shape.streams)[:, None] + 17 * rows
    return (codes % shape.cardinality).to(engine.device)


def _remember(engine: "Engine", slots: int) -> None:
    """The same past for every row, of as many codes."""
    front, (_, heads, _, head_width) = engine.state.front, engine.state.past[0].keys.shape
    drawn = torch.randn(2, heads, slots, head_width, generator=torch.Generator().manual_seed(0)).to(engine.device)
    for layer in engine.state.past:
        layer.keys[:, :, front : front + slots] = drawn[0]
        layer.values[:, :, front : front + slots] = drawn[1]
