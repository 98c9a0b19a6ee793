"""A finished model's way into the register: verified files, a record with every training take, its licence fact.

Rules:
- Only the very files that the run made are registered (see `publishing`), verified and hashed as any checkpoint is; a
  run that is on record with other weights stays as it is.
- The policy is asked once more, in the same transaction: what was learned in an hour may be refused after it.
- Registration, licence facts and the training record are one transaction with their ledger entries: a model that is
  there can be traced to its takes, or is not there.
- The fact allows what the takes themselves are allowed for, with what the composer's facts ask for. It is bound to the
  digest of the files, so that it says nothing of another model that gets the name. Its source is the training run.

Nothing here trains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from services.rights.facts import ANY, MOST_DUTIES, Fact
from services.rights.keeping import moment, standing_policy
from services.rights.policy import Policy
from services.rights.refusal import RefusedError
from services.rights.register import Register, add
from services.training import naming, sources
from services.training.card import evaluation
from services.training.dataset import Entry as Sound
from services.training.errors import AGAIN, TrainingError
from services.training.order import Order
from services.training.publishing import check_registered, entries
from services.training.stages import STAGES, outcome
from services.training.weighing import Weighed, weigh

LONGEST_NAMES, LONGEST_DATA, LONGEST_DUTY = 1_500, 4_000, 1_000
MOST_NAMED = 5


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


def asked_again(engine: Engine, register: Register, order: Order) -> Order:
    """The order with what the policy says of its takes now. Raises RefusedError where that is no longer a yes."""
    with reading(engine) as session:
        found = _still_allowed(session, Policy(register), order)
    return replace(order, licences=found.licences, materials=found.materials)


def _still_allowed(session: Session, policy: Policy, order: Order) -> Weighed:
    found = weigh(session, policy, [item.take for item in order.items])
    if found.refused:
        reasons = dict.fromkeys(found.refused.values())
        takes = {why: [take for take, text in found.refused.items() if text == why] for why in reasons}
        said = [f"{len(each)} takes ({', '.join(take[:12] for take in each[:MOST_NAMED])}): {why}"
                for why, each in takes.items()]  # fmt: skip
        what = f"{order.name} was trained, but is not registered: what it learned from may not be used any more"
        raise RefusedError([what, *said, "--leave-out-refused trains another model without them"])
    if not found.uses:
        what = f"{order.name} was trained, but is not registered: its takes are allowed for no use any more"
        raise RefusedError([what, *dict.fromkeys(found.barred.values())])
    check_duties(found.duties)
    return found


def check_duties(duties: Mapping[str, Sequence[str]]) -> None:
    """Refuse what no licence fact can hold. Raises TrainingError."""
    for use, asked in duties.items():
        if len(asked) > MOST_DUTIES or any(len(duty) > LONGEST_DUTY for duty in asked):
            what = f"{use}: the composer's facts ask for {len(asked)} duties, some of them too long for one fact"
            raise TrainingError([f"{what}; state them shorter: `cueworks licences show composer`"])


def register(
    engine: Engine, known: KnownGenerators, register_: Register, order: Order, folder: Path, out: Path
) -> Registered:
    """Verify, hash and enter the model that lies in `out`, which the run in `folder` made.

    Raises RegisterError and CheckpointError with every fault, RefusedError where the policy says no by now,
    ContradictionError where a fact forbids it, ClockError; then nothing is registered."""
    licences = tuple(register_.known(moment(register_)).licences)
    prepared = prepare(Asked(str(out), name=order.name), known, licences, quiet=True)
    check_registered(prepared.row.files, folder, out)
    with writing(engine) as session:
        policy, told = standing_policy(session)
        if faults := naming.taken(session, policy.register, order.name):
            raise TrainingError(faults)
        weighed = _still_allowed(session, policy, order)
        if weighed.materials != tuple(order.materials):
            raise TrainingError([f"{order.name}: whose the takes' themes are was stated anew meanwhile; {AGAIN}"])
        entered, more = enter(session, prepared.row)
        facts = facts_of(order, folder, entered.row, weighed)
        told += [*more, *add(session, facts), *_recorded(session, order, folder, entered.row, facts, out)]
        append(session, told)
    return Registered(entered.row, tuple(fact.id for fact in facts), out)


def facts_of(order: Order, folder: Path, row: RegistrationRow, weighed: Weighed) -> list[Fact]:
    """One fact for all uses; one for each where the takes are not allowed for all, or not alike."""
    data = outcome(folder, "dataset") or {}
    takes = f"{data['takes']} takes of {', '.join(order.catalogs)}"[:LONGEST_NAMES]
    source = f"training run {order.id[:16]}, manifest SHA-256 {data['manifest_sha256']}"
    alike = set(weighed.uses) == set(USES) and len(set(weighed.duties.values())) == 1
    asked = {ANY: weighed.duties[USES[0]]} if alike else {use: weighed.duties[use] for use in weighed.uses}
    return [
        Fact(
            row.generator, component="weights", revision=row.digest, use=use, answer="allowed", duties=tuple(duties),
            training_data=f"{takes}: {sources.training_data(order.materials)}"[:LONGEST_DATA], source=source,
            output_ownership=sources.ownership(order.materials), grade="own", recorded_by=order.by, valid_from=None,
            note=sources.note(order.materials),
        )
        for use, duties in asked.items()
    ]  # fmt: skip


def _recorded(
    session: Session, order: Order, folder: Path, row: RegistrationRow, facts: Sequence[Fact], out: Path
) -> list[Entry]:
    """The run's record; one that is there (the model was removed since, and is entered again) stays as it is."""
    if there := training_rows(session, with_id_prefix(order.id)):
        if there[0].weights_digest != row.digest:
            what = f"run {order.id[:16]} is on record with other weights ({there[0].weights_digest[:16]})"
            raise TrainingError([f"{what}, and a record is never changed; train with another --seed"])
        return []
    left = {stage: outcome(folder, stage) or {} for stage in STAGES}
    sounds = [Sound(**each) for each in entries(folder)]
    training = TrainingRow(
        id=order.id, name=row.generator, revision=row.revision, weights_digest=row.digest, folder=str(out),
        catalogs=list(order.catalogs), takes=len(sounds), manifest_sha256=left["dataset"]["manifest_sha256"],
        config=_config(order, left), code=dict(order.code), licences=[dict(each) for each in order.licences],
        evaluation=evaluation(left), fact_ids=[fact.id for fact in facts], by=order.by,
        started_at=datetime.fromisoformat(order.started_at), ended_at=datetime.now(UTC),
    )  # fmt: skip
    takes = [
        TrainingTakeRow(order.id, sound.take, sound.split, sound.sha256, sound.pcm_sha256, sound.audio_sha256)
        for sound in sounds
    ]
    return [insert_training(session, training, takes)]


def _config(order: Order, left: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        **order.config(), "left_out": [dict(each) for each in order.left_out],
        "materials": [dict(each) for each in order.materials], "held_out_by": left["dataset"]["held_out_by"],
        "steps": {stage: left[stage]["steps"] for stage in ("codec", "model")},
    }  # fmt: skip
