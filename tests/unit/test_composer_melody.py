"""The tune is composed once with the plan: it sings, closes as asked, is answered, and a loop leads back."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from composer_orders import order, tune
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.compose import compose, plan
from models.composer.counterpoint import is_parallel
from models.composer.genre import genre
from models.composer.melody import tonic_near
from models.composer.meter import parse_meter
from models.composer.theory import parse_key
from models.composer.tunes import MANNERS
from models.controls import Theme
from models.words import GENRES, METERS, MODES, STATES

FORMS = (
    "loop",
    "intro-A-B-A-outro",
    "verse-chorus-verse-chorus-bridge-solo-chorus",
    "intro-build-drop-breakdown-drop-outro",
    "A",
    "H-G-interlude",
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(FORMS), st.integers(1, 60), st.sampled_from((*METERS, "5/8", "3/2", "7/16")),
    st.sampled_from(MODES), st.sampled_from(STATES), st.sampled_from(GENRES), st.integers(0, 2**53 - 1),
)  # fmt: skip
def test_any_form_in_any_meter_and_mode_has_a_tune_in_time(form, bars, meter, mode, state, name, seed) -> None:
    piece = plan(
        order(form=form, bars=bars, meter=meter, key=f"F# {mode}", state=state, genre=name, theme=Theme(seed, 4)), seed
    )
    assert sum(passage.phrase.bars for passage in piece.passages) == bars
    for passage in piece.passages:
        for line in (passage.line, passage.counter):
            ends = [event.onset + event.length for event in line]
            assert all(event.length > 0 and passage.start - 1e-6 <= event.onset < passage.end for event in line)
            assert all(end <= after.onset + 1e-6 for end, after in zip(ends, line[1:], strict=False))
            assert not ends or ends[-1] <= passage.end + 1e-6
    assert any(passage.line for passage in piece.passages)


def test_phrases_close_on_the_degree_of_their_cadence() -> None:
    goals = {"authentic": {0}, "final": {0}, "half": {1, 4, 6}}
    for seed in range(12):
        key = ("C major", "A minor")[seed % 2]
        piece = plan(order(form="A-B-A", bars=24, key=key, state="town", theme=Theme(seed, 4)), seed)
        tonic = parse_key(key)
        for passage in piece.passages:
            wanted = {(tonic.tonic + tonic.semitones(step)) % 12 for step in goals.get(passage.phrase.cadence, ())}
            chord = set(passage.slots[-1].harmony.pitch_classes)
            held = max((event for event in passage.line if event.onset >= passage.end - 4), key=lambda e: e.length)
            if passage.phrase.cadence in ("authentic", "final"):
                assert held.pitch % 12 in (wanted & chord or chord)


def test_strong_notes_belong_to_their_chords() -> None:
    held = strong = 0
    for seed, name in enumerate(GENRES):
        meter = METERS[seed % len(METERS)]
        piece = plan(order(genre=name, state="town", meter=meter, theme=Theme(seed, 4), bars=24), seed)
        for passage in piece.passages:
            for event in passage.line:
                if piece.meter.strength(event.onset) >= 0.8:
                    strong += 1
                    held += event.pitch % 12 in passage.slot_at(event.onset).harmony.pitch_classes
    assert held / strong >= 0.85


def test_the_counter_motif_sings_against_the_melody() -> None:
    consonant = strong = parallel = moves = contrary = opposed = 0
    for seed in range(10):
        piece = plan(order(state="boss", intensity=5, theme=Theme(seed, 4), bars=24), seed)
        for passage in piece.passages:
            pairs = []
            for event in passage.counter:
                over = [each for each in passage.line if each.onset <= event.onset + 1e-6 < each.onset + each.length]
                if over:
                    pairs.append((event, over[0].pitch))
                    if piece.meter.strength(event.onset) >= 0.6:
                        strong += 1
                        consonant += (over[0].pitch - event.pitch) % 12 in (0, 3, 4, 5, 7, 8, 9)
            for (one, over_one), (two, over_two) in pairwise(pairs):
                parallel += is_parallel(one.pitch, over_one, two.pitch, over_two)
                moves += 1
                both = (two.pitch - one.pitch) * (over_two - over_one)
                contrary += both < 0
                opposed += both != 0
    assert consonant / strong >= 0.85
    assert parallel / moves <= 0.02
    assert contrary / opposed >= 0.5


def test_silences_of_the_melody_are_answered() -> None:
    answered = 0
    for seed in range(8):
        piece = plan(order(state="exploration", theme=Theme(seed, 4), bars=24), seed)
        answered += sum(len(passage.counter) >= len(passage.slots) + 2 for passage in piece.passages)
    assert answered >= 4


def test_a_loop_leads_back_to_its_first_bar() -> None:
    for seed in range(10):
        piece = plan(order(state="town", bars=16, theme=Theme(seed, 4)), seed)
        last, first = piece.passages[-1].line[-1], piece.passages[0].line[0]
        assert last.onset >= piece.quarters - 2 and abs(last.pitch - first.pitch) <= 12
        assert piece.passages[-1].phrase.cadence == "loop"


def test_intensities_of_one_reference_share_every_chord_and_tone() -> None:
    for name in ("orchestral", "electronic", "jazz"):
        levels = [
            plan(order(genre=name, state="combat", intensity=heat, reference=4, bars=24), 5) for heat in range(1, 6)
        ]
        assert len({tuple(passage.line for passage in level.passages) for level in levels}) == 1
        assert len({tuple(passage.counter for passage in level.passages) for level in levels}) == 1
        assert len({tuple(passage.slots for passage in level.passages) for level in levels}) == 1
        energies = [level.passages[0].energy for level in levels]
        assert energies == sorted(energies) and energies[0] < energies[-1]
        scores = [
            compose(order(genre=name, state="combat", intensity=heat, reference=4, bars=24), 5) for heat in (2, 5)
        ]
        assert scores[0].chords == scores[1].chords and scores[0].sections == scores[1].sections


def test_a_reference_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="reference must be 1 to 5"):
        compose(order(reference=6), 1)


@pytest.mark.parametrize("manner", MANNERS)
def test_every_manner_moves_within_reach_and_rests(manner: str) -> None:
    name = next((name for name in GENRES if genre(name).melody == manner), "")
    if not name:
        pytest.skip("no genre is told in this manner")
    for seed in range(3):
        notes = tune(compose(order(genre=name, state="town", bars=24, theme=Theme(seed, 4)), seed)).notes
        assert np.mean(np.abs(np.diff(notes.pitch)) <= 7) > 0.75
        assert (notes.onset[1:] - (notes.onset + notes.length)[:-1] > 0.3).sum() >= 1


def test_ornaments_and_free_bars_differ_between_manners() -> None:
    score = {
        name: compose(order(genre=name, state="town", bars=24, meter="4/4", theme=Theme(3, 4)), 4)
        for name in ("orchestral", "celtic", "ambient")
    }
    counts = {name: len(tune(each).notes.onset) for name, each in score.items()}
    assert counts["celtic"] > 1.1 * counts["ambient"]
    assert len({tuple(tune(each).notes.pitch) for each in score.values()}) == 3


def test_the_canonical_register_is_around_middle_c() -> None:
    assert {tonic_near(parse_key(f"{name} minor"), 60) for name in ("C", "F#", "G", "B")} <= set(range(54, 67))


def test_the_meter_of_odd_bars_is_counted_by_the_theme() -> None:
    one, two = (plan(order(meter="7/8", state=state, theme=Theme(4, 4)), 9).meter for state in ("town", "combat"))
    assert one == two and sum(one.pulses) == parse_meter("7/8").bar
    assert replace(one, pulses=(), middle=0.0) == replace(parse_meter("7/8"), pulses=(), middle=0.0)
