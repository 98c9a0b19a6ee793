"""Plain tags: every container shows them to a reader that is not ours, and not one sample changes."""

import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.provenance.credentials import Aigc, Claim, CredentialsError, tag_file
from services.provenance.credentials.claim import tags_of
from services.provenance.credentials.formats import container_of
from services.provenance.credentials.ogg import checksum
from services.provenance.credentials.splice import Spliced, Stretch
from tests.unit.credentials_samples import CLAIM, KINDS, SOUNDS, TRAINED, sample, samples_of

AIGC = Aigc("Studio", "P-1", content_propagator="Shop", propagate_id="S-2")


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here has to survive a power cut."""
    monkeypatch.setattr("os.fsync", lambda _handle: None)


def shown(path: Path) -> dict[str, str]:
    """The tags as ffmpeg reads them, names in capitals; Ogg's belong to the stream."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    of = "0:s:0" if path.suffix in (".ogg", ".opus") else "0"
    command = [ffmpeg, "-v", "error", "-i", str(path), "-map_metadata", of, "-f", "ffmetadata", "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    lines = [line.replace("\\", "") for line in text.splitlines() if "=" in line]
    return {name.upper(): value for name, value in (line.split("=", 1) for line in lines)}


@pytest.mark.parametrize("kind", SOUNDS)
def test_another_reader_finds_the_tags(tmp_path: Path, kind: str) -> None:
    signed = tag_file(sample(tmp_path, kind), tmp_path / f"out.{kind}", TRAINED, AIGC)
    tags = shown(signed.path)
    assert tags["TITLE"] == CLAIM.title
    assert tags["ARTIST"] == CLAIM.producer
    assert tags["LICENSE"] == "Apache-2.0"
    assert tags["ISRC" if kind in ("flac", "ogg", "opus") else "TSRC"] == "QMABC2600001"
    assert CLAIM.take_id in tags["COMMENT"]
    assert "AI-generated" in tags["AI_DISCLOSURE"] and "facebook/musicgen-small" in tags["AI_DISCLOSURE"]
    assert json.loads(tags["AIGC"]) == {
        "Label": "1", "ContentProducer": "Studio", "ProduceID": "P-1", "ReservedCode1": "",
        "ContentPropagator": "Shop", "PropagateID": "S-2", "ReservedCode2": "",
    }  # fmt: skip


@pytest.mark.parametrize("kind", SOUNDS)
def test_not_one_sample_changes(tmp_path: Path, kind: str) -> None:
    source = sample(tmp_path, kind)
    before = source.read_bytes()
    signed = tag_file(source, tmp_path / f"out.{kind}", CLAIM)
    assert np.array_equal(samples_of(signed.path), samples_of(source))
    assert source.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    source = sample(tmp_path, kind)
    first, second = (tag_file(source, tmp_path / f"{n}.{kind}", CLAIM, AIGC) for n in (1, 2))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.sha256, first.bytes) == (second.sha256, second.path.stat().st_size)


@pytest.mark.parametrize("kind", SOUNDS)
def test_tagging_again_replaces_the_tags(tmp_path: Path, kind: str) -> None:
    source = sample(tmp_path, kind)
    once = tag_file(source, tmp_path / f"once.{kind}", CLAIM).path
    renamed = tag_file(once, tmp_path / f"renamed.{kind}", replace(CLAIM, title="Other")).path
    back = tag_file(renamed, tmp_path / f"back.{kind}", CLAIM).path
    assert back.read_bytes() == once.read_bytes()


def test_without_an_isrc_and_a_block_none_is_written(tmp_path: Path) -> None:
    tags = shown(tag_file(sample(tmp_path, "flac"), tmp_path / "out.flac", replace(CLAIM, isrc=None)).path)
    assert "ISRC" not in tags and "AIGC" not in tags


def test_a_midi_file_stays_byte_for_byte(tmp_path: Path) -> None:
    source = sample(tmp_path, "mid")
    assert tag_file(source, tmp_path / "out.mid", CLAIM).path.read_bytes() == source.read_bytes()


def test_a_picture_keeps_its_pixels_and_shows_its_title(tmp_path: Path) -> None:
    from PIL import Image

    source = sample(tmp_path, "png")
    with Image.open(source) as before, Image.open(tag_file(source, tmp_path / "o.png", CLAIM).path) as after:
        assert after.tobytes() == before.tobytes()
        assert after.text["Title"] == CLAIM.title  # type: ignore[attr-defined]


def test_loop_points_and_other_chunks_of_a_wav_stay(tmp_path: Path) -> None:
    source = sample(tmp_path, "wav")
    loop = b"smpl" + struct.pack("<I", 60) + bytes(range(60))
    body = source.read_bytes()[8:] + loop
    source.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    out = tag_file(source, tmp_path / "out.wav", CLAIM).path.read_bytes()
    assert loop in out
    assert out[12:].startswith(source.read_bytes()[12:])
    assert struct.unpack("<I", out[4:8])[0] == len(out) - 8


def test_an_odd_last_chunk_without_padding_is_padded(tmp_path: Path) -> None:
    source = tmp_path / "odd.wav"
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 24000, 3, 24)
    body = b"WAVE" + fmt + b"data" + struct.pack("<I", 9) + bytes(9)
    source.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    out = tag_file(source, tmp_path / "out.wav", CLAIM).path
    assert len(samples_of(out)) == 3
    assert shown(out)["TITLE"] == CLAIM.title


def test_comments_that_are_not_ours_stay(tmp_path: Path) -> None:
    source = tmp_path / "loop.flac"
    with soundfile.SoundFile(source, "w", 48000, 1, "PCM_24", format="FLAC") as sound:
        sound.album, sound.title = "LOOPSTART=7", "Old"
        sound.write(np.zeros(4800))
    tags = shown(tag_file(source, tmp_path / "out.flac", CLAIM).path)
    assert tags["ALBUM"] == "LOOPSTART=7" and tags["TITLE"] == CLAIM.title


def pages_are_sound(data: bytes) -> bool:
    """Whether every page's checksum holds and the numbers run without a gap."""
    at, expected = 0, 0
    while at < len(data):
        number, crc, segments = struct.unpack_from("<IIB", data, at + 18)
        lacing = data[at + 27 : at + 27 + segments]
        page = data[at : at + 27 + segments + sum(lacing)]
        if number != expected or checksum(page[:22] + bytes(4) + page[26:]) != crc:
            return False
        at, expected = at + len(page), expected + 1
    return True


@pytest.mark.parametrize(("kind", "subtype"), [("ogg", "VORBIS"), ("opus", "OPUS")])
def test_pages_are_renumbered_where_the_headers_need_more_of_them(tmp_path: Path, kind: str, subtype: str) -> None:
    source = tmp_path / f"source.{kind}"
    with soundfile.SoundFile(source, "w", 48000, 1, subtype, format="OGG") as sound:
        sound.album = "a" * 45_000
        sound.write(np.random.default_rng(1).standard_normal(48000) * 0.1)
    claim = replace(CLAIM, title="曲" * 2000, licence="L" * 2000, producer="夜" * 2000)
    out = tag_file(source, tmp_path / f"out.{kind}", claim, Aigc("山" * 2000, "P" * 2000)).path
    assert pages_are_sound(out.read_bytes())
    assert out.read_bytes().count(b"OggS") == source.read_bytes().count(b"OggS") + 1
    assert np.array_equal(samples_of(out), samples_of(source))
    assert shown(out)["TITLE"] == claim.title and len(shown(out)["ALBUM"]) == 45_000


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "png"])
def test_a_truncated_source_is_refused_by_name_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    source = sample(tmp_path, kind)
    source.write_bytes(source.read_bytes()[:40])
    with pytest.raises(CredentialsError, match=rf"source\.{kind}.*(truncated|damaged)"):
        tag_file(source, tmp_path / f"out.{kind}", CLAIM)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("kind", SOUNDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_source_is_tagged_or_refused_by_name(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    source = tmp_path / f"source.{kind}"
    whole = (source if source.exists() else sample(tmp_path, kind)).read_bytes()
    damaged = bytearray(whole[: data.draw(st.integers(0, 3000))])
    for at in data.draw(st.lists(st.integers(0, 200), max_size=6)):
        if at < len(damaged):
            damaged[at] = data.draw(st.integers(0, 255))
    place = tmp_path / f"damaged.{kind}"
    place.write_bytes(damaged)
    try:
        tag_file(place, tmp_path / f"out.{kind}", CLAIM)
    except CredentialsError as error:
        assert str(place) in str(error)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "notes.wav"
    source.write_text("not a sound at all")
    with pytest.raises(CredentialsError, match=r"notes\.wav: not a file that takes credentials; give WAV"):
        tag_file(source, tmp_path / "out.wav", CLAIM)


@pytest.mark.parametrize("kind", KINDS)
def test_a_container_is_known_by_its_bytes(tmp_path: Path, kind: str) -> None:
    with sample(tmp_path, kind).open("rb") as file:
        container = container_of(file)
    assert container is not None
    assert container.embeds == (kind in ("wav", "flac", "mp3", "png"))


@pytest.mark.parametrize("isrc", ["QM-ABC-26-00001", "GB-1A2-99-12345"])
def test_an_isrc_is_written_without_hyphens(isrc: str) -> None:
    assert tags_of(replace(CLAIM, isrc=isrc)).isrc == isrc.replace("-", "")


@pytest.mark.parametrize(
    "isrc", ["", "QMABC2600001", "qm-abc-26-00001", "QM-ABC-26-0001", "QM-ABC-26-00001\n", "QM-ABC-२६-00001"]
)
def test_what_is_no_isrc_is_refused(isrc: str) -> None:
    with pytest.raises(CredentialsError, match=r"isrc.*CC-XXX-YY-NNNNN"):
        replace(CLAIM, isrc=isrc)


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "two\nlines"), ("title", "nul\0"), ("licence", " "), ("producer", "\ud800"), ("generator", "x" * 3000),
     ("source_type", "http://example.org/other"), ("prompt_sha256", "a sad song"), ("training_mining", "maybe")],
)  # fmt: skip
def test_a_claim_refuses_what_cannot_be_written(field: str, value: str) -> None:
    with pytest.raises(CredentialsError, match=field):
        replace(CLAIM, **{field: value})


@given(st.lists(st.one_of(st.binary(max_size=9), st.tuples(st.integers(0, 40), st.integers(0, 9)))), st.data())
def test_a_spliced_stream_reads_like_its_pieces(parts: list[bytes | tuple[int, int]], data: st.DataObject) -> None:
    import io

    source = bytes(range(50))
    pieces = [part if isinstance(part, bytes) else Stretch(*part) for part in parts]
    joined = b"".join(p if isinstance(p, bytes) else source[p.start : p.start + p.size] for p in pieces)
    stream = Spliced(io.BytesIO(source), pieces)
    assert stream.size == len(joined)
    start = data.draw(st.integers(0, len(joined) + 3))
    stream.seek(start)
    assert stream.read() == joined[start:]


def test_claims_differ_in_what_they_disclose() -> None:
    assert isinstance(CLAIM, Claim)
    assert "no trained AI model" in CLAIM.disclosure
    assert TRAINED.disclosure.startswith("AI-generated")
