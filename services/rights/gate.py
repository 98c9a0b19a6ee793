"""The policy at plan: an order that may not be shipped is refused before anything is rendered or written.

Unknown is refused as refused is: with every reason, the facts and their sources, and the command that would settle it.
`judge_order` and `judge_recorded` put on record what was decided. Nothing here weighs anything itself.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from db.ledger import Entry
from db.rows import Recording
from db.verdicts import (
    asked_takes,
    insert_order_verdicts,
    insert_verdicts,
    order_of_run,
    outputs,
)
from services.planning.brief import Brief
from services.planning.plan import Plan
from services.rights.keeping import keep, moment, standing_policy
from services.rights.materials import bank_material, part_materials, reference_material, theme_material
from services.rights.policy import Judgement, Licensee, Material, Policy, Question, Reason
from services.rights.refusal import RefusedError
from services.rights.register import Register
from services.rights.takes import TakeJudge, counted_with, sharing

MOST_SOURCES = 8


def licensee_of(stated: dict[str, Any] | None) -> Licensee:
    """The licensee as a brief states it."""
    said = stated or {}
    return Licensee(said.get("kind"), said.get("annual_revenue_usd"))


def materials_of(brief: Brief) -> tuple[Material, ...]:
    """What a brief brings with it for every cue; see `reference_of` for what single cues follow."""
    materials = theme_material(brief.theme.file, brief.theme.licence, brief.theme.source)
    bank = brief.sound_bank
    return materials if bank is None else (*materials, *bank_material(bank.file, bank.licence, bank.source))


def reference_of(brief: Brief, at: int) -> tuple[Material, ...]:
    """The recording that the cue number `at` follows; nothing where it follows none."""
    cue = brief.cues[at]
    order = cue.melody or cue.continuation or cue.vary
    return () if order is None else (reference_material(order.licence, order.file, order.source),)


def is_known(register: Register, generator: str) -> bool:
    """Whether any fact is about a generator: then the policy answers for it, registered or not."""
    return bool(register.known(moment(register)).about(generator))


def check_names(register: Register, brief: Brief, generators: Mapping[str, str], use: str) -> None:
    """Refuse an order by its generators alone, before it matters whether they are there and can do what is asked.

    `generators` are names and revisions, `*` where there is none. Raises RefusedError naming each that stands in the
    way; ClockError. A name of which nothing is known is left to the plan."""
    now = moment(register)
    policy, knowledge = Policy(register), register.known(now)
    licensee = licensee_of(brief.licensee.model_dump() if brief.licensee else None)
    asked = (
        Question(
            generator, revision, use, licensee, datetime.now(UTC).date(), now,
            materials=(*materials_of(brief), *part_materials(register, generator, revision, now)),
        )
        for generator, revision in generators.items()
        if knowledge.about(generator)
    )  # fmt: skip
    refuse(register, [policy.judge(question) for question in asked])


def check_plan(register: Register, plan: Plan) -> tuple[Judgement, ...]:
    """The judgements on a plan, one for each distinct question. Raises ClockError."""
    return _judge_counted(register, plan, Counter(take.generator for take in plan.takes))


def over_caps(register: Register, plan: Plan) -> list[str]:
    """Sentences for a plan that may be carried out, and that the policy would not allow with all the takes that may
    have to replace others."""
    if not plan.points:
        return []
    most = Counter(take.generator for take in plan.takes)
    for point in plan.points:
        most[point.generator] += point.room - point.takes
    stopped = [judgement for judgement in _judge_counted(register, plan, most) if not judgement.releasable]
    return list(dict.fromkeys(
        f"{judgement.question.generator}: up to {judgement.question.outputs} takes may be made where some are not good "
        f"enough, and not all of them would be allowed: {reason.text}"
        for judgement in stopped for reason in judgement.stops
    ))  # fmt: skip


def _judge_counted(register: Register, plan: Plan, ordered: Mapping[str, int]) -> tuple[Judgement, ...]:
    known_at = moment(register)
    knowledge = register.known(known_at)

    def count(generator: str, materials: Sequence[Material]) -> int:
        return sum(ordered[name] for name in sharing(knowledge, generator, ordered))

    return judge_plan(Policy(register), plan, known_at, count)


Count = Callable[[str, Sequence[Material]], int]
"""How many takes of a generator the catalog will hold, those of others that share a cap with it included."""


def judge_plan(policy: Policy, plan: Plan, known_at: datetime, count: Count) -> tuple[Judgement, ...]:
    """What the policy says of a plan today: of every generator in it, with what its cues bring."""
    brief = plan.read.brief
    common = materials_of(brief)
    own = {cue.name: found for cue in plan.cues if (found := reference_of(brief, cue.at))}
    kinds = sorted({
        (take.generator, take.revision, take.controls.loop, take.cue if take.cue in own else "") for take in plan.takes
    })  # fmt: skip
    asked = (
        Question(
            generator, revision, plan.use, licensee_of(plan.licensee), datetime.now(UTC).date(), known_at,
            loop=loop, outputs=count(generator, materials), materials=materials,
        )
        for generator, revision, loop, cue in kinds
        for parts in [part_materials(policy.register, generator, revision, known_at)]
        for materials in [(*common, *own.get(cue, ()), *parts)]
    )  # fmt: skip
    return tuple({judgement.id: judgement for judgement in map(policy.judge, asked)}.values())


def reasons(register: Register, judgements: Sequence[Judgement]) -> list[str]:
    """The reasons of every judgement that stands in the way, as sentences; none where all may be done."""
    return [line for judgement in judgements if not judgement.releasable for line in _refusal(register, judgement)]


def refuse(register: Register, judgements: Sequence[Judgement]) -> None:
    """Raises RefusedError with the reasons of every judgement that stands in the way."""
    if lines := reasons(register, judgements):
        raise RefusedError(lines)


def _refusal(register: Register, judgement: Judgement) -> list[str]:
    asked = judgement.question
    kind = asked.licensee.kind
    who = f" by a licensee of kind {kind}" if kind else ""
    head = f"{asked.generator}: {judgement.answer} for {asked.use}{who} on {asked.as_of}; nothing was rendered"
    return [head, *(f"{reason.text}{_sources(register, reason)}" for reason in judgement.stops)]


def _sources(register: Register, reason: Reason) -> str:
    """Where the facts of a reason were read, and how well that is known."""
    known = [register.by_id[id_] for id_ in reason.facts if id_ in register.by_id][:MOST_SOURCES]
    told = "; ".join(f"{fact.id}: {fact.source} ({fact.grade})" for fact in known)
    return f" [{told}]" if told else ""


def duties_of(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """What an allowed order asks of who ordered it, each duty once."""
    return tuple(dict.fromkeys(duty for judgement in judgements for duty in judgement.duties))


class OrderGate:
    """The policy over an order as it is planned, in the transaction that registers it."""

    def __init__(self, session: Session, plan: Plan) -> None:
        """Raises RefusedError, before anything is written but this release's facts."""
        self._session = session
        policy, self._entries = standing_policy(session)
        known_at = moment(policy.register)
        self.judgements = judge_plan(policy, plan, known_at, _outputs(session, policy, plan, known_at))
        refuse(policy.register, self.judgements)

    def record(self, brief_id: int) -> list[Entry]:
        """Store the verdicts on the order; returns ledger entries, to be appended before the plan's own."""
        entries = [*self._entries, *keep(self._session, self.judgements)]
        insert_order_verdicts(
            self._session, brief_id, [judgement.id for judgement in self.judgements], datetime.now(UTC)
        )
        return entries


def _outputs(session: Session, policy: Policy, plan: Plan, known_at: datetime) -> Count:
    """Counts what there is already and what is ordered; only where a cap asks for it."""
    knowledge = policy.register.known(known_at)
    counted: dict[str, int] = {}

    def count(generator: str, materials: Sequence[Material]) -> int:
        if not knowledge.caps(generator, [material.expression for material in materials]):
            return 0
        if generator not in counted:
            alike = sharing(knowledge, generator, (name for name, _ in plan.generators))
            ordered = {take.id for take in plan.takes if take.generator in alike}
            made = counted_with(session, knowledge, plan.catalog, generator)
            counted[generator] = len(ordered) + outputs(session, plan.catalog, made, ordered)
        return counted[generator]

    return count


def judge_recorded(session: Session, run_id: str, recordings: Collection[Recording]) -> list[Entry]:
    """Judge takes that were just recorded as done, by the facts of now; returns ledger entries for new judgements.

    A verdict stops nothing here: what has been made is kept on record, it cannot be released."""
    done = [recording.take_id for recording in recordings if recording.status == "done"]
    if not done:
        return []
    policy, entries = standing_policy(session)
    order, now = order_of_run(session, run_id), datetime.now(UTC)
    judge = TakeJudge(session, policy, order.use, licensee_of(order.licensee), now.date(), moment(policy.register, now))
    judged = judge.page(list(asked_takes(session, done)))
    entries = [*entries, *keep(session, dict(judged).values())]
    insert_verdicts(session, "record", ((take, judgement.id) for take, judgement in judged), now)
    return entries
