"""What is disclosed to platforms, laws and societies, and where a generator's sound is said to come from."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.audit.disclosure import Disclosure, contains_ai, disclose, marking
from services.audit.origins import IMPORTED, RULES, TRAINED, UNKNOWN, Origin, origin_of
from services.audit.rows import AuditRow, ChainItem
from tests.unit import audit_report_samples as samples


@pytest.mark.parametrize(("card", "kind"), [
    ({"training_data": "none"}, RULES),
    ({"training_data": "None."}, RULES),
    ({"training_data": "20,000 h of licensed music"}, TRAINED),
    ({"training_data": "none given"}, UNKNOWN),
    ({"training_data": "not stated"}, UNKNOWN),
    ({"training_data": ""}, UNKNOWN),
    ({"source_type": "trainedAlgorithmicMedia", "training_data": "none"}, TRAINED),
    ({"source_type": "algorithmicMedia"}, RULES),
    ({"origin": "import", "training_data": "none"}, IMPORTED),
    ({}, UNKNOWN),
])  # fmt: skip
def test_the_card_says_where_sound_comes_from(card: dict[str, Any], kind: str) -> None:
    assert origin_of("some/model", card).kind == kind


def test_facts_speak_where_the_card_is_silent_and_contradictions_are_named() -> None:
    trained = samples.fact(7, subject="some/model", training_data="a lot of music")
    none = samples.fact(8, subject="some/model", training_data="none")
    foreign = samples.fact(9, subject="other/model", training_data="none")
    told_by_one = origin_of("some/model", {}, [trained, foreign])
    assert told_by_one == Origin(TRAINED, "licence facts about weights and training", ("fact-7",))
    both = origin_of("some/model", {}, [trained, none])
    assert (both.kind, both.facts) == (UNKNOWN, ("fact-7", "fact-8"))
    assert "contradict" in both.basis


def test_a_licence_for_weights_tells_of_a_trained_model() -> None:
    weights = samples.fact(7, subject="some/model-*", training_data="", answer="licence", expression="MIT")
    code = replace(weights, id="fact-8", component="code")
    assert origin_of("Some/Model-small", {}, [weights, code]).facts == ("fact-7",)
    assert origin_of("model-small", {}, [weights]).kind == TRAINED
    assert origin_of("some/model-small", {}, [code]).kind == UNKNOWN
    assert origin_of("some/other", {}, [weights]).kind == UNKNOWN


@pytest.mark.parametrize(("kind", "contributions", "value"), [
    (TRAINED, (), "all"),
    (TRAINED, ("selection",), "all"),
    (TRAINED, ("lyrics",), "partly"),
    (RULES, (), "none"),
    (RULES, ("melody",), "none"),
    (IMPORTED, (), "unknown"),
    (UNKNOWN, ("melody",), "unknown"),
])  # fmt: skip
def test_ddex_is_told_how_much_is_ai(kind: str, contributions: tuple[str, ...], value: str) -> None:
    parts = [replace(samples.MELODY, kind=name) for name in contributions]
    answer = contains_ai(Origin(kind, "the card"), parts)
    assert answer.value == value
    assert answer.why


def told(disclosure: Disclosure, name: str) -> str:
    return " ".join(next(part for part in disclosure.sections if part.name == name).lines)


def test_kinds_are_never_added_up() -> None:
    disclosure = disclose(samples.summary(), samples.rows())
    assert disclosure.counts["by_kind"] == {"rule-based": 3, "trained-model": 1, "imported": 0, "unknown": 0}
    steam = told(disclosure, "Steam")
    assert "with a trained generative model: yes, 1 take" in steam
    assert "without a trained model: 3 takes" in steam
    assert "Live-generated: nothing" in steam


def test_takes_without_sound_disclose_nothing() -> None:
    rows = [samples.unknown(4), samples.row(5, status="superseded")]
    disclosure = disclose(samples.summary(), rows)
    assert disclosure.counts["takes"] == 0
    assert "no take on record" in told(disclosure, "Steam")


def test_what_the_record_does_not_tell_is_said_to_be_missing() -> None:
    made = samples.unknown(4, pcm_sha256=samples.sha("x"), status="done")
    disclosure = disclose(samples.summary(), [made])
    assert "Missing: of 1 take the record does not tell how the sound was made" in told(disclosure, "Steam")
    assert "Missing" in told(disclosure, "DDEX ERN 4.3.2")
    assert "were not looked at" in told(disclosure, "EU AI Act")
    assert disclosure.counts["contains_ai"]["unknown"] == 1


def test_an_unlisted_generator_is_unknown() -> None:
    disclosure = disclose(samples.summary(), [samples.row(0, generator="never/heard")])
    assert disclosure.counts["by_kind"]["unknown"] == 1


def test_a_withdrawn_release_is_no_longer_out() -> None:
    gone = replace(samples.RELEASE, withdrawn_at=samples.NOON)
    again = samples.refused(2, releases=(gone, samples.RELEASE))
    rows = [samples.refused(0), samples.refused(1, releases=(gone,)), again]
    disclosure = disclose(samples.summary(), rows)
    assert disclosure.counts["released_by_kind"]["trained-model"] == 2


def test_societies_are_told_what_people_put_in() -> None:
    rows = [samples.refused(0), samples.refused(1, contributions=(), review=None)]
    text = told(disclose(samples.summary(), rows), "Authorship and collecting societies")
    assert "melody: 1 take" in text
    assert "Without any human contribution on record: 1 take." in text
    assert "Approved or selected by a person: 1 take." in text
    assert "no human part of the sound on record: 1 take" in text


def test_a_rejection_is_no_selection() -> None:
    rejected = samples.row(0, review=replace(samples.REVIEW, decision="reject"), contributions=())
    text = told(disclose(samples.summary(), [rejected]), "Authorship and collecting societies")
    assert "Approved or selected by a person: 0 takes." in text


def item(path: str, media_type: str, signed: bool = True, role: str = "mix", release: str = "r-1") -> ChainItem:
    source = samples.sha(path)
    went_out, judgement = samples.sha(f"signed {path}") if signed else source, samples.sha("j")
    return ChainItem(replace(samples.RELEASE, id=release), path, role, media_type, went_out, 10, source, judgement)


def test_files_are_counted_by_how_they_are_marked() -> None:
    found = marking([
        item("a.flac", "audio/flac"), item("b.wav", "audio/wav", signed=False),
        item("c.mid", "audio/midi", signed=False),
        item("d.ogg", "audio/ogg"), item("d.ogg.c2pa", "application/c2pa", role="credentials:mix"),
        item("d.ogg", "audio/ogg", release="r-2"),
    ])  # fmt: skip
    assert (found.embedded, found.sidecar, found.unable, found.unmarked) == (1, 1, 1, 2)
    assert found.unmarked_paths == ("b.wav", "d.ogg")
    text = told(disclose(samples.summary(), samples.rows(), found), "EU AI Act")
    assert "Files that left in releases that stand (gold 1.0, gold 1.0): 5." in text
    assert "inside 1 and beside 1 (.c2pa files)" in text
    assert "release the files without credentials again" in text
    assert "Without credentials: b.wav, d.ogg." in text


def test_nothing_released_is_nothing_to_mark() -> None:
    text = told(disclose(samples.summary(), [], marking([])), "EU AI Act")
    assert "Nothing was released" in text
    assert "To do: hand over files of a release only" in text


def test_files_of_a_withdrawn_release_are_named_and_not_counted() -> None:
    gone = replace(samples.RELEASE, id="r-0", name="alpha", withdrawn_at=samples.NOON, withdrawn_why="a contract ended")
    old = [replace(item(path, "audio/flac"), release=gone) for path in ("a.flac", "b.flac")]
    disclosure = disclose(samples.summary(), samples.rows(), marking([*old, item("c.flac", "audio/flac")]))
    for name in ("EU AI Act", "Steam"):
        assert "Not counted: release alpha (2 files), withdrawn on 2026-03-01: a contract ended." in told(
            disclosure, name
        )
    assert disclosure.counts["files"]["files"] == 1
    assert disclosure.counts["files"]["withdrawn"] == [{"release": "alpha", "files": 2}]


def test_every_text_says_what_to_do() -> None:
    cases: list[list[AuditRow]] = [[samples.row(0)], [samples.refused(0)], [samples.refused(0, releases=())], []]
    found = {told(disclose(samples.summary(), rows, marking([])), "Steam").split("To do: ")[1] for rows in cases}
    assert len(found) == len(cases)
    silent = disclose(samples.summary(), samples.rows())
    assert "Missing" not in told(silent, "EU AI Act")


def test_the_text_names_facts_and_their_dates_and_the_json_says_the_same() -> None:
    disclosure = disclose(samples.summary(), samples.rows())
    text, plain = disclosure.text(), json.loads(json.dumps(disclosure.as_json()))
    assert "Facts this rests on: fact-1, fact-2." in text
    assert "(weights: Apache-2.0; source this project; held since 2026-01-01, grade R)" in text
    assert "No fact about it is on record." in text
    assert all(line in text for part in plain["sections"] for line in part["lines"])
    assert plain["facts"] == ["fact-1", "fact-2"]


def test_the_same_record_gives_the_same_text_in_any_order_of_takes() -> None:
    rows = samples.rows()
    assert disclose(samples.summary(), rows).text() == disclose(samples.summary(), rows[::-1]).text()


def test_hostile_names_stay_on_their_line() -> None:
    totals = (replace(samples.GENERATORS[0], generator="x\nSteam\n-----\nnone\u202e\u2028"),)
    text = disclose(samples.summary(generators=totals, title="a\rb\x1b[2J"), []).text()
    assert text.count("\nSteam\n") == 1
    assert not {"\r", "\x1b", "\u202e", "\u2028"} & set(text)
