"""Writes what planning decided: catalog, brief, cues and takes, in one transaction.

Planning the same brief twice inserts nothing. Takes that an edited brief no longer orders become `superseded`, and
come back when they are ordered again. No row is ever deleted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from sys import intern
from typing import Any

from sqlalchemy import Update, bindparam, case, select, update
from sqlalchemy.orm import Session

from db.chunks import CHUNK, chunks
from db.conflict import insert_missing, insert_or_replace
from db.rights_tables import Derivation
from db.rows import NewOrder, NewTake, Registered
from db.tables import Brief, Catalog, Cue, Generator, Prompt, Take

_TAKE_FIELDS = tuple(f.name for f in fields(NewTake) if f.name != "prompt")


def register(session: Session, order: NewOrder, takes: Iterable[NewTake]) -> Registered:
    """Insert what is new of an order and settle what it supersedes or brings back.

    `takes` may stream: some 300 bytes a take are kept, its id and what was known of it.
    """
    now = datetime.now(UTC)
    catalog_id = _catalog_id(session, order, now)
    brief_id = _brief_id(session, order, catalog_id, now)
    cue_ids = _cue_ids(session, order, brief_id)
    _insert_generators(session, order, now)
    known = _known_takes(session, catalog_id)
    counter = _Counter()
    for chunk in chunks(counter.watch(takes)):
        new = [take for take in chunk if take.id not in known]
        _insert_prompts(session, new)
        insert_missing(session, Take, ("id",), [_take_values(take, catalog_id, cue_ids, now) for take in new])
        counter.inserted += len(new)
        if not order.restricted:
            _move(session, [take for take in chunk if known.get(take.id, (take.position,))[0] != take.position])
    revived = [id_ for id_, (_, status) in known.items() if status == "superseded" and id_ in counter.ids]
    dropped = [id_ for id_, (_, status) in known.items() if status != "superseded" and id_ not in counter.ids]
    if order.restricted:
        dropped = []
    elif dropped:
        brought = _imported(session, catalog_id)
        dropped = [id_ for id_ in dropped if id_ not in brought]
    _revive(session, revived)
    _supersede(session, dropped)
    return Registered(catalog_id, brief_id, counter.inserted, len(dropped), len(revived))


class _Counter:
    """Remembers the ids that pass through, so that takes can stream."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.inserted = 0

    def watch(self, takes: Iterable[NewTake]) -> Iterator[NewTake]:
        for take in takes:
            self.ids.add(take.id)
            yield take


def _catalog_id(session: Session, order: NewOrder, now: datetime) -> int:
    insert_missing(session, Catalog, ("name",), [{"name": order.catalog, "title": order.title, "created_at": now}])
    session.execute(update(Catalog).where(Catalog.name == order.catalog).values(title=order.title))
    return session.scalars(select(Catalog.id).where(Catalog.name == order.catalog)).one()


def _brief_id(session: Session, order: NewOrder, catalog_id: int, now: datetime) -> int:
    values = {"catalog_id": catalog_id, "sha256": order.brief_sha256, "text": order.brief_text}
    values |= {"use": order.use, "licensee": order.licensee, "planned_at": now}
    insert_missing(session, Brief, ("catalog_id", "sha256", "use"), [values])
    key = (Brief.catalog_id == catalog_id, Brief.sha256 == order.brief_sha256, Brief.use == order.use)
    return session.scalars(select(Brief.id).where(*key)).one()


def _cue_ids(session: Session, order: NewOrder, brief_id: int) -> dict[str, int]:
    """A restricted order does not know where its cues stand in the brief; a whole one puts that right."""
    rows = [{"brief_id": brief_id, "position": n, **asdict(cue)} for n, cue in enumerate(order.cues)]
    insert = insert_missing if order.restricted else insert_or_replace
    insert(session, Cue, ("brief_id", "name"), rows)
    return {name: id_ for name, id_ in session.execute(select(Cue.name, Cue.id).where(Cue.brief_id == brief_id))}


def _insert_generators(session: Session, order: NewOrder, now: datetime) -> None:
    rows = [{"first_seen_at": now, **asdict(generator)} for generator in order.generators]
    insert_missing(session, Generator, ("id", "revision"), rows)


def _known_takes(session: Session, catalog_id: int) -> dict[str, tuple[int, str]]:
    query = select(Take.id, Take.position, Take.status).where(Take.catalog_id == catalog_id)
    found = session.execute(query.execution_options(yield_per=CHUNK))
    return {id_: (position, intern(status)) for id_, position, status in found}


@lru_cache(maxsize=4096)
def prompt_sha256(prompt: str) -> str:
    """The key of a prompt: SHA-256 of its UTF-8 text, hex."""
    return sha256(prompt.encode()).hexdigest()


def _insert_prompts(session: Session, takes: list[NewTake]) -> None:
    prompts = dict.fromkeys(take.prompt for take in takes)
    insert_missing(session, Prompt, ("sha256",), [{"sha256": prompt_sha256(text), "text": text} for text in prompts])


def _imported(session: Session, catalog_id: int) -> set[str]:
    """The takes that were brought in from elsewhere: no brief orders them, and none supersedes them."""
    query = select(Take.id).join(Derivation, Take.id == Derivation.take_id)
    return set(session.scalars(query.where(Take.catalog_id == catalog_id, Derivation.kind == "import")))


def _take_values(take: NewTake, catalog_id: int, cue_ids: dict[str, int], now: datetime) -> dict[str, Any]:
    values = {name: getattr(take, name) for name in _TAKE_FIELDS}
    values |= {"catalog_id": catalog_id, "cue_id": cue_ids[take.cue], "prompt_sha256": prompt_sha256(take.prompt)}
    return values | {"status": "planned", "planned_at": now}


def _move(session: Session, takes: list[NewTake]) -> None:
    """Takes keep the order of the newest brief."""
    if takes:
        statement = update(Take.__table__).where(Take.id == bindparam("key")).values(position=bindparam("to"))  # type: ignore[arg-type]
        session.execute(statement, [{"key": take.id, "to": take.position} for take in takes])


def _revive(session: Session, ids: list[str]) -> None:
    """What has its sound is done again; the rest is tried anew, whatever became of it before."""
    status = case((Take.pcm_sha256.is_not(None), "done"), else_="planned")
    for chunk in chunks(ids, 500):
        session.execute(_of(chunk).values(status=status, error=None))


def _supersede(session: Session, ids: list[str]) -> None:
    for chunk in chunks(ids, 500):
        session.execute(_of(chunk).values(status="superseded"))


def _of(ids: list[str]) -> Update:
    return update(Take.__table__).where(Take.id.in_(ids))  # type: ignore[arg-type]
