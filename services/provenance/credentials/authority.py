"""The local certificate authority: a root and a leaf in one folder, made on first use, renewed by themselves.

Without a time-stamp authority a signature can be checked only while its leaf is valid. So a leaf is valid for ten
years, but signs for one: then a new one, with a new key, takes over, and every file stays checkable for nine years.
Rotating the authority replaces the root's key; its certificate is kept, so that what it signed stays known as ours.
Private keys are in two files of mode 0600 and nowhere else: never in a message, a log or a database.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.identity import Identity, check_url, common_name, to_pem
from services.storage.whole import whole_file

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateBuilder

ROOT, LEAF, ROOTS, SIGNERS = "root.pem", "leaf.pem", "roots", "signers"
ROOT_VALID, LEAF_VALID, LEAF_SIGNS = timedelta(days=30 * 365), timedelta(days=10 * 365), timedelta(days=365)
_SKEW = timedelta(minutes=5)  # what clocks of two machines may differ
ROTATE = "run `cueworks keys rotate c2pa`"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pair:
    """A private key object and its certificate; its text never shows the key."""

    key: Any
    certificate: "Certificate"

    def __repr__(self) -> str:
        return f"Pair({common_name(self.certificate)!r})"


class LocalAuthority:
    """A Signer whose root and leaf live in `folder` (0700). `now` is the clock, for tests.

    Raises CredentialsError when the folder's files cannot be used; OSError goes through."""

    def __init__(
        self, folder: Path, time_stamp_url: str | None = None, now: Callable[[], datetime] = utc_now,
        leaf_valid: timedelta = LEAF_VALID, leaf_signs: timedelta = LEAF_SIGNS,
    ) -> None:  # fmt: skip
        self._folder, self._now = folder, now
        self._time_stamp_url = check_url(time_stamp_url)
        self._leaf_valid, self._leaf_signs = leaf_valid, leaf_signs
        self._leaf, self._root, self._stamp = self._ready()

    def identity(self) -> Identity:
        """The chain to sign with now; a leaf that is due is renewed first, one renewed elsewhere is read again."""
        if _stamp(self._folder) != self._stamp or self._due(self._leaf):
            self._leaf, self._root, self._stamp = self._ready()
        chain = (to_pem(self._leaf.certificate), to_pem(self._root))
        return Identity(chain, str(self._folder / LEAF), ROTATE, self._time_stamp_url)

    def sign(self, data: bytes) -> bytes:
        from services.provenance.credentials.signatures import sign

        return sign(self._leaf.key, data)

    def _due(self, leaf: Pair) -> bool:
        start, end = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
        return self._now() >= min(start + self._leaf_signs, end)

    def _ready(self) -> "tuple[Pair, Certificate, tuple[int, ...]]":
        with _held(self._folder):
            root = _read_pair(self._folder / ROOT) or _make_root(self._folder, self._now())
            leaf = _read_pair(self._folder / LEAF)
            if leaf is None or self._due(leaf) or not _issued(leaf.certificate, root.certificate):
                leaf = _make_leaf(self._folder, root, self._now(), self._leaf_valid)
            return leaf, root.certificate, _stamp(self._folder)


def rotate(folder: Path, now: datetime | None = None) -> str:
    """Replace the authority's key and certificate, and the leaf's; returns the new root's SHA-256 fingerprint.

    The old root's certificate stays in `folder`/roots, so that files signed before remain ours; its key is gone."""
    with _held(folder):
        moment = now or utc_now()
        root = _make_root(folder, moment)
        _make_leaf(folder, root, moment, LEAF_VALID)
        return fingerprint(root.certificate)


def roots(folder: Path) -> tuple[bytes, ...]:
    """The certificates (PEM) of every root that this folder ever had; makes nothing."""
    return _certificates(folder / ROOTS)


def known_signers(folder: Path) -> tuple[bytes, ...]:
    """The chains (PEM, leaf first) of the user's own signers that `remember` was told of."""
    return _certificates(folder / SIGNERS)


def remember(folder: Path, identity: Identity) -> None:
    """Note that `identity`, whose issuer is not ours, signs for us: files it signed are told as ours."""
    place = folder / SIGNERS / f"{fingerprint(identity.leaf)}.pem"
    if not place.is_file():
        _make_folder(folder)
        write_private(place, identity.pem.encode())


def fingerprint(certificate: "Certificate") -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def write_private(place: Path, data: bytes) -> None:
    """Replace a file whole, with mode 0600 from the first byte; its folder is made if missing."""
    _make_folder(place.parent)
    with whole_file(place, 0o600) as part:
        part.write_bytes(data)


def _certificates(folder: Path) -> tuple[bytes, ...]:
    if not folder.is_dir():
        return ()
    _check_folder(folder.parent)
    _check_folder(folder)
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.pem")))


def _make_folder(folder: Path) -> None:
    """The folder, and those above it that are missing, for nobody else; `parents=True` would leave these to umask."""
    if not folder.parent.is_dir():
        _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _check_folder(folder: Path) -> None:
    """Raises CredentialsError where others may put files of theirs, which would be told as ours."""
    about = folder.stat()
    if about.st_mode & 0o022:
        raise CredentialsError(f"{folder}: others may write it; look through its files, then run `chmod 700 {folder}`")
    if about.st_uid not in (os.geteuid(), 0):
        raise CredentialsError(f"{folder}: belongs to another user; set CUEWORKS_KEYS to a folder of your own")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the folder for the block: of two processes, the second waits and finds what the first made."""
    _make_folder(folder)
    for place in (folder, folder / ROOTS):
        if place.is_dir():
            _check_folder(place)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when the leaf is replaced."""
    try:
        status = (folder / LEAF).stat()
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read_pair(place: Path) -> Pair | None:
    """The key and certificate of a file; None where there is no file."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not place.exists():
        return None
    if place.stat().st_mode & 0o077:
        raise CredentialsError(f"{place}: others may read this private key; run `chmod 600 {place}`, then {ROTATE}")
    data = place.read_bytes()
    try:
        pair = Pair(load_pem_private_key(data, None), x509.load_pem_x509_certificate(data))
    except (ValueError, TypeError):
        raise CredentialsError(f"{place}: damaged; restore it from a backup, or remove it and {ROTATE}") from None
    if pair.key.public_key() != pair.certificate.public_key():
        raise CredentialsError(f"{place}: key and certificate do not belong together; {ROTATE}")
    return pair


def _issued(leaf: "Certificate", root: "Certificate") -> bool:
    try:
        leaf.verify_directly_issued_by(root)
    except Exception:  # whatever is wrong with it, it is not ours
        return False
    return True


def _make_root(folder: Path, now: datetime) -> Pair:
    key = _new_key()
    number = f"{int.from_bytes(os.urandom(4), 'big'):08x}"
    name = _name(f"Cueworks local authority {number}")
    builder = _builder(name, name, key, now, now + ROOT_VALID)
    pair = Pair(key, _signed(builder, key, key, authority=True))
    write_private(folder / ROOTS / f"{fingerprint(pair.certificate)}.pem", to_pem(pair.certificate))
    write_private(folder / ROOT, _both(pair))
    return pair


def _make_leaf(folder: Path, root: Pair, now: datetime, valid: timedelta) -> Pair:
    until = min(now + valid, root.certificate.not_valid_after_utc)
    if until <= now:
        raise CredentialsError(
            f"{folder / ROOT}: the local certificate authority expired on {until:%Y-%m-%d %H:%M} UTC; {ROTATE}"
        )
    key = _new_key()
    builder = _builder(_name("Cueworks local signer"), root.certificate.subject, key, now, until)
    pair = Pair(key, _signed(builder, key, root.key, authority=False))
    write_private(folder / LEAF, _both(pair))
    return pair


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> Any:
    from cryptography import x509

    attributes = ((x509.NameOID.COMMON_NAME, common), (x509.NameOID.ORGANIZATION_NAME, "Cueworks"))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])


def _builder(subject: Any, issuer: Any, key: Any, now: datetime, until: datetime) -> "CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - _SKEW).not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )  # fmt: skip


def _signed(builder: "CertificateBuilder", key: Any, issuer: Any, authority: bool) -> "Certificate":
    """The certificate with the extensions that C2PA's profile asks of a root or of a leaf."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    usage = x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = builder.add_extension(x509.BasicConstraints(authority, 0 if authority else None), critical=True)
    builder = builder.add_extension(usage, critical=True).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
    )
    if not authority:
        allowed = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(allowed, critical=False)
    return builder.sign(issuer, hashes.SHA256())


def _both(pair: Pair) -> bytes:
    """Certificate and key in one file, so that no reader ever finds a key beside another one's certificate."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return to_pem(pair.certificate) + pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
