"""Moods as places of valence and arousal: the table, the nearest mood, what contradicts, what it does to a piece."""

import pytest

from models.controls import Controls
from models.words import MOODS
from services.planning import lexicon, moods
from services.planning.adhoc import adhoc
from services.planning.moods import ANCHORS, PLANE, Affect
from services.planning.plan import Plan, plan
from tests.cards import cards_at


def order(prompt: str) -> Plan:
    return plan(adhoc(prompt, 1), cards_at("r"))


def controls(prompt: str) -> Controls:
    return order(prompt).takes[0].controls


def test_every_published_mood_is_an_anchor_and_every_word_lies_on_the_plane() -> None:
    assert set(ANCHORS) == set(MOODS)
    assert len(PLANE) >= 150
    for word, place in PLANE.items():
        assert -1 <= place.valence <= 1, word
        assert -1 <= place.arousal <= 1, word
        assert lexicon.mood_of(word) in MOODS


def test_an_anchor_is_heard_as_itself() -> None:
    for mood, place in ANCHORS.items():
        if mood not in ("romantic", "epic"):
            assert moods.nearest(place) == mood


@pytest.mark.parametrize(
    ("word", "heard"),
    [("ecstatic", "upbeat"), ("delighted", "happy"), ("drowsy", "calm"), ("depressed", "melancholic"),
     ("miserable", "dark"), ("afraid", "relentless"), ("alarmed", "relentless"), ("restful", "calm")],
)
def test_a_word_that_names_no_mood_is_heard_as_the_nearest(word: str, heard: str) -> None:
    assert controls(f"{word} music").mood == heard


@pytest.mark.parametrize(("one", "other"), [("calm", "frantic"), ("cheerful", "grim"), ("serene", "furious")])
def test_moods_that_nothing_can_have_both_are_warned_of_and_the_first_counts(one: str, other: str) -> None:
    result = order(f"{one}, {other} music")
    assert any(f"'{one}' and '{other}' contradict each other" in warning for warning in result.warnings)
    assert result.takes[0].controls.mood == controls(one).mood


def test_moods_that_go_together_are_no_contradiction_but_the_second_is_told() -> None:
    result = order("dark, mysterious music")
    assert result.warnings == ()
    aside = [choice for choice in result.understandings[0].understanding.choices if choice.field == "set aside"]
    assert [(choice.value, choice.words) for choice in aside] == [("mood mysterious", "mysterious")]


def test_the_arousal_of_a_mood_sets_intensity_and_tempo_where_nobody_else_does() -> None:
    tempi = [controls(f"{word} piece").bpm for word in ("meditative", "cosy", "thrilling")]
    levels = [controls(f"{word} piece").intensity for word in ("meditative", "hopeful", "ecstatic")]
    assert tempi == sorted(set(tempi))
    assert levels == sorted(set(levels))
    assert controls("ecstatic piece, sparse").intensity == 1


def test_a_fight_stays_within_a_step_of_its_intensity() -> None:
    assert controls("meditative combat").intensity == 3
    assert controls("meditative boss").intensity == 4


def test_two_genres_are_warned_of_and_an_adjective_gives_way_to_a_plainer_one() -> None:
    both = order("synthwave meets celtic")
    assert both.takes[0].controls.genre == "synthwave"
    assert any("two genres" in warning for warning in both.warnings)
    assert controls("atmospheric black metal").genre == "metal"
    assert controls("cinematic drum and bass").genre == "drum-and-bass"
    assert order("atmospheric black metal").warnings == ()


def test_places_keep_within_the_plane() -> None:
    far = Affect(0.9, -0.9).moved(Affect(1, -1), 2.0)
    assert (far.valence, far.arousal) == (1.0, -1.0)


@pytest.mark.parametrize(
    ("prompt", "mode"),
    [("triumphant fanfare", "major"), ("victory theme, brass", "major"), ("an epic battle", "minor"),
     ("a triumphant fanfare in a minor key", "minor"), ("epic, driving strings", "minor")],
)
def test_a_victory_is_in_major(prompt: str, mode: str) -> None:
    assert plan(adhoc(prompt, 1), cards_at("r")).takes[0].controls.key.endswith(mode)


@pytest.mark.parametrize("prompt", ["epic and dark strings piece, epic, dark", "a calm piece, dark"])
def test_dark_goes_with_epic_and_calm(prompt: str) -> None:
    assert not any("contradict" in warning for warning in plan(adhoc(prompt, 1), cards_at("r")).warnings)
