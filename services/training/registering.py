"""A finished model's way into the register: its folder, its record with every training take, its licence fact.

Rules:
- The folder is put in place whole (copied beside, renamed), then verified and hashed as any checkpoint is.
- Registration, licence facts and the training record are one transaction with their ledger entries: a model that is
  there can be traced to its takes, or is not there.
- The fact allows what the takes themselves are allowed for. It is bound to the digest of the files, so that it says
  nothing of another model that gets the name. Its source is the training run.

Nothing here trains.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import reading, writing
from db.ledger import Entry, append
from db.registrations import RegistrationRow
from db.training import TrainingRow, TrainingTakeRow, insert_training, training_rows, with_id_prefix
from services.generators.known import KnownGenerators
from services.generators.register import Asked, enter, prepare
from services.planning.words import USES
from services.rights.facts import ANY, Fact
from services.rights.keeping import moment
from services.rights.register import Register, add
from services.storage.folder import sync_folder
from services.training.card import RECORD, evaluation, write_papers
from services.training.dataset import MANIFEST
from services.training.dataset import Entry as Sound
from services.training.errors import TrainingError
from services.training.order import Order, read_json
from services.training.stages import RESULT, STAGES, outcome

NOBODYS = "takes of the composer, listed with the training run; nothing of others"
OWNER = "whoever trained it: its training data is their own composer output"
LONGEST_NAMES = 3_000


@dataclass(frozen=True)
class Registered:
    """What came of a run: the generator's row, and the ids of the facts that let it be used."""

    row: RegistrationRow
    facts: tuple[str, ...]
    folder: Path


def done(engine: Engine, id_: str) -> TrainingRow | None:
    """The record of a run that is over; None where it is not on record."""
    with reading(engine) as session:
        return next(iter(training_rows(session, with_id_prefix(id_))), None)


def check_out(out: Path, id_: str) -> None:
    """Refuse a folder that holds something else. Raises TrainingError."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and _run_of(out) != id_:
        raise TrainingError([f"{out}: is there and holds something else; name another folder: --out FOLDER"])


def _run_of(folder: Path) -> str | None:
    try:
        told = read_json(folder / RECORD)
        return str(told["training"]) if told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def publish(order: Order, folder: Path) -> Path:
    """Put the finished model of the run in `folder` where the order says; returns where. Does nothing where it is."""
    left = {stage: outcome(folder, stage) or {} for stage in STAGES}
    left["dataset"]["entries"] = _entries(folder)
    write_papers(order, folder / RESULT, left)
    out = Path(order.out)
    check_out(out, order.id)
    if _run_of(out) == order.id:
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".new-{order.id[:16]}")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(folder / RESULT, beside)
    for path in beside.iterdir():
        path.chmod(0o644)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if out.exists():
        out.rmdir()
    beside.rename(out)
    sync_folder(out.parent)
    return out


def _entries(folder: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(folder / "dataset" / MANIFEST).to_pylist()
    return rows


def register(
    engine: Engine, known: KnownGenerators, register_: Register, order: Order, folder: Path, out: Path,
    uses: Sequence[str],
) -> Registered:  # fmt: skip
    """Verify, hash and enter the model that lies in `out`; `uses` are those that all its takes are allowed for.

    Raises RegisterError and CheckpointError with every fault, ContradictionError where a fact forbids it, ClockError;
    then nothing is registered."""
    licences = tuple(register_.known(moment(register_)).licences)
    prepared = prepare(Asked(str(out), name=order.name), known, licences, quiet=True)
    with writing(engine) as session:
        entered, entries = enter(session, prepared.row)
        facts = _facts(order, folder, entered.row, uses)
        entries += [*add(session, facts), *_recorded(session, order, folder, entered.row, facts, out)]
        append(session, entries)
    return Registered(entered.row, tuple(fact.id for fact in facts), out)


def _facts(order: Order, folder: Path, row: RegistrationRow, uses: Sequence[str]) -> list[Fact]:
    """One fact for all uses, or one for each where the takes are not allowed for all."""
    data = outcome(folder, "dataset") or {}
    takes = f"{data['takes']} takes of {', '.join(order.catalogs)}"[:LONGEST_NAMES]
    source = f"training run {order.id[:16]}, manifest SHA-256 {data['manifest_sha256']}"
    return [
        Fact(
            row.generator, component="weights", revision=row.digest, use=use, answer="allowed",
            training_data=f"{takes}: {NOBODYS}", output_ownership=OWNER, source=source, grade="own",
            recorded_by=order.by, valid_from=None, note="Trained here on the owner's own music alone.",
        )
        for use in ([ANY] if set(uses) == set(USES) else uses)
    ]  # fmt: skip


def _recorded(
    session: Session, order: Order, folder: Path, row: RegistrationRow, facts: Sequence[Fact], out: Path
) -> list[Entry]:
    """The run's record; one that is there (the model was removed since, and is entered again) stays as it is."""
    if training_rows(session, with_id_prefix(order.id)):
        return []
    left = {stage: outcome(folder, stage) or {} for stage in STAGES}
    entries = [Sound(**each) for each in _entries(folder)]
    training = TrainingRow(
        id=order.id, name=row.generator, revision=row.revision, weights_digest=row.digest, folder=str(out),
        catalogs=list(order.catalogs), takes=len(entries), manifest_sha256=left["dataset"]["manifest_sha256"],
        config={**order.config(), "left_out": [dict(each) for each in order.left_out],
                "steps": {stage: left[stage]["steps"] for stage in ("codec", "model")}},
        code=dict(order.code), licences=[dict(each) for each in order.licences], evaluation=evaluation(left),
        fact_ids=[fact.id for fact in facts], by=order.by, started_at=datetime.fromisoformat(order.started_at),
        ended_at=datetime.now(UTC),
    )  # fmt: skip
    takes = [
        TrainingTakeRow(order.id, entry.take, entry.split, entry.sha256, entry.pcm_sha256, entry.audio_sha256)
        for entry in entries
    ]
    return [insert_training(session, training, takes)]
