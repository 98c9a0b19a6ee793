"""The policy of the moment for a database, and judgements on record: stored once, with the ledger entries for them.

The policy is kept as long as no fact is added; one that is corrected while a run is going on counts from then on.
Callers append the entries that they are handed, as their transaction's last statement.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.ledger import ClockError, Entry
from db.ledger_rows import merged, rows_from
from db.rights_tables import Judgement as JudgementRow
from db.rights_tables import JudgementFact
from db.verdicts import insert_judgements
from services.rights.policy import Judgement, Policy
from services.rights.register import Register, current, seed

TOLERANCE = timedelta(seconds=60)
_policies: "WeakKeyDictionary[Engine, Policy]" = WeakKeyDictionary()


def standing_policy(session: Session) -> tuple[Policy, list[Entry]]:
    """The policy by the facts that the database holds now, and ledger entries for facts that were recorded on the way.

    Call it in a transaction that may write: this release's facts are recorded where they are missing."""
    register, entries = current(session), []
    if register.missing_seed():
        entries = seed(session)
        register = current(session)
    engine = session.get_bind().engine
    kept = _policies.get(engine)
    if kept is None or kept.register is not register:
        kept = _policies[engine] = Policy(register)
    return kept, entries


def moment(register: Register, now: datetime | None = None) -> datetime:
    """The moment whose knowledge counts: now. Raises ClockError where a fact was recorded well after it."""
    now, newest = now or datetime.now(UTC), register.newest
    if newest is None or newest <= now:
        return now
    if newest - now > TOLERANCE:
        what = f"this machine's clock says {now.isoformat()}, but a fact was recorded at {newest.isoformat()} already"
        raise ClockError(f"{what}; set the clock, then try again")
    return newest


def keep(session: Session, judgements: Iterable[Judgement]) -> list[Entry]:
    """Store judgements; returns ledger entries (kind `verdict`) for those that were not there yet."""
    distinct = {judgement.id: judgement for judgement in judgements}
    rows = [_row(judgement) for judgement in distinct.values()]
    facts = [{"judgement_id": id_, "fact_id": fact} for id_, one in distinct.items() for fact in one.facts]
    fresh = insert_judgements(session, rows, facts)
    held = merged(
        rows_from(JudgementRow, [row for row in rows if row["id"] in fresh]),
        rows_from(JudgementFact, [row for row in facts if row["judgement_id"] in fresh]),
    )
    return [
        Entry("verdict", id_, {"judgement": judgement.content(), "rows": held[id_]})
        for id_, judgement in distinct.items() if id_ in fresh
    ]  # fmt: skip


def _row(judgement: Judgement) -> dict[str, object]:
    return {"id": judgement.id, **judgement.content(), "as_of": judgement.question.as_of}
