"""The sampler plays what is written: level, length, chokes, tails, and always the same bits."""

import numpy as np
import pytest
from composer_sounds import band, bank_path, notes

from models.composer.bank import PRESETS
from models.composer.score import Notes
from models.composer.synth import RATE, Sampler, equal_power, resampled


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(bank_path())


def test_what_was_played_before_does_not_change_a_bit() -> None:
    score = band()
    fresh, used = Sampler(bank_path()), Sampler(bank_path())
    for track in reversed(score.tracks):
        used.render(track.instrument, notes((0, 9, 64, 120), (3, 1, 40, 20)), 61.0)
    for track in score.tracks:
        first = fresh.render(track.instrument, track.notes, score.bpm)
        assert np.array_equal(first, used.render(track.instrument, track.notes, score.bpm))
        assert first.dtype == np.float32


def test_a_small_memory_plays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    score, roomy = band(), Sampler(bank_path())
    whole = [roomy.render(track.instrument, track.notes, score.bpm) for track in score.tracks]
    monkeypatch.setattr("models.composer.synth._KEEP_BYTES", 1)
    poor = Sampler(bank_path())
    for track, audio in zip(score.tracks, whole, strict=True):
        assert np.array_equal(poor.render(track.instrument, track.notes, score.bpm), audio)


def test_notes_start_where_they_are_written(sampler: Sampler) -> None:
    audio = sampler.render("marimba", notes((2.0, 0.5, 60, 100)), 120.0)
    assert not audio[:, : RATE - 1].any()
    assert np.abs(audio[:, RATE : RATE + 480]).max() > 0.01


def test_a_held_tone_lasts_as_long_as_it_is_written_and_then_dies_away(sampler: Sampler) -> None:
    audio = sampler.render("flute", notes((0.0, 24.0, 72, 100)), 120.0)
    level = [float(np.std(audio[:, at * RATE : (at + 1) * RATE])) for at in range(12)]
    assert min(level[1:]) > 0.7 * max(level[1:])
    assert 12 * RATE < audio.shape[1] < 12.5 * RATE
    assert np.abs(audio[:, -20:]).max() < 1e-4


def test_a_closed_hat_silences_the_open_one(sampler: Sampler) -> None:
    alone = sampler.render("drums", notes((0, 0.25, 46, 110)), 120.0)
    choked = sampler.render("drums", notes((0, 0.25, 46, 110), (0.5, 0.25, 42, 1)), 120.0)
    late = slice(int(0.4 * RATE), int(0.6 * RATE))
    assert np.abs(choked[:, late]).max() < 0.05 * np.abs(alone[:, late]).max()


def test_drums_ring_out_however_short_they_are_written(sampler: Sampler) -> None:
    assert sampler.render("drums", notes((0, 0.01, 49, 110)), 120.0).shape[1] > 2 * RATE


def test_louder_playing_is_brighter(sampler: Sampler) -> None:
    def centroid(velocity: int) -> float:
        tone = sampler.render("trumpet", notes((0, 2, 65, velocity)), 120.0)[0, :RATE]
        spectrum = np.abs(np.fft.rfft(tone)) ** 2
        return float(np.sum(spectrum * np.fft.rfftfreq(RATE, 1 / RATE)) / np.sum(spectrum))

    assert centroid(120) > 1.25 * centroid(30)


def test_nothing_clicks_when_notes_end(sampler: Sampler) -> None:
    for name in ("violin", "organ", "piano", "synth bass"):
        key = (PRESETS[name].low + PRESETS[name].high) // 2
        audio = sampler.render(name, notes((0, 1.37, key, 110)), 120.0)[0]
        during, after = np.abs(np.diff(audio[12000:32000])).max(), np.abs(np.diff(audio[32000:])).max()
        assert after <= 1.2 * during, name


def test_a_track_without_notes_is_empty(sampler: Sampler) -> None:
    empty = Notes(np.zeros(0), np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int32))
    assert sampler.render("piano", empty, 120.0).shape[1] == 0


def test_an_unknown_instrument_is_named(sampler: Sampler) -> None:
    with pytest.raises(KeyError, match="kazoo"):
        sampler.render("kazoo", notes((0, 1, 60, 100)), 120.0)


@pytest.mark.parametrize("step", [0.37, 1.0, 1.9])
def test_a_longer_reading_of_a_loop_begins_like_a_shorter_one(step: float) -> None:
    source = np.random.default_rng(5).standard_normal(1201).astype(np.float32)
    short, long = resampled(source, (400, 1200), step, 900), resampled(source, (400, 1200), step, 9000)
    assert len(long) == 9000
    assert np.array_equal(long[:900], short)


def test_places_keep_their_power() -> None:
    for pan in np.linspace(-1, 1, 9):
        left, right = equal_power(float(pan))
        assert left**2 + right**2 == pytest.approx(2.0)
