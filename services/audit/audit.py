"""A catalog's audit: one question, one view of the database, its rows, pages and totals. Changes nothing.

Why it exists: everything that an audit says is read in one transaction and judged by one register, so that its totals
are those of its rows, however long the reading takes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import ColumnElement, Engine
from sqlalchemy.orm import Session

from db import audit as db
from db.engine import reading
from db.rights_tables import Derivation
from services.audit.asking import AuditError, Wanted, question
from services.audit.judging import BLOCKING, Judge, Kind
from services.audit.reading import Reader
from services.audit.rows import (
    Asked,
    AuditSummary,
    CitedFact,
    GeneratorTotal,
    Judged,
    LedgerHead,
    OrderedBrief,
    Released,
    Stated,
)
from services.rights.materials import OWN_WORK
from services.rights.register import Register, current

NO_LICENCE = "not known"


@contextmanager
def open_audit(engine: Engine, catalog: str, wanted: Wanted) -> "Iterator[Audit]":
    """The audit of `catalog` as it is now. Raises AuditError where it cannot be asked so."""
    with reading(engine) as session:
        head = db.catalog_head(session, catalog)
        if head is None:
            raise AuditError(f"no catalog {catalog!r}; `cueworks takes` lists what there is")
        now = datetime.now(UTC)
        register = current(session).with_seed(now)
        times = [fact.recorded_at for fact in register.facts if fact.recorded_at]
        yield Audit(session, head, register, question(head.name, head.use, head.licensee, wanted, times, now), now)


@dataclass(frozen=True)
class _Part:
    """Takes that share an answer."""

    generator: str
    revision: str
    brief: int
    status: str
    judged: Judged
    takes: int
    standing: int


@dataclass
class Audit:
    """One question to one catalog. Made by `open_audit`; of use while its block lasts."""

    session: Session
    head: db.Head
    register: Register
    asked: Asked
    made_at: datetime

    def __post_init__(self) -> None:
        self.judge = Judge(self.session, self.register, self.asked)
        self.reader = Reader(self.session, self.head, self.judge)
        self._briefs = db.cue_briefs(self.session, self.head.id)

    @cached_property
    def summary(self) -> AuditSummary:
        """The totals, counted by the database: no take is read."""
        mine, parts = db.in_catalog(self.head.id), self._parts
        stopped = [part for part in parts if part.judged.answer in BLOCKING]
        return AuditSummary(
            title=self.head.title,
            asked=self.asked,
            made_at=self.made_at,
            takes=sum(part.takes for part in parts),
            by_answer=_counts((part.judged.answer, part.takes) for part in parts),
            by_status=_counts((part.status, part.takes) for part in parts),
            by_licence=_counts((part.judged.licence or NO_LICENCE, part.takes) for part in parts),
            generators=self._generators(parts),
            blocking=sum(part.standing if part.status == "superseded" else part.takes for part in stopped),
            reviewed=db.review_counts(self.session, mine),
            contributions=db.contribution_counts(self.session, mine),
            releases=tuple(Released(*row) for row in db.release_rows(self.session, db.of_catalog(self.head.id))),
            briefs=self._ordered(parts),
            facts=cited(self.register, (fact for part in parts for fact in part.judged.facts)),
            ledger=ledger_head(self.session),
        )

    @cached_property
    def _parts(self) -> list[_Part]:
        mine, session = db.in_catalog(self.head.id), self.session
        own = db.derived(session, mine, OWN_WORK) if db.has_rows(session, Derivation) else set()
        alike = mine & db.not_derived(OWN_WORK) if own else mine
        loops = self._loops_matter(db.group_counts(session, alike))
        counted = db.group_counts(session, alike, loops)
        standing = db.standing_counts(session, alike, loops)
        parts = [self._part(group, takes, standing.get(group, 0)) for group, takes in counted.items()]
        return parts + self._singly(own, mine)

    def _loops_matter(self, groups: Iterable[db.Group]) -> bool:
        return any(self.judge.depends_on_loop(self._kind(group)) for group in groups)

    def _kind(self, group: db.Group) -> Kind:
        generator, revision, cue, _, loop = group
        return Kind(generator, revision, self._briefs[cue], loop)

    def _part(self, group: db.Group, takes: int, standing: int) -> _Part:
        kind = self._kind(group)
        judged = self.judge.judged(kind)
        return _Part(kind.generator, kind.revision, kind.brief_id, group[3], judged, takes, standing)

    def _singly(self, own: set[str], mine: ColumnElement[bool]) -> list[_Part]:
        """Takes made from other audio, each with an answer of its own."""
        parts = []
        briefs = {row.sha256: row.id for row in db.brief_rows(self.session, self.head.id)}
        for ids in db.parts_of(sorted(own)):
            for row in self.reader.rows(mine & db.with_ids(self.session, ids)):
                stands = int(any(release.withdrawn_at is None for release in row.releases))
                brief = briefs.get(row.brief_sha256 or "", 0)
                parts.append(_Part(row.generator, row.revision, brief, row.status, row.judged, 1, stands))
        return parts

    def _generators(self, parts: list[_Part]) -> tuple[GeneratorTotal, ...]:
        takes, standing = Counter[tuple[str, str, Judged]](), Counter[tuple[str, str, Judged]]()
        for part in parts:
            key = (part.generator, part.revision, part.judged)
            takes[key] += part.takes
            standing[key] += part.standing
        cards = db.generator_cards(self.session)
        return tuple(
            GeneratorTotal(
                generator, revision, cards[generator, revision][0], count, standing[generator, revision, judged],
                judged, cards[generator, revision][1],
            )
            for (generator, revision, judged), count in takes.items()
        )  # fmt: skip

    def _ordered(self, parts: list[_Part]) -> tuple[OrderedBrief, ...]:
        takes = Counter[int]()
        for part in parts:
            takes[part.brief] += part.takes
        verdicts: dict[int, list[Stated]] = {}
        for brief, _, _, judgement, answer, use, as_of, at in db.order_verdicts(self.session, self.head.id):
            verdicts.setdefault(brief, []).append(Stated("plan", answer, judgement, use, as_of, at))
        return tuple(
            OrderedBrief(
                row.sha256, row.use, row.licensee, row.planned_at, takes[row.id], tuple(verdicts.get(row.id, ()))
            )
            for row in db.brief_rows(self.session, self.head.id)
        )


def _counts(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sums by name, the largest first."""
    sums = Counter[str]()
    for name, count in counted:
        sums[name] += count
    return dict(sums.most_common())


def cited(register: Register, ids: Iterable[str]) -> tuple[CitedFact, ...]:
    """The facts with these ids, each once, by subject."""
    known = (register.by_id[id_] for id_ in dict.fromkeys(ids) if id_ in register.by_id)
    names = CitedFact.__dataclass_fields__
    return tuple(
        CitedFact(**{name: getattr(fact, name) for name in names})
        for fact in sorted(known, key=lambda fact: (fact.subject, fact.component, fact.id))
    )


def ledger_head(session: Session) -> LedgerHead:
    """How far the ledger goes, and its last checkpoint."""
    last, signed = db.ledger_head(session)
    size, root, at, key = signed or (None, None, None, None)
    return LedgerHead(last.sequence + 1 if last else 0, last.sha256 if last else None, size, root, at, key)
