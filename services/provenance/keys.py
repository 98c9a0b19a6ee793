"""The keys that sign: one Ed25519 key a purpose, in a folder of its own, made when it is first needed.

Rules:
- Private bytes leave the folder only as key objects of `cryptography`: they are in no database, log, error or `repr`.
- The folder is 0700, private files 0600. Wider ones are refused with the remedy, since what others could read may
  have been read.
- A file appears whole or not at all; of two processes that make the first key at once, both end up with the same one.
- A rotated key's public half stays, so that what it signed can be checked for ever; its private half is gone. The old
  key signs the new one, so that who trusts the old may trust the new.

`PURPOSE.key` is the private key of today (PKCS 8, PEM); `PURPOSE-ID.pub` a public key ever used (JSON). A public key
from elsewhere is trusted once its file is put there.
"""

import base64
import binascii
import contextlib
import fcntl
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.storage.whole import whole_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "ed25519"
STATEMENT = "cueworks key rotation v1"
_PURPOSE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LARGEST = 64 * 1024


class UnusableKeyError(ValueError):
    """A key that cannot be used; the message names its file and the remedy."""


class KeyFileError(UnusableKeyError):
    """A file of the key folder is damaged, or of another kind."""


class KeyPermissionError(UnusableKeyError):
    """Others may read or write the keys."""


@dataclass(frozen=True)
class PublicKey:
    """A public key: `raw` its 32 bytes (RFC 8032), `id` the first 16 hex digits of their SHA-256.

    `since` is when it was made; `previous` the id of the key it took the place of and `endorsement` that key's
    signature over `rotation_statement`; `acceptance` the new key's own."""

    purpose: str
    raw: bytes
    since: datetime
    previous: str | None = None
    endorsement: bytes | None = None
    acceptance: bytes | None = None

    @property
    def id(self) -> str:
        return key_id(self.raw)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over `message` (RFC 8032, pure Ed25519)."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back."""
        return {
            "algorithm": ALGORITHM,
            "id": self.id,
            "purpose": self.purpose,
            "public": _text(self.raw),
            "since": self.since.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "previous": self.previous,
            "endorsement": _text(self.endorsement),
            "acceptance": _text(self.acceptance),
        }

    @classmethod
    def from_json(cls, data: Any) -> "PublicKey":
        """Raises ValueError where `data` is no public key, or not the one its id says."""
        try:
            if data["algorithm"] != ALGORITHM:
                raise ValueError(f"algorithm {data['algorithm']!r} is not {ALGORITHM}")
            raw, since = _bytes(data["public"]), datetime.fromisoformat(data["since"])
            if raw is None or len(raw) != 32 or data["id"] != key_id(raw) or since.tzinfo is None:
                raise ValueError("its id, time or length is wrong")
            signatures = _bytes(data.get("endorsement")), _bytes(data.get("acceptance"))
            return cls(str(data["purpose"]), raw, since, data.get("previous"), *signatures)
        except (TypeError, LookupError, AttributeError, binascii.Error) as error:
            raise ValueError(f"no public key ({type(error).__name__})") from None


@dataclass(frozen=True)
class SigningKey:
    """A key that signs. `private` is `cryptography`'s own object."""

    public: PublicKey
    private: "Ed25519PrivateKey" = field(repr=False)

    @property
    def id(self) -> str:
        return self.public.id

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature; the same message gives the same ones."""
        return self.private.sign(message)


def key_id(raw: bytes) -> str:
    """The id of a raw public key."""
    return sha256(raw).hexdigest()[:16]


def rotation_statement(purpose: str, old: bytes, new: bytes, since: datetime) -> bytes:
    """What both keys sign when `new` takes the place of `old` (raw public keys)."""
    at = since.astimezone(UTC).isoformat(timespec="microseconds")
    return "\n".join((STATEMENT, purpose, _text(old) or "", _text(new) or "", at, "")).encode()


def endorses(old: PublicKey, new: PublicKey) -> bool:
    """Whether `old` signed that `new` takes its place, and `new` too."""
    if new.previous != old.id or new.purpose != old.purpose or not (new.endorsement and new.acceptance):
        return False
    statement = rotation_statement(new.purpose, old.raw, new.raw, new.since)
    return old.verifies(new.endorsement, statement) and new.verifies(new.acceptance, statement)


class KeyFolder:
    """The keys in a folder. Opening it creates nothing; asking for a signing key does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"KeyFolder({str(self.path)!r})"

    def signing_key(self, purpose: str) -> SigningKey:
        """The key of today for `purpose`, made if there is none.

        Raises KeyPermissionError, KeyFileError; OSError where the folder cannot be written."""
        place = self._private_path(purpose)
        self._make_folder()
        if not place.exists():
            _publish(place, _pem(_new_private()), 0o600)
        return self._load(purpose, place)

    def rotate(self, purpose: str) -> tuple[PublicKey, PublicKey]:
        """Put a new key in the place of today's (made first if there is none); returns the old and the new one.

        Raises as `signing_key` does. Two at once rotate one after the other."""
        with self._locked():
            old = self.signing_key(purpose)
            private = _new_private()
            new = _endorsed(old, private)
            self._publish_public(new)
            with whole_file(self._private_path(purpose), 0o600) as part:
                part.write_bytes(_pem(private))
        return old.public, new

    def public_keys(self, purpose: str | None = None) -> tuple[PublicKey, ...]:
        """Every public key of the folder (of one purpose), oldest first; none where there is no folder.

        Raises KeyFileError for a file that is no public key."""
        found = [self._read_public(path) for path in sorted(self.path.glob("*.pub"))]
        return tuple(sorted((k for k in found if purpose in (None, k.purpose)), key=lambda k: (k.since, k.id)))

    def current(self, purpose: str) -> PublicKey | None:
        """The public half of today's key; None where there is none yet. Creates nothing."""
        return self.signing_key(purpose).public if self._private_path(purpose).exists() else None

    def lineage(self, last: PublicKey) -> tuple[PublicKey, ...]:
        """A key and those that it and its predecessors took the place of, oldest first. A rotation that was interrupted
        leaves a public key without a private one: that one leads nowhere. Raises KeyFileError."""
        by_id = {key.id: key for key in self.public_keys(last.purpose)}
        found, key = dict[str, PublicKey](), by_id.get(last.id, last)
        while key.id not in found:
            found[key.id] = key
            key = by_id.get(key.previous or "", key)
        return tuple(found.values())[::-1]

    def purposes(self) -> list[str]:
        """The purposes there are keys for."""
        return sorted({key.purpose for key in self.public_keys()})

    def _private_path(self, purpose: str) -> Path:
        if not _PURPOSE.fullmatch(purpose):
            raise UnusableKeyError(f"{purpose!r} is no purpose of a key; write a lower-case word")
        return self.path / f"{purpose}.key"

    def _make_folder(self) -> None:
        if not self.path.is_dir():
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_private(self.path, self.path.stat(), "700")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._make_folder()
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _load(self, purpose: str, place: Path) -> SigningKey:
        private, made = _read_private(place)
        raw = private.public_key().public_bytes_raw()
        path = self.path / f"{purpose}-{key_id(raw)}.pub"
        if not path.exists():  # its maker was interrupted, or is at it
            self._publish_public(PublicKey(purpose, raw, made))
        return SigningKey(self._read_public(path), private)

    def _publish_public(self, key: PublicKey) -> None:
        text = json.dumps(key.as_json(), indent=2, sort_keys=True) + "\n"
        _publish(self.path / f"{key.purpose}-{key.id}.pub", text.encode(), 0o644)

    def _read_public(self, path: Path) -> PublicKey:
        try:
            with path.open("rb") as file:
                return PublicKey.from_json(json.loads(file.read(_LARGEST)))
        except (ValueError, RecursionError) as error:
            raise KeyFileError(f"{path}: {error}; put the right file back, or move it away") from None


def _endorsed(old: SigningKey, private: "Ed25519PrivateKey") -> PublicKey:
    raw, since = private.public_key().public_bytes_raw(), datetime.now(UTC)
    statement = rotation_statement(old.public.purpose, old.public.raw, raw, since)
    return PublicKey(old.public.purpose, raw, since, old.id, old.sign(statement), private.sign(statement))


def _new_private() -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def _pem(private: "Ed25519PrivateKey") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_private(place: Path) -> tuple["Ed25519PrivateKey", datetime]:
    """The key, and when its file was made. What is wrong with its bytes is never told in detail."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with place.open("rb") as file:
        about = os.fstat(file.fileno())
        _check_private(place, about, "600")
        data = file.read(_LARGEST)
    try:
        private = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        remedy = "put a copy back, or move it away and a new key is made"
        raise KeyFileError(f"{place}: no Ed25519 private key in PKCS 8 PEM; {remedy}")
    return private, datetime.fromtimestamp(about.st_mtime, UTC)


def _check_private(path: Path, about: os.stat_result, mode: str) -> None:
    loose = stat.S_IMODE(about.st_mode) & 0o077
    if loose:
        what = f"{path}: others may use it (mode {stat.S_IMODE(about.st_mode):03o})"
        rotate = "; if somebody may have read it, run `cueworks keys rotate` then"
        raise KeyPermissionError(f"{what}; run `chmod {mode} {path}`{rotate}")
    if about.st_uid not in (os.geteuid(), 0):
        raise KeyPermissionError(f"{path}: belongs to another user; set CUEWORKS_KEYS to a folder of your own")


def _publish(path: Path, data: bytes, mode: int) -> None:
    """Write a whole file under its name, unless there is one: the first one stays, whoever wrote it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temp = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temp)
    finally:
        temp.unlink(missing_ok=True)


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
