"""Folders of checkpoints are anybody's: links out of them, pipes, crowds, files that are still being written."""

import os
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from services.generators.errors import RegisterError
from services.generators.files import (
    FileFacts,
    digested,
    leading_out,
    moved_on,
    parts_below,
    real_folder,
    standing,
    unsafe,
)


def test_digests_sizes_and_times_are_those_of_the_files(tmp_path: Path) -> None:
    contents = {"model.safetensors": os.urandom(9 << 20), "config.json": b"{}", "tokenizer.json": b""}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    told: list[int] = []
    found = digested({name: tmp_path / name for name in contents}, told.append)
    for name, data in contents.items():
        times = (tmp_path / name).stat().st_mtime_ns
        assert found[name] == FileFacts(sha256(data).hexdigest(), len(data), times)
        assert found[name].as_json()["mtime_ns"] == str(times)
    assert sum(told) == sum(map(len, contents.values()))


def test_a_file_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """A download that goes on while the file is read: its digest would be that of no file at all."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(64 << 20))
    done = threading.Event()

    def grow(_: int) -> None:
        if not done.is_set():
            done.set()
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(RegisterError, match="changed while it was read; wait until it is whole"):
        digested({"model.safetensors": path}, grow)


def test_a_file_that_changes_after_it_was_hashed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}")
    facts = digested({"config.json": path})
    assert moved_on({"config.json": path}, facts) == []
    path.write_text("[]")
    os.utime(path, ns=(0, facts["config.json"].mtime_ns + 1))
    assert "config.json: changed" in moved_on({"config.json": path}, facts)[0]
    path.unlink()
    assert "config.json: changed" in moved_on({"config.json": path}, facts)[0]


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    files = {name: tmp_path / name for name in ("config.json", "model.safetensors")}
    with pytest.raises(RegisterError) as refused:
        digested(files)
    assert len(refused.value.faults) == 2
    assert all(str(path) in str(refused.value) for path in files.values())


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.json"])
def test_links_out_of_the_folder_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.json").write_text("{}")
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").symlink_to(target)
    (said,) = unsafe(folder)
    assert "config.json: a link that leads out of the folder" in said
    assert leading_out([folder / "config.json"], [folder]) != []


def test_links_within_the_folder_and_into_a_hubs_cache_are_fine(tmp_path: Path) -> None:
    repository = tmp_path / "models--owner--name"
    snapshot, blobs = repository / "snapshots" / "abc", repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "1234").write_text("{}")
    (snapshot / "config.json").symlink_to("../../blobs/1234")
    (snapshot / "same.json").symlink_to("config.json")
    assert unsafe(snapshot) == []
    assert leading_out([snapshot / "config.json", snapshot / "same.json"], [snapshot]) == []
    elsewhere = tmp_path / "snapshots" / "abc"  # the same look without being a hub's cache
    elsewhere.mkdir(parents=True)
    (elsewhere / "config.json").symlink_to(blobs / "1234")
    assert unsafe(elsewhere) != []


def test_the_parts_of_a_pipeline_are_looked_at_too_and_may_not_lie_elsewhere(tmp_path: Path) -> None:
    repository = tmp_path / "models--owner--name"
    snapshot, blobs = repository / "snapshots" / "abc", repository / "blobs"
    for folder in ("vae", ".git"):
        (snapshot / folder).mkdir(parents=True)
        (snapshot / folder / "config.json").symlink_to("../../../blobs/1234")
    blobs.mkdir()
    (blobs / "1234").write_text("{}")
    below = parts_below(snapshot)
    assert below == [snapshot / "vae"]
    assert unsafe(snapshot, below) == []
    assert standing([snapshot, *below]).keys() == {snapshot / "vae" / "config.json"}
    (snapshot / "vae" / "weights.safetensors").symlink_to("/etc/passwd")
    assert "vae/weights.safetensors: a link that leads out of the folder" in unsafe(snapshot, below)[0]
    (tmp_path / "elsewhere").mkdir()
    (snapshot / "unet").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RegisterError, match="unet: a link that leads out of the folder"):
        parts_below(snapshot)
    for number in range(70):
        (tmp_path / "elsewhere" / f"{number}").mkdir()
    with pytest.raises(RegisterError, match="70 folders in it are no pipeline's"):
        parts_below(tmp_path / "elsewhere")


def test_pipes_devices_broken_and_circular_links_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    (tmp_path / "model.safetensors").symlink_to("/dev/zero")
    (tmp_path / "tokenizer.json").symlink_to("nothing")
    (tmp_path / "a.json").symlink_to("a.json")
    said = unsafe(tmp_path)
    assert len(said) == 4
    for name in (
        "config.json: neither a file",
        "model.safetensors: a link that leads out",
        "tokenizer.json: a link to",
    ):
        assert any(name in line for line in said), said


def test_a_folder_of_a_hundred_thousand_other_files_is_looked_through_quickly(tmp_path: Path) -> None:
    for number in range(100_000):
        os.mknod(tmp_path / f"{number}.wav")
    began = time.monotonic()
    assert unsafe(tmp_path) == []
    assert time.monotonic() - began < 5


def test_a_hundred_thousand_bad_links_give_a_short_list(tmp_path: Path) -> None:
    for number in range(2_000):
        (tmp_path / f"{number}.json").symlink_to("/etc/passwd")
    said = unsafe(tmp_path)
    assert len(said) == 21
    assert any("further files are not told" in line for line in said)


@pytest.mark.parametrize("name", ["missing", "file", "x" * 5000, "a\0b"])
def test_what_is_no_folder_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegisterError, match="name the folder of the"):
        real_folder(tmp_path / name)


def test_a_folder_that_is_a_link_is_pinned_to_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "latest").symlink_to("v1")
    assert real_folder(tmp_path / "latest") == (tmp_path / "v1").resolve()
