"""Signed notes and checkpoints as C2SP specifies them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), with Ed25519.

Rules:
- A note is text ending in a newline, an empty line, and signature lines `— NAME BASE64`; BASE64 holds four bytes of
  SHA-256(NAME || 0x0A || 0x01 || public key), then the signature over the text.
- A checkpoint's text is the origin, the tree's size in decimal, its root in Base64, then lines of extensions: here one,
  `time RFC3339`, when it was signed.
- The key's name is the origin. Signatures by other keys (of witnesses) are let be; one by a known key must be right.

Text in, values out: nothing here reads a file, a database or a clock.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from db.canonical import text_time
from services.provenance.keys import PublicKey, SigningKey

ED25519 = b"\x01"
LONGEST_NOTE = 64 * 1024
MOST_SIGNATURES = 100
_MARK = "\u2014 "


class NoteError(ValueError):
    """A text that is no signed note, or no checkpoint."""


@dataclass(frozen=True)
class Signature:
    name: str
    hash: bytes  # the first four bytes of the key's
    signature: bytes


@dataclass(frozen=True)
class Note:
    """`text` is what was signed, its last newline included."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says. `at` is None where it does not say when."""

    origin: str
    size: int
    root: bytes
    at: datetime | None = None

    def text(self) -> str:
        """The text to sign."""
        time = [f"time {text_time(self.at)}"] if self.at else []
        return "\n".join([self.origin, str(self.size), base64.b64encode(self.root).decode(), *time, ""])


def key_hash(name: str, raw: bytes) -> bytes:
    """The four bytes by which a note names a key."""
    return sha256(name.encode() + b"\n" + ED25519 + raw).digest()[:4]


def verifier_key(name: str, raw: bytes) -> str:
    """A public key as C2SP's tools take it: `NAME+HASH+BASE64`."""
    return f"{name}+{key_hash(name, raw).hex()}+{base64.b64encode(ED25519 + raw).decode()}"


def read_verifier_key(text: str) -> tuple[str, bytes]:
    """(name, raw public key). Raises NoteError."""
    try:
        name, hashed, encoded = text.strip().split("+", 2)
        data = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise NoteError("no verifier key; it looks like `name+1234abcd+ABase64`") from None
    if data[:1] != ED25519 or len(data) != 33 or key_hash(name, data[1:]).hex() != hashed:
        raise NoteError("no Ed25519 verifier key, or damaged")
    return name, data[1:]


def sign(text: str, name: str, key: SigningKey) -> str:
    """The signed note of `text`, which ends in a newline."""
    if not text.endswith("\n") or not name or "+" in name or any(char.isspace() for char in name):
        raise NoteError("a note's text ends in a newline, and its key's name holds no space and no plus sign")
    data = key_hash(name, key.public.raw) + key.sign(text.encode())
    return f"{text}\n{_MARK}{name} {base64.b64encode(data).decode()}\n"


def read_note(note: str) -> Note:
    """The parts of a note; its signatures are not checked. Raises NoteError."""
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or len(note) > LONGEST_NOTE or lines.pop() != "" or not 0 < len(lines) <= MOST_SIGNATURES:
        raise NoteError("no signed note")
    if any(ord(char) < 0x20 and char != "\n" for char in note):
        raise NoteError("a signed note holds no control characters")
    return Note(text + "\n", tuple(map(_signature, lines)))


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if not line.startswith(_MARK) or not name or "+" in name or len(data) < 5:
        raise NoteError("a line after the note's text is no signature")
    return Signature(name, data[:4], data[4:])


def read_tree_head(text: str) -> TreeHead:
    """The parts of a checkpoint's text. Raises NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise NoteError("no checkpoint: it has origin, size and root, a line each")
    origin, size, encoded, *extensions = lines
    try:
        root = base64.b64decode(encoded, validate=True)
        times = [datetime.fromisoformat(line.removeprefix("time ")) for line in extensions if line.startswith("time ")]
    except (ValueError, binascii.Error):
        raise NoteError("no checkpoint: its root or time cannot be read") from None
    plain = size.isascii() and size.isdecimal() and len(size) <= 18 and str(int(size)) == size
    if not plain or len(root) != 32 or any(at.tzinfo is None for at in times):
        raise NoteError("no checkpoint: its size, root or time is wrong")
    return TreeHead(origin, int(size), root, times[0] if times else None)


def signers(note: Note, name: str, keys: Iterable[PublicKey]) -> tuple[list[PublicKey], bool]:
    """(the known keys that signed the note under `name`, whether some signature of a known key is wrong)."""
    known = {key_hash(name, key.raw): key for key in keys}
    found, wrong = [], False
    for signature in note.signatures:
        key = known.get(signature.hash) if signature.name == name else None
        if key is None:
            continue
        if key.verifies(signature.signature, note.text.encode()):
            found.append(key)
        else:
            wrong = True
    return found, wrong
