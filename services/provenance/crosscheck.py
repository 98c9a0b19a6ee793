"""The catalog's rows against the entries that recorded them: changed, missing and inserted rows, by name.

Subjects are gone through in ranges, in the database's own order of text, so that rows and entries about the same
subjects meet in memory and nothing else has to. Takes are held to their order too, of which their id is the digest,
and texts to the digest that they are kept under. Nothing here writes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, literal, select, union_all
from sqlalchemy.orm import Session

from db.canonical import canonical, digest
from db.ledger import BEFORE_LEDGER, ORIGIN, READ_CHUNK, EntryRow, RowsDigest, entries, takes_digest
from db.ledger_rows import KEPT, Kept
from db.rights_tables import LedgerEntry
from db.tables import Brief, Catalog, Cue, EngineProfile, Prompt, Take
from services.provenance.findings import MOST_FINDINGS, Report

PAGE = 1_000  # subjects


def check_rows(session: Session, first: EntryRow | None, report: Report) -> int:
    """Hold every row to the entries about its subject; returns how many there were."""
    if first is None:
        _check_nothing(session, report)
        return 0
    rows = _Rows(session, report, _before(first, report))
    for low, high in _ranges(session):
        rows.check(low, high)
    rows.close()
    _check_orders(session, report)
    _check_texts(session, report)
    return rows.count


def _check_nothing(session: Session, report: Report) -> None:
    """A ledger without entries: rows that come only with an entry cannot be there, others are on no record yet."""
    for kept in KEPT:
        if session.execute(select(literal(1)).select_from(kept.table).limit(1)).first() is None:
            continue
        if kept.name in BEFORE_LEDGER:
            what = f"rows of {kept.name} are on no record: the ledger begins with the next command that writes"
            report.note("before", what, "run `cueworks ledger checkpoint` after it", table=kept.name)
        else:
            what = f"the ledger is empty, but {kept.name} has rows, which come only with an entry: it was emptied"
            report.problem("missing", what, table=kept.name)


def _before(first: EntryRow, report: Report) -> Mapping[str, Any]:
    try:
        before = json.loads(first.entry)["body"]["before"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    if first.kind != ORIGIN or not isinstance(before, dict):
        return {}
    for table in before.keys() - BEFORE_LEDGER:
        what = f"the ledger's first entry tells of rows of {table} from before it, which come only with an entry"
        report.problem("inserted", what, sequence=0, subject=first.subject, table=str(table))
    return before


def _ranges(session: Session) -> Iterator[tuple[str | None, str | None]]:
    """Subjects cut into ranges of some `PAGE` entries and rows of each table, in the database's own order of text."""
    low: str | None = None
    while True:
        high = session.scalar(_boundary(low))
        yield low, high
        if high is None:
            return
        low = high


def _boundary(low: str | None) -> Any:
    columns: list[ColumnElement[Any]] = [LedgerEntry.__table__.c.subject]
    columns += [kept.subject_column for kept in KEPT if kept.through is None]
    parts = []
    for column in columns:
        part = select(cast(column, Text).label("subject")).order_by(column).limit(1).offset(PAGE)
        parts.append(part if low is None else part.where(column > low))
    found = union_all(*(select(part.subquery().c.subject) for part in parts)).subquery()
    return select(found.c.subject).order_by(found.c.subject).limit(1)


def _within(column: ColumnElement[Any], low: str | None, high: str | None) -> list[ColumnElement[bool]]:
    found = [] if low is None else [column >= low]
    return found if high is None else [*found, column < high]


@dataclass(slots=True)
class _Held:
    """What the ledger holds of one row: its value, by which entry, and whether its take was planned again since."""

    value: list[Any]
    sequence: int
    replaceable: bool = False


class _Rows:
    """Compares rows with entries, a range of subjects at a time."""

    def __init__(self, session: Session, report: Report, before: Mapping[str, Any]) -> None:
        self._session, self._report, self._before = session, report, before
        self._unrecorded = {kept.name: RowsDigest() for kept in KEPT}
        self._unknown: dict[str, list[tuple[str, str]]] = {kept.name: [] for kept in KEPT}
        self._names = {kept.name: kept for kept in KEPT}
        self.count = 0

    def check(self, low: str | None, high: str | None) -> None:
        held = self._held(low, high)
        for kept in KEPT:
            query = kept.query().where(*_within(kept.subject_column, low, high))
            for subject, *values in self._session.execute(query.execution_options(yield_per=READ_CHUNK)):
                key, value = kept.value(subject, values)
                self._compare(kept, subject, key, value, held.get(subject, {}).pop((kept.name, key), None))
        for subject, rows in held.items():
            for (table, key), row in rows.items():
                if not row.replaceable:
                    self._tell("missing", table, subject, key, row, "is missing")
        self._check_takes(low, high)

    def close(self) -> None:
        """Hold what no entry records to what was there before the ledger began."""
        for kept in KEPT:
            found = self._unrecorded[kept.name].as_json()
            if found == self._before.get(kept.name, RowsDigest().as_json()):
                self._note_old(kept, found["rows"])
            else:
                self._tell_inserted(kept, found)

    def _held(self, low: str | None, high: str | None) -> dict[str, dict[tuple[str, str], _Held]]:
        held: dict[str, dict[tuple[str, str], _Held]] = {}
        columns = (LedgerEntry.sequence, LedgerEntry.kind, LedgerEntry.subject, LedgerEntry.entry)
        query = select(*columns).where(*_within(LedgerEntry.__table__.c.subject, low, high))
        query = query.order_by(LedgerEntry.sequence)
        for sequence, kind, subject, text in self._session.execute(query.execution_options(yield_per=READ_CHUNK)):
            body = _body(text)
            known = held.setdefault(subject, {})
            if kind == "plan-again":
                self._forget(subject, known, body.get("before"))
            for table, key, value in _named_rows(body.get("rows")):
                self._mention(subject, known, table, key, _Held(value, sequence))
        return held

    def _forget(self, subject: str, known: dict[tuple[str, str], _Held], before: Any) -> None:
        """A take was planned again. What it had from before the ledger counts as what was there then."""
        for table, key, value in _named_rows(before):
            if (table, key) not in known and table in self._names:
                self._unrecorded[table].add(subject, key, value)
                known[table, key] = _Held(value, -1)
        for (table, _), row in known.items():
            row.replaceable = table in self._names and self._names[table].replaced

    def _mention(self, subject: str, known: dict[tuple[str, str], _Held], table: str, key: str, row: _Held) -> None:
        earlier = known.get((table, key))
        if earlier is not None and not earlier.replaceable and earlier.value != row.value:
            what = f"was changed before entry {row.sequence} recorded it again"
            self._tell("changed", table, subject, key, earlier, what, row.value)
        known[table, key] = row

    def _compare(self, kept: Kept, subject: str, key: str, value: list[Any], row: _Held | None) -> None:
        if row is None:
            if kept.name != "take" or value[0] is not None:
                self._unrecorded[kept.name].add(subject, key, value)
                if len(self._unknown[kept.name]) < MOST_FINDINGS:
                    self._unknown[kept.name].append((subject, key))
            return
        self.count += 1
        if not row.replaceable and value != row.value:
            self._tell("changed", kept.name, subject, key, row, "is not as it was recorded", value)

    def _tell(
        self, kind: str, table: str, subject: str, key: str, row: _Held, what: str, found: list[Any] | None = None
    ) -> None:
        told = f"{_row_name(table, subject, key)} {what}"
        if found is not None:
            told += _shown_difference(self._names.get(table), row.value, found)
        by = "what was there before the ledger" if row.sequence < 0 else f"entry {row.sequence}"
        about = {"subject": subject, "table": table, "key": key, "expected": _brief(row.value)}
        if found is not None:
            about["found"] = _brief(found)
        self._report.problem(kind, f"{told} (recorded by {by})", sequence=row.sequence, **about)

    def _note_old(self, kept: Kept, count: int) -> None:
        if count:
            what = f"{count} rows of {kept.name} were recorded before the ledger began, and are as they were then"
            self._report.note("before", what, "nothing to do; the first entry holds their digest", table=kept.name)

    def _tell_inserted(self, kept: Kept, found: Mapping[str, Any]) -> None:
        expected = self._before.get(kept.name, {})
        there = expected.get("rows", 0) if isinstance(expected, dict) else 0
        if there == 0:
            for subject, key in self._unknown[kept.name]:
                what = f"{_row_name(kept.name, subject, key)} was inserted: no entry records it"
                self._report.problem("inserted", what, subject=subject, table=kept.name, key=key)
            return
        what = f"the rows of {kept.name} from before the ledger began are no longer what they were"
        self._report.problem(
            "changed", f"{what}: {there} then, {found['rows']} now", table=kept.name,
            expected=_brief(expected), found=_brief(found),
        )  # fmt: skip

    def _check_takes(self, low: str | None, high: str | None) -> None:
        """A take's id is the digest of its order; its cue is one of its catalog's; its status goes with its sound."""
        columns = [getattr(Take, name) for name in _ORDER]
        query = select(Take.id, Take.state, Take.status, Take.pcm_sha256, Catalog.name, Prompt.text, *_CUE, *columns)
        query = query.outerjoin(Catalog, Catalog.id == Take.catalog_id)  # whatever a row refers to, it is looked at
        query = query.outerjoin(Prompt, Prompt.sha256 == Take.prompt_sha256)
        query = query.outerjoin(Cue, Cue.id == Take.cue_id).outerjoin(Brief, Brief.id == Cue.brief_id)
        query = query.where(*_within(Take.__table__.c.id, low, high))
        for id_, state, status, pcm, catalog, prompt, cue, of_catalog, at, *values in self._session.execute(query):
            order = dict(zip(_ORDER, values, strict=True)) | {"catalog": catalog, "prompt": prompt}
            if (found := _identity(order)) != id_:
                self._tell_take(id_, "is not as it was ordered: its row hashes to " + found, found, id_)
            elif isinstance(order["controls"], dict) and not _may_stand_under(order["controls"], state):
                self._tell_take(id_, "has another state than it was ordered for", state)
            if cue != order["cue"] or of_catalog != at:
                self._tell_take(id_, "belongs to a cue that is not its own, or that was changed", cue)
            if (pcm is None) != (status not in ("done", "superseded")) and not (pcm is None and status == "superseded"):
                self._tell_take(id_, f"is {status}, and its sound is {'missing' if pcm is None else 'there'}", status)

    def _tell_take(self, id_: str, what: str, found: str | None, expected: str | None = None) -> None:
        told = f"take {id_} {what}"
        self._report.problem("changed", told, subject=id_, table="take", key="", expected=expected, found=found)


_CUE = (Cue.name, Brief.catalog_id, Take.catalog_id)
_ORDER = ("zone", "cue", "point", "index", "controls", "delivery", "seed", "generator", "revision")


def _may_stand_under(controls: Mapping[str, Any], state: str) -> bool:
    """Whether a take with these controls may be listed under a state: music under its own; what announces a state or
    leads from one to another under whatever its brief calls it."""
    announces = bool(controls.get("stinger")) or controls.get("destination") is not None
    return announces or controls.get("state", state) == state


def _identity(order: Mapping[str, Any]) -> str:
    """What `services.planning.identity.take_id` gives, several times as fast."""
    try:
        return digest(dict(order))
    except ValueError:
        return "nothing"


def _body(text: str) -> Mapping[str, Any]:
    """An entry's body; an empty one where the text is damaged, which the chain tells."""
    try:
        body = json.loads(text)["body"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _named_rows(rows: Any) -> Iterator[tuple[str, str, list[Any]]]:
    if not isinstance(rows, dict):
        return
    for table, keyed in rows.items():
        if isinstance(keyed, dict):
            yield from ((table, key, value) for key, value in keyed.items() if isinstance(value, list))


def _row_name(table: str, subject: str, key: str) -> str:
    return f"{table} {subject}{f' ({key})' if key else ''}"


def _shown_difference(kept: Kept | None, expected: list[Any], found: list[Any]) -> str:
    """Which of the columns that the ledger holds openly differ."""
    if kept is None or len(expected) != len(found):
        return ""
    names = [name for name, one, other in zip(kept.shown, expected, found, strict=False) if one != other]
    return f": {', '.join(names)}" if names else f": one of {', '.join(kept.hidden)}"


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:500]


def _check_orders(session: Session, report: Report) -> None:
    """Each catalog's takes against the last plan that counted them; whatever inserts takes is a plan."""
    for plan in _last_plans(session):
        counted = _body(plan.entry).get("takes")
        if not isinstance(counted, dict):
            continue
        found = takes_digest(session, str(plan.catalog))
        if found != counted:
            what = f"catalog {plan.catalog!r}: {counted.get('takes')} takes were ordered, {found['takes']} are there"
            if counted.get("takes") == found["takes"]:
                what = f"catalog {plan.catalog!r}: other takes are there than were ordered"
            about = {"expected": _brief(counted), "found": _brief(found)}
            report.problem("takes", what, sequence=plan.sequence, subject=plan.subject, table="take", **about)


def _last_plans(session: Session) -> Iterable[EntryRow]:
    last: dict[str | None, EntryRow] = {}
    for row in entries(session, kind="plan"):
        if "takes" in _body(row.entry):
            last[row.catalog] = row
    return last.values()


def _check_texts(session: Session, report: Report) -> None:
    """Texts that are kept under their own digest."""
    briefs = select(Brief.id, Brief.sha256, Brief.text).execution_options(yield_per=50)
    for id_, expected, text in session.execute(briefs):
        _check_digest("brief", str(id_), expected, text, report)
    for expected, prompt in session.execute(select(Prompt.sha256, Prompt.text).execution_options(yield_per=READ_CHUNK)):
        _check_digest("prompt", expected, expected, prompt.encode("utf-8", "surrogatepass"), report)
    query = select(EngineProfile.sha256, EngineProfile.profile).execution_options(yield_per=READ_CHUNK)
    for expected, profile in session.execute(query):
        _check_profile(expected, profile, report)


def _check_profile(expected: str, profile: Any, report: Report) -> None:
    try:
        data = canonical(profile)
    except ValueError:
        data = b""
    _check_digest("engine_profile", expected, expected, data, report)


def _check_digest(table: str, key: str, expected: str, data: bytes, report: Report) -> None:
    found = sha256(data).hexdigest()
    if found != expected:
        what = f"{table} {key} was changed: it is kept under its digest, and hashes to another"
        report.problem("changed", what, subject=key, table=table, key="", expected=expected, found=found)
