"""What licence facts say of a checkpoint, held against what its own card says.

A card is no fact: it is told beside the facts, and where they differ the facts count until somebody corrects them.
Nothing here judges; the policy does (`services.rights.policy`).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from shlex import quote
from typing import Any

from db.registrations import HUB, RegistrationRow
from services.planning.faults import shown
from services.planning.words import LICENSEES, USES
from services.rights.checkpoints import Checkpoint
from services.rights.expressions import ExpressionError, read_expression
from services.rights.facts import ANY, Fact
from services.rights.keeping import moment
from services.rights.materials import part_materials
from services.rights.names import plain_subject
from services.rights.policy import Licensee, Policy, Question
from services.rights.register import Register, said

WEIGHTS = ("weights", ANY)
MOST_TOLD = 4


def answers(register: Register, generator: str, revision: str) -> list[dict[str, Any]]:
    """What the policy says today of each use: a row per use, an answer per kind of licensee of unsaid revenue, and the
    reasons of all that stands in the way."""
    policy, now, today = Policy(register), moment(register), datetime.now(UTC).date()
    parts, rows = part_materials(register, generator, revision, now), []
    for use in USES:
        asked = {
            kind: policy.judge(
                Question(generator, revision, use, Licensee(kind), today, now, materials=parts)
            )
            for kind in LICENSEES
        }  # fmt: skip
        stops = dict.fromkeys(reason.text for judgement in asked.values() for reason in judgement.stops)
        rows.append({"use": use} | {kind: found.answer for kind, found in asked.items()} | {"reasons": list(stops)})
    return rows


def known_licence(register: Register, generator: str, files: Checkpoint | None = None) -> str:
    """What facts say the weights are under, joined; "" where they name no licence. Of registered `files` only those
    facts that are about them."""
    facts = [fact for fact in _weights(register, generator) if files is None or files.meant(fact)]
    found = dict.fromkeys(fact.expression for fact in facts if fact.answer == "licence")
    return " AND ".join(found)


def notes(register: Register, row: RegistrationRow) -> list[str]:
    """What a person who registers a checkpoint should know of its licence, a sentence each."""
    facts, licence = _weights(register, row.generator), str(row.card.get("licence") or "")
    files = register.checkpoints.find(row.generator, row.revision)
    meant = [fact for fact in facts if files is None or files.meant(fact)]
    told = [_contradicted(row.generator, licence, fact, register) for fact in meant if fact.answer == "licence"]
    told += list(_base_models(register, row, licence))
    told += list(_origins(row, files, register))
    told += list(_parts(row, files, register))
    about = [fact for fact, _ in register.known(moment(register)).about(row.generator)]
    if not about:
        told.append(_unknown(register, row, licence))
    elif files is not None and not _said_of_weights(files, about):
        told.append(_another(row, licence, facts or about))
    return [line for line in told if line]


def _weights(register: Register, generator: str) -> list[Fact]:
    """The facts about a generator's weights that hold today, as they are believed now; the closest named ones."""
    today, about = datetime.now(UTC).date(), register.known(moment(register)).about(generator)
    found = [(fact, near) for fact, near in about if fact.component in WEIGHTS and _holds(fact, today)]
    closest = max((near for _, near in found), default=0)
    return [fact for fact, near in found if near == closest]


def _holds(fact: Fact, today: Any) -> bool:
    return fact.answer != "withdrawn" and fact.holds(today)


def _contradicted(name: str, licence: str, fact: Fact, register: Register) -> str:
    if not licence or _same(licence, fact.expression, register):
        return ""
    what = f"{name}: its card says {licence}, but {fact.id} says {said(fact)} ({fact.source}, {fact.grade})"
    correct = f"`cueworks licences correct {fact.id} --set expression={quote(licence)} --source WHERE --by WHO`"
    return f"{what}; the fact counts. If it is wrong: {correct}"


def _same(one: str, other: str, register: Register) -> bool:
    """Whether two expressions say the same, but for their order."""
    registered = register.known(moment(register)).licences
    try:
        trees = [read_expression(text, registered) for text in (one, other)]
    except ExpressionError:
        return one == other
    return sorted(str(trees[0]).split(" AND ")) == sorted(str(trees[1]).split(" AND "))


def _base_models(register: Register, row: RegistrationRow, licence: str) -> Iterator[str]:
    """A checkpoint that was made from another one is bound by that one's licence too."""
    for base in row.card.get("base_models") or ():
        theirs = known_licence(register, base)
        if theirs and not _same(theirs, licence, register) and base != row.generator:
            what = f"{row.generator} was made from {base}, whose weights are under {theirs}"
            yield f"{what}; its own card says {licence or 'nothing'}: a fact about it has to respect both"


def _origins(row: RegistrationRow, files: Checkpoint | None, register: Register) -> Iterator[str]:
    """What a checkpoint came from binds it under any name."""
    for origin in files.origins if files is not None else ():
        if theirs := known_licence(register, origin):
            what = f"{row.generator} is {origin} by another name"
            yield f"{what}: what its licence ({theirs}) forbids is forbidden here too"


def _parts(row: RegistrationRow, files: Checkpoint | None, register: Register) -> Iterator[str]:
    """What counts of a component from a folder of its own: facts about it; without them what its card says."""
    for part, licence in (row.card.get("parts") or {}).items():
        if licence != row.card.get("licence"):
            component = part.replace("_", "-")
            fact = add_command(row, licence, component)
            what = f"{row.generator}: the card of its {component} says {licence}"
            yield f"{what}, which counts until facts say otherwise; put it on record: {fact}"
    silent = part_materials(register, row.generator, row.revision, moment(register)) if files else ()
    for material in silent:
        if not material.expression:
            what = f"{row.generator}: nothing is recorded of the licence of its {material.role}, so that every order"
            yield f"{what} with it is refused; settle it: {add_command(row, '', material.role.replace(' ', '-'))}"


def _said_of_weights(files: Checkpoint, facts: Sequence[Fact]) -> bool:
    """Whether some fact is about the weights in these very files."""
    said = (fact for fact in facts if fact.component in WEIGHTS and fact.answer != "withdrawn")
    return any(files.meant(fact) for fact in said)


def _another(row: RegistrationRow, licence: str, facts: Sequence[Fact]) -> str:
    """What is on record under the name is about another checkpoint."""
    listed = ", ".join(f"{fact.id}: {said(fact)}" for fact in facts[:MOST_TOLD])
    what = f"{row.generator} was registered from {row.source}, so that what is on record under that name ({listed})"
    command = add_command(row, licence, "weights")
    return f"{what} allows nothing for it, and every order with it is refused until it is settled: {command}"


def _unknown(register: Register, row: RegistrationRow, licence: str) -> str:
    stated = [licence, *(known_licence(register, base) for base in row.card.get("base_models") or ())]
    expression = " AND ".join(dict.fromkeys(text for text in stated if text))
    what = f"{row.generator}: nothing is recorded of its licence, so that every order with it is refused"
    if not licence and row.card.get("licence_said"):
        what += f" (its card says {shown(row.card['licence_said'])}, which is no SPDX expression)"
    return f"{what}; settle it: {add_command(row, expression, 'weights')}"


def add_command(row: RegistrationRow, expression: str, component: str) -> str:
    """The command that records under which licence a component of a checkpoint is."""
    source = f"https://huggingface.co/{row.source}" if row.origin == HUB else "WHERE"
    subject = f"--subject {quote(plain_subject(row.generator))} --revision {quote(row.revision)}"
    about = f"{subject} --component {component} --answer licence"
    stated = quote(expression) if expression else "SPDX"
    return f"`cueworks licences add {about} --expression {stated} --source {source} --by WHO`"


def same_weights(row: RegistrationRow, others: Sequence[RegistrationRow]) -> list[str]:
    """Other names for the very same files, a sentence each: what is on record of one is not on record of the other."""
    names = dict.fromkeys(o.generator for o in others if o.digest == row.digest and o.generator != row.generator)
    return [f"{row.generator}: the same files are registered as {name} too; facts go by name" for name in names]
