"""A catalog with finished takes in real, short files, and a policy made up for the test: what deliveries start from."""

import hashlib
import io
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from db.conflict import insert_absent
from db.engine import open_engine, reading, writing
from db.ledger import Entry
from db.ledger_rows import rows_from
from db.migrate import upgrade
from db.releases import FactText, fact_texts
from db.rights_tables import Judgement, JudgementFact, LicenceFact, Verdict
from db.rows import NewAsset, NewGenerator, NewTake, Recording, TakeRow
from db.takes import take_rows
from db.urls import sqlite_url
from db.verdicts import AskedTake
from models.registry import CARDS
from services.delivery.gate import Terms
from services.delivery.release import Near, Outcome, ReleaseOrder, Tools, release
from services.delivery.reviews import Decision, review
from services.mastering.encode import encode
from services.mastering.pcm import Pcm
from services.provenance.credentials import Aigc, Claim, Signed, tag_file
from services.rights.facts import Fact
from services.storage.folder import FolderStore
from services.storage.tree import link
from tests.catalog_rows import done, failed, new_order, new_take, open_run, order_takes, record_takes

EXPRESSION = "CC-BY-4.0"
CREDIT = "Music made with the Empty Generator"
SOURCE = "the maker's own file"
KNOWN = Fact(
    subject="empty", component="weights", answer="licence", expression=EXPRESSION, attribution=CREDIT, source=SOURCE,
    grade="read", recorded_by="test", recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
FACT = KNOWN.id
COMPOSER = CARDS["composer"]
FORMATS = (("flac", "audio/flac"), ("ogg", "audio/ogg"))


@dataclass(frozen=True)
class MadeReason:
    rule: str
    answer: str
    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class MadeJudgement:
    answer: str
    use: str
    generator: str
    revision: str
    reasons: tuple[MadeReason, ...]
    duties: tuple[str, ...] = ("name the generator",)
    facts: tuple[str, ...] = (FACT,)

    @property
    def id(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @property
    def releasable(self) -> bool:
        return self.answer.startswith("allowed")


@dataclass
class MadeGate:
    """Answers what `answers` says for a use, else allowed with duties; `refused` names takes that are not."""

    answers: dict[str, str] = field(default_factory=dict)
    asked: list[Terms] = field(default_factory=list)

    def judge(
        self, session: Session, takes: Sequence[AskedTake], terms: Terms, at: datetime
    ) -> Mapping[str, MadeJudgement]:
        self.asked.append(terms)
        answer = self.answers.get(terms.use, "allowed-with-duties")
        reason = MadeReason("generator", answer, f"{answer} by the terms of empty", (FACT,))
        return {t.id: MadeJudgement(answer, terms.use, t.generator, t.revision, (reason,)) for t in takes}

    def facts(self, session: Session, ids: Collection[str]) -> Mapping[str, FactText]:
        return fact_texts(session, ids)

    def licences(self, session: Session, judged: Mapping[str, MadeJudgement]) -> Mapping[str, str]:
        return dict.fromkeys(judged, EXPRESSION)

    def record(
        self, session: Session, catalog: str, judged: Mapping[str, MadeJudgement], at: datetime
    ) -> list[Entry]:
        for judgement in {j.id: j for j in judged.values()}.values():
            row = {
                "id": judgement.id, "answer": judgement.answer, "use": judgement.use, "licensee": {},
                "generator": judgement.generator, "revision": judgement.revision, "plan": "*",
                "as_of": date(2026, 3, 1), "reasons": [], "duties": list(judgement.duties),
            }  # fmt: skip
            insert_absent(session, Judgement, ("id",), [row])
            facts = [{"judgement_id": judgement.id, "fact_id": fact} for fact in judgement.facts]
            insert_absent(session, JudgementFact, ("judgement_id", "fact_id"), facts)
        rows = [
            {"take_id": id_, "stage": "release", "judgement_id": j.id, "judged_at": at} for id_, j in judged.items()
        ]
        insert_absent(session, Verdict, ("take_id", "stage", "judgement_id"), rows)
        return [Entry("verdict", id_, {"rows": held}, catalog) for id_, held in rows_from(Verdict, rows).items()]


def tagged(source: Path, target: Path, claim: Claim, aigc: Aigc | None) -> Signed:
    """A seal without credentials: quick, and the same bytes each time."""
    return tag_file(source, target, claim, aigc)


class Templates:
    """Studios made once a database and copied for every test: migrations and syncs are slow."""

    def __init__(self, folder: Path, postgresql: Callable[[], Callable[..., str]]) -> None:
        self._folder, self._postgresql = folder, postgresql
        self._made: set[str] = set()

    def copy(self, database: str, target: Path) -> "Studio":
        """A studio of its own in the folder `target`, its records in `database`."""
        home, file = self._folder / database / "home", self._folder / database / "cueworks.db"
        name = f"delivery_{self._folder.name}".replace("-", "_")
        if database not in self._made:
            self._made.add(database)
            home.mkdir(parents=True)
            made = sqlite_url(file) if database == "sqlite" else self._postgresql()("cueworks_template", name)
            engine = open_engine(made)
            if database == "sqlite":
                upgrade(engine)
            Studio.made(engine, home)
            engine.dispose()
        shutil.copytree(home, target / "home")
        if database == "sqlite":
            shutil.copy(file, target / "cueworks.db")
            return Studio(open_engine(sqlite_url(target / "cueworks.db")), target / "home")
        return Studio(open_engine(self._postgresql()(name)), target / "home")


class Studio:
    """A catalog `game` of finished takes of a tenth of a second: two variations a cue, FLAC, Ogg, a stem and MIDI."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine, self.home, self.store = engine, home, FolderStore(home / "blobs")
        self.gate = MadeGate()
        self.near: tuple[Near, ...] = ()
        self.settled = 0
        self.tools = Tools(self.gate, tagged, lambda catalog, ids: self.near, self._settle)
        self.ids = [take.id for take in default_takes()]

    @classmethod
    def made(cls, engine: Engine, home: Path, **order: object) -> "Studio":
        """A studio whose takes are made now; `Studio(engine, home)` is one over what is there.

        With `order` they are the composer's, which the real policy knows; without, of a generator made up."""
        studio, takes = cls(engine, home), default_takes()
        if order:
            takes = [replace(take, generator=COMPOSER.id, revision=COMPOSER.revision) for take in takes]
            card = {"title": COMPOSER.title, "licence": COMPOSER.licence, "training_data": COMPOSER.training_data}
            order["generators"] = (NewGenerator(COMPOSER.id, COMPOSER.revision, COMPOSER.weights_digest, card),)
        run = open_run(engine, order_takes(engine, takes, new_order(**order)), [studio.ids])  # type: ignore[arg-type]
        record_takes(engine, run, [studio.sound(number, take) for number, take in enumerate(takes)])
        if not order:
            add_fact(engine)
        return studio

    def _settle(self) -> None:
        self.settled += 1

    def sound(self, number: int, take: NewTake) -> Recording:
        pcm = noise(number)
        assets = [self._asset(take, "mix", media_type, name, pcm) for name, media_type in FORMATS]
        assets.append(self._asset(take, "stem:drums", "audio/flac", "flac", Pcm(48000, pcm.samples // 2)))
        midi = self.store.put(lambda file: file.write(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0"))
        assets.append(NewAsset("midi", "audio/midi", midi.sha256, midi.bytes, f"{take.folder}/midi.mid", 0.1))
        for asset in assets:
            link(self.store.path(asset.sha256), self.home / asset.path)
        return done(take.id, assets=tuple(assets), pcm_sha256=pcm.sha256())

    def _asset(self, take: NewTake, role: str, media_type: str, name: str, pcm: Pcm) -> NewAsset:
        data = encoded(pcm.sha256(), name, pcm)
        blob = self.store.put(lambda file: file.write(data))
        digest = pcm.sha256() if name == "flac" else None
        path = f"{take.folder}/{role.replace(':', '-')}.{name}"
        return NewAsset(role, media_type, blob.sha256, blob.bytes, path, pcm.duration_s, digest)

    def takes(self) -> dict[str, TakeRow]:
        with reading(self.engine) as session:
            return {take.id: take for take in take_rows(session)}

    def approve(self, *ids: str, by: str = "Ada Lovelace", decision: str = "approve") -> None:
        review(self.engine, ids or self.ids, Decision(decision, by, "fits"))

    def release(self, out: Path, name: str = "gold", **changed: object) -> Outcome:
        values = {"catalog": "game", "name": name, "out": out, "by": "Ada Lovelace", **changed}
        return release(self.engine, self.home, self.store, ReleaseOrder(**values), self.tools)  # type: ignore[arg-type]


_ENCODED: dict[tuple[str, str], bytes] = {}


def encoded(key: str, name: str, pcm: Pcm) -> bytes:
    """The file of a sound, encoded once for all tests."""
    if (key, name) not in _ENCODED:
        file = io.BytesIO()
        encode(pcm, name, file)
        _ENCODED[key, name] = file.getvalue()
    return _ENCODED[key, name]


@cache
def noise(number: int) -> Pcm:
    """A tenth of a second, another one for each number."""
    return Pcm(48000, np.random.default_rng(number).integers(-(2**20), 2**20, (4800, 2), dtype=np.int32))


def default_takes() -> list[NewTake]:
    """Two variations at night, two by day, one boss without a zone."""
    understood = [{"field": "bpm", "value": "144", "source": "brief"}]
    takes = [
        new_take(number, index=number % 2, point={"time": "night" if number < 2 else "day"}, understanding=understood)
        for number in range(4)
    ]
    boss = new_take(4, index=0, zone=None, point={}, understanding=understood)
    return [*takes, replace(boss, folder=f"game/boss/000-{boss.id[:16]}")]


def failing_take(studio: Studio, number: int = 9) -> str:
    """One more take, which did not come out."""
    take = new_take(number)
    run = open_run(studio.engine, order_takes(studio.engine, [take], new_order("more", restricted=True)), [[take.id]],
                   f"run-{number}")  # fmt: skip
    record_takes(studio.engine, run, [failed(take.id)])
    return take.id


def add_fact(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(insert(LicenceFact), [asdict(KNOWN) | {"id": FACT, "duties": []}])
