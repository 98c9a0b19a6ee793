"""The flow that trains a house model: a Prefect task a stage, each done by a worker that sees the run's folder.

Prefect says when and shows; it is not the record. What a stage leaves lies in the run's folder, so that a flow that was
killed goes on where it was; what comes of it all is recorded in the catalog's database. Nothing here plans: see
`flows.training`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact

from services.training.registering import Registered

Stage = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Work:
    """What the flow's tasks call: do a stage by its name; register what came of them."""

    stage: Stage
    register: Callable[[], Registered]


_work: ContextVar[Work] = ContextVar("cueworks_training")


@contextmanager
def working(work: Work) -> Iterator[None]:
    """Make `work` what the flow's tasks call."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


@task(name="export-dataset", persist_result=False)
def export_dataset() -> dict[str, Any]:
    """Sounds and captions of the takes, in shards."""
    return _work.get().stage("dataset")


@task(name="train-codec", persist_result=False)
def train_codec() -> dict[str, Any]:
    """The codec learns to say the sounds in codes."""
    return _work.get().stage("codec")


@task(name="tokenise", persist_result=False)
def tokenise() -> dict[str, Any]:
    """The sounds as codes, the captions' tokenizer."""
    return _work.get().stage("tokens")


@task(name="train-model", persist_result=False)
def train_model() -> dict[str, Any]:
    """The token model learns which codes follow which, for which caption."""
    return _work.get().stage("model")


@task(name="evaluate", persist_result=False)
def evaluate() -> dict[str, Any]:
    """Codec and model on takes that they never heard."""
    return _work.get().stage("evaluation")


@task(name="register", persist_result=False)
def register() -> Registered:
    """Folder, generator, licence fact and training record."""
    return _work.get().register()


@flow(name="train", flow_run_name="{name}", persist_result=False)
def train_run(name: str, run_id: str) -> Registered:
    """Train what an order asks for, from wherever it stands."""
    for stage in (export_dataset, train_codec, tokenise, train_model):
        stage()
    found = evaluate()
    rows = [{"figure": key, "value": value} for key, value in {**found["codec"], **found["takes"]["model"]}.items()]
    try:
        create_table_artifact(rows, key="cueworks-training", description=f"run {run_id} of {name}")
    except Exception as error:  # artifacts are for looking at: a server that cannot take one must not end a run
        get_run_logger().warning("artifact not written: %s", error)
    return register()
