"""Whose sound is this: bytes, PCM, credentials, fingerprints; and what is none of ours, or lies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, delete

from db.engine import reading, writing
from db.fingerprints import fingerprint_names, unheard
from db.rights_tables import Fingerprint
from services.provenance.credentials import LocalAuthority, Trust, sign_file
from services.provenance.fingerprints.ffmpeg import UnreadableSoundError
from services.provenance.fingerprints.near import near_duplicates
from services.provenance.trace import Trace, Tracer
from tests.catalog_rows import sha
from tests.integration.trace_studio import Studio, sound
from tests.unit.credentials_samples import CLAIM
from tests.unit.fingerprint_sounds import convert, music, write

on_one_database = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
def studio(engine: Engine, home: Path) -> Studio:
    return Studio(engine, home)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "c2pa"


def told(trace: Trace) -> tuple[str, str | None, float | None]:
    row = trace.as_json()
    return row["match"], row["take"], row["score"]


def crop(studio: Studio, number: int, target: Path, *arguments: str) -> Path:
    return convert(studio.blob(number), target, "-ss", "3.3", "-t", "10", *arguments)


@on_one_database
def test_the_master_itself_is_exact(studio: Studio, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.bin"
    copy.write_bytes(studio.blob(1).read_bytes())
    found = studio.tracer.trace(copy)
    assert told(found) == ("exact", studio.ids[1], 1.0)
    assert found.found[0].where.found_by == "bytes"
    assert found.found[0].where.path == str(studio.home / studio.masters[1].path)


@on_one_database
@pytest.mark.parametrize("how", [("x.wav", "-c:a", "pcm_s32le"), ("x.wav", "-c:a", "pcm_f32le"),
                                 ("x.m4a", "-c:a", "alac")])  # fmt: skip
def test_the_same_samples_in_another_container_are_exact(studio: Studio, tmp_path: Path, how: tuple[str, ...]) -> None:
    found = studio.tracer.trace(convert(studio.blob(0), tmp_path / how[0], *how[1:]))
    assert told(found) == ("exact", studio.ids[0], 1.0)
    assert found.found[0].where.found_by == "pcm"


def test_a_cut_of_a_lossy_copy_is_found_with_its_place(studio: Studio, tmp_path: Path) -> None:
    found = studio.tracer.trace(crop(studio, 1, tmp_path / "x.mp3", "-b:a", "64k"))
    match, take, score = told(found)
    assert (match, take) == ("fingerprint", studio.ids[1])
    assert score is not None and 0.6 < score <= 1
    where = found.found[0].where
    assert where.take_s is not None and where.file_s is not None
    assert where.take_s - where.file_s == pytest.approx(3.3, abs=0.06)


def test_a_take_recorded_without_a_fingerprint_gets_it_at_the_first_trace(studio: Studio, tmp_path: Path) -> None:
    file, seen = crop(studio, 2, tmp_path / "x.ogg"), list[tuple[str, int, int]]()
    with reading(studio.engine) as session:
        assert [one.pcm_sha256 for one in unheard(session)] == [studio.masters[2].pcm_sha256]
    tracer = Tracer(studio.library, told=lambda *what: seen.append(what))
    assert told(tracer.trace(file))[:2] == ("fingerprint", studio.ids[2])
    assert ("fingerprints", 1, 1) in seen
    assert told(studio.tracer.trace(file))[:2] == ("fingerprint", studio.ids[2])
    with reading(studio.engine) as session:
        assert unheard(session) == []


@on_one_database
def test_another_database_of_the_same_size_does_not_hide_a_take(
    studio: Studio, engine: Engine, tmp_path: Path
) -> None:
    studio.library.fill()
    index = studio.library.index()
    file = crop(studio, 1, tmp_path / "x.mp3")
    others = [(sha(str(number)), np.arange(9, dtype=np.uint32)) for number in range(3)]
    index.refresh([name for name, _ in others], lambda names: others)
    assert studio.library.index_as_it_is() is not None, "it looks as if it were in step"
    assert told(studio.tracer.trace(file))[:2] == ("fingerprint", studio.ids[1])


@on_one_database
def test_what_is_not_ours_is_none_and_leaves_the_takes_alone(studio: Studio, tmp_path: Path) -> None:
    for name, mono in {"music.wav": music(70, 12), "noise.wav": np.random.default_rng(1).uniform(-0.5, 0.5, 200_000),
                       "short.wav": music(1, 0.8)}.items():  # fmt: skip
        assert told(studio.tracer.trace(write(tmp_path / name, mono))) == ("none", None, None)


@on_one_database
def test_the_same_notes_played_again_are_none(studio: Studio, tmp_path: Path) -> None:
    again = write(tmp_path / "again.flac", music(1, 16, timing_s=0.03))
    assert studio.tracer.trace(again).match == "none"


@on_one_database
def test_a_damaged_file_is_refused_or_traced_as_far_as_it_goes(studio: Studio, tmp_path: Path) -> None:
    whole = convert(studio.blob(0), tmp_path / "x.wav").read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(UnreadableSoundError, match="truncated"):
        studio.tracer.trace(cut)
    found = studio.tracer.trace(cut, damaged=True)
    assert told(found)[:2] == ("fingerprint", studio.ids[0])
    assert "truncated" in found.notes[0]


@on_one_database
def test_a_lost_master_is_still_recognised_in_a_whole_copy(studio: Studio, tmp_path: Path) -> None:
    copy = convert(studio.blob(1), tmp_path / "x.wav", "-c:a", "pcm_s16le")
    studio.blob(1).unlink()
    found = studio.tracer.trace(copy)
    assert told(found)[:2] == ("fingerprint", studio.ids[1])
    assert found.found[0].correlation is None


@on_one_database
def test_credentials_of_ours_name_the_take(studio: Studio, tmp_path: Path, keys: Path) -> None:
    source = write(tmp_path / "x.mp3", music(90, 6))
    claim = replace(CLAIM, take_id=studio.ids[2])
    signed = sign_file(source, tmp_path / "signed.mp3", claim, LocalAuthority(keys)).path
    found = Tracer(studio.library, Trust(keys)).trace(signed)
    assert told(found) == ("credentials", studio.ids[2], 1.0)
    assert found.found[0].where.catalog == "game"


@on_one_database
@pytest.mark.parametrize("lie", ["changed", "another hand", "unknown take"])
def test_credentials_that_lie_are_told_and_not_believed(studio: Studio, tmp_path: Path, keys: Path, lie: str) -> None:
    source = write(tmp_path / "x.mp3", music(91, 6))
    claim = replace(CLAIM, take_id=sha("nobody's") if lie == "unknown take" else studio.ids[2])
    LocalAuthority(keys)
    signer = LocalAuthority(tmp_path / "other" if lie == "another hand" else keys)
    signed = sign_file(source, tmp_path / "signed.mp3", claim, signer).path
    if lie == "changed":
        data = bytearray(signed.read_bytes())
        data[-2000] ^= 1
        signed.write_bytes(bytes(data))
    found = Tracer(studio.library, Trust(keys)).trace(signed, damaged=True)
    assert told(found) == ("none", None, None)
    assert "credentials" in found.notes[-1]


@on_one_database
def test_a_lying_manifest_does_not_hide_whose_sound_it_is(studio: Studio, tmp_path: Path, keys: Path) -> None:
    source = crop(studio, 0, tmp_path / "x.mp3", "-b:a", "96k")
    claim = replace(CLAIM, take_id=studio.ids[2])
    signed = sign_file(source, tmp_path / "signed.mp3", claim, LocalAuthority(tmp_path / "thief")).path
    LocalAuthority(keys)
    found = Tracer(studio.library, Trust(keys)).trace(signed)
    assert told(found)[:2] == ("fingerprint", studio.ids[0])
    assert "not ours" in found.notes[-1]


def test_the_index_follows_the_database(studio: Studio, tmp_path: Path) -> None:
    file = crop(studio, 0, tmp_path / "x.mp3")
    assert studio.tracer.trace(file).match == "fingerprint"
    with writing(studio.engine) as session:
        session.execute(delete(Fingerprint).where(Fingerprint.pcm_sha256 == studio.masters[0].pcm_sha256))
    studio.blob(0).unlink()
    assert studio.tracer.trace(file).match == "none"
    with reading(studio.engine) as session:
        assert len(fingerprint_names(session)) == 2


def test_near_duplicates_are_told_and_a_returning_theme_is_none(engine: Engine, home: Path) -> None:
    theme, other = music(0, 40.0)[: 16 * 22050], music(5, 40.0)
    twice, returns = 0.5 * theme, np.concatenate([theme[: 5 * 22050], other[: 11 * 22050]])
    studio = Studio(engine, home, theme, sound(1), np.tanh(2 * twice), returns, sound(1))
    studio.library.fill()
    found = near_duplicates(engine, "game")
    assert {(near.kind, frozenset((near.take, near.other))) for near in found} == {
        ("near-duplicate", frozenset((studio.ids[0], studio.ids[2]))),
        ("identical", frozenset((studio.ids[1], studio.ids[4]))),
    }
    assert near_duplicates(engine, "no such catalog") == []
