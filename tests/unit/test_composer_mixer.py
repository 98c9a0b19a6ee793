"""The mix adds up, loops without a seam, ends in silence, and stays where mastering wants it."""

from dataclasses import replace

import numpy as np
import pytest
from composer_sounds import band, bank_path, seconds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.composer.mixer import Mix, folded, mix, reverberated
from models.composer.rooms import ROOMS, impulse_response
from models.composer.score import Score
from models.composer.synth import RATE, Sampler

GOLDEN_LEVELS = {"harmony": -27.81, "melody": -26.44, "bass": -27.57, "drums": -25.37}


def mixed(score: Score, duration: float | None = None) -> Mix:
    sampler = Sampler(bank_path())
    dry = [sampler.render(track.instrument, track.notes, score.bpm) for track in score.tracks]
    return mix(score, dry, round((duration or seconds(score)) * RATE))


@pytest.fixture(scope="module")
def loop() -> Mix:
    return mixed(band())


def test_stems_sum_to_the_premaster(loop: Mix) -> None:
    assert list(loop.stems) == ["harmony", "melody", "bass", "drums"]
    total = np.sum([stem.astype(np.float64) for stem in loop.stems.values()], axis=0)
    assert np.max(np.abs(total - loop.premaster)) < 1e-5


def test_audio_is_float32_stereo_of_the_asked_length_without_dc(loop: Mix) -> None:
    for audio in (loop.premaster, *loop.stems.values()):
        assert audio.shape == (2, 8 * RATE)
        assert audio.dtype == np.float32
        assert audio.flags["C_CONTIGUOUS"]
        assert np.isfinite(audio).all()
        assert np.abs(audio.mean(axis=1)).max() < 1e-4


def test_the_level_leaves_room_for_mastering(loop: Mix) -> None:
    rms = 20 * np.log10(np.std(loop.premaster))
    assert -27 < rms < -15
    assert np.abs(loop.premaster).max() < 1.0


def test_the_last_frame_of_a_loop_leads_to_its_first(loop: Mix) -> None:
    for audio in (loop.premaster, loop.stems["harmony"], loop.stems["melody"]):
        steps = np.abs(np.diff(audio, axis=1))
        assert np.all(np.abs(audio[:, 0] - audio[:, -1]) <= np.quantile(steps, 0.999, axis=1))


def test_a_loop_is_what_a_band_plays_that_goes_round_and_round(loop: Mix) -> None:
    thrice = mixed(band(repeats=3, loop=False))
    frames = loop.premaster.shape[1]
    middle = thrice.premaster[:, frames : 2 * frames]
    difference = np.std(middle - loop.premaster) / np.std(loop.premaster)
    assert difference < 0.01


def test_a_piece_that_ends_ends_in_silence_without_a_click() -> None:
    score = band(loop=False, tail_s=2.0)
    ended = mixed(score, seconds(score) + 2.0)
    assert ended.premaster.shape == (2, 10 * RATE)
    assert not ended.premaster[:, -1].any()
    last = np.abs(ended.premaster[:, -RATE // 10 :])
    assert last.max() < 0.01 * np.abs(ended.premaster).max()
    assert np.abs(ended.premaster[:, 9 * RATE // 1 - RATE : 9 * RATE]).max() > 0


def test_a_muted_stem_takes_its_reverb_with_it() -> None:
    score = band(loop=False, tail_s=2.0)
    drums_only = replace(score, tracks=score.tracks[3:])
    alone = mixed(drums_only, seconds(score) + 2.0)
    assert list(alone.stems) == ["drums"]
    assert np.array_equal(alone.stems["drums"], alone.premaster)


def test_pan_moves_a_track_to_its_side() -> None:
    score = band()
    left = replace(score, tracks=(replace(score.tracks[2], pan=-0.8, reverb=0.0),))
    premaster = mixed(left).premaster
    assert np.std(premaster[0]) > 3 * np.std(premaster[1])


def test_the_same_score_gives_the_same_bits(loop: Mix) -> None:
    assert np.array_equal(mixed(band()).premaster, loop.premaster)


def test_levels_of_this_sound_revision() -> None:
    """RMS of every stem in dB. When the sound changes on purpose: new figures here, and a higher SOUND_REVISION."""
    levels = {name: 20 * np.log10(np.std(stem)) for name, stem in mixed(band()).stems.items()}
    assert levels == pytest.approx(GOLDEN_LEVELS, abs=0.02)



def test_an_unknown_space_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'bathtub'.*hall"):
        mixed(replace(band(), space="bathtub"))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 260))
def test_folding_adds_every_frame_to_its_place_in_the_loop(frames: int, length: int) -> None:
    audio = np.arange(1.0, length + 1, dtype=np.float32)[None]
    expected = np.zeros(frames)
    for n in range(length):
        expected[n % frames] += n + 1
    result = folded(audio.copy(), frames)
    assert np.allclose(result[0], expected[: result.shape[1]])


@pytest.mark.parametrize("space", ROOMS)
def test_spaces_are_stereo_without_dc_and_die_away(space: str) -> None:
    response = impulse_response(space).astype(np.float64)
    energy = np.sum(response**2, axis=1)
    assert energy == pytest.approx([1.0, 1.0], rel=1e-3)
    assert abs(np.corrcoef(response)[0, 1]) < 0.25
    assert np.abs(response.sum(axis=1)).max() < 0.05
    third = response.shape[1] // 3
    assert np.sum(response[:, :third] ** 2) > 20 * np.sum(response[:, 2 * third :] ** 2)


def test_reverb_is_the_convolution_with_the_space() -> None:
    rng = np.random.default_rng(3)
    send = np.zeros(400_000, np.float32)
    at = np.sort(rng.integers(0, len(send), 5))
    send[at] = rng.standard_normal(5).astype(np.float32)
    response = impulse_response("room")
    expected: NDArray[np.float64] = np.zeros((2, len(send) + response.shape[1] - 1))
    for start in at:
        expected[:, start : start + response.shape[1]] += send[start] * response
    assert np.allclose(reverberated(send, "room"), expected, atol=1e-6)
