"""Which takes of a catalog a house model may be trained on, and why others not.

Rules:
- Only what the composer made counts: it was trained on nothing and plays a sound bank of its own. Takes of any other
  generator, and imported ones, are refused.
- What an order brought (theme file, sound bank, recordings) must add nothing to what the policy says of the take, for
  every use: no other answer and no duty. Works of one's own and the public domain pass, all else is refused.
- The policy must allow the take itself for the uses that the model will be for.
- Takes without sound, takes that a person or the order's own rule rejected, are left out.

The policy is asked, never second-guessed. Nothing is written here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.impact import decisions
from db.rights_tables import Acceptance
from db.rows import AssetRow, TakeRow
from db.takes import catalog_names, in_catalog, take_rows, with_status
from db.verdicts import asked_takes
from models.controls import Controls
from models.musicgen.prompting import told_beside
from services.planning.faults import nearest, shown
from services.planning.words import USES
from services.rights.keeping import moment
from services.rights.policy import STRICTNESS, Judgement, Licensee, Policy, Reason
from services.rights.takes import judge_takes
from services.training.errors import TrainingError
from services.training.order import Item

COMPOSER = "composer"
LOSSLESS = ("audio/flac", "audio/wav", "audio/x-wav")
MOST_NAMED = 5


@dataclass(frozen=True)
class LeftOut:
    """A take that is not trained on. `refused`: it may not be; otherwise it is of no use."""

    take: str
    catalog: str
    reason: str
    refused: bool

    def as_json(self) -> dict[str, Any]:
        return {"take": self.take, "catalog": self.catalog, "reason": self.reason, "refused": self.refused}


@dataclass(frozen=True)
class Chosen:
    """What was found: takes by id, those that were left out, the uses that all the takes are allowed for, and what the
    policy said (a row per generator, revision and use)."""

    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...]
    uses: tuple[str, ...]
    licences: tuple[dict[str, Any], ...]

    @property
    def refused(self) -> tuple[LeftOut, ...]:
        return tuple(one for one in self.left_out if one.refused)


@dataclass
class _Weighed:
    """What the policy said of the takes."""

    refused: dict[str, str] = field(default_factory=dict)
    barred: dict[str, str] = field(default_factory=dict)  # use: why
    said: dict[tuple[str, str, str], tuple[Judgement, int]] = field(default_factory=dict)


def choose(session: Session, policy: Policy, catalogs: Sequence[str]) -> Chosen:
    """The takes of catalogs, by the facts and reviews of now. Raises TrainingError for a catalog that is not there."""
    _check_names(session, catalogs)
    wanted = [in_catalog(name) & with_status("done") for name in dict.fromkeys(catalogs)]
    rows = [row for condition in wanted for row in take_rows(session, condition)]
    left = [*_of_others(rows), *_rejected(session, rows)]
    gone = {one.take for one in left}
    kept = [row for row in rows if row.id not in gone]
    weighed = _weigh(session, policy, [row.id for row in kept])
    catalog_of = {row.id: row.catalog for row in kept}
    left += [LeftOut(take, catalog_of[take], why, True) for take, why in weighed.refused.items()]
    items = []
    for row in kept:
        if row.id in weighed.refused:
            continue
        mix = _mix(row.assets)
        if mix is None or row.pcm_sha256 is None:
            left.append(LeftOut(row.id, row.catalog, "it has no stored mix", False))
        else:
            items.append(_item(row, mix))
    uses = tuple(use for use in USES if use not in weighed.barred)
    return Chosen(tuple(sorted(items, key=lambda item: item.take)), tuple(left), uses, tuple(_licences(weighed)))


def _check_names(session: Session, catalogs: Sequence[str]) -> None:
    known = [name for name, _ in catalog_names(session)]
    if faults := [f"no catalog {shown(name)}; {nearest(name, known) if known else 'make one with `cueworks generate`'}"
                  for name in catalogs if name not in known]:  # fmt: skip
        raise TrainingError(faults)


def _of_others(rows: Iterable[TakeRow]) -> Iterable[LeftOut]:
    for row in rows:
        if row.generator != COMPOSER:
            why = f"it was made by {row.generator}: what that was trained on is not this database's to show"
            yield LeftOut(row.id, row.catalog, why, True)


def _rejected(session: Session, rows: Sequence[TakeRow]) -> Iterable[LeftOut]:
    """Takes that a person rejected, or that their order's `accept` did."""
    ids = [row.id for row in rows if row.generator == COMPOSER]
    reviewed = decisions(session, ids) if ids else {}
    newest = select(Acceptance.take_id, func.max(Acceptance.number).label("number")).group_by(Acceptance.take_id)
    last = newest.subquery()
    query = select(Acceptance.take_id).join(
        last, (Acceptance.take_id == last.c.take_id) & (Acceptance.number == last.c.number)
    )
    failed = set(session.scalars(query.where(Acceptance.outcome == "rejected")))
    for row in rows:
        if row.generator == COMPOSER and (reviewed.get(row.id) == "reject" or row.id in failed):
            who = "a person" if reviewed.get(row.id) == "reject" else "its order's own rule"
            yield LeftOut(row.id, row.catalog, f"{who} rejected it", False)


def _weigh(session: Session, policy: Policy, takes: Sequence[str]) -> _Weighed:
    found, now = _Weighed(), datetime.now(UTC)
    for use in USES:
        asked = asked_takes(session, takes)
        judged = judge_takes(session, policy, asked, use, Licensee(), now.date(), moment(policy.register, now))
        for take, judgement in judged:
            if take not in found.refused:
                _weigh_one(policy, take, judgement, found)
    return found


def _weigh_one(policy: Policy, take: str, judgement: Judgement, found: _Weighed) -> None:
    question = judgement.question
    bare = policy.judge(replace(question, materials=())) if question.materials else judgement
    worse = STRICTNESS[judgement.answer] > STRICTNESS[bare.answer]
    if worse or set(judgement.duties) - set(bare.duties):
        brought = ", ".join(f"the {material.role} ({material.source})" for material in question.materials)
        why = "; ".join(dict.fromkeys([*(reason.text for reason in judgement.stops), *judgement.duties]))
        found.refused[take] = f"it was made with {brought}, whose licence asks for something: {why}"
    elif own := [reason.text for reason in bare.stops if not _of_market(policy, reason)]:
        found.barred.setdefault(question.use, "; ".join(own))
    key = (question.generator, question.revision, question.use)
    found.said[key] = (bare, found.said.get(key, (bare, 0))[1] + 1)


def _of_market(policy: Policy, reason: Reason) -> bool:
    """Whether a reason is a market's or a law's rule for music made by machine: it will meet the model's own takes."""
    facts = [policy.register.by_id[id_] for id_ in reason.facts if id_ in policy.register.by_id]
    return bool(facts) and all(fact.is_obligation for fact in facts)


def _licences(found: _Weighed) -> Iterable[dict[str, Any]]:
    for (generator, revision, use), (judgement, takes) in sorted(found.said.items(), key=lambda each: each[0]):
        yield {"generator": generator, "revision": revision, "use": use, "answer": judgement.answer, "takes": takes,
               "facts": list(judgement.facts)}  # fmt: skip


def _mix(assets: Sequence[AssetRow]) -> AssetRow | None:
    mixes = sorted((asset for asset in assets if asset.role == "mix"), key=lambda asset: asset.media_type)
    return next((asset for asset in mixes if asset.media_type in LOSSLESS), mixes[0] if mixes else None)


def _item(row: TakeRow, mix: AssetRow) -> Item:
    controls = Controls.from_json(row.controls)
    assert row.pcm_sha256 is not None
    return Item(
        row.id, row.catalog, row.state, controls.loop, mix.sha256, mix.media_type, row.pcm_sha256, row.prompt, row.seed,
        row.controls, tuple(told_beside("", controls)), tuple(told_beside(row.prompt, controls)),
    )  # fmt: skip


def told(left_out: Sequence[LeftOut]) -> list[str]:
    """Why takes are left out, a sentence per reason with how many and a few of them."""
    counts = Counter((one.catalog, one.reason) for one in left_out)
    lines = []
    for (catalog, reason), count in counts.most_common():
        named = [one.take[:12] for one in left_out if (one.catalog, one.reason) == (catalog, reason)][:MOST_NAMED]
        lines.append(f"{catalog}: {count} takes ({', '.join(named)}{', ...' if count > len(named) else ''}): {reason}")
    return lines


def as_rows(left_out: Sequence[LeftOut]) -> tuple[Mapping[str, Any], ...]:
    """Plain JSON values."""
    return tuple(one.as_json() for one in left_out)
