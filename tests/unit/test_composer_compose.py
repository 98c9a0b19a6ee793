"""Whatever is ordered, a score comes out that a band could play: in time, in range, in key, the same every time."""

from dataclasses import replace

import numpy as np
import pytest
from composer_orders import digest, order
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.compose import compose
from models.composer.genre import genre
from models.composer.instruments import INSTRUMENTS, banned
from models.composer.meter import parse_meter
from models.controls import Controls, Theme
from models.words import GENRES, METERS, MODES, MOODS, STATES, TONICS
from models.words import INSTRUMENTS as WORDS

FORMS = (
    "loop",
    "intro-A-B-A-outro",
    "A",
    "verse-chorus-verse-chorus-bridge-chorus",
    "intro-build-drop-breakdown-drop-outro",
    "G-H-verse 2",
)


orders = st.builds(
    order,
    state=st.sampled_from((*STATES, "rooftop-chase")), genre=st.sampled_from(GENRES), mood=st.sampled_from(MOODS),
    bpm=st.floats(20, 300), key=st.builds("{} {}".format, st.sampled_from(TONICS), st.sampled_from(MODES)),
    meter=st.sampled_from((*METERS, "9/8", "5/8", "3/2", "7/16")), bars=st.integers(1, 40), form=st.sampled_from(FORMS),
    intensity=st.integers(1, 5), theme=st.builds(Theme, st.integers(0, 2**53 - 1), st.integers(2, 4)),
    instruments=st.lists(st.sampled_from(WORDS), max_size=4, unique=True).map(tuple),
    excluded=st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(orders, st.integers(0, 2**53 - 1))
def test_every_score_can_be_played(controls: Controls, seed: int) -> None:
    score = compose(controls, seed)
    assert score.quarters == controls.bars * parse_meter(controls.meter).bar
    assert score.tracks
    for track in score.tracks:
        notes, instrument = track.notes, INSTRUMENTS[track.instrument]
        assert len(notes.onset) == len(notes.length) == len(notes.pitch) == len(notes.velocity) > 0
        assert np.all(np.diff(notes.onset) >= 0)
        assert notes.onset[0] >= 0 and notes.onset[-1] < score.quarters
        assert np.all(notes.length > 0) and np.all(notes.onset + notes.length <= score.quarters + 0.06)
        assert notes.pitch.min() >= instrument.low and notes.pitch.max() <= instrument.high
        assert notes.velocity.min() >= 1 and notes.velocity.max() <= 127
        assert -1 <= track.pan <= 1 and 0 <= track.reverb <= 1


@settings(max_examples=30, deadline=None)
@given(orders, st.integers(0, 2**53 - 1))
def test_asked_players_are_heard_and_excluded_ones_never(controls: Controls, seed: int) -> None:
    heard = {track.instrument for track in compose(controls, seed).tracks}
    out = banned(controls.excluded) - (set(controls.instruments) - set(controls.excluded))
    assert not heard & out
    assert set(controls.instruments) - out <= heard


@settings(max_examples=30, deadline=None)
@given(orders, st.integers(0, 2**53 - 1))
def test_sections_and_chords_tile_the_piece(controls: Controls, seed: int) -> None:
    score = compose(controls, seed)
    assert sum(section.bars for section in score.sections) == controls.bars
    assert [section.bar for section in score.sections] == list(
        np.cumsum([0, *[section.bars for section in score.sections[:-1]]])
    )
    ends = [chord.onset + chord.length for chord in score.chords]
    assert score.chords[0].onset == 0
    assert np.allclose(ends[:-1], [chord.onset for chord in score.chords[1:]])
    assert ends[-1] == pytest.approx(score.quarters)


def test_the_same_order_and_seed_give_the_same_notes() -> None:
    controls = order(state="boss", intensity=5, form="intro-A-B-A-outro", bars=24)
    assert digest(compose(controls, 11)) == digest(compose(controls, 11))


@pytest.mark.parametrize("name", GENRES)
def test_takes_of_one_cue_differ_but_share_the_theme(name: str) -> None:
    takes = [compose(order(genre=name, state="town", bars=16), seed) for seed in range(6)]
    assert len({digest(take) for take in takes}) == 6
    assert len({tuple(chord.symbol for chord in take.chords) for take in takes}) >= 4
    assert all(take.facts["theme"] == takes[0].facts["theme"] for take in takes)


def test_excluding_drums_silences_every_kit_and_percussion() -> None:
    score = compose(order(state="combat", intensity=5, instruments=("horn", "strings"), excluded=("drums",)), 3)
    assert not {track.stem for track in score.tracks} & {"drums", "percussion"}


@pytest.mark.parametrize("left", ["cello", "contrabass", "tremolo strings", "harp", "reese bass", "timpani"])
def test_whoever_is_left_has_the_tune(left: str) -> None:
    others = tuple(name for name in INSTRUMENTS if name != left and left not in banned((name,)))
    for state in ("exploration", "combat"):
        score = compose(order(state=state, excluded=others), 3)
        assert "melody" in {track.stem for track in score.tracks}
        assert not {track.instrument for track in score.tracks} & banned(others)


def test_who_is_asked_for_by_name_plays_though_the_family_is_excluded() -> None:
    score = compose(order(state="combat", intensity=5, instruments=("taiko", "strings"), excluded=("percussion",)), 3)
    assert {track.instrument for track in score.tracks if track.stem == "drums"} == {"taiko"}
    quiet = compose(order(state="combat", intensity=5, instruments=("taiko", "strings"), excluded=("taiko",)), 3)
    assert "taiko" not in {track.instrument for track in quiet.tracks}


def test_a_piece_that_ends_rests_on_the_tonic_within_its_duration() -> None:
    for seed, state in enumerate(("exploration", "combat", "boss", "ambient", "victory", "town")):
        shape = "intro-A-B-A-outro" if seed % 2 else "A-B"
        controls = order(state=state, intensity=5, form=shape, bars=20, duration=20 * 4 * 60 / 96 + 3)
        score = compose(controls, seed)
        assert score.chords[-1].numeral == "i" and score.chords[-1].length >= 4
        final = score.chords[-1].onset
        assert score.quarters * 60 / score.bpm + score.tail_s <= controls.duration + 1e-9
        last = [note for track in score.tracks for note in track.notes.onset if note > final + 0.5]
        assert not last, "nothing is struck after the final chord"


def test_a_loop_does_not_settle_on_its_tonic() -> None:
    for seed in range(10):
        score = compose(order(key="C major", bars=16), seed)
        assert score.chords[0].numeral == "I" and score.chords[-1].numeral != "I"


@pytest.mark.parametrize("field, value, message", [
    ("key", "H minor", "key 'H minor'"), ("meter", "4-4", "meter '4-4'"), ("genre", "polka-core", "genre 'polka-core'"),
    ("intensity", 9, "intensity must be 1 to 5"), ("instruments", ("kazoo",), "kazoo"),
    ("form", "---", "names no section"),
])  # fmt: skip
def test_what_cannot_be_composed_is_refused_by_name(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose(replace(order(), **{field: value}), 1)


def test_hundreds_of_bars_are_composed() -> None:
    score = compose(order(bars=400, genre="ambient"), 1)
    assert sum(section.bars for section in score.sections) == 400


def test_every_genre_has_a_data_file_with_a_sane_tempo() -> None:
    assert all(20 <= genre(name).tempo[0] < genre(name).tempo[1] <= 300 for name in GENRES)
