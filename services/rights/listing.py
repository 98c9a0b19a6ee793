"""The register for people and programs: the rows of `cueworks licences list` and `show`. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.planning.faults import nearest, shown
from services.rights.facts import Fact, FactError
from services.rights.names import SPDX, Pattern, plain_name
from services.rights.register import Register, period

SHORTEST = len("fact-") + 4


@dataclass(frozen=True)
class Asked:
    """Which facts are meant. `every` also those that are corrected, withdrawn, not in force or not yet known."""

    as_of: date
    known_at: datetime
    subject: str | None = None
    every: bool = False


def listed(register: Register, asked: Asked) -> list[Fact]:
    """The facts that are meant, by subject and component. A subject is a name, a licence, or a pattern for them."""
    facts: Iterable[Fact] = register.facts if asked.every else register.believed(asked.as_of, asked.known_at)
    found = [fact for fact in facts if asked.subject is None or _concerns(register, fact, asked)]
    return sorted(found, key=lambda fact: (fact.key, fact.valid_from or date.min, str(fact.recorded_at)))


def _concerns(register: Register, fact: Fact, asked: Asked) -> bool:
    name = asked.subject or ""
    about = {found.id for found, _ in register.known(asked.known_at).about(name)}
    plain, subject = plain_name(name), Pattern(fact.subject).text
    meant = fact.id in about or subject in (plain, f"{SPDX}{plain}") or ("*" in name and Pattern(name).matches(subject))
    return meant or (asked.every and not about and Pattern(fact.subject).matches(plain))


def find_fact(register: Register, name: str) -> Fact:
    """The fact whose id begins with `name`. Raises FactError."""
    found = [fact for fact in register.facts if fact.id == name]
    if not found and len(name) >= SHORTEST:
        found = [fact for fact in register.facts if fact.id.startswith(name)]
    if not found:
        raise FactError(f"no fact {shown(name)}; `cueworks licences list` shows their ids")
    if len(found) > 1:
        raise FactError(f"{len(found)} facts' ids begin with {shown(name)}; give more digits")
    return found[0]


def history(register: Register, fact: Fact) -> list[Fact]:
    """A fact with all that it corrects and all that correct it, the oldest first."""
    while fact.corrects in register.by_id:
        fact = register.by_id[str(fact.corrects)]
    chain = [fact]
    while (later := register.corrections.get(chain[-1].id)) is not None:
        chain.append(later)
    return chain


def unknown_subject(register: Register, name: str) -> FactError:
    """What to say where nothing is recorded of a name."""
    subjects = sorted({fact.subject for fact in register.facts})
    if any(Pattern(subject).matches(plain_name(name)) for subject in subjects):
        return FactError(f"nothing held of {shown(name)} then, as far as was known; `licences list --all` shows more")
    return FactError(f"nothing is recorded of {shown(name)}; {nearest(name, subjects)}")


def fact_json(register: Register, fact: Fact) -> dict[str, Any]:
    """A row of `licences list --json`: the columns, and the fact that corrects it, if any."""
    correction = register.corrections.get(fact.id)
    return {**fact.as_json(), "corrected_by": correction.id if correction else None}


def told(fact: Fact) -> list[object]:
    """The cells of a table's row."""
    return [fact.id, fact.subject, fact.component, _who(fact), fact.use, answer_words(fact), period(fact), fact.grade,
            fact.source, fact.note]  # fmt: skip


COLUMNS = ["fact", "subject", "component", "for", "use", "answer", "when", "grade", "source", "note"]


def _who(fact: Fact) -> str:
    named = [fact.licensee, f"plan {fact.plan}" if fact.plan != "*" else "",
             f"revision {fact.revision}" if fact.revision != "*" else ""]  # fmt: skip
    return ", ".join(filter(None, named))


def answer_words(fact: Fact) -> str:
    """What a fact says, in a few words."""
    from services.rights.register import said

    duties = f" with {len(fact.duties)} duties" if len(fact.duties) > 1 else " with a duty" if fact.duties else ""
    return said(fact) + duties
