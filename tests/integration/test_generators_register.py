"""The register of generators on both databases: checkpoints are verified, pinned, revised, removed and found again."""

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.engine import open_engine, reading, writing
from db.ledger import append, entries
from db.migrate import downgrade
from db.registrations import RegistrationRow, insert_registration, registrations
from models.musicgen.checkpoint import CheckpointError, inspect
from models.pinning import file_digests, whole_digest
from services.generators.errors import RegisterError
from services.generators.known import KnownGenerators, options_of
from services.generators.register import Asked, Entered, enter, prepare, remove
from services.generators.verifying import paths_of_row, verify
from services.provenance.checkpoints import checkpoint, checkpoint_folders
from services.provenance.keys import KeyFolder
from services.provenance.ledger import verify_ledger
from services.settings import Settings
from tests.checkpoints import BROKEN, Audiocraft, write_audiocraft, write_transformers
from tests.ledger_rows import unguarded
from tests.registrations import DIGESTS, registration


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of about 1 MB in the true format, and one of other weights. Read only."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_transformers(folder / "tiny")
    write_transformers(folder / "other", seed=1)
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Audiocraft:
    return write_audiocraft(tmp_path_factory.mktemp("original"))


@pytest.fixture
def tiny(written: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(written / "tiny", tmp_path / "tiny"))


def known(engine: Engine) -> KnownGenerators:
    with reading(engine) as session:
        return KnownGenerators(registrations(session))


def put(engine: Engine, row: RegistrationRow) -> Entered:
    with writing(engine) as session:
        entered, made = enter(session, row)
        append(session, made)
    return entered


def add(engine: Engine, source: Path, **said: Any) -> Entered:
    return put(engine, prepare(Asked(str(source), **said), known(engine)).row)


def take_out(engine: Engine, name: str) -> RegistrationRow:
    with writing(engine) as session:
        row, made = remove(session, name)
        append(session, made)
    return row


def rows(engine: Engine) -> list[tuple[str, int, str]]:
    with reading(engine) as session:
        return [(row.generator, row.number, row.act) for row in registrations(session)]


def test_a_checkpoint_is_pinned_to_its_files(engine: Engine, tiny: Path) -> None:
    entered = add(engine, tiny, revision="v1")
    row = entered.row
    names = ("config.json", "model.safetensors", "tokenizer.json")
    digests = file_digests({name: tiny / name for name in names})
    assert entered.outcome == "new"
    assert {name: fact["sha256"] for name, fact in row.files.items()} == digests
    assert row.digest == whole_digest(digests)
    assert (row.source, row.asked_revision, row.commit_id) == (str(tiny), "v1", "")
    assert row.card == {"licence": "CC0-1.0", "licence_said": "cc0-1.0", "kind": "mono", "title": row.card["title"]}
    with reading(engine) as session:
        assert registrations(session) == [row]
        (entry,) = entries(session, kind="registration")
    assert json.loads(entry.entry)["body"]["digest"] == row.digest
    card = known(engine).card("tiny")
    assert card.options == inspect(tiny).options("tiny", row.digest)
    assert card.abilities == inspect(tiny).abilities()


def test_an_audiocraft_folder_is_registered_with_what_lies_beside_it(engine: Engine, original: Audiocraft) -> None:
    with pytest.raises(CheckpointError, match="--text-encoder FOLDER"):
        add(engine, original.folder)
    row = add(engine, original.folder, name="own", text_encoder=original.text_encoder, codec=original.codec).row
    summary = inspect(original.folder, original.text_encoder, original.codec)
    assert options_of(row) == summary.options("own", row.digest)
    assert paths_of_row(row) == dict(summary.files)
    assert verify(known(engine), "own").ok


def test_the_same_again_changes_nothing(engine: Engine, tiny: Path) -> None:
    first = add(engine, tiny).row
    again = add(engine, tiny)
    assert (again.outcome, again.row) == ("same", first)
    assert rows(engine) == [("tiny", 1, "added")]
    with reading(engine) as session:
        assert len(list(entries(session, kind="registration"))) == 1


def test_the_same_files_at_another_time_or_place_are_the_same_revision(engine: Engine, tiny: Path) -> None:
    first = add(engine, tiny).row
    os.utime(tiny / "config.json", ns=(1, 1))
    touched = add(engine, tiny)
    assert (touched.outcome, touched.row.digest) == ("again", first.digest)
    moved = add(engine, tiny.rename(tiny.with_name("moved")), name="tiny")
    assert (moved.outcome, moved.row.digest) == ("again", first.digest)
    assert known(engine).card("tiny").revision == first.revision
    assert known(engine).card("tiny").options["folder"] == str(tiny.with_name("moved"))


def test_other_files_under_the_same_name_are_a_new_revision_and_the_old_one_stays(
    engine: Engine, written: Path
) -> None:
    first = add(engine, written / "tiny").row
    second = add(engine, written / "other", name="tiny")
    assert second.outcome == "revised"
    assert second.before == first
    now = known(engine)
    assert now.card("tiny").revision == second.row.revision != first.revision
    older = now.card_of("tiny", first.revision)
    assert older is not None
    assert older.options["folder"] == str(written / "tiny")
    assert now.obstacle("tiny", first.revision) is None


def test_removed_and_added_again(engine: Engine, tiny: Path) -> None:
    first = add(engine, tiny).row
    removed = take_out(engine, "tiny")
    assert (removed.act, removed.number, removed.digest) == ("removed", 2, first.digest)
    assert "tiny" not in known(engine)
    assert (tiny / "model.safetensors").is_file()
    for name in ("tiny", "never"):
        with pytest.raises(RegisterError):
            take_out(engine, name)
    back = add(engine, tiny)
    assert (back.outcome, back.row.number) == ("new", 3)
    assert known(engine).card("tiny").revision == first.revision


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_checkpoint_is_refused(written: Path, tmp_path: Path, fault: str) -> None:
    folder = Path(shutil.copytree(written / "tiny", tmp_path / "broken"))
    BROKEN[fault](folder)
    with pytest.raises((CheckpointError, RegisterError)) as refused:
        prepare(Asked(str(folder)), KnownGenerators())
    assert str(folder) in str(refused.value)


def test_everything_wrong_with_the_words_is_said_at_once(tmp_path: Path) -> None:
    asked = Asked("facebook/musicgen-small", "../main", "composer", licence="my own")
    with pytest.raises(RegisterError) as refused:
        prepare(asked, KnownGenerators())
    assert len(refused.value.faults) == 3
    for said in ("composer is built in", "--licence 'my own'", "--revision '../main' is no revision"):
        assert said in str(refused.value)


@pytest.mark.parametrize("source", ["no such folder", "/etc/passwd", "a/b/c", "", "x" * 5000, "a\0b", "~nobody/x/y"])
def test_what_is_neither_a_folder_nor_an_id_is_said(source: str) -> None:
    with pytest.raises(RegisterError, match="neither a folder nor a hub's id"):
        prepare(Asked(source, "main"), KnownGenerators())


def test_a_folder_of_no_kind_is_told_of_either(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as refused:
        prepare(Asked(str(tmp_path), name="mine"), KnownGenerators())
    (said,) = refused.value.faults
    assert "neither model_index.json (a diffusers pipeline) nor a MusicGen config.json or state_dict.bin" in said


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "a b", "ä", "x" * 300, "-x", "COMPOSER", "Tiny"])
def test_names_that_cannot_be_told_apart_or_shown_are_refused(tiny: Path, name: str) -> None:
    with pytest.raises(RegisterError):
        prepare(Asked(str(tiny), name=name), KnownGenerators([registration("tiny")]))


def test_a_link_out_of_the_folder_is_refused_before_it_is_read(tiny: Path) -> None:
    outside = tiny.with_name("outside.json")
    (tiny / "config.json").rename(outside)
    (tiny / "config.json").symlink_to(outside)
    with pytest.raises(RegisterError, match="leads out of the folder"):
        prepare(Asked(str(tiny)), KnownGenerators())


class Meddling:
    """Writes a file again when a stage of its being registered begins."""

    def __init__(self, path: Path, stage: str) -> None:
        self._path, self._stage = path, stage

    def stage(self, what: str, total: int = 0) -> None:
        if what == self._stage:
            self._path.write_bytes(self._path.read_bytes())

    def read(self, count: int) -> None: ...


@pytest.mark.parametrize("stage", ["looking at its tensors", "looking at its values", "reading files"])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_that_is_written_meanwhile_stops_it(tiny: Path, name: str, stage: str) -> None:
    """What was looked at would not be what is hashed."""
    with pytest.raises(RegisterError, match=f"{name}: changed while it was read"):
        prepare(Asked(str(tiny)), KnownGenerators(), watching=Meddling(tiny / name, stage))


def test_a_licence_of_the_command_line_stands_beside_the_cards(tiny: Path) -> None:
    prepared = prepare(Asked(str(tiny), licence="cc-by-4.0"), KnownGenerators())
    assert prepared.row.card["licence"] == "CC-BY-4.0"
    assert "--licence says CC-BY-4.0, its own card says CC0-1.0" in prepared.warnings[0]


def _race(url: str, row: RegistrationRow) -> str:
    engine = open_engine(url)
    try:
        return put(engine, row).outcome
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(len, ["a", "b", "c"]))
        yield pool


def test_of_processes_that_add_the_same_one_does(url: str, processes: ProcessPoolExecutor) -> None:
    asked = [processes.submit(_race, url, registration(number=0)) for _ in range(6)]
    assert sorted(one.result() for one in asked) == ["new", *["same"] * 5]
    engine = open_engine(url)
    assert rows(engine) == [("my-model", 1, "added")]
    engine.dispose()


def test_of_processes_that_add_others_under_one_name_none_is_lost(url: str, processes: ProcessPoolExecutor) -> None:
    made = [registration(number=0, digest=digest) for digest in DIGESTS]
    asked = [processes.submit(_race, url, row) for row in made]
    assert sorted(one.result() for one in asked) == ["new", "revised", "revised"]
    engine = open_engine(url)
    assert rows(engine) == [("my-model", number, "added") for number in (1, 2, 3)]
    assert {row.digest for row in known(engine).rows("my-model")} == set(DIGESTS)
    engine.dispose()


def test_a_number_is_taken_once(engine: Engine) -> None:
    put(engine, registration())
    with pytest.raises(DBAPIError), writing(engine) as session:
        insert_registration(session, registration(digest=DIGESTS[1]))


def test_rows_cannot_be_changed_and_a_forged_one_is_found(engine: Engine, tmp_path: Path) -> None:
    put(engine, registration())
    take_out(engine, "my-model")
    keys, folders = KeyFolder(tmp_path / "keys"), checkpoint_folders(tmp_path, ())
    checkpoint(engine, keys, folders)
    for statement in ("UPDATE registration SET folder = '/x'", "DELETE FROM registration"):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(statement))
    assert verify_ledger(engine, keys.public_keys(), folders).ok
    with unguarded(engine) as connection:
        connection.execute(text("UPDATE registration SET folder = '/elsewhere' WHERE number = 1"))
    (found,) = verify_ledger(engine, keys.public_keys(), folders).problems
    assert "registration my-model (1) is not as it was recorded" in found.what


def test_settings_read_the_register_of_either_database(url: str, tmp_path: Path) -> None:
    engine = open_engine(url)
    put(engine, registration())
    asked = Settings.from_environment({"CUEWORKS_HOME": str(tmp_path / "home"), "CUEWORKS_DATABASE_URL": url})
    assert asked.known_generators().card("my-model").weights_digest == DIGESTS[0]
    take_out(engine, "my-model")
    assert "my-model" not in asked.known_generators()
    downgrade(engine, "0002")  # a home of an older release: nothing is registered in it
    assert "composer" in asked.known_generators()
    engine.dispose()


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    times = path.stat().st_mtime_ns
    path.write_bytes(bytes(data))
    os.utime(path, ns=(times, times))


def test_verifying_names_every_file_that_differs(engine: Engine, tiny: Path) -> None:
    row = add(engine, tiny).row
    read: list[int] = []
    assert verify(known(engine), "tiny", read.append).ok
    assert sum(read) == sum(int(fact["bytes"]) for fact in row.files.values())
    damage(tiny / "model.safetensors")  # also where size and time are as they were
    (tiny / "tokenizer.json").unlink()
    found = verify(known(engine), "tiny")
    assert {(one.file, one.kind) for one in found.findings} == {
        ("model.safetensors", "changed"), ("tokenizer.json", "missing")
    }  # fmt: skip
    assert all(str(tiny) in one.text for one in found.findings)


def test_verifying_tells_touched_files_and_replaced_older_revisions_as_notes(
    engine: Engine, tiny: Path, written: Path
) -> None:
    first = add(engine, tiny).row
    os.utime(tiny / "config.json", ns=(1, 1))
    found = verify(known(engine), "tiny")
    assert found.ok
    assert "1 files have another time" in found.notes[0]
    shutil.copy(written / "other" / "model.safetensors", tiny / "model.safetensors")
    assert not verify(known(engine), "tiny").ok
    assert add(engine, tiny).outcome == "revised"
    found = verify(known(engine), "tiny")
    assert found.ok
    assert f"older revision {first.revision}" in found.notes[0]
