"""What became of the takes of a catalog under `accept`: heard, judged and put on record, and how many more are to come.

All of it follows from what is on record, so that it ends the same however often it was interrupted: sounds are heard
once, from the finishing worker or from the stored master; rules are applied anew each time. Nothing here renders.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.acceptance import (
    TakeState,
    add_acceptances,
    add_hearings,
    descriptors,
    heard_facts,
    judged_takes,
    newest_acceptances,
    take_states,
)
from db.chunks import chunks
from db.engine import reading, writing
from db.ledger import Entry
from db.rights_tables import UNJUDGED
from db.rows import AcceptanceRow, NewHearing
from services.mastering.listening import LISTENING_REVISION, Hearing
from services.planning.acceptance import Decided, Heard, Judged, decide, ordered_count
from services.planning.faults import printable
from services.planning.plan import Plan
from services.planning.points import ChosenPoint, key_of
from services.storage.folder import FolderStore

ALONE = 20  # so many sounds are heard by the time that a further process has begun
BATCH = 32  # sounds heard before they are put on record
MADE, FAILED = ("done", "superseded"), ("failed", "quarantined")
AT_ONCE = 500  # takes whose facts are read at once
MOST_TOLD = 20
FAULTS_TOLD = {"unmusical": "no beat and no key"}  # others by their own word

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a take of a point whose sound was heard by the listeners of `listening`."""

    take_id: str
    index: int
    pcm_sha256: str
    listening: str
    outcome: str
    judged: Judged


@dataclass(frozen=True)
class Stock:
    """What there is of a point: the `count` first of its takes are ordered, `there` of them were before; `states` are
    those that are there, by index; `decided` those with a sound that was heard; `unheard` have one that was not."""

    point: ChosenPoint
    count: int
    there: int
    states: tuple[TakeState | None, ...]
    decided: tuple[Verdict, ...]
    unheard: tuple[TakeState, ...]

    @property
    def accepted(self) -> int:
        return sum(one.judged.accepted for one in self.decided if one.index < self.count)

    @property
    def ids(self) -> list[str]:
        """Those of its takes that are there."""
        return [state.id for state in self.states if state is not None]

    @property
    def is_enough(self) -> bool:
        return self.accepted >= self.point.enough

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it will change by itself: enough are good, and nothing is still to be made or heard."""
        return self.is_enough and not self.unheard and self.is_made

    @property
    def is_made(self) -> bool:
        """Whether all that is ordered of it was made, or did not come out: what it is short of it stays short of."""
        return all(state is not None and _is_settled(state) for state in self.states[: self.count])

    def failed(self) -> list[TakeState]:
        """Its takes that did not come out."""
        found = self.states[: self.count]
        return [state for state in found if state is not None and state.status in FAILED]


def take_stock(session: Session, points: Iterable[ChosenPoint]) -> list[Stock]:
    """What there is of each point, judged by the rule of now. What was heard of some hundred takes is in memory
    at once, and of one point's at least; only what was decided stays."""
    return [stock for some in _batches(points) for stock in _take_stock(session, some)]


def _batches(points: Iterable[ChosenPoint]) -> Iterator[list[ChosenPoint]]:
    """The points by some hundreds of takes."""
    batch: list[ChosenPoint] = []
    count = 0
    for point in points:
        batch.append(point)
        count += point.room
        if count >= AT_ONCE:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def _take_stock(session: Session, points: Sequence[ChosenPoint]) -> Iterator[Stock]:
    ids = [point.ids() for point in points]
    states = take_states(session, (id_ for some in ids for id_ in some))
    sounds = {one.pcm_sha256 for one in states.values() if one.pcm_sha256 and one.status in MADE}
    facts = heard_facts(session, sounds, LISTENING_REVISION)
    compared = facts if any(point.rule.duplicates for point in points) else ()
    described = descriptors(session, compared, LISTENING_REVISION)
    for point, some in zip(points, ids, strict=True):
        yield _stock(point, [states.get(id_) for id_ in some], facts, described)


def _stock(
    point: ChosenPoint, states: Sequence[TakeState | None], facts: Mapping[str, dict[str, Any]],
    described: Mapping[str, bytes],
) -> Stock:  # fmt: skip
    controls = point.take(0).controls
    takes, accepted = [], [_settled(state) for state in states]
    for index, state in enumerate(states):
        if state is not None and state.status in MADE and state.pcm_sha256 and state.pcm_sha256 in facts:
            hearing = Hearing.of(facts[state.pcm_sha256], b"", LISTENING_REVISION)
            takes.append(Heard(state.id, index, state.pcm_sha256, hearing, controls))
    decided = decide(takes, point.rule, described)
    for one in decided:
        accepted[one.take.index] = one.judged.accepted
    there = max((index + 1 for index, one in enumerate(states) if one and one.status != "superseded"), default=0)
    count = ordered_count(point.takes, point.enough, point.rule.budget, accepted, there)
    known = {take.take_id for take in takes}
    unheard = tuple(one for one in states[:count] if one and one.status in MADE and one.pcm_sha256
                    and one.id not in known)  # fmt: skip
    done = {state.id for state in states if state is not None and state.status == "done"}
    standing = [take for take in takes if take.take_id in done or take.index < count]
    if len(standing) < len(takes):  # what no brief orders takes no place from what one does
        decided = decide(standing, point.rule, described)
    return Stock(point, count, max(point.takes, there), tuple(states), tuple(map(_verdict, decided)), unheard)


def _verdict(one: Decided) -> Verdict:
    take = one.take
    return Verdict(take.take_id, take.index, take.pcm_sha256, take.hearing.revision, one.outcome, one.judged)


def _is_settled(state: TakeState) -> bool:
    """Whether a take was made, or did not come out."""
    return state.status in (*MADE, *FAILED)


def _settled(state: TakeState | None) -> bool | None:
    """What is known of a take that was not heard: False where it has no sound and will have none by itself."""
    return False if state is not None and state.status in FAILED else None


def hear_missing(
    engine: Engine, home: Path, points: Sequence[ChosenPoint], tell: Tell = lambda count: None
) -> list[Stock]:
    """What there is of these points, after the sounds that are there and were never heard are, in several processes
    where they are many.

    What is heard is on record batch by batch; `tell` is called with how many are to be heard, before. A master that is
    gone, or is not what was recorded, is left out: the take stays unheard."""
    with reading(engine) as session:
        stocks = take_stock(session, points)
    missed: set[str] = set()
    while True:
        found = {one.pcm_sha256: one.master for stock in stocks for one in stock.unheard if one.master}
        wanted = [(str(pcm), str(master)) for pcm, master in found.items() if pcm not in missed]
        if not wanted:
            return stocks
        tell(len(wanted))
        missed |= {pcm for pcm, _ in wanted}
        for batch in _heard(FolderStore(home / "blobs"), wanted):
            with writing(engine) as session:
                add_hearings(session, batch)
        with reading(engine) as session:
            anew = {one.point.key: one for one in take_stock(session, [s.point for s in stocks if s.unheard])}
        stocks = [anew.get(stock.point.key, stock) for stock in stocks]


def _heard(store: FolderStore, wanted: Sequence[tuple[str, str]]) -> Iterator[list[NewHearing]]:
    jobs = [(pcm, str(store.path(master))) for pcm, master in wanted]
    batch: list[NewHearing] = []
    with _mapping(len(jobs)) as mapped:
        for hearing in mapped(hear_master, jobs):
            batch += [hearing] if hearing is not None else []
            if len(batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


@contextmanager
def _mapping(count: int) -> Iterator[Callable[..., Iterable[NewHearing | None]]]:
    """`map`, in this process for a few and in several for many."""
    workers = min(len(os.sched_getaffinity(0)), count // ALONE)
    if workers < 2:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map


def hear_master(job: tuple[str, str]) -> NewHearing | None:
    """What is heard of a stored master, given its sound's digest and its path; None where the file is gone, broken, or
    holds other samples than those.

    One thread: several of these work side by side."""
    import soundfile
    from threadpoolctl import threadpool_limits

    from services.mastering.listening import hear
    from services.mastering.pcm import Pcm

    pcm_sha256, path = job
    try:
        samples, rate = soundfile.read(path, dtype="int32", always_2d=True)  # 24 bits stand in the upper ones of 32
        pcm = Pcm(rate, samples >> 8)
        if pcm.sha256() != pcm_sha256:
            return None
        with threadpool_limits(limits=1):
            found = hear(pcm.as_float(), rate)
    except (OSError, ValueError, soundfile.SoundFileError):
        return None
    return NewHearing(pcm_sha256, found.revision, found.facts(), found.descriptor)


def replaced(stocks: Iterable[Stock], run_id: str | None = None) -> set[str]:
    """The takes (of one run, where it is named) that did not come out and need not be tried again: enough others of
    their points are good."""
    failed = (state for stock in stocks if stock.is_enough for state in stock.failed())
    return {state.id for state in failed if run_id in (None, state.run_id)}


def news(session: Session, stocks: Iterable[Stock]) -> list[AcceptanceRow]:
    """What is to be put on record: what became of each take where that is not what was last recorded."""
    at, rows = datetime.now(UTC), []
    for some in chunks(stocks, 50):
        decided = [(stock.point, one) for stock in some for one in stock.decided]
        newest = newest_acceptances(session, (one.take_id for _, one in decided))
        for point, one in decided:
            row, before = _row(point, one, at), newest.get(one.take_id)
            if before is None or _said(before) != _said(row):
                rows.append(row)
    return rows


def closings(session: Session, plan: Plan) -> list[AcceptanceRow]:
    """What is to be put on record of takes that were judged, and whose brief no longer asks for it: nothing decides
    about them any more. A plan that is restricted to a part, or for once, takes nothing back."""
    judged = set() if plan.restricted else judged_takes(session, plan.catalog)
    if not judged:
        return []
    keys, at = {point.key for point in plan.points}, datetime.now(UTC)
    closed = [take.id for take in plan.takes if take.id in judged and key_of(take) not in keys]
    why = ["its brief no longer chooses by `accept`"]
    return [
        replace(row, outcome=UNJUDGED, score=0.0, parts={}, reasons=why, rule={}, at=at)
        for row in newest_acceptances(session, closed).values()
    ]


def put_on_record(session: Session, catalog: str, rows: Sequence[AcceptanceRow]) -> list[Entry]:
    """Add what `news` and `closings` found, numbered after what is there; returns ledger entries, to be
    appended as the transaction's last statement."""
    newest = newest_acceptances(session, [row.take_id for row in rows])
    numbered = [replace(row, number=newest[row.take_id].number + 1 if row.take_id in newest else 1) for row in rows]
    held = add_acceptances(session, numbered)
    return [
        Entry("acceptance", row.take_id, {"outcome": row.outcome, "rows": held[row.take_id]}, catalog)
        for row in numbered
    ]


def _row(point: ChosenPoint, one: Verdict, at: datetime) -> AcceptanceRow:
    """Its number is given when it is added."""
    return AcceptanceRow(
        take_id=one.take_id, number=0, outcome=one.outcome, score=one.judged.score,
        parts=dict(one.judged.parts), reasons=list(one.judged.reasons), rule=point.rule.as_json(),
        pcm_sha256=one.pcm_sha256, listening=one.listening, at=at,
    )  # fmt: skip


_said = attrgetter("outcome", "score", "pcm_sha256", "listening", "parts", "reasons", "rule")


def shortfalls(stocks: Iterable[Stock], compared: Iterable[str] = (), stopped: bool = False) -> list[str]:
    """A sentence for every point that has fewer good takes than were asked for, and why. Where the run was `stopped`,
    nothing is said of points of which more takes are to come."""
    short = [stock for stock in stocks if not stock.is_enough and (stock.is_made or not stopped)]
    told = [_short(stock, stock.point.cue in set(compared)) for stock in short[:MOST_TOLD]]
    return told + ([f"{len(short) - MOST_TOLD} more points came short"] if len(short) > MOST_TOLD else [])


def _short(stock: Stock, compared: bool) -> str:
    point = stock.point
    where = f"{point} by {point.generator}" if compared else str(point)
    made = sum(state is not None and state.status in (*MADE, *FAILED) for state in stock.states)
    why = Counter(one.judged.faults[0] for one in stock.decided if one.judged.faults)  # a take once
    told = [f"{count} for {FAULTS_TOLD.get(kind, kind)}" for kind, count in why.most_common()]
    told += [f"{len(failed)} did not come out"] if (failed := stock.failed()) else []
    what = f"{printable(where)}: {stock.accepted} of {point.enough} takes are good enough"
    what += f", {made} of at most {point.room} made"
    if stock.unheard:
        names = ", ".join(state.id[:12] for state in stock.unheard[:3])
        what += f"; {len(stock.unheard)} cannot be heard, their files are gone or damaged ({names})"
        return f"{what}; see `cueworks verify`"
    if not told:
        return what
    if any(one.judged.accepted for one in stock.decided):
        advice = "raise `budget`, or ask for less under `accept`"
    else:  # more of the same would hardly be better
        advice = "loosen `accept`, or take another generator" if why else "`cueworks show TAKE` says why"
    return f"{what} ({', '.join(told)}); {advice}"
