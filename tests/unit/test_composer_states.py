"""The states of one zone are told apart by ear and by number, and all of them tell one theme in one key."""

from functools import cache

import numpy as np
import pytest
from composer_orders import key_rank, likeness, mean_velocity, notes_per_bar, order, tune

from models.composer.compose import compose, plan
from models.composer.score import Score
from models.composer.theory import SCALES
from models.controls import Theme
from models.words import GENRES, LAYERS, MODES

LADDER = (("exploration", 2, 96.0), ("combat", 4, 140.0), ("boss", 5, 150.0))


@cache
def zone(name: str, theme: int, key: str = "D minor") -> dict[str, Score]:
    """One theme in three states of rising heat."""
    return {
        state: compose(
            order(state=state, genre=name, intensity=heat, bpm=bpm, key=key, theme=Theme(theme, 4)), theme + 1
        )
        for state, heat, bpm in LADDER
    }


@pytest.mark.parametrize("name", GENRES)
def test_heat_rises_from_exploration_to_boss(name: str) -> None:
    calm, fight, boss = zone(name, 3).values()
    assert notes_per_bar(fight) > 1.6 * notes_per_bar(calm)
    assert mean_velocity(calm) + 4 < mean_velocity(fight) < mean_velocity(boss)
    assert notes_per_bar(fight, "drums", "percussion") > notes_per_bar(calm, "drums", "percussion")
    assert len(fight.tracks) >= len(calm.tracks) - 1  # a fight leaves out the pads
    assert len(boss.chords) >= len(fight.chords) >= len(calm.chords) or name in ("ambient", "jazz")


@pytest.mark.parametrize("name", ["orchestral", "synthwave", "rock", "jazz"])
def test_a_fight_is_short_and_a_boss_is_long_and_both_have_the_theme_in_full(name: str) -> None:
    def held(score: Score) -> float:
        tracks = [track.notes for track in score.tracks if track.role in ("melody", "harmony", "pads", "ostinato")]
        return float(np.mean(np.concatenate([notes.length for notes in tracks])))

    fight, boss = zone(name, 5)["combat"], zone(name, 5)["boss"]
    assert held(boss) > 1.3 * held(fight)
    assert {track.role for track in boss.tracks} >= {"pads"} and "pads" not in {track.role for track in fight.tracks}
    for state in ("combat", "boss"):
        piece = plan(order(state=state, genre=name, intensity=5, bars=24, theme=Theme(5, 4)), 6)
        line = [tone.degree for tone in piece.motif.tones]
        summit = next(each for each in piece.passages if each.part.summit and each.phrase.bars >= 4)
        assert [tone.degree for tone in summit.sketch][: len(line) // 2] == line[: len(line) // 2]


def test_states_share_their_theme_more_than_strangers_do() -> None:
    same, other = [], []
    for name in GENRES:
        mine, foreign = zone(name, 11), zone(name, 12)
        same += [likeness(mine["exploration"], mine["combat"]), likeness(mine["combat"], mine["boss"])]
        other += [likeness(mine["exploration"], foreign["combat"]), likeness(mine["combat"], foreign["boss"])]
    assert np.mean(same) > np.mean(other) + 0.2
    assert np.mean(np.array(same) > np.array(other)) >= 0.85


@pytest.mark.parametrize("mode", ["major", "minor", "harmonic minor", "mixolydian", "phrygian"])
def test_the_asked_tonic_is_heard(mode: str) -> None:
    ranks = [
        key_rank(
            compose(order(state=state, genre=name, key=f"{tonic} {mode}", intensity=heat, theme=Theme(seed, 4)), seed)
        )
        for name in GENRES
        for seed, (tonic, state, heat) in enumerate(
            (("D", "exploration", 2), ("Eb", "combat", 4), ("F#", "ambient", 1))
        )
    ]
    assert sum(rank <= 3 for rank in ranks) >= 0.9 * len(ranks)
    assert sum(rank == 1 for rank in ranks) > 0.6 * len(ranks)


@pytest.mark.parametrize("mode", MODES)
def test_pitches_belong_to_the_key_but_for_the_harmony(mode: str) -> None:
    for seed, name in enumerate(GENRES):
        score = compose(order(state="town", genre=name, key=f"G {mode}", theme=Theme(seed, 4)), seed)
        allowed = {(7 + step) % 12 for step in SCALES[mode]} | {
            tone for chord in score.chords for tone in chord.pitch_classes
        }
        for track in score.tracks:
            if track.stem in ("drums", "percussion") or (track.stem, name) == ("bass", "jazz"):
                continue
            foreign = [pitch for pitch in track.notes.pitch if int(pitch) % 12 not in allowed]
            assert len(foreign) <= 0.02 * len(track.notes.pitch), (name, track.name, foreign)


def test_melodies_sing() -> None:
    steps, leaps, recovered, strong, held = [], 0, 0, 0, 0
    for name in GENRES:
        for seed in range(4):
            score = compose(
                order(state="town", genre=name, key=("C major", "E minor")[seed % 2], theme=Theme(seed * 31, 4)), seed
            )
            notes = tune(score).notes
            rests = notes.onset[1:] - (notes.onset + notes.length)[:-1]
            moves = [int(move) for move, rest in zip(np.diff(notes.pitch), rests, strict=True) if rest < 0.75]
            steps += [abs(move) for move in moves]
            for one, two in zip(moves, moves[1:], strict=False):
                leaps += abs(one) > 4
                recovered += abs(one) > 4 and one * two <= 0
            for onset, pitch in zip(notes.onset, notes.pitch, strict=True):
                if abs(onset / 4 - round(onset / 4)) < 0.02:
                    chord = next(chord for chord in reversed(score.chords) if chord.onset <= onset + 0.08)
                    strong += 1
                    held += int(pitch) % 12 in chord.pitch_classes
    assert np.mean(np.array(steps) <= 2) > 0.55 and np.mean(np.array(steps) > 7) < 0.06
    assert recovered / leaps > 0.65
    assert held / strong > 0.75


def test_melodies_breathe_and_vary_their_rhythm() -> None:
    for seed in range(6):
        score = compose(order(state="town", bars=16, theme=Theme(seed, 4)), seed)
        notes = tune(score).notes
        assert len({round(float(length) * 2) for length in notes.length}) >= 3
        rests = notes.onset[1:] - (notes.onset + notes.length)[:-1]
        assert (rests > 0.3).sum() >= 2


def test_intensity_adds_players_and_notes() -> None:
    for name in GENRES:
        rising = [compose(order(genre=name, state="music", intensity=heat), 2) for heat in (1, 3, 5)]
        counts = [notes_per_bar(score) for score in rising]
        assert counts[0] < counts[1] < counts[2], (name, counts)
        assert mean_velocity(rising[0]) < mean_velocity(rising[2])


def test_unknown_states_are_read_from_mood_and_intensity() -> None:
    tense = compose(order(state="rooftop-chase", mood="urgent", intensity=5), 1)
    calm = compose(order(state="tea-house", mood="calm", intensity=1), 1)
    assert tense.facts["treatment"] == "boss" and calm.facts["treatment"] == "ambient"


def test_stems_come_from_the_documented_set() -> None:
    stems = {track.stem for name in GENRES for score in zone(name, 3).values() for track in score.tracks}
    assert stems <= set(LAYERS)
    sizes = [len(score.tracks) for name in GENRES for score in zone(name, 3).values()]
    assert min(sizes) >= 3 and max(sizes) <= 9


def silence(score: Score) -> float:
    """The longest stretch of bars in which nobody plays."""
    spans = sorted(
        (float(onset), float(onset + length))
        for track in score.tracks
        for onset, length in zip(track.notes.onset, track.notes.length, strict=True)
    )
    longest, until = 0.0, 0.0
    for onset, end in [*spans, (score.quarters, score.quarters)]:
        longest, until = max(longest, onset - until), max(until, end)
    return longest * score.bars / score.quarters


@pytest.mark.parametrize("name", GENRES)
def test_no_section_is_empty(name: str) -> None:
    for heat, state in ((1, "ambient"), (2, "puzzle"), (3, "combat")):
        score = compose(order(genre=name, state=state, intensity=heat, form="intro-A-breakdown-B-outro", bars=20), heat)
        assert silence(score) < 0.75, state
