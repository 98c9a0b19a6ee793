"""What one fact says for a case: a small rule for each thing that a fact may carry.

A rule is called for every fact that applies and yields findings. None of them knows the others; the strictest wins.
"""

from collections.abc import Callable, Iterator
from shlex import quote

from services.rights.facts import ANY, Fact
from services.rights.policy.cases import Case, Finding, finding
from services.rights.policy.words import ALLOWED, REFUSED, UNKNOWN

FactRule = Callable[[Fact, Case, str], Iterator[Finding]]  # the fact, the case, what it is about in words


def told(fact: Fact) -> str:
    """A fact's own words behind a sentence, with its id."""
    return f": {fact.note.rstrip('.')} ({fact.id})" if fact.note else f" ({fact.id})"


def refused(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """The fact says no."""
    if fact.answer == "refused":
        what = f"{about} may not be used for {case.question.use} by {case.who}{told(fact)}"
        yield finding("refused-by-fact", REFUSED, f"{what}. {case.instead}.", [fact])


def unknown(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """The fact says that nobody knows."""
    if fact.answer == "unknown":
        what = f"whether {about} may be used for {case.question.use} by {case.who} is not known{told(fact)}"
        yield finding("unknown-by-fact", UNKNOWN, f"{what}. Settle it: {settle(fact, case)}.", [fact])


def allowed(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """The fact says yes, with the duties that it states."""
    if fact.answer == "allowed":
        what = f"{about} may be used for {case.question.use} by {case.who}{told(fact)}"
        yield finding("allowed-by-fact", ALLOWED, f"{what}.", [fact], fact.duties)


def revenue_cap(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """Some licences end at a revenue: at the cap or above, or where the revenue is unsaid, they do not help."""
    cap, revenue = fact.revenue_cap_usd, case.question.licensee.annual_revenue_usd
    if cap is None or fact.answer == "refused":
        return
    limit = f"{about} is licensed below {cap:,.0f} USD of annual revenue{told(fact)}"
    if revenue is None or not revenue >= 0:
        what = f"{limit}, and the licensee's revenue is not known; state `licensee.annual_revenue_usd` in the brief"
        yield finding("revenue-cap", UNKNOWN, f"{what}.", [fact])
    elif revenue >= cap:
        yield finding("revenue-cap", REFUSED, f"{limit}; the licensee has {revenue:,.0f} USD. {case.instead}.", [fact])


def volume_cap(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """Some terms end at a number of outputs. The number itself is not told: takes of one catalog share the reason."""
    cap = fact.volume_cap
    if cap is not None and fact.answer != "refused" and case.question.outputs > cap:
        what = f"{about} covers at most {cap} outputs, and the catalog holds or orders more{told(fact)}"
        yield finding("volume-cap", REFUSED, f"{what}. Make fewer with it, or the rest in another way.", [fact])


TRIGGERS = {
    "generation": "Keep proof of the terms and the plan on the day it was made ({about}).",
    "download": "Keep proof that every file was a permitted download ({about}).",
    "active-plan": "Keep the plan active for as long as the music is used ({about}).",
}


def trigger(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """What brings the rights about must be shown later; where it hangs on a plan, the plan must be named."""
    if fact.answer not in ("allowed", "licence") or not fact.trigger:
        return
    if fact.trigger == "active-plan" and case.plan == "*":
        what = f"the rights in {about} last as long as a plan is active, and no plan is named{told(fact)}"
        yield finding("trigger", UNKNOWN, f"{what}; settle it: {settle(fact, case, 'PLAN')}.", [fact])
        return
    duty = TRIGGERS[fact.trigger].format(about=about)
    yield finding("trigger", ALLOWED, f"{about}: rights come with {fact.trigger} ({fact.id}).", [fact], [duty])


def attribution(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """Whoever made it wants to be named."""
    if fact.attribution and fact.answer in ("allowed", "licence"):
        duty = f"Attribution of {about}: {fact.attribution}."
        yield finding("attribution", ALLOWED, f"{about} asks for attribution ({fact.id}).", [fact], [duty])


def licence_duties(fact: Fact, case: Case, about: str) -> Iterator[Finding]:
    """What a maker asks for beyond the licence."""
    if fact.answer == "licence" and fact.duties:
        yield finding("duties", ALLOWED, f"{about} comes with duties of its own ({fact.id}).", [fact], fact.duties)


RULES: tuple[FactRule, ...] = (
    refused, unknown, allowed, revenue_cap, volume_cap, trigger, attribution, licence_duties,
)  # fmt: skip


def settle(fact: Fact, case: Case, plan: str | None = None) -> str:
    """The command that would put a closer fact beside this one: about the thing itself, where it is a licence's."""
    named = f" --plan {quote(plan)}" if plan else ""
    subject, component = case.thing if fact.is_licence and case.thing else (fact.subject, fact.component)
    cap = f" --volume-cap {fact.volume_cap}" if fact.volume_cap is not None else ""  # else the new one would lift it
    return add_command(subject, component, case, named + cap)


def add_command(subject: str, component: str, case: Case, more: str = "") -> str:
    """The command that records a fact for this case."""
    kind = f" --licensee {case.kind}" if case.kind and case.named else ""
    plan = f" --plan {quote(case.question.plan)}" if case.question.plan != ANY else ""
    about = f"--subject {quote(subject)} --component {quote(component)} --use {case.question.use}{kind}{plan}{more}"
    return f"`cueworks licences add {about} --answer allowed|refused --source WHERE --by WHO`"
