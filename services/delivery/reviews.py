"""Reviews: a person approves or rejects takes, and what people put into them is written down beside it.

The newest review of a take counts; none is ever changed. Who approves some of several variations selected them, which
is a human contribution of its own. A decision that is in force already is not written again; an approval that a later
rejection by the brief's `accept` stands against is not in force.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.acceptance import newest_acceptances, with_outcome
from db.chunks import chunks
from db.engine import reading, writing
from db.ledger import append
from db.releases import (
    ContributionRow,
    ReviewRow,
    add_contributions,
    add_reviews,
    contributions,
    hold_reviews,
    newest_reviews,
    reviewed_takes,
    siblings,
)
from db.rights_tables import DECISIONS
from db.rows import AcceptanceRow, TakeRow
from db.takes import in_catalog, take_rows, with_ids, with_state, with_status
from services.delivery import texts
from services.delivery.errors import DeliveryError
from services.delivery.records import entries, moment
from services.planning.acceptance import REJECTED, SPARE
from services.planning.faults import shown

APPROVE = "approve"
SELECTION = "selection"
MOST_TOLD = 20


@dataclass(frozen=True)
class Decision:
    """What a person decides. `contributions` are kinds (`services.delivery.texts.KINDS`) that the person put in.

    Raises DeliveryError for words that cannot be put on record."""

    decision: str
    by: str
    note: str = ""
    contributions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise DeliveryError(f"{shown(self.decision)} is no decision; end with one of: {', '.join(DECISIONS)}")
        object.__setattr__(self, "by", texts.person(self.by))
        object.__setattr__(self, "note", texts.note(self.note))
        kinds = dict.fromkeys(texts.kind(kind, "--contribution") for kind in self.contributions)
        object.__setattr__(self, "contributions", tuple(kinds))


@dataclass(frozen=True)
class Reviewed:
    """One take's outcome: whether the decision is new, and the contributions that were written with it. `against` is
    why its brief's `accept` rejected a take that is approved all the same."""

    take: str
    decision: str
    by: str
    new: bool
    contributions: tuple[str, ...]
    against: str | None = None


def undecided(
    engine: Engine, catalog: str, state: str | None = None, decision: str = APPROVE
) -> tuple[list[str], int, int]:
    """Ids of the finished takes of a catalog (of a state or cue) that are to be decided on, how many were decided on
    before, and how many nobody decided on are left out.

    Where a brief chooses among takes, those to be approved are the kept ones. A decision somebody made is never undone
    by the way: who wants that names the take."""
    with reading(engine) as session:
        where = in_catalog(catalog) & with_status("done")
        if state is not None:
            where &= with_state(state)
        found = [take.id for take in take_rows(session, where, with_assets=False)]
        passed_over = where & with_outcome(SPARE, REJECTED)
        others = take_rows(session, passed_over, with_assets=False) if decision == APPROVE else ()
        left_out = {take.id for take in others}
        decided = reviewed_takes(session, catalog)
    open_ = [id_ for id_ in found if id_ not in decided]
    meant = [id_ for id_ in open_ if id_ not in left_out]
    return meant, len(found) - len(open_), len(open_) - len(meant)


def review(engine: Engine, take_ids: Iterable[str], decision: Decision) -> list[Reviewed]:
    """Decide on takes, all or none, in one transaction.

    Raises DeliveryError, naming every take that cannot be approved and why; ClockError."""
    wanted = list(dict.fromkeys(take_ids))
    with writing(engine) as session:
        takes = _takes(session, wanted)
        for catalog in sorted({take.catalog for take in takes}):
            hold_reviews(session, catalog)
        if decision.decision == APPROVE:
            _check_sounds(takes)
        return _decide(session, takes, decision)


def _takes(session: Session, ids: Sequence[str]) -> list[TakeRow]:
    found = {}
    for part in chunks(ids, 500):
        found.update({take.id: take for take in take_rows(session, with_ids(part), with_assets=False)})
    if missing := [id_ for id_ in ids if id_ not in found]:
        raise DeliveryError(f"no take {shown(missing[0])}; `cueworks takes` lists them")
    return [found[id_] for id_ in ids]


def _check_sounds(takes: Sequence[TakeRow]) -> None:
    faults = [fault for fault in map(unfit, takes) if fault]
    if faults:
        more = [f"{len(faults) - MOST_TOLD} more takes cannot be approved"] if len(faults) > MOST_TOLD else []
        raise DeliveryError("\n".join([*faults[:MOST_TOLD], *more]))


def unfit(take: TakeRow) -> str | None:
    """Why a take cannot be approved; None where it can."""
    name = f"take {take.id[:12]}"
    if take.status == "superseded":
        return f"{name}: is superseded, its brief no longer orders it; order it again, or leave it out"
    if take.status in ("failed", "quarantined"):
        return f"{name}: {take.status} ({shown(take.error or 'no error kept')}); run `cueworks generate` again first"
    if take.status != "done" or take.pcm_sha256 is None:
        return f"{name}: has no sound yet (status {take.status}); run `cueworks generate` first"
    return None


def _decide(session: Session, takes: Sequence[TakeRow], decision: Decision) -> list[Reviewed]:
    ids = [take.id for take in takes]
    newest = newest_reviews(session, ids)
    rejected = rejections(session, takes) if decision.decision == APPROVE else {}
    told = [*(row.at for row in newest.values()), *(row.at for row in rejected.values())]
    at = moment(session, max(told, default=None))
    unheeded = {id_ for id_, row in rejected.items() if id_ in newest and not is_after(newest[id_], row)}
    new = [id_ for id_ in ids if id_ in unheeded or not in_force(newest.get(id_), decision)]
    reviews = [ReviewRow(str(uuid.uuid4()), id_, decision.decision, decision.by, decision.note, at) for id_ in new]
    held_reviews = add_reviews(session, reviews)
    added = _contributions(session, ids, new, decision, at)
    held_contributions = add_contributions(session, added)
    catalogs = {take.id: take.catalog for take in takes}
    append(session, (
        entry for kind, held in (("review", held_reviews), ("contribution", held_contributions))
        for id_, rows in held.items() for entry in entries(kind, catalogs[id_], {id_: rows})
    ))  # fmt: skip
    kinds: dict[str, tuple[str, ...]] = {id_: tuple(row.kind for row in added if row.take_id == id_) for id_ in ids}
    against = {id_: "; ".join(row.reasons) for id_, row in rejected.items()}
    return [
        Reviewed(id_, decision.decision, decision.by, id_ in set(new), kinds[id_], against.get(id_)) for id_ in ids
    ]


def rejections(session: Session, takes: Sequence[TakeRow]) -> dict[str, AcceptanceRow]:
    """What stands against those of the takes that were rejected by what was heard of them. What was said of a sound
    that was made anew since says nothing of the one they have."""
    judged = newest_acceptances(session, [take.id for take in takes])
    rejected = ((take, judged[take.id]) for take in takes if take.id in judged)
    return {
        take.id: row for take, row in rejected if row.outcome == REJECTED and row.pcm_sha256 == take.pcm_sha256
    }


def is_after(review: ReviewRow, rejection: AcceptanceRow) -> bool:
    """Whether who decided could know what stands against the take."""
    return review.at > rejection.at


def check_heeded(session: Session, takes: Sequence[TakeRow], newest: Mapping[str, ReviewRow]) -> None:
    """Raises DeliveryError, naming every take that was rejected after it was approved, and why."""
    found = rejections(session, takes)
    faults = [
        f"take {id_[:12]}: its brief's accept rejected it after it was approved: {'; '.join(row.reasons)}; "
        f"review it again by name (`cueworks review {id_[:12]} approve|reject`), or loosen `accept`"
        for id_, row in found.items() if not is_after(newest[id_], row)
    ]  # fmt: skip
    if faults:
        more = [f"{len(faults) - MOST_TOLD} more takes were rejected"] if len(faults) > MOST_TOLD else []
        raise DeliveryError("\n".join([*faults[:MOST_TOLD], *more]))


def in_force(row: ReviewRow | None, decision: Decision) -> bool:
    """Whether `row`, the newest review, says what `decision` does: the same words of the same person."""
    if row is None or (row.decision, row.by) != (decision.decision, decision.by):
        return False
    return decision.note in ("", row.note)


def _contributions(
    session: Session, ids: Sequence[str], new: Collection[str], decision: Decision, at: datetime
) -> list[ContributionRow]:
    """What is to be written beside the decision: the kinds named, and the selection that an approval may be."""
    known = contributions(session, ids)
    wanted = [(id_, kind, decision.note) for id_ in ids for kind in decision.contributions]
    if decision.decision == APPROVE:
        wanted += [(id_, SELECTION, told) for id_, told in _selections(session, new)]
    return [
        ContributionRow(str(uuid.uuid4()), id_, kind, decision.by, told, None, at)
        for id_, kind, told in dict.fromkeys(wanted)
        if not any((row.kind, row.by) == (kind, decision.by) for row in known.get(id_, ()))
    ]


def _selections(session: Session, approved: Collection[str]) -> list[tuple[str, str]]:
    """Those of the takes just approved that were chosen from variations of which others are not approved."""
    variations = siblings(session, approved)
    newest = newest_reviews(session, {id_ for group in variations.values() for id_ in group})
    chosen = {id_ for id_, row in newest.items() if row.decision == APPROVE}
    found = []
    for id_, group in variations.items():
        count = sum(other in chosen for other in group)
        if count < len(group):
            found.append((id_, f"chosen from {len(group)} variations of its cue, {count} of them approved"))
    return found
