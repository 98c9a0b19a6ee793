"""A theme is the same theme in every key, mode and meter, and a given one is read back as it stands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.composer.meter import parse_meter
from models.composer.theme import motif_of
from models.controls import Theme
from models.words import METERS

FOUR = parse_meter("4/4")


@given(st.integers(0, 2**53 - 1), st.integers(2, 4), st.sampled_from((*METERS, "9/8", "5/8")))
def test_a_motif_fills_its_bars_without_overlap(seed: int, bars: int, meter: str) -> None:
    motif = motif_of(Theme(seed, bars), parse_meter(meter))
    assert motif.bars == bars and motif.tones[0].onset == 0
    ends = [tone.onset + tone.length for tone in motif.tones]
    assert all(tone.length > 0 for tone in motif.tones)
    assert ends[:-1] == pytest.approx([tone.onset for tone in motif.tones[1:]])
    assert ends[-1] == pytest.approx(bars * motif.bar)


@given(st.integers(0, 2**53 - 1))
def test_the_contour_survives_the_meter(seed: int) -> None:
    degrees = [tone.degree for tone in motif_of(Theme(seed, 4), FOUR).tones]
    for meter in ("3/4", "6/8", "12/8", "5/4"):
        warped = [tone.degree for tone in motif_of(Theme(seed, 4), parse_meter(meter)).tones]
        rest = iter(degrees)
        assert all(degree in rest for degree in warped), "a subsequence of the same degrees"
        assert len(warped) >= 0.6 * len(degrees)


def test_motifs_move_by_step_mostly_and_differ() -> None:
    motifs = [motif_of(Theme(seed, 4), FOUR) for seed in range(200)]
    steps = [abs(two.degree - one.degree) for motif in motifs for one, two in pairwise(motif.tones)]
    assert sum(step <= 1 for step in steps) > 0.6 * len(steps)
    assert 0.05 < sum(step >= 3 for step in steps) / len(steps) < 0.2
    assert len({motif.tones for motif in motifs}) > 195
    assert all(max(tone.degree for tone in m.tones) - min(tone.degree for tone in m.tones) >= 2 for m in motifs)


def test_a_given_theme_keeps_its_degrees_and_rhythm_whatever_its_key() -> None:
    line = ((0, 1, 0), (1, 1, 2), (2, 2, 4), (4, 1.5, 5), (5.5, 0.5, 4), (6, 2, 0))
    scale = (0, 2, 4, 5, 7, 9, 11)
    for tonic in (60, 63, 66):
        theme = Theme(0, 2, tuple((onset, length, tonic + scale[degree]) for onset, length, degree in line))
        motif = motif_of(theme, FOUR)
        assert [(tone.onset, tone.length, tone.degree) for tone in motif.tones] == [tuple(note) for note in line]


def test_of_a_given_chord_the_top_note_is_the_theme() -> None:
    motif = motif_of(Theme(0, 2, ((0, 4, 48), (0, 4, 60), (0, 4, 64), (4, 4, 60), (0, 2, 55))), FOUR)
    assert len(motif.tones) == 2


@given(
    st.lists(st.tuples(st.floats(0, 64), st.floats(0.01, 8), st.integers(0, 127)), min_size=1, max_size=40),
    st.integers(2, 4),
    st.sampled_from(METERS),
)
def test_any_notes_make_a_motif(notes, bars: int, meter: str) -> None:
    motif = motif_of(Theme(0, bars, tuple(notes)), parse_meter(meter))
    assert motif.tones and 1 <= motif.bars <= bars
    assert all(0 <= tone.onset < motif.bars * motif.bar and tone.length > 0 for tone in motif.tones)


@given(st.integers(0, 2**53 - 1), st.integers(1, 2**31), st.sampled_from(METERS), st.integers(2, 4))
def test_a_zone_derives_a_theme_of_its_own_that_is_kin(seed: int, variant: int, meter: str, bars: int) -> None:
    counted = parse_meter(meter)
    catalog, zone = motif_of(Theme(seed, bars), counted), motif_of(Theme(seed, bars, (), variant), counted)
    assert zone == motif_of(Theme(seed, bars, (), variant), counted)
    assert zone.bars == catalog.bars and zone.tones[0].onset == 0
    assert zone.tones[-1].onset + zone.tones[-1].length == pytest.approx(bars * counted.bar)
    one, two = catalog.head, zone.head
    rhythm = [(tone.onset, tone.length) for tone in one] == [(tone.onset, tone.length) for tone in two]
    moves = [
        [abs(after.degree - tone.degree) for tone, after in pairwise(head)]
        for head in (one[: len(two)], two[: len(one)])
    ]
    assert rhythm or moves[0] == moves[1]


def test_zones_of_a_catalog_differ_from_it_and_from_one_another() -> None:
    for seed in range(20):
        motifs = [motif_of(Theme(seed, 4, (), variant), FOUR).tones for variant in range(6)]
        assert len(set(motifs)) == 6


def test_a_given_theme_has_zones_too() -> None:
    line = ((0, 1, 60), (1, 1, 62), (2, 2, 64), (4, 1.5, 65), (5.5, 0.5, 64), (6, 2, 60))
    given_theme = motif_of(Theme(0, 2, line), FOUR)
    zones = [motif_of(Theme(0, 2, line, variant), FOUR) for variant in range(1, 9)]
    assert all(zone != given_theme and zone.bars == 2 for zone in zones)
    kept = [
        [tone.degree for tone in zone.head] == [tone.degree for tone in given_theme.head]
        or [tone.length for tone in zone.head] == [tone.length for tone in given_theme.head]
        for zone in zones
    ]
    assert all(kept)


@pytest.mark.parametrize("meter", METERS)
def test_themes_have_one_telling_leap_a_late_summit_and_a_singable_range(meter: str) -> None:
    leaps = summits = 0
    for seed in range(60):
        motif = motif_of(Theme(seed, 4), parse_meter(meter))
        degrees = [tone.degree for tone in motif.tones]
        assert 4 <= max(degrees) - min(degrees) <= 12
        leaps += any(abs(two - one) >= 2 for one, two in pairwise([tone.degree for tone in motif.head]))
        summits += degrees.index(max(degrees)) >= 0.3 * len(degrees)
    assert leaps > 45 and summits > 45


def test_rhythms_are_native_to_the_meter_and_varied() -> None:
    for meter, unit in (("3/4", 3.0), ("6/8", 3.0), ("5/4", 5.0), ("7/8", 3.5), ("9/8", 4.5), ("12/8", 6.0)):
        motifs = [motif_of(Theme(seed, 4), parse_meter(meter)) for seed in range(60)]
        heads = {tuple(round(tone.length, 3) for tone in motif.head) for motif in motifs}
        assert len(heads) >= 8
        assert all(
            sum(tone.length for tone in motif.slice(bar, 1)) == pytest.approx(unit)
            for motif in motifs[:9]
            for bar in range(4)
        )
    assert sum(bool(motif_of(Theme(seed, 4), FOUR).pickup) for seed in range(60)) > 15
