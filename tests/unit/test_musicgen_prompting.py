"""Controls written into a prompt as MusicGen's captions were: the user's words first, nothing said twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.controls import Controls, Theme
from models.musicgen.configs import TEXT_TOKENS
from models.musicgen.prompting import Shaper, shaper
from models.musicgen.tokens import TokenizerError
from models.words import GENRES, INSTRUMENTS, MOODS, STATES
from tests.checkpoints import save_tokenizer

CONTROLS = Controls(
    state="combat", genre="orchestral", mood="tense", bpm=144.0, key="D minor", meter="4/4",
    instruments=("strings", "taiko"), excluded=("flute",), bars=8, duration=30.0, form="A", intensity=4, loop=False,
    theme=Theme(1),
)  # fmt: skip


def test_a_caption_is_the_users_words_and_then_pairs() -> None:
    assert Shaper().text("A chase over the roofs.", CONTROLS) == (
        "A chase over the roofs. genre: orchestral. instrument: strings, taiko. moods: tense. keywords: combat. "
        "bpm: 144. key: d minor"
    )


def test_nothing_is_said_twice() -> None:
    said = "Tense orchestral combat music with a string section and taikos, 144 BPM, D Minor"
    assert Shaper().text(said, replace(CONTROLS, instruments=("strings", "taiko"))) == said


def test_another_tempo_in_the_words_does_not_hide_the_ordered_one() -> None:
    assert Shaper().text("music at 44 bpm", CONTROLS).endswith("bpm: 144. key: d minor")
    assert "bpm: 92.5" in Shaper().text("slow", replace(CONTROLS, bpm=92.5))


def test_hyphens_and_silent_controls() -> None:
    quiet = replace(CONTROLS, genre="drum-and-bass", mood="neutral", state="music", instruments=(), key="")
    assert Shaper().text("", quiet) == "genre: drum and bass. bpm: 144"
    assert Shaper().text("some drum and bass", quiet) == "some drum and bass. bpm: 144"


def test_what_was_ruled_out_is_never_named() -> None:
    assert "flute" not in Shaper().text("a chase", CONTROLS)


@given(
    st.text(max_size=80), st.sampled_from(STATES), st.sampled_from(GENRES), st.sampled_from(MOODS),
    st.lists(st.sampled_from(INSTRUMENTS), max_size=5, unique=True), st.floats(20, 300),
)  # fmt: skip
def test_words_stand_first_and_shaping_again_adds_nothing(
    prompt: str, state: str, genre: str, mood: str, instruments: list[str], bpm: float
) -> None:
    controls = replace(CONTROLS, state=state, genre=genre, mood=mood, instruments=tuple(instruments), bpm=bpm)
    text = Shaper().text(prompt, controls)
    assert text == Shaper().text(prompt, controls)
    assert text.startswith(" ".join(prompt.split()).rstrip(". "))
    assert Shaper().text(text, controls) == text


def test_tokens_are_counted_with_the_checkpoints_own_tokenizer(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    made = shaper({"folder": str(tmp_path), "text_encoder": None})
    assert made.most_tokens == TEXT_TOKENS
    assert made.tokens("calm music") == 3  # and the end mark
    assert made.tokens(" ".join(["calm"] * 200)) == 201
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        shaper({"folder": str(tmp_path / "gone"), "text_encoder": None}).tokens("calm")
    with pytest.raises(ValueError, match="without a checkpoint"):
        Shaper().tokens("calm")
