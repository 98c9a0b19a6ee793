"""Fingerprints and digests of files: the same sound has the same, whatever holds it; what is no sound is told."""

import base64
import os
from pathlib import Path

import numpy as np
import pytest

from services.provenance.fingerprints.extract import (
    excerpt,
    fingerprint_file,
    fingerprint_or_none,
    fingerprint_pcm,
    hear,
    words_of,
)
from services.provenance.fingerprints.ffmpeg import FfmpegMissingError, UnreadableSoundError
from tests.unit.fingerprint_sounds import RATE, convert, music, pcm, write

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("songs") / "song.flac", music(1))


def test_the_words_come_eight_a_second_and_survive_storage(song: Path) -> None:
    found = fingerprint_file(song)
    assert found.duration_s == pytest.approx(15, abs=0.01)
    assert 95 <= found.words.size <= 105
    assert (words_of(found.blob) == found.words).all()


@pytest.mark.parametrize("how", [("x.wav", "-c:a", "pcm_s24le"), ("x.wav", "-c:a", "pcm_s32le"),
                                 ("x.wav", "-c:a", "pcm_f32le"), ("x.aiff", "-c:a", "pcm_s24be"),
                                 ("x.m4a", "-c:a", "alac"), ("x.mka", "-c:a", "flac")])  # fmt: skip
def test_a_container_that_keeps_every_bit_keeps_the_digest(song: Path, tmp_path: Path, how: tuple[str, ...]) -> None:
    name, *arguments = how
    assert hear(convert(song, tmp_path / name, *arguments)).pcm_sha256 == pcm(music(1)).sha256()


def test_another_level_is_another_digest(song: Path, tmp_path: Path) -> None:
    quieter = convert(song, tmp_path / "x.wav", "-af", "volume=-1dB", "-c:a", "pcm_s24le")
    assert hear(quieter).pcm_sha256 != pcm(music(1)).sha256()


def test_an_excerpt_is_that_part_of_the_waveform(song: Path) -> None:
    whole, part = hear(song).waveform, excerpt(song, 5, 2)
    assert abs(part.size - 12000) <= 1
    assert np.corrcoef(whole[30000:41900], part[:11900])[0, 1] > 0.999


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_finished_sound_is_heard_as_its_master_is(tmp_path: Path, rate: int) -> None:
    mono = music(3, 10.0, rate)
    master, made = fingerprint_file(write(tmp_path / "x.flac", mono, rate)), fingerprint_pcm(pcm(mono, rate))
    assert made is not None
    assert made.words.size == master.words.size
    assert np.bitwise_count(made.words ^ master.words).mean() < 0.01 * 32


def test_short_or_silent_sound_has_no_fingerprint_and_is_no_error(tmp_path: Path) -> None:
    short = write(tmp_path / "short.wav", music(1, 1.0))
    silent = write(tmp_path / "silent.wav", np.zeros(6 * RATE))
    for path, mono, seconds in ((short, music(1, 1.0), 1.0), (silent, np.zeros(6 * RATE), 6.0)):
        for found in (fingerprint_or_none(path, seconds), fingerprint_pcm(pcm(mono))):
            assert found is not None
            assert (found.blob, found.duration_s) == (b"", seconds)
    assert hear(short).fingerprint.words.size == 0


def test_a_master_that_cannot_be_read_has_no_fingerprint(tmp_path: Path) -> None:
    assert fingerprint_or_none(tmp_path / "missing.flac", 30.0) is None


def test_a_machine_without_ffmpeg_finishes_takes_all_the_same(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.provenance.fingerprints.ffmpeg.ffmpeg_path", no_ffmpeg)
    assert fingerprint_or_none(song, 15.0) is None
    assert fingerprint_pcm(pcm(music(1))) is None


def no_ffmpeg() -> str:
    raise FfmpegMissingError("no ffmpeg")


def hostile(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "x.wav"
    contents = {"empty": b"", "text": b"this is no sound\n" * 100, "picture": PNG,
                "random": np.random.default_rng(1).bytes(50_000)}  # fmt: skip
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop of links":
        path.symlink_to(path)
    return {"device": Path("/dev/zero"), "name with NUL": Path("a\0b")}.get(kind, path)


@pytest.mark.parametrize("kind", ["folder", "empty", "text", "random", "pipe", "device", "picture",
                                  "loop of links", "no file", "name with NUL"])  # fmt: skip
def test_what_is_no_sound_is_told_with_its_name(tmp_path: Path, kind: str) -> None:
    path = hostile(tmp_path, kind)
    with pytest.raises(UnreadableSoundError) as told:
        hear(path)
    assert str(path) in str(told.value)
    assert ";" in str(told.value)


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.mp3", "x.ogg", "x.m4a"])
def test_a_truncated_file_is_refused_unless_damage_is_allowed(song: Path, tmp_path: Path, name: str) -> None:
    whole = convert(song, tmp_path / name, *(("-movflags", "+faststart") if name == "x.m4a" else ()))
    data = whole.read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[: int(len(data) * 0.6)])
    with pytest.raises(UnreadableSoundError, match=r"damage|truncated"):
        hear(cut)
    assert hear(cut, damaged=True).fingerprint.words.size > 20


@pytest.mark.parametrize("name", ["x.mp3", "x.flac"])
def test_what_taggers_leave_at_the_end_is_no_damage_to_stop_at(song: Path, tmp_path: Path, name: str) -> None:
    whole = convert(song, tmp_path / name)
    words = hear(whole).fingerprint.words
    whole.write_bytes(whole.read_bytes() + bytes(3000) + b"LYRICSBEGIN" * 300)
    assert (hear(whole).fingerprint.words == words).all()


def test_tags_that_look_like_a_log_fool_nobody(song: Path, tmp_path: Path) -> None:
    lie = "Duration: 09:00:00.00\n  Duration: 09:00:00.00\n[x @ 0x1] Packet corrupt\nInput #0, x, from 'fd:'"
    tagged = convert(song, tmp_path / "x.flac", "-metadata", f"title={lie}", "-metadata", "artist=Stream #0:0: Audio")
    heard = hear(tagged)
    assert (heard.decoded.damage, heard.decoded.codec, heard.decoded.container) == (None, "flac", "flac")


def test_a_playlist_reaches_no_other_file(song: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    lines = "#EXTM3U\n#EXT-X-TARGETDURATION:15\n#EXTINF:15,\n{}\n#EXT-X-ENDLIST\n"
    playlist.write_text(lines.format(song.resolve()))
    with pytest.raises(UnreadableSoundError):
        hear(playlist)
    concat = tmp_path / "list.ffconcat"
    concat.write_text(f"ffconcat version 1.0\nfile '{song.resolve()}'\n")
    with pytest.raises(UnreadableSoundError):
        hear(concat)


@pytest.mark.parametrize("name", ["-i.flac", "http:x.flac", "concat:a|b.flac", "%d.flac", "ü 'x\".flac", "x.txt"])
def test_a_name_is_only_a_name(song: Path, tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    odd.write_bytes(song.read_bytes())
    assert (fingerprint_file(odd).words == fingerprint_file(song).words).all()
