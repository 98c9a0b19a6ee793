"""The policy over orders of several generators, and over recordings: each is asked about before anything is made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import Engine, func, select

from db.engine import reading, writing
from db.ledger import append
from db.rights_tables import Derivation, LedgerEntry
from db.verdicts import asked_takes
from flows.orders import Choices, make_plan
from services.catalog import runs
from services.catalog.listing import find_take, show_json
from services.planning.plan import Plan, plan
from services.planning.reader import ReadBrief, read_brief
from services.provenance.ledger import verify_ledger
from services.rights import gate
from services.rights.policy import Licensee
from services.rights.refusal import RefusedError
from services.rights.register import Register, add, load
from services.rights.takes import judge_takes
from services.settings import Settings
from tests.cards import token_model, with_composer
from tests.catalog_rows import done
from tests.rights_facts import DAY, NOW, fact

BRIEF = """
catalog: game
use: {use}
licensee: {{kind: company, annual_revenue_usd: 400000}}
cues:
- {{state: combat, prompt: "dark drums", takes: 2, bars: 4, loop: true}}
- {{state: calm, prompt: "wind", takes: 3, bars: 4, loop: true, generator: {generator}{keys}}}
"""
CARDS = with_composer(token_model(), token_model("acme/other"))


def brief(folder: Path, generator: str = "acme/tokens", keys: str = "", use: str = "commercial-game") -> ReadBrief:
    path = folder / "brief.yaml"
    path.write_text(BRIEF.format(generator=generator, keys=keys, use=use))
    return read_brief(path)


def allowing(*names: str, **said: Any) -> list[Any]:
    """Facts by which these generators may be used."""
    parts = ("code", "weights", "training", "output")
    return [fact(name, part, recorded_at=None, **said) for name in names for part in parts]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"CUEWORKS_HOME": str(tmp_path / "home"), "CUEWORKS_KEYS": str(tmp_path / "keys")})


def refusal(settings: Settings, read: ReadBrief, **choices: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        make_plan(read, Choices(**choices), settings)
    return str(caught.value)


def test_an_order_whose_one_cue_is_refused_is_refused_whole_and_nothing_is_written(
    settings: Settings, tmp_path: Path
) -> None:
    told = refusal(settings, brief(tmp_path, "facebook/musicgen-small"))
    assert "facebook/musicgen-small: refused for commercial-game" in told
    assert "composer: refused" not in told
    assert not settings.home.exists()
    assert make_plan(brief(tmp_path, "facebook/musicgen-small"), Choices(only="combat"), settings).takes
    assert make_plan(brief(tmp_path, "facebook/musicgen-small"), Choices(generator="composer"), settings).takes


def test_every_generator_that_stands_in_the_way_is_named(settings: Settings, tmp_path: Path) -> None:
    read = brief(tmp_path, "facebook/musicgen-small")
    path = tmp_path / "brief.yaml"
    path.write_text(path.read_text() + "- {state: boss, prompt: fight, generator: ASLP-lab/DiffRhythm-base}\n")
    told = refusal(settings, read_brief(path))
    assert "facebook/musicgen-small: refused" in told
    assert "ASLP-lab/DiffRhythm-base: unknown" in told
    assert read.brief.cues[1].generator == ["facebook/musicgen-small"]


def test_a_refusal_goes_before_what_the_generator_cannot_do(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Known(dict[str, Any]):
        def obstacle(self, name: str) -> None:
            return None

    known = Known(with_composer(token_model("facebook/musicgen-small")))
    monkeypatch.setattr(Settings, "known_generators", lambda self: known)
    told = refusal(settings, brief(tmp_path, "facebook/musicgen-small", ", stems: true"))
    assert "facebook/musicgen-small: refused for commercial-game" in told


def judged(*facts: Any, read: ReadBrief) -> dict[str, str]:
    judgements = gate.check_plan(Register(facts).with_seed(), plan(read, CARDS))
    return {judgement.question.generator: judgement.answer for judgement in judgements}


def test_each_generator_is_judged_by_its_own_facts(tmp_path: Path) -> None:
    answers = judged(read=brief(tmp_path))
    assert answers["acme/tokens"] == "unknown"
    assert answers["composer"].startswith("allowed")


def test_caps_count_the_outputs_of_each_generator(tmp_path: Path) -> None:
    limit = fact("acme/tokens", "weights", volume_cap=3, recorded_at=None)
    register = Register([limit]).with_seed()
    order = plan(brief(tmp_path), CARDS)
    outputs = {
        judgement.question.generator: judgement.question.outputs for judgement in gate.check_plan(register, order)
    }
    assert outputs == {"composer": 2, "acme/tokens": 3}


def test_generators_that_share_a_cap_are_counted_together(tmp_path: Path) -> None:
    limit = fact("acme/*", "weights", volume_cap=4, recorded_at=None)
    brief(tmp_path)
    path = tmp_path / "brief.yaml"
    path.write_text(path.read_text() + "- {state: boss, prompt: p, takes: 2, loop: true, generator: acme/other}\n")
    found = gate.check_plan(Register([limit]).with_seed(), plan(read_brief(path), CARDS))
    assert {one.question.generator: one.question.outputs for one in found} == {
        "composer": 2, "acme/tokens": 5, "acme/other": 5,
    }  # fmt: skip


FOLLOWS = ", continue: {file: tune.wav, licence: LICENCE, source: a friend}"


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    line = 0.2 * np.sin(np.arange(2 * 16000) / 10)
    soundfile.write(tmp_path / "tune.wav", line, 16000)
    return tmp_path / "tune.wav"


@pytest.mark.usefixtures("tune")
def test_a_recordings_licence_is_judged_with_the_cues_that_follow_it_alone(tmp_path: Path) -> None:
    read = brief(tmp_path, keys=FOLLOWS.replace("LICENCE", "CC-BY-NC-4.0"))
    found = gate.check_plan(Register(allowing("acme/tokens")).with_seed(), plan(read, CARDS))
    by_generator = {one.question.generator: one for one in found}
    assert by_generator["acme/tokens"].answer == "refused"
    assert any("reference audio (tune.wav, a friend)" in reason.text for reason in by_generator["acme/tokens"].stops)
    assert by_generator["composer"].question.materials == ()


@pytest.fixture
def recorded(engine: Engine, tmp_path: Path, tune: Path) -> Iterator[tuple[Plan, str]]:
    """An order with a cue that follows a recording under CC-BY-4.0, all its takes recorded."""
    assert tune.exists()
    with writing(engine) as session:
        append(session, add(session, allowing("acme/tokens")))
    order = plan(brief(tmp_path, keys=FOLLOWS.replace("LICENCE", "CC-BY-4.0")), CARDS)
    run = runs.start(engine, order, {}, known=CARDS).id
    runs.record(engine, run, [done(take.id) for take in order.takes])
    runs.record(engine, run, [done(take.id) for take in order.takes])
    runs.finish(engine, run, {})
    yield order, run


def test_what_a_take_follows_is_on_record_with_its_licence(
    engine: Engine, recorded: tuple[Plan, str], tmp_path: Path
) -> None:
    order, _ = recorded
    follows = {take.id for take in order.takes if take.controls.audio is not None}
    with reading(engine) as session:
        rows = list(session.scalars(select(Derivation)))
        assert {row.take_id for row in rows} == follows
        assert len(rows) == len(follows) == 3
        assert {(row.kind, row.expression, row.source, row.note) for row in rows} == {
            ("reference", "CC-BY-4.0", "tune.wav, a friend", "continuation")
        }
        assert {row.source_sha256 for row in rows} == set(order.recordings)
    shown = show_json(engine, find_take(engine, min(follows)), tmp_path)
    assert shown["derivations"][0]["licence"] == "CC-BY-4.0"
    assert any("tune.wav" in duty for verdict in shown["verdicts"] for duty in verdict["duties"])
    with reading(engine) as session:
        assert session.scalar(select(func.count()).where(LedgerEntry.kind == "derivation")) == 3
    told = [problem.what for problem in verify_ledger(engine, (), ()).problems]
    assert not [what for what in told if "derivation" in what or "take" in what]


def test_takes_that_follow_a_recording_are_judged_with_it_ever_after(
    engine: Engine, recorded: tuple[Plan, str]
) -> None:
    order, _ = recorded
    with reading(engine) as session:
        asked = asked_takes(session, [take.id for take in order.takes])
        found = dict(judge_takes(session, load(session), asked, "commercial-game", Licensee("company", 1.0), DAY, NOW))
    for take in order.takes:
        materials = [material.expression for material in found[take.id].question.materials]
        assert materials == (["CC-BY-4.0"] if take.controls.audio else [])
