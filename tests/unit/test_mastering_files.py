"""Files decode to the PCM whose digest is recorded; lossy ones play; impossible ones are refused by name."""

import hashlib
import io
import subprocess
import sys
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from mastering_signals import delivery, music, rendition
from PIL import Image

from services.mastering.encode import LOSSLESS, MEDIA_TYPES, check_format, decoded_pcm_sha256, encode, master_format
from services.mastering.errors import MasteringError
from services.mastering.finish import finish
from services.mastering.pcm import FULL_SCALE, Pcm
from services.mastering.picture import picture
from services.mastering.profile import profile

pcms = st.builds(
    lambda seed, frames, channels, rate: Pcm(
        rate, np.random.default_rng(seed).integers(-FULL_SCALE, FULL_SCALE, (frames, channels)).astype(np.int32)
    ),
    st.integers(0, 1000),
    st.integers(1, 3000),
    st.integers(1, 2),
    st.sampled_from([8000, 44100, 48000, 192_000]),
)


def some_pcm(seconds=1.0, rate=48000):
    audio = np.sum(list(music(seconds, rate).values()), axis=0)
    return Pcm(rate, np.ascontiguousarray(np.rint(audio * FULL_SCALE * 0.5).astype(np.int32).T))


def encoded(pcm, name):
    file = io.BytesIO()
    encode(pcm, name, file)
    file.seek(0)
    return file


@settings(max_examples=30, deadline=None)
@given(pcms, st.sampled_from(LOSSLESS))
def test_lossless_files_hold_exactly_the_pcm(pcm, name):
    file = encoded(pcm, name)
    samples, rate = soundfile.read(file, dtype="int32", always_2d=True)
    assert rate == pcm.sample_rate
    np.testing.assert_array_equal(samples >> 8, pcm.samples)
    file.seek(0)
    assert decoded_pcm_sha256(file) == pcm.sha256()


@settings(max_examples=20, deadline=None)
@given(pcms)
def test_the_digest_is_that_of_a_wav_files_data(pcm):
    with wave.open(encoded(pcm, "wav")) as sound:  # a reader that knows plain PCM only
        assert sound.getparams()[:4] == (pcm.channels, 3, pcm.sample_rate, pcm.frames)
        assert hashlib.sha256(sound.readframes(pcm.frames)).hexdigest() == pcm.sha256()


def test_the_digest_is_of_three_little_endian_bytes_a_sample():
    pcm = Pcm(48000, np.array([[1, -1], [0x123456, -FULL_SCALE]], np.int32))
    assert pcm.sha256() == hashlib.sha256(bytes.fromhex("010000ffffff563412000080")).hexdigest()


def test_float_samples_are_exact():
    pcm = Pcm(48000, np.array([[FULL_SCALE - 1, -FULL_SCALE], [1, -1]], np.int32))
    np.testing.assert_array_equal((pcm.as_float() * FULL_SCALE).T, pcm.samples)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_bytes_are_deterministic(name):
    assert encoded(some_pcm(), name).getvalue() == encoded(some_pcm(), name).getvalue()


@pytest.mark.parametrize(
    ("name", "rate"), [("ogg", 48000), ("ogg", 8000), ("ogg", 192_000), ("mp3", 44100), ("mp3", 8000)]
)
def test_lossy_files_play_for_the_same_time(name, rate):
    pcm = some_pcm(1.5, rate)
    samples, played_rate = soundfile.read(encoded(pcm, name), dtype="float32")
    assert played_rate == rate
    assert len(samples) / rate == pytest.approx(1.5, abs=0.06)
    assert np.sqrt(np.square(samples).mean()) == pytest.approx(np.sqrt(np.square(pcm.as_float()).mean()), rel=0.1)


def test_a_path_is_written_once(tmp_path):
    path = tmp_path / "take.flac"
    assert encode(some_pcm(), "flac", path).media_type == "audio/flac"
    assert decoded_pcm_sha256(path) == some_pcm().sha256()
    with pytest.raises(FileExistsError):
        encode(some_pcm(), "flac", path)


@pytest.mark.parametrize(
    ("name", "rate", "message"),
    [
        ("mp3", 96000, "mp3 cannot hold 96000 Hz, only 8000, 11025"),
        ("mp3", 44000, "mp3 cannot hold 44000 Hz"),
        ("ogg", 4000, "ogg cannot hold 4000 Hz, only 8000 to"),
        ("aiff", 48000, "unknown format 'aiff'; known are wav, flac, ogg, mp3"),
    ],
)
def test_impossible_formats_are_refused(name, rate, message):
    with pytest.raises(MasteringError, match=message):
        check_format(name, rate)


def test_a_wav_over_four_gigabytes_is_refused():
    endless = Pcm(48000, np.broadcast_to(np.int32(0), (750_000_000, 2)))
    with pytest.raises(MasteringError, match="do not fit into a WAV"):
        encode(endless, "wav", io.BytesIO())


def test_a_file_that_is_no_master_has_no_digest(tmp_path):
    lossy, broken = tmp_path / "a.ogg", tmp_path / "b.flac"
    encode(some_pcm(), "ogg", lossy)
    broken.write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(MasteringError, match=r"a\.ogg holds OGG VORBIS"):
        decoded_pcm_sha256(lossy)
    with pytest.raises(MasteringError, match=r"b\.flac: cannot be decoded"):
        decoded_pcm_sha256(broken)


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.99])
def test_a_truncated_master_never_passes(tmp_path, keep):
    whole = encoded(some_pcm(), "flac").getvalue()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: int(len(whole) * keep)])
    try:
        assert decoded_pcm_sha256(path) != some_pcm().sha256()
    except MasteringError as error:
        assert "cannot be decoded" in str(error)


@pytest.mark.parametrize(
    ("formats", "master"),
    [(("ogg", "wav", "flac"), "wav"), (("ogg", "mp3"), "flac"), (("flac",), "flac"), ((), "flac")],
)
def test_the_master_is_the_first_lossless_format(formats, master):
    assert master_format(delivery(formats=formats)) == master


def test_finish_offers_every_file_once_and_in_order(tmp_path):
    finished = finish(rendition(music(1), midi=b"MThd-bytes"), delivery(formats=("ogg", "wav")), marks=[(0.0, "A")])
    rows = []
    for number, file in enumerate(finished.files):
        path = tmp_path / f"{number}.{file.extension}"
        with path.open("xb") as opened:
            file.write(opened)
        rows.append((file.role, file.media_type))
        if file.pcm_sha256:
            assert decoded_pcm_sha256(path) == file.pcm_sha256
        assert (file.duration_s is None) == (file.role == "picture")
    assert rows == [
        ("mix", "audio/wav"),
        ("mix", "audio/ogg"),
        ("stem:drums", "audio/wav"),
        ("stem:keys", "audio/wav"),
        ("midi", "audio/midi"),
        ("picture", "image/png"),
    ]
    assert decoded_pcm_sha256(tmp_path / "0.wav") == finished.pcm_sha256
    assert soundfile.info(tmp_path / "1.ogg").frames == finished.measurements.frames
    assert (tmp_path / "4.mid").read_bytes() == b"MThd-bytes"


def test_finished_files_may_be_written_after_the_next_was_asked_for():
    written = []
    for file in list(finish(rendition(music(0.5)), delivery(formats=("flac",))).files)[:3]:
        buffer = io.BytesIO()
        file.write(buffer)
        buffer.seek(0)
        written.append(decoded_pcm_sha256(buffer) == file.pcm_sha256)
    assert written == [True, True, True]


def test_finish_refuses_an_impossible_format_before_any_work():
    with pytest.raises(MasteringError, match="mp3 cannot hold 96000"):
        finish(rendition(music(0.5)), delivery(rate=96000, formats=("flac", "mp3")))


@pytest.mark.parametrize(("seconds", "rate"), [(3.0, 48000), (0.001, 44100), (1.0, 8000), (0.5, 192_000)])
def test_a_picture_is_a_deterministic_png(seconds, rate, recwarn):
    pcm = some_pcm(seconds, rate)
    marks = [(0.0, "intro"), (seconds / 2, "<b>A</b> \u266f"), (seconds * 9, "outside"), (-1.0, "before")]
    png = picture(pcm, marks)
    assert png == picture(pcm, marks)
    assert png != picture(pcm)
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.size) == ("PNG", (960, 360))
    assert not [warning for warning in recwarn if "mel" in str(warning.message)]


def test_a_picture_shows_where_sound_is_and_how_high():
    time = np.arange(96000) / 48000
    tone = 0.5 * np.sin(2 * np.pi * np.where(time < 1, 200, 4000) * time) * (time > 0.5)
    pixels = np.asarray(
        Image.open(io.BytesIO(picture(Pcm(48000, np.rint(np.stack([tone, tone], 1) * 2**23).astype(np.int32)))))
    )
    spectrogram = pixels[150:335, 14:946].sum(axis=2)
    silent, low, high = spectrogram[:, 50], spectrogram[:, 350], spectrogram[:, 700]
    assert silent.max() < 60
    assert low.max() > 300
    assert low.argmax() > high.argmax() + 40


def test_the_profile_is_plain_json_and_names_what_bits_depend_on():
    facts = profile()
    assert facts["mastering_revision"] >= 1
    assert {"numpy", "scipy", "torch", "torchaudio", "libsndfile"} <= set(facts["libraries"])
    assert facts == profile()


def test_media_types_are_those_players_know():
    assert MEDIA_TYPES == {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "mp3": "audio/mpeg"}


def test_importing_the_chain_loads_nothing_heavy():
    code = (
        "import sys, services.mastering.finish, services.mastering.profile\n"
        "print([m for m in ('torch', 'torchaudio', 'scipy', 'soundfile', 'pyloudnorm', 'PIL') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
