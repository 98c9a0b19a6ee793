"""From what somebody asks for to an order that can be carried out, or to every reason why not, before anything starts.

Nothing here trains; the only thing that is written is the order itself, into the run's folder (`begin`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from db.engine import reading
from services.generators.known import KnownGenerators
from services.generators.register import wrong_name
from services.planning.faults import nearest, shown
from services.rights.facts import LENGTHS
from services.rights.policy import Policy
from services.rights.refusal import RefusedError
from services.rights.register import Register
from services.training import naming
from services.training.choosing import Chosen, as_rows, choose, told
from services.training.code import code_version
from services.training.errors import TrainingError
from services.training.order import Order, read_order, run_folder, write_order
from services.training.presets import PRESETS, Preset, with_so_many
from services.training.publishing import checked_out
from services.training.registering import check_duties

FEWEST, UNNAMED = 2, "unnamed"
MOST_STEPS, MOST_MINUTES, LARGEST_SEED = 10_000_000, 100_000.0, 2**53 - 1


@dataclass(frozen=True)
class Wish:
    """What the command line says. `steps` are those of the model, of the codec as many in proportion."""

    catalogs: tuple[str, ...]
    name: str
    preset: str = "small"
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    out: Path | None = None
    by: str = ""
    leave_out: bool = False


@dataclass(frozen=True)
class Planned:
    """An order, its folder, what was left out and why (sentences), the uses that its takes are allowed for and what
    each asks for; `named_out`: where the model goes was said."""

    order: Order
    folder: Path
    notes: tuple[str, ...]
    uses: tuple[str, ...]
    duties: Mapping[str, tuple[str, ...]]
    named_out: bool = False


def plan(
    wish: Wish, engine: Engine, register: Register, known: KnownGenerators, home: Path, device: str, workers: int
) -> Planned:
    """The order that a wish means. Nothing is written.

    Raises TrainingError with every fault, RefusedError with why takes may not be used."""
    preset = _preset(wish, known)
    with reading(engine) as session:
        if faults := naming.taken(session, register, wish.name):
            raise TrainingError(faults)
        chosen = choose(session, Policy(register), wish.catalogs)
    if chosen.refused and not wish.leave_out:
        more = "--leave-out-refused trains on the others and keeps the reasons on record"
        raise RefusedError([*told(chosen.refused), more])
    _check_enough(chosen, wish)
    check_duties(chosen.weighed.duties)
    order = Order(
        name=wish.name, catalogs=tuple(dict.fromkeys(wish.catalogs)), preset=preset, seed=wish.seed,
        minutes=wish.minutes or 0.0, device=device, workers=sharing(preset, workers), code=code_version(),
        items=chosen.items, blobs=str((home / "blobs").absolute()), by=recorded_by(wish.by),
        licences=chosen.weighed.licences, materials=chosen.weighed.materials, left_out=as_rows(chosen.left_out),
        started_at=datetime.now(UTC).isoformat(),
    )  # fmt: skip
    folder = run_folder(home, order.id)
    out = checked_out(wish.out or home / "models" / wish.name / order.id[:16], order.id, folder)
    return Planned(replace(order, out=str(out)), folder, tuple(told(chosen.left_out)), chosen.uses,
                   chosen.weighed.duties, wish.out is not None)  # fmt: skip


def begin(planned: Planned) -> Order:
    """The order as it was first begun, written where it is new; where the model goes and who trains it is said anew
    each time."""
    write_order(planned.folder, planned.order)
    return replace(read_order(planned.folder), out=planned.order.out, by=planned.order.by)


def _preset(wish: Wish, known: KnownGenerators) -> Preset:
    faults = wrong_name(wish.name, known)
    if wish.preset not in PRESETS:
        faults.append(f"--preset {shown(wish.preset)}: no preset; {nearest(wish.preset, sorted(PRESETS))}")
    if wish.steps is not None and wish.minutes is not None:
        faults.append("--steps and --minutes: give one of them")
    if wish.steps is not None and not 1 <= wish.steps <= MOST_STEPS:
        faults.append(f"--steps {wish.steps}: a whole number from 1 to {MOST_STEPS} is needed")
    if wish.minutes is not None and not 0 < wish.minutes <= MOST_MINUTES:
        faults.append(f"--minutes {wish.minutes:g}: more than 0, at most {MOST_MINUTES:g} is needed")
    if not 0 <= wish.seed <= LARGEST_SEED:
        faults.append(f"--seed {wish.seed}: a whole number from 0 to {LARGEST_SEED} is needed")
    by = recorded_by(wish.by)
    if len(by) > LENGTHS["recorded_by"] or not by.isprintable():
        most = LENGTHS["recorded_by"] - len(recorded_by("")) + len(UNNAMED)
        faults.append(f"--by {shown(wish.by)}: one line of at most {most} characters is needed")
    if not wish.catalogs:
        faults.append("no catalog is named; `cueworks train CATALOG --name house/NAME`")
    if faults:
        raise TrainingError(faults)
    preset = PRESETS[wish.preset]
    return preset if wish.steps is None else with_steps(preset, wish.steps)


def recorded_by(by: str) -> str:
    """Who a licence fact and a training record say that trained."""
    return f"{by.strip() or UNNAMED}, by cueworks train"


def sharing(preset: Preset, workers: int) -> int:
    """How many of so many workers can share the rows of every step alike."""
    batches = preset.codec_course.batch, preset.model_course.batch
    return next(count for count in range(max(workers, 1), 0, -1) if not any(batch % count for batch in batches))


def with_steps(preset: Preset, steps: int) -> Preset:
    """A preset with another number of steps for the model, and for the codec as many in proportion."""
    share = steps / preset.model_course.steps
    codec = max(1, round(preset.codec_course.steps * share))
    courses = with_so_many(preset.codec_course, codec), with_so_many(preset.model_course, steps)
    return replace(preset, codec_course=courses[0], model_course=courses[1])


def _check_enough(chosen: Chosen, wish: Wish) -> None:
    if not chosen.uses:
        whose = ", ".join(sorted({f"{each['generator']} {each['revision']}" for each in chosen.weighed.licences}))
        remedy = "`cueworks licences show composer`"
        raise RefusedError([f"{whose}: the facts on record allow its music for no use; {remedy}"])
    if len(chosen.items) < FEWEST:
        found = f"{', '.join(wish.catalogs)}: {len(chosen.items)} takes can be trained on"
        more: Sequence[str] = told(chosen.left_out)
        raise TrainingError([f"{found}, at least {FEWEST} are needed; make more with `cueworks generate`", *more])
