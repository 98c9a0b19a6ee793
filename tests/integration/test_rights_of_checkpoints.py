"""A registered checkpoint before the gate of orders, and its takes before releases and audits, on both databases."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.engine import reading, writing
from db.ledger import Entry, append
from db.registrations import HUB, RegistrationRow, insert_registration
from db.verdicts import asked_takes
from flows.orders import Choices, make_plan
from models.registry import Card
from services.audit.judging import Judge, Kind
from services.audit.rows import Asked
from services.catalog import runs
from services.delivery.gate import Terms
from services.delivery.policy_gate import PolicyGate
from services.generators.known import card_of_row
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief
from services.rights.refusal import RefusedError
from services.rights.register import add, current
from services.rights.takes import counted_with
from services.settings import Settings
from tests.cards import with_composer
from tests.catalog_rows import done
from tests.checkpoints import write_transformers
from tests.registrations import DIGESTS, registration
from tests.rights_facts import fact

NAME, USE = "HeartMuLa/x", "commercial-game"
BRIEF = f"""
catalog: game
use: {USE}
licensee: {{kind: company, annual_revenue_usd: 400000}}
generator: {NAME}
cues:
- {{state: calm, prompt: wind, takes: 2, duration: 8, loop: false}}
"""


def write(engine: Engine, entries: Any) -> None:
    with writing(engine) as session:
        made: Iterable[Entry] = entries(session)
        append(session, made)


def card(row: RegistrationRow) -> Card:
    """Its card, without the files that its text is shaped by."""
    return replace(card_of_row(row), prompting="")


def register(engine: Engine, **said: Any) -> Card:
    """A checkpoint from a folder, under a name that is allowed."""
    row = registration(NAME, at=datetime.now(UTC), **said)
    write(engine, lambda session: [insert_registration(session, row)])
    return card(row)


def settle(engine: Engine, component: str = "weights") -> None:
    """Somebody says that it is theirs, after it was registered."""
    said = fact(NAME, component, "licence", expression="MIT", recorded_at=None)
    write(engine, lambda session: add(session, [said]))


def ordered(folder: Path, made: Card) -> Plan:
    path = folder / "brief.yaml"
    path.write_text(BRIEF)
    known = with_composer(made)
    return plan(read_brief(path, known), known)


def start(engine: Engine, folder: Path, made: Card) -> Plan:
    order = ordered(folder, made)
    run = runs.start(engine, order, {}, known=with_composer(made)).id
    runs.record(engine, run, [done(take.id) for take in order.takes])
    runs.finish(engine, run, {})
    return order


def refusal(engine: Engine, folder: Path, made: Card) -> str:
    with pytest.raises(RefusedError) as caught:
        start(engine, folder, made)
    return str(caught.value)


def answers(engine: Engine, order: Plan) -> dict[str, tuple[str, str]]:
    """(answer, licence of the sound) of one of its takes as a release and as an audit find them."""
    now, take = datetime.now(UTC), order.takes[0]
    with reading(engine) as session:
        (asked,) = asked_takes(session, [take.id])
        gate = PolicyGate()
        judged = gate.judge(session, [asked], Terms(USE, order.licensee), now)
        asking = Asked("game", USE, "company", 400_000.0, now.date(), now)
        kind = Kind(take.generator, take.revision, asked.brief_id)
        found = Judge(session, current(session).with_seed(now), asking).judged(kind)
        return {
            "release": (judged[take.id].answer, gate.licences(session, judged)[take.id]),
            "audit": (found.answer, found.licence),
        }


def test_an_order_from_a_folder_under_an_allowed_name_is_refused_until_it_is_settled(
    engine: Engine, tmp_path: Path
) -> None:
    made = register(engine)
    told = refusal(engine, tmp_path, made)
    assert f"{NAME}: unknown for {USE}" in told
    assert f"--component weights --use {USE} --licensee company --revision {made.revision}" in told
    settle(engine)
    order = start(engine, tmp_path, made)
    for answer, licence in answers(engine, order).values():
        assert (answer, licence) == ("allowed-with-duties", "MIT")


def test_takes_are_asked_about_again_by_their_files_and_not_by_their_name(engine: Engine, tmp_path: Path) -> None:
    """They were made while the policy went by the name; the registration alone tells that the name is another's."""
    made = card(registration(NAME))
    order = start(engine, tmp_path, made)
    assert {answer for answer, _ in answers(engine, order).values()} == {"allowed-with-duties"}
    register(engine)
    assert answers(engine, order) == {"release": ("unknown", "NOASSERTION"), "audit": ("unknown", "")}


@pytest.mark.parametrize(("licence", "answer"), [("CC-BY-NC-4.0", "refused"), ("", "unknown")])
def test_a_codec_from_elsewhere_stands_in_the_way_of_orders_releases_and_audits(
    engine: Engine, tmp_path: Path, licence: str, answer: str
) -> None:
    parts = {"licence": "MIT", "parts": {"codec": licence} if licence else {}}
    order = start(engine, tmp_path, card(registration(NAME)))
    made = register(engine, codec="/nowhere/encodec", card=parts)
    settle(engine)
    told = refusal(engine, tmp_path, made)
    assert f"{NAME}: {answer} for {USE}" in told
    assert f"the codec ({NAME}, encodec)" in told
    assert {found for found, _ in answers(engine, order).values()} == {answer}
    settle(engine, "codec")
    assert {found for found, _ in answers(engine, order).values()} == {"allowed-with-duties"}
    assert runs.start(engine, ordered(tmp_path, made), {}, known=with_composer(made)).to_render == 0  # all are there


def test_a_hubs_checkpoint_by_another_name_is_refused_to_orders_releases_and_audits(
    engine: Engine, tmp_path: Path
) -> None:
    order = start(engine, tmp_path, card(registration(NAME)))
    made = register(engine, origin=HUB, source="facebook/musicgen-small", commit_id="c" * 40)
    settle(engine)
    settle(engine, "codec")
    told = refusal(engine, tmp_path, made)
    assert f"{NAME}: refused for {USE}" in told
    assert f"facebook/musicgen-small (weights), which {NAME} was made from" in told
    assert {found for found, _ in answers(engine, order).values()} == {"refused"}


def test_a_volume_cap_follows_a_checkpoint_of_the_hub_to_other_names(engine: Engine, tmp_path: Path) -> None:
    """Known again by its largest file of weights too: a config that was touched makes no other model of it."""
    own, other = "acme/model", DIGESTS[1]
    weights: dict[str, Any] = {"model.safetensors": {"sha256": "f" * 64, "bytes": 900, "mtime_ns": "1"}}
    row = registration(own, at=datetime.now(UTC), origin=HUB, source=own, commit_id="c" * 40, files=weights)
    capped = fact(own, "weights", "allowed", volume_cap=3, recorded_at=None)
    write(engine, lambda session: [insert_registration(session, row)])
    write(engine, lambda session: add(session, [capped]))
    made = register(engine, digest=other, files={**weights, **registration().files})
    settle(engine)
    order = start(engine, tmp_path, made)
    with reading(engine) as session:
        assert counted_with(session, current(session).known(datetime.now(UTC)), "game", own) == [own, NAME]
    path = tmp_path / "brief.yaml"
    path.write_text(BRIEF.replace("takes: 2", "takes: 4"))
    with pytest.raises(RefusedError, match="at most 3 outputs"):
        runs.start(engine, plan(read_brief(path, with_composer(made)), with_composer(made)), {},
                   known=with_composer(made))  # fmt: skip
    assert len(order.takes) == 2


def test_a_plan_by_the_database_of_a_home_knows_what_is_registered(tmp_path: Path) -> None:
    home = {"CUEWORKS_HOME": str(tmp_path / "home"), "CUEWORKS_KEYS": str(tmp_path / "keys")}
    settings = Settings.from_environment(home)
    engine = settings.open_database()
    parts = {"licence": "MIT", "parts": {"codec": "CC-BY-NC-4.0"}}
    folder = write_transformers(tmp_path / "tiny")
    register(engine, folder=str(folder), codec=str(tmp_path), card=parts)
    path = tmp_path / "brief.yaml"
    path.write_text(BRIEF)
    read = read_brief(path, settings.known_generators())
    with pytest.raises(RefusedError, match="registered from /nowhere/my-model"):
        make_plan(read, Choices(), settings)
    settle(engine)
    with pytest.raises(RefusedError, match=r"the codec .*CC-BY-NC-4\.0"):
        make_plan(read, Choices(), settings)
    settle(engine, "codec")
    assert make_plan(read, Choices(), settings).takes
