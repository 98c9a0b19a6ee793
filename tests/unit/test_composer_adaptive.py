"""Levels, stingers and transitions as scores: levels are one piece that grows, short ones say what they are."""

from dataclasses import replace

import numpy as np
import pytest

from models.composer.compose import compose
from models.composer.score import Score, Track
from models.composer.theory import parse_key
from models.controls import Controls, Destination, Theme
from models.words import GENRES, STINGERS

BASE = Controls(
    state="exploration", genre="orchestral", mood="hopeful", bpm=96, key="D minor", meter="4/4", instruments=(),
    excluded=(), bars=16, duration=40.0, form="loop", intensity=3, loop=True, theme=Theme(seed=5, variant=7),
)
SOME_GENRES = ("orchestral", "ambient", "jazz", "rock", "techno", "chiptune", "celtic")


def levels(genre: str, **changes: object) -> list[Score]:
    return [compose(replace(BASE, genre=genre, intensity=level, reference=3, **changes), 11) for level in range(1, 6)]


def track(score: Score, role: str) -> Track | None:
    return next((each for each in score.tracks if each.role == role and "doubling" not in each.name), None)


def short(bars: int = 2, **changes: object) -> Score:
    form = "stinger" if "stinger" in changes else "transition"
    return compose(replace(BASE, form=form, loop=False, bars=bars, duration=12.0, **changes), 11)


@pytest.mark.parametrize("genre", SOME_GENRES)
def test_levels_share_bars_sections_and_chords(genre: str) -> None:
    scores = levels(genre)
    assert len({(score.bars, score.quarters, score.sections, score.chords) for score in scores}) == 1


@pytest.mark.parametrize("genre", SOME_GENRES)
def test_levels_share_the_melody_where_both_sing_it(genre: str) -> None:
    tunes = []
    for score in levels(genre):
        melody = track(score, "melody")
        assert melody is not None
        tunes.append(set(zip(melody.notes.onset.round(6), melody.notes.pitch.tolist(), strict=True)))
    assert 0 < len(tunes[0]) < len(tunes[1])
    assert tunes[0] < tunes[1]
    assert tunes[1] == tunes[2] == tunes[3] == tunes[4]


@pytest.mark.parametrize("genre", SOME_GENRES)
def test_what_a_level_has_every_higher_one_has_too(genre: str) -> None:
    names = [[each.name for each in score.tracks] for score in levels(genre)]
    for lower, higher in zip(names, names[1:], strict=False):
        assert set(lower) <= set(higher)
    assert len(names[0]) < len(names[2]) < len(names[4])


@pytest.mark.parametrize("genre", SOME_GENRES)
def test_levels_grow_in_notes_and_force(genre: str) -> None:
    force = [sum(float(np.sum(each.notes.velocity)) for each in score.tracks) for score in levels(genre)]
    assert force == sorted(force)
    assert force[4] > 2 * force[0]


def test_the_first_level_is_texture_and_hints_and_the_last_one_is_doubled() -> None:
    lowest, *_, highest = levels("orchestral")
    assert {each.stem for each in lowest.tracks} == {"texture", "melody"}
    assert {each.role for each in highest.tracks if "doubling" in each.name} >= {"melody", "pads", "bass"}
    assert {each.stem for each in highest.tracks} == {"texture", "melody", "bass", "harmony", "drums"}


def test_the_first_level_rests_on_a_texture_whoever_was_asked_for() -> None:
    fight = {"state": "combat", "mood": "urgent", "instruments": ("short strings", "taiko", "low brass")}
    assert all("texture" in {each.stem for each in score.tracks} for score in levels("orchestral", **fight))


def test_a_level_never_brings_in_who_is_excluded() -> None:
    highest = levels("orchestral", excluded=("brass", "drums"), instruments=("violin", "harp"))[4]
    assert not {each.instrument for each in highest.tracks} & {"brass", "low brass", "horn", "trumpet", "trombone"}
    assert "drums" not in {each.stem for each in highest.tracks}


def test_a_piece_without_levels_is_left_as_it_is() -> None:
    assert "level" not in compose(BASE, 11).facts
    assert not [each for each in compose(BASE, 11).tracks if "doubling" in each.name]


@pytest.mark.parametrize("stinger", STINGERS)
@pytest.mark.parametrize("genre", GENRES)
def test_a_stinger_of_every_genre_sounds_from_its_first_beat_to_its_last_chord(genre: str, stinger: str) -> None:
    for bars in (1, 2, 3, 4):
        score = short(bars, genre=genre, stinger=stinger)
        onsets = np.concatenate([each.notes.onset for each in score.tracks])
        ends = max(float(np.max(each.notes.onset + each.notes.length)) for each in score.tracks)
        assert float(onsets.min()) < 0.25
        assert ends <= score.quarters + 1e-6
        assert ends > score.quarters - 1.5
        assert score.tail_s > 0
        assert not score.loop


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "7/8", "5/4"])
@pytest.mark.parametrize("key", ["D minor", "E major", "C# octatonic", "A minor pentatonic", "B locrian"])
def test_stingers_and_transitions_keep_to_any_key_and_meter(key: str, meter: str) -> None:
    goal = Destination("combat", "F# phrygian", 144.0, 5)
    for bars in (1, 2, 3, 4):
        for score in (short(bars, stinger="victory", key=key, meter=meter),
                      short(bars, destination=goal, key=key, meter=meter)):
            assert sum(chord.length for chord in score.chords) == pytest.approx(score.quarters)
            assert max(float(each.notes.onset.max()) for each in score.tracks) < score.quarters


def test_a_bar_in_which_a_row_rests_still_has_its_chords() -> None:
    goal = Destination("town", "B octatonic", 96.0, 2)
    for seed in range(12):
        order = replace(BASE, genre="ambient", meter="2/4", form="transition", loop=False, bars=4, destination=goal)
        score = compose(order, seed)
        harmony = track(score, "harmony")
        assert harmony is not None
        assert {int(bar) for bar in (harmony.notes.onset + 0.1) // 2} == {0, 1, 2, 3}


def test_stingers_close_as_they_are_called() -> None:
    last = {stinger: short(stinger=stinger).chords[-1].symbol for stinger in STINGERS}
    assert last["victory"] == "D"
    assert last["defeat"] == "Dm"
    assert last["discovery"] == "Dm(add9)"
    assert "dim" in last["danger"]


def test_a_stinger_tells_the_head_of_its_theme() -> None:
    score = short(stinger="victory", key="D major")
    melody = track(score, "melody")
    theme = score.facts["theme"]
    assert melody is not None
    assert isinstance(theme, list)
    head = [degree for onset, _, degree in theme if onset < 4]
    rises = np.sign(np.diff(head))
    told = np.sign(np.diff(melody.notes.pitch[: len(head)]))
    assert np.mean(rises == told) >= 0.6


def test_a_transition_leads_from_the_tonic_to_the_dominant_of_the_goal() -> None:
    for key in ("D minor", "F major", "B dorian", "Eb phrygian"):
        score = short(destination=Destination("combat", key, 144.0, 5))
        assert score.chords[0].pitch_classes[0] == parse_key("D minor").tonic
        assert score.chords[-1].pitch_classes[0] == (parse_key(key).tonic + 7) % 12
        assert (score.chords[-1].pitch_classes[0] + 4) % 12 in score.chords[-1].pitch_classes


def test_a_transition_tells_where_the_other_cue_begins() -> None:
    score = short(3, destination=Destination("combat", "A minor", 144.0, 5))
    assert [(part.name, part.bar, part.bars) for part in score.sections] == [("to combat", 0, 3), ("exit", 3, 0)]
    assert score.facts["leads_to"] == {"state": "combat", "key": "A minor", "bpm": 144.0, "intensity": 5}


def _touch(score: Score, first: float, last: float) -> float:
    notes = [velocity for each in score.tracks
             for onset, velocity in zip(each.notes.onset, each.notes.velocity, strict=True) if first <= onset < last]
    return float(sum(notes))


def test_transitions_grow_towards_a_fight_and_fade_towards_peace() -> None:
    up = short(4, destination=Destination("combat", "D minor", 144.0, 5))
    down = short(4, state="combat", intensity=5, mood="urgent",
                 destination=Destination("exploration", "D minor", 96.0, 1))
    assert _touch(up, 12, 16) > 1.5 * _touch(up, 0, 4)
    assert _touch(down, 12, 16) < 0.7 * _touch(down, 0, 4)


def test_a_transition_to_a_fight_runs_up_to_the_bar_line() -> None:
    score = short(destination=Destination("combat", "D minor", 144.0, 5))
    runs = [each.notes.pitch[each.notes.onset > 3.9] for each in score.tracks if each.stem != "drums"]
    assert any(len(run) >= 8 and bool(np.all(np.diff(run) >= 0)) and run[-1] - run[0] >= 12 for run in runs)


@pytest.mark.parametrize("changes", [{"bars": 5}, {"bars": 0}, {"loop": True}])
def test_short_pieces_have_one_to_four_bars_and_end(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 to 4 bars"):
        compose(replace(BASE, **{"stinger": "victory", "loop": False, "bars": 2, **changes}), 11)


def test_an_unknown_stinger_is_refused() -> None:
    with pytest.raises(ValueError, match="glory"):
        short(stinger="glory")
