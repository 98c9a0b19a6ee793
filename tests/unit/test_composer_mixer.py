"""The mix adds up, loops without a seam, ends in silence, and stays where mastering wants it."""

from dataclasses import replace

import numpy as np
import pytest
from composer_sounds import band, bank_path, seconds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.composer.effects import NOISES, pump_gain, saturation, texture
from models.composer.mixer import Mix, add_reverb, folded, mix
from models.composer.rooms import ROOMS, impulse_response
from models.composer.score import Desk, Score, Track
from models.composer.synth import RATE, Sampler

BUSY = Desk("plate", 0.75, 0.4, pump=4.0, drive=4.0, tilt=-0.4, noise="vinyl")


def mixed(score: Score, duration: float | None = None) -> Mix:
    sampler = Sampler(bank_path())

    def play(track: Track) -> NDArray[np.float32]:
        return sampler.render(track.instrument, track.notes, score.bpm, score.desk.tilt)

    return mix(score, play, round((duration or seconds(score)) * RATE))


def in_studio(desk: Desk, **kwargs) -> Score:
    """The band with every effect in use, its strings and violin sent to the echo."""
    score = band(**kwargs)
    tracks = tuple(replace(track, echo=0.3 if track.stem in ("harmony", "melody") else 0.0) for track in score.tracks)
    return replace(score, desk=desk, tracks=tracks)


def clicks(desk: Desk, loop: bool = False) -> NDArray[np.float32]:
    """What the desk makes of one click after a quarter in 8 s of 120 BPM, all of it sent to the echo."""
    score = replace(band(loop=loop), desk=desk)
    track = replace(score.tracks[1], reverb=0.0, echo=1.0, pan=0.0)
    dry = np.zeros((1, 8 * RATE), np.float32)
    dry[0, RATE // 2 : RATE // 2 + 40] = np.hanning(40) * 0.5
    return mix(replace(score, tracks=(track,)), lambda _: dry.copy(), 8 * RATE).premaster


@pytest.fixture(scope="module")
def loop() -> Mix:
    return mixed(band())


def sums(found: Mix) -> float:
    total = np.sum([stem.astype(np.float64) for stem in found.stems.values()], axis=0)
    return float(np.max(np.abs(total - found.premaster)))


def test_stems_sum_to_the_premaster(loop: Mix) -> None:
    assert list(loop.stems) == ["harmony", "melody", "bass", "drums"]
    assert sums(loop) < 1e-5


@pytest.mark.parametrize("goes_round", [True, False])
def test_stems_sum_to_the_premaster_with_every_effect_in_use(goes_round: bool) -> None:
    found = mixed(in_studio(BUSY, loop=goes_round, bpm=117.0))
    assert list(found.stems) == ["harmony", "melody", "bass", "drums", "texture"]
    assert sums(found) < 1e-5


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


def test_an_unknown_space_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'bathtub'.*hall"):
        mixed(replace(band(), desk=Desk("bathtub")))


def test_an_unknown_noise_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'rain'.*vinyl"):
        mixed(replace(band(), desk=Desk(noise="rain")))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 260))
def test_folding_adds_every_frame_to_its_place_in_the_loop(frames: int, length: int) -> None:
    audio = np.arange(1.0, length + 1, dtype=np.float32)[None]
    expected = np.zeros(frames)
    for n in range(length):
        expected[n % frames] += n + 1
    result = folded(audio.copy(), frames)
    assert np.allclose(result[0], expected[: result.shape[1]])


def wet(send: NDArray[np.float32], space: str, frames: int, loop: bool) -> NDArray[np.float32]:
    stem = np.zeros((2, frames), np.float32)
    add_reverb(send, space, stem, loop)
    return stem


@pytest.mark.parametrize("space", ROOMS)
def test_spaces_are_stereo_without_dc_and_die_away(space: str) -> None:
    response = impulse_response(space).astype(np.float64)
    energy = np.sum(response**2, axis=1)
    assert energy == pytest.approx([1.0, 1.0], rel=1e-3)
    assert abs(np.corrcoef(response)[0, 1]) < 0.25
    assert np.abs(response.sum(axis=1)).max() < 0.05
    third = response.shape[1] // 3
    assert np.sum(response[:, :third] ** 2) > 20 * np.sum(response[:, 2 * third :] ** 2)


@pytest.mark.parametrize("space", ROOMS)
def test_spaces_keep_their_body_in_mono_and_do_not_ring(space: str) -> None:
    response = impulse_response(space).astype(np.float64)
    both = np.sum(response.mean(axis=0) ** 2) / np.mean(np.sum(response**2, axis=1))
    assert 10 * np.log10(both) > -3.2
    late = response[0, int(0.4 * response.shape[1]) : int(0.7 * response.shape[1])]
    power = np.abs(np.fft.rfft(late)) ** 2
    freqs = np.fft.rfftfreq(len(late), 1 / RATE)
    heard = power[(freqs > 300) & (freqs < 3000)]
    assert 10 * np.log10(heard.max() / np.median(heard)) < 24  # of noise: some 12 dB; a ringing mode: 40


def test_reverb_is_the_convolution_with_the_space() -> None:
    rng = np.random.default_rng(3)
    send = np.zeros(400_000, np.float32)
    at = np.sort(rng.integers(0, len(send), 5))
    send[at] = rng.standard_normal(5).astype(np.float32)
    response = impulse_response("room")
    expected: NDArray[np.float64] = np.zeros((2, len(send) + response.shape[1] - 1))
    for start in at:
        expected[:, start : start + response.shape[1]] += send[start] * response
    assert np.allclose(wet(send, "room", len(send), False), expected[:, : len(send)], atol=1e-6)
    round_ = expected[:, : len(send)].copy()
    round_[:, : response.shape[1] - 1] += expected[:, len(send) :]
    assert np.allclose(wet(send, "room", len(send), True), round_, atol=1e-6)


def test_a_tail_longer_than_its_loop_goes_round_more_than_once() -> None:
    send = np.zeros(20_000, np.float32)
    send[5] = 1.0
    response = np.zeros((2, 5 * 20_000))
    response[:, 5 : 5 + impulse_response("hall").shape[1]] = impulse_response("hall")
    assert np.allclose(wet(send, "hall", 20_000, True), response.reshape(2, 5, 20_000).sum(axis=1), atol=1e-6)


def test_echoes_fall_on_the_beat_left_and_right_in_turn_and_fade() -> None:
    audio = clicks(Desk(echo_beats=0.75, echo_feedback=0.5)).astype(np.float64)
    beat, levels = RATE // 2, []
    for turn in range(1, 5):
        at = beat + round(turn * 0.75 * beat)
        near = np.sum(audio[:, at - 480 : at + 1440] ** 2, axis=1)
        side = (turn - 1) % 2
        assert near[side] > 20 * near[1 - side]  # the rest: the space the echo stands in
        peak = at - 480 + int(np.abs(audio[side, at - 480 : at + 1440]).argmax())
        assert abs(peak - at - 20) < 240  # 5 ms: the echo's filter delays a little
        levels.append(float(near[side]))
    assert all(4 * later <= 1.6 * earlier for earlier, later in zip(levels, levels[1:], strict=False))
    between = beat + round(0.375 * beat)
    assert np.abs(audio[:, between : between + 2400]).max() < 0.02 * np.abs(audio).max()


def test_echoes_of_a_loop_go_round() -> None:
    desk = Desk(echo_beats=3.9, echo_feedback=0.6)
    once, round_ = clicks(desk), clicks(desk, loop=True)
    first = RATE // 2 + round(3.9 * 4 * RATE / 2) - 8 * RATE
    assert np.abs(once[:, first : first + 960]).max() < 0.002
    assert np.abs(round_[:, first : first + 960]).max() > 0.005


def test_a_kick_ducks_all_layers_but_the_drums() -> None:
    plain = mixed(replace(band(), desk=Desk()))
    pumped = mixed(replace(band(), desk=Desk(pump=9.0)))
    kick = slice(2 * RATE + 480, 2 * RATE + 2400)
    late = slice(3 * RATE - 2400, 3 * RATE - 480)

    def ratio(name: str, place: slice) -> float:
        return 20 * np.log10(np.std(pumped.stems[name][:, place]) / np.std(plain.stems[name][:, place]))

    lift = ratio("drums", kick)  # what the compressor gives back
    assert ratio("harmony", kick) - lift < -5
    assert abs(ratio("harmony", late) - ratio("drums", late)) < 1
    assert sums(pumped) < 1e-5


def test_the_pump_of_a_loop_looks_round_its_end() -> None:
    kicks = [(0, 110), (RATE, 110)]
    gain = pump_gain(kicks, 6.0, 256, 2 * RATE // 256, True)
    assert gain[0] == pytest.approx(-6.0)
    assert gain[-1] < -0.2
    assert gain.max() <= 0.0
    assert pump_gain(kicks, 6.0, 256, 2 * RATE // 256, False)[-1] == pytest.approx(0.0, abs=0.05)
    assert np.abs(np.diff(np.append(gain, gain[0]))).max() <= 6.0


def test_drive_tames_peaks_and_leaves_what_is_quiet() -> None:
    loud = np.array([[0.001, 0.9], [-0.001, -0.9]], np.float32)
    gain = saturation(loud, 6.0)
    assert gain[:, 0] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert gain[:, 1] == pytest.approx([gain[0, 1]] * 2)
    assert gain[0, 1] < 0.7
    plain, driven = (mixed(replace(band(), desk=Desk(drive=drive))).premaster for drive in (0.0, 9.0))
    crest = [20 * np.log10(np.abs(audio).max() / np.std(audio)) for audio in (plain, driven)]
    assert crest[1] < crest[0] - 0.5


def test_a_tilt_darkens_every_octave_alike() -> None:
    def slope(tilt: float) -> float:
        audio = mixed(replace(band(), desk=Desk(tilt=tilt))).premaster
        power = np.abs(np.fft.rfft(audio, axis=1)).sum(axis=0) ** 2
        freqs = np.fft.rfftfreq(audio.shape[1], 1 / RATE)
        low, high = (power[(freqs > f) & (freqs < 2 * f)].sum() for f in (180.0, 2880.0))
        return float(10 * np.log10(high / low))

    assert slope(-1.0) - slope(0.0) == pytest.approx(-4.0, abs=1.2)


@pytest.mark.parametrize("kind", NOISES)
def test_noises_have_their_level_no_dc_and_no_seam(kind: str) -> None:
    frames = 7 * RATE + 123
    noise = texture(kind, frames, True)
    assert noise.shape == (2, frames)
    assert np.array_equal(noise, texture(kind, frames, True))
    level = 20 * np.log10(np.std(noise))
    assert -62 < level < -46
    assert np.abs(noise.mean(axis=1)).max() < 1e-5
    steps = np.abs(np.diff(noise, axis=1))
    assert np.all(np.abs(noise[:, 0] - noise[:, -1]) <= np.quantile(steps, 0.9999, axis=1))
    around = np.concatenate([noise[:, -RATE:], noise[:, :RATE]], axis=1)
    levels = [np.std(part) for part in np.split(around, 8, axis=1)]
    assert max(levels) < 3 * min(levels)


@pytest.mark.parametrize("desk", [Desk(), BUSY])
def test_nobody_hears_where_a_loop_begins(desk: Desk) -> None:
    """Spectral flux over the seam against what happens within the piece at every bar line."""
    audio = mixed(in_studio(desk, bpm=117.0)).premaster.astype(np.float64)
    frames = audio.shape[1]
    window, hop = np.hanning(2048), 512
    ring = np.concatenate([audio, audio[:, :8192]], axis=1).mean(axis=0)
    spectra = np.abs(np.stack([np.fft.rfft(ring[at : at + 2048] * window) for at in range(0, frames + 2048, hop)]))
    flux = np.sqrt((np.maximum(np.diff(spectra, axis=0), 0) ** 2).sum(axis=1))
    over_seam = flux[(frames - 2048) // hop : frames // hop + 1].max()
    assert over_seam <= flux[: (frames - 2048) // hop].max()
    steps = np.abs(np.diff(audio, axis=1))
    assert np.all(np.abs(audio[:, 0] - audio[:, -1]) <= np.quantile(steps, 0.99, axis=1))


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from(tuple(ROOMS)),
    st.floats(0.1, 4.0),
    st.floats(0.0, 0.8),
    st.floats(0.0, 9.0),
    st.floats(0.0, 9.0),
    st.sampled_from(("", *NOISES)),
    st.booleans(),
    st.floats(90.0, 190.0),
)
def test_any_desk_gives_stems_that_sum(
    space: str, beats: float, feedback: float, pump: float, drive: float, noise: str, goes_round: bool, bpm: float
) -> None:
    desk = Desk(space, beats, feedback, pump, drive, 0.0, noise)
    found = mixed(in_studio(desk, bars=2, loop=goes_round, bpm=bpm))
    assert np.isfinite(found.premaster).all()
    assert sums(found) < 1e-5
    assert np.abs(found.premaster.mean(axis=1)).max() < 1e-3
