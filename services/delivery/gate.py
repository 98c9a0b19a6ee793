"""The gate of a release: for what and for whom it is, and what today's policy says of every take of it.

`unknown` stops a release as `refused` does; what stops it is told take by take, with the reasons, the facts and where
they were read. Nothing is written here but what `record` is asked to.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from db.ledger import Entry
from db.releases import FactText, newest_licensee
from db.takes import newest_brief
from db.verdicts import AskedTake
from services.delivery.errors import DeliveryError
from services.delivery.frozen import Frozen
from services.planning.faults import nearest, shown
from services.planning.words import LICENSEES, USES
from services.rights.refusal import RefusedError

MOST_NAMED = 12


class Reason(Protocol):
    """Why a judgement answers what it does (`services.rights.policy.Reason`)."""

    @property
    def rule(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def facts(self) -> Sequence[str]: ...


class Judged(Protocol):
    """What is read of a judgement here (`services.rights.policy.Judgement`)."""

    @property
    def id(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def reasons(self) -> Sequence[Reason]: ...
    @property
    def duties(self) -> Sequence[str]: ...
    @property
    def facts(self) -> Sequence[str]: ...
    @property
    def releasable(self) -> bool: ...


@dataclass(frozen=True)
class Terms:
    """For what and for whom. `licensee` as in a brief: kind and annual_revenue_usd, either may be missing."""

    use: str
    licensee: dict[str, Any]


class Gate(Protocol):
    """The port to the policy; the adapter is `services.delivery.policy_gate`."""

    def judge(
        self, session: Session, takes: Sequence[AskedTake], terms: Terms, at: datetime
    ) -> Mapping[str, Judged]:
        """What the policy says of each take, by id, with the facts that hold and are known at `at`."""
        ...

    def facts(self, session: Session, ids: Collection[str]) -> Mapping[str, FactText]:
        """What the facts behind judgements say of licence, attribution and source, by id."""
        ...

    def licences(self, session: Session, judged: Mapping[str, Judged]) -> Mapping[str, str]:
        """Under whose terms the sound of each take stands, by id (`services.rights.terms`)."""
        ...

    def record(
        self, session: Session, catalog: str, judged: Mapping[str, Judged], at: datetime
    ) -> list[Entry]:
        """Store judgements and the takes' verdicts of stage `release`; returns the ledger entries for them."""
        ...


def terms_of(
    session: Session, frozen: Frozen, use: str | None, licensee: Mapping[str, Any] | None
) -> Terms:
    """What the release is judged for: what was said, else what the takes were ordered for.

    Raises DeliveryError where takes were ordered for different things, also where the catalog's newest brief is for
    another use or licensee than the one that first ordered them: then it has to be said."""
    return Terms(_use(session, frozen, use), _licensee(session, frozen, licensee))


def _use(session: Session, frozen: Frozen, use: str | None) -> str:
    if use is not None:
        if use not in USES:
            raise DeliveryError(f"--use: {shown(use)} is no use; {nearest(use, USES)}")
        return use
    uses = {take.ordered.use for take in frozen.takes} | {newest_brief(session, frozen.catalog)[2]} - {""}
    if len(uses) > 1:
        raise DeliveryError(f"catalog {frozen.catalog!r} was ordered for {', '.join(sorted(uses))}; say --use")
    return uses.pop()


def _licensee(session: Session, frozen: Frozen, licensee: Mapping[str, Any] | None) -> dict[str, Any]:
    if licensee is not None:
        return checked_licensee(licensee)
    stated = [*(take.ordered.licensee for take in frozen.takes), newest_licensee(session, frozen.catalog)]
    ordered = {json.dumps(one, sort_keys=True): one for one in stated if one is not None}
    if len(ordered) > 1:
        what = f"the takes of catalog {frozen.catalog!r} were ordered for {len(ordered)} different licensees"
        raise DeliveryError(f"{what}; say --licensee company|individual|academic (and --annual-revenue-usd)")
    return dict(next(iter(ordered.values())))


def checked_licensee(licensee: Mapping[str, Any]) -> dict[str, Any]:
    """The licensee itself. Raises DeliveryError for a kind or revenue that cannot be."""
    kind, revenue = licensee.get("kind"), licensee.get("annual_revenue_usd")
    if kind is not None and kind not in LICENSEES:
        raise DeliveryError(f"--licensee: {shown(kind)} is no kind of licensee; {nearest(kind, LICENSEES)}")
    if revenue is not None and not 0 <= revenue <= 1e15:
        raise DeliveryError(f"--annual-revenue-usd: {revenue} is no revenue; write US dollars a year")
    return {name: value for name, value in (("kind", kind), ("annual_revenue_usd", revenue)) if value is not None}


def check(terms: Terms, judged: Mapping[str, Judged], facts: Mapping[str, FactText]) -> None:
    """Raises RefusedError naming every take that may not be released today, why, and by which facts."""
    stopped: dict[str, list[str]] = {}
    for take_id, judgement in judged.items():
        if not judgement.releasable:
            stopped.setdefault(judgement.id, []).append(take_id)
    if stopped:
        told = (_told(judged[ids[0]], terms.use, ids, facts) for ids in stopped.values())
        raise RefusedError([line for lines in told for line in lines])


def _told(judgement: Judged, use: str, take_ids: Sequence[str], facts: Mapping[str, FactText]) -> list[str]:
    more = f" and {len(take_ids) - MOST_NAMED} more" if len(take_ids) > MOST_NAMED else ""
    takes = ", ".join(id_[:12] for id_ in take_ids[:MOST_NAMED])
    head = f"{len(take_ids)} take{'s' if len(take_ids) > 1 else ''} ({takes}{more}): {judgement.answer} for {use} today"
    lines = [f"{head}; nothing was released: change the order or the use, or correct a fact that is wrong"]
    for reason in judgement.reasons:
        if reason.answer in ("refused", "unknown"):
            lines.append(f"{reason.text}{_sources(reason.facts, facts)}")
    return lines


def _sources(ids: Sequence[str], facts: Mapping[str, FactText]) -> str:
    told = [f"{id_}: {facts[id_].source}" if id_ in facts else id_ for id_ in ids]
    return f" ({'; '.join(told)})" if told else ""
