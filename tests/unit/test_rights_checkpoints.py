"""Facts go by name: what has only the name is allowed nothing by them, and what is brought beside it is asked about."""

from datetime import timedelta
from typing import Any

import pytest

from db.registrations import RegistrationRow
from services.generators.rights import answers, known_licence, notes
from services.rights.checkpoints import Checkpoints
from services.rights.facts import Fact
from services.rights.materials import part_materials
from services.rights.policy import Judgement, Policy
from services.rights.register import Register
from services.rights.terms import NOT_KNOWN, sound_licence
from tests.registrations import BEGAN, DIGESTS, of_hub, registration
from tests.rights_facts import DAY, LONG_AGO, fact, question, seeded

AFTER = BEGAN + timedelta(minutes=1)
TAKEN = ("HeartMuLa/x", "ACE-Step/ACE-Step-v1-3.5B", "m-a-p/YuE", "YuE-s1-7B", "models/composer")


def known(rows: list[RegistrationRow], *facts: Fact) -> Register:
    return Register(seeded(*facts).facts, Checkpoints.of(rows))


def asked(
    row: RegistrationRow, *facts: Fact, use: str = "commercial-game", rows: Any = None, kind: str = "company"
) -> Judgement:
    """What the policy says of a registered checkpoint, with what was brought beside it."""
    register = known(rows or [row], *facts)
    parts = part_materials(register, row.generator, row.revision, AFTER)
    return Policy(register).judge(
        question(row.generator, use, kind, revision=row.revision, materials=parts, known_at=AFTER)
    )


def mit(row: RegistrationRow, component: str = "weights", **said: Any) -> Fact:
    """Somebody says that it is under MIT, after it was registered."""
    values = {"answer": "licence", "expression": "MIT", "recorded_at": AFTER}
    return fact(row.generator, component, **(values | said))


@pytest.mark.parametrize("name", TAKEN)
def test_a_folder_under_a_name_that_is_allowed_is_unknown_and_the_command_settles_it(name: str) -> None:
    row = registration(name)
    told = asked(row)
    assert told.answer == "unknown"
    (reason,) = (one for one in told.stops if one.rule == "another-of-that-name")
    assert f"{name} was registered from /nowhere/my-model" in reason.text
    assert f"--component weights --use commercial-game --licensee company --revision {row.revision}" in reason.text
    (said,) = notes(known([row]), row)
    assert f"--revision {row.revision} --component weights --answer licence --expression CC0-1.0" in said
    assert known_licence(known([row]), name, known([row]).checkpoints.find(name, row.revision)) == ""
    subject = reason.text.split("--subject ")[1].split(" ")[0]
    settled = fact(subject, answer="licence", expression="MIT", revision=row.revision)
    assert asked(row, settled).releasable
    assert {use["company"] for use in answers(known([row]), name, row.revision)} == {"unknown"}


def test_a_pattern_of_somebody_allows_no_folder_either() -> None:
    row = registration("studio/x")
    assert asked(row, fact("studio/*")).answer == "unknown"
    assert asked(row, fact("studio/*", recorded_at=AFTER)).answer == "unknown"
    assert asked(row, fact("studio/*", revision=row.revision)).releasable


def test_a_fact_of_a_person_counts_from_the_registration_on_under_exactly_that_name() -> None:
    row = registration("studio/x")
    assert asked(row, mit(row)).releasable
    assert asked(row, mit(row, recorded_at=LONG_AGO)).answer == "unknown"
    assert asked(row, mit(row, recorded_by="Cueworks")).answer == "unknown"


@pytest.mark.parametrize("revision", [DIGESTS[0], "engine-7+weights-" + "a" * 16])
def test_a_fact_names_files_by_their_digest_or_by_a_revision_of_any_engine(revision: str) -> None:
    row = registration("HeartMuLa/x")
    assert asked(row, mit(row, revision=revision, recorded_at=LONG_AGO)).releasable
    other = registration("HeartMuLa/x", 2, DIGESTS[1])
    assert asked(other, mit(row, revision=revision), rows=[row, other]).answer == "unknown"


def test_a_fact_about_what_a_name_is_an_alias_of_is_none_about_the_folder() -> None:
    row = registration("models/composer")
    assert asked(row, fact("composer", recorded_at=AFTER)).answer == "unknown"


def test_other_files_under_the_same_name_need_a_fact_of_their_own() -> None:
    row, other = registration("studio/x"), registration("studio/x", 2, DIGESTS[1], at=AFTER + timedelta(days=1))
    said = mit(row)
    assert asked(row, said, rows=[row, other]).releasable
    assert asked(other, said, rows=[row, other]).answer == "unknown"


def test_what_was_fetched_as_that_name_goes_by_its_facts() -> None:
    row = of_hub("HeartMuLa/x", source="heartmula/X")
    assert asked(row).answer == "allowed-with-duties"
    assert asked(of_hub("HeartMuLa/x", source="acme/model")).answer == "unknown"
    assert notes(known([row]), registration("HeartMuLa/x", card={"licence": "Apache-2.0"})) == []


def test_what_forbids_binds_whatever_has_the_name() -> None:
    row = registration("facebook/musicgen-small")
    assert asked(row).answer == "refused"
    assert asked(row, use="internal-prototype", kind="academic").answer == "unknown"
    assert asked(of_hub(), use="internal-prototype", kind="academic").releasable
    silent = registration("studio/x")
    assert asked(silent, fact("studio/*", "training", "refused"), mit(silent)).answer == "refused"


HUB_FOLDER = "/home/kim/.cache/huggingface/hub/models--facebook--musicgen-small/snapshots/1"


@pytest.mark.parametrize(
    "rows",
    [
        [of_hub("studio/mine")],
        [of_hub("studio/mine", source="https://huggingface.co/Facebook/MusicGen_small")],
        [registration("studio/mine", source=HUB_FOLDER)],
        [of_hub(), registration("studio/mine")],
        [of_hub("studio/first", act="removed"), registration("studio/mine")],
    ],
)
def test_another_name_rids_files_of_nothing_that_is_forbidden_of_what_they_came_from(rows: list[Any]) -> None:
    row = rows[-1]
    said = [mit(row), mit(row, "codec"), mit(row, revision=row.revision), mit(row, revision=row.digest, grade="own")]
    told = asked(row, *said, rows=rows)
    assert told.answer == "refused"
    (reason, *_) = (one for one in told.stops if "weights" in one.text)
    assert "facebook/musicgen-small (weights), which studio/mine was made from" in reason.text
    assert "CC-BY-NC-4.0" in reason.text
    assert asked(row, *said, rows=rows, use="internal-prototype", kind="academic").releasable
    assert asked(row, rows=rows, use="internal-prototype", kind="academic").answer == "unknown", "it allows nothing"
    assert any("is facebook/musicgen-small by another name" in line for line in notes(known(rows, *said), row))


def test_other_files_under_a_name_are_not_bound_by_what_earlier_ones_came_from() -> None:
    rows = [of_hub("studio/mine"), registration("studio/mine", 2, DIGESTS[1])]
    assert asked(rows[1], mit(rows[1]), rows=rows).releasable
    assert asked(rows[0], mit(rows[1]), rows=rows).answer == "refused"


def test_a_licence_that_was_bought_of_the_makers_is_recorded_about_what_it_is_a_licence_of() -> None:
    row = of_hub("studio/mine")
    bought = [
        fact("facebook/musicgen-small", part, answer="allowed", revision=row.digest, recorded_at=AFTER)
        for part in ("weights", "codec")
    ]
    assert asked(row, *bought).answer == "unknown"
    assert asked(row, *bought, mit(row)).releasable


def test_a_codec_that_was_replaced_is_not_bound_by_the_hubs() -> None:
    row = of_hub("studio/mine", source="acme/model", codec="/nowhere/encodec")
    facts = [fact("acme/model"), fact("acme/model", "codec", answer="refused"), mit(row), mit(row, "codec")]
    assert asked(row, *facts).releasable
    plain = of_hub("studio/mine", source="acme/model")
    assert asked(plain, *facts).answer == "refused"


def test_a_name_of_which_only_a_component_is_on_record_is_unknown() -> None:
    assert asked(registration("studio/x"), fact("studio/*", "codec")).answer == "unknown"


def test_whose_terms_the_sound_stands_under_is_not_told_by_the_name() -> None:
    row = registration("HeartMuLa/x")
    told = sound_licence(known([row]), row.generator, row.revision, DAY, AFTER)
    assert told == NOT_KNOWN
    named = mit(row, revision=DIGESTS[0])
    assert sound_licence(known([row], named), row.generator, row.revision, DAY, AFTER) == "MIT"
    assert sound_licence(known([row]), "HeartMuLa/x", "r1", DAY, AFTER) == "Apache-2.0"  # a service of that name


def beside(licence: str = "", **said: Any) -> RegistrationRow:
    """A checkpoint with a codec from a folder of its own."""
    card = {"licence": "MIT", "parts": {"codec": licence} if licence else {}}
    return registration("studio/x", codec="/nowhere/encodec", card=card, **said)


def test_a_codec_from_elsewhere_is_asked_about_by_what_its_card_says() -> None:
    row = beside("CC-BY-NC-4.0")
    told = asked(row, mit(row))
    assert told.answer == "refused"
    assert any("the codec (studio/x, encodec)" in reason.text for reason in told.stops)
    assert asked(beside("MIT"), mit(row)).releasable
    assert "CC-BY-NC-4.0" in sound_licence(known([row], mit(row)), row.generator, row.revision, DAY, AFTER,
                                           told.question.materials)  # fmt: skip
    uses = {use["use"]: use["company"] for use in answers(known([row], mit(row)), row.generator, row.revision)}
    assert uses["commercial-game"] == "refused"


def test_a_codec_from_elsewhere_without_a_licence_is_unknown_until_a_fact_is_about_it() -> None:
    row = beside()
    told = asked(row, mit(row))
    assert told.answer == "unknown"
    (reason,) = told.stops
    assert (
        f"--subject studio/x --component codec --use commercial-game --licensee company --revision {row.revision}"
        in (reason.text)
    )
    (said,) = notes(known([row], mit(row)), row)
    assert "nothing is recorded of the licence of its codec" in said
    assert asked(row, mit(row), mit(row, "codec")).releasable
    assert asked(row, mit(row), mit(row, "codec", expression="CC-BY-NC-4.0")).answer == "refused"
    assert notes(known([row], mit(row), mit(row, "codec")), row) == []


def test_facts_about_the_hubs_own_codec_are_not_about_another_one() -> None:
    facts = (fact("acme/model"), fact("acme/model", "codec"))
    plain = of_hub("acme/model", source="acme/model")
    assert asked(plain, *facts).releasable
    other = of_hub("acme/model", source="acme/model", codec="/nowhere/encodec", text_encoder="/nowhere/t5")
    told = asked(other, *facts)
    assert told.answer == "unknown"
    assert {material.role for material in told.question.materials} == {"codec", "text encoder"}
    assert asked(other, *facts, mit(other, "codec"), mit(other, "text-encoder")).releasable
