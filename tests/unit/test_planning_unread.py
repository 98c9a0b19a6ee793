"""Words that are not understood, and wishes that nothing here grants: told, bounded, stored; never dropped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planning.adhoc import adhoc
from services.planning.plan import Plan, plan
from services.planning.prompt import known_words, read_prompt
from services.planning.reader import read_bytes
from services.planning.unread import STOP_WORDS, listed, suggestion, told
from tests.cards import cards_at


def order(prompt: str) -> Plan:
    return plan(adhoc(prompt, 1), cards_at("r"))


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("calm harp with percusion", ["percusion"]), ("a song for the king of Prussia", ["king", "prussia"]),
        ("ruhige Musik mit Klavier", ["ruhige", "musik", "mit", "klavier"]), ("戦闘 fast", ["戦闘"]),
        ("an upbeat jazz piano piece, please", []), ("in D minor at 120 bpm, 16 bars, 4/4", []),
        ("90s of slow ambient", []), ("80s synths, gently, with the darkness of winter", []),
        ("zorp zorp zorp", ["zorp"]), ("", []), ("rock 🎸🔥 boss", ["🎸", "🔥"]),
        ("half a minute, two verses and a chorus", []),
        ("no drums, not too fast, a bit darker, more strings than usual", []),
    ],
)
def test_every_word_is_understood_or_told(text: str, unread: list[str]) -> None:
    assert list(read_prompt(text).unread) == unread


_NONSENSE = st.text("bcdfghjklmnpqrstvwxz", min_size=6, max_size=10).map(lambda word: "zq" + word)
_PLAIN = st.sampled_from([
    "calm", "no", "drums", ",", "more", "less", "in", "D minor", "slower", "a bit", "120 bpm", "and", "solo", "piano",
    "not too", "verse", "chorus", "without", "-", "90s", "in 7", "of the",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_NONSENSE | _PLAIN, max_size=30))
def test_no_word_is_ever_dropped(words: list[str]) -> None:
    unread = set(read_prompt(" ".join(words)).unread)
    assert {word for word in words if word.startswith("zq")} <= unread


def test_unread_words_are_stored_with_what_was_understood() -> None:
    choices = order("calm harp for zorp").understandings[0].understanding.as_json()
    assert {"field": "unread", "value": "zorp", "source": "prompt", "words": ""} in choices


def test_a_cue_is_warned_of_once_with_the_words_of_all_its_points() -> None:
    text = ("catalog: c\nseed: 1\nuse: internal-prototype\ngenerator: composer\ncues:\n"
            "  - {state: a, prompt: 'calm {x} zorp', axes: {x: [harp, blib, violns]}}\n")  # fmt: skip
    warnings = plan(read_bytes(text.encode()), cards_at("r")).warnings
    assert warnings == ("a: not understood: zorp, blib, violns (violins?)",)


def test_a_slip_is_told_with_the_word_it_may_have_meant() -> None:
    assert suggestion("percusion", known_words()) == "percussion"
    assert suggestion("qqqqqqq", known_words()) is None
    assert suggestion("x" * 5000, known_words()) is None


def test_what_is_told_and_stored_is_bounded() -> None:
    words = [f"w{number}" + "x" * 100 for number in range(500)]
    assert len(listed(words)) < 1000
    assert listed(words).endswith("and 480 more")
    assert len(told(words, known_words())) < 700
    assert "\x1b" not in told(["a\x1b[31mb"], known_words())


@pytest.mark.parametrize(
    ("text", "words"),
    [("fade out at the end", "fade out"), ("with an accelerando", "accelerando"), ("rubato", "rubato"),
     ("in a lower register", "lower register"), ("with lyrics", "lyrics"), ("in 13/8 ... in 7/4", "7/4"),
     ("vinyl crackle", "vinyl crackle")],
)  # fmt: skip
def test_what_nobody_does_here_is_warned_of_with_what_happens_instead(text: str, words: str) -> None:
    result = order(f"calm harp, {text}")
    assert [hit.words for hit in read_prompt(text).not_done] == [words]
    assert any(f"{words!r} is not done: " in warning for warning in result.warnings)


def test_no_stop_word_is_a_word_of_music() -> None:
    musical = {"drums", "dark", "fast", "minor", "piano", "calm", "loop", "jazz", "forest"}
    assert not musical & STOP_WORDS


@pytest.mark.parametrize("text", ["dark " * 4000, "no " * 6000, "solo piano, " * 1500, "1 " * 9000, "AABA-" * 4000,
                                  "verse, " * 2800, "more " * 4000, "\u0130" * 9000, "in a minor " * 1800])  # fmt: skip
def test_hostile_text_is_read_within_its_bounds(text: str) -> None:
    reading = read_prompt(text)
    assert len(reading.aside) <= 8
    assert len(reading.shifts) <= 8


def test_words_that_are_known_as_part_of_a_phrase_are_not_called_misspelt() -> None:
    assert "study" in known_words()
    assert told(["study", "machine", "vilolin"], known_words()) == "study, machine, vilolin (violin?)"


@pytest.mark.parametrize(
    ("prompt", "warning"),
    [
        ("slow fast strings", "'slow' and 'fast' contradict each other; 'slow' counts"),
        ("fast strings at 60 bpm", "'60 bpm' and 'fast' contradict each other; '60 bpm' counts"),
        ("strings and piano, no piano", "'piano' is asked for and ruled out; it is left out (piano)"),
    ],
)
def test_words_against_each_other_are_told(prompt: str, warning: str) -> None:
    assert any(warning in told for told in order(prompt).warnings)


@pytest.mark.parametrize("prompt", [
    "lively strings at 140 bpm", "briskly at 60 bpm", "fast, but not too fast", "no drums, big taiko drums",
    "drumless lo-fi beat",
])  # fmt: skip
def test_words_that_go_together_are_not_warned_of(prompt: str) -> None:
    assert order(prompt).warnings == ()


def test_what_a_key_of_the_brief_overrules_is_stored_as_set_aside() -> None:
    text = "{catalog: x, cues: [{state: combat, prompt: '8 bars of fast jazz in 3/4', bars: 4, bpm: 80, meter: 4/4}]}"
    choices = plan(read_bytes(text.encode()), cards_at("r")).understandings[0].understanding.choices
    assert {choice.value for choice in choices if choice.field == "set aside"} == {"bars 8", "meter 3/4", "tempo fast"}
    said = plan(adhoc("500 bars in 3 seconds", 1, duration=12.0), cards_at("r"))
    assert {c.value for c in said.understandings[0].understanding.choices if c.field == "set aside"} == {
        "bars 500", "duration 3"}
    assert not any("nothing in the prompt" in warning for warning in said.warnings)
