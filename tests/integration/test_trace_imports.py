"""Audio made elsewhere: what is brought in has its facts, what cannot be used changes nothing."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from db.engine import open_engine, reading
from db.fingerprints import references
from db.ledger import entries
from db.migrate import upgrade
from db.rights_tables import ANSWERS, Derivation, Judgement, LedgerEntry, Verdict
from db.rows import TakeRow
from db.tables import Take
from db.takes import brief_of, take_rows, with_ids
from db.urls import sqlite_url
from services.catalog.checking import collect_garbage, verify
from services.catalog.lock import CatalogBusyError, whole_home
from services.delivery.foreign import read_foreign
from services.delivery.imports import Importer, ImportFaultError, Place, Terms
from services.mastering.encode import encode
from services.mastering.pcm import Pcm
from services.provenance.fingerprints.ffmpeg import UnreadableSoundError
from services.provenance.fingerprints.near import near_references
from services.storage.folder import FolderStore
from tests.catalog_rows import new_order, new_take, order_takes
from tests.integration.trace_studio import Studio, sound
from tests.unit.fingerprint_sounds import RATE, convert, music, write

TERMS = Terms("CC-BY-4.0", "https://suno.com/song/1", "Ada", "suno", "free")
NOTHING = (1, 0, 0, 0, 0)  # takes, derivations, entries, references, blobs of `refusing`
PLACE = Place("game", "lullaby", title="Night", prompt="a lullaby")


@pytest.fixture
def importer(engine: Engine, home: Path) -> Importer:
    return Importer(engine, home, FolderStore(home / "blobs"))


on_one_database = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Importer:
    """One for everything that must not be written: with a catalog `game` of one planned take."""
    home = tmp_path_factory.mktemp("home")
    engine = open_engine(sqlite_url(home / "test.db"))
    upgrade(engine)
    order_takes(engine, [new_take(1)])
    return Importer(engine, home, FolderStore(home / "blobs"))


def take(engine: Engine, id_: str) -> TakeRow:
    with reading(engine) as session:
        return next(take_rows(session, with_ids([id_])))


def counts(importer: Importer) -> tuple[int, ...]:
    tables = (Take, Derivation, LedgerEntry)
    with reading(importer.engine) as session:
        rows = tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
        return (*rows, len(references(session)), len(list(importer.store.digests())))


def test_a_take_is_brought_in_with_file_sound_and_facts(importer: Importer, tmp_path: Path) -> None:
    source = convert(write(tmp_path / "song.wav", music(1, 6)), tmp_path / "song.mp3", "-b:a", "128k")
    row, = importer.takes([source], TERMS, PLACE)
    assert row.take is not None
    made = take(importer.engine, row.take)
    assert (made.status, made.generator, made.cue, made.prompt) == ("done", "suno", "lullaby", "a lullaby")
    assert {asset.role for asset in made.assets} == {"mix", "source", "picture"}
    kept = next(asset for asset in made.assets if asset.role == "source")
    assert (importer.home / kept.path).read_bytes() == source.read_bytes()
    assert kept.media_type == "audio/mpeg"
    assert made.measurements["duration_s"] == pytest.approx(6, abs=0.1)
    with reading(importer.engine) as session:
        derived = session.scalars(select(Derivation)).one()
        assert (derived.kind, derived.expression, derived.source, derived.by) == (
            "import", "CC-BY-4.0", TERMS.source, "Ada"
        )
        assert (brief_of(session, row.take) or {})["use"] == "internal-prototype"
        assert "import" in {entry.kind for entry in entries(session)}
        answer = session.scalar(select(Judgement.answer).join(Verdict, Verdict.judgement_id == Judgement.id))
        assert answer in ANSWERS
    assert verify(importer.engine, importer.home, importer.store, None, lambda count: None).ok


def test_importing_twice_changes_nothing(importer: Importer, tmp_path: Path) -> None:
    file = write(tmp_path / "song.flac", music(2, 5))
    first = importer.takes([file], TERMS, PLACE), importer.references([file], TERMS)
    before = counts(importer)
    again = importer.takes([file], TERMS, PLACE), importer.references([file], TERMS)
    assert counts(importer) == before
    assert [row.new for rows in first for row in rows] == [True, True]
    assert [row.new for rows in again for row in rows] == [False, False]
    assert first[0][0].take == again[0][0].take


@on_one_database
def test_the_same_file_under_another_licence_is_told(importer: Importer, tmp_path: Path) -> None:
    file = write(tmp_path / "song.flac", music(2, 5))
    importer.takes([file], TERMS, PLACE)
    importer.references([file], TERMS)
    before = counts(importer)
    for bring in (lambda terms: importer.takes([file], terms, PLACE), lambda terms: importer.references([file], terms)):
        with pytest.raises(ImportFaultError, match=r"before under CC-BY-4\.0"):
            bring(Terms("MIT", TERMS.source))
    assert counts(importer) == before


@on_one_database
def test_the_same_file_by_another_maker_or_plan_is_told(importer: Importer, tmp_path: Path) -> None:
    """The policy asks for both: who says it anew must not get another answer for the same sound."""
    path = write(tmp_path / "song.wav", music(2, 2))
    importer.takes([path], TERMS, PLACE)
    for terms in (replace(TERMS, plan="pro"), replace(TERMS, generator="elsewhere")):
        with pytest.raises(ImportFaultError, match=r"song\.wav: was brought in before.*suno.*free"):
            importer.takes([path], terms, PLACE)


@on_one_database
def test_who_brings_the_same_in_again_makes_no_second_take(importer: Importer, tmp_path: Path) -> None:
    path = write(tmp_path / "song.wav", music(2, 2))
    [first] = importer.takes([path], TERMS, PLACE)
    [again] = importer.takes([path], replace(TERMS, by="Grace"), PLACE)
    assert (again.take, again.new) == (first.take, False)


def test_a_reference_that_came_in_meanwhile_is_recorded_once(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "song.wav", music(2, 2))
    importer.references([path], TERMS)
    monkeypatch.setattr("services.delivery.imports.references", lambda session: [])  # as it was read before
    [again] = importer.references([path], TERMS)
    assert not again.new
    with reading(importer.engine) as session:
        assert len(list(entries(session, kind="import"))) == 1


@on_one_database
def test_references_wait_for_no_gc(importer: Importer, tmp_path: Path) -> None:
    path = write(tmp_path / "song.wav", music(2, 2))
    with whole_home(importer.home), pytest.raises(CatalogBusyError):
        importer.references([path], TERMS)


@on_one_database
def test_a_folder_brings_in_its_sound_once_each(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    (folder / "more").mkdir(parents=True)
    write(folder / "a.wav", music(1, 4))
    write(folder / "more" / "b.flac", music(2, 4))
    (folder / "same.wav").write_bytes((folder / "a.wav").read_bytes())
    (folder / "cover.jpg").write_bytes(b"\xff\xd8 no sound")
    rows = importer.references([folder], TERMS)
    assert sorted(Path(row.file).name for row in rows) == ["a.wav", "b.flac"]
    with reading(importer.engine) as session:
        assert sorted(one.name for one in references(session)) == ["a", "b"]


@on_one_database
def test_references_are_no_garbage(importer: Importer, tmp_path: Path) -> None:
    importer.takes([write(tmp_path / "take.wav", music(1, 4))], TERMS, PLACE)
    row, = importer.references([write(tmp_path / "ref.wav", music(2, 4))], TERMS)
    collect_garbage(importer.engine, importer.store, False)
    assert importer.store.has(row.sha256)


def test_an_imported_take_outlives_the_next_brief(importer: Importer, tmp_path: Path) -> None:
    row, = importer.takes([write(tmp_path / "take.wav", music(1, 4))], TERMS, PLACE)
    order_takes(importer.engine, [new_take(1)])
    order_takes(importer.engine, [new_take(2)], new_order("another"))
    assert row.take is not None
    assert take(importer.engine, row.take).status == "done"
    assert take(importer.engine, new_take(1).id).status == "superseded"


@on_one_database
def test_a_take_beside_a_reference_is_warned_of(engine: Engine, home: Path, tmp_path: Path) -> None:
    studio = Studio(engine, home)
    studio.library.fill()
    importer = Importer(engine, home, studio.store)
    copied = convert(studio.blob(1), tmp_path / "hit.mp3", "-ss", "2", "-t", "13", "-b:a", "96k")
    importer.references([copied, write(tmp_path / "other.wav", music(60, 14))], TERMS)
    near, = near_references(engine, "game")
    assert (near.kind, near.take) == ("near-reference", studio.ids[1])
    assert "'hit'" in near.text
    row = studio.tracer.trace(copied)
    assert row.match == "fingerprint"
    assert [one.name for one in row.references] == ["hit"]


@on_one_database
def test_a_trace_of_an_imported_file_is_exact(importer: Importer, tmp_path: Path) -> None:
    source = convert(write(tmp_path / "song.wav", sound(1)), tmp_path / "song.mp3")
    row, = importer.takes([source], TERMS, PLACE)
    studio = Studio.__new__(Studio)
    studio.engine, studio.home, studio.store = importer.engine, importer.home, importer.store
    assert studio.tracer.trace(source).as_json()["take"] == row.take
    later = convert(source, tmp_path / "later.ogg", "-ss", "4", "-t", "10")
    assert studio.tracer.trace(later).as_json()["take"] == row.take


@pytest.mark.parametrize(("option", "terms"), [
    ("--licence", Terms("", "a CD")), ("--licence", Terms("Free-For-All", "a CD")),
    ("--licence", Terms("MIT AND", "a CD")),
    ("--licence", Terms("LicenseRef-nobody-registered", "a CD")), ("--source", Terms("MIT", "  ")),
    ("--source", Terms("MIT", "a\nb")), ("--source", Terms("MIT", "x" * 3000)), ("--source", Terms("MIT", "a\u202eb")),
    ("--generator", Terms("MIT", "a CD", generator="")), ("--generator", Terms("MIT", "a CD", generator="a\nb")),
    ("--plan", Terms("MIT", "a CD", plan="a;b")), ("--by", Terms("MIT", "a CD", by="\x00")),
])  # fmt: skip
def test_terms_that_cannot_be_put_on_record_are_refused(
    refusing: Importer, tmp_path: Path, option: str, terms: Terms
) -> None:
    file = write(tmp_path / "song.wav", music(1, 2))
    for bring in (lambda: refusing.references([file], terms), lambda: refusing.takes([file], terms, PLACE)):
        with pytest.raises(ImportFaultError, match=option):
            bring()
    assert counts(refusing) == NOTHING


@pytest.mark.parametrize("name", ["composer", "Composer"])
def test_audio_from_elsewhere_is_not_taken_for_what_is_made_here(refusing: Importer, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "song.wav", music(1, 2))
    with pytest.raises(ImportFaultError, match="composer is built in"):
        refusing.takes([file], replace(TERMS, generator=name), PLACE)
    assert counts(refusing) == NOTHING


@pytest.mark.parametrize(("option", "place"), [
    ("--catalog", Place("")), ("--catalog", Place("../x")), ("--catalog", Place("blobs")), ("--catalog", Place("GAME")),
    ("--cue", Place("game", "a/b")), ("--state", Place("game", state="a b")), ("--use", Place("game", use="fun")),
    ("--title", Place("game", title="a\tb")), ("--prompt", Place("game", prompt="x" * 2001)),
])  # fmt: skip
def test_places_that_cannot_be_are_refused(refusing: Importer, tmp_path: Path, option: str, place: Place) -> None:
    with pytest.raises(ImportFaultError, match=option):
        refusing.takes([write(tmp_path / "song.wav", music(1, 2))], TERMS, place)
    assert counts(refusing) == NOTHING


def wav(rate: int = 44100, channels: int = 1, code: int = 1, bits: int = 16, data: bytes = bytes(88_200)) -> bytes:
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", code, channels, rate, (rate * frame) & 0xFFFFFFFF, frame & 0xFFFF, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tone(kind: type, seconds: float = 1.0) -> np.ndarray:
    return np.sin(np.arange(int(44100 * seconds)) * 0.05).astype(kind)


def with_nan() -> bytes:
    samples = tone(np.float32)
    samples[5000] = np.nan
    return wav(code=3, bits=32, data=samples.tobytes())


LOUD = (tone(np.float64) * 20_000).astype("<i2").tobytes()
HOSTILE = {
    "not a number": with_nan(),
    "infinite": wav(code=3, bits=32, data=np.full(44100, np.inf, dtype=np.float32).tobytes()),
    "no channels": wav(channels=0, data=LOUD),
    "no rate": wav(rate=0, data=LOUD),
    "a rate of 4 GHz": wav(rate=4_000_000_000, data=LOUD),
    "a rate of 1 kHz": wav(rate=1000, data=LOUD),
    "six channels": wav(channels=6, data=LOUD * 6),
    "truncated": wav(data=LOUD)[: len(LOUD) // 2],
    "silence": wav(),
    "too short": wav(data=LOUD[:2000]),
    "a header alone": wav(data=b""),
    "empty": b"",
    "text": b"once upon a time",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_audio_is_refused_with_its_name_and_nothing_is_brought_in(
    refusing: Importer, tmp_path: Path, kind: str
) -> None:
    good = write(tmp_path / "good.wav", music(1, 2))
    bad = tmp_path / "bad.wav"
    bad.write_bytes(HOSTILE[kind])
    with pytest.raises(ImportFaultError, match=r"bad\.wav"):
        refusing.takes([good, bad], TERMS, PLACE)
    with pytest.raises(ImportFaultError, match=r"bad\.wav"):
        refusing.references([good, bad], TERMS)
    assert counts(refusing) == NOTHING


def test_samples_that_24_bits_hold_stay_exact(tmp_path: Path) -> None:
    sixteen = convert(write(tmp_path / "a.wav", music(1, 2)), tmp_path / "b.wav", "-c:a", "pcm_s16le")
    floats = convert(sixteen, tmp_path / "c.wav", "-c:a", "pcm_f32le")
    assert read_foreign(sixteen).pcm.sha256() == read_foreign(floats).pcm.sha256()
    loud = tmp_path / "loud.wav"
    loud.write_bytes(wav(code=3, bits=32, data=(3 * tone(np.float32)).tobytes()))
    assert read_foreign(loud).pcm.samples.max() == 2**23 - 1
    mono = Pcm(RATE, np.ascontiguousarray(read_foreign(loud).pcm.samples[:, :1]))
    encode(mono, "wav", tmp_path / "mono.wav")
    heard = read_foreign(tmp_path / "mono.wav").pcm
    assert (heard.channels, bool((heard.samples[:, 0] == heard.samples[:, 1]).all())) == (2, True)


@on_one_database
def test_a_folder_without_sound_is_told(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportFaultError, match="no sound file"):
        importer.references([tmp_path / "empty"], TERMS)
    with pytest.raises(UnreadableSoundError):
        read_foreign(tmp_path)
