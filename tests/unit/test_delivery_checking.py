"""An exported folder against its manifest, with no database: every difference is named, whatever somebody put there."""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.canonical import canonical
from services.delivery.checking import Carried, check_folder, folder_problems
from services.delivery.errors import DeliveryError
from services.delivery.manifest import FORMAT, sums

FILES = {"game/combat/one/mix.flac": b"sound", "game/combat/one/loop.json": b"{}", "game/boss/two/mix.ogg": b"other"}


def entry(path: str, data: bytes) -> dict[str, Any]:
    kind = "audio/flac" if path.endswith("flac") else "audio/ogg" if path.endswith("ogg") else "application/json"
    return {
        "path": path, "sha256": sha256(data).hexdigest(), "bytes": len(data), "role": "mix", "media_type": kind,
        "take": "a" * 64, "source_sha256": "b" * 64,
    }  # fmt: skip


def told() -> dict[str, Any]:
    files = [entry(path, data) for path, data in sorted(FILES.items())]
    note = b"none\n"
    documents = [{"path": "ATTRIBUTION.txt", "sha256": sha256(note).hexdigest(), "bytes": len(note)}]
    return {"format": FORMAT, "release": {"name": "gold"}, "files": files, "documents": documents}


def write_manifest(place: Path, said: Any) -> None:
    data = canonical(said)
    (place / "manifest.json").write_bytes(data)
    listed = {file["path"]: file["sha256"] for part in ("files", "documents") for file in said[part]}
    (place / "SHA256SUMS").write_bytes(sums({**listed, "manifest.json": sha256(data).hexdigest()}))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    for path, data in {**FILES, "ATTRIBUTION.txt": b"none\n"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    write_manifest(folder, told())
    return folder


def signed(path: Path) -> Carried:
    return Carried(None, "a" * 64, "b" * 64, "Studio")


def problems(place: Path) -> dict[str, str]:
    return {problem.path: problem.what for problem in check_folder(place).problems}


def test_a_whole_folder_has_no_problems(place: Path) -> None:
    found = check_folder(place, signed)
    assert (found.ok, found.files, found.release["name"], found.signers) == (True, 3, "gold", ("Studio",))


MIX = "game/combat/one/mix.flac"


def linked(place: Path) -> None:
    (place / MIX).rename(place.parent / "mix.flac")
    (place / MIX).symlink_to(place.parent / "mix.flac")


def linked_folder(place: Path) -> None:
    (place / "game").rename(place.parent / "game")
    (place / "game").symlink_to(place.parent / "game")


def edited_sums(place: Path) -> None:
    text = (place / "SHA256SUMS").read_text()
    (place / "SHA256SUMS").write_text(text.replace(sha256(b"sound").hexdigest(), "0" * 64))


DAMAGE: list[tuple[Callable[[Path], object], str, str]] = [
    (lambda place: (place / MIX).write_bytes(b"sOund"), MIX, "was changed"),
    (lambda place: (place / MIX).unlink(), MIX, "is missing"),
    (linked, MIX, "is a link"),
    (linked_folder, MIX, "is a link"),
    (lambda place: (place / "game/extra.wav").write_bytes(b"x"), "game/extra.wav", "is no file of this release"),
    (lambda place: (place / "x").symlink_to("/etc"), "x", "is no file of this release"),
    (lambda place: (place / "ATTRIBUTION.txt").write_bytes(b"nobody"), "ATTRIBUTION.txt", "was changed"),
    (lambda place: (place / "SHA256SUMS").unlink(), "SHA256SUMS", "cannot be read"),
    (lambda place: (place / "SHA256SUMS").write_bytes(b"\xff"), "SHA256SUMS", "cannot be read"),
    (lambda place: (place / "SHA256SUMS").write_text("hello\n"), "SHA256SUMS", "none of its own"),
    (edited_sums, MIX, "SHA256SUMS says"),
    (lambda place: (place / "manifest.json").write_bytes(b"{"), "manifest.json", "is no JSON"),
    (lambda place: (place / "manifest.json").write_bytes(b"[]"), "manifest.json", "no manifest of the format"),
    (lambda place: (place / "manifest.json").write_bytes(b"[" * 100_000), "manifest.json", "is no JSON"),
    (lambda place: (place / "manifest.json").write_text(json.dumps(told())), "manifest.json", "was edited"),
]


@pytest.mark.parametrize(("damage", "path", "what"), DAMAGE)
def test_a_difference_is_named(place: Path, damage: Callable[[Path], object], path: str, what: str) -> None:
    damage(place)
    assert what in problems(place)[path]


def test_a_stranger_s_name_can_be_written_down_whatever_its_bytes(place: Path) -> None:
    Path(os.fsdecode(os.fsencode(place) + b"/bad\xff")).touch()
    [path] = problems(place)
    assert path.encode() and "bad" in path


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "a\\b", "C:x", "a//b", "", "a\0b", 7, None])
def test_a_manifest_that_points_elsewhere_is_not_followed(place: Path, path: object) -> None:
    said = told()
    said["files"][0]["path"] = path
    data = canonical(said)
    (place / "manifest.json").write_bytes(data)
    assert "cannot be one" in problems(place)["manifest.json"]


def test_another_manifest_than_the_recorded_one_is_told(place: Path) -> None:
    assert folder_problems(place, sha256((place / "manifest.json").read_bytes()).hexdigest()) == []
    assert folder_problems(place, "0" * 64)[0].what == "is not the manifest that was recorded"


@pytest.mark.parametrize(
    ("carried", "what"),
    [(Carried("there are none"), "there are none"), (Carried(None, "c" * 64, "b" * 64), "they name take"),
     (Carried(None, "a" * 64, "c" * 64), "they name the master")],
)  # fmt: skip
def test_credentials_of_another_file_are_told(place: Path, carried: Carried, what: str) -> None:
    found = {problem.path: problem.what for problem in check_folder(place, lambda path: carried).problems}
    assert set(found) == {MIX, "game/boss/two/mix.ogg"}
    assert all(what in text for text in found.values())


def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"no manifest\.json"):
        check_folder(tmp_path)
    with pytest.raises(DeliveryError, match="no folder"):
        check_folder(tmp_path / "none")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60)
@given(files=JSON, documents=JSON, head=st.dictionaries(st.text(max_size=8), JSON, max_size=2))
def test_any_manifest_gives_an_answer(
    tmp_path_factory: pytest.TempPathFactory, files: Any, documents: Any, head: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    said = {**head, "format": FORMAT, "files": files, "documents": documents}
    (folder / "manifest.json").write_text(json.dumps(said))
    found = check_folder(folder, signed)
    assert all(problem.what.isprintable() for problem in found.problems)
