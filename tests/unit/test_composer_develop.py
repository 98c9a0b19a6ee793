"""Every state tells the theme in its own way, every kind of section is treated otherwise, and takes differ."""

from models.composer.develop import sketch
from models.composer.dice import Dice
from models.composer.form import Part, parts_of
from models.composer.meter import parse_meter
from models.composer.theme import motif_of
from models.controls import Theme

MOTIF = motif_of(Theme(5, 4), parse_meter("4/4"))


def told(telling: str, form: str, seed: int, bars: int = 32) -> dict[str, tuple[tuple[float, int], ...]]:
    """Onsets and degrees of the first phrase of every section, by the section's kind."""
    parts: tuple[Part, ...] = parts_of(form, bars, False, Dice("form", seed))
    return {
        part.kind: tuple((tone.onset, tone.degree) for tone in sketch(MOTIF, telling, part, part.phrases[0], seed)[0])
        for part in parts
    }


def test_kinds_of_sections_are_told_differently() -> None:
    for seed in range(6):
        kinds = told("plain", "intro-verse-chorus-build-drop-breakdown-bridge-outro", seed, 64)
        assert len(set(kinds.values())) >= len(kinds) - 2


def test_a_build_rises_and_quickens() -> None:
    line = told("plain", "A-build-A", 3, 24)["build"]
    bars = [[degree for onset, degree in line if bar <= onset / 4 < bar + 1] for bar in range(4)]
    assert max(bars[-1]) > max(bars[0]) and len(bars[-1]) >= len(bars[0])


def test_states_tell_one_theme_in_ways_of_their_own() -> None:
    density = {
        telling: sum(len(told(telling, "A-B-A-B", seed)["contrast"]) for seed in range(20))
        for telling in ("broad", "fragment", "drift", "plain")
    }
    assert density["fragment"] > density["broad"] and density["plain"] > density["drift"]


def test_takes_of_a_cue_draw_different_deeds() -> None:
    for telling in ("plain", "broad", "fragment", "menace", "hush", "drift", "lament", "hook", "creep"):
        takes = {tuple(told(telling, "B-A-C", seed).items()) for seed in range(10)}
        assert len(takes) >= 5, telling


def test_the_summit_has_the_theme_from_its_first_note() -> None:
    for telling in ("fragment", "menace", "plain", "heroic", "hook"):
        for seed in range(8):
            parts = parts_of("loop", 32, True, Dice("form", seed))
            summit = next(part for part in parts if part.summit)
            phrase = next(phrase for phrase in summit.phrases if phrase.bars >= 4)
            tones, _ = sketch(MOTIF, telling, summit, phrase, seed)
            line = [tone.degree for tone in tones]
            assert line[:5] == [tone.degree for tone in MOTIF.tones][:5]


def test_takes_open_their_sentences_on_degrees_of_their_own() -> None:
    parts = parts_of("loop", 16, True, Dice("form", 1))
    part = next(part for part in parts if part.phrases[0].bars == 2 and part.bars >= 6 and not part.summit)
    firsts = [sketch(MOTIF, "plain", part, part.phrases[0], seed)[0][0].degree for seed in range(24)]
    assert len(set(firsts)) == 2
    home = min(firsts)
    assert 2 <= sum(degree != home for degree in firsts) <= 12
