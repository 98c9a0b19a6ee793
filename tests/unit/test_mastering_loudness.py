"""Loudness agrees with pyloudnorm, the reference."""

import numpy as np
import pytest
from mastering_signals import music
from pyloudnorm import Meter

from services.mastering.loudness import energies_of, measure


def stereo(**kwargs):
    return np.sum(list(music(**kwargs).values()), axis=0)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_integrated_loudness_is_pyloudnorms(rate):
    audio = stereo(seconds=3, rate=rate)
    audio[:, rate:] *= 0.02  # so that both gates matter
    assert measure(audio, rate).integrated == pytest.approx(Meter(rate, "DeMan").integrated_loudness(audio.T), abs=0.01)


def test_pyloudnorms_default_filters_read_nearly_the_same():
    audio = stereo(seconds=3)
    assert measure(audio, 48000).integrated == pytest.approx(Meter(48000).integrated_loudness(audio.T), abs=0.06)


def test_full_scale_tone_reads_as_the_standard_says():
    """BS.1770-4: a 0 dBFS 997 Hz sine in one channel reads -3.01 LUFS."""
    tone = np.zeros((2, 96000), dtype=np.float32)
    tone[0] = np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)
    assert measure(tone, 48000).integrated == pytest.approx(-3.01, abs=0.02)


def test_loudness_range_of_two_levels_is_their_difference():
    """EBU Tech 3342, test signal 1: 20 s at -20 dBFS and 20 s at -30 dBFS read 10 LU."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(20 * 8000) / 8000)
    audio = np.concatenate([tone * 0.1, tone * 0.1 * 10**-0.5]).astype(np.float32)
    assert measure(np.stack([audio, audio]), 8000).range == pytest.approx(10, abs=0.3)


def test_sound_shorter_than_a_block_has_a_loudness():
    audio = stereo(seconds=0.1)
    long = np.tile(audio, 20)
    assert measure(audio, 48000).integrated == pytest.approx(measure(long, 48000).integrated, abs=2)
    assert measure(audio[:, :1], 48000).integrated > -100


def test_silence_has_no_loudness():
    assert measure(np.zeros((2, 48000), np.float32), 48000).integrated == -np.inf


def test_a_gain_scales_what_the_meters_read() -> None:
    noise = np.random.default_rng(4).standard_normal((2, 240000)) * np.linspace(0.001, 0.2, 240000)
    audio = noise.astype(np.float32)
    scaled = energies_of(audio, 48000).times(0.37).loudness()
    direct = measure((audio * np.float32(0.37)).astype(np.float32), 48000)
    assert scaled.integrated == pytest.approx(direct.integrated, abs=1e-5)
    assert scaled.range == pytest.approx(direct.range, abs=1e-5)
