"""Keys: made once, private, rotated with the old key's signature, and refused where others could use them."""

import json
import multiprocessing
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from services.provenance.keys import (
    KeyFileError,
    KeyFolder,
    KeyPermissionError,
    PublicKey,
    SigningKey,
    UnusableKeyError,
    endorses,
)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "some" / "keys")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_when_it_is_first_needed_and_stays(keys: KeyFolder) -> None:
    assert (keys.public_keys(), keys.current("checkpoint"), keys.path.exists()) == ((), None, False)
    first = keys.signing_key("checkpoint")
    assert keys.signing_key("checkpoint").id == first.id
    assert keys.signing_key("release").id != first.id
    assert [key.id for key in keys.public_keys("checkpoint")] == [first.id]
    assert keys.current("checkpoint") == first.public
    assert keys.purposes() == ["checkpoint", "release"]


def test_nobody_else_may_read_it(keys: KeyFolder) -> None:
    keys.signing_key("checkpoint")
    assert (mode(keys.path), mode(keys.path / "checkpoint.key")) == (0o700, 0o600)
    assert sorted(path.suffix for path in keys.path.iterdir()) == [".key", ".pub"]


@pytest.mark.parametrize(
    ("name", "loose", "remedy"), [("checkpoint.key", 0o640, "chmod 600"), ("", 0o750, "chmod 700")]
)
def test_a_key_that_others_could_use_is_refused(keys: KeyFolder, name: str, loose: int, remedy: str) -> None:
    keys.signing_key("checkpoint")
    (keys.path / name).chmod(loose)
    with pytest.raises(KeyPermissionError, match=remedy):
        keys.signing_key("checkpoint")


def test_what_it_signs_is_verified_by_its_public_half_alone(keys: KeyFolder) -> None:
    key = keys.signing_key("checkpoint")
    signature = key.sign(b"said")
    (public,) = keys.public_keys("checkpoint")
    assert public.verifies(signature, b"said")
    assert not public.verifies(signature, b"says")
    assert not public.verifies(signature[:-1], b"said")
    assert not keys.signing_key("release").public.verifies(signature, b"said")


def test_private_bytes_are_shown_nowhere(keys: KeyFolder) -> None:
    key = keys.signing_key("checkpoint")
    secret = key.private.private_bytes_raw()
    shown = repr(key) + repr(keys) + str(key) + repr(vars(keys)) + json.dumps(key.public.as_json())
    assert secret.hex() not in shown
    assert repr(secret) not in shown
    assert "private=" not in shown
    for path in keys.path.glob("*.pub"):
        assert secret not in path.read_bytes()


def test_a_damaged_key_is_named_and_not_shown(keys: KeyFolder) -> None:
    keys.signing_key("checkpoint")
    path = keys.path / "checkpoint.key"
    secret = path.read_text().splitlines()[1]
    path.write_text(path.read_text().replace(secret, secret[:-9] + "!" * 9))
    with pytest.raises(KeyFileError, match=r"checkpoint.key: no Ed25519") as told:
        keys.signing_key("checkpoint")
    assert secret[:20] not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"algorithm": "rsa"}', "[" * 10_000, '{"algorithm": "ed25519", "public": "AA=="}',
             '{"algorithm": "ed25519", "public": 3, "since": 4, "id": 5, "purpose": 6}']
)  # fmt: skip
def test_what_is_no_public_key_is_named(keys: KeyFolder, text: str) -> None:
    keys.signing_key("checkpoint")
    (keys.path / "other.pub").write_text(text)
    with pytest.raises(KeyFileError, match=r"other\.pub"):
        keys.public_keys()


@pytest.mark.parametrize("purpose", ["", "../escape", "Upper", "a/b", "a b", "a\n"])
def test_purposes_are_words(keys: KeyFolder, purpose: str) -> None:
    with pytest.raises(UnusableKeyError, match="no purpose"):
        keys.signing_key(purpose)


def test_a_rotated_key_signs_its_successor_and_is_gone(keys: KeyFolder) -> None:
    before = keys.signing_key("checkpoint")
    old, new = keys.rotate("checkpoint")
    after = keys.signing_key("checkpoint")
    assert (old, new) == (before.public, after.public)
    assert endorses(old, new)
    assert not endorses(new, old)
    assert not endorses(old, replace(new, purpose="release"))
    assert not endorses(old, replace(new, endorsement=new.acceptance))
    assert not endorses(keys.signing_key("release").public, new)
    assert [key.id for key in keys.public_keys("checkpoint")] == [old.id, new.id]
    assert before.private.private_bytes_raw() != after.private.private_bytes_raw()
    assert len(list(keys.path.glob("*.key"))) == 2


def test_a_public_key_survives_being_written(keys: KeyFolder) -> None:
    _, new = keys.rotate("checkpoint")
    assert PublicKey.from_json(json.loads(json.dumps(new.as_json()))) == new


def test_an_interrupted_first_use_is_made_good(keys: KeyFolder) -> None:
    key = keys.signing_key("checkpoint")
    next(keys.path.glob("*.pub")).unlink()
    assert keys.signing_key("checkpoint").id == key.id
    assert [public.id for public in keys.public_keys()] == [key.id]


def _first_use(path: Path, start: "threading.Barrier", found: "multiprocessing.SimpleQueue[str]") -> None:
    start.wait(30)
    found.put(KeyFolder(path).signing_key("checkpoint").id)


def test_two_processes_at_once_end_with_one_key(keys: KeyFolder) -> None:
    context = multiprocessing.get_context("fork")
    start, found = context.Barrier(4), context.SimpleQueue()
    processes = [context.Process(target=_first_use, args=(keys.path, start, found)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert {found.get() for _ in processes} == {keys.signing_key("checkpoint").id}
    assert len(list(keys.path.iterdir())) == 2


def test_two_rotations_at_once_make_a_line_of_three(keys: KeyFolder) -> None:
    keys.signing_key("checkpoint")
    threads = [threading.Thread(target=keys.rotate, args=("checkpoint",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    first, second, third = keys.public_keys("checkpoint")
    assert endorses(first, second)
    assert endorses(second, third)
    current = keys.signing_key("checkpoint")
    assert isinstance(current, SigningKey)
    assert current.public == third
