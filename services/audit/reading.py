"""Reads a catalog as an audit tells it: pages of columns, a row a take, streamed. Changes nothing.

Why it exists: the table file, the page for a person and the answer to a program come from one place, so they cannot
differ. A page holds one list a field of `AuditRow`, in the fields' order; what many takes share (a verdict, a release)
is one object that they share. Times and the ledger's numbers are as the database gives them until a row is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from db import audit as db
from db.rights_tables import Contribution, Derivation, ReleaseItem, Review, Verdict
from db.tables import Take
from services.audit.judging import Judge, Kind
from services.audit.rows import AuditRow, Contributed, Judged, Released, Reviewed, Stated
from services.rights.materials import OWN_WORK

FIELDS = tuple(f.name for f in fields(AuditRow))
TIMES = ("planned_at", "recorded_at")  # of a page: as the driver gives them, see `db.audit.moment`
Page = dict[str, list[Any]]  # field of AuditRow: one value a take


@dataclass
class Reader:
    """Reads the takes of one catalog within one view of the database."""

    session: Session
    head: db.Head
    judge: Judge
    _stated: dict[tuple[Any, ...], Stated] = field(default_factory=dict)
    _judgements: dict[str, db.JudgementHead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        session, catalog = self.session, self.head.id
        self._briefs = db.cue_briefs(session, catalog)
        self._brief_sha256 = {row.id: row.sha256 for row in db.brief_rows(session, catalog)}
        self._plans = {
            (brief, generator, revision): Stated("plan", answer, judgement, use, as_of, at)
            for brief, generator, revision, judgement, answer, use, as_of, at in db.order_verdicts(session, catalog)
        }
        self._releases = {row.id: Released(*row) for row in db.release_rows(session, db.of_catalog(catalog))}
        tables = (Verdict, Review, Contribution, ReleaseItem, Derivation)
        self._there = {table: db.has_rows(session, table) for table in tables}

    def pages(self, where: ColumnElement[bool] | None = None) -> Iterator[Page]:
        """All takes of the catalog (or those that `where` names), in the brief's order."""
        chosen = Take.catalog_id == self.head.id
        if where is not None:
            chosen = chosen & where
        for takes in db.take_pages(self.session, chosen):
            yield self._page(takes, chosen & Take.position.between(takes[0].position, takes[-1].position))

    def rows(self, where: ColumnElement[bool] | None = None) -> Iterator[AuditRow]:
        """The same, a row at a time."""
        for page in self.pages(where):
            for name in TIMES:
                page[name] = list(map(db.moment, page[name]))
            page["ledger"] = list(map(_numbers, page["ledger"]))
            yield from (AuditRow(*values) for values in zip(*page.values(), strict=True))

    def _page(self, takes: list[Any], which: ColumnElement[bool]) -> Page:
        page: Page = dict(zip(db.TAKE_FIELDS, map(list, zip(*takes, strict=True)), strict=True))
        ids = page["take"]
        page["catalog"] = [self.head.name] * len(ids)
        page |= self._decided(ids, which)
        page |= self._verdicts(page)
        briefs = [self._briefs[cue] for cue in page["cue_id"]]
        generators = list(zip(page["generator"], page["revision"], strict=True))
        page["plan"] = [self._plans.get((brief, *made)) for brief, made in zip(briefs, generators, strict=True)]
        page["brief_sha256"] = [self._brief_sha256[brief] for brief in briefs]
        page["judged"] = self._judged(page, briefs, which)
        return {name: page[name] for name in FIELDS}

    def _judged(self, page: Page, briefs: list[int], which: ColumnElement[bool]) -> list[Judged]:
        made = list(zip(page["generator"], page["revision"], briefs, strict=True))
        answers = {one: self.judge.judged(Kind(*one)) for one in set(made)}
        looping = {one for one in answers if self.judge.depends_on_loop(Kind(*one))}
        judged = [answers[one] for one in made]
        loops = db.loops(self.session, which) if looping else set()
        own = db.derived(self.session, which, OWN_WORK) if self._there[Derivation] else set()
        if not loops and not own:
            return judged
        kinds = {
            number: (id_, Kind(*one, id_ in loops))
            for number, (id_, one) in enumerate(zip(page["take"], made, strict=True))
            if id_ in own or (one in looping and id_ in loops)
        }
        singly = self.judge.of_takes([named for named in kinds.values() if named[0] in own])
        for number, (id_, kind) in kinds.items():
            judged[number] = singly[id_] if id_ in own else self.judge.judged(kind)
        return judged

    def _verdicts(self, page: Page) -> Page:
        left = [id_ for id_, releases in zip(page["take"], page["releases"], strict=True) if releases]
        released = db.released_verdicts(self.session, left)
        seen = {*page["judgement"], *(judgement for judgement, _ in released.values())}
        missing = seen - self._judgements.keys() - {None}
        self._judgements |= db.judgement_heads(self.session, sorted(missing))
        recorded = zip(page["judgement"], page["judged_at"], strict=True)
        return {
            "record": [self._state("record", judgement, at) for judgement, at in recorded],
            "release": [self._state("release", *released.get(id_, (None, None))) for id_ in page["take"]],
        }

    def _state(self, stage: str, judgement: str | None, at: Any) -> Stated | None:
        if judgement is None:
            return None
        key = (stage, judgement, at)
        if key not in self._stated:
            head = self._judgements[judgement]
            if len(self._stated) > db.PAGE:
                self._stated.clear()
            self._stated[key] = Stated(stage, head.answer, judgement, head.use, head.as_of, db.utc(at))
        return self._stated[key]

    def _decided(self, ids: list[str], which: ColumnElement[bool]) -> Page:
        reviews = db.reviews(self.session, which) if self._there[Review] else {}
        given = db.contributions(self.session, which) if self._there[Contribution] else {}
        left = db.released_in(self.session, which) if self._there[ReleaseItem] else {}
        reviewed = {take: Reviewed(*told) for take, told in reviews.items()}
        contributed = {take: tuple(Contributed(*one) for one in told) for take, told in given.items()}
        released = {take: self._in_order(names) for take, names in left.items()}
        return {
            "review": [reviewed.get(id_) for id_ in ids],
            "contributions": [contributed.get(id_, ()) for id_ in ids],
            "releases": [released.get(id_, ()) for id_ in ids],
        }

    def _in_order(self, ids: list[str]) -> tuple[Released, ...]:
        return tuple(sorted((self._releases[id_] for id_ in ids), key=lambda release: (release.at, release.id)))


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(sorted(map(int, text.split(",")))) if text else ()
