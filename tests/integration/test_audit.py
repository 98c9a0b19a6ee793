"""Audits of a small catalog, on both databases: what they say, of which day, and what a change of terms touches."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as papq
import pytest
from sqlalchemy import Engine, update

from db.engine import open_engine, writing
from db.ledger import Entry, append
from db.migrate import upgrade
from db.orders import prompt_sha256
from db.rights_tables import Contribution, Release, ReleaseItem, Review, Verdict, Withdrawal
from db.rows import NewGenerator
from db.tables import Take
from db.urls import sqlite_url
from services.audit.asking import AuditError, Wanted
from services.audit.audit import open_audit
from services.audit.chain import place_of, steps, take_chain
from services.audit.files import json_pieces, write_json, write_table
from services.audit.impact import Impact, NothingTouchedError, impact_json, open_impact, write_impact
from services.audit.jsons import chain_json
from services.audit.publish import write_audit
from services.provenance.keys import KeyFolder
from services.rights.facts import Fact
from services.rights.keeping import keep
from services.rights.policy import Licensee, Policy, Question
from services.rights.register import load, record, seed
from tests.catalog_rows import done, failed, new_order, new_take, open_run, order_takes, record_takes, sha
from tests.conftest import DATABASES, TEMPLATE

COMPANY = {"kind": "company", "annual_revenue_usd": 3_000_000}
MODELS = (("composer", "1"), ("facebook/musicgen-small", "a1"), ("ACE-Step/ACE-Step-v1-3.5B", "b2"))
USE = "commercial-game"
PROMPTS = ("=SUM(1) calm harp", "dark Drums", "Straße bei Nacht")


def take_of(number: int, **changed: Any) -> Any:
    generator, revision = MODELS[number % 3]
    prompt = PROMPTS[number % 3]
    return new_take(number, generator=generator, revision=revision, prompt=prompt, **changed)


@pytest.fixture(scope="module", params=DATABASES)
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The catalog of `filled` for all tests that change nothing."""
    if request.param == "sqlite":
        engine = open_engine(sqlite_url(tmp_path_factory.mktemp("audit") / "audit.db"))
        upgrade(engine)
    else:
        engine = open_engine(request.getfixturevalue("postgresql")(TEMPLATE))
    yield filled(engine)
    engine.dispose()


@pytest.fixture
def fresh(engine: Engine) -> Engine:
    """The same for a test that changes it."""
    return filled(engine)


def filled(engine: Engine) -> Engine:
    """Six takes of three generators: four done, one failed, one planned; facts, verdicts, a review, two releases."""
    generators = tuple(NewGenerator(name, revision, None, {"title": name}) for name, revision in MODELS)
    takes = [take_of(number) for number in range(6)]
    order = new_order(generators=generators, use=USE, licensee=COMPANY)
    registered = order_takes(engine, takes, order)
    run = open_run(engine, registered, [[take.id for take in takes]])
    record_takes(engine, run, [*(done(take.id) for take in takes[:4]), failed(takes[4].id)])
    with writing(engine) as session:
        append(session, seed(session))
    _judge(engine, takes[:4])
    _decide(engine, registered.catalog_id, [take.id for take in takes])
    return engine


def _judge(engine: Engine, takes: list[Any]) -> None:
    """Verdicts on record as recording takes writes them."""
    now = datetime.now(UTC)
    with writing(engine) as session:
        policy = Policy(load(session))
        asked = [
            Question(take.generator, take.revision, USE, Licensee("company", 3_000_000.0), now.date(), now, loop=True)
            for take in takes
        ]
        judged = list(map(policy.judge, asked))
        entries = keep(session, judged)
        for take, judgement in zip(takes, judged, strict=True):
            session.add(Verdict(take_id=take.id, stage="record", judgement_id=judgement.id, judged_at=now))
        append(session, [*entries, *(Entry("take", take.id, {"status": "done"}, "game") for take in takes)])


def _decide(engine: Engine, catalog_id: int, ids: list[str]) -> None:
    at = datetime.now(UTC)
    with writing(engine) as session:
        judgement = session.query(Verdict.judgement_id).filter(Verdict.take_id == ids[0]).scalar()
        for number, decision in enumerate(("reject", "approve")):
            session.add(Review(id=f"r{number}", take_id=ids[0], decision=decision, by="Ada", note="",
                               at=at + timedelta(seconds=number)))  # fmt: skip
        session.add(Contribution(id="c1", take_id=ids[0], kind="lyrics", by="Ada", note="", sha256=None, at=at))
        for name in ("gold", "silver"):
            session.add(Release(
                id=name, catalog_id=catalog_id, name=name, use=USE, licensee=COMPANY, target="plain", folder="/out",
                by="Ada", created_at=at, manifest="{}", manifest_sha256=sha(name),
            ))  # fmt: skip
            session.flush()
            session.add(ReleaseItem(
                release_id=name, path="a.flac", take_id=ids[0], role="mix", media_type="audio/flac",
                sha256=sha(f"{name} a"), bytes=1, source_sha256=sha("a"), judgement_id=judgement,
            ))  # fmt: skip
        session.flush()
        session.add(Verdict(take_id=ids[0], stage="release", judgement_id=judgement, judged_at=at))
        session.add(Withdrawal(release_id="silver", by="Ada", reason="terms", at=at))


def audited(engine: Engine, **wanted: Any) -> tuple[Any, list[Any]]:
    with open_audit(engine, "game", Wanted(**wanted)) as audit:
        return audit.summary, list(audit.reader.rows())


def test_every_take_is_told_with_its_order_sound_verdicts_and_people(catalog: Engine) -> None:
    summary, rows = audited(catalog)
    assert [row.take for row in rows] == [take_of(number).id for number in range(6)]
    first, plain = rows[0], rows[5]
    assert (first.prompt, first.prompt_sha256) == (PROMPTS[0], prompt_sha256(PROMPTS[0]))
    assert (first.master_sha256, first.master_media_type) == (done(first.take).assets[0].sha256, "audio/flac")
    assert first.engine_profile == sha("profile")
    assert first.record is not None
    assert first.release is not None
    assert (first.record.answer, first.record.use) == (first.judged.answer, USE)
    assert first.review is not None
    assert first.review.decision == "approve"
    assert [release.name for release in first.releases] == ["gold", "silver"]
    assert [release.withdrawn_at is None for release in first.releases] == [True, False]
    assert [given.kind for given in first.contributions] == ["lyrics"]
    assert len(first.ledger) == 1
    assert (plain.status, plain.master_sha256, plain.record, plain.review, plain.releases) == (
        "planned", None, None, None, ()
    )  # fmt: skip
    assert first.planned_at.tzinfo is not None
    assert summary.reviewed == {"approve": 1}
    assert summary.contributions == {"lyrics": 1}


def test_totals_are_those_of_the_rows(catalog: Engine) -> None:
    summary, rows = audited(catalog)
    for totals, key in (
        (summary.by_answer, lambda row: row.judged.answer), (summary.by_status, lambda row: row.status)
    ):  # fmt: skip
        assert totals == {name: sum(key(row) == name for row in rows) for name in totals}
        assert sum(totals.values()) == summary.takes == 6
    assert summary.by_answer["refused"] == 2
    assert summary.by_licence["CC-BY-NC-4.0"] == 2
    assert summary.blocking == 2
    assert {(total.generator, total.revision) for total in summary.generators} == set(MODELS)
    cited = {fact.id for fact in summary.facts}
    assert cited >= {fact for row in rows for fact in row.judged.facts}
    (brief,) = summary.briefs
    assert (brief.takes, brief.use) == (6, USE)


def test_another_use_or_licensee_gets_another_answer(catalog: Engine) -> None:
    assert audited(catalog, use="internal-prototype")[0].by_answer.get("refused", 0) == 0
    summary, _ = audited(catalog, licensee_kind="individual", revenue=10.0)
    assert (summary.asked.licensee_kind, summary.asked.revenue) == ("individual", 10.0)


def test_superseded_takes_block_only_while_a_release_holds_them(fresh: Engine) -> None:
    ids = [take_of(number).id for number in (1, 4)]
    with writing(fresh) as session:
        session.execute(update(Take).where(Take.id.in_(ids)).values(status="superseded"))
    assert audited(fresh)[0].blocking == 0
    with writing(fresh) as session:
        judgement = session.query(Verdict.judgement_id).filter(Verdict.take_id == ids[0]).scalar()
        session.add(ReleaseItem(
            release_id="gold", path="b.flac", take_id=ids[0], role="mix", media_type="audio/flac", sha256=sha("b"),
            bytes=1, source_sha256=sha("b"), judgement_id=judgement,
        ))  # fmt: skip
    assert audited(fresh)[0].blocking == 1


def test_an_earlier_day_is_judged_by_what_held_and_was_known_then(fresh: Engine) -> None:
    before = datetime.now(UTC)
    fact = _fact(fresh, "ACE-Step/ACE-Step-v1*")
    with writing(fresh) as session:
        append(session, record(session, [_corrected(fact)]))
    assert audited(fresh)[0].by_answer["refused"] == 4
    assert audited(fresh, known_at=before.isoformat())[0].by_answer["refused"] == 2


def _fact(engine: Engine, subject: str) -> Fact:
    with writing(engine) as session:
        register = load(session)
    return next(
        fact for fact in register.facts
        if fact.subject == subject and fact.component == "weights" and fact.id not in register.corrections
    )  # fmt: skip


def _corrected(fact: Fact) -> Fact:
    return replace(fact, answer="refused", corrects=fact.id, source="letter of counsel", recorded_by="Ada",
                   recorded_at=None)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"as_of": "yesterday"}, "no date"),
        ({"as_of": "2026-02-30"}, "no date"),
        ({"as_of": "2999-01-01"}, "in the future"),
        ({"known_at": "2999-01-01"}, "in the future"),
        ({"known_at": "1999-01-01"}, "nothing was known"),
        ({"known_at": "12:00"}, "no date or time"),
        ({"use": "ringtone"}, "is no use"),
        ({"licensee_kind": "pirate"}, "no kind of licensee"),
        ({"revenue": float("nan")}, "no revenue"),
    ],
)
def test_what_cannot_be_asked_is_told(catalog: Engine, wanted: dict[str, Any], told: str) -> None:
    with pytest.raises(AuditError, match=told):
        audited(catalog, **wanted)


def test_an_unknown_catalog_is_told(engine: Engine) -> None:
    with pytest.raises(AuditError, match="no catalog 'nowhere'"), open_audit(engine, "nowhere", Wanted()):
        pass


def test_table_files_say_what_the_rows_say(catalog: Engine, home: Path, tmp_path: Path) -> None:
    with open_audit(catalog, "game", Wanted()) as audit:
        rows = list(audit.reader.rows())
        assert write_table(audit, home, tmp_path / "a.parquet") == 6
        assert write_table(audit, home, tmp_path / "a.csv") == 6
    table = papq.read_table(tmp_path / "a.parquet").to_pylist()
    for row, cells in zip(rows, table, strict=True):
        for name in ("take", "prompt", "seed", "index", "status", "master_sha256", "planned_at", "recorded_at"):
            assert cells[name] == getattr(row, name), name
        assert cells["verdict"] == row.judged.answer
        assert cells["record_judgement"] == (row.record and row.record.judgement)
        assert cells["record_judged_at"] == (row.record and row.record.judged_at)
        assert json.loads(cells["facts"]) == list(row.judged.facts)
        assert tuple(cells["ledger"] or ()) == row.ledger
    assert table[0]["master_path"].startswith(str(home))
    assert json.loads(table[0]["releases"])[0]["name"] == "gold"
    with (tmp_path / "a.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["take"] for line in lines] == [row.take for row in rows]
    assert lines[0]["prompt"] == f"'{PROMPTS[0]}"
    assert lines[1]["prompt"] == PROMPTS[1]
    assert list(lines[0]) == list(table[0])


def test_json_holds_totals_and_every_take(catalog: Engine, home: Path, tmp_path: Path) -> None:
    with open_audit(catalog, "game", Wanted()) as audit:
        assert write_json(audit, home, tmp_path / "a.json") == 6
        printed = json.loads("".join(json_pieces(audit, home)))
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert document == printed
    assert document["verdicts"]["refused"] == 2
    assert len(document["takes"]) == document["count"] == 6
    first = document["takes"][0]
    assert Path(first["master_path"]).is_absolute()
    assert first["reasons"][0]["facts"]


@pytest.mark.parametrize("name", ["a.html", "a.prov.json", "a.intoto.json", "a.JSON", "a.Parquet"])
def test_every_format_is_written_whole(catalog: Engine, home: Path, tmp_path: Path, name: str) -> None:
    with open_audit(catalog, "game", Wanted()) as audit:
        assert write_audit(audit, tmp_path / name, home, KeyFolder(tmp_path / "keys")) > 0
    assert (tmp_path / name).stat().st_size > 500
    assert not list(tmp_path.glob(".*"))


def test_a_failed_write_leaves_the_old_file(
    catalog: Engine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    with open_audit(catalog, "game", Wanted()) as audit:
        monkeypatch.setattr("services.audit.files.Tabulator.batch", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_table(audit, home, target)
        for wrong in (tmp_path / "a.xlsx", tmp_path / "none" / "a.csv", tmp_path):
            with pytest.raises(AuditError, match="--out"):
                write_audit(audit, wrong, home, KeyFolder(tmp_path / "keys"))
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_pages_are_read_without_loss_at_their_borders(catalog: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = audited(catalog)[1]
    monkeypatch.setattr("db.audit.PAGE", 1)
    monkeypatch.setattr("db.audit.take_pages.__defaults__", (1,))
    assert audited(catalog)[1] == whole


def test_a_take_judged_again_is_told_once_with_its_last_verdict(fresh: Engine) -> None:
    first = take_of(0)
    later = datetime.now(UTC) + timedelta(days=1)
    with writing(fresh) as session:
        other = session.query(Verdict.judgement_id).filter(Verdict.take_id == take_of(2).id).scalar()
        session.add(Verdict(take_id=first.id, stage="record", judgement_id=other, judged_at=later))
    rows = audited(fresh)[1]
    assert len(rows) == 6
    assert rows[0].record.judgement == other


def touched(engine: Engine, text: str, catalog: str | None = None) -> tuple[Impact, dict[str, Any]]:
    with open_impact(engine, text, catalog) as impact:
        return impact, impact_json(impact, list(impact.rows()))


def ids_of(*numbers: int) -> set[str]:
    return {take_of(number).id for number in numbers}


def test_a_fact_touches_what_it_judged_and_what_it_is_about(catalog: Engine) -> None:
    impact, told = touched(catalog, _fact(catalog, "facebook/musicgen-*").id)
    assert impact.meant.kind == "fact"
    assert {row["take"] for row in told["takes"]} == ids_of(1, 4)  # the failed one was never judged
    fact = _fact(catalog, "ACE-Step/ACE-Step-v1*")
    _, told = touched(catalog, fact.id)
    assert {row["take"] for row in told["takes"]} == ids_of(2, 5)


def test_a_correction_touches_what_the_corrected_fact_did(fresh: Engine) -> None:
    fact = _fact(fresh, "ACE-Step/ACE-Step-v1*")
    correction = _corrected(fact)
    with writing(fresh) as session:
        append(session, record(session, [correction]))
    for id_ in (fact.id, correction.id):
        assert {row["take"] for row in touched(fresh, id_)[1]["takes"]} == ids_of(2, 5)


def test_a_fact_about_a_licence_touches_the_generators_under_it(catalog: Engine) -> None:
    with writing(catalog) as session:
        register = load(session)
    fact = next(fact for fact in register.facts if fact.subject == "spdx:CC-BY-NC-4.0")
    assert {row["take"] for row in touched(catalog, fact.id)[1]["takes"]} == ids_of(1, 4)


def test_a_generator_touches_its_takes_with_their_states_and_releases(catalog: Engine) -> None:
    impact, told = touched(catalog, "composer")
    assert impact.meant.kind == "generator"
    assert {row["take"] for row in told["takes"]} == ids_of(0, 3)
    assert (told["count"], told["assets"], told["released"]) == (2, 4, 1)
    assert told["reviews"] == {"approve": 1, "not reviewed": 1}
    assert [(one["name"], one["takes"], one["withdrawn_at"] is None) for one in told["releases"]] == [
        ("gold", 1, True), ("silver", 1, False)
    ]  # fmt: skip
    assert set(told["takes"][0]["assets"]) == {asset.sha256 for asset in done(take_of(0).id).assets}
    assert {row["take"] for row in touched(catalog, "Facebook/MusicGen-small@a1")[1]["takes"]} == ids_of(1, 4)
    with pytest.raises(NothingTouchedError):
        touched(catalog, "generator:composer@9")


@pytest.mark.parametrize(
    "text",
    ["dark Drums", "DRUMS", prompt_sha256("dark Drums"), prompt_sha256("dark Drums")[:12].upper(), "prompt:drums"],
)
def test_a_prompt_is_found_by_digest_and_by_its_words(catalog: Engine, text: str) -> None:
    impact, told = touched(catalog, text)
    assert impact.meant.kind == "prompt"
    assert {row["take"] for row in told["takes"]} == ids_of(1, 4)


def test_words_are_found_in_whatever_case_and_script(catalog: Engine) -> None:
    assert {row["take"] for row in touched(catalog, "STRAßE BEI")[1]["takes"]} == ids_of(2, 5)


def test_an_ambiguous_argument_is_told(fresh: Engine) -> None:
    order_takes(fresh, [new_take(7, prompt="like the composer")], new_order("other", restricted=True))
    impact, _ = touched(fresh, "composer")
    assert impact.meant.kind == "generator"
    assert impact.meant.also == ("it is also a prompt: --impact prompt:composer",)
    assert {row["take"] for row in touched(fresh, "prompt:composer")[1]["takes"]} == {new_take(7).id}


@pytest.mark.parametrize("text", ["no such thing", "fact:fact-0000000000000000", "generator:dark drums", "100%", "_"])
def test_nothing_found_is_told(catalog: Engine, text: str) -> None:
    with pytest.raises(NothingTouchedError, match="nothing is touched"):
        touched(catalog, text)


@pytest.mark.parametrize("text", ["", "  ", "prompt: "])
def test_an_empty_argument_is_bad_input(catalog: Engine, text: str) -> None:
    with pytest.raises(AuditError, match="nothing was named"):
        touched(catalog, text)


def test_impact_can_be_asked_of_one_catalog(catalog: Engine) -> None:
    assert touched(catalog, "composer", "elsewhere")[1]["count"] == 0
    assert touched(catalog, "composer", "game")[1]["count"] == 2


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_impact_files_list_every_take(catalog: Engine, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"touched.{ending}"
    with open_impact(catalog, "composer") as impact:
        assert write_impact(impact, target) == 2
    if ending == "csv":
        with target.open(newline="") as file:
            found = [row["take"] for row in csv.DictReader(file)]
    elif ending == "parquet":
        found = papq.read_table(target)["take"].to_pylist()
    else:
        found = [row["take"] for row in json.loads(target.read_text())["takes"]]
    assert set(found) == ids_of(0, 3)


def test_a_chain_goes_from_order_to_file(catalog: Engine, home: Path) -> None:
    take = take_of(0)
    chain = take_chain(catalog, take.id[:12], Wanted())
    assert place_of(catalog, take.id) == (take.id, "game")
    assert (chain.brief.use, chain.brief.sha256) == (USE, sha("brief"))
    assert chain.controls == take.controls
    assert [attempt.outcome for attempt in chain.attempts] == ["done"]
    assert [asset.sha256 for asset in chain.assets] == [asset.sha256 for asset in done(take.id).assets]
    assert chain.profiles == {sha("profile"): {"threads": 1}}
    assert sorted(verdict.stated.stage for verdict in chain.verdicts) == ["record", "release"]
    assert chain.verdicts[0].facts
    assert {fact.id for fact in chain.facts} >= set(chain.verdicts[0].facts)
    assert [review.decision for review in chain.reviews] == ["reject", "approve"]
    assert [item.release.name for item in chain.items] == ["gold", "silver"]
    kinds = {entry.kind for entry in chain.entries}
    assert {"take", "verdict", "fact"} <= kinds
    assert all(sha(entry.entry) == entry.sha256 for entry in chain.entries)
    told = chain_json(chain, home)
    assert json.loads(json.dumps(told))["verdict"] == chain.row.judged.answer
    assert {name for name, _ in steps(chain)} >= {"order", "prompt", "generator", "fact", "verdict", "asset", "ledger"}


@pytest.mark.parametrize(("name", "told"), [("zz", "no take id"), ("0000", "no take's id"), ("abc", "at least 4")])
def test_a_take_that_is_not_there_is_told(catalog: Engine, name: str, told: str) -> None:
    with pytest.raises(AuditError, match=told):
        place_of(catalog, name)

