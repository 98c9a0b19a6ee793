"""The sampler plays what is written: level, length, chokes, tails, and always the same bits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from composer_sounds import band, bank_path, notes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.bank import PRESETS
from models.composer.bank.sf2 import Gen, Program, Sample, Zone, soundfont
from models.composer.score import Notes
from models.composer.strips import FAMILIES, response, sections, strip_of
from models.composer.synth import RATE, Sampler, equal_power, filtered, oversampled, resampled, turns_of


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(bank_path())


@pytest.mark.parametrize("tilt", [None, 0.0, -1.0])
def test_what_was_played_before_does_not_change_a_bit(tilt: float | None) -> None:
    score = band()
    fresh, used = Sampler(bank_path()), Sampler(bank_path())
    for track in reversed(score.tracks):
        for other in (0.5, None, tilt):
            used.render(track.instrument, notes((0, 9, 64, 120), (3, 1, 40, 20)), 61.0, other)
    for track in score.tracks:
        first = fresh.render(track.instrument, track.notes, score.bpm, tilt)
        assert np.array_equal(first, used.render(track.instrument, track.notes, score.bpm, tilt))
        assert first.dtype == np.float32


def test_a_small_memory_plays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    score, roomy = band(), Sampler(bank_path())
    whole = [roomy.render(track.instrument, track.notes, score.bpm, 0.3) for track in score.tracks]
    monkeypatch.setattr("models.composer.synth._KEEP_BYTES", 1)
    monkeypatch.setattr("models.composer.synth._KEEP_DOUBLE_BYTES", 1)
    poor = Sampler(bank_path())
    for track, audio in zip(score.tracks, whole, strict=True):
        assert np.array_equal(poor.render(track.instrument, track.notes, score.bpm, 0.3), audio)


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
    short, long = resampled(source, (400, 1200), step, 900), resampled(source, (400, 1200), step, 49000)
    assert len(long) == 49000
    assert np.array_equal(long[:900], short)


@pytest.mark.parametrize("step", [0.37, 1.0, 1.2599, 1.9])
def test_a_sample_is_read_at_its_step_to_a_tenth_of_a_cent(step: float) -> None:
    source = np.arange(200_000, dtype=np.float32)
    found = resampled(source, None, step, 60_000)
    assert len(found) == 60_000
    assert np.array_equal(found, np.sort(found))
    assert 1200 * abs(np.log2(found[-1] / (59_999 * step))) < 0.1
    assert np.abs(np.diff(found) - step).max() < 0.02  # float32 at 100,000


def test_a_sample_is_read_to_its_end_and_no_further() -> None:
    source = np.ones(1000, np.float32)
    for step in (0.31, 0.5, 1.0, 3.3):
        found = resampled(source, None, step, 10**6)
        assert np.array_equal(found, np.ones(len(found), np.float32))
        assert abs(len(found) - 999 / step) < 3


def test_a_filtered_loop_goes_on_where_it_began() -> None:
    tone = np.sin(2 * np.pi * np.arange(9600) / 96).astype(np.float32) + np.float32(0.2)
    filters = sections(FAMILIES["ensemble"], -0.5, RATE)
    looped = filtered(tone, (4800, 9600), filters)
    steps = np.abs(np.diff(looped[4800:]))
    assert abs(looped[9599] - looped[4800]) <= 1.05 * steps.max()
    assert abs(float(looped[4800:].mean())) < 1e-3


def test_repeated_notes_take_the_alternates_in_turn() -> None:
    assert turns_of([36, 36, 42, 36, 42, 36], 3, True) == [0, 1, 0, 2, 1, 0]
    assert turns_of([60, 60, 62, 60, 62], 2, False) == [0, 1, 0, 0, 1]
    assert turns_of([60, 62, 64, 65], 3, False) == [0, 1, 2, 0]
    assert turns_of([60, 64, 60, 64, 60], 1, False) == [0] * 5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(60, 64), max_size=40), st.integers(2, 4), st.booleans())
def test_no_key_has_the_same_alternate_twice_running(keys: list[int], alternates: int, is_drum: bool) -> None:
    before: dict[int, int] = {}
    for key, turn in zip(keys, turns_of(keys, alternates, is_drum), strict=True):
        assert 0 <= turn < alternates
        assert before.get(key) != turn
        before[key] = turn


def alternating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: int, said: int = 2) -> Sampler:
    """A bank whose piano is a low tone, and a high one in its alternate where `there` is 2."""
    t = np.arange(RATE)
    samples = [
        Sample(
            f"tone {n}", (9000 * np.sin(2 * np.pi * hertz * t / RATE) * np.exp(-t / 9000)).astype(np.int16), RATE, 60
        )
        for n, hertz in enumerate((262, 1048))
    ]
    zone = {Gen.PAN: 0, Gen.INITIAL_ATTENUATION: 0, Gen.ATTACK_VOL_ENV: -12000, Gen.RELEASE_VOL_ENV: -3000}
    programs = [Program(f"piano {n}", 10 * n, 0, (Zone(n, generators=zone),)) for n in range(there)]
    path = tmp_path / f"two-{there}.sf2"
    path.write_bytes(soundfont("two", programs, samples[:there]))
    monkeypatch.setitem(PRESETS, "piano", replace(PRESETS["piano"], bank=0, program=0, alternates=said))
    return Sampler(path)


def pitches(sampler: Sampler) -> list[float]:
    """What is heard of four repeated notes, Hz."""
    audio = sampler.render("piano", notes(*((beat, 0.5, 60, 100) for beat in range(4))), 60.0)[0]
    return [float(np.abs(np.fft.rfft(audio[at : at + 12000])).argmax()) * 4 for at in range(0, 4 * RATE, RATE)]


def test_an_alternate_is_heard_every_other_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pitches(alternating(tmp_path, monkeypatch, 2)) == pytest.approx([262, 1048] * 2, abs=4)


def test_an_alternate_that_the_bank_lacks_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pitches(alternating(tmp_path, monkeypatch, 1, said=3)) == pytest.approx([262] * 4, abs=4)


def test_strips_keep_the_lows_for_those_who_own_them() -> None:
    def at(instrument: str, key: int, hertz: float) -> float:
        filters = sections(strip_of(instrument, key), 0.0, RATE)
        return 20 * np.log10(abs(complex(response(filters, np.array([hertz]), RATE)[0])))

    assert at("drums", 36, 50.0) > -3
    assert at("bass", 40, 45.0) > -3
    assert at("violin", 70, 50.0) < -10
    assert at("drums", 42, 60.0) < -15
    assert at("strings", 60, 12000.0) > 2


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000])
@pytest.mark.parametrize("tilt", [-2.0, 0.0, 1.0])
def test_strips_are_stable_at_every_rate(rate: int, tilt: float) -> None:
    for name in PRESETS:
        poles = sections(strip_of(name, 42), tilt, rate)[:, 3:]
        assert all(np.abs(np.roots(row)).max() < 1 for row in poles), name


def test_places_keep_their_power() -> None:
    for pan in np.linspace(-1, 1, 9):
        left, right = equal_power(float(pan))
        assert left**2 + right**2 == pytest.approx(2.0)


def test_a_sample_at_twice_its_rate_has_the_same_tone_and_no_image() -> None:
    t = np.arange(48000)
    for hertz in (440.0, 9000.0, 18000.0):
        tone = np.sin(2 * np.pi * hertz * t / RATE).astype(np.float32)
        double = oversampled(tone, None)
        expected = np.sin(2 * np.pi * hertz * np.arange(len(double)) / (2 * RATE))
        assert len(double) == 2 * len(tone) + 1
        assert np.abs(double - expected)[100:-100].max() < 0.003


def test_a_looped_sample_at_twice_its_rate_leads_back_to_its_start() -> None:
    tone = np.sin(2 * np.pi * np.arange(4800) / 96).astype(np.float32)
    double = oversampled(tone, (2400, 4800))
    assert len(double) == 9601
    assert double[9600] == double[4800]
    assert np.abs(double[4800:9600] - np.sin(2 * np.pi * np.arange(4800, 9600) / 192)).max() < 0.003
