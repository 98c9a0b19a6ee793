"""A whole order is looked through: every text of a brief, and prompts as they are filled in."""

from pathlib import Path

import pytest

from services.planning.adhoc import adhoc
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief, read_bytes
from services.rights.guard import Guard, PlanFindings, judge_plan
from tests.cards import cards_at, denoiser, with_composer

BRIEFS = Path(__file__).parents[2] / "flows" / "briefs"
GUARD = Guard.load()


def planned(text: str, file: Path | None = Path("order.yaml")) -> Plan:
    return plan(read_bytes(text.encode(), file), cards_at("revision"))


def judged(text: str) -> PlanFindings:
    return judge_plan(planned(text), GUARD)


BRIEF = """catalog: night-air
title: {title}
zones:
  - {{name: green, identity: "{identity}"}}
cues:
  - state: exploration
    prompt: "{prompt}"
    axes: {{who: [wolves, "{axis}"]}}
    bars: 4
"""


def brief(title: str = "Night", identity: str = "forest", prompt: str = "calm {who}", axis: str = "raiders") -> str:
    return BRIEF.format(title=title, identity=identity, prompt=prompt, axis=axis)


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        (brief(title="Score in the style of Queen"), "title", 2),
        (brief(identity="a wood like in Skyrim"), "zones[0].identity", 4),
        (brief(prompt="{who}, M3tall1ca riffs"), "cues[0].prompt", 7),
        (brief(axis="Hans Zimmer"), "cues[0].axes.who[1]", 8),
        (brief(prompt="in the style of {who}", axis="Queen"), "cues[0].prompt", 7),
        (brief(prompt="music by Metal{who}", axis="lica"), "cues[0].prompt", 7),
    ],
)
def test_names_are_found_in_every_text_of_a_brief(text: str, field: str, line: int) -> None:
    (finding,) = judged(text).refused
    assert finding.field == field
    assert finding.sentence.startswith(f"order.yaml:{line}: {field}: ")
    assert "general knowledge, CC0-1.0" in finding.sentence


def test_a_sentence_shows_the_words_the_name_and_the_remedy() -> None:
    (sentence,) = judged(brief(prompt="{who} in the style of Qu\u0435en")).refusals
    assert "names the band Queen, in other characters (`style of ...`)" in sentence
    assert sentence.endswith("describe the music without it: genre, mood, instruments, tempo")


def test_a_refused_name_is_told_in_every_place_that_must_be_mended_and_never_as_doubtful_too() -> None:
    text = brief(title="a Queen ballad", prompt="{who} in the style of Queen",
    identity="in the style of Queen, Metallica")
    findings = judged(text)
    told = [(finding.match.name, finding.field) for finding in findings.refused]
    zone = "zones[0].identity"
    assert told == [("Queen", zone), ("Metallica", zone), ("Queen", "cues[0].prompt")]
    assert findings.doubtful == ()


def test_doubtful_words_are_warnings() -> None:
    findings = judged(brief(prompt="a state of nirvana, {who}"))
    assert findings.refusals == ()
    assert len(findings.warnings) == 1
    assert "may name the band Nirvana, or be ordinary words" in findings.warnings[0]


def test_an_order_by_one_sentence_is_looked_through() -> None:
    order = plan(adhoc("epic trailer like H-a-n-s Z.i.m.m.e.r"), cards_at("revision"))
    assert [finding.match.name for finding in judge_plan(order, GUARD).refused] == ["Hans Zimmer"]


@pytest.mark.parametrize("name", ["tiny", "rpg", "rpg-40h", "background"])
def test_the_example_briefs_pass(name: str) -> None:
    assert judge_plan(plan(read_brief(BRIEFS / f"{name}.yaml"), cards_at("revision")), GUARD).refusals == ()


def test_hostile_characters_do_not_reach_the_terminal() -> None:
    (sentence,) = judged(brief(prompt="{who} M\u200betallica")).refusals
    assert sentence.isprintable()


@pytest.mark.parametrize("field", ["cues[0].negative", "defaults.negative"])
def test_names_are_found_in_what_a_model_is_told_to_keep_away_from(field: str) -> None:
    text = brief().replace("title:", "generator: acme/noise\ntitle:")
    name = "negative: anything like Metallica"
    text = text.replace("bars: 4", name) if field.startswith("cues") else f"{text}defaults: {{{name}}}\n"
    found = judge_plan(plan(read_bytes(text.encode(), Path("order.yaml")), with_composer(denoiser())), GUARD)
    assert [finding.field for finding in found.refused] == [field]
