"""Under whose terms the sound of a take stands, as one SPDX expression: the one rule for files, audits and papers.

Rules:
- The licence of a program says nothing of the music: only what the sound comes from counts (weights, samples, codec,
  ...), and what was brought along (a theme file, imported audio).
- Of the facts about a component, the closest count, as in the policy.
- What is on record of a name says nothing of another checkpoint that has it (`services.rights.checkpoints`).
- What is missing is never guessed: one part without terms on record makes the whole unknown.

Nothing here decides whether something is allowed.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from services.rights.checkpoints import Checkpoint
from services.rights.facts import ANY, Fact
from services.rights.materials import ROLES
from services.rights.policy import Material
from services.rights.register import Register

NOBODYS = "no third-party terms"  # on record: nothing that sounds is anybody else's
NOT_KNOWN = "NOASSERTION"  # SPDX 2.3, 7.13: nothing is claimed
PROGRAM = "code"
OWN, ALLOWED = "own", "allowed"


def sound_licence(
    register: Register, generator: str, revision: str, as_of: date, known_at: datetime,
    materials: Sequence[Material] = (), *, plan: str = ANY, use: str = ANY, licensee: str | None = None,
) -> str:  # fmt: skip
    """`CC-BY-NC-4.0`, `A AND (B OR C)`, `NOBODYS` or `NOT_KNOWN`, as it holds on a day by what was known at a moment.

    `plan`, `use` and the kind of `licensee` bring in facts that are about them alone."""
    files = register.checkpoints.find(generator, revision)
    known = [near for near in register.known(known_at).about(generator) if files is None or files.meant(near[0])]
    named = (ANY, revision), (ANY, plan), (ANY, use), (ANY, licensee)
    facts = [(fact, near) for fact, near in known if _concerns(fact, as_of, named, files)]
    parts = [stated(material.expression) for material in materials]
    if known or not any(material.role == ROLES["import"] for material in materials):
        parts.append(_of_generator(facts, {fact.component for fact, _ in known}))
    return NOT_KNOWN if None in parts else joined(text for part in parts if part for text in part) or NOBODYS


def joined(expressions: Iterable[str]) -> str:
    """`A AND (B OR C)`: every condition holds, each said once; "" where there is none."""
    found = sorted({text.strip() for text in expressions} - {"", NOBODYS})
    return " AND ".join(f"({one})" if " or " in one.casefold() and len(found) > 1 else one for one in found)


def stated(expression: str) -> frozenset[str] | None:
    """What a material says of itself; None where it says nothing."""
    return frozenset({expression}) if expression.strip() else None


def _concerns(fact: Fact, as_of: date, named: Sequence[tuple[str | None, ...]], files: Checkpoint | None) -> bool:
    revision = ANY if files is not None and files.is_named(fact.revision) else fact.revision
    said = (revision, fact.plan, fact.use, fact.licensee)
    mine = all(word in words for word, words in zip(said, named, strict=True))
    return mine and fact.component != PROGRAM and fact.answer != "withdrawn" and fact.holds(as_of)


def _of_generator(facts: Sequence[tuple[Fact, int]], components: set[str]) -> frozenset[str] | None:
    """The expressions of all that the sound comes from; None where one part, or every part, has no terms on record."""
    found: set[str] = set()
    for component in components - {PROGRAM}:
        terms = _of_component([near for near in facts if near[0].component == component])
        if terms is None:
            return None
        found |= terms
    return frozenset(found) if components - {PROGRAM} else None


def _of_component(facts: Sequence[tuple[Fact, int]]) -> set[str] | None:
    closest = [fact for fact, near in facts if not any(_closer(other, (fact, near)) for other in facts)]
    if not closest or not all(fact.expression or (fact.grade, fact.answer) == (OWN, ALLOWED) for fact in closest):
        return None
    return {fact.expression for fact in closest} - {""}


def _closer(other: tuple[Fact, int], one: tuple[Fact, int]) -> bool:
    """Whether `other` names everything that `one` names, and more."""
    theirs, ours = _names(*other), _names(*one)
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


def _names(fact: Fact, near: int) -> tuple[int, ...]:
    return (near, *(int(word != ANY) for word in (fact.revision, fact.plan, fact.use, fact.licensee)))
