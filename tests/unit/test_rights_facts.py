"""Licence facts: what certifies itself, what is refused, how names and expressions are read."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rights.expressions import AnyOf, Every, ExpressionError, Licence, read_expression
from services.rights.facts import FactError, checked, fact_of
from services.rights.names import Pattern, plain_name
from services.rights.register import Register
from services.rights.seeds import seed_facts
from tests.rights_facts import NOW, fact, judged, seeded


def test_a_fact_is_named_by_its_content_and_not_by_when_it_was_recorded() -> None:
    one = fact(duties=("say so",), valid_from=date(2026, 9, 3), revenue_cap_usd=1e6)
    assert one.id == replace(one, recorded_at=datetime.now(UTC)).id == fact_of(one.as_row()).id
    assert one.id.startswith("fact-")
    assert len(one.id) == len("fact-") + 16
    for name, value in (("source", "b"), ("recorded_by", "b"), ("corrects", "fact-1"), ("valid_to", date(2027, 1, 1)),
                        ("revenue_cap_usd", 2e6), ("duties", ())):  # fmt: skip
        assert replace(one, **{name: value}).id != one.id, name


def test_the_facts_of_a_release_have_ids_that_never_change() -> None:
    by_key = {(*one.key, one.valid_from): one.id for one in seed_facts()}
    assert by_key["composer", "samples", "*", "*", "*", "*", None] == "fact-fa7bedc61229754a"
    assert by_key["facebook/musicgen-*", "weights", "*", "*", "*", "*", None] == "fact-ee92a1f0d1175d89"


def test_every_fact_that_ships_can_be_recorded_and_none_contradicts_another() -> None:
    facts = seed_facts()
    registered = {one.subject.removeprefix("spdx:") for one in facts if one.is_licence}
    assert len({one.id for one in facts}) == len(facts)
    for one in facts:
        checked(one, registered)
        same = [other for other in facts if other.key == one.key and other.overlaps(one) and other.claim != one.claim]
        assert not same, one


def test_every_licence_that_a_fact_names_can_be_weighed() -> None:
    licences = seeded().known(NOW).licences
    for one in seed_facts():
        if one.answer == "licence":
            tree = read_expression(one.expression, licences)
            parts = tree.parts if isinstance(tree, Every | AnyOf) else (tree,)
            assert {str(part) for part in parts} <= licences, one.expression


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": " "}, "a fact without a source is no fact"),
        ({"recorded_by": ""}, "say who records it"),
        ({"subject": "*"}, "begins with at least 3 letters"),
        ({"subject": "spdx:MIT*"}, "named one by one"),
        ({"answer": "maybe"}, "unknown answer 'maybe'"),
        ({"answer": "refussed"}, "did you mean 'refused'?"),
        ({"answer": "withdrawn"}, "only a correction withdraws"),
        ({"answer": "licence"}, "no expression says which"),
        ({"use": "comercial-game"}, "did you mean 'commercial-game'?"),
        ({"licensee": "robot"}, "unknown licensee 'robot'"),
        ({"grade": "sure"}, "unknown grade"),
        ({"trigger": "full moon"}, "unknown trigger"),
        ({"expression": "MITT"}, "did you mean MIT?"),
        ({"expression": "MIT AND"}, "is no licence expression"),
        ({"expression": "MIT; DROP TABLE licence_fact"}, "licence"),
        ({"revenue_cap_usd": float("nan")}, "revenue_cap_usd is nan"),
        ({"revenue_cap_usd": -1.0}, "write US dollars above 0"),
        ({"revenue_cap_usd": "many"}, "revenue_cap_usd is 'many'"),
        ({"volume_cap": 2**53}, "volume_cap is 9007199254740992"),
        ({"volume_cap": True}, "volume_cap is True"),
        ({"terms_sha256": "abc"}, "64 hexadecimal digits"),
        ({"valid_from": "2026-01-01"}, "write a day as 2026-09-03"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 2, 1)}, "before it begins"),
        ({"note": "a\x1b[31mb"}, "without control characters"),
        ({"note": "a\nb"}, "one line"),
        ({"note": "x" * 4001}, "at most 4000"),
        ({"note": 7}, "note must be text"),
        ({"duties": ("a\x00",)}, "duties are"),
        ({"duties": "a"}, "duties are"),
        ({"subject": ""}, "subject is empty"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_with_the_value_and_a_remedy(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(FactError) as refused:
        checked(replace(fact(), **changed))
    assert told in str(refused.value)


def test_all_faults_of_a_fact_come_at_once() -> None:
    with pytest.raises(FactError) as refused:
        checked(fact(answer="maybe", grade="sure", use="war"))
    assert len(str(refused.value).splitlines()) == 3


def test_a_field_that_no_fact_has_is_told() -> None:
    with pytest.raises(FactError, match="did you mean 'expression'"):
        fact_of({"subject": "a/b", "expresion": "MIT"})
    with pytest.raises(FactError, match="needs a subject"):
        fact_of({"answer": "allowed"})


def test_expressions_are_trees() -> None:
    assert read_expression("mit") == Licence("MIT")
    assert read_expression("MIT AND CC-BY-4.0") == Every((Licence("MIT"), Licence("CC-BY-4.0")))
    tree = read_expression("MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)")
    inner = Every((Licence("Apache-2.0"), Licence("GPL-2.0-only", "Classpath-exception-2.0")))
    assert tree == AnyOf((Licence("MIT"), inner))
    assert read_expression(str(tree)) == tree


def test_licences_off_the_list_are_known_when_registered() -> None:
    assert read_expression("LicenseRef-Stability-AI-Community AND LicenseRef-Gemma")
    assert read_expression("CC-BY-NC-4.0 WITH LicenseRef-YuE2-Permission-2026-09-16")
    with pytest.raises(ExpressionError, match="unknown licence 'LicenseRef-Label-Deal'"):
        read_expression("LicenseRef-Label-Deal")
    assert read_expression("LicenseRef-Label-Deal OR MIT", {"LicenseRef-Label-Deal"})
    with pytest.raises(ExpressionError, match="did you mean LicenseRef-Stability-AI-Community"):
        read_expression("LicenseRef-Stability-AI-Comunity")


WORDS = ("MIT", "AND", "OR", "WITH", "(", ")", "CC0-1.0", "x")


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_no_text_does_more_than_fail_as_an_expression(text: str) -> None:
    try:
        assert read_expression(str(read_expression(text)))
    except ExpressionError as error:
        assert len(str(error)) < 600


def test_a_long_or_deep_expression_is_refused_at_once() -> None:
    for text in ("()", "MIT AND ()", "( and NOT", "(" * 1900 + "MIT" + ")" * 90, "MIT AND " * 300 + "MIT", "x" * 3000):
        with pytest.raises(ExpressionError):
            read_expression(text)


@pytest.mark.parametrize(
    "name",
    ["facebook/musicgen-small", "Facebook/MusicGen-Small", " facebook/musicgen-small/ ",
     "hf.co/facebook/musicgen-small",
     "https://huggingface.co/facebook/musicgen-small/tree/main",
     "models--facebook--musicgen-small", "musicgen-small",
     "MusicGen", "facebook/musicgen", "MusicGen Small", "musicgen_small", "ｍｕｓｉｃｇｅｎ‐small",
     "https://huggingface.co/facebook/musicgen-small/blob/main/README.md", "facebook/musicgen-small@main"],
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(name: str) -> None:
    known = seeded().known(NOW)
    assert {one.component for one, _ in known.about(name)} == {"code", "weights", "codec"}


@pytest.mark.parametrize("name", ["somebody/musicgen-small", "musicgen-small-remix/x", "", "*", "spdx:MIT", "small"])
def test_what_only_looks_alike_is_another_name(name: str) -> None:
    assert seeded().known(NOW).about(name) == ()


def test_a_name_without_its_owner_means_the_strictest_of_its_owners() -> None:
    facts = [fact("acme/model*", answer="refused"), fact("other/model-small")]
    assert judged(facts, "model-small").answer == "refused"
    assert judged(facts, "other/model-small").answer == "allowed"
    assert judged([fact("acme/model*", answer="refused"), fact("acme/model-small")], "model-small").answer == "allowed"


def test_names_that_are_found_alike_are_one_key() -> None:
    assert fact("acme/my_model").key == fact("Acme/My Model").key


def test_a_closer_name_wins_over_a_pattern() -> None:
    wide, close = fact("acme/*", answer="refused"), fact("acme/model")
    known = Register([wide, close]).known(NOW)
    assert [one for one, closeness in known.about("acme/model") if closeness >= 1000] == [close]
    assert [one for one, _ in known.about("acme/other")] == [wide]


@given(st.text(alphabet="ab*/", min_size=1, max_size=12), st.text(alphabet="ab/", max_size=12))
def test_patterns_match_as_they_read(pattern: str, name: str) -> None:
    import re

    wanted = re.fullmatch(".*".join(map(re.escape, re.sub(r"\*+", "*", pattern).split("*"))), name) is not None
    assert Pattern(pattern).matches(name) == wanted


def test_comparing_with_a_hostile_pattern_stays_quick() -> None:
    assert not Pattern("a*" * 90 + "b").matches("a" * 20_000)


@given(st.text(max_size=100))
def test_any_name_has_a_plain_form(name: str) -> None:
    assert plain_name(name) == plain_name(f" {name} ")
