"""Comparatives and negated adjectives: what `slower`, `a bit darker`, `not too fast` move, and from where."""

import pytest

from models.controls import Controls
from services.planning.moods import ANCHORS
from services.planning.plan import plan
from services.planning.prompt import Shift, read_prompt
from services.planning.reader import read_bytes
from tests.cards import cards_at

HEAD = "catalog: c\ntitle: t\nseed: 1\nuse: internal-prototype\ngenerator: composer\n"


def controls(prompt: str, state: str = "exploration", own: str = "", more: str = "", zones: str = "") -> Controls:
    text = f"{HEAD}{more}{zones}cues:\n  - {{state: {state}, prompt: {prompt!r}{own}}}\n"
    return plan(read_bytes(text.encode()), cards_at("r")).takes[0].controls


@pytest.mark.parametrize(
    ("text", "shifts"),
    [
        ("slower", [("tempo", -1)]), ("a bit slower", [("tempo", -0.5)]), ("much faster", [("tempo", 2)]),
        ("less busy", [("intensity", -1)]), ("sparser", [("intensity", -1)]),
        ("more intense", [("intensity", 1), ("mood", 1)]),
        ("louder", [("intensity", 1)]), ("more energy", [("intensity", 1)]), ("sadder", [("mood", 1)]),
        ("calmer", [("mood", 1), ("intensity", -1)]), ("not too intense", [("intensity", -1)]),
        ("less dark", [("mood", -1)]), ("more or less", []), ("number of under", []),
    ],
)  # fmt: skip
def test_comparatives_are_read_with_their_weight(text: str, shifts: list[tuple[str, float]]) -> None:
    assert [(shift.control, shift.steps) for shift in read_prompt(text).shifts] == shifts


def test_a_mood_is_compared_by_its_word() -> None:
    assert read_prompt("slightly spookier").shifts == (Shift("mood", 0.5, "spookier", "spooky"),)


def test_a_tempo_moves_from_what_the_state_gives() -> None:
    plain = controls("music").bpm
    tempi = [controls(text).bpm for text in ("much slower", "slower", "a bit slower", "music", "faster", "much faster")]
    assert tempi == sorted(set(tempi))
    assert plain in tempi


def test_a_tempo_moves_from_the_brief_s_default_but_not_from_the_cue_s_own() -> None:
    assert controls("faster", more="defaults: {bpm: 100}\n").bpm == 118
    assert controls("faster", own=", bpm: 100").bpm == 100


def test_a_tempo_stays_on_the_grid_of_its_zone_and_still_moves() -> None:
    zones = "zones: [{name: z, bpm: 96}]\n"
    assert controls("a bit faster", zones=zones).bpm == 120
    assert controls("much slower", zones=zones).bpm < controls("slower", zones=zones).bpm < 96


def test_an_intensity_moves_by_whole_steps_and_stays_within_its_range() -> None:
    levels = [controls(text).intensity for text in ("less busy", "music", "a bit more intense", "much louder")]
    assert levels == [1, 2, 3, 4]
    assert controls("much sparser", state="ambient").intensity == 1
    assert controls("more intense", own=", intensity: 2").intensity == 2


def test_a_mood_moves_along_the_plane_and_never_stays_where_it_was() -> None:
    darker = [ANCHORS[controls(text).mood].valence for text in ("much darker", "darker", "music")]
    assert darker == sorted(darker)
    assert darker[1] < darker[2]
    assert controls("much darker").mood == "dark"
    assert controls("less dark", state="dungeon").mood != "dark"
    assert controls("happier", state="combat").mood != "urgent"
    assert controls("darker", own=", mood: hopeful").mood == "hopeful"


def test_what_it_should_not_be_is_avoided() -> None:
    assert controls("nothing too dark", state="dungeon").mood != "dark"
    assert controls("not too calm", state="menu").mood != "calm"
    assert controls("nothing too dark").mood == controls("music").mood


@pytest.mark.parametrize(("text", "lowest", "highest"), [("not too fast", 0, 122), ("not slow", 89, 300)])
def test_a_negated_tempo_is_a_bound(text: str, lowest: float, highest: float) -> None:
    assert lowest <= controls(text, state="boss").bpm <= highest
    assert lowest <= controls(text, state="ambient").bpm <= highest


def test_more_of_an_instrument_joins_the_usual_ones_and_less_of_it_leaves() -> None:
    usual = set(controls("music").instruments)
    assert set(controls("more oboe").instruments) == usual | {"oboe"}
    assert "drums" in controls("less drums").excluded


def test_only_the_named_play_in_a_solo_or_a_duo() -> None:
    solo = controls("solo piano, calm", state="music")
    assert solo.instruments == ("piano",)
    assert {"strings", "drums", "electric piano"} <= set(solo.excluded)
    assert controls("a duet of flute and harp", state="music").instruments == ("flute", "harp")
    assert controls("jazz with a saxophone solo", state="music").excluded == ()
    assert controls("orchestral, solo violin", state="music").excluded == ()
