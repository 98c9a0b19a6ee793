"""Who signs: a certificate chain with its algorithm, checked before anything is signed with it.

Holds public certificates only; private keys stay with the signers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from services.provenance.credentials.errors import CredentialsError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"  # C2PA's own extended key usage
_EMAIL_PROTECTION, _DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"
_USAGES = {_CLAIM_SIGNING, _EMAIL_PROTECTION, _DOCUMENT_SIGNING}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True)
class Identity:
    """A certificate chain, leaf first, as PEM. `where` names it in messages; `remedy` says what to do on expiry."""

    chain: tuple[bytes, ...]
    where: str
    remedy: str
    time_stamp_url: str | None = None

    @cached_property
    def leaf(self) -> "Certificate":
        from cryptography import x509

        return x509.load_pem_x509_certificate(self.chain[0])

    @cached_property
    def algorithm(self) -> str:
        """C2PA's name of the signature algorithm that the leaf's key has."""
        return algorithm_of(self.leaf.public_key(), self.where)

    @property
    def pem(self) -> str:
        return b"".join(self.chain).decode()

    @property
    def name(self) -> str:
        return common_name(self.leaf)

    def check_time(self, now: datetime) -> None:
        """Raises CredentialsError when `now` is outside the validity of a certificate of the chain."""
        from cryptography import x509

        for pem in self.chain:
            certificate = x509.load_pem_x509_certificate(pem)
            who = f"{self.where}: the certificate of {common_name(certificate)!r}"
            if now > certificate.not_valid_after_utc:
                until = certificate.not_valid_after_utc
                raise CredentialsError(f"{who} expired on {until:%Y-%m-%d %H:%M} UTC; {self.remedy}")
            if now < certificate.not_valid_before_utc:
                start = certificate.not_valid_before_utc
                raise CredentialsError(
                    f"{who} is valid only from {start:%Y-%m-%d %H:%M} UTC, and the clock says {now:%Y-%m-%d %H:%M}; "
                    "set the clock right"
                )


def identity_of(pem: bytes, where: str, remedy: str, time_stamp_url: str | None) -> Identity:
    """The identity of a chain in PEM, leaf first; extra text and keys in it are passed over.

    Raises CredentialsError when a link is missing or the leaf may not sign content."""
    certificates = load_chain(pem, where)
    check_chain(certificates, where)
    chain = tuple(to_pem(certificate) for certificate in certificates)
    return Identity(chain, where, remedy, check_url(time_stamp_url))


def load_chain(pem: bytes, where: str) -> "list[Certificate]":
    """Every certificate in a PEM text. Raises CredentialsError when there is none, or one that is no certificate."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion):
        raise CredentialsError(f"{where}: holds no certificate in PEM; give the chain, leaf first") from None


def check_chain(chain: "Sequence[Certificate]", where: str) -> None:
    """Raises CredentialsError unless `chain` runs from a leaf that may sign content up to its issuers."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    leaf = chain[0]
    _check_readable(chain, where)
    if leaf.issuer == leaf.subject:
        raise CredentialsError(
            f"{where}: the first certificate is self-signed; C2PA wants a leaf that an authority signed"
        )
    for below, above in zip(chain, chain[1:], strict=False):
        try:
            below.verify_directly_issued_by(above)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            raise CredentialsError(
                f"{where}: {common_name(below)!r} is not signed by {common_name(above)!r}; "
                "put the leaf first, then each issuer"
            ) from None
    try:
        usages = {usage.dotted_string for usage in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    except x509.ExtensionNotFound:
        usages = set()
    if not usages & _USAGES:
        raise CredentialsError(
            f"{where}: the leaf's extended key usage allows no content signing; "
            "ask for one with emailProtection or C2PA claim signing"
        )


def _check_readable(chain: "Sequence[Certificate]", where: str) -> None:
    """Raises CredentialsError where what is asked of a certificate cannot be read. Names, key and extensions are read
    when they are asked for, not when a certificate is loaded."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    leaf = chain[0]
    try:
        _ = [certificate.subject for certificate in chain], leaf.issuer, leaf.extensions, leaf.public_key()
    except (
        UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError, TypeError
    ) as error:  # fmt: skip
        raise CredentialsError(
            f"{where}: a certificate cannot be read ({type(error).__name__}); ask its issuer for another one"
        ) from None


def algorithm_of(key: object, where: str) -> str:
    """C2PA's algorithm for a public key. Raises CredentialsError for a kind of key that C2PA does not know."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ED25519"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return "PS256"
    raise CredentialsError(
        f"{where}: a kind of key that C2PA does not take; use P-256, P-384, P-521, Ed25519, or RSA from 2048 bits"
    )


def check_url(url: str | None) -> str | None:
    """The URL itself. Raises CredentialsError when it is no HTTP address."""
    if url is not None and not url.startswith(("http://", "https://")):
        raise CredentialsError(f"time-stamp authority {url!r}: write an address that begins with http:// or https://")
    return url


def common_name(certificate: "Certificate") -> str:
    from cryptography.x509 import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def to_pem(certificate: "Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
