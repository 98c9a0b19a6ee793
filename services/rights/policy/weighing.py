"""Facts about one thing, weighed for a case: which apply, whether they agree, and what they say together.

Rules:
- A thing has components (code, weights, codec, samples, ...); each must allow, the strictest wins.
- Of the facts about a component, the closest apply: a fact gives way to one that names everything it names and more.
- Facts of one key that say different things contradict each other: unknown, both named, nothing averaged.
- What is unsaid (kind of licensee, plan, revision) is weighed every way; where that matters, the answer is unknown.
- Of alternatives (OR) the most favourable counts; of what is joined (AND) the strictest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from services.planning.words import LICENSEES
from services.rights.expressions import AnyOf, Expression, ExpressionError, Licence, read_expression
from services.rights.facts import ANY, Fact
from services.rights.names import SPDX
from services.rights.policy.cases import Case, Finding, answer_of, finding
from services.rights.policy.fact_rules import RULES, add_command
from services.rights.policy.words import ALLOWED, DUTIES, REFUSED, STRICTNESS, UNKNOWN

DEEPEST = 4  # licences that are stated as another licence
Closeness = tuple[int, ...]
Near = tuple[Fact, int]  # a fact, and how closely its subject names the thing


def over_unsaid(case: Case, about: str, facts: Iterable[Fact], weigh: Callable[[Case], list[Finding]]) -> list[Finding]:
    """What `weigh` finds, if it finds the same whatever the unsaid is; else that it must be said."""
    concerned = tuple(facts)
    plans = _named(concerned, "plan") if case.plan == ANY else []
    revisions = _named(concerned, "revision") if case.revision == ANY else []
    if case.kind is not None and not plans and not revisions:
        return weigh(case)
    variants = [
        case.as_if(kind, plan, revision)
        for kind, plan, revision in product(
            LICENSEES if case.kind is None else (case.kind,),
            (ANY, *plans) if case.plan == ANY else (case.plan,),
            (ANY, *revisions) if case.revision == ANY else (case.revision,),
        )
    ]
    outcomes = [(variant, weigh(variant)) for variant in variants]
    answers = {ALLOWED if answer_of(found) == DUTIES else answer_of(found) for _, found in outcomes}
    if len(answers) == 1:
        strictest_one, _ = max(outcomes, key=lambda outcome: STRICTNESS[answer_of(outcome[1])])
        return weigh(replace(strictest_one, named=case.kind is not None))
    return [_unsaid(case, about, outcomes)]


def _named(facts: Iterable[Fact], name: str) -> list[str]:
    return sorted({getattr(fact, name) for fact in facts} - {ANY})


def _unsaid(case: Case, about: str, outcomes: Sequence[tuple[Case, list[Finding]]]) -> Finding:
    """Which of the unsaid things matter, and what follows from each."""
    told, needed = [], []
    dimensions = (
        ("kind", "the kind of licensee", "state `licensee.kind` in the brief"),
        ("plan", "the plan", "say under which plan it was made"),
        ("revision", "the revision", "name the revision"),
    )
    for name, words, remedy in dimensions:
        by_value: dict[str, set[str]] = {}
        for variant, found in outcomes:
            by_value.setdefault(str(getattr(variant, name)), set()).add(answer_of(found))
        if len({frozenset(answers) for answers in by_value.values()}) > 1:
            each = (
                f"{'none named' if value == ANY else value} {'/'.join(sorted(found))}"
                for value, found in by_value.items()
            )
            told.append(f"{words} ({', '.join(each)})")
            needed.append(remedy)
    ids = dict.fromkeys(fact for _, found in outcomes for one in found for fact in one.reason.facts)
    why = next((one.reason.text for _, found in outcomes for one in found if one.reason.answer == REFUSED), "")
    text = f"{about}: the answer for {case.question.use} depends on {' and on '.join(told)}; {', '.join(needed)}."
    made = finding("unsaid", UNKNOWN, f"{text} Otherwise: {why}" if why else text)
    return Finding(type(made.reason)(made.reason.rule, UNKNOWN, made.reason.text, tuple(ids)))


def weigh_component(about: str, subject: str, component: str, facts: Sequence[Near], case: Case) -> list[Finding]:
    """What the facts about one component say. `about` are the words for it, `subject` its name.

    Facts about something else of that name count where they forbid; where there are no others, nothing is found."""

    def weigh(variant: Case) -> list[Finding]:
        applying = [near for near in facts if variant.concerns(near[0]) and variant.holds(near[0])]
        kept = [near for near in applying if variant.meant(near[0]) or _binds(near[0], variant, about)]
        if kept:
            return weigh_closest(about, kept, variant)
        meant = any(variant.meant(fact) for fact, _ in facts)
        return [_nothing(about, subject, component, facts, variant)] if meant else []

    case = replace(case, thing=(subject, component))
    return over_unsaid(case, about, (fact for fact, _ in facts), weigh)


def weigh_origin(about: str, subject: str, component: str, facts: Sequence[Near], case: Case) -> list[Finding]:
    """What the facts about one component of what a checkpoint came from say of it; where none applies, nothing."""

    def weigh(variant: Case) -> list[Finding]:
        applying = [near for near in facts if variant.concerns(near[0]) and variant.holds(near[0])]
        return weigh_closest(about, applying, variant)

    return over_unsaid(replace(case, thing=(subject, component)), about, (fact for fact, _ in facts), weigh)


def _binds(fact: Fact, case: Case, about: str) -> bool:
    """Whether a fact does not allow it: then it holds for whatever has the name."""
    return answer_of(weigh_fact(fact, case, about)) not in (ALLOWED, DUTIES)


def _nothing(about: str, subject: str, component: str, facts: Sequence[Near], case: Case) -> Finding:
    """No fact applies: there were some for another day, or for another use."""
    dated = [fact for fact, _ in facts if fact.answer != "withdrawn" and case.concerns(fact)]
    why = f"on {case.question.as_of}" if dated else f"for {case.question.use} by {case.who}"
    text = f"{about}: no fact says what holds {why}; settle it: {add_command(subject, component, case)}."
    return finding("no-facts", UNKNOWN, text, dated)


def weigh_closest(about: str, facts: Sequence[Near], case: Case, depth: int = 0) -> list[Finding]:
    """The findings of those facts that no closer one takes the place of."""
    kept = [near for near in facts if not any(_closer(other, near) for other in facts)]
    groups: dict[tuple[str, ...], list[Fact]] = {}
    for fact, _ in kept:
        groups.setdefault(fact.key, []).append(fact)
    return [found for group in groups.values() for found in _weigh_group(about, group, case, depth)]


def _closeness(near: Near) -> Closeness:
    fact, subject = near
    named = (fact.component, fact.revision, fact.plan, fact.licensee, fact.use)
    return (subject, *(int(word != ANY) for word in named))


def _closer(other: Near, near: Near) -> bool:
    """Whether `other` names everything that `near` names, and more."""
    theirs, ours = _closeness(other), _closeness(near)
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


def _weigh_group(about: str, facts: Sequence[Fact], case: Case, depth: int) -> list[Finding]:
    """Facts of one key. Where they differ and one of them allows, the policy names them all and does not choose."""
    outcomes = [weigh_fact(fact, case, about, depth) for fact in facts]
    found = [one for outcome in outcomes for one in outcome]
    if len({fact.claim for fact in facts}) == 1:
        return found
    ids = " and ".join(fact.id for fact in facts)
    text = f"{about}: {ids} contradict each other for {case.question.as_of}; correct the wrong one with "
    text += f"`cueworks licences correct {facts[-1].id} ...`."
    clash = finding("contradiction", UNKNOWN, text, facts)
    allows = any(answer_of(outcome) in (ALLOWED, DUTIES) for outcome in outcomes)
    return [clash] if allows else [clash, *found]


def weigh_fact(fact: Fact, case: Case, about: str, depth: int = 0) -> list[Finding]:
    """What one fact says, by every rule; for a licence, what the facts about the licence say."""
    found = [one for rule in RULES for one in rule(fact, case, about)]
    if fact.answer == "licence":
        stated = _of_fact(weigh_expression(fact.expression, about, fact.component, case, depth + 1), fact)
        found = [*stated, *found]
    return found


def _of_fact(found: Iterable[Finding], fact: Fact) -> Iterator[Finding]:
    """Findings about a licence rest on the fact that the licence is the one."""
    for one in found:
        reason = one.reason
        facts = tuple(dict.fromkeys((fact.id, *reason.facts)))
        yield Finding(type(reason)(reason.rule, reason.answer, reason.text, facts), one.duties)


def weigh_expression(text: str, about: str, component: str, case: Case, depth: int = 0) -> list[Finding]:
    """What an SPDX expression says of a `component` (code, weights, material, ...) for a case."""
    try:
        tree = read_expression(text, case.known.licences)
    except ExpressionError as error:
        return [finding("expression", UNKNOWN, f"{about}: {error}")]
    return _weigh_tree(tree, about, component, case, depth)


def _weigh_tree(tree: Expression, about: str, component: str, case: Case, depth: int) -> list[Finding]:
    if isinstance(tree, Licence):
        return _weigh_licence(tree, about, component, case, depth)
    parts = [_weigh_tree(part, about, component, case, depth) for part in tree.parts]
    if isinstance(tree, AnyOf):
        return min(parts, key=lambda found: STRICTNESS[answer_of(found)])
    return [one for found in parts for one in found]


def _weigh_licence(licence: Licence, about: str, component: str, case: Case, depth: int) -> list[Finding]:
    name = f"{about} under {licence}"
    if depth > DEEPEST:
        return [finding("expression", UNKNOWN, f"{name}: licences refer to each other more than {DEEPEST} deep.")]
    facts = case.known.about_licence(str(licence))
    if not facts and licence.exception:  # a permission that nobody weighed does not help; the licence alone counts
        return _weigh_licence(Licence(licence.symbol), about, component, case, depth)
    mine = [(fact, 0) for fact in facts if fact.component in (ANY, component)]
    applying = [near for near in mine if case.concerns(near[0]) and case.holds(near[0])]
    if not applying:
        return [_nothing(name, f"{SPDX}{licence}", ANY, mine, case)]
    return weigh_closest(name, applying, case, depth)
