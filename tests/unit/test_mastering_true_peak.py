"""The pruned true-peak meter is the full one; the standard's example signals read as the standard says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mastering.limiter import envelope, excess_db
from services.mastering.true_peak import ANNEX_2, BLOCK, fine_interpolator, interpolated, peaks_between, true_peak

signals = st.builds(
    lambda seed, frames, crest: (
        np.random.default_rng(seed).uniform(-1, 1, (2, frames))
        * np.random.default_rng(seed + 1).random(frames) ** crest
    ).astype(np.float32),
    st.integers(0, 10_000),
    st.integers(1, 900),
    st.sampled_from([0, 1, 8, 40]),
)


@settings(max_examples=60, deadline=None)
@given(signals)
def test_pruning_gives_exactly_the_full_computation(audio):
    full = max(np.abs(interpolated(np.pad(channel, 11), ANNEX_2)).max() for channel in audio)
    assert true_peak(audio) == max(full, np.abs(audio).max())


@settings(max_examples=30, deadline=None)
@given(signals)
def test_full_computation_is_a_convolution(audio):
    channel = audio[0]
    expected = [np.convolve(channel.astype(np.float64), phase[::-1].astype(np.float64)) for phase in ANNEX_2]
    np.testing.assert_allclose(interpolated(np.pad(channel, 11), ANNEX_2), expected, atol=2e-6)


@settings(max_examples=30, deadline=None)
@given(signals, st.floats(0.01, 1.5))
def test_blocks_above_a_threshold_are_never_missed(audio, threshold):
    phases = fine_interpolator()
    channel = np.pad(audio[0], 12)
    full = np.abs(interpolated(channel, phases)).max(axis=0)
    padded = np.pad(full, (0, -len(full) % BLOCK)).reshape(-1, BLOCK).max(axis=1)
    peaks = peaks_between(channel, phases, threshold)
    assert ((peaks >= padded) | (padded <= threshold)).all()


def test_a_sine_between_its_samples_reads_its_amplitude():
    sine = np.sin(2 * np.pi * np.arange(48000) / 4 + np.pi / 4).astype(np.float32)[None] * np.hanning(48000).astype(
        np.float32
    )
    assert np.abs(sine).max() < 0.71
    assert 20 * np.log10(true_peak(sine)) == pytest.approx(0, abs=0.2)


def test_a_loop_is_also_measured_over_its_seam():
    wave = np.zeros((1, 200), dtype=np.float32)
    wave[0, [0, -1]] = 0.7
    assert true_peak(wave, loop=True) > true_peak(wave) * 1.1


@settings(max_examples=30, deadline=None)
@given(signals, st.booleans(), st.floats(0.05, 0.9))
def test_envelope_takes_what_every_block_exceeds(audio, loop, ceiling):
    excess = excess_db(audio, [], 1.0, ceiling, loop)
    limited = envelope(excess, audio.shape[1], 48000, loop)
    gain = limited.between(0, audio.shape[1])
    for block, needed in enumerate(excess):
        assert (-20 * np.log10(gain[block * BLOCK : (block + 1) * BLOCK]) >= needed - 1e-9).all()
    assert (np.abs(audio * gain) <= ceiling * (1 + 1e-6)).all()
    assert limited.reduction_db <= excess.max() + 1e-9


def test_a_loop_envelope_has_no_step_at_its_seam():
    audio = np.zeros((2, 48011), dtype=np.float32)
    audio[:, 5] = 1.0
    gain = envelope(excess_db(audio, [], 1.0, 0.25, True), 48011, 48000, True).between(0, 48011)
    assert gain[-1] < 0.5
    assert abs(gain[0] - gain[-1]) <= 2 * np.abs(np.diff(gain)).max() / 1.5


def test_the_worst_pattern_for_the_filter_is_found_behind_a_higher_sample():
    audio = np.zeros((1, 4000), dtype=np.float32)
    audio[0, 100] = 0.9
    audio[0, 3000:3012] = 0.46 * np.sign(ANNEX_2[1])
    assert true_peak(audio) == pytest.approx(0.46 * np.abs(ANNEX_2[1]).sum(), rel=1e-6)
    assert true_peak(audio) > 0.92


def test_a_loops_release_goes_on_after_its_seam():
    audio = np.zeros((2, 48000), dtype=np.float32)
    audio[:, -4800] = 1.0
    excess = excess_db(audio, [], 1.0, 0.25, True)
    assert envelope(excess, 48000, 48000, True).between(0, 48000)[2400] < 0.6
    assert envelope(excess, 48000, 48000, False).between(0, 48000)[2400] == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9000), st.floats(0.05, 1.2))
def test_quiet_stretches_are_skipped_without_missing_a_peak(seed: int, frames: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    loud = (np.arange(frames) // 700 % 3 == 1).astype(np.float32) + np.float32(0.05)
    channel = (loud * rng.standard_normal(frames) * 0.3).astype(np.float32)
    phases = fine_interpolator()
    signal = np.pad(channel, 24)
    every = np.abs(interpolated(signal, phases)).max(axis=0)
    found = peaks_between(signal, phases, threshold)
    for block, peak in enumerate(found.tolist()):
        full = float(every[block * BLOCK : (block + 1) * BLOCK].max(initial=0.0))
        assert peak == (full if full > threshold or peak else 0.0)
    full_peak = max(np.abs(interpolated(np.pad(channel, 11), ANNEX_2)).max(), np.abs(channel).max())
    assert true_peak(channel[None]) == full_peak
