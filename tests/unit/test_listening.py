"""What is heard of sounds made to be heard: clicks, chords, holes, clipped and cut sounds, doubles."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mastering.listening import Hearing, hear, key, level, likeness, tempo
from services.mastering.listening.spectra import Floats, mel_power

RATE = 24000
KEY, HEARD = "C major", (199.986, 0.5528, -13.56)


@cache
def music(seed: int = 1, seconds: float = 12.0, bpm: float = 100.0, chords: tuple[int, ...] = (0, 5, 7, 0)) -> Floats:
    """Plucked triads of C major on every beat, with random notes of the scale on the half beats."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * RATE))
    beat = 60 / bpm
    for number in range(int(seconds / beat * 2)):
        root = chords[number // 8 % len(chords)]
        notes = (root, root + 4, root + 7) if number % 2 == 0 else (int(rng.choice([0, 2, 4, 5, 7, 9, 11])) + 12,)
        for note in notes:
            _pluck(sound, int(number * beat / 2 * RATE), 130.81 * 2 ** (note / 12), 0.2 if number % 2 == 0 else 0.15)
    return np.stack([sound, 0.9 * sound]).astype(np.float32)


def _pluck(sound: np.ndarray, start: int, hertz: float, gain: float) -> None:
    times = np.arange(min(int(0.5 * RATE), len(sound) - start)) / RATE
    if len(times):
        tone = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 6)) * np.exp(-6 * times)
        sound[start : start + len(times)] += gain * tone * np.minimum(1, times * 200)


def test_tempo_and_key_are_heard_of_whoever_plays_at_whatever_rate() -> None:
    found = hear(music(), RATE)
    assert tempo.error(found.bpm or 0, 100, "4/4") < 0.005
    assert key.sounding(found.key or "") == (0, True)
    assert found.pulse and found.pulse > 0.3 and found.key_strength and found.key_strength > 0.8
    faster = hear(music(), RATE * 3 // 2)  # the same samples played faster: a fifth higher
    assert tempo.error(faster.bpm or 0, 150, "4/4") < 0.005
    assert key.sounding(faster.key or "") == (7, True)


@pytest.mark.parametrize(("name", "sounds"), [("F# dorian", (6, False)), ("Cb lydian", (11, True)), ("B", (11, False))])
def test_keys_sound_by_tonic_and_third(name: str, sounds: tuple[int, bool]) -> None:
    assert key.sounding(name) == sounds


def test_noise_has_no_beat_and_no_key_to_speak_of() -> None:
    """Neither white, nor without its heights, nor without its depths."""
    noise = np.random.default_rng(3).normal(scale=0.1, size=(2, RATE * 12)).astype(np.float32)
    low = noise.cumsum(axis=1) * np.float32(0.02)
    for sound in (noise, low - low.mean(axis=1, keepdims=True), np.diff(noise, axis=1)):
        found = hear(sound, RATE)
        assert found.pulse is not None and found.pulse < 0.2
        assert found.key is None


def test_channels_of_opposite_phase_are_heard_as_any() -> None:
    one = music()[0]
    apart, alike = hear(np.stack([one, -one]), RATE), hear(np.stack([one, one]), RATE)
    assert (apart.bpm, apart.key, apart.pulse) == (alike.bpm, alike.key, alike.pulse)
    assert apart.descriptor == alike.descriptor
    assert apart.seam_flux == alike.seam_flux


def test_silence_is_told_by_where_it_is() -> None:
    sound = np.pad(music(), ((0, 0), (2 * RATE, RATE)))
    sound[:, 6 * RATE : 9 * RATE] = 0
    found = hear(sound, RATE)
    assert found.leading_silence_s == pytest.approx(2, abs=0.05)
    assert found.inner_silence_s == pytest.approx(3, abs=0.3)
    assert found.trailing_silence_s >= 1
    assert found.silent_share == pytest.approx(6 / 15, abs=0.1)
    nothing = hear(np.zeros((2, RATE * 7), np.float32), RATE)
    assert (nothing.silent_share, nothing.bpm, nothing.key) == (1, None, None)


def test_clipping_is_heard_at_full_scale_below_it_and_through_a_resampler() -> None:
    from services.mastering.resample import resample

    clean = music() / np.abs(music()).max()
    assert hear(0.5 * clean, RATE).crowded == 0 or hear(0.5 * clean, RATE).crowding < 2.5
    hard = np.clip(3 * clean, -1, 1).astype(np.float32)
    assert hear(hard, RATE).clipped > 0.001
    softer = hear(resample(0.5 * hard, RATE, 48000), 48000)
    assert softer.clipped == 0
    assert softer.crowding > 2.5
    assert softer.crowded > 0.001


def test_an_end_and_a_seam_are_heard() -> None:
    cut = music()[:, : int(7.03 * RATE)]
    faded = cut * np.minimum(1, np.arange(cut.shape[1])[::-1] / RATE).astype(np.float32)
    assert level.end_db(faded, RATE) < -20 < -12 < level.end_db(cut, RATE)
    assert hear(cut * 0, RATE).end_db == -120
    times = np.arange(RATE * 4) / RATE
    wave = (np.sin(2 * np.pi * 220 * times) * (1 + 0.3 * np.sin(2 * np.pi * times)))[None].astype(np.float32)
    closed, open_ = level.seam(wave, RATE), level.seam(wave[:, : -RATE // 440 // 2], RATE)
    assert closed and open_
    assert closed.jump < 1.1
    assert open_.jump > 3


def test_what_is_no_number_and_what_is_off_centre_is_told() -> None:
    sound = music().copy()
    sound[0, 1000:2000] = np.nan
    sound[1] += 0.05
    found = hear(sound, RATE)
    assert found.broken == pytest.approx(1000 / sound.size, abs=1e-6)
    assert found.dc == pytest.approx(0.05, abs=0.01)


def test_one_music_is_known_again_and_other_notes_on_its_chords_are_not() -> None:
    one = likeness.describe(mel_power(music().mean(axis=0), RATE))
    quieter = likeness.describe(mel_power(0.3 * np.roll(music()[0], RATE // 5), RATE))
    other = likeness.describe(mel_power(music(2, chords=(9, 2, 5, 7)).mean(axis=0), RATE))
    assert likeness.likeness(one, quieter) > likeness.SAME > likeness.likeness(one, other)
    assert likeness.likeness(one, one) == pytest.approx(1)
    assert likeness.likeness(one, b"") == 0


def test_what_was_heard_comes_back_from_its_facts() -> None:
    found = hear(music(), RATE)
    assert Hearing.of(found.facts(), found.descriptor, found.revision) == found
    assert replace(found, revision="0") != found


@settings(max_examples=25, deadline=None)
@given(
    frames=st.integers(1, 3000), channels=st.integers(1, 2), rate=st.sampled_from((8000, 22050, 48000)),
    level_=st.floats(0, 4), seed=st.integers(0, 99), bad=st.booleans(),
)  # fmt: skip
def test_anything_with_samples_can_be_heard(
    frames: int, channels: int, rate: int, level_: float, seed: int, bad: bool
) -> None:
    sound = (np.random.default_rng(seed).normal(size=(channels, frames)) * level_).astype(np.float32)
    if bad:
        sound[0, frames // 2] = np.inf
    found = hear(sound, rate)
    assert all(np.isfinite(value) for value in found.facts().values() if isinstance(value, float))


@pytest.mark.parametrize("sound", [np.zeros((2, 0), np.float32), np.zeros(5, np.float32)])
def test_what_is_no_sound_is_refused(sound: Floats) -> None:
    with pytest.raises(ValueError, match="cannot be heard"):
        hear(sound, 48000)


def test_listeners_hear_what_they_heard_when_their_revision_was_named() -> None:
    """Raise LISTENING_REVISION where this changes: stored hearings are compared with new ones."""
    found = hear(music(), RATE)
    assert found.revision == "1"
    assert found.key == KEY
    assert (found.bpm, found.pulse, found.end_db) == pytest.approx(HEARD, rel=2e-3)
