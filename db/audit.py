"""Reads what an audit of a whole catalog needs: takes by the page, and what hangs on them. Writes nothing.

Why it exists: a million takes are read as plain columns, a page at a time, and everything else is looked up for a
whole page at once, so that memory stays flat and no row becomes an object of a mapper. JSON that no answer needs
(controls, delivery) is never read, and times stay as the driver gives them until somebody looks (`moment`).

What hangs on takes is asked for by a condition on `Take`, the same for every question about a page.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    String,
    Text,
    UnaryExpression,
    any_,
    cast,
    distinct,
    exists,
    func,
    literal,
    select,
    text,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import Row
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.operators import custom_op

from db.rights_tables import (
    Checkpoint,
    Contribution,
    Derivation,
    Judgement,
    LedgerEntry,
    OrderVerdict,
    Release,
    ReleaseItem,
    Review,
    Verdict,
    Withdrawal,
)
from db.tables import Asset, Base, Brief, Catalog, Cue, Generator, Prompt, Take

PAGE = 20_000
MASTER_ROLE = "mix"


@dataclass(frozen=True, slots=True)
class Head:
    """A catalog as an audit begins with it: the use and licensee are those of its newest brief."""

    id: int
    name: str
    title: str
    use: str
    licensee: dict[str, Any]


def catalog_head(session: Session, name: str) -> Head | None:
    """The catalog `name`; None where there is none."""
    query = (
        select(Catalog.id, Catalog.title, Brief.use, Brief.licensee)
        .outerjoin(Brief, Brief.catalog_id == Catalog.id)
        .where(Catalog.name == name)
        .order_by(Brief.id.desc())
    )
    found = session.execute(query.limit(1)).first()
    return Head(found.id, name, found.title, found.use or "", found.licensee or {}) if found else None


def among(session: Session, column: InstrumentedAttribute[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """The condition that `column` is one of `values`, however many: they go as one parameter, an array (as JSON in
    SQLite), whose length PostgreSQL plans by."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(String)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def utc(value: Any) -> datetime:
    """A time as the driver gives it (text or a time) as aware UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def moment(value: Any) -> datetime | None:
    """The same of a column that may be empty."""
    return None if value is None else utc(value)


def _raw(session: Session, column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """A time column without the conversion of every value in Python."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    return type_coerce(column, String() if sqlite else DateTime(timezone=True))


TAKE_FIELDS = (
    "take", "cue_id", "position", "zone", "cue", "state", "point", "index", "prompt", "prompt_sha256", "seed",
    "generator", "revision", "status", "planned_at", "recorded_at", "pcm_sha256", "master_sha256", "master_path",
    "master_media_type", "duration_s", "engine_profile", "judgement", "judged_at", "ledger",
)  # fmt: skip


def take_pages(session: Session, where: ColumnElement[bool], size: int = PAGE) -> Iterator[list[Row[Any]]]:
    """Takes in catalog and brief order as rows of `TAKE_FIELDS`, streamed by the page.

    `point` is JSON text; the times are raw; the master is the mix that holds the take's PCM, the judgement the last one
    when it was recorded; `ledger` the numbers of the entries about it, between commas."""
    read_whole(session)
    held: list[Row[Any]] = []  # the rows of the last take: more of them may come
    with session.connection().execute(_takes(session, where).execution_options(yield_per=size)) as found:
        for page in found.partitions(size):
            rows = [*held, *page]
            cut = next((n for n in range(len(rows) - 1, 0, -1) if rows[n - 1][0] != rows[-1][0]), 0)
            rows, held = rows[:cut], rows[cut:]
            if rows:
                yield _once(rows)
    if held:
        yield _once(held)


def read_whole(session: Session) -> None:
    """Tell PostgreSQL, for this transaction, that all of a cursor will be read: it plans for the first tenth otherwise,
    a million look-ups where a join is three times as fast."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL cursor_tuple_fraction = 1"))
        session.execute(text("SET LOCAL work_mem = '64MB'"))


def _takes(session: Session, where: ColumnElement[bool]) -> Select[Any]:
    """One row a take, but for masters in several formats and takes judged twice: the last of their rows counts.

    Left joins keep to the takes' order on SQLite, too, which has no statistics."""
    master = (Asset.take_id == Take.id) & (Asset.role == MASTER_ROLE) & (Asset.pcm_sha256 == Take.pcm_sha256)
    recorded = (Verdict.take_id == Take.id) & (Verdict.stage == "record")
    return (
        select(
            Take.id, Take.cue_id, Take.position, Take.zone, Take.cue, Take.state, cast(Take.point, Text), Take.index,
            Prompt.text, Take.prompt_sha256, Take.seed, Take.generator, Take.revision, Take.status,
            _raw(session, Take.planned_at), _raw(session, Take.recorded_at), Take.pcm_sha256, Asset.sha256, Asset.path,
            Asset.media_type, Asset.duration_s, Asset.engine_profile, Verdict.judgement_id,
            _raw(session, Verdict.judged_at), _entry_numbers(session),
        )
        .select_from(Take)
        .join(Prompt, Prompt.sha256 == Take.prompt_sha256)
        .outerjoin(Asset, master)
        .outerjoin(Verdict, recorded)
        .where(where)
        .order_by(Take.catalog_id, Take.position, Take.id)
    )  # fmt: skip


def _entry_numbers(session: Session) -> ColumnElement[Any]:
    return joined(session, LedgerEntry.sequence, LedgerEntry.subject == Take.id)


def joined(session: Session, column: InstrumentedAttribute[Any], where: ColumnElement[bool]) -> ColumnElement[Any]:
    """The values of `column` that hang on a take, in order, as one text with commas between; NULL where there are none.

    SQLite joins them in the order of the index that it finds them by."""
    if session.get_bind().dialect.name == "sqlite":
        listed = func.group_concat(column, ",")
    else:
        listed = func.string_agg(cast(column, Text), aggregate_order_by(literal(","), column))
    return select(listed).where(where).correlate(Take).scalar_subquery()


def _once(page: list[Row[Any]]) -> list[Row[Any]]:
    """Of a take's rows the one that was judged last, and of these the first by media type."""
    if len({row[0] for row in page}) == len(page):
        return page
    judged, media = TAKE_FIELDS.index("judged_at"), TAKE_FIELDS.index("master_media_type")
    by_take = (sorted(rows, key=lambda row: row[media] or "") for _, rows in groupby(page, key=lambda row: row[0]))
    return [max(rows, key=lambda row: (row[judged] is not None, row[judged])) for rows in by_take]


def _rows(session: Session, query: Select[Any]) -> Sequence[Row[Any]]:
    return session.connection().execute(query).all()


def released_verdicts(session: Session, takes: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """(judgement, judged at, raw) of the last verdict by take when it was to be released."""
    at = _raw(session, Verdict.judged_at)
    query = select(Verdict.take_id, Verdict.judgement_id, at).where(among(session, Verdict.take_id, takes))
    found: dict[str, tuple[str, Any]] = {}
    for take, judgement, judged_at in _rows(session, query.where(Verdict.stage == "release")) if takes else []:
        if take not in found or found[take][1] <= judged_at:
            found[take] = (judgement, judged_at)
    return found


def hangs_on(session: Session, column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """That `column` names the take. SQLite, which has no statistics, is made to begin with the takes: an operand
    with a `+` before it is no way into an index (sqlite.org, "The SQLite Query Optimizer Overview", 2.1)."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    return column == (UnaryExpression(Take.__table__.c.id, operator=custom_op("+")) if sqlite else Take.id)


@dataclass(frozen=True, slots=True)
class JudgementHead:
    """What is told of a judgement in a table: its reasons are read where one take is looked at."""

    id: str
    answer: str
    use: str
    as_of: date


def judgement_heads(session: Session, ids: Sequence[str]) -> dict[str, JudgementHead]:
    """The judgements `ids`."""
    query = select(Judgement.id, Judgement.answer, Judgement.use, Judgement.as_of)
    found = _rows(session, query.where(among(session, Judgement.id, ids))) if ids else []
    return {row.id: JudgementHead(*row) for row in found}


def order_verdicts(session: Session, catalog_id: int) -> list[Row[Any]]:
    """(brief id, generator, revision, judgement, answer, use, as of, judged at) of a catalog's orders, oldest first."""
    query = (
        select(OrderVerdict.brief_id, Judgement.generator, Judgement.revision, Judgement.id, Judgement.answer,
               Judgement.use, Judgement.as_of, OrderVerdict.judged_at)
        .join(Judgement, Judgement.id == OrderVerdict.judgement_id)
        .join(Brief, Brief.id == OrderVerdict.brief_id)
        .where(Brief.catalog_id == catalog_id)
        .order_by(OrderVerdict.judged_at, Judgement.id)
    )  # fmt: skip
    return list(_rows(session, query))


def cue_briefs(session: Session, catalog_id: int) -> dict[int, int]:
    """Which brief each cue of a catalog belongs to."""
    query = select(Cue.id, Cue.brief_id).join(Brief, Brief.id == Cue.brief_id).where(Brief.catalog_id == catalog_id)
    return {cue: brief for cue, brief in _rows(session, query)}


def has_rows(session: Session, table: type[Base]) -> bool:
    """Whether a table holds anything at all."""
    return bool(session.scalar(select(exists(select(literal(1)).select_from(table)))))


def reviews(session: Session, which: ColumnElement[bool]) -> dict[str, tuple[str, str, str, datetime]]:
    """(decision, by, note, at) of the newest review of each take."""
    query = select(Review.take_id, Review.decision, Review.by, Review.note, Review.at)
    query = query.join(Take, hangs_on(session, Review.take_id)).where(which).order_by(Review.at, Review.id)
    return {take: tuple(told) for take, *told in _rows(session, query)}


def contributions(session: Session, which: ColumnElement[bool]) -> dict[str, list[tuple[Any, ...]]]:
    """(kind, by, note, sha256, at) of what people put into each take, oldest first."""
    query = select(Contribution.take_id, Contribution.kind, Contribution.by, Contribution.note, Contribution.sha256,
                   Contribution.at)  # fmt: skip
    query = query.join(Take, hangs_on(session, Contribution.take_id)).where(which)
    query = query.order_by(Contribution.at, Contribution.id)
    return _gathered(_rows(session, query))


def released_in(session: Session, which: ColumnElement[bool]) -> dict[str, list[str]]:
    """Ids of the releases that each take is part of."""
    query = select(ReleaseItem.take_id, ReleaseItem.release_id).distinct()
    query = query.join(Take, hangs_on(session, ReleaseItem.take_id)).where(which)
    found: dict[str, list[str]] = defaultdict(list)
    for take, release in _rows(session, query):
        found[take].append(release)
    return found


def _gathered(rows: Sequence[Row[Any]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for key, *told in rows:
        found[key].append(tuple(told))
    return found


def release_rows(session: Session, where: ColumnElement[bool] | None = None) -> list[Row[Any]]:
    """Releases, oldest first, each with when and why it was withdrawn, if it was."""
    columns = (Release.id, Release.name, Release.use, Release.target, Release.by, Release.created_at,
               Release.manifest_sha256, Withdrawal.at, Withdrawal.reason)  # fmt: skip
    query = select(*columns).outerjoin(Withdrawal, Withdrawal.release_id == Release.id)
    query = query.where(true() if where is None else where).order_by(Release.created_at, Release.id)
    return list(_rows(session, query))


# ---------------------------------------------------------------------------------------------- totals


def in_catalog(catalog_id: int) -> ColumnElement[bool]:
    """The condition that a take belongs to a catalog."""
    return Take.catalog_id == catalog_id


Group = tuple[str, str, int, str, bool]  # generator, revision, cue id, status, loop


def group_counts(session: Session, where: ColumnElement[bool], loops: bool = False) -> dict[Group, int]:
    """Takes counted by `Group`; loop is False for all unless `loops` asks for it."""
    return _counted(session, select(func.count()).select_from(Take).where(where), loops)


def standing_counts(session: Session, where: ColumnElement[bool], loops: bool = False) -> dict[Group, int]:
    """Takes that are part of a release that stands, counted by `Group`."""
    query = select(func.count(distinct(Take.id))).select_from(ReleaseItem).join(Take, Take.id == ReleaseItem.take_id)
    return _counted(session, query.where(where, STANDING), loops) if has_rows(session, ReleaseItem) else {}


def _counted(session: Session, query: Select[Any], loops: bool) -> dict[Group, int]:
    keys: list[ColumnElement[Any]] = [Take.generator, Take.revision, Take.cue_id, Take.status]  # type: ignore[list-item]
    keys += [Take.controls["loop"].as_boolean()] if loops else []
    found = _rows(session, query.add_columns(*keys).group_by(*keys).order_by(*keys))
    return {(*key[:4], bool(key[4]) if loops else False): count for count, *key in found}


STANDING = ReleaseItem.release_id.not_in(select(Withdrawal.release_id))


def derived(session: Session, which: ColumnElement[bool], own_work: Sequence[str]) -> set[str]:
    """Those of the takes that were made from other audio; derivations of the kinds `own_work` are from the take."""
    query = select(Derivation.take_id).join(Take, hangs_on(session, Derivation.take_id))
    return {row.take_id for row in _rows(session, query.where(which, Derivation.kind.not_in(own_work)))}


def review_counts(session: Session, where: ColumnElement[bool]) -> dict[str, int]:
    """Takes counted by the decision of their newest review."""
    order = func.row_number().over(partition_by=Review.take_id, order_by=(Review.at.desc(), Review.id.desc()))
    newest = select(Review.decision, order.label("place")).join(Take, Take.id == Review.take_id).where(where).subquery()
    query = select(newest.c.decision, func.count()).where(newest.c.place == 1).group_by(newest.c.decision)
    return {decision: count for decision, count in _rows(session, query)}


def contribution_counts(session: Session, where: ColumnElement[bool]) -> dict[str, int]:
    """Takes that people put something into, counted by what."""
    query = select(Contribution.kind, func.count(distinct(Contribution.take_id)))
    query = query.join(Take, Take.id == Contribution.take_id).where(where).group_by(Contribution.kind)
    return {kind: count for kind, count in _rows(session, query)}


def generator_cards(session: Session) -> dict[tuple[str, str], tuple[str | None, dict[str, Any]]]:
    """(weights digest, card) of every generator by name and revision."""
    query = select(Generator.id, Generator.revision, Generator.weights_digest, Generator.card)
    return {(id_, revision): (weights, card) for id_, revision, weights, card in _rows(session, query)}


def brief_rows(session: Session, catalog_id: int) -> list[Row[Any]]:
    """(id, sha256, use, licensee, planned at) of a catalog's briefs, oldest first."""
    query = select(Brief.id, Brief.sha256, Brief.use, Brief.licensee, Brief.planned_at)
    return list(_rows(session, query.where(Brief.catalog_id == catalog_id).order_by(Brief.id)))


def ledger_head(session: Session) -> tuple[Row[Any] | None, Row[Any] | None]:
    """(sequence, sha256) of the last entry, (tree size, root, at, key) of the last checkpoint."""
    last = select(LedgerEntry.sequence, LedgerEntry.sha256).order_by(LedgerEntry.sequence.desc()).limit(1)
    signed = select(Checkpoint.tree_size, Checkpoint.root, Checkpoint.at, Checkpoint.key_id)
    signed = signed.order_by(Checkpoint.tree_size.desc()).limit(1)
    connection = session.connection()
    return connection.execute(last).first(), connection.execute(signed).first()


def of_catalog(catalog_id: int) -> ColumnElement[bool]:
    """The condition that a release belongs to a catalog."""
    return Release.catalog_id == catalog_id


def loops(session: Session, which: ColumnElement[bool]) -> set[str]:
    """Those of the takes that are loops."""
    query = select(Take.id).where(which, Take.controls["loop"].as_boolean())
    return set(session.connection().scalars(query))


def not_derived(own_work: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a take was not made from other audio."""
    made = select(Derivation.take_id).where(Derivation.take_id.is_not(None), Derivation.kind.not_in(own_work))
    return Take.id.not_in(made)


def with_ids(session: Session, ids: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a take is one of these, however many."""
    return among(session, Take.id, ids)


def parts_of(ids: Sequence[str], size: int = PAGE) -> Iterator[Sequence[str]]:
    """Consecutive slices of at most `size`."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
