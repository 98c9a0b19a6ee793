"""The ledger: an append-only chain of entries, one for the whole database, written by one transaction at a time.

Rules:
- An entry is the RFC 8785 canonical JSON of at, body, catalog, kind, previous, sequence, subject, kept byte for byte;
  the columns beside it are a view. `previous` is SHA-256 of the entry before, 64 zeros for the first.
- Sequences count from 0 without gaps. Entry 0 is of kind `origin`: it is written with the first one appended, names the
  log, and holds a digest of the rows that were there before the ledger began. What changes such rows calls `begin`
  first. Tables that came with the ledger have no such rows.
- Appending is the last statement of the transaction that changes what the entries are about, so that others wait for
  it as shortly as possible, and neither is there without the other.
- Entries carry the machine's time, also where its clock ran backwards. Who acts deliberately asks `check_clock` first.

Nothing is ever updated or deleted here; triggers of the database refuse it to everybody.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.canonical import canonical, text_time
from db.chunks import chunks
from db.ledger_rows import KEPT, Kept, Rows, rows_in
from db.rights_tables import APPEND_ONLY, LedgerEntry
from db.tables import Asset, Catalog, Measurement, Take

NOTHING_BEFORE = "0" * 64
ORIGIN = "origin"
CLOCK_TOLERANCE = timedelta(seconds=60)
WRITE_CHUNK = 2_000
READ_CHUNK = 2_000
BEFORE_LEDGER = frozenset(kept.name for kept in KEPT) - set(APPEND_ONLY)  # tables older than the ledger
_LENGTHS = {"kind": 32, "catalog": 64, "subject": 200}
_LEFT_OVER = "it was planned again before the ledger began"
_STATEMENT = "The ledger begins. What was recorded before is held as it stands now, by the digests below."


class ClockError(ValueError):
    """The machine's clock is behind the ledger's last entry; the message says by how much and what to do."""


@dataclass(frozen=True)
class Entry:
    """Something to be put on record. `body` holds plain JSON values (integers within 53 bits, no NaN)."""

    kind: str
    subject: str
    body: Mapping[str, Any]
    catalog: str | None = None


class EntryRow(NamedTuple):
    """An entry as it stands in the database. `entry` is the exact text that was hashed."""

    sequence: int
    kind: str
    catalog: str | None
    subject: str
    at: datetime
    entry: str
    sha256: str
    previous: str


def append(session: Session, entries: Iterable[Entry], at: datetime | None = None) -> None:
    """Put entries on record, in the caller's transaction and as its last statement; waits for other writers.

    `at` is their time (now). Raises ValueError, before anything is written, for an entry that canonical JSON or a
    column cannot hold; entries may stream, then what came before it is the transaction's to roll back.
    """
    parts = chunks(map(_prepared, entries), WRITE_CHUNK)
    first = next(parts, None)
    if first is None:
        return
    session.flush()
    connection = session.connection()
    lock_transaction(connection, "ledger")
    link = _last_link(connection) or _begin(session, [entry for entry, _ in first], at)
    for part in chain((first,), parts):
        link, rows = _chained(link, part, at or datetime.now(UTC))
        _insert(connection, rows)


def begin(session: Session) -> None:
    """Write the first entry where there is none yet: before a transaction changes rows that no entry holds."""
    connection = session.connection()
    if _last_link(connection) is None:
        lock_transaction(connection, "ledger")
        if _last_link(connection) is None:
            _begin(session, [], None)


def check_clock(session: Session, now: datetime | None = None) -> None:
    """Refuse a deliberate act (a fact, a review, a release) on a machine whose clock is behind the ledger.

    Raises ClockError where the last entry lies more than 60 s ahead."""
    last = session.scalar(select(LedgerEntry.at).order_by(LedgerEntry.sequence.desc()).limit(1))
    now = now or datetime.now(UTC)
    if last is not None and last - now > CLOCK_TOLERANCE:
        behind = round((last - now).total_seconds())
        what = f"this machine's clock says {text_time(now)}, {behind} s before the ledger's last entry"
        raise ClockError(f"{what} ({text_time(last)}); set the clock, then try again")


def entries(
    session: Session,
    subject: str | None = None,
    kind: str | None = None,
    catalog: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> Iterator[EntryRow]:
    """Entries in sequence, streamed; from `start` up to, not including, `end`."""
    query = select(*(getattr(LedgerEntry, name) for name in EntryRow._fields)).order_by(LedgerEntry.sequence)
    for column, wanted in (
        (LedgerEntry.subject, subject), (LedgerEntry.kind, kind), (LedgerEntry.catalog, catalog)
    ):  # fmt: skip
        query = query if wanted is None else query.where(column == wanted)
    query = query if start is None else query.where(LedgerEntry.sequence >= start)
    query = query if end is None else query.where(LedgerEntry.sequence < end)
    with session.execute(query.execution_options(yield_per=READ_CHUNK)) as found:
        for part in found.partitions():
            yield from (EntryRow(*row) for row in part)


def entry_texts(session: Session, start: int = 0, end: int | None = None) -> Iterator[str]:
    """The exact texts of entries, in sequence, streamed: what a tree is built from."""
    query = select(LedgerEntry.entry).where(LedgerEntry.sequence >= start).order_by(LedgerEntry.sequence)
    query = query if end is None else query.where(LedgerEntry.sequence < end)
    with session.execute(query.execution_options(yield_per=READ_CHUNK)) as found:
        for part in found.partitions():
            yield from (text for (text,) in part)


def size(session: Session) -> int:
    """How many entries the ledger says it has: one more than its last sequence."""
    last = session.scalar(select(func.max(LedgerEntry.sequence)))
    return 0 if last is None else last + 1


def first_entry(session: Session) -> EntryRow | None:
    """The origin, or what stands in its place; None where nothing was appended yet."""
    return next(entries(session, start=0, end=1), None)


def takes_digest(session: Session, catalog: str) -> dict[str, Any]:
    """How many takes a catalog has, whatever their status, and SHA-256 over their sorted ids, a line each."""
    hashed, count = sha256(), 0
    query = select(Take.id).join(Catalog, Catalog.id == Take.catalog_id).where(Catalog.name == catalog)
    query = query.order_by(Take.id)
    for ids in session.scalars(query.execution_options(yield_per=READ_CHUNK)).partitions():
        hashed.update("".join(f"{id_}\n" for id_ in ids).encode())
        count += len(ids)
    return {"takes": count, "sha256": hashed.hexdigest()}


@dataclass(frozen=True)
class _Link:
    sequence: int
    sha256: str


def _last_link(connection: Connection) -> _Link | None:
    query = select(LedgerEntry.sequence, LedgerEntry.sha256).order_by(LedgerEntry.sequence.desc()).limit(1)
    found = connection.execute(query).first()
    return _Link(*found) if found else None


def _prepared(entry: Entry) -> tuple[Entry, bytes]:
    for name, length in _LENGTHS.items():
        value = getattr(entry, name)
        if value is None and name == "catalog":
            continue
        if not isinstance(value, str) or not 0 < len(value) <= length or "\0" in value:
            raise ValueError(f"{name} of a ledger entry: {value!r:.80}; write 1 to {length} characters")
    return entry, canonical(dict(entry.body))


def _chained(link: _Link, part: list[tuple[Entry, bytes]], at: datetime) -> tuple[_Link, list[tuple[Any, ...]]]:
    """The rows that follow `link`, columns in the order of `EntryRow`, and the last of them as the next link."""
    sequence, previous, time, rows = link.sequence, link.sha256, text_time(at), list[tuple[Any, ...]]()
    for entry, body in part:
        sequence += 1
        head, tail = frame(time, entry.catalog, entry.kind, previous, sequence, entry.subject)
        data = head + body + tail
        digest = sha256(data).hexdigest()
        rows.append((sequence, entry.kind, entry.catalog, entry.subject, at, data.decode(), digest, previous))
        previous = digest
    return _Link(sequence, previous), rows


def frame(
    at: str, catalog: str | None, kind: str, previous: str, sequence: int, subject: str
) -> tuple[bytes, bytes]:
    """What stands before and after the body in an entry with these values."""
    tail = b',"catalog":%s,"kind":%s,"previous":"%s","sequence":%d,"subject":%s}'
    values = (_string(catalog), _string(kind), previous.encode(), sequence, _string(subject))
    return b'{"at":"%s","body":' % at.encode(), tail % values


def _string(value: str | None) -> bytes:
    return b'"%s"' % value.encode() if value is not None and value.isalnum() and value.isascii() else canonical(value)


def _insert(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """By each driver's quickest way. Rows of one call have one time."""
    columns = ", ".join(EntryRow._fields)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY ledger_entry ({columns}) FROM STDIN", rows)
        return
    stored = LedgerEntry.__table__.c.at.type.bind_processor(connection.dialect)
    time = stored(rows[0][4]) if stored else rows[0][4]
    marks = ", ".join("?" * len(EntryRow._fields))
    values = [(*row[:4], time, *row[5:]) for row in rows]
    connection.exec_driver_sql(f"INSERT INTO ledger_entry ({columns}) VALUES ({marks})", values)


def _copy(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """PostgreSQL's COPY, its errors told as SQLAlchemy tells those of other statements."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
    except errors as error:
        raise DBAPIError.instance(statement, None, error, errors) from error


def _begin(session: Session, following: list[Entry], at: datetime | None) -> _Link:
    """Write the origin. Rows that the entries which follow record are no part of what was before."""
    body = {"statement": _STATEMENT, "log": secrets.token_hex(16), "before": _before(session, following)}
    first = [Entry(ORIGIN, ORIGIN, body), *_left_over(session)]
    link, rows = _chained(_Link(-1, NOTHING_BEFORE), list(map(_prepared, first)), at or datetime.now(UTC))
    _insert(session.connection(), rows)
    return link


def _left_over(session: Session) -> Iterator[Entry]:
    """Takes that were planned again before the ledger began: their old files and measurements may be replaced."""
    query = select(Take.id, Catalog.name).join(Catalog, Catalog.id == Take.catalog_id).where(Take.pcm_sha256.is_(None))
    files = select(Asset.take_id).where(Asset.take_id == Take.id).exists()
    measured = select(Measurement.take_id).where(Measurement.take_id == Take.id).exists()
    for part in chunks(session.execute(query.where(files | measured)).all(), WRITE_CHUNK):
        rows = rows_in(session, [Asset, Measurement], [id_ for id_, _ in part])
        for id_, catalog in part:
            if id_ in rows:
                yield Entry("plan-again", id_, {"reason": _LEFT_OVER, "before": rows[id_]}, catalog)


def _before(session: Session, following: list[Entry]) -> dict[str, Any]:
    recorded: dict[str, Rows] = {}
    for entry in following:
        if "rows" in entry.body:
            recorded[entry.subject] = entry.body["rows"]
    counted = {}
    for kept in KEPT:
        if kept.name not in BEFORE_LEDGER:
            continue
        found = RowsDigest()
        for subject, key, value in _all_rows(session, kept):
            if key not in recorded.get(subject, {}).get(kept.name, {}):
                found.add(subject, key, value)
        if found.count:
            counted[kept.name] = found.as_json()
    return counted


def _all_rows(session: Session, kept: Kept) -> Iterator[tuple[str, str, list[Any]]]:
    """A table's rows that the ledger would hold. A take without sound is an order, which plans put on record."""
    query = kept.query()
    if kept.name == "take":
        query = query.where(kept.table.c.pcm_sha256.is_not(None))
    with session.execute(query.execution_options(yield_per=READ_CHUNK)) as found:
        for part in found.partitions():
            for subject, *values in part:
                yield subject, *kept.value(subject, values)


class RowsDigest:
    """A digest of a set of rows that does not depend on their order: databases sort text in different ways.

    The sum modulo a 2048-bit number of numbers drawn by SHA-256 from each row (a set hash after Bellare and
    Micciancio's AdHash, wide enough that no other set can be found that sums to the same)."""

    _BITS = 2048

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, subject: str, key: str, value: list[Any]) -> None:
        row = sha256(canonical([subject, key, value])).digest()
        drawn = b"".join(sha256(row + bytes([part])).digest() for part in range(self._BITS // 256))
        self._sum = (self._sum + int.from_bytes(drawn, "big")) % (1 << self._BITS)
        self.count += 1

    def as_json(self) -> dict[str, Any]:
        """`{"rows": count, "sha256": ...}`"""
        return {"rows": self.count, "sha256": sha256(self._sum.to_bytes(self._BITS // 8, "big")).hexdigest()}
