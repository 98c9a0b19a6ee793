"""The policy: each rule by itself, and what must hold whatever the facts are."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rights.facts import Fact
from services.rights.policy import STRICTNESS, Judgement, Material, Policy
from services.rights.register import Register
from tests.rights_facts import DAY, LONG_AGO, NOW, fact, judged, question, seeded


def rules(judgement: Judgement) -> list[str]:
    return [reason.rule for reason in judgement.stops]


def test_nothing_on_record_is_unknown_and_says_how_to_settle_it() -> None:
    told = judged([])
    assert (told.answer, rules(told), told.facts, told.releasable) == ("unknown", ["no-facts"], (), False)
    assert "`cueworks licences add --subject acme/model --component weights" in told.stops[0].text


def test_a_fact_that_allows_allows_and_is_named() -> None:
    yes = fact()
    told = judged([yes])
    assert (told.answer, told.facts, told.stops, told.releasable) == ("allowed", (yes.id,), (), True)


def test_every_component_must_allow_and_the_strictest_wins() -> None:
    asked = fact(component="text", duties=("say so",))
    parts = [fact(component="lm"), fact(component="codec", answer="unknown"), asked]
    assert judged(parts).answer == "unknown"
    told = judged([*parts, fact(component="vae", answer="refused", note="no")])
    assert (told.answer, rules(told)) == ("refused", ["refused-by-fact", "unknown-by-fact"])
    assert len(told.facts) == 4
    assert told.duties == ()
    assert judged([parts[0], parts[2]]).duties == ("say so",)


def test_the_licence_of_code_alone_says_nothing_of_the_sound() -> None:
    assert rules(judged([fact(component="code")])) == ["code-alone"]


def test_a_component_whose_facts_are_withdrawn_or_of_another_day_stays_unknown() -> None:
    code, weights = fact(component="code"), fact()
    gone = fact(answer="withdrawn", corrects=weights.id, source="a letter")
    assert rules(judged([code, weights, gone])) == ["no-facts"]
    told = judged([code, replace(weights, valid_from=date(2027, 1, 1))])
    assert rules(told) == ["no-facts"]
    assert "on 2026-11-22" in told.stops[0].text


def test_a_closer_fact_takes_the_place_of_a_wider_one() -> None:
    no = fact("acme/*", answer="refused")
    deal = fact("acme/model", licensee="company", use="commercial-game", note="a contract")
    assert judged([no]).answer == "refused"
    assert judged([no, deal]).answer == "allowed"
    assert judged([no, deal], use="trailer").answer == "refused"
    assert judged([no, deal], kind="individual").answer == "refused"
    assert judged([no, deal], generator="acme/other").answer == "refused"


def test_of_facts_of_which_none_is_closer_the_strictest_counts() -> None:
    facts = [fact(licensee="company"), fact(use="commercial-game", answer="refused")]
    assert judged(facts).answer == "refused"
    assert judged(facts, use="trailer").answer == "allowed"


def test_facts_that_contradict_each_other_are_both_named_and_not_averaged() -> None:
    yes, no = fact(), fact(answer="refused", source="another")
    told = judged([yes, no])
    assert (told.answer, rules(told)) == ("unknown", ["contradiction"])
    assert set(told.facts) == {yes.id, no.id}
    assert yes.id in told.stops[0].text
    assert no.id in told.stops[0].text
    two = judged([fact(answer="licence", expression="MIT"), fact(answer="licence", expression="CC0-1.0")])
    assert two.answer == "unknown"


def test_two_sources_that_say_the_same_do_not_contradict() -> None:
    assert judged([fact(source="a"), fact(source="b")]).answer == "allowed"


def test_contradictions_of_different_days_are_none() -> None:
    before = fact(answer="refused", valid_to=date(2026, 7, 1))
    after = fact(valid_from=date(2026, 7, 1))
    assert judged([before, after]).answer == "allowed"
    assert judged([before, after], as_of=date(2026, 6, 30)).answer == "refused"


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("CC0-1.0", "allowed"), ("CC0-1.0 AND CC-BY-NC-4.0", "refused"), ("CC0-1.0 OR CC-BY-NC-4.0", "allowed"),
        ("CC-BY-4.0", "allowed-with-duties"), ("CC-BY-NC-4.0 OR GPL-3.0-only", "unknown"),
        ("(MIT OR CC-BY-NC-4.0) AND CC-BY-4.0", "allowed-with-duties"),
        ("CC-BY-NC-4.0 WITH LicenseRef-YuE2-Permission-2026-09-16", "refused"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "unknown"), ("Sleepycat", "unknown"), ("MITT", "unknown"),
    ],
)  # fmt: skip
def test_expressions_are_weighed_by_the_facts_about_their_licences(expression: str, answer: str) -> None:
    register = seeded(fact(answer="licence", expression=expression))
    told = Policy(register).judge(question("acme/model", as_of=date(2026, 10, 1)))
    licences = [reason for reason in told.reasons if "acme/model" in reason.text]
    assert max((reason.answer for reason in licences), key=STRICTNESS.__getitem__) == answer


def test_licences_that_refer_to_each_other_end() -> None:
    loop = [fact("spdx:LicenseRef-A", "*", "licence", expression="LicenseRef-B"),
            fact("spdx:LicenseRef-B", "*", "licence", expression="LicenseRef-A AND LicenseRef-A")]  # fmt: skip
    told = judged([*loop, fact(answer="licence", expression="LicenseRef-A")])
    assert (told.answer, told.stops[0].rule) == ("unknown", "expression")


@pytest.mark.parametrize(
    ("trigger", "plan", "answer", "told"),
    [
        ("generation", "*", "allowed-with-duties", "on the day it was made"),
        ("download", "*", "allowed-with-duties", "permitted download"),
        ("active-plan", "pro", "allowed-with-duties", "Keep the plan active"),
        ("active-plan", "*", "unknown", "no plan is named"),
    ],
)
def test_what_brings_the_rights_about_must_be_shown(trigger: str, plan: str, answer: str, told: str) -> None:
    judgement = judged([fact(trigger=trigger)], plan=plan)
    assert judgement.answer == answer
    assert told in " ".join((*judgement.duties, *(reason.text for reason in judgement.stops)))


def test_an_unsaid_plan_or_revision_is_asked_for_only_where_it_matters() -> None:
    free = fact(plan="free", answer="refused", note="never")
    assert judged([fact(), free], plan="pro").answer == "allowed"
    told = judged([fact(), free])
    assert rules(told) == ["unsaid"]
    assert "the plan (none named allowed, free refused)" in told.stops[0].text
    assert "never" in told.stops[0].text
    old = fact(revision="r0", answer="refused")
    assert judged([fact(), old], revision="r1").answer == "allowed"
    assert "name the revision" in judged([fact(), old], revision="*").stops[0].text
    assert judged([fact(), fact(plan="pro", duties=("x",))]).answer == "allowed-with-duties"


def test_who_asks_is_asked_for_only_where_it_matters() -> None:
    company = fact(licensee="company", answer="refused")
    assert rules(judged([fact(), company], kind=None)) == ["unsaid"]
    assert judged([fact()], kind=None).answer == "allowed"
    assert "by any licensee" in judged([fact(answer="refused")], kind=None).stops[0].text


@pytest.mark.parametrize(
    ("expression", "answer"),
    [("CC0-1.0", "allowed"), ("LicenseRef-Own-Work", "allowed"), ("CC-BY-NC-4.0", "refused"), ("", "unknown"),
     ("CC-BY-ND-4.0", "refused"), ("my grandmother said yes", "unknown"), ("CC-BY-SA-4.0", "allowed-with-duties")],
)  # fmt: skip
def test_what_an_order_brings_with_it_must_be_allowed_too(expression: str, answer: str) -> None:
    policy = Policy(seeded())
    asked = question("composer", "podcast", materials=(Material("theme file", expression, "theme.mid"),), as_of=DAY)
    material = [reason for reason in policy.judge(asked).reasons if "theme file" in reason.text]
    assert max((reason.answer for reason in material), key=STRICTNESS.__getitem__) == answer
    assert "theme.mid" in material[0].text


def test_uses_and_licensees_that_no_fact_speaks_of_are_unknown() -> None:
    assert rules(judged([fact()], use="comercial-game")) == ["words"]
    assert "did you mean 'commercial-game'?" in judged([fact()], use="comercial-game").stops[0].text
    assert rules(judged([fact()], kind="robot")) == ["words"]


def test_a_judgement_is_named_by_what_is_stored_of_it() -> None:
    policy = Policy(seeded())
    asked = question("composer")
    one = policy.judge(asked)
    assert one.id == policy.judge(replace(asked, known_at=NOW + timedelta(days=1), outputs=7)).id
    assert one.id != policy.judge(replace(asked, as_of=DAY - timedelta(days=1))).id
    assert one.id != policy.judge(replace(asked, use="trailer")).id
    assert one.question is asked
    assert len(one.id) == 64


def test_a_question_of_hostile_values_is_answered() -> None:
    policy = Policy(seeded())
    for text in ("", "\0", "*", "a" * 5000, "spdx:MIT", "\ud800", "facebook/*", "[", "../.."):
        asked = question(text, text, text, revision=text, plan=text, materials=(Material(text, text, text),))
        assert policy.judge(asked).answer in ("unknown", "refused")


WORDS = st.sampled_from
FACTS = st.builds(
    lambda subject, component, answer, licensee, use, plan, expression, cap, start, number: fact(
        subject, component, answer, licensee=licensee, use=use, plan=plan, source=f"source {number}",
        expression=expression if answer == "licence" else "", revenue_cap_usd=cap,
        valid_from=start,
    ),
    WORDS(["acme/model", "acme/*"]), WORDS(["weights", "codec", "code", "*"]),
    WORDS(["allowed", "refused", "unknown", "licence"]), WORDS(["*", "company", "individual"]),
    WORDS(["*", "commercial-game", "trailer"]), WORDS(["*", "free"]),
    WORDS(["CC0-1.0", "CC-BY-NC-4.0", "CC0-1.0 OR CC-BY-NC-4.0", "LicenseRef-X"]), WORDS([None, 1e6]),
    WORDS([None, date(2026, 1, 1), date(2027, 1, 1)]), st.integers(0, 3),
)  # fmt: skip
LICENCES = [fact("spdx:CC0-1.0", "*"), fact("spdx:CC-BY-NC-4.0", "*", "refused"),
            fact("spdx:CC-BY-NC-4.0", "*", licensee="individual", duties=("x",))]  # fmt: skip
ASKED = st.builds(
    lambda kind, use, revenue, plan: question("acme/model", use, kind, revenue=revenue, plan=plan),
    WORDS(["company", "individual", None]), WORDS(["commercial-game", "trailer"]), WORDS([None, 1.0, 2e6]),
    WORDS(["*", "free", "pro"]),
)  # fmt: skip


def answer(facts: list[Fact], asked: object) -> int:
    judgement = Policy(Register([*LICENCES, *dict.fromkeys(facts)])).judge(asked)  # type: ignore[arg-type]
    assert judgement.answer == max((r.answer for r in judgement.reasons), key=STRICTNESS.__getitem__)
    return STRICTNESS[judgement.answer]


@given(st.lists(FACTS, max_size=8), FACTS, ASKED)
def test_a_fact_that_refuses_never_makes_an_answer_milder(facts: list[Fact], more: Fact, asked: object) -> None:
    no = replace(more, answer="refused", expression="", revenue_cap_usd=None)
    assert answer([*facts, no], asked) >= answer(facts, asked)


@given(st.lists(FACTS, min_size=1, max_size=8), FACTS, ASKED)
def test_a_further_component_never_makes_an_answer_milder(facts: list[Fact], more: Fact, asked: object) -> None:
    if all(one.component == "code" for one in facts):
        return  # the code alone is unknown until something is known of the rest
    assert answer([*facts, replace(more, component="further")], asked) >= answer(facts, asked)


@given(st.lists(FACTS, max_size=8), ASKED, st.text(max_size=20))
def test_a_further_material_never_makes_an_answer_milder(facts: list[Fact], asked: object, expression: str) -> None:
    more = replace(asked, materials=(Material("theme file", expression, ""),))  # type: ignore[type-var]
    assert answer(facts, more) >= answer(facts, asked)


@given(st.lists(FACTS, max_size=8), ASKED, st.randoms())
def test_the_order_of_facts_does_not_matter(facts: list[Fact], asked: object, random: object) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert answer(shuffled, asked) == answer(facts, asked)


def test_composer_may_be_used_for_everything_but_content_id() -> None:
    from services.planning.words import USES

    policy = Policy(seeded())
    for use in set(USES) - {"content-id"}:
        for kind in ("company", "individual", "academic", None):
            assert policy.judge(question("composer", use, kind, revenue=None)).releasable, (use, kind)


def test_knowledge_of_the_past_is_asked_by_its_moment() -> None:
    later = fact(answer="refused", source="letter", recorded_at=NOW, corrects=fact().id)
    policy = Policy(Register([fact(), later]))
    assert policy.judge(question("acme/model", known_at=NOW)).answer == "refused"
    assert policy.judge(question("acme/model", known_at=NOW - timedelta(seconds=1))).answer == "allowed"
    assert policy.judge(question("acme/model", known_at=LONG_AGO - timedelta(days=1))).answer == "unknown"


def test_a_refusal_says_what_can_be_done_about_the_thing_that_is_refused() -> None:
    policy = Policy(seeded())
    theme = Material("theme file", "CC-BY-NC-4.0", "theme.mid")
    assert "Bring another one" in policy.judge(question("composer", materials=(theme,))).stops[0].text
    assert "Order for another use" in policy.judge(question("composer", "content-id", loop=True)).stops[0].text
    assert "another generator" in policy.judge(question("musicgen")).stops[0].text


def test_the_command_that_settles_names_the_plan_and_keeps_the_cap() -> None:
    capped = fact("acme/service", "*", "unknown", volume_cap=100)
    told = judged([capped], "acme/service", plan="pro").stops[0].text
    assert "--plan pro --volume-cap 100 --answer" in told


def test_the_samples_of_a_generator_are_silent_where_a_sound_bank_is_brought() -> None:
    own = fact(component="samples", note="It holds no samples of others")
    free = fact("spdx:MIT", "*", note="The licence's text")
    facts = [free, fact(component="weights"), own]
    bank = Material("sound bank", "MIT", "others.sf2")
    assert own.id in judged(facts).facts
    told = judged(facts, materials=(bank,))
    assert (told.answer, own.id in told.facts) == ("allowed", False)
    assert own.id in judged(facts, materials=(replace(bank, role="theme file"),)).facts
