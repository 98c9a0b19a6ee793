"""A checkpoint's card beside the licence facts: what is told of contradictions, and what the hints lead to."""

import re
import shlex

import pytest

from services.generators.rights import answers, known_licence, notes, same_weights
from services.rights.facts import fact_of
from services.rights.register import Register
from tests.registrations import DIGESTS, of_hub, registration
from tests.rights_facts import fact, seeded

NC = "CC-BY-NC-4.0"


def test_a_card_that_says_what_facts_say_needs_no_word() -> None:
    assert notes(seeded(), of_hub(card={"licence": NC})) == []


def test_a_card_that_contradicts_a_fact_is_told_with_the_fact_and_the_command() -> None:
    (said,) = notes(seeded(), of_hub(card={"licence": "MIT"}))
    assert "its card says MIT, but fact-" in said
    assert NC in said
    assert re.search(r"`cueworks licences correct fact-[0-9a-f]{16} --set expression=MIT ", said)


def test_the_order_of_joined_licences_is_no_contradiction() -> None:
    known = Register([fact("my-model", answer="licence", expression="MIT AND CC-BY-4.0")])
    assert notes(known, registration(card={"licence": "CC-BY-4.0 AND MIT"})) == []


def test_of_what_nothing_is_known_the_command_that_settles_it_is_told_and_does() -> None:
    """The hint is followed to the letter: then the policy has an answer."""
    row = registration("my/model", card={"licence": "CC0-1.0"})
    (said,) = notes(seeded(), row)
    assert "every order with it is refused" in said
    words = shlex.split(said.partition("`")[2].partition("`")[0])
    assert words[:3] == ["cueworks", "licences", "add"]
    options = {name.removeprefix("--"): value for name, value in zip(words[3::2], words[4::2], strict=True)}
    options["recorded_by"] = options.pop("by")
    stated = seeded(fact_of({**options, "recorded_at": fact().recorded_at}))
    assert notes(stated, row) == []
    before = {use["use"]: use["company"] for use in answers(seeded(), "my/model", row.revision)}
    after = {use["use"]: use["company"] for use in answers(stated, "my/model", row.revision)}
    assert set(before.values()) == {"unknown"}
    assert after["internal-prototype"] == "allowed"
    assert after["commercial-game"].startswith("allowed")


@pytest.mark.parametrize(("licence", "stated"), [("", NC), ("MIT", f"MIT AND {NC}")])
def test_what_a_checkpoint_was_made_from_binds_it(licence: str, stated: str) -> None:
    row = registration("my/model", card={"licence": licence, "base_models": ["facebook/musicgen-small"]})
    made_from, unknown = notes(seeded(), row)
    assert f"made from facebook/musicgen-small, whose weights are under {NC}" in made_from
    assert f"--expression {shlex.quote(stated)} " in unknown


def test_the_licence_of_a_codec_beside_it_is_told() -> None:
    row = of_hub(card={"licence": NC, "parts": {"codec": "MIT"}})
    (said,) = notes(seeded(), row)
    assert "the card of its codec says MIT" in said
    assert "--component codec --answer licence --expression MIT" in said


def test_a_licence_in_words_is_told_as_such() -> None:
    (said,) = notes(seeded(), registration("my/model", card={"licence_said": "my-own-terms"}))
    assert "its card says 'my-own-terms', which is no SPDX expression" in said
    assert "--expression SPDX " in said


def test_the_same_files_under_another_name_are_told() -> None:
    row, other = registration("mine"), registration("theirs")
    assert same_weights(row, [row, other, registration("third", digest=DIGESTS[1])]) == [
        "mine: the same files are registered as theirs too; facts go by name"
    ]


def test_answers_are_told_per_use_and_kind_of_licensee() -> None:
    rows = {row["use"]: row for row in answers(seeded(), "facebook/musicgen-small", "r1")}
    assert rows["commercial-game"]["company"] == "refused"
    assert any(NC in reason for reason in rows["commercial-game"]["reasons"])
    assert rows["internal-prototype"].keys() == {"use", "company", "individual", "academic", "reasons"}
    assert known_licence(seeded(), "facebook/musicgen-small") == NC
    assert known_licence(seeded(), "my/model") == ""
