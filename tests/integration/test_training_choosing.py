"""Which takes may be trained on, and that what was trained on is found again: on both databases."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DatabaseError

from db.engine import reading, writing
from db.ledger import append
from db.registrations import insert_registration
from db.rights_tables import Derivation, Review
from db.rows import NewGenerator
from db.tables import Asset
from db.takes import with_id_prefix
from db.training import TrainingRow, TrainingTakeRow, insert_training, takes_of, trained_on, training_rows
from models.registry import CARDS
from services.audit.impact import find_impact, impact_json
from services.planning.words import USES
from services.rights.policy import Policy
from services.rights.refusal import RefusedError
from services.rights.register import Register, current, open_register, read_register
from services.training.choosing import Chosen, choose, told
from services.training.errors import TrainingError
from services.training.naming import taken
from services.training.registering import asked_again
from tests.catalog_rows import done, new_order, new_take, open_run, order_takes, record_takes, sha
from tests.registrations import registration
from tests.rights_facts import fact
from tests.training_runs import order as made_order

COMPOSER = CARDS["composer"]
MADE = (NewGenerator("composer", COMPOSER.revision, None, {}), NewGenerator("composer", sha("terms"), None, {}),
        NewGenerator("empty", "1", None, {}))  # fmt: skip


def catalog(engine: Engine, brief: str = "brief", first: int = 0, count: int = 3, **changed: object) -> None:
    """Takes of the composer, done; `changed` of each take."""
    made = {"generator": "composer", "revision": COMPOSER.revision, **changed}
    takes = [new_take(number, **made) for number in range(first, first + count)]
    registered = order_takes(engine, takes, new_order(brief, True, generators=MADE))
    ids = [take.id for take in takes]
    record_takes(engine, open_run(engine, registered, [ids], f"run-{first}"), [done(id_) for id_ in ids])


def chosen(engine: Engine, *further: object) -> Chosen:
    open_register(engine)
    with reading(engine) as session:
        register = current(session)
        return choose(session, Policy(Register([*register.facts, *further], register.checkpoints)), ["game"])  # type: ignore[list-item]


def test_the_composers_own_takes_are_chosen_for_every_use_and_others_refused(engine: Engine) -> None:
    catalog(engine)
    catalog(engine, "another", 10, 1, generator="empty", revision="1")
    with writing(engine) as session:
        review = {"id": str(uuid4()), "take_id": sha("take 1"), "decision": "reject", "by": "Kim", "note": "dull"}
        session.execute(insert(Review), [{**review, "at": datetime.now(UTC)}])
    found = chosen(engine)
    assert [item.take for item in found.items] == sorted([sha("take 0"), sha("take 2")])
    assert found.items[0].media_type == "audio/flac"
    assert ("key", "d minor") in found.items[0].alone
    assert [(one.take, one.refused) for one in found.left_out] == [(sha("take 10"), True), (sha("take 1"), False)]
    assert "made by empty" in told(found.refused)[0]
    assert found.uses == USES
    assert {row["use"] for row in found.weighed.licences} == set(USES)


@pytest.mark.parametrize("how", ["revision", "derivation", "source"])
def test_what_was_brought_in_is_refused_whatever_it_is_called(engine: Engine, how: str) -> None:
    catalog(engine, revision=sha("terms") if how == "revision" else COMPOSER.revision)
    taken = [sha(f"take {number}") for number in range(3)]
    with writing(engine) as session:
        if how == "derivation":
            session.add_all(Derivation(
                id=str(uuid4()), sha256=sha("mix"), source_sha256=sha(take), take_id=take, kind="import", note="",
                expression="CC0-1.0", source="a CD", by="Kim", at=datetime.now(UTC),
            ) for take in taken)  # fmt: skip
        if how == "source":
            session.add_all(Asset(take_id=take, role="source", media_type="audio/mpeg", sha256=sha("mp3"), bytes=9,
                                  path=take) for take in taken)  # fmt: skip
    found = chosen(engine)
    assert not found.items
    assert "3 takes" in told(found.refused)[0]
    assert "was brought in" in told(found.refused)[0]


@pytest.mark.parametrize(("licence", "refused"), [("LicenseRef-Own-Work", 0), ("CC-BY-4.0", 3), ("CC-BY-NC-4.0", 3)])
def test_what_an_order_brought_must_ask_for_nothing(engine: Engine, licence: str, refused: int) -> None:
    catalog(engine, f"theme: {{file: hero.mid, licence: {licence}, source: our archive}}")
    found = chosen(engine)
    assert len(found.refused) == refused
    assert len(found.items) == 3 - refused
    assert all("theme file" in line for line in told(found.refused))
    assert [row["takes"] for row in found.weighed.materials] == [] if refused else [3]


def test_what_the_composers_facts_ask_for_is_kept_and_what_markets_ask_for_is_not(engine: Engine) -> None:
    catalog(engine)
    found = chosen(engine, fact("composer", "weights", "allowed", use="trailer", duties=("Name the composer.",)))
    assert found.uses == USES
    assert found.weighed.duties == {use: ("Name the composer.",) if use == "trailer" else () for use in USES}


def test_a_use_that_the_composer_is_not_allowed_for_is_none_of_the_models(engine: Engine) -> None:
    catalog(engine)
    found = chosen(engine, fact("composer", "weights", "refused", use="trailer"))
    assert set(found.uses) == set(USES) - {"trailer"}
    assert len(found.items) == 3
    ending = chosen(engine, fact("composer", "weights", "allowed", use="trailer", volume_cap=100))
    assert set(ending.uses) == set(USES) - {"trailer"}


def test_what_was_learned_may_be_refused_before_it_is_registered(engine: Engine, tmp_path: Path) -> None:
    catalog(engine)
    found = chosen(engine)
    order = replace(made_order(tmp_path), items=found.items)
    facts = read_register(engine)
    assert asked_again(engine, facts, order).licences == found.weighed.licences
    no = [fact("composer", part, "refused", use=use) for part in ("weights", "samples") for use in USES]
    with pytest.raises(RefusedError, match="allowed for no use any more"):
        asked_again(engine, Register([*facts.facts, *no], facts.checkpoints), order)
    with writing(engine) as session:
        session.add(Derivation(
            id=str(uuid4()), sha256=sha("mix"), source_sha256=None, take_id=sha("take 1"), kind="reference", note="",
            expression="CC-BY-NC-4.0", source="a CD", by="Kim", at=datetime.now(UTC),
        ))  # fmt: skip
    with pytest.raises(RefusedError, match=r"may not be used any more\n1 takes .*reference audio \(a CD\)"):
        asked_again(engine, facts, order)


@pytest.mark.parametrize("name", ["facebook/musicgen-small", "suno", "musicgen-small", "house/mine"])
def test_names_that_stand_for_something_else_are_not_given_to_a_model(engine: Engine, name: str) -> None:
    open_register(engine)
    with reading(engine) as session:
        register = current(session)
        assert taken(session, register, "house/new") == []
        mine = Register([*register.facts, fact("house/mine")], register.checkpoints)
        [said] = taken(session, mine, name)
    assert "facts are on record" in said
    assert "--name house/NAME" in said


def test_a_name_under_which_other_files_were_registered_is_not_given_to_a_model(engine: Engine) -> None:
    recorded(engine)
    with writing(engine) as session:
        append(session, [insert_registration(session, registration("house/test", digest=sha("weights"))),
                         insert_registration(session, registration("house/other"))])  # fmt: skip
    with reading(engine) as session:
        register = current(session)
        assert taken(session, register, "house/test") == []  # its own: it may be trained again
        [said] = taken(session, register, "house/other")
    assert "no training run here made" in said


def test_a_catalog_that_is_not_there_is_told(engine: Engine) -> None:
    with reading(engine) as session, pytest.raises(TrainingError, match="no catalog 'gams'"):
        choose(session, Policy(Register(())), ["gams"])


def recorded(engine: Engine) -> str:
    catalog(engine)
    now, id_ = datetime.now(UTC), sha("a run")
    row = TrainingRow(
        id=id_, name="house/test", revision="engine-1+weights-0123456789abcdef", weights_digest=sha("weights"),
        folder="/models/test", catalogs=["game"], takes=2, manifest_sha256=sha("manifest"), config={"seed": 0},
        code={"source_sha256": sha("code")}, licences=[], evaluation={"codec": {"time_error": 0.1}}, fact_ids=[],
        by="Kim", started_at=now, ended_at=now,
    )  # fmt: skip
    takes = [TrainingTakeRow(id_, sha(f"take {number}"), "training", sha("file"), sha("pcm"), sha("audio"))
             for number in (0, 2)]  # fmt: skip
    with writing(engine) as session:
        append(session, [insert_training(session, row, takes)])
    return id_


def test_from_a_model_to_its_takes_and_from_a_take_to_its_models(engine: Engine) -> None:
    id_ = recorded(engine)
    with reading(engine) as session:
        assert [row.name for row in training_rows(session)] == ["house/test"]
        assert {take["take"] for take in takes_of(session, id_)} == {sha("take 0"), sha("take 2")}
        assert [one.training for one in trained_on(session, with_id_prefix(sha("take 0")))] == [id_]
        assert trained_on(session, with_id_prefix(sha("take 1"))) == []
        register = current(session).with_seed()
        impact = find_impact(session, register, sha("take 2")[:12])
        assert impact.meant.kind == "take"
        assert impact_json(impact, list(impact.rows()))["models"] == [
            {"name": "house/test", "revision": "engine-1+weights-0123456789abcdef", "training": id_, "takes": 1}
        ]
        [composer] = [one.id for one in register.facts if (one.subject, one.component) == ("composer", "weights")]
        assert [model.takes for model in find_impact(session, register, composer).models()] == [2]


@pytest.mark.parametrize("table", ["training", "training_take"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = 'x'"])
def test_what_is_on_record_of_a_run_stays(engine: Engine, table: str, change: str) -> None:
    recorded(engine)
    column = "name" if table == "training" else "split"
    with pytest.raises(DatabaseError, match="append-only"), writing(engine) as session:
        session.execute(text(change.format(table, column)))
