"""Short real files, a claim, and certificates for the tests of credentials."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from PIL import Image

from services.provenance.credentials import Claim

SOUNDS = ("wav", "flac", "mp3", "ogg", "opus")
EMBEDDED = ("wav", "flac", "mp3", "png")
BESIDE = ("ogg", "opus", "mid")
KINDS = (*EMBEDDED, *BESIDE)
_SUBTYPES = {
    "wav": ("WAV", "PCM_24"), "flac": ("FLAC", "PCM_24"), "mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}  # fmt: skip
CLAIM = Claim(
    take_id="7a" * 32, title="Exploration – Höhle 1", generator="composer", revision="3", prompt_sha256="01" * 32,
    source_type="algorithmicMedia", licence="Apache-2.0", catalog="demo", producer="Studio Äther",
    created_at=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC), master_sha256="02" * 32, isrc="QM-ABC-26-00001",
)  # fmt: skip
TRAINED = replace(CLAIM, source_type="trainedAlgorithmicMedia", generator="facebook/musicgen-small")


def sample(folder: Path, kind: str, seconds: float = 0.5) -> Path:
    """An unsigned file of a kind."""
    place = folder / f"source.{kind}"
    if kind == "png":
        Image.new("RGB", (8, 8), (9, 60, 200)).save(place)
    elif kind == "mid":
        place.write_bytes(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    else:
        noise = np.random.default_rng(5).standard_normal((int(48000 * seconds), 2)) * 0.1
        format_, subtype = _SUBTYPES[kind]
        soundfile.write(place, noise, 48000, format=format_, subtype=subtype)
    return place


def samples_of(path: Path) -> Any:
    """The decoded sound as int32 (frames, channels)."""
    return soundfile.read(path, dtype="int32", always_2d=True)[0]


def flipped(path: Path, at: int) -> Path:
    """The file with one bit of byte `at` turned over, from the end where negative."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


def make_key(kind: str = "P-256") -> Any:
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "K": ec.SECP256K1()}[kind])


def own_chain(
    folder: Path, key: Any, *, usage: x509.ObjectIdentifier | None = x509.ExtendedKeyUsageOID.EMAIL_PROTECTION,
    start: datetime | None = None, until: datetime | None = None, name: str = "own", authority: Any = None,
) -> tuple[Path, Path, Path]:  # fmt: skip
    """A user's chain (leaf, root), its key and its root, as PEM files of some authority that is not ours."""
    start = start or datetime.now(UTC) - timedelta(hours=1)
    until = until or datetime.now(UTC) + timedelta(days=30)
    authority = authority or make_key()
    root = _certificate("Some authority", "Some authority", authority, authority, start, until, None)
    leaf = _certificate("Studio signer", "Some authority", key, authority, start, until, usage)
    chain, secret, anchor = (folder / f"{name}-{part}.pem" for part in ("chain", "key", "root"))
    chain.write_bytes(leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    anchor.write_bytes(root.public_bytes(Encoding.PEM))
    secret.write_bytes(key_pem(key))
    return chain, secret, anchor


def own_pair(folder: Path) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
    """Chain and key of two signers of the same authority."""
    authority = make_key()
    first, second = (own_chain(folder, make_key(), name=name, authority=authority)[:2] for name in ("mine", "theirs"))
    return first, second


def key_pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def _certificate(
    subject: str, issuer: str, key: Any, signing: Any, start: datetime, until: datetime,
    usage: x509.ObjectIdentifier | None,
) -> x509.Certificate:  # fmt: skip
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text),
                          x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Studio")])  # fmt: skip

    root = subject == issuer
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(until)
        .add_extension(x509.BasicConstraints(root, 0 if root else None), critical=True)
        .add_extension(x509.KeyUsage(not root, False, False, False, False, root, root, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )  # fmt: skip
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(signing, hashes.SHA256())
