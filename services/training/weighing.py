"""What the policy says of takes that a model is to be trained on: whether they may be, for which uses, asking for what.

Rules:
- What an order brought (theme file, sound bank, recordings) must add nothing to what the policy says of the take, for
  every use: no other answer and no duty. Works of one's own and the public domain pass, all else is refused.
- A use that the generator itself is not allowed for, or only up to a day or a number of takes, is none of the model's.
- What the generator's own facts ask for is asked for by whatever learned from it: a model cannot be told from them.
- Rules of markets and laws are left out: they are about music made by machine, and will meet the model's own takes.

The policy is asked, never second-guessed. Nothing is written here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from db.verdicts import asked_takes
from services.planning.words import USES
from services.rights.keeping import moment
from services.rights.policy import STRICTNESS, Judgement, Licensee, Policy
from services.rights.register import Register
from services.rights.takes import judge_takes


@dataclass(frozen=True)
class Weighed:
    """What was said: why takes are refused, why uses are barred, the uses that all other takes are allowed for, what
    each of these asks for (the generator's own duties), a row per generator, revision and use, and a row for all that
    orders brought (`role`, `expression`, `source`, `takes`)."""

    refused: Mapping[str, str]
    barred: Mapping[str, str]
    uses: tuple[str, ...]
    duties: Mapping[str, tuple[str, ...]]
    licences: tuple[dict[str, Any], ...]
    materials: tuple[dict[str, Any], ...]


def weigh(session: Session, policy: Policy, takes: Sequence[str]) -> Weighed:
    """What the policy says of takes by the facts of now. Raises ClockError."""
    now, judged = datetime.now(UTC), dict[str, list[Judgement]]()
    known_at = moment(policy.register, now)
    for use in USES:
        asked = asked_takes(session, takes)
        for take, found in judge_takes(session, policy, asked, use, Licensee(), now.date(), known_at):
            judged.setdefault(take, []).append(found)
    own, refused, kept = _without_markets(policy), dict[str, str](), list[list[Judgement]]()
    for take, each in judged.items():
        if why := next((text for one in each if (text := _asks(own, one))), ""):
            refused[take] = why
        else:
            kept.append(each)
    return _together(policy, own, refused, kept)


def _without_markets(policy: Policy) -> Policy:
    facts = (fact for fact in policy.register.facts if not fact.is_obligation)
    return Policy(Register(facts, policy.register.checkpoints))


def _bare(policy: Policy, judgement: Judgement) -> Judgement:
    """What is said of the generator alone."""
    return policy.judge(replace(judgement.question, materials=()))


def _asks(own: Policy, judgement: Judgement) -> str:
    """Why what an order brought stands in the way; "" where it adds nothing."""
    question = judgement.question
    if not question.materials:
        return ""
    whole, bare = own.judge(question), _bare(own, judgement)
    if STRICTNESS[whole.answer] <= STRICTNESS[bare.answer] and not set(whole.duties) - set(bare.duties):
        return ""
    brought = ", ".join(f"the {material.role} ({material.source})" for material in question.materials)
    why = "; ".join(dict.fromkeys([*(reason.text for reason in whole.stops), *whole.duties]))
    return f"it was made with {brought}, whose licence asks for something: {why}"


def _together(policy: Policy, own: Policy, refused: Mapping[str, str], kept: Sequence[Sequence[Judgement]]) -> Weighed:
    barred, duties = dict[str, str](), dict[str, dict[str, None]]()
    said = dict[tuple[str, str, str], tuple[Judgement, int]]()
    brought: Counter[tuple[str, str, str]] = Counter()
    for each in kept:
        brought.update({(one.role, one.expression, one.source) for one in each[0].question.materials})
        for judgement in each:
            use, mine = judgement.question.use, _bare(own, judgement)
            if why := _bar(own, mine):
                barred.setdefault(use, why)
            duties.setdefault(use, {}).update(dict.fromkeys(mine.duties))
            key = (judgement.question.generator, judgement.question.revision, use)
            said[key] = (_bare(policy, judgement), said.get(key, (judgement, 0))[1] + 1)
    uses = tuple(use for use in USES if use not in barred)
    materials = ({"role": role, "expression": expression, "source": source, "takes": takes}
                 for (role, expression, source), takes in sorted(brought.items()))  # fmt: skip
    licences = ({"generator": generator, "revision": revision, "use": use, "answer": one.answer, "takes": takes,
                 "facts": list(one.facts), "duties": list(one.duties)}
                for (generator, revision, use), (one, takes) in sorted(said.items(), key=lambda each: each[0])
                )  # fmt: skip
    asked = {use: tuple(duties.get(use, ())) for use in uses}
    return Weighed(refused, barred, uses, asked, tuple(licences), tuple(materials))


def _bar(own: Policy, mine: Judgement) -> str:
    """Why a use is none of the model's; "" where it is."""
    if mine.stops:
        return "; ".join(reason.text for reason in mine.stops)
    facts = (own.register.by_id[id_] for id_ in mine.facts)
    ending = [fact.id for fact in facts if fact.valid_to is not None or fact.volume_cap is not None]
    return f"allowed up to a day or a number ({', '.join(ending)}), which nobody holds a model to" if ending else ""
