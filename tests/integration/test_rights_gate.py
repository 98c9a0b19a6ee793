"""Orders and recorded takes under the policy: refused before anything is written, judged again when recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db.engine import reading, writing
from db.ledger import append
from db.rights_tables import Derivation, Judgement, JudgementFact, LedgerEntry, OrderVerdict, Verdict
from db.tables import Base, Brief, Generator, Take
from db.verdicts import asked_takes, asked_where, outputs, verdict_rows
from flows.orders import Choices, Nameable, make_plan, read_plan
from models.registry import CARDS
from services.catalog import runs
from services.catalog.listing import find_take, show_json
from services.planning.faults import BriefError
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief
from services.rights import gate
from services.rights.materials import brought_by
from services.rights.policy import Licensee, Material
from services.rights.refusal import RefusedError
from services.rights.register import Register, add, correct, load, open_register
from services.rights.statements import corrected
from services.rights.takes import counted_with, judge_takes
from services.settings import Settings
from tests.cards import cards_at
from tests.catalog_rows import done, failed, sha
from tests.rights_facts import DAY, LONG_AGO, fact

BRIEF = """
catalog: game
generator: {generator}
use: {use}
licensee: {{kind: company, annual_revenue_usd: 400000}}
{more}
defaults: {{loop: {loop}}}
cues:
- {{state: combat, prompt: "dark drums", takes: 3, bars: 4}}
"""


def brief(tmp_path: Path, generator: str = "composer", use: str = "commercial-game", more: str = "",
          loop: str = "true") -> Path:  # fmt: skip
    path = tmp_path / "brief.yaml"
    path.write_text(BRIEF.format(generator=generator, use=use, more=more, loop=loop))
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"CUEWORKS_HOME": str(tmp_path / "home"), "CUEWORKS_KEYS": str(tmp_path / "keys")})


def refusal(settings: Settings, path: Path, **choices: Any) -> str:
    """What a refused order says; nothing was written."""
    with pytest.raises(RefusedError) as refused:
        read_plan(path, Choices(**choices), settings)
    assert not settings.home.exists()
    assert refused.value.reasons
    return str(refused.value)


def test_a_known_name_is_judged_before_it_matters_whether_there_is_a_checkpoint(
    settings: Settings, tmp_path: Path
) -> None:
    for told in (refusal(settings, brief(tmp_path, "facebook/musicgen-small")),
                 refusal(settings, brief(tmp_path), generator="facebook/musicgen-small")):  # fmt: skip
        assert "facebook/musicgen-small: refused for commercial-game" in told
        assert "CC-BY-NC-4.0" in told
        assert "fact-ee92a1f0d1175d89" in told
        assert "model_cards" in told
        assert "`cueworks licences add`" in told


def test_only_a_generator_that_may_be_used_must_be_registered(settings: Settings, tmp_path: Path) -> None:
    for name in ("ACE-Step/ACE-Step-v1-3.5B", "nobody/model"):
        for ordered, choices in ((name, Choices()), ("composer", Choices(generator=name))):
            with pytest.raises(BriefError, match="unknown generator"):
                read_plan(brief(tmp_path, ordered), choices, settings)
    assert not settings.home.exists()


def test_unknown_is_refused_with_the_command_that_would_settle_it(settings: Settings, tmp_path: Path) -> None:
    told = refusal(settings, brief(tmp_path, "ASLP-lab/DiffRhythm-base"))
    assert "ASLP-lab/DiffRhythm-base: unknown for commercial-game" in told
    assert "`cueworks licences add --subject 'ASLP-lab/DiffRhythm*' --component vae" in told


def test_what_an_order_says_of_itself_is_judged(settings: Settings, tmp_path: Path, monkeypatch: Any) -> None:
    assert "Content ID bars loops" in refusal(settings, brief(tmp_path, use="content-id"))
    assert "exclusive" in refusal(settings, brief(tmp_path, use="content-id", loop="false"))
    monkeypatch.setattr("services.planning.reader._theme_of", lambda *_: None)
    theme = "theme: {{file: theme.mid, licence: {}}}"
    assert "theme.mid" in refusal(settings, brief(tmp_path, more=theme.format("CC-BY-NC-4.0")))
    assert "did you mean CC0-1.0?" in refusal(settings, brief(tmp_path, more=theme.format("CC0-1")))
    allowed = read_plan(brief(tmp_path, more=theme.format("CC-BY-4.0")), Choices(), settings)
    assert any("theme.mid" in duty for duty in allowed.duties)


def test_an_order_that_passes_carries_its_duties(settings: Settings, tmp_path: Path) -> None:
    order = read_plan(brief(tmp_path), Choices(), settings)
    assert any("Steam" in duty for duty in order.duties)
    assert read_plan(brief(tmp_path, use="internal-prototype"), Choices(), settings).duties == ()
    assert not settings.home.exists()


def test_the_prompt_guard_speaks_at_the_same_gate(settings: Settings, tmp_path: Path) -> None:
    path = brief(tmp_path)
    path.write_text(path.read_text().replace("dark drums", "in the style of Metallica"))
    assert "Metallica" in refusal(settings, path)
    told = refusal(settings, path, use="content-id")
    assert "Metallica" in told
    assert "Content ID" in told


def test_facts_of_the_home_count_at_plan(settings: Settings, tmp_path: Path) -> None:
    engine = settings.open_database()
    wrong = next(one for one in open_register(engine).facts if one.key[:2] == ("composer", "samples"))
    with writing(engine) as session:
        append(session, correct(session, corrected(wrong, ["answer=refused"], "letter of counsel", "Ada")))
    with pytest.raises(RefusedError, match="letter of counsel"):
        read_plan(brief(tmp_path), Choices(), settings)
    with writing(engine) as session:
        append(session, add(session, [fact("acme/model", recorded_at=None, note="ours")]))
    assert "acme/model" in Nameable(settings)
    assert "acme/other" not in Nameable(settings)


def composed(tmp_path: Path, **said: str) -> Plan:
    """A plan that was not judged."""
    return plan(read_brief(brief(tmp_path, **said)), cards_at("r1"))


def count(engine: Engine, table: type[Base]) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_starting_puts_the_verdict_on_the_order_on_record_once_a_day(engine: Engine, tmp_path: Path) -> None:
    for _ in range(2):
        runs.finish(engine, runs.start(engine, composed(tmp_path), {}).id, {})
        assert (count(engine, OrderVerdict), count(engine, Judgement)) == (1, 1)
    with reading(engine) as session:
        (judgement,) = session.scalars(select(Judgement))
        facts = set(session.scalars(select(JudgementFact.fact_id)))
        kinds = list(session.scalars(select(LedgerEntry.kind).order_by(LedgerEntry.sequence)))
    assert judgement.answer == "allowed-with-duties"
    assert judgement.licensee == {"kind": "company", "annual_revenue_usd": 400000}
    assert facts == {id_ for reason in judgement.reasons for id_ in reason["facts"]}
    assert [kind for kind in kinds if kind != "fact"] == ["origin", "verdict", "plan", "plan"]


def test_a_refused_order_that_comes_past_the_plan_starts_nothing(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="Content ID bars loops"):
        runs.start(engine, composed(tmp_path, use="content-id"), {})
    assert [count(engine, table) for table in (Brief, Take, Judgement, LedgerEntry)] == [0, 0, 0, 0]


@pytest.fixture
def started(engine: Engine, tmp_path: Path) -> tuple[str, list[str]]:
    """A run of three takes."""
    order = composed(tmp_path)
    return runs.start(engine, order, {}).id, [take.id for take in order.takes]


def verdicts(engine: Engine, take: str) -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(row["stage"], row["answer"]) for row in verdict_rows(session, take)]


def test_takes_are_judged_when_they_are_recorded_by_the_facts_of_then(
    engine: Engine, started: tuple[str, list[str]]
) -> None:
    run, takes = started
    runs.record(engine, run, [done(takes[0]), failed(takes[1])])
    assert verdicts(engine, takes[0]) == [("plan", "allowed-with-duties"), ("record", "allowed-with-duties")]
    assert verdicts(engine, takes[1]) == [("plan", "allowed-with-duties")]
    wrong = next(one for one in open_register(engine).facts if one.key[:2] == ("composer", "samples"))
    with writing(engine) as session:
        append(session, correct(session, corrected(wrong, ["answer=refused"], "letter of counsel", "Ada")))
    runs.record(engine, run, [done(takes[0]), done(takes[2])])
    assert verdicts(engine, takes[2])[-1] == ("record", "refused")
    assert verdicts(engine, takes[0])[-1] == ("record", "allowed-with-duties")
    assert count(engine, Verdict) == 2
    assert count(engine, Judgement) == 2  # that of the plan is that of the first take


def test_show_tells_the_verdicts_with_their_reasons(
    engine: Engine, started: tuple[str, list[str]], tmp_path: Path
) -> None:
    run, takes = started
    runs.record(engine, run, [done(takes[0])])
    shown = show_json(engine, find_take(engine, takes[0]), tmp_path)
    assert [verdict["stage"] for verdict in shown["verdicts"]] == ["plan", "record"]
    assert shown["verdicts"][1]["reasons"][0]["facts"]
    assert any("Steam" in duty for duty in shown["verdicts"][1]["duties"])


def judged(engine: Engine, takes: list[str], use: str = "commercial-game") -> dict[str, Any]:
    with reading(engine) as session:
        asked = asked_takes(session, takes)
        return dict(judge_takes(session, load(session), asked, use, Licensee("company", 1.0), DAY, datetime.now(UTC)))


def test_takes_of_one_question_share_one_judgement(engine: Engine, started: tuple[str, list[str]]) -> None:
    found = judged(engine, started[1])
    assert set(found) == set(started[1])
    assert len({id(judgement) for judgement in found.values()}) == 1
    assert {judgement.answer for judgement in judged(engine, started[1], "content-id").values()} == {"refused"}


def test_what_a_take_was_made_from_counts(engine: Engine, started: tuple[str, list[str]]) -> None:
    _, takes = started
    with writing(engine) as session:
        for number, (take, kind, licence) in enumerate(
            ((takes[0], "reference", "CC-BY-NC-4.0"), (takes[1], "lyrics", ""), (takes[2], "conversion", ""))
        ):
            told = {"expression": licence, "source": "a friend", "by": "Ada", "note": "", "at": datetime.now(UTC)}
            told |= {"id": f"d{number}", "sha256": sha(take), "source_sha256": None}
            session.add(Derivation(take_id=take, kind=kind, **told))
    found = judged(engine, takes)
    assert [found[take].answer for take in takes] == ["refused", "unknown", "allowed-with-duties"]
    assert "reference audio (a friend)" in found[takes[0]].stops[0].text


def test_what_the_newest_order_says_of_the_same_theme_counts(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.planning.reader._theme_of", lambda *_: None)
    more = "theme: {{file: {}, licence: {}}}"

    def ordered(file: str, licence: str) -> list[str]:
        order = composed(tmp_path, more=more.format(file, licence))
        runs.finish(engine, runs.start(engine, order, {}).id, {})
        return [take.id for take in order.takes]

    takes = ordered("theme.mid", "CC0-1.0")
    with reading(engine) as session:
        asked, then = list(asked_takes(session, takes)), datetime.now(UTC)
    assert {one.answer for one in judged(engine, takes).values()} == {"allowed-with-duties"}
    path = brief(tmp_path, use="internal-prototype", more=more.format("theme.mid", "CC-BY-NC-4.0"))
    path.write_text(path.read_text().replace("company", "individual"))
    order = plan(read_brief(path), cards_at("r1"))
    assert [take.id for take in order.takes] == takes
    runs.finish(engine, runs.start(engine, order, {}).id, {})
    assert {one.answer for one in judged(engine, takes).values()} == {"refused"}
    with reading(engine) as session:
        known = judge_takes(session, load(session), asked, "commercial-game", Licensee("company", 1.0), DAY, then)
        assert {one.answer for _, one in known} == {"allowed-with-duties"}
    ordered("theme.mid", "CC0-1.0")  # as it was first told: the brief is an old one, its run the newest
    assert {one.answer for one in judged(engine, takes).values()} == {"allowed-with-duties"}
    ordered("other.mid", "CC-BY-4.0")
    assert not any("other.mid" in reason.text for one in judged(engine, takes).values() for reason in one.reasons)


def test_imported_takes_carry_the_plan_and_the_licence_they_came_with() -> None:
    told = b'{"import":{"generator":"suno","licence":"LicenseRef-Suno-Terms-Free","plan":"free","source":"x"}}'
    brought = brought_by(told)
    assert brought.plan == "free"
    assert brought.materials == (Material("imported audio", "LicenseRef-Suno-Terms-Free", "x"),)
    assert brought_by(b"catalog: x").materials == ()
    assert brought_by(b"theme: {file: a.mid").materials[0].expression == ""


def test_volume_caps_count_the_catalogs_own_outputs(engine: Engine, started: tuple[str, list[str]]) -> None:
    run, takes = started
    runs.record(engine, run, [done(take) for take in takes[:2]])
    limit = fact("composer", "terms", volume_cap=1, use="commercial-game", recorded_at=None, note="one and no more")
    with writing(engine) as session:
        append(session, add(session, [limit]))
    assert {one.answer for one in judged(engine, takes).values()} == {"refused"}
    with reading(engine) as session:
        assert len(list(asked_where(session, Take.catalog_id == 1))) == 3


def test_generators_that_share_a_cap_are_counted_together(engine: Engine, started: tuple[str, list[str]]) -> None:
    run, takes = started
    runs.record(engine, run, [done(take) for take in takes])
    limit = fact("acme/*", volume_cap=2, recorded_at=None)
    register = Register([replace(limit, recorded_at=LONG_AGO), fact("other/model", volume_cap=2)])
    with writing(engine) as session:
        for take, name in zip(takes, ("acme/one", "Acme/One", "other/model"), strict=True):
            session.add(Generator(id=name, revision="r1", card={}, first_seen_at=LONG_AGO))
            session.flush()
            session.get_one(Take, take).generator = name
    with reading(engine) as session:
        knowledge = register.known(datetime.now(UTC))
        names = counted_with(session, knowledge, "game", "acme/one")
        assert (set(names), outputs(session, "game", names)) == ({"acme/one", "Acme/One"}, 2)


def test_a_plan_over_a_volume_cap_is_refused_with_what_is_there_already(engine: Engine, tmp_path: Path) -> None:
    open_register(engine)
    limit = fact("composer", "terms", volume_cap=3, use="commercial-game", recorded_at=None)
    with writing(engine) as session:
        append(session, add(session, [limit]))
    first = composed(tmp_path)
    run = runs.start(engine, first, {})
    runs.record(engine, run.id, [done(take.id) for take in first.takes])
    runs.finish(engine, run.id, {})
    runs.start(engine, first, {})
    path = brief(tmp_path)
    path.write_text(path.read_text().replace("dark drums", "light drums"))
    with pytest.raises(RefusedError, match="at most 3 outputs"):
        runs.start(engine, plan(read_brief(path), cards_at("r1")), {})


def test_every_order_goes_through_the_gate(settings: Settings, tmp_path: Path, monkeypatch: Any) -> None:
    asked: list[str] = []
    judge: Callable[..., Any] = gate.check_plan

    def check(register: object, order: Plan) -> object:
        asked.append(order.use)
        return judge(register, order)

    monkeypatch.setattr(gate, "check_plan", check)
    make_plan(read_brief(brief(tmp_path, use="trailer"), set(CARDS)), Choices(), settings)
    assert asked == ["trailer"]
