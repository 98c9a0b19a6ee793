"""The register in the database: seeded once, added to, corrected; what is refused changes nothing. And its command."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from db.engine import reading, writing
from db.ledger import ClockError, append
from db.rights_tables import LedgerEntry, LicenceFact
from flows.cli import app
from services.rights.facts import Fact, FactError
from services.rights.keeping import standing_policy
from services.rights.register import (
    ContradictionError,
    DamagedFactError,
    add,
    correct,
    current,
    load,
    open_register,
    read_register,
    seed,
)
from services.rights.seeds import seed_facts
from services.rights.statements import corrected
from tests.rights_facts import DAY, fact


def count(engine: Engine) -> tuple[int, int]:
    """(facts, ledger entries about facts)"""
    with reading(engine) as session:
        facts = session.scalar(select(func.count()).select_from(LicenceFact)) or 0
        entries = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "fact")
        return facts, session.scalar(entries) or 0


def do(engine: Engine, change: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    with writing(engine) as session:
        append(session, change(session, *arguments, **named))


def new(**said: Any) -> Fact:
    return fact(recorded_at=None, **said)


def test_the_facts_of_a_release_are_recorded_once_with_a_ledger_entry_each(engine: Engine) -> None:
    assert len(read_register(engine).facts) == len(seed_facts())
    assert count(engine) == (0, 0)
    register = open_register(engine)
    assert count(engine) == (len(seed_facts()), len(seed_facts()))
    assert {one.id for one in register.facts} == {one.id for one in seed_facts()}
    assert open_register(engine).facts == register.facts
    with writing(engine) as session:
        assert seed(session) == []
    assert count(engine)[0] == len(seed_facts())


def test_drivers_that_start_at_once_record_the_facts_once(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        registers = list(threads.map(lambda _: open_register(engine), range(4)))
    assert count(engine) == (len(seed_facts()), len(seed_facts()))
    assert len({register.facts for register in registers}) == 1


def test_facts_come_back_as_they_were_recorded(engine: Engine) -> None:
    one = new(answer="licence", expression="CC-BY-4.0", valid_from=DAY, revenue_cap_usd=1e6, volume_cap=2**53 - 1,
              duties=("ä", "b"), terms_sha256="a" * 64, note="Ünïcode")  # fmt: skip
    do(engine, add, [new(subject="spdx:CC-BY-4.0", component="*"), one])
    with reading(engine) as session:
        register = load(session)
    assert register.by_id[one.id] == one
    assert register.by_id[one.id].recorded_at is not None


def test_adding_the_same_again_adds_nothing(engine: Engine) -> None:
    do(engine, add, [new()])
    do(engine, add, [new(), new()])
    assert count(engine) == (1, 1)


def test_a_fact_that_says_otherwise_is_refused_and_both_are_named(engine: Engine) -> None:
    yes, no = new(), new(answer="refused", source="another")
    do(engine, add, [yes])
    with pytest.raises(ContradictionError) as refused:
        do(engine, add, [no, new(component="codec")])
    assert yes.id in str(refused.value)
    assert no.id in str(refused.value)
    assert count(engine) == (1, 1)
    with pytest.raises(ContradictionError):
        do(engine, add, [new(component="vae"), new(component="vae", answer="refused")])
    do(engine, add, [new(answer="refused", valid_to=DAY, component="later"), new(component="later", valid_from=DAY)])
    do(engine, correct, corrected(yes, ["answer=refused"], "letter", "Ada"))
    do(engine, add, [no])


def test_a_correction_stands_beside_what_it_corrects(engine: Engine) -> None:
    wrong = new()
    do(engine, add, [wrong])
    before = datetime.now(UTC)
    do(engine, correct, corrected(wrong, ["answer=refused"], "letter", "Ada"))
    with reading(engine) as session:
        register = load(session)
    assert [one.answer for one in register.believed(DAY, before)] == ["allowed"]
    assert [one.answer for one in register.believed(DAY, datetime.now(UTC))] == ["refused"]
    for again in (corrected(wrong, ["note=x"], "letter", "Ada"), wrong):
        with pytest.raises(FactError, match=r"correct(ed|s)"):
            do(engine, correct if again.corrects else add, again if again.corrects else [again])
    with pytest.raises(FactError, match="no fact"):
        do(engine, correct, corrected(new(component="never"), ["note=x"], "letter", "Ada"))
    assert count(engine) == (2, 2)


def test_a_clock_that_runs_backwards_is_told_with_both_times(engine: Engine) -> None:
    now = datetime.now(UTC)
    do(engine, add, [new()], now=now)
    with pytest.raises(ClockError) as refused:
        do(engine, add, [new(component="codec")], now=now - timedelta(seconds=1))
    assert now.isoformat() in str(refused.value)
    assert (now - timedelta(seconds=1)).isoformat() in str(refused.value)
    assert count(engine) == (1, 1)


def test_a_fact_that_was_changed_behind_our_back_is_named(engine: Engine) -> None:
    one = new()
    do(engine, add, [one])
    drop = "DROP TRIGGER licence_fact_refuses_update" if engine.dialect.name == "sqlite" else \
        "ALTER TABLE licence_fact DISABLE TRIGGER ALL"  # fmt: skip
    with engine.begin() as connection:
        connection.execute(text(drop))
        connection.execute(text("UPDATE licence_fact SET answer = 'refused'"))
    with pytest.raises(DamagedFactError, match=one.id), reading(engine) as session:
        load(session)


def test_a_release_may_correct_its_facts_but_not_what_somebody_corrected_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = new(component="one"), new(component="two")
    do(engine, add, [one, two])
    mine = corrected(one, ["answer=refused"], "my letter", "Ada")
    do(engine, correct, mine)
    theirs = tuple(corrected(wrong, ["answer=unknown"], "a new release", "Cueworks") for wrong in (one, two))
    monkeypatch.setattr("services.rights.register.seed_facts", lambda: theirs)
    for register in (read_register(engine), open_register(engine), open_register(engine)):
        believed = {fact.component: fact.answer for fact in register.believed(DAY, datetime.now(UTC))}
        assert believed == {"one": "refused", "two": "unknown"}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Calls the command line in this process, with a home that is not there yet: (exit code, output, errors)."""
    for name in ("CUEWORKS_DATABASE_URL", "CUEWORKS_CHECKPOINTS", "CUEWORKS_NAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUEWORKS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUEWORKS_KEYS", str(tmp_path / "keys"))

    def answer(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cueworks", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            app.main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return answer


FACT = ("--subject", "acme/model", "--component", "weights", "--source", "https://acme.example", "--by", "Ada")


def test_the_command_lists_adds_corrects_and_shows(call: Callable[..., Any], tmp_path: Path) -> None:
    code, out, _ = call("licences", "list", "--subject", "musicgen-small", "--json")
    assert (code, {row["component"] for row in json.loads(out)}) == (0, {"code", "codec", "weights"})
    assert not (tmp_path / "home").exists()
    code, out, _ = call("licences", "add", *FACT, "--answer", "allowed", "--json")
    (row,) = json.loads(out)
    assert (code, row["answer"], row["recorded_by"]) == (0, "allowed", "Ada")
    assert list((tmp_path / "home" / "checkpoints").glob("*.checkpoint"))
    said = ("--set", "answer=refused", "--source", "letter of counsel", "--by", "Ada")
    code, out, _ = call("licences", "correct", row["id"], *said, "--json")
    (right,) = json.loads(out)
    assert (code, right["corrects"], right["answer"]) == (0, row["id"], "refused")
    rows = json.loads(call("licences", "show", row["id"], "--json")[1])
    assert [(one["id"], one["corrected_by"]) for one in rows] == [(row["id"], right["id"]), (right["id"], None)]
    assert "letter of counsel" in call("licences", "show", "acme/model")[1]
    then = ("--subject", "acme/model", "--known-at", row["recorded_at"], "--json")
    known = json.loads(call("licences", "list", *then)[1])
    assert [one["id"] for one in known] == [row["id"]]
    assert json.loads(call("licences", "list", "--known-at", "2020-01-01", "--json")[1]) == []
    assert call("licences", "correct", right["id"], "--withdraw", "--source", "letter", "--by", "Ada")[0] == 0
    assert call("licences", "list", "--subject", "acme/model")[1].count("\n") == 1
    assert call("licences", "list", "--subject", "acme/model", "--all")[1].count("\n") == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "--by", "Ada"), "give either --file, or --subject"),
        (("add", *FACT[:4], "--by", "Ada", "--answer", "allowed"), "a fact without a source is no fact"),
        (("add", *FACT, "--answer", "allowd"), "did you mean 'allowed'?"),
        (("add", *FACT, "--expression", "MITT", "--answer", "licence"), "did you mean MIT?"),
        (("add", *FACT, "--file", "x.yaml"), "give either"),
        (("add", "--by", "Ada", "--file", "none.yaml"), "none.yaml"),
        (("add", *FACT, "--from", "soon"), "write a day"),
        (("add", "--subject", "facebook/musicgen-*", *FACT[2:], "--answer", "allowed"), "fact-ee92a1f0d1175d89"),
        (("correct", "fact-0000", "--set", "answer=refused", "--source", "x", "--by", "Ada"), "no fact 'fact-0000'"),
        (("correct", "fact-fa7bedc61229754a", "--set", "x=y", "--source", "x", "--by", "Ada"), "no field of a fact"),
        (("correct", "fact-fa7bedc61229754a", "--source", "x", "--by", "Ada"), "nothing to correct"),
        (("list", "--as-of", "yesterday"), "--as-of: 'yesterday' is no day"),
        (("list", "--known-at", "then"), "--known-at: 'then' is no time"),
        (("show", "musicgne"), "nothing is recorded"),
        (("show", "fact-zz"), "no fact 'fact-zz'"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    call: Callable[..., Any], arguments: tuple[str, ...], told: str
) -> None:
    code, out, error = call("licences", *arguments)
    assert (code, out) == (2, ""), error
    assert told in error
    assert "Traceback" not in error


def test_the_register_is_read_anew_where_facts_were_added_and_only_there(engine: Engine) -> None:
    register = open_register(engine)
    with reading(engine) as session:
        first = current(session)
        assert current(session) is first
        assert first.facts == register.facts
    assert read_register(engine) is first
    do(engine, add, [new()])
    assert len(read_register(engine).facts) == len(first.facts) + 1
    with writing(engine) as session:
        policy, entries = standing_policy(session)
        assert standing_policy(session)[0] is policy
    assert (len(policy.register.facts), entries) == (len(first.facts) + 1, [])
