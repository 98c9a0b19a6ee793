"""Signatures over manifests: only of the very manifest, only by a known key, and never anything else than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.errors import DeliveryError
from services.delivery.vouching import Vouched, key_of, statement, vouched
from services.provenance.keys import KeyFolder, SigningKey
from services.provenance.notes import NoteError, read_tree_head, sign, verifier_key

MANIFEST = b'{"format":"cueworks release v1"}'
NAME = "cueworks/studio"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return KeyFolder(tmp_path_factory.mktemp("k") / "keys").signing_key("checkpoint")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return KeyFolder(tmp_path_factory.mktemp("s") / "keys").signing_key("checkpoint")


def note(key: SigningKey, text: str = statement(MANIFEST)) -> bytes:
    return sign(text, NAME, key).encode()


def test_a_known_key_vouches_for_its_manifest(key: SigningKey) -> None:
    assert vouched(MANIFEST, note(key), [key.public]) == Vouched(by=key.id)
    assert vouched(MANIFEST, note(key), [key_of(verifier_key(NAME, key.public.raw))]).by == key.id


def test_an_unknown_key_vouches_for_nothing(key: SigningKey, stranger: SigningKey) -> None:
    assert vouched(MANIFEST, note(stranger), [key.public]) == Vouched()


def test_another_manifest_or_statement_is_told(key: SigningKey) -> None:
    assert vouched(MANIFEST + b" ", note(key), [key.public]).fault == "signs another manifest"
    assert vouched(MANIFEST, note(key, "hello\n"), [key.public]).fault == "signs another manifest"


def test_a_borrowed_signature_is_told(key: SigningKey, stranger: SigningKey) -> None:
    other = note(key, "hello\n").rpartition(b"\n\n")[2]
    borrowed = statement(MANIFEST).encode() + b"\n" + other
    assert "wrong signature" in str(vouched(MANIFEST, borrowed, [key.public]).fault)
    both = note(stranger) + other
    assert "wrong signature" in str(vouched(MANIFEST, both, [key.public, stranger.public]).fault)


def test_a_release_is_no_checkpoint() -> None:
    with pytest.raises(NoteError):
        read_tree_head(statement(MANIFEST))


@given(data=st.binary(max_size=300))
def test_any_bytes_are_no_signature(data: bytes, key: SigningKey) -> None:
    assert vouched(MANIFEST, data, [key.public]).fault is not None


@pytest.mark.parametrize("text", ["", "a+b+c", "hello", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(DeliveryError, match=r"--key.*KEY\.vkey"):
        key_of(text)
