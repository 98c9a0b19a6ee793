"""The two time axes, and facts as people state them."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rights.facts import Fact, FactError
from services.rights.listing import Asked, fact_json, find_fact, history, listed
from services.rights.register import Register
from services.rights.seeds import seed_facts
from services.rights.statements import corrected, read_facts, stated_value
from tests.rights_facts import DAY, LONG_AGO, NOW, fact, seeded

HOURS = st.integers(0, 40).map(lambda hours: LONG_AGO + timedelta(hours=hours))
DAYS = st.one_of(st.none(), st.integers(0, 40).map(lambda days: date(2026, 1, 1) + timedelta(days=days)))


@st.composite
def chains(draw: st.DrawFn) -> list[Fact]:
    """Facts and corrections of them, each recorded after what it corrects."""
    facts: list[Fact] = []
    for number in range(draw(st.integers(0, 8))):
        corrected_ids = {one.corrects for one in facts}
        open_facts = [one for one in facts if one.id not in corrected_ids]
        wrong = draw(st.sampled_from([None, *open_facts]))
        at = draw(HOURS)
        if wrong is not None:
            at = max(at, wrong.recorded_at)
        answer = draw(st.sampled_from(["allowed", "refused"] + ["withdrawn"] * bool(wrong)))
        facts.append(fact(answer=answer, source=f"source {number}", recorded_at=at, valid_from=draw(DAYS),
                          corrects=wrong.id if wrong else None))  # fmt: skip
    return facts


@given(chains(), chains(), HOURS, DAYS)
def test_what_is_recorded_later_does_not_change_what_was_known(
    facts: list[Fact], more: list[Fact], at: object, day: date | None
) -> None:
    day = day or DAY
    later = [replace(one, recorded_at=at + timedelta(seconds=1 + n), source=f"later {n}", corrects=None)  # type: ignore[operator]
             for n, one in enumerate(more)]  # fmt: skip
    known = [one for one in facts if one.recorded_at <= at]
    assert Register(facts + later).believed(day, at) == Register(known).believed(day, at)  # type: ignore[arg-type]


@given(chains(), HOURS, DAYS)
def test_believed_is_what_the_law_of_two_axes_says(facts: list[Fact], at: object, day: date | None) -> None:
    day = day or DAY
    recorded = [one for one in facts if one.recorded_at <= at]
    wanted = {
        one.id for one in recorded
        if one.answer != "withdrawn" and not any(other.corrects == one.id for other in recorded)
        and (one.valid_from is None or one.valid_from <= day)
    }  # fmt: skip
    assert {one.id for one in Register(facts).believed(day, at)} == wanted  # type: ignore[arg-type]


def test_a_corrected_correction_does_not_bring_the_first_back() -> None:
    first = fact()
    second = fact(answer="refused", corrects=first.id, recorded_at=LONG_AGO + timedelta(days=1))
    third = fact(answer="withdrawn", corrects=second.id, recorded_at=LONG_AGO + timedelta(days=2))
    register = Register([third, first, second])
    assert register.believed(DAY, LONG_AGO) == (first,)
    assert register.believed(DAY, LONG_AGO + timedelta(days=1)) == (second,)
    assert register.believed(DAY, NOW) == ()
    assert history(register, second) == [first, second, third]


def test_this_releases_facts_are_there_before_a_database_has_them() -> None:
    own = fact("composer", "samples", answer="refused", source="letter", recorded_at=NOW)
    register = Register([own]).with_seed(LONG_AGO)
    assert len(register.facts) == len(seed_facts()) + 1
    assert register.newest == NOW
    assert register.missing_seed() == []
    assert register.with_seed() is register


def test_facts_are_found_by_name_by_licence_and_by_pattern() -> None:
    register = seeded()

    def subjects(name: str, **asked: bool) -> set[str]:
        return {one.subject for one in listed(register, Asked(DAY, NOW, name, **asked))}

    assert subjects("MusicGen-Small") == {"facebook/musicgen-*"}
    assert subjects("CC-BY-4.0") == subjects("spdx:cc-by-4.0") == {"spdx:CC-BY-4.0"}
    assert {"facebook/magnet-*", "facebook/audiogen-*"} <= subjects("facebook/*")
    assert subjects("nobody/x") == set()
    expressions = {one.expression for one in listed(register, Asked(DAY, NOW, "stable-audio-open", every=True))}
    assert {"LicenseRef-Stability-AI-Non-Commercial", "LicenseRef-Stability-AI-Community"} <= expressions


def test_a_fact_is_found_by_the_beginning_of_its_id() -> None:
    register = seeded()
    one = register.facts[0]
    assert find_fact(register, one.id) == find_fact(register, one.id[:17]) == one
    assert fact_json(register, one)["id"] == one.id
    for name in ("fact-", "fact-zzzz", "nothing"):
        with pytest.raises(FactError, match="no fact"):
            find_fact(register, name)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "facts.yaml"
    path.write_text(text)
    return path


def test_a_file_of_facts_is_read_in_the_form_of_the_shipped_data(tmp_path: Path) -> None:
    text = """
- subjects: [acme/one, acme/two]
  source: https://acme.example/terms
  grade: read
  facts:
    - {component: [code, weights], answer: licence, expression: MIT, valid_from: 2026-09-03}
- {subject: acme/three, answer: refused, source: a letter, use: [trailer, podcast], revenue_cap_usd: 1000}
"""
    facts = read_facts(write(tmp_path, text), "Ada")
    assert [(one.subject, one.component, one.use) for one in facts] == [
        ("acme/one", "code", "*"), ("acme/one", "weights", "*"),
        ("acme/two", "code", "*"), ("acme/two", "weights", "*"),
        ("acme/three", "*", "trailer"), ("acme/three", "*", "podcast"),
    ]  # fmt: skip
    assert (facts[0].valid_from, facts[0].recorded_by, facts[4].revenue_cap_usd) == (date(2026, 9, 3), "Ada", 1000.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a: b", "facts are a list"),
        ("- 7", "entry 1: not a mapping"),
        ("- {answer: allowed}", "entry 1: no subject"),
        ("- {subject: [1], answer: allowed}", "entry 1: no subject"),
        ("- {subject: a/b, answr: allowed}", "did you mean 'answer'"),
        ("- {subject: a/b, facts: {}}", "`facts` is a list"),
        ("- {subject: a/b, facts: [{facts: []}]}", "no further facts"),
        ("- {subject: a/b, valid_from: soon}", "valid_from is 'soon'"),
        ("- {subject: a/b, corrects: fact-1}", "unknown key 'corrects'"),
        ("- {subject: a/b, recorded_by: Cueworks}", "unknown key 'recorded_by'"),
        ("- {subjects: [], facts: [{answer: allowed}]}", "no subject"),
        ("- {subject: a/b, use: [], answer: allowed}", "use is an empty list"),
        ("- !!python/object/apply:os.system [ls]", "line 1"),
        ("- {subject: a/b, subject: a/c}", "line 1"),
        ("- &a [*a]", "line 1"),
    ],
)
def test_a_file_that_holds_no_facts_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FactError) as refused:
        read_facts(write(tmp_path, text), "Ada")
    assert told in str(refused.value)
    assert "facts.yaml" in str(refused.value)


def test_a_file_that_multiplies_out_without_end_is_refused(tmp_path: Path) -> None:
    many = "[" + ", ".join(f"n{number}" for number in range(200)) + "]"
    with pytest.raises(FactError, match="more than 10000 facts"):
        read_facts(write(tmp_path, f"- {{subjects: {many}, facts: [{{component: {many}, plan: {many}}}]}}"), "Ada")


def test_a_correction_names_what_it_corrects_and_grades_its_own_source() -> None:
    wrong = fact(grade="read", terms_sha256="a" * 64, attribution="by Acme", duties=("x",))
    right = corrected(wrong, ["answer=refused", "valid_to=2026-12-01", "duties=a | b", "attribution="], "letter", "Ada")
    assert (right.corrects, right.answer, right.source, right.recorded_by) == (wrong.id, "refused", "letter", "Ada")
    assert (right.valid_to, right.duties, right.attribution) == (date(2026, 12, 1), ("a", "b"), "")
    assert (right.grade, right.terms_sha256) == ("unverified", None)
    assert corrected(wrong, [], "letter", "Ada", withdraw=True).answer == "withdrawn"


@pytest.mark.parametrize(
    ("settings", "withdraw", "told"),
    [([], False, "nothing to correct"), (["answer"], False, "write --set field=value"),
     (["answr=refused"], False, "did you mean 'answer'"), (["corrects=fact-1"], False, "no field of a fact"),
     (["answer=refused"], True, "either --withdraw or --set"), (["volume_cap=many"], False, "volume_cap is 'many'"),
     (["valid_from=soon"], False, "write a day")],
)  # fmt: skip
def test_a_correction_that_says_nothing_is_refused(settings: list[str], withdraw: bool, told: str) -> None:
    with pytest.raises(FactError) as refused:
        corrected(fact(), settings, "letter", "Ada", withdraw)
    assert told in str(refused.value)


def test_numbers_are_read_as_people_write_them() -> None:
    assert stated_value("revenue_cap_usd", "1,000,000") == 1e6
    assert stated_value("volume_cap", "") is None
