"""What every blob store promises, asked of each adapter alike; then what only a folder can get wrong."""

import errno
import hashlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.storage.folder import FolderStore
from services.storage.memory import MemoryStore
from services.storage.store import Blob, BlobMissingError, BlobStore, StorageError
from services.storage.tree import LONGEST_NAME, link, safe_name

ABSENT = "0" * 64


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return FolderStore(tmp_path / "blobs") if request.param == "folder" else MemoryStore()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "blobs")


def put(store: BlobStore, data: bytes) -> Blob:
    return store.put(lambda file: file.write(data))


def content(store: BlobStore, sha256: str) -> bytes:
    with store.open(sha256) as file:
        return file.read()


@pytest.mark.parametrize("data", [b"", b"a", b"sound" * 1_000_000])
def test_what_is_put_is_found_by_its_digest(store: BlobStore, data: bytes) -> None:
    blob = put(store, data)
    assert blob == Blob(hashlib.sha256(data).hexdigest(), len(data))
    assert store.has(blob.sha256)
    assert content(store, blob.sha256) == data


def test_the_same_bytes_are_kept_once(store: BlobStore) -> None:
    assert put(store, b"same") == put(store, b"same")
    put(store, b"other")
    assert sorted(blob.bytes for blob in store.digests()) == [4, 5]


def test_a_writer_may_seek_and_write_over(store: BlobStore) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"head....body")
        assert file.tell() == 12
        file.seek(4)
        file.write(b"1234")
        file.seek(0)
        assert file.read(4) == b"head"

    assert content(store, store.put(write).sha256) == b"head1234body"


def test_a_writer_that_fails_leaves_nothing(store: BlobStore) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(write)
    assert list(store.digests()) == []


def test_a_missing_blob_is_told(store: BlobStore) -> None:
    assert not store.has(ABSENT)
    with pytest.raises(BlobMissingError, match=f"{ABSENT}.*render its take again"):
        store.open(ABSENT)


def test_deleting_is_for_good_and_may_be_repeated(store: BlobStore) -> None:
    blob = put(store, b"gone")
    store.delete(blob.sha256)
    store.delete(blob.sha256)
    assert not store.has(blob.sha256)
    assert list(store.digests()) == []


def test_an_empty_store_has_no_blobs(store: BlobStore) -> None:
    assert list(store.digests()) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", ABSENT + "\n", ABSENT.upper() + "A", "g" * 64, "a/" * 32])
def test_what_is_no_digest_is_refused(store: BlobStore, name: str) -> None:
    for ask in (store.open, store.has, store.path, store.delete):
        with pytest.raises(ValueError, match="not a SHA-256"):
            ask(name)


def test_many_may_put_the_same_at_once(store: BlobStore) -> None:
    blobs: list[Blob] = []
    threads = [threading.Thread(target=lambda: blobs.append(put(store, b"x" * 100_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(blobs) == 8
    assert len(set(blobs)) == 1 == len(list(store.digests()))


def test_a_stored_file_is_where_the_store_says_and_cannot_be_written(folder: FolderStore) -> None:
    path = folder.path(put(folder, b"kept").sha256)
    assert path.read_bytes() == b"kept"
    assert path.stat().st_mode & 0o777 == 0o444
    assert list((folder.root / "tmp").iterdir()) == []


def test_a_damaged_blob_is_written_anew(folder: FolderStore) -> None:
    blob = put(folder, b"whole")
    path = folder.path(blob.sha256)
    path.chmod(0o644)
    path.write_bytes(b"WHOLE")
    put(folder, b"whole")
    assert path.read_bytes() == b"whole"


def test_a_whole_blob_is_left_as_it_is(folder: FolderStore) -> None:
    before = folder.path(put(folder, b"whole").sha256).stat().st_ino
    assert folder.path(put(folder, b"whole").sha256).stat().st_ino == before


def test_a_write_that_an_encoder_swallowed_is_noticed(folder: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoders in C write through a callback and go on when it raises; the disk may be free again afterwards."""

    def write(file: BinaryIO) -> None:
        file.write(b"head")
        _fail_next_write(monkeypatch)
        try:
            file.write(b"x" * (1 << 20))
        except OSError:
            monkeypatch.undo()
        file.write(b"tail")

    with pytest.raises(StorageError) as caught:
        folder.put(write)
    assert caught.value.errno == errno.ENOSPC
    assert list(folder.digests()) == []
    assert list((folder.root / "tmp").iterdir()) == []


def _fail_next_write(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.storage import folder

    def full(self: object, data: object) -> int:
        with self._watching():  # type: ignore[attr-defined]
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder._Watched, "write", full)


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space"), (errno.EACCES, "CUEWORKS_HOME"),
     (errno.EROFS, "CUEWORKS_HOME"), (errno.EIO, "Input/output error")],
)  # fmt: skip
def test_a_disk_that_fails_is_told_with_a_remedy_and_keeps_nothing_half(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    put(folder, b"before")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match=told) as caught:
        put(folder, b"after")
    assert str(folder.root) in str(caught.value)
    assert "Errno" not in str(caught.value)
    assert [blob.bytes for blob in folder.digests()] == [6]
    assert list((folder.root / "tmp").iterdir()) == []


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        put(FolderStore(tmp_path / "file" / "blobs"), b"x")


def test_what_is_no_blob_is_no_blob(folder: FolderStore) -> None:
    blob = put(folder, b"real")
    (folder.root / "ab").mkdir(exist_ok=True)
    (folder.root / "ab" / "notes.txt").write_text("x")
    (folder.root / "xy").write_text("x")
    (folder.root / "tmp" / "half").write_text("x")
    assert list(folder.digests()) == [blob]


def test_sweep_removes_only_what_is_old_and_interrupted(folder: FolderStore) -> None:
    blob = put(folder, b"real")
    old, new = folder.root / "tmp" / "old", folder.root / "tmp" / "new"
    for path in (old, new):
        path.write_text("half")
    (folder.root / "tmp" / "folder").mkdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    assert folder.sweep(dry_run=True) == 1
    assert old.exists()
    assert folder.sweep() == 1
    assert (old.exists(), new.exists(), folder.has(blob.sha256)) == (False, True, True)
    assert FolderStore(folder.root / "nowhere").sweep() == 0


def test_a_link_is_the_blob_itself(folder: FolderStore, tmp_path: Path) -> None:
    blob, target = folder.path(put(folder, b"sound").sha256), tmp_path / "game" / "combat" / "mix.flac"
    for _ in range(2):
        link(blob, target)
        assert target.samefile(blob)
    assert [path.name for path in target.parent.iterdir()] == ["mix.flac"]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_link_survives_a_power_cut(
    folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """Every folder is told to the disk after what lies in it, and a copy's bytes before its name."""
    blob, target = folder.path(put(folder, b"sound").sha256), tmp_path / "game" / "combat" / "mix.flac"
    synced: list[tuple[bool, int, bool]] = []

    def sync(handle: int) -> None:
        status = os.fstat(handle)
        synced.append((stat.S_ISDIR(status.st_mode), status.st_ino, target.exists()))

    def refuse(*_: object) -> None:
        raise OSError(errno.EMLINK, "too many links")

    monkeypatch.setattr(os, "fsync", sync)
    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    link(blob, target)
    folders = [tmp_path, tmp_path / "game", target.parent]
    assert [inode for is_folder, inode, _ in synced if is_folder] == [path.stat().st_ino for path in folders]
    assert [there for _, _, there in synced] == [False] * (len(synced) - 1) + [True]
    copied = [] if has_links else [target.stat().st_ino]
    assert [inode for is_folder, inode, _ in synced if not is_folder] == copied


def test_a_link_takes_the_place_of_what_was_there(folder: FolderStore, tmp_path: Path) -> None:
    blob, target = folder.path(put(folder, b"sound").sha256), tmp_path / "mix.flac"
    target.write_text("older")
    link(blob, target)
    assert target.samefile(blob)
    assert blob.read_bytes() == b"sound"


def test_where_links_cannot_be_made_the_file_is_copied(
    folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMLINK, "too many links")

    monkeypatch.setattr(os, "link", refuse)
    blob, target = folder.path(put(folder, b"sound").sha256), tmp_path / "tree" / "mix.flac"
    link(blob, target)
    assert target.read_bytes() == b"sound"
    assert not target.samefile(blob)
    assert [path.name for path in target.parent.iterdir()] == ["mix.flac"]


@given(st.text(max_size=300), st.integers(8, 200))
def test_a_safe_name_is_one_portable_component(text: str, longest: int) -> None:
    name = safe_name(text, longest)
    assert 1 <= len(name) <= longest
    assert name.isascii()
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name[0] not in ".-"
    assert name[-1] not in ".-"
    assert safe_name(name, longest) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("Forêt profonde", "Foret-profonde"), ("東京", "unnamed"), ("..", "unnamed"), ("../../etc", "etc"),
     ("a/b\\c:d", "a-b-c-d"), ("con", "con_"), ("NUL.txt", "NUL.txt_"),
     ("-rf", "rf"), ("x" * 500, "x" * LONGEST_NAME), ("a\0b\n", "a-b")],
)  # fmt: skip
def test_safe_names_are_readable(text: str, name: str) -> None:
    assert safe_name(text) == name
