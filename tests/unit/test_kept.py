"""Files are kept by their digest, whole or not at all, whatever lies in their place and whatever became of them."""

import hashlib
import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.kept import Shelf, digest_of, whole_file


class LostError(ValueError):
    """What this shelf's owner raises."""


SHELF = Shelf("songs", "song", LostError, ".txt")
WORDS = b"la la la\n" * 40_000
SHA256 = hashlib.sha256(WORDS).hexdigest()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.txt"
    path.write_bytes(WORDS)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def held(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "songs").iterdir())


def test_a_file_is_kept_under_its_digest_and_found(song: Path, cache: Path) -> None:
    place = SHELF.keep(song, SHA256, cache)
    assert place == SHELF.place_of(SHA256, cache) == cache / "songs" / f"{SHA256}.txt"
    assert held(cache) == [place.name]
    assert digest_of(place) == SHA256
    stood = place.stat()
    song.unlink()
    assert SHELF.keep(song, SHA256, cache) == place == SHELF.find(SHA256, cache)
    assert place.stat().st_ino == stood.st_ino, "what is there is not copied again"


def test_what_is_missing_or_altered_is_told_with_what_to_do(song: Path, cache: Path) -> None:
    with pytest.raises(LostError, match=rf"the song {SHA256} of this take is not on this machine; copy .* to {cache}"):
        SHELF.find(SHA256, cache)
    place = SHELF.keep(song, SHA256, cache)
    place.write_bytes(WORDS[:-1] + b"!")
    with pytest.raises(LostError, match=rf"{place} is not the song {SHA256}: it was altered; copy the right file"):
        SHELF.find(SHA256, cache)
    assert SHELF.find(SHA256, SHELF.keep(song, SHA256, cache).parents[1]) == place, "ordered again it is mended"


@pytest.mark.parametrize("now", [b"", b"other words", WORDS + b"and more"])
def test_a_file_that_changed_since_it_was_checked_leaves_nothing(song: Path, cache: Path, now: bytes) -> None:
    song.write_bytes(now)
    with pytest.raises(LostError, match="has changed since it was ordered; order again"):
        SHELF.keep(song, SHA256, cache)
    assert held(cache) == []


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(song: Path, cache: Path) -> None:
    song.unlink()
    os.mkfifo(song)
    with pytest.raises(LostError, match="has changed"):
        SHELF.keep(song, SHA256, cache)
    assert held(cache) == []


def to_a_stranger(place: Path, stranger: Path) -> None:
    place.symlink_to(stranger)


def to_nothing(place: Path, stranger: Path) -> None:
    place.symlink_to(stranger.with_name("nothing"))


def to_itself(place: Path, stranger: Path) -> None:
    place.symlink_to(place)


def a_pipe(place: Path, stranger: Path) -> None:
    os.mkfifo(place)


@pytest.mark.parametrize("lies", [to_a_stranger, to_nothing, to_itself, a_pipe])
def test_a_link_in_its_place_is_neither_believed_nor_followed(
    song: Path, cache: Path, tmp_path: Path, lies: Callable[[Path, Path], None]
) -> None:
    stranger, place = tmp_path / "stranger", SHELF.place_of(SHA256, cache)
    stranger.write_bytes(b"mine")
    place.parent.mkdir(parents=True)
    lies(place, stranger)
    with pytest.raises(LostError):
        SHELF.find(SHA256, cache)
    assert SHELF.keep(song, SHA256, cache) == SHELF.find(SHA256, cache)
    assert not place.is_symlink()
    assert stranger.read_bytes() == b"mine"
    assert not (tmp_path / "nothing").exists()


def test_a_folder_in_its_place_is_told_and_left_as_it_is(song: Path, cache: Path) -> None:
    place = SHELF.place_of(SHA256, cache)
    (place / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=SHA256):
        SHELF.keep(song, SHA256, cache)
    assert held(cache) == [place.name]
    assert (place / "inside").is_dir()


def test_no_space_leaves_what_was_there(song: Path, cache: Path) -> None:
    place = SHELF.keep(song, SHA256, cache)
    place.write_bytes(b"altered")
    with files_of_at_most(len(WORDS) // 2), pytest.raises(OSError, match="File too large"):
        SHELF.keep(song, SHA256, cache)
    assert held(cache) == [place.name]
    assert place.read_bytes() == b"altered"


def test_a_cache_that_cannot_be_written_is_told(song: Path, cache: Path) -> None:
    cache.write_bytes(b"no folder")
    with pytest.raises(OSError, match=str(cache)):
        SHELF.keep(song, SHA256, cache)
    assert cache.read_bytes() == b"no folder"


def test_many_keep_the_same_file_at_once(song: Path, cache: Path) -> None:
    failures: list[BaseException] = []

    def keep() -> None:
        try:
            assert digest_of(SHELF.keep(song, SHA256, cache)) == SHA256
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert held(cache) == [f"{SHA256}.txt"]


def test_a_file_that_is_not_finished_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
