"""The text that a model reads: written when planning, kept beside the user's prompt, measured by its own tokenizer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.musicgen.configs import TEXT_TOKENS
from models.musicgen.prompting import shaper
from models.registry import Card
from services.planning.controls import UNREAD, Choice
from services.planning.faults import BriefError, Fault
from services.planning.plan import Plan, plan
from services.planning.reader import read_bytes
from services.planning.shaping import MODEL_TEXT
from services.planning.templates import escape
from tests.cards import token_model, with_composer
from tests.checkpoints import tokenizer

TOKENS = "acme/tokens"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Card]:
    folder = tmp_path_factory.mktemp("model")
    tokenizer().save(str(folder / "tokenizer.json"))
    yield token_model(folder=folder)


def planned(cues: str, model: Card, more: str = "", **options: Any) -> Plan:
    text = f"catalog: x\ngenerator: {TOKENS}\n{more}cues:\n{cues}"
    return plan(read_bytes(text.encode(), Path("b.yaml")), with_composer(model), **options)


def texts(order: Plan) -> list[str]:
    return [c.value for u in order.understandings for c in u.understanding.choices if c.field == MODEL_TEXT]


def test_the_models_text_says_what_was_ordered_and_the_prompt_stays_the_users(model: Card) -> None:
    cue = "  - {state: calm, prompt: wind over the sea, bpm: 84, key: D minor, instruments: [harp], genre: ambient}\n"
    order = planned(cue, model)
    (text,) = texts(order)
    assert text.startswith("wind over the sea")
    assert all(told in text for told in ("bpm: 84", "d minor", "harp", "ambient"))
    assert {take.prompt for take in order.takes} == {"wind over the sea"}
    choice = order.understandings[0].understanding.choices[-1]
    assert choice == Choice(MODEL_TEXT, text, "generator")
    (take,) = order.takes
    assert text == shaper(model.options).text(take.prompt, take.controls)


def test_every_point_and_zone_has_its_own_text(model: Card) -> None:
    cue = "  - {state: calm, prompt: '{what} music', axes: {what: [dark, bright]}, zones: all}\n"
    order = planned(cue, model, "zones: [{name: sea, key: A minor}, {name: hill, key: C major}]\n")
    found = texts(order)
    assert len(set(found)) == 4
    assert sum("a minor" in text for text in found) == sum("c major" in text for text in found) == 2


def test_tempo_and_key_that_are_shared_are_written_into_the_text(model: Card) -> None:
    cues = (
        "  - {state: combat, prompt: drums, generator: composer, bpm: 132, key: F# minor}\n"
        "  - {state: calm, prompt: wind}\n"
    )
    (text,) = texts(planned(cues, model, "relations: {calm: {of: combat, share: [key, tempo-grid]}}\n"))
    assert "f# minor" in text
    bpm = float(text.partition("bpm: ")[2].partition(". ")[0])
    assert round(132 / bpm, 6) in (0.5, 1.0, 1.5, 2.0, 0.75, round(4 / 3, 6), round(2 / 3, 6), 1.25, 0.8)


def test_words_that_the_model_reads_are_not_called_not_understood(model: Card) -> None:
    order = planned("  - {state: calm, prompt: zyzzyva quux}\n", model)
    assert not any("not understood" in told for told in order.warnings)
    assert not any(c.field == UNREAD for u in order.understandings for c in u.understanding.choices)
    assert "zyzzyva quux" in texts(order)[0]
    composed = planned("  - {state: calm, prompt: zyzzyva quux}\n", model, generator="composer")
    assert any("zyzzyva" in told for told in composed.warnings)
    assert not texts(composed)


def too_long(cues: str, model: Card, more: str = "") -> tuple[Fault, ...]:
    with pytest.raises(BriefError) as caught:
        planned(cues, model, more)
    return caught.value.faults


def test_a_text_longer_than_the_window_is_told_once_with_its_line_and_both_numbers(model: Card) -> None:
    words = " ".join(["wind"] * (TEXT_TOKENS + 10))
    (fault,) = too_long(f"  - state: calm\n    axes: {{x: [a, b]}}\n    prompt: '{{x}} {words}'\n", model)
    assert (fault.field, fault.line) == ("cues[0].prompt", 6)
    counted = int(fault.what.partition(" would read ")[2].split()[0])
    assert counted > TEXT_TOKENS + 10
    assert f"takes in {TEXT_TOKENS} at most" in fault.what
    (fault,) = too_long("  - {state: calm}\n", model, f"defaults: {{prompt: '{words}'}}\n")
    assert (fault.field, fault.line) == ("defaults.prompt", 3)


def test_the_longest_text_that_fits_is_taken_and_a_word_more_is_not(model: Card) -> None:
    def count(words: int) -> int:
        (text,) = texts(planned(f"  - {{state: calm, prompt: {'wind ' * words}}}\n", model))
        return shaper(model.options).tokens(text)

    each = count(2) - count(1)
    most = 1 + (TEXT_TOKENS - count(1)) // each
    assert TEXT_TOKENS - each < count(most) <= TEXT_TOKENS
    assert too_long(f"  - {{state: calm, prompt: {'wind ' * (most + 1)}}}\n", model)


def test_a_tokenizer_that_cannot_be_read_is_told_at_the_generator(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    cue = f"  - {{state: calm, prompt: wind, generator: {TOKENS}}}\n"
    (fault,) = too_long(cue, token_model(folder=tmp_path))
    assert (fault.field, fault.line) == ("cues[0].generator", 4)
    assert "no tokenizer can be read" in fault.what
    assert f"cueworks models verify {TOKENS}" in fault.remedy


def test_identity_knows_the_prompt_and_not_the_text(model: Card, tmp_path: Path) -> None:
    cue = "  - {state: calm, prompt: wind}\n"
    plain = planned(cue, token_model(folder=None))
    assert [take.id for take in planned(cue, model).takes] == [take.id for take in plain.takes]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(min_size=1, max_size=400))
def test_any_prompt_is_shaped_within_the_window_or_refused(model: Card, prompt: str) -> None:
    import json

    cue = json.dumps({"state": "calm", "prompt": escape(prompt)})
    try:
        order = planned(f"  - {cue}\n", model)
    except BriefError as error:
        assert all(fault.remedy and str(fault).isprintable() for fault in error.faults)
    else:
        (text,) = texts(order)
        assert shaper(model.options).tokens(text) <= TEXT_TOKENS
        (take,) = order.takes
        assert text.startswith(take.prompt.rstrip(". "))
