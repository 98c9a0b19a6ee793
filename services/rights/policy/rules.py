"""What is asked of every question: a small rule for each, with one thing to say.

A rule yields findings and knows no other rule. The generator must allow, all materials must, and markets and laws add
what they ask for the use.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from shlex import quote

from services.planning.faults import nearest
from services.planning.words import LICENSEES, USES
from services.rights.checkpoints import COMPONENTS, WEIGHTS
from services.rights.facts import ANY
from services.rights.names import plain_subject
from services.rights.policy.cases import MARKET, MATERIAL, Case, Finding, finding
from services.rights.policy.fact_rules import add_command
from services.rights.policy.weighing import (
    Near,
    over_unsaid,
    weigh_closest,
    weigh_component,
    weigh_expression,
    weigh_origin,
)
from services.rights.policy.words import ALLOWED, UNKNOWN, Material

Rule = Callable[[Case], Iterator[Finding]]
CODE, SAMPLES, LOOP = "code", "samples", "loop"
SOUND_BANK = "sound bank"
PART_ROLES = {component.replace("-", " "): component for component in COMPONENTS}


def words(case: Case) -> Iterator[Finding]:
    """Facts speak of published uses and licensees; about others they say nothing."""
    kind = case.question.licensee.kind
    if case.question.use not in USES:
        what = f"{case.question.use!r:.60} is no use that facts speak of"
        yield finding("words", UNKNOWN, f"{what}; {nearest(case.question.use, USES)}")
    if kind is not None and kind not in LICENSEES:
        what = f"{kind!r:.60} is no kind of licensee that facts speak of"
        yield finding("words", UNKNOWN, f"{what}; {nearest(kind, LICENSEES)}")


def generator(case: Case) -> Iterator[Finding]:
    """Every component of the generator must allow it; its own samples are not heard where a sound bank is brought."""
    name = case.question.generator
    silent = SAMPLES if any(material.role == SOUND_BANK for material in case.question.materials) else None
    components: dict[str, list[Near]] = {}
    for fact, closeness in case.known.about(name):
        if fact.component == silent:
            continue
        components.setdefault(fact.component, []).append((fact, closeness))
    for component, facts in sorted(components.items()):
        about = name if component == ANY else f"{name} ({component})"
        yield from weigh_component(about, name, component, facts, case)


def origins(case: Case) -> Iterator[Finding]:
    """What is on record of the hub's id that a checkpoint came from forbids it under any name, and allows nothing; a
    component that was replaced from another folder is none of it."""
    files, name = case.checkpoint, case.question.generator
    for origin in files.origins if files is not None else ():
        components: dict[str, list[Near]] = {}
        replaced = {part.component for part in files.parts} if files is not None else set()
        for fact, closeness in case.known.about(origin):
            if fact.component not in replaced:
                components.setdefault(fact.component, []).append((fact, closeness))
        for component, facts in sorted(components.items()):
            about = f"{origin}{'' if component == ANY else f' ({component})'}, which {name} was made from"
            found = weigh_origin(about, origin, component, facts, case)
            yield from (one for one in found if one.reason.answer != ALLOWED)


def no_facts(case: Case) -> Iterator[Finding]:
    """Of what is not on record, nothing may be assumed."""
    name = case.question.generator
    if not case.known.about(name):
        text = f"nothing is recorded of the licence of {name}; settle it: {add_command(name, 'weights', case)}."
        yield finding("no-facts", UNKNOWN, text)


def code_alone(case: Case) -> Iterator[Finding]:
    """A licence of the program alone says nothing of the weights or samples that the sound comes from."""
    name = case.question.generator
    facts = [fact for fact, _ in case.known.about(name)]
    if facts and all(fact.component == CODE for fact in facts):
        what = f"{name}: only the licence of its code is recorded, not that of its weights"
        yield finding("code-alone", UNKNOWN, f"{what}; settle it: {add_command(name, 'weights', case)}.", facts)


def materials(case: Case) -> Iterator[Finding]:
    """What an order brings with it (a theme file, a reference, imported audio) must allow it too."""
    for material in case.question.materials:
        about = f"the {material.role}{f' ({material.source})' if material.source else ''}"
        if material.expression.strip():
            yield from over_unsaid(replace(case, instead=MATERIAL), about, (), _weigh_material(material, about))
        elif material.role in PART_ROLES:
            what = f"{about} has no licence on record; settle it: {_settle_part(material, case)}"
            yield finding("material", UNKNOWN, f"{what}.")
        else:
            what = f"{about} has no licence; state it as an SPDX expression, as `CC0-1.0` or `LicenseRef-Own-Work`"
            yield finding("material", UNKNOWN, f"{what}.")


def another_of_that_name(case: Case) -> Iterator[Finding]:
    """What is on record of a name allows nothing for a checkpoint that only has the name."""
    files, name = case.checkpoint, case.question.generator
    if files is None:
        return
    facts = [fact for fact, _ in case.known.about(name) if fact.answer != "withdrawn"]
    others = [fact for fact in facts if not files.meant(fact)]
    if others and not any(files.meant(fact) and fact.component in (WEIGHTS, ANY) for fact in facts):
        what = f"{name} was registered from {files.source}: what is on record under that name allows nothing for it"
        settle = add_command(plain_subject(name), WEIGHTS, case, f" --revision {quote(case.question.revision)}")
        yield finding("another-of-that-name", UNKNOWN, f"{what}; settle it: {settle}.", others)


def _weigh_material(material: Material, about: str) -> Callable[[Case], list[Finding]]:
    return lambda case: weigh_expression(material.expression, about, "material", case)


def obligations(case: Case) -> Iterator[Finding]:
    """What markets and laws ask for the use and on the day: duties, or that it may not be."""
    groups: dict[tuple[str, str], list[Near]] = {}
    for fact in case.known.obligations:
        if fact.use in (ANY, case.question.use) and (fact.component != LOOP or case.question.loop):
            groups.setdefault((fact.subject, fact.component), []).append((fact, 0))
    for (subject, component), facts in sorted(groups.items()):
        about = f"{'a loop' if component == LOOP else 'music'} made by machine ({subject})"
        here = replace(case, instead=MARKET)
        yield from over_unsaid(here, about, (fact for fact, _ in facts), _weigh_obligation(about, facts))


def _weigh_obligation(about: str, facts: list[Near]) -> Callable[[Case], list[Finding]]:
    def weigh(case: Case) -> list[Finding]:
        applying = [near for near in facts if case.concerns(near[0]) and case.holds(near[0])]
        return weigh_closest(about, applying, case)

    return weigh


def _settle_part(material: Material, case: Case) -> str:
    name, more = case.question.generator, f" --revision {quote(case.question.revision)}"
    return add_command(plain_subject(name), PART_ROLES[material.role], case, more)


RULES: tuple[Rule, ...] = (
    words, no_facts, another_of_that_name, generator, origins, code_alone, materials, obligations,
)  # fmt: skip
