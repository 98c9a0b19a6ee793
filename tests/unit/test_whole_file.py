"""What every file that is replaced whole is promised: all or nothing, its mode, nothing left, no reader sees a part."""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.storage.whole import whole_file

OLD, NEW = b"old" * 200_000, b"new!" * 200_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.bin"


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("there", [False, True])
def test_what_was_written_takes_the_place(target: Path, there: bool) -> None:
    if there:
        target.write_bytes(OLD)
    with whole_file(target) as part:
        part.write_bytes(NEW)
        assert part.parent == target.parent
        assert target.exists() is there
    assert target.read_bytes() == NEW
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("there", [False, True])
def test_a_block_that_raises_changes_nothing(target: Path, there: bool, error: type[BaseException]) -> None:
    if there:
        target.write_bytes(OLD)
    before = [(path, path.read_bytes()) for path in target.parent.iterdir()]
    with pytest.raises(error), whole_file(target) as part:
        part.write_bytes(NEW)
        raise error
    assert [(path, path.read_bytes()) for path in target.parent.iterdir()] == before


def test_a_disk_that_fails_at_the_end_changes_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target.write_bytes(OLD)
    monkeypatch.setattr("services.storage.whole.os.fsync", full)
    with pytest.raises(OSError, match="No space left"), whole_file(target) as part:
        part.write_bytes(NEW)
    assert target.read_bytes() == OLD
    assert list(target.parent.iterdir()) == [target]


def test_a_target_that_cannot_be_replaced_leaves_nothing(target: Path) -> None:
    target.mkdir()
    with pytest.raises(OSError, match=r"target\.bin"), whole_file(target) as part:
        part.write_bytes(NEW)
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "absent" / "file"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mask", [0, 0o077])
@pytest.mark.parametrize("asked", [0o600, 0o644])
def test_it_has_the_mode_that_was_asked_for(target: Path, asked: int, mask: int) -> None:
    target.write_bytes(OLD)
    target.chmod(0o666)
    with umask(mask), whole_file(target, asked) as part:
        part.write_bytes(NEW)
    assert mode(target) == asked & ~mask


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_it_is_as_readable_as_the_user_wants_new_files_to_be(target: Path, mask: int) -> None:
    with umask(mask), whole_file(target):
        pass
    assert mode(target) == 0o666 & ~mask


def test_nobody_else_reads_a_part_of_a_private_file_however_it_is_opened(target: Path) -> None:
    with umask(0), whole_file(target, 0o600) as part:
        modes = [mode(part)]
        for how in ("wb", "ab", "w+b"):
            with part.open(how) as file:
                file.write(NEW)
            modes.append(mode(part))
    assert modes == [0o600] * 4


def test_its_bytes_are_durable_before_it_is_seen(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []

    def sync(handle: int) -> None:
        about = os.fstat(handle)
        synced.append((about.st_ino, about.st_size, target.exists()))

    monkeypatch.setattr("services.storage.whole.os.fsync", sync)
    with whole_file(target) as part:
        part.write_bytes(NEW)
    assert synced == [(target.stat().st_ino, len(NEW), False)]


def test_a_link_is_replaced_and_what_it_led_to_stays(target: Path) -> None:
    led_to = target.with_name("led-to")
    led_to.write_bytes(OLD)
    target.symlink_to(led_to)
    with whole_file(target) as part:
        part.write_bytes(NEW)
    assert (target.read_bytes(), led_to.read_bytes(), target.is_symlink()) == (NEW, OLD, False)


def test_the_longest_name_that_a_disk_takes_is_taken(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)
    with whole_file(target) as part:
        part.write_bytes(NEW)
    assert target.read_bytes() == NEW


def test_readers_see_one_whole_content_while_writers_race(target: Path) -> None:
    target.write_bytes(OLD)
    seen, done = set[bytes](), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(target.read_bytes())

    def write(data: bytes) -> None:
        for _ in range(20):
            with whole_file(target) as part, part.open("wb") as file:
                for start in range(0, len(data), 50_000):
                    file.write(data[start : start + 50_000])

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(data,)) for data in (OLD, NEW)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert seen and seen <= {OLD, NEW}
    assert target.read_bytes() in (OLD, NEW)
    assert list(target.parent.iterdir()) == [target]
