"""Signed notes and checkpoints: Go's own example, and everything that is not quite one refused."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provenance.keys import KeyFolder, PublicKey, SigningKey
from services.provenance.notes import (
    NoteError,
    TreeHead,
    key_hash,
    read_note,
    read_tree_head,
    read_verifier_key,
    sign,
    signers,
    verifier_key,
)

# The example of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n\u2014 PeterNeumann {SIGNATURE}\n"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
HEAD = TreeHead("cueworks/" + "ab" * 16, 7, bytes(range(32)), SINCE)


@pytest.fixture
def peter() -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(PRIVATE)
    return SigningKey(PublicKey("checkpoint", private.public_key().public_bytes_raw(), SINCE), private)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return KeyFolder(tmp_path / "keys").signing_key("checkpoint")


def test_notes_and_keys_are_those_of_other_tools(peter: SigningKey) -> None:
    name, raw = read_verifier_key(PETER)
    assert (name, raw) == ("PeterNeumann", peter.public.raw)
    assert verifier_key(name, raw) == PETER
    assert sign(TEXT, name, peter) == NOTE
    note = read_note(NOTE)
    assert note.text == TEXT
    assert signers(note, name, [peter.public]) == ([peter.public], False)


def test_a_checkpoint_says_what_was_signed(key: SigningKey) -> None:
    note = sign(HEAD.text(), HEAD.origin, key)
    lines = note.split("\n")
    assert lines[:2] == [HEAD.origin, "7"]
    assert lines[3] == "time 2026-03-01T00:00:00.000000Z"
    assert read_tree_head(read_note(note).text) == HEAD


def test_signatures_of_strangers_are_let_be_and_wrong_ones_are_not(key: SigningKey, peter: SigningKey) -> None:
    note = sign(HEAD.text(), HEAD.origin, key)
    witnessed = note + sign(HEAD.text(), "witness.example", peter).rpartition("\n\n")[2]
    assert signers(read_note(witnessed), HEAD.origin, [key.public]) == ([key.public], False)
    assert signers(read_note(note), HEAD.origin, [peter.public]) == ([], False)
    assert signers(read_note(note), "another/origin", [key.public]) == ([], False)
    changed = note.replace("\n7\n", "\n8\n")
    assert signers(read_note(changed), HEAD.origin, [key.public]) == ([], True)


def test_a_name_is_part_of_the_key(key: SigningKey) -> None:
    assert key_hash("a", key.public.raw) != key_hash("b", key.public.raw)
    assert len(key_hash("a", key.public.raw)) == 4


@pytest.mark.parametrize(
    "text",
    ["", "\n", "text\n", "text\n\n", "text\n\n\u2014 name AAAA\n", TEXT + "\n\u2014 a+b AAAAAAAA\n",
     TEXT + "\n- name AAAAAAAA\n", NOTE[:-1], NOTE + "x", NOTE.replace("\u2014 ", "\u2014"), "a\x00b" + NOTE,
     "a\tb" + NOTE, TEXT + "\n" + NOTE.split("\n\n")[1] * 101, "x" * 70_000 + "\n" + NOTE],
)  # fmt: skip
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_note(text)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    ["", "o\n1\n", f"o\n1\n{ROOT}", f"o\n01\n{ROOT}\n", f"o\n-1\n{ROOT}\n", f"o\n1e3\n{ROOT}\n", f"o\n\u0661\n{ROOT}\n",
     f"o\n{'9' * 19}\n{ROOT}\n", "o\n1\nAAAA\n", f"o\n1\n{ROOT}x\n", f"o\n1\n{ROOT}\ntime yesterday\n",
     f"o\n1\n{ROOT}\ntime 2026-03-01T00:00:00\n", f"o\n1\n{ROOT}\n\nmore\n", f"\n1\n{ROOT}\n"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_tree_head(text)


@given(st.text(), st.binary())
def test_hostile_texts_are_refused_and_nothing_worse(text: str, data: bytes) -> None:
    for read in (read_note, read_tree_head, read_verifier_key):
        for tried in (text, data.decode("latin-1"), NOTE + text, text + PETER):
            try:
                read(tried)
            except NoteError:
                continue


@pytest.mark.parametrize(("text", "name"), [("no newline", "a"), ("a\n", ""), ("a\n", "a b"), ("a\n", "a+b")])
def test_what_would_be_no_note_is_not_signed(key: SigningKey, text: str, name: str) -> None:
    with pytest.raises(NoteError):
        sign(text, name, key)


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", PETER.replace("c74f", "c74e"), PETER[:-4]])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_verifier_key(text)
