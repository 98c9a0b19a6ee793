"""The flow that renders a run: a Prefect task per shard, driving pools of actors that outlive them.

Prefect says when, retries and shows; it is not the record. Takes, attempts and outcomes live in the catalog's
database, so a retried shard renders only what is missing there. Nothing here plans: see `flows.orders`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed, State
from prefect.task_runners import ThreadPoolTaskRunner

from services.catalog.driving import Driver, Turns
from services.rendering.jobs import GeneratorStoppedError, RenderingStoppedError

SHARDS_AT_ONCE = 2  # of one generator: its pool never runs dry between shards
LANES = 2  # generators on processors and on devices may work at the same time
_driver: ContextVar[Driver] = ContextVar("cueworks_driver")
_turns: ContextVar[Turns] = ContextVar("cueworks_turns")
_begun: ContextVar[Callable[[], None]] = ContextVar("cueworks_begun")


@contextmanager
def driving(driver: Driver, turns: Turns, begun: Callable[[], None]) -> Iterator[None]:
    """Make `driver` the one that the flow's tasks use, in the order of `turns`; `begun` is called when the flow has
    begun."""
    tokens = _driver.set(driver), _turns.set(turns), _begun.set(begun)
    try:
        yield
    finally:
        _driver.reset(tokens[0])
        _turns.reset(tokens[1])
        _begun.reset(tokens[2])


def _worth_retrying(_: Any, __: Any, state: State) -> bool:
    """A pool without actors, a full disk or a stop by the user does not get better by trying again."""
    try:
        state.result()
    except (RenderingStoppedError, KeyboardInterrupt):
        return False
    except Exception:
        return True
    return False


@task(
    name="render-shard",
    task_run_name="shard-{shard}",
    retries=2,
    retry_delay_seconds=1,
    retry_condition_fn=_worth_retrying,
    persist_result=False,
)
def render_shard(run_id: str, shard: int) -> dict[str, int]:
    """Render what is missing of one shard; returns its takes counted by outcome."""
    return _driver.get().drive(shard)


@flow(
    name="generate",
    flow_run_name="{catalog}",
    task_runner=ThreadPoolTaskRunner(max_workers=SHARDS_AT_ONCE * LANES),  # type: ignore[arg-type]
    persist_result=False,
)
def render_run(catalog: str, run_id: str, shards: int, page: str) -> State:
    """Render the shards of a planned run. Fails when some take failed; what is done is recorded either way."""
    _begun.get()()
    progress = _show(create_progress_artifact, 0.0, key="cueworks-progress", description=f"takes of {catalog}")
    totals: dict[str, int] = {}
    turns = _turns.get()
    for number, counts in enumerate(_landing(run_id, turns), 1):
        shards = max(shards, turns.known)
        for outcome, count in counts.items():
            totals[outcome] = totals.get(outcome, 0) + count
        if progress and number * 20 // shards != (number - 1) * 20 // shards:
            _show(update_progress_artifact, progress, 100.0 * number / shards)
    table = [{"outcome": outcome, "takes": count} for outcome, count in sorted(totals.items())]
    _show(create_table_artifact, table, key="cueworks-summary", description=f"run {run_id} of {catalog}")
    _show(create_link_artifact, Path(page).resolve().as_uri(), link_text=f"listen to {catalog}", key="cueworks-page")
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items()))
    if given_up := _driver.get().told:
        return Failed(message="; ".join(filter(None, (told, given_up))))
    return Completed(message=told) if set(totals) <= {"done"} else Failed(message=told)


def _show(artifact: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Artifacts are for looking at: a server that cannot take one now must not end a run."""
    try:
        return artifact(*arguments, **named)
    except Exception as error:
        get_run_logger().warning("artifact not written: %s", error)
        return None


def fault_of(state: State) -> BaseException | None:
    """What broke the flow itself; None when it went through, whatever came of the takes."""
    if not (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        return None
    found = state.result(raise_on_failure=False)
    return found if isinstance(found, BaseException) and not isinstance(found, FailedRun) else None


def _landing(run_id: str, turns: Turns) -> Iterator[dict[str, int]]:
    """The shards' counts as they come. Few tasks are submitted ahead, so that a stop does not wait for hundreds; a
    generator that cannot go on ends its own shards and no other's."""
    landed: SimpleQueue[tuple[int, PrefectFuture[dict[str, int]]]] = SimpleQueue()
    waiting = _submit(run_id, turns, landed)
    while waiting:
        shard, future = landed.get()
        counts: Any = future.result(raise_on_failure=False)
        if isinstance(counts, BaseException) and not isinstance(counts, GeneratorStoppedError):
            raise counts
        given_up = isinstance(counts, BaseException)
        turns.over(shard, given_up)
        waiting += _submit(run_id, turns, landed) - 1
        yield {} if given_up else counts


def _submit(run_id: str, turns: Turns, landed: "SimpleQueue[tuple[int, PrefectFuture[dict[str, int]]]]") -> int:
    """Submit the shards whose turn it is; each lands when it is over. Returns how many."""
    shards = turns.take()
    for shard in shards:
        render_shard.submit(run_id, shard).add_done_callback(partial(_land, landed, shard))
    return len(shards)


def _land(landed: Any, shard: int, future: PrefectFuture[dict[str, int]]) -> None:
    landed.put((shard, future))
