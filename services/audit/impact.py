"""What a change of terms touches: every take, file and release that a fact, a generator or a prompt is behind.

Why it exists: when a licence turns out otherwise, the list has to be there at once and complete: takes that were judged
by the fact and takes that its subject means, whether they were ever judged or not. Reads only.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine
from sqlalchemy.orm import Session

from db import audit as audit_db
from db import impact as db
from db.engine import reading
from db.rights_tables import ReleaseItem, Review
from db.takes import with_id_prefix
from db.training import Trained, trained_on
from services.audit.asking import AuditError
from services.audit.files import format_of
from services.audit.rows import Released
from services.audit.table import spreadsheet_safe
from services.planning.faults import shown
from services.rights.facts import Fact
from services.rights.register import Knowledge, Register, current
from services.storage.whole import whole_file

KINDS = ("fact", "generator", "prompt", "take")
IMPACT_FORMATS = (".csv", ".parquet", ".json")
SHORTEST_DIGEST = 8
_DIGEST = re.compile(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}")


class NothingTouchedError(LookupError):
    """What was named touches nothing, or there is no such thing; the message says what was looked for."""


class NoSuchSubjectError(NothingTouchedError):
    """A fact or a take was asked for by an id that none has: a name put wrong, not an answer."""


@dataclass(frozen=True)
class Meant:
    """What was taken for the argument. `also` says what else it might have meant, and how to ask for that."""

    kind: str
    text: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Touched:
    """One touched take: `assets` the digests of its files, `review` its newest review's decision."""

    take: str
    catalog: str
    state: str
    cue: str
    zone: str | None
    status: str
    generator: str
    revision: str
    prompt_sha256: str
    pcm_sha256: str | None
    review: str | None
    releases: tuple[str, ...]
    assets: tuple[str, ...]

    @property
    def rendered(self) -> bool:
        return self.pcm_sha256 is not None


@dataclass
class Totals:
    """Counts of touched takes, kept while rows pass."""

    takes: int = 0
    assets: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reviews: Counter[str] = field(default_factory=Counter)
    generators: Counter[tuple[str, str]] = field(default_factory=Counter)
    released: int = 0
    in_release: Counter[str] = field(default_factory=Counter)

    def add(self, row: Touched) -> None:
        self.takes += 1
        self.assets += len(row.assets)
        self.statuses[row.status] += 1
        self.reviews[row.review or "not reviewed"] += 1
        self.generators[row.generator, row.revision] += 1
        self.released += bool(row.releases)
        self.in_release.update(row.releases)


@dataclass
class Impact:
    """What is touched: rows stream, `totals` are right once they were read, as are `releases`."""

    meant: Meant
    totals: Totals
    _session: Session
    _where: ColumnElement[bool]

    def rows(self, told: Callable[[int], None] = lambda count: None) -> Iterator[Touched]:
        """Every touched take, in catalog and brief order."""
        session = self._session
        reviewed, left = (audit_db.has_rows(session, table) for table in (Review, ReleaseItem))
        for page in db.touched(session, self._where):
            ids = [take.id for take in page]
            reviews = db.decisions(session, ids) if reviewed else {}
            releases = db.released_in(session, ids) if left else {}
            for id_, *told_of, files in page:
                held = tuple(releases.get(id_, ()))
                assets = tuple(files.split(",")) if files else ()
                row = Touched(*(id_, *told_of, reviews.get(id_), held, assets))
                self.totals.add(row)
                yield row
            told(len(page))

    def releases(self) -> list[tuple[Released, int]]:
        """The releases that hold touched takes, oldest first, each with how many."""
        if not self.totals.in_release:
            return []
        rows = map(lambda row: Released(*row), audit_db.release_rows(self._session))
        return [(row, self.totals.in_release[row.id]) for row in rows if row.id in self.totals.in_release]

    def models(self) -> list[Trained]:
        """The models that touched takes went into when they were trained here, each with how many of them. What was
        made with such a model is another question: `--impact generator:NAME`."""
        return trained_on(self._session, self._where)


@dataclass(frozen=True)
class _Search:
    """Where an argument is looked up, within one view of the database."""

    session: Session
    register: Register

    @cached_property
    def _ever(self) -> Knowledge:
        """All that was ever said, corrected since or not."""
        return Knowledge(self.register.facts)

    def fact(self, text: str) -> ColumnElement[bool] | None:
        fact = self.register.by_id.get(text)
        if fact is None:
            return None
        chain = corrections(self.register, fact)
        made = [one for one in db.generators(self.session) if any(self._means(link, one) for link in chain)]
        return db.of_facts(self.session, [link.id for link in chain], made)

    def _means(self, fact: Fact, made: tuple[str, str]) -> bool:
        """Whether a fact is about a generator at a revision, or about a licence that it is under."""
        name, revision = made
        files = self.register.checkpoints.find(name, revision)
        about = [
            found for named in (name, *(files.origins if files is not None else ()))
            for found, _ in self._ever.about(named)
            if found.revision in ("*", revision) or (files is not None and files.is_named(found.revision))
        ]  # fmt: skip
        if not fact.is_licence:
            return any(found.id == fact.id for found in about)
        licence = fact.subject.partition(":")[2].casefold()
        return any(licence in re.split(r"[\s()]+", found.expression.casefold()) for found in about)

    def generator(self, text: str) -> ColumnElement[bool] | None:
        name, _, revision = text.partition("@")
        wanted = name.casefold()
        made = [one for one in db.generators(self.session) if one[0].casefold() == wanted]
        if revision:
            made = [one for one in made if one[1] == revision]
        return db.of_generators(made) if made else None

    def prompt(self, text: str) -> ColumnElement[bool] | None:
        digests = db.prompt_with_digest(self.session, text.lower()) if _DIGEST.fullmatch(text.lower()) else []
        digests = digests or db.prompts_containing(self.session, text)
        return db.of_prompts(digests, self.session) if digests else None

    def take(self, text: str) -> ColumnElement[bool] | None:
        if not _DIGEST.fullmatch(text.lower()):
            return None
        where = with_id_prefix(text.lower())
        return where if db.any_take(self.session, where) else None


def corrections(register: Register, fact: Fact) -> list[Fact]:
    """A fact, those it corrects and those that correct it: one statement through time."""
    chain = [fact]
    while (earlier := register.by_id.get(chain[0].corrects or "")) is not None:
        chain.insert(0, earlier)
    while (later := register.corrections.get(chain[-1].id)) is not None:
        chain.append(later)
    return chain


def find_impact(session: Session, register: Register, text: str, catalog: str | None = None) -> Impact:
    """What `text` touches: a fact's id, a generator (`name` or `name@revision`), a prompt's digest or words in prompts,
    a take's id.

    `fact:`, `generator:`, `prompt:` or `take:` before it says which is meant. Raises AuditError for an argument that is
    nothing, NothingTouchedError where nothing is found, NoSuchSubjectError where no fact or take has that id."""
    kind, _, rest = text.partition(":")
    kinds, wanted = ((kind,), rest) if kind in KINDS and rest else (KINDS, text)
    if not wanted.strip():
        raise AuditError("--impact: nothing was named; write a fact's id, a generator, or words of prompts")
    search = _Search(session, register)
    found = {kind: where for kind in kinds if (where := getattr(search, kind)(wanted.strip())) is not None}
    if not found:
        looked = ", ".join("prompt with these words" if kind == "prompt" else kind for kind in kinds)
        wrong = NoSuchSubjectError if kinds in (("fact",), ("take",)) else NothingTouchedError
        raise wrong(f"--impact: {shown(text)}: no {looked} in this database; nothing is touched")
    taken, *others = found
    also = tuple(f"it is also a {other}: --impact {other}:{wanted.strip()}" for other in others)
    where = found[taken]
    if catalog is not None:
        where = where & db.in_catalog_named(catalog)
    return Impact(Meant(taken, wanted.strip(), also), Totals(), session, where)


@contextmanager
def open_impact(engine: Engine, text: str, catalog: str | None = None) -> Iterator[Impact]:
    """`find_impact` within one view of the database."""
    with reading(engine) as session:
        yield find_impact(session, current(session).with_seed(), text, catalog)


def impact_json(impact: Impact, rows: Sequence[Touched]) -> dict[str, Any]:
    """The whole answer; `rows` are all of the impact's."""
    return {**totals_json(impact), "takes": [touched_json(row) for row in rows]}


def totals_json(impact: Impact) -> dict[str, Any]:
    """What is touched, in counts, and the releases."""
    totals = impact.totals
    return {
        "meant": {"kind": impact.meant.kind, "text": impact.meant.text, "also": list(impact.meant.also)},
        "count": totals.takes,
        "assets": totals.assets,
        "statuses": dict(totals.statuses),
        "reviews": dict(totals.reviews),
        "released": totals.released,
        "generators": [{"generator": g, "revision": r, "takes": n} for (g, r), n in totals.generators.most_common()],
        "releases": [
            {"id": r.id, "name": r.name, "use": r.use, "target": r.target, "at": r.at.isoformat(), "takes": count,
             "withdrawn_at": r.withdrawn_at.isoformat() if r.withdrawn_at else None}
            for r, count in impact.releases()
        ],
        "models": [asdict(model) for model in impact.models()],
    }  # fmt: skip


def touched_json(row: Touched) -> dict[str, Any]:
    """One touched take."""
    return {name: list(value) if isinstance(value := getattr(row, name), tuple) else value
            for name in Touched.__dataclass_fields__}  # fmt: skip


def write_impact(impact: Impact, target: Path) -> int:
    """Write the touched takes to `target` (`.csv`, `.parquet` or `.json`); returns how many. Raises AuditError."""
    ending = format_of(target, IMPACT_FORMATS)
    with whole_file(target) as part:
        if ending == ".json":
            text = json.dumps(impact_json(impact, list(impact.rows())), ensure_ascii=False, indent=1)
            part.write_text(text + "\n", encoding="utf-8")
        else:
            _write_rows(impact, part, ending)
    return impact.totals.takes


def _write_rows(impact: Impact, part: Path, ending: str) -> None:
    """Lists of digests and releases are lists in Parquet and JSON text in CSV."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as papq

    lists = ("releases", "assets")
    names = tuple(Touched.__dataclass_fields__)
    schema = pa.schema([(name, pa.list_(pa.string()) if name in lists else pa.string()) for name in names])
    plain = spreadsheet_safe(pa.RecordBatch.from_pylist([], schema=schema)).schema
    writer = papq.ParquetWriter(part, schema) if ending == ".parquet" else pacsv.CSVWriter(part, plain)
    rows = impact.rows()
    with writer:
        while page := list(islice(rows, db.PAGE)):
            columns = [[getattr(row, name) for row in page] for name in names]
            arrays = [pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)]
            batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
            writer.write_batch(batch if ending == ".parquet" else spreadsheet_safe(batch))
